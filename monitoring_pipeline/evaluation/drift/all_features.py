"""Drift of all watched features together, including changes of their combinations that no single column shows."""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.drift.drifted import ALL_FEATURES
from monitoring_pipeline.evaluation.drift.floors import level_of_a_floor
from monitoring_pipeline.evaluation.fitted_models.classified import FOLDS, losses_without_columns
from monitoring_pipeline.evaluation.fitted_models.design_matrix import (
    Values,
    encoding_of,
    share_matrix,
    watched_features,
    without_words,
)
from monitoring_pipeline.evaluation.fitted_models.domain_classifier import (
    DOMAIN_CLASSIFIERS,
    NEWEST_CLASSIFIER,
    DomainClassifier,
)
from monitoring_pipeline.evaluation.profiles.by_chunk import chunk_keys
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.drift import MultivariateStatistic
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline.statistics.principal_components import fit_components, reconstruction_errors, residuals
from monitoring_pipeline.statistics.results import UndefinedStatisticError
from monitoring_pipeline.statistics.samples.day_effects import (
    LEAST_EFFECTIVE_DAYS,
    cautious_autocorrelations,
    day_effect_of_values,
    independent_days,
)
from monitoring_pipeline.statistics.samples.permutation import area_test, mean_difference_test
from monitoring_pipeline.statistics.samples.prediction_bounds import neighbours, skewness, upper_prediction_bound
from monitoring_pipeline.statistics.seeding import generator_of

SAMPLE_ROWS = 1_000
"""Rows of each side, the first by the hash of their IDs; the components are fitted to as many further rows."""
NAMED_COLUMNS = 3
LEAST_DAYS = 10


@dataclass(frozen=True, kw_only=True)
class Compared:
    """What a statistic compares: features with their kinds, canonical rows of both sides, sorted by ID, and how."""

    columns: dict[str, FeatureKind]
    reference: pl.DataFrame
    current: pl.DataFrame
    classifier: DomainClassifier


@dataclass(frozen=True, kw_only=True)
class CarriedEffect:
    """Effect and p-value of a statistic, and what each column adds to the effect, which is computed on demand."""

    effect: float
    p_value: float
    contributions: Callable[[], dict[str, float]]


Usual = Mapping[str, Mapping[str, float]]
"""What a column adds at most to an effect on usual chunks of the reference, by statistic and column."""


@dataclass(frozen=True, kw_only=True)
class LearnedTogether:
    """What is learned of all features together from the chunks of a reference.

    Args:
        floors: the floor of each statistic.
        usual: what each column adds at most to each statistic on usual chunks.
    """

    floors: dict[str, float] = field(default_factory=dict[str, float])
    usual: dict[str, dict[str, float]] = field(default_factory=dict[str, dict[str, float]])


@dataclass(frozen=True, kw_only=True)
class MultivariateRow:
    """A statistic of all watched features.

    If ``absolute`` is set, the floor holds for both signs. Above ``highest_floor`` nothing is judged. A floor is
    learned from at most ``days_learned`` days.
    """

    function: Callable[[Compared, tuple[str, ...]], CarriedEffect]
    floor: float
    absolute: bool
    definition: str
    highest_floor: float
    days_learned: int


