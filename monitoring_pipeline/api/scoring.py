"""Performance on rows with labels: every metric of the task with its interval."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import polars as pl

from monitoring_pipeline.api.declaring import REFERENCE, ROWS, Choices, declare, only_version
from monitoring_pipeline.api.frames import ArgumentError, polars_frame
from monitoring_pipeline.api.reading import chunk_key, read_labels, read_rows, reading
from monitoring_pipeline.api.results.result import Result, measured_chunk
from monitoring_pipeline.api.results.shown import table_of_metrics
from monitoring_pipeline.api.roles import Roles, class_columns, names_of, require_outputs
from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.evaluation.judgement.verdict import judge
from monitoring_pipeline.evaluation.labels.maturity import LabelMaturity
from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.ports.warehouse import Warehouse
from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement, Verdict, VerdictStatus
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.results import Quantity

NOT_JUDGED = "not judged, because no thresholds are given"
_LEFT_OUT = frozenset({"scores_out_of_range", "scores_not_normalised"})


def performance(
    rows: object,
    *,
    label: str,
    score: str | None = None,
    scores: Mapping[Any, str] | None = None,
    prediction: str | None = None,
    task: str | None = None,
    positive: bool | int | str | None = None,
    decision_threshold: float = 0.5,
    reference: object = None,
    thresholds: Mapping[str, Mapping[str, Any]] | None = None,
    minimum_rows: int = 50,
    ids: str | Sequence[str] | None = None,
    time: str | None = None,
    cadence: str = "day",
    timezone: str = "UTC",
    naive_times: str | None = None,
    name: str = "model",
    version: str = "1",
) -> Result:
    """Measure the performance of a model on rows with labels.

    Args:
        rows: predictions with their labels: pandas, Polars, PyArrow, or a DuckDB relation. Rows without a label are
            left out.
        label: column with the observed class or value.
        score: column with the probability of the positive class (binary).
        scores: columns with the probability of each class (multiclass).
        prediction: column with the predicted class or value; classifiers may omit it.
        task: ``binary``, ``multiclass`` or ``regression``; it follows from the outputs, and the result names it.
        positive: the value of ``label`` that means the positive class; not needed for 0 and 1, or true and false.
        decision_threshold: the lowest score at which the positive class is predicted, without ``prediction``.
        reference: further rows with the same columns, such as those of the validation; each metric is compared.
        thresholds: allowed ranges by metric, such as ``{"auroc": {"lower": 0.7}}``; without them nothing is judged.
        minimum_rows: on fewer labelled rows nothing is measured.
        ids: column, or columns together, that identify a row; repeated ids count once.
        time: column with the time of each row. The key of its chunk seeds the resampling, as in the pipeline.
        cadence: the length of that chunk.
        timezone: its time zone.
        naive_times: the time zone of times without one; by default they are UTC, and a note of the result names them.
        name: name of the model; with ``version`` it seeds the resampling.
        version: the version of the model.

    Returns:
        One measurement for each metric, with its 95 % interval.

    Raises:
        ArgumentError: if an argument cannot be used; the message names argument and column.
    """
    frames = {ROWS: polars_frame(rows, "rows")}
    if reference is not None:
        frames[REFERENCE] = polars_frame(reference, "reference")
    roles = Roles(
        ids=names_of(ids), time=time, label=label, score=score, scores=class_columns(scores), prediction=prediction
    )
    require_outputs(roles)
    for table, frame in frames.items():
        roles.check(frame, table, optional=() if table == ROWS else ("time",))
    choices = Choices(
        name=name,
        version=version,
        task=task,
        positive=positive,
        decision_threshold=decision_threshold,
        cadence=cadence,
        timezone=timezone,
        naive_times=naive_times,
        performance={"thresholds": dict(thresholds or {}), "minimum_rows": minimum_rows},
    )
    kept = {table: frame.select(sorted(roles.columns & set(frame.columns))) for table, frame in frames.items()}
    declared = declare(kept, roles, {}, choices)
    with reading(declared.tables) as warehouse, one_thread():
        of_reference = _of_reference(declared.spec, warehouse) if REFERENCE in frames else None
        measured = _measured(declared.spec, warehouse, of_reference)
    labelled = max((m.rows for m in measured if m.kind is Kind.PERFORMANCE), default=0)
    verdict = judge(measured) if thresholds else _not_judged(judge(measured))
    return Result(
        title=f"performance: {labelled:,} of {frames[ROWS].height:,} rows have a label",
        chunks=(measured_chunk("", measured, verdict, {}),),
        notes=declared.notes,
        table=table_of_metrics(),
    )


def _measured(
    spec: ModelSpec, warehouse: Warehouse, reference: Mapping[MetricName, Quantity] | None
) -> tuple[Measurement, ...]:
    rows, labels, left_out = _rows_and_labels(spec, ROWS, warehouse, argument="rows")
    labelled = rows.join(labels, on="row_id", how="semi").height
    measured = measure_performance(
        spec,
        rows,
        labels,
        model_version=only_version(spec),
        chunk=chunk_key(spec, rows),
        maturity=LabelMaturity(rows.height, labelled, Maturity.FINAL),
        reference=reference,
    )
    return (*left_out, *measured)


def _of_reference(spec: ModelSpec, warehouse: Warehouse) -> dict[MetricName, Quantity]:
    rows, labels, _ = _rows_and_labels(spec, REFERENCE, warehouse, argument="reference")
    if rows.join(labels, on="row_id", how="semi").is_empty():
        raise ArgumentError("reference: no row has a label")
    measured = measure_performance(spec, rows, labels, model_version=only_version(spec))
    return {
        m.metric: Quantity(m.value, m.lower, m.upper)
        for m in measured
        if m.kind is Kind.PERFORMANCE and m.value is not None
    }


def _rows_and_labels(
    spec: ModelSpec, table: str, warehouse: Warehouse, *, argument: str
) -> tuple[pl.DataFrame, pl.DataFrame, tuple[Measurement, ...]]:
    """Return rows and labels in canonical form, and the measurements of scores that are left out."""
    rows = read_rows(spec, table, warehouse, argument=argument)
    labels = read_labels(spec, table, rows.frame, warehouse, argument=argument)
    return rows.frame, labels.frame, tuple(m for m in rows.measurements if m.name in _LEFT_OUT)


def _not_judged(verdict: Verdict) -> Verdict:
    """Return the verdict on metrics for which there is no threshold."""
    if verdict.breaches:
        return verdict
    return replace(verdict, status=VerdictStatus.UNKNOWN, reasons=(NOT_JUDGED, *verdict.reasons))
