"""The columns of frames that are compared: their kinds, and the columns that are left out with the reason."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.api.frames import ArgumentError, require_columns
from monitoring_pipeline.evaluation.drafting.value_kinds import words_of_text
from monitoring_pipeline.evaluation.rows.readable import unreadable_numbers
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.sources import FeatureKind

LEAST_ROWS = 100
"""In fewer rows, nothing shows that a column is an identifier."""
NEARLY_EVERY = 0.9
LARGEST_STEP = 2
TO_EXIST, TO_HAVE_TYPE, LEFT_OUT = "column_to_exist", "column_values_to_be_in_type_list", "left_out"


@dataclass(frozen=True)
class Columns:
    """The kinds of the columns that are compared, and a measurement for each other one."""

    kinds: Mapping[str, FeatureKind]
    measurements: tuple[Measurement, ...]

    @property
    def notes(self) -> tuple[str, ...]:
        """The columns that were left out because nobody asked for them."""
        return tuple(f"{m.subject} is left out: {m.reason}" for m in self.measurements if m.name == LEFT_OUT)


@dataclass(frozen=True)
class _Doubt:
    """A reason to leave a column out if it applies to all frames; a final one holds although its kind is given."""

    applies: Callable[[pl.Series], bool]
    reason: str
    is_final: bool = False


def _is_nearly_unique(column: pl.Series) -> bool:
    enough = column.dtype == pl.String and column.count() >= LEAST_ROWS
    return enough and column.drop_nulls().n_unique() > NEARLY_EVERY * column.count()


def _counts_rows(column: pl.Series) -> bool:
    if not column.dtype.is_integer() or column.count() < LEAST_ROWS:
        return False
    lowest, highest = column.min(), column.max()
    if not isinstance(lowest, int) or not isinstance(highest, int) or highest - lowest >= LARGEST_STEP * column.len():
        return False
    return column.null_count() == 0 and column.n_unique() == column.len()


_DOUBTS = (
    _Doubt(lambda column: column.dtype.is_nested() and not _is_vector(column), "it holds nested values", is_final=True),
    _Doubt(lambda column: column.dtype in (pl.Binary, pl.Object), "it holds bytes or objects", is_final=True),
    _Doubt(lambda column: column.dtype.is_temporal(), "it holds times, and later rows have later ones"),
    _Doubt(
        lambda column: _is_nearly_unique(column) and not _is_written(column),
        "nearly every value is different, as in an identifier",
    ),
    _Doubt(_counts_rows, "it numbers the rows, as an identifier does"),
)


def choose_columns(
    frames: Mapping[str, pl.DataFrame],
    *,
    columns: Sequence[str] | None,
    kinds: Mapping[str, str] | None,
    roles: Collection[str],
) -> Columns:
    """Return the columns that are compared, with their kinds.

    Args:
        frames: the frames by argument. The first one decides which columns there are, unless ``columns`` does.
        columns: the columns that the user chose; None for all that have no role.
        kinds: kinds that the user gave, by column.
        roles: columns that are no inputs: ids, times, outputs, labels.

    Raises:
        ArgumentError: if a named column does not exist, has a role, or a kind is none or does not fit.
    """
    argument, first = next(iter(frames.items()))
    given = _given_kinds(kinds or {}, first, argument)
    wanted = [name for name in first.columns if name not in roles]
    if columns is not None:
        names = [columns] if isinstance(columns, str) else list(dict.fromkeys(columns))
        require_columns(first, names, "columns", argument)
        if taken := [name for name in names if name in roles]:
            raise ArgumentError(f"columns: {taken[0]!r} has a role of its own in another argument")
        wanted = names
    chosen: dict[str, FeatureKind] = {}
    found: list[Measurement] = []
    for name in wanted:
        sides = {place: frame[name] for place, frame in frames.items() if name in frame.columns}
        problem = _problem(name, sides, frames, given.get(name), is_named=columns is not None)
        if isinstance(problem, Measurement):
            found.append(problem)
        else:
            chosen[name] = problem
    if not chosen:
        raise ArgumentError(f"columns: none is left to compare{_because(found)}")
    return Columns(chosen, (*found, *_new_columns(frames, wanted, roles, is_named=columns is not None)))


def _given_kinds(kinds: Mapping[str, str], first: pl.DataFrame, argument: str) -> dict[str, FeatureKind]:
    require_columns(first, kinds, "kinds", argument)
    allowed = [kind.value for kind in FeatureKind]
    for name, kind in kinds.items():
        if kind not in allowed:
            raise ArgumentError(f"kinds: column {name!r}: {kind!r} is not one of {', '.join(allowed)}")
    return {name: FeatureKind(kind) for name, kind in kinds.items()}


def _problem(
    name: str,
    sides: Mapping[str, pl.Series],
    frames: Mapping[str, pl.DataFrame],
    given: FeatureKind | None,
    *,
    is_named: bool,
) -> FeatureKind | Measurement:
    """Return the kind of a column, or the measurement that it is left out."""
    if missing := next((place for place in frames if place not in sides), None):
        return _breach(name, TO_EXIST, f"{missing} has no column {name}")
    is_wanted = given is not None or is_named
    for doubt in _DOUBTS:
        if (doubt.is_final or not is_wanted) and all(doubt.applies(side) for side in sides.values()):
            return _left_out(name, doubt.reason if doubt.is_final else f"{doubt.reason}; kinds can name it")
    kind = given or _kind_of(next(iter(sides.values())))
    if kind is not FeatureKind.NUMERIC:
        return kind
    unfit = {place: reason for place, side in sides.items() if (reason := _why_no_numbers(side))}
    if not unfit:
        return kind
    place, reason = next(iter(unfit.items()))
    if given is not None:
        raise ArgumentError(f"kinds: column {name!r} of {place} {reason}, so it is not numeric")
    return _breach(name, TO_HAVE_TYPE, f"column {name} of {place} {reason}; expected numbers")


def _kind_of(column: pl.Series) -> FeatureKind:
    if _is_number(column):
        return FeatureKind.NUMERIC
    if _is_vector(column):
        return FeatureKind.EMBEDDING
    is_text = column.dtype == pl.String and _is_nearly_unique(column) and _is_written(column)
    return FeatureKind.TEXT if is_text else FeatureKind.CATEGORICAL


def _is_vector(column: pl.Series) -> bool:
    return isinstance(column.dtype, pl.List | pl.Array) and column.dtype.inner.is_numeric()


def _is_written(column: pl.Series) -> bool:
    return words_of_text(column.drop_nulls()) is not None


def _is_number(column: pl.Series) -> bool:
    return column.dtype.is_numeric() or (column.dtype.is_temporal() and column.dtype != pl.Time)


def _why_no_numbers(column: pl.Series) -> str | None:
    if column.dtype == pl.String:
        unreadable = unreadable_numbers(column).len()
        return f"is text, and {unreadable} of {column.count()} values are no numbers" if unreadable else None
    fits = _is_number(column) or column.dtype in (pl.Boolean, pl.Null)
    return None if fits else f"has type {column.dtype}"


def _new_columns(
    frames: Mapping[str, pl.DataFrame], wanted: Sequence[str], roles: Collection[str], *, is_named: bool
) -> Iterator[Measurement]:
    """Yield the measurement of the columns that only a later frame has."""
    first, *others = frames.values()
    if is_named or not others:
        return
    new = sorted({name for frame in others for name in frame.columns} - set(first.columns) - set(roles) - set(wanted))
    measurement = Measurement(
        kind=Kind.QUALITY,
        subject="table",
        name="columns_new",
        model_version="",
        value=float(len(new)),
        threshold_upper=0.0,
        severity=Severity.INFO,
        definition="columns that the reference does not have",
    )
    yield measurement.breached(", ".join(new)) if new else measurement


def _because(found: Sequence[Measurement]) -> str:
    return f": {found[0].subject}: {found[0].reason}" if found else "; every column has a role in another argument"


def _left_out(name: str, reason: str) -> Measurement:
    return Measurement(
        kind=Kind.DRIFT,
        subject=name,
        name=LEFT_OUT,
        model_version="",
        status=Status.SKIPPED,
        severity=Severity.INFO,
        reason=reason,
    )


def _breach(name: str, check: str, reason: str) -> Measurement:
    return Measurement(
        kind=Kind.QUALITY,
        subject=name,
        name=check,
        model_version="",
        value=1.0,
        threshold_upper=0.0,
        status=Status.BREACHED,
        severity=Severity.CRITICAL,
        reason=reason,
    )
