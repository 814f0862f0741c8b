"""The change of the mean output against the reference, split over the features so that the parts sum to it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
import polars as pl

from monitoring_pipeline.evaluation.explanation.mixed_rows import MixedRows
from monitoring_pipeline.evaluation.explanation.scorer import Scorer
from monitoring_pipeline.evaluation.explanation.share import SUBJECT
from monitoring_pipeline.evaluation.fitted_models.design_matrix import Values
from monitoring_pipeline.evaluation.versions.outputs import has_outputs, outputs_in
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.statistics.path_attribution import path_contributions
from monitoring_pipeline.statistics.results import NORMAL_QUANTILE
from monitoring_pipeline.statistics.seeding import generator_of

CHANGE, THROUGH, REST = "mean_output_change", "mean_output_through", "mean_output_not_split"
SAMPLE_ROWS = 4_000
MIXED_ROWS = 60_000
"""Most mixed rows that are scored; of many features fewer pairs are split."""
LEAST_PAIRS = 20


@dataclass(frozen=True)
class MeanOutputs:
    """The mean output of all rows of both sides, of several classes by class.

    Args:
        reference: shape (outputs,).
        current: shape (outputs,).
    """

    reference: Values
    current: Values


@dataclass(frozen=True)
class Attributions:
    """The parts of the features in the output of rows, against reference rows that they are paired with.

    Args:
        features: names of the features.
        contributions: shape (pairs, features); a row sums to the difference of the outputs of its pair.
        row_ids: hashed ID of the explained row of each pair.
        output: number of the explained output.
    """

    features: tuple[str, ...]
    contributions: Values
    row_ids: tuple[str, ...]
    output: int

    @property
    def importance(self) -> dict[str, float]:
        """The mean size of each feature's parts, the largest first."""
        sizes = np.abs(self.contributions).mean(axis=0).tolist()
        return dict(sorted(zip(self.features, sizes, strict=True), key=lambda entry: (-entry[1], entry[0])))


def attribute_rows(
    spec: ModelSpec,
    scorer: Scorer,
    sides: tuple[pl.DataFrame, pl.DataFrame],
    *,
    pairs: int,
    output: int,
    seed_parts: tuple[str, ...],
) -> Attributions:
    """Split the outputs of rows over the features, each against a reference row that is drawn for it.

    The rows of each side are chosen at equal distances in the order of their outputs, so that their mean output is
    nearly that of the side.

    Args:
        spec: the model.
        scorer: scores the mixed rows.
        sides: canonical rows of the reference, and the rows that are explained; all with outputs, sorted by ID.
        pairs: most pairs.
        output: number of the output that is explained, among those of the scorer.
        seed_parts: words that seed the pairing and the paths.
    """
    generator = generator_of(*seed_parts, "paths")
    count = min(_most_pairs(spec, pairs), *(side.height for side in sides))
    reference, rows = (_spread(spec, side, count, output) for side in sides)
    return _attributed(spec, scorer, (reference[generator.permutation(count)], rows), output, generator)


def attribute_row(
    spec: ModelSpec, scorer: Scorer, reference: pl.DataFrame, row: pl.DataFrame, *, pairs: int, output: int
) -> Attributions:
    """Split the output of one row over the features, against many rows of the reference.

    Args:
        spec: the model.
        scorer: scores the mixed rows.
        reference: canonical rows of the reference with outputs, sorted by ID.
        row: one canonical row.
        pairs: most rows of the reference that it is compared with.
        output: number of the output that is explained, among those of the scorer.
    """
    count = min(_most_pairs(spec, pairs), reference.height)
    pair = (_spread(spec, reference, count, output), pl.concat([row] * count))
    return _attributed(spec, scorer, pair, output, generator_of(spec.name, str(row["row_id"][0]), "paths"))


