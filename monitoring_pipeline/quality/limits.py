"""The limits of an expectation in words, for the reason of a failure."""

from collections.abc import Mapping

from monitoring_pipeline.quality.expectation import Expectation

VALUES_SHOWN = 5
_LONGEST = 60
_NO_LIMITS = frozenset(
    {
        "min_value", "max_value", "strict_min", "strict_max", "mostly", "row_condition", "column", "column_A",
        "column_B", "column_list", "ignore_row_if", "type_list",
    }
)  # fmt: skip
"""Arguments that are bounds, or no limits at all."""
_PLAIN = frozenset({"value", "value_set", "regex"})
"""Arguments whose value is understood without their name."""


def limits_in_words(expectation: Expectation) -> str:
    """Return the limits of an expectation such as ``60 to 61``; nothing if it has none."""
    bounds = range_in_words(expectation.kwargs)
    others = [
        _shown(value) if name in _PLAIN else f"{name} {_shown(value)}"
        for name, value in expectation.kwargs.items()
        if name not in _NO_LIMITS and value is not None
    ]
    return ", ".join([*([bounds] if bounds else []), *others])


def range_in_words(kwargs: Mapping[str, object]) -> str:
    """Return the range that ``min_value`` and ``max_value`` give; nothing if there is none."""
    lower, upper = kwargs.get("min_value"), kwargs.get("max_value")
    is_strict = bool(kwargs.get("strict_min")), bool(kwargs.get("strict_max"))
    if lower is not None and upper is not None and not any(is_strict):
        return f"{_shown(lower)} to {_shown(upper)}"
    parts = [
        *([f"{'above' if is_strict[0] else 'at least'} {_shown(lower)}"] if lower is not None else []),
        *([f"{'below' if is_strict[1] else 'at most'} {_shown(upper)}"] if upper is not None else []),
    ]
    return " and ".join(parts)


def tolerance_in_words(expectation: Expectation) -> str:
    """Return the share of values that may be unexpected, such as ``; at most 5% are allowed``, if there is one."""
    share = expectation.tolerated_share
    return f"; at most {100 * share:.4g}% are allowed" if share else ""


def _shown(value: object) -> str:
    if isinstance(value, list | tuple):
        more = ", ..." if len(value) > VALUES_SHOWN else ""
        return ", ".join(_shown(entry) for entry in value[:VALUES_SHOWN]) + more
    text = f"{value:.7g}" if isinstance(value, float) else str(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
