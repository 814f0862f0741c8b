"""Commands about model specs and suites."""

import shutil
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitoring_pipeline.cli.execution.exit_codes import ExitCode
from monitoring_pipeline.cli.execution.opening import clear_errors, find_model, read_settings, warn
from monitoring_pipeline.cli.execution.progress import progress
from monitoring_pipeline.cli.options.completion import complete_models
from monitoring_pipeline.cli.options.output import OutputForm, print_reports, prints_data
from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.web_pages.safe_text import visible

if TYPE_CHECKING:
    from monitoring_pipeline.evaluation.spec_check.findings import Finding
    from monitoring_pipeline.settings import Settings
    from monitoring_pipeline.spec.loading import LoadedSpec
    from monitoring_pipeline.steps.specs.source_facts import Inspecting
    from monitoring_pipeline.steps.specs.texts import SpecHistory


@click.group()
def spec() -> None:
    """Model specs: one YAML file per monitored model."""


@spec.command("check")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--offline", is_flag=True, help="Check the files only, and do not read the source.")
@click.option("--strict", is_flag=True, help="Fail if the source has errors, too.")
@prints_data
def spec_check(files: tuple[Path, ...], form: OutputForm, *, offline: bool, strict: bool) -> None:
    """Check spec FILES, or all of the configured directory, and the tables that they name.

    Each finding has its file, its field, the fact that was seen and the remedy. The exit code is 1 if a spec has an
    error. Errors of the source, which may change without the spec, count only with --strict.
    """
    from monitoring_pipeline.evaluation.spec_check.checks_table import WAREHOUSE_CONFIGURED
    from monitoring_pipeline.evaluation.spec_check.findings import Finding, Level
    from monitoring_pipeline.quality.suites import suite_problems
    from monitoring_pipeline.reports.terminal.findings import finding_table
    from monitoring_pipeline.spec.loading import SpecError
    from monitoring_pipeline.steps.specs.checks import read_checked_files, read_checked_specs
    from monitoring_pipeline.steps.specs.findings import find_in_source, find_in_spec

    with clear_errors():
        settings = read_settings()
        folder = read_checked_files(files) if files else read_checked_specs(settings.models)
        ports = inspecting(settings)
        failed = False
        judged: list[tuple[Path, str, tuple[Finding, ...]]] = []
        with progress("spec check", len(folder.good)) as advance:
            for entry in folder.good:
                advance(entry.spec.name)
                of_spec = find_in_spec(entry, ports.now, settings.warehouses, suite_problems=suite_problems)
                unknown = any(finding.check == WAREHOUSE_CONFIGURED for finding in of_spec)
                of_source = () if offline or unknown else find_in_source(entry, ports)
                findings = (*of_spec, *of_source)
                counted = findings if strict else of_spec
                failed = failed or any(finding.level is Level.ERROR for finding in counted)
                judged.append((entry.path, entry.spec.name, findings))
        for entry, facts in zip(folder.good, judged, strict=True):
            if form is OutputForm.TABLE:
                _print_findings(*facts)
            for warning in _warnings(entry, settings):
                warn(f"{entry.path}: {warning}")
        if form is not OutputForm.TABLE:
            print_reports(form, [finding_table(judged, folder.bad)])
        if folder.bad:
            raise SpecError("\n".join(folder.problems))
    if failed:
        raise click.exceptions.Exit(ExitCode.NO)


def _print_findings(path: Path, model: str, findings: Sequence["Finding"]) -> None:
    from monitoring_pipeline.reports.terminal.findings import finding_text, summary_text

    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else None
    click.echo(without_secrets(summary_text(path, model, findings)))
    for finding in findings:
        click.echo(without_secrets(finding_text(path, finding, width)))


def inspecting(settings: "Settings") -> "Inspecting":
    """Return the ports by which sources are inspected."""
    from monitoring_pipeline.composition import build_adapters, build_inspection
    from monitoring_pipeline.registry.mlflow_registry import RegistryError
    from monitoring_pipeline.steps.specs.source_facts import Inspecting

    adapters = build_adapters(settings)

    def is_registered(model: str, version: str) -> bool:
        try:
            return adapters.registry.has_version(model, version)
        except RegistryError:
            return False

    return Inspecting(
        inspection=build_inspection(adapters),
        warehouse=adapters.warehouse,
        is_registered=is_registered,
        now=adapters.clock(),
    )


_NEEDED_THERE = "the machine of the runs must be able to load it"


