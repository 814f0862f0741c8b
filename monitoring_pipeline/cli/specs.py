"""Commands about model specs and suites."""

from pathlib import Path

import click

from monitoring_pipeline.cli.opening import clear_errors, find_model, open_warehouse
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.documentation import fields_page, json_schema
from monitoring_pipeline.spec.loading import load_spec, load_specs


@click.group()
def spec() -> None:
    """Model specs: one YAML file per monitored model."""


@spec.command("check")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def spec_check(files: tuple[Path, ...]) -> None:
    """Check spec FILES, or all of the configured directory."""
    from monitoring_pipeline.orchestration.model_definitions import check_rules

    with clear_errors():
        loaded = [load_spec(path) for path in files] or load_specs(Settings().models)
        for entry in loaded:
            check_rules(entry.spec)
            click.echo(f"{entry.path}: {entry.spec.name} is fine")


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
    """Great Expectations suites: one file per model, yours to edit."""


@suite.command("draft")
@click.argument("model")
@click.option("--force", is_flag=True, help="Overwrite the model's suite file.")
def suite_draft(model: str, *, force: bool) -> None:
    """Draft the suite of MODEL from its reference rows and write it beside the spec."""
    import polars as pl

    from monitoring_pipeline.quality.drafting import draft_suite
    from monitoring_pipeline.spec.chunk import chunk_of_reference

    with clear_errors():
        settings = Settings()
        loaded = find_model(settings, model)
        if loaded.suite_path.exists() and not force:
            message = f"{loaded.suite_path} exists; --force overwrites it"
            raise click.ClickException(message)
        frames = [
            open_warehouse(settings).read_predictions(loaded.spec, chunk_of_reference(loaded.spec, window)).frame
            for window in loaded.spec.reference.values()
        ]
        loaded.suite_path.write_text(draft_suite(loaded.spec, pl.concat(frames)), encoding="utf-8")
    click.echo(f"wrote {loaded.suite_path}: read it, and keep what you want to hold")
