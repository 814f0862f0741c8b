"""The command that drafts the spec of a model from its tables."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from pydantic import TypeAdapter, ValidationError

from monitoring_pipeline.cli.drafting.output import print_next, print_questions, short
from monitoring_pipeline.cli.drafting.remembered import place_of
from monitoring_pipeline.cli.drafting.source_address import SourceAddress, address_of
from monitoring_pipeline.cli.execution.opening import clear_errors
from monitoring_pipeline.cli.execution.progress import progress
from monitoring_pipeline.evaluation.privacy.addresses import passwords_of
from monitoring_pipeline.evaluation.privacy.secrets import keep_secret, without_secrets
from monitoring_pipeline.settings import Settings, with_own_key
from monitoring_pipeline.spec.loading import LoadedSpec, SpecError, load_spec
from monitoring_pipeline.spec.model import Cadence
from monitoring_pipeline.spec.parsing.time_zone import TimeZone
from monitoring_pipeline.spec.parsing.wording import NAME_PATTERN

if TYPE_CHECKING:
    from monitoring_pipeline.evaluation.drafting.hints import Advice
    from monitoring_pipeline.evaluation.drafting.plan import Plan
    from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
    from monitoring_pipeline.steps.drafting.drafting import Wishes

MODEL_SCHEMES = ("models:/", "runs:/")
ROLES = ("id", "time", "version", "score", "scores", "prediction", "label", "known_at")


class _NamedColumns(click.ParamType[tuple[str, tuple[str, ...]]]):
    """``role=column``, or ``role=first,second`` for a role of several columns."""

    name = "role=column"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, tuple[str, ...]]:
        """Return the role and its columns."""
        role, _, columns = str(value).partition("=")
        if not columns or role not in ROLES:
            self.fail(f"{value!r} is not role=column; roles: {', '.join(ROLES)}", param, ctx)
        return role, tuple(columns.split(",")) if role in {"id", "scores"} else (columns,)


class _FileOrModel(click.Path):
    """The path of a file, or the address of a model in MLflow as text."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path or the address."""
        return value if str(value).startswith(MODEL_SCHEMES) else super().convert(value, param, ctx)


@dataclass(frozen=True, kw_only=True)
class _Given:
    """The options of the command."""

    table: str | None
    labels: str | None
    name: str | None
    models: Path | None
    timezone: str | None
    cadence: Cadence | None
    positive: str | None
    columns: tuple[tuple[str, tuple[str, ...]], ...]
    files: tuple[Path | str, ...]
    no_suite: bool
    force: bool


@click.command()
@click.argument("source")
@click.option("--table", help="The table of predictions; default the one that looks like it.")
@click.option("--labels", help="The table of labels, if they are no column of the predictions.")
@click.option("--name", help="The name of the model; default that of the table.")
@click.option("--models", type=click.Path(file_okay=False, path_type=Path), help="Folder of the specs; default models.")
@click.option("--timezone", help="The time zone whose midnight bounds a day; default UTC.")
@click.option(
    "--cadence", type=click.Choice(get_args(Cadence)), help="Length of a chunk; default what fits the volume."
)
@click.option("--positive", help="The class that counts as positive.")
@click.option(
    "--column", "columns", type=_NamedColumns(), multiple=True,
    help=f"The column of a role, such as time=scored_at. Roles: {', '.join(ROLES)}.",
)  # fmt: skip
@click.option(
    "--from", "files", type=_FileOrModel(exists=True, path_type=Path), multiple=True,
    help="What to read along: a model of MLflow (models:/NAME/VERSION, models:/NAME@ALIAS, runs:/RUN/PATH), or a file: "
    "MLflow's MLmodel, dbt's schema.yml, a data contract (ODCS), Evidently, Feast.",
)  # fmt: skip
@click.option("--no-suite", is_flag=True, help="Draft no suite of Great Expectations.")
@click.option("--force", is_flag=True, help="Overwrite the spec and suite of the model.")
def init(source: str, **options: object) -> None:
    """Draft the spec and the suite of the model whose predictions are in SOURCE.

    SOURCE is a DuckDB file, the URL of a database, a Parquet or CSV file, or a folder of such files. Each guess has its
    evidence as a comment in the spec, and each doubt is a question in the output. The output ends with the command that
    monitors the model.
    """
    given = _Given(**options)  # pyright: ignore[reportArgumentType]
    if given.name is not None and not re.fullmatch(NAME_PATTERN, given.name):
        message = f"--name {given.name}: write lower-case letters, digits and underscores, with a letter first"
        raise click.UsageError(message)
    if given.timezone is not None:
        try:
            TypeAdapter[str](TimeZone).validate_python(given.timezone)
        except ValidationError:
            message = f"--timezone {given.timezone}: no time zone of the IANA database, such as Europe/Berlin"
            raise click.UsageError(message) from None
    with clear_errors():
        _draft(source, given)


