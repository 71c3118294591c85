-- part: audit_columns
number, at, who, action, subject, detail, why, hash

-- name: last
SELECT $audit_columns FROM audit ORDER BY number DESC LIMIT 1;

-- name: newest
SELECT $audit_columns FROM audit ORDER BY number DESC LIMIT ?;

-- name: after
SELECT $audit_columns FROM audit WHERE number > ? ORDER BY number LIMIT 1000;

-- name: hash
SELECT hash FROM audit WHERE number = ?;

-- name: insert
INSERT INTO audit ($audit_columns) VALUES (?, ?, ?, ?, ?, ?, ?, ?);
