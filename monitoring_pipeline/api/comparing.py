"""The comparison of two frames: every column, and all columns together."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import narwhals as nw
import polars as pl

from monitoring_pipeline.api.columns import choose_columns
from monitoring_pipeline.api.declaring import REFERENCE, ROWS, Choices, declare, only_version
from monitoring_pipeline.api.frames import ArgumentError, polars_frame
from monitoring_pipeline.api.reading import ReadRows, chunk_key, read_rows, reading
from monitoring_pipeline.api.results.pictures import distributions
from monitoring_pipeline.api.results.result import Result, measured_chunk
from monitoring_pipeline.api.results.shown import table_of_columns
from monitoring_pipeline.api.roles import Roles, class_columns, names_of
from monitoring_pipeline.evaluation.drift.all_features import SAMPLE_ROWS, measure_multivariate
from monitoring_pipeline.evaluation.drift.columns import Counterpart, measure_drift, needs_rows
from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.evaluation.judgement.verdict import judge
from monitoring_pipeline.evaluation.profiles.by_chunk import rows_to_keep
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, profile_chunk
from monitoring_pipeline.evaluation.quality.columns import measure_columns
from monitoring_pipeline.evaluation.quality.dead_columns import dead_columns
from monitoring_pipeline.evaluation.reference.columns import LearnedColumns, learn_columns
from monitoring_pipeline.evaluation.reference.known_categories import with_known_categories
from monitoring_pipeline.evaluation.rows.canonical import no_labels
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.drift import Against


def compare(
    reference: object,
    current: object,
    *,
    columns: Sequence[str] | None = None,
    kinds: Mapping[str, str] | None = None,
    ignore: Sequence[str] = (),
    time: str | None = None,
    ids: str | Sequence[str] | None = None,
    score: str | None = None,
    scores: Mapping[Any, str] | None = None,
    prediction: str | None = None,
    positive: bool | int | str | None = None,
    decision_threshold: float = 0.5,
    cadence: str = "day",
    timezone: str = "UTC",
    naive_times: str | None = None,
    drift: Mapping[str, Any] | None = None,
    name: str = "model",
    version: str = "1",
) -> Result:
    """Compare the columns of two frames: drift, nulls, unseen categories, values out of range.

    Neither ids nor times are needed. With ``time``, floors of drift are learned from the days of the reference;
    without it, the documented default floors hold.

    Args:
        reference: the rows that are known to be healthy: pandas, Polars, PyArrow, or a DuckDB relation.
        current: the rows that are compared with them.
        columns: the columns that are compared; default all that have no other role, except identifiers and times.
        kinds: ``numeric``, ``categorical``, ``text`` or ``embedding`` by column, where its values do not show it.
        ignore: columns that are measured and never decide.
        time: column with the time of each row; ``current`` may lack it.
        ids: column, or columns together, that identify a row; they are not compared.
        score: column with the probability of the positive class: it is compared as the output of the model.
        scores: columns with the probability of each class.
        prediction: column with the predicted class or value.
        positive: the value of ``prediction`` that means the positive class.
        decision_threshold: the lowest score at which the positive class is predicted, without ``prediction``.
        cadence: the length of the chunks of the reference from which floors are learned.
        timezone: the time zone of these chunks.
        naive_times: the time zone of times without one; by default they are UTC, and a note of the result names them.
        drift: further rules, as the part ``drift`` of a model spec.
        name: name of the model; with ``version`` it seeds samples and permutations.
        version: the version of the model.

    Returns:
        One measurement for each column and statistic; ``drifted`` names the columns that have drifted.

    Raises:
        ArgumentError: if an argument cannot be used; the message names argument and column.
    """
    frames = {REFERENCE: polars_frame(reference, "reference"), ROWS: polars_frame(current, "current")}
    roles = Roles(ids=names_of(ids), time=time, score=score, scores=class_columns(scores), prediction=prediction)
    roles.check(frames[REFERENCE], "reference")
    roles.check(frames[ROWS], "current", optional=("time",))
    if min(frame.height for frame in frames.values()) == 0:
        raise ArgumentError(f"{'reference' if frames[REFERENCE].is_empty() else 'current'}: it has no rows")
    sides = {"reference": frames[REFERENCE], "current": frames[ROWS]}
    chosen = choose_columns(sides, columns=columns, kinds=kinds, roles=roles.columns)
    choices = Choices(
        name=name,
        version=version,
        positive=positive,
        decision_threshold=decision_threshold,
        cadence=cadence,
        timezone=timezone,
        naive_times=naive_times,
        drift={**({"ignore": names_of(ignore)} if ignore else {}), **(drift or {})},
    )
    declared = declare(frames, roles, chosen.kinds, choices)
    if declared.spec.drift.against is not Against.REFERENCE:
        raise ArgumentError("drift: against: compare has no earlier chunks; use monitor")
    with reading(declared.tables) as warehouse:
        before = read_rows(declared.spec, REFERENCE, warehouse, argument="reference")
        now = read_rows(declared.spec, ROWS, warehouse, argument="current", projections=before.projections)
    with one_thread():
        learned = _learned(declared.spec, before.frame)
        rows = with_known_categories(now.frame, now.codes, {declared.version: learned.bins})
        profile = profile_chunk(nw.from_native(rows.lazy()), learned.bins, model_version=declared.version)
        compared = _compared(declared.spec, learned, profile, before.frame, rows)
    measured = (*_about_rows(now, roles), *chosen.measurements, *compared)
    floors = learned.floors.reason or f"floors are learned from {learned.floors.days} {declared.spec.calendar.noun}s"
    return Result(
        title=f"compare: {frames[ROWS].height:,} rows with {frames[REFERENCE].height:,} of the reference",
        chunks=(measured_chunk("", measured, judge(measured), declared.column_names),),
        notes=(
            *declared.notes,
            floors if roles.time else "default floors, because no time is given",
            *chosen.notes,
        ),
        table=table_of_columns(),
        draw=partial(distributions, learned.bins, learned.profile, profile, declared.column_names, compared),
    )


def _learned(spec: ModelSpec, rows: pl.DataFrame) -> LearnedColumns:
    if rows.is_empty():
        raise ArgumentError("reference: no row has a time")
    return learn_columns(spec, only_version(spec), rows, kept=rows_to_keep(rows, no_labels(spec)))


def _compared(
    spec: ModelSpec, learned: LearnedColumns, profile: ChunkProfile, before: pl.DataFrame, now: pl.DataFrame
) -> tuple[Measurement, ...]:
    version = only_version(spec)
    with_rows = needs_rows(spec)
    against = Counterpart(
        bins=learned.bins,
        profile=learned.profile,
        learned=learned.floors.floor,
        expected_sample=before if with_rows else None,
        observed_sample=now if with_rows else None,
    )
    quality = measure_columns(learned.facts, profile)
    together = measure_multivariate(
        spec,
        version,
        before.head(2 * SAMPLE_ROWS),
        now,
        seed_parts=(spec.name, version, chunk_key(spec, now)),
        learned=learned.together.floors,
        usual=learned.together.usual,
        left_out=learned.constant_columns,
        dead=dead_columns(spec, quality, version),
    )
    return (*quality, *measure_drift(spec, against, profile), *together)


def _about_rows(rows: ReadRows, roles: Roles) -> tuple[Measurement, ...]:
    """Return the measurements of rows that were left out, without those about ids and times that the frame lacks."""
    about_ids = {"duplicate_predictions", "predictions_without_id"} if not roles.ids else set[str]()
    about_time = {"predictions_without_time"} if not roles.time else set[str]()
    return tuple(m for m in rows.measurements if m.name not in about_ids | about_time)
