"""An Open Data Contract (ODCS, version 3): https://bitol-io.github.io/open-data-contract-standard/latest/schema/."""

from collections.abc import Mapping

from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role
from monitoring_pipeline.evaluation.drafting.hints import Hints
from monitoring_pipeline.evaluation.drafting.reading.document import Document, as_items, as_mapping
from monitoring_pipeline.spec.sources import FeatureKind

_KINDS = {"number": FeatureKind.NUMERIC, "string": FeatureKind.CATEGORICAL, "boolean": FeatureKind.CATEGORICAL}
"""``integer`` may be a code, so its kind is left to its values."""


def read_contract(document: Document, table: str | None) -> Hints | None:
    """Return the advice of a data contract about a table; None if the file is something else."""
    content = document.mapping
    if content.get("kind") != "DataContract" or not str(content.get("apiVersion", "")).startswith("v3"):
        return None
    objects = [as_mapping(each) for each in as_items(content.get("schema"))]
    named = [each for each in objects if table and table.split(".")[-1].casefold() in _names(each)]
    chosen = named or (objects if len(objects) == 1 else [])
    columns = [as_mapping(each) for entry in chosen for each in as_items(entry.get("properties"))]
    keys = sorted(
        (each for each in columns if each.get("primaryKey") is True), key=_position
    )  # fmt: skip
    return Hints(
        origin=f"{document.name} (data contract)",
        roles={Role.ID: tuple(map(_column, keys))} if keys else {},
        features={_column(each): _KINDS.get(str(each.get("logicalType"))) for each in columns},
        unique=tuple(_column(each) for each in columns if each.get("unique") is True),
    )


def _names(entry: Mapping[str, object]) -> set[str]:
    return {str(entry.get(key, "")).split(".")[-1].casefold() for key in ("name", "physicalName")}


def _column(entry: Mapping[str, object]) -> str:
    return str(entry.get("physicalName") or entry.get("name") or "")


def _position(entry: Mapping[str, object]) -> int:
    place = entry.get("primaryKeyPosition")
    return place if isinstance(place, int) and place >= 0 else 0
