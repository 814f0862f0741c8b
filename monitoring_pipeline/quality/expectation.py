"""One expectation of a suite, independent of the library that runs it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from monitoring_pipeline.records.measurement import Severity

TO_EXIST = "expect_column_to_exist"
TO_HAVE_TYPE = "expect_column_values_to_be_in_type_list"
TIMESTAMP_TYPES = ("datetime64[us]",)
NUMERIC_TYPES = (
    "bool",
    *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    *("float32", "float64"),
)
KNOWN_TYPES = (*NUMERIC_TYPES, *TIMESTAMP_TYPES, "datetime64[ms]", "str", "bytes", "time", "timedelta")
"""Names of types that columns have after the conversion to pandas."""


@dataclass(frozen=True)
class Expectation:
    """One entry of a suite: Great Expectations' type and kwargs, and the severity of a failure.

    ``kwargs`` may hold a ``row_condition`` in the form of a mapping, which restricts the rows that are judged.
    """

    type: str
    kwargs: Mapping[str, object]
    severity: Severity = Severity.WARNING
    notes: str = ""

    @property
    def judged_columns(self) -> tuple[str, ...]:
        """The columns that the expectation is about; empty if it is about the whole table."""
        single = [self.kwargs[key] for key in ("column", "column_A", "column_B") if key in self.kwargs]
        listed = self.kwargs.get("column_list")
        return tuple(str(name) for name in [*single, *(listed if isinstance(listed, list | tuple) else ())])

    @property
    def columns(self) -> frozenset[str]:
        """All columns that it needs: the judged ones and those of its row condition."""
        return frozenset(self.judged_columns) | {
            str(part["name"]) for part in _parts(self.kwargs.get("row_condition")) if "name" in part
        }

    @property
    def subject(self) -> str:
        """The subject of its measurement: the column, several joined by a comma, or ``chunk``."""
        return ",".join(self.judged_columns) or "chunk"

    @property
    def where(self) -> str:
        """The row condition as readable text, such as ``carrier == 'MQ'``; empty without one."""
        return _condition_text(self.kwargs.get("row_condition"))

    @property
    def name(self) -> str:
        """Bare name of its measurement: the type without ``expect_``; the row condition is apart."""
        return self.type.removeprefix("expect_")

    @property
    def tolerated_share(self) -> float:
        """The largest share of unexpected values that still passes: 1 - mostly."""
        mostly = self.kwargs.get("mostly", 1.0)
        return round(1.0 - float(mostly), 12) if isinstance(mostly, int | float) else 0.0


def condition_problem(condition: object) -> str | None:
    """Return the reason why a row condition cannot be used, None if it can.

    Text (and Great Expectations' ``pass_through``) is refused because pandas would evaluate it as code, its columns
    are unknown until it runs, and Great Expectations has deprecated it.
    """
    if condition is None:
        return None
    if not isinstance(condition, Mapping) or any(part.get("type") == "pass_through" for part in _parts(condition)):
        return (
            "row_condition: write a mapping, such as "
            f"{{type: comparison, column: {{name: carrier}}, operator: '==', parameter: MQ}}; got {condition!r}"
        )
    return None


def _parts(condition: object) -> Iterator[Mapping[str, object]]:
    """Walk a condition and yield every mapping in it."""
    if isinstance(condition, Mapping):
        yield condition
        for value in condition.values():
            yield from _parts(value)
    elif isinstance(condition, list):
        for value in condition:
            yield from _parts(value)


def _condition_text(condition: object) -> str:
    match condition:
        case {"type": "comparison", "column": {"name": name}, "operator": operator, "parameter": parameter}:
            return f"{name} {str(operator).replace('_', ' ').lower()} {parameter!r}"
        case {"type": "nullity", "column": {"name": name}, "is_null": is_null}:
            return f"{name} is {'' if is_null else 'not '}null"
        case {"type": "and" | "or" as word, "conditions": [*conditions]}:
            return "(" + f" {word} ".join(_condition_text(part) for part in conditions) + ")"
        case _:
            return ""
