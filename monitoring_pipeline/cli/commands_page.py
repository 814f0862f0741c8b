"""The page of all commands, made from click: arguments, options, printed fields and exit codes.

``python -m monitoring_pipeline.cli.commands_page > docs/commands.md`` writes it.
"""

from collections.abc import Iterator, Mapping

import click

from monitoring_pipeline.cli import main
from monitoring_pipeline.cli.execution.exit_codes import MEANINGS, OF_COMMANDS, ExitCode
from monitoring_pipeline.reports.fields import FIELDS, Fields, all_fields, meaning_of

PROGRAM = "monitoring-pipeline"
HEAD = """# Commands

This page is the output of `python -m monitoring_pipeline.cli.commands_page`. The settings of all commands are
[environment variables](settings.md).

## Output

- Standard output has the data. Messages, warnings and progress go to standard error.
- A terminal shows tables that fit its width: numbers, names and dates stay whole, sentences are folded, and columns
  that do not fit stand below their row. In a pipe each row is one line.
- `--json` prints a list of records, one record per line. `incidents show`, `rehearse` and `spec reference` print an
  object of such lists.
- `--csv` prints a header and a line per record; of several lists the first. Lists and objects within a record are JSON.
- Numbers have full precision, and times are ISO 8601 in UTC. A value that was not measured is null (empty in CSV), and
  `reason` states why. The names of fields stay stable; new ones may be added.
- Work of more than two seconds shows a bar in a terminal, and otherwise a line every ten seconds.

## Completion

A shell completes commands, options, models, versions, incidents, channels and queries. Add one line to its start file:

| shell | file | line |
|---|---|---|
| bash | `~/.bashrc` | `eval "$(_MONITORING_PIPELINE_COMPLETE=bash_source monitoring-pipeline)"` |
| zsh | `~/.zshrc` | `eval "$(_MONITORING_PIPELINE_COMPLETE=zsh_source monitoring-pipeline)"` |
| fish | `~/.config/fish/config.fish` | `_MONITORING_PIPELINE_COMPLETE=fish_source monitoring-pipeline \\| source` |

"""


def commands_page() -> str:
    """Return the page, in Markdown."""
    commands = "".join(_section(path, command, context) for path, command, context in all_commands())
    return f"{HEAD}{_exit_codes()}\n## All commands\n{commands}\n{_fields()}"


def all_commands() -> Iterator[tuple[str, click.Command, click.Context]]:
    """Yield every command with its path, such as ``spec check``, and its context."""
    yield from _commands("", main, click.Context(main, info_name=PROGRAM))


def _commands(
    path: str, group: click.Group, context: click.Context
) -> Iterator[tuple[str, click.Command, click.Context]]:
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        if command is None or command.hidden:
            continue
        inner, own = f"{path} {name}".strip(), click.Context(command, info_name=name, parent=context)
        if not isinstance(command, click.Group) or command.invoke_without_command:
            yield inner, command, own
        if isinstance(command, click.Group):
            yield from _commands(inner, command, own)


def _section(path: str, command: click.Command, context: click.Context) -> str:
    arguments = " ".join(piece for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]")
    usage = f"{PROGRAM} {path} {'' if isinstance(command, click.Group) else arguments}".strip()
    parts = [f"\n### `{usage}`\n", _paragraphs(command.help or "")]
    options = [option for option in command.params if isinstance(option, click.Option)]
    records = [record for option in options if (record := option.get_help_record(context))]
    parts.append("".join(f"- `{names}`: {_one_line(text)}\n" for names, text in records))
    parts.append(_printed(FIELDS.get(path, {})))
    parts.append(_codes(OF_COMMANDS.get(path, {})))
    return "\n".join(part for part in parts if part)


def _paragraphs(text: str) -> str:
    return "\n\n".join(map(_one_line, text.split("\n\n"))) + "\n"


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _printed(lists: Mapping[str, Fields]) -> str:
    return "".join(
        f"Fields{f' ({name})' if name else ''}: {', '.join(f'`{field}`' for field in fields)}\n\n"
        for name, fields in lists.items()
    )[:-1]


def _codes(codes: Mapping[ExitCode, str]) -> str:
    if not codes:
        return ""
    return f"Exit codes: {'; '.join(f'{code.value} {meaning}' for code, meaning in codes.items())}.\n"


def _exit_codes() -> str:
    lines = "".join(f"| {code.value} | {meaning} |\n" for code, meaning in MEANINGS.items())
    return f"## Exit codes\n\n| code | meaning |\n|---|---|\n{lines}"


def _fields() -> str:
    lines = "".join(f"| `{field}` | {meaning_of(field)} |\n" for field in all_fields())
    queries = "The fields of a query are described in its file in [`sql/queries`](../sql/queries)."
    return f"## Fields\n\n{queries}\n\n| field | meaning |\n|---|---|\n{lines}"


if __name__ == "__main__":
    click.echo(commands_page(), nl=False)
