-- The number of predictions without a time. They belong to no chunk.
SELECT count(*) AS row_count
FROM {predictions} AS p
WHERE {without_time}
