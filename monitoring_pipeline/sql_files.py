"""Finds the SQL files: the folder ``sql/`` of the repository, shipped inside the wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def sql_directory() -> Path:
    """Return the folder of SQL files: beside the package in a checkout, inside it once installed."""
    installed = _PACKAGE / "sql"
    return installed if installed.is_dir() else _PACKAGE.parent / "sql"


def read_sql(name: str) -> str:
    """Return the text of one SQL file, such as ``queries/what_is_wrong.sql``.

    Raises:
        FileNotFoundError: naming the file and what exists beside it.
    """
    path = sql_directory() / name
    if not path.is_file():
        existing = ", ".join(sorted(p.name for p in path.parent.glob("*.sql")))
        message = f"no SQL file {name!r}; known beside it: {existing}"
        raise FileNotFoundError(message)
    return path.read_text(encoding="utf-8")
