"""The delay of labels, learned from the reference, and the weights that correct a chunk's labels for it."""

import datetime as dt
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.labels.changed_delays import arrived_now, shows_changes
from monitoring_pipeline.evaluation.labels.declared import NO_LABELS
from monitoring_pipeline.evaluation.labels.maturity import ExpectedLabels
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.survival import Arrivals, kaplan_meier, thinned
from monitoring_pipeline.statistics.weights import effective_rows

Values = NDArray[np.float64]
HOUR = dt.timedelta(hours=1)
STEPS = 200
NO_ARRIVALS = Arrivals((), ())
LEAST_LABELS = 100
LEAST_LABELS_OF_A_GROUP = 30
LABEL_QUANTILES = (1 / 3, 2 / 3)
ALIKE = 1.05
"""Groups whose shares of arrived labels differ by at most this ratio are not weighted, as weights cost precision."""
LEAST_SHARE_ARRIVED = 0.1
LEAST_EFFECTIVE_SHARE = 0.5
LEAST_SHARE_AT_AN_AGE = 0.01
MOST_ROWS_TOO_YOUNG = 0.05
NEARLY_ALL_KNOWN = 0.98
"""If so many rows have labels, weights change little, and labels that follow otherwise are no reason to skip them."""
"""Largest share of rows of an age at which one group has labels and another none, which no weight can correct."""


@dataclass(frozen=True)
class GroupDelay:
    """The delay of the labels of one group that have arrived; ``share`` is the group's share of all labels."""

    group: str
    share: float
    arrivals: Arrivals


@dataclass(frozen=True)
class LabelDelay:
    """The delay of labels, in hours.

    Args:
        arrivals: share of all predictions whose label has arrived; labels that never arrive are included.
        groups: by class, or by third of a regression's labels; none if there are too few labels.
        cuts: bounds between the thirds of a regression's labels.
        labels: number of labels that the delay was learned from.
        reason: the reason if nothing was learned.
    """

    arrivals: Arrivals = NO_ARRIVALS
    groups: tuple[GroupDelay, ...] = ()
    cuts: tuple[float, ...] = ()
    labels: int = 0
    reason: str | None = None


NO_DELAY_LEARNED = LabelDelay(reason="the delay of labels was not learned")


@dataclass(frozen=True, eq=False)
class ArrivalWeights:
    """Weights of labelled rows: the inverse probability that their label has arrived; None if all are equal.

    ``not_interpretable`` is the reason if weights cannot correct for the labels that have not arrived. ``changed``
    states which labels arrive otherwise than in the reference, if weights follow them.
    """

    weights: Values | None = None
    not_interpretable: str | None = None
    changed: str | None = None


def learn_label_delay(spec: ModelSpec, rows: pl.DataFrame, as_of: dt.datetime) -> LabelDelay:
    """Learn from reference rows when labels become known; labels that are not known yet are censored.

    The delays of groups are learned from the labels that arrived for rows old enough to have all their labels.

    Args:
        spec: the model.
        rows: canonical predictions with ``label`` and ``known_at``, null where unknown.
        as_of: the moment at which the labels were read.
    """
    if spec.labels is None:
        return LabelDelay(reason=NO_LABELS)
    if spec.labels.known_at is None:
        return LabelDelay(reason="labels.known_at is not declared, so that the times of past labels are not known")
    known = rows["known_at"].is_not_null()
    labels = int(known.sum())
    if labels < LEAST_LABELS:
        return LabelDelay(reason=f"{labels} labels in the reference, at least {LEAST_LABELS} needed")
    hours_waited = _hours(rows.select(pl.coalesce("known_at", pl.lit(as_of)) - pl.col("predicted_at")).to_series())
    arrivals = thinned(kaplan_meier(hours_waited, known.to_numpy()), STEPS)
    complete = known & (rows["predicted_at"] <= as_of - spec.label_delay)
    arrived, hours = rows.filter(complete), hours_waited[complete.to_numpy()]
    cuts = _cuts(spec, arrived)
    group_of_row = label_groups(spec, arrived["label"], cuts).to_numpy()
    groups = tuple(
        GroupDelay(
            group=str(name),
            share=float(np.mean(np.asarray(group_of_row == name))),
            arrivals=thinned(kaplan_meier(group_hours, np.ones(group_hours.size, dtype=bool)), STEPS),
        )
        for name in sorted(set(group_of_row))
        if (group_hours := hours[group_of_row == name]).size >= LEAST_LABELS_OF_A_GROUP
    )
    return LabelDelay(arrivals, groups, cuts, labels)


