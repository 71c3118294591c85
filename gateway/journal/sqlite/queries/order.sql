-- part: order_columns
order_key, side, transmitter, route, stage, opened(reason), opened_at, message_id, closed_at, revision, moving_to,
is_divided

-- name: entry
SELECT $order_columns FROM order_entry WHERE order_key = ?;

-- name: is_entry
-- One that is moving is waited for.
SELECT 1 FROM order_entry WHERE order_key = ? AND moving_to IS NULL;

-- name: revision
SELECT revision FROM order_entry WHERE order_key = ?;

-- name: side
SELECT side FROM order_entry WHERE order_key = ?;

-- name: open
INSERT INTO order_entry (order_key, side, transmitter, route, stage, reason, opened_at, message_id, opened_by,
    generation, closed_at, revision)
VALUES (?, ?, ?, ?, ?, sealed(?), ?, ?, ?, ?, ?,
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
UPDATE order_entry SET transmitter = ?, reason = sealed(?), revision = revision + 1, opened_by = NULL WHERE order_key = ?;

-- name: close
UPDATE order_entry SET closed_at = ?, revision = revision + 1, opened_by = NULL
WHERE order_key = ? AND closed_at IS NULL;

-- name: newest
SELECT $order_columns FROM order_entry
WHERE (? IS NULL OR side = ?) AND (? IS NULL OR route = ?) ORDER BY number DESC LIMIT ?;

-- name: open_after
-- By key: what is opened or taken back meanwhile moves no other one to another page.
SELECT $order_columns FROM order_entry
WHERE order_key > ?1 AND closed_at IS NULL AND (?2 IS NULL OR route = ?2) ORDER BY order_key LIMIT ?3;

-- name: count_open
SELECT CASE WHEN moving_to IS NULL THEN side ELSE 'moving' END AS stands, count(*) FROM order_entry
WHERE route = ? AND closed_at IS NULL GROUP BY stands;

-- name: add_alias
INSERT OR IGNORE INTO alias (order_key, kind, number, line, line_number, target) VALUES (?, ?, ?, ?, ?, ?);

-- name: leave_names
UPDATE OR REPLACE alias SET kind = 'left' WHERE order_key = ? AND kind = 'erp' AND target = ?;

-- name: aliases
SELECT kind, number, line, line_number, target FROM alias WHERE order_key = ?
ORDER BY kind, number, line, line_number, target;

-- name: named
SELECT DISTINCT order_key, kind, target FROM alias WHERE number = ? ORDER BY order_key;

-- name: number_known
-- By whom: an order that another tenant of the ERP numbers alike is not the one that is waited for.
SELECT DISTINCT alias.target FROM alias JOIN order_entry USING (order_key)
WHERE alias.number = ? AND moving_to IS NULL;

-- name: link_document
INSERT OR IGNORE INTO order_document (order_key, document_id, opens) VALUES (?, ?, ?);

-- name: link_delivery
INSERT OR IGNORE INTO order_delivery (order_key, number) VALUES (?, ?);

-- name: set_moving
UPDATE order_entry SET moving_to = ?, revision = revision + 1, opened_by = NULL WHERE order_key = ?;

-- name: is_moved
SELECT 1 FROM order_entry WHERE order_key = ? AND stage = 'moved';

-- name: set_moved
UPDATE order_entry SET side = ?, transmitter = ?, stage = ?, reason = sealed(?), message_id = ?, moving_to = NULL,
    is_divided = ?, revision = ?, opened_by = NULL
WHERE order_key = ?;

-- name: opened_untouched
-- Open orders of a route on one side that the message which opened them still answers for alone.
SELECT order_key, opened_by, generation FROM order_entry
WHERE route = ? AND side = ? AND closed_at IS NULL AND moving_to IS NULL AND opened_by IS NOT NULL ORDER BY number;

-- name: deliveries_of
SELECT delivery.number, delivery.delivery_id, delivery.state, delivery.steps, delivery.role
FROM order_delivery JOIN delivery USING (number)
WHERE order_delivery.order_key = ? AND delivery.role <> 'shadow';

-- name: count_documents
SELECT count(*) FROM order_document WHERE order_key = ?;

-- name: any_parked
SELECT 1 FROM order_document JOIN document USING (document_id)
WHERE order_document.order_key = ? AND (document.parked_at IS NOT NULL OR document.awaits_until IS NOT NULL) LIMIT 1;

-- name: holding
-- What is unfinished of an order; a shadow holds nothing.
SELECT delivery.delivery_id, delivery.state FROM order_delivery JOIN delivery USING (number)
WHERE order_delivery.order_key = ? AND delivery.ended_at IS NULL AND delivery.role <> 'shadow' ORDER BY number;
