-- Which alerts were sent to which channel, and did they arrive?
-- Parameters
--   model   name of a model; null for all
-- Output: one row per event and channel, newest first; summary is the text of the alert, and channel is null if no
-- route matched the event.
SELECT
    at, model, incident_id, kind, severity, chunk, channel, mode, state, sent_at, attempts, error, summary
FROM told_events
WHERE CAST(:model AS TEXT) IS NULL OR model = CAST(:model AS TEXT)
ORDER BY at DESC, event_id DESC, channel
