"""The options of every command about a range of chunks: ``--from`` and ``--to``."""

import re
from collections.abc import Callable
from functools import wraps

import click

FORM = re.compile(r"\d{4}-\d{2}(-\d{2}(T\d{2}:\d{2}([+-]\d{4})?)?)?")
EXAMPLES = "2013-04-22, 2013-04 or 2013-04-22T14:00"

Command = Callable[..., None]


class ChunkOrDay(click.ParamType[str]):
    """A day, or the key of a chunk; only the model's calendar can say whether there is such a chunk."""

    name = "chunk"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text if it has the form of a day or key."""
        if not FORM.fullmatch(value):
            self.fail(f"{value!r} is not a day or chunk such as {EXAMPLES}", param, ctx)
        return value


CHUNK_OR_DAY = ChunkOrDay()


def day_range(*, required: bool = True) -> Callable[[Command], Command]:
    """Return a decorator that adds ``--from`` and ``--to`` to a command, as the texts ``first`` and ``last``.

    The command exits with a usage error if the first day is after the last.
    """

    def decorate(command: Command) -> Command:
        @click.option("--from", "first", type=CHUNK_OR_DAY, required=required, help="First day or chunk.")
        @click.option("--to", "last", type=CHUNK_OR_DAY, required=required, help="Last day or chunk, included.")
        @wraps(command)
        def checked(*, first: str | None, last: str | None, **given: object) -> None:
            _refuse_if_reversed(first, last)
            command(first=first, last=last, **given)

        return checked

    return decorate


def _refuse_if_reversed(first: str | None, last: str | None) -> None:
    if first is None or last is None:
        return
    # A chunk lies within its day, so only what both texts name is compared.
    shared = min(len(first), len(last))
    if first[:shared] > last[:shared]:
        message = (
            f"--from {first} is after --to {last}; "
            "--from takes the first day or chunk and --to the last, which is included"
        )
        raise click.UsageError(message)
