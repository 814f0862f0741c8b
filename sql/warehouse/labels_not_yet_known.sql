-- The number of label rows of one chunk's predictions that are not known at as_of, where label rows have no time, or are
-- the predictions themselves. Label rows without a prediction cannot be attributed to a chunk then.
SELECT
    CAST(NULL AS {integer}) AS orphans,
    CAST(NULL AS {integer}) AS outside_window,
    count(*) AS not_yet_known
FROM {labels} AS l
WHERE NOT coalesce({is_known}, FALSE)
  AND {of_chunk}
  AND {label_key} IN (
      SELECT {prediction_key}
      FROM {predictions} AS p
      WHERE {in_chunk}
  )
