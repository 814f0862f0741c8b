-- The known labels of one chunk's predictions, one row per label row, with the id as the predictions have it.
-- A label is ambiguous if its id has several labels and is also predicted near the chunk, or by one version at several
-- times within it: it may belong to either.
-- Different times and labels are counted only for ids that have several rows, because such counts need much memory.
-- Labels are first narrowed to those of the chunk's ids, so that an engine joins few rows.
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
of_ids AS (
    SELECT {label_key} AS label_key, {label} AS label, {known_at_instant} AS known_at, {row_hash} AS row_hash
    FROM {labels} AS l
    WHERE {is_known}
      AND {is_within_reach}
      AND {of_chunk}
      AND {label_key} IN (SELECT prediction_key FROM chunk_ids)
),
known AS (
    SELECT {distinct} c.prediction_key, c.row_id, o.label, o.known_at, o.row_hash
    FROM of_ids AS o
    JOIN chunk_ids AS c ON c.prediction_key = o.label_key
),
several AS (
    SELECT d.prediction_key
    FROM (
        SELECT DISTINCT prediction_key, label, known_at
        FROM known
        WHERE prediction_key IN (SELECT prediction_key FROM known GROUP BY prediction_key HAVING count(*) > 1)
    ) AS d
    GROUP BY d.prediction_key
    HAVING count(*) > 1
),
ambiguous AS (
    SELECT DISTINCT n.prediction_key
    FROM (
        SELECT {prediction_key} AS prediction_key
        FROM {predictions} AS p
        WHERE {may_be_elsewhere}
          AND {is_near}
          AND ({outside})
        UNION ALL
        SELECT prediction_key
        FROM repeated_ids
    ) AS n
    WHERE n.prediction_key IN (SELECT prediction_key FROM several)
)
SELECT
    k.row_id,
    k.label,
    k.known_at,
    k.row_hash,
    a.prediction_key IS NOT NULL AS is_ambiguous
FROM known AS k
LEFT JOIN ambiguous AS a ON a.prediction_key = k.prediction_key
