"""Values of a YAML file or of Python code in the form that fields of text need."""

import re
from typing import cast

from monitoring_pipeline.spec.parsing.documents import PlainText


def keys_as_text(value: object) -> object:
    """Return a dictionary with its keys as text, so that Python code may write ``{0: "p_0"}``; all else unchanged."""
    if isinstance(value, dict):
        return {str(key): entry for key, entry in cast("dict[object, object]", value).items()}
    return value


def entries_as_text(value: object) -> object:
    """Return a list with its entries as text, so that Python code may write ``[-999]``; all else unchanged.

    YAML reads the word ``null`` as nothing; here it is the text.

    Raises:
        ValueError: when an entry is itself a list or has keys.
    """
    if not isinstance(value, list | tuple):
        return value
    entries = cast("list[object]", value)
    if any(isinstance(entry, list | tuple | set | dict) for entry in entries):
        raise ValueError("each entry is one text or number, without brackets or keys of its own")
    return ["null" if entry is None else str(entry) for entry in entries]


def number_or_boolean_without_quotes(value: object) -> object:
    """Return the boolean or integer that text without quotes in a YAML file stands for (YAML 1.2, core schema)."""
    if not isinstance(value, PlainText):
        return value
    if value.lower() in {"true", "false"}:
        return value.lower() == "true"
    return int(value) if re.fullmatch(r"[-+]?(0|[1-9]\d*)", value) else value


def yaml_text(value: object) -> str:
    """Return a value of a YAML file as text; booleans as YAML 1.2 writes them."""
    return str(value).lower() if isinstance(value, bool) else str(value)
