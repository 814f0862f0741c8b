"""Errors of DuckDB as sentences without values of rows, because the sentences are stored and sent."""

import duckdb

FOLDERS_VARIABLE = "MONITORING_PIPELINE_WAREHOUSE_FOLDERS"
EXTENSIONS_VARIABLE = "MONITORING_PIPELINE_WAREHOUSE_EXTENSIONS"
MEMORY_VARIABLE = "MONITORING_PIPELINE_WAREHOUSE_MEMORY"
SECONDS_VARIABLE = "MONITORING_PIPELINE_WAREHOUSE_READ_SECONDS"

_ABOUT_VALUES = "a value cannot be computed; run the query by hand to see the value"
_INTERNAL = "DuckDB failed; run the query by hand to see its message"
_SENTENCES: tuple[tuple[type[duckdb.Error], str], ...] = (
    (
        duckdb.PermissionException,
        f"it reads a file or address outside the folders of {FOLDERS_VARIABLE} (default: the folder of the database)",
    ),
    (
        duckdb.OutOfMemoryException,
        f"it needs more memory than {MEMORY_VARIABLE} allows (default: 4 GB), also with up to 40 GB of disk",
    ),
    (duckdb.InterruptException, f"it takes longer than {SECONDS_VARIABLE} allows"),
    (duckdb.HTTPException, "an address cannot be read; run the query by hand to see which"),
    (duckdb.IOException, "a file cannot be read; check whether the files exist that its views read"),
    (duckdb.CatalogException, "something that it names does not exist; run the query by hand to see what"),
    (duckdb.BinderException, "its columns do not fit, as if the source of a view has changed; run the query by hand"),
    (duckdb.InternalException, _INTERNAL),
    (duckdb.FatalException, _INTERNAL),
    (duckdb.DatabaseError, _ABOUT_VALUES),
    (
        duckdb.Error,
        f"{_ABOUT_VALUES}; if it needs an extension, install it and name it in {EXTENSIONS_VARIABLE}",
    ),
)


def sentence(kind: type[duckdb.Error], text: str | None) -> str:
    """Return the kind of an error, and its text or else a remedy.

    Args:
        kind: class of the error.
        text: text of an error about the statement, which contains no values of rows.
    """
    if text is not None:
        return text
    remedy = next(words for known, words in _SENTENCES if issubclass(kind, known))
    return f"{kind.__name__}: {remedy}"


def kind_named(name: str) -> type[duckdb.Error]:
    """Return the class of DuckDB's errors of that name; the base class if there is none."""
    kind = getattr(duckdb, name, None)
    return kind if isinstance(kind, type) and issubclass(kind, duckdb.Error) else duckdb.Error
