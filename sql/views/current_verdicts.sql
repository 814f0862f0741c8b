-- The newest verdict on each chunk, and its provenance.
CREATE VIEW current_verdicts AS
SELECT
    verdicts.*,
    current_revision.spec_hash,
    current_revision.reference_hash,
    current_revision.input_fingerprint,
    current_revision.code_version,
    current_revision.run_id,
    current_revision.measured_at
FROM verdicts
JOIN current_revisions AS current_revision
    ON current_revision.model = verdicts.model
    AND current_revision.chunk = verdicts.chunk
    AND current_revision.producer = verdicts.producer
    AND current_revision.revision = verdicts.revision
