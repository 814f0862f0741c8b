-- Series of breached chunks of one measurement, from the first (since) to the last (until).
-- Only a chunk with status ok ends a series; a skipped or missing chunk does not.
-- ongoing: no ok has followed, and the newest judged chunk still has the measurement, even if it is skipped there.
-- Reference windows, whose keys contain a slash, are left out.
CREATE VIEW problems AS
WITH newest_judged AS (
    SELECT model, MAX(chunk_start) AS chunk_start
    FROM current_verdicts
    WHERE chunk NOT LIKE '%/%'
    GROUP BY model
),
series AS (
    SELECT
        model, model_version, role, segment, kind, subject, name,
        chunk, chunk_start, status, severity, value, reason,
        SUM(CASE WHEN status = 'ok' THEN 1 ELSE 0 END) OVER up_to_here AS oks_before,
        SUM(CASE WHEN status = 'ok' THEN 1 ELSE 0 END) OVER whole AS oks_ever,
        MAX(chunk_start) OVER whole AS last_looked_at
    FROM current_measurements
    WHERE chunk NOT LIKE '%/%'
    WINDOW
        whole AS (PARTITION BY model, model_version, role, segment, kind, subject, name),
        up_to_here AS (
            PARTITION BY model, model_version, role, segment, kind, subject, name ORDER BY chunk_start
        )
),
breached AS (
    SELECT
        series.*,
        CASE
            WHEN oks_before = oks_ever AND last_looked_at >= newest_judged.chunk_start THEN 1
            ELSE 0
        END AS is_ongoing,
        FIRST_VALUE(value) OVER newest_first AS last_value,
        FIRST_VALUE(severity) OVER newest_first AS last_severity,
        FIRST_VALUE(reason) OVER newest_first AS last_reason
    FROM series
    LEFT JOIN newest_judged ON newest_judged.model = series.model
    WHERE status = 'breached'
    WINDOW newest_first AS (
        PARTITION BY series.model, model_version, role, segment, kind, subject, name, oks_before
        ORDER BY series.chunk_start DESC
    )
)
SELECT
    model, model_version, role, segment, kind, subject, name,
    MIN(chunk) AS since,
    MAX(chunk) AS until,
    COUNT(DISTINCT chunk) AS chunks,
    MAX(is_ongoing) = 1 AS ongoing,
    MAX(last_severity) AS severity,
    MAX(last_value) AS last_value,
    MAX(last_reason) AS last_reason
FROM breached
GROUP BY model, model_version, role, segment, kind, subject, name, oks_before
