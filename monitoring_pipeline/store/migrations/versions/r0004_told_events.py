"""No table changes; views are created anew, as told_events leaves out what people did themselves."""

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Change no table."""
