"""The formats of tables whose metadata name the files that count. A further format takes a row."""

from collections.abc import Callable
from dataclasses import dataclass

from monitoring_pipeline.warehouse.engines.duckdb.outside import Ask
from monitoring_pipeline.warehouse.engines.files.formats.delta import is_delta, select_of_delta
from monitoring_pipeline.warehouse.engines.files.formats.iceberg import is_iceberg, select_of_iceberg
from monitoring_pipeline.warehouse.engines.files.places import FilePlace


@dataclass(frozen=True)
class TableFormat:
    """One format.

    Args:
        is_at: returns whether a folder below a place is such a table.
        select: returns the SELECT of its rows.
    """

    is_at: Callable[[FilePlace, str], bool]
    select: Callable[[FilePlace, str, str, Ask], str]


FORMATS = (TableFormat(is_delta, select_of_delta), TableFormat(is_iceberg, select_of_iceberg))


def format_of(files: FilePlace, path: str) -> TableFormat | None:
    """Return the format of a folder; None if its files alone are the table."""
    return next((each for each in FORMATS if each.is_at(files, path)), None)
