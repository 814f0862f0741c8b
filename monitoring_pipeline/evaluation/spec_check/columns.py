"""Judgements of columns: those that the spec names exist, have usable types, and vary."""

from collections.abc import Iterable, Iterator

from monitoring_pipeline.evaluation.spec_check.facts import NullValue, Sample, SourceFacts, SourceTable
from monitoring_pipeline.evaluation.spec_check.findings import Observation
from monitoring_pipeline.spec.column_names import suggestion
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.operations import FIELD_OF_TELEMETRY
from monitoring_pipeline.spec.sources import FeatureKind

LEAST_ROWS = 50
"""Of fewer rows, chance alone may leave a column without a second value."""
NEARLY_UNIQUE = 0.9


def unreadable_parts(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the parts of the source that cannot be read, and rows that would be refused."""
    seen: set[tuple[str, str]] = set()
    refusals = (sample.refusal for sample in facts.samples if sample.refusal)
    for part in (*facts.tables.unreadable, *facts.unreadable, *refusals):
        if (part.field, part.reason) not in seen:
            seen.add((part.field, part.reason))
            remedy = (
                "make it readable from here, or use --offline" if part.is_away else f"correct {part.field}, or the rows"
            )
            yield Observation(part.field, part.reason, remedy)


def missing_columns(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the columns of the spec that do not exist."""
    for table, fields in (
        (facts.tables.predictions, columns_of_predictions(spec)),
        (facts.tables.labels, columns_of_labels(spec)),
    ):
        for field, column in fields.items():
            if table is not None and column not in table.types:
                yield Observation(field, f"{table.name} has no column {column!r}", _existing(table, column))


def unreadable_numbers(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the numeric columns that hold values that are no numbers."""
    for name, field, sample in _columns_read(spec, facts):
        values = sample.columns[name]
        if values.unreadable:
            yield Observation(
                field,
                f"{values.unreadable:,} of {values.rows:,} rows of {sample.place} hold no number ({values.type})",
                "declare the feature as categorical, or list such values in null_values"
                if name in spec.features
                else "name a column of numbers",
            )


def columns_without_values(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the columns that are null in every row."""
    for name, field, sample in _columns_read(spec, facts):
        values = sample.columns[name]
        if values.rows and not values.values:
            yield Observation(
                field, f"null in all {values.rows:,} rows of {sample.place}", "name a column with values, or remove it"
            )


def constant_columns(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the features and outputs with a single value, which can show no drift."""
    for name, field, sample in _columns_read(spec, facts):
        values = sample.columns[name]
        if values.values >= LEAST_ROWS and values.distinct == 1 and name != "model_version":
            yield Observation(
                field,
                f"the same value in all {values.values:,} rows of {sample.place} that have one",
                "check the column; if it is constant on purpose, remove it or list it in drift.ignore",
            )


def identifying_features(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the categorical features that differ in nearly every row, as an id does."""
    for name, field, sample in _columns_read(spec, facts):
        values, feature = sample.columns[name], spec.features.get(name)
        if feature is None or feature.kind is not FeatureKind.CATEGORICAL or values.values < LEAST_ROWS:
            continue
        if values.distinct >= NEARLY_UNIQUE * values.values:
            yield Observation(
                field,
                f"{values.distinct:,} different values in {values.values:,} rows of {sample.place}: an id, a time or a "
                "number, for which every day looks new",
                "remove it, or declare it as numeric if it is a number",
            )


def unused_null_values(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the declared null values that no row has."""
    rows = sum(sample.rows for sample in facts.samples)
    own = {NullValue(name, value) for name, feature in spec.features.items() for value in feature.null_values}
    unused: dict[tuple[str, str], bool] = {}
    for each, count in null_values_read(facts.samples).items():
        field = f"features.{each.column}.null_values" if each in own else "predictions.null_values"
        is_unused = not count and each not in facts.null_values_elsewhere
        unused[field, each.value] = unused.get((field, each.value), True) and is_unused
    for (field, value), is_unused in unused.items():
        if rows and is_unused:
            yield Observation(
                field, f"{value!r} occurs in none of {rows:,} rows that were read", "check its spelling, or remove it"
            )


def column_of(spec: ModelSpec, name: str) -> str | None:
    """Return the column of the table that a canonical column comes from; None if the spec names none."""
    feature = spec.features.get(name)
    return (feature.column or name) if feature else columns_of_predictions(spec).get(field_of(spec, name))


def null_values_read(samples: Iterable[Sample]) -> dict[NullValue, int]:
    """Return the number of rows that were read with each declared null value."""
    counted: dict[NullValue, int] = {}
    for sample in samples:
        for name, values in sample.columns.items():
            for value, count in values.null_values.items():
                counted[NullValue(name, value)] = counted.get(NullValue(name, value), 0) + count
    return counted


def scores_that_are_decisions(spec: ModelSpec, facts: SourceFacts) -> Iterator[Observation]:
    """Yield the score columns that hold only 0 and 1, and so are decisions rather than probabilities."""
    for name, field, sample in _columns_read(spec, facts):
        values = sample.columns[name]
        is_score = name == "score" or name in spec.score_columns.values()
        is_decision = values.distinct == 2 and (values.lowest, values.highest) == (0.0, 1.0)  # noqa: PLR2004 - 0 and 1
        if is_score and is_decision and values.values >= LEAST_ROWS:
            yield Observation(
                field,
                f"only 0 and 1 in {values.values:,} rows of {sample.place}: a decision rather than a probability",
                "name the column of the probability, and the decision in predictions.prediction",
            )


def field_of(spec: ModelSpec, name: str) -> str:
    """Return the path of the field of the spec that a canonical column comes from."""
    if name in spec.features:
        return f"features.{name}"
    classes = {column: f"predictions.scores.{label}" for label, column in spec.score_columns.items()}
    fields = {"row_id": "predictions.id", "predicted_at": "predictions.time"}
    return (classes | fields).get(name, f"predictions.{name}")


def _columns_read(spec: ModelSpec, facts: SourceFacts) -> Iterator[tuple[str, str, Sample]]:
    """Yield each column with its field, in the first rows that have it."""
    done: set[str] = set()
    for sample in facts.samples:
        for name in sample.columns:
            if name not in done and sample.rows:
                done.add(name)
                yield name, field_of(spec, name), sample


def columns_of_predictions(spec: ModelSpec) -> dict[str, str]:
    """Return the columns of predictions that a spec names, by the path of the field."""
    return dict(_named_in_predictions(spec))


def columns_of_labels(spec: ModelSpec) -> dict[str, str]:
    """Return the columns of labels that a spec names, by the path of the field."""
    return dict(_named_in_labels(spec))


def _named_in_predictions(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    source = spec.predictions
    several = len(source.id_columns) > 1
    for number, column in enumerate(source.id_columns):
        yield f"predictions.id[{number}]" if several else "predictions.id", column
    named = {"time": source.time, "model_version": source.model_version, "score": source.score}
    named |= {f"scores.{name}": column for name, column in source.scores.items()}
    named |= {"prediction": source.prediction, "horizon": source.horizon, "naive": source.naive}
    for field, column in named.items():
        if column is not None:
            yield f"predictions.{field}", column
    for number, column in enumerate(source.group_columns):
        yield f"predictions.group_columns[{number}]", column
    for name, column in spec.operations.columns.items():
        yield FIELD_OF_TELEMETRY[name], column
    for name, feature in spec.features.items():
        yield f"features.{name}" + (".column" if feature.column else ""), feature.column or name


def _named_in_labels(spec: ModelSpec) -> Iterator[tuple[str, str]]:
    labels = spec.labels
    if labels is None:
        return
    columns = labels.id_columns or spec.predictions.id_columns
    for number, column in enumerate(columns):
        yield f"labels.id[{number}]" if len(columns) > 1 else "labels.id", column
    yield "labels.label", labels.label
    if labels.known_at is not None:
        yield "labels.known_at", labels.known_at


def _existing(table: SourceTable, column: str) -> str:
    return suggestion(column, table.columns, "columns")
