"""Functions that a spec of the tests names as measures."""

import threading
import time

RELEASED = threading.Event()


def mean_score(rows):
    return rows["score"].mean()


def by_label(rows):
    known = rows.drop_nulls("label")
    return {"labelled": known.height, "columns": len(rows.columns)}


def slow(_rows):
    time.sleep(5)
    return 1.0


def _late(_rows):
    time.sleep(0.2)
    return 1.0


def _held(_rows):
    RELEASED.wait(60)
    return 1.0


def failing(rows):
    raise ValueError(f"no column named {rows.columns[0]!r}")


def leaving(_rows):
    raise SystemExit(3)


def nan(_rows):
    return float("nan")


def words(_rows):
    return {"a": "many"}


def none(_rows):
    return None


def bracketed(_rows):
    return {"a[b]": 1.0}


class _Counting:
    """An object that can be called, and has no name of its own."""

    def __call__(self, rows):
        return rows.height


counting = _Counting()
