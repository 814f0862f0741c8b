"""Counts and Great Expectations give the same outcome, for every type of expectation that counts answer.

CI runs some examples. ``MONITORING_PIPELINE_FUZZ_EXAMPLES=1000`` runs more.
"""

import datetime as dt
import os
import subprocess
import sys
from decimal import Decimal

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from monitoring_pipeline.quality import engine
from monitoring_pipeline.quality.counts.arguments import are_plain
from monitoring_pipeline.quality.counts.counting import count
from monitoring_pipeline.quality.counts.table import COUNTED, is_counted
from monitoring_pipeline.quality.expectation import KNOWN_TYPES, Expectation

EXAMPLES = int(os.environ.get("MONITORING_PIPELINE_FUZZ_EXAMPLES", "15"))
TEXTS = ("a", "b", "Zürich", "", "it's", "nan")
FLOATS = (0.0, -0.0, 1.0, 1.5, -2.25, float("nan"), float("inf"), float("-inf"), 0.1, 0.2, 1e300)
NUMBERS = (-3, -1, 0, 1, 2, 7, 0.5, 1.5, 0.1)
COLUMNS: dict[str, st.SearchStrategy[object]] = {
    "whole": st.integers(-3, 3),
    "small": st.integers(0, 3),
    "real": st.sampled_from(FLOATS),
    "finite": st.sampled_from((0.0, 1.0, 1.5, -2.25, 0.1)),
    "single": st.sampled_from((0.0, 1.0, 1.5, float("nan"))),
    "text": st.sampled_from(TEXTS),
    "level": st.sampled_from(("a", "b")),
    "flag": st.booleans(),
    "price": st.sampled_from((Decimal("0.10"), Decimal("1.50"), Decimal("-2.25"))),
    "day": st.sampled_from((dt.date(2024, 1, 1), dt.date(2024, 2, 29))),
    "moment": st.sampled_from((dt.datetime(2024, 1, 1, tzinfo=dt.UTC), dt.datetime(2024, 2, 29, 12, tzinfo=dt.UTC))),
    "blob": st.sampled_from((b"a", b"b")),
}
TYPES: dict[str, pl.DataType] = {
    "whole": pl.Int64(), "small": pl.UInt8(), "real": pl.Float64(), "finite": pl.Float64(), "single": pl.Float32(),
    "text": pl.String(), "level": pl.Categorical(), "flag": pl.Boolean(), "price": pl.Decimal(10, 2),
    "day": pl.Date(), "moment": pl.Datetime("us", "UTC"), "blob": pl.Binary(),
}  # fmt: skip
DEFINED_BY_NUMBERS = st.sampled_from(NUMBERS)
SETS = st.one_of(
    st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3),
    st.lists(st.sampled_from(NUMBERS), min_size=1, max_size=3),
    st.lists(st.booleans(), min_size=1, max_size=2),
)


@st.composite
def frames(draw: st.DrawFn) -> pl.DataFrame:
    """Return rows of every type, in which each column has no null, some, or nothing else."""
    rows = draw(st.integers(0, 9))
    columns: dict[str, pl.Series] = {}
    for name, values in COLUMNS.items():
        nulls = draw(st.sampled_from(("no", "some", "some", "all")))
        one = {"no": values, "some": st.one_of(st.none(), values, values), "all": st.none()}[nulls]
        columns[name] = pl.Series(name, draw(st.lists(one, min_size=rows, max_size=rows)), dtype=TYPES[name])
    return pl.DataFrame(columns)


def simple_conditions() -> st.SearchStrategy[dict[str, object]]:
    def comparison(columns: tuple[str, ...], operators: tuple[str, ...], parameter: st.SearchStrategy[object]):
        return st.fixed_dictionaries(
            {
                "type": st.just("comparison"),
                "column": st.fixed_dictionaries({"name": st.sampled_from(columns)}),
                "operator": st.sampled_from(operators),
                "parameter": parameter,
            }
        )

    numeric, texts = ("whole", "small", "real", "finite", "single"), ("text", "level")
    return st.one_of(
        comparison(texts, ("==", "!="), st.sampled_from(TEXTS)),
        comparison(texts, ("IN", "NOT_IN"), st.lists(st.sampled_from(TEXTS), min_size=1, max_size=3)),
        comparison(numeric, ("==", "!=", "<", "<=", ">", ">="), DEFINED_BY_NUMBERS),
        comparison(numeric, ("IN", "NOT_IN"), st.lists(st.sampled_from((-1, 0, 2)), min_size=1, max_size=3)),
        st.fixed_dictionaries(
            {
                "type": st.just("nullity"),
                "column": st.fixed_dictionaries({"name": st.sampled_from(tuple(COLUMNS))}),
                "is_null": st.booleans(),
            }
        ),
    )


