"""Findings about specs as lines: wrapped for a terminal, one line each for a pipe; and as records."""

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

from monitoring_pipeline.evaluation.spec_check.findings import Finding, Level
from monitoring_pipeline.reports.report import Report, report_of_records
from monitoring_pipeline.spec.loading import BadSpec

INDENT = "    "
FINDING_FIELDS = ("file", "model", "level", "check", "field", "seen", "remedy")
USABLE = "file_usable"


def finding_text(path: Path, finding: Finding, width: int | None) -> str:
    """Return a finding with its file, field, fact and remedy.

    Args:
        path: the file of the spec.
        finding: the finding.
        width: columns of the terminal; None for one line, as a pipe needs it.
    """
    observation = finding.observation
    head = f"{path}: {finding.level}: {observation.field}"
    end = "" if observation.remedy.endswith("?") else "."
    remedy = f"{observation.remedy[:1].upper()}{observation.remedy[1:]}"
    if width is None:
        return f"{head}: {observation.seen}. {remedy}{end} [{finding.check}]"
    parts = (f"{observation.seen}.", f"{remedy}{end} [{finding.check}]")
    wrapped = [
        textwrap.fill(part, width, initial_indent=INDENT, subsequent_indent=INDENT, break_long_words=False)
        for part in parts
    ]
    return "\n".join((head, *wrapped))


def summary_text(path: Path, model: str, findings: Sequence[Finding]) -> str:
    """Return the line about a spec: that it is fine, or the numbers of its errors and warnings."""
    errors = sum(finding.level is Level.ERROR for finding in findings)
    warnings = len(findings) - errors
    counted = " and ".join(
        _counted(number, word) for number, word in ((errors, "error"), (warnings, "warning")) if number
    )
    if errors:
        return f"{path}: {model} has {counted}"
    return f"{path}: {model} is fine{f', with {counted}' if warnings else ''}"


def finding_table(judged: Iterable[tuple[Path, str, Sequence[Finding]]], bad: Iterable[BadSpec]) -> Report:
    """Return one line per finding, and one per problem of a file that cannot be used."""
    found = [
        (str(path), model, finding.level, finding.check, observed.field, observed.seen, observed.remedy)
        for path, model, findings in judged
        for finding in findings
        for observed in (finding.observation,)
    ]
    unusable = [
        (str(entry.path), entry.model, Level.ERROR, USABLE, None, problem.removeprefix(f"{entry.path}: "), None)
        for entry in bad
        for problem in entry.problems
    ]
    return report_of_records("findings", FINDING_FIELDS, (*found, *unusable))


def _counted(number: int, word: str) -> str:
    return f"{number} {word}" if number == 1 else f"{number} {word}s"
