"""The durable store: what was accepted, decided, attempted and answered."""
