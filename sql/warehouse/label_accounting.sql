-- Numbers of label rows that the labels of one chunk do not include.
-- Of the label rows that became known during the chunk, orphans have no prediction near it, and outside_window have
-- predictions near it, but outside of it only. A prediction without a time is near.
-- not_yet_known counts label rows of the chunk that are not known at as_of.
-- Each part has a condition of its own that an engine's statistics can answer.
WITH chunk_predictions AS (
    SELECT DISTINCT {prediction_key} AS prediction_key
    FROM {predictions} AS p
    WHERE {in_chunk}
),
of_others AS (
    SELECT k.label_key
    FROM (
        SELECT {label_key} AS label_key
        FROM {labels} AS l
        WHERE {known_in_chunk}
          AND {is_known}
    ) AS k
    LEFT JOIN chunk_predictions AS c ON c.prediction_key = k.label_key
    WHERE c.prediction_key IS NULL
),
nearby AS (
    SELECT DISTINCT n.prediction_key
    FROM (
        SELECT {prediction_key} AS prediction_key
        FROM {predictions} AS p
        WHERE {is_near}
        UNION ALL
        SELECT {prediction_key} AS prediction_key
        FROM {predictions} AS p
        WHERE {without_time}
    ) AS n
    WHERE n.prediction_key IN (SELECT label_key FROM of_others)
),
not_known AS (
    SELECT {label_key} AS label_key
    FROM {labels} AS l
    WHERE {known_later}
    UNION ALL
    SELECT {label_key} AS label_key
    FROM {labels} AS l
    WHERE {known_never}
)
SELECT
    (
        SELECT count(*)
        FROM of_others AS o
        LEFT JOIN nearby AS n ON n.prediction_key = o.label_key
        WHERE n.prediction_key IS NULL
    ) AS orphans,
    (
        SELECT count(*)
        FROM of_others AS o
        JOIN nearby AS n ON n.prediction_key = o.label_key
    ) AS outside_window,
    (
        SELECT count(*)
        FROM not_known AS u
        JOIN chunk_predictions AS c ON c.prediction_key = u.label_key
    ) AS not_yet_known
