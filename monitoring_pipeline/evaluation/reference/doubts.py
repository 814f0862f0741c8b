"""Doubts about a reference: what in its rows makes the rules weaker than they look."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from monitoring_pipeline.evaluation.drift.healthy_chunks import healthy_chunks
from monitoring_pipeline.evaluation.drift.statistics_table import DRIFT_STATISTICS, deciding_statistics
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.spec.model import ModelSpec

BLIND_FLOOR = 0.8
"""A floor of a distance that is at most 1: above it hardly anything but an exchange of all values is reported."""
WANDERING = 0.9
"""Autocorrelation of neighbouring days from which a window is shorter than the swings of a column."""
MOST_NAMED = 5
_WORSE_THAN_CHANCE = {"auroc": 0.5}


@dataclass(frozen=True)
class _Doubted:
    """A reference with the profiles of its chunks, by key in the order of time."""

    spec: ModelSpec
    reference: Reference
    chunks: Mapping[str, ChunkProfile]

    @property
    def noun(self) -> str:
        return self.spec.calendar.noun

    @property
    def judged(self) -> dict[str, ChunkProfile]:
        """The chunks with enough rows to be judged."""
        least = self.spec.drift.minimum_rows
        return {key: chunk for key, chunk in self.chunks.items() if chunk.rows >= least}

    def first_statistic(self, column: str) -> str:
        """The statistic of the shape of a column's distribution."""
        return deciding_statistics(self.spec, column)[0]

    @property
    def watched(self) -> list[str]:
        """The columns of the reference that decide."""
        return [name for name in self.reference.bins if not self.spec.is_ignored(name)]


def doubts_about(spec: ModelSpec, reference: Reference, chunks: Mapping[str, ChunkProfile]) -> tuple[str, ...]:
    """Return one sentence for each doubt, the gravest first; none if there is nothing to doubt.

    Args:
        spec: the model, with the features of the reference.
        reference: the reference of one version.
        chunks: profiles of the reference's chunks by key.
    """
    doubted = _Doubted(spec, reference, dict(sorted(chunks.items())))
    return tuple(doubt for find in _DOUBTS for doubt in find(doubted))


def _worse_than_chance(doubted: _Doubted) -> Iterator[str]:
    for entry in doubted.reference.performance:
        chance = _WORSE_THAN_CHANCE.get(str(entry.metric))
        if chance is not None and entry.upper is not None and entry.upper < chance:
            yield (
                f"{entry.metric} is {entry.value:.3f} on the reference, worse than chance ({chance:g}): check which "
                "class predictions.positive names, and whether the labels belong to these predictions"
            )


def _small_chunks(doubted: _Doubted) -> Iterator[str]:
    small = len(doubted.chunks) - len(doubted.judged)
    if small:
        yield (
            f"{small} of {len(doubted.chunks)} {doubted.noun}s have fewer than {doubted.spec.drift.minimum_rows} rows "
            "(drift.minimum_rows): no floor is learned from them"
        )


def _dead_columns(doubted: _Doubted) -> Iterator[str]:
    for name in doubted.reference.bins:
        dead = [key for key, chunk in doubted.judged.items() if chunk[name].counts[0] == chunk[name].rows]
        if dead and len(dead) < len(doubted.judged):
            yield f"{name} has no value on {len(dead)} of {len(doubted.judged)} {doubted.noun}s: {_named(dead)}"


def _blind_floors(doubted: _Doubted) -> Iterator[str]:
    rows = sorted(chunk.rows for chunk in doubted.judged.values())
    if not rows:
        return
    usual = rows[len(rows) // 2]
    floors = {
        floor.column: floor.at(usual)
        for floor in doubted.reference.floors.floors
        if floor.column in doubted.watched and floor.statistic == doubted.first_statistic(floor.column)
        if DRIFT_STATISTICS[floor.statistic].bounded
    }
    blind = [f"{name} ({floor:.3f})" for name, floor in floors.items() if floor >= BLIND_FLOOR]
    if blind:
        yield (
            f"the learned floor is near its maximum of 1 for {_named(blind)}: {doubted.noun}s of the reference differ "
            f"so much that hardly any change is reported; compare with earlier {doubted.noun}s (drift.against), or "
            "choose a longer reference"
        )


def _wandering_columns(doubted: _Doubted) -> Iterator[str]:
    if doubted.reference.floors.reason is not None:
        return
    healthy = healthy_chunks(
        doubted.spec, doubted.reference.model_version, doubted.reference.bins, doubted.chunks
    ).columns(doubted.watched)
    correlated = {column.column: column.autocorrelation for column in healthy}
    wandering = [f"{name} ({value:.2f})" for name, value in correlated.items() if value >= WANDERING]
    if wandering:
        yield (
            f"neighbouring {doubted.noun}s resemble one another in {_named(wandering)} (autocorrelation): the window "
            "is short beside such swings or a trend, so floors are high, and more than their share may be flagged"
        )


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


_DOUBTS: tuple[Callable[[_Doubted], Iterator[str]], ...] = (
    _worse_than_chance,
    _dead_columns,
    _small_chunks,
    _blind_floors,
    _wandering_columns,
)
