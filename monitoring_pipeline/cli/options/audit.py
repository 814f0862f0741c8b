"""The options of every command that is recorded in the audit: actor and reason."""

import getpass

import click


def _given(_context: click.Context, _option: click.Parameter, reason: str) -> str:
    if not reason.strip():
        message = "--reason is empty; give a reason, which is kept in the audit"
        raise click.ClickException(message)
    return reason


REASON = click.option("--reason", required=True, callback=_given, help="Reason, kept in the audit.")
BY = click.option("--by", default=getpass.getuser, show_default="your user name", help="Name of the person.")
