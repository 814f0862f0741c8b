"""Commands that write or serve the reports of models, and their metrics for Prometheus."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from monitoring_pipeline.cli.execution.opening import clear_errors, find_model, open_store, read_settings, warn
from monitoring_pipeline.cli.options.completion import complete_models
from monitoring_pipeline.cli.options.day_range import CHUNK_OR_DAY
from monitoring_pipeline.web_pages.extra import DRAWING, MissingLibraryError, require_libraries

if TYPE_CHECKING:
    from monitoring_pipeline.settings import Settings
    from monitoring_pipeline.spec.model import ModelSpec
    from monitoring_pipeline.store.results import ResultStore

LOOPBACK = "127.0.0.1"


@click.command()
@click.argument("model", required=False, shell_complete=complete_models)
@click.option("--all", "every", is_flag=True, help="An overview of all models, and the report of each beside it.")
@click.option(
    "--chunk", type=CHUNK_OR_DAY, help="The chunk that the report is about; the newest judged one by default."
)
@click.option("--from", "first", type=CHUNK_OR_DAY, help="First day or chunk that is shown; by default 366 are.")
@click.option("--to", "last", type=CHUNK_OR_DAY, help="Last day or chunk, the one that the report is about.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File to write, or folder with --all; default MODEL.html, or the folder reports.",
)
def report(
    model: str | None, chunk: str | None, first: str | None, last: str | None, output: Path | None, *, every: bool
) -> None:
    """Write the report of MODEL as one HTML file that needs no network.

    It shows incidents, verdicts, performance, data quality, drift of each column, and versions.
    """
    if every == (model is not None):
        message = "give a MODEL, or --all"
        raise click.UsageError(message)
    if chunk and last:
        message = "--chunk and --to mean the same; give one of them"
        raise click.UsageError(message)
    if every and (chunk or first or last):
        message = "--chunk, --from and --to choose chunks of one model; --all shows the newest ones of each"
        raise click.UsageError(message)
    _require_libraries(*DRAWING)
    with clear_errors():
        settings = read_settings()
        if every:
            _write_all(settings, output or Path("reports"))
        else:
            spec = find_model(settings, model or "").spec
            _write_one(settings, spec, output or Path(f"{spec.name}.html"), first=first, last=chunk or last)


@click.command()
@click.option("--week", help="The week, such as 2013-W16, or a day of it; the newest week with a verdict by default.")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write; default WEEK.html.")
def digest(week: str | None, output: Path | None) -> None:
    """Write a week of all models as one HTML page: what changed, in words and at most five pictures.

    It shows verdicts, incidents, performance beside its limits, retraining and alert precision, for people who lead.
    """
    from monitoring_pipeline.store.results import ResultStore

    _require_libraries(*DRAWING)
    with clear_errors():
        settings = read_settings()
        with ResultStore.open_to_read(settings.store_url) as store:
            _write_week(settings, store, week, output)


@click.command()
@click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(1, 65535), default=3001, show_default=True, help="Port to listen on.")
def serve(host: str, port: int) -> None:
    """Serve the reports of all models, always with the newest results.

    Nobody can act on the site, and its connection to the store only reads, unless a proxy signs people in:
    MONITORING_PIPELINE_SITE_PROXY_SECRET. Acknowledgements in PagerDuty are received if its webhook's signing secret is
    set: MONITORING_PIPELINE_SITE_PAGERDUTY_SECRET.
    """
    from monitoring_pipeline.dashboard.pagerduty_hook import PagerDutyHook
    from monitoring_pipeline.dashboard.signing_in import Proxy
    from monitoring_pipeline.dashboard.site import Site, run_site
    from monitoring_pipeline.store.results import ResultStore
    from monitoring_pipeline.system_clock import system_clock

    _require_libraries(*DRAWING, "prometheus_client", "starlette", "uvicorn")
    with clear_errors():
        settings = read_settings()
        secret = settings.site_proxy_secret.get_secret_value()
        if host != LOOPBACK and not secret:
            warn(f"everybody who reaches {host}:{port} can read all results; nobody is signed in")
        try:
            proxy = Proxy(secret=secret, user_header=settings.site_user_header) if secret else None
        except ValueError as error:
            message = f"MONITORING_PIPELINE_SITE_PROXY_SECRET: {error}"
            raise click.ClickException(message) from None
        signing = settings.site_pagerduty_secret.get_secret_value()
        try:
            hook = PagerDutyHook(secret=signing) if signing else None
        except ValueError as error:
            message = f"MONITORING_PIPELINE_SITE_PAGERDUTY_SECRET: {error}"
            raise click.ClickException(message) from None
        open_it = ResultStore.open if proxy or hook else ResultStore.open_to_read
        with open_it(settings.store_url) as store:
            click.echo(f"http://{host}:{port} serves the reports of all models; Ctrl-C stops it")
            run_site(Site(settings=settings, store=store, clock=system_clock, proxy=proxy, hook=hook), host, port)


@click.command()
def mcp() -> None:
    """Answer assistants over the Model Context Protocol, from a store that is only read.

    An assistant starts this command itself, and uses its standard input and output: docs/assistants.md.
    """
    from monitoring_pipeline.store.results import ResultStore

    _require_libraries("mcp", extra="mcp")
    with clear_errors():
        from monitoring_pipeline.assistants.server import build_server

        settings = read_settings()
        with ResultStore.open_to_read(settings.store_url) as store:
            build_server(settings, store).run("stdio")


@click.command()
@click.option("-o", "--output", type=click.Path(path_type=Path), help="File to write; by default the text is printed.")
def metrics(output: Path | None) -> None:
    """Write the newest results of all models as metrics of Prometheus.

    With --output it is a file for the textfile collector of the node exporter.
    """
    from monitoring_pipeline.prometheus.exporting import metrics_text
    from monitoring_pipeline.store.results import ResultStore
    from monitoring_pipeline.web_pages.files import write_whole

    _require_libraries("prometheus_client")
    with clear_errors():
        settings = read_settings()
        with ResultStore.open_to_read(settings.store_url) as store:
            text = metrics_text(_all_specs(settings), store)
    if output is None:
        click.echo(text, nl=False)
    else:
        write_whole(output, text)


def _all_specs(settings: "Settings") -> list["ModelSpec"]:
    """Return all specs that can be used; each bad one is reported on stderr."""
    from monitoring_pipeline.spec.loading import usable_specs
    from monitoring_pipeline.steps.specs.checks import read_checked_specs

    read = read_checked_specs(settings.models)
    for bad in read.bad:
        warn(f"this spec is not used: {bad.problems[0]}")
    return [loaded.spec for loaded in usable_specs(read)]


def _require_libraries(*names: str, extra: str = "report") -> None:
    """Raise a ClickException if a library of an extra is not installed."""
    try:
        require_libraries(*names, extra=extra)
    except MissingLibraryError as error:
        raise click.ClickException(str(error)) from None


def _write_one(settings: "Settings", spec: "ModelSpec", path: Path, *, first: str | None, last: str | None) -> None:
    from monitoring_pipeline.system_clock import system_clock
    from monitoring_pipeline.web_pages.building import build_model_page
    from monitoring_pipeline.web_pages.files import write_whole
    from monitoring_pipeline.web_pages.rendering import model_html

    first = first and spec.calendar.chunks_named(first, first)[0].key
    last = last and spec.calendar.chunks_named(last, last)[-1].key
    with open_store(settings) as store:
        page = build_model_page(spec, store, first, last)
    write_whole(path, model_html(page, written=system_clock()))
    click.echo(f"{path}: {page.sentence}")


def _write_all(settings: "Settings", folder: Path) -> None:
    from monitoring_pipeline.system_clock import system_clock
    from monitoring_pipeline.web_pages.files import ReportFolder

    with open_store(settings) as store:
        overview, reports = ReportFolder(folder, system_clock).write_all(_all_specs(settings), store)
    click.echo(f"{overview.path}: {len(overview.models)} models, {len(reports)} with results")


def _write_week(settings: "Settings", store: "ResultStore", week: str | None, output: Path | None) -> None:
    from monitoring_pipeline.spec.week import Week
    from monitoring_pipeline.steps.week import newest_week, read_week
    from monitoring_pipeline.system_clock import system_clock
    from monitoring_pipeline.web_pages.contents.week import week_contents
    from monitoring_pipeline.web_pages.files import write_whole
    from monitoring_pipeline.web_pages.rendering import week_html

    specs = _all_specs(settings)
    shown = Week.named(week) if week else newest_week(specs, store)
    if shown is None:
        message = "nothing was judged yet: monitoring-pipeline backfill MODEL judges"
        raise click.ClickException(message)
    page = week_contents(shown, read_week(specs, store, shown).models)
    path = output or Path(f"{shown.key}.html")
    write_whole(path, week_html(page, written=system_clock()))
    click.echo(f"{path}: {page.headline}")
