"""The tables about the keeping of data: what was removed, and whose rows are forgotten."""

import sqlalchemy as sa

from monitoring_pipeline.store.tables.columns import metadata, numbered, text, time

audit = sa.Table(
    "audit",
    metadata,
    numbered("audit_id"),
    time("at"),
    text("actor"),
    text("action"),
    text("model", nullable=True),
    text("summary"),
    sa.Column("details", sa.JSON, nullable=False),
    comment="What was removed from the store and the snapshots, by whom or what, and how much; rows are only added",
)

forgotten_rows = sa.Table(
    "forgotten_rows",
    metadata,
    text("model", key=True),
    text("row_id", key=True),
    time("at"),
    comment="Hashed ids of rows that were removed on request, and must not be read again",
)

UPKEEP_TABLES = (audit, forgotten_rows)
"""All tables about the keeping of data."""
