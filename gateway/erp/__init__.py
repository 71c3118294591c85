"""The cloud ERPs as destinations: pure targets, and the one sink that speaks HTTP for them."""