def measure_multivariate(
    spec: ModelSpec,
    model_version: str,
    reference_rows: pl.DataFrame,
    rows: pl.DataFrame,
    *,
    seed_parts: tuple[str, ...],
    learned: Mapping[str, float] | None = None,
    usual: Usual | None = None,
    left_out: Collection[str] = (),
    dead: Mapping[str, str] | None = None,
    classifier: DomainClassifier = NEWEST_CLASSIFIER,
) -> tuple[Measurement, ...]:
    """Compare all watched features of a chunk with the reference at once, on at most ``SAMPLE_ROWS`` of each side.

    A measurement is breached if the effect is at least the floor and the p-value is below ``drift.alpha``. The floor
    is the spec's, or else the larger of the default and the learned one. The model's output is excluded because it is
    compared separately.

    Args:
        spec: the model.
        model_version: the version.
        reference_rows: canonical rows of the reference.
        rows: canonical rows of the chunk.
        seed_parts: words that seed the permutations, such as model, version and chunk.
        learned: floors learned from the days of the reference, by statistic.
        usual: what each column adds at most on usual days of the reference; a reason names the columns that add more.
        left_out: features that are not compared. A feature that is constant within a day, such as the weekday,
            distinguishes any day from all others.
        dead: columns that died in the chunk, each with the words that state how; they are left out and named.
        classifier: the classifier of the reference.
    """
    columns = _columns(spec, left_out)
    compared = Compared(
        columns={column: kind for column, kind in columns.items() if column not in (dead or {})},
        reference=reference_rows.sort("row_id"),
        current=rows.sort("row_id"),
        classifier=classifier,
    )
    blank = Measurement(
        kind=Kind.DRIFT,
        subject=ALL_FEATURES,
        name="",
        model_version=model_version,
        value=0.0,
        severity=Severity(spec.drift.severity or Severity.WARNING),
        rows=min(rows.height, SAMPLE_ROWS),
    )
    measured = (
        _measured(
            spec,
            name,
            compared,
            replace(blank, name=name.value),
            (*seed_parts, name.value),
            floor=multivariate_floor(spec, name, learned or {}),
            usual=(usual or {}).get(name.value, {}),
        )
        for name in spec.drift.multivariate
    )
    return tuple(
        measurement.noted(without_words(dead or {}, spec.features.keys() & columns.keys())) for measurement in measured
    )


def multivariate_floor(spec: ModelSpec, name: MultivariateStatistic, learned: Mapping[str, float]) -> float:
    """Return the floor of a statistic: the spec's, or else the larger of the default and the learned one."""
    return spec.drift.floors.get(name.value, max(MULTIVARIATE_STATISTICS[name].floor, learned.get(name.value, 0.0)))


def is_beyond(measured: Measurement, floor: float, alpha: float) -> bool:
    """Return whether a statistic of all features is at least its floor, and significant."""
    if measured.value is None or measured.p_value is None:
        return False
    row = MULTIVARIATE_STATISTICS[MultivariateStatistic(measured.name)]
    size = abs(measured.value) if row.absolute else measured.value
    return size >= floor and measured.p_value < alpha


def learn_together(
    spec: ModelSpec,
    model_version: str,
    reference_rows: pl.DataFrame,
    *,
    left_out: Collection[str] = (),
    classifier: DomainClassifier = NEWEST_CLASSIFIER,
) -> LearnedTogether:
    """Return the floor of each statistic: the effect that a further chunk like the reference's rarely exceeds.

    Evenly spread chunks are each compared with all others but their neighbours. The floor is the upper prediction bound
    of their effects for one more chunk, at the level of every floor (see ``upper_prediction_bound``). Effects of a mean
    distance are stretched first, because neighbouring chunks resemble one another. As on a later chunk, features that
    are dead on a chunk are left out. No floor is learned from fewer than 10 chunks with enough rows.

    The usual part of each column in the effect is learned too. Some columns, such as the air pressure, differ on every
    day.

    Args:
        spec: the model.
        model_version: the version.
        reference_rows: canonical rows of the reference, with ``predicted_at``.
        left_out: features that are not compared, as in ``measure_multivariate``.
        classifier: the classifier of the reference.
    """
    ordered = reference_rows.sort("row_id")
    rows = ordered.with_columns(chunk_keys(spec.calendar, ordered["predicted_at"]))
    counts = rows.group_by("chunk").len().filter(pl.col("len") >= spec.drift.minimum_rows).sort("chunk")
    if counts.height < LEAST_DAYS or not spec.drift.learn_floors:
        return LearnedTogether()
    level, reach, columns = level_of_a_floor(spec), neighbours(counts.height), _columns(spec, left_out)
    floors: dict[str, float] = {}
    usual: dict[str, dict[str, float]] = {}
    for name in spec.drift.multivariate:
        days = min(MULTIVARIATE_STATISTICS[name].days_learned, counts.height)
        positions = np.unique(np.linspace(0, counts.height - 1, days).round().astype(np.int64))
        effects: list[CarriedEffect] = []
        for position in positions.tolist():
            key, first = counts["chunk"][position], max(position - reach, 0)
            near = counts["chunk"].slice(first, position + reach + 1 - first)
            current = rows.filter(pl.col("chunk") == key)
            compared = Compared(
                columns={column: kind for column, kind in columns.items() if _varies(current[column])},
                reference=rows.filter(~pl.col("chunk").is_in(near.implode())),
                current=current,
                classifier=classifier,
            )
            if _too_little(spec, compared):
                continue
            seed = (spec.name, model_version, key, "learned floors", name.value)
            effects.append(_effect_of_chunk(name, compared, seed))
        if len(effects) >= LEAST_DAYS:
            every = counts.height / len(effects)
            found = np.array([each.effect for each in effects])
            usual[name.value] = _usual([each.contributions() for each in effects])
            later = _of_later_chunks(found, round(reach / every)) if MULTIVARIATE_STATISTICS[name].absolute else found
            floors[name.value] = _bound(np.abs(later), level)
    return LearnedTogether(floors=floors, usual=usual)


