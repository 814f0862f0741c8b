"""Any table gives a draft that a run accepts, or a refusal with a question."""

import datetime as dt
import tempfile
from pathlib import Path
from typing import Any

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.drafting.refusal import CannotDraftError
from monitoring_pipeline.spec.loading import load_spec
from monitoring_pipeline.steps.specs.checks import check_model
from monitoring_pipeline_tests.steps.drafting.drafts import draft, write_tables

ROWS = 60
START = dt.datetime(2025, 1, 1)  # noqa: DTZ001 - tables hold times without a zone
NAMES = st.one_of(
    st.sampled_from(
        ["id", "request_id", "scored_at", "ts", "date", "score", "p_1", "p_0", "prediction", "y_hat", "label", "y",
         "target", "model_version", "outcome", "known_at", "age", 'Größe: "mm"\n', "a.b", "null", "true", "1", "- x"]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8),
)  # fmt: skip
VALUES: list[st.SearchStrategy[Any]] = [
    st.floats(0, 1), st.floats(-1e6, 1e6), st.integers(-5, 5), st.integers(0, 10**12), st.booleans(),
    st.sampled_from(["yes", "no", "null", "a: b", "", "7", "é", "x\ny"]), st.text(max_size=4), st.none(),
    st.just(-999.0), st.sampled_from([float("nan"), float("inf"), 0.5]),
]  # fmt: skip
TIMES = [
    [START + dt.timedelta(hours=9 * place) for place in range(ROWS)],
    [(START + dt.timedelta(hours=9 * place)).date() for place in range(ROWS)],
    [1_735_689_600 + 32_400 * place for place in range(ROWS)],
    [f"{START + dt.timedelta(hours=9 * place):%Y-%m-%dT%H:%M:%S}Z" for place in range(ROWS)],
    [dt.datetime(9999, 12, 31)] * ROWS,  # noqa: DTZ001
    [dt.datetime(2999, 1, 1)] * ROWS,  # noqa: DTZ001
]


@st.composite
def _tables(draw: st.DrawFn) -> pl.DataFrame:
    names = draw(st.lists(NAMES, min_size=1, max_size=8, unique_by=str.casefold))
    columns: dict[str, list[Any]] = {}
    for name in names:
        choice = draw(st.integers(0, 3))
        if choice == 0:
            columns[name] = draw(st.sampled_from(TIMES))
        elif choice == 1:
            columns[name] = draw(st.sampled_from([list(range(ROWS)), [f"r{place}" for place in range(ROWS)]]))
        else:
            kind = draw(st.sampled_from(VALUES))
            few = draw(st.lists(kind, min_size=1, max_size=9))
            columns[name] = [few[place * 7 % len(few)] for place in range(ROWS)]
    return pl.DataFrame(columns, strict=False)


@given(_tables())
@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
def test_draft_of_any_table_is_a_valid_spec_or_a_question(frame):
    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "w.duckdb"
        write_tables(database, {'any "table"': frame})
        try:
            plan = draft(database)
        except CannotDraftError:
            return
        path = Path(folder) / f"{plan.name}.yaml"
        path.write_text(plan.text(["Drafted."]), encoding="utf-8")
        loaded = load_spec(path)
        check_model(loaded)
        assert loaded.spec == plan.spec
