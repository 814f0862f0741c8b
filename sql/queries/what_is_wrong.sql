-- What is wrong today?
-- Parameters
--   chunk   key of a chunk, such as 2013-04-22; null for each model's newest judged chunk
-- Output: one row per breached measurement, most severe first, with the chunk since which it has been breached.
-- A chunk without a breach whose verdict is not ok has one row without measurement, with the reason of the verdict.
WITH judged AS (
    SELECT
        model, chunk, status, reasons,
        ROW_NUMBER() OVER (PARTITION BY model ORDER BY chunk_start DESC) AS place
    FROM current_verdicts
    WHERE chunk NOT LIKE '%/%' AND (CAST(:chunk AS TEXT) IS NULL OR chunk = CAST(:chunk AS TEXT))
)
SELECT
    judged.model,
    judged.chunk,
    judged.status AS verdict,
    found.severity,
    found.kind,
    found.subject,
    found.name,
    found.model_version,
    found.segment,
    found.value,
    found.lower,
    found.upper,
    found.reference_value,
    found.threshold_lower,
    found.threshold_upper,
    COALESCE(found.reason, judged.reasons ->> 0, 'nothing decisive was measured') AS reason,
    problems.since
FROM judged
LEFT JOIN current_measurements AS found
    ON found.model = judged.model
    AND found.chunk = judged.chunk
    AND found.status = 'breached'
LEFT JOIN problems
    ON problems.model = found.model
    AND problems.model_version = found.model_version
    AND problems.role = found.role
    AND problems.segment = found.segment
    AND problems.kind = found.kind
    AND problems.subject = found.subject
    AND problems.name = found.name
    AND found.chunk BETWEEN problems.since AND problems.until
WHERE judged.place = 1 AND (judged.status <> 'ok' OR found.status IS NOT NULL)
ORDER BY
    CASE found.severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 WHEN 'info' THEN 2 ELSE 3 END,
    judged.model, found.kind, found.subject, found.name, found.model_version, found.segment
