"""Predictions as read from a warehouse, with the values that a spec allows in more than one form brought into one."""

import datetime as dt

import polars as pl

from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.operations import kind_of_telemetry
from monitoring_pipeline.spec.sources import FeatureKind

SECONDS_PER_DAY = 86_400


def readable_predictions(spec: ModelSpec, raw: pl.DataFrame) -> pl.DataFrame:
    """Return rows in which declared null values are null, and numbers are numbers.

    A numeric column may hold numbers as text; blank text is null. It may hold dates or times, which become days since
    1970-01-01, or durations, which become seconds. A column that is not like this is returned as it is, and the check
    of the schema reports it.

    Args:
        spec: the model.
        raw: rows with canonical column names and the warehouse's types.
    """
    carried = dict.fromkeys((*spec.carried_columns, *spec.score_columns.values(), "score"), FeatureKind.NUMERIC)
    groups = dict.fromkeys(spec.predictions.group_columns, FeatureKind.CATEGORICAL)
    telemetry = {name: kind_of_telemetry(name) for name in spec.operations.columns}
    features = {name: feature.kind for name, feature in spec.features.items()}
    kinds = carried | groups | telemetry | spec.columns | features
    columns = [
        _readable(_without_null_values(raw[name], spec.null_values_of(name), kinds[name]), kinds[name])
        for name in raw.columns
        if name in kinds
    ]
    return raw.with_columns(columns)


def unreadable_numbers(column: pl.Series) -> pl.Series:
    """Return the values of a text column that are not numbers, without nulls."""
    text = column.str.strip_chars()
    return column.filter((text != "") & _parsed(column).is_null())


def number_of_text(text: str) -> float | None:
    """Return the number that a text stands for; None if it stands for none."""
    try:
        return float(text)
    except ValueError:
        return None


def has_null_value(column: pl.Series, null_values: tuple[str, ...], kind: FeatureKind) -> pl.Series:
    """Return whether each value is one of those that mean "missing"; null where there is none.

    Numbers are compared as numbers, also in text of a numeric column. A time at midnight equals its date.
    """
    if column.dtype.is_nested():
        return pl.Series(column.name, [False]).new_from_index(0, column.len())
    if column.dtype.is_numeric():
        return _is_one_of(column.cast(pl.Float64), null_values)
    if isinstance(column.dtype, pl.Datetime):
        times = [time for text in null_values if (time := _time(text)) is not None]
        return column.dt.replace_time_zone(None).cast(pl.Datetime("us")).is_in(times)
    text = column.cast(pl.String)
    if column.dtype == pl.String and kind is FeatureKind.NUMERIC:
        stripped = text.str.strip_chars()
        return stripped.is_in(null_values) | _is_one_of(_parsed(text), null_values).fill_null(value=False)
    return text.is_in(null_values)


def _is_one_of(numbers: pl.Series, texts: tuple[str, ...]) -> pl.Series:
    return numbers.is_in([number for text in texts if (number := number_of_text(text)) is not None])


def _time(text: str) -> dt.datetime | None:
    """Return the time that a text stands for, in UTC if it has a zone; None if it stands for none."""
    try:
        moment = dt.datetime.fromisoformat(text)
        return moment.astimezone(dt.UTC).replace(tzinfo=None) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None


def _without_null_values(column: pl.Series, null_values: tuple[str, ...], kind: FeatureKind) -> pl.Series:
    if not null_values or column.dtype == pl.Null or column.dtype.is_nested():
        return column
    is_null = has_null_value(column, null_values, kind)
    return column.to_frame().select(pl.when(~is_null).then(pl.col(column.name))).to_series()


def _readable(column: pl.Series, kind: FeatureKind) -> pl.Series:
    if kind is not FeatureKind.NUMERIC:
        return column
    if column.dtype == pl.String:
        return _parsed(column) if unreadable_numbers(column).is_empty() else column
    if column.dtype == pl.Duration:
        return column.dt.total_microseconds() / 1e6
    if column.dtype.is_temporal() and column.dtype != pl.Time:
        return column.dt.epoch("us") / (SECONDS_PER_DAY * 1e6)
    return column


def _parsed(column: pl.Series) -> pl.Series:
    """Return text as numbers; what is not a number is null, blank text included."""
    return column.str.strip_chars().cast(pl.Float64, strict=False)
