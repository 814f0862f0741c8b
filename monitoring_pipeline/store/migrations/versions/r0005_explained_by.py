"""Which causes explain an incident by the attribution of its newest breached chunk."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the column; the next night fills it from the measurements."""
    op.add_column("incidents", sa.Column("explained_by", sa.JSON, nullable=False, server_default="[]"))
