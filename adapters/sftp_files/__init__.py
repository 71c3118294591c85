"""Pickup and delivery of files, and the flat files among them."""
