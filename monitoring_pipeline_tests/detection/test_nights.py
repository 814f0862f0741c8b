"""The nights of the scorecard are those of the pipeline: a fault is flagged, and leaves nothing behind."""

import datetime as dt

import numpy as np
import polars as pl

from benchmarks.detection.nights import nights

FIRST, DAYS, REFERENCE_DAYS, ROWS = dt.date(2024, 1, 1), 26, 21, 120


def _rows(days, shift=0.0):
    random = np.random.default_rng(min(days))
    at = [
        dt.datetime.combine(FIRST, dt.time(), dt.UTC) + dt.timedelta(day, 600 * row)
        for day in days
        for row in range(ROWS)
    ]
    # The model feels its input: drift without an effect on outputs is information.
    x = random.normal(shift, 1, len(at))
    return pl.DataFrame(
        {
            "id": [f"{moment:%j}-{place}" for place, moment in enumerate(at)],
            "at": at,
            "x": x,
            "guess": x + random.normal(0, 0.5, len(at)),
        },
        schema_overrides={"at": pl.Datetime("us", "UTC")},
    )


def _content():
    start = FIRST + dt.timedelta(REFERENCE_DAYS)
    return {
        "name": "small",
        "owner": "team:tests",
        "timezone": "UTC",
        "task": "regression",
        "start": start,
        "predictions": {"table": "rows", "id": "id", "time": "at", "prediction": "guess"},
        "features": {"x": "numeric"},
        "reference": {"1": {"start": FIRST, "end": start}},
    }


def test_a_bad_day_is_flagged_and_later_days_see_only_its_good_rows():
    with nights(_content(), {"rows": _rows(range(DAYS))}) as home:
        calendar = home.spec.calendar
        first, second = calendar.range(calendar.first, calendar.next(calendar.first))
        before = home.judge(first)
        home.replace_rows(first, _rows([REFERENCE_DAYS], shift=3.0))
        bad = home.judge(first)
        home.replace_rows(
            first, _rows(range(DAYS)).filter(pl.col("at").is_between(first.start, first.end, closed="left"))
        )
        after, next_day = home.judge(first), home.judge(second)
    assert [one.is_flagged for one in (before, bad, after, next_day)] == [False, True, False, False]
    assert {m.subject for m in bad.breached("warning", "critical")} >= {"x"}
    values = [{(m.subject, str(m.metric)): m.value for m in one.measurements} for one in (before, after)]
    assert values[0] == values[1]


def test_a_lasting_shift_opens_an_incident_of_its_column():
    rows = pl.concat([_rows(range(REFERENCE_DAYS)), _rows(range(REFERENCE_DAYS, DAYS), shift=3.0)])
    with nights(_content(), {"rows": rows}) as home:
        calendar = home.spec.calendar
        chunks = calendar.range(calendar.first, calendar.chunk_at(rows["at"][-1]))
        judged, alarms = home.live_through(chunks)
    assert all(one.is_flagged for one in judged)
    assert alarms
    assert alarms[0].key in {chunk.key for chunk in chunks[:3]}
    assert "x" in {finding.subject for finding in alarms[0].incident.findings}
