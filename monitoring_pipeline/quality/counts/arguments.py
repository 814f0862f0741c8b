"""Arguments of expectations that are answered by counts: which are allowed, and of which form."""

from collections.abc import Callable, Mapping

from monitoring_pipeline.quality.counts.row_conditions import is_countable, is_exact_number
from monitoring_pipeline.quality.expectation import KNOWN_TYPES

Check = Callable[[object], bool]


def _is_name(value: object) -> bool:
    return isinstance(value, str)


def _is_share(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1


def _is_bound(value: object) -> bool:
    return value is None or is_exact_number(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_length(value: object) -> bool:
    return value is None or _is_whole(value)


def _is_flag(value: object) -> bool:
    return isinstance(value, bool)


def _is_set(value: object) -> bool:
    if not isinstance(value, list) or not value:
        return False
    same = {bool: _is_flag, str: _is_name}.get(type(value[0]), is_exact_number)
    return all(same(item) for item in value)


def _is_type_list(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(name in KNOWN_TYPES for name in value)


COLUMN: dict[str, Check] = {"column": _is_name}
ROWS: dict[str, Check] = COLUMN | {"row_condition": is_countable}
VALUES: dict[str, Check] = ROWS | {"mostly": _is_share}
TYPES: dict[str, Check] = COLUMN | {"type_list": _is_type_list, "mostly": _is_share}
SET: dict[str, Check] = {"value_set": _is_set}
BOUNDS: dict[str, Check] = {
    "min_value": _is_bound, "max_value": _is_bound, "strict_min": _is_flag, "strict_max": _is_flag,
}  # fmt: skip
LENGTHS: dict[str, Check] = BOUNDS | {"min_value": _is_length, "max_value": _is_length}
LENGTH: dict[str, Check] = {"value": _is_whole}


def are_plain(kwargs: Mapping[str, object], checks: Mapping[str, Check]) -> bool:
    """Return whether all arguments are allowed and of the plain form, and bounds are bounds of a range."""
    required = {"column", "value_set", "type_list", "value"} & checks.keys()
    if not required <= kwargs.keys() or not all(name in checks and checks[name](kwargs[name]) for name in kwargs):
        return False
    if "min_value" not in checks:
        return True
    lower, upper = kwargs.get("min_value"), kwargs.get("max_value")
    if isinstance(lower, int | float) and isinstance(upper, int | float):
        return lower <= upper
    return lower is not None or upper is not None
