-- name: known
SELECT envelope_number.control_key, message.message_id, message.route, envelope_number.is_taken,
    envelope_number.delivery_id, delivery.target, envelope_number.verdict,
    EXISTS (SELECT 1 FROM delivery AS answer
            WHERE answer.message = message.sequence AND answer.role = 'acknowledgment')
FROM envelope_number JOIN message ON message.sequence = envelope_number.message
    LEFT JOIN delivery ON delivery.delivery_id = envelope_number.delivery_id
WHERE envelope_number.control_key = ?;

-- name: remember
INSERT INTO envelope_number (control_key, message, is_taken, delivery_id, due_at, remembered_at)
VALUES (?, ?, ?, ?, ?, ?)
ON CONFLICT (control_key) DO UPDATE SET message = excluded.message, is_taken = 1
WHERE is_taken = 0 AND excluded.is_taken = 1;

-- name: acknowledge
UPDATE envelope_number SET verdict = ?1, due_at = NULL, overdue_at = NULL
WHERE delivery_id IS NOT NULL AND (control_key = ?2 OR (
    ?1 = 'rejected' AND ?2 GLOB 'ISA13/*'
    AND delivery_id = (SELECT delivery_id FROM envelope_number WHERE control_key = ?2)));

-- name: any_due
SELECT 1 FROM envelope_number WHERE due_at <= ? LIMIT 1;

-- name: mark
UPDATE envelope_number SET overdue_at = ?1, due_at = NULL
WHERE due_at <= ?1 AND EXISTS (
    SELECT 1 FROM delivery WHERE delivery.delivery_id = envelope_number.delivery_id AND delivery.state = 'done');

-- name: overdue
SELECT min(envelope_number.overdue_at), delivery.delivery_id, message.message_id, message.route, message.partner,
    delivery.target, delivery.order_keys
FROM envelope_number JOIN message ON message.sequence = envelope_number.message
    JOIN delivery ON delivery.delivery_id = envelope_number.delivery_id
WHERE envelope_number.overdue_at IS NOT NULL AND (?1 IS NULL OR message.route = ?1)
GROUP BY delivery.delivery_id ORDER BY 1 LIMIT ?2;

-- name: is_overdue
SELECT 1 FROM envelope_number WHERE delivery_id = ? AND overdue_at IS NOT NULL;

-- name: resolve
UPDATE envelope_number SET overdue_at = NULL WHERE delivery_id = ?;
