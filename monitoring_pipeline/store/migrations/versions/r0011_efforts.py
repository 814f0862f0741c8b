"""What measuring a chunk took."""

import sqlalchemy as sa
from alembic import op

from monitoring_pipeline.store.tables.columns import UtcTimestamp

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "efforts",
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("chunk", sa.Text, nullable=False),
        sa.Column("producer", sa.Text, nullable=False),
        sa.Column("cpu_seconds", sa.Float, nullable=False),
        sa.Column("wall_seconds", sa.Float, nullable=False),
        sa.Column("rows", sa.BigInteger, nullable=True),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("measured_at", UtcTimestamp, nullable=False),
        sa.PrimaryKeyConstraint("model", "chunk", "producer"),
        comment="What each asset took on a chunk when it was measured last: seconds, and rows read from the warehouse",
    )
