-- What retention looks for among the ledger's entries.
CREATE INDEX order_entry_closed ON order_entry (closed_at) WHERE closed_at IS NOT NULL;
