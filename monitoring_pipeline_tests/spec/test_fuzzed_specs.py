"""Fuzzed spec files: each is a spec or is refused with file and field, in bounded time.

``pytest monitoring_pipeline_tests/spec/test_fuzzed_specs.py --hypothesis-profile=fuzz`` tries more than 10,000.
"""

import json
import re
import tempfile
import time
from pathlib import Path
from typing import Any

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitoring_pipeline.spec.documentation import json_schema
from monitoring_pipeline.spec.loading import read_files
from monitoring_pipeline.steps.specs.checks import check_model

MODELS = Path(__file__).parents[2] / "monitoring_pipeline" / "models"
SHIPPED = [path.read_text(encoding="utf-8") for path in sorted(MODELS.glob("*.yaml")) if "suite" not in path.name]
SCHEMA = json.loads(json_schema())
LONGEST_SECONDS = 3.0
DEEPEST = 7
SLOW = [HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.filter_too_much, HealthCheck.large_base_example]
ABOUT_THE_FILE = re.compile(r"not YAML: |not usable YAML: |expected keys |cannot be read: ")
FIELD = re.compile(r".+?: .|\d+ more problems$", re.DOTALL)
PIECES = st.sampled_from([
    "\t", "\0", "\ufeff", "\x85", "\u2028", "\ufffd", ": ", "- ", "? ", "!!python/object:os.system ", "!!binary ",
    "!!timestamp ", "&a ", "*a ", "<<: *a\n", "[", "{", "]", "}", "|", ">", "%YAML 9.9\n", "---\n", "...\n", "'", '"',
    '"\\ud800"', '"\\x00"', "#", "@", "`", "0x", "1e999", ".nan", "-.inf", "0001-01-01", "9999-12-31", "12:30:45",
    "yes", "null", "~", "=", "1_000", "-1", "0", "1" * 400, "x" * 5000, "\r", "\n", "  ",
])  # fmt: skip
SPECIAL = st.sampled_from([
    10**400, -1, 0, "", " ", "x" * 5000, "9" * 30 + "d", "0d", "24:00", "Nowhere/Zone", "../../etc/passwd", "/dev/zero",
    "a.b.c.d.e", "auroc", "\ud83d", {}, [], [[]], {"": None}, {"a": {"b": {"c": 1}}},
])  # fmt: skip
JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=12), st.dates(), st.datetimes(),
    st.binary(max_size=6), SPECIAL, st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=3),
)  # fmt: skip
TEXTS = st.sampled_from([
    "a", "b", "churn", "scores", "2024-01-01", "04:30", "Europe/Berlin", "7d", "auroc", "x@example.com",
])  # fmt: skip
SIMPLE = {"integer": st.integers(-2, 400), "number": st.floats(-1, 2), "boolean": st.booleans(), "null": st.none()}


