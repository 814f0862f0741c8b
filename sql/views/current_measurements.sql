-- Measurements of the newest revision of each chunk and producer.
CREATE VIEW current_measurements AS
SELECT measurements.*
FROM measurements
JOIN current_revisions AS current_revision
    ON current_revision.model = measurements.model
    AND current_revision.chunk = measurements.chunk
    AND current_revision.producer = measurements.producer
    AND current_revision.revision = measurements.revision
