-- Since when has it been wrong?
-- Parameters
--   model   name of the model
--   name    name of the statistic, metric or check; null for all
-- Output: one row per series of breached chunks, ongoing series first, then the most recent.
SELECT
    kind, subject, name, model_version, segment, severity,
    since, until, chunks, ongoing, last_value, last_reason
FROM problems
WHERE model = :model AND (CAST(:name AS TEXT) IS NULL OR name = CAST(:name AS TEXT))
ORDER BY ongoing DESC, until DESC, since, kind, subject, name, model_version, segment
