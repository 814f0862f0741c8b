"""The columns that stand for a feature of text or vectors: numbers and categories that are computed as rows are read.

The first of them has the name of the feature. The others have the name of a part behind it, such as ``review[words]``.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass

from monitoring_pipeline.spec.sources import Feature, FeatureKind

DIRECTIONS_OF_TEXT = 6
DIRECTIONS_OF_VECTORS = 8


@dataclass(frozen=True)
class Part:
    """A number that is derived from a text or a vector, and the words for it in messages."""

    name: str
    words: str = ""

    @property
    def shown(self) -> str:
        """The words for it."""
        return self.words or self.name


CHARACTERS, WORDS, LETTERS, DIGITS, SIGNS, CAPITALS, BEYOND_ASCII = PARTS_OF_CHARACTERS = (
    Part("characters"),
    Part("words"),
    Part("share of letters"),
    Part("share of digits"),
    Part("share of signs"),
    Part("share of capitals"),
    Part("share beyond ASCII"),
)
PARTS_OF_SEQUENCES = (
    *(Part(f"sequences {number}", "sequences of characters") for number in range(1, DIRECTIONS_OF_TEXT + 1)),
    Part("distance of sequences", "sequences of characters unlike the reference"),
)
NORM = Part("norm", "length of the vector")
PARTS_OF_PLACES = (
    *(Part(f"component {number}", "direction of the vector") for number in range(1, DIRECTIONS_OF_VECTORS + 1)),
    Part("distance", "direction of the vector unlike the reference"),
)
PARTS: Mapping[FeatureKind, tuple[Part, ...]] = {
    FeatureKind.TEXT: (*PARTS_OF_CHARACTERS, *PARTS_OF_SEQUENCES),
    FeatureKind.EMBEDDING: (NORM, *PARTS_OF_PLACES),
}
"""The parts of each kind that is not measured itself."""
WORDS_OF_FIRST = {FeatureKind.TEXT: "script", FeatureKind.EMBEDDING: "form"}
"""What the column with the name of the feature holds: the script of a text, the form of a vector."""
_READABLE = frozenset(part.name for part in (*PARTS_OF_CHARACTERS, NORM)) | {NORM.words}
_WORDS_OF_PART = {part.name: part.shown for parts in PARTS.values() for part in parts}


def name_of_part(feature: str, part: Part) -> str:
    """Return the name of the column that holds a part of a feature."""
    return f"{feature}[{part.name}]"


def columns_of(name: str, feature: Feature) -> dict[str, FeatureKind]:
    """Return the columns that stand for a feature, with their kinds; one that is measured itself stands for itself."""
    if feature.kind not in PARTS:
        return {name: feature.kind}
    parts = (name_of_part(name, part) for part in PARTS[feature.kind])
    return {name: FeatureKind.CATEGORICAL} | dict.fromkeys(parts, FeatureKind.NUMERIC)


def parts_of(features: Collection[str], columns: Iterable[str]) -> frozenset[str]:
    """Return the columns that hold a part of some features, without the features' own columns."""
    named = ((column, *feature_and_part(column)) for column in columns)
    return (
        frozenset(column for column, feature, part in named if part and feature in features)
        if features
        else frozenset()
    )


def feature_and_part(column: str) -> tuple[str, str]:
    """Return the feature that a column belongs to, and the words for the part that it holds; empty for no part."""
    feature, bracket, part = column.removesuffix("]").rpartition("[")
    words = _WORDS_OF_PART.get(part) if bracket and column.endswith("]") else None
    return (column, "") if words is None else (feature, words)


def shown_part(column: str) -> tuple[str, bool]:
    """Return the words for the part that a column holds, and whether its numbers have a meaning of their own."""
    _, words = feature_and_part(column)
    return words, not words or words in _READABLE
