-- Series of breached chunks of one measurement, from the first (since) to the last (until).
-- Only a chunk with status ok ends a series; a skipped or missing chunk does not.
-- ongoing: no ok has followed, and the newest judged chunk still has the measurement, even if it is skipped there.
-- Reference windows, whose keys contain a slash, are left out.
CREATE VIEW problems AS
WITH breached AS (
    SELECT
        found.model, found.model_version, found.role, found.segment, found.kind, found.subject, found.name,
        found.chunk, found.chunk_start, found.severity, found.value, found.reason,
        -- Breaches are few, so that the last ok before each is looked up; sorting every series would read all rows.
        (
            SELECT fine.chunk_start
            FROM current_measurements AS fine
            WHERE fine.model = found.model
                AND fine.name = found.name
                AND fine.subject = found.subject
                AND fine.chunk_start < found.chunk_start
                AND fine.kind = found.kind
                AND fine.segment = found.segment
                AND fine.model_version = found.model_version
                AND fine.role = found.role
                AND fine.status = 'ok'
                AND fine.chunk NOT LIKE '%/%'
            ORDER BY fine.chunk_start DESC
            LIMIT 1
        ) AS fine_until
    FROM current_measurements AS found
    WHERE found.status = 'breached' AND found.chunk NOT LIKE '%/%'
),
newest_first AS (
    SELECT
        breached.*,
        FIRST_VALUE(value) OVER newest AS last_value,
        FIRST_VALUE(severity) OVER newest AS last_severity,
        FIRST_VALUE(reason) OVER newest AS last_reason
    FROM breached
    WINDOW newest AS (
        PARTITION BY model, model_version, role, segment, kind, subject, name, fine_until ORDER BY chunk_start DESC
    )
),
series AS (
    SELECT
        model, model_version, role, segment, kind, subject, name,
        MIN(chunk) AS since,
        MAX(chunk) AS until,
        MAX(chunk_start) AS until_start,
        COUNT(DISTINCT chunk) AS chunks,
        MAX(last_severity) AS severity,
        MAX(last_value) AS last_value,
        MAX(last_reason) AS last_reason
    FROM newest_first
    GROUP BY model, model_version, role, segment, kind, subject, name, fine_until
),
newest_judged AS (
    SELECT model, MAX(chunk_start) AS chunk_start
    FROM current_verdicts
    WHERE chunk NOT LIKE '%/%'
    GROUP BY model
)
SELECT
    series.model, series.model_version, series.role, series.segment, series.kind, series.subject, series.name,
    series.since,
    series.until,
    series.chunks,
    NOT EXISTS (
        SELECT 1
        FROM current_measurements AS fine
        WHERE fine.model = series.model
            AND fine.name = series.name
            AND fine.subject = series.subject
            AND fine.chunk_start > series.until_start
            AND fine.kind = series.kind
            AND fine.segment = series.segment
            AND fine.model_version = series.model_version
            AND fine.role = series.role
            AND fine.status = 'ok'
            AND fine.chunk NOT LIKE '%/%'
    )
    AND EXISTS (
        SELECT 1
        FROM current_measurements AS looked_at
        WHERE looked_at.model = series.model
            AND looked_at.name = series.name
            AND looked_at.subject = series.subject
            AND looked_at.chunk_start >= newest_judged.chunk_start
            AND looked_at.kind = series.kind
            AND looked_at.segment = series.segment
            AND looked_at.model_version = series.model_version
            AND looked_at.role = series.role
            AND looked_at.chunk NOT LIKE '%/%'
    ) AS ongoing,
    series.severity,
    series.last_value,
    series.last_reason
FROM series
LEFT JOIN newest_judged ON newest_judged.model = series.model
