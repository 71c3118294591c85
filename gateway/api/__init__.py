"""The HTTP endpoints of the gateway, mounted on its one application."""
