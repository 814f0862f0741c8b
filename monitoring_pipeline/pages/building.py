"""Builds pages: reads the records of a model, and returns what its page says."""

from collections.abc import Iterable
from dataclasses import dataclass

from monitoring_pipeline.pages.contents.model import ModelContents, model_contents
from monitoring_pipeline.pages.contents.overview import ModelLine, OverviewContents, model_line, overview_contents
from monitoring_pipeline.pages.reading import ModelRecords, NothingJudgedError, read_model, read_period
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.spec.model import ModelSpec


@dataclass(frozen=True)
class AllPages:
    """The overview, and the page of each model that was judged, by name."""

    overview: OverviewContents
    models: dict[str, ModelContents]


def build_model_page(spec: ModelSpec, store: Store, first: str | None = None, last: str | None = None) -> ModelContents:
    """Return the page of a model about its judged chunks from ``first`` to ``last``; without them the newest ones.

    Raises:
        NothingJudgedError: when no chunk was judged there.
    """
    return model_contents(read_model(spec, store, read_period(spec, store, first, last)))


def build_all_pages(specs: Iterable[ModelSpec], store: Store) -> AllPages:
    """Return the overview and the pages of models."""
    records: list[ModelRecords] = []
    pages: dict[str, ModelContents] = {}
    lines: list[ModelLine] = []
    for spec in specs:
        try:
            found = read_model(spec, store, read_period(spec, store))
        except NothingJudgedError as error:
            lines.append(ModelLine(name=spec.name, owner=spec.owner, sentence=_without_name(spec, error)))
            continue
        records.append(found)
        pages[spec.name] = model_contents(found)
        lines.append(model_line(found, pages[spec.name]))
    return AllPages(overview_contents(lines, records), pages)


def _without_name(spec: ModelSpec, error: NothingJudgedError) -> str:
    return str(error).removeprefix(f"{spec.name}: ")
