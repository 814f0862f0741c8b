-- What did we know about a chunk on some day?
-- Parameters
--   model    name of the model
--   chunk    key of the chunk, such as 2013-04-16
--   on_day   day in UTC by whose end results were known, such as 2013-04-17; null for the newest results
--   name     name of the statistic or metric; null for all
-- Output: the measurements of the newest revision that was known by the end of that day, and the time since when.
WITH known AS (
    SELECT
        model, chunk, producer, revision, known_since,
        ROW_NUMBER() OVER (PARTITION BY model, chunk, producer ORDER BY revision DESC) AS place
    FROM chunk_revisions
    WHERE CAST(:on_day AS TEXT) IS NULL
        OR SUBSTR(CAST(known_since AS TEXT), 1, 10) <= CAST(:on_day AS TEXT)
)
SELECT
    found.kind, found.subject, found.name, found.model_version, found.segment,
    found.value, found.lower, found.upper, found.status, found.reason, found.rows, found.maturity,
    known.revision, known.known_since
FROM known
JOIN measurements AS found
    ON found.model = known.model
    AND found.chunk = known.chunk
    AND found.producer = known.producer
    AND found.revision = known.revision
WHERE known.place = 1
    AND known.model = :model
    AND known.chunk = :chunk
    AND (CAST(:name AS TEXT) IS NULL OR found.name = CAST(:name AS TEXT))
ORDER BY known.producer, found.position
