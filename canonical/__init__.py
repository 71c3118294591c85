"""The canonical documents: what every adapter translates to and from. Imports nothing of ours."""
