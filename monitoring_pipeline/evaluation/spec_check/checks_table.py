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
    """A check that needs the spec only; ``finds`` is the fault in words."""

    name: str
    level: Level
    judge: Callable[[Declared], Iterable[Observation]]
    finds: str


@dataclass(frozen=True)
class SourceCheck:
    """A check that also needs facts about the source; ``finds`` is the fault in words."""

    name: str
    level: Level
    judge: Callable[[ModelSpec, SourceFacts], Iterable[Observation]]
    finds: str


WAREHOUSE_CONFIGURED = "warehouse_configured"
ERROR, WARNING = Level.ERROR, Level.WARNING

SPEC_CHECKS = (
    SpecCheck(WAREHOUSE_CONFIGURED, ERROR, declared.unknown_warehouse,
        "a `warehouse` that the settings do not have"),
    SpecCheck("runbook_linked", WARNING, declared.runbook_without_link,
        "a `runbook` that is no address of the web, so that nothing links to it"),
    SpecCheck("limits_possible", ERROR, limits.impossible_limits,
        "a limit that no value of the metric keeps, such as `auroc: {lower: 70}`"),
    SpecCheck("limits_effective", WARNING, limits.limits_without_effect,
        "a limit that every value of the metric keeps, such as `recall: {upper: 95}`"),
    SpecCheck("limits_on_the_bad_side", WARNING, limits.limits_on_the_good_side,
        "a metric whose only limit is breached when the model is good"),
    SpecCheck("volume_allows_usual", ERROR, limits.volume_that_refuses_usual_days,
        "a `quality.volume_ratio` that a chunk with the usual number of predictions breaches"),
    SpecCheck("budget_of_a_chunk", WARNING, limits.budgets_that_one_chunk_spends,
        "an objective whose whole error budget is less than one chunk"),
    SpecCheck("flags_within_budget", WARNING, limits.flags_beyond_budget,
        "a written `drift.false_alarm_share` that opens more false incidents than `budget` allows"),
    SpecCheck("start_after_reference", WARNING, declared.start_inside_reference,
        "a `start` inside a reference or before its end: rows would be compared with themselves"),
    SpecCheck("reference_over", ERROR, declared.unfinished_reference,
        "a reference that ends in the future"),
    SpecCheck("reference_labels_complete", WARNING, declared.incomplete_labels,
        "a reference whose labels are not complete yet"),
    SpecCheck("reference_long", WARNING, declared.short_reference,
        "a reference with fewer chunks than thresholds of drift are learned from"),
    SpecCheck("lookback_covers_delay", WARNING, declared.forgotten_labels,
        "a `labels.lookback` shorter than `labels.delay`"),
    SpecCheck("horizon_covers_schedule", WARNING, declared.silent_schedule,
        "an `incidents.horizon` that is over before the run starts"),
    SpecCheck("holdout_has_chunks", ERROR, declared.holdout_without_chunks,
        "`retraining.holdout_days` with fewer than two chunks"),
    SpecCheck("retraining_has_a_reason", WARNING, declared.retraining_without_reason,
        "retraining without a threshold that can request it"),
    SpecCheck("decision_possible", WARNING, declared.decided_by_nobody,
        "a `decision_threshold` at which every prediction is positive"),
    SpecCheck("suite_columns", ERROR, declared.unknown_suite_columns,
        "an expectation of the suite about a column that does not exist"),
    SpecCheck("suite_usable", ERROR, declared.unusable_suite,
        "a suite with an unknown type or argument, none of whose expectations would be checked"),
)  # fmt: skip

