"""What scores rows for an explanation: the version in the registry, or a surrogate."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import polars as pl

from monitoring_pipeline.evaluation.explanation.by_columns import (
    SAMPLE_ROWS,
    attribute_row,
    output_words,
    with_outputs_only,
)
from monitoring_pipeline.evaluation.explanation.scorer import Scorer, fit_surrogate
from monitoring_pipeline.evaluation.fitted_models.design_matrix import Values, features_of
from monitoring_pipeline.evaluation.privacy.pseudonyms import pseudonymise
from monitoring_pipeline.evaluation.versions.outputs import OutputError, outputs_in, read_outputs
from monitoring_pipeline.evaluation.versions.training_rows import model_inputs
from monitoring_pipeline.ports.outside import Scoring
from monitoring_pipeline.ports.registry import Registry, RegistryError
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.explanation import ExplanationRules
from monitoring_pipeline.spec.sources import Task
from monitoring_pipeline.steps.inputs import PREDICTIONS, required_snapshot, rows_of_version
from monitoring_pipeline.steps.references import load_reference, reference_rows
from monitoring_pipeline.steps.same_projections import refuse_other_projections


def scorer_of(
    spec: ModelSpec, model_version: str, registry: Registry, *, reference: pl.DataFrame, rows: pl.DataFrame
) -> Scorer | str:
    """Return what scores mixed rows of a version, or the reason why nothing does.

    Args:
        spec: the model.
        model_version: the version.
        registry: may contain it.
        reference: canonical rows of the version's reference.
        rows: canonical rows of the chunk.
    """
    rules = spec.explanation or ExplanationRules()
    try:
        is_scored = rules.model == "registry" and not spec.derived_features
        if is_scored and registry.has_version(spec.name, model_version):
            return registered(spec, model_version, registry, rows)
    except (RegistryError, OutputError) as error:
        return str(error)
    return fit_surrogate(spec, reference, rows) or "too few rows with outputs to fit a surrogate to the scores"


@dataclass(frozen=True)
class ExplainedRow:
    """The output of one row, split over its features.

    Args:
        row_id: its hashed ID.
        model_version: the version that made the prediction.
        what: the words for the output.
        served: the output that the row was served with; None if it has none.
        output: the output that was split: that of a surrogate or the raw one of a library (log-odds of a classifier)
            differs from the served one.
        usual: the mean output of the reference's rows that it is compared with, or the expected one of the library;
            the parts sum to the difference.
        parts: the part of each feature, the largest first.
        values: the value of each feature as text.
        words: what scored the row.
    """

    row_id: str
    model_version: str
    what: str
    served: float | None
    output: float
    usual: float
    parts: Mapping[str, float]
    values: Mapping[str, str]
    words: str


class NoSuchRowError(ValueError):
    """A chunk has no row with an ID, or several; the message states which."""


def explain_row(spec: ModelSpec, chunk: Chunk, row: str, scoring: Scoring, *, id_key: bytes) -> ExplainedRow:
    """Return the parts of the features in the output of a row, against the reference of its version.

    Args:
        spec: the model.
        chunk: the chunk of the row.
        row: its ID, or the beginning of its hashed ID.
        scoring: results, rows and the registry.
        id_key: the key that IDs are hashed with.

    Raises:
        NoSuchRowError: when no row or several have the ID, or nothing can score it.
        MissingInputError: when the chunk has no predictions, or the version has no reference.
    """
    refuse_other_projections(spec, chunk, scoring)
    snapshot = required_snapshot(scoring.store, spec, chunk, PREDICTIONS)
    hashed = str(pseudonymise(pl.Series([row]), id_key)[0])
    is_it = (pl.col("row_id") == hashed) | pl.col("row_id").str.starts_with(row.lower())
    found = scoring.snapshots.scan(snapshot.uri).filter(is_it).collect()
    if found.height != 1:
        raise NoSuchRowError(f"{spec.name} {chunk.key}: {found.height or 'no'} rows have the ID {row!r}")
    version = str(found["model_version"][0])
    reference = load_reference(spec, scoring.store, version)
    before = with_outputs_only(spec, reference_rows(spec, reference, scoring, first=2 * SAMPLE_ROWS))
    of_chunk = with_outputs_only(spec, rows_of_version(spec, chunk, version, scoring, first=2 * SAMPLE_ROWS))
    native = _native(spec, version, scoring.registry, before, found)
    if native is not None:
        return native
    scorer = scorer_of(spec, version, scoring.registry, reference=before, rows=of_chunk)
    if isinstance(scorer, str):
        raise NoSuchRowError(f"{spec.name} {chunk.key}: the row cannot be explained: {scorer}")
    outputs = scorer.score(found)[0]
    output = int(outputs.argmax()) if spec.task is Task.MULTICLASS else 0
    rules = spec.explanation or ExplanationRules()
    attributed = attribute_row(spec, scorer, before, found, pairs=rules.pairs, output=output)
    parts = dict(zip(attributed.features, attributed.contributions.mean(axis=0).tolist(), strict=True))
    usual = float(outputs[output]) - math.fsum(parts.values())
    return _explained(spec, found, output, parts, usual=usual, words=scorer.words)


def _native(
    spec: ModelSpec, version: str, registry: Registry, reference: pl.DataFrame, row: pl.DataFrame
) -> ExplainedRow | None:
    """Return the parts by the own means of the version's library; None if it has none for this model."""
    rules, features = spec.explanation or ExplanationRules(), features_of(spec)
    served = outputs_in(spec, row).row(0)
    if rules.model != "registry" or None in served or not registry.has_version(spec.name, version):
        return None
    output = max(range(len(served)), key=lambda place: served[place])
    try:
        contribute = registry.contributor(spec.name, version, list(features))
        if contribute is None:
            return None
        found = contribute(model_inputs(row, features), model_inputs(reference, features), output)
    except (RegistryError, OutputError):
        # Paths of mixed rows need nothing but predictions, and state what fails.
        return None
    parts = {name: float(values[0]) for name, values in found.parts.items()}
    words = f"the raw output of version {version} in the registry, by {found.words}"
    return _explained(spec, row, output, parts, usual=float(found.base[0]), words=words)


def _explained(
    spec: ModelSpec, row: pl.DataFrame, output: int, parts: Mapping[str, float], *, usual: float, words: str
) -> ExplainedRow:
    return ExplainedRow(
        row_id=str(row["row_id"][0]),
        model_version=str(row["model_version"][0]),
        what=output_words(spec, output).removeprefix("the mean "),
        served=outputs_in(spec, row).row(0)[output],
        output=usual + math.fsum(parts.values()),
        usual=usual,
        parts=dict(sorted(parts.items(), key=lambda entry: (-abs(entry[1]), entry[0]))),
        values={name: "null" if (value := row[name][0]) is None else str(value) for name in parts},
        words=words,
    )


def registered(spec: ModelSpec, model_version: str, registry: Registry, rows: pl.DataFrame) -> Scorer:
    """Return a registered version as a scorer.

    Raises:
        RegistryError: when it cannot be loaded.
        OutputError: when it fails on the first of ``rows``.
    """
    predict = registry.predictor(spec.name, model_version)

    def score(mixed: pl.DataFrame) -> Values:
        returned = predict(model_inputs(mixed, features_of(spec)))
        return read_outputs(spec, returned, rows=mixed.height).values.reshape(mixed.height, -1)

    # A version that fails on its own rows fails before anything is split.
    score(rows.head(1))
    return Scorer(score, f"version {model_version} in the registry")
