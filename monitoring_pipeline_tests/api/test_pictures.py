"""The charts of results: the numbers behind them, a notebook that is really executed, and how Chromium shows it."""

from collections.abc import Iterator
from pathlib import Path

import nbformat
import numpy as np
import polars as pl
import pytest
from nbclient import NotebookClient
from playwright.sync_api import Page

import monitoring_pipeline as mp
from monitoring_pipeline.api.results.result import Result
from monitoring_pipeline.web_pages import extra
from monitoring_pipeline_tests.end_to_end.browser import browser_page

HOSTILE = "<script>alert(1)</script>"
CELL = """
import monitoring_pipeline as mp
import polars as pl

mp.compare(pl.read_parquet("before.parquet"), pl.read_parquet("now.parquet"))
"""


def frames() -> tuple[pl.DataFrame, pl.DataFrame]:
    """Return 600 rows, and 300 rows with twice the income and a new plan; a former plan has a hostile name."""
    random = np.random.default_rng(4)

    def rows(count: int, factor: float, plans: list[str]) -> pl.DataFrame:
        income = factor * random.lognormal(10, 0.4, count)
        return pl.DataFrame(
            {"income": income, "age": random.integers(18, 80, count), "plan": random.choice(plans, count)}
        )

    return rows(600, 1, ["basic", HOSTILE]), rows(300, 2, ["basic", "plus"])


@pytest.fixture(scope="module")
def compared() -> Result:
    return mp.compare(*frames())


def test_charts_of_a_comparison_show_drifted_columns_first_with_their_shares(compared: Result) -> None:
    charts = list(compared.draw())
    names = [chart.sentence.split(":")[0] for chart in charts]
    assert set(names) == {"income", "age", "plan"}
    assert set(names[:2]) == set(compared.drifted) - {"features"} == {"income", "plan"}
    plan = {row[0]: row[1:] for row in charts[names.index("plan")].rows}
    before, now = frames()
    shares = [f"{100 * (frame['plan'] == 'basic').mean():.1f} %" for frame in (before, now)]
    assert list(plan["basic"]) == shares


def test_charts_of_monitored_days_have_the_values_of_the_result() -> None:
    random, days = np.random.default_rng(5), 20
    times = pl.datetime_range(
        pl.datetime(2025, 1, 1), pl.datetime(2025, 1, days, 23), "15m", eager=True, time_zone="UTC"
    )
    score = random.random(len(times))
    rows = pl.DataFrame(
        {
            "at": times,
            "x": random.random(len(times)),
            "score": score,
            "label": (random.random(len(times)) < score).astype(int),
        }
    )
    result = mp.monitor(rows, time="at", reference=("2025-01-01", "2025-01-15"), label="label", score="score")
    chart = result.draw()[0]
    measured = result.to_polars().filter((pl.col("metric") == "auroc") & (pl.col("kind") == "performance"))
    assert chart.sentence.startswith("auroc: ")
    expected = {row["chunk"]: f"{row['value']:.3f}" for row in measured.iter_rows(named=True)}
    assert {row[0]: row[1] for row in chart.rows} == expected != {}


def test_result_without_the_extra_is_a_table(compared: Result, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "<svg" in compared._repr_html_()
    monkeypatch.setattr(extra, "_is_installed", lambda name: name != "altair")
    html = compared._repr_html_()
    assert "<svg" not in html
    assert "<table" in html


def test_charts_have_no_script_link_or_class_and_hostile_values_stay_text(compared: Result) -> None:
    html = compared._repr_html_()
    for forbidden in ("<script", "href=", "class=", "src="):
        assert forbidden not in html
    assert "&lt;script&gt;" in html


@pytest.fixture
def page() -> Iterator[Page]:
    with browser_page() as opened:
        yield opened


def test_executed_notebook_shows_charts_in_chromium(page: Page, tmp_path: Path) -> None:
    before, now = frames()
    before.write_parquet(tmp_path / "before.parquet")
    now.write_parquet(tmp_path / "now.parquet")
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(CELL)])
    NotebookClient(notebook, timeout=300, kernel_name="python3").execute(cwd=str(tmp_path))
    (output,) = [out for out in notebook.cells[0].outputs if out.output_type == "execute_result"]
    said: list[str] = []
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.set_content(f'<body style="background:#111;color:#eee">{output.data["text/html"]}</body>')
    drawings = page.locator("figure svg")
    assert drawings.count() == 3
    for place in range(3):
        box = drawings.nth(place).bounding_box()
        assert box is not None
        assert box["width"] > 100
        assert box["height"] > 30
    labels = page.locator("figure svg text").first
    assert labels.evaluate("text => getComputedStyle(text).fill") == "rgb(238, 238, 238)"
    assert not said
