"""A feature view of Feast, in Python source: https://docs.feast.dev/getting-started/concepts/feature-view."""

from collections.abc import Mapping

from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role
from monitoring_pipeline.evaluation.drafting.hints import Hints
from monitoring_pipeline.evaluation.drafting.reading.document import Document, as_items, as_mapping, as_texts
from monitoring_pipeline.spec.sources import FeatureKind

_KINDS = {
    "Float32": FeatureKind.NUMERIC,
    "Float64": FeatureKind.NUMERIC,
    "String": FeatureKind.CATEGORICAL,
    "Bool": FeatureKind.CATEGORICAL,
}
"""Whole numbers may be codes, so their kind is left to their values."""


def read_feast(document: Document, table: str | None) -> Hints | None:
    """Return the advice in the feature views of a file; None if the file has none.

    The join keys of entities identify an entity rather than a prediction, so they are no id here.
    """
    del table
    views = [arguments for _, arguments in document.calls("FeatureView", "BatchFeatureView", "StreamFeatureView")]
    if not views:
        return None
    keys = {key for _, entity in document.calls("Entity") for key in as_texts(entity.get("join_keys"))}
    features: dict[str, FeatureKind | None] = {}
    for view in views:
        for field in map(as_mapping, as_items(view.get("schema") or view.get("features"))):
            features[_name(field)] = _KINDS.get(str(field.get("dtype") or field.get("1") or ""))
    times = [source.get("timestamp_field") for _, source in document.calls(*_SOURCES)]
    found = tuple(dict.fromkeys(name for name in times if isinstance(name, str)))
    return Hints(
        origin=f"{document.name} (Feast)",
        roles={Role.TIME: found} if found else {},
        features={name: kind for name, kind in features.items() if name and name not in keys},
    )


_SOURCES = (
    "FileSource", "BigQuerySource", "SnowflakeSource", "RedshiftSource", "SparkSource", "PostgreSQLSource"
)  # fmt: skip


def _name(field: Mapping[str, object]) -> str:
    return str(field.get("name") or field.get("0") or "")
