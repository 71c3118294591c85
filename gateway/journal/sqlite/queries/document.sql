-- part: document_columns
message.message_id, document.generation, document.document_index, document.set_type, document.units,
document.verdict, opened(document.findings), document.document_type, document.document_key, document.content_hash,
document.order_keys, document.body_id, document.is_urgent, document.deadline_at, document.side,
opened(document.decision), document.repeats, document.is_parked, document.passes_to, document.resolution,
document.awaits, document.awaits_until

-- name: insert
INSERT INTO document (message, generation, document_index, set_type, units, verdict, findings, document_type,
    document_key, content_hash, order_keys, body_id, is_urgent, deadline_at, side, decision, repeats, awaits,
    awaits_until, is_parked, passes_to, resolution, parked_at)
VALUES (?, ?, ?, ?, ?, ?, sealed(?), ?, ?, ?, ?, ?, ?, ?, ?, sealed(?), ?, ?, ?, ?, ?, ?, ?);

-- name: replace
UPDATE document SET set_type = ?, units = ?, verdict = ?, findings = sealed(?), document_type = ?, document_key = ?,
    content_hash = ?, order_keys = ?, body_id = ?, is_urgent = ?, deadline_at = ?, side = ?, decision = sealed(?),
    repeats = ?, awaits = ?, awaits_until = ?, is_parked = ?, passes_to = ?, resolution = ?,
    parked_at = ?
WHERE document_id = ?;

-- name: hold_key
-- A new generation of the message that holds the key may have it at another index or with new content; the key
-- stays the first generation's, so that rejecting the new plan does not free it.
INSERT INTO document_key (document_key, message_id, document_index, content_hash, generation, remembered_at)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (document_key) DO UPDATE SET document_index = excluded.document_index,
    content_hash = excluded.content_hash
WHERE message_id = excluded.message_id AND generation < excluded.generation;

-- name: hold_key_of
-- Of a parked document that a person has entered by hand; who has the key already keeps it.
INSERT INTO document_key (document_key, message_id, document_index, content_hash, generation, remembered_at)
SELECT document.document_key, message.message_id, document.document_index, coalesce(document.content_hash, ''),
    document.generation, ?
FROM document JOIN message ON message.sequence = document.message
WHERE document.document_id = ? AND document.document_key IS NOT NULL
ON CONFLICT (document_key) DO NOTHING;

-- name: known_key
SELECT document_key, message_id, document_index, content_hash, remembered_at FROM document_key
WHERE document_key = ?;

-- name: give_back_key
DELETE FROM document_key WHERE document_key = ? AND message_id = ? AND generation = ?;

-- name: give_back_unsent
-- Where nothing of the document was ever sent.
DELETE FROM document_key WHERE document_key = ?1 AND message_id = ?2 AND document_index = ?4 AND NOT EXISTS (
    SELECT 1 FROM delivery WHERE message = ?3 AND (document_index = ?4 OR document_index IS NULL)
      AND role IN ('live', 'pass_through') AND steps > 0);

-- name: forget_key
DELETE FROM document_key WHERE document_key = ? AND message_id = ?;

-- name: repeating
-- Of other messages, where nobody closed them and nobody has their key: what was to bring them went nowhere.
SELECT document.document_id, message.message_id, document.document_index, document.passes_to,
    opened(document.findings)
FROM document CROSS JOIN message ON message.sequence = document.message
WHERE document.repeats = ?1 AND message.message_id <> ?1 AND document.generation = message.generation
  AND document.is_parked = 0 AND document.resolution IS NULL AND document.verdict <> 'rejected'
  AND NOT EXISTS (SELECT 1 FROM document_key WHERE document_key.document_key = document.document_key);

-- name: park
UPDATE document SET is_parked = 1, parked_at = ?, findings = sealed(?) WHERE document_id = ?;

-- name: with_keys
SELECT document_index, document_key, order_keys, passes_to FROM document
WHERE message = ? AND document_key IS NOT NULL;

-- name: find
SELECT document_id, order_keys FROM document WHERE message = ? AND generation = ? AND document_index = ?;

-- name: of_generation
SELECT document_id, units, document_key FROM document WHERE message = ? AND generation = ?;

-- name: opens
-- By the orders that it names: order_document is ordered by order, and an index would cost each document.
SELECT order_document.order_key FROM document CROSS JOIN json_each(document.order_keys) AS named
    CROSS JOIN order_document ON order_document.order_key = named.value
WHERE document.document_id = ?1 AND order_document.document_id = ?1 AND order_document.opens = 1;

-- name: set_verdict
UPDATE document SET verdict = ?, awaits_until = NULL WHERE document_id = ?;

-- name: of_message
SELECT $document_columns FROM document JOIN message ON message.sequence = document.message
WHERE message.message_id = ? ORDER BY document.generation, document.document_index LIMIT ?;

-- name: of_order
SELECT $document_columns FROM order_document
JOIN document USING (document_id) JOIN message ON message.sequence = document.message
WHERE order_document.order_key = ? AND (? IS NULL OR message.message_id = ?)
ORDER BY document.message, document.generation, document.document_index LIMIT ?;

-- name: oldest
SELECT $document_columns FROM document JOIN message ON message.sequence = document.message
ORDER BY document.document_id LIMIT ?;

-- name: awaiting
-- By name, or SQLite goes through all documents there ever were to have them in this order.
SELECT $document_columns FROM document INDEXED BY document_awaiting
    JOIN message ON message.sequence = document.message
WHERE document.awaits_until IS NOT NULL ORDER BY document.message, document.document_index;

-- name: awaiting_one
SELECT document_id FROM document
WHERE message = ? AND generation = ? AND document_index = ? AND awaits_until IS NOT NULL;

-- name: withdraw
UPDATE document SET awaits_until = NULL, parked_at = NULL WHERE message = ?
    AND (awaits_until IS NOT NULL OR parked_at IS NOT NULL);

-- name: resolve
UPDATE document SET parked_at = NULL, resolution = ? WHERE document_id = ?;
