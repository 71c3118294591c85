-- part: is_to_send
(state = 'ready' OR state = 'waiting' OR state = 'in_doubt')

-- name: last
SELECT max(number) FROM delivery;

-- name: insert
INSERT INTO delivery (number, delivery_id, message, generation, document_index, document_id, position, target, role,
    reference, lanes, order_keys, is_urgent, state, body_id, content_type, unit_kind, unit_key, planned_at,
    deadline_at, not_before, wakes_at, waits_for, findings, parked_at, transmitter)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, sealed(?), ?, ?);

-- name: sent_before
SELECT reference, target, role, state, number, delivery_id, resolution FROM delivery
WHERE message = ? AND generation < ? AND (steps > 0 OR resolution IS NOT NULL);

-- name: settled_before
SELECT delivery_id FROM delivery WHERE message = ? AND generation < ? AND (steps > 0 OR resolution IS NOT NULL);

-- name: live_of_message
SELECT number, delivery_id, document_index, target, state, lanes, resolution FROM delivery
WHERE message = ? AND role IN ('live', 'pass_through') AND state <> 'superseded';

-- name: ends_of_message
SELECT delivery.ended_at FROM message JOIN delivery ON delivery.message = message.sequence WHERE message.message_id = ?;

-- name: message_of
SELECT message FROM delivery WHERE number = ?;

-- name: is_unfinished
SELECT 1 FROM delivery WHERE number = ? AND ended_at IS NULL;

-- name: orders_of
-- From the delivery itself: order_delivery is ordered by order alone, and an index would cost each delivery.
SELECT json_each.value FROM delivery CROSS JOIN json_each(delivery.order_keys) WHERE delivery.number = ?1
UNION
SELECT json_each.value FROM delivery CROSS JOIN json_each(delivery.lanes) WHERE delivery.number = ?1;

-- name: held
SELECT number FROM delivery WHERE message = ? AND state = 'held';

-- name: resolve
UPDATE delivery SET resolution = ? WHERE number = ?;

-- name: same_of_message
SELECT 1 FROM delivery WHERE message = ? AND generation = ? AND reference = ? AND target = ? AND role = ?
    AND document_index IS ?;

-- name: unsent_before
SELECT number FROM delivery WHERE message = ? AND generation < ? AND steps = 0 AND ended_at IS NULL;

-- name: lanes
SELECT target, lanes, position FROM delivery WHERE number = ?;

-- name: finish_unsent
UPDATE delivery SET state = ?, ended_at = ?, worker = NULL, lease_until = NULL, parked_at = NULL WHERE number = ?;

-- name: held_by_unit
-- Parked ones too: those were overtaken while they were held.
SELECT number FROM delivery WHERE message = ? AND generation = ? AND unit_kind = ? AND unit_key = ?
    AND state IN ('held', 'parked') AND steps = 0;

-- name: held_of_document
SELECT number FROM delivery WHERE message = (SELECT message FROM document WHERE document_id = ?1)
    AND document_id = ?1 AND unit_kind IS NOT NULL AND state IN ('held', 'parked') AND steps = 0;

-- name: release
UPDATE delivery SET state = 'ready' WHERE message = ? AND generation = ? AND state = 'held';

-- name: end_expired
UPDATE delivery SET state = CASE WHEN state = 'attempting' OR is_in_doubt THEN 'in_doubt' ELSE 'ready' END,
    is_in_doubt = is_in_doubt OR state = 'attempting', worker = NULL, lease_until = NULL, not_before = NULL,
    wakes_at = NULL
WHERE target = ? AND state IN ('claimed', 'attempting') AND lease_until <= ? AND role <> 'pass_through';

-- name: end_expired_one
UPDATE delivery SET state = CASE WHEN state = 'attempting' OR is_in_doubt THEN 'in_doubt' ELSE 'ready' END,
    is_in_doubt = is_in_doubt OR state = 'attempting', worker = NULL, lease_until = NULL, not_before = NULL,
    wakes_at = NULL
WHERE delivery_id = ? AND state IN ('claimed', 'attempting') AND lease_until <= ?;

-- name: wake_urgent
UPDATE delivery SET wakes_at = NULL WHERE number IN (
    SELECT number FROM delivery INDEXED BY delivery_waking
    WHERE target = ? AND is_urgent = 1 AND wakes_at <= ? AND $is_to_send
      AND waits_for = 0 AND wakes_at IS NOT NULL AND role <> 'pass_through' ORDER BY wakes_at LIMIT ?);

-- name: wake
UPDATE delivery SET wakes_at = NULL WHERE number IN (
    SELECT number FROM delivery INDEXED BY delivery_waking
    WHERE target = ? AND is_urgent = 0 AND wakes_at <= ? AND $is_to_send
      AND waits_for = 0 AND wakes_at IS NOT NULL AND role <> 'pass_through' ORDER BY wakes_at LIMIT ?);

-- name: any_expired
SELECT 1 FROM delivery WHERE target = ? AND state IN ('claimed', 'attempting') AND lease_until <= ?
    AND role <> 'pass_through' LIMIT 1;

