"""Loads the suite file of a model, and derives the expectations about its schema from the spec."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from monitoring_pipeline.quality.counts.table import is_counted
from monitoring_pipeline.quality.engine import expectation_types, known_kwargs, kwargs_problems
from monitoring_pipeline.quality.expectation import (
    KNOWN_TYPES,
    NUMERIC_TYPES,
    TIMESTAMP_TYPES,
    TO_EXIST,
    TO_HAVE_TYPE,
    Expectation,
    condition_problem,
)
from monitoring_pipeline.records.measurement import Severity
from monitoring_pipeline.spec.column_names import allowed_names
from monitoring_pipeline.spec.derived_columns import parts_of
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.parsing.files import (
    LONGEST_PROBLEM,
    UnreadableFileError,
    clipped,
    parse_yaml,
    read_small_text,
    shown,
)
from monitoring_pipeline.spec.rules.operations import kind_of_telemetry
from monitoring_pipeline.spec.sources import FeatureKind

SUITES_KEPT = 8
GALLERY = "https://greatexpectations.io/expectations"
_ENTRY_KEYS = ("type", "kwargs", "severity", "notes")
_ALSO_EXPORTED = frozenset({"id", "meta", "description", "rendered_content"})
"""Keys of an entry that Great Expectations writes, and that change no result."""
_EXPORTED_KWARGS = frozenset({"condition_parser", "batch_id"})
"""Arguments that Great Expectations writes, and that follow from the form of a condition or name rows elsewhere."""
_EXPORTED = frozenset({"name", "id", "meta", "notes", "suite_parameters"})
"""Keys of a suite that Great Expectations writes beside its expectations."""
_COLUMN_TYPES = {
    FeatureKind.NUMERIC: (NUMERIC_TYPES, "numbers or booleans"),
    FeatureKind.CATEGORICAL: (KNOWN_TYPES, "single values: text, numbers, booleans, dates"),
    FeatureKind.TEXT: (("str",), "text"),
    FeatureKind.EMBEDDING: (("list", "str"), "lists of numbers, or text such as [0.5, 1]"),
}


class SuiteError(ValueError):
    """A suite cannot be used or drafted; the message lists every problem, one per line."""


@dataclass(frozen=True)
class Suite:
    """The expectations of one model's suite file, in the order of the file."""

    path: Path
    expectations: tuple[Expectation, ...]


def load_suite(path: Path) -> Suite:
    """Load a suite file: a mapping with the key ``expectations``, a list of entries.

    An entry has a ``type`` and its ``kwargs`` as in Great Expectations, and may have a ``severity`` (info, warning
    or critical; default warning) and ``notes``. Further keys that Great Expectations writes, such as ``name`` and
    ``meta``, are accepted and not used.

    Raises:
        SuiteError: when the file is no valid suite, with one line per problem: file, entry, field, allowed values.
    """
    try:
        return _suite_of_text(read_small_text(path), path)
    except UnreadableFileError as error:
        raise SuiteError(f"{path}: {error}") from error


@lru_cache(maxsize=SUITES_KEPT)
def _suite_of_text(text: str, path: Path) -> Suite:
    """Return the suite that the text of a file has; it is kept, because every chunk loads the suite."""
    return suite_of(parse_yaml(text), path)


def suite_problems(path: Path) -> tuple[str, ...]:
    """Return the problems for which a suite file cannot be used, one line each."""
    try:
        load_suite(path)
    except SuiteError as error:
        return tuple(line.removeprefix(f"{path}: ") for line in str(error).splitlines())
    return ()


def suite_of(document: object, path: Path) -> Suite:
    """Return the suite that a document has, as in a suite file; ``path`` names it in messages.

    Raises:
        SuiteError: when it is no valid suite, with one line per problem.
    """
    if not isinstance(document, dict) or "expectations" not in document:
        message = f"{path}: expected the key expectations, with a list of entries"
        raise SuiteError(message)
    if unknown := [str(key) for key in document if key != "expectations" and key not in _EXPORTED]:
        raise SuiteError("\n".join(f"{path}: {_unknown(key, ['expectations', *sorted(_EXPORTED)])}" for key in unknown))
    if document.get("suite_parameters"):
        message = f"{path}: suite_parameters: write the values into kwargs; parameters are not read"
        raise SuiteError(message)
    entries = document["expectations"]
    if not isinstance(entries, list):
        message = f"{path}: expectations: expected a list of entries, got {type(entries).__name__}"
        raise SuiteError(message)
    problems = [
        f"{path}: expectations[{index}]: {clipped(' '.join(problem.split()), LONGEST_PROBLEM)}"
        for index, entry in enumerate(entries)
        for problem in _entry_problems(entry)
    ]
    if problems:
        raise SuiteError("\n".join(problems))
    return Suite(path, tuple(_expectation(entry) for entry in entries))


