"""No table changes; views are created anew, because told_events leaves out events caused by people."""

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change no table."""
