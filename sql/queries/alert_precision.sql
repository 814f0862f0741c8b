-- Can the alerts be trusted?
-- Announced incidents, and the outcomes that people recorded for them.
-- Parameters
--   model   name of a model; null for all
-- Output: one row per model and cause: announced incidents, pages, recorded outcomes, acknowledged incidents, and the
-- share of real incidents among those with outcome real or noise.
WITH told AS (
    SELECT
        told_events.incident_id,
        COUNT(DISTINCT CASE WHEN told_events.page = 1 THEN told_events.event_id END) AS pages
    FROM told_events
    GROUP BY told_events.incident_id
)
SELECT
    incidents.model,
    incidents.cause,
    COUNT(*) AS incidents,
    SUM(told.pages) AS pages,
    SUM(CASE WHEN incidents.outcome = 'real' THEN 1 ELSE 0 END) AS real_ones,
    SUM(CASE WHEN incidents.outcome = 'noise' THEN 1 ELSE 0 END) AS noise,
    SUM(CASE WHEN incidents.outcome = 'planned' THEN 1 ELSE 0 END) AS planned,
    SUM(CASE WHEN incidents.acknowledged_at IS NOT NULL THEN 1 ELSE 0 END) AS acknowledged,
    1.0 * SUM(CASE WHEN incidents.outcome = 'real' THEN 1 ELSE 0 END)
        / NULLIF(SUM(CASE WHEN incidents.outcome IN ('real', 'noise') THEN 1 ELSE 0 END), 0) AS precision_of_alerts
FROM incidents
JOIN told ON told.incident_id = incidents.incident_id
WHERE CAST(:model AS TEXT) IS NULL OR incidents.model = CAST(:model AS TEXT)
GROUP BY incidents.model, incidents.cause
ORDER BY incidents.model, incidents DESC, incidents.cause
