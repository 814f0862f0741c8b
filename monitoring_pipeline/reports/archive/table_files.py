"""Rows of the store as lines of CSV."""

import csv
import datetime as dt
import io
import json
from collections.abc import Iterable, Sequence

from monitoring_pipeline.reports.archive.zip_file import SummedFile


def write_csv(file: SummedFile, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> int:
    """Write a header and a line for each row, and return the number of rows.

    Numbers have full precision, times are ISO 8601 in UTC, lists and objects are JSON, and null is empty.
    """
    text = io.TextIOWrapper(io.BufferedWriter(file, 1 << 16), encoding="utf-8", newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    count = 0
    for row in rows:
        writer.writerow([_cell(value) for value in row])
        count += 1
    text.flush()
    text.detach().detach()
    return count


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dt.datetime):
        return value.isoformat()
    if isinstance(value, (dict, list)):
        return json.dumps(value, ensure_ascii=False, sort_keys=True)
    return repr(value) if isinstance(value, float) else str(value)
