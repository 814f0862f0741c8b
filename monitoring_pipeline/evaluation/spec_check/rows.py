"""Judgements of rows: their times, ids and versions."""

from collections.abc import Iterator, Mapping
from types import MappingProxyType

from monitoring_pipeline.evaluation.spec_check.facts import SourceFacts
from monitoring_pipeline.evaluation.spec_check.findings import Observation
from monitoring_pipeline.spec.model import ModelSpec

LEAST_ROWS = 20
"""Fewer rows may share the time of day by chance."""
NAMES_SHOWN = 5
FAULTS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "duplicate_predictions": (
            "predictions.id",
            "name all columns that identify a prediction, such as id: [customer, day], or remove the repeated rows",
        ),
        "predictions_without_id": ("predictions.id", "name a column that every row has"),
        "scores_out_of_range": ("predictions.score", "store probabilities, from 0 to 1"),
        "scores_not_normalised": (
            "predictions.scores",
            "name the scores of all classes, and store probabilities that sum to 1",
        ),
        "ambiguous_labels": ("labels.id", "name all columns that identify a prediction, in predictions and labels"),
        "duplicate_labels": (
            "labels.id",
            "the last label counts; if they are of different predictions, name all columns",
        ),
        "labels_contradictory": (
            "labels.known_at",
            "write the time of a correction, or replace the row instead of adding one",
        ),
        "labels_without_value": ("labels.label", "they count as withdrawn; check that this is meant"),
        "labels_unmapped": ("labels.values", "name these values, with the class that each means"),
    }
)
"""By measurement of the reading: the field that it is about, and the remedy."""


def no_predictions(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield a table of predictions without rows, or without rows that have a time."""
    extent = facts.predictions
    if extent is None:
        return
    table = spec.predictions.table
    if not extent.rows:
        yield Observation("predictions.table", f"{table} has no rows", "name the table that the model writes to")
    elif not extent.rows_with_time:
        yield Observation(
            "predictions.time",
            f"no row of {extent.rows:,} has a time that can be read",
            "name a column of timestamps, dates, seconds or milliseconds since 1970, or ISO 8601 text",
        )


def predictions_without_time(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield rows without a readable time, which belong to no chunk."""
    extent = facts.predictions
    if extent and 0 < extent.rows_with_time < extent.rows:
        missing = extent.rows - extent.rows_with_time
        yield Observation(
            "predictions.time",
            f"{missing:,} of {extent.rows:,} rows have no time that can be read, and so no {spec.calendar.noun}",
            "write the time of every prediction, or name another column",
        )


def predictions_of_the_future(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield times that are later than now by more than a day."""
    extent = facts.predictions
    if extent and extent.last and (extent.last - facts.now).days >= 1:
        yield Observation(
            "predictions.time",
            f"the newest prediction is dated {extent.last:%Y-%m-%d %H:%M} UTC, which is in the future",
            "check the unit and the zone (predictions.time_zone), and that the column is not a due date",
        )


def times_of_whole_days(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield times that are all midnight, where the chunks are shorter than a day or begin at another moment."""
    for sample in facts.samples:
        if sample.rows < LEAST_ROWS:
            continue
        if spec.calendar.has_hours and sample.rows in {sample.at_midnight, sample.at_local_midnight}:
            yield Observation(
                "predictions.time",
                f"all {sample.rows:,} times of {sample.place} are midnight, and cadence is {spec.cadence}",
                "name a column with the time of day, or write cadence: day",
            )
            return
        if sample.at_midnight == sample.rows > sample.at_local_midnight:
            zone = spec.predictions.time_zone
            yield Observation(
                "predictions.time_zone",
                f"all {sample.rows:,} times of {sample.place} are midnight in {zone}, which is another time of day in "
                f"{spec.timezone}: whole {spec.calendar.noun}s may be counted to their neighbours",
                f"if these are days of {spec.timezone}, write time_zone: {spec.timezone}, or use a DATE column",
            )
            return


def faults_of_rows(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield repeated and missing ids, scores outside [0, 1], and labels that cannot be used."""
    seen: set[str] = set()
    for sample in facts.samples:
        for fault in sample.faults:
            if fault.name in FAULTS and fault.name not in seen:
                seen.add(fault.name)
                field, remedy = FAULTS[fault.name]
                if fault.name == "scores_out_of_range" and fault.subject != "score":
                    field = "predictions.scores"
                yield Observation(field, f"{sample.place}: {fault.reason}", remedy)


def rows_without_version(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield rows whose version is null, which no reference can belong to."""
    for sample in facts.samples:
        values = sample.columns.get("model_version")
        if values and values.nulls:
            yield Observation(
                "predictions.model_version",
                f"null in {values.nulls:,} of {values.rows:,} rows of {sample.place}",
                "write the version of every prediction, or omit the field if there is only one",
            )
            return


def versions_without_reference(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the versions of the newest chunk that have no reference in the spec."""
    newest = facts.newest.newest if facts.newest else None
    if facts.newest is None or newest is None or spec.predictions.model_version is None:
        return
    unknown = {
        version: rows for version, rows in facts.newest.by_chunk[newest].items() if version not in spec.reference
    }
    if named := [version for version in unknown if version]:
        shown = ", ".join(f"{version!r} ({unknown[version]:,} rows)" for version in sorted(named)[:NAMES_SHOWN])
        yield Observation(
            "reference",
            f"{newest} has predictions of {shown}; the spec has a reference of {', '.join(map(repr, spec.reference))}",
            "add a reference of each version that serves; no drift of the others is measured. Versions that were "
            "promoted by this package have one",
        )
