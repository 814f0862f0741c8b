"""Business metrics: the parameters of a user's SQL, and the measurement made of its number."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.rules.incidents import BusinessMetric

MODEL_VERSION = "model_version"
PARAMETERS = ("chunk_end", "chunk_start", MODEL_VERSION)
"""What a business metric's SQL may refer to as ``:name``."""

_TOKEN = re.compile(
    r"""
      (?<!\w)[eE]'(?:[^'\\]|''|\\.)*'              # text with escapes
    | '(?:[^']|'')*'                               # text
    | "(?:[^"]|"")*"                               # name
    | (?<![\w$])\$(?P<tag>(?:[^\W\d]\w*)?)\$.*?\$(?P=tag)\$  # text between dollars
    | --[^\n]*                                     # comment to the end of the line
    | (?P<comment>/\*)
    | ::                                           # cast
    | :(?P<parameter>[^\W\d]\w*)
    """,
    re.VERBOSE | re.DOTALL,
)
_COMMENT_MARK = re.compile(r"/\*|\*/")


_GAVE_NULL = "the query gave NULL"
MEASURES = "measures"
"""The subject of measures of the user's own, and the part of a spec that declares them."""
GAVE_NONE = "it returned None"
"""The end of the reason of a measure that has no number yet, such as one of labels that are not known."""
_NO_PREDICTIONS = "no predictions"


class BusinessQueryError(SourceError):
    """The SQL of a business metric does not give one number. The message names what it gave and what is needed."""


@dataclass(frozen=True)
class BusinessQuery:
    """A user's SELECT with the placeholders of its parameters, and which of them it uses."""

    sql: str
    parameters: frozenset[str]


def parse_business_query(text: str, placeholder: Callable[[str], str] = "${}".format) -> BusinessQuery:
    """Return a user's query with the placeholder of every ``:name``. No value becomes part of the text.

    Text, quoted names, comments (also nested, as in PostgreSQL and DuckDB) and casts (``::``) are left as they are.

    Raises:
        BusinessQueryError: when a parameter does not exist.
    """
    parameters: set[str] = set()
    parts: list[str] = []
    done = 0
    for start, end, name in _parameters(text):
        if name not in PARAMETERS:
            known = ", ".join(f":{known}" for known in PARAMETERS)
            message = (
                f"unknown parameter :{name} in line {text.count(chr(10), 0, start) + 1}; known: {known}; "
                "a colon that means something else is followed by a space"
            )
            raise BusinessQueryError(message)
        parameters.add(name)
        parts += [text[done:start], placeholder(name)]
        done = end
    return BusinessQuery("".join([*parts, text[done:]]), frozenset(parameters))


def code_parts(text: str) -> list[tuple[int, str]]:
    """Return the parts of SQL outside of texts, quoted names and comments, each with its place."""
    parts: list[tuple[int, str]] = []
    done = 0
    for start, end, name in _tokens(text):
        if name is None:
            parts.append((done, text[done:start]))
            done = end
    return [*parts, (done, text[done:])]


def business_measurement(
    name: str, metric: BusinessMetric, value: float | None, *, model_version: str = ""
) -> Measurement:
    """Return a business metric as a measurement, judged by its point; ``None`` is the query's NULL."""
    blank = _blank(name, metric, model_version)
    if value is None:
        return blank.skipped(_GAVE_NULL)
    measured = replace(blank, value=value)
    if blank.threshold_lower is not None and value < blank.threshold_lower:
        return measured.breached(f"{value:.6g} is below {blank.threshold_lower:g}")
    if blank.threshold_upper is not None and value > blank.threshold_upper:
        return measured.breached(f"{value:.6g} is above {blank.threshold_upper:g}")
    return measured


def business_failure(name: str, metric: BusinessMetric, reason: str, *, model_version: str = "") -> Measurement:
    """Return the skipped measurement of a business metric, with the reason."""
    return _blank(name, metric, model_version).skipped(f"{metric.sql}: {without_secrets(reason)}")


def without_predictions(name: str, metric: BusinessMetric) -> Measurement:
    """Return the measurement of a metric by version, for a chunk on which no version predicted."""
    return _blank(name, metric, "").skipped(_NO_PREDICTIONS)


def has_failed(measurement: Measurement) -> bool:
    """Return whether a metric's SQL or a measure's function has failed. Later labels or rows cannot correct that."""
    skipped = measurement.kind is Kind.BUSINESS and measurement.status is Status.SKIPPED
    reason = measurement.reason or ""
    return skipped and reason not in (_GAVE_NULL, _NO_PREDICTIONS) and not reason.endswith(GAVE_NONE)


def _blank(name: str, metric: BusinessMetric, model_version: str) -> Measurement:
    threshold = metric.threshold
    return Measurement(
        kind=Kind.BUSINESS,
        subject="business",
        name=name,
        model_version=model_version,
        value=0.0,
        threshold_lower=threshold.lower if threshold else None,
        threshold_upper=threshold.upper if threshold else None,
        severity=Severity((threshold.severity if threshold else None) or Severity.WARNING),
        definition=metric.description or None,
    )


def _parameters(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and name of every ``:name`` that is a parameter."""
    return ((start, end, name) for start, end, name in _tokens(text) if name)


def _tokens(text: str) -> Iterator[tuple[int, int, str | None]]:
    """Yield start and end of every text, quoted name, comment, cast and parameter, and the name of a parameter."""
    position = 0
    while match := _TOKEN.search(text, position):
        position = _end_of_comment(text, match.start()) if match["comment"] else match.end()
        yield match.start(), position, match["parameter"]


def _end_of_comment(text: str, start: int) -> int:
    """Return the end of a comment, including nested ones. A comment that is never closed extends to the end."""
    depth = 0
    for mark in _COMMENT_MARK.finditer(text, start):
        depth += 1 if mark[0] == "/*" else -1
        if depth == 0:
            return mark.end()
    return len(text)
