-- Rows of the whole table that belong to no chunk.
SELECT count(*) AS row_count
FROM {predictions} AS p
WHERE {predicted_at} IS NULL
