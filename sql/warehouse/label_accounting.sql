-- Numbers of label rows that the labels of one chunk do not include.
-- Of the label rows that became known during the chunk, orphans have no prediction at all, and outside_window have
-- predictions outside of the chunk only. not_yet_known counts label rows of the chunk that are not known at as_of.
WITH chunk_predictions AS (
    SELECT DISTINCT {prediction_key} AS prediction_key
    FROM {predictions} AS p
    WHERE {predicted_at} >= {chunk_start}
      AND {predicted_at} < {chunk_end}
),
known_in_chunk AS (
    SELECT {label_key} AS label_key
    FROM {labels} AS l
    WHERE {known_at} >= {known_from}
      AND {known_at} < {known_before}
      AND {is_known}
)
SELECT
    (
        SELECT count(*)
        FROM known_in_chunk AS k
        WHERE NOT EXISTS (SELECT 1 FROM {predictions} AS p WHERE {prediction_key} = k.label_key)
    ) AS orphans,
    (
        SELECT count(*)
        FROM known_in_chunk AS k
        WHERE EXISTS (SELECT 1 FROM {predictions} AS p WHERE {prediction_key} = k.label_key)
          AND NOT EXISTS (SELECT 1 FROM chunk_predictions AS c WHERE c.prediction_key = k.label_key)
    ) AS outside_window,
    (
        SELECT count(*)
        FROM {labels} AS l
        WHERE ({is_known}) IS NOT TRUE
          AND EXISTS (SELECT 1 FROM chunk_predictions AS c WHERE c.prediction_key = {label_key})
    ) AS not_yet_known
