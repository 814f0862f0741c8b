"""Commands that monitor models and print results."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

import click

from monitoring_pipeline.cli.execution.exit_codes import ExitCode
from monitoring_pipeline.cli.execution.opening import (
    clear_errors,
    find_model,
    open_store,
    read_settings,
    read_settings_with_key,
)
from monitoring_pipeline.cli.execution.progress import Advance, progress
from monitoring_pipeline.cli.options.completion import complete_models, complete_queries, complete_versions
from monitoring_pipeline.cli.options.day_range import day_range
from monitoring_pipeline.cli.options.last_day import LAST_DAY, YESTERDAY
from monitoring_pipeline.cli.options.output import OutputForm, message, print_reports, prints_data
from monitoring_pipeline.spec.periods import CHUNK_PERIOD, PERIODS

if TYPE_CHECKING:
    import datetime as dt

    from monitoring_pipeline.ports.outside import Outside
    from monitoring_pipeline.settings import Settings
    from monitoring_pipeline.spec.chunk import Chunk
    from monitoring_pipeline.spec.model import ModelSpec

Item = TypeVar("Item")
VERSIONS = click.option(
    "--version",
    "versions",
    multiple=True,
    shell_complete=complete_versions,
    help="Model version; all that have a reference by default.",
)


@click.command()
@click.argument("model", shell_complete=complete_models)
@day_range(required=False)
@click.option(
    "--workers",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="Processes that measure chunks side by side. Each needs the memory of one chunk and its own connections.",
)
@prints_data
def backfill(model: str, first: str | None, last: str | None, workers: int, form: OutputForm) -> None:
    """Monitor MODEL on past days in one Dagster run; the results equal those of nightly runs.

    Without --from and --to, the newest chunks that have rows are monitored, at most 60.
    """
    from monitoring_pipeline.reports.terminal.results import chunk_table

    with clear_errors():
        settings = read_settings_with_key()
        loaded = find_model(settings, model)
        chunks = _chunks_to_fill(settings, loaded.spec, first, last)
        run = _run_range(settings, loaded.spec, chunks, workers)
        with open_store(settings) as store:
            print_reports(form, [chunk_table(loaded.spec, store, chunks)])
        if not run:
            raise SystemExit(ExitCode.NO)


@click.command()
@click.argument("model", shell_complete=complete_models)
@day_range()
@click.option("--by", type=click.Choice([CHUNK_PERIOD, *PERIODS]), default=CHUNK_PERIOD, show_default=True)
@prints_data
def show(model: str, first: str, last: str, by: str, form: OutputForm) -> None:
    """Print the results of MODEL, one line per chunk or longer period."""
    from monitoring_pipeline.reports.terminal.results import beyond_budget, chunk_table, period_table, took

    with clear_errors():
        settings = read_settings()
        loaded = find_model(settings, model)
        with open_store(settings) as store:
            calendar = loaded.spec.calendar
            if calendar.is_chunk(by):
                chunks = calendar.chunks_named(first, last)
                table = chunk_table(loaded.spec, store, chunks)
                notes = (words(loaded.spec, store, chunks[-1]) for words in (beyond_budget, took) if chunks)
                table = replace(table, note="\n".join(filter(None, notes)))
            else:
                table = period_table(loaded.spec, store, _periods(loaded.spec, first, last, by))
            print_reports(form, [table])


@click.command()
@click.argument("model", shell_complete=complete_models)
@day_range()
@click.option("--breached", is_flag=True, help="Only what is not usual in declared segments.")
@click.option("--weak", is_flag=True, help="Look for segments of larger losses in all features; none is declared.")
@prints_data
def segments(model: str, first: str, last: str, form: OutputForm, *, breached: bool, weak: bool) -> None:
    """Print the segments of MODEL on each chunk, beside what is usual in them."""
    if weak and breached:
        raise click.UsageError("--weak prints weak segments only; --breached is for declared ones. Give one of them.")
    if weak:
        _print_weak_segments(model, first, last, form)
        return
    from monitoring_pipeline.records.measurement import Status
    from monitoring_pipeline.records.producer import Producer
    from monitoring_pipeline.reports.terminal.segments import changes_report, segments_report

    with clear_errors():
        settings = read_settings()
        loaded = find_model(settings, model)
        statuses = (Status.BREACHED,) if breached else tuple(Status)
        with open_store(settings) as store:
            measured = [
                (chunk.key, m)
                for chunk in loaded.spec.calendar.chunks_named(first, last)
                for m in store.measurements(model, chunk.key, Producer.SEGMENTS, statuses=statuses)
            ]
        changes = changes_report(model, measured)
        print_reports(form, [segments_report(model, measured), *([changes] if changes.lines else [])])


def _print_weak_segments(model: str, first: str, last: str, form: OutputForm) -> None:
    from monitoring_pipeline.composition import open_outside
    from monitoring_pipeline.reports.terminal.weak_segments import weak_segments_report
    from monitoring_pipeline.steps.weak_segments import find_weak_segments

    with clear_errors():
        settings = read_settings()
        spec = find_model(settings, model).spec
        with open_outside(settings) as outside:
            found = find_weak_segments(spec, spec.calendar.chunks_named(first, last), outside)
        print_reports(form, [weak_segments_report(spec, found)])


@click.command()
@click.argument("model", shell_complete=complete_models)
@day_range()
@click.option("--by", type=click.Choice([CHUNK_PERIOD, *PERIODS]), default="month", show_default=True)
@click.option("--sums", is_flag=True, help="From stored counts, even if rows were deleted; the error is bounded.")
@prints_data
def performance(model: str, first: str, last: str, by: str, form: OutputForm, *, sums: bool) -> None:
    """Print MODEL's exact performance over longer periods, from all rows with known labels."""
    from monitoring_pipeline.composition import open_outside
    from monitoring_pipeline.reports.terminal.results import performance_sums_table, performance_table
    from monitoring_pipeline.steps.periods import measure_period, sum_performance

    with clear_errors():
        settings = read_settings()
        loaded = find_model(settings, model)
        periods = _periods(loaded.spec, first, last, by)
        with open_outside(settings) as outside, progress(f"performance {model}", len(periods)) as advance:
            if sums:
                summed = [
                    (period, version, metric)
                    for period, keys in _each(periods, advance)
                    for version in loaded.spec.reference
                    for metric in sum_performance(loaded.spec, version, keys, store=outside.store)
                ]
                table = performance_sums_table(model, by, summed)
            else:
                measured = [
                    (period, metric)
                    for period, keys in _each(periods, advance)
                    for metric in measure_period(loaded.spec, keys, outside)
                ]
                table = performance_table(model, by, measured)
        print_reports(form, [table])


