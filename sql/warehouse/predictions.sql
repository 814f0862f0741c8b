-- The predictions of one chunk, only the columns that are needed.
SELECT {selected}
FROM {predictions} AS p
WHERE {predicted_at} >= {chunk_start}
  AND {predicted_at} < {chunk_end}
