-- What is wrong today?
-- Parameters
--   chunk   key of a chunk, such as 2013-04-22; null for each model's newest judged chunk
-- Output: one row per breached measurement, most severe first, with the chunk since which it has been breached.
-- A chunk without a breach whose verdict is not ok has one row without measurement, with the reason of the verdict.
WITH newest AS (
    SELECT model, MAX(chunk_start) AS chunk_start
    FROM verdicts
    WHERE chunk NOT LIKE '%/%' AND (CAST(:chunk AS TEXT) IS NULL OR chunk = CAST(:chunk AS TEXT))
    GROUP BY model
),
judged AS (
    SELECT verdict.model, verdict.chunk, verdict.chunk_start, verdict.status, verdict.reasons
    FROM newest
    JOIN current_verdicts AS verdict ON verdict.model = newest.model AND verdict.chunk_start = newest.chunk_start
    WHERE verdict.chunk NOT LIKE '%/%' AND (CAST(:chunk AS TEXT) IS NULL OR verdict.chunk = CAST(:chunk AS TEXT))
),
found AS (
    SELECT
        judged.model, judged.chunk, judged.status AS verdict, judged.reasons,
        breached.severity, breached.kind, breached.subject, breached.name, breached.model_version, breached.role,
        breached.segment, breached.value, breached.lower, breached.upper, breached.reference_value,
        breached.threshold_lower, breached.threshold_upper, breached.reason, judged.chunk_start
    FROM judged
    LEFT JOIN current_measurements AS breached
        ON breached.model = judged.model
        AND breached.chunk_start = judged.chunk_start
        AND breached.chunk = judged.chunk
        AND breached.status = 'breached'
    WHERE judged.status <> 'ok' OR breached.status IS NOT NULL
),
-- The last chunk before on which it was fine, or a day before all chunks. Only these few series are looked up, not every one of every model.
placed AS (
    SELECT
        found.*,
        COALESCE((
            SELECT fine.chunk_start
            FROM current_measurements AS fine
            WHERE fine.model = found.model
                AND fine.name = found.name
                AND fine.chunk_start < found.chunk_start
                AND fine.subject = found.subject
                AND fine.kind = found.kind
                AND fine.segment = found.segment
                AND fine.model_version = found.model_version
                AND fine.role = found.role
                AND fine.status = 'ok'
                AND fine.chunk NOT LIKE '%/%'
            ORDER BY fine.chunk_start DESC
            LIMIT 1
        ), '0001-01-01 00:00:00+00') AS fine_until
    FROM found
)
SELECT
    placed.model,
    placed.chunk,
    placed.verdict,
    placed.severity,
    placed.kind,
    placed.subject,
    placed.name,
    placed.model_version,
    placed.segment,
    placed.value,
    placed.lower,
    placed.upper,
    placed.reference_value,
    placed.threshold_lower,
    placed.threshold_upper,
    COALESCE(placed.reason, placed.reasons ->> 0, 'nothing decisive was measured') AS reason,
    (
        SELECT before.chunk
        FROM current_measurements AS before
        WHERE before.model = placed.model
            AND before.name = placed.name
            AND before.chunk_start <= placed.chunk_start
            AND before.chunk_start > placed.fine_until
            AND before.subject = placed.subject
            AND before.kind = placed.kind
            AND before.segment = placed.segment
            AND before.model_version = placed.model_version
            AND before.role = placed.role
            AND before.status = 'breached'
            AND before.chunk NOT LIKE '%/%'
        ORDER BY before.chunk_start
        LIMIT 1
    ) AS since
FROM placed
ORDER BY
    CASE placed.severity WHEN 'critical' THEN 0 WHEN 'warning' THEN 1 WHEN 'info' THEN 2 ELSE 3 END,
    placed.model, placed.kind, placed.subject, placed.name, placed.model_version, placed.segment