@click.command()
@click.argument("model", shell_complete=complete_models)
@VERSIONS
@prints_data
def replay(model: str, versions: tuple[str, ...], form: OutputForm) -> None:
    """Check MODEL's rules on its reference: their false alarms, and the injected changes that they find."""
    from monitoring_pipeline.composition import open_outside
    from monitoring_pipeline.reports.report import Report
    from monitoring_pipeline.reports.terminal.rule_check import rule_check_tables
    from monitoring_pipeline.steps.reference.rule_check import replay_reference

    with clear_errors():
        settings = read_settings()
        loaded = find_model(settings, model)
        _require_versions(loaded.spec, versions)
        tables: list[Report] = []
        doubts: list[str] = []
        chosen = versions or tuple(loaded.spec.reference)
        with progress(f"replay {model}", len(chosen)) as advance:
            for version in chosen:
                advance(f"version {version}")
                with open_outside(settings, run_id=f"replay {version}") as outside:
                    measured = replay_reference(loaded, version, outside)
                    doubts += _doubts(loaded.spec, version, outside)
                tables.extend(rule_check_tables(model, version, loaded.spec.calendar.noun, measured))
        print_reports(form, tables)
        for doubt in doubts:
            message(doubt)


@click.group()
def reference() -> None:
    """References of model versions: the rows with which chunks are compared."""


@reference.command("rebuild")
@click.argument("model", shell_complete=complete_models)
@VERSIONS
@click.option("--accept-smaller", is_flag=True, help="Replace the reference even if the new one has shrunk.")
@prints_data
def reference_rebuild(model: str, versions: tuple[str, ...], form: OutputForm, *, accept_smaller: bool) -> None:
    """Build references of MODEL again from their sources. One that has shrunk is refused with the numbers."""
    from monitoring_pipeline.composition import open_outside
    from monitoring_pipeline.ports.references import Origin
    from monitoring_pipeline.reports.terminal.references import reference_table
    from monitoring_pipeline.steps.reference.building import take_reference
    from monitoring_pipeline.steps.reference.segments import take_segments
    from monitoring_pipeline.steps.roles import effective_spec

    with clear_errors():
        settings = read_settings()
        with open_outside(settings, run_id="reference rebuild") as outside:
            found = find_model(settings, model)
            loaded = replace(found, spec=effective_spec(found.spec, outside.store))
            _require_versions(loaded.spec, versions)
            chosen = {version: version for version in versions or loaded.spec.reference}
            with progress(f"reference rebuild {model}", len(chosen)) as advance:
                taken = [
                    take_reference(
                        loaded, version, outside, now=outside.clock(), rebuild=True, accept_smaller=accept_smaller
                    )
                    for version, _ in _each(chosen, advance)
                ]
            origin = Origin(run_id=outside.run_id, at=outside.clock())
            for built in taken:
                take_segments(loaded.spec, built.reference, outside, origin)
            doubts = [doubt for version in chosen for doubt in _doubts(loaded.spec, version, outside)]
        if form is not OutputForm.TABLE:
            print_reports(form, [reference_table(model, taken)])
        for built in taken:
            name = f"{model} {built.reference.model_version}"
            if form is OutputForm.TABLE:
                click.echo(f"{name}: {built.reference.profile.rows} rows in {built.reference.window}")
            for refusal in built.refusals:
                message(f"{name}: {refusal.reason}")
        for doubt in doubts:
            message(doubt)
        if any(reference.refusals for reference in taken):
            raise SystemExit(ExitCode.NO)


