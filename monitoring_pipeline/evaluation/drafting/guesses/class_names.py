"""The names of classes, as columns of their scores have them."""

import re
from collections.abc import Sequence

from monitoring_pipeline.evaluation.drafting.guesses.roles_table import plain_name


def class_names(columns: Sequence[str], classes: Sequence[str]) -> dict[str, str]:
    """Return the columns of scores by class: the known class of the same name, else what is its own in the name.

    Args:
        columns: the columns.
        classes: the classes that labels or predictions show.
    """
    own = own_parts(columns)
    by_plain = {plain_name(each): each for each in classes}
    named = {column: by_plain.get(plain_name(part), part) for column, part in zip(columns, own, strict=True)}
    if len(set(named.values())) < len(columns):
        named = {column: column for column in columns}
    return {name: column for column, name in named.items()}


def own_parts(columns: Sequence[str]) -> list[str]:
    """Return the part of each name that the others do not share."""
    before = _shared_length(columns)
    after = _shared_length([column[before:][::-1] for column in columns])
    parts = [column[before : len(column) - after] if after else column[before:] for column in columns]
    return [part.strip("_- .") or column for part, column in zip(parts, columns, strict=True)]


def _shared_length(texts: Sequence[str]) -> int:
    """Return the length of the shared beginning that ends where a word ends."""
    shared = 0
    for place, characters in enumerate(zip(*texts, strict=False), start=1):
        if len(set(characters)) > 1:
            break
        if not characters[0].isalnum():
            shared = place
    digits = [re.fullmatch(r"(\D*)\d+", text) for text in texts]
    if all(digits) and len({match[1] for match in digits if match}) == 1 and digits[0]:
        return len(digits[0][1])
    return shared
