-- name: stands_on
-- One of each that a plan was decided upon: a stage, an order, a document key, two control numbers.
SELECT (SELECT value FROM meta WHERE name = 'configuration'),
    (SELECT revision FROM stage WHERE route = ?1),
    order_entry.revision, order_entry.side, order_entry.stage = 'moved',
    (SELECT message_id FROM document_key WHERE document_key = ?3),
    (SELECT message.message_id FROM envelope_number JOIN message ON message.sequence = envelope_number.message
     WHERE control_key = ?4 AND is_taken = 1 AND delivery_id IS NULL),
    (SELECT message.message_id FROM envelope_number JOIN message ON message.sequence = envelope_number.message
     WHERE control_key = ?5 AND is_taken = 1 AND delivery_id IS NULL)
FROM (SELECT 1) LEFT JOIN order_entry ON order_entry.order_key = ?2;
