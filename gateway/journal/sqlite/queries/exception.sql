-- name: all
SELECT parked_at, kind, exception_id, message_id, route, partner, opened(findings), target, document_key, order_keys FROM (
    SELECT parked_at, 'message' AS kind, message_id AS exception_id, message_id, route, partner, findings,
        NULL AS target, NULL AS document_key, '[]' AS order_keys, sequence
    FROM message WHERE parked_at IS NOT NULL AND (?1 IS NULL OR route = ?1)
    UNION ALL
    SELECT document.parked_at, 'document', message.message_id || '/' || document.document_index,
        message.message_id, message.route, message.partner, document.findings, NULL, document.document_key,
        document.order_keys, message.sequence
    FROM document JOIN message ON message.sequence = document.message
    WHERE document.parked_at IS NOT NULL AND (?1 IS NULL OR message.route = ?1)
    UNION ALL
    SELECT delivery.parked_at, 'delivery', delivery.delivery_id, message.message_id, message.route,
        message.partner, delivery.findings, delivery.target, document.document_key, delivery.order_keys,
        message.sequence
    FROM delivery JOIN message ON message.sequence = delivery.message
        LEFT JOIN document ON document.document_id = delivery.document_id
    WHERE delivery.parked_at IS NOT NULL AND (?1 IS NULL OR message.route = ?1)
) ORDER BY parked_at, sequence LIMIT ?2;

-- part: sets_of_delivery
CASE WHEN delivery.document_id IS NULL THEN
    (SELECT json_group_array(DISTINCT document.set_type) FROM document
     WHERE document.message = delivery.message AND document.generation = delivery.generation)
ELSE (SELECT json_array(document.set_type) FROM document WHERE document.document_id = delivery.document_id) END

-- name: counts
-- What is open of a route, by the sets that it is about. By name, or SQLite goes through all of the route.
SELECT sets, count(*) FROM (
    SELECT (SELECT json_group_array(DISTINCT document.set_type) FROM document
            WHERE document.message = message.sequence AND document.generation = message.generation) AS sets
    FROM message INDEXED BY message_parked WHERE message.parked_at IS NOT NULL AND message.route = ?1
    UNION ALL
    SELECT json_array(document.set_type) FROM document INDEXED BY document_parked
        CROSS JOIN message ON message.sequence = document.message
    WHERE document.parked_at IS NOT NULL AND message.route = ?1
    UNION ALL
    SELECT $sets_of_delivery FROM delivery INDEXED BY delivery_parked
        CROSS JOIN message ON message.sequence = delivery.message
    WHERE delivery.parked_at IS NOT NULL AND message.route = ?1
    UNION ALL
    SELECT $sets_of_delivery FROM
        (SELECT DISTINCT delivery_id FROM envelope_number WHERE overdue_at IS NOT NULL) AS lacking
        CROSS JOIN delivery ON delivery.delivery_id = lacking.delivery_id
        CROSS JOIN message ON message.sequence = delivery.message
    WHERE message.route = ?1
    UNION ALL
    SELECT '["move"]' FROM order_move INDEXED BY order_move_parked WHERE parked_at IS NOT NULL AND route = ?1
) GROUP BY sets;

-- name: delivery
SELECT 'delivery', number, message FROM delivery WHERE delivery_id = ? AND state = 'parked';

-- name: unfinished
SELECT number, message, state FROM delivery WHERE delivery_id = ? AND ended_at IS NULL;

-- name: unfinished_live
SELECT number, delivery_id, state, order_keys FROM delivery
WHERE message = ? AND ended_at IS NULL AND role IN ('live', 'pass_through') AND number IS NOT ?;

-- name: role
SELECT role FROM delivery WHERE number = ?;

-- name: message
SELECT 'message', sequence, sequence FROM message WHERE message_id = ? AND parked_at IS NOT NULL;

-- name: document
SELECT 'document', document.document_id, message.sequence FROM message JOIN document
    ON document.message = message.sequence AND document.generation = message.generation
WHERE message.message_id = ? AND document.document_index = ? AND document.parked_at IS NOT NULL;

-- name: deliver_again
-- One whose acceptance unit is not decided yet is held again.
UPDATE delivery SET is_in_doubt = ?, attempts = 0, first_attempt_at = NULL, parked_at = NULL, not_before = NULL,
    wakes_at = NULL, reason = '', findings = '[]',
    state = CASE WHEN ? THEN 'in_doubt'
        WHEN unit_kind IS NOT NULL AND EXISTS (
            SELECT 1 FROM message WHERE message.sequence = delivery.message
              AND message.generation = delivery.generation AND message.state IN ('accepted', 'translating'))
        THEN 'held' ELSE 'ready' END
WHERE number = ?;

-- name: orders_of_document
SELECT order_keys, side FROM document WHERE document_id = ?;

-- name: orders_of_message
SELECT document.order_keys, document.side FROM message JOIN document
    ON document.message = message.sequence AND document.generation = message.generation
WHERE message.sequence = ? ORDER BY document.document_index;

-- name: orders_of_delivery
SELECT order_keys, document_id FROM delivery WHERE number = ?;
