"""The index of measurements by name knows their subject: queries look up the chunks of one series."""

from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the index anew."""
    op.drop_index("measurements_by_name", "measurements")
    op.create_index("measurements_by_name", "measurements", ["model", "name", "subject", "chunk_start"])
