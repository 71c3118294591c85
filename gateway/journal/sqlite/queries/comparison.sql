-- part: comparison_columns
comparison.number, comparison.message_id, comparison.document_index, comparison.generation, comparison.route,
comparison.order_key, comparison.document_type, comparison.state, comparison.accepted_at, comparison.due_at,
comparison.compared_at, comparison.evidence, opened(comparison.reason), comparison.shadow, comparison.legacy_s,
comparison.cloud_s, comparison.left_out

-- name: documents_after
-- From where it stopped: by route, SQLite would go through all messages that a route ever had, each time.
SELECT document.document_id, message.route, message.partner, message.accepted_at, message.origin, $document_columns
FROM document CROSS JOIN message ON message.sequence = document.message
WHERE document.document_id > ? AND document.document_id <= ?
  AND message.route IN (SELECT value FROM json_each(?))
ORDER BY document.document_id LIMIT ?;

-- name: last_document
SELECT coalesce(max(document_id), 0) FROM document;

-- name: known
SELECT number, generation FROM comparison WHERE message_id = ? AND document_index = ?;

-- name: insert
INSERT INTO comparison (number, message_id, document_index, generation, route, order_key, document_type, state,
    accepted_at, due_at, compared_at, evidence, reason, shadow, legacy_s, cloud_s, left_out)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, sealed(?), ?, ?, ?, ?);

-- name: forget
DELETE FROM comparison WHERE number = ?;

-- name: forget_facets
DELETE FROM comparison_facet WHERE comparison = ?;

-- name: forget_differences
DELETE FROM difference WHERE comparison = ?;

-- name: add_facet
INSERT OR IGNORE INTO comparison_facet (comparison, kind, word) VALUES (?, ?, ?);

-- name: add_difference
INSERT INTO difference (comparison, place, group_id, surface, kind, pattern, path, legacy, cloud)
VALUES (?, ?, ?, ?, ?, ?, sealed(?), sealed(?), sealed(?));

-- name: facets
SELECT kind, word FROM comparison_facet WHERE comparison = ? ORDER BY kind, word;

-- name: differences
SELECT surface, kind, pattern, opened(path), opened(legacy), opened(cloud), group_id FROM difference
WHERE comparison = ? ORDER BY place;

-- part: wanted_comparisons
(?1 IS NULL OR route = ?1) AND (?2 IS NULL OR state = ?2) AND (?3 IS NULL OR order_key = ?3)
AND (?4 IS NULL OR message_id = ?4) AND (?5 IS NULL OR document_index = ?5)
AND (?6 IS NULL OR number IN (SELECT comparison FROM difference WHERE group_id = ?6))
ORDER BY accepted_at DESC, number DESC LIMIT ?7

-- name: newest
SELECT $comparison_columns FROM comparison WHERE $wanted_comparisons;

-- name: of_order
SELECT $comparison_columns FROM comparison WHERE order_key = ?3 AND $wanted_comparisons;

-- name: of_message
SELECT $comparison_columns FROM comparison WHERE message_id = ?4 AND $wanted_comparisons;

-- name: waiting
SELECT $comparison_columns FROM comparison WHERE state = 'waiting' ORDER BY due_at, number LIMIT ?;

-- part: group_columns
difference.group_id, count(DISTINCT comparison.number), min(comparison.accepted_at), max(comparison.accepted_at)

-- name: groups
SELECT $group_columns FROM comparison CROSS JOIN difference ON difference.comparison = comparison.number
WHERE comparison.accepted_at >= ? GROUP BY difference.group_id ORDER BY 2 DESC, difference.group_id;

-- name: groups_of_route
-- By the route's own comparisons, or SQLite goes through all differences there ever were to have them in groups.
SELECT $group_columns FROM comparison CROSS JOIN difference ON difference.comparison = comparison.number
WHERE comparison.accepted_at >= ? AND comparison.route = ?
GROUP BY difference.group_id ORDER BY 2 DESC, difference.group_id;

-- name: group_example
SELECT comparison.route, difference.surface, difference.kind, difference.pattern, opened(difference.legacy),
    opened(difference.cloud), comparison.message_id, comparison.document_index
FROM difference JOIN comparison ON comparison.number = difference.comparison
WHERE difference.group_id = ? ORDER BY comparison.accepted_at DESC, comparison.number DESC, difference.place LIMIT 1;

