-- For each chunk that has predictions, their number and their last time.
-- The bounds of all chunks together let the warehouse skip rows outside of them; the range join alone does not.
WITH chunks AS (
    {chunks}
)
SELECT
    c.chunk_key,
    count(*) AS row_count,
    max({instant}) AS latest_at
FROM {predictions} AS p
JOIN chunks AS c
  ON {predicted_at} >= c.chunk_start
 AND {predicted_at} < c.chunk_end
WHERE {in_all_chunks}
GROUP BY c.chunk_key
