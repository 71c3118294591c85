-- part: move_columns
order_move.move_id, order_move.order_key, order_move.route, order_move.was, order_move.moves_to, order_move.batch,
order_move.state, order_move.asked_by, order_move.asked_at, opened(order_move.why), order_move.agreed_by,
order_move.agreed_at, message.message_id, order_move.documents, opened(order_move.lines), opened(order_move.placed),
opened(order_move.outcome), order_move.ended_at, order_move.parked_at

-- name: ask
INSERT INTO order_move (move_id, order_key, route, was, moves_to, batch, state, asked_by, asked_at, documents, why,
    lines, placed, outcome)
VALUES (?, ?, ?, ?, ?, ?, 'asked', ?, ?, ?, sealed(?), sealed(?), sealed(?), sealed(''));

-- name: open_of_order
SELECT move_id FROM order_move WHERE order_key = ? AND state NOT IN ('done', 'ended') LIMIT 1;

-- name: one
SELECT $move_columns FROM order_move LEFT JOIN message ON message.sequence = order_move.message
WHERE order_move.move_id = ?;

-- part: wanted_moves
(?1 IS NULL OR instr(?1, ',' || order_move.state || ',')) AND (?2 IS NULL OR batch = ?2)
AND (?3 IS NULL OR order_key = ?3)
ORDER BY order_move.number LIMIT ?4

-- name: listed
SELECT $move_columns FROM order_move LEFT JOIN message ON message.sequence = order_move.message
WHERE $wanted_moves;

-- name: of_order
SELECT $move_columns FROM order_move INDEXED BY order_move_order
LEFT JOIN message ON message.sequence = order_move.message
WHERE order_key = ?3 AND $wanted_moves;

-- name: of_batch
SELECT $move_columns FROM order_move INDEXED BY order_move_batch
LEFT JOIN message ON message.sequence = order_move.message
WHERE batch = ?2 AND $wanted_moves;

-- name: in_state
-- By state, so that a long history costs nothing.
SELECT $move_columns FROM order_move INDEXED BY order_move_state
LEFT JOIN message ON message.sequence = order_move.message
WHERE order_move.state = ? ORDER BY order_move.number LIMIT ?;

-- name: due
SELECT $move_columns FROM order_move JOIN message ON message.sequence = order_move.message
WHERE order_move.state IN ('creating', 'closing') AND NOT EXISTS (
    SELECT 1 FROM delivery WHERE delivery.message = order_move.message AND delivery.ended_at IS NULL)
ORDER BY order_move.number LIMIT ?;

-- name: set_state
UPDATE order_move SET state = ?, agreed_by = ?, agreed_at = ?, outcome = sealed(?), ended_at = ?, parked_at = ?
WHERE move_id = ?;

-- name: begin
UPDATE order_move SET state = 'creating', message = ?, lines = sealed(?) WHERE move_id = ?;

-- name: parked
SELECT $move_columns FROM order_move LEFT JOIN message ON message.sequence = order_move.message
WHERE order_move.parked_at IS NOT NULL AND (?1 IS NULL OR order_move.route = ?1)
ORDER BY order_move.parked_at, order_move.number LIMIT ?2;

-- name: parked_one
SELECT $move_columns FROM order_move LEFT JOIN message ON message.sequence = order_move.message
WHERE order_move.move_id = ? AND order_move.parked_at IS NOT NULL;

-- name: take_up
UPDATE order_move SET parked_at = NULL WHERE order_key = ? AND parked_at IS NOT NULL;
