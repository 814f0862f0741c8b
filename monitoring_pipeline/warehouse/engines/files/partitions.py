"""Folders such as ``day=2025-01-31`` as columns."""

import re
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import unquote

NULL = "__HIVE_DEFAULT_PARTITION__"

_TYPES = (
    ("DATE", re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")),
    ("BIGINT", re.compile(r"0|-?[1-9][0-9]{0,17}")),
)
"""Types, and the form of their values. A number with a leading zero is text, because it may be a code."""


def partition_types(paths: Sequence[str], base: str) -> dict[str, str]:
    """Return the types of the columns in the names of folders below ``base``; none unless all files have the same.

    Args:
        paths: the files.
        base: the folder of the table.
    """
    found = [_values(path, base) for path in paths]
    if not found or any(each.keys() != found[0].keys() for each in found):
        return {}
    return {name: _type({each[name] for each in found}) for name in found[0]}


def _values(path: str, base: str) -> dict[str, str]:
    below = Path(path).parent.parts[len(Path(base).parts) :]
    pairs = (part.partition("=") for part in below)
    return {name: unquote(value) for name, separator, value in pairs if separator and name}


def _type(values: set[str]) -> str:
    given = values - {NULL, ""}
    return next((kind for kind, form in _TYPES if given and all(map(form.fullmatch, given))), "VARCHAR")
