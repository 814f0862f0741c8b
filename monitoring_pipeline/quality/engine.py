"""Runs Great Expectations: plain values in and out, and one session per process without console output.

The import of Great Expectations takes many seconds. It happens at the first use, not when this module is loaded.
"""

import datetime as dt
import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache
from types import ModuleType
from typing import Any

import polars as pl

from monitoring_pipeline.quality.expectation import Expectation
from monitoring_pipeline.quality.outcome import Outcome, counted_values, value_text

# Fields of every expectation class that are not arguments of the expectation.
_NOT_KWARGS = frozenset(
    {"id", "meta", "notes", "result_format", "description", "catch_exceptions", "rendered_content", "severity"}
    | {"windows", "batch_id", "condition_parser"}
)
_VALUE_KEYS = frozenset({"observed_value", "details"})
_COUNTS_ONLY = {"result_format": "BASIC", "partial_unexpected_count": 0}
# The library's lists of values end after 200 rows; its list of row positions is complete.
_POSITIONS = {"result_format": "COMPLETE", "partial_unexpected_count": 0, "return_unexpected_index_query": False}


def validate(frame: pl.DataFrame, expectations: Sequence[Expectation]) -> list[Outcome]:
    """Run expectations on the rows of ``frame`` and return one outcome each, in the order given.

    Times reach the expectations as naive UTC, decimals as floats. Only the columns that the expectations name are
    converted, or all columns if an expectation is about the whole table.
    """
    if not expectations:
        return []
    batch = _batch_definition().get_batch(batch_parameters={"dataframe": _pandas_frame(frame, expectations)})
    outcomes = _outcomes(batch, expectations)
    failed = [position for position, outcome in enumerate(outcomes) if outcome.unexpected and not outcome.success]
    again = _results(batch, [expectations[position] for position in failed], _POSITIONS) if failed else []
    for position, result in zip(failed, again, strict=True):
        judged = frame.select(expectations[position].judged_columns)
        examples = counted_values(judged[result.result.get("unexpected_index_list") or []])
        outcomes[position] = replace(outcomes[position], examples=examples)
    return outcomes


def expectation_types() -> list[str]:
    """Return the names of all expectation types."""
    _great_expectations()
    from great_expectations.expectations.registry import list_registered_expectation_implementations

    return sorted(list_registered_expectation_implementations())


def known_kwargs(expectation_type: str) -> list[str]:
    """Return the names of the arguments that an expectation type takes."""
    return sorted(set(_implementation(expectation_type).__fields__) - _NOT_KWARGS)


def kwargs_problems(expectation_type: str, kwargs: Mapping[str, object]) -> list[str]:
    """Return the faults of an expectation's arguments, one sentence per argument."""
    try:
        _implementation(expectation_type)(**_comparable(kwargs))
    except (ValueError, TypeError) as error:
        errors: list[dict[str, Any]] = getattr(error, "errors", list)()
        # A union type reports one error per member for the same argument; only the first is kept.
        first = {str(e["loc"][0]): f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in reversed(errors)}
        return [text.removeprefix("__root__: ") for text in reversed(first.values())] or [str(error)]
    return []


@cache
def _great_expectations() -> ModuleType:
    # Its analytics are on by default, and only the environment can turn them off before the import.
    os.environ["GX_ANALYTICS_ENABLED"] = "false"  # noqa: TID251  written, not read
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it imports modules that Python has deprecated
        import great_expectations as gx
    return gx


@cache
def _batch_definition() -> Any:
    context = _great_expectations().get_context(mode="ephemeral")
    context.variables.progress_bars = {"globally": False, "metric_calculations": False}
    asset = context.data_sources.add_pandas("memory").add_dataframe_asset("chunk")
    return asset.add_batch_definition_whole_dataframe("whole")


def _implementation(expectation_type: str) -> Any:
    _great_expectations()
    from great_expectations.expectations.registry import get_expectation_impl

    return get_expectation_impl(expectation_type)


def _comparable(kwargs: Mapping[str, object]) -> dict[str, object]:
    """Turn dates and times, as YAML gives them, into the naive UTC times that the columns hold."""
    return {name: _naive_utc(value) for name, value in kwargs.items()}


