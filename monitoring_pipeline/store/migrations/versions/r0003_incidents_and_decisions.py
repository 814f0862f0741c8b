"""Tables for incidents, alerts, decisions and model versions."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    _create(
        "incidents",
        "One lasting problem of one model: a cause, from its opening to its resolution",
        sa.Column("incident_id", sa.Text, primary_key=True),
        *_texts("model", "cause", "state", "severity", "title", "owner"),
        *_optional_texts("runbook"),
        *_texts("opened", "since", "last_breached"),
        *_optional_texts("resolved"),
        sa.Column("breached_chunks", sa.Integer, nullable=False),
        sa.Column("reopened", sa.Integer, nullable=False),
        *(sa.Column(name, sa.JSON, nullable=False) for name in ("subjects", "related", "findings")),
        *_optional_texts("acknowledged_by"),
        *_optional_times("acknowledged_at", "muted_until"),
        *_optional_texts("muted_severity", "outcome"),
        *_times("updated_at"),
    )
    op.create_index("incidents_by_model", "incidents", ["model", "state"])
    _create(
        "incident_events",
        "What happened to an incident; told: whether it was young enough for anybody to hear of it",
        _numbered("event_id"),
        *_texts("incident_id", "model", "kind", "chunk", "severity", "summary"),
        *_times("at"),
        sa.Column("told", sa.Boolean, nullable=False),
    )
    op.create_index("incident_events_by_incident", "incident_events", ["incident_id"])
    _create(
        "alerts",
        "The outbox: one message about one event to one channel; state is due, sending, sent, failed or dropped",
        _numbered("alert_id"),
        sa.Column("event_id", sa.BigInteger, nullable=False),
        *_texts("incident_id", "model", "channel", "mode", "state"),
        *_times("due_at", "created_at"),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("uncertain", sa.Boolean, nullable=False),
        *_optional_times("claimed_at", "sent_at"),
        *_optional_texts("delivery_id", "error"),
    )
    op.create_index("alerts_by_state", "alerts", ["state", "due_at"])
    _create(
        "alert_threads",
        "Where a channel keeps its messages about an incident together",
        sa.Column("incident_id", sa.Text, primary_key=True),
        sa.Column("channel", sa.Text, primary_key=True),
        *_texts("thread"),
    )
    _create(
        "decisions",
        "What was decided about a model, by whom or what, and why; each key happens once",
        _numbered("decision_id"),
        *_texts("model", "key", "topic", "answer", "reason", "actor"),
        *_times("at"),
        *_optional_texts("chunk", "model_version", "incident_id"),
        sa.Column("evidence", sa.JSON, nullable=False),
        sa.UniqueConstraint("model", "key", name="decisions_once"),
    )
    _create(
        "model_versions",
        "Which role a model version has since when, and the days of its reference where the spec names none",
        sa.Column("model", sa.Text, primary_key=True),
        sa.Column("model_version", sa.Text, primary_key=True),
        sa.Column("since", sa.DateTime(timezone=True), primary_key=True),
        *_texts("role"),
        *_optional_texts("window_start", "window_end"),
        *_texts("decided_by"),
    )


def _create(name: str, comment: str, *columns: Any) -> None:
    op.create_table(name, *columns, comment=comment)


def _numbered(name: str) -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    return sa.Column(name, kind, primary_key=True, autoincrement=True)


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text, nullable=False) for name in names]


def _optional_texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text) for name in names]


def _times(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.DateTime(timezone=True), nullable=False) for name in names]


def _optional_times(*names: str) -> list[sa.Column[Any]]:
    return [sa.Column(name, sa.DateTime(timezone=True)) for name in names]
