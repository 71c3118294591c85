-- name: deliveries
SELECT message.message_id, delivery.document_index, delivery.delivery_id, message.route, delivery.order_keys,
    delivery.deadline_at, delivery.state, opened(delivery.reason), delivery.is_urgent, alarm.last_alarm_at
FROM delivery JOIN message ON message.sequence = delivery.message
    LEFT JOIN alarm ON alarm.subject = delivery.delivery_id
WHERE delivery.ended_at IS NULL AND delivery.deadline_at IS NOT NULL AND delivery.deadline_at <= ?1
  AND (?2 IS NULL OR delivery.message = ?2) AND alarm.acknowledged_at IS NULL
ORDER BY delivery.deadline_at LIMIT ?3;

-- name: documents
SELECT message.message_id, document.document_index, message.route, document.order_keys, document.deadline_at,
    document.is_parked, opened(document.findings), opened(document.decision), document.is_urgent, alarm.last_alarm_at
FROM document JOIN message ON message.sequence = document.message
    LEFT JOIN alarm ON alarm.subject = message.message_id || '/' || document.document_index
WHERE document.deadline_at IS NOT NULL AND document.deadline_at <= ?1
  AND (document.parked_at IS NOT NULL OR document.awaits_until IS NOT NULL)
  AND (?2 IS NULL OR document.message = ?2) AND alarm.acknowledged_at IS NULL
ORDER BY document.deadline_at LIMIT ?3;

-- name: messages
SELECT message.message_id, route, accepted_at, state, opened(findings), is_urgent, alarm.last_alarm_at
FROM message LEFT JOIN alarm ON alarm.subject = message.message_id
WHERE sequence IN (
    SELECT sequence FROM message WHERE state IN ('accepted', 'translating')
    UNION ALL SELECT sequence FROM message WHERE parked_at IS NOT NULL)
  AND accepted_at < ?1 AND (?2 IS NULL OR sequence = ?2) AND alarm.acknowledged_at IS NULL
ORDER BY accepted_at LIMIT ?3;

-- name: rolled_back
SELECT stage.route, stage.stage, stage.revision, stage.changed_at, stage.why, alarm.last_alarm_at
FROM stage LEFT JOIN alarm ON alarm.subject = 'stage:' || stage.route || '/' || stage.revision
WHERE stage.changed_by = ? AND alarm.acknowledged_at IS NULL
ORDER BY stage.changed_at, stage.route;

-- name: alarm_sent
INSERT INTO alarm (subject, last_alarm_at) VALUES (?, ?)
ON CONFLICT (subject) DO UPDATE SET last_alarm_at = excluded.last_alarm_at;

-- name: acknowledge
INSERT INTO alarm (subject, acknowledged_at) VALUES (?, ?)
ON CONFLICT (subject) DO UPDATE SET acknowledged_at = excluded.acknowledged_at;
