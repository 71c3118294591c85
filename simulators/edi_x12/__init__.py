"""An X12 partner to rehearse with: its documents, and its part of the demo."""
