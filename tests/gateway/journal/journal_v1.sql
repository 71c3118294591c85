-- A journal of version 1, as its first migration made it and version 1 filled it. Never changed.
BEGIN TRANSACTION;
CREATE TABLE alias (
    order_key TEXT NOT NULL,
    kind TEXT NOT NULL,
    number TEXT NOT NULL,
    line TEXT NOT NULL,
    line_number TEXT NOT NULL,
    PRIMARY KEY (order_key, kind, number, line, line_number)
) STRICT, WITHOUT ROWID;
CREATE TABLE arrival_key (
    route TEXT NOT NULL,
    arrival_key TEXT NOT NULL,
    message INTEGER NOT NULL REFERENCES message (sequence),
    remembered_at INTEGER NOT NULL,
    PRIMARY KEY (route, arrival_key, message)
) STRICT, WITHOUT ROWID;
INSERT INTO "arrival_key" VALUES('orders_in','key-m1',1,1772438400000000);
INSERT INTO "arrival_key" VALUES('orders_in','key-m2',2,1772438400000000);
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
CREATE TABLE body_piece (piece_id INTEGER PRIMARY KEY, bytes BLOB NOT NULL) STRICT;
INSERT INTO "body_piece" VALUES(65536,X'9842E0EF626F6479206F66206D31');
INSERT INTO "body_piece" VALUES(131072,X'F195550E7B226E756D626572223A224F2D6D31227D');
INSERT INTO "body_piece" VALUES(196608,X'BC81DD9B626F6479206F66206D32');
INSERT INTO "body_piece" VALUES(262144,X'ABCD427F7B226E756D626572223A224F2D6D32227D');
INSERT INTO "body_piece" VALUES(327680,X'FBDE4D123C6F726465722F3E');
INSERT INTO "body_piece" VALUES(393216,X'0B672BB63C6F6B2F3E');
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
INSERT INTO "delivery" VALUES(1,'m1-d',1,1,0,1,1048577,'erp','live','REF-m1-d','["O-m1"]','["O-m1"]',0,'done',NULL,'',NULL,NULL,1772438400000000,1772439000000000,NULL,NULL,0,0,1772438400000000,0,1,NULL,NULL,1,'','ERP-1','[]',NULL,1772438401000000);
INSERT INTO "delivery" VALUES(2,'m2-d',2,1,0,2,2097153,'erp','live','REF-m2-d','["O-m2"]','["O-m2"]',0,'ready',NULL,'',NULL,NULL,1772438400000000,1772439000000000,NULL,NULL,0,0,NULL,0,0,NULL,NULL,0,'','','[]',NULL,NULL);
CREATE TABLE delivery_lane (
    target TEXT NOT NULL,
    order_key TEXT NOT NULL,
    position INTEGER NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (target, order_key, position, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "delivery_lane" VALUES('erp','O-m2',2097153,2);
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
INSERT INTO "document" VALUES(1,1,1,0,'850','[["set","0"],["group","1"]]','accepted','[]','purchase_order',NULL,NULL,'["O-m1"]',2,0,NULL,'cloud','stage cloud',NULL,NULL,NULL,0,'[]',NULL,NULL);
INSERT INTO "document" VALUES(2,2,1,0,'850','[["set","0"],["group","1"]]','accepted','[]','purchase_order',NULL,NULL,'["O-m2"]',4,0,NULL,'cloud','stage cloud',NULL,NULL,NULL,0,'[]',NULL,NULL);
CREATE TABLE document_key (
    document_key TEXT PRIMARY KEY,
    message_id TEXT NOT NULL,
    document_index INTEGER NOT NULL,
    content_hash TEXT NOT NULL,
    generation INTEGER NOT NULL,        -- of the message, when it took the key
    remembered_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE lane_mark (
    target TEXT NOT NULL,
    order_key TEXT NOT NULL,
    position INTEGER NOT NULL,
    PRIMARY KEY (target, order_key)
) STRICT, WITHOUT ROWID;
INSERT INTO "lane_mark" VALUES('erp','O-m1',1048577);
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
INSERT INTO "message" VALUES(1,'m1','orders_in','planned','key-m1','MERCY','8c6d94e3b2d8118e2d7a7c8d2c73ba9d4e622efb58211ab771187f76a518e800',632431727715647768,10,'["folder",1772438400000000,"PO_0302.edi","","MERCY","",{"mtime":"1772438400"}]','c-m1',1772438400000000,0,1,1,0,1,NULL,'[]','[]',1,NULL,NULL);
INSERT INTO "message" VALUES(2,'m2','orders_in','planned','key-m2','MERCY','b9c75009993d94a889ee7973dce515320a2b46d3765feef6035f198272990cd9',836672276221122890,10,'["folder",1772438400000000,"PO_0302.edi","","MERCY","",{"mtime":"1772438400"}]','c-m2',1772438400000000,0,1,1,0,1,NULL,'[]','[]',3,NULL,NULL);
INSERT INTO "message" VALUES(3,'refused-3','orders_in','refused',NULL,NULL,'',0,0,'["folder",1772438400000000,"PO_0302.edi","","MERCY","",{"mtime":"1772438400"}]','',1772438400000000,0,0,1,0,0,NULL,'[]','[]',NULL,NULL,NULL);
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO "meta" VALUES('environment','test');
INSERT INTO "meta" VALUES('key_id','none');
CREATE TABLE order_delivery (
    order_key TEXT NOT NULL,
    number INTEGER NOT NULL REFERENCES delivery (number),
    PRIMARY KEY (order_key, number)
) STRICT, WITHOUT ROWID;
INSERT INTO "order_delivery" VALUES('O-m1',1);
INSERT INTO "order_delivery" VALUES('O-m2',2);
CREATE TABLE order_document (
    order_key TEXT NOT NULL,
    document_id INTEGER NOT NULL REFERENCES document (document_id),
    opens INTEGER NOT NULL,             -- it is an originating document: it opened the ledger entry, or would have
    PRIMARY KEY (order_key, document_id)
) STRICT, WITHOUT ROWID;
INSERT INTO "order_document" VALUES('O-m1',1,0);
INSERT INTO "order_document" VALUES('O-m2',2,0);
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
CREATE TABLE order_taken_back (
    order_key TEXT PRIMARY KEY,
    revision INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE seen (
    scope TEXT NOT NULL,
    seen_key TEXT NOT NULL,
    content_hash TEXT NOT NULL,
    expires_at INTEGER NOT NULL,
    PRIMARY KEY (scope, seen_key)
) STRICT, WITHOUT ROWID;
CREATE TABLE source_cursor (scope TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE source_lease (
    scope TEXT NOT NULL,
    lease_key TEXT NOT NULL,
    owner TEXT NOT NULL,
    fence INTEGER NOT NULL,
    expires_at INTEGER,                 -- NULL: given back; the fence stays
    PRIMARY KEY (scope, lease_key)
) STRICT, WITHOUT ROWID;
CREATE TABLE stage (
    route TEXT PRIMARY KEY,
    stage TEXT NOT NULL,
    share_percent TEXT NOT NULL,
    revision INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    changed_by TEXT NOT NULL,
    why TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE staged_body (body_id INTEGER PRIMARY KEY) STRICT;
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
INSERT INTO "step" VALUES(1,1,X'6C645E8C5B22637265617465222C227772697465222C22504F5354222C222F6F7264657273222C5B5B22436F6E74656E742D54797065222C226170706C69636174696F6E2F786D6C225D5D2C33302E305D',5,X'7E53E3B65B3230312C5B5D5D',6,'["accepted","ERP-1",[]]',1772438400000000,1772438401000000);
CREATE INDEX message_of_route ON message (route, sequence);
CREATE INDEX message_same_bytes ON message (sha256_head);
CREATE INDEX message_to_translate ON message (route, is_urgent, sequence)
    WHERE state IN ('accepted', 'translating');
CREATE INDEX message_parked ON message (parked_at) WHERE parked_at IS NOT NULL;
CREATE INDEX document_awaiting ON document (awaits_until) WHERE awaits_until IS NOT NULL;
CREATE INDEX document_parked ON document (parked_at) WHERE parked_at IS NOT NULL;
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
CREATE INDEX order_entry_open ON order_entry (route, side) WHERE closed_at IS NULL;
CREATE INDEX alias_number ON alias (number, order_key);
CREATE INDEX seen_expires ON seen (expires_at);
COMMIT;
PRAGMA user_version = 1;
PRAGMA application_id = 1279412785;
