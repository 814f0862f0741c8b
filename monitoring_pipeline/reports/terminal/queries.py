"""The report of a documented query."""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import replace

from monitoring_pipeline.reports.report import Report, report_of_records

# SQLite has neither times nor booleans, and PostgreSQL has both.
TIMES = re.compile(r"(.+_)?(at|known_since)")
TIME = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d+)?")
BOOLEANS = frozenset({"ongoing"})


def query_table(name: str, fields: Sequence[str], rows: Sequence[Sequence[object]]) -> Report:
    """Return the result of a query; its records have equal types from every database."""
    typed = [{field: _typed(field, value) for field, value in zip(fields, row, strict=True)} for row in rows]
    return replace(report_of_records(name, fields, rows), records=tuple(typed))


def _typed(field: str, value: object) -> object:
    if isinstance(value, str) and TIMES.fullmatch(field) and TIME.fullmatch(value):
        return dt.datetime.fromisoformat(value).replace(tzinfo=dt.UTC)
    return bool(value) if field in BOOLEANS and value is not None else value
