-- Control numbers of envelopes, in and out, by a key that says who counts towards whom. One that came in
-- shows repeats; one that went out is found by its acknowledgment. The first message keeps a number.

CREATE TABLE envelope_number (
    control_key TEXT PRIMARY KEY,
    message INTEGER NOT NULL REFERENCES message (sequence),
    is_taken INTEGER NOT NULL,          -- something under it was accepted
    delivery_id TEXT,                   -- NULL: it came in
    due_at INTEGER,                     -- NULL: nobody waits for an acknowledgment
    verdict TEXT,                       -- of the acknowledgment, once there is one
    overdue_at INTEGER,                 -- an exception since then; NULL again once answered or resolved
    remembered_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX envelope_number_due ON envelope_number (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX envelope_number_overdue ON envelope_number (overdue_at) WHERE overdue_at IS NOT NULL;
CREATE INDEX envelope_number_of_delivery ON envelope_number (delivery_id) WHERE delivery_id IS NOT NULL;
CREATE INDEX envelope_number_age ON envelope_number (remembered_at);
