CREATE SCHEMA IF NOT EXISTS monitoring;

SET search_path TO monitoring;

CREATE TABLE chunk_revisions (
    model TEXT NOT NULL,
    chunk TEXT NOT NULL,
    producer TEXT NOT NULL,
    revision INTEGER NOT NULL,
    chunk_start TIMESTAMP WITH TIME ZONE NOT NULL,
    chunk_end TIMESTAMP WITH TIME ZONE NOT NULL,
    spec_hash TEXT NOT NULL,
    reference_hash TEXT NOT NULL,
    input_fingerprint TEXT NOT NULL,
    code_version TEXT NOT NULL,
    run_id TEXT NOT NULL,
    measured_at TIMESTAMP WITH TIME ZONE NOT NULL,
    known_since TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (model, chunk, producer, revision)
);

COMMENT ON TABLE chunk_revisions IS 'What each producer said about a chunk was made from, and when; the newest revision is current';

CREATE TABLE measurements (
    model TEXT NOT NULL,
    chunk TEXT NOT NULL,
    producer TEXT NOT NULL,
    revision INTEGER NOT NULL,
    position INTEGER NOT NULL,
    chunk_start TIMESTAMP WITH TIME ZONE NOT NULL,
    chunk_end TIMESTAMP WITH TIME ZONE NOT NULL,
    model_version TEXT NOT NULL,
    role TEXT NOT NULL,
    segment TEXT NOT NULL,
    kind TEXT NOT NULL,
    subject TEXT NOT NULL,
    name TEXT NOT NULL,
    status TEXT NOT NULL,
    severity TEXT NOT NULL,
    value DOUBLE PRECISION,
    lower DOUBLE PRECISION,
    upper DOUBLE PRECISION,
    reference_value DOUBLE PRECISION,
    p_value DOUBLE PRECISION,
    q_value DOUBLE PRECISION,
    threshold_lower DOUBLE PRECISION,
    threshold_upper DOUBLE PRECISION,
    reason TEXT,
    definition TEXT,
    rows BIGINT NOT NULL,
    maturity TEXT,
    spec_hash TEXT NOT NULL,
    reference_hash TEXT NOT NULL,
    input_fingerprint TEXT NOT NULL,
    code_version TEXT NOT NULL,
    run_id TEXT NOT NULL,
    measured_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (model, chunk, producer, revision, position)
);

COMMENT ON TABLE measurements IS 'One number about one chunk, or the reason why there is none';

CREATE INDEX measurements_by_name ON measurements (model, name, chunk_start);

CREATE TABLE model_references (
    model TEXT NOT NULL,
    model_version TEXT NOT NULL,
    reference_hash TEXT NOT NULL,
    is_current BOOLEAN NOT NULL,
    window_start TIMESTAMP WITH TIME ZONE NOT NULL,
    window_end TIMESTAMP WITH TIME ZONE NOT NULL,
    rows BIGINT NOT NULL,
    document TEXT NOT NULL,
    spec_hash TEXT NOT NULL,
    input_fingerprint TEXT NOT NULL,
    run_id TEXT NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (model, model_version, reference_hash)
);

COMMENT ON TABLE model_references IS 'References of model versions: bins, reference profile and baseline, as a JSON document';

CREATE TABLE profiles (
    model TEXT NOT NULL,
    chunk TEXT NOT NULL,
    producer TEXT NOT NULL,
    revision INTEGER NOT NULL,
    position INTEGER NOT NULL,
    chunk_start TIMESTAMP WITH TIME ZONE NOT NULL,
    chunk_end TIMESTAMP WITH TIME ZONE NOT NULL,
    model_version TEXT NOT NULL,
    segment TEXT NOT NULL,
    column_name TEXT NOT NULL,
    rows BIGINT NOT NULL,
    counts JSON NOT NULL,
    unseen JSON NOT NULL,
    minimum DOUBLE PRECISION,
    maximum DOUBLE PRECISION,
    sum_centred DOUBLE PRECISION NOT NULL,
    sum_squares_centred DOUBLE PRECISION NOT NULL,
    PRIMARY KEY (model, chunk, producer, revision, position)
);

COMMENT ON TABLE profiles IS 'Counts of one column of a model version''s rows in one chunk, over the cells of its reference';

CREATE TABLE snapshots (
    model TEXT NOT NULL,
    chunk TEXT NOT NULL,
    producer TEXT NOT NULL,
    revision INTEGER NOT NULL,
    chunk_start TIMESTAMP WITH TIME ZONE NOT NULL,
    chunk_end TIMESTAMP WITH TIME ZONE NOT NULL,
    kind TEXT NOT NULL,
    uri TEXT NOT NULL,
    fingerprint TEXT NOT NULL,
    rows BIGINT NOT NULL,
    latest_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (model, chunk, producer, revision)
);

COMMENT ON TABLE snapshots IS 'Which file holds the rows of a chunk; the uri is relative to the snapshots'' root';

CREATE TABLE verdicts (
    model TEXT NOT NULL,
    chunk TEXT NOT NULL,
    producer TEXT NOT NULL,
    revision INTEGER NOT NULL,
    chunk_start TIMESTAMP WITH TIME ZONE NOT NULL,
    chunk_end TIMESTAMP WITH TIME ZONE NOT NULL,
    status TEXT NOT NULL,
    reasons JSON NOT NULL,
    measured BIGINT NOT NULL,
    breaches BIGINT NOT NULL,
    skipped BIGINT NOT NULL,
    PRIMARY KEY (model, chunk, producer, revision)
);

COMMENT ON TABLE verdicts IS 'The judgement on one chunk';
