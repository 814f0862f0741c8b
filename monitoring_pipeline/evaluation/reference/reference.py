"""The reference of one model version: frozen bins, their profile, and the performance it was released with."""

import datetime as dt
import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from types import MappingProxyType
from typing import Annotated

import polars as pl
from pydantic import Field, TypeAdapter

from monitoring_pipeline.evaluation.drift.floors import NOTHING_LEARNED, LearnedFloors
from monitoring_pipeline.evaluation.estimation.estimation import NOT_ESTIMATED, Estimation, learn_estimation
from monitoring_pipeline.evaluation.fitted_models.domain_classifier import (
    FIRST_CLASSIFIER,
    NEWEST_CLASSIFIER,
    DomainClassifier,
)
from monitoring_pipeline.evaluation.labels.delay import NO_DELAY_LEARNED, LabelDelay, learn_label_delay
from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.evaluation.profiles.bins import Bins
from monitoring_pipeline.evaluation.profiles.by_chunk import rows_to_keep
from monitoring_pipeline.evaluation.profiles.labelled import error_bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile
from monitoring_pipeline.evaluation.quality.columns import ColumnFacts
from monitoring_pipeline.evaluation.quality.null_groups import LEAST_SHARE, Categories, NullGroup
from monitoring_pipeline.evaluation.quality.table import TableFacts, learn_chunks
from monitoring_pipeline.evaluation.quality.volume import ReferenceChunk
from monitoring_pipeline.evaluation.reference.columns import learn_columns
from monitoring_pipeline.evaluation.rows.derived import Projection
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint, fingerprint
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.records.names import MetricName, Segment
from monitoring_pipeline.spec.derived_columns import parts_of
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.parsing.metric_key import MetricKey
from monitoring_pipeline.statistics.results import Quantity

DIGITS_HASHED, HASHED_AS_ZERO = 6, 1e-9
_FLOAT = re.compile(r"-?\d+(?:\.\d+(?:e-?\d+)?|e-?\d+)")


class EmptyReferenceError(ValueError):
    """A reference window contains no rows of its version; the message names both."""


@dataclass(frozen=True)
class ReferenceMetric:
    """A performance metric on the reference, with its interval."""

    metric: MetricKey
    value: float
    lower: float | None
    upper: float | None


@dataclass(frozen=True)
class Reference:
    """The reference that the chunks of one model version are compared with.

    ``window`` is the key of the reference window (first day/day after the last). ``table_columns`` are the types of
    all columns that the table of predictions had. ``floors`` and ``estimation`` were learned from its chunks,
    ``label_delay`` from its labels. ``error_bins`` are the bins of a regression's errors. ``constant_columns`` held
    only one value on some day of the reference, as the weekday does. ``rows_read`` is the fingerprint of its rows and
    their labels; references that earlier versions of this package built have none. ``classifier`` learned the
    multivariate floors, and what a column adds to these statistics on usual days, ``usual_contributions``.
    ``projections`` are those of features of text and vectors.
    """

    model: str
    model_version: str
    window: str
    bins: dict[str, Bins]
    profile: ChunkProfile
    performance: tuple[ReferenceMetric, ...]
    labelled_rows: int
    table_columns: dict[str, str] = field(default_factory=dict[str, str])
    floors: LearnedFloors = NOTHING_LEARNED
    label_delay: LabelDelay = NO_DELAY_LEARNED
    estimation: Estimation = NOT_ESTIMATED
    error_bins: dict[str, Bins] = field(default_factory=dict[str, Bins])
    multivariate_floors: dict[str, float] = field(default_factory=dict[str, float])
    usual_contributions: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])
    chunks: Annotated[tuple[ReferenceChunk, ...], Field(alias="days")] = ()
    constant_columns: tuple[str, ...] = ()
    rows_read: str = ""
    classifier: DomainClassifier = FIRST_CLASSIFIER
    projections: dict[str, Projection] = field(default_factory=dict[str, Projection])

    @cached_property
    def reference_hash(self) -> str:
        """Hash of the rows that the reference was built from, and of what was learned from them to six digits.

        Further digits may depend on the machine. The hash of a reference without ``rows_read`` covers every digit.
        """
        document = reference_document(self)
        hashed = _FLOAT.sub(_hashed_digits, document) if self.rows_read else document
        return hashlib.sha256(hashed.encode()).hexdigest()[:16]

    @property
    def estimates(self) -> dict[MetricName, Quantity]:
        """The performance on the reference, with intervals, by metric."""
        return {entry.metric: Quantity(entry.value, entry.lower, entry.upper) for entry in self.performance}

    @property
    def table(self) -> TableFacts:
        """The table of predictions as it was in the reference."""
        return TableFacts(self.chunks, self.table_columns, self.window)

    @property
    def columns(self) -> ColumnFacts:
        """The columns of the reference in the form that column quality takes."""
        return ColumnFacts(
            self.bins, self.profile, self.constant_columns, self.floors.floor, parts_of(self.projections, self.bins)
        )

    def measured(self, metric: MetricName) -> ReferenceMetric | None:
        """Return the metric on the reference; None if it was not measured there."""
        return next((entry for entry in self.performance if entry.metric == metric), None)


@dataclass(frozen=True)
class BuiltReference:
    """A reference with the data that are kept beside it: profiles of its chunks by key, and its rows with labels."""

    reference: Reference
    chunks: dict[str, ChunkProfile]
    rows: pl.DataFrame


