"""Findings as text for a terminal and for a pipe."""

from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.spec_check.findings import Finding, Level, Observation
from monitoring_pipeline.reports.terminal.findings import finding_text, summary_text

PATH = Path("models/churn.yaml")
OBSERVATION = Observation("labels.id", "none of 6,000 predictions has a label", "name the columns of the same ids")
FOUND = Finding("labels_match", Level.ERROR, OBSERVATION)
WORDS = st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20)


def test_finding_in_a_pipe_is_one_line():
    assert finding_text(PATH, FOUND, None) == (
        "models/churn.yaml: error: labels.id: none of 6,000 predictions has a label. "
        "Name the columns of the same ids. [labels_match]"
    )


def test_finding_in_a_terminal_has_fact_and_remedy_below_its_field():
    assert finding_text(PATH, FOUND, 80).splitlines() == [
        "models/churn.yaml: error: labels.id",
        "    none of 6,000 predictions has a label.",
        "    Name the columns of the same ids. [labels_match]",
    ]


@given(words=st.lists(WORDS, min_size=1, max_size=60))
def test_wrapped_text_fits_into_80_columns_and_loses_no_word(words):
    observation = Observation("labels.id", " ".join(words), "look")
    lines = finding_text(PATH, Finding("labels_match", Level.WARNING, observation), 80).splitlines()
    assert all(len(line) <= 80 for line in lines)
    assert " ".join(" ".join(lines[1:-1]).split()) == f"{' '.join(words)}."


def test_question_as_a_remedy_ends_without_a_full_stop():
    observation = Observation("quality.suite", "no column 'agee'", "did you mean age?")
    assert finding_text(PATH, Finding("suite_columns", Level.ERROR, observation), None).endswith(
        "Did you mean age? [suite_columns]"
    )


def test_summary_counts_errors_and_warnings():
    warning = Finding("columns_vary", Level.WARNING, OBSERVATION)
    assert summary_text(PATH, "churn", ()) == "models/churn.yaml: churn is fine"
    assert summary_text(PATH, "churn", (warning,)) == "models/churn.yaml: churn is fine, with 1 warning"
    assert summary_text(PATH, "churn", (warning, FOUND, warning)).endswith(": churn has 1 error and 2 warnings")
