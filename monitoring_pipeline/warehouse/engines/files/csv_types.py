"""The types of the columns of CSV files. All rows decide, so that the same files always have the same types.

DuckDB's own detection looks at the first rows of the first file, and reads the id 007 as the number 7.
"""

from dataclasses import dataclass

from monitoring_pipeline.warehouse.engines.duckdb.outside import Ask
from monitoring_pipeline.warehouse.sql.catalogue import quoted

_DAY = "[0-9]{4}-[0-9]{2}-[0-9]{2}"
_TIME = "[ T][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]+)?)?"
_OFFSET = "([zZ]|[+-][0-9]{2}(:?[0-9]{2})?)"
_LEADING_ZERO = "^[+-]?0[0-9]"
TEXT = "VARCHAR"


@dataclass(frozen=True)
class TextForm:
    """A type, and the form in which its values are written.

    Args:
        type: the type.
        pattern: the regular expression of one value.
    """

    type: str
    pattern: str

    def condition(self, column: str) -> str:
        """Return SQL that is true if a text has this form and can be cast."""
        return f"regexp_full_match({column}, '{self.pattern}') AND TRY_CAST({column} AS {self.type}) IS NOT NULL"


FORMS = (
    TextForm("BIGINT", "[+-]?[0-9]{1,18}"),
    # A longer number is an id, which DOUBLE would change.
    TextForm("DOUBLE", "[+-]?([0-9]{1,18}([.][0-9]*)?|[.][0-9]+)([eE][+-]?[0-9]+)?|[+-]?(nan|NaN|inf|Infinity)"),
    TextForm("BOOLEAN", "(?i)true|false"),
    TextForm("DATE", _DAY),
    TextForm("TIMESTAMP", f"{_DAY}({_TIME})?"),
    TextForm("TIMESTAMPTZ", f"{_DAY}{_TIME}{_OFFSET}"),
)
"""The forms in their order of precedence. A column has the first type of whose form all its values are."""

_NUMBERS = ("BIGINT", "DOUBLE")


def select_of_csv(source: str, ask: Ask) -> str:
    """Return the SELECT of CSV files with the type of each column.

    Args:
        source: the call of ``read_csv`` that reads every column as text.
        ask: runs a query.
    """
    described = ask(f"DESCRIBE SELECT * FROM {source}")
    columns = {str(name): str(kind) for name, kind, *_ in described}
    texts = [name for name, kind in columns.items() if kind == TEXT]
    types = columns | (_types(source, texts, ask) if texts else {})
    selected = (quoted(name) if kind == columns[name] else _cast(name, kind) for name, kind in types.items())
    return f"SELECT {', '.join(selected)} FROM {source}"


def _types(source: str, columns: list[str], ask: Ask) -> dict[str, str]:
    counts = (count for name in columns for count in _counts(quoted(name)))
    (row,) = ask(f"SELECT {', '.join(counts)} FROM {source}")
    width = len(FORMS) + 2
    return {name: _type(row[n * width : (n + 1) * width]) for n, name in enumerate(columns)}


def _counts(column: str) -> list[str]:
    """Return SQL of the numbers of values: all, those with a leading zero, and those of each form."""
    zeros = f"count(*) FILTER (WHERE regexp_matches({column}, '{_LEADING_ZERO}'))"
    return [f"count({column})", zeros, *(f"count(*) FILTER (WHERE {form.condition(column)})" for form in FORMS)]


def _type(counts: tuple[object, ...]) -> str:
    values, zeros, *of_forms = counts
    fitting = (
        form.type
        for form, count in zip(FORMS, of_forms, strict=True)
        if count == values and not (zeros and form.type in _NUMBERS)
    )
    return next(fitting, TEXT) if values else TEXT


def _cast(name: str, kind: str) -> str:
    return f"CAST({quoted(name)} AS {kind}) AS {quoted(name)}"
