"""Tables of any shape through the steps of a chunk: each ends in measurements, a quality failure, or a clear sentence.

CI runs some examples. ``MONITORING_PIPELINE_FUZZ_EXAMPLES=10000`` runs more.
"""

import datetime as dt
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from hypothesis import HealthCheck, given, settings

from monitoring_pipeline.evaluation.reference.reference import EmptyReferenceError
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.orchestration.assets.table import MEASURED
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.prometheus.querying import PrometheusServers
from monitoring_pipeline.quality import runner
from monitoring_pipeline.quality.answering import validate
from monitoring_pipeline.quality.expectation import Expectation
from monitoring_pipeline.quality.outcome import Outcome
from monitoring_pipeline.quality.runner import run_suite
from monitoring_pipeline.records.measurement import Status
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.alerting import AlertingRules
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.chunk.attribution import attribute_chunk
from monitoring_pipeline.steps.chunk.drift import compare_chunk
from monitoring_pipeline.steps.chunk.estimate import estimate_chunks
from monitoring_pipeline.steps.chunk.incidents import update_incidents
from monitoring_pipeline.steps.chunk.labels import labels_or_refusal
from monitoring_pipeline.steps.chunk.objectives import measure_chunk_objectives
from monitoring_pipeline.steps.chunk.performance import score_chunk
from monitoring_pipeline.steps.chunk.predictions import predictions_or_refusal
from monitoring_pipeline.steps.chunk.profile import profile_predictions
from monitoring_pipeline.steps.chunk.verdict import judge_chunk, verdict_of_refusal
from monitoring_pipeline.steps.reference.building import take_reference
from monitoring_pipeline.steps.refusals import refusal
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.store.snapshots import SnapshotFiles
from monitoring_pipeline.warehouse.engines.duckdb.warehouse import DuckDBWarehouse
from monitoring_pipeline_tests.steps.any_tables import (
    CHUNK_DAY,
    ROW_SECRET,
    TASKS,
    AnyTables,
    any_tables,
    usual_labels,
    usual_predictions,
)

EXAMPLES = int(os.environ.get("MONITORING_PIPELINE_FUZZ_EXAMPLES", "60"))
NOW = dt.datetime(2024, 4, 1, tzinfo=dt.UTC)
OTHER = "other"
TABLES = ("chunk_revisions", "measurements", "profiles", "verdicts", "snapshots", "model_references", "incidents")
_THRESHOLDS = {"binary": "auroc", "multiclass": "accuracy", "regression": "mean_absolute_error"}


def _spec(task: str, name: str = "", *, all_features: bool = False) -> ModelSpec:
    source: dict[str, Any] = {"table": "scores", "id": "id", "time": "made_at", "model_version": "version"}
    outputs = {
        "binary": {"score": "score", "prediction": "decided"},
        "multiclass": {"scores": {"a": "p_a", "b": "p_b"}, "prediction": "decided"},
        "regression": {"prediction": "decided", "horizon": "ahead", "naive": "naive"},
    }[task]
    return ModelSpec.model_validate({
        "name": name or task, "task": task, "owner": "team:x", "timezone": "Europe/Berlin", "start": "2024-03-08",
        "predictions": source | outputs,
        "labels": {"table": "truths", "id": "id", "label": "label", "known_at": "known_at", "positive": 1},
        "features": {"amount": "numeric", "plan": "categorical"},
        "reference": {"1": {"start": "2024-02-28", "end": "2024-03-08"}},
        "performance": {"thresholds": {_THRESHOLDS[task]: {"upper": 0.9}}, "minimum_rows": 20},
        "drift": {} if all_features else {"multivariate": []},
        "objectives": {"filled": {"metric": "null_share", "kind": "quality", "counts": "predictions", "days": 2}},
    })  # fmt: skip


def _load(path: Path, *statements: str) -> None:
    with duckdb.connect(path) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for statement in statements:
            connection.execute(statement)


def _validate_once() -> Callable[[pl.DataFrame, Sequence[Expectation], Sequence[str]], list[Outcome]]:
    """Return ``validate`` with a memory: columns of one type, with or without values, have the same schema outcome."""
    outcomes: dict[tuple[object, ...], Outcome] = {}

    def validated(
        frame: pl.DataFrame, expectations: Sequence[Expectation], in_order_of: Sequence[str]
    ) -> list[Outcome]:
        keys = [_key(frame, expectation) for expectation in expectations]
        if not outcomes.keys() >= set(keys):
            outcomes.update(zip(keys, validate(frame, expectations, in_order_of), strict=True))
        return [outcomes[key] for key in keys]

    return validated


def _key(frame: pl.DataFrame, expectation: Expectation) -> tuple[object, ...]:
    kwargs = {name: value for name, value in expectation.kwargs.items() if name != "column"}
    column = frame[expectation.subject] if expectation.subject in frame.columns else pl.Series(dtype=pl.Null)
    return expectation.type, repr(kwargs), column.dtype, column.count() == 0, column.null_count() == 0


class _NoVersions:
    """A registry without versions."""

    def has_version(self, _model: str, _version: str) -> bool:
        """Return False."""
        return False


