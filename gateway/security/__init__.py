"""TLS, tokens, secrets and roles."""
