"""The table of the checks of a spec; a further check takes a function and a row."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from monitoring_pipeline.evaluation.spec_check import chunks, columns, declared, labels, limits, references, rows
from monitoring_pipeline.evaluation.spec_check.declared import Declared
from monitoring_pipeline.evaluation.spec_check.facts import SourceFacts
from monitoring_pipeline.evaluation.spec_check.findings import Finding, Level, Observation
from monitoring_pipeline.spec.model import ModelSpec


@dataclass(frozen=True)
class SpecCheck:
    """A check that needs the spec only."""

    name: str
    level: Level
    judge: Callable[[Declared], Iterable[Observation]]


@dataclass(frozen=True)
class SourceCheck:
    """A check that also needs facts about the source."""

    name: str
    level: Level
    judge: Callable[[ModelSpec, SourceFacts], Iterable[Observation]]


WAREHOUSE_CONFIGURED = "warehouse_configured"
ERROR, WARNING = Level.ERROR, Level.WARNING

SPEC_CHECKS = (
    SpecCheck(WAREHOUSE_CONFIGURED, ERROR, declared.unknown_warehouse),
    SpecCheck("limits_possible", ERROR, limits.impossible_limits),
    SpecCheck("limits_effective", WARNING, limits.limits_without_effect),
    SpecCheck("limits_on_the_bad_side", WARNING, limits.limits_on_the_good_side),
    SpecCheck("volume_allows_usual", ERROR, limits.volume_that_refuses_usual_days),
    SpecCheck("budget_of_a_chunk", WARNING, limits.budgets_that_one_chunk_spends),
    SpecCheck("start_after_reference", WARNING, declared.start_inside_reference),
    SpecCheck("reference_over", ERROR, declared.unfinished_reference),
    SpecCheck("reference_labels_complete", WARNING, declared.incomplete_labels),
    SpecCheck("reference_long", WARNING, declared.short_reference),
    SpecCheck("lookback_covers_delay", WARNING, declared.forgotten_labels),
    SpecCheck("horizon_covers_schedule", WARNING, declared.silent_schedule),
    SpecCheck("holdout_has_chunks", ERROR, declared.holdout_without_chunks),
    SpecCheck("retraining_has_a_reason", WARNING, declared.retraining_without_reason),
    SpecCheck("decision_possible", WARNING, declared.decided_by_nobody),
    SpecCheck("suite_columns", ERROR, declared.unknown_suite_columns),
)

SOURCE_CHECKS = (
    SourceCheck("readable", ERROR, columns.unreadable_parts),
    SourceCheck("columns_exist", ERROR, columns.missing_columns),
    SourceCheck("numbers_readable", ERROR, columns.unreadable_numbers),
    SourceCheck("columns_have_values", ERROR, columns.columns_without_values),
    SourceCheck("columns_vary", WARNING, columns.constant_columns),
    SourceCheck("features_repeat", WARNING, columns.identifying_features),
    SourceCheck("null_values_occur", WARNING, columns.unused_null_values),
    SourceCheck("scores_are_probabilities", WARNING, columns.scores_that_are_decisions),
    SourceCheck("predictions_exist", ERROR, rows.no_predictions),
    SourceCheck("predictions_have_time", WARNING, rows.predictions_without_time),
    SourceCheck("predictions_are_past", ERROR, rows.predictions_of_the_future),
    SourceCheck("times_are_granular", WARNING, rows.times_of_whole_days),
    SourceCheck("rows_usable", WARNING, rows.faults_of_rows),
    SourceCheck("rows_have_version", WARNING, rows.rows_without_version),
    SourceCheck("versions_have_reference", WARNING, rows.versions_without_reference),
    SourceCheck("reference_has_rows", ERROR, references.empty_references),
    SourceCheck("reference_large", WARNING, references.small_references),
    SourceCheck("cadence_fits", WARNING, references.thin_references),
    SourceCheck("reference_labelled", WARNING, references.few_labels_in_references),
    SourceCheck("model_not_reversed", ERROR, references.worse_than_chance),
    SourceCheck("model_better_than_chance", WARNING, references.no_better_than_chance),
    SourceCheck("model_not_perfect", WARNING, references.too_good_to_be_true),
    SourceCheck("reference_keeps_thresholds", WARNING, references.thresholds_breached_by_references),
    SourceCheck("classes_occur", WARNING, references.classes_without_labels),
    SourceCheck("labels_exist", WARNING, labels.no_labels_yet),
    SourceCheck("labels_have_time", WARNING, labels.labels_without_time),
    SourceCheck("labels_match", ERROR, labels.labels_that_match_nothing),
    SourceCheck("labels_match_most", WARNING, labels.few_matching_labels),
    SourceCheck("labels_follow_predictions", WARNING, labels.labels_known_too_early),
    SourceCheck("labels_in_time", WARNING, labels.labels_later_than_the_delay),
    SourceCheck("chunks_large_for_drift", WARNING, chunks.chunks_too_small_for_drift),
    SourceCheck("chunks_large_for_performance", WARNING, chunks.chunks_too_small_for_performance),
    SourceCheck("chunks_above_minimum", WARNING, chunks.chunks_below_the_minimum),
    SourceCheck("gate_fills", ERROR, chunks.gate_that_never_fills),
)


def judge_spec(about: Declared) -> tuple[Finding, ...]:
    """Return the findings about a spec without its source."""
    return tuple(
        Finding(check.name, check.level, observation) for check in SPEC_CHECKS for observation in check.judge(about)
    )


def judge_source(spec: ModelSpec, facts: SourceFacts) -> tuple[Finding, ...]:
    """Return the findings about a spec and its source."""
    return tuple(
        Finding(check.name, check.level, observation)
        for check in SOURCE_CHECKS
        for observation in check.judge(spec, facts)
    )
