-- The number of predictions by version and quarter of an hour (number since 1970), within a span of time.
-- Every zone's offset from UTC is a number of quarters of an hour.
SELECT
    {version} AS model_version,
    CAST(floor(extract(epoch FROM {instant}) / 900) AS BIGINT) AS quarter,
    count(*) AS row_count
FROM {predictions} AS p
WHERE {predicted_at} >= {chunk_start}
  AND {predicted_at} < {chunk_end}
GROUP BY 1, 2
ORDER BY 2, 1
LIMIT {most_rows}
