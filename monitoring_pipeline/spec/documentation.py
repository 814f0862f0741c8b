"""The model spec as documentation: a JSON Schema for editors, and a page that lists every field."""

import json
from collections.abc import Iterator
from typing import Any, cast

from monitoring_pipeline.spec.model import ModelSpec

Schema = dict[str, Any]


def json_schema() -> str:
    """Return the JSON Schema of a model spec."""
    schema = ModelSpec.model_json_schema()
    kinds = schema["$defs"]["FeatureKind"]["enum"]
    schema["properties"]["features"]["additionalProperties"] = {"anyOf": [{"enum": kinds}, {"$ref": "#/$defs/Feature"}]}
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}, indent=2) + "\n"


def fields_page() -> str:
    """Return the page that lists every field, in Markdown."""
    schema = ModelSpec.model_json_schema()
    head = (
        "# Every field of a model spec\n\n"
        "This page is the output of `monitoring-pipeline spec fields`. Unknown keys are refused. "
        "`<name>` stands for a key that you choose.\n\n"
        "A column may be the path to a value inside of a nested column: `payload.age` is a field of a struct, a key of "
        "a map, or a value in JSON (also JSON in a text column), and `scores.0` is the first value of a list. "
        "A column whose own name has dots has precedence.\n\n"
        "| field | default | meaning |\n|---|---|---|\n"
    )
    return head + "".join(f"| `{name}` | {default} | {text} |\n" for name, default, text in _fields(schema, schema, ""))


def _fields(schema: Schema, part: Schema, prefix: str) -> Iterator[tuple[str, str, str]]:
    required = part.get("required", [])
    for name, field in part["properties"].items():
        path = f"{prefix}{name}"
        yield path, _default(name, field, required), _meaning(schema, field)
        yield from _nested(schema, field, path)


def _nested(schema: Schema, field: Schema, path: str) -> Iterator[tuple[str, str, str]]:
    for choice in (field, *field.get("anyOf", ())):
        named = [choice.get("additionalProperties"), *choice.get("patternProperties", {}).values()]
        of_lists = (choice.get("items"), ".")
        for inner, suffix in ((choice, "."), of_lists, *((values, ".<name>.") for values in named)):
            if isinstance(inner, dict) and "$ref" in inner:
                target = _resolve(schema, cast("Schema", inner))
                if "properties" in target:
                    yield from _fields(schema, target, f"{path}{suffix}")


def _default(name: str, field: Schema, required: list[str]) -> str:
    if name in required:
        return "required"
    default = field.get("default")
    return "" if default is None or isinstance(default, dict) else f"`{json.dumps(default)}`"


def _meaning(schema: Schema, field: Schema) -> str:
    target = _resolve(schema, _chosen(field))
    allowed = target.get("enum") or [value for kind in field.get("anyOf", ()) for value in kind.get("enum", ())]
    choices = f" One of {', '.join(f'`{value}`' for value in allowed)}." if allowed else ""
    text = field.get("description") or target.get("description") or ""
    return " ".join(text.replace("``", "`").split()) + choices


def _chosen(field: Schema) -> Schema:
    """Return the part to which a field refers if the field may be omitted, else the field."""
    return next((choice for choice in field.get("anyOf", ()) if "$ref" in choice), field)


def _resolve(schema: Schema, field: Schema) -> Schema:
    reference = field.get("$ref")
    return schema["$defs"][reference.rsplit("/", 1)[-1]] if reference else field