def refused_clearly(text: str | bytes) -> None:
    """Raise AssertionError unless a file with this content is a usable spec or is refused in clear words."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "fuzzed.yaml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
        begun = time.process_time()
        read = read_files([path], check_model)
        for entry in read.good:
            assert entry.spec.spec_hash
            assert entry.spec.calendar
            assert entry.suite_path
        assert time.process_time() - begun < LONGEST_SECONDS
    assert len(read.good) + len(read.bad) == 1
    for entry in read.bad:
        assert entry.problems
        for problem in entry.problems:
            assert problem.startswith(f"{path}: ")
            words = problem.removeprefix(f"{path}: ")
            assert ABOUT_THE_FILE.match(words) or FIELD.match(words), words
            assert not words.startswith("cannot be used"), words
            assert len(words) < 3000
            problem.encode()
        (entry.model + entry.owner).encode()


def values_of(schema: dict[str, Any], depth: int = 0) -> st.SearchStrategy[Any]:
    """Return values that mostly fit a part of the JSON Schema."""
    if "$ref" in schema:
        return values_of(SCHEMA["$defs"][schema["$ref"].rsplit("/", 1)[-1]], depth)
    if choices := schema.get("anyOf") or schema.get("oneOf"):
        return st.one_of([values_of(choice, depth) for choice in choices])
    if "const" in schema or "enum" in schema:
        return st.sampled_from(schema.get("enum", [schema.get("const")]))
    kind = schema.get("type") if depth < DEEPEST else None
    if kind == "array":
        return st.lists(values_of(schema.get("items", {}), depth + 1), max_size=3)
    return _objects(schema, depth) if kind == "object" else _simple(schema)


def _simple(schema: dict[str, Any]) -> st.SearchStrategy[Any]:
    if "pattern" in schema:
        return TEXTS | st.from_regex(schema["pattern"], fullmatch=True)
    return TEXTS if schema.get("type") == "string" else SIMPLE.get(str(schema.get("type")), JUNK)


def _objects(schema: dict[str, Any], depth: int) -> st.SearchStrategy[Any]:
    def sometimes_junk(part: dict[str, Any]) -> st.SearchStrategy[Any]:
        fitting = st.deferred(lambda: values_of(part, depth + 1))
        return st.integers(0, 14).flatmap(lambda number: JUNK if number == 0 else fitting)

    named = {name: sometimes_junk(part) for name, part in schema.get("properties", {}).items()}
    needed = {name: values for name, values in named.items() if name in schema.get("required", ())}
    others = {name: values for name, values in named.items() if name not in needed}
    entries = schema.get("additionalProperties")
    if isinstance(entries, dict):
        names = st.sampled_from(["a", "b", "churn", "auroc", "1"])
        return st.dictionaries(names, sometimes_junk(entries), max_size=3)
    return st.fixed_dictionaries(needed, optional=others)


def dumped(document: object) -> str:
    return yaml.dump(document, Dumper=yaml.SafeDumper, allow_unicode=True, sort_keys=False)


@settings(suppress_health_check=SLOW)
@given(data=st.data())
def test_shipped_spec_with_changed_text_is_a_spec_or_is_refused_clearly(data):
    text = data.draw(st.sampled_from(SHIPPED))
    for _ in range(data.draw(st.integers(1, 4))):
        start = data.draw(st.integers(0, len(text)))
        end = min(len(text), start + data.draw(st.sampled_from([0, 0, 1, 2, 5, 30, 300])))
        repeats = data.draw(st.sampled_from([1, 1, 1, 2, 3, 500]))
        text = text[:start] + data.draw(PIECES | st.just(text[start:end])) * repeats + text[end:]
    refused_clearly(text)


@settings(suppress_health_check=SLOW)
@given(document=values_of(SCHEMA))
def test_document_made_from_the_schema_is_a_spec_or_is_refused_clearly(document):
    refused_clearly(dumped(document))


def paths_in(value: object, path: tuple = ()) -> list[tuple]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(deeper for key, part in inner for deeper in paths_in(part, (*path, key)))]


@settings(suppress_health_check=SLOW)
@given(data=st.data())
def test_shipped_spec_with_changed_values_is_a_spec_or_is_refused_clearly(data):
    document = yaml.safe_load(data.draw(st.sampled_from(SHIPPED)))
    full = values_of(SCHEMA)
    for _ in range(data.draw(st.integers(1, 3))):
        *path, last = data.draw(st.sampled_from([path for path in paths_in(document) if path]))
        place: Any = document
        for key in path:
            place = place[key]
        change = data.draw(st.sampled_from(["junk", "remove", "rename", "borrow"]))
        if change == "junk":
            place[last] = data.draw(JUNK)
        elif change == "borrow":
            place[last] = data.draw(full).get(last, data.draw(JUNK))
        elif isinstance(place, dict):
            value = place.pop(last)
            if change == "rename":
                place[data.draw(st.one_of(st.text(max_size=5), st.none(), st.dates(), st.integers()))] = value
    refused_clearly(dumped(document))


KEYS = st.one_of(st.text(max_size=4), st.dates(), st.integers(), st.none(), st.booleans())
NESTED = st.recursive(
    JUNK, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)
LOOSE = st.lists(PIECES, max_size=40).map("".join)


@settings(suppress_health_check=SLOW)
@given(content=st.one_of(NESTED.map(dumped), LOOSE, st.text(), st.binary(max_size=200)))
def test_random_content_is_refused_clearly(content):
    refused_clearly(content)
