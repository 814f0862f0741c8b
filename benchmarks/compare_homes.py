"""Compare the stored tables of two homes: equal but for run ids, times of runs and the code's version.

Usage: ``python compare_homes.py OLD NEW``, each a home's folder or the SQLAlchemy URL of a store. Prints a line for
each table and the first differences; the exit code is 1 if a row, a table or a column of OLD differs or is missing.
With ``--other-warehouse`` the homes may have read the same rows from warehouses of different kinds.
"""

import argparse
import datetime as dt
import json
import re
from ast import literal_eval
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

from sqlalchemy import (
    DateTime,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    UniqueConstraint,
    create_engine,
    func,
    select,
)

OF_A_RUN = frozenset({"run_id", "code_version", "delivery_id", "claimed_at"})
NUMBERED = frozenset({"event_id", "alert_id", "decision_id"})
"""Numbers in the order of writing, which differs where models are monitored side by side."""
NOT_COMPARED = OF_A_RUN | NUMBERED
TIMES_OF_DATA = frozenset({"chunk_start", "chunk_end", "window_start", "window_end", "latest_at", "muted_until"})
OF_A_WAREHOUSE = frozenset({"reference_hash"})
"""The hash of a reference covers the types of the table's columns, whose names differ between kinds of warehouses."""
TYPES_OF_COLUMNS = "table_columns"
"""The key of these types in the document of a reference."""
WITHOUT_RESULTS = frozenset({"alembic_version", "efforts", "audit", "forgotten_rows", "spec_texts"})
"""Tables that hold no results: the revision of the schema, what measuring took, and the keeping of data."""
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)?")
SHOWN = 5

Row = tuple[str, ...]


@dataclass(frozen=True)
class Difference:
    """Rows of one table that differ: as they were and as they are, None where a home has no such row."""

    old: Row | None
    new: Row | None


@dataclass(frozen=True)
class Comparison:
    """One table of both homes."""

    table: str
    columns: tuple[str, ...]
    rows: tuple[int, int]
    equal: int
    differences: tuple[Difference, ...]
    only_old: tuple[str, ...]
    only_new: tuple[str, ...]

    @property
    def is_equal(self) -> bool:
        """Whether everything that the old home has is in the new one, and no other row."""
        return not self.differences and not self.only_old


def compare_homes(old: str, new: str, *, other_warehouse: bool = False) -> list[Comparison]:
    """Compare every table of two stores; a table that one side lacks has no rows there.

    Args:
        old: folder of a home, or URL of its store.
        new: the other one.
        other_warehouse: whether names of column types are left out, because warehouses of different kinds were read.
    """
    engines = [create_engine(store_url(home)) for home in (old, new)]
    described = [_described(engine) for engine in engines]
    names = sorted(set().union(*(metadata.tables for metadata in described)) - WITHOUT_RESULTS)
    left_out = OF_A_WAREHOUSE if other_warehouse else frozenset[str]()
    compared = [
        _compare(name, engines, [metadata.tables.get(name) for metadata in described], left_out) for name in names
    ]
    for engine in engines:
        engine.dispose()
    return compared


def store_url(home: str) -> str:
    """Return the URL of a home's store; a URL is returned as it is.

    Raises:
        FileNotFoundError: when the folder holds no store.
    """
    if "://" in home:
        return home
    path = Path(home).absolute() / "results.db"
    if not path.is_file():
        raise FileNotFoundError(path)
    return f"sqlite:///file:{path}?mode=ro&uri=true"


def _described(engine: Engine) -> MetaData:
    metadata = MetaData()
    metadata.reflect(engine)
    return metadata


def _compare(
    name: str, engines: Sequence[Engine], tables: Sequence[Table | None], left_out: Collection[str]
) -> Comparison:
    columns = [_compared_columns(table, left_out) for table in tables]
    shared = tuple(column for column in columns[0] if column in columns[1])
    rows = [_rows(engine, table, shared) for engine, table in zip(engines, tables, strict=True)]
    if left_out and "document" in shared:
        place = shared.index("document")
        rows = [[(*row[:place], _without_types(row[place]), *row[place + 1 :]) for row in own] for own in rows]
    counters = [Counter(own) for own in rows]
    left = [list((own - other).elements()) for own, other in (counters, counters[::-1])]
    return Comparison(
        table=name,
        columns=shared,
        rows=tuple(_count(engine, table) for engine, table in zip(engines, tables, strict=True)),
        equal=len(rows[0]) - len(left[0]),
        differences=tuple(_paired(left[0], left[1], _key_positions(tables, shared))),
        only_old=tuple(column for column in columns[0] if column not in columns[1]),
        only_new=tuple(column for column in columns[1] if column not in columns[0]),
    )


