-- For each chunk, the state of its labels: the number of label rows that labels.sql would return, the time at which the
-- last became known, and the sum of a hash of each row, which does not depend on their order.
-- The bounds of all chunks together let the warehouse skip rows outside of them; the range join alone does not.
-- 15 hexadecimal digits are the most that fit into a positive BIGINT. The sum is wider in every engine.
WITH chunks (chunk_key, chunk_start, chunk_end) AS (
    VALUES {chunks}
),
chunk_predictions AS (
    SELECT DISTINCT c.chunk_key, c.chunk_start, c.chunk_end, {prediction_key} AS prediction_key
    FROM {predictions} AS p
    JOIN chunks AS c
      ON {predicted_at} >= c.chunk_start
     AND {predicted_at} < c.chunk_end
    WHERE {predicted_at} >= {earliest_start}
      AND {predicted_at} < {latest_end}
)
SELECT
    c.chunk_key,
    count(*) AS row_count,
    max({known_at_instant}) AS latest_at,
    CAST(sum(CAST('0x' || substr(md5({row_text}), 1, 15) AS BIGINT)) AS VARCHAR) AS hash_sum
FROM chunk_predictions AS c
JOIN {labels} AS l ON {label_key} = c.prediction_key
WHERE {is_known}
  AND {of_chunk}
GROUP BY c.chunk_key
