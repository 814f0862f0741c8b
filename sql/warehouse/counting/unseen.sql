-- The most frequent values of one categorical column that are no category of the reference.
SELECT c.x, c.row_count
FROM (SELECT r.x, count(*) AS row_count FROM ({values}) AS r GROUP BY r.x) AS c
WHERE {is_other}
ORDER BY c.row_count DESC, {by_code}
LIMIT {most}
