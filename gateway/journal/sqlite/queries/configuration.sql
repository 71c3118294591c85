-- name: known
SELECT revision FROM configuration WHERE sha256 = ?;

-- name: insert
INSERT INTO configuration (text, sha256, loaded_by, loaded_at) VALUES (?, ?, ?, ?);

-- name: text
SELECT text FROM configuration WHERE revision = ?;
