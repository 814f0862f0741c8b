"""When the rows of a chunk are complete: they are there, and have not changed for a while."""

import datetime as dt
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec

LAST_CALL = dt.timedelta(hours=2)
"""So long after its scheduled time a chunk is measured with the rows that it has by then."""

State = tuple[int, str]
"""The number of rows of a chunk, and the time of the last one as text; empty without rows."""
NOTHING: State = (0, "")


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """What has been seen of the rows of a chunk.

    Attributes:
        state: what was seen last.
        since: when it was first seen; ISO 8601.
        runs: how many runs have been requested.
        measured: the state at the last request; None before the first one.
    """

    state: State
    since: str
    runs: int = 0
    measured: State | None = None

    def has_settled(self, now: dt.datetime, settle: dt.timedelta) -> bool:
        """Return whether there are rows that have not changed for the time that the spec names."""
        return self.state != NOTHING and now - dt.datetime.fromisoformat(self.since) >= settle

    def seen(self, state: State | None, now: dt.datetime) -> "Arrival":
        """Return the arrival after one more look; ``state`` is None if the warehouse was away."""
        if state is None or state == self.state:
            return self
        return replace(self, state=state, since=now.isoformat())

    def requested(self) -> "Arrival":
        """Return the arrival after one more request for a run."""
        return replace(self, runs=self.runs + 1, measured=self.state)


Arrivals = Mapping[str, Arrival]
"""By chunk key."""


def chunks_to_look_at(spec: ModelSpec, now: dt.datetime) -> tuple[Chunk, ...]:
    """Return the monitored chunks that have ended within the model's horizon, at least the last one."""
    calendar = spec.calendar
    chunk = calendar.last_complete(now)
    found = [chunk]
    while now - calendar.previous(chunk).end <= spec.incidents.horizon:
        chunk = calendar.previous(chunk)
        found.append(chunk)
    return tuple(each for each in reversed(found) if calendar.is_monitored(each))


def look(
    before: Arrivals,
    states: Mapping[str, State] | None,
    chunks: Sequence[Chunk],
    *,
    judged: frozenset[str],
    now: dt.datetime,
) -> dict[str, Arrival]:
    """Return the arrivals of the chunks after one more look.

    Args:
        before: the arrivals before it.
        states: the states of the chunks; None if the warehouse was away.
        chunks: the chunks.
        judged: keys of chunks with a verdict. Those that are seen for the first time count as measured on their rows.
        now: the time of the look.
    """
    found: dict[str, Arrival] = {}
    for chunk in chunks:
        state = None if states is None else states[chunk.key]
        known = before.get(chunk.key)
        if known is None:
            first = Arrival(state=state or NOTHING, since=now.isoformat())
            # Of what is not seen now, nothing can be known later.
            known = replace(first, runs=1, measured=state) if chunk.key in judged else first
        elif known.measured is None and known.runs and state is not None:
            known = replace(known, measured=state)
        found[chunk.key] = known.seen(state, now)
    return found


def is_due(spec: ModelSpec, chunk: Chunk, arrival: Arrival, now: dt.datetime) -> bool:
    """Return whether a run of a chunk is to be requested.

    That is so when rows have settled that no run was requested for, and at the last call if none was requested at all.
    """
    if arrival.has_settled(now, spec.upstream.settle):
        return arrival.runs == 0 or arrival.measured not in {None, arrival.state}
    return arrival.runs == 0 and now >= spec.calendar.due_at(chunk) + LAST_CALL


def as_text(arrivals: Arrivals) -> str:
    """Return arrivals as text; equal arrivals have equal texts."""
    return json.dumps({key: vars(arrival) for key, arrival in sorted(arrivals.items())}, separators=(",", ":"))


def from_text(text: str | None) -> dict[str, Arrival]:
    """Return the arrivals of a text from ``as_text``; none if it cannot be read."""
    try:
        stored: dict[str, dict[str, Any]] = json.loads(text or "{}")
        return {
            key: Arrival(
                state=_state(entry["state"]),
                since=entry["since"],
                runs=entry["runs"],
                measured=None if entry["measured"] is None else _state(entry["measured"]),
            )
            for key, entry in stored.items()
        }
    except (ValueError, KeyError, TypeError, AttributeError):
        return {}


def _state(stored: Sequence[Any]) -> State:
    rows, latest = stored
    return int(rows), str(latest)
