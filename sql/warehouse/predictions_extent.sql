-- The number of all predictions, of those with a time, and the first and the last time.
SELECT
    count(*) AS row_count,
    count({instant}) AS rows_with_time,
    min({instant}) AS first_time,
    max({instant}) AS last_time
FROM {predictions} AS p
