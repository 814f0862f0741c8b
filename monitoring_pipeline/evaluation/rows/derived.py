"""The columns that stand for texts and vectors: numbers and categories, computed as rows are read.

The values themselves are not kept. All that depends on the reference is in its ``Projection``.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.privacy.pseudonyms import pseudonymise
from monitoring_pipeline.spec.derived_columns import (
    DIRECTIONS_OF_TEXT,
    DIRECTIONS_OF_VECTORS,
    PARTS,
    name_of_part,
)
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.statistics.inputs import Flags, Vector
from monitoring_pipeline.statistics.texts import SCRIPTS, Codes, Counts, count_characters, sequence_shares
from monitoring_pipeline.statistics.vectors import Directions, fit_directions, lengths_of, places_along

ROWS_FITTED = 5_000
"""Rows of the reference that directions are fitted to: the first by the hash of their ids."""
CHARACTERS_READ = 4_000
"""Characters of a text that are counted; its length is that of all of them."""
_CHARACTERS_AT_ONCE = 2_000_000
_ROWS_AT_ONCE = 10_000
EMPTY, NO_LETTERS, MOSTLY = "empty text", "no letters", "mostly {}"
NO_VECTOR, ZERO, NOT_FINITE = "no numbers", "zero vector", "not finite"
_AROUND_LISTS = "[]{}() \n\t"


@dataclass(frozen=True)
class Projection:
    """The directions in which texts or vectors of a reference vary most.

    Args:
        mean: mean of the vectors of length 1, as multiples of ``statistics.vectors.UNIT``.
        directions: principal components, in the same unit.
    """

    mean: tuple[int, ...]
    directions: tuple[tuple[int, ...], ...]

    @cached_property
    def fitted(self) -> Directions:
        """The directions as arrays."""
        shape = (len(self.directions), len(self.mean))
        return Directions(np.array(self.mean, dtype=np.int64), np.array(self.directions, dtype=np.int64).reshape(shape))


Projections = Mapping[str, Mapping[str, Projection]]
"""The projections of each version's reference, by feature."""
NOT_PROJECTED: Projections = {}


def derived_kinds(spec: ModelSpec) -> dict[str, FeatureKind]:
    """Return the features of text and vectors, with their kinds."""
    return {name: spec.features[name].kind for name in spec.derived_features}


def fit_projections(spec: ModelSpec, raw: pl.DataFrame, id_key: bytes) -> dict[str, Projection]:
    """Fit the directions of every text and every embedding among some rows; none where no row has a vector.

    Args:
        spec: the model.
        raw: rows of a reference with canonical column names and the warehouse's types.
        id_key: key of the pseudonymising hash, by which the rows are drawn.
    """
    if not spec.derived_features:
        return {}
    by_hash = raw.select("predicted_at", pseudonymise(raw["row_id"], id_key)).with_row_index("place")
    drawn = by_hash.sort("row_id", "predicted_at", maintain_order=True)["place"].head(ROWS_FITTED)
    some = raw[drawn]
    found: dict[str, Projection] = {}
    for name, kind in derived_kinds(spec).items():
        units = _DERIVED[kind].units(some[name]) if name in some.columns else np.zeros((0, 0))
        if units.size:
            fitted = fit_directions(units, _DERIVED[kind].directions)
            found[name] = Projection(tuple(fitted.mean.tolist()), tuple(map(tuple, fitted.directions.tolist())))
    return found


def with_derived_columns(
    spec: ModelSpec, rows: pl.DataFrame, versions: pl.Series, projections: Projections
) -> pl.DataFrame:
    """Return rows in which derived columns stand for texts and vectors.

    Args:
        spec: the model.
        rows: rows with canonical column names; a feature that is absent is null.
        versions: the version of each row.
        projections: by version; places are null where a version has none.
    """
    derived = [
        column
        for name, kind in derived_kinds(spec).items()
        for column in _DERIVED[kind].columns(
            name, rows[name], _ByVersion(versions, {v: of[name] for v, of in projections.items() if name in of})
        )
    ]
    return rows.with_columns(derived) if derived else rows