def label_groups(spec: ModelSpec, labels: pl.Series, cuts: tuple[float, ...]) -> pl.Series:
    """Return the group of each label: its class, or its third of a regression's labels."""
    if spec.task is Task.MULTICLASS:
        return labels.cast(pl.String)
    if spec.task is Task.BINARY:
        return labels.cast(pl.Int8).cast(pl.String)
    return pl.Series([str(place) for place in np.searchsorted(np.asarray(cuts), labels.to_numpy(), side="right")])


def expected_labels(delay: LabelDelay, ages_hours: Values) -> ExpectedLabels:
    """Return the expected number of labels of rows of these ages."""
    by_now = float(np.sort(delay.arrivals.at(ages_hours)).sum())
    return ExpectedLabels(by_now=by_now, eventually=delay.arrivals.ever * ages_hours.size)


def arrival_weights(
    spec: ModelSpec,
    delay: LabelDelay,
    labels: pl.Series,
    ages_hours: Values,
    all_ages_hours: Values,
    *,
    waited_hours: Values | None = None,
) -> ArrivalWeights:
    """Return weights with which labelled rows represent all rows whose label will ever arrive.

    If the labels of one class arrive earlier than those of another, the labels that have arrived are a biased sample.
    A row whose label has arrived by now with probability F counts 1 / F times (Horvitz & Thompson 1952, JASA 47:663;
    censoring weights: Robins & Rotnitzky 1992). F is its group's share of arrivals at its age. If the labels of a group
    arrive earlier or later than in the reference, F follows them, unless nearly all labels are known anyway.

    Args:
        spec: the model.
        delay: the delay learned from the reference.
        labels: labels of the labelled rows.
        ages_hours: hours since each labelled row's prediction, shape (labelled,).
        all_ages_hours: hours since the prediction of every row of the chunk, shape (rows,).
        waited_hours: hours that each label took, shape (labelled,); without them delays count as unchanged.
    """
    if waited_hours is not None and labels.len() < NEARLY_ALL_KNOWN * all_ages_hours.size:
        delay, changed, unknown = _delay_now(spec, delay, labels, ages_hours, waited_hours)
        if unknown is not None:
            return ArrivalWeights(not_interpretable=unknown)
        return replace(arrival_weights(spec, delay, labels, ages_hours, all_ages_hours), changed=changed)
    by_group = {of_group.group: of_group.arrivals for of_group in delay.groups}
    share_of_row = {name: of_group.at(all_ages_hours) for name, of_group in by_group.items()}
    arrived = {name: float(np.sort(of_group).mean()) for name, of_group in share_of_row.items()}
    if not labels.len() or max(arrived.values(), default=1.0) <= ALIKE * min(arrived.values(), default=1.0):
        return ArrivalWeights()
    latest = min(arrived, key=lambda name: arrived[name])
    words = f"labels {_words(spec, delay, latest)} arrive later than others"
    too_early = _too_early(share_of_row, latest, arrived[latest])
    if too_early is not None:
        return ArrivalWeights(not_interpretable=f"{words}: {too_early}")
    groups = label_groups(spec, labels, delay.cuts).to_numpy()
    # A group with too few labels to learn from gets the arrivals of all labels.
    shares = delay.arrivals.at(ages_hours) / (delay.arrivals.ever or 1.0)
    for name, of_group in by_group.items():
        shares[groups == name] = of_group.at(ages_hours[groups == name])
    # A label may be earlier than any label of the reference, so its share is bounded by the share of its group by now.
    floor = np.array([LEAST_SHARE_ARRIVED * arrived.get(name, 1.0) for name in groups])
    weights = 1.0 / np.maximum(shares, floor)
    if effective_rows(weights) < LEAST_EFFECTIVE_SHARE * weights.size:
        return ArrivalWeights(
            not_interpretable=f"{words}, and too few are known to stand for them: "
            f"{weights.size} labels weigh as much as {effective_rows(weights):.0f}"
        )
    return ArrivalWeights(weights * weights.size / weights.sum())


