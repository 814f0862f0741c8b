"""Drafts a model's suite from its reference rows: a file that the user reads and edits."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import polars as pl
import yaml
from scipy import stats

from monitoring_pipeline.evaluation.quality.null_groups import Categories, NullGroup
from monitoring_pipeline.quality.runner import check_schema
from monitoring_pipeline.quality.suites import SuiteError
from monitoring_pipeline.records.measurement import Severity, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind

MOST_DIGITS = 300
CHANCE_OF_FALSE_ALARM = 1e-4
"""Probability with which an expectation fails on a day that is as good as the reference."""
_SMALL_DAY_QUANTILE = 0.05
_BAD_DAY_QUANTILE = 0.95
_MOST_CATEGORIES = 500
_MOST_CODES = 20
_LINE_WIDTH = 120
_HEADER = """\
# Great Expectations suite of {model}: what the values of a day's rows must satisfy. It is yours to edit.
# Drafted from {rows} reference rows of {first} to {last}.
#
# Existence and type of the columns follow from the spec, are always checked, and need no entry here.
# mostly: the share of values that must comply. It leaves room for chance: on a day as good as the reference, with
#   {day_rows} rows or more, an expectation fails with a probability of at most {chance}.
# Ranges are the reference's, widened by their own width (not across zero): beyond is implausible, not unseasonal.
# severity: what a failure weighs in the verdict: info, warning (default) or critical.
"""


@dataclass(frozen=True)
class _Days:
    """The local day of every reference row."""

    of_row: pl.Series

    @property
    def small(self) -> int:
        """The number of rows of a small day: 5 % of the rows are of such a day or of a smaller one."""
        return _rows_of_small_day(self.of_row.value_counts()["count"])

    def mostly(self, bad: pl.Series) -> float:
        """Return the required share of good values, given which reference values are bad.

        If no reference value is bad, every value must be good. Else the expected share of bad values is the larger of
        two: (bad + 1/2) / (values + 1) over the reference, by Jeffreys' prior; and the share on bad days of the
        reference, with 5 % of its rows on such or worse days. A small day exceeds 1 - mostly with a probability of at
        most CHANCE_OF_FALSE_ALARM, by the binomial quantile. The result is rounded down to four decimals. Days are
        weighed by their rows, because the share on a day of three rows is no share to expect.
        """
        if not bad.any():
            return 1.0
        daily = pl.DataFrame({"day": self.of_row, "bad": bad.cast(pl.Int64)}).group_by("day")
        days = daily.agg(pl.len().alias("rows"), pl.col("bad").mean().alias("share"))
        rows = _rows_of_small_day(days["rows"])
        share = max((int(bad.sum()) + 0.5) / (len(bad) + 1), _share_on_bad_days(days))
        tolerated = float(stats.binom.ppf(1 - CHANCE_OF_FALSE_ALARM, rows, share)) / rows
        return max(0.0, math.floor((1 - tolerated) * 1e4) / 1e4)

    def among(self, rows: pl.Series) -> "_Days":
        """Return the days of the chosen rows only."""
        return _Days(self.of_row.filter(rows))


@dataclass(frozen=True)
class _Rows:
    """The reference rows under canonical names, their days, and the categories that may explain nulls."""

    frame: pl.DataFrame
    days: _Days
    categories: Categories


def draft_suite(spec: ModelSpec, frame: pl.DataFrame) -> str:
    """Draft the text of a suite file from the reference rows; the same rows in any order give the same text.

    ``frame`` has canonical column names, as for ``run_suite``. The reference satisfies the draft. If most nulls of a
    column are in a few categories of another column, those categories get an expectation each, so that the
    expectation for all other rows stays strict.

    Raises:
        SuiteError: when there are no rows, or they do not fit the spec.
    """
    if frame.is_empty():
        message = f"{spec.name}: cannot draft a suite from a reference without rows"
        raise SuiteError(message)
    unfit = [m for m in check_schema(spec, frame) if m.status is not Status.OK]
    if unfit:
        raise SuiteError("\n".join(f"{spec.name}: cannot draft a suite: {m.subject}: {m.reason}" for m in unfit))
    zoned = frame["predicted_at"].cast(pl.Datetime("us", "UTC")).dt.convert_time_zone(spec.timezone)
    days = _Days(zoned.dt.date())
    if days.of_row.null_count():
        message = f"{spec.name}: cannot draft a suite: predicted_at: {days.of_row.null_count()} null values"
        raise SuiteError(message)
    header = _HEADER.format(
        model=spec.name,
        rows=frame.height,
        first=days.of_row.min(),
        last=days.of_row.max(),
        day_rows=days.small,
        chance=CHANCE_OF_FALSE_ALARM,
    )
    rows = _Rows(frame, days, Categories.of_features(spec, frame))
    blocks = [_block(entries) for entries in _entries_by_column(spec, rows) if entries]
    return header + "\nexpectations:\n" + "\n".join(blocks)


def _entries_by_column(spec: ModelSpec, rows: _Rows) -> Iterator[list[dict[str, object]]]:
    critical, frame = Severity.CRITICAL, rows.frame
    yield [_entry("not_be_null", critical, column="row_id"), *_unique(frame["row_id"])]
    yield [_entry("not_be_null", critical, column="predicted_at")]
    if "model_version" in frame.columns:
        yield _nulls("model_version", rows, None, critical)
    columns = set(frame.columns)
    for column, kind in spec.columns.items():
        if column in columns:
            yield _column_entries(spec, rows, column, kind)


def _column_entries(spec: ModelSpec, rows: _Rows, column: str, kind: FeatureKind) -> list[dict[str, object]]:
    """Draft the expectations of one feature or output; none if the reference has no value of it."""
    missing = _missing(rows.frame[column])
    if bool(missing.all()):
        return []
    is_output = column not in spec.features
    group = None if is_output else rows.categories.null_group(column, missing)
    entries = _nulls(column, rows, group, Severity.CRITICAL if is_output else Severity.WARNING)
    values, value_days = rows.frame[column].filter(~missing), rows.days.among(~missing)
    if column == "score" or column in spec.score_columns.values():
        return [*entries, _entry("be_between", Severity.CRITICAL, column=column, min_value=0, max_value=1)]
    if column in spec.derived_features:
        return entries
    if kind is FeatureKind.CATEGORICAL:
        return entries + _categories(column, values, value_days)
    return entries + _range(column, values, value_days)


def _nulls(column: str, of: _Rows, group: NullGroup | None, severity: Severity) -> list[dict[str, object]]:
    frame, days = of.frame, of.days
    missing = _missing(frame[column])
    if group is None:
        # An output that is never null in the reference must never be null later.
        strict = severity is Severity.CRITICAL and not missing.any()
        mostly = 1.0 if strict else days.mostly(missing)
        return [_entry("not_be_null", severity, mostly, column=column)]
    rest = ~group.rows(frame)
    outside = f"{missing.filter(rest).mean():.1%} elsewhere"
    condition = _condition(group.column, "!=" if len(group.values) == 1 else "NOT_IN", group.values)
    mostly = days.among(rest).mostly(missing.filter(rest))
    entries = [_entry("not_be_null", severity, mostly, column=column, row_condition=condition)]
    for value in group.values:
        rows = (frame[group.column] == value).fill_null(value=False)
        share = f"{missing.filter(rows).mean():.1%}"
        note = f"found when drafting: null in {share} of the reference rows with {group.column} {value}, in {outside}"
        mostly = days.among(rows).mostly(missing.filter(rows))
        condition = _condition(group.column, "==", (value,))
        entry = _entry("not_be_null", severity, mostly, column=column, row_condition=condition)
        note += "" if mostly else "; mostly 0 never fails, it only records the share"
        entries.append(entry | {"notes": note})
    return entries


def _categories(column: str, values: pl.Series, days: _Days) -> list[dict[str, object]]:
    """Draft the set of categories; the share of new ones is estimated by those that occur once (Good, 1953)."""
    counts = values.value_counts(sort=False).rename({column: "value"})
    categories = counts["value"].to_list()
    if len(categories) > _MOST_CATEGORIES or not all(isinstance(value, str | int | bool) for value in categories):
        return []
    once = values.is_in(counts.filter(pl.col("count") == 1)["value"].implode())
    return [_entry("be_in_set", Severity.WARNING, days.mostly(once), column=column, value_set=sorted(categories))]


def _range(column: str, values: pl.Series, days: _Days) -> list[dict[str, object]]:
    if values.dtype == pl.Boolean:
        return []
    numbers = values.cast(pl.Float64) if values.dtype.is_decimal() else values
    finite = numbers.is_finite()
    within = numbers.filter(finite)
    if within.is_empty():
        return []
    lower, upper = plausible_range(within)
    mostly = days.mostly(~finite)
    return [_entry("be_between", Severity.WARNING, mostly, column=column, min_value=lower, max_value=upper)]


def plausible_range(values: pl.Series) -> tuple[float, float]:
    """Return the range of finite values, widened by its width on both sides without crossing zero.

    Whole numbers with at most 20 different values count as codes: their range is not widened. Bounds that are not
    whole are rounded outwards to three digits of the width.
    """
    smallest, largest = cast("float", values.min()), cast("float", values.max())
    width = largest - smallest
    if not width or (values.dtype.is_integer() and values.n_unique() <= _MOST_CODES):
        return smallest, largest
    lower = 0 if smallest >= 0 and smallest < width else smallest - width
    upper = 0 if largest <= 0 and -largest < width else largest + width
    if values.dtype.is_integer():
        return lower, upper
    digits = min(2 - math.floor(math.log10(width)), MOST_DIGITS)
    step = 10.0**digits
    return round(math.floor(lower * step) / step, digits), round(math.ceil(upper * step) / step, digits)


def _unique(values: pl.Series) -> list[dict[str, object]]:
    return [_entry("be_unique", Severity.CRITICAL, column="row_id")] if values.n_unique() == len(values) else []


def _entry(check: str, severity: Severity, mostly: float = 1.0, **kwargs: object) -> dict[str, object]:
    share: dict[str, object] = {} if mostly == 1.0 else {"mostly": mostly}
    return {"type": f"expect_column_values_to_{check}", "kwargs": kwargs | share, "severity": str(severity)}


def _condition(column: str, operator: str, values: tuple[str, ...]) -> dict[str, object]:
    parameter = values[0] if operator in ("==", "!=") else list(values)
    return {"type": "comparison", "column": {"name": column}, "operator": operator, "parameter": parameter}


def _missing(values: pl.Series) -> pl.Series:
    return values.is_null() | values.is_nan().fill_null(value=False) if values.dtype.is_float() else values.is_null()


def _rows_of_small_day(rows_per_day: pl.Series) -> int:
    ordered = rows_per_day.sort()
    return int(ordered.filter(ordered.cum_sum() >= _SMALL_DAY_QUANTILE * float(ordered.sum()))[0])


def _share_on_bad_days(days: pl.DataFrame) -> float:
    ordered = days.sort("share")
    reached = ordered["rows"].cum_sum() >= _BAD_DAY_QUANTILE * float(ordered["rows"].sum())
    return float(ordered["share"].filter(reached)[0])


def _block(entries: list[dict[str, object]]) -> str:
    text = yaml.safe_dump(entries, sort_keys=False, allow_unicode=True, width=_LINE_WIDTH, default_flow_style=None)
    return "".join(f"  {line}\n" if line else "\n" for line in text.splitlines())
