-- name: insert
INSERT INTO step (delivery, number, request_head, request_body, started_at) VALUES (?, ?, ?, ?, ?);

-- name: end
UPDATE step SET reply_head = ?, reply_body = ?, outcome = sealed(?), ended_at = ? WHERE delivery = ? AND number = ?;

-- name: all
SELECT number, request_head, request_body, reply_head, reply_body, opened(outcome), started_at, ended_at
FROM step WHERE delivery = ? ORDER BY number;

-- name: outcomes
SELECT opened(outcome) FROM step WHERE delivery = ? ORDER BY number;
