"""Finds the files at the repository's top that the wheel contains inside the package: ``sql/`` and dagster.yaml."""

from pathlib import Path

_PACKAGE = Path(__file__).parent


def dagster_yaml() -> Path:
    """Return the project's dagster.yaml."""
    return _shipped("dagster.yaml")


def sql_directory() -> Path:
    """Return the folder of SQL files."""
    return _shipped("sql")


def read_sql(name: str) -> str:
    """Return the text of one SQL file, such as ``queries/what_is_wrong.sql``.

    Raises:
        FileNotFoundError: when it does not exist; the message names it and the files beside it.
    """
    path = sql_directory() / name
    if not path.is_file():
        existing = ", ".join(sorted(p.stem for p in path.parent.glob("*.sql")))
        message = f"no SQL file {name!r}; known: {existing}"
        raise FileNotFoundError(message)
    return path.read_text(encoding="utf-8")


def _shipped(name: str) -> Path:
    """Return the path of a file, in an installed package or in a checkout."""
    installed = _PACKAGE / name
    return installed if installed.exists() else _PACKAGE.parent / name
