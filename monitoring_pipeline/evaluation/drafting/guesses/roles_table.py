"""The rules by which a column is guessed to have a role: by its name, and by its values.

A name is compared in small letters with underscores, so that ``Scored At``, ``scoredAt`` and ``SCORED-AT`` are one.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from monitoring_pipeline.evaluation.drafting.facts import ColumnFacts
from monitoring_pipeline.evaluation.drafting.value_kinds import ValueKind


class Role(StrEnum):
    """What a column is for. The words are those that a person writes after ``--column``."""

    ID = "id"
    TIME = "time"
    VERSION = "version"
    SCORE = "score"
    SCORES = "scores"
    PREDICTION = "prediction"
    LABEL = "label"
    KNOWN_AT = "known_at"


@dataclass(frozen=True)
class NameRule:
    """A pattern of the whole name, and what a match weighs."""

    role: Role
    weight: int
    pattern: re.Pattern[str]


@dataclass(frozen=True)
class ValueRule:
    """A property of the values. A column without one that is needed cannot have the role."""

    role: Role
    weight: int
    holds: Callable[[ColumnFacts], bool]
    evidence: str
    is_needed: bool = False


def _names(role: Role, weight: int, *patterns: str) -> NameRule:
    return NameRule(role, weight, re.compile("|".join(f"(?:{pattern})" for pattern in patterns)))


FEWEST_SCORES = 3
MOST_VERSIONS = 50
MOST_CLASSES = 50
LEAST_WEIGHT: Mapping[Role, int] = {Role.TIME: 1, Role.ID: 3}
"""A column needs this weight to be taken for a role; the values of an id or a time alone may be enough."""
LEAST_WEIGHT_BY_NAME = 4

_AT = "_?(at|time|ts|timestamp|date|on|datetime)"

NAME_RULES = (
    _names(
        Role.ID,
        6,
        "(request|prediction|scoring|inference|row|record|event|transaction|trip|case|sample)_?(id|uuid|key|no)",
    ),
    _names(Role.ID, 5, "id", "uuid", "guid", "key", "rowid", "pk", "unnamed_0", "index", "rownames?", "index_level_0"),
    _names(Role.ID, 3, r"\w+_(id|uuid|guid|key|no|nr|num|number|ref)", r"(id|uuid)_\w+"),
    _names(Role.TIME, 7, f"(predict(ed|ion)?|scor(ed|ing)|inference|inferred|serv(ed|ing)|request(ed)?){_AT}"),
    _names(Role.TIME, 5, f"event{_AT}", "timestamp", "ts", "time", "datetime", "date_?time", "time_?stamp"),
    _names(Role.TIME, 4, f"(creat(ed|ion)|insert(ed)?|start(ed)?|order(ed)?){_AT}", "date", "day", "when", "time_hour"),
    _names(Role.TIME, 2, rf"\w+{_AT}", r"(date|time)_\w+", "epoch.*"),
    _names(
        Role.TIME,
        -4,
        r".*(updat|label|observ|known|outcome|birth|dob|resolv|clos|settl|feedback|arriv|end|deliver|expir|due|valid).*",
    ),
    _names(Role.VERSION, 7, "model_?(version|ver|v)", r"(model|ml)_\w*version", "version_?(of_)?model"),
    _names(Role.VERSION, 5, "version", "ver", "model_?(id|name|tag|alias|run|hash)?", "variant", "champion"),
    _names(Role.SCORE, 7, "(predict(ed|ion)?|pred|y)_?(scores?|probabilit(y|ies)|probas?|probs?)", "y_?scores?"),
    _names(Role.SCORE, 6, "scores?", "probabilit(y|ies)", "probas?", "probs?"),
    _names(Role.SCORE, 6, "p(rob(a(bility)?)?)?_?(1|true|yes|pos(itive)?)"),
    _names(Role.SCORE, 5, r"(p|prob|proba|probability|score|risk|likelihood|propensity|pd)_?(of)?_\w+"),
    _names(Role.SCORE, 5, r"\w+_(score|prob|proba|probability|likelihood|propensity|risk|confidence)"),
    _names(Role.SCORE, 4, "p", "pd", "risk", "likelihood", "propensity", "confidence", "model_?output", "output(_0)?"),
    _names(Role.PREDICTION, 7, "predictions?", "predicted", "preds?", "y_?(pred|hat|predicted)", "forecast"),
    _names(Role.PREDICTION, 7, "model_?prediction"),
    _names(Role.PREDICTION, 5, r"(predicted|prediction|pred|forecast|estimated|expected)_?(of_)?\w+"),
    _names(Role.PREDICTION, 5, r"\w+_(predicted|prediction|pred|hat|forecast|estimate)", "estimate", "decision"),
    _names(Role.PREDICTION, 4, "output(_0)?", "model_?output", "result", "fitted(_values)?", "decided"),
    _names(
        Role.PREDICTION,
        -9,
        r"(predicted|prediction|pred|forecast|decision)_(id|uuid|guid|key|no|number|time|date|ts|at)",
    ),
    _names(Role.LABEL, 7, "labels?", "(ground_?)?truth", "y_?(true|actual)", "actuals?", "target"),
    _names(Role.LABEL, 7, r"(true|actual|observed|measured|realized|real)_\w+"),
    _names(Role.LABEL, 6, "outcome", "y", "gold", "response", r"\w+_(label|actual|truth|outcome|target)"),
    _names(Role.LABEL, 6, r"(label|target|outcome)_\w+"),
    _names(Role.LABEL, 5, r"(had|did|became|got|will)_\w+"),
    _names(
        Role.LABEL,
        5,
        "churn(ed)?|default(ed)?|fraud(ulent)?|survived|clicked|converted|conversion|approved|class|late|cancell?ed",
        r"returned|died|event|is_(fraud|churn|spam|default|late)\w*|diagnosis|success",
    ),
    _names(Role.LABEL, -9, r"(predicted|prediction|pred|forecast|estimated|prob|proba|probability|score)_\w+"),
    _names(
        Role.KNOWN_AT,
        7,
        r"(label|outcome|truth|actual|target|y)_?(known|observed|seen|updated|time|ts|date|at|timestamp|available)\w*",
        "known_?(at|on|since|time)",
        f"(label(l?ed)?|observed|resolved|settled|feedback|confirmed){_AT}",
    ),
    _names(
        Role.KNOWN_AT,
        5,
        "(arriv(ed|al)|clos(ed|ing)|updat(ed|e)|deliver(ed|y)|end(ed)?|complet(ed|ion)|return(ed)?|paid|finish(ed)?)"
        "_?(at|time|ts|on|date)",
    ),
)


def _is_id_like(column: ColumnFacts) -> bool:
    kinds = {ValueKind.TEXT, ValueKind.INTEGER, ValueKind.OTHER, ValueKind.BOOLEAN}
    return column.kind in kinds and not column.is_epoch


def _may_be_prediction(column: ColumnFacts) -> bool:
    return not column.is_time and column.kind not in {ValueKind.NESTED, ValueKind.EMPTY} and not column.is_constant


def _may_be_label(column: ColumnFacts) -> bool:
    few = column.distinct <= MOST_CLASSES or column.is_numeric
    return _may_be_prediction(column) and few


VALUE_RULES = (
    ValueRule(Role.ID, 0, _is_id_like, "", is_needed=True),
    ValueRule(Role.ID, 3, lambda c: c.is_unique, "every row has another value", is_needed=True),
    ValueRule(Role.TIME, 1, lambda c: c.is_time, "its values are times", is_needed=True),
    ValueRule(Role.TIME, 0, lambda c: c.filled >= 0.9 * c.rows, "", is_needed=True),
    ValueRule(Role.TIME, 1, lambda c: c.distinct > 1, "they differ"),
    ValueRule(Role.TIME, 1, lambda c: c.nulls == 0, "no row is without one"),
    ValueRule(Role.VERSION, 0, lambda c: c.distinct <= MOST_VERSIONS, "few values", is_needed=True),
    ValueRule(Role.VERSION, 0, lambda c: c.kind is not ValueKind.NESTED, "", is_needed=True),
    ValueRule(Role.VERSION, 0, lambda c: not c.is_time and not c.is_unique, "", is_needed=True),
    ValueRule(Role.VERSION, 0, lambda c: c.filled >= 0.9 * c.rows, "", is_needed=True),
    ValueRule(Role.SCORE, 1, lambda c: c.is_share, "all values lie from 0 to 1", is_needed=True),
    ValueRule(Role.SCORE, 1, lambda c: c.distinct >= FEWEST_SCORES, "more than two values", is_needed=True),
    ValueRule(Role.PREDICTION, 0, _may_be_prediction, "", is_needed=True),
    ValueRule(Role.LABEL, 0, _may_be_label, "", is_needed=True),
    ValueRule(Role.LABEL, 1, lambda c: c.distinct == 2, "two values"),  # noqa: PLR2004 - as the words state
    ValueRule(Role.KNOWN_AT, 1, lambda c: c.is_time, "its values are times", is_needed=True),
)

_UTC = re.compile(r"^(utc|gmt)_|_(utc|gmt)(?=$|_)")
_WORD_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_NO_WORD = re.compile(r"[\W_]+")


def plain_name(name: str) -> str:
    """Return a name in small letters, with an underscore between words."""
    return _NO_WORD.sub("_", _WORD_BOUNDARY.sub("_", name)).strip("_").lower()


def without_zone(plain: str) -> str:
    """Return a plain name without the words for UTC, such as ``scored_at`` for ``scored_at_utc``."""
    return _UTC.sub("", plain)


def is_named_utc(name: str) -> bool:
    """Return whether the name of a column contains UTC or GMT."""
    plain = plain_name(name)
    return without_zone(plain) != plain
