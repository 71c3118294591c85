-- Alarms about overdue work, and what retention looks for. ``subject`` is a delivery id, a
-- message id, or "<message id>/<document index>".

CREATE TABLE alarm (
    subject TEXT PRIMARY KEY,
    last_alarm_at INTEGER,
    acknowledged_at INTEGER
) STRICT, WITHOUT ROWID;

-- has_content: some body of the message is still there. Files of version 1 never forgot one.
ALTER TABLE message ADD COLUMN has_content INTEGER NOT NULL DEFAULT 1;
UPDATE message SET has_content = 0 WHERE state = 'refused';
CREATE INDEX message_with_content ON message (accepted_at) WHERE has_content = 1;

CREATE INDEX arrival_key_age ON arrival_key (remembered_at);
CREATE INDEX document_key_age ON document_key (remembered_at);
CREATE INDEX document_deadline ON document (deadline_at)
    WHERE deadline_at IS NOT NULL AND (parked_at IS NOT NULL OR awaits_until IS NOT NULL);
