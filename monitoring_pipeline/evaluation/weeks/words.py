"""A week in words: a headline for all models, and a few sentences for each of them."""

from collections import Counter
from collections.abc import Iterable, Sequence

from monitoring_pipeline.evaluation.budget.realized import words_of
from monitoring_pipeline.evaluation.weeks.week_of_model import WORST_FIRST, MetricOfWeek, WeekOfModel
from monitoring_pipeline.records.decision import Decision
from monitoring_pipeline.records.incident import StoredIncident
from monitoring_pipeline.records.measurement import Measurement, Verdict
from monitoring_pipeline.spec.week import Week

INCIDENTS_LISTED = 5
DECISIONS_LISTED = 4


def title_of(week: Week) -> str:
    """Return the name of a week for people."""
    first, last = week.monday, week.sunday
    until = f"{last.day} {last:%B %Y}"
    if first.year != last.year:
        return f"Week of {first.day} {first:%B %Y} to {until}"
    return (
        f"Week of {first.day} {first:%B} to {until}" if first.month != last.month else f"Week of {first.day} to {until}"
    )


def headline_of(models: Sequence[WeekOfModel]) -> str:
    """Return the week of all models in one or two sentences."""
    ends = Counter(str(model.status or "not judged") for model in models)
    order = [*map(str, WORST_FIRST), "not judged"]
    listed = ", ".join(f"{ends[status]} {status}" for status in order if ends[status])
    counts = [
        f"{_counted(sum(len(found) for found in each), 'incident')} {word}"
        for word, each in (
            ("opened", [model.opened for model in models]),
            ("came back", [model.came_back for model in models]),
            ("resolved", [model.resolved for model in models]),
        )
        if any(each) or word != "came back"
    ]
    lasting = sum(len(model.lasting) for model in models)
    return f"{_counted(len(models), 'model')}: {listed or 'none'}. {', '.join(counts)}; {lasting} open at the end."


def sentences_of(model: WeekOfModel) -> tuple[str, ...]:
    """Return what changed for a model, one sentence each: verdicts, incidents, performance, retraining, its budget."""
    return (
        _verdicts(model),
        *_incidents("Opened", model.opened),
        *_incidents("Came back", model.came_back),
        *_incidents("Resolved", model.resolved),
        *_incidents("Still open", [stored for stored in model.lasting if stored not in _new(model)]),
        *_informations(model.for_information),
        *map(_performance, model.metrics),
        *_retraining(model.retraining),
        *_precision(model.precision),
        *(f"{words_of(spent)}." for spent in model.spent if spent.is_exceeded),
    )


def _new(model: WeekOfModel) -> tuple[StoredIncident, ...]:
    return (*model.opened, *model.came_back)


def _verdicts(model: WeekOfModel) -> str:
    noun = model.spec.calendar.noun
    if not model.verdicts:
        before = f"; {_statuses(model.before.values(), noun)} in the week before" if model.before else ""
        return f"Nothing was judged in this week{before}."
    before = _statuses(model.before.values(), noun) if model.before else "nothing was judged"
    return f"{_statuses(model.verdicts.values(), noun).capitalize()}; in the week before {before}."


def _statuses(verdicts: Iterable[Verdict], noun: str) -> str:
    found = Counter(verdict.status for verdict in verdicts)
    if len(found) == 1:
        ((status, count),) = found.items()
        return f"{status} on {'the only' if count == 1 else f'all {count}'} {noun}{'' if count == 1 else 's'}"
    parts = [f"{status} on {found[status]}" for status in WORST_FIRST if found[status]]
    return f"{', '.join(parts)} of {_counted(sum(found.values()), noun)}"


def _incidents(word: str, incidents: Sequence[StoredIncident]) -> Iterable[str]:
    for stored in incidents[:INCIDENTS_LISTED]:
        yield f"{word}: {stored.incident.title} ({stored.incident.severity}, {_handled(stored)})."
    if (more := len(incidents) - INCIDENTS_LISTED) > 0:
        yield f"{word}: {_counted(more, 'further incident')}."


def _informations(incidents: Sequence[StoredIncident]) -> Iterable[str]:
    for stored in incidents[:INCIDENTS_LISTED]:
        yield f"For information: {stored.incident.title}."
    if (more := len(incidents) - INCIDENTS_LISTED) > 0:
        yield f"For information: {_counted(more, 'further incident')}."


def _handled(stored: StoredIncident) -> str:
    handling = stored.handling
    if handling.outcome is not None:
        return f"found to be {handling.outcome}"
    return f"acknowledged by {handling.acknowledged_by}" if handling.acknowledged_by else "acknowledged by nobody"


def _performance(metric: MetricOfWeek) -> str:
    before = "" if metric.before is None else f"{_value(metric.before[1])} in the week before"
    if metric.now is None:
        return f"{metric.metric} was not measured in this week; {before}."
    key, m = metric.now
    parts = [f"{metric.metric} is {_with_interval(m)} on {key}", _limits(m), before]
    return f"{'; '.join(part for part in parts if part)}."


def _value(m: Measurement) -> str:
    return "-" if m.value is None else f"{m.value:.3g}"


def _with_interval(m: Measurement) -> str:
    between = "" if m.lower is None or m.upper is None else f" ({m.lower:.3g} to {m.upper:.3g})"
    return f"{_value(m)}{between}"


def _limits(m: Measurement) -> str:
    """Return where a value lies beside its limits; empty without limits."""
    limits = [
        (m.threshold_lower, "below", "at least"),
        (m.threshold_upper, "above", "at most"),
    ]
    for limit, beyond, _ in limits:
        if limit is not None and m.value is not None and (m.value < limit if beyond == "below" else m.value > limit):
            return f"{beyond} its limit of {limit:.3g}"
    allowed = [f"{word} {limit:.3g}" for limit, _, word in limits if limit is not None]
    return f"within its limits ({' and '.join(allowed)})" if allowed else ""


def _retraining(decisions: Sequence[Decision]) -> Iterable[str]:
    for decision in decisions[-DECISIONS_LISTED:]:
        version = f" of version {decision.model_version}" if decision.model_version else ""
        why = f": {decision.reason}" if decision.reason else ""
        answer = decision.answer_text.replace("_", " ")
        yield f"{str(decision.topic).capitalize()}{version}: {answer}, by {decision.actor}{why}.".replace("..", ".")


def _precision(precision: Measurement | None) -> Iterable[str]:
    if precision is not None and precision.value is not None:
        real = round(precision.value * precision.rows)
        yield f"Of {precision.rows} alerts that people judged in 90 days, {real} were real."


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
