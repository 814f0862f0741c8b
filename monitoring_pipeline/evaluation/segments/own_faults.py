"""Which segments a fault belongs to: of segments that overlap, those that show it without the rows of the others.

A fault of one origin is also seen in the carriers that fly from there. So the segment with the strongest evidence is
taken first, and another one only if at least half of its change stays without the rows of those that were taken.
"""

from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from monitoring_pipeline.evaluation.segments.membership import Part
from monitoring_pipeline.records.measurement import Measurement

Flags = NDArray[np.bool_]
OWN_SHARE = 0.5


@dataclass(frozen=True, eq=False)
class Suspected:
    """A breach in a segment.

    Args:
        about: what is breached, such as a column and a statistic; only breaches about the same explain each other.
        part: the segment.
        measurement: the breach.
        change: its size, of which the segment has to show half without the rows of others.
        strength: places the breaches; the largest is taken first.
        elsewhere: returns the size of the change in all rows outside of the segment; None if they are too few.
        change_in: returns the size of the change in some rows of the segment; None if they are too few.
    """

    about: Hashable
    part: Part
    measurement: Measurement
    change: float
    strength: tuple[float, ...]
    elsewhere: Callable[[], float | None]
    change_in: Callable[[Flags], float | None]


def with_their_own(suspected: Sequence[Suspected]) -> tuple[Measurement, ...]:
    """Return the breaches of segments that show a change of their own.

    A change that the rows outside of the segment show, too, by at least half, is one of all rows and left out.
    """
    ordered = sorted(suspected, key=lambda one: (*(-each for each in one.strength), one.part.name))
    taken: dict[Hashable, list[Suspected]] = {}
    for one in ordered:
        others = taken.setdefault(one.about, [])
        if _is_everywhere(one):
            continue
        without = one.part.rows.copy()
        for other in others:
            without &= ~other.part.rows
        if others and not _stays(one, without):
            continue
        others.append(one)
    return tuple(replace(one.measurement, segment=one.part.name) for own in taken.values() for one in own)


def _is_everywhere(one: Suspected) -> bool:
    elsewhere = one.elsewhere()
    return elsewhere is not None and elsewhere >= OWN_SHARE * one.change


def _stays(one: Suspected, rows: Flags) -> bool:
    left = one.change_in(rows)
    return left is not None and left >= OWN_SHARE * one.change
