"""A folder of reports: a file for each model, and the overview that links to them."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.web_pages.building import build_all_pages, build_model_page, build_overview
from monitoring_pipeline.web_pages.contents.model import ModelContents
from monitoring_pipeline.web_pages.contents.overview import OverviewContents
from monitoring_pipeline.web_pages.extra import DRAWING, require_libraries
from monitoring_pipeline.web_pages.rendering import Links, model_html, overview_html

OVERVIEW = "index.html"
_LINKS = Links(overview=OVERVIEW)


@dataclass(frozen=True, kw_only=True)
class WrittenReport:
    """A report of a model that was written.

    Args:
        path: the file.
        size: its size in bytes.
        chunk: key of the chunk that it is about.
        verdict: the verdict on the chunk.
        sentence: the verdict in one sentence.
    """

    path: Path
    size: int
    chunk: str
    verdict: str
    sentence: str


@dataclass(frozen=True, kw_only=True)
class WrittenOverview:
    """An overview that was written.

    Args:
        path: the file.
        size: its size in bytes.
        models: the models in it, worst first, each with its verdict; empty for a model that was never judged.
    """

    path: Path
    size: int
    models: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class ReportFolder:
    """A folder in which reports are replaced by newer ones, each file whole.

    Attributes:
        folder: where; it is created when something is written.
        clock: the time that a report names as its own.
    """

    folder: Path
    clock: Clock

    def write_model(self, spec: ModelSpec, store: Store) -> WrittenReport:
        """Write the report of a model about its newest judged chunk.

        Raises:
            MissingLibraryError: when the extra ``report`` is not installed.
            NothingJudgedError: when no chunk of the model was judged.
        """
        require_libraries(*DRAWING)
        return self._written(build_model_page(spec, store))

    def write_overview(self, specs: Sequence[ModelSpec], store: Store) -> WrittenOverview:
        """Write the overview of all models.

        Raises:
            MissingLibraryError: when the extra ``report`` is not installed.
        """
        require_libraries(*DRAWING)
        return self._overview(build_overview(specs, store))

    def write_all(self, specs: Sequence[ModelSpec], store: Store) -> tuple[WrittenOverview, tuple[WrittenReport, ...]]:
        """Write the overview and the report of each model that was judged; the store is read once.

        Raises:
            MissingLibraryError: when the extra ``report`` is not installed.
        """
        require_libraries(*DRAWING)
        pages = build_all_pages(specs, store)
        reports = tuple(self._written(page) for page in pages.models.values())
        return self._overview(pages.overview), reports

    def _written(self, page: ModelContents) -> WrittenReport:
        path = self.folder / f"{page.name}.html"
        size = write_whole(path, model_html(page, links=_LINKS, written=self.clock()))
        return WrittenReport(path=path, size=size, chunk=page.chunk, verdict=page.status, sentence=page.sentence)

    def _overview(self, page: OverviewContents) -> WrittenOverview:
        path = self.folder / OVERVIEW
        size = write_whole(path, overview_html(page, written=self.clock()))
        return WrittenOverview(path=path, size=size, models=tuple((line.name, line.status) for line in page.models))


def write_whole(path: Path, text: str) -> int:
    """Write a file so that a reader sees the former one or this one; return its size in bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.writing")
    written = beside.write_bytes(text.encode("utf-8"))
    beside.replace(path)
    return written