def _usual(contributions: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Return the mean plus two standard deviations of each column's parts, over the chunks on which it was compared."""
    found: dict[str, list[float]] = {}
    for of_chunk in contributions:
        for column, added in of_chunk.items():
            found.setdefault(column, []).append(added)
    return {column: float(np.mean(added) + 2.0 * np.std(added)) for column, added in found.items()}


def _of_later_chunks(effects: Values, reach: int) -> Values:
    """Return effects that lie as far from their mean as those of later chunks do; see ``DayEffect.stretch``."""
    found = day_effect_of_values(effects, 0.0, np.ones(effects.size))
    (autocorrelation,) = cautious_autocorrelations([found], effects.size)
    stretch = replace(found, autocorrelation=float(autocorrelation)).stretch(effects.size, reach, 1)
    mean = effects.mean()
    return mean + stretch * (effects - mean)


def _effect_of_chunk(name: MultivariateStatistic, compared: Compared, seed: tuple[str, ...]) -> CarriedEffect:
    try:
        return MULTIVARIATE_STATISTICS[name].function(compared, seed)
    except UndefinedStatisticError:
        return CarriedEffect(effect=0.0, p_value=1.0, contributions=dict[str, float])


def _bound(effects: Values, level: float) -> float:
    effective = max(independent_days(effects), LEAST_EFFECTIVE_DAYS)
    return upper_prediction_bound(effects, level, effective_days=effective, skewed=skewness(effects))


def _varies(values: pl.Series) -> bool:
    return values.drop_nulls().n_unique() > 1


def _columns(spec: ModelSpec, left_out: Collection[str]) -> dict[str, FeatureKind]:
    return {name: kind for name, kind in watched_features(spec).items() if name not in left_out}


def _measured(
    spec: ModelSpec,
    name: MultivariateStatistic,
    compared: Compared,
    unnamed: Measurement,
    seed: tuple[str, ...],
    *,
    floor: float,
    usual: Mapping[str, float],
) -> Measurement:
    row = MULTIVARIATE_STATISTICS[name]
    blank = replace(unnamed, definition=row.definition)
    if reason := _too_little(spec, compared):
        return blank.skipped(reason)
    if floor > row.highest_floor:
        noun = spec.calendar.noun
        reach = f"{noun}s of the reference reach {min(floor, 1.0):.3f}"
        reason = f"{reach}, so even a healthy {noun} differs from the others"
        return replace(blank, severity=Severity.INFO).skipped(reason)
    try:
        result = row.function(compared, seed)
    except UndefinedStatisticError as undefined:
        return blank.skipped(str(undefined))
    lower = -floor if row.absolute else None
    judged = replace(blank, value=result.effect, p_value=result.p_value, threshold_upper=floor, threshold_lower=lower)
    if not is_beyond(judged, floor, spec.drift.alpha):
        return judged
    shares = shares_beyond_usual(result.contributions(), usual, upward=result.effect > 0.0)
    carried = ", ".join(f"{column} {share:.0%}" for column, share in list(shares.items())[:NAMED_COLUMNS])
    reason = (
        f"{result.effect:.3f} is {'beyond' if row.absolute else 'at least'} {floor:.3g}, "
        f"and p = {result.p_value:.2g} is below {spec.drift.alpha:g}; carried by {carried}"
    )
    return judged.breached(reason).noted("what they add on usual days is left out" if usual else None)


def shares_beyond_usual(
    contributions: Mapping[str, float], usual: Mapping[str, float], *, upward: bool
) -> dict[str, float]:
    """Return each column's share in what is added to an effect beyond what is usual, the largest first.

    If no column adds more than usual, the shares are those of what is added.

    Args:
        contributions: what each column adds to the effect.
        usual: what each adds at most on usual chunks; a column that is missing adds nothing.
        upward: whether the effect is positive.
    """
    sign = 1.0 if upward else -1.0
    for deducted in (usual, dict[str, float]()):
        excess = {name: sign * (added - deducted.get(name, 0.0)) for name, added in contributions.items()}
        total = sum(more for more in excess.values() if more > 0.0)
        if total > 0.0:
            ordered = sorted(excess, key=lambda name: (-excess[name], name))
            return {name: excess[name] / total for name in ordered if excess[name] > 0.0}
    return {}


def rows_compared(spec: ModelSpec) -> int:
    """Return the number of rows of a chunk, the first by ID, beyond which further ones change no result."""
    return max(SAMPLE_ROWS, _least_rows(spec))


def _least_rows(spec: ModelSpec) -> int:
    return max(spec.drift.minimum_rows, FOLDS)


def _too_little(spec: ModelSpec, compared: Compared) -> str | None:
    least = _least_rows(spec)
    reference, current = compared.reference.height, compared.current.height
    if not compared.columns:
        return _no_features(spec)
    if current < least:
        return f"{current} rows, at least {least} needed"
    if reference < 2 * least:
        return f"{reference} rows of the reference are kept, at least {2 * least} needed"
    return None


def _no_features(spec: ModelSpec) -> str:
    if not spec.features:
        return "no feature of the chunk can be read"
    return "no watched feature is left" if watched_features(spec) else "no watched feature: drift.ignore names them all"


def _domain_classifier(compared: Compared, seed: tuple[str, ...]) -> CarriedEffect:
    sides = (compared.reference.head(SAMPLE_ROWS), compared.current.head(SAMPLE_ROWS))
    classified = DOMAIN_CLASSIFIERS[compared.classifier].test(compared.columns, *sides)
    test = area_test(classified.probabilities, classified.current, classified.folds, generator_of(*seed, "permutation"))
    return CarriedEffect(
        effect=test.statistic,
        p_value=test.p_value,
        contributions=lambda: losses_without_columns(classified, generator_of(*seed, "columns")),
    )


def _pca_reconstruction(compared: Compared, seed: tuple[str, ...]) -> CarriedEffect:
    columns, reference, current = compared.columns, compared.reference, compared.current
    # Rows that the plane was fitted to lie nearer to it than others, so they are excluded from the comparison.
    half = min(SAMPLE_ROWS, reference.height // 2)
    encoding = encoding_of(columns, reference.head(half))
    fitted = fit_components(share_matrix(encoding, reference.head(half)))
    matrices = [share_matrix(encoding, side) for side in (reference.slice(half, half), current.head(SAMPLE_ROWS))]
    errors = [reconstruction_errors(fitted, matrix) for matrix in matrices]
    spread = float(np.sort(errors[0]).std())
    if spread == 0.0:
        raise UndefinedStatisticError("every row of the reference is reconstructed equally well")
    test = mean_difference_test(errors[0], errors[1], generator_of(*seed))

    def contributions() -> dict[str, float]:
        squares = [np.mean(residuals(fitted, matrix) ** 2, axis=0) for matrix in matrices]
        return dict(zip(columns, (squares[1] - squares[0]).tolist(), strict=True))

    return CarriedEffect(effect=test.statistic / spread, p_value=test.p_value, contributions=contributions)


MULTIVARIATE_STATISTICS: Mapping[MultivariateStatistic, MultivariateRow] = {
    MultivariateStatistic.DOMAIN_CLASSIFIER: MultivariateRow(
        function=_domain_classifier,
        floor=0.6,
        highest_floor=0.98,
        days_learned=12,
        absolute=False,
        definition=(
            "cross-validated area under the ROC curve of a classifier that tells the chunk's rows from the reference's "
            "by all watched features: 0.5 when it cannot, 1 when it always can"
        ),
    ),
    MultivariateStatistic.PCA_RECONSTRUCTION: MultivariateRow(
        function=_pca_reconstruction,
        floor=0.25,
        highest_floor=math.inf,
        days_learned=60,
        absolute=True,
        definition=(
            "mean distance of the chunk's rows from the principal components of the reference's watched features, "
            "minus that of reference rows, in standard deviations of theirs"
        ),
    ),
}
