"""The texts of specs by which results were made."""

import sqlalchemy as sa
from alembic import op

from monitoring_pipeline.store.tables.columns import UtcTimestamp

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "spec_texts",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=True),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("spec_hash", sa.Text, nullable=False),
        sa.Column("text_hash", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("is_file", sa.Boolean, nullable=False),
        sa.Column("seen_at", UtcTimestamp, nullable=False),
        sa.Column("run_id", sa.Text, nullable=False),
        sa.Column("recorded_by", sa.Text, nullable=False),
        sa.Column("author", sa.Text, nullable=True),
        sa.Column("commit_hash", sa.Text, nullable=True),
        sa.Column("committed_at", UtcTimestamp, nullable=True),
        comment="The texts of specs by which results were made, in order, and who changed them; rows are only added",
    )
    op.create_index("spec_texts_by_model", "spec_texts", ["model", "number"])
