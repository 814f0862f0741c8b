"""Facts about the source of a model: the tables, the references and the newest chunks, as counts and sums."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.statistics.results import Quantity


@dataclass(frozen=True)
class Unreadable:
    """A part of the source that could not be read: the field of the spec, the reason, and whether it was away."""

    field: str
    reason: str
    is_away: bool = False


@dataclass(frozen=True)
class SourceTable:
    """A table or view that exists.

    Args:
        name: its name.
        columns: the names of its columns, and paths of nested ones.
        types: the types of the columns that the spec names and that exist, by the name in the spec.
    """

    name: str
    columns: tuple[str, ...]
    types: Mapping[str, str]


@dataclass(frozen=True)
class SourceTables:
    """The tables of predictions and of labels; None for one that does not exist or is not declared."""

    predictions: SourceTable | None
    labels: SourceTable | None
    unreadable: tuple[Unreadable, ...] = ()


@dataclass(frozen=True)
class PredictionsExtent:
    """Number of rows of the whole table of predictions, those with a readable time, and the first and last time."""

    rows: int
    rows_with_time: int
    first: dt.datetime | None
    last: dt.datetime | None


@dataclass(frozen=True)
class LabelsExtent:
    """Number of rows of the whole table of labels, and those with a label and with a time."""

    rows: int
    with_label: int
    with_time: int


@dataclass(frozen=True, kw_only=True)
class ColumnValues:
    """Counts of the values of one column in the rows that were read.

    Args:
        type: the type of the column.
        rows: rows that were read.
        nulls: those without a value, declared null values included.
        distinct: different values.
        lowest: the smallest number; None for text.
        highest: the largest number; None for text.
        unreadable: values of a numeric column that are no numbers.
        null_values: for each declared null value the rows that have it.
    """

    type: str
    rows: int
    nulls: int = 0
    distinct: int = 0
    lowest: float | None = None
    highest: float | None = None
    unreadable: int = 0
    null_values: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def values(self) -> int:
        """Rows with a value."""
        return self.rows - self.nulls


@dataclass(frozen=True, kw_only=True)
class Sample:
    """Facts of rows that were read from the source.

    Args:
        place: the words for the rows, such as ``the newest 3 days``.
        rows: number of the rows.
        columns: the columns by their canonical names.
        at_midnight: rows whose time is midnight in the zone of the source's times.
        at_local_midnight: rows whose time is midnight in the model's zone.
        faults: measurements of the reading that are breached, such as repeated ids.
        refusal: the reason if these rows would be refused.
    """

    place: str
    rows: int
    columns: Mapping[str, ColumnValues]
    at_midnight: int = 0
    at_local_midnight: int = 0
    faults: tuple[Measurement, ...] = ()
    refusal: Unreadable | None = None


@dataclass(frozen=True, kw_only=True)
class LabelCounts:
    """The labels of the rows of a reference.

    Args:
        predictions: predictions of the whole window.
        label_rows: label rows that belong to them.
        read: labels that were read.
        before_prediction: those that were known before their prediction was made.
        after_delay: those that became known later than ``labels.delay`` after the end of their chunk.
        classes: numbers of the labels by class; a binary model's are ``0`` and ``1``; empty for a regression.
        codes: the values of a binary model's labels as the source has them, in order, at most a few.
    """

    predictions: int
    label_rows: int
    read: int = 0
    before_prediction: int = 0
    after_delay: int = 0
    classes: Mapping[str, int] = field(default_factory=dict[str, int])
    codes: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """The share of predictions with a label."""
        return min(1.0, self.label_rows / self.predictions) if self.predictions else 0.0


@dataclass(frozen=True, kw_only=True)
class ReferenceRows:
    """The rows of one reference window.

    Args:
        version: the version whose reference it is.
        by_chunk: rows of each chunk, by version.
        is_registered: whether the registry has the version, which then can score rows of other versions.
        sample: facts of rows that were read; None if there are none.
        labels: the labels of the rows; None if no labels are declared or could be read.
        performance: metrics of the version on the rows that were read.
    """

    version: str
    by_chunk: Mapping[str, Mapping[str, int]]
    is_registered: bool = False
    sample: Sample | None = None
    labels: LabelCounts | None = None
    performance: Mapping[MetricName, Quantity] = field(default_factory=dict[MetricName, Quantity])

    @property
    def by_version(self) -> Mapping[str, int]:
        """Rows of the whole window by version."""
        return totals(self.by_chunk)

    @property
    def rows(self) -> int:
        """Rows that the reference is built from: of its version, or of all if the version has none and can score."""
        by_version = self.by_version
        return by_version.get(self.version, 0) or (sum(by_version.values()) if self.is_registered else 0)


@dataclass(frozen=True, kw_only=True)
class NewestChunks:
    """The newest chunks that are over.

    Args:
        by_chunk: rows of each chunk by version, oldest first; also of chunks without rows.
        sample: facts of rows of the last ones.
    """

    by_chunk: Mapping[str, Mapping[str, int]]
    sample: Sample | None = None

    @property
    def newest(self) -> str | None:
        """Key of the newest chunk with rows."""
        return max((key for key, versions in self.by_chunk.items() if versions), default=None)


@dataclass(frozen=True)
class NullValue:
    """A declared null value of a column, by the canonical name of the column."""

    column: str
    value: str


@dataclass(frozen=True, kw_only=True)
class SourceFacts:
    """Everything about a model's source that its spec is judged by; a part that could not be read is None or absent.

    ``null_values_elsewhere`` are declared null values that other rows of the table have than those that were read.
    """

    now: dt.datetime
    tables: SourceTables
    predictions: PredictionsExtent | None = None
    labels: LabelsExtent | None = None
    references: tuple[ReferenceRows, ...] = ()
    newest: NewestChunks | None = None
    unreadable: tuple[Unreadable, ...] = ()
    null_values_elsewhere: frozenset[NullValue] = frozenset()

    @property
    def samples(self) -> tuple[Sample, ...]:
        """The rows that were read, references first."""
        places = (*self.references, *((self.newest,) if self.newest else ()))
        return tuple(place.sample for place in places if place.sample is not None)


def totals(by_chunk: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Return the rows of all chunks by version."""
    summed: dict[str, int] = {}
    for versions in by_chunk.values():
        for version, rows in versions.items():
            summed[version] = summed.get(version, 0) + rows
    return summed
