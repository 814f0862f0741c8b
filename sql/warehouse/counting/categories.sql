-- The rows of one categorical column by category of the reference. Other values are counted together.
SELECT g.category, g.is_other, CAST(sum(g.row_count) AS {integer}) AS row_count
FROM (
    SELECT
        CASE WHEN {is_other} THEN NULL ELSE c.x END AS category,
        CASE WHEN {is_other} THEN 1 ELSE 0 END AS is_other,
        c.row_count
    FROM (SELECT r.x, count(*) AS row_count FROM ({values}) AS r GROUP BY r.x) AS c
) AS g
GROUP BY g.category, g.is_other
