"""Channels that accept no messages now."""

import sqlalchemy as sa
from alembic import op

from monitoring_pipeline.store.tables.columns import UtcTimestamp

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "channel_failures",
        sa.Column("channel", sa.Text, nullable=False),
        sa.Column("since", UtcTimestamp, nullable=False),
        sa.Column("error", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("channel"),
        comment="The channels that have accepted no message since a failure, with the newest error",
    )
