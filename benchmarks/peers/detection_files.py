"""The days of the benchmark of corrupted days as data frames, for peers in environments of their own.

FOLDER has one folder for each reference, with ``reference.parquet`` and a file for each day that is judged by it.
"""

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pandas as pd

TIME = "local_time"
Flags = Mapping[str, bool]


def each_day(detector: Callable[[pd.DataFrame], Callable[[pd.DataFrame], Flags]]) -> None:
    """Print, for each file of a day, which rules flag it, as JSON.

    Args:
        detector: from a reference to a function that judges a day: whether it is flagged, by name of the rule.
    """
    found: dict[str, Flags] = {}
    folder = Path(sys.argv[1])
    for reference in sorted(folder.glob("*/reference.parquet")):
        judge = detector(pd.read_parquet(reference))
        for day in sorted(reference.parent.glob("day-*.parquet")):
            found[day.relative_to(folder).as_posix()] = judge(pd.read_parquet(day))
    print(json.dumps(found))


def kinds(rows: pd.DataFrame) -> tuple[list[str], list[str]]:
    """Return the numeric columns and those of text, without the time."""
    names = [name for name in rows if name != TIME]
    numeric = [name for name in names if pd.api.types.is_numeric_dtype(rows[name])]
    return numeric, [name for name in names if name not in numeric]