SOURCE_CHECKS = (
    SourceCheck("readable", ERROR, columns.unreadable_parts,
        "a table that is missing or away, a time column of another type, rows that a run would refuse"),
    SourceCheck("columns_exist", ERROR, columns.missing_columns,
        "a column that does not exist, with similar names"),
    SourceCheck("numbers_readable", ERROR, columns.unreadable_numbers,
        "a numeric column that holds text"),
    SourceCheck("columns_have_values", ERROR, columns.columns_without_values,
        "a column that is null in every row"),
    SourceCheck("columns_vary", WARNING, columns.constant_columns,
        "a column with a single value"),
    SourceCheck("features_repeat", WARNING, columns.identifying_features,
        "a categorical feature that differs in nearly every row, as an id does"),
    SourceCheck("null_values_occur", WARNING, columns.unused_null_values,
        "a value of `null_values` that no row has"),
    SourceCheck("scores_are_probabilities", WARNING, columns.scores_that_are_decisions,
        "a score that is only 0 or 1"),
    SourceCheck("predictions_exist", ERROR, rows.no_predictions,
        "a table without rows, or without a readable time"),
    SourceCheck("predictions_have_time", WARNING, rows.predictions_without_time,
        "rows whose time cannot be read"),
    SourceCheck("predictions_are_past", ERROR, rows.predictions_of_the_future,
        "predictions of the future"),
    SourceCheck("times_are_granular", WARNING, rows.times_of_whole_days,
        "times that are all midnight, if chunks are shorter than a day or begin at another moment"),
    SourceCheck("rows_usable", WARNING, rows.faults_of_rows,
        "repeated or missing ids, scores outside [0, 1], labels that cannot be used"),
    SourceCheck("rows_have_version", WARNING, rows.rows_without_version,
        "rows whose version is null"),
    SourceCheck("versions_have_reference", WARNING, rows.versions_without_reference,
        "a version of the newest chunk without a reference"),
    SourceCheck("reference_has_rows", ERROR, references.empty_references,
        "a reference without rows of its version"),
    SourceCheck("reference_large", WARNING, references.small_references,
        "a reference of fewer than 1,000 predictions"),
    SourceCheck("cadence_fits", WARNING, references.thin_references,
        "a reference most of whose chunks are empty at no regular place of the week"),
    SourceCheck("reference_labelled", WARNING, references.few_labels_in_references,
        "a reference with fewer labels than `performance.minimum_rows`"),
    SourceCheck("model_not_reversed", ERROR, references.worse_than_chance,
        "a model that is proven worse than chance on the reference (AUROC below 0.5)"),
    SourceCheck("model_better_than_chance", WARNING, references.no_better_than_chance,
        "a model that is not proven better than chance on the reference"),
    SourceCheck("model_not_perfect", WARNING, references.too_good_to_be_true,
        "a model that is nearly perfect on the reference, as on its own training rows"),
    SourceCheck("reference_keeps_thresholds", WARNING, references.thresholds_breached_by_references,
        "a threshold that the reference itself breaches"),
    SourceCheck("classes_occur", WARNING, references.classes_without_labels,
        "a class that no label of the reference has"),
    SourceCheck("positive_declared", WARNING, labels.undeclared_positive_class,
        "binary labels other than 0 and 1, without `labels.positive`"),
    SourceCheck("labels_exist", WARNING, labels.no_labels_yet,
        "a table without labels"),
    SourceCheck("labels_have_time", WARNING, labels.labels_without_time,
        "labels whose time cannot be read"),
    SourceCheck("labels_match", ERROR, labels.labels_that_match_nothing,
        "a reference none of whose predictions has a label, although there are labels"),
    SourceCheck("labels_match_most", WARNING, labels.few_matching_labels,
        "a reference of which fewer than 5 in 100 predictions have a label"),
    SourceCheck("labels_follow_predictions", WARNING, labels.labels_known_too_early,
        "labels that were known before their prediction was made"),
    SourceCheck("labels_in_time", WARNING, labels.labels_later_than_the_delay,
        "a `labels.delay` after which more than a fifth of the labels became known"),
    SourceCheck("chunks_large_for_drift", WARNING, chunks.chunks_too_small_for_drift,
        "chunks that are usually smaller than `drift.minimum_rows`"),
    SourceCheck("chunks_large_for_performance", WARNING, chunks.chunks_too_small_for_performance,
        "chunks that usually have fewer labels than `performance.minimum_rows`"),
    SourceCheck("chunks_above_minimum", WARNING, chunks.chunks_below_the_minimum,
        "chunks that usually have fewer predictions than `quality.minimum_rows`"),
    SourceCheck("gate_fills", ERROR, chunks.gate_that_never_fills,
        "held-out days that have fewer labelled rows than `retraining.gate.minimum_rows`"),
)  # fmt: skip


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
