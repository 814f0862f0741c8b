-- The label of each id: the one that became known last. An id that has several labels at its last time has none.
SELECT s.row_id, max(s.label) AS label
FROM (
    SELECT
        k.row_id,
        {label} AS label,
        rank() OVER (PARTITION BY k.row_id ORDER BY k.known_at DESC NULLS LAST) AS place
    FROM ({labels}) AS k
    WHERE NOT k.is_ambiguous AND k.row_id IS NOT NULL
) AS s
WHERE s.place = 1
GROUP BY s.row_id
HAVING min(s.label) = max(s.label)
