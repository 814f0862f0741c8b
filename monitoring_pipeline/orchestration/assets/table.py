"""The assets of a model: one row each, in the order in which data flows."""

from functools import partial

from monitoring_pipeline.orchestration.assets import metadata
from monitoring_pipeline.orchestration.assets.asset import Asset
from monitoring_pipeline.orchestration.assets.checks import Check
from monitoring_pipeline.orchestration.assets.each_chunk import each_chunk
from monitoring_pipeline.orchestration.assets.history import history_of_performance, history_of_verdicts
from monitoring_pipeline.orchestration.assets.incidents import run_incidents
from monitoring_pipeline.orchestration.assets.over_windows import (
    run_cost,
    run_fairness,
    run_objectives,
    run_operations,
    run_over_windows,
)
from monitoring_pipeline.orchestration.assets.predictions import run_predictions
from monitoring_pipeline.orchestration.assets.reference import ReferenceConfig, run_reference
from monitoring_pipeline.orchestration.assets.verdict import run_verdict
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.chunk.attribution import attribute_chunk
from monitoring_pipeline.steps.chunk.business import measure_business
from monitoring_pipeline.steps.chunk.cost import measure_costs
from monitoring_pipeline.steps.chunk.drift import compare_chunk
from monitoring_pipeline.steps.chunk.estimate import estimate_chunks
from monitoring_pipeline.steps.chunk.explanation import explain_chunk
from monitoring_pipeline.steps.chunk.fairness import measure_fairness
from monitoring_pipeline.steps.chunk.labels import labels_or_refusal
from monitoring_pipeline.steps.chunk.measures import measure_own
from monitoring_pipeline.steps.chunk.objectives import measure_chunk_objectives
from monitoring_pipeline.steps.chunk.operations import measure_operations
from monitoring_pipeline.steps.chunk.performance import score_chunk
from monitoring_pipeline.steps.chunk.predictions import predictions_or_refusal
from monitoring_pipeline.steps.chunk.profile import profile_predictions
from monitoring_pipeline.steps.chunk.segments import measure_segments
from monitoring_pipeline.steps.chunk.value import measure_values
from monitoring_pipeline.steps.chunk.verdict import judge_chunk
from monitoring_pipeline.steps.chunk.windows import measure_chunks_over_windows
from monitoring_pipeline.steps.versions.trial import compare_versions


def _has_labels(spec: ModelSpec) -> bool:
    return spec.labels is not None


