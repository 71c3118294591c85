"""Reserved for database outbox feeds and write-back; this adapter is not built yet."""
