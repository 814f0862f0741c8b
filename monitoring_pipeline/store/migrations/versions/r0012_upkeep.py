"""What was removed, whose rows are forgotten, and the specs that were in use."""

import sqlalchemy as sa
from alembic import op

from monitoring_pipeline.store.tables.columns import UtcTimestamp

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the tables."""
    op.create_table(
        "audit",
        sa.Column("audit_id", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("at", UtcTimestamp, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=True),
        sa.Column("summary", sa.Text, nullable=False),
        sa.Column("details", sa.JSON, nullable=False),
        comment="What was removed from the store and the snapshots, by whom or what, and how much; rows are only added",
    )
    op.create_table(
        "forgotten_rows",
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("row_id", sa.Text, nullable=False),
        sa.Column("at", UtcTimestamp, nullable=False),
        sa.PrimaryKeyConstraint("model", "row_id"),
        comment="Hashed ids of rows that were removed on request, and must not be read again",
    )
    op.create_table(
        "spec_documents",
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("spec_hash", sa.Text, nullable=False),
        sa.Column("seen_at", UtcTimestamp, nullable=False),
        sa.Column("document", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=True),
        sa.Column("commit_hash", sa.Text, nullable=True),
        sa.Column("committed_at", UtcTimestamp, nullable=True),
        sa.PrimaryKeyConstraint("model", "spec_hash"),
        comment="The specs by which results were made, as text, with author and commit if the file was in git",
    )
