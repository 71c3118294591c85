"""The demo's three cloud ERPs beside each other: the same orders, three numbers."""
