"""The state of the label rows that a chunk was measured with."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; it stays null until the labels of a chunk are read again."""
    op.add_column("snapshots", sa.Column("state", sa.Text, nullable=True))
