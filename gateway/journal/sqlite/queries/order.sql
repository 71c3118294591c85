-- part: order_columns
order_key, side, transmitter, route, stage, reason, opened_at, message_id, closed_at, revision

-- name: entry
SELECT $order_columns FROM order_entry WHERE order_key = ?;

-- name: is_entry
SELECT 1 FROM order_entry WHERE order_key = ?;

-- name: revision
SELECT revision FROM order_entry WHERE order_key = ?;

-- name: side
SELECT side FROM order_entry WHERE order_key = ?;

-- name: open
INSERT INTO order_entry (order_key, side, transmitter, route, stage, reason, opened_at, message_id, opened_by,
    generation, closed_at, revision)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?,
    1 + coalesce((SELECT revision FROM order_taken_back WHERE order_key = ?), 0))
ON CONFLICT (order_key) DO NOTHING;

-- name: opened_at
-- Where the document that opened an order stands.
SELECT message.sequence, min(document.document_index)
FROM order_entry
JOIN message ON message.message_id = order_entry.message_id
JOIN document ON document.message = message.sequence
JOIN order_document ON order_document.document_id = document.document_id
WHERE order_entry.order_key = ? AND order_document.order_key = order_entry.order_key AND order_document.opens = 1
GROUP BY message.sequence;

-- name: opened_by
SELECT revision FROM order_entry WHERE order_key = ? AND opened_by = ? AND generation = ?;

-- name: followed_by_another
SELECT 1 FROM order_document JOIN document USING (document_id)
WHERE order_document.order_key = ? AND document.message <> ? AND document.side IS NOT NULL LIMIT 1;

-- name: remember_taken_back
INSERT OR REPLACE INTO order_taken_back (order_key, revision) VALUES (?, ?);

-- name: take_back
DELETE FROM order_entry WHERE order_key = ?;

-- name: set_transmitter
UPDATE order_entry SET transmitter = ?, reason = ?, revision = revision + 1, opened_by = NULL WHERE order_key = ?;

-- name: close
UPDATE order_entry SET closed_at = ?, revision = revision + 1, opened_by = NULL
WHERE order_key = ? AND closed_at IS NULL;

-- name: newest
SELECT $order_columns FROM order_entry
WHERE (? IS NULL OR side = ?) AND (? IS NULL OR route = ?) ORDER BY number DESC LIMIT ?;

-- name: count_open
SELECT side, count(*) FROM order_entry WHERE route = ? AND closed_at IS NULL GROUP BY side;

-- name: add_alias
INSERT OR IGNORE INTO alias (order_key, kind, number, line, line_number) VALUES (?, ?, ?, ?, ?);

-- name: aliases
SELECT kind, number, line, line_number FROM alias WHERE order_key = ? ORDER BY kind, number, line, line_number;

-- name: named
SELECT DISTINCT order_key, kind FROM alias WHERE number = ? ORDER BY order_key;

-- name: number_known
SELECT 1 FROM alias JOIN order_entry USING (order_key) WHERE alias.number = ? LIMIT 1;

-- name: link_document
INSERT OR IGNORE INTO order_document (order_key, document_id, opens) VALUES (?, ?, ?);

-- name: link_delivery
INSERT OR IGNORE INTO order_delivery (order_key, number) VALUES (?, ?);
