"""The options of every command that a person answers for: who says so, and why."""

import getpass

import click


def _given(_context: click.Context, _option: click.Parameter, reason: str) -> str:
    if not reason.strip():
        message = "--reason is empty; say why, it is kept in the audit"
        raise click.ClickException(message)
    return reason


REASON = click.option("--reason", required=True, callback=_given, help="Why; it is kept in the audit.")
BY = click.option("--by", default=getpass.getuser, show_default="your user name", help="Who says so.")
