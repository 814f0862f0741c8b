"""A group whose commands are imported when they are needed, so that help and completion are fast."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module
from typing import ClassVar

import click
from click.shell_completion import CompletionItem

MARGIN = 6
"""Columns that click leaves around the two columns of its list of commands."""


@dataclass(frozen=True)
class Place:
    """Where a command is, ``module.attribute`` in ``monitoring_pipeline.cli``, and the first sentence of its help."""

    name: str
    summary: str


class LazyGroup(click.Group):
    """A group of commands, each with its place."""

    places: ClassVar[Mapping[str, Place]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """Return the names of all commands, in the order of the table."""
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command; None if there is none of the name."""
        if cmd_name not in self.places:
            return None
        module, _, attribute = self.places[cmd_name].name.rpartition(".")
        return getattr(import_module(f"monitoring_pipeline.cli.{module}"), attribute)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        """Write the list of commands without importing them."""
        width = formatter.width - MARGIN - max(map(len, self.places))
        listed = [click.Command(name, help=place.summary) for name, place in self.places.items()]
        with formatter.section("Commands"):
            formatter.write_dl([(command.name or "", command.get_short_help_str(width)) for command in listed])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the names that begin with a text; without the help of the commands, which would import all."""
        options = click.Command.shell_complete(self, ctx, incomplete) if incomplete.startswith("-") else []
        return [*(CompletionItem(name) for name in self.places if name.startswith(incomplete)), *options]
