-- The predictions of one chunk, with the needed columns only.
SELECT {selected}
FROM {predictions} AS p
WHERE {predicted_at} >= {chunk_start}
  AND {predicted_at} < {chunk_end}