def as_lists(values: pl.Series) -> pl.Series:
    """Return vectors as lists of Float64; text such as ``[0.5, 1]`` or ``{0.5,1}`` is parsed.

    A part of a text that is no number becomes null, and text without numbers an empty list.
    """
    if isinstance(values.dtype, pl.Array):
        values = values.arr.to_list()
    if values.dtype == pl.String:
        parts = values.str.strip_chars(_AROUND_LISTS).str.split(",")
        empty = values.str.strip_chars(_AROUND_LISTS) == ""
        numbers = parts.list.eval(pl.element().str.strip_chars().cast(pl.Float64, strict=False))
        return pl.select(pl.when(~empty).then(numbers).when(empty).then(pl.lit([], pl.List(pl.Float64)))).to_series()
    return values.cast(pl.List(pl.Float64), strict=False)


@dataclass(frozen=True, eq=False)
class _ByVersion:
    """The versions of rows, and the projections of a feature by version."""

    versions: pl.Series
    projections: Mapping[str, Projection]

    def places(self, rows: Counts, units: Vector, directions: int) -> Vector:
        """Return places and, last, the distance of vectors of length 1; NaN where they have no projection.

        Args:
            rows: numbers of the rows, shape (rows,).
            units: their vectors, shape (rows, numbers).
            directions: the columns of places.
        """
        found = np.full((rows.size, directions + 1), np.nan)
        versions = self.versions.gather(rows)
        for version, projection in self.projections.items():
            own = np.flatnonzero((versions == version).to_numpy())
            if own.size and units.shape[1] == len(projection.mean):
                places, distances = places_along(projection.fitted, units[own])
                found[own, : places.shape[1]] = places
                found[own, -1] = distances
        return found


def _columns_of_texts(name: str, values: pl.Series, by_version: _ByVersion) -> Iterator[pl.Series]:
    texts = values.cast(pl.String)
    filled = texts.fill_null("")
    numbers = np.full((texts.len(), len(PARTS[FeatureKind.TEXT])), np.nan)
    scripts = np.full(texts.len(), -1)
    for rows in _blocks(filled.str.len_chars().clip(0, CHARACTERS_READ).to_numpy()):
        block = filled.gather(rows)
        counts = count_characters(*_codes(block.str.slice(0, CHARACTERS_READ)))
        visible, letters = _positive(counts.visible), _positive(counts.letters)
        units = sequence_shares(*_codes(_in_small_letters(block)))
        numbers[rows] = np.column_stack(
            [
                block.str.len_chars().to_numpy(),
                counts.words,
                counts.letters / visible,
                counts.digits / visible,
                counts.signs / visible,
                counts.capitals / letters,
                counts.beyond_ascii / visible,
                _only(counts.visible > 0, by_version.places(rows, units, DIRECTIONS_OF_TEXT)),
            ]
        )
        scripts[rows] = np.where(counts.visible > 0, counts.script, -2)
    names = {-2: EMPTY, -1: NO_LETTERS} | {place: MOSTLY.format(script) for place, script in enumerate(SCRIPTS)}
    lead = pl.Series(name, scripts).replace_strict(names, return_dtype=pl.String)
    yield from _where(texts.is_not_null(), lead, numbers, FeatureKind.TEXT)


def _columns_of_vectors(name: str, values: pl.Series, by_version: _ByVersion) -> Iterator[pl.Series]:
    lists = as_lists(values)
    numbers = np.full((lists.len(), len(PARTS[FeatureKind.EMBEDDING])), np.nan)
    forms = np.full(lists.len(), NO_VECTOR, dtype=object)
    for rows, matrix in _matrices(lists):
        lengths = lengths_of(matrix)
        finite, has_direction = np.isfinite(lengths), np.isfinite(lengths) & (lengths > 0)
        units = matrix / np.where(has_direction, lengths, 1.0)[:, None]
        forms[rows] = np.where(has_direction, f"{matrix.shape[1]} numbers", np.where(finite, ZERO, NOT_FINITE))
        numbers[rows, 0] = np.where(finite, lengths, np.nan)
        pointing = rows[has_direction]
        numbers[pointing, 1:] = by_version.places(pointing, units[has_direction], DIRECTIONS_OF_VECTORS)
    lead = pl.Series(name, forms.tolist(), dtype=pl.String)
    yield from _where(lists.is_not_null(), lead, numbers, FeatureKind.EMBEDDING)


