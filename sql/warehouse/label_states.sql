-- For each chunk, the state of its labels: the number of label rows that labels.sql would return, the time at which the
-- last became known, and the sum of a hash of each row, which does not depend on their order.
-- The bounds of all chunks together let the warehouse skip rows outside of them; the range join alone does not.
WITH chunks AS (
    {chunks}
),
chunk_predictions AS (
    SELECT DISTINCT c.chunk_key, c.chunk_start, c.chunk_end, c.known_from, {prediction_key} AS prediction_key
    FROM {predictions} AS p
    JOIN chunks AS c
      ON {predicted_at} >= c.chunk_start
     AND {predicted_at} < c.chunk_end
    WHERE {in_all_chunks}
)
SELECT
    c.chunk_key,
    count(*) AS row_count,
    max({known_at_instant}) AS latest_at,
    {hash_sum} AS hash_sum
FROM chunk_predictions AS c
JOIN {labels} AS l ON {label_key} = c.prediction_key
WHERE {is_known}
  AND {is_within_reach}
  AND {is_within_reach_of_chunk}
  AND {of_all_chunks}
  AND {of_chunk}
GROUP BY c.chunk_key
