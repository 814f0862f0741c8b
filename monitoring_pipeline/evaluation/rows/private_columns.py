"""Columns that privacy names: hashed, generalised or reduced to whether there is a value, as soon as they are read."""

import hashlib

import polars as pl

from monitoring_pipeline.evaluation.rows.readable import has_null_value, unreadable_numbers
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.privacy import HASHED, IDENTIFIER, Generalization
from monitoring_pipeline.spec.sources import FeatureKind

PRESENT = "present"
"""Stands for every value of an identifier."""
UNREADABLE = "no number"
"""Stands for text in a column of numbers that are rounded."""
HASH_BYTES = 6
"""Twelve hexadecimal digits: among a million values two are equal by chance in 2 of 1,000 columns."""
_HASH = r"^#[0-9a-f]{12}$"


class UntreatedColumnError(RuntimeError):
    """A column that privacy names has reached the monitoring as it was read: a fault of this package."""


def with_private_columns_treated(spec: ModelSpec, rows: pl.DataFrame, key: bytes) -> pl.DataFrame:
    """Return rows in which nothing of the columns that privacy names is left but what it allows.

    Null stays null. Declared null values stay as they are, so that they can be found. A value is hashed with BLAKE2b
    (RFC 7693), keyed, together with the name of its column: equal values of two columns have different hashes. An
    integral number has the hash of an integer.

    Args:
        spec: the model.
        rows: rows with canonical column names, in the warehouse's types.
        key: key of the hash, at most 64 bytes.
    """
    private = [name for name in spec.privacy if name in rows.columns]
    return rows.with_columns(_treated(spec, rows[name], key) for name in private) if private else rows


def require_treated(spec: ModelSpec, rows: pl.DataFrame) -> None:
    """Check that no column holds more than privacy allows.

    Raises:
        UntreatedColumnError: if one does.
    """
    for name, treatment in spec.privacy.items():
        if name in rows.columns and rows[name].dtype != pl.Null and not _is_treated(rows[name], treatment):
            raise UntreatedColumnError(f"{spec.name}: privacy.{name}: the column was read as it is")


def _treated(spec: ModelSpec, column: pl.Series, key: bytes) -> pl.Series:
    treatment = spec.privacy[column.name]
    kind = spec.columns.get(column.name, FeatureKind.CATEGORICAL)
    if column.dtype == pl.Null:
        return column
    is_null_value = has_null_value(column, spec.null_values_of(column.name), kind).fill_null(value=False)
    if isinstance(treatment, Generalization) and treatment.round_to is not None:
        return _where(is_null_value, column, _rounded(column, treatment.round_to))
    texts = _texts(column)
    if isinstance(treatment, Generalization):
        return _where(is_null_value, texts, texts.str.slice(0, treatment.first))
    if treatment == IDENTIFIER:
        return _where(is_null_value, texts, _only_where(texts.is_not_null(), PRESENT, column.name))
    return _where(is_null_value, texts, _hashed(texts, key))


def _where(is_kept: pl.Series, old: pl.Series, new: pl.Series) -> pl.Series:
    if not is_kept.any():
        return new.alias(old.name)
    return old.cast(new.dtype, strict=False).zip_with(is_kept, new)


def _only_where(is_there: pl.Series, value: str, name: str) -> pl.Series:
    return pl.select(pl.when(is_there).then(pl.lit(value)).alias(name)).to_series()


def _texts(column: pl.Series) -> pl.Series:
    """Return categories as text; an integral number has the text of an integer, whatever its type."""
    if column.dtype.is_float():
        whole = column.is_finite() & (column == column.round()) & (column.abs() < 2.0**53)
        integers = column.cast(pl.Int64, strict=False).cast(pl.String)
        return integers.zip_with(whole.fill_null(value=False), column.cast(pl.String))
    if column.dtype.is_nested() or column.dtype == pl.Binary:
        return pl.Series(column.name, [None if value is None else repr(value) for value in column.to_list()], pl.String)
    return column.cast(pl.String)


def _hashed(texts: pl.Series, key: bytes) -> pl.Series:
    different = texts.drop_nulls().unique()
    keyed = hashlib.blake2b(texts.name.encode() + b"\0", key=key, digest_size=HASH_BYTES)
    hashes: dict[str, str] = {}
    for text in different.to_list():
        own = keyed.copy()
        own.update(text.encode())
        hashes[text] = f"#{own.hexdigest()}"
    return texts.replace_strict(hashes, default=None, return_dtype=pl.String)


def _rounded(column: pl.Series, step: float) -> pl.Series:
    if column.dtype == pl.String and not unreadable_numbers(column).is_empty():
        # The check of the schema refuses the column, and quotes values.
        return _only_where(column.is_not_null(), UNREADABLE, column.name)
    if column.dtype.is_temporal() or column.dtype.is_nested() or column.dtype == pl.Binary:
        return _only_where(column.is_not_null(), UNREADABLE, column.name)
    numbers = column.str.strip_chars() if column.dtype == pl.String else column
    return ((numbers.cast(pl.Float64, strict=False) / step + 0.5).floor() * step).alias(column.name)


def _is_treated(column: pl.Series, treatment: str | Generalization) -> bool:
    if isinstance(treatment, Generalization) and treatment.round_to is not None:
        return column.dtype.is_numeric()
    if column.dtype != pl.String:
        return False
    if isinstance(treatment, Generalization):
        return bool((column.str.len_chars() <= treatment.first).all())
    return bool((column.str.contains(_HASH) if treatment == HASHED else column == PRESENT).all())
