"""Columns that `init` takes for personal data."""

import polars as pl
import pytest

from monitoring_pipeline.evaluation.drafting.facts import TableSample, table_facts
from monitoring_pipeline.evaluation.drafting.guesses.inputs import guess_inputs
from monitoring_pipeline.evaluation.drafting.hints import Advice
from monitoring_pipeline.spec.rules.privacy import HASHED, IDENTIFIER

ROWS = 300


def proposed(name, values):
    frame = pl.DataFrame({name: [values[place % len(values)] for place in range(ROWS)], "other": range(ROWS)})
    types = {column: str(kind) for column, kind in frame.schema.items()}
    table = table_facts(TableSample(name="t", rows=ROWS, types=types, counts={}, frame=frame))
    return {each.name: each for each in guess_inputs(table, Advice(), ()).inputs}[name]


def _many(form):
    return [form.format(place) for place in range(100, 150)]


@pytest.mark.parametrize(("name", "values", "kept", "is_certain"), [
    ("contact", _many("person{}@example.org"), IDENTIFIER, True),
    ("e_mail", _many("nobody {}"), IDENTIFIER, True),
    ("konto", _many("DE89370400440532013{}"), IDENTIFIER, True),
    ("reach", _many("+49 30 1234{}"), IDENTIFIER, True),
    ("mobilePhone", list(range(491701234500, 491701234550)), IDENTIFIER, True),
    ("client", _many("192.168.1.{}"), IDENTIFIER, True),
    ("last_name", _many("Name{}"), IDENTIFIER, True),
    ("zip_code", _many("10{}"), {"first": 2}, False),
    ("year_of_birth", [*range(1950, 2000)], {"round_to": 10}, False),
    ("Gender", ["f", "m", "x"], HASHED, False),
])  # fmt: skip
def test_personal_data_is_recognised_by_name_or_form_and_never_quoted(name, values, kept, is_certain):
    found = proposed(name, values)
    assert found.privacy is not None
    assert (found.privacy.kept, found.privacy.is_certain) == (kept, is_certain)
    assert not any(f" {value}" in found.evidence for value in values)
    assert found.evidence.endswith((", by the name", ", by their form"))


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("plan", ["gold", "silver"]),
        ("shipping", ["fast", "slow"]),
        ("mileage", [float(place) for place in range(50)]),
        ("version", ["1.2.3", "1.2.4"]),
        ("at", ["10:00", "11:00"]),
        ("essex", ["a", "b"]),
        ("amount", ["10.5", "11.5"]),
    ],
)
def test_other_columns_are_not(name, values):
    assert proposed(name, values).privacy is None
