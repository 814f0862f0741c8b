"""When an alert that a channel did not take is tried again."""

import datetime as dt

SHORTEST_WAIT = dt.timedelta(minutes=1)
LONGEST_WAIT = dt.timedelta(hours=1)
GIVE_UP_AFTER = dt.timedelta(days=3)


def wait_after(attempts: int, *, needs_a_person: bool) -> dt.timedelta | None:
    """Return the wait after a failed attempt: 1, 2, 4, ... minutes up to an hour, for three days in all.

    Args:
        attempts: how many attempts had failed before this one.
        needs_a_person: an hour each time: sooner is of no use.

    Returns:
        The wait; ``None`` when the waits until now make three days: then the alert is given up.
    """
    waits = [LONGEST_WAIT if needs_a_person else _doubled(attempt) for attempt in range(attempts + 1)]
    return None if sum(waits[:-1], dt.timedelta()) >= GIVE_UP_AFTER else waits[-1]


def _doubled(attempt: int) -> dt.timedelta:
    # The exponent is bounded: two to the power of a large number of attempts is no timedelta.
    return min(LONGEST_WAIT, SHORTEST_WAIT * 2 ** min(attempt, 10))
