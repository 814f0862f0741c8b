"""The command ``monitoring-pipeline``."""

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.documentation import fields_page, json_schema
from monitoring_pipeline.spec.loading import LoadedSpec, SpecError, load_spec, load_specs
from monitoring_pipeline.spec.model import ModelSpec

DAY = click.DateTime(["%Y-%m-%d"])
PERIODS = {"day": "%Y-%m-%d", "month": "%Y-%m", "year": "%Y"}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="monitoring-pipeline")
def main() -> None:
    """Watch machine-learning models in production."""


@main.group()
def spec() -> None:
    """Model specs: one YAML file per monitored model."""


@spec.command("check")
@click.argument("files", nargs=-1, type=click.Path(exists=True, dir_okay=False, path_type=Path))
def spec_check(files: tuple[Path, ...]) -> None:
    """Check spec FILES, or all of the configured directory."""
    from monitoring_pipeline.orchestration.model_definitions import check_rules

    with _clear_errors():
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


@main.group()
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

    with _clear_errors():
        settings = Settings()
        loaded = _find(settings, model)
        if loaded.suite_path.exists() and not force:
            message = f"{loaded.suite_path} exists; --force overwrites it"
            raise click.ClickException(message)
        frames = [
            _warehouse(settings).read_predictions(loaded.spec, chunk_of_reference(loaded.spec, window)).frame
            for window in loaded.spec.reference.values()
        ]
        loaded.suite_path.write_text(draft_suite(loaded.spec, pl.concat(frames)), encoding="utf-8")
    click.echo(f"wrote {loaded.suite_path}: read it, and keep what you want to hold")


@main.command()
@click.argument("model")
@click.option("--from", "first", type=DAY, required=True, help="First day.")
@click.option("--to", "last", type=DAY, required=True, help="Last day, included.")
def backfill(model: str, first: dt.datetime, last: dt.datetime) -> None:
    """Monitor MODEL on past days, in one Dagster run; give the same numbers as the nights would have."""
    from monitoring_pipeline.tables import day_table, terminal

    with _clear_errors():
        settings = Settings()
        loaded = _find(settings, model)
        run = _run_range(settings, loaded.spec, first.date(), last.date())
        with _store(settings) as store:
            terminal().print(day_table(loaded.spec, store, first.date(), last.date()))
        if not run:
            raise SystemExit(1)


@main.command()
@click.argument("model")
@click.option("--from", "first", type=DAY, required=True, help="First day.")
@click.option("--to", "last", type=DAY, required=True, help="Last day, included.")
@click.option("--by", type=click.Choice(list(PERIODS)), default="day", show_default=True)
def show(model: str, first: dt.datetime, last: dt.datetime, by: str) -> None:
    """Print what is known of MODEL, a line for each day or longer period."""
    from monitoring_pipeline.tables import day_table, period_table, terminal

    with _clear_errors():
        settings = Settings()
        loaded = _find(settings, model)
        with _store(settings) as store:
            if by == "day":
                table = day_table(loaded.spec, store, first.date(), last.date())
            else:
                table = period_table(loaded.spec, store, _periods(first, last, by))
            terminal().print(table)


@main.command()
@click.argument("model")
@click.option("--from", "first", type=DAY, required=True, help="First day.")
@click.option("--to", "last", type=DAY, required=True, help="Last day, included.")
@click.option("--by", type=click.Choice(list(PERIODS)), default="month", show_default=True)
@click.option("--sums", is_flag=True, help="From counts alone, also when rows are gone; binning errors are bounded.")
def performance(model: str, first: dt.datetime, last: dt.datetime, by: str, *, sums: bool) -> None:
    """Print MODEL's performance over longer periods: exact, from all rows whose labels are known."""
    from monitoring_pipeline.orchestration.periods import measure_period, sum_performance
    from monitoring_pipeline.store.snapshots import SnapshotFiles
    from monitoring_pipeline.tables import result_table, terminal, with_interval

    with _clear_errors():
        settings = Settings()
        loaded = _find(settings, model)
        rows: list[tuple[object, ...]] = []
        with _store(settings) as store:
            for period, keys in _periods(first, last, by).items():
                if sums:
                    for version in loaded.spec.reference:
                        summed = sum_performance(loaded.spec, version, keys, store=store)
                        rows.extend((period, version, m.name, m.value, m.error_bound, m.rows) for m in summed)
                    continue
                measured = measure_period(loaded.spec, keys, store=store, snapshots=SnapshotFiles(settings.snapshots))
                rows.extend((period, m.model_version, m.name, with_interval(m), m.rows, m.reason) for m in measured)
        columns = ("period", "version", "metric", "value [95 % interval]", "labelled rows", "reason")
        if sums:
            columns = ("period", "version", "metric", "value", "changed by binning at most", "labelled rows")
        terminal().print(result_table(f"{model}: performance by {by}", columns, rows))