def _warnings(entry: "LoadedSpec", settings: "Settings") -> Iterator[str]:
    """Yield problems of this machine that may not exist on the machine of the runs."""
    from monitoring_pipeline.own_functions import OwnFunctionError, OwnModules, load_function
    from monitoring_pipeline.registry.trainers import TrainerError, load_trainer
    from monitoring_pipeline.spec.alerting import find_secret, missing_secret

    modules = OwnModules(settings.function_modules)
    for name, measure in entry.spec.measures.items():
        try:
            load_function(measure.function, modules)
        except OwnFunctionError as error:
            yield f"measures.{name}.function: {error} ({_NEEDED_THERE})"
    rules = entry.spec.retraining
    if rules is None:
        return
    if rules.trainer is not None:
        try:
            load_trainer(rules.trainer, modules)
        except TrainerError as error:
            yield f"retraining.trainer: {error} ({_NEEDED_THERE})"
    if rules.webhook is not None and find_secret(settings.secrets, rules.webhook) is None:
        yield f"retraining.webhook: {missing_secret(rules.webhook)}"


@spec.command("history")
@click.argument("model", shell_complete=complete_models)
@click.option("--diff", "with_diffs", is_flag=True, help="Print what each text changed.")
@click.option("--text", "text_hash", help="Print the text with this hash, and nothing else.")
@prints_data
def spec_history(model: str, form: OutputForm, text_hash: str | None, *, with_diffs: bool) -> None:
    """Print the texts of MODEL's spec by which results were made: when, by whom, and what changed.

    Author and commit are those of git, if the file was committed as it was used. JSON has the texts and the diffs.
    """
    from monitoring_pipeline.reports.terminal.spec_history import spec_history_table
    from monitoring_pipeline.steps.specs.texts import read_history
    from monitoring_pipeline.store.results import ResultStore

    with clear_errors():
        with ResultStore.open_to_read(read_settings().store_url) as store:
            history = read_history(model, store)
        if text_hash is not None:
            click.echo(_text_of(history, model, text_hash), nl=False)
            return
        print_reports(form, [spec_history_table(model, history)])
        if with_diffs and form is OutputForm.TABLE:
            for change in history.changes:
                click.echo("\n" + "\n".join(map(visible, change.diff)))


def _text_of(history: "SpecHistory", model: str, text_hash: str) -> str:
    texts = {change.text.text_hash: change.text.text for change in history.changes}
    if text_hash not in texts:
        message = f"{model} has no text {text_hash!r}; known: {', '.join(texts) or 'none'}"
        raise click.ClickException(message)
    return texts[text_hash]


@spec.command("schema")
def spec_schema() -> None:
    """Print the JSON Schema of a model spec, for editors."""
    from monitoring_pipeline.spec.documentation import json_schema

    click.echo(json_schema(), nl=False)


@spec.command("fields")
def spec_fields() -> None:
    """Print every field of a model spec, in Markdown."""
    from monitoring_pipeline.spec.documentation import fields_page

    click.echo(fields_page(), nl=False)


@spec.command("reference")
@click.argument(
    "part", required=False, type=click.Choice(["metrics", "statistics", "measurements", "causes", "checks"])
)
@click.option("--markdown", is_flag=True, help="Print the page of the documentation.")
@prints_data
def spec_reference(part: str | None, form: OutputForm, *, markdown: bool) -> None:
    """Print what can be measured and declared: every metric, statistic, measurement, cause and check, or one PART.

    Each has its meaning, the side on which it is bad, its range, and its default floor or limit.
    """
    from monitoring_pipeline.reports.reference.parts import PARTS, page

    if markdown:
        click.echo(page(), nl=False)
    else:
        print_reports(form, [PARTS[name]() for name in PARTS if part in {None, name}])


@click.group()
def suite() -> None:
    """Great Expectations suites: one file per model, for you to edit."""


@suite.command("draft")
@click.argument("model", shell_complete=complete_models)
@click.option("--force", is_flag=True, help="Overwrite the model's suite file.")
def suite_draft(model: str, *, force: bool) -> None:
    """Draft the suite of MODEL from its reference rows and write it beside the spec."""
    with clear_errors():
        settings = read_settings()
        loaded = find_model(settings, model)
        if loaded.suite_path.exists() and not force:
            message = f"{loaded.suite_path} exists; --force overwrites it"
            raise click.ClickException(message)
        with progress(f"suite draft {model}", 1) as advance:
            advance("")
            write_suite(loaded, settings)
    click.echo(f"wrote {loaded.suite_path}; review it, and keep the expectations that you want to enforce")


def write_suite(loaded: "LoadedSpec", settings: "Settings") -> None:
    """Draft the suite of a model from its reference rows and write it beside the spec."""
    import polars as pl

    from monitoring_pipeline.composition import build_adapters
    from monitoring_pipeline.quality.drafting import draft_suite
    from monitoring_pipeline.steps.reference.reading import warehouse_of_reference

    warehouse = build_adapters(settings).warehouse
    frames = [
        warehouse_of_reference(loaded, version, warehouse)
        .read_predictions(loaded.spec, loaded.spec.calendar.window(window))
        .frame
        for version, window in loaded.spec.reference.items()
    ]
    loaded.suite_path.write_text(draft_suite(loaded.spec, pl.concat(frames, how="diagonal_relaxed")), encoding="utf-8")
