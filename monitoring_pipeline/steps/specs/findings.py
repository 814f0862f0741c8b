"""Findings about a spec file: from the spec and its suite, and from the source."""

import datetime as dt
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path

from monitoring_pipeline.evaluation.spec_check.checks_table import judge_source, judge_spec
from monitoring_pipeline.evaluation.spec_check.declared import Declared
from monitoring_pipeline.evaluation.spec_check.findings import Finding, Level, Observation
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.spec.parsing.files import UnreadableFileError, parse_yaml, read_small_text
from monitoring_pipeline.steps.specs.source_facts import Inspecting, read_source_facts

_COLUMN_ARGUMENTS = ("column", "column_A", "column_B", "column_list", "column_set")


def find_in_spec(
    loaded: LoadedSpec,
    now: dt.datetime,
    warehouses: Iterable[str] | None = None,
    *,
    suite_problems: Callable[[Path], Sequence[str]] = lambda _: (),
) -> tuple[Finding, ...]:
    """Return the findings about a spec and its suite file, without the source.

    Args:
        loaded: the model's spec.
        now: the time.
        warehouses: the names of the warehouses in the settings; ``None`` if they do not matter.
        suite_problems: returns why a suite file cannot be used.
    """
    spec = loaded.spec
    today = spec.calendar.day_at(now)
    known = None if warehouses is None else frozenset(warehouses)
    problems = tuple(suite_problems(loaded.suite_path)) if loaded.suite_path.exists() else ()
    columns = tuple(_suite_columns(loaded))
    return judge_spec(
        Declared(spec=spec, today=today, suite_columns=columns, suite_problems=problems, warehouses=known)
    )


def find_in_source(loaded: LoadedSpec, inspecting: Inspecting) -> tuple[Finding, ...]:
    """Return the findings about the source of a spec; an error that nobody foresaw is one of them."""
    try:
        return judge_source(loaded.spec, read_source_facts(loaded, inspecting))
    except Exception as error:  # noqa: BLE001 - one source must not stop the check of the others
        # Without the text of the error, because it may contain values of rows.
        seen = f"the source cannot be checked: {type(error).__name__}"
        remedy = "run the first chunk (backfill) to see the error, and report it"
        return (Finding("readable", Level.ERROR, Observation("predictions", seen, remedy)),)


def _suite_columns(loaded: LoadedSpec) -> Iterator[tuple[str, str]]:
    """Yield the columns that the suite file names, each with its place; none if the file cannot be read."""
    try:
        document = parse_yaml(read_small_text(loaded.suite_path)) if loaded.suite_path.exists() else None
    except UnreadableFileError:
        # The suite reports itself when it runs.
        return
    entries = document.get("expectations") if isinstance(document, dict) else None
    for number, entry in enumerate(entries if isinstance(entries, list) else ()):
        arguments = entry.get("kwargs") if isinstance(entry, dict) else None
        named = arguments if isinstance(arguments, dict) else {}
        for name in _COLUMN_ARGUMENTS:
            for column in _texts(named.get(name)):
                yield f"{loaded.suite_path.name}: expectations[{number}].kwargs.{name}", column


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [each for each in values if isinstance(each, str)]