def _units_of_texts(values: pl.Series) -> Vector:
    """Return the shares of sequences that directions are fitted to, shape (texts, buckets), without empty texts."""
    known = values.cast(pl.String).drop_nulls()
    read = known.filter(known.str.strip_chars() != "")
    lengths = read.str.len_chars().clip(0, CHARACTERS_READ).to_numpy()
    units = [sequence_shares(*_codes(_in_small_letters(read.gather(rows)))) for rows in _blocks(lengths)]
    return np.concatenate(units) if units else np.zeros((0, 0))


def _units_of_vectors(values: pl.Series) -> Vector:
    """Return vectors of length 1, shape (rows, numbers); only those with as many numbers as most vectors have."""
    by_size: dict[int, list[Vector]] = {}
    for _, matrix in _matrices(as_lists(values)):
        lengths = lengths_of(matrix)
        has_direction = np.isfinite(lengths) & (lengths > 0)
        by_size.setdefault(matrix.shape[1], []).append(matrix[has_direction] / lengths[has_direction, None])
    usual = max(by_size, key=lambda size: (sum(map(len, by_size[size])), size), default=None)
    return np.zeros((0, 0)) if usual is None else np.concatenate(by_size[usual])


def _matrices(lists: pl.Series) -> Iterator[tuple[Counts, Vector]]:
    """Yield the numbers of rows whose vectors have the same size, and these vectors, shape (rows, size)."""
    sizes = lists.list.len().fill_null(0).to_numpy()
    for size in np.unique(sizes[sizes > 0]).tolist():
        rows = np.flatnonzero(sizes == size)
        for begin in range(0, rows.size, _ROWS_AT_ONCE):
            some = rows[begin : begin + _ROWS_AT_ONCE]
            yield some, lists.gather(some).explode().cast(pl.Float64).to_numpy().reshape(-1, size)


def _blocks(lengths: Counts) -> Iterator[Counts]:
    """Yield the numbers of consecutive rows, so many that their characters fit into memory."""
    begins = np.maximum(np.cumsum(lengths) // _CHARACTERS_AT_ONCE, np.arange(lengths.size) // _ROWS_AT_ONCE)
    for _, rows in pl.Series("block", begins).to_frame().with_row_index("row").group_by("block", maintain_order=True):
        yield rows["row"].to_numpy().astype(np.int64)


def _codes(texts: pl.Series) -> tuple[Codes, Counts]:
    """Return the code points of texts, one after the other, and the length of each."""
    codes = np.frombuffer("".join(texts.to_list()).encode("utf-32-le"), dtype="<u4").astype(np.uint32)
    return codes, texts.str.len_chars().to_numpy().astype(np.int64)


def _in_small_letters(texts: pl.Series) -> pl.Series:
    """Return texts in small letters between spaces, so that the beginning and the end of a word are sequences too."""
    read = texts.str.slice(0, CHARACTERS_READ).str.to_lowercase()
    return pl.select(pl.lit(" ") + read + pl.lit(" ")).to_series()


def _positive(counts: Counts) -> Vector:
    return np.where(counts > 0, counts, np.nan)


def _only(rows: Flags, numbers: Vector) -> Vector:
    return np.where(rows[:, None], numbers, np.nan)


def _where(present: pl.Series, lead: pl.Series, numbers: Vector, kind: FeatureKind) -> Iterator[pl.Series]:
    """Yield the columns of a feature, null where there is no value, and numbers that are undefined as null."""
    columns = [lead, *(pl.Series(name_of_part(lead.name, p), c) for p, c in zip(PARTS[kind], numbers.T, strict=True))]
    frame = pl.DataFrame(columns).with_columns(pl.col(pl.Float64).fill_nan(None))
    yield from frame.select(pl.when(present).then(pl.all())).get_columns()


@dataclass(frozen=True)
class _Derivation:
    """How a kind of feature is read: its columns, the vectors of length 1, and how many directions are fitted."""

    columns: Callable[[str, pl.Series, _ByVersion], Iterator[pl.Series]]
    units: Callable[[pl.Series], Vector]
    directions: int


_DERIVED: Mapping[FeatureKind, _Derivation] = {
    FeatureKind.TEXT: _Derivation(_columns_of_texts, _units_of_texts, DIRECTIONS_OF_TEXT),
    FeatureKind.EMBEDDING: _Derivation(_columns_of_vectors, _units_of_vectors, DIRECTIONS_OF_VECTORS),
}
