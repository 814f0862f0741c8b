"""The option of the demo for its last day."""

import datetime as dt
from zoneinfo import ZoneInfo

import click

from monitoring_pipeline.system_clock import system_clock

ZONE, YESTERDAY = "America/New_York", "yesterday"


class LastDay(click.ParamType[dt.date]):
    """A day such as 2026-11-29, or ``yesterday`` in New York, where the flights of the demo leave."""

    name = "day"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> dt.date:
        """Return the day."""
        if value == YESTERDAY:
            return system_clock().astimezone(ZoneInfo(ZONE)).date() - dt.timedelta(days=1)
        try:
            return dt.datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=dt.UTC).date()
        except ValueError:
            self.fail(f"{value!r} is neither {YESTERDAY} nor a day such as 2026-11-29", param, ctx)


LAST_DAY = LastDay()
