-- Orders that move from one side to the other. moving_to: on its way there. is_divided: the side it was on
-- before has received goods that are not invoiced yet.
ALTER TABLE order_entry ADD COLUMN moving_to TEXT;
ALTER TABLE order_entry ADD COLUMN is_divided INTEGER NOT NULL DEFAULT 0;
-- Who sends this to the supplier, where other than the ledger says; NULL: as the ledger says.
ALTER TABLE delivery ADD COLUMN transmitter TEXT;

-- message: NULL until it has begun.
CREATE TABLE order_move (
    number INTEGER PRIMARY KEY,
    move_id TEXT NOT NULL UNIQUE,
    order_key TEXT NOT NULL,
    route TEXT NOT NULL,
    was TEXT NOT NULL,
    moves_to TEXT NOT NULL,
    batch TEXT NOT NULL,
    state TEXT NOT NULL,
    asked_by TEXT NOT NULL,
    asked_at INTEGER NOT NULL,
    why TEXT NOT NULL,
    agreed_by TEXT,
    agreed_at INTEGER,
    message INTEGER REFERENCES message (sequence),
    documents INTEGER NOT NULL,         -- how many there were of the order when it was asked for
    lines TEXT NOT NULL,
    placed TEXT NOT NULL,               -- the order as a file told it, where it came before the gateway; '': none
    outcome TEXT NOT NULL,
    ended_at INTEGER
) STRICT;
CREATE INDEX order_move_state ON order_move (state, number);
CREATE INDEX order_move_batch ON order_move (batch, number);
CREATE INDEX order_move_order ON order_move (order_key, number);
