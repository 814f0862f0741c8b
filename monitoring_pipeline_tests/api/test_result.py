"""A result as text, frame, HTML and JSON."""

import json
from dataclasses import FrozenInstanceError, replace

import pytest

from monitoring_pipeline.api.results.result import Result, measured_chunk
from monitoring_pipeline.api.results.shown import table_of_chunks, table_of_columns
from monitoring_pipeline.evaluation.judgement.verdict import judge
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status, VerdictStatus

ANGRY = "<script>alert('x')</script> & a very long name of a column that goes on and on and on"


def drift(subject: str, value: float, *, breached: bool = False, severity: Severity = Severity.WARNING) -> Measurement:
    measurement = Measurement(
        kind=Kind.DRIFT,
        subject=subject,
        name="jensen_shannon",
        model_version="1",
        value=value,
        p_value=0.001,
        q_value=0.002,
        threshold_upper=0.1,
        severity=severity,
        rows=100,
    )
    return measurement.breached(f"{value} is at least 0.1") if breached else measurement


def result_of(*days: list[Measurement], table=None) -> Result:
    chunks = tuple(measured_chunk(f"2024-01-0{n + 1}", day, judge(day), {}) for n, day in enumerate(days))
    return Result(title="monitor: some days", chunks=chunks, notes=("task: binary",), table=table or table_of_columns())


@pytest.fixture
def result() -> Result:
    return result_of(
        [drift("age", 0.01)], [drift(ANGRY, 0.5, breached=True), drift("x", 0.9, breached=True, severity=Severity.INFO)]
    )


def test_verdict_is_the_worst_and_flagged_days_are_named(result):
    assert (result.verdict, result.flagged, result.drifted) == (VerdictStatus.WARNING, ("2024-01-02",), (ANGRY,))
    assert [m.subject for m in result.breaches] == [ANGRY]
    assert result.reasons[0].startswith("2024-01-02: warning: drift")


def test_summary_fits_into_eighty_columns(result):
    for shown in (
        result,
        result_of(*(chunk.measurements for chunk in result.chunks), table=table_of_chunks("day", "auroc")),
    ):
        assert max(map(len, shown.summary().splitlines())) <= 80
        assert repr(shown) == shown.summary()


@pytest.mark.parametrize(
    "name", ["temperature_celsius", "customer_lifetime_value_in_the_last_twelve_months_before_the_order"]
)
def test_names_and_intervals_are_never_cut(name):
    days = [drift(name, 0.5, breached=True), drift(f"{name}_too", 0.6, breached=True), drift("age", 0.1).skipped("few")]
    auroc = replace(drift("model", 0.69), kind=Kind.PERFORMANCE, name="auroc", lower=0.627, upper=0.751)
    for table in (table_of_columns(), table_of_chunks("day", "auroc")):
        text = result_of([*days, auroc], table=table).summary()
        assert "\N{HORIZONTAL ELLIPSIS}" not in text
        assert max(map(len, text.splitlines())) <= 80
        words = text.replace(",", " ").replace(";", " ").split()
        assert {name, f"{name}_too"} <= set(words)
    assert "0.69 [0.627, 0.751]" in text
    assert f"drifted columns: {name}_too, {name}" in " ".join(text.split())


def test_table_of_columns_has_q_and_p_apart_and_explains_both():
    together = replace(drift("features", 0.7), name="domain_classifier", q_value=None, p_value=0.25)
    result = result_of([drift("age", 0.01), together])
    header, *rows = (
        line.split() for line in result.summary().splitlines() if line.startswith(("column", "age", "feat"))
    )
    assert header == ["column", "statistic", "effect", "floor", "q", "p"]
    assert [row[-1] for row in rows] == ["0.25", "0.002"]
    for text in (" ".join(result.summary().split()), result._repr_html_()):
        assert "q: p-value of a column, corrected for the number of columns; p: of the test of all inputs" in text
    assert "q: " not in result_of([], table=table_of_columns()).summary()


@pytest.mark.parametrize(
    ("before", "now", "shown"),
    [(0.0, 0.0, None), (0.1, 0.1, "10.0%"), (0.0, 0.25, "0.0% -> 25.0%"), (0.5, 0.0, "50.0% -> 0.0%")],
)
def test_table_of_columns_has_the_share_of_nulls_before_and_now(before, now, shown):
    nulls = replace(drift("age", now), kind=Kind.QUALITY, name="null_share", reference_value=before)
    text = result_of([drift("age", 0.2, breached=True), nulls]).summary()
    (row,) = (line for line in text.splitlines() if line.startswith("age"))
    assert row.split()[1] == "drifted"
    assert row.endswith(shown) if shown else "%" not in row


def test_html_has_no_markup_of_names_and_no_fixed_background(result):
    html = result._repr_html_()
    assert "<script" not in html
    assert "&lt;script&gt;" in html
    assert "http" not in html
    assert "background:transparent" in html
    assert "color:inherit" in html


def test_frames_have_a_row_for_each_measurement(result):
    frame = result.to_polars()
    assert frame["subject"].to_list() == ["age", ANGRY, "x"]
    assert frame["value"].to_list() == [0.01, 0.5, 0.9]
    assert frame["severity"].to_list() == ["warning", "warning", "info"]
    assert result.to_pandas().shape == frame.shape


def test_json_has_null_for_what_was_not_measured():
    skipped = drift("age", 0.1).skipped("no rows")
    document = json.loads(result_of([skipped]).to_json())
    (measurement,) = document["chunks"][0]["measurements"]
    assert (measurement["value"], measurement["status"], measurement["reason"]) == (None, "skipped", "no rows")
    assert document["verdict"] == "unknown"
    assert Status(measurement["status"]) is Status.SKIPPED


def test_result_cannot_be_changed(result):
    with pytest.raises(FrozenInstanceError):
        result.title = "other"


def test_result_without_chunks_is_unknown():
    assert result_of().verdict is VerdictStatus.UNKNOWN
    assert result_of().to_polars().is_empty()