@click.command()
@click.argument("name", shell_complete=complete_queries)
@click.option("--set", "pairs", multiple=True, metavar="NAME=VALUE", help="A parameter of the query.")
@prints_data
def query(name: str, pairs: tuple[str, ...], form: OutputForm) -> None:
    """Run a documented query.

    what_is_wrong, since_when, metric_history, what_we_knew, estimate_quality, who_was_told, alert_precision,
    what_it_took.
    """
    from monitoring_pipeline.cli.documented_queries import documented_query, given_parameters
    from monitoring_pipeline.reports.terminal.queries import query_table

    documented = documented_query(name)
    parameters = given_parameters(documented, pairs)
    with clear_errors(), open_store(read_settings()) as store:
        print_reports(form, [query_table(name, *store.query(documented.sql, parameters))])


@click.command()
@click.option(
    "--last-day",
    type=LAST_DAY,
    default=YESTERDAY,
    show_default=True,
    help="Last day that is monitored: yesterday, or such as 2026-11-29. The flights are moved by whole weeks, so that "
    "April 2013 ends on that day or up to six days before it; with 2013-04-30 they are not moved. Later flights are "
    "of the days to come. A home keeps the time that it has.",
)
def demo(last_day: "dt.date") -> None:
    """Seed a warehouse with real flights, train three models, and monitor them over two months."""
    from monitoring_pipeline.demo.running import run_demo
    from monitoring_pipeline.reports.terminal.results import terminal
    from monitoring_pipeline.settings import EnvironmentSettings

    with clear_errors():
        run_demo(EnvironmentSettings(), terminal(), terminal(stderr=True), progress, last_day=last_day)


def _chunks_to_fill(settings: "Settings", spec: "ModelSpec", first: str | None, last: str | None) -> Sequence["Chunk"]:
    """Return the named chunks; where an end is not named, the chunks that have rows decide."""
    calendar = spec.calendar
    if first is not None and last is not None:
        return calendar.chunks_named(first, last)
    from monitoring_pipeline.composition import build_adapters, build_inspection
    from monitoring_pipeline.steps.specs.filled_chunks import MOST_CHUNKS, filled_chunks

    adapters = build_adapters(settings)
    filled = filled_chunks(spec, build_inspection(adapters), adapters.clock())
    if first is not None:
        return calendar.chunks_named(first, filled[-1].key)
    if last is not None:
        return calendar.chunks_named(filled[0].key, last)
    chunks = filled[-MOST_CHUNKS:]
    others = f", the newest of {len(filled):,}" if len(filled) > len(chunks) else ""
    message(
        f"{len(chunks)} {calendar.noun}s, {chunks[0].key} to {chunks[-1].key}{others}; --from and --to choose others"
    )
    return chunks


def _require_versions(spec: "ModelSpec", versions: tuple[str, ...]) -> None:
    """Raise a ClickException for a version without a reference."""
    if unknown := [version for version in versions if version not in spec.reference]:
        unknown_version = f"no version {unknown[0]!r} of {spec.name}; with a reference: {', '.join(spec.reference)}"
        raise click.ClickException(unknown_version)


def _doubts(spec: "ModelSpec", version: str, outside: "Outside") -> list[str]:
    from monitoring_pipeline.steps.reference.stored import doubts_about_stored

    return [f"{spec.name} {version}: {doubt}" for doubt in doubts_about_stored(spec, version, outside.store)]


def _each(items: Mapping[str, Item], advance: Advance) -> Iterator[tuple[str, Item]]:
    """Yield the items of a mapping, and show the name of the one that begins."""
    for name, item in items.items():
        advance(name)
        yield name, item


def _periods(spec: "ModelSpec", first: str, last: str, by: str) -> dict[str, list[str]]:
    """Return the keys of the chunks of each period."""
    return spec.calendar.by_period(spec.calendar.chunks_named(first, last), by)


def _run_range(settings: "Settings", monitored: "ModelSpec", chunks: Sequence["Chunk"], workers: int) -> bool:
    from monitoring_pipeline.backfill import assets_measured, dagster_instance, run_range
    from monitoring_pipeline.chunk_processes import chunk_processes
    from monitoring_pipeline.definitions import build_definitions
    from monitoring_pipeline.orchestration.runs.names import Names

    with (
        progress(f"backfill {monitored.name}", len(chunks) * assets_measured(monitored)) as advance,
        dagster_instance(settings.dagster_home) as instance,
        chunk_processes(settings, min(workers, len(chunks))) as processes,
    ):
        run = run_range(
            build_definitions(settings), instance, monitored, chunks[0], chunks[-1],
            report=lambda asset, chunk: advance(f"{asset} {chunk.key}"), processes=processes,
            names=Names(settings.prefix),
        )  # fmt: skip
    message(f"run {run.run_id}: {'succeeded' if run.success else 'failed'}")
    for failure in run.failures:
        message(failure)
    return run.success
