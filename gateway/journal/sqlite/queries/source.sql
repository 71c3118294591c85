-- name: seen
SELECT content_hash FROM seen WHERE scope = ? AND seen_key = ? AND expires_at > ?;

-- name: see
INSERT OR REPLACE INTO seen (scope, seen_key, content_hash, expires_at) VALUES (?, ?, ?, ?);

-- name: lease
SELECT owner, fence, expires_at FROM source_lease WHERE scope = ? AND lease_key = ?;

-- name: set_lease
INSERT OR REPLACE INTO source_lease (scope, lease_key, owner, fence, expires_at) VALUES (?, ?, ?, ?, ?);

-- name: release
UPDATE source_lease SET expires_at = NULL
WHERE scope = ? AND lease_key = ? AND owner = ? AND fence = ?;

-- name: held_until
SELECT expires_at FROM source_lease WHERE scope = ? AND lease_key = ? AND owner = ? AND fence = ?;

-- name: forget_expired
DELETE FROM seen WHERE (scope, seen_key) IN (SELECT scope, seen_key FROM seen WHERE expires_at <= ? LIMIT ?);

-- name: cursor
SELECT value FROM source_cursor WHERE scope = ?;

-- name: set_cursor
INSERT OR REPLACE INTO source_cursor (scope, value) VALUES (?, ?);
