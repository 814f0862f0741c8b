"""Conditions on the values of columns as SQL, counted over all rows of a chunk."""

from collections.abc import Iterator, Mapping, Sequence

from monitoring_pipeline.evaluation.quality.conditions import Condition, Test
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.warehouse.sql.counting.canonical import number
from monitoring_pipeline.warehouse.sql.counting.rows import ChunkRows
from monitoring_pipeline.warehouse.sql.dialect import Dialect

AT_ONCE = 40
"""Conditions that one query counts."""


def countable(rows: ChunkRows, condition: Condition) -> bool:
    """Return whether a condition can be counted: its column has SQL, and values of the kind of the set or range."""
    column = rows.columns.get(condition.column)
    # A decided class has another form than the column of the table.
    if column is None or column.reason is not None or condition.column == "prediction":
        return False
    is_number = rows.spec.columns.get(condition.column, FeatureKind.NUMERIC) is FeatureKind.NUMERIC
    if condition.test is Test.OUTSIDE:
        return is_number
    if condition.test in {Test.IN_SET, Test.NOT_IN_SET}:
        return is_number != isinstance(condition.values[0], str) and column.codes is None
    return True


def counts_sql(rows: ChunkRows, conditions: Sequence[Condition]) -> str:
    """Return the query for the number of rows, and for the values and the unexpected values of each condition."""
    names = list(dict.fromkeys(condition.column for condition in conditions))
    selected = ", ".join(f"{rows.columns[name].sql} AS {rows.place(name)}" for name in names)
    source = f"SELECT {selected} FROM {rows.table.listed.sql} AS p WHERE {rows.in_chunk}"
    counts = ", ".join(part for n, condition in enumerate(conditions) for part in _counts(rows, n, condition))
    return f"SELECT count(*) AS row_count, {counts} FROM ({source}) AS r"


def _counts(rows: ChunkRows, n: int, condition: Condition) -> Iterator[str]:
    value = f"r.{rows.place(condition.column)}"
    is_number = rows.spec.columns.get(condition.column, FeatureKind.NUMERIC) is FeatureKind.NUMERIC
    missing = f"({value} IS NULL OR {rows.dialect.is_nan(value)})" if is_number else f"{value} IS NULL"
    unexpected = {
        Test.MISSING: missing,
        Test.PRESENT: f"NOT ({missing})",
        Test.OUTSIDE: f"NOT ({missing}) AND NOT ({_within(rows.dialect, value, condition)})",
        Test.IN_SET: f"NOT ({missing}) AND {_in_set(rows.dialect, value, condition)}",
        Test.NOT_IN_SET: f"NOT ({missing}) AND NOT ({_in_set(rows.dialect, value, condition)})",
    }[condition.test]
    yield f"count(CASE WHEN NOT ({missing}) THEN 1 END) AS v{n}"
    yield f"count(CASE WHEN {unexpected} THEN 1 END) AS u{n}"


def _within(dialect: Dialect, value: str, condition: Condition) -> str:
    strict_lower, strict_upper = condition.is_strict
    parts = []
    if condition.lower is not None:
        parts.append(f"{value} {'>' if strict_lower else '>='} {number(dialect, float(condition.lower))}")
    if condition.upper is not None:
        parts.append(f"{value} {'<' if strict_upper else '<='} {number(dialect, float(condition.upper))}")
    return " AND ".join(parts) or "TRUE"


def _in_set(dialect: Dialect, value: str, condition: Condition) -> str:
    listed = [dialect.literal(each) if isinstance(each, str) else number(dialect, each) for each in condition.values]
    return f"{value} IN ({', '.join(listed)})" if listed else "FALSE"


def by_query(conditions: Mapping[int, Condition]) -> Iterator[dict[int, Condition]]:
    """Yield the conditions of each query."""
    places = list(conditions)
    for first in range(0, len(places), AT_ONCE):
        yield {place: conditions[place] for place in places[first : first + AT_ONCE]}
