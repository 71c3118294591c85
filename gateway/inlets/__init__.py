"""Inlets of the gateway's own: what callers of its HTTP paths may send, and what they are told."""