def _naive_utc(value: object) -> object:
    if isinstance(value, dt.datetime):
        return value if value.tzinfo is None else value.astimezone(dt.UTC).replace(tzinfo=None)
    return dt.datetime.combine(value, dt.time()) if isinstance(value, dt.date) else value


def _outcomes(batch: Any, expectations: Sequence[Expectation]) -> list[Outcome]:
    """Return one outcome each; an expectation on which the library itself breaks does not lose the others."""
    try:
        return [_outcome(result) for result in _results(batch, expectations, _COUNTS_ONLY)]
    except Exception as error:  # noqa: BLE001 - the library raises KeyError where a metric cannot be computed
        if len(expectations) == 1:
            # Without the text of the error, because it may contain values of rows.
            return [Outcome(success=False, error=f"{type(error).__name__} in Great Expectations")]
        return [outcome for expectation in expectations for outcome in _outcomes(batch, [expectation])]


def _results(batch: Any, expectations: Sequence[Expectation], result_format: dict[str, object]) -> list[Any]:
    """Return the library's results in the order of the expectations, which the library does not keep."""
    built = [
        _implementation(expectation.type)(**_comparable(expectation.kwargs), meta={"position": position})
        for position, expectation in enumerate(expectations)
    ]
    suite = _great_expectations().ExpectationSuite(name="chunk", expectations=built)
    validation = batch.validate(suite, result_format=result_format)
    return sorted(validation.results, key=lambda result: result.expectation_config.meta["position"])


def _pandas_frame(frame: pl.DataFrame, expectations: Sequence[Expectation]) -> Any:
    import pandas as pd

    about_table = any(not expectation.judged_columns for expectation in expectations)
    needed = frozenset[str]().union(*(expectation.columns for expectation in expectations))
    columns = [name for name in frame.columns if about_table or name in needed]
    return pd.DataFrame({name: _pandas_series(frame[name]) for name in columns}, index=pd.RangeIndex(frame.height))


def _pandas_series(column: pl.Series) -> Any:
    """Convert a column so that its pandas type does not depend on pandas' defaults.

    A column without values becomes ``object``, which fits every expected type. Dates get another time unit (ms) than
    timestamps (us), so that a type list can distinguish them.
    """
    import pandas as pd

    kind = column.dtype
    if column.null_count() == len(column) or not (kind.is_numeric() or kind.is_temporal() or kind == pl.Boolean):
        return pd.Series(column.to_list(), dtype=object)
    if isinstance(kind, pl.Datetime):
        zoned = column if kind.time_zone is None else column.dt.convert_time_zone("UTC").dt.replace_time_zone(None)
        return zoned.dt.cast_time_unit("us").to_pandas()
    if kind == pl.Date:
        return column.cast(pl.Datetime("ms")).to_pandas()
    if kind.is_temporal():
        return pd.Series(column.to_list(), dtype=object)
    return (column.cast(pl.Float64) if kind.is_decimal() else column).to_pandas()


def _outcome(validation: Any) -> Outcome:
    error = _raised(validation.exception_info)
    if error is not None:
        return Outcome(success=False, error=error)
    result = validation.result
    if "element_count" not in result:
        observed = result.get("observed_value")
        return Outcome(
            success=bool(validation.success),
            observed=None if observed is None else value_text(observed),
            # Expectations about sets of values return counts in place of an observed value.
            undefined="observed_value" in result and result.keys() <= _VALUE_KEYS and _is_missing(observed),
        )
    applied = int(result["element_count"])
    return Outcome(
        success=bool(validation.success),
        applied=applied,
        judged=applied - int(result.get("missing_count") or 0),
        unexpected=int(result["unexpected_count"]),
    )


def _raised(exception_info: Mapping[str, Any]) -> str | None:
    """Return the message of the error, None without one; errors of several metrics are nested by metric."""
    if "raised_exception" not in exception_info:
        return "; ".join(sorted({str(info.exception_message) for info in exception_info.values()}))
    return str(exception_info["exception_message"]) if exception_info["raised_exception"] else None


def _is_missing(value: object) -> bool:
    import pandas as pd

    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))
