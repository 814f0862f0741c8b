"""Reports for programs: JSON and CSV, with numbers in full precision and times in UTC."""

import csv
import datetime as dt
import io
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from enum import Enum
from types import NoneType, UnionType
from typing import Any

from monitoring_pipeline.reports.report import Report

NESTED = (dict, list, bool)


def merged(reports: Sequence[Report]) -> list[Report]:
    """Return the reports, those of the same fields as one."""
    by_fields: dict[tuple[str, ...], Report] = {}
    for report in reports:
        before = by_fields.get(report.fields)
        by_fields[report.fields] = replace(before, records=before.records + report.records) if before else report
    return list(by_fields.values())


def json_text(reports: Sequence[Report]) -> str:
    """Return one JSON document: a list of records, each in one line; several reports are an object of such lists."""
    several = merged(reports)
    if len(several) == 1:
        return _listed(several[0])
    return "{\n" + ",\n".join(f"{json.dumps(report.name)}: {_listed(report)}" for report in several) + "\n}"


def csv_text(report: Report) -> str:
    """Return a header and a line per record; nothing stands for null, and lists and objects stand as JSON."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(report.fields)
    for record in report.records:
        lines.writerow([_csv_value(plain_value(record.get(field))) for field in report.fields])
    return written.getvalue().rstrip("\n")


def _listed(report: Report) -> str:
    lines = [_json({field: plain_value(record.get(field)) for field in report.fields}) for record in report.records]
    return "[\n" + ",\n".join(lines) + "\n]" if lines else "[]"


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def plain_value(value: object) -> object:
    """Return a value that JSON has: times as ISO 8601 in UTC, null for a number that is not finite."""
    return next((plain(value) for kind, plain in PLAIN if isinstance(value, kind)), str(value))


def _utc(time: dt.datetime) -> str:
    """Return a time in UTC; the store keeps times without a zone in UTC."""
    in_utc = time.replace(tzinfo=dt.UTC) if time.tzinfo is None else time.astimezone(dt.UTC)
    return in_utc.isoformat().replace("+00:00", "Z")


def _csv_value(value: object) -> object:
    if isinstance(value, NESTED):
        return _json(value)
    return "" if value is None else value


# An enumeration of texts is a text, so it comes before the texts.
PLAIN: tuple[tuple[type | UnionType, Callable[[Any], object]], ...] = (
    (NoneType, lambda _: None),
    (Enum, lambda value: plain_value(value.value)),
    (bool | int, lambda value: value),
    (float | Decimal, lambda value: float(value) if math.isfinite(value) else None),
    (dt.datetime, _utc),
    (Mapping, lambda value: {str(plain_value(key)): plain_value(entry) for key, entry in value.items()}),
    (list | tuple | set | frozenset, lambda value: [plain_value(entry) for entry in value]),
)
