-- What people heard of: each event of an incident that was told, with its incident and how each channel got it.
-- What people did themselves (acknowledged, muted, unmuted, outcome) tells nobody, and is left out.
-- page: the event asked somebody to look at once (opened, reopened or escalated to critical, told by itself).
CREATE VIEW told_events AS
SELECT
    incident_events.event_id,
    incident_events.incident_id,
    incidents.model,
    incidents.cause,
    incidents.title,
    incident_events.kind,
    incident_events.chunk,
    incident_events.severity,
    incident_events.summary,
    incident_events.at,
    alerts.alert_id,
    alerts.channel,
    alerts.mode,
    alerts.state,
    alerts.due_at,
    alerts.sent_at,
    alerts.attempts,
    alerts.error,
    CASE
        WHEN
            alerts.mode = 'now'
            AND incident_events.severity = 'critical'
            AND incident_events.kind IN ('opened', 'reopened', 'escalated')
            THEN 1
        ELSE 0
    END AS page
FROM incident_events
JOIN incidents ON incidents.incident_id = incident_events.incident_id
LEFT JOIN alerts ON alerts.event_id = incident_events.event_id
WHERE incident_events.told
    AND incident_events.kind IN ('opened', 'spread', 'escalated', 'resolved', 'reopened')
