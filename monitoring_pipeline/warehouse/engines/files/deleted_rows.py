"""Rows of Parquet files that are deleted, though the files still contain them: each is a file and a position in it."""

from collections.abc import Mapping, Sequence

from monitoring_pipeline.warehouse.sql.catalogue import quoted
from monitoring_pipeline.warehouse.sql.dialect import literal

MOST_POSITIONS = 5_000_000
"""The largest number of deleted rows whose positions are written into SQL, with about eight characters each."""

_FILE = "file of the row"
_POSITION = "file_row_number"


def select_of_positions(positions: Mapping[str, Sequence[int]]) -> str:
    """Return SQL of the files and positions of deleted rows; empty if there are none.

    Args:
        positions: the positions of the deleted rows, by the path of their file as DuckDB reads it.
    """
    each = (
        # DuckDB casts one long text sooner than it parses a long list of numbers.
        f"SELECT {literal(path)} AS file, unnest(CAST('[{','.join(map(str, rows))}]' AS BIGINT[])) AS position"
        for path, rows in positions.items()
        if len(rows)
    )
    return " UNION ALL ".join(each)


def without_deleted(call: str, deleted: str) -> str:
    """Return SQL of the rows of some files without the deleted ones, to be written after FROM.

    Args:
        call: the call of ``read_parquet`` without its closing bracket.
        deleted: SQL of the columns ``file`` and ``position``; empty if no row is deleted.
    """
    if not deleted:
        return f"{call})"
    source = f"{call}, filename = {literal(_FILE)}, {_POSITION} = true)"
    same = f"kept.{quoted(_FILE)} = deleted.file AND kept.{_POSITION} = deleted.position"
    columns = f"* EXCLUDE ({quoted(_FILE)}, {_POSITION})"
    return f"(SELECT {columns} FROM {source} AS kept ANTI JOIN ({deleted}) AS deleted ON {same})"
