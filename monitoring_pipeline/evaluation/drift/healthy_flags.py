"""How often healthy chunks are flagged: the share of later chunks whose effects are beyond the floors in use."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from monitoring_pipeline.evaluation.drift.floors import LEAST_DAYS, HealthyEffects, LearnedFloors, usual_skewness
from monitoring_pipeline.evaluation.drift.healthy_chunks import HealthyChunks
from monitoring_pipeline.evaluation.drift.statistics_table import deciding_statistics
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.statistics.samples.openings import HealthyEffect


@dataclass(frozen=True)
class HealthyFlag:
    """How often one statistic of a column is beyond its floor on healthy chunks.

    Args:
        column: the column.
        statistic: name of the statistic.
        level: share of later chunks whose effect is beyond the floor, over many references like this one.
        effect: how the effect of one chunk follows that of another.
    """

    column: str
    statistic: str
    level: float
    effect: HealthyEffect


def healthy_flags(healthy: HealthyChunks, floors: LearnedFloors, columns: Sequence[str]) -> tuple[HealthyFlag, ...]:
    """Return the probability that each deciding statistic exceeds its floor on one more chunk of the usual size.

    Args:
        healthy: the healthy chunks of a reference.
        floors: what was learned from them.
        columns: the columns.
    """
    spec = healthy.spec
    if healthy.compared < LEAST_DAYS:
        return ()
    rows = int(np.median([chunk.rows for chunk in healthy.chunks.values()]))
    found = [
        HealthyEffects(column, statistic, effects, effective)
        for column in healthy.columns(columns)
        for statistic, effects, effective in column.effects(rows)
    ]
    usual = usual_skewness(found)
    deciding = {column: deciding_statistics(spec, column) for column in columns}
    return tuple(
        HealthyFlag(
            *each.key,
            each.level(_floor_in_use(spec, floors, each, rows), usual[each.statistic.name]),
            each.follows(rows),
        )
        for each in found
        if each.statistic.name in deciding[each.column.column]
    )


def _floor_in_use(spec: ModelSpec, floors: LearnedFloors, healthy: HealthyEffects, rows: int) -> float:
    column, statistic = healthy.key
    own = spec.drift.floors.get(f"{column}.{statistic}")
    if own is not None:
        return own
    return max(spec.drift.floors.get(statistic, healthy.statistic.floor), floors.floor(column, statistic, rows) or 0.0)
