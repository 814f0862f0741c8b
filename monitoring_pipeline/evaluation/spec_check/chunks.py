"""Judgements of the newest chunks: whether they are large enough to be judged, and to fill a gate."""

import datetime as dt
from collections.abc import Iterator
from statistics import median

from monitoring_pipeline.evaluation.spec_check.facts import NewestChunks, SourceFacts
from monitoring_pipeline.evaluation.spec_check.findings import Observation
from monitoring_pipeline.spec.model import ModelSpec

LEAST_CHUNKS = 3


def chunks_too_small_for_drift(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield a minimum for drift that the usual chunk does not reach."""
    least = ("drift.minimum_rows", spec.drift.minimum_rows)
    yield from _too_small(spec, facts, least, share=1.0, words="predictions")


def chunks_too_small_for_performance(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield a minimum for performance that the usual chunk does not reach, even when its labels are complete."""
    if spec.labels is not None:
        least = ("performance.minimum_rows", spec.performance.minimum_rows)
        yield from _too_small(spec, facts, least, share=_labelled_share(facts), words="labels")


def chunks_below_the_minimum(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield a minimum number of predictions below which the usual chunk lies."""
    usual = _usual_rows(facts.newest)
    if usual is not None and usual < spec.quality.minimum_rows:
        yield Observation(
            "quality.minimum_rows",
            f"{spec.quality.minimum_rows}, and the newest {spec.calendar.noun}s have {usual:g} predictions usually: "
            "each would be a breach",
            "lower it",
        )


def gate_that_never_fills(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield a gate whose held-out days have fewer labelled rows than it needs."""
    rules, newest = spec.retraining, facts.newest
    if rules is None or newest is None or len(newest.by_chunk) < LEAST_CHUNKS:
        return
    rows = sum(sum(versions.values()) for versions in newest.by_chunk.values())
    chunks = len(newest.by_chunk)
    days = max(chunks * spec.calendar.length / dt.timedelta(days=1), 1.0)
    share = _labelled_share(facts)
    expected = rows / days * rules.holdout_days * share
    if rows and expected < rules.gate.minimum_rows:
        needed = -(-rules.gate.minimum_rows * days // (rows * share)) if share else None
        yield Observation(
            "retraining.holdout_days",
            f"{rules.holdout_days} days have about {expected:.0f} labelled rows ({rows / days:.3g} predictions a day, "
            f"{share:.0%} with a label), and gate.minimum_rows is {rules.gate.minimum_rows}: the gate never answers",
            f"write holdout_days: {needed:.0f} or more, or lower gate.minimum_rows" if needed else "supply labels",
        )


def _too_small(
    spec: ModelSpec, facts: SourceFacts, least: tuple[str, int], *, share: float, words: str
) -> Iterator[Observation]:
    usual, (field, minimum) = _usual_rows(facts.newest), least
    if usual is not None and usual * share < minimum:
        noun = spec.calendar.noun
        yield Observation(
            field,
            f"{minimum}, and the newest {noun}s have {usual * share:.3g} {words} usually: most would not be judged",
            f"choose a longer cadence, or lower {field} (the fewer rows, the larger a change has to be)",
        )


def _usual_rows(newest: NewestChunks | None) -> float | None:
    """Return the median rows of the version with most rows, over the chunks with predictions; None if too few."""
    rows = [max(versions.values()) for versions in newest.by_chunk.values() if versions] if newest else []
    return float(median(rows)) if len(rows) >= LEAST_CHUNKS else None


def _labelled_share(facts: SourceFacts) -> float:
    """Return the largest share of labelled predictions of a reference; 1 if no reference shows it."""
    shares = [reference.labels.share for reference in facts.references if reference.labels]
    return max((share for share in shares if share), default=1.0)
