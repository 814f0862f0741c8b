"""Reports for programs: full precision, times in UTC, null for what was not measured."""

import csv
import datetime as dt
import io
import json
import math

import pytest

from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.reports.records import csv_text, json_text, plain_value
from monitoring_pipeline.reports.report import report_of_records
from monitoring_pipeline.reports.terminal.queries import query_table

BERLIN = dt.timezone(dt.timedelta(hours=2))
FIELDS = ("model", "value", "reason", "columns")
ROWS = [("churn", 1 / 3, None, ["age", "plan"]), ("spend", None, 'too few "rows",\n12', [])]


def test_json_is_a_list_with_a_record_per_line():
    text = json_text([report_of_records("results", FIELDS, ROWS)])
    assert json.loads(text) == [dict(zip(FIELDS, row, strict=True)) for row in ROWS]
    assert len(text.splitlines()) == 2 + len(ROWS)


def test_json_of_no_records_is_an_empty_list():
    assert json.loads(json_text([report_of_records("results", FIELDS, [])])) == []


def test_json_of_several_reports_is_an_object_and_equal_fields_are_one_list():
    one, other = (report_of_records(name, fields, [(1,)], name=name) for name, fields in (("a", "x"), ("b", "y")))
    assert json.loads(json_text([one, other])) == {"a": [{"x": 1}], "b": [{"y": 1}]}
    assert json.loads(json_text([one, one])) == [{"x": 1}, {"x": 1}]


def test_csv_has_a_header_full_precision_and_lists_as_json():
    header, *rows = csv.reader(io.StringIO(csv_text(report_of_records("results", FIELDS, ROWS))))
    assert header == list(FIELDS)
    assert float(rows[0][1]) == 1 / 3
    assert rows[1][:3] == ["spend", "", 'too few "rows",\n12']
    assert [json.loads(row[3]) for row in rows] == [["age", "plan"], []]


def test_csv_of_no_records_has_its_header():
    assert csv_text(report_of_records("results", FIELDS, [])) == "model,value,reason,columns"


@pytest.mark.parametrize(("value", "plain"), [
    (math.nan, None),
    (math.inf, None),
    (True, True),
    (Severity.INFO, "info"),
    ({Severity.INFO: 2}, {"info": 2}),
    (dt.datetime(2024, 5, 1, 12, 30, tzinfo=BERLIN), "2024-05-01T10:30:00Z"),
    (dt.datetime(2024, 5, 1, 10, 30, 0, 5), "2024-05-01T10:30:00.000005Z"),  # noqa: DTZ001
    (dt.date(2024, 5, 1), "2024-05-01"),
])  # fmt: skip
def test_value_becomes_one_that_json_has(value, plain):
    assert plain_value(value) == plain
    assert type(plain_value(value)) is type(plain)


def test_query_has_equal_types_from_sqlite_and_postgresql():
    fields = ("at", "ongoing", "reason")
    of_sqlite = query_table("q", fields, [("2024-04-07 06:00:00.000000", 1, "2024-04-07 06:00:00")])
    of_postgresql = query_table("q", fields, [(dt.datetime(2024, 4, 7, 6, tzinfo=dt.UTC), True, "2024-04-07 06:00:00")])
    assert json_text([of_sqlite]) == json_text([of_postgresql])
    assert '"at": "2024-04-07T06:00:00Z", "ongoing": true, "reason": "2024-04-07 06:00:00"' in json_text([of_sqlite])
