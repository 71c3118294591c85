-- Two sides of one document, and who says that a route may move. Values of differences quote documents: sealed.

CREATE TABLE comparison (
    number INTEGER PRIMARY KEY,
    message_id TEXT NOT NULL,
    document_index INTEGER NOT NULL,
    generation INTEGER NOT NULL,
    route TEXT NOT NULL,
    order_key TEXT,
    document_type TEXT NOT NULL,
    state TEXT NOT NULL,                -- waiting, alone, compared
    accepted_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    compared_at INTEGER,
    evidence TEXT NOT NULL,
    reason TEXT NOT NULL,               -- sealed
    shadow TEXT NOT NULL,               -- rendered, answered, refused, unanswered, or empty
    legacy_s REAL,
    cloud_s REAL,
    left_out INTEGER NOT NULL,
    UNIQUE (message_id, document_index)
) STRICT;
CREATE INDEX comparison_of_route ON comparison (route, accepted_at);
CREATE INDEX comparison_waiting ON comparison (due_at) WHERE state = 'waiting';
CREATE INDEX comparison_of_order ON comparison (order_key) WHERE order_key IS NOT NULL;
CREATE INDEX comparison_age ON comparison (accepted_at);

CREATE TABLE comparison_facet (
    comparison INTEGER NOT NULL REFERENCES comparison (number),
    kind TEXT NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (comparison, kind, word)
) STRICT, WITHOUT ROWID;

CREATE TABLE difference (
    comparison INTEGER NOT NULL REFERENCES comparison (number),
    place INTEGER NOT NULL,
    group_id TEXT NOT NULL,
    surface TEXT NOT NULL,
    kind TEXT NOT NULL,
    pattern TEXT NOT NULL,
    path TEXT NOT NULL,                 -- sealed: it names lines by the sender's words
    legacy TEXT NOT NULL,               -- sealed
    cloud TEXT NOT NULL,                -- sealed
    PRIMARY KEY (comparison, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX difference_of_group ON difference (group_id, comparison);

CREATE TABLE noise_reading (
    route TEXT NOT NULL,
    message_id TEXT NOT NULL,
    document_index INTEGER NOT NULL,
    patterns TEXT NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (route, message_id, document_index)
) STRICT, WITHOUT ROWID;

CREATE TABLE approval (
    route TEXT NOT NULL,
    stage TEXT NOT NULL,
    role TEXT NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    given_at INTEGER NOT NULL,
    PRIMARY KEY (route, stage, role, who)
) STRICT, WITHOUT ROWID;

CREATE TABLE planned_stage (
    route TEXT PRIMARY KEY,
    stage TEXT NOT NULL,
    share_percent TEXT,
    at INTEGER NOT NULL,
    who TEXT NOT NULL,
    why TEXT NOT NULL,
    expected TEXT NOT NULL,
    held TEXT NOT NULL
) STRICT, WITHOUT ROWID;
