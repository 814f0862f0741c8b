"""The table of measurements that are neither metrics nor statistics of one column, and of the causes of incidents."""

from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.evaluation.explanation.relation_metrics import RELATION_METRICS
from monitoring_pipeline.records.cause import Family
from monitoring_pipeline.records.measurement import Kind


class Breach(StrEnum):
    """The side of the limit on which a measurement is breached."""

    ABOVE = "above the limit"
    BELOW = "below the limit"
    OUTSIDE = "outside of the limits"
    NEVER = ""


@dataclass(frozen=True)
class MeasuredThing:
    """A measurement: its names, range, default limit, and meaning; ``of`` is the part that may follow in brackets."""

    kind: Kind
    name: str
    subject: str
    range: str
    breach: Breach
    limit: str
    meaning: str
    of: str = ""


COUNT, SHARE, ANY, AT_LEAST_ZERO = "count", "0 to 1", "any number", "at least 0"
_Q, _D, _P, _O, _J = Kind.QUALITY, Kind.DRIFT, Kind.PERFORMANCE, Kind.OPERATIONS, Kind.OBJECTIVE
_S, _B = Kind.SEGMENT, Kind.BUSINESS
_ABOVE, _BELOW, _OUTSIDE, _NEVER = Breach.ABOVE, Breach.BELOW, Breach.OUTSIDE, Breach.NEVER


def _thing(*facts: str | Kind | Breach, of: str = "") -> MeasuredThing:
    kind, name, subject, range_, breach, limit, meaning = facts
    return MeasuredThing(Kind(kind), str(name), str(subject), str(range_), Breach(breach), str(limit), str(meaning), of)


