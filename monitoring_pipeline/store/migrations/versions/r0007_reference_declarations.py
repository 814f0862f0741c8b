"""The declaration that a reference was built from: hashes of its rows' source and of each feature."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; it stays null until the reference of a version is looked up again."""
    op.add_column("model_references", sa.Column("declaration", sa.Text, nullable=True))
