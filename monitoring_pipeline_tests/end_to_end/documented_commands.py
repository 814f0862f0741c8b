"""The commands of the README and of docs/, run as a user does. Each belongs to the group of a test that runs it."""

import os
import shlex
import subprocess
import sys
from contextlib import chdir
from enum import StrEnum
from pathlib import Path
from unittest.mock import patch

from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline_tests.docs.pages import blocks_of
from monitoring_pipeline_tests.worlds.libraries import library_variables

# Ends a command that hangs. The demo takes 5 minutes on a fast machine, and 15 on a slow and busy one.
GIVES_UP_AFTER_SECONDS = 3600
COMMAND = ".venv/bin/monitoring-pipeline "
COMMANDS = list(dict.fromkeys(line for block in blocks_of("bash") for line in block.text.splitlines()))


class Group(StrEnum):
    """The test that runs a command."""

    MAKE = "a target of the Makefile"
    EXPORT = "a variable for the model of one's own"
    OWN_MODEL = "a command about the model of one's own"
    FIRST_ANSWER = "a command about a file of one's own, which test_first_answer.py runs"
    INCIDENT = "a command about the demo's incidents"
    DEMO = "a command about the demo's models"
    HOMES = "the comparison of two homes, which homes/test_compare_homes.py runs"
    ROLES = "the roles of PostgreSQL and the tables of the store, which deployment/test_roles.py runs"
    NIGHTS = "the comparison of warehouses, which homes/test_same_nights.py runs"


OTHER_COMMANDS = {
    "make ": Group.MAKE,
    "export ": Group.EXPORT,
    "psql ": Group.ROLES,
    ".venv/bin/python benchmarks/compare_homes.py ": Group.HOMES,
    ".venv/bin/python -m benchmarks.same_nights ": Group.NIGHTS,
}


def group_of(command: str) -> Group | None:
    """Return the group of a command, None if no test runs it."""
    if not command.startswith(COMMAND):
        return next((group for beginning, group in OTHER_COMMANDS.items() if command.startswith(beginning)), None)
    words = shlex.split(command.removeprefix(COMMAND))
    if words[0] == "init" or words == ["backfill", "scores"]:
        return Group.FIRST_ANSWER
    if words == ["migrate"]:
        return Group.ROLES
    if words[0] == "spec" or "churn" in words:
        return Group.OWN_MODEL
    if words[0] == "alerts" or words[:2] == ["query", "alert_precision"] or _handles_an_incident(words):
        return Group.INCIDENT
    return Group.DEMO


def _handles_an_incident(words: list[str]) -> bool:
    return words[0] == "incidents" and len(words) > 1 and not words[1].startswith("--")


def commands_of(group: Group) -> list[str]:
    """Return the commands of a group, in the order of the pages."""
    return [command for command in COMMANDS if group_of(command) is group]


def type_command(command: str, folder: Path, **environment: str) -> str:
    """Run a command as a process of its own, as a user would, and return its output."""
    typed = command.replace(".venv/bin/", f"{Path(sys.executable).parent}/")
    result = subprocess.run(
        shlex.split(typed),
        env=_environment(folder, environment),
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=GIVES_UP_AFTER_SECONDS,
        check=False,
    )
    assert result.returncode == 0, f"{command}\n{result.stdout}\n{result.stderr}"
    return result.stdout


def call_command(command: str, folder: Path, **environment: str) -> str:
    """Run a command of ``monitoring-pipeline`` in this process, and return its output.

    For commands after the first of a folder, because the start of a process takes longer than most of them.
    """
    assert command.startswith(COMMAND), command
    words = shlex.split(command.removeprefix(COMMAND))
    with chdir(folder), patch.dict(os.environ, _environment(folder, environment), clear=True):
        ran = CliRunner().invoke(main, words)
    assert ran.exit_code == 0, f"{command}\n{ran.output}\n{ran.exception!r}"
    return ran.stdout


def _environment(folder: Path, given: dict[str, str]) -> dict[str, str]:
    """Return the variables of a user whose home is a folder, without settings of the developer."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "SSL_CERT_FILE") if name in os.environ}
    return {**library_variables(), **kept, "HOME": str(folder), **given}