_BEFORE_THE_VERDICT = (
    Asset(
        name="reference",
        description="Per model version: frozen bins, profile and performance of its reference window. "
        "It is built again if its declaration changes, or with `rebuild: true`; of a changed feature only its part. "
        "A rebuilt reference that has shrunk is refused, unless `accept_smaller: true` is set.",
        run=run_reference,
        kinds=frozenset({"duckdb", "polars"}),
        is_measured=False,
        is_partitioned=False,
        config=ReferenceConfig,
    ),
    Asset(
        name="predictions",
        description="Snapshot of the chunk's predictions with needed columns and hashed IDs. The suite is run on them.",
        run=run_predictions,
        step=lambda inputs: partial(predictions_or_refusal, inputs.loaded, reading=inputs.outside),
        deps=("reference",),
        kinds=frozenset({"duckdb", "polars", "greatexpectations"}),
        checks=(
            Check("schema", "Needed columns exist, and their types fit the spec.", blocking=True),
            Check("values", "The value expectations of the model's Great Expectations suite."),
            Check("rows", "Enough predictions, without duplicates, null ids or null times."),
        ),
        reads_source=True,
        metadata=metadata.predictions_metadata,
    ),
    Asset(
        name="profile",
        description="Counts of every column over the bins of the reference. All distances are computed from them.",
        run=each_chunk,
        step=lambda inputs: partial(profile_predictions, inputs.spec, kept=inputs.outside),
        deps=("reference", "predictions"),
        kinds=frozenset({"polars"}),
        checks=(Check("columns", "No column has lost all its values."),),
        metadata=metadata.profile_metadata,
    ),
    Asset(
        name="drift",
        description="Distance of every column to the reference, or to the earlier days that the spec names, with "
        "hypothesis tests; the columns that have drifted, and whether all features together have drifted.",
        run=each_chunk,
        step=lambda inputs: partial(compare_chunk, inputs.spec, kept=inputs.outside),
        deps=("reference", "predictions", "profile"),
        kinds=frozenset({"scipy"}),
        checks=(
            Check("drift", "No column has drifted: an effect size of at least the floor, with a significant test."),
        ),
        metadata=metadata.drift_metadata,
    ),
    Asset(
        name="estimate",
        description="Performance estimated without labels, with its measured error: from the scores (classification) "
        "or from a model of the errors (regression). "
        "Such estimates do not show a changed relation of inputs and label.",
        run=each_chunk,
        step=lambda inputs: estimate_chunks(inputs.spec, inputs.outside),
        deps=("reference", "predictions"),
        kinds=frozenset({"scikitlearn"}),
        checks=(Check("estimate", "No metric is estimated, without labels, on the wrong side of its threshold."),),
    ),
    Asset(
        name="labels",
        description="Snapshot of the labels known so far, and the maturity of the chunk.",
        run=each_chunk,
        step=lambda inputs: partial(labels_or_refusal, inputs.spec, as_of=inputs.as_of(), reading=inputs.outside),
        deps=("reference", "predictions"),
        kinds=frozenset({"duckdb", "polars"}),
        checks=(Check("labels", "No duplicate, orphan, empty or impossible labels."),),
        reads_source=True,
        is_wanted=_has_labels,
        may_change_with_late_labels=True,
        metadata=metadata.labels_metadata,
    ),
    Asset(
        name="performance",
        description="Realized performance on the rows whose labels are known, each number with its interval.",
        run=each_chunk,
        step=lambda inputs: partial(score_chunk, inputs.spec, as_of=inputs.as_of(), kept=inputs.outside),
        needs=(Producer.PREDICTIONS, Producer.LABELS),
        deps=("reference", "predictions", "labels"),
        kinds=frozenset({"scipy"}),
        checks=(Check("performance", "No metric's interval is on the wrong side of its threshold."),),
        history=history_of_performance,
        is_wanted=_has_labels,
        may_change_with_late_labels=True,
    ),
    Asset(
        name="windows",
        description="Performance over the last days (by default 7 and 28) from what their chunks left, "
        "so that a lasting loss is seen that single chunks are too small to show.",
        run=run_over_windows,
        step=lambda inputs: measure_chunks_over_windows(inputs.spec, inputs.outside),
        needs=(Producer.PREDICTIONS, Producer.LABELS),
        deps=("reference", "performance"),
        checks=(Check("windows", "No metric's interval over a window is on the wrong side of its threshold."),),
        is_wanted=lambda spec: _has_labels(spec) and bool(spec.windows),
        may_change_with_late_labels=True,
    ),
    Asset(
        name="attribution",
        description="Split of a change of performance into a part that changed inputs explain, and a part from a "
        "changed relation of inputs and label.",
        run=each_chunk,
        step=lambda inputs: partial(attribute_chunk, inputs.spec, kept=inputs.outside),
        needs=(Producer.PREDICTIONS, Producer.LABELS),
        deps=("reference", "predictions", "profile", "labels"),
        kinds=frozenset({"scikitlearn"}),
        is_wanted=_has_labels,
        may_change_with_late_labels=True,
    ),
    Asset(
        name="segments",
        description="Segments of the rows, each against the same segment of the reference: rows, broken columns, "
        "drift, and performance on the rows whose labels are known. Small segments are suppressed.",
        run=each_chunk,
        step=lambda inputs: partial(measure_segments, inputs.spec, kept=inputs.outside),
        deps=("reference", "predictions", "labels", "performance"),
        checks=(Check("segments", "No segment has a broken column or a loss of performance of its own."),),
        is_wanted=lambda spec: bool(spec.segments.by),
        may_change_with_late_labels=True,
    ),
    Asset(
        name="fairness",
        description="Rates and errors of groups of people, and the gaps between groups over the last days.",
        run=run_fairness,
        step=lambda inputs: partial(measure_fairness, inputs.spec, kept=inputs.outside),
        is_in_order=lambda _: True,
        deps=("predictions", "labels", "performance"),
        checks=(Check("fairness", "No gap between groups is proven to be larger than allowed."),),
        is_wanted=lambda spec: bool(spec.fairness.by),
        may_change_with_late_labels=True,
    ),
    Asset(
        name="operations",
        description="Latency, errors, timeouts and throughput of the chunk and of its worst hour, "
        "against thresholds or what is usual in the reference; numbers of a Prometheus server; dependencies.",
        run=run_operations,
        step=lambda inputs: partial(measure_operations, inputs.loaded, outside=inputs.outside),
        is_in_order=lambda spec: spec.operations.prometheus is not None,
        deps=("reference", "predictions"),
        checks=(Check("operations", "The model is served as fast and as reliably as usual."),),
        is_wanted=lambda spec: spec.operations.is_declared,
    ),
    Asset(
        name="business",
        description="Business metrics, computed by the user's SQL.",
        run=each_chunk,
        step=lambda inputs: partial(measure_business, inputs.loaded, reading=inputs.outside),
        deps=("predictions",),
        kinds=frozenset({"duckdb"}),
        is_wanted=lambda spec: bool(spec.business),
        reads_source=True,
        may_change_with_late_labels=True,
    ),
    Asset(
        name="value",
        description="What predictions are worth in money by the spec: realized on the rows whose labels are known, "
        "estimated without labels, and against the reference.",
        run=each_chunk,
        step=lambda inputs: measure_values(inputs.spec, inputs.as_of, inputs.outside),
        needs=(Producer.PREDICTIONS, Producer.LABELS),
        deps=("reference", "predictions", "labels"),
        checks=(Check("value", "The value per prediction is in its allowed range."),),
        is_wanted=lambda spec: spec.value is not None,
        may_change_with_late_labels=True,
    ),
    Asset(
        name="measures",
        description="Measures of the user's own: numbers that Python functions return for the rows of the chunk.",
        run=each_chunk,
        step=lambda inputs: measure_own(inputs.spec, inputs.outside),
        deps=("reference", "predictions", "labels"),
        checks=(Check("measures", "Every measure is in its allowed range."),),
        is_wanted=lambda spec: bool(spec.measures),
        may_change_with_late_labels=True,
    ),
    Asset(
        name="cost",
        description="What predictions cost, by the price list or the billing query of the spec, and whether the month "
        "will exceed its budget.",
        run=run_cost,
        step=lambda inputs: partial(measure_costs, inputs.loaded, reading=inputs.outside),
        is_in_order=lambda _: True,
        deps=("predictions",),
        checks=(Check("cost", "The month does not exceed its budget, and is not proven to."),),
        is_wanted=lambda spec: spec.cost is not None,
        reads_source=True,
    ),
    Asset(
        name="objectives",
        description="Objectives over their rolling windows: attainment, error budget, burn rate.",
        run=run_objectives,
        step=lambda inputs: partial(measure_chunk_objectives, inputs.spec, store=inputs.outside.store),
        needs=(),
        is_in_order=lambda _: True,
        deps=("predictions", "labels", "performance", "operations", "business", "value"),
        is_wanted=lambda spec: bool(spec.objectives),
        may_change_with_late_labels=True,
        metadata=metadata.objectives_metadata,
    ),
    Asset(
        name="trial",
        description="A shadow compared with the champion, or a new champion with the former one: "
        "the difference of their losses on the same rows, with a confidence sequence.",
        run=each_chunk,
        step=lambda inputs: partial(compare_versions, inputs.spec, scoring=inputs.outside),
        is_in_order=lambda _: True,
        needs=(Producer.PREDICTIONS, Producer.LABELS),
        deps=("predictions", "labels"),
        kinds=frozenset({"mlflow"}),
        is_wanted=lambda spec: spec.retraining is not None,
        may_change_with_late_labels=True,
    ),
    Asset(
        name="explanation",
        description="The change of the mean score split over the features, and the change of performance split into "
        "broken columns, moved inputs, rows unlike the reference, and a changed relation; importance of the features.",
        run=each_chunk,
        step=lambda inputs: partial(explain_chunk, inputs.spec, scoring=inputs.outside),
        deps=("reference", "predictions", "profile", "labels"),
        kinds=frozenset({"mlflow"}),
        is_wanted=lambda spec: spec.explanation is not None,
        may_change_with_late_labels=True,
    ),
)
MEASURED = tuple(asset.name for asset in _BEFORE_THE_VERDICT if asset.is_measured)
"""The assets from whose results the verdict is made; stored results of assets that a model no longer has count, too."""
SOURCES = tuple(asset.name for asset in _BEFORE_THE_VERDICT if asset.reads_source)
ASSETS = (
    *_BEFORE_THE_VERDICT,
    Asset(
        name="verdict",
        description="The judgement of the chunk from all its measurements. The check of the asset is the verdict: "
        "its tab Partitions is a calendar of good and bad chunks.",
        run=run_verdict,
        step=lambda inputs: partial(judge_chunk, inputs.spec, producers=inputs.measured, store=inputs.outside.store),
        is_in_order=lambda _: True,
        deps=MEASURED,
        checks=(Check("verdict", "The verdict is ok. A chunk whose verdict is unknown has no result."),),
        history=history_of_verdicts,
        is_measured=False,
        may_change_with_late_labels=True,
        metadata=metadata.verdict_metadata,
    ),
    Asset(
        name="incidents",
        description="Incidents, derived from all measurements; alerts about their events; decisions about retraining. "
        "If rows were refused or could not be read again, the asset fails after everything is written.",
        run=run_incidents,
        deps=("verdict",),
        is_measured=False,
        may_change_with_late_labels=True,
    ),
)


def assets_of(spec: ModelSpec) -> tuple[Asset, ...]:
    """Return the assets of a model, in the order in which data flows."""
    return tuple(asset for asset in ASSETS if asset.is_wanted(spec))
