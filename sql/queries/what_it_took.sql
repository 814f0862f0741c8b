-- What did measuring take?
-- Parameters
--   model     name of the model; null for all
-- Output: one row per model, chunk and asset, newest chunk first, and the most expensive asset of a chunk first.
SELECT model, chunk, producer, cpu_seconds, wall_seconds, rows, bytes_read, measured_at
FROM efforts
WHERE CAST(:model AS TEXT) IS NULL OR model = CAST(:model AS TEXT)
ORDER BY model, chunk DESC, cpu_seconds DESC, producer
