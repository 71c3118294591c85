-- The journal's first shape. Times are microseconds since 1970 UTC; flags are 0 and 1; lists and
-- findings are JSON; whatever may hold a document's content is a body, in body_piece alone.

CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

-- Bodies in pieces of at most 256 KiB, encrypted where the journal has a key. piece_id is
-- body_id * 65536 + the piece's number: a body is one range, and new ones are appended.
CREATE TABLE body_piece (piece_id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
-- Bodies that are being received and belong to no message yet.
CREATE TABLE staged_body (body_id INTEGER PRIMARY KEY) STRICT;

CREATE TABLE message (
    sequence INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL UNIQUE,
    route TEXT NOT NULL,
    state TEXT NOT NULL,
    arrival_key TEXT,
    partner TEXT,
    sha256 TEXT NOT NULL,
    sha256_head INTEGER NOT NULL,       -- its first 60 bits: a sixth of the index, few pages per commit
    size_bytes INTEGER NOT NULL,
    origin TEXT NOT NULL,
    correlation_id TEXT NOT NULL,
    accepted_at INTEGER NOT NULL,
    is_urgent INTEGER NOT NULL,
    config_revision INTEGER NOT NULL,
    generation INTEGER NOT NULL DEFAULT 1,
    resend INTEGER NOT NULL DEFAULT 0,
    planned_through INTEGER NOT NULL DEFAULT 0,
    repeat_of TEXT,
    findings TEXT NOT NULL DEFAULT '[]',
    interchanges TEXT NOT NULL DEFAULT '[]',
    body_id INTEGER,                    -- NULL: refused, or forgotten by retention
    parked_at INTEGER,                  -- NULL again once resolved or taken up
    resolution TEXT
) STRICT;
CREATE INDEX message_of_route ON message (route, sequence);
CREATE INDEX message_same_bytes ON message (sha256_head);
CREATE INDEX message_to_translate ON message (route, is_urgent, sequence)
    WHERE state IN ('accepted', 'translating');
CREATE INDEX message_parked ON message (parked_at) WHERE parked_at IS NOT NULL;

-- The first message of a key has the lowest sequence; others under it are its conflicts.
CREATE TABLE arrival_key (
    route TEXT NOT NULL,
    arrival_key TEXT NOT NULL,
    message INTEGER NOT NULL REFERENCES message (sequence),
    remembered_at INTEGER NOT NULL,
    PRIMARY KEY (route, arrival_key, message)
) STRICT, WITHOUT ROWID;

CREATE TABLE document (
    document_id INTEGER PRIMARY KEY,
    message INTEGER NOT NULL REFERENCES message (sequence),
    generation INTEGER NOT NULL,
    document_index INTEGER NOT NULL,
    set_type TEXT NOT NULL,
    units TEXT NOT NULL,
    verdict TEXT NOT NULL,
    findings TEXT NOT NULL,
    document_type TEXT,
    document_key TEXT,
    content_hash TEXT,
    order_keys TEXT NOT NULL,
    body_id INTEGER,                    -- the canonical JSON
    is_urgent INTEGER NOT NULL,
    deadline_at INTEGER,
    side TEXT,
    decision TEXT NOT NULL,
    repeats TEXT,
    awaits TEXT,                        -- order numbers
    awaits_until INTEGER,               -- NULL: waits for nothing
    is_parked INTEGER NOT NULL,
    passes_to TEXT NOT NULL,            -- [target, role] pairs
    parked_at INTEGER,
    resolution TEXT,
    UNIQUE (message, generation, document_index)
) STRICT;
CREATE INDEX document_awaiting ON document (awaits_until) WHERE awaits_until IS NOT NULL;
CREATE INDEX document_parked ON document (parked_at) WHERE parked_at IS NOT NULL;

CREATE TABLE document_key (
    document_key TEXT PRIMARY KEY,
    message_id TEXT NOT NULL,
    document_index INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    generation INTEGER NOT NULL,        -- of the message, when it took the key
    remembered_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE order_document (
    order_key TEXT NOT NULL,
    document_id INTEGER NOT NULL REFERENCES document (document_id),
    opens INTEGER NOT NULL,             -- it is an originating document: it opened the ledger entry, or would have
    PRIMARY KEY (order_key, document_id)
) STRICT, WITHOUT ROWID;

-- position orders a lane: message sequence * 1048576 + document index + 1.
-- waits_for counts the lanes in which an earlier delivery stands: 0 is the head of all of them.
-- wakes_at is not_before until it has passed, then NULL, so that "due" is an index range.
CREATE TABLE delivery (
    number INTEGER PRIMARY KEY,
    delivery_id TEXT NOT NULL UNIQUE,
    message INTEGER NOT NULL REFERENCES message (sequence),
    generation INTEGER NOT NULL,
    document_index INTEGER,
    document_id INTEGER REFERENCES document (document_id),
    position INTEGER NOT NULL,
    target TEXT NOT NULL,
    role TEXT NOT NULL,
    reference TEXT NOT NULL,
    lanes TEXT NOT NULL,
    order_keys TEXT NOT NULL,
    is_urgent INTEGER NOT NULL,
    state TEXT NOT NULL,
    body_id INTEGER,                    -- NULL: the document's, else the message's
    content_type TEXT NOT NULL,
    unit_kind TEXT,
    unit_key TEXT,
    planned_at INTEGER NOT NULL,
    deadline_at INTEGER,
    not_before INTEGER,
    wakes_at INTEGER,
    waits_for INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    first_attempt_at INTEGER,
    is_in_doubt INTEGER NOT NULL DEFAULT 0,
    fence INTEGER NOT NULL DEFAULT 0,
    worker TEXT,
    lease_until REAL,
    steps INTEGER NOT NULL DEFAULT 0,
    reason TEXT NOT NULL DEFAULT '',
    target_reference TEXT NOT NULL DEFAULT '',
    findings TEXT NOT NULL DEFAULT '[]',
    parked_at INTEGER,
    ended_at INTEGER
) STRICT;
CREATE INDEX delivery_claimable ON delivery (target, is_urgent DESC, position, number)
    WHERE state IN ('ready', 'waiting', 'in_doubt') AND waits_for = 0 AND wakes_at IS NULL
      AND role <> 'pass_through';
CREATE INDEX delivery_waking ON delivery (target, is_urgent, wakes_at)
    WHERE state IN ('ready', 'waiting', 'in_doubt') AND waits_for = 0 AND wakes_at IS NOT NULL
      AND role <> 'pass_through';
CREATE INDEX delivery_leased ON delivery (target, lease_until) WHERE state IN ('claimed', 'attempting');
CREATE INDEX delivery_pass_through ON delivery (number) WHERE role = 'pass_through' AND ended_at IS NULL;
CREATE INDEX delivery_of_message ON delivery (message, generation);
CREATE INDEX delivery_deadline ON delivery (deadline_at) WHERE ended_at IS NULL AND deadline_at IS NOT NULL;
CREATE INDEX delivery_parked ON delivery (parked_at) WHERE parked_at IS NOT NULL;

-- The unfinished deliveries of a lane, in their order.
CREATE TABLE delivery_lane (
    target TEXT NOT NULL,
    order_key TEXT NOT NULL,
    position INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (target, order_key, position, number)
) STRICT, WITHOUT ROWID;
-- How far a lane has been attempted: what would enter before it is overtaken.
CREATE TABLE lane_mark (
    target TEXT NOT NULL,
    order_key TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (target, order_key)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_delivery (
    order_key TEXT NOT NULL,
    number INTEGER NOT NULL REFERENCES delivery (number),
    PRIMARY KEY (order_key, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE step (
    delivery INTEGER NOT NULL REFERENCES delivery (number),
    number INTEGER NOT NULL,
    request_head BLOB NOT NULL,         -- sealed, as bodies are
    request_body INTEGER,               -- NULL: empty, or forgotten by retention
    reply_head BLOB,
    reply_body INTEGER,
    outcome TEXT,
    started_at INTEGER NOT NULL,
    ended_at INTEGER,
    PRIMARY KEY (delivery, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE order_entry (
    number INTEGER PRIMARY KEY,
    order_key TEXT NOT NULL UNIQUE,
    side TEXT NOT NULL,
    transmitter TEXT NOT NULL,
    route TEXT NOT NULL,
    stage TEXT NOT NULL,
    reason TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    message_id TEXT,
    opened_by INTEGER,                  -- the message's sequence; NULL once anything changed since
    generation INTEGER,                 -- of that message's plan
    closed_at INTEGER,
    revision INTEGER NOT NULL
) STRICT;
-- The last revision of entries that were taken back: opened again, they go on counting.
CREATE TABLE order_taken_back (
    order_key TEXT PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX order_entry_open ON order_entry (route, side) WHERE closed_at IS NULL;

-- line and line_number are '' where an alias names the whole order.
CREATE TABLE alias (
    order_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    number TEXT NOT NULL,
    line TEXT NOT NULL,
    line_number TEXT NOT NULL,
    PRIMARY KEY (order_key, kind, number, line, line_number)
) STRICT, WITHOUT ROWID;
CREATE INDEX alias_number ON alias (number, order_key);

CREATE TABLE stage (
    route TEXT PRIMARY KEY,
    stage TEXT NOT NULL,
    share_percent TEXT NOT NULL,
    revision INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE configuration (
    revision INTEGER PRIMARY KEY,
    text TEXT NOT NULL,
    sha256 TEXT NOT NULL UNIQUE,
    loaded_by TEXT NOT NULL,
    loaded_at INTEGER NOT NULL
) STRICT;

CREATE TABLE control_number (
    emitter TEXT NOT NULL,
    kind TEXT NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (emitter, kind)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL,
    why TEXT NOT NULL,
    hash TEXT NOT NULL
) STRICT;

CREATE TABLE crosswalk (
    name TEXT PRIMARY KEY,
    version INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE crosswalk_row (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    number INTEGER NOT NULL,
    legacy TEXT NOT NULL,
    cloud TEXT NOT NULL,
    valid_from TEXT NOT NULL,
    valid_to TEXT NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (name, version, number)
) STRICT, WITHOUT ROWID;

-- What sources remember.
CREATE TABLE seen (
    scope TEXT NOT NULL,
    seen_key TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (scope, seen_key)
) STRICT, WITHOUT ROWID;
CREATE INDEX seen_expires ON seen (expires_at);
CREATE TABLE source_lease (
    scope TEXT NOT NULL,
    lease_key TEXT NOT NULL,
    owner TEXT NOT NULL,
    fence INTEGER NOT NULL,
    expires_at INTEGER,                 -- NULL: given back; the fence stays
    PRIMARY KEY (scope, lease_key)
) STRICT, WITHOUT ROWID;
CREATE TABLE source_cursor (scope TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
