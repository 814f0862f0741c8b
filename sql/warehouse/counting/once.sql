-- The rows of a chunk, each id and version once: of several rows the latest.
-- Only ids that occur several times are ordered.
WITH every_row AS ({rows}),
repeated AS (
    SELECT e.row_id, e.model_version
    FROM every_row AS e
    GROUP BY e.row_id, e.model_version
    HAVING count(*) > 1
)
SELECT e.row_id, e.predicted_at, e.model_version{columns}
FROM every_row AS e
LEFT JOIN repeated AS d ON d.row_id = e.row_id AND d.model_version = e.model_version
WHERE d.row_id IS NULL
UNION ALL
SELECT e.row_id, e.predicted_at, e.model_version{columns}
FROM (
    SELECT
        a.*,
        row_number() OVER (PARTITION BY a.row_id, a.model_version ORDER BY a.predicted_at DESC{order}) AS place
    FROM every_row AS a
    JOIN repeated AS b ON b.row_id = a.row_id AND b.model_version = a.model_version
) AS e
WHERE e.place = 1
