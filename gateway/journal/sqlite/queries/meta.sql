-- name: get
SELECT value FROM meta WHERE name = ?;

-- name: set
INSERT OR REPLACE INTO meta (name, value) VALUES (?, ?);

-- name: last_control_number
SELECT last FROM control_number WHERE emitter = ? AND kind = ?;

-- name: set_control_number
INSERT OR REPLACE INTO control_number (emitter, kind, last) VALUES (?, ?, ?);

-- name: damage
PRAGMA integrity_check;
