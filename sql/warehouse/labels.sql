-- The known labels of one chunk's predictions. IN keeps one row per label row, even if several predictions have its id.
SELECT
    CAST({label_id} AS VARCHAR) AS row_id,
    {label} AS label,
    {known_at_instant} AS known_at
FROM {labels} AS l
WHERE {known_at} <= {as_of}
  AND {label_key} IN (
      SELECT {prediction_key}
      FROM {predictions} AS p
      WHERE {predicted_at} >= {chunk_start}
        AND {predicted_at} < {chunk_end}
  )
