"""What the registry states about model versions."""

import sqlalchemy as sa
from alembic import op

from monitoring_pipeline.store.tables.columns import UtcTimestamp

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "version_cards",
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("model_version", sa.Text, nullable=False),
        sa.Column("card", sa.Text, nullable=True),
        sa.Column("read_at", UtcTimestamp, nullable=False),
        sa.PrimaryKeyConstraint("model", "model_version"),
        comment="What the registry states about a model version; null for a version that it does not have",
    )
