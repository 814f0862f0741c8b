"""The options of every command about a range of days: ``--from`` and ``--to``."""

import datetime as dt
from collections.abc import Callable
from functools import wraps

import click

DAY = click.DateTime(["%Y-%m-%d"])

Command = Callable[..., None]


def day_range(*, required: bool = True) -> Callable[[Command], Command]:
    """Return a decorator that adds ``--from`` and ``--to`` to a command, as the dates ``first`` and ``last``.

    The command exits with a usage error if the first day is after the last.
    """

    def decorate(command: Command) -> Command:
        @click.option("--from", "first", type=DAY, required=required, help="First day.")
        @click.option("--to", "last", type=DAY, required=required, help="Last day, included.")
        @wraps(command)
        def checked(*, first: dt.datetime | None, last: dt.datetime | None, **given: object) -> None:
            command(**_ordered(first, last), **given)

        return checked

    return decorate


def _ordered(first: dt.datetime | None, last: dt.datetime | None) -> dict[str, dt.date | None]:
    if first is not None and last is not None and first > last:
        message = (
            f"--from {first:%Y-%m-%d} is after --to {last:%Y-%m-%d}; "
            "--from takes the first day and --to the last, which is included"
        )
        raise click.UsageError(message)
    return {"first": first and first.date(), "last": last and last.date()}