@main.command()
@click.argument("model")
@click.option("--version", "versions", multiple=True, help="Model version; all that have a reference by default.")
def replay(model: str, versions: tuple[str, ...]) -> None:
    """Replay MODEL's rules on its reference: how often they are wrong, and which changes they would find."""
    from monitoring_pipeline.orchestration.replay_summary import FALSE_ALARM_COLUMNS, false_alarm_lines, power_lines
    from monitoring_pipeline.orchestration.replaying import replay_reference
    from monitoring_pipeline.quality.runner import run_suite
    from monitoring_pipeline.store.snapshots import SnapshotFiles
    from monitoring_pipeline.tables import result_table, terminal

    with _clear_errors():
        settings = Settings()
        loaded = _find(settings, model)
        if unknown := [version for version in versions if version not in loaded.spec.reference]:
            message = f"no version {unknown[0]!r} of {model}; with a reference: {', '.join(loaded.spec.reference)}"
            raise click.ClickException(message)
        for version in versions or loaded.spec.reference:
            with _store(settings) as store:
                measured = replay_reference(
                    loaded,
                    version,
                    warehouse=_warehouse(settings),
                    store=store,
                    snapshots=SnapshotFiles(settings.snapshots),
                    suites=run_suite,
                    id_key=settings.id_key.get_secret_value().encode(),
                    run_id=f"replay {version}",
                    now=dt.datetime.now(dt.UTC),
                )
            alarms = false_alarm_lines(measured)
            title = f"{model} {version}: share of the reference's days that are flagged"
            terminal().print(result_table(title, FALSE_ALARM_COLUMNS, alarms))
            title = f"{model} {version}: share of the reference's days on which a change is found"
            terminal().print(result_table(title, *power_lines(measured)))


@main.command()
@click.argument("name")
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter of the query.")
def query(name: str, pairs: tuple[str, ...]) -> None:
    """Run a documented query: what_is_wrong, since_when, metric_history, what_we_knew, estimate_quality."""
    from sqlalchemy import text

    from monitoring_pipeline.shipped_files import read_sql
    from monitoring_pipeline.tables import result_table, terminal

    with _clear_errors():
        sql = read_sql(f"queries/{name}.sql")
        known = sorted(text(sql).compile().params)
        given = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        if unknown := [pair for pair in pairs if pair.split("=", 1)[0] not in known or "=" not in pair]:
            message = f"--set {unknown[0]}: expected NAME=VALUE with NAME one of {', '.join(known)}"
            raise click.ClickException(message)
        with _store(Settings()) as store:
            columns, rows = store.query(sql, {parameter: given.get(parameter) for parameter in known})
        terminal().print(result_table(name, columns, rows))


@main.command()
def demo() -> None:
    """Seed a warehouse with real flights, train three models, and monitor them over March and April 2013."""
    from monitoring_pipeline.demo.running import run_demo
    from monitoring_pipeline.tables import terminal

    with _clear_errors():
        run_demo(Settings(), terminal())


@contextmanager
def _clear_errors() -> Iterator[None]:
    """Show what a user can mend as one message; anything else keeps its traceback."""
    from monitoring_pipeline.backfill import OutsidePartitionsError
    from monitoring_pipeline.evaluation.drift import UnknownDriftStatisticError
    from monitoring_pipeline.evaluation.performance_metrics import UnknownMetricError
    from monitoring_pipeline.evaluation.reference import EmptyReferenceError
    from monitoring_pipeline.evaluation.rows import SourceError
    from monitoring_pipeline.orchestration.references import MissingInputError

    mendable = (
        SpecError, SourceError, UnknownDriftStatisticError, UnknownMetricError, OutsidePartitionsError,
        EmptyReferenceError, MissingInputError, FileNotFoundError, FileExistsError,
    )  # fmt: skip
    try:
        yield
    except mendable as error:
        raise click.ClickException(str(error)) from error


def _periods(first: dt.datetime, last: dt.datetime, by: str) -> dict[str, list[str]]:
    """Return the keys of the days of each period."""
    periods: dict[str, list[str]] = {}
    for offset in range((last - first).days + 1):
        day = first + dt.timedelta(days=offset)
        periods.setdefault(day.strftime(PERIODS[by]), []).append(day.date().isoformat())
    return periods


def _find(settings: Settings, model: str) -> LoadedSpec:
    known = {loaded.spec.name: loaded for loaded in load_specs(settings.models)}
    if model not in known:
        message = f"no model {model!r} in {settings.models}; known: {', '.join(known) or 'none'}"
        raise click.ClickException(message)
    return known[model]


def _warehouse(settings: Settings):  # noqa: ANN202 - the adapter is imported where it is used
    from monitoring_pipeline.warehouse.duckdb import DuckDBWarehouse

    return DuckDBWarehouse(settings.warehouse, lock_timeout_seconds=settings.warehouse_lock_seconds)


@contextmanager
def _store(settings: Settings):  # noqa: ANN202 - as above
    from monitoring_pipeline.store.results import ResultStore

    with ResultStore.open(settings.store_url) as store:
        yield store


def _run_range(settings: Settings, monitored: ModelSpec, first: dt.date, last: dt.date) -> bool:
    from monitoring_pipeline.backfill import dagster_instance, run_range
    from monitoring_pipeline.definitions import build_definitions

    with dagster_instance(settings.dagster_home) as instance:
        run = run_range(build_definitions(settings), instance, monitored, first, last)
    click.echo(f"run {run.run_id}: {'succeeded' if run.success else 'failed'}")
    for failure in run.failures:
        click.echo(failure, err=True)
    return run.success
