-- The number of predictions by version and quarter of an hour (number since 1970), within a span of time.
-- Every zone's offset from UTC is a number of quarters of an hour.
SELECT
    {version} AS model_version,
    CAST(floor({seconds} / 900) AS {integer}) AS quarter,
    count(*) AS row_count
FROM {predictions} AS p
WHERE {in_chunk}
GROUP BY 1, 2
ORDER BY 2, 1
LIMIT {most_rows}
