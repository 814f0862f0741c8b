-- The newest revision of each producer's results of each chunk.
CREATE VIEW current_revisions AS
SELECT *
FROM chunk_revisions AS revised
WHERE NOT EXISTS (
    SELECT 1
    FROM chunk_revisions AS newer
    WHERE newer.model = revised.model
        AND newer.chunk = revised.chunk
        AND newer.producer = revised.producer
        AND newer.revision > revised.revision
)
