-- name: set_mark
INSERT INTO lane_mark (target, order_key, position) VALUES (?, ?, ?)
ON CONFLICT (target, order_key) DO UPDATE SET position = max(position, excluded.position);

-- name: place
-- How far the target was asked in a lane, some delivery before a place in it, and the next one after it.
SELECT
    (SELECT position FROM lane_mark WHERE target = ?1 AND order_key = ?2),
    (SELECT number FROM delivery_lane
     WHERE target = ?1 AND order_key = ?2 AND (position, number) < (?3, ?4) LIMIT 1),
    (SELECT number FROM delivery_lane
     WHERE target = ?1 AND order_key = ?2 AND (position, number) > (?3, ?4) ORDER BY position, number LIMIT 1);

-- name: enter
INSERT INTO delivery_lane (target, order_key, position, number) VALUES (?, ?, ?, ?);

-- name: leave
DELETE FROM delivery_lane WHERE target = ? AND order_key = ? AND position = ? AND number = ?;

-- name: block
UPDATE delivery SET waits_for = waits_for + 1,
    state = CASE WHEN state = 'claimed' AND steps = 0 THEN 'ready' ELSE state END,
    worker = CASE WHEN state = 'claimed' AND steps = 0 THEN NULL ELSE worker END,
    fence = fence + (state = 'claimed' AND steps = 0)
WHERE number = ?;

-- name: unblock
UPDATE delivery SET waits_for = waits_for - 1 WHERE number = ?;
