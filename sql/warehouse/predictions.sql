-- The predictions of one chunk, with the needed columns only.
SELECT {selected}
FROM {predictions} AS p
WHERE {in_chunk}
