"""What commands do, over the journal."""
