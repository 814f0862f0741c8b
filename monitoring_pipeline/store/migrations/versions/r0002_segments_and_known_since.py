"""Profiles of segments, and the time since which a revision is known."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; stored rows are of whole chunks, and are known since they were measured."""
    op.add_column("profiles", sa.Column("segment", sa.Text, nullable=False, server_default=""))
    op.add_column("chunk_revisions", sa.Column("known_since", sa.DateTime(timezone=True)))
    op.execute("UPDATE chunk_revisions SET known_since = measured_at")
