"""The part of a binary metric's change that a shifted score explains, from rows and positives by score bin."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.explanation.relation_metrics import Labelled, Values
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.intervals.bootstrap import bootstrap_interval
from monitoring_pipeline.statistics.predictions import score_counts as counted
from monitoring_pipeline.statistics.results import UndefinedStatisticError

BINS = 20
DRAWS = 400
METRICS: Mapping[str, Callable[[counted.ScoreCounts], Values]] = {
    "auroc": counted.auroc,
    "log_loss": counted.log_loss,
    "brier_score": counted.brier_score,
    "mean_bias": counted.mean_bias,
}


@dataclass(frozen=True, eq=False)
class ScoreTable:
    """Labelled rows by score bin; the tables of two days of one model add up to the table of both days.

    Args:
        edges: inner edges of the bins, increasing, shape (bins - 1,).
        rows: shape (bins,).
        positives: shape (bins,).
        score_sums: shape (bins,).
    """

    edges: Values
    rows: Values
    positives: Values
    score_sums: Values

    def __add__(self, other: "ScoreTable") -> "ScoreTable":
        """Return the table of the rows of both.

        Raises:
            ValueError: if their bins differ.
        """
        if not np.array_equal(self.edges, other.edges):
            raise ValueError(f"score bins differ: {self.edges.tolist()} and {other.edges.tolist()}")
        return ScoreTable(
            self.edges,
            self.rows + other.rows,
            self.positives + other.positives,
            self.score_sums + other.score_sums,
        )


def score_edges(scores: Values, bins: int = BINS) -> Values:
    """Return inner edges of bins of about equally many reference scores, shape (at most bins - 1,)."""
    return np.unique(np.quantile(scores, np.arange(1, bins) / bins, method="inverted_cdf"))


def score_table(edges: Values, scores: Values, labels: Values) -> ScoreTable:
    """Count labelled rows by score; a score on an edge belongs to the bin below it.

    Args:
        edges: inner edges of the bins.
        scores: shape (rows,).
        labels: 0 or 1, shape (rows,).
    """
    order = np.argsort(scores, kind="stable")
    places = np.searchsorted(edges, scores[order], side="left")
    size = edges.size + 1
    return ScoreTable(
        edges,
        np.bincount(places, minlength=size).astype(np.float64),
        np.bincount(places, weights=labels[order], minlength=size).astype(np.float64),
        np.bincount(places, weights=scores[order], minlength=size).astype(np.float64),
    )


def measure_change_by_score(
    spec: ModelSpec,
    sides: tuple[Labelled, Labelled],
    blank: Measurement,
    generator: np.random.Generator,
    reason: str | None,
) -> Iterator[Measurement]:
    """Yield ``change_by_score[...]`` and ``change_given_score[...]`` for a binary model; nothing for other tasks."""
    if spec.task is not Task.BINARY:
        return
    if reason:
        for name in METRICS:
            for part in ("change_by_score", "change_given_score"):
                yield replace(blank, name=part, of=name).skipped(reason)
        return
    edges = score_edges(sides[0].outputs[:, 0])
    # A table sorts its rows; what is sorted already is sorted again in a tenth of the time.
    tables = [score_table(edges, *side.by_score) for side in sides]
    yield from split_by_score(tables[0], tables[1], blank, generator)


def split_by_score(
    reference: ScoreTable, current: ScoreTable, blank: Measurement, generator: np.random.Generator
) -> Iterator[Measurement]:
    """Split each metric's change into the part of the shifted score and the part of a changed relation to labels.

    The middle term is the metric under the current scores and the reference's label rate of each bin (direct
    standardisation, Kitagawa 1955, JASA 50:1168). The intervals come from a parametric bootstrap of the counts.

    Args:
        reference: counts of the reference.
        current: counts of a chunk, or of any sum of chunks.
        blank: the fields that all measurements share.
        generator: source of random numbers.
    """
    before, after = _drawn(reference, generator), _drawn(current, generator)
    rates = _rates(before, reference)
    between = counted.ScoreCounts(after.scores, after.rows, after.rows * rates[:, reference_bins(reference, current)])
    for name, metric in METRICS.items():
        values = [metric(counts) for counts in (before, between, after)]
        parts = {
            "change_by_score": (values[1] - values[0], "explained by the shifted score"),
            "change_given_score": (values[2] - values[1], "left: labels follow otherwise from the score"),
        }
        for part, (numbers, words) in parts.items():
            of_part = replace(blank, name=part, of=name, definition=f"{name} over {BINS} bins of the score, {words}")
            yield _estimated(of_part, numbers)


def reference_bins(reference: ScoreTable, current: ScoreTable) -> NDArray[np.int64]:
    """Return the position of each filled current bin, or of the nearest bin, among the filled reference bins."""
    filled = np.flatnonzero(reference.rows > 0)
    filled_now = np.flatnonzero(current.rows > 0)
    return np.abs(filled[None, :] - filled_now[:, None]).argmin(axis=1).astype(np.int64)


def _drawn(table: ScoreTable, generator: np.random.Generator) -> counted.ScoreCounts:
    """Return the observed counts, followed by ``DRAWS`` drawn ones, over the filled bins."""
    filled = table.rows > 0
    rows, positives = table.rows[filled], table.positives[filled]
    cells = np.concatenate([positives, rows - positives])
    total = int(cells.sum())
    drawn = generator.multinomial(total, cells / cells.sum(), size=DRAWS).astype(np.float64)
    every = np.concatenate([cells[None, :], drawn])
    hits, misses = every[:, : rows.size], every[:, rows.size :]
    return counted.ScoreCounts(table.score_sums[filled] / rows, hits + misses, hits)


def _rates(counts: counted.ScoreCounts, table: ScoreTable) -> Values:
    observed = table.positives[table.rows > 0] / table.rows[table.rows > 0]
    # A bin without rows in a draw keeps its observed rate.
    rows = np.broadcast_to(counts.rows, counts.positives.shape)
    return np.where(rows > 0, counts.positives / np.maximum(rows, 1.0), observed)


def _estimated(blank: Measurement, values: Values) -> Measurement:
    try:
        estimate = bootstrap_interval(float(values[0]), values[1:])
    except UndefinedStatisticError as undefined:
        return blank.skipped(str(undefined))
    return replace(blank, value=estimate.value, lower=estimate.lower, upper=estimate.upper)