MEASUREMENTS = (
    _thing(_Q, "readable", "chunk", "0 or 1", _BELOW, "1", "whether the rows of the chunk can be used"),
    _thing(_Q, "rows", "chunk", COUNT, _BELOW, "quality.minimum_rows (1)", "predictions in the chunk, each id once"),
    _thing(_Q, "volume_ratio", "chunk", AT_LEAST_ZERO, _OUTSIDE, "learned, or quality.volume_ratio",
           "predictions over the usual number of the same weekday or slot in the reference", of="slot"),
    _thing(_Q, "freshness_hours", "chunk", ANY, _ABOVE, "2 x the longest of the reference, or quality.freshness",
           "hours from the newest prediction to the end of the chunk"),
    _thing(_Q, "repeated_chunk", "chunk", "0 or 1", _ABOVE, "0, unless usual",
           "1 if the features have the same counts and sums as those of an earlier chunk"),
    _thing(_Q, "suite", "chunk", "0 or 1", _ABOVE, "0", "1 if the suite file cannot be read"),
    _thing(_Q, "duplicate_predictions", "chunk", COUNT, _ABOVE, "0", "rows beyond the first of an id and version"),
    _thing(_Q, "predictions_without_id", "chunk", COUNT, _ABOVE, "0", "rows of the chunk whose id is null"),
    _thing(_Q, "predictions_without_time", "chunk", COUNT, _ABOVE, "0",
           "rows of the whole table whose time is null, so that they are in no chunk"),
    _thing(_Q, "scores_out_of_range", "score", SHARE, _ABOVE, "0",
           "share of scores outside of 0 to 1, which are left out"),
    _thing(_Q, "scores_not_normalised", "score", SHARE, _ABOVE, "0",
           "share of rows whose scores of all classes do not sum to 1 (multiclass)"),
    _thing(_Q, "orphan_labels", "chunk", COUNT, _ABOVE, "0",
           "labels that became known in the chunk and have no prediction"),
    _thing(_Q, "duplicate_labels", "chunk", COUNT, _ABOVE, "0", "label rows beyond the last of an id"),
    _thing(_Q, "ambiguous_labels", "chunk", COUNT, _ABOVE, "0",
           "labels whose ids have several labels and several predictions"),
    _thing(_Q, "labels_contradictory", "chunk", COUNT, _ABOVE, "0", "predictions with several labels of the same time"),
    _thing(_Q, "labels_first_seen", "labels", "skipped", _NEVER, "",
           "the snapshot with the times at which labels were first seen is lost, and with it those times"),
    _thing(_Q, "labels_without_value", "chunk", COUNT, _ABOVE, "0", "label rows whose label or id is null"),
    _thing(_Q, "labels_before_prediction", "chunk", COUNT, _ABOVE, "0",
           "labels that were known before their prediction was made"),
    _thing(_Q, "labels_unmapped", "chunk", COUNT, _ABOVE, "0", "labels with a value that `labels.values` lacks"),
    _thing(_Q, "labels_outside_window", "chunk", COUNT, _NEVER, "",
           "labels that became known in the chunk and belong to other chunks"),
    _thing(_Q, "labels_not_yet_known", "chunk", COUNT, _NEVER, "", "labels of the chunk dated after the reading"),
    _thing(_Q, "labels_arrived_ratio", "label", AT_LEAST_ZERO, _BELOW, "0.8, unless chance explains it",
           "labels known over labels expected by now"),
    _thing(_Q, "labelled_rows_without_output", "model", COUNT, _ABOVE, "0",
           "labelled rows whose score or prediction is null or not finite; no metric counts them"),
    _thing(_Q, "columns_new", "table", COUNT, _ABOVE, "0", "columns that the table did not have in the reference"),
    _thing(_Q, "columns_vanished", "table", COUNT, _ABOVE, "0",
           "columns that the table had in the reference, and no step uses"),
    _thing(_Q, "columns_changed_type", "table", COUNT, _ABOVE, "0", "columns with another type than in the reference"),
    _thing(_Q, "null_share", "a column", SHARE, _ABOVE, "learned; at least from 0 to 0.01",
           "share of rows that are null, also among the rows of one category", of="column=category"),
    _thing(_Q, "unseen_share", "a column", SHARE, _ABOVE, "0 for info, learned for a warning",
           "share of rows whose category is not among the most frequent of the reference"),
    _thing(_Q, "vanished_share", "a column", SHARE, _ABOVE, "learned; at least 0.01",
           "share in the reference of categories without a row of which at least 14 rows are expected"),
    _thing(_Q, "out_of_range_share", "a column", SHARE, _ABOVE, "0.01",
           "share of rows beyond minimum and maximum of the reference, infinities included"),
    _thing(_Q, "constant", "a column", "0 or 1", _ABOVE, "0", "1 if all values that are not null are equal"),
    _thing(_D, "drifted_columns", "chunk", COUNT, _NEVER, "", "columns that have drifted; ignored ones do not count"),
    _thing(_D, "reference", "model", "", _NEVER, "", "stands for all drift of a version without a reference"),
    _thing(_D, "domain_classifier", "features", SHARE, _ABOVE, "learned; at least 0.6",
           "area under the ROC curve of a classifier that separates rows of the chunk from those of the reference; "
           "0.5 if it cannot"),
    _thing(_D, "pca_reconstruction", "features", ANY, _OUTSIDE, "learned; at least 0.25 on both sides",
           "mean distance of the rows from the principal components of the reference, minus that of its own rows, in "
           "standard deviations"),
    _thing(_P, "residual_test", "relation", ANY, _OUTSIDE, "0.05 for scores, 0.25 for values",
           "change of the mean label given the output of the model, with its p-value"),
    _thing(_P, "change_by_inputs", "relation", ANY, _NEVER, "",
           "part of the change since the reference that moved inputs explain", of="metric"),
    _thing(_P, "change_of_relation", "relation", ANY, _NEVER, "",
           "the rest: a changed relation between inputs and label", of="metric"),
    _thing(_P, "change_by_score", "relation", ANY, _NEVER, "",
           "part of the change since the reference that shifted scores explain", of="metric"),
    _thing(_P, "change_given_score", "relation", ANY, _NEVER, "",
           "the rest: a changed relation between score and label", of="metric"),
    _thing(_P, "mean_output_change", "relation", ANY, _NEVER, "",
           "change of the mean score or prediction since the reference (`explanation` in the spec); "
           "with several classes, `[<class>]` is the one whose score changed most"),
    _thing(_P, "mean_output_through", "relation", ANY, _NEVER, "",
           "part of that change that the values of a feature bring", of="feature"),
    _thing(_P, "mean_output_not_split", "relation", ANY, _NEVER, "",
           "the rest: what the sampled pairs of rows do not reproduce"),
    _thing(_P, "feature_importance", "relation", AT_LEAST_ZERO, _NEVER, "",
           "mean size of the part of a feature in the output of a row", of="feature"),
    _thing(_P, "importance_order", "relation", SHARE, _BELOW, "0.9",
           "likeness of the order of the features by importance to that in the reference (NDCG)"),
    _thing(_P, "unlike_rows", "relation", SHARE, _NEVER, "",
           "share of rows farther from the reference's principal components than 99.5% of its own rows"),
    _thing(_P, "metric_change", "relation", ANY, _NEVER, "",
           "change of a metric since the reference, on samples of labelled rows", of="metric"),
    *(
        _thing(_P, f"{metric}_by_fault", "relation", ANY, _NEVER, "",
               f"part of the change of {metric} that a broken column brings", of="column")
        for metric in dict.fromkeys(metric for metrics in RELATION_METRICS.values() for metric in metrics)
    ),
    _thing(_P, "metric_change_by_inputs", "relation", ANY, _NEVER, "",
           "part of the change that moved inputs explain", of="metric"),
    _thing(_P, "metric_change_by_unlike_rows", "relation", ANY, _NEVER, "",
           "part of the change by rows that are unlike any of the reference", of="metric"),
    _thing(_P, "metric_change_of_relation", "relation", ANY, _NEVER, "",
           "the rest: a changed relation between inputs and label", of="metric"),
    _thing(_P, "metric_change_not_split", "relation", ANY, _NEVER, "",
           "what is left if the inputs moved too far to separate the parts", of="metric"),
    _thing(_P, "loss_difference", "versions", ANY, _NEVER, "",
           "loss of the newcomer minus that of the incumbent on the chunk", of="versions"),
    _thing(_P, "mean_loss_difference", "versions", ANY, _ABOVE, "0, for the whole interval",
           "the same over all days of the trial, with a confidence sequence", of="versions"),
    _thing(Kind.ESTIMATED_PERFORMANCE, "estimate", "model", "", _NEVER, "",
           "stands for all estimates of a version if none can be made, with the reason"),
    _thing(_O, "sampled_rows", "chunk", COUNT, _NEVER, "",
           "rows that were read of a chunk that was counted in the warehouse"),
    _thing(_O, "counted_rows", "a column", COUNT, _NEVER, "",
           "rows in which a column was counted that the warehouse cannot count, with the reason"),
    _thing(_O, "labels_present", "label", COUNT, _NEVER, "", "predictions whose label is known"),
    _thing(_O, "labels_expected", "label", AT_LEAST_ZERO, _NEVER, "", "labels expected in the end"),
    _thing(_O, "labels_expected_by_now", "label", AT_LEAST_ZERO, _NEVER, "",
           "labels expected by now, by the label delay of the reference (Kaplan-Meier)"),
    _thing(_O, "maturity", "label", SHARE, _NEVER, "", "share of the expected labels that are known"),
    _thing(_O, "decisive_measurements", "chunk", COUNT, _BELOW, "1",
           "measurements of drift, performance and estimated performance that are not skipped"),
    _thing(_O, "guarded_metrics", "performance, business", COUNT, _ABOVE, "0",
           "metrics with a threshold or an objective that could not be measured, once their labels are final"),
    _thing(_O, "rows_without_reference", "versions", COUNT, _ABOVE, "0",
           "predictions of a version that serves and has no reference"),
    _thing(_O, "chunks_without_drift", "drift", COUNT, _ABOVE, "incidents.open.of - 1",
           "chunks with predictions in a row on which drift was not measured"),
    _thing(_O, "run", "pipeline", "0 or 1", _ABOVE, "0", "1 if the run of the chunk failed"),
    _thing(_O, "overdue", "pipeline", "0 or 1", _ABOVE, "0", "1 while the chunk has no verdict in time"),
    _thing(_O, "latency_p95", "latency", AT_LEAST_ZERO, _ABOVE, "`operations.thresholds`, or learned",
           "quantile of the latencies of all rows, in ms, with its 95 % interval; so are latency_p50 and latency_p99"),
    _thing(_O, "error_rate", "errors", SHARE, _ABOVE, "`operations.thresholds`, or learned",
           "share of rows that failed; so is `timeout_rate` of those that timed out"),
    _thing(_O, "error_rate_worst_hour", "errors", SHARE, _ABOVE, "`operations.thresholds`, or learned",
           "the same in the hour with most of them; so are `timeout_rate_worst_hour` and `slow_rate_worst_hour`, of "
           "rows slower than 99 % of the reference"),
    _thing(_O, "rows_per_hour", "throughput", AT_LEAST_ZERO, _ABOVE, "`operations.thresholds`",
           "predictions per hour of the chunk"),
    _thing(_O, "differing_packages", "dependencies", COUNT, _ABOVE, "0",
           "packages whose served version the requirements in the registry do not allow"),
    _thing(_O, "latency_ms", "prometheus", "any", _ABOVE, "`operations.thresholds`",
           "a number of a Prometheus server at the end of the chunk; so is that of each query"),
    _thing(_O, "prometheus_reachable", "prometheus", "0 or 1", _BELOW, "1", "1 if the Prometheus server answered"),
    _thing(_O, "retraining", "pipeline", AT_LEAST_ZERO, _ABOVE, "patience of the stage",
           "hours since a requested retraining that has come to no end"),
    _thing(_O, "reference_refused", "reference", COUNT, _BELOW, "most rows of the one before",
           "rows of a rebuilt reference that was refused because it has shrunk"),
    _thing(_O, "false_alarm_rate", "chunk, model, a column", SHARE, _ABOVE, "drift.false_alarm_share",
           "share of healthy chunks of the reference that the rules flag (`replay`)", of="rule"),
    _thing(_O, "expected_openings", "inputs, outputs, performance, data, model", AT_LEAST_ZERO, _ABOVE,
           "part of `budget.warnings_per_month`",
           "incidents that open in a month if later chunks are like those of the reference (`replay`)"),
    _thing(_O, "expected_pages", "inputs, outputs, performance, data, model", AT_LEAST_ZERO, _ABOVE,
           "part of `budget.pages_per_quarter`", "incidents that become critical in a quarter, likewise (`replay`)"),
    _thing(_O, "found", "chunk, model, a column", SHARE, _NEVER, "",
           "share of chunks on which an injected change is found (`replay`)", of="change"),
    _thing(Kind.WINDOW, "auroc", "model", SHARE, _BELOW, "that of the metric, and `windows`",
           "a metric of all labelled rows of the last days, with an interval that does not take days as independent; "
           "so are the main metric of the task and the metrics with a threshold that add up over days", of="days"),
    _thing(_S, "segments_measured", "chunk", COUNT, _NEVER, "", "segments with enough rows, here and in the reference"),
    _thing(_S, "segments_suppressed", "chunk", COUNT, _NEVER, "",
           "segments with fewer rows than `segments.minimum_rows`, which are not shown"),
    _thing(_S, "segments_unknown", "chunk", COUNT, _NEVER, "", "segments that the reference does not have"),
    _thing(_S, "segment_rows", "chunk", COUNT, _NEVER, "",
           "rows of a segment; the reference value is their usual number"),
    _thing(_S, "null_share", "a column", SHARE, _ABOVE, "learned for each segment",
           "share of nulls in a segment, if it grew by 0.05, beyond that of the other rows; so is `unseen_share`"),
    _thing(_S, "jensen_shannon", "a column", SHARE, _ABOVE, "learned for each segment",
           "drift of a column in a segment, if it has drifted, for information; so are the other deciding statistics"),
    _thing(_S, "auroc", "model", SHARE, _BELOW, "the margin of its threshold",
           "a metric of the labelled rows, against the same segment of the reference; so are the main metric of the "
           "task and those with a threshold"),
    _thing(_S, "change_in_segments", "relation", ANY, _NEVER, "",
           "change of the mean output, or of the mean loss, since the reference", of="number"),
    _thing(_S, "change_by_mix", "relation", ANY, _NEVER, "",
           "part of that change by the share of a segment in the rows; the reference value is its share before",
           of="number"),
    _thing(_S, "change_within", "relation", ANY, _NEVER, "",
           "part of that change by the level within a segment; the reference value is the level before", of="number"),
    _thing(_S, "change_elsewhere", "relation", ANY, _NEVER, "",
           "the rest of that change: all other rows of a segmentation", of="number"),
    _thing(Kind.FAIRNESS, "selection_rate", "a grouping", SHARE, _NEVER, "",
           "a rate of one group, with its 95 % interval; so are the other measures of `fairness.allowed`"),
    _thing(Kind.FAIRNESS, "selection_rate_ratio", "a grouping", SHARE, _BELOW, "fairness.allowed",
           "lowest over highest rate of the groups over the last days; of selection rates disparate impact", of="days"),
    _thing(Kind.FAIRNESS, "selection_rate_difference", "a grouping", AT_LEAST_ZERO, _ABOVE, "fairness.allowed",
           "largest difference of a rate between two groups over the last days", of="days"),
    _thing(_B, "value", "value", ANY, _NEVER, "", "what the predictions with a label are worth together"),
    _thing(_B, "value_of_all_predictions", "value", ANY, _NEVER, "",
           "the same for all predictions, as if those without a label were like those with one"),
    _thing(_B, "value_per_prediction", "value", ANY, _OUTSIDE, "value.threshold",
           "mean value of the labelled predictions"),
    _thing(_B, "estimated_value_per_prediction", "value", ANY, _OUTSIDE, "value.threshold, until labels are there",
           "the same, estimated without labels"),
    _thing(_B, "usual_value_per_prediction", "value", ANY, _NEVER, "",
           "the same on the reference, with the interval of its days"),
    _thing(_B, "error_of_estimated_value", "value", ANY, _NEVER, "",
           "how far estimates per prediction were off on days of the reference, beyond chance in labels"),
    _thing(_B, "value_against_reference", "value", ANY, _NEVER, "",
           "what the predictions are worth beyond so many usual ones; its interval contains 0 on 95 in 100 usual days"),
    _thing(_B, "cost", "cost", ANY, _NEVER, "", "what the predictions of the chunk cost"),
    _thing(_B, "cost_per_thousand", "cost", ANY, _NEVER, "", "the same for a thousand predictions"),
    _thing(_B, "cost_of_month", "cost", ANY, _NEVER, "", "cost of the calendar month up to the chunk"),
    _thing(_B, "cost_forecast", "cost", ANY, _ABOVE, "cost.monthly_budget",
           "cost of the whole month, if its interval is above the budget; or what is spent, if that is"),
    _thing(_B, "a measure", "measures", ANY, _OUTSIDE, "measures.<name>.threshold",
           "what the user's own Python function returned for the rows of a version, or of a segment", of="number"),
    _thing(_J, "attainment", "an objective", SHARE, _NEVER, "", "share of chunks or predictions that are good"),
    _thing(_J, "error_budget_left", "an objective", "at most 1", _BELOW, "0",
           "1 minus the bad chunks or predictions over those allowed"),
    _thing(_J, "burn_rate", "an objective", AT_LEAST_ZERO, _NEVER, "",
           "share of bad chunks or predictions among the last ones, over the share allowed"),
    _thing(_J, "burn_rate", "an objective", AT_LEAST_ZERO, _ABOVE, "14.4, 6, 1",
           "the lower one of the burn rates over a long and a short window: `fast`, `medium`, `slow`", of="pair"),
)  # fmt: skip