@contextmanager
def _outside(folder: Path) -> Iterator[Outside]:
    with ResultStore.open(f"sqlite:///{folder / 'results.db'}") as store:
        yield Outside(
            warehouse=DuckDBWarehouse(folder / "warehouse.duckdb", lock_timeout_seconds=1),
            store=store,
            snapshots=SnapshotFiles(str(folder / "snapshots")),
            suites=run_suite,
            registry=_NoVersions(),
            run_trainer=lambda *_: None,
            ask_trainer=lambda *_: None,
            id_key=b"fuzz",
            serving_metrics=PrometheusServers({}),
            call_measure=lambda *_: {},
            clock=lambda: NOW,
            run_id="fuzz",
        )


@pytest.fixture(scope="module")
def homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders by task, each with references of healthy tables, and the results of another model."""
    root = tmp_path_factory.mktemp("homes")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(runner, "validate", _validate_once())
        _make_homes(root)
        yield root


def _make_homes(root: Path) -> None:
    for task in TASKS:
        folder = root / task
        folder.mkdir()
        healthy = AnyTables(task, 400, usual_predictions(task), usual_labels(task), in_reference=True)
        _load(folder / "warehouse.duckdb", *healthy.statements())
        with _outside(folder) as outside:
            for spec in (_spec(task), _spec(task, OTHER)):
                take_reference(LoadedSpec(spec, folder / "model.yaml"), "1", outside, now=NOW)
            assert _run(_spec(task, OTHER), outside) is None
        (folder / "warehouse.duckdb").unlink()


def _run(spec: ModelSpec, outside: Outside) -> str | None:
    """Take all steps of the chunk, and return the reason if it was refused."""
    loaded, chunk, store = LoadedSpec(spec, Path("model.yaml")), spec.calendar.chunk(CHUNK_DAY), outside.store

    def write(results: ChunkResults) -> None:
        store.replace(results, run_id="fuzz", measured_at=NOW)

    outcome = predictions_or_refusal(loaded, chunk, outside)
    write(outcome.results)
    reason = outcome.refusal
    if reason:
        write(verdict_of_refusal(outcome.results))
    else:
        for producer, step in _steps(spec, outside):
            needed = (Producer.PREDICTIONS, Producer.LABELS) if producer in _OF_LABELS else (Producer.PREDICTIONS,)
            if not any(refusal(spec, chunk, each, store=store) for each in needed):
                write(step(chunk))
        write(judge_chunk(spec, chunk, MEASURED, store=store))
        reason = refusal(spec, chunk, Producer.LABELS, store=store)
    update_incidents(spec, store, AlertingRules, now=NOW)
    return reason


_OF_LABELS = frozenset({Producer.PERFORMANCE, Producer.ATTRIBUTION})


def _steps(spec: ModelSpec, outside: Outside) -> Iterator[tuple[Producer, Callable[[Chunk], ChunkResults]]]:
    yield Producer.PROFILE, partial(profile_predictions, spec, kept=outside)
    yield Producer.DRIFT, partial(compare_chunk, spec, kept=outside)
    yield Producer.ESTIMATE, estimate_chunks(spec, outside)
    yield Producer.LABELS, partial(labels_or_refusal, spec, as_of=NOW, reading=outside)
    yield Producer.PERFORMANCE, partial(score_chunk, spec, as_of=NOW, kept=outside)
    yield Producer.ATTRIBUTION, partial(attribute_chunk, spec, kept=outside)
    yield Producer.OBJECTIVES, partial(measure_chunk_objectives, spec, store=outside.store)


def _stored(store: ResultStore, model: str) -> dict[str, list[tuple[Any, ...]]]:
    return {table: store.query(f"SELECT * FROM {table} WHERE model = :model", {"model": model})[1] for table in TABLES}


def _check_sentence(text: str) -> None:
    assert text
    assert ROW_SECRET not in text
    assert "Traceback" not in text


def _check_results(spec: ModelSpec, store: ResultStore) -> None:
    """Check that a chunk has a verdict, that every skipped number has a reason, and that none contains an id."""
    verdict = store.verdict(spec.name, CHUNK_DAY)
    assert verdict is not None
    measured = store.measurements(spec.name, CHUNK_DAY)
    assert measured
    for m in measured:
        if m.reason is not None or m.status is Status.SKIPPED:
            _check_sentence(m.reason or "")
    for reason in verdict.reasons:
        _check_sentence(reason)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck))
@given(tables=any_tables())
def test_tables_of_any_shape_end_in_measurements_or_a_clear_sentence(homes: Path, tables: AnyTables) -> None:
    spec = _spec(tables.task, all_features=tables.all_features)
    with tempfile.TemporaryDirectory(prefix="fuzz-") as name:
        folder = Path(name) / "home"
        shutil.copytree(homes / tables.task, folder)
        _load(folder / "warehouse.duckdb", *tables.statements())
        with _outside(folder) as outside:
            before = _stored(outside.store, OTHER)
            own = _stored(outside.store, spec.name)
            try:
                if tables.in_reference:
                    loaded = LoadedSpec(spec, folder / "model.yaml")
                    take_reference(loaded, "1", outside, now=NOW, rebuild=True)
                reason = _run(spec, outside)
            except (SourceError, EmptyReferenceError) as error:
                _check_sentence(str(error))
                assert _stored(outside.store, spec.name) == own
            else:
                if reason is not None:
                    _check_sentence(reason)
                _check_results(spec, outside.store)
            assert _stored(outside.store, OTHER) == before
