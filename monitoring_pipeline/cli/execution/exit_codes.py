"""The exit codes of all commands: one scheme, and its meaning for single commands."""

from collections.abc import Mapping
from enum import IntEnum


class ExitCode(IntEnum):
    """The exit code of a command."""

    DONE = 0
    NO = 1
    NO_ANSWER = 2
    INTERRUPTED = 130
    TERMINATED = 143


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.DONE: "done; the answer is yes if the command answers a question",
    ExitCode.NO: "the answer is no, or an error, whose message on standard error names the cause",
    ExitCode.NO_ANSWER: "the command was not understood: an unknown option, a missing value, reversed days",
    ExitCode.INTERRUPTED: "stopped by Ctrl+C",
    ExitCode.TERMINATED: "stopped by SIGTERM",
}
OF_COMMANDS: Mapping[str, Mapping[ExitCode, str]] = {
    "spec check": {
        ExitCode.NO: "a spec has an error, or a file cannot be used; with `--strict` also if a source has an error",
    },
    "backfill": {ExitCode.NO: "the run failed, or an error"},
    "reference rebuild": {ExitCode.NO: "a rebuilt reference has shrunk and was refused, or an error"},
    "review": {ExitCode.NO: "an incident that was recorded as real is lost, or an error"},
    "evaluate": {
        ExitCode.DONE: "the version has passed",
        ExitCode.NO: "the version is refused",
        ExitCode.NO_ANSWER: "the version could not be measured, or an error",
    },
}
"""Meanings that differ from those of all commands."""
