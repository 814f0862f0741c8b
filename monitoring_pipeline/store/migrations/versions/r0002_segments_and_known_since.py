"""Profiles of segments, and since when a revision is known."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the columns; what was stored before is of whole chunks, and known since it was measured."""
    op.add_column("profiles", sa.Column("segment", sa.Text, nullable=False, server_default=""))
    op.add_column("chunk_revisions", sa.Column("known_since", sa.DateTime(timezone=True)))
    op.execute("UPDATE chunk_revisions SET known_since = measured_at")
