"""The tables of consequences of results: incidents, alerts about them, decisions, and the roles of versions.

``alerts`` is the outbox: its rows are written in the transaction that changes the incident, and delivered later.
Rows of ``decisions`` and ``model_versions`` are never changed or deleted.
"""

import sqlalchemy as sa

from monitoring_pipeline.store.tables.columns import metadata, numbered, text, time

incidents = sa.Table(
    "incidents",
    metadata,
    text("incident_id", key=True),
    text("model"),
    text("cause"),
    text("state"),
    text("severity"),
    text("title"),
    text("owner"),
    text("runbook", nullable=True),
    text("opened"),
    text("since"),
    text("last_breached"),
    text("resolved", nullable=True),
    sa.Column("breached_chunks", sa.Integer, nullable=False),
    sa.Column("reopened", sa.Integer, nullable=False),
    sa.Column("subjects", sa.JSON, nullable=False),
    sa.Column("related", sa.JSON, nullable=False),
    sa.Column("findings", sa.JSON, nullable=False),
    text("acknowledged_by", nullable=True),
    time("acknowledged_at", nullable=True),
    time("muted_until", nullable=True),
    text("muted_severity", nullable=True),
    text("outcome", nullable=True),
    time("updated_at"),
    sa.Column("explained_by", sa.JSON, nullable=False, server_default="[]"),
    sa.Index("incidents_by_model", "model", "state"),
    comment="One lasting problem of one model: a cause, from its opening to its resolution",
)

incident_events = sa.Table(
    "incident_events",
    metadata,
    numbered("event_id"),
    text("incident_id"),
    text("model"),
    text("kind"),
    text("chunk"),
    text("severity"),
    text("summary"),
    time("at"),
    sa.Column("told", sa.Boolean, nullable=False),
    sa.Index("incident_events_by_incident", "incident_id"),
    comment="What happened to an incident; told: whether it was young enough for anybody to hear of it",
)

alerts = sa.Table(
    "alerts",
    metadata,
    numbered("alert_id"),
    sa.Column("event_id", sa.BigInteger, nullable=False),
    text("incident_id"),
    text("model"),
    text("channel"),
    text("mode"),
    text("state"),
    time("due_at"),
    time("created_at"),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("uncertain", sa.Boolean, nullable=False),
    time("claimed_at", nullable=True),
    time("sent_at", nullable=True),
    text("delivery_id", nullable=True),
    text("error", nullable=True),
    sa.Index("alerts_by_state", "state", "due_at"),
    comment="The outbox: one message about one event to one channel; state is due, sending, sent, failed or dropped",
)

alert_threads = sa.Table(
    "alert_threads",
    metadata,
    text("incident_id", key=True),
    text("channel", key=True),
    text("thread"),
    comment="Where a channel keeps its messages about an incident together",
)
channel_failures = sa.Table(
    "channel_failures",
    metadata,
    text("channel", key=True),
    time("since"),
    text("error"),
    comment="The channels that have accepted no message since a failure, with the newest error",
)

decisions = sa.Table(
    "decisions",
    metadata,
    numbered("decision_id"),
    text("model"),
    text("key"),
    text("topic"),
    text("answer"),
    text("reason"),
    text("actor"),
    time("at"),
    text("chunk", nullable=True),
    text("model_version", nullable=True),
    text("incident_id", nullable=True),
    sa.Column("evidence", sa.JSON, nullable=False),
    sa.UniqueConstraint("model", "key", name="decisions_once"),
    comment="What was decided about a model, by whom or what, and why; each key happens once",
)

model_versions = sa.Table(
    "model_versions",
    metadata,
    text("model", key=True),
    text("model_version", key=True),
    sa.Column("since", time("since").type, primary_key=True),
    text("role"),
    text("window_start", nullable=True),
    text("window_end", nullable=True),
    text("decided_by"),
    comment="Which role a model version has since when, and the days of its reference where the spec names none",
)

version_cards = sa.Table(
    "version_cards",
    metadata,
    text("model", key=True),
    text("model_version", key=True),
    text("card", nullable=True),
    time("read_at"),
    comment="What the registry states about a model version; null for a version that it does not have",
)

ACTION_TABLES = (
    incidents,
    incident_events,
    alerts,
    alert_threads,
    channel_failures,
    decisions,
    model_versions,
    version_cards,
)
"""All tables of consequences of results."""