-- name: states
SELECT state, count(*) FROM comparison WHERE route = ? AND accepted_at >= ? GROUP BY state;

-- name: shadows
SELECT shadow, count(*) FROM comparison WHERE route = ? AND accepted_at >= ? AND shadow <> '' GROUP BY shadow;

-- part: counts_as_mismatch
EXISTS (SELECT 1 FROM difference WHERE difference.comparison = comparison.number
    AND difference.group_id NOT IN (SELECT value FROM json_each(?3)))

-- name: mismatches
SELECT count(*) FROM comparison
WHERE route = ?1 AND accepted_at >= ?2 AND state = 'compared' AND $counts_as_mismatch;

-- name: clean_in_a_row
SELECT count(*) FROM comparison WHERE route = ?1 AND accepted_at >= ?2 AND state = 'compared' AND number > coalesce(
    (SELECT max(number) FROM comparison
     WHERE route = ?1 AND accepted_at >= ?2 AND state = 'compared' AND $counts_as_mismatch), 0);

-- name: facet_counts
SELECT comparison_facet.kind, comparison_facet.word, sum(state = 'compared'),
    sum(state = 'compared' AND $counts_as_mismatch)
FROM comparison JOIN comparison_facet ON comparison_facet.comparison = comparison.number
WHERE route = ?1 AND accepted_at >= ?2
GROUP BY comparison_facet.kind, comparison_facet.word;

-- name: add_reading
INSERT OR IGNORE INTO noise_reading (route, message_id, document_index, patterns, number)
VALUES (?, ?, ?, ?, (SELECT coalesce(max(number), 0) + 1 FROM noise_reading));

-- name: readings
SELECT route, message_id, document_index, patterns FROM noise_reading WHERE route = ?
ORDER BY number DESC LIMIT 1000;

-- name: approve
INSERT OR REPLACE INTO approval (route, stage, role, who, why, given_at) VALUES (?, ?, ?, ?, ?, ?);

-- name: approvals
SELECT route, stage, role, who, why, given_at FROM approval WHERE route = ? ORDER BY given_at, role, who;

-- name: plan
INSERT OR REPLACE INTO planned_stage (route, stage, share_percent, at, who, why, expected, held)
VALUES (?, ?, ?, ?, ?, ?, ?, ?);

-- name: planned
SELECT route, stage, share_percent, at, who, why, expected, held FROM planned_stage ORDER BY at, route;

-- name: hold
UPDATE planned_stage SET held = ? WHERE route = ?;

-- name: unplan
DELETE FROM planned_stage WHERE route = ?;

-- name: attempts
SELECT delivery.role, message.route,
    CASE WHEN delivery.document_index IS NULL THEN
        (SELECT json_group_array(DISTINCT set_type) FROM document
         WHERE document.message = delivery.message AND document.generation = delivery.generation)
    ELSE coalesce(
        (SELECT json_array(set_type) FROM document WHERE document.message = delivery.message
           AND document.generation = delivery.generation AND document.document_index = delivery.document_index), '[]')
    END,
    step.started_at, step.ended_at, opened(step.outcome), delivery.delivery_id, step.number,
    step.reply_head
FROM delivery CROSS JOIN step ON step.delivery = delivery.number
    JOIN message ON message.sequence = delivery.message
WHERE delivery.number > (SELECT coalesce(max(number), 0) - ? FROM delivery) AND delivery.target = ?
  AND step.started_at >= ?;

-- name: old
SELECT number FROM comparison WHERE accepted_at < ? AND state <> 'waiting' ORDER BY accepted_at LIMIT ?;

-- name: one_document
SELECT $document_columns FROM message CROSS JOIN document ON document.message = message.sequence
WHERE message.message_id = ? AND document.generation = message.generation AND document.document_index = ?;

-- name: deliveries_of_document
SELECT $delivery_columns FROM message CROSS JOIN delivery ON delivery.message = message.sequence
    AND delivery.document_index = ?2
WHERE message.message_id = ?1
UNION ALL
SELECT $delivery_columns FROM message CROSS JOIN delivery ON delivery.message = message.sequence
    AND delivery.document_index IS NULL
WHERE message.message_id = ?1
LIMIT 1000;
