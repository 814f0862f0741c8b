-- The known labels of one chunk's predictions, one row per label row, with the id as the predictions have it.
-- A label is ambiguous if its id has several labels and is also predicted near the chunk, or by one version at several
-- times within it: it may belong to either.
-- Different times are counted only for ids that have several rows, because such counts need much memory.
WITH chunk_ids AS (
    SELECT {prediction_key} AS prediction_key, min({prediction_id}) AS row_id, count(*) AS row_count
    FROM {predictions} AS p
    WHERE {in_chunk}
    GROUP BY 1
),
repeated_ids AS (
    SELECT {prediction_key} AS prediction_key
    FROM {predictions} AS p
    WHERE {in_chunk}
      AND {prediction_key} IN (SELECT prediction_key FROM chunk_ids WHERE row_count > 1)
    GROUP BY 1
    HAVING count(DISTINCT {predicted_at}) > greatest(count(DISTINCT {version}), 1)
),
known AS (
    SELECT
        {distinct} c.prediction_key, c.row_id, i.prediction_key IS NOT NULL AS is_repeated,
        {label} AS label, {known_at_instant} AS known_at
    FROM {labels} AS l
    JOIN chunk_ids AS c ON {label_key} = c.prediction_key
    LEFT JOIN repeated_ids AS i ON i.prediction_key = c.prediction_key
    WHERE {is_known}
      AND {is_within_reach}
      AND {of_chunk}
),
several AS (
    SELECT d.prediction_key
    FROM (SELECT DISTINCT prediction_key, label, known_at FROM known) AS d
    GROUP BY d.prediction_key
    HAVING count(*) > 1
),
elsewhere AS (
    SELECT DISTINCT {prediction_key} AS prediction_key
    FROM {predictions} AS p
    WHERE {may_be_elsewhere}
      AND {is_near}
      AND ({outside})
      AND {prediction_key} IN (SELECT prediction_key FROM several)
)
SELECT
    k.row_id,
    k.label,
    k.known_at,
    e.prediction_key IS NOT NULL OR (k.is_repeated AND s.prediction_key IS NOT NULL) AS is_ambiguous
FROM known AS k
LEFT JOIN several AS s ON s.prediction_key = k.prediction_key
LEFT JOIN elsewhere AS e ON e.prediction_key = k.prediction_key
