"""What was removed, and whose rows are forgotten."""

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
