"""The tables about the keeping of data: what was removed, whose rows are forgotten, and the texts of specs."""

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

spec_texts = sa.Table(
    "spec_texts",
    metadata,
    numbered("number"),
    text("model"),
    text("spec_hash"),
    text("text_hash"),
    text("text"),
    sa.Column("is_file", sa.Boolean, nullable=False),
    time("seen_at"),
    text("run_id"),
    text("recorded_by"),
    text("author", nullable=True),
    text("commit_hash", nullable=True),
    time("committed_at", nullable=True),
    sa.Index("spec_texts_by_model", "model", "number"),
    comment="The texts of specs by which results were made, in order, and who changed them; rows are only added",
)

UPKEEP_TABLES = (audit, forgotten_rows, spec_texts)
"""All tables about the keeping of data."""
