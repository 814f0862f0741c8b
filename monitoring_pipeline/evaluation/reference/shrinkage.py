"""A rebuilt reference held against the one that it is to replace."""

from collections.abc import Iterator

from monitoring_pipeline.evaluation.profiles.bins import Bins, CategoricalBins
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.calendar import UnknownChunkError
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind, Task

LEAST_SHARE = 0.8
"""A rebuilt reference with a smaller share of the rows, labelled rows or chunks of the one before has shrunk."""
LEAST_ROWS_OF_A_CLASS = 10
"""A class with fewer rows before may be absent by chance."""


def losses(spec: ModelSpec, before: Reference, after: Reference) -> tuple[str, ...]:
    """Return the losses of a rebuilt reference against the one before, in words with both numbers; none if it may stay.

    Args:
        spec: the model as it is declared now. Columns and classes that it no longer has are no loss.
        before: the reference in use.
        after: the reference that is to replace it.
    """
    return (
        *_lost_counts(spec, before, after),
        *_lost_columns(spec, before, after),
        *_lost_classes(spec, before, after),
    )


def can_stay_in_use(spec: ModelSpec, before: Reference) -> bool:
    """Return whether a reference has the outputs that the model is declared to have now.

    Otherwise no chunk can be compared with it, so that it cannot stay in place of a smaller one.
    """
    profiled = {profile.column for profile in before.profile.columns}
    return all(
        name in profiled and _is_of_kind(before.bins.get(name), spec.columns[name]) for name in spec.output_columns
    )


def _is_of_kind(bins: Bins | None, kind: FeatureKind) -> bool:
    return bins is None or isinstance(bins, CategoricalBins) == (kind is FeatureKind.CATEGORICAL)


def too_few(before: int, after: int) -> bool:
    """Return whether a count has shrunk by more than a rebuilt reference may."""
    return after < LEAST_SHARE * before


def _lost_counts(spec: ModelSpec, before: Reference, after: Reference) -> Iterator[str]:
    counts = {"rows": (before.profile.rows, after.profile.rows)}
    if spec.labels is not None:
        counts["labelled rows"] = (before.labelled_rows, after.labelled_rows)
    if before.chunks and after.chunks and _has_its_chunks(spec, before):
        counts[f"{spec.calendar.noun}s"] = (len(before.chunks), len(after.chunks))
    yield from (f"{new} {name}, {old} before" for name, (old, new) in counts.items() if too_few(old, new))


def _has_its_chunks(spec: ModelSpec, reference: Reference) -> bool:
    """Return whether the chunks of a reference have the cadence of the spec."""
    try:
        spec.calendar.chunk(reference.chunks[0].chunk)
    except UnknownChunkError:
        return False
    return True


def _lost_columns(spec: ModelSpec, before: Reference, after: Reference) -> Iterator[str]:
    for column in spec.columns:
        if (had := _values(before, column)) and not _values(after, column):
            yield f"no value of {column}, {had} before"


def _values(reference: Reference, column: str) -> int:
    profiles = (profile for profile in reference.profile.columns if profile.column == column)
    return next((profile.rows - profile.counts[0] for profile in profiles), 0)


def _lost_classes(spec: ModelSpec, before: Reference, after: Reference) -> Iterator[str]:
    if spec.task is Task.REGRESSION:
        return
    both = [(_decided(before), _decided(after), "predicted class")]
    if spec.labels is not None:
        both.append((_labelled(spec, before), _labelled(spec, after), "class"))
    for old, new, noun in both:
        for name, rows in old.items():
            if rows >= LEAST_ROWS_OF_A_CLASS and not new.get(name) and (not spec.classes or name in spec.classes):
                yield f"no row of {noun} {name!r}, {rows} before"


def _decided(reference: Reference) -> dict[str, int]:
    """Return the rows of each predicted class."""
    bins = reference.bins.get("prediction")
    if not isinstance(bins, CategoricalBins):
        return {}
    counts = next((p.counts for p in reference.profile.columns if p.column == "prediction"), ())
    return dict(zip(bins.categories, counts[1:], strict=False))


def _labelled(spec: ModelSpec, reference: Reference) -> dict[str, int]:
    """Return the labelled rows of each class; a binary model has the classes 0 and 1."""
    shares = {name: reference.measured(MetricName("base_rate", name)) for name in spec.classes or ("",)}
    rows = {name: round(share.value * reference.labelled_rows) for name, share in shares.items() if share is not None}
    return rows if spec.classes or "" not in rows else {"1": rows[""], "0": reference.labelled_rows - rows[""]}
