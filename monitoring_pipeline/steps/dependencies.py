"""What the serving environment of a chunk has installed, beside the requirements in the registry."""

from collections.abc import Iterator, Sequence

import polars as pl

from monitoring_pipeline.evaluation.operations.dependencies import DIFFERING, measure_dependencies
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.ports.registry import RegistryError
from monitoring_pipeline.records.measurement import Measurement, Status
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.parsing.files import UnreadableFileError, leads_out, read_small_text
from monitoring_pipeline.spec.rules.operations import DEPENDENCIES, DependencyRules

CHUNK = "{chunk}"


def compare_dependencies(
    loaded: LoadedSpec,
    chunk: Chunk,
    version: str,
    rows: pl.DataFrame,
    outside: Outside,
    *,
    stored: Sequence[Measurement],
) -> Iterator[Measurement]:
    """Yield the comparison for a version, if the spec asks for one.

    A file of the environment of now is not compared with an earlier chunk; then the stored comparison is kept.
    """
    rules = loaded.spec.operations.dependencies
    if rules is None:
        return
    environments, why_not = _environments(loaded, rules, chunk, rows, outside)
    required: tuple[str, ...] | None = None
    if not why_not:
        try:
            required = outside.registry.requirements(loaded.spec.name, version)
        except RegistryError as error:
            why_not = str(error)
    measured = measure_dependencies(environments, required, model_version=version, why_not=why_not)
    of_version = (m for m in stored if m.name == DIFFERING and m.model_version == version)
    known = next((m for m in of_version if m.status is not Status.SKIPPED), None)
    yield known if measured.status is Status.SKIPPED and known is not None else measured


def _environments(
    loaded: LoadedSpec, rules: DependencyRules, chunk: Chunk, rows: pl.DataFrame, outside: Outside
) -> tuple[dict[str, int], str]:
    """Return the lists of packages with their rows, and why there are none."""
    if rules.file is None:
        if DEPENDENCIES not in rows.columns:
            return {}, "the stored rows have no list of packages: measure the predictions of the chunk again"
        counted = rows[DEPENDENCIES].drop_nulls().value_counts(name="rows").sort(DEPENDENCIES)
        return dict(counted.iter_rows()), "" if counted.height else f"no row has a {rules.column}"
    newest = loaded.spec.calendar.last_complete(outside.clock())
    if CHUNK not in rules.file and chunk.key != newest.key:
        return {}, f"{rules.file} describes the environment of now; name it by {CHUNK} to compare earlier ones"
    name = rules.file.replace(CHUNK, chunk.key)
    path = loaded.folder / name
    if leads_out(loaded.folder, name) or not path.is_file():
        return {}, f"no file {path.name} beside {loaded.path.name}"
    try:
        return {read_small_text(path): rows.height}, ""
    except UnreadableFileError as error:
        return {}, f"{path.name}: {error}"
