"""The assets that draw pages: the report of each model, and the overview of all. Neither is part of a nightly run."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dagster as dg

from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors
from monitoring_pipeline.orchestration.runs.names import PLAIN, Names
from monitoring_pipeline.ports.store import Store
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.alerting import NO_LINKS, Links
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.parsing.documents import SpecError
from monitoring_pipeline.steps.chunk.incidents import Rules
from monitoring_pipeline.web_pages.extra import MissingLibraryError
from monitoring_pipeline.web_pages.files import ReportFolder
from monitoring_pipeline.web_pages.reading import NothingJudgedError

NAME, SENSOR = "report", "reports"
_ENDED = dg.AutomationCondition.newly_updated() | dg.AutomationCondition.execution_failed().newly_true()
_QUIET = ~dg.AutomationCondition.any_deps_in_progress() & ~dg.AutomationCondition.in_progress()
AFTER_A_RUN = (dg.AutomationCondition.any_deps_match(_ENDED).since_last_handled() & _QUIET).with_label(
    "a run of the model has ended"
)
"""Once after all runs of the model that are under way, however many chunks they measured; failed ones count, too."""
AFTER_A_REPORT = (dg.AutomationCondition.any_deps_updated().since_last_handled() & _QUIET).with_label(
    "a report was written"
)


def report_key(spec: ModelSpec, names: Names = PLAIN) -> dg.AssetKey:
    """Return the key of a model's report."""
    return names.asset(spec.name, NAME)


def overview_key(names: Names = PLAIN) -> dg.AssetKey:
    """Return the key of the overview of all models."""
    return names.asset("reports", "overview")


def build_report_asset(spec: ModelSpec, names: Names = PLAIN) -> dg.AssetsDefinition:
    """Return the asset that writes the report of a model; it has no partitions, because it shows the newest state."""

    @dg.asset(
        key=report_key(spec, names),
        group_name=names.of(spec.name),
        description="The report of the model as one HTML file that needs no network: what is wrong, since when, and "
        "why. It shows the newest judged chunk and those before. It is written once after the runs of the model have "
        f"ended, if the sensor `{names.of(SENSOR)}` is on.",
        owners=[spec.owner],
        tags={"model": spec.name, "task": spec.task.value},
        kinds={"altair", "html"},
        deps=[names.asset(spec.name, str(Producer.INCIDENTS))],
        automation_condition=AFTER_A_RUN,
    )
    @names.given
    def report(
        store: dg.ResourceParam[Store], reports: dg.ResourceParam[ReportFolder], alerting: dg.ResourceParam[Rules]
    ) -> dg.MaterializeResult[Any]:
        with _failing_in_one_sentence(), hidden_in_errors():
            started = time.perf_counter()
            written = reports.write_model(spec, store)
            seconds = time.perf_counter() - started
        address = _links(alerting).report_of(spec.name, written.chunk)
        return dg.MaterializeResult(
            metadata={
                **({} if address is None else {"report": dg.MetadataValue.url(address)}),
                **_file(written.path, written.size, seconds),
                "verdict": written.verdict,
                "chunk": written.chunk,
                "sentence": written.sentence,
            }
        )

    return report


def build_overview_asset(specs: Sequence[ModelSpec], names: Names = PLAIN) -> dg.AssetsDefinition:
    """Return the asset that writes the overview of all models."""

    @dg.asset(
        key=overview_key(names),
        group_name=names.of("reports"),
        description="All models on one page, the worst first, with links to their reports beside it.",
        kinds={"html"},
        deps=[report_key(spec, names) for spec in specs],
        automation_condition=AFTER_A_REPORT,
    )
    @names.given
    def overview(
        store: dg.ResourceParam[Store], reports: dg.ResourceParam[ReportFolder], alerting: dg.ResourceParam[Rules]
    ) -> dg.MaterializeResult[Any]:
        with _failing_in_one_sentence(), hidden_in_errors():
            started = time.perf_counter()
            written = reports.write_overview(specs, store)
            seconds = time.perf_counter() - started
        site = _links(alerting).site
        verdicts = "\n".join(f"- {name}: {verdict or 'never judged'}" for name, verdict in written.models)
        return dg.MaterializeResult(
            metadata={
                **({} if site is None else {"report": dg.MetadataValue.url(site)}),
                **_file(written.path, written.size, seconds),
                "models": len(written.models),
                "verdicts": dg.MetadataValue.md(verdicts),
            }
        )

    return overview


def build_reports_sensor(
    specs: Sequence[ModelSpec], *, interval_seconds: int, names: Names = PLAIN
) -> dg.AutomationConditionSensorDefinition:
    """Return the sensor that requests the reports of models whose runs have ended, and the overview after them."""
    return dg.AutomationConditionSensorDefinition(
        names.of(SENSOR),
        target=dg.AssetSelection.assets(*(report_key(spec, names) for spec in specs), overview_key(names)),
        minimum_interval_seconds=interval_seconds,
        description="Requests the report of each model after its runs have ended, and then the overview.",
    )


def _file(path: Path, size: int, seconds: float) -> dict[str, Any]:
    return {"file": dg.MetadataValue.path(path), "bytes": size, "seconds": float(f"{seconds:.3g}")}


def _links(alerting: Rules) -> Links:
    try:
        return alerting().links
    except SpecError:
        # The asset incidents reports rules that cannot be read.
        return NO_LINKS


@contextmanager
def _failing_in_one_sentence() -> Iterator[None]:
    """Let a run fail, without retries, with the sentence of an error that a person has to mend."""
    try:
        yield
    except (MissingLibraryError, NothingJudgedError) as error:
        raise dg.Failure(description=str(error), allow_retries=False) from None
