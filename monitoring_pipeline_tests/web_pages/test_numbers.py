"""Numbers for readers."""

from collections.abc import Callable, Sequence

import pytest

from monitoring_pipeline.evaluation.business.money import COST, VALUE
from monitoring_pipeline.records.measurement import Kind, Measurement, Status
from monitoring_pipeline.web_pages.contents.money import cost_table, value_table
from monitoring_pipeline.web_pages.contents.quality import failed_checks
from monitoring_pipeline.web_pages.contents.table import Table
from monitoring_pipeline.web_pages.numbers import allowed, interval, named, number, percent


@pytest.mark.parametrize(("value", "text"), [
    (None, "-"), (float("nan"), "-"), (0.0, "0"), (-0.0, "0"), (1.0, "1"), (1234567.0, "1,234,567"), (0.64589, "0.646"),
    (12.3456, "12.3"), (1234.56, "1,235"), (-0.00543, "-0.00543"), (0.00001234, "1.23e-05"), (3.2e17, "3.20e+17"),
])  # fmt: skip
def test_number_has_the_digits_that_matter(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(("share", "text"), [
    (None, "-"), (0.0, "0 %"), (1.0, "100 %"), (0.5, "50.0 %"), (0.9999, "100.0 %"), (0.0012, "0.12 %"),
    (0.00001, "below 0.01 %"),
])  # fmt: skip
def test_share_is_a_percentage(share: float | None, text: str) -> None:
    assert percent(share) == text


def test_value_is_written_as_its_name_asks() -> None:
    assert named("null_share", 0.25) == "25.0 %"
    assert named("auroc", 0.25) == "0.250"
    assert interval("auroc", 0.5, 0.75) == "[0.500, 0.750]"
    assert not interval("auroc", None, 0.75)


def test_limits_are_written_as_the_name_asks() -> None:
    assert allowed("null_share", 0.1, 0.25) == "at least 10.0 % and at most 25.0 %"
    assert allowed("auroc", 0.75, None) == "at least 0.750"
    assert not allowed("auroc", None, None)


@pytest.mark.parametrize(("table_of", "kind", "subject"), [
    (value_table, Kind.BUSINESS, VALUE), (cost_table, Kind.BUSINESS, COST), (failed_checks, Kind.QUALITY, "chunk"),
])  # fmt: skip
def test_both_limits_of_a_number_are_shown(
    table_of: Callable[[Sequence[Measurement]], Table], kind: Kind, subject: str
) -> None:
    measured = Measurement(
        kind=kind, subject=subject, name="rows", model_version="", value=9.0, threshold_lower=2.0, threshold_upper=8.0,
        status=Status.BREACHED,
    )  # fmt: skip
    table = table_of([measured])
    assert table.rows[0][list(table.columns).index("allowed")].text == "at least 2 and at most 8"
