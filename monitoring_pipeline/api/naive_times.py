"""Times without a time zone: the zone that they are taken in, which a result names if nobody declared it."""

from collections.abc import Mapping

import polars as pl

from monitoring_pipeline.api.roles import Roles

UNDECLARED = "UTC"
_TIME_OF_DAY = r"\d[T ]\d{1,2}:\d\d"
_WITH_OFFSET = r"(?i)(z|utc|[+-]\d\d:?(\d\d)?)\s*$"


def notes_on_naive_times(frames: Mapping[str, pl.DataFrame], roles: Roles, declared: str | None) -> tuple[str, ...]:
    """Return a note if times have no time zone and none was declared for them.

    Args:
        frames: the frames by table.
        roles: the columns with a role, of which ``time`` and ``known_at`` hold times.
        declared: the argument ``naive_times``.
    """
    columns = [column for column in (roles.time, roles.known_at) if column is not None]
    naive = [name for name in columns if any(_is_naive(f[name]) for f in frames.values() if name in f.columns)]
    if declared is not None or not naive:
        return ()
    named = " and ".join(dict.fromkeys(naive))
    return (f"times of {named} have no time zone and are taken as {UNDECLARED}; naive_times declares another zone",)


def _is_naive(column: pl.Series) -> bool:
    if isinstance(column.dtype, pl.Datetime):
        return column.dtype.time_zone is None
    if column.dtype == pl.String:
        # Text without a time of day is a date, which is a day in the time zone of the chunks.
        return bool((column.str.contains(_TIME_OF_DAY) & ~column.str.contains(_WITH_OFFSET)).any())
    return False
