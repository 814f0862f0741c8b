"""The rates and errors of each group on one chunk."""

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.fairness.measures import allowed_gaps, rates_of
from monitoring_pipeline.evaluation.labels.maturity import has_enough_labels
from monitoring_pipeline.evaluation.performance.performance import scored_rows
from monitoring_pipeline.evaluation.performance.scored_rows import ScoredRows
from monitoring_pipeline.evaluation.segments.membership import texts_of
from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement, Severity
from monitoring_pipeline.records.names import Segment
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.segments import MOST_VALUES
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.predictions.group_rates import GROUP_RATES, GroupMean, GroupRate, Values, group_mean
from monitoring_pipeline.statistics.results import NORMAL_QUANTILE

LEAST_ROWS = 20
"""A group with fewer rows is not shown."""
OTHERS = "others"


def measure_groups(
    spec: ModelSpec, rows: pl.DataFrame, labels: pl.DataFrame | None, *, model_version: str, maturity: Maturity | None
) -> Iterator[Measurement]:
    """Yield the rates and errors of each group with enough rows.

    Numbers that need labels are left out while the labels of the group are not there, so that a group whose labels come
    later is not judged by its first ones.

    Args:
        spec: the model.
        rows: canonical predictions of one version.
        labels: canonical labels; None without any.
        model_version: the version.
        maturity: the state of the chunk's labels; None without any.
    """
    blank = Measurement(
        kind=Kind.FAIRNESS, subject="", name="", model_version=model_version, value=0.0, severity=Severity.INFO
    )
    names = [name for measure in allowed_gaps(spec) for name in rates_of(measure)]
    for by in spec.fairness.by:
        for value, part in _groups(spec, by, rows):
            group = replace(blank, subject=by, segment=str(Segment(by, value)), maturity=maturity)
            labelled = _labelled(spec, part, labels, maturity)
            for name in dict.fromkeys(names):
                rate = GROUP_RATES[name]
                values = _values(spec, rate, labelled) if rate.needs_labels else _decisions(part)
                if values.size >= LEAST_ROWS:
                    yield measurement_of(replace(group, name=name), group_mean(values, is_share=rate.is_share))


def measurement_of(blank: Measurement, mean: GroupMean) -> Measurement:
    """Return the mean of a group as a measurement with its 95 % interval."""
    rate = GROUP_RATES[blank.name]
    error = NORMAL_QUANTILE * mean.variance**0.5
    lower, upper = mean.mean - error, mean.mean + error
    if rate.is_share:
        lower, upper = max(lower, 0.0), min(upper, 1.0)
    return replace(
        blank, value=mean.mean, lower=lower, upper=upper, rows=mean.rows, definition=f"{rate.definition}; of the group"
    )


def group_mean_of(measurement: Measurement) -> GroupMean:
    """Return the mean of a group that was stored as a measurement."""
    m = measurement
    value = m.value or 0.0
    if GROUP_RATES[m.name].is_share:
        events = round(value * m.rows)
        return group_mean(np.repeat([1.0, 0.0], [events, m.rows - events]), is_share=True)
    error = ((m.upper or 0.0) - (m.lower or 0.0)) / (2.0 * NORMAL_QUANTILE)
    return GroupMean(m.rows, value, error**2)


def _groups(spec: ModelSpec, by: str, rows: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    texts = texts_of(spec.fairness.by, by, rows)
    if spec.fairness.by[by].where:
        texts = texts.fill_null(OTHERS)
    counted = texts.alias("value").drop_nulls().value_counts(name="rows").filter(pl.col("rows") >= LEAST_ROWS)
    frequent = counted.sort("rows", "value", descending=[True, False]).head(MOST_VALUES)["value"].to_list()
    for value in sorted(frequent):
        yield value, rows.filter(texts == value)


def _labelled(
    spec: ModelSpec, part: pl.DataFrame, labels: pl.DataFrame | None, maturity: Maturity | None
) -> ScoredRows | None:
    """Return the labelled rows of a group; None if too few of its rows have a label yet."""
    if labels is None:
        return None
    known = part.join(labels, on="row_id", how="semi").height
    return scored_rows(spec, part, labels, ())[0] if has_enough_labels(known, part.height, maturity) else None


def _decisions(part: pl.DataFrame) -> Values:
    return part["prediction"].drop_nulls().cast(pl.Float64).to_numpy()


def _values(spec: ModelSpec, rate: GroupRate, scored: ScoredRows | None) -> Values:
    if scored is None:
        return np.empty(0)
    scores = scored.score if spec.task is Task.BINARY else scored.predictions
    within = rate.within(scored.labels, scored.predictions)
    return rate.value(scored.labels, scored.predictions, scores)[within]