def _delay_now(
    spec: ModelSpec, delay: LabelDelay, labels: pl.Series, ages_hours: Values, waited_hours: Values
) -> tuple[LabelDelay, str | None, str | None]:
    """Return the delay as labels arrive now, which of them have changed, and those whose delay is not known."""
    group_of_row = label_groups(spec, labels, delay.cuts).to_numpy() if labels.len() else np.array([])
    groups: list[GroupDelay] = []
    changed: list[str] = []
    unseen: list[str] = []
    for group in delay.groups:
        own = group_of_row == group.group
        now = arrived_now(group.arrivals, waited_hours[own], ages_hours[own])
        words = f"labels {_words(spec, delay, group.group)} arrive"
        if now.arrivals is None:
            reason = f"{words} otherwise than in the reference, so that it is not known how many are missing"
            return delay, None, reason
        if now.factor != 1.0:
            how = f"{now.factor:.1f} times as late as" if now.factor > 1 else f"{1 / now.factor:.1f} times as early as"
            changed.append(f"{words} {how} in the reference")
        elif not shows_changes(group.arrivals, ages_hours[own]):
            unseen.append(f"labels {_words(spec, delay, group.group)}")
        groups.append(replace(group, arrivals=now.arrivals))
    if changed and unseen:
        return delay, None, f"{'; '.join(changed)}, but the delay of {unseen[0]} does not show so early"
    return replace(delay, groups=tuple(groups)), f"{'; '.join(changed)}; weights follow them" if changed else None, None


def _too_early(share_of_row: dict[str, Values], latest: str, arrived: float) -> str | None:
    """Return the reason why weights cannot correct for the slowest group; None if they can.

    Too few of its labels have arrived, overall or among recent rows.
    """
    if arrived < LEAST_SHARE_ARRIVED:
        return f"{arrived:.1%} are known by now, at least {LEAST_SHARE_ARRIVED:.0%} needed"
    soonest: Values = np.max(list(share_of_row.values()), axis=0)
    # At ages without labels of any group, no group is overrepresented.
    alone = (share_of_row[latest] < LEAST_SHARE_AT_AN_AGE) & (soonest >= LEAST_SHARE_AT_AN_AGE)
    if (young := float(np.mean(alone))) > MOST_ROWS_TOO_YOUNG:
        return f"{young:.1%} of the rows are too young for any, at most {MOST_ROWS_TOO_YOUNG:.0%} allowed"
    return None


def ages_in_hours(predicted_at: pl.Series, as_of: dt.datetime) -> Values:
    """Return the hours from each prediction to a moment; later predictions have age 0."""
    return _hours(as_of - predicted_at)


def hours_between(earlier: pl.Series, later: pl.Series) -> Values:
    """Return the hours from each of some moments to another; 0 if the other is earlier."""
    return _hours(later - earlier)


def _hours(durations: pl.Series) -> Values:
    return np.maximum(durations.dt.total_microseconds().to_numpy() / (HOUR / dt.timedelta(microseconds=1)), 0.0)


def _cuts(spec: ModelSpec, arrived: pl.DataFrame) -> tuple[float, ...]:
    if spec.task is not Task.REGRESSION or arrived.is_empty():
        return ()
    return tuple(float(cut) for cut in np.quantile(arrived["label"].to_numpy(), LABEL_QUANTILES, method="lower"))


def _words(spec: ModelSpec, delay: LabelDelay, group: str) -> str:
    """Return the labels of a group in words for messages."""
    if spec.task is not Task.REGRESSION:
        return f"of class {group}"
    place, bounds = int(group), (None, *delay.cuts, None)
    lower, upper = bounds[place], bounds[place + 1]
    if lower is None:
        return f"below {upper:g}"
    return f"of {lower:g} or more" if upper is None else f"from {lower:g} to {upper:g}"
