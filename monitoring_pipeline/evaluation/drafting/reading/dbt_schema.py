"""The columns and tests of a dbt model, in ``schema.yml``.

https://docs.getdbt.com/reference/resource-properties/data-tests
"""

from collections.abc import Iterator, Mapping

from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role
from monitoring_pipeline.evaluation.drafting.hints import Hints
from monitoring_pipeline.evaluation.drafting.reading.document import Document, as_items, as_mapping
from monitoring_pipeline.spec.sources import FeatureKind

_NUMBERS = ("double", "float", "real")
_TEXTS = ("char", "text", "string", "bool")


def read_dbt(document: Document, table: str | None) -> Hints | None:
    """Return the advice in the properties of a dbt model or source; None if the file is something else."""
    entries = list(_tables(document.mapping))
    if not entries:
        return None
    named = [
        entry for entry in entries if table and str(entry.get("name", "")).casefold() == table.split(".")[-1].casefold()
    ]
    chosen = named or (entries if len(entries) == 1 else [])
    columns = [as_mapping(column) for entry in chosen for column in as_items(entry.get("columns"))]
    tests = {str(column.get("name", "")): dict(_tests(column)) for column in columns}
    ids = tuple(name for name, of_column in tests.items() if {"unique", "not_null"} <= of_column.keys())
    kinds = {str(column.get("name", "")): _kind(column, tests) for column in columns}
    return Hints(
        origin=f"{document.name} (dbt)",
        roles={Role.ID: ids[:1]} if ids else {},
        features=kinds,
        unique=tuple(name for name, of_column in tests.items() if "unique" in of_column),
    )


def _tables(content: Mapping[str, object]) -> Iterator[Mapping[str, object]]:
    for part in ("models", "seeds", "snapshots"):
        for entry in as_items(content.get(part)):
            if "columns" in as_mapping(entry):
                yield as_mapping(entry)
    for source in as_items(content.get("sources")):
        for entry in as_items(as_mapping(source).get("tables")):
            if "columns" in as_mapping(entry):
                yield as_mapping(entry)


def _tests(column: Mapping[str, object]) -> Iterator[tuple[str, object]]:
    """Yield the tests of a column by name; older files write ``tests`` for ``data_tests``."""
    for test in (*as_items(column.get("data_tests")), *as_items(column.get("tests"))):
        if isinstance(test, str):
            yield test, None
        yield from as_mapping(test).items()


def _kind(column: Mapping[str, object], tests: Mapping[str, Mapping[str, object]]) -> FeatureKind | None:
    kind = str(column.get("data_type") or "").lower()
    if "accepted_values" in tests.get(str(column.get("name", "")), {}) or any(word in kind for word in _TEXTS):
        return FeatureKind.CATEGORICAL
    return FeatureKind.NUMERIC if any(word in kind for word in _NUMBERS) else None
