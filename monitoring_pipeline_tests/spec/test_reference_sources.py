"""The source of a reference in a spec."""

import pytest

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import ReferenceWindow
from monitoring_pipeline_tests.spec.cases import BINARY, changed

DAYS = {"start": "2024-01-01", "end": "2024-03-01"}


@pytest.mark.parametrize(
    ("window", "words"),
    [
        ({"start": "2024-01-01"}, "end: needed for rows of the table of predictions"),
        ({}, "start and end: needed for rows of the table of predictions"),
        ({"table": "a", "file": "b.csv"}, "table, file: only one of them may be given"),
        ({"file": "rows.xlsx"}, "'rows.xlsx' must end in one of .parquet, .csv, .csv.gz"),
        ({"file": "https://me:secret@example.org/rows.csv"}, "must not contain a user or password"),
        (DAYS | {"columns": {"age": "years"}}, "columns: needs a table, a file or a query"),
        ({"table": "a", "start": "2024-01-01", "end": "2024-01-01"}, "must be after start"),
    ],
)
def test_reference_without_one_complete_source_is_refused(window, words):
    with pytest.raises(ValueError, match=words):
        ModelSpec.model_validate(changed(BINARY, {"reference.1": window}))


@pytest.mark.parametrize("source", [{"table": "a"}, {"file": "b.csv"}, {"query": "SELECT 1"}, {"table": "a"} | DAYS])
def test_every_source_has_a_hash_of_its_own(source):
    plain, other = (ModelSpec.model_validate(changed(BINARY, {"reference.1": w})) for w in (DAYS, DAYS | source))
    assert plain.reference_declaration_hash("1") != other.reference_declaration_hash("1")
    assert plain.spec_hash == other.spec_hash


def test_window_of_the_predictions_is_dumped_as_before_there_was_a_choice():
    assert ReferenceWindow.model_validate(DAYS).model_dump_json() == '{"start":"2024-01-01","end":"2024-03-01"}'
