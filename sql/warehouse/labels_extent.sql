-- The number of all label rows, of those with a label, and of those with a label and a time.
SELECT
    count(*) AS row_count,
    count({label}) AS with_label,
    count(CASE WHEN {label} IS NOT NULL THEN {known_at_instant} END) AS with_time
FROM {labels} AS l