def split_mean_output(
    spec: ModelSpec, scorer: Scorer, attributions: Attributions, means: MeanOutputs, *, model_version: str, rows: int
) -> Iterator[Measurement]:
    """Yield the change of the mean output, the part of each feature with its interval, and what is not split.

    The rest is what the pairs and the scorer do not reproduce: sampling, other outputs of the version today than it
    served, and the error of a surrogate. The parts and the rest sum to the change.

    Args:
        spec: the model.
        scorer: what scored the mixed rows.
        attributions: the parts of rows of the chunk.
        means: the mean outputs of all rows.
        model_version: the version.
        rows: rows of the chunk.
    """
    output = attributions.output
    change = float(means.current[output] - means.reference[output])
    what = output_words(spec, output)
    blank = Measurement(
        kind=Kind.PERFORMANCE,
        subject=SUBJECT,
        name=CHANGE,
        model_version=model_version,
        severity=Severity.INFO,
        value=change,
        reference_value=float(means.reference[output]),
        rows=rows,
        definition=f"{what} of all rows minus that of the reference",
    )
    yield replace(blank, of=spec.classes[output] if spec.task is Task.MULTICLASS else "")
    parts = attributions.contributions.mean(axis=0)
    count = attributions.contributions.shape[0]
    errors = attributions.contributions.std(axis=0, ddof=1) / np.sqrt(count) if count > 1 else np.zeros_like(parts)
    split = replace(
        blank,
        name=THROUGH,
        reference_value=None,
        rows=count,
        definition=f"part of the change of {what} that the values of a feature bring, by {scorer.words}",
    )
    for feature, part, error in zip(
        attributions.features, parts.tolist(), (NORMAL_QUANTILE * errors).tolist(), strict=True
    ):
        yield replace(split, of=feature, value=part, lower=part - error, upper=part + error)
    yield replace(
        split,
        name=REST,
        value=change - sum(parts.tolist()),
        definition=f"change of {what} that the pairs of rows and {scorer.words} do not reproduce",
    )


def with_outputs_only(spec: ModelSpec, rows: pl.DataFrame) -> pl.DataFrame:
    """Return the first ``SAMPLE_ROWS`` rows that have all outputs, sorted by ID."""
    return rows.filter(has_outputs(spec, rows)).sort("row_id").head(SAMPLE_ROWS)


def output_words(spec: ModelSpec, output: int) -> str:
    """Return the name of the mean output in a sentence."""
    if spec.task is Task.MULTICLASS:
        return f"the mean score of {spec.classes[output]}"
    return "the mean prediction" if spec.task is Task.REGRESSION else "the mean score"


def _most_pairs(spec: ModelSpec, pairs: int) -> int:
    return min(pairs, max(LEAST_PAIRS, MIXED_ROWS // (2 * (len(spec.inputs) + 1))))


def _attributed(
    spec: ModelSpec,
    scorer: Scorer,
    pair: tuple[pl.DataFrame, pl.DataFrame],
    output: int,
    generator: np.random.Generator,
) -> Attributions:
    columns, (reference, rows) = tuple(spec.inputs), pair
    mixed = MixedRows(columns, reference, rows)
    contributions = path_contributions(
        rows.height,
        len(columns),
        lambda numbers, replaced: scorer.score(mixed.mix(numbers, replaced))[:, output],
        generator,
    )
    features = tuple(spec.features)
    if spec.derived_features:
        of_feature = np.array([[spec.feature_of(column) == feature for feature in features] for column in columns])
        contributions = contributions @ of_feature
    return Attributions(features, contributions, tuple(map(str, rows["row_id"])), output)


def _spread(spec: ModelSpec, rows: pl.DataFrame, count: int, output: int) -> pl.DataFrame:
    """Return rows at equal distances in the order of their outputs."""
    order = np.argsort(outputs_in(spec, rows).to_numpy()[:, output], kind="stable")
    places = ((np.arange(count) + 0.5) * rows.height / count).astype(np.int64)
    return rows[order[places]]
