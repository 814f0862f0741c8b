import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.records.names import (
    MetricName,
    Segment,
    metric_of_key,
    name_and_of,
    pair_text,
    subject_and_name,
    text_of,
)

ALPHABET = st.sampled_from("ab1_#[]=\\->. \n\"'é漢")
BARE = st.text(st.sampled_from("ab1_# .-\né漢"), min_size=1)
OF = st.text(ALPHABET)


@given(BARE, OF)
def test_name_and_part_are_read_back_from_their_text(name, of):
    assert name_and_of(text_of(name, of)) == (name, of)
    assert metric_of_key(text_of(name, of)) == (name, of)


@given(BARE, st.text())
def test_part_of_any_unicode_is_read_back_from_its_text(name, of):
    assert name_and_of(str(MetricName(name, of))) == (name, of)


@pytest.mark.parametrize(("text", "name", "of"), [
    ("auroc", "auroc", ""),
    ("recall[cancelled]", "recall", "cancelled"),
    ("recall[a[b]", "recall", "a[b"),
    ("recall[a]b]", "recall", "a]b"),
    ("recall[]]", "recall", "]"),
    ("recall[\n]", "recall", "\n"),
    ("false_alarm_rate[recall[a]]", "false_alarm_rate", "recall[a]"),
    ("null_share[carrier=MQ]", "null_share", "carrier=MQ"),
    ("column_values_to_be_unique#2", "column_values_to_be_unique#2", ""),
    ("column_values_to_be_unique[a == 1]#2", "column_values_to_be_unique#2", "a == 1"),
    ("recall[x]#2]", "recall", "x]#2"),
    ("#1[x]", "#1", "x"),
    ("a\n[x]#1", "a\n#1", "x"),
    ("a#1\n[x]", "a#1\n", "x"),
])  # fmt: skip
def test_name_and_part_have_the_stored_text(text, name, of):
    assert name_and_of(text) == (name, of)
    assert str(MetricName(name, of)) == text


@pytest.mark.parametrize("text", ["", "[a]", "recall[a", "recall]", "recall[a]b", "recall[]", "recall#2[a]"])
def test_malformed_key_of_a_spec_is_refused(text):
    with pytest.raises(ValueError, match="is no name"):
        metric_of_key(text)


@pytest.mark.parametrize("name", ["recall[a]", "recall[", "recall]"])
def test_measurement_with_brackets_in_its_name_is_refused(name):
    with pytest.raises(ValueError, match="has brackets"):
        Measurement(kind=Kind.PERFORMANCE, subject="model", name=name, model_version="1", value=0.5)


def test_skipped_and_breached_measurements_keep_everything_else():
    measured = Measurement(kind=Kind.PERFORMANCE, subject="model", name="recall", of="a", model_version="1", value=0.5)
    breached, skipped = measured.breached("low"), measured.skipped("no rows")
    assert (breached.status, breached.value, breached.reason, breached.of) == (Status.BREACHED, 0.5, "low", "a")
    assert (skipped.status, skipped.value, skipped.reason, skipped.of) == (Status.SKIPPED, None, "no rows", "a")


@given(st.text(ALPHABET), st.text(ALPHABET))
def test_segment_is_read_back_from_its_text(column, value):
    assert Segment.of_text(str(Segment(column, value))) == (column, value)


@pytest.mark.parametrize(("segment", "text"), [
    (Segment("city", "Berlin"), "city=Berlin"),
    (Segment("city", "a=b\\c"), "city=a=b\\c"),
    (Segment("a=b", "c"), "a\\=b=c"),
    (Segment("a\\", "=c"), "a\\\\==c"),
])  # fmt: skip
def test_only_the_column_of_a_segment_is_escaped(segment, text):
    assert str(segment) == text


def test_text_without_an_equals_sign_is_no_segment():
    with pytest.raises(ValueError, match="is no segment"):
        Segment.of_text("a\\=b")


@given(*[st.text(st.sampled_from("a->\\"), max_size=5)] * 4)
def test_pairs_have_equal_texts_only_if_they_are_equal(first, second, other_first, other_second):
    same = (first, second) == (other_first, other_second)
    assert (pair_text(first, second) == pair_text(other_first, other_second)) == same


@pytest.mark.parametrize(("text", "subject", "name"), [
    ("rows", None, MetricName("rows")),
    ("temperature.null_share", "temperature", MetricName("null_share")),
    ("a.b.null_share", "a.b", MetricName("null_share")),
    ("age.values_to_not_be_null[share == 0.5]", "age", MetricName("values_to_not_be_null", "share == 0.5")),
    ("score[a.b].null_share", "score[a.b]", MetricName("null_share")),
])  # fmt: skip
def test_subject_of_a_quality_objective_ends_at_the_last_dot_outside_brackets(text, subject, name):
    assert subject_and_name(text) == (subject, name)
