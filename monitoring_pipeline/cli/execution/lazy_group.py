"""A group whose commands are imported when they are needed, so that help of one and completion are fast."""

from collections.abc import Mapping
from importlib import import_module
from typing import ClassVar

import click
from click.shell_completion import CompletionItem


class LazyGroup(click.Group):
    """A group of commands, each named by its place: ``module.attribute`` in ``monitoring_pipeline.cli``."""

    places: ClassVar[Mapping[str, str]] = {}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - the signature is click's
        """Return the names of all commands, in the order of the table."""
        return list(self.places)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        """Return a command; None if there is none of the name."""
        if cmd_name not in self.places:
            return None
        module, _, attribute = self.places[cmd_name].rpartition(".")
        return getattr(import_module(f"monitoring_pipeline.cli.{module}"), attribute)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """Return the names that begin with a text; without the help of the commands, which would import all."""
        options = click.Command.shell_complete(self, ctx, incomplete) if incomplete.startswith("-") else []
        return [*(CompletionItem(name) for name in self.places if name.startswith(incomplete)), *options]
