"""Parameters of a user's SQL, and the measurement of its number."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.evaluation.business.business_metrics import (
    BusinessQueryError,
    business_failure,
    business_measurement,
    parse_business_query,
)
from monitoring_pipeline.records.measurement import Kind, Severity, Status
from monitoring_pipeline.spec.rules.incidents import BusinessMetric

TREATED_AS_TEXT = (
    "':model_version'",
    "'it''s :chunk_start'",
    r"E'\':chunk_start'",
    r"e'\\'",
    '":chunk_start"',
    '"a"":chunk_start"',
    "$$ :chunk_start $$",
    "$tag$ $$ :chunk_start $tag$",
    "-- :chunk_start ' \n",
    "/* :chunk_start ' */",
    "/* a /* :chunk_start */ :chunk_end */",
    "x::chunk_start",
    "{'a': 1}",
    "list[1 : 2]",
    "n := 3",
    "$1",
)


@pytest.mark.parametrize(
    ("text", "sql", "parameters"),
    [
        ("SELECT 1", "SELECT 1", set()),
        (
            "SELECT sum(a) FROM t WHERE at >= :chunk_start AND at < :chunk_end AND v=:model_version",
            "SELECT sum(a) FROM t WHERE at >= $chunk_start AND at < $chunk_end AND v=$model_version",
            {"chunk_start", "chunk_end", "model_version"},
        ),
        ("SELECT :chunk_start::date", "SELECT $chunk_start::date", {"chunk_start"}),
        ("SELECT x::int, :chunk_end", "SELECT x::int, $chunk_end", {"chunk_end"}),
        ("SELECT (:chunk_end)-:chunk_start", "SELECT ($chunk_end)-$chunk_start", {"chunk_start", "chunk_end"}),
        ("SELECT 'a':chunk_end", "SELECT 'a'$chunk_end", {"chunk_end"}),
        ("SELECT 1 -- it's\n, :chunk_end", "SELECT 1 -- it's\n, $chunk_end", {"chunk_end"}),
        ("SELECT 1 /* never closed :chunk_end", "SELECT 1 /* never closed :chunk_end", set()),
    ],
)
def test_parameters_of_a_query_are_replaced_and_other_text_is_unchanged(text, sql, parameters):
    query = parse_business_query(text)
    assert (query.sql, query.parameters) == (sql, parameters)


@given(st.lists(st.sampled_from([*TREATED_AS_TEXT, ":chunk_start", ":chunk_end", ":model_version"])))
def test_query_of_quoted_and_bare_pieces_has_only_the_bare_parameters(pieces):
    query = parse_business_query(" ".join(pieces))
    expected = [piece if piece in TREATED_AS_TEXT else f"${piece[1:]}" for piece in pieces]
    assert query.sql == " ".join(expected)
    assert query.parameters == {piece[1:] for piece in pieces} & {"chunk_start", "chunk_end", "model_version"}


@pytest.mark.parametrize("text", ["SELECT :chunk_strat", "SELECT list[1:n]", "SELECT :CHUNK_START"])
def test_unknown_parameter_is_refused_with_its_line_and_the_known_ones(text):
    with pytest.raises(BusinessQueryError, match=r"unknown parameter :\w+ in line 3; known: :chunk_end, :chunk_start"):
        parse_business_query(f"-- :fine\n\n{text}")


def _metric(**threshold) -> BusinessMetric:
    return BusinessMetric.model_validate(
        {"sql": "revenue.sql", "description": "EUR"} | {"threshold": threshold or None}
    )


@pytest.mark.parametrize(
    ("threshold", "value", "reason"),
    [
        ({}, -5.0, None),
        ({"lower": 10}, 10.0, None),
        ({"lower": 10}, 9.999, "9.999 is below 10"),
        ({"upper": 10}, 10.0, None),
        ({"upper": 10}, 1_234_567.0, "1.23457e+06 is above 10"),
    ],
)
def test_business_value_outside_its_threshold_is_breached(threshold, value, reason):
    measurement = business_measurement("revenue", _metric(**threshold), value, model_version="7")
    assert (measurement.kind, measurement.subject, measurement.name) == (Kind.BUSINESS, "business", "revenue")
    assert (measurement.value, measurement.reason, measurement.model_version) == (value, reason, "7")
    assert measurement.status is (Status.OK if reason is None else Status.BREACHED)
    assert (measurement.threshold_lower, measurement.threshold_upper) == (
        threshold.get("lower"), threshold.get("upper"),
    )  # fmt: skip
    assert measurement.definition == "EUR"


def test_severity_is_warning_unless_the_threshold_sets_another():
    assert business_measurement("revenue", _metric(lower=1), 0.0).severity is Severity.WARNING
    assert business_measurement("revenue", _metric(lower=1, severity="critical"), 0.0).severity is Severity.CRITICAL


def test_business_metric_without_a_number_is_skipped_with_a_reason():
    nothing = business_measurement("revenue", _metric(lower=1), None)
    assert (nothing.status, nothing.reason) == (Status.SKIPPED, "the query gave NULL")
    failed = business_failure("revenue", _metric(lower=1), "no such file")
    assert (failed.status, failed.reason) == (Status.SKIPPED, "revenue.sql: no such file")


def test_business_threshold_relative_to_the_reference_is_refused():
    with pytest.raises(ValueError, match="a business metric has no reference; give lower or upper"):
        _metric(worse_than_reference=0.1)
