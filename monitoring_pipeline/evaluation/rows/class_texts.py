"""Classes and versions as text, whatever the type of the column that holds them.

An integral number is the same class as a float, a decimal or an integer: 1, 1.0 and 1.00 are all ``1``.
"""

import re
from collections.abc import Collection

import polars as pl

BOOLEAN_WORDS = {
    "true": True, "t": True, "yes": True, "y": True, "on": True, "1": True,
    "false": False, "f": False, "no": False, "n": False, "off": False, "0": False,
}  # fmt: skip
LARGEST_EXACT = 2**53
_PLAIN_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?")


def class_texts(values: pl.Series, classes: Collection[str]) -> pl.Series:
    """Return the class of each value as text.

    Booleans take the words that ``classes`` uses for them: ``true`` and ``false``, or ``1`` and ``0``, ``yes`` and
    ``no``, in any case.
    """
    if values.dtype == pl.Boolean:
        words = {BOOLEAN_WORDS[name.lower()]: name for name in classes if name.lower() in BOOLEAN_WORDS}
        texts = {True: "true", False: "false"} | words
        return values.replace_strict(texts, default=None, return_dtype=pl.String)
    return number_texts(values)


def version_texts(values: pl.Series, known: Collection[str]) -> pl.Series:
    """Return versions as text; a text that is known as it stands keeps its form, such as ``1.0`` of a float column."""
    texts, plain = number_texts(values), values.cast(pl.String)
    if texts.equals(plain, null_equal=True):
        return texts
    return (
        pl.DataFrame({"texts": texts, "plain": plain})
        .select(pl.when(pl.col("plain").is_in(list(known))).then("plain").otherwise("texts").alias(values.name))
        .to_series()
    )


def as_known(texts: pl.Series, known: Collection[str]) -> pl.Series:
    """Return the categories of a column of numbers or booleans, each in the form that ``known`` has of the same value.

    So a code that was stored as an integer equals itself as a float, and a boolean equals 1 or 0. A category that is
    known as it stands, or unknown in every form, stays as it is. The first of several known forms is taken.
    """
    by_value = {value: text for text in reversed(list(known)) if (value := _value_of(text)) is not None}
    given = texts.drop_nulls().unique()
    forms = {
        text: by_value[value]
        for text in given.filter(~given.is_in(list(known)))
        if (value := _value_of(text)) in by_value
    }
    return texts.replace(forms) if forms else texts


def _value_of(category: str) -> float | None:
    """Return the number or boolean (1 or 0) that a category stands for; None if it stands for neither."""
    boolean = {"true": 1.0, "false": 0.0}.get(category.lower())
    # A code such as 007 is a text of its own.
    return float(category) if boolean is None and _PLAIN_NUMBER.fullmatch(category) else boolean


def number_texts(values: pl.Series) -> pl.Series:
    """Return values as text; an integral float has no decimals, so that it equals an integer."""
    if not (values.dtype.is_float() or values.dtype.is_decimal()):
        return values.cast(pl.String)
    numbers = values.cast(pl.Float64)
    integral = (numbers == numbers.floor()) & (numbers.abs() <= LARGEST_EXACT)
    return (
        pl.DataFrame({"number": numbers, "integral": integral, "text": values.cast(pl.String)})
        .select(
            pl.when("integral")
            .then(pl.col("number").cast(pl.Int64, strict=False).cast(pl.String))
            .otherwise("text")
            .alias(values.name)
        )
        .to_series()
    )


def booleans_of_text(values: pl.Series) -> pl.Series | None:
    """Return the booleans that all of a text stands for, None if some of it stands for none."""
    booleans = (
        values.str.strip_chars().str.to_lowercase().replace_strict(BOOLEAN_WORDS, default=None, return_dtype=pl.Boolean)
    )
    return booleans if booleans.null_count() == values.null_count() else None
