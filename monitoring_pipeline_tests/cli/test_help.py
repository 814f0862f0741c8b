"""The list of commands: what it says of each, and what it imports."""

import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from monitoring_pipeline.cli import main

SHOW_IMPORTS = """
import sys
from monitoring_pipeline.cli import main
main(["--help"], standalone_mode=False)
print(*sorted(name for name in sys.modules if name.split(".")[0] in {"dagster", "polars", "pydantic", "yaml", "rich"}))
"""


@pytest.mark.parametrize("name", list(main.places))
def test_summary_is_the_first_sentence_of_the_help_of_its_command(name: str) -> None:
    command = main.get_command(click.Context(main), name)
    assert command is not None
    assert command.get_short_help_str(limit=1_000) == main.places[name].summary


def test_every_command_is_listed() -> None:
    listed = CliRunner().invoke(main, ["--help"], terminal_width=200).output
    for name, place in main.places.items():
        assert f"  {name} " in listed
        assert place.summary in listed


def test_list_of_commands_imports_no_library_but_click() -> None:
    done = subprocess.run([sys.executable, "-c", SHOW_IMPORTS], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == ""
