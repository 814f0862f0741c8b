"""Rules about segments: parts of the rows that are measured on their own."""

from typing import Annotated, ClassVar, Literal, Self, cast

from pydantic import AfterValidator, BeforeValidator, Field, field_validator, model_validator

from monitoring_pipeline.spec.parsing.as_text import entries_as_text
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.parsing.wording import NAME_PATTERN

MOST_VALUES = 50
Name = Annotated[str, Field(pattern=NAME_PATTERN, max_length=60)]


class Condition(SpecPart):
    """What the value of a column has to fulfil: one of some values, or a range of numbers."""

    among: tuple[str, ...] = ()
    """One of these values; short form ``origin: [EWR, JFK]`` or ``origin: EWR``."""
    at_least: float | None = None
    """Smallest number."""
    below: float | None = None
    """The number has to be smaller than this."""

    @field_validator("among", mode="before")
    @classmethod
    def _values_are_text(cls, value: object) -> object:
        if not isinstance(value, list | tuple):
            return value
        entries = cast("list[object]", value)
        if None in entries:
            raise ValueError('null is no value: rows without one belong to no segment; write "null" for the text')
        return entries_as_text(entries)

    @model_validator(mode="after")
    def _is_one_of_two(self) -> Self:
        has_range = self.at_least is not None or self.below is not None
        if bool(self.among) == has_range:
            raise ValueError("give either values, such as [EWR, JFK], or at_least and below")
        if self.at_least is not None and self.below is not None and self.below <= self.at_least:
            raise ValueError(f"below ({self.below:g}) must be above at_least ({self.at_least:g})")
        return self


class Segmentation(SpecPart):
    """A way to split the rows: by the values of a column, by ranges of one, by two others crossed, or by conditions.

    Columns are features, outputs of the model, or among predictions.group_columns. Rows without a value belong to no
    segment.
    """

    column: str | None = None
    """Column whose values are the segments; of a numeric one its ``ranges``."""
    ranges: tuple[float, ...] = Field(default=(), max_length=MOST_VALUES - 1)
    """Numbers at which the ranges of a numeric column begin, in order: 500, 1000 give three ranges."""
    values: int = Field(default=20, ge=2, le=MOST_VALUES)
    """So many values, the most frequent ones of the reference, are segments; the others are one segment together."""
    cross: tuple[str, ...] = ()
    """Names of other entries, each of whose segments is crossed with each of the others' segments."""
    where: dict[str, Condition] = {}
    """Conditions on columns that the rows of the one segment fulfil, all of them."""

    @field_validator("where", mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        if not isinstance(value, dict):
            return value
        entries = cast("dict[object, object]", value)
        return {column: one if _is_condition(one) else {"among": _listed(one)} for column, one in entries.items()}

    @model_validator(mode="after")
    def _is_one_way(self) -> Self:
        ways = [name for name in ("column", "cross", "where") if getattr(self, name)]
        if len(ways) != 1:
            raise ValueError(f"give one of column, cross and where; got {', '.join(ways) or 'none'}")
        if self.ranges and not self.column:
            raise ValueError("ranges: need a column")
        if list(self.ranges) != sorted(set(self.ranges)):
            got = ", ".join(f"{start:.12g}" for start in self.ranges)
            raise ValueError(f"ranges: numbers in order, each once; got {got}")
        if self.cross and (len(self.cross) < 2 or len(set(self.cross)) < len(self.cross)):  # noqa: PLR2004 - a crossing
            raise ValueError(f"cross: two or more different entries are needed; got {', '.join(self.cross)}")
        return self

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that it names itself."""
        return (self.column,) if self.column else tuple(self.where)


def _with_short_forms(value: object) -> object:
    """Return segmentations in which the name of a column stands for its values."""
    if not isinstance(value, dict):
        return value
    entries = cast("dict[object, object]", value)
    return {name: {"column": one} if isinstance(one, str) else one for name, one in entries.items()}


def _with_known_crossings(by: dict[str, Segmentation]) -> dict[str, Segmentation]:
    """Return segmentations whose crossed entries exist, and are no crossings themselves."""
    for name, one in by.items():
        for other in one.cross:
            if other not in by or by[other].cross:
                known = ", ".join(sorted(entry for entry in by if not by[entry].cross)) or "none"
                raise ValueError(f"{name}.cross: unknown {other!r}; entries that can be crossed: {known}")
    return by


Segmentations = Annotated[
    dict[Name, Segmentation],
    Field(max_length=20),
    BeforeValidator(_with_short_forms),
    AfterValidator(_with_known_crossings),
]
"""Segmentations by name. The name of a column stands for its values."""


class SegmentRules(SpecPart):
    """Segments, and when they are judged."""

    by: Segmentations = {}
    """Segments by name; short form ``origin: origin`` for the values of a column."""
    minimum_rows: int = Field(default=20, ge=1)
    """A segment with fewer rows on a chunk is suppressed: its numbers are not stored, shown or sent."""
    severity: Literal["info", "warning", "critical"] = "warning"
    """Severity of broken columns and of a loss of performance in a segment. Drift in a segment is an info."""

    added_fields: ClassVar[frozenset[str]] = frozenset()


def _is_condition(value: object) -> bool:
    return isinstance(value, dict | Condition)


def _listed(value: object) -> object:
    return list(cast("list[object]", value)) if isinstance(value, list | tuple) else [value]