def conditions() -> st.SearchStrategy[object]:
    joined = st.fixed_dictionaries(
        {"type": st.sampled_from(("and", "or")), "conditions": st.lists(simple_conditions(), min_size=2, max_size=3)}
    )
    return st.one_of(st.none(), simple_conditions(), joined)


ARGUMENTS: dict[str, st.SearchStrategy[object]] = {
    "column": st.sampled_from(tuple(COLUMNS)),
    "mostly": st.sampled_from((0.0, 0.1, 0.3, 0.5, 2 / 3, 0.9, 1.0, 1)),
    "row_condition": conditions(),
    "value_set": SETS,
    "type_list": st.lists(st.sampled_from(KNOWN_TYPES), min_size=1, max_size=4),
    "min_value": st.one_of(st.none(), DEFINED_BY_NUMBERS),
    "max_value": st.one_of(st.none(), DEFINED_BY_NUMBERS),
    "strict_min": st.booleans(),
    "strict_max": st.booleans(),
    "value": st.integers(0, 9),
}
REQUIRED = {"column", "value_set", "type_list", "value", "min_value", "max_value"}


@st.composite
def expectations(draw: st.DrawFn) -> list[Expectation]:
    """Return three expectations of each type in the table."""
    drawn: list[Expectation] = []
    for name, counted in COUNTED.items():
        for _ in range(3):
            arguments = {
                argument: draw(ARGUMENTS[argument])
                for argument in counted.arguments
                if argument in REQUIRED or draw(st.booleans())
            }
            arguments = {argument: value for argument, value in arguments.items() if value is not None}
            if are_plain(arguments, counted.arguments):
                drawn.append(Expectation(name, arguments))
    return drawn


# NumPy warns of infinities in Great Expectations; only these tests make an error of a warning.
@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@settings(max_examples=EXAMPLES, deadline=None)
@given(frame=frames(), asked=expectations())
def test_counts_give_the_outcomes_of_great_expectations(frame: pl.DataFrame, asked: list[Expectation]) -> None:
    counted = count(frame, asked)
    both = [(e, ours) for e, ours in zip(asked, counted, strict=True) if ours is not None]
    theirs = engine.validate(frame, [expectation for expectation, _ in both])
    differing = [(e, ours, other) for (e, ours), other in zip(both, theirs, strict=True) if ours != other]
    assert differing == []


@pytest.mark.parametrize(
    ("expectation_type", "kwargs"),
    [
        ("expect_column_values_to_match_regex", {"column": "text", "regex": "a+"}),
        ("expect_column_values_to_be_between", {"column": "whole", "min_value": 2, "max_value": 1}),
        ("expect_column_values_to_be_between", {"column": "whole", "min_value": "2"}),
        ("expect_column_values_to_be_between", {"column": "whole"}),
        ("expect_column_values_to_be_in_set", {"column": "whole", "value_set": [1, "a"]}),
        ("expect_column_values_to_not_be_null", {"column": "whole", "mostly": 1.5}),
        ("expect_column_values_to_not_be_null", {"column": "whole", "unknown": 1}),
        ("expect_column_values_to_not_be_null", {"column": "whole", "row_condition": "whole > 1"}),
        ("expect_column_to_exist", {"column": "whole", "column_index": 2}),
    ],
)
def test_other_types_and_forms_are_left_to_the_engine(expectation_type: str, kwargs: dict[str, object]) -> None:
    assert not is_counted(expectation_type, kwargs)
    assert count(pl.DataFrame({"whole": [1], "text": ["a"]}), [Expectation(expectation_type, kwargs)]) == [None]


