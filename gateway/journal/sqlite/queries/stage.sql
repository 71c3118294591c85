-- part: stage_columns
route, stage, share_percent, revision, changed_at, changed_by, why

-- name: all
SELECT $stage_columns FROM stage ORDER BY route;

-- name: one
SELECT $stage_columns FROM stage WHERE route = ?;

-- name: of_route
SELECT stage FROM stage WHERE route = ?;

-- name: revision
SELECT revision FROM stage WHERE route = ?;

-- name: declare
INSERT INTO stage ($stage_columns) VALUES (?, ?, ?, 1, ?, 'routes.yaml', 'declared')
ON CONFLICT (route) DO NOTHING;

-- name: move
UPDATE stage SET stage = ?, share_percent = ?, revision = revision + 1, changed_at = ?, changed_by = ?, why = ?
WHERE route = ?;
