-- How did this number move?
-- Parameters
--   model     name of the model
--   name      name of the statistic, metric or check, such as auroc or psi
--   subject   column, score, prediction, label, model or chunk; null for all
-- Output: one row per chunk, version, segment and subject, oldest first; skipped ones have a reason and no value.
SELECT
    chunk, model_version, role, segment, kind, subject,
    value, lower, upper, reference_value, threshold_lower, threshold_upper,
    status, reason, rows, maturity
FROM current_measurements
WHERE model = :model
    AND name = :name
    AND (CAST(:subject AS TEXT) IS NULL OR subject = CAST(:subject AS TEXT))
    AND chunk NOT LIKE '%/%'
ORDER BY chunk_start, kind, subject, model_version, role, segment
