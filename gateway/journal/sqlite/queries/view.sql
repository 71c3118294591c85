-- part: delivery_columns
delivery.number, delivery.delivery_id, message.message_id, delivery.generation, delivery.document_index,
delivery.target, delivery.role, delivery.state, delivery.reference, delivery.lanes, delivery.is_urgent,
delivery.attempts, opened(delivery.reason), delivery.not_before, delivery.deadline_at, delivery.target_reference,
opened(delivery.findings), delivery.steps, delivery.planned_at, delivery.ended_at, message.sequence,
delivery.resolution

-- name: oldest
SELECT $delivery_columns FROM delivery JOIN message ON message.sequence = delivery.message
WHERE (?1 IS NULL OR delivery.target = ?1) AND (?2 IS NULL OR instr(?2, ',' || delivery.state || ','))
ORDER BY delivery.number LIMIT ?3;

-- name: of_message
SELECT $delivery_columns FROM message CROSS JOIN delivery ON delivery.message = message.sequence
WHERE message.message_id = ?4
  AND (?1 IS NULL OR delivery.target = ?1) AND (?2 IS NULL OR instr(?2, ',' || delivery.state || ','))
ORDER BY delivery.number LIMIT ?3;

-- name: of_order
SELECT $delivery_columns FROM order_delivery CROSS JOIN delivery USING (number)
    JOIN message ON message.sequence = delivery.message
WHERE order_delivery.order_key = ?4 AND (?5 IS NULL OR message.message_id = ?5)
  AND (?1 IS NULL OR delivery.target = ?1) AND (?2 IS NULL OR instr(?2, ',' || delivery.state || ','))
ORDER BY delivery.number LIMIT ?3;