-- name: claimable
-- not_before again: a wall clock may have gone back since the delivery was woken.
SELECT number, is_urgent, position FROM delivery INDEXED BY delivery_claimable
WHERE target = ? AND $is_to_send AND waits_for = 0 AND wakes_at IS NULL
  AND role <> 'pass_through' AND (not_before IS NULL OR not_before <= ?)
ORDER BY is_urgent DESC, position, number LIMIT ?;

-- name: claimable_urgent
SELECT number, is_urgent, position FROM delivery INDEXED BY delivery_claimable
WHERE target = ? AND is_urgent = 1 AND $is_to_send AND waits_for = 0
  AND wakes_at IS NULL AND role <> 'pass_through' AND (not_before IS NULL OR not_before <= ?)
ORDER BY position, number LIMIT ?;

-- name: claimable_one
SELECT number FROM delivery WHERE delivery_id = ? AND $is_to_send AND waits_for = 0
    AND (wakes_at IS NULL OR wakes_at <= ?);

-- name: lease
UPDATE delivery SET state = 'claimed', fence = fence + 1, worker = ?, lease_until = ?, wakes_at = NULL
WHERE number = ?;

-- name: leased
SELECT number, state, role, target, lanes, order_keys, position, steps FROM delivery
WHERE delivery_id = ? AND worker = ? AND fence = ? AND state IN ('claimed', 'attempting');

-- name: still_leased
SELECT 1 FROM delivery
WHERE delivery_id = ? AND worker = ? AND fence = ? AND state IN ('claimed', 'attempting') AND lease_until > ?;

-- name: renew
UPDATE delivery SET lease_until = ?
WHERE delivery_id = ? AND worker = ? AND fence = ? AND state IN ('claimed', 'attempting');

-- name: next_due
SELECT min(wakes_at) FROM (
    SELECT * FROM (
        SELECT wakes_at FROM delivery INDEXED BY delivery_waking WHERE target = ? AND is_urgent = 1
          AND $is_to_send AND waits_for = 0 AND wakes_at IS NOT NULL
          AND role <> 'pass_through' ORDER BY wakes_at LIMIT 1)
    UNION ALL
    SELECT * FROM (
        SELECT wakes_at FROM delivery INDEXED BY delivery_waking WHERE target = ? AND is_urgent = 0
          AND $is_to_send AND waits_for = 0 AND wakes_at IS NOT NULL
          AND role <> 'pass_through' ORDER BY wakes_at LIMIT 1));

-- name: contents
-- With the first piece of its document, nearly always the only one, and whether its first order has names.
SELECT delivery.delivery_id, delivery.worker, delivery.fence, delivery.lease_until, delivery.target, delivery.role,
    delivery.reference, delivery.document_index, delivery.is_urgent, delivery.content_type, delivery.attempts,
    delivery.first_attempt_at, delivery.is_in_doubt, delivery.steps, delivery.order_keys, delivery.body_id,
    delivery.generation, message.message_id, message.sequence, message.route, message.origin,
    message.correlation_id, message.accepted_at, message.body_id, document.document_key, document.body_id,
    (SELECT bytes FROM body_piece WHERE piece_id = document.body_id << 16),
    coalesce(delivery.transmitter, order_entry.transmitter),
    EXISTS (SELECT 1 FROM alias WHERE alias.order_key = delivery.order_keys ->> 0)
FROM delivery JOIN message ON message.sequence = delivery.message
    LEFT JOIN document ON document.document_id = delivery.document_id
    LEFT JOIN order_entry ON order_entry.order_key = delivery.order_keys ->> 0
WHERE delivery.number = ?;

-- name: attempting
UPDATE delivery SET state = 'attempting', steps = steps + 1, first_attempt_at = coalesce(first_attempt_at, ?)
WHERE number = ?;

-- name: step_done
UPDATE delivery SET state = 'claimed', steps = ?, is_in_doubt = ? WHERE number = ?;

-- name: settle
UPDATE delivery SET state = ?, steps = ?, attempts = attempts + ?, reason = sealed(?), findings = sealed(?), not_before = ?,
    wakes_at = ?, is_in_doubt = ?, parked_at = ?, ended_at = ?, target_reference = ?, worker = NULL,
    lease_until = NULL
WHERE number = ?;

-- name: open_pass_through
SELECT number, target, reference, steps FROM delivery
WHERE ended_at IS NULL AND role = 'pass_through' AND NOT (state = 'parked' AND steps > 0);

-- name: unsent_calls
SELECT message.message_id, delivery.delivery_id FROM delivery INDEXED BY delivery_pass_through
    JOIN message ON message.sequence = delivery.message
WHERE delivery.ended_at IS NULL AND delivery.role = 'pass_through' AND delivery.state <> 'parked'
  AND delivery.steps = 0
ORDER BY delivery.number LIMIT ?;

-- name: park
UPDATE delivery SET state = 'parked', is_in_doubt = is_in_doubt OR state = 'attempting', findings = sealed(?),
    parked_at = ?, worker = NULL, lease_until = NULL
WHERE number = ?;

-- name: end_leases
UPDATE delivery SET state = CASE WHEN state = 'attempting' OR is_in_doubt THEN 'in_doubt' ELSE 'ready' END,
    is_in_doubt = is_in_doubt OR state = 'attempting', worker = NULL, lease_until = NULL, not_before = NULL,
    wakes_at = NULL
WHERE state IN ('claimed', 'attempting');
