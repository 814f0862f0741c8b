"""Rules about privacy: what is kept of columns that hold personal data."""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from monitoring_pipeline.spec.column_names import allowed_names
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.parsing.wording import in_one_message
from monitoring_pipeline.spec.sources import Feature, FeatureKind

HASHED, IDENTIFIER, DROPPED = "hashed", "identifier", "dropped"
WORDS = "write hashed, identifier, dropped, {first: 2} or {round_to: 10}"


class Generalization(SpecPart):
    """What is kept of each value: its first characters, or a rounded number."""

    first: int | None = Field(default=None, ge=1, le=40)
    """So many characters from the beginning of a category, such as 2 of a postcode or 4 of a birth date."""
    round_to: float | None = Field(default=None, gt=0)
    """The step to whose nearest multiple a number is rounded, such as 10 for an age."""

    added_fields: ClassVar[frozenset[str]] = frozenset({"first", "round_to"})

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        if (self.first is None) == (self.round_to is None):
            raise ValueError("give either first or round_to")
        return self


Treatment = Annotated[
    Literal["hashed", "identifier", "dropped"] | Generalization,
    in_one_message(WORDS),
]
"""What is kept of a column.

hashed: a keyed hash of each value; identifier: whether there is a value; dropped: nothing, it is not read; first and
round_to: less of each value.
"""


def dropped_features(features: Mapping[object, object], privacy: Mapping[object, object]) -> set[object]:
    """Return the features that are not read.

    Raises:
        ValueError: when a column that is to be dropped is no feature.
    """
    dropped = {name for name, treatment in privacy.items() if treatment == DROPPED}
    if unknown := sorted(map(str, dropped - features.keys())):
        hint = allowed_names(unknown[0], [str(name) for name in features])
        raise ValueError(f"privacy: unknown feature {unknown[0]!r}; {hint}")
    return dropped


def check_privacy(
    privacy: Mapping[str, str | Generalization], features: Mapping[str, Feature], group_columns: tuple[str, ...]
) -> None:
    """Check that each treatment fits its column, and that no other feature has the same column.

    Raises:
        ValueError: when one does not.
    """
    for name, treatment in privacy.items():
        if treatment == DROPPED:
            continue
        if name not in features and name not in group_columns:
            hint = allowed_names(name, (*features, *group_columns))
            raise ValueError(f"privacy: unknown column {name!r}; {hint}")
        kind = features[name].kind if name in features else FeatureKind.CATEGORICAL
        if problem := _misfit(name, treatment, kind, is_group=name not in features):
            raise ValueError(f"privacy.{name}: {problem}")
    for name, other in _read_twice(privacy, features, group_columns):
        raise ValueError(f"privacy: {other} is the column of {name}, too; name {other} in privacy as well")


def _misfit(name: str, treatment: str | Generalization, kind: FeatureKind, *, is_group: bool) -> str | None:
    if kind in {FeatureKind.TEXT, FeatureKind.EMBEDDING}:
        return f"of a feature of kind {kind} only numbers about it are kept; write dropped to keep nothing"
    if is_group and treatment == IDENTIFIER:
        return "groups are formed by the values of the column; write hashed or {first: 2}"
    is_rounded = isinstance(treatment, Generalization) and treatment.round_to is not None
    if is_rounded and kind is not FeatureKind.NUMERIC:
        return "round_to is for numbers, and the column is categorical; write hashed, identifier or {first: 2}"
    if not is_rounded and kind is FeatureKind.NUMERIC:
        return f"{name} is numeric; write {{round_to: 10}} or dropped, or declare it as categorical"
    return None


def _read_twice(
    privacy: Mapping[str, object], features: Mapping[str, Feature], group_columns: tuple[str, ...]
) -> Iterator[tuple[str, str]]:
    columns = {name: feature.column or name for name, feature in features.items()} | {n: n for n in group_columns}
    for name in privacy:
        column = columns.get(name, name)
        for other, its_column in columns.items():
            if other not in privacy and its_column == column:
                yield name, other
