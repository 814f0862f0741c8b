"""Builds pages: reads the records of models, and returns what their pages say."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.web_pages.contents.model import ModelContents, model_contents
from monitoring_pipeline.web_pages.contents.overview import ModelLine, OverviewContents, model_line, overview_contents
from monitoring_pipeline.web_pages.reading import ModelRecords, NothingJudgedError, read_model, read_period


@dataclass(frozen=True)
class AllPages:
    """The overview, and the page of each model that was judged, by name."""

    overview: OverviewContents
    models: dict[str, ModelContents]


def build_model_page(
    spec: ModelSpec,
    store: Store,
    first: str | None = None,
    last: str | None = None,
    *,
    version: str | None = None,
) -> ModelContents:
    """Return the page of a model about its judged chunks from ``first`` to ``last``; without them the newest ones.

    Args:
        spec: the model.
        store: the store.
        first: key of the first chunk.
        last: key of the last chunk, which the page is about.
        version: the version whose columns are shown; by default the one that served.

    Raises:
        NothingJudgedError: when no chunk was judged there.
    """
    return model_contents(read_model(spec, store, read_period(spec, store, first, last)), version)


def build_all_pages(specs: Iterable[ModelSpec], store: Store) -> AllPages:
    """Return the overview and the pages of models."""
    records, lines = _read_all(specs, store, histories=True)
    pages = {found.spec.name: model_contents(found) for found in records}
    return AllPages(overview_contents(lines, records), pages)


def build_overview(specs: Iterable[ModelSpec], store: Store) -> OverviewContents:
    """Return the overview of models; the charts of their pages are not drawn."""
    records, lines = _read_all(specs, store, histories=False)
    return overview_contents(lines, records)


def _read_all(
    specs: Iterable[ModelSpec], store: Store, *, histories: bool
) -> tuple[list[ModelRecords], list[ModelLine]]:
    """Return the records of the models that were judged, and a line of the overview for every model."""
    records: list[ModelRecords] = []
    lines: list[ModelLine] = []
    for spec in specs:
        try:
            records.append(read_model(spec, store, read_period(spec, store), histories=histories))
        except NothingJudgedError as error:
            lines.append(_never_judged(spec, error))
        else:
            lines.append(model_line(records[-1]))
    return records, lines


def _never_judged(spec: ModelSpec, error: NothingJudgedError) -> ModelLine:
    return ModelLine(name=spec.name, owner=spec.owner, sentence=str(error).removeprefix(f"{spec.name}: "))
