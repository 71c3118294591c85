-- A move that was agreed to and never began waits for a person. NULL: it does not (any more).
ALTER TABLE order_move ADD COLUMN parked_at INTEGER;
CREATE INDEX order_move_parked ON order_move (parked_at) WHERE parked_at IS NOT NULL;