def _compared_columns(table: Table | None, left_out: Collection[str]) -> list[str]:
    names = [] if table is None else [column.name for column in table.columns]
    return [name for name in names if name not in NOT_COMPARED and name not in left_out]


def _without_types(document: str) -> str:
    """Return the document of a reference, as it is compared, without the types of the table's columns.

    Some warehouses write the names of columns in capitals.
    """
    reference = json.loads(literal_eval(document))
    types = reference.pop(TYPES_OF_COLUMNS, None) or {}
    return json.dumps({**reference, TYPES_OF_COLUMNS: sorted(name.casefold() for name in types)})


def _key_positions(tables: Sequence[Table | None], columns: Sequence[str]) -> list[int]:
    """Return where the columns stand by which a row is found again; none where rows are only counted."""
    known = next(table for table in tables if table is not None)
    constraints = (own for own in known.constraints if isinstance(own, PrimaryKeyConstraint | UniqueConstraint))
    keys = ([column.name for column in own.columns] for own in constraints)
    usable = [key for key in keys if key and set(key) <= set(columns)]
    return [columns.index(name) for name in next(iter(usable), [])]


def _rows(engine: Engine, table: Table | None, columns: Sequence[str]) -> list[Row]:
    if table is None or not columns:
        return []
    times = [isinstance(table.c[name].type, DateTime) and name not in TIMES_OF_DATA for name in columns]
    with engine.connect() as connection:
        found = connection.execute(select(*(table.c[name] for name in columns)))
        return [
            tuple(_comparable(value, is_time=is_time) for value, is_time in zip(row, times, strict=True))
            for row in found
        ]


def _count(engine: Engine, table: Table | None) -> int:
    if table is None:
        return 0
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


def _comparable(value: object, *, is_time: bool) -> str:
    """Return a value as text, with one word for each time of a run."""
    if value is None:
        return "null"
    if is_time:
        return "a time"
    if isinstance(value, dt.datetime) and value.tzinfo is not None:
        value = value.astimezone(dt.UTC).replace(tzinfo=None)  # SQLite keeps no time zone
    text = json.dumps(value, sort_keys=True) if isinstance(value, dict | list) else repr(value)
    return MOMENT.sub("a time", text)


def _paired(old: Iterable[Row], new: Iterable[Row], key: Sequence[int]) -> Iterable[Difference]:
    """Yield the rows that differ, beside each other where they have the same key."""
    if not key:
        yield from (Difference(*pair) for pair in zip_longest(sorted(old), sorted(new)))
        return
    by_key: dict[Row, list[list[Row]]] = {}
    for side, rows in enumerate((old, new)):
        for row in rows:
            by_key.setdefault(tuple(row[n] for n in key), [[], []])[side].append(row)
    for _, (before, after) in sorted(by_key.items()):
        yield from (Difference(*pair) for pair in zip_longest(before, after))


def lines_of(comparison: Comparison) -> list[str]:
    """Return what is printed of a table."""
    old, new = comparison.rows
    counts = f"{old} rows" if old == new else f"{old} and {new} rows"
    lines = [f"{comparison.table}: {counts}, {comparison.equal} equal, {len(comparison.differences)} different"]
    lines += [f"    only OLD has the column {name}" for name in comparison.only_old]
    lines += [f"    only NEW has the column {name}" for name in comparison.only_new]
    for difference in comparison.differences[:SHOWN]:
        lines += _lines_of_difference(comparison.columns, difference)
    return lines


def _lines_of_difference(columns: Sequence[str], difference: Difference) -> list[str]:
    old, new = difference.old, difference.new
    if old is None or new is None:
        side, row = ("OLD", old) if old is not None else ("NEW", new)
        return [f"    only {side}: {', '.join(f'{c}={v}' for c, v in zip(columns, row or (), strict=False))}"]
    same = [f"{c}={a}" for c, a, b in zip(columns, old, new, strict=True) if a == b][:6]
    changed = [f"        {c}: {a} -> {b}" for c, a, b in zip(columns, old, new, strict=True) if a != b]
    return [f"    {', '.join(same)}", *changed]


def main() -> None:
    """Compare the two homes that the command line names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("old", help="folder of a home, or URL of its store")
    parser.add_argument("new", help="the other one")
    parser.add_argument(
        "--other-warehouse", action="store_true", help="leave out names of column types, which kinds of warehouses have"
    )
    given = parser.parse_args()
    try:
        compared = compare_homes(given.old, given.new, other_warehouse=given.other_warehouse)
    except FileNotFoundError as error:
        parser.error(f"no store there: {error}")
    for comparison in compared:
        print("\n".join(lines_of(comparison)))
    different = [comparison.table for comparison in compared if not comparison.is_equal]
    print(f"different: {', '.join(different)}" if different else "equal but for run ids, times and the code's version")
    raise SystemExit(1 if different else 0)


if __name__ == "__main__":
    main()
