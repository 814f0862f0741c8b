"""Bytes that measuring a chunk read from the warehouse."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; what was stored before has none."""
    op.add_column("efforts", sa.Column("bytes_read", sa.BigInteger, nullable=True))
