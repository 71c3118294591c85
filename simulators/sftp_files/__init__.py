"""Folders that a legacy system fills and empties, and their part of the demo."""
