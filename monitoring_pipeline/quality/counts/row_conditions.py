"""Row conditions as Polars expressions, for the forms whose meaning is the same as in Great Expectations on pandas."""

from collections.abc import Callable, Mapping
from typing import Any

import polars as pl

from monitoring_pipeline.quality.counts.column_types import is_number, is_text, numbers

_SETS = ("IN", "NOT_IN")
_ORDERS = ("<", "<=", ">", ">=")
_COMPARED: dict[str, Callable[[pl.Expr, Any], pl.Expr]] = {
    "==": lambda column, value: (column == value).fill_null(value=False),
    "!=": lambda column, value: (column != value).fill_null(value=True),
    "IN": lambda column, values: column.is_in(values).fill_null(value=False),
    "NOT_IN": lambda column, values: ~column.is_in(values).fill_null(value=False),
    "<": lambda column, value: (column < value).fill_null(value=False),
    "<=": lambda column, value: (column <= value).fill_null(value=False),
    ">": lambda column, value: (column > value).fill_null(value=False),
    ">=": lambda column, value: (column >= value).fill_null(value=False),
}
"""Comparisons by operator; a missing value equals nothing, and differs from everything."""
_KEYS = {
    "comparison": {"type", "column", "operator", "parameter"},
    "nullity": {"type", "column", "is_null"},
    "and": {"type", "conditions"},
    "or": {"type", "conditions"},
}


def is_countable(condition: object) -> bool:
    """Return whether a row condition has a form that ``rows_where`` answers; no condition has."""
    if condition is None:
        return True
    if not isinstance(condition, Mapping) or set(condition) != _KEYS.get(str(condition.get("type"))):
        return False
    if condition["type"] in ("and", "or"):
        parts = condition["conditions"]
        return isinstance(parts, list) and len(parts) > 1 and all(_is_simple(part) for part in parts)
    return _is_simple(condition)


def _is_simple(condition: object) -> bool:
    """Return whether a condition is a comparison or about nulls; Great Expectations restricts deeper nesting."""
    if not isinstance(condition, Mapping) or set(condition) != _KEYS.get(str(condition.get("type"))):
        return False
    column = condition.get("column")
    if not isinstance(column, Mapping) or set(column) != {"name"} or not isinstance(column["name"], str):
        return False
    if condition["type"] == "nullity":
        return isinstance(condition["is_null"], bool)
    operator, parameter = condition["operator"], condition["parameter"]
    if not isinstance(operator, str) or operator not in _COMPARED:
        return False
    if operator in _SETS:
        return isinstance(parameter, list) and bool(parameter) and (_texts(parameter) or _numbers(parameter))
    return _numbers([parameter]) or (operator not in _ORDERS and isinstance(parameter, str))


def rows_where(condition: object, frame: pl.DataFrame) -> pl.Expr | None:
    """Return which rows a countable condition selects; None if the types of its columns leave that to the engine."""
    if not isinstance(condition, Mapping):
        return pl.repeat(value=True, n=pl.len())
    match condition["type"]:
        case "and" | "or" as word:
            parts = [rows_where(part, frame) for part in condition["conditions"]]
            known = [part for part in parts if part is not None]
            if len(known) < len(parts):
                return None
            return pl.all_horizontal(known) if word == "and" else pl.any_horizontal(known)
        case "nullity":
            return _nullity(frame, str(condition["column"]["name"]), is_null=condition["is_null"])
        case _:
            return _comparison(frame, str(condition["column"]["name"]), condition["operator"], condition["parameter"])


def _nullity(frame: pl.DataFrame, name: str, *, is_null: bool) -> pl.Expr:
    column = numbers(frame[name]) if is_number(frame[name].dtype) else pl.col(name)
    return column.is_null() if is_null else column.is_not_null()


def _comparison(frame: pl.DataFrame, name: str, operator: str, parameter: Any) -> pl.Expr | None:
    kind = frame[name].dtype
    listed = parameter if isinstance(parameter, list) else [parameter]
    if is_text(kind) and _texts(listed):
        return _COMPARED[operator](pl.col(name).cast(pl.String), parameter)
    if is_number(kind) and _numbers(listed) and frame[name].null_count() < frame.height:
        compared = [float(value) for value in listed]
        return _COMPARED[operator](
            numbers(frame[name]).cast(pl.Float64), compared if operator in _SETS else compared[0]
        )
    return None


def _texts(values: list[object]) -> bool:
    return all(isinstance(value, str) for value in values)


def _numbers(values: list[object]) -> bool:
    return all(is_exact_number(value) for value in values)


def is_exact_number(value: object) -> bool:
    """Return whether a value is a number that is finite and equal to a float."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) <= MOST_EXACT


MOST_EXACT = 2**53
"""The largest whole number below which every whole number is a float."""
