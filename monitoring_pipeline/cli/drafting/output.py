"""The output of ``init``: what was found, the questions, and the next command."""

import shlex
import shutil
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitoring_pipeline.evaluation.privacy.addresses import passwords_of
from monitoring_pipeline.evaluation.privacy.secrets import HIDDEN, without_secrets
from monitoring_pipeline.evaluation.spec_check.findings import Finding, Level

if TYPE_CHECKING:
    from monitoring_pipeline.evaluation.drafting.plan import LabelPlan, Plan

WIDEST = 100


def short(path: Path) -> str:
    """Return a path relative to the current folder if it is below it."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def print_questions(plan: "Plan", findings: Sequence[Finding]) -> None:
    """Print what was guessed, what is doubtful, and the errors that a check of the spec finds."""
    timing, labels, outputs = plan.timing, plan.labels, plan.outputs
    output = outputs.score or outputs.prediction
    facts = [
        ("task", outputs.task.value, outputs.why_task),
        ("id", ", ".join(plan.identity.columns), plan.identity.evidence),
        ("time", plan.time.column.name, plan.time.evidence),
        ("output", output.column.name if output else ", ".join(outputs.scores.values()), ""),
        ("label", _label(labels), ""),
        ("inputs", str(len(plan.inputs.inputs)), _left_out(plan)),
    ]  # fmt: skip
    if timing:
        facts.append(("cadence", timing.cadence, timing.why_cadence))
        for version, (start, end) in timing.reference.items():
            facts.append((f"reference {version}", f"{start} to before {end}", timing.why_reference.get(version, "")))
    for name, value, evidence in facts:
        _print_wrapped(f"  {name:<12} ", f"{value}{f' ({evidence})' if evidence else ''}")
    questions = [*plan.doubts, *(_words(each) for each in findings if each.level is Level.ERROR)]
    if questions:
        click.echo("\nQuestions; the spec has an answer to each, which you can change")
    for number, question in enumerate(questions, start=1):
        _print_wrapped(f"  {number:>2}. ", question)


def print_next(plan: "Plan", to_export: Mapping[str, str]) -> None:
    """Print the commands that monitor the model."""
    click.echo("\nNext")
    for line in export_lines({variable: masked_address(value) for variable, value in to_export.items()}):
        click.echo(f"  {line}")
    click.echo(f"  monitoring-pipeline backfill {plan.name}")


def masked_address(address: str) -> str:
    """Return an address with ``***`` in place of its secrets, also if a password has spaces."""
    masked = without_secrets(address)
    found = sorted((secret for secret in passwords_of(address) if secret and secret in masked), key=len)
    return masked.replace(found[-1], HIDDEN) if found and masked == address else masked


def export_lines(masked: Mapping[str, str]) -> Iterator[str]:
    """Yield lines for a shell that set variables; it asks for each secret, which is not printed.

    Args:
        masked: values by variable, in which ``***`` stands for a secret.
    """
    secrets = (f"PASSWORD_{number}" if number > 1 else "PASSWORD" for number in count(1))
    for variable, value in masked.items():
        first, *others = value.split(HIDDEN)
        quoted = shlex.quote(first)
        for part in others:
            secret = next(secrets)
            yield f"read -rs {secret}"
            quoted += f'"${secret}"{shlex.quote(part) if part else ""}'
        yield f"export {variable}={quoted}"


def _label(labels: "LabelPlan | None") -> str:
    if labels is None:
        return "none"
    return f"{labels.label.name} of {labels.table.name}" if labels.table else labels.label.name


def _left_out(plan: "Plan") -> str:
    names = [each.column for each in plan.inputs.left_out]
    return f"left out: {', '.join(names)}; the spec has the reasons" if names else ""


def _words(finding: Finding) -> str:
    seen = finding.observation
    return f"{seen.field}: {seen.seen}. {seen.remedy[:1].upper()}{seen.remedy[1:]}"


def _print_wrapped(start: str, text: str) -> None:
    width = min(shutil.get_terminal_size().columns, WIDEST)
    printable = "".join(character if character.isprintable() else " " for character in without_secrets(text))
    click.echo(
        textwrap.fill(
            printable, width, initial_indent=start, subsequent_indent=" " * len(start), break_on_hyphens=False
        )
    )