def _draft(source: str, given: _Given) -> None:
    from monitoring_pipeline.cli.specs import inspecting, write_suite
    from monitoring_pipeline.composition import build_adapters, build_inspection, build_table_reading
    from monitoring_pipeline.steps.drafting.drafting import Source, draft_plan
    from monitoring_pipeline.steps.specs.findings import find_in_source

    keep_secret(passwords_of(source))
    address = address_of(source)
    place = place_of(address, given.models, with_own_key(Settings()))
    adapters = build_adapters(place.settings)
    ports = Source(
        tables=build_table_reading(adapters, place.warehouse),
        inspection=build_inspection(adapters),
        now=adapters.clock(),
    )
    with progress("init", 3) as advance:
        advance("reading the source")
        plan = draft_plan(ports, _wishes(given, address, place.warehouse), _advice(given, address, adapters.registry))
        spec, suite = (place.settings.models / f"{plan.name}{suffix}" for suffix in (".yaml", ".suite.yaml"))
        with _put_back_on_error(spec, suite):
            loaded = _write_spec(plan, place.settings.models, source, force=given.force)
            advance("checking the spec")
            findings = find_in_source(loaded, inspecting(place.settings))
            if not given.no_suite:
                advance("drafting the suite")
                write_suite(loaded, place.settings)
    click.echo(f"wrote {short(loaded.path)}" + ("" if given.no_suite else f" and {short(loaded.suite_path)}"))
    to_export = place.remember()
    print_questions(plan, findings)
    print_next(plan, to_export)


def _wishes(given: _Given, address: SourceAddress, warehouse: str | None) -> "Wishes":
    from monitoring_pipeline.steps.drafting.drafting import Wishes

    return Wishes(
        table=given.table or address.table,
        labels=given.labels,
        name=given.name,
        zone=given.timezone,
        cadence=given.cadence,
        warehouse=warehouse,
        is_alone=address.is_file,
    )


def _advice(given: _Given, address: SourceAddress, registry: "ModelRegistry") -> "Advice":
    from monitoring_pipeline.cli.drafting.read_along import read_along
    from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role
    from monitoring_pipeline.evaluation.drafting.hints import Advice, Hints

    roles = {Role(role): columns for role, columns in given.columns}
    of_user = Hints(origin="--column", roles=roles, must_exist=True)
    positive = Hints(origin="--positive", positive=given.positive)
    along = read_along(given.files, address.folder, given.table or address.table, registry)
    return Advice((of_user, positive, *along))


@contextmanager
def _put_back_on_error(*paths: Path) -> Iterator[None]:
    """Give files the content that they had, or remove them, if the draft of a spec or of its suite fails."""
    before = {path: path.read_bytes() if path.exists() else None for path in paths}
    try:
        yield
    except Exception:
        for path, content in before.items():
            if content is None:
                path.unlink(missing_ok=True)
            else:
                path.write_bytes(content)
        raise


def _write_spec(plan: "Plan", folder: Path, source: str, *, force: bool) -> LoadedSpec:
    """Write the spec and return it as a run would read it; existing files stay if it cannot be used.

    Raises:
        ClickException: when the file exists, unless it may be overwritten.
        SpecError: when the draft is no valid spec.
    """
    path = folder / f"{plan.name}.yaml"
    suite = folder / f"{plan.name}.suite.yaml"
    for existing in (path, suite):
        if existing.exists() and not force:
            message = f"{short(existing)} exists; --force overwrites it, --name gives the model another name"
            raise click.ClickException(message)
    folder.mkdir(parents=True, exist_ok=True)
    drafted = path.with_suffix(".drafted")
    head = (
        f"Drafted by monitoring-pipeline init from {without_secrets(source)}. Each guess has its evidence beside it.",
        "It is yours to edit; monitoring-pipeline spec check looks at it again.",
    )
    drafted.write_text(plan.text(head), encoding="utf-8")
    try:
        load_spec(drafted)
        drafted.replace(path)
    except SpecError as error:
        drafted.unlink()
        raise SpecError(f"the draft cannot be used: {error}") from error
    return load_spec(path)