CAUSES = {
    Family.SOURCE: "a missing table or column, unusable rows, and everything that follows from them",
    Family.PIPELINE: "a failed run, an overdue chunk",
    Family.VOLUME: "too few or too many rows",
    Family.FRESHNESS: "the newest prediction is too old",
    Family.TABLE: "expectations of the suite on the whole table, new or vanished columns",
    Family.COLUMN: "one column with broken values, and what follows from them",
    Family.LABELS: "too few labels, or labels that cannot be used",
    Family.UNMONITORED: "lost coverage: a version without a reference, drift that is not measured, an unreadable suite",
    Family.NOT_MEASURED: "a chunk on which nothing decisive was measured although it has predictions",
    Family.UNMEASURED: "a metric with a threshold or an objective that could not be measured",
    Family.INPUTS: "all columns that have drifted together",
    Family.OUTPUTS: "scores or predictions that have drifted",
    Family.PERFORMANCE: "breached thresholds of metrics, from labels or estimated",
    Family.SEGMENT: "a loss of performance in one segment",
    Family.FAIRNESS: "a gap between groups that is larger than allowed",
    Family.BUSINESS: "a breached business metric or measure, or predictions that are worth too little",
    Family.SERVING: "the serving system: latency, errors, timeouts, throughput, resources, packages",
    Family.OBJECTIVE: "a spent error budget, or one that is spent too fast",
    Family.SPEC: "a spec file that cannot be used",
    Family.CHANNEL: "a channel that has accepted no messages for hours",
    Family.PROBE: "a test message of `alerts test`",
}
