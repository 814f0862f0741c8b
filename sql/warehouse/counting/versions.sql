-- The rows of a chunk by version: all of them, different ids, and the latest time.
SELECT a.model_version, a.row_count, b.kept, a.latest_at
FROM (
    SELECT e.model_version, count(*) AS row_count, max(e.predicted_at) AS latest_at
    FROM ({rows}) AS e
    GROUP BY e.model_version
) AS a
JOIN (
    SELECT d.model_version, count(*) AS kept
    FROM (SELECT DISTINCT f.model_version, f.row_id FROM ({rows}) AS f) AS d
    GROUP BY d.model_version
) AS b ON b.model_version = a.model_version
ORDER BY a.model_version
