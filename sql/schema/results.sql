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

CREATE INDEX measurements_breached ON measurements (model, chunk_start) WHERE status = 'breached';

CREATE INDEX measurements_by_name ON measurements (model, name, subject, chunk_start);

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
    state TEXT,
    PRIMARY KEY (model, chunk, producer, revision)
);

COMMENT ON TABLE snapshots IS 'Which file holds the rows of a chunk; the uri is relative to the snapshots'' root';

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
    declaration TEXT,
    PRIMARY KEY (model, model_version, reference_hash)
);

COMMENT ON TABLE model_references IS 'References of model versions: bins, reference profile and baseline, as a JSON document';

CREATE TABLE efforts (
    model TEXT NOT NULL,
    chunk TEXT NOT NULL,
    producer TEXT NOT NULL,
    cpu_seconds FLOAT NOT NULL,
    wall_seconds FLOAT NOT NULL,
    rows BIGINT,
    run_id TEXT NOT NULL,
    measured_at TIMESTAMP WITH TIME ZONE NOT NULL,
    bytes_read BIGINT,
    PRIMARY KEY (model, chunk, producer)
);

COMMENT ON TABLE efforts IS 'What each asset took on a chunk when it was measured last: seconds, and rows read from the warehouse';

CREATE TABLE incidents (
    incident_id TEXT NOT NULL,
    model TEXT NOT NULL,
    cause TEXT NOT NULL,
    state TEXT NOT NULL,
    severity TEXT NOT NULL,
    title TEXT NOT NULL,
    owner TEXT NOT NULL,
    runbook TEXT,
    opened TEXT NOT NULL,
    since TEXT NOT NULL,
    last_breached TEXT NOT NULL,
    resolved TEXT,
    breached_chunks INTEGER NOT NULL,
    reopened INTEGER NOT NULL,
    subjects JSON NOT NULL,
    related JSON NOT NULL,
    findings JSON NOT NULL,
    acknowledged_by TEXT,
    acknowledged_at TIMESTAMP WITH TIME ZONE,
    muted_until TIMESTAMP WITH TIME ZONE,
    muted_severity TEXT,
    outcome TEXT,
    updated_at TIMESTAMP WITH TIME ZONE NOT NULL,
    explained_by JSON DEFAULT '[]' NOT NULL,
    PRIMARY KEY (incident_id)
);

COMMENT ON TABLE incidents IS 'One lasting problem of one model: a cause, from its opening to its resolution';

CREATE INDEX incidents_by_model ON incidents (model, state);

CREATE TABLE incident_events (
    event_id BIGSERIAL NOT NULL,
    incident_id TEXT NOT NULL,
    model TEXT NOT NULL,
    kind TEXT NOT NULL,
    chunk TEXT NOT NULL,
    severity TEXT NOT NULL,
    summary TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    told BOOLEAN NOT NULL,
    PRIMARY KEY (event_id)
);

COMMENT ON TABLE incident_events IS 'What happened to an incident; told: whether it was young enough for anybody to hear of it';

CREATE INDEX incident_events_by_incident ON incident_events (incident_id);

CREATE TABLE alerts (
    alert_id BIGSERIAL NOT NULL,
    event_id BIGINT NOT NULL,
    incident_id TEXT NOT NULL,
    model TEXT NOT NULL,
    channel TEXT NOT NULL,
    mode TEXT NOT NULL,
    state TEXT NOT NULL,
    due_at TIMESTAMP WITH TIME ZONE NOT NULL,
    created_at TIMESTAMP WITH TIME ZONE NOT NULL,
    attempts INTEGER NOT NULL,
    uncertain BOOLEAN NOT NULL,
    claimed_at TIMESTAMP WITH TIME ZONE,
    sent_at TIMESTAMP WITH TIME ZONE,
    delivery_id TEXT,
    error TEXT,
    PRIMARY KEY (alert_id)
);

COMMENT ON TABLE alerts IS 'The outbox: one message about one event to one channel; state is due, sending, sent, failed or dropped';

CREATE INDEX alerts_by_state ON alerts (state, due_at);

CREATE TABLE alert_threads (
    incident_id TEXT NOT NULL,
    channel TEXT NOT NULL,
    thread TEXT NOT NULL,
    PRIMARY KEY (incident_id, channel)
);

COMMENT ON TABLE alert_threads IS 'Where a channel keeps its messages about an incident together';

CREATE TABLE channel_failures (
    channel TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    error TEXT NOT NULL,
    PRIMARY KEY (channel)
);

COMMENT ON TABLE channel_failures IS 'The channels that have accepted no message since a failure, with the newest error';

CREATE TABLE decisions (
    decision_id BIGSERIAL NOT NULL,
    model TEXT NOT NULL,
    key TEXT NOT NULL,
    topic TEXT NOT NULL,
    answer TEXT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    chunk TEXT,
    model_version TEXT,
    incident_id TEXT,
    evidence JSON NOT NULL,
    PRIMARY KEY (decision_id),
    CONSTRAINT decisions_once UNIQUE (model, key)
);

COMMENT ON TABLE decisions IS 'What was decided about a model, by whom or what, and why; each key happens once';

CREATE TABLE model_versions (
    model TEXT NOT NULL,
    model_version TEXT NOT NULL,
    since TIMESTAMP WITH TIME ZONE NOT NULL,
    role TEXT NOT NULL,
    window_start TEXT,
    window_end TEXT,
    decided_by TEXT NOT NULL,
    PRIMARY KEY (model, model_version, since)
);

COMMENT ON TABLE model_versions IS 'Which role a model version has since when, and the days of its reference where the spec names none';

CREATE TABLE version_cards (
    model TEXT NOT NULL,
    model_version TEXT NOT NULL,
    card TEXT,
    read_at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (model, model_version)
);

COMMENT ON TABLE version_cards IS 'What the registry states about a model version; null for a version that it does not have';

CREATE TABLE audit (
    audit_id BIGSERIAL NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    actor TEXT NOT NULL,
    action TEXT NOT NULL,
    model TEXT,
    summary TEXT NOT NULL,
    details JSON NOT NULL,
    PRIMARY KEY (audit_id)
);

COMMENT ON TABLE audit IS 'What was removed from the store and the snapshots, by whom or what, and how much; rows are only added';

CREATE TABLE forgotten_rows (
    model TEXT NOT NULL,
    row_id TEXT NOT NULL,
    at TIMESTAMP WITH TIME ZONE NOT NULL,
    PRIMARY KEY (model, row_id)
);

COMMENT ON TABLE forgotten_rows IS 'Hashed ids of rows that were removed on request, and must not be read again';

CREATE TABLE spec_texts (
    number BIGSERIAL NOT NULL,
    model TEXT NOT NULL,
    spec_hash TEXT NOT NULL,
    text_hash TEXT NOT NULL,
    text TEXT NOT NULL,
    is_file BOOLEAN NOT NULL,
    seen_at TIMESTAMP WITH TIME ZONE NOT NULL,
    run_id TEXT NOT NULL,
    recorded_by TEXT NOT NULL,
    author TEXT,
    commit_hash TEXT,
    committed_at TIMESTAMP WITH TIME ZONE,
    PRIMARY KEY (number)
);

COMMENT ON TABLE spec_texts IS 'The texts of specs by which results were made, in order, and who changed them; rows are only added';

CREATE INDEX spec_texts_by_model ON spec_texts (model, number);
