"""A system that keeps orders: legacy or cloud ERP. It creates, shows and closes them."""