def schema_expectations(spec: ModelSpec) -> tuple[Expectation, ...]:
    """Return the expectations about the schema of every chunk: each column exists, and its type fits its kind.

    A column without values satisfies them, whatever its type.
    """
    source = spec.predictions
    columns = {"row_id": _COLUMN_TYPES[FeatureKind.CATEGORICAL], "predicted_at": (TIMESTAMP_TYPES, "timestamps")}
    if source.model_version is not None:
        columns["model_version"] = _COLUMN_TYPES[FeatureKind.CATEGORICAL]
    absent = {name for name in ("score", "prediction") if getattr(source, name) is None}
    read = spec.columns | {name: feature.kind for name, feature in spec.features.items()}
    parts = parts_of(spec.derived_features, read)
    columns |= {name: _COLUMN_TYPES[kind] for name, kind in read.items() if name not in absent and name not in parts}
    columns |= dict.fromkeys(spec.carried_columns, _COLUMN_TYPES[FeatureKind.NUMERIC])
    columns |= dict.fromkeys(source.group_columns, _COLUMN_TYPES[FeatureKind.CATEGORICAL])
    columns |= {name: _COLUMN_TYPES[kind_of_telemetry(name)] for name in spec.operations.columns}
    return tuple(
        expectation
        for name, (types, words) in columns.items()
        for expectation in (
            Expectation(TO_EXIST, {"column": name}, Severity.CRITICAL),
            Expectation(TO_HAVE_TYPE, {"column": name, "type_list": list(types)}, Severity.CRITICAL, words),
        )
    )


def _expectation(entry: dict[str, object]) -> Expectation:
    kwargs = _kwargs(entry)
    return Expectation(
        type=str(entry["type"]),
        kwargs=kwargs if isinstance(kwargs, dict) else {},
        severity=Severity(str(entry.get("severity", Severity.WARNING))),
        notes=_notes(entry.get("notes")),
    )


def _kwargs(entry: dict[str, object]) -> object:
    """Return the arguments of an entry, without those that only Great Expectations uses."""
    kwargs = entry.get("kwargs", {})
    if not isinstance(kwargs, dict):
        return kwargs
    return {name: value for name, value in kwargs.items() if name not in _EXPORTED_KWARGS}


def _notes(notes: object) -> str:
    """Return notes as one line; Great Expectations writes text, a list of texts, or nothing."""
    lines = notes if isinstance(notes, list) else [] if notes is None else [notes]
    return " ".join(" ".join(map(str, lines)).split())


def _entry_problems(entry: object) -> list[str]:
    """Return the problems of one entry of a suite file."""
    if not isinstance(entry, dict) or "type" not in entry:
        return [f"expected a mapping with a type and its kwargs, got {shown(entry)}"]
    problems = [
        _unknown(str(key), list(_ENTRY_KEYS)) for key in entry if key not in _ENTRY_KEYS and key not in _ALSO_EXPORTED
    ]
    severities = [str(severity) for severity in Severity]
    if entry.get("severity", Severity.WARNING) not in severities:
        problems.append(f"severity: {shown(entry['severity'])} is not one of {', '.join(severities)}")
    kwargs = _kwargs(entry)
    if isinstance(kwargs, dict) and is_counted(str(entry["type"]), kwargs):
        return problems
    if entry["type"] not in expectation_types():
        return [*problems, f"type: {_unknown(str(entry['type']), expectation_types())}"]
    if not isinstance(kwargs, dict):
        return [*problems, f"kwargs: expected a mapping, got {shown(kwargs)}"]
    allowed = known_kwargs(entry["type"])
    faults = [_unknown(str(key), allowed) for key in kwargs if key not in allowed]
    faults += [problem for problem in [condition_problem(kwargs.get("row_condition"))] if problem]
    faults = faults or kwargs_problems(entry["type"], kwargs)
    return problems + [f"{entry['type']}: kwargs: {fault}" for fault in faults]


def _unknown(name: str, allowed: list[str]) -> str:
    name = clipped(name)
    return f"unknown {name!r}; {allowed_names(name, allowed, more_at=GALLERY)}"