REFERENCES_KEPT = 8
_ADAPTER = TypeAdapter(Reference)
_OF_EARLIER_VERSIONS: Mapping[str, object] = {
    "rows_read": "",
    "classifier": FIRST_CLASSIFIER,
    "usual_contributions": {},
    "projections": {},
}
"""Fields that were added later, with the values of references that lack them."""


def projections_fingerprint(references: Mapping[str, Reference]) -> str:
    """Return a hash of the projections of references by version, with which texts and vectors are read."""
    return combined_fingerprint(*(f"{version}{references[version].projections!r}" for version in sorted(references)))


def reference_document(reference: Reference) -> str:
    """Return the reference as JSON; floats survive the round trip exactly."""
    # Without the fields, the document and the hash of a reference of an earlier version stay as they are.
    without = {name for name, value in _OF_EARLIER_VERSIONS.items() if getattr(reference, name) == value}
    return _ADAPTER.dump_json(reference, by_alias=True, exclude=without).decode()


@lru_cache(maxsize=REFERENCES_KEPT)
def reference_from_document(document: str) -> Reference:
    """Return the reference that :func:`reference_document` wrote.

    It is kept with its hash, because every asset loads the reference for every chunk.
    """
    return _ADAPTER.validate_json(document)


def _hashed_digits(number: re.Match[str]) -> str:
    value = float(number[0])
    return f"{value:.{DIGITS_HASHED}g}" if abs(value) >= HASHED_AS_ZERO else "0"


def build_reference(
    spec: ModelSpec,
    model_version: str,
    window: str,
    rows: pl.DataFrame,
    labels: pl.DataFrame,
    *,
    table_columns: Mapping[str, str],
    as_of: dt.datetime,
    shows_volume: bool = True,
    projections: Mapping[str, Projection] = MappingProxyType({}),
) -> BuiltReference:
    """Freeze the bins, profile the reference's chunks, and measure the version's performance on them.

    Args:
        spec: the model.
        model_version: the version whose reference this is.
        window: key of the reference window.
        rows: canonical predictions of the window, of any version.
        labels: canonical labels of the window.
        table_columns: types of all columns of the table of predictions.
        as_of: the moment at which the labels were read.
        shows_volume: whether the number of rows and their times are those of production.
        projections: the projections with which texts and vectors were read.

    Raises:
        EmptyReferenceError: if the window has no row of the version.
    """
    version_rows = rows.filter(pl.col("model_version") == model_version)
    if version_rows.is_empty():
        versions = ", ".join(repr(v) for v in rows["model_version"].unique().sort().head(10).to_list()) or "none"
        message = (
            f"{spec.name}: reference.{model_version}: no predictions of version {model_version!r} "
            f"in {window}; versions found there: {versions}"
        )
        raise EmptyReferenceError(message)
    measured = measure_performance(spec, version_rows, labels, model_version=model_version)
    kept = rows_to_keep(version_rows, labels)
    columns = learn_columns(spec, model_version, version_rows, kept=kept)
    reference = Reference(
        model=spec.name,
        model_version=model_version,
        window=window,
        bins=columns.bins,
        profile=columns.profile,
        performance=tuple(
            ReferenceMetric(m.metric, m.value, m.lower, m.upper)
            for m in measured
            if m.kind is Kind.PERFORMANCE and m.value is not None
        ),
        labelled_rows=version_rows.join(labels, on="row_id", how="semi").height,
        table_columns=dict(table_columns),
        floors=columns.floors,
        multivariate_floors=columns.together.floors,
        usual_contributions=columns.together.usual,
        label_delay=learn_label_delay(spec, kept, as_of),
        estimation=learn_estimation(spec, kept),
        chunks=learn_chunks(spec, version_rows) if shows_volume else (),
        constant_columns=columns.constant_columns,
        classifier=NEWEST_CLASSIFIER,
        projections=dict(projections),
        error_bins=error_bins(spec, kept.filter(pl.col("label").is_not_null())),
        rows_read=combined_fingerprint(fingerprint(version_rows), fingerprint(labels)),
    )
    return BuiltReference(reference, columns.chunks, kept)


def find_concentrated_nulls(spec: ModelSpec, rows: pl.DataFrame, *, model_version: str) -> tuple[Measurement, ...]:
    """Return a measurement for each category that contains most nulls of another feature, as after a broken feed.

    The overall null share of such a feature hides that the model never receives the value for those categories.
    """
    categories = Categories.of_features(spec, rows)
    return tuple(
        measurement
        for column in spec.features
        if (group := categories.null_group(column, rows[column].is_null()))
        for measurement in _concentrations(rows, column, group, model_version)
    )


def _concentrations(rows: pl.DataFrame, column: str, group: NullGroup, model_version: str) -> Iterator[Measurement]:
    missing = rows[column].is_null()
    elsewhere = _share(missing.filter(~group.rows(rows)))
    for category in group.values:
        in_category = missing.filter((rows[group.column] == category).fill_null(value=False))
        yield Measurement(
            kind=Kind.QUALITY,
            subject=column,
            name="null_share",
            of=str(Segment(group.column, category)),
            model_version=model_version,
            value=_share(in_category),
            reference_value=elsewhere,
            threshold_upper=LEAST_SHARE,
            status=Status.BREACHED,
            severity=Severity.WARNING,
            reason=(
                f"null in {_share(in_category):.1%} of the rows with {group.column} = {category}, "
                f"in {elsewhere:.1%} elsewhere"
            ),
            definition="share of null among one category's rows; the reference value is that of all unsuspicious rows",
            rows=in_category.len(),
        )


def _share(missing: pl.Series) -> float:
    return float(missing.cast(pl.Float64).sum()) / max(missing.len(), 1)
