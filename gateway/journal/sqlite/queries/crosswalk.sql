-- name: version
SELECT version FROM crosswalk WHERE name = ?;

-- name: set_version
INSERT OR REPLACE INTO crosswalk (name, version) VALUES (?, ?);

-- name: insert
INSERT INTO crosswalk_row (name, version, number, legacy, cloud, valid_from, valid_to, facts)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: rows
SELECT legacy, cloud, valid_from, valid_to, facts FROM crosswalk_row WHERE name = ? AND version = ? ORDER BY number;
