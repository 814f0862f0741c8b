"""Commands about model specs and suites."""

from collections.abc import Iterator
from pathlib import Path

import click

from monitoring_pipeline.cli.opening import clear_errors, find_model
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.alerting import find_secret, missing_secret
from monitoring_pipeline.spec.documentation import fields_page, json_schema
from monitoring_pipeline.spec.loading import LoadedSpec, SpecError


@click.group()
def spec() -> None:
    """Model specs: one YAML file per monitored model."""


@spec.command("check")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def spec_check(files: tuple[Path, ...]) -> None:
    """Check spec FILES, or all of the configured directory."""
    from monitoring_pipeline.steps.specs.checks import read_checked_files, read_checked_specs

    with clear_errors():
        settings = Settings()
        folder = read_checked_files(files) if files else read_checked_specs(settings.models)
        for entry in folder.good:
            click.echo(f"{entry.path}: {entry.spec.name} is fine")
            for warning in _warnings(entry, settings):
                click.echo(f"Warning: {entry.path}: {warning}", err=True)
        if folder.bad:
            raise SpecError("\n".join(folder.problems))


def _warnings(entry: LoadedSpec, settings: Settings) -> Iterator[str]:
    """Yield problems of this machine that may not exist on the machine of the runs."""
    from monitoring_pipeline.registry.trainers import TrainerError, load_trainer

    rules = entry.spec.retraining
    if rules is None:
        return
    if rules.trainer is not None:
        try:
            load_trainer(rules.trainer)
        except TrainerError as error:
            yield f"retraining.trainer: {error} (the machine of the runs must be able to load it)"
    if rules.webhook is not None and find_secret(settings.secrets, rules.webhook) is None:
        yield f"retraining.webhook: {missing_secret(rules.webhook)}"


@spec.command("schema")
def spec_schema() -> None:
    """Print the JSON Schema of a model spec, for editors."""
    click.echo(json_schema(), nl=False)


@spec.command("fields")
def spec_fields() -> None:
    """Print every field of a model spec, in Markdown."""
    click.echo(fields_page(), nl=False)


@click.group()
def suite() -> None:
    """Great Expectations suites: one file per model, for you to edit."""


@suite.command("draft")
@click.argument("model")
@click.option("--force", is_flag=True, help="Overwrite the model's suite file.")
def suite_draft(model: str, *, force: bool) -> None:
    """Draft the suite of MODEL from its reference rows and write it beside the spec."""
    import polars as pl

    from monitoring_pipeline.composition import build_adapters
    from monitoring_pipeline.quality.drafting import draft_suite

    with clear_errors():
        settings = Settings()
        loaded = find_model(settings, model)
        if loaded.suite_path.exists() and not force:
            message = f"{loaded.suite_path} exists; --force overwrites it"
            raise click.ClickException(message)
        warehouse = build_adapters(settings).warehouse
        frames = [
            warehouse.read_predictions(loaded.spec, loaded.spec.calendar.window(window)).frame
            for window in loaded.spec.reference.values()
        ]
        loaded.suite_path.write_text(draft_suite(loaded.spec, pl.concat(frames)), encoding="utf-8")
    click.echo(f"wrote {loaded.suite_path}; review it, and keep the expectations that you want to enforce")
