"""The canonical documents: what every format is translated to and from."""
