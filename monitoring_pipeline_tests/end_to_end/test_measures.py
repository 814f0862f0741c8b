"""Measures of the user's own in real runs of Dagster: numbers, a breach, and functions that fail."""

import pytest

from monitoring_pipeline_tests.worlds.one_model_world import OneModelWorld

OWN = "monitoring_pipeline_tests.steps.own_measures"
FIRST, LAST = "2024-02-01", "2024-02-04"


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patched:
        world = OneModelWorld(tmp_path_factory.mktemp("measured"), patched)
        world.rows("2024-01-22 05:00", "2024-02-05 05:00", "10 minutes")
        world.execute("UPDATE scores SET score = score / 3 WHERE ts >= TIMESTAMP '2024-02-02 05:00'")
        world.spec(
            start=FIRST,
            windows=[],
            reference={"1": {"start": "2024-01-22", "end": FIRST}},
            segments={"by": {"c": "c"}},
            measures={
                "mean_score": {
                    "function": f"{OWN}:mean_score", "columns": ["score"], "by_segment": True, "better": "higher",
                    "threshold": {"worse_than_reference": 0.2},
                },
                "labelled": {"function": f"{OWN}:by_label", "columns": ["score"]},
                "broken": {"function": f"{OWN}:failing", "threshold": {"upper": 1}},
                "slow": {"function": f"{OWN}:_late", "seconds": 0.1, "by_segment": True},
            },
        )  # fmt: skip
        world.run("backfill", "m", "--from", FIRST, "--to", LAST)
        yield world


def _of(world, name, columns="value", segment=""):
    query = f"SELECT chunk, {columns} FROM current_measurements WHERE name = ? AND segment = ? AND subject = 'measures'"
    return {row[0]: row[1:] for row in world.ask(f"{query} AND chunk NOT LIKE '%/%'", name, segment)}


def test_number_is_that_of_the_chunks_rows(measured):
    of_day = "ts >= TIMESTAMP '{0} 05:00' AND ts < TIMESTAMP '{0} 05:00' + INTERVAL 1 DAY"
    mean = f"SELECT avg(score) FROM scores WHERE {of_day}"
    found = _of(measured, "mean_score")
    assert set(found) == {"2024-02-01", "2024-02-02", "2024-02-03", "2024-02-04"}
    for day, (value,) in found.items():
        assert value == pytest.approx(measured.number(mean.format(day)), rel=1e-12)
    of_segment = _of(measured, "mean_score", segment="c=A")[FIRST][0]
    assert of_segment == pytest.approx(measured.number(f"{mean.format(FIRST)} AND c = 'A'"), rel=1e-12)
    assert _of(measured, "labelled[labelled]")[FIRST] == (144.0,)
    assert _of(measured, "labelled[columns]")[FIRST] == (5.0,)


def test_worse_than_on_the_reference_is_an_incident(measured):
    ((cause, title),) = measured.ask("SELECT cause, title FROM incidents WHERE cause LIKE 'business%'")
    assert cause == "business:mean_score"
    assert title.startswith("mean_score is 0.1")


def test_failing_function_names_itself_model_and_chunk_and_stops_nothing(measured):
    ((status, reason),) = {tuple(_of(measured, "broken", "status, reason")[LAST])}
    assert status == "skipped"
    assert reason == f"m {LAST}: {OWN}:failing could not measure: it failed: ValueError: no column named 'row_id'"
    assert set(measured.verdicts()) == {"2024-02-01", "2024-02-02", "2024-02-03", "2024-02-04"}


def test_threshold_on_a_failing_function_is_an_incident_of_what_could_not_be_measured(measured):
    ((title,),) = measured.ask("SELECT title FROM incidents WHERE cause = 'unmeasured:business'")
    assert f"broken: m {LAST}: {OWN}:failing could not measure: it failed" in title


def test_function_that_gives_no_number_for_all_rows_is_not_called_for_segments(measured):
    query = "SELECT DISTINCT segment, reason FROM current_measurements WHERE name = 'slow' AND chunk = ?"
    found = measured.ask(query, LAST)
    assert found == [("", f"m {LAST}: {OWN}:_late could not measure: it did not answer within 0.1 s")]


def test_report_has_the_measures(measured):
    page = measured.folder / "m.html"
    measured.run("report", "m", "--output", str(page))
    html = page.read_text(encoding="utf-8")
    assert "Measures from your own functions" in html
    assert "labelled[columns]" in html
    assert "it did not answer within 0.1 s" in html
