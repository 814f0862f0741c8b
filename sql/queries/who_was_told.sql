-- Who was told what, and did it arrive?
-- Parameters
--   model   name of a model; null for all
-- Output: one row per event and channel, newest first; summary is what was told then, and channel is null where no
-- route wanted the event.
SELECT
    at, model, incident_id, kind, severity, chunk, channel, mode, state, sent_at, attempts, error, summary
FROM told_events
WHERE CAST(:model AS TEXT) IS NULL OR model = CAST(:model AS TEXT)
ORDER BY at DESC, event_id DESC, channel