ANYTHING = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(), st.text(max_size=3)),
    lambda parts: st.one_of(st.lists(parts, max_size=3), st.dictionaries(st.text(max_size=3), parts, max_size=3)),
    max_leaves=6,
)
CONDITION_OF_ANYTHING = st.fixed_dictionaries(
    {
        "type": st.one_of(st.sampled_from(("comparison", "nullity", "and", "or")), ANYTHING),
        "column": st.one_of(st.fixed_dictionaries({"name": ANYTHING}), ANYTHING),
        "operator": st.one_of(st.sampled_from(("==", "IN", "<")), ANYTHING),
        "parameter": ANYTHING,
    }
)


@given(name=st.sampled_from(sorted(COUNTED)), data=st.data())
def test_arguments_of_any_form_are_looked_at_without_an_error(name: str, data: st.DataObject) -> None:
    drawn = {argument: st.one_of(ANYTHING, CONDITION_OF_ANYTHING) for argument in COUNTED[name].arguments}
    assert is_counted(name, data.draw(st.fixed_dictionaries({}, optional=drawn))) in (True, False)


def test_arguments_of_the_table_are_those_of_the_engine() -> None:
    differing = {name: set(counted.arguments) - set(engine.known_kwargs(name)) for name, counted in COUNTED.items()}
    assert {name: names for name, names in differing.items() if names} == {}


def test_unexpected_values_are_examples_by_frequency() -> None:
    frame = pl.DataFrame({"text": ["a", "b", None, "c", "b"], "part": [1, 1, 1, 2, 1]})
    condition = {"type": "comparison", "column": {"name": "part"}, "operator": "==", "parameter": 1}
    (outcome,) = count(
        frame,
        [
            Expectation(
                "expect_column_values_to_be_in_set", {"column": "text", "value_set": ["z"], "row_condition": condition}
            )
        ],
    )
    assert outcome is not None
    assert (outcome.applied, outcome.judged, outcome.unexpected) == (4, 3, 3)
    assert outcome.examples == (("'b'", 2), ("'a'", 1))


def test_large_whole_numbers_are_compared_exactly() -> None:
    frame = pl.DataFrame({"row_id": [2**53, 2**53 + 1, None]})
    (outcome,) = count(frame, [Expectation("expect_column_values_to_be_unique", {"column": "row_id"})])
    assert outcome is not None
    assert outcome.success


def test_drafted_suite_runs_without_importing_the_engine() -> None:
    code = """
import sys, tempfile, datetime as dt
from pathlib import Path
import polars as pl
import pytest
from monitoring_pipeline.quality.drafting import draft_suite
from monitoring_pipeline.quality.runner import run_suite
from monitoring_pipeline.spec.model import ModelSpec
spec = ModelSpec.model_validate({
    "name": "parcels", "task": "binary", "owner": "team:logistics", "timezone": "UTC", "start": "2024-03-01",
    "predictions": {"table": "scores", "id": "parcel", "time": "scored_at", "score": "p", "prediction": "late"},
    "labels": {"table": "arrivals", "id": "parcel", "label": "late", "known_at": "seen_at"},
    "features": {"carrier": "categorical", "age": "numeric"},
    "reference": {"all": {"start": "2024-01-01", "end": "2024-03-01"}},
})
rows = pl.DataFrame({
    "row_id": [f"id-{i}" for i in range(50)],
    "predicted_at": [dt.datetime(2024, 1, 1, i % 24, tzinfo=dt.UTC) for i in range(50)],
    "score": [i / 50 for i in range(50)], "prediction": [i % 2 == 0 for i in range(50)],
    "carrier": ["AA" if i % 5 else None for i in range(50)], "age": [None if i % 7 == 0 else i for i in range(50)],
})
path = Path(tempfile.mkdtemp()) / "suite.yaml"
path.write_text(draft_suite(spec, rows))
result = run_suite(spec, path, rows)
print(len(result.values), {str(m.status) for m in (*result.schema, *result.values)})
print([name for name in ("great_expectations", "pandas") if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["11 {'ok'}", "[]"]


def test_median_beside_an_infinite_value_is_infinite() -> None:
    """The median of Polars is NaN here, and that of Great Expectations is the mean of the two middle values."""
    frame = pl.DataFrame({"real": [float("-inf"), 0.2]})
    asked = [Expectation("expect_column_median_to_be_between", {"column": "real", "max_value": 0})]
    (counted,) = count(frame, asked)
    assert counted is not None
    assert (counted.success, counted.observed) == (True, "-inf")
    assert [counted] == engine.validate(frame, asked)
