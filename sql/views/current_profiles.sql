-- Column profiles of the newest revision of each chunk and producer.
CREATE VIEW current_profiles AS
SELECT profiles.*
FROM profiles
JOIN current_revisions AS current_revision
    ON current_revision.model = profiles.model
    AND current_revision.chunk = profiles.chunk
    AND current_revision.producer = profiles.producer
    AND current_revision.revision = profiles.revision
