-- part: is_settled
message.state NOT IN ('accepted', 'translating') AND message.parked_at IS NULL
AND NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.message = message.sequence AND delivery.ended_at IS NULL)
AND NOT EXISTS (SELECT 1 FROM document WHERE document.message = message.sequence
                AND (document.parked_at IS NOT NULL OR document.awaits_until IS NOT NULL))

-- name: settled_with_content
SELECT sequence FROM message
WHERE has_content = 1 AND accepted_at < ? AND $is_settled
ORDER BY accepted_at LIMIT ?;

-- name: no_content
UPDATE message SET has_content = 0 WHERE sequence = ?;

-- name: message_body
SELECT sequence, body_id FROM message WHERE sequence = ? AND body_id IS NOT NULL LIMIT ?;

-- name: forget_message_body
UPDATE message SET body_id = NULL WHERE sequence = ?;

-- name: document_bodies
SELECT document_id, body_id FROM document WHERE message = ? AND body_id IS NOT NULL LIMIT ?;

-- name: forget_document_body
UPDATE document SET body_id = NULL WHERE document_id = ?;

-- name: delivery_bodies
SELECT number, body_id FROM delivery WHERE message = ? AND body_id IS NOT NULL LIMIT ?;

-- name: forget_delivery_body
UPDATE delivery SET body_id = NULL WHERE number = ?;

-- name: request_bodies
SELECT step.delivery, step.number, step.request_body FROM delivery CROSS JOIN step ON step.delivery = delivery.number
WHERE delivery.message = ? AND step.request_body IS NOT NULL LIMIT ?;

-- name: forget_request_body
UPDATE step SET request_body = NULL WHERE delivery = ? AND number = ?;

-- name: reply_bodies
SELECT step.delivery, step.number, step.reply_body FROM delivery CROSS JOIN step ON step.delivery = delivery.number
WHERE delivery.message = ? AND step.reply_body IS NOT NULL LIMIT ?;

-- name: forget_reply_body
UPDATE step SET reply_body = NULL WHERE delivery = ? AND number = ?;

-- name: forget_arrival_keys
DELETE FROM arrival_key WHERE (route, arrival_key, message) IN (
    SELECT arrival_key.route, arrival_key.arrival_key, arrival_key.message
    FROM arrival_key JOIN message ON message.sequence = arrival_key.message
    WHERE arrival_key.remembered_at < ? AND $is_settled ORDER BY arrival_key.remembered_at LIMIT ?);

-- name: forget_document_keys
DELETE FROM document_key WHERE document_key IN (
    SELECT document_key.document_key FROM document_key JOIN message USING (message_id)
    WHERE document_key.remembered_at < ? AND $is_settled ORDER BY document_key.remembered_at LIMIT ?);

-- name: orders_closed
SELECT order_key FROM order_entry
WHERE closed_at < ?
  AND NOT EXISTS (SELECT 1 FROM order_delivery JOIN delivery USING (number)
      WHERE order_delivery.order_key = order_entry.order_key AND delivery.ended_at IS NULL)
  AND NOT EXISTS (SELECT 1 FROM order_document JOIN document USING (document_id)
      WHERE order_document.order_key = order_entry.order_key
        AND (document.parked_at IS NOT NULL OR document.awaits_until IS NOT NULL))
ORDER BY closed_at LIMIT ?;

-- name: forget_aliases
DELETE FROM alias WHERE order_key = ?;

-- name: forget_taken_back
DELETE FROM order_taken_back WHERE order_key = ?;

-- name: forget_control_numbers
DELETE FROM envelope_number WHERE control_key IN (
    SELECT envelope_number.control_key FROM envelope_number JOIN message ON message.sequence = envelope_number.message
    WHERE envelope_number.remembered_at < ? AND envelope_number.overdue_at IS NULL AND $is_settled
    ORDER BY envelope_number.remembered_at LIMIT ?);
