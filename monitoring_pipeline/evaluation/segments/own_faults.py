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
LEAST_OTHERS = 0.05
"""A segment of nearly all rows, with fewer others, has no fault of its own: the numbers of all rows show it."""


@dataclass(frozen=True, eq=False)
class Suspected:
    """A breach in a segment.

    Args:
        about: what is breached, such as a column and a statistic; only breaches about the same explain each other.
        part: the segment.
        measurement: the breach.
        change: its size, of which the segment has to show half without the rows of others.
        strength: places the breaches; the largest is taken first.
        elsewhere: returns the size of the change in some rows outside of the segment; None if they are too few.
        change_in: returns the size of the change in some rows of the segment; None if they are too few.
    """

    about: Hashable
    part: Part
    measurement: Measurement
    change: float
    strength: tuple[float, ...]
    elsewhere: Callable[[Flags], float | None]
    change_in: Callable[[Flags], float | None]


def with_their_own(suspected: Sequence[Suspected]) -> tuple[Measurement, ...]:
    """Return the breaches of segments that show a change of their own.

    A change that the rows outside of the segment show, too, by at least half, is one of all rows and left out. The
    rows of the segments that were taken are left out of both.
    """
    parts = [one for one in suspected if np.mean(~one.part.rows) >= LEAST_OTHERS]
    # Of segments with the same rows, the one that was declared first is named.
    ordered = sorted(parts, key=lambda one: tuple(-each for each in one.strength))
    taken: dict[Hashable, list[Suspected]] = {}
    for one in ordered:
        others = taken.setdefault(one.about, [])
        left = np.ones_like(one.part.rows)
        for other in others:
            left &= ~other.part.rows
        if not _is_everywhere(one, left) and (not others or _stays(one, left)):
            others.append(one)
    return tuple(replace(one.measurement, segment=one.part.name) for own in taken.values() for one in own)


def clearer_than(one: Suspected, others: Sequence[Suspected]) -> Suspected | None:
    """Return the segment in which a change is seen most clearly, if the change of ``one`` is only part of it.

    It stays without the rows of ``one``, and that of ``one`` does not stay without its rows. It need not be a breach:
    what is beyond the usual in a carrier may be within it at the airport from which all of its flights leave.
    """
    clearer = [
        other
        for other in others
        if other.about == one.about
        and other.strength > one.strength
        and np.mean(~other.part.rows) >= LEAST_OTHERS
        and not _stays(one, ~other.part.rows)
        and _stays(other, ~one.part.rows)
    ]
    return max(clearer, key=lambda other: other.strength, default=None)


def _is_everywhere(one: Suspected, left: Flags) -> bool:
    elsewhere = one.elsewhere(left & ~one.part.rows)
    return elsewhere is not None and elsewhere >= OWN_SHARE * one.change


def _stays(one: Suspected, left: Flags) -> bool:
    own = one.change_in(left & one.part.rows)
    return own is not None and own >= OWN_SHARE * one.change
