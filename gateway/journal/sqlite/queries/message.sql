-- part: message_columns
sequence, message_id, route, state, arrival_key, partner, sha256, size_bytes, origin, correlation_id,
accepted_at, is_urgent, config_revision, generation, resend, planned_through, repeat_of,
opened(findings), opened(interchanges)

-- name: by_arrival_key
-- Alone, without the messages: nearly always there is none, and a join would cost three times as much.
SELECT message FROM arrival_key WHERE route = ? AND arrival_key = ? ORDER BY message LIMIT 1;

-- name: id_of
SELECT message_id FROM message WHERE sequence = ?;

-- name: same_key_and_bytes
SELECT message.message_id, message.state, message.repeat_of
FROM arrival_key JOIN message ON message.sequence = arrival_key.message
WHERE arrival_key.route = ? AND arrival_key.arrival_key = ? AND message.sha256 = ?
ORDER BY arrival_key.message LIMIT 1;

-- name: same_bytes
SELECT message_id FROM message WHERE sha256_head = ? AND sha256 = ? AND route = ? ORDER BY sequence LIMIT 1;

-- name: insert
INSERT INTO message (message_id, route, state, arrival_key, partner, sha256, sha256_head, size_bytes, origin,
    correlation_id, accepted_at, is_urgent, config_revision, repeat_of, findings, body_id, parked_at)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, sealed(?), ?, ?);

-- name: last
SELECT max(sequence) FROM message;

-- name: refuse
INSERT INTO message (sequence, message_id, route, state, sha256, sha256_head, size_bytes, origin, correlation_id, accepted_at,
    is_urgent, config_revision, findings, has_content)
VALUES (?, ?, ?, 'refused', '', 0, 0, ?, '', ?, 0, 0, sealed(?), 0);

-- name: count_refused
-- Of the messages that came since the newest older one that still has its content: whoever asks for a day
-- must not go through a table of years.
SELECT count(*) FROM message
WHERE sequence > coalesce(
    (SELECT sequence FROM message WHERE has_content = 1 AND accepted_at < ? ORDER BY accepted_at DESC LIMIT 1), 0)
  AND state = 'refused' AND accepted_at >= ?;

-- name: remember_key
INSERT INTO arrival_key (route, arrival_key, message, remembered_at) VALUES (?, ?, ?, ?);

-- name: by_id
SELECT $message_columns FROM message WHERE message_id = ?;

-- name: with_piece
-- With the first piece of its body, where it is the only one.
SELECT $message_columns, body_id IS NOT NULL, (
    SELECT bytes FROM body_piece WHERE piece_id = message.body_id << 16 AND message.size_bytes <= ?)
FROM message WHERE message_id = ?;

-- name: newest
SELECT $message_columns FROM message
WHERE sequence < ? AND (? IS NULL OR instr(?, ',' || state || ',')) ORDER BY sequence DESC LIMIT ?;

-- name: newest_of_route
SELECT $message_columns FROM message
WHERE route = ? AND sequence < ? AND (? IS NULL OR instr(?, ',' || state || ',')) ORDER BY sequence DESC LIMIT ?;

-- name: beginning
SELECT message_id FROM message WHERE message_id >= ?1 AND message_id < ?2 ORDER BY sequence DESC LIMIT ?3;

-- name: bearing
-- Of a stretch, for a person. No index has these names: every arrival would pay for it.
SELECT message_id FROM message
WHERE sequence >= ?1 AND sequence < ?2 AND (
    correlation_id = ?3
    OR substr('/' || arrival_key, -length(?3) - 1) = '/' || ?3
    OR substr('/' || (origin ->> 2), -length(?3) - 1) = '/' || ?3
    OR (length(?3) >= 16 AND substr(sha256, 1, length(?3)) = ?3)
    OR EXISTS (SELECT 1 FROM delivery WHERE delivery.message = message.sequence
               AND (delivery.target_reference = ?3 OR substr(delivery.reference, 1, length(?4)) = ?4)))
ORDER BY sequence DESC;

-- name: to_translate
SELECT $message_columns FROM message
WHERE route = ? AND is_urgent = ? AND state IN ('accepted', 'translating') ORDER BY sequence LIMIT ?;

-- name: routes_to_translate
-- Jumps from one (route, urgency) to the next in the index instead of reading every open message.
-- Compared as a pair, (route, is_urgent) > (...) would: SQLite looks up the pair's first part alone.
WITH RECURSIVE lane (route, is_urgent) AS (
    SELECT * FROM (
        SELECT route, is_urgent FROM message WHERE state IN ('accepted', 'translating')
        ORDER BY route, is_urgent LIMIT 1)
    UNION ALL
    SELECT next.route, next.is_urgent FROM lane JOIN message AS next ON next.sequence = coalesce(
        (SELECT sequence FROM message WHERE state IN ('accepted', 'translating')
           AND route = lane.route AND is_urgent > lane.is_urgent ORDER BY is_urgent LIMIT 1),
        (SELECT sequence FROM message WHERE state IN ('accepted', 'translating')
           AND route > lane.route ORDER BY route, is_urgent LIMIT 1))
)
SELECT route, is_urgent FROM lane;

-- name: begin
UPDATE message SET state = 'translating', config_revision = ? WHERE message_id = ? AND state = 'accepted';

-- name: size
SELECT size_bytes FROM message WHERE message_id = ?;

-- name: body
SELECT body_id FROM message WHERE message_id = ?;

-- name: for_plan
SELECT sequence, state, generation, resend, planned_through, opened(findings), opened(interchanges),
    ? AND EXISTS (SELECT 1 FROM delivery WHERE delivery.message = message.sequence
                  AND delivery.generation = message.generation AND delivery.state = 'held')
FROM message WHERE message_id = ?;

-- name: planned_so_far
UPDATE message SET planned_through = ?, findings = sealed(?), interchanges = sealed(?) WHERE sequence = ?;

-- name: planned
UPDATE message SET planned_through = ?, findings = sealed(?), interchanges = sealed(?), state = ?, parked_at = ?,
    resolution = NULL
WHERE sequence = ?;

-- name: move_planned
UPDATE message SET planned_through = ? WHERE sequence = ?;

-- name: sequence
SELECT sequence FROM message WHERE message_id = ?;

-- name: is_of_generation
-- Planned, and by no later generation than this one.
SELECT 1 FROM message WHERE sequence = ? AND generation = ? AND state = 'planned' AND body_id IS NOT NULL;

-- name: route_and_id
SELECT route, message_id FROM message WHERE sequence = ?;

-- name: replay
UPDATE message SET state = 'accepted', generation = generation + 1, resend = ?, planned_through = 0,
    findings = '[]', interchanges = '[]', parked_at = NULL, resolution = NULL
WHERE sequence = ? AND body_id IS NOT NULL
RETURNING generation;

-- name: resolve
UPDATE message SET parked_at = NULL, resolution = ? WHERE sequence = ?;
