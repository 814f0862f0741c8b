-- Announced events: each event that alerts are sent about, with its incident and the alert to each channel.
-- Answers of people (acknowledged, muted, unmuted, outcome) send no alerts, and are left out.
-- page: an alert that was sent immediately, because the incident opened, reopened or escalated to critical.
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
