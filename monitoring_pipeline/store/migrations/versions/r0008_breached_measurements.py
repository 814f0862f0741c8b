"""An index of breaches, which are few: incidents need the numbers that were ever breached, from the whole history."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the index."""
    is_breached = sa.text("status = 'breached'")
    op.create_index(
        "measurements_breached",
        "measurements",
        ["model", "chunk_start"],
        sqlite_where=is_breached,
        postgresql_where=is_breached,
    )
