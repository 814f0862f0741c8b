"""The days on which chunks end, as Dagster's schedules write them."""

CRON_DAYS = {"day": "* * *", "week": "* * 1", "month": "1 * *"}
"""By the word for a chunk."""
