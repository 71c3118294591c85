"""One folder per legacy format or transport, and beside them what they share."""
