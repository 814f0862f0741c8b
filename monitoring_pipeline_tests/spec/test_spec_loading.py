import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from monitoring_pipeline.spec.alerting import AlertingRules
from monitoring_pipeline.spec.loading import SpecError, load_spec, load_specs, read_specs, usable_specs
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.parsing.wording import PATTERNS
from monitoring_pipeline.spec.sources import FeatureKind, Task
from monitoring_pipeline_tests.spec.cases import BINARY, REGRESSION, binary_spec, changed, regression_spec

SHORT_SPEC = """\
name: churn
task: binary
owner: someone@example.org
timezone: Asia/Kolkata
start: 2024-03-01
predictions: {table: scores, id: customer, time: scored_at, score: probability}
labels: {table: outcomes, id: customer, label: left, known_at: seen_at, delay: 36h}
features:
  age: numeric
  tariff: {kind: categorical, column: plan}
reference:
  1: {start: 2024-01-01, end: 2024-03-01}
"""


def _write(path: Path, document: object) -> Path:
    path.write_text(document if isinstance(document, str) else yaml.safe_dump(document))
    return path


def _errors(path: Path) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    return str(caught.value).splitlines()


def test_short_spec_is_loaded_with_defaults(tmp_path):
    loaded = load_spec(_write(tmp_path / "churn.yaml", SHORT_SPEC))
    spec = loaded.spec
    assert (spec.name, spec.task, spec.zone.key) == ("churn", Task.BINARY, "Asia/Kolkata")
    assert spec.start == dt.date(2024, 3, 1)
    assert spec.declared_labels.delay == dt.timedelta(hours=36)
    assert spec.declared_labels.positive is True
    assert spec.schedule == "06:00"
    assert spec.features["tariff"].column == "plan"
    assert list(spec.reference) == ["1"]
    assert spec.columns == {
        "age": FeatureKind.NUMERIC,
        "tariff": FeatureKind.CATEGORICAL,
        "score": FeatureKind.NUMERIC,
        "prediction": FeatureKind.CATEGORICAL,
    }
    assert loaded.suite_path == tmp_path / "churn.suite.yaml"


def test_regression_has_a_numeric_prediction_and_no_score():
    assert regression_spec().columns == {
        "age": FeatureKind.NUMERIC,
        "plan": FeatureKind.CATEGORICAL,
        "prediction": FeatureKind.NUMERIC,
    }


def test_suite_path_follows_the_spec(tmp_path):
    path = _write(tmp_path / "churn.yaml", changed(BINARY, {"quality.suite": "shared/strict.yaml"}))
    assert load_spec(path).suite_path == tmp_path / "shared/strict.yaml"


@pytest.mark.parametrize(("text", "meant"), [
    ("30m", dt.timedelta(minutes=30)), ("12 h", dt.timedelta(hours=12)), (" 7d ", dt.timedelta(days=7)),
    ("0m", dt.timedelta(0)),
])  # fmt: skip
def test_duration_with_a_unit_is_parsed(text, meant):
    assert binary_spec(labels__delay=text).declared_labels.delay == meant


@pytest.mark.parametrize(("changes", "message"), [
    ({"ownr": "team:x"}, ["ownr: unknown key; did you mean owner? known: budget, business,"]),
    ({"zzz": 1}, ["zzz: unknown key; known: budget, business,"]),
    ({"predictions.scor": "p"}, ["predictions.scor: unknown key; did you mean score?",
                                  "decision_threshold, group_columns, horizon,"]),
    ({"performance.thresholds.auroc": {"lowr": 0.7, "upper": 1}},
     ["performance.thresholds.auroc.lowr: unknown key; did you mean lower? known: lower, severity, upper"]),
    ({"reference.1.begin": "2024-01-01"},
     ["reference.1.begin: unknown key", "known: columns, end, file, query, start, table"]),
    ({"features.age": {"kind": "numeric", "colunm": "a"}}, ["features.age.colunm: unknown key; did you mean column?"]),
    ({"name": "Churn Model"}, ["name: write lower-case letters, digits and underscores, ", ", got 'Churn Model'"]),
    ({"business.A b": {"sql": "x.sql"}},
     ["business.A b: write lower-case letters, digits and underscores", "got 'A b'"]),
    ({"predictions": "scores"},
     ["predictions: keys and values are needed; known keys: decision_threshold, ", "got 's"]),
    ({"features": ["age"]}, ["features: keys and values are needed (name: value), got ['age']"]),
    ({"drift.ignore": "age"}, ["drift.ignore: a list is needed, such as [a, b], got 'age'"]),
    ({"drift.minimum_rows": "few"}, ["drift.minimum_rows: write a whole number, got 'few'"]),
    ({"labels.positive": ["a"]}, ["labels.positive: write the value of the positive class: true, ", "text, got ['a']"]),
    ({"labels.positive": {"a": "b"}}, ["labels.positive: write the value of the positive class", "got {'a': 'b'}"]),
    ({"predictions.positive": [1]}, ["predictions.positive: write the value of the positive class"]),
    ({"predictions.id": []}, ["predictions.id: write a column, or a list of columns", "got []"]),
    ({"start": "soon"}, ["start: write a day, such as 2024-03-01, got 'soon'"]),
    ({"name": ...}, ["name: missing"]),
    ({"predictions.table": ...}, ["predictions.table: missing"]),
    ({"task": "ranking"}, ["task: ", "'binary', 'multiclass' or 'regression', got 'ranking'"]),
    ({"task": "multiclass"}, ["predictions.scores: a multiclass model needs the columns with the probability of each"]),
    ({"task": "multiclass", "predictions.scores": {"a": "p"}}, ["predictions.scores: a: at least two classes"]),
    ({"task": "multiclass", "predictions.scores": {"": "p", "b": "q"}}, ["predictions.scores: a class without a name"]),
    ({"predictions.naive": "last"}, ["predictions.naive: belongs to regression models; this one is binary"]),
    ({"timezone": "Europe/Brelin"}, ["timezone: 'Europe/Brelin' is not a time zone", "did you mean Europe/Berlin?"]),
    ({"timezone": "localtime"}, ["timezone: 'localtime' depends on the machine; write the zone's own name, such as "]),
    ({"predictions.time_zone": "Factory"}, ["predictions.time_zone: 'Factory' depends on the machine"]),
    ({"labels.time_zone": "posixrules"}, ["labels.time_zone: 'posixrules' depends on the machine"]),
    ({"timezone": "+01:00"}, ["timezone: '+01:00' is not a time zone", "write one such as Europe/Berlin or UTC"]),
    ({"owner": "somebody"}, ["owner: 'somebody' is neither an e-mail address nor team:<name>"]),
    ({"labels.delay": "2 weeks"}, ["labels.delay: write a whole number and a unit", "12h, got '2 weeks'"]),
    ({"labels.delay": 12}, ["labels.delay: write a whole number and a unit", "got 12"]),
    ({"labels.delay": "-1h"}, ["labels.delay: write a whole number and a unit", "got '-1h'"]),
    ({"labels.lookback": "99999999999999d"}, ["labels.lookback: at most 3650d, got '99999999999999d'"]),
    ({"features": {"score": "numeric"}}, ["features: score: reserved", "score_value: {kind: numeric, column: score}"]),
    ({"features": {"row_id": "numeric", "chunk": "numeric"}}, ["features: chunk, row_id: reserved"]),
    ({"features": {"a": "text", "a[words]": "numeric"}},
     ["features: a[words]: the name of a column that is derived from a"]),
    ({"features": {"a": "text", "b": "embedding"}, "retraining": {"trainer": "trainers:train"},
      "predictions.model_version": "version"},
     ["retraining: a, b: not possible with features of kind text or embedding"]),
    ({"features": {}}, ["features: ", "at least 1 item is needed, got {}"]),
    ({"features.age": "number"},
     ["features.age.kind: ", "'numeric', 'categorical', 'text' or 'embedding', got 'number'"]),
    ({"features.age": None},
     ["features.age: keys and values are needed; known keys: column, kind, null_values, ", "got N"]),
    ({"reference": {}}, ["reference: ", "at least 1 item is needed, got {}"]),
    ({"reference.1.end": "2023-12-31"}, ["reference.1: end (2023-12-31) must be after start (2024-01-01)"]),
    ({"reference.1.end": "2024-01-01"}, ["reference.1: end (2024-01-01) must be after start (2024-01-01)"]),
    ({"reference.1.end": "soon"}, ["reference.1.end: ", "got 'soon'"]),
    ({"end": "2024-03-01"}, ["end: 2024-03-01 must be after start (2024-03-01)"]),
    ({"predictions.score": ...}, ["predictions.score: a binary model needs its score column"]),
    ({"task": "regression"}, ["predictions.prediction: a regression model needs its prediction column"]),
    ({"reference.2": {"start": "2024-02-01", "end": "2024-03-01"}}, ["predictions.model_version: needed as soon as"]),
    ({"retraining": {"trainer": "package.module:train"}}, ["predictions.model_version: needed as soon as a model is"]),
    ({"retraining": {"trainer": "package.module:train", "job": "train"}},
     ["retraining: give one of trainer, webhook and job; got trainer, job"]),
    ({"retraining": {"trainer": "package.module"}}, ["retraining.trainer: ", "got 'package.module'"]),
    ({"incidents": {"open": {"chunks": 4, "of": 3}}}, ["incidents.open: chunks (4) must not be above of (3)"]),
    ({"objectives": {"auc": {"metric": "auroc"}}}, ["objectives.auc: give lower or upper"]),
    ({"schedule": "6 o'clock"}, ["schedule: write a time of day from 00:00 to 23:59, ", "15m, got \"6 o'clock\""]),
    ({"schedule": "6:00"}, ["schedule: write a time of day from 00:00 to 23:59, such as 06:00, ", "got '6:00'"]),
    ({"schedule": "25:00"}, ["schedule: ", "got '25:00'"]),
    ({"cadence": "decade"}, ["cadence: ", "'month', got 'decade'"]),
    ({"predictions.decision_threshold": 1.5}, ["predictions.decision_threshold: ", "less than or equal to 1, got 1.5"]),
    ({"drift.alpha": 0}, ["drift.alpha: ", "greater than 0, got 0"]),
    ({"drift.floors.psi": -0.1}, ["drift.floors.psi: ", "greater than or equal to 0, got -0.1"]),
    ({"performance.thresholds.auroc": {"severity": "info"}}, ["performance.thresholds.auroc: give lower, upper, or"]),
    ({"performance.thresholds.auroc": {"lower": float("nan")}},
     ["performance.thresholds.auroc.lower: ", "write a number", "got '.nan'"]),
    ({"performance.thresholds.auroc": {"lower": 0.9, "upper": 0.1}},
     ["performance.thresholds.auroc: lower (0.9) must not be above upper (0.1)"]),
    ({"performance.breach_on": "whim"}, ["performance.breach_on: ", "'interval' or 'point', got 'whim'"]),
])  # fmt: skip
def test_error_of_an_invalid_spec_names_file_field_and_allowed_values(tmp_path, changes, message):
    path = _write(tmp_path / "mine.yaml", changed(BINARY, changes))
    (line,) = _errors(path)
    assert line.startswith(f"{path}: {message[0]}")
    for part in message[1:]:
        assert part in line


def _fields(schema: dict[str, Any], part: dict[str, Any], place: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Yield the place of every field of a spec; a name that a person chooses is ``one``."""
    for choice in (part, *part.get("anyOf", ())):
        inner = schema["$defs"][choice["$ref"].rsplit("/", 1)[-1]] if "$ref" in choice else choice
        for name, field in inner.get("properties", {}).items():
            yield (*place, name)
            yield from _fields(schema, field, (*place, name))
        for named in (inner.get("additionalProperties"), *inner.get("patternProperties", {}).values()):
            if isinstance(named, dict):
                yield (*place, "one")
                yield from _fields(schema, named, (*place, "one"))


SCHEMA = ModelSpec.model_json_schema()


WORDS_OF_PYTHON = re.compile(r"instance of|valid (dict|tuple|string|bool|int)|pattern|\.(bool|int|str|tuple)")
WRONG_KINDS: tuple[Any, ...] = (["x"], {"x": "y"}, None, "", 3.5, "?")


@pytest.mark.parametrize("place", sorted(set(_fields(SCHEMA, SCHEMA))), ids=".".join)
def test_value_of_a_wrong_kind_has_at_most_one_line_without_words_of_python(tmp_path, place):
    field = ".".join(place)
    for wrong in WRONG_KINDS:
        document: dict[str, Any] = {}
        part = document
        for name in place[:-1]:
            part = part.setdefault(name, {})
        part[place[-1]] = wrong
        path = _write(tmp_path / "mine.yaml", document)
        problems = [line.removeprefix(f"{path}: ") for line in _errors(path)]
        assert len([problem for problem in problems if problem.startswith(f"{field}: ")]) <= 1
        for problem in problems:
            assert not re.search(
                r"instance of|valid (dict|tuple|string|bool|int)|pattern|\.(bool|int|str|tuple)", problem
            )


@pytest.mark.parametrize("kind", [ModelSpec, AlertingRules])
def test_every_pattern_of_a_text_has_words(kind):
    patterns = set(re.findall(r'"pattern": "(.*?)"[,}]', json.dumps(kind.model_json_schema())))
    durations = {r"^([0-9]+)\s*(m|h|d)$", r"^([01][0-9]|2[0-3]):[0-5][0-9]$"}
    assert {json.loads(f'"{pattern}"') for pattern in patterns} <= PATTERNS.keys() | durations


def test_spec_with_several_problems_has_a_line_for_each(tmp_path):
    path = _write(tmp_path / "mine.yaml", changed(BINARY, {"owner": "me", "task": "ranking", "start": ...}))
    assert [line.split(": ")[1] for line in _errors(path)] == ["task", "owner", "start"]


@pytest.mark.parametrize(("text", "message"), [
    ("", "expected keys such as name and task, got an empty file"),
    ("- name: a\n", "expected keys such as name and task, got list"),
    ("just words", "expected keys such as name and task, got text"),
    ("name: [", "not YAML: while parsing"),
    ("name: a\nowner: b\nname: c\n", "not YAML: key 'name' is given twice in"),
    ("reference:\n  1: {}\n  '1': {}\n", "not YAML: key '1' is given twice in"),
    ("name: !!python/object:os.system x", "not YAML: could not determine a constructor"),
])  # fmt: skip
def test_file_that_is_no_spec_is_refused_with_the_reason(tmp_path, text, message):
    path = _write(tmp_path / "mine.yaml", text)
    (line,) = _errors(path)
    assert line.startswith(f"{path}: {message}")


def test_time_without_quotes_is_read_as_written(tmp_path):
    """YAML 1.1 would read 12:30 as 750, base 60."""
    path = _write(tmp_path / "mine.yaml", SHORT_SPEC + "schedule: 12:30\n")
    assert load_spec(path).spec.schedule == "12:30"


@pytest.mark.parametrize(
    "text", ["yes", "no", "off", "NO", "007", "1.10", "1_000", "0x1F", "1e3", "12:30", "2024-01-31"]
)
def test_value_without_quotes_is_read_as_written_where_text_is_meant(tmp_path, text):
    content = yaml.safe_load(SHORT_SPEC) | {
        "task": "multiclass",
        "predictions": {"table": "TEXT", "id": "id", "time": "time", "scores": {"CLASS": "p", "other": "q"}},
        "reference": {"VERSION": {"start": "2024-01-01", "end": "2024-02-01"}},
    }
    written = yaml.safe_dump(content)
    for placeholder in ("TEXT", "CLASS", "VERSION"):
        written = written.replace(placeholder, text)
    spec = load_spec(_write(tmp_path / "mine.yaml", written)).spec
    assert (spec.predictions.table, spec.classes[0], list(spec.reference)) == (text, text, [text])


@pytest.mark.parametrize(("written", "positive"), [
    ("yes", "yes"), ("true", True), ("False", False), ("1", 1), ("-1", -1), ("01", "01"), ("'1'", "1"),
    ("'true'", "true"), ("1.0", "1.0"), ("Y", "Y"),
])  # fmt: skip
def test_positive_class_without_quotes_is_boolean_or_integer_only_by_yaml_1_2(tmp_path, written, positive):
    path = _write(tmp_path / "mine.yaml", changed(BINARY, {"labels.positive": "POSITIVE"}))
    path.write_text(path.read_text().replace("POSITIVE", written))
    read = load_spec(path).spec.declared_labels.positive
    assert (type(read), read) == (type(positive), positive)


def test_classes_written_as_numbers_or_null_are_text(tmp_path):
    text = SHORT_SPEC.replace("task: binary", "task: multiclass")
    text = re.sub(r"score: \w+", "scores: {0: p_0, ~: p_none, true: p_true}", text)
    assert load_spec(_write(tmp_path / "mine.yaml", text)).spec.classes == ("0", "~", "true")


@pytest.mark.parametrize("content", [b"\xff\xfename", None])
def test_file_that_cannot_be_read_is_named(tmp_path, content):
    path = tmp_path / "mine.yaml"
    if content is not None:
        path.write_bytes(content)
    (line,) = _errors(path)
    assert line.startswith(f"{path}: cannot be read: ")


def test_merge_keys_are_resolved(tmp_path):
    text = SHORT_SPEC + "quality: &q {minimum_rows: 5}\n"
    merged = text.replace("{minimum_rows: 5}", "\n  minimum_rows: 5\nperformance:\n  <<: *q\n  minimum_maturity: 0.1\n")
    assert load_spec(_write(tmp_path / "churn.yaml", merged)).spec.performance.minimum_rows == 5


def test_specs_of_a_directory_are_loaded_in_order_of_names(tmp_path):
    _write(tmp_path / "a.yaml", REGRESSION)
    _write(tmp_path / "b.yaml", BINARY)
    _write(tmp_path / "churn.suite.yaml", {"expectations": []})
    _write(tmp_path / "notes.txt", "nothing")
    assert [entry.spec.name for entry in load_specs(tmp_path)] == ["churn", "spend"]


def test_empty_directory_has_no_specs(tmp_path):
    assert load_specs(tmp_path) == []


def test_all_problems_of_a_directory_are_raised_together(tmp_path):
    for name in ("a", "b"):
        _write(tmp_path / f"{name}.yaml", BINARY)
    _write(tmp_path / "c.yaml", "")
    _write(tmp_path / "d.yml", REGRESSION)
    with pytest.raises(SpecError) as caught:
        load_specs(tmp_path)
    assert str(caught.value).splitlines() == [
        f"{tmp_path / 'b.yaml'}: name: 'churn' is taken by a.yaml",
        f"{tmp_path / 'c.yaml'}: expected keys such as name and task, got an empty file",
        f"{tmp_path / 'd.yml'}: specs end in .yaml; rename it to d.yaml",
    ]


def test_problem_of_one_file_leaves_the_others_usable(tmp_path):
    _write(tmp_path / "a_copy.yaml", BINARY)
    _write(tmp_path / "churn.yaml", BINARY)
    _write(tmp_path / "typo.yaml", "name: upsell\nowner: team:x\ntask: binery\n")
    folder = read_specs(tmp_path)
    assert [entry.path.name for entry in folder.good] == ["churn.yaml"]
    assert [(bad.path.name, bad.model, bad.owner) for bad in folder.bad] == [
        ("a_copy.yaml", "churn", BINARY.get("owner", "")),
        ("typo.yaml", "upsell", "team:x"),
    ]
    assert folder.bad[0].problems == (f"{tmp_path / 'a_copy.yaml'}: name: 'churn' is taken by churn.yaml",)
    assert f"{tmp_path / 'typo.yaml'}: timezone: missing" in folder.bad[1].problems


def test_spec_that_fails_a_check_is_unusable(tmp_path):
    _write(tmp_path / "a.yaml", REGRESSION)
    _write(tmp_path / "b.yaml", BINARY)

    def check(loaded):
        if loaded.spec.name == "spend":
            message = f"{loaded.path}: no"
            raise SpecError(message)

    folder = read_specs(tmp_path, check)
    assert [entry.spec.name for entry in usable_specs(folder)] == ["churn"]
    assert folder.problems == (f"{tmp_path / 'a.yaml'}: no",)
    (tmp_path / "b.yaml").unlink()
    with pytest.raises(SpecError, match=r"a\.yaml: no"):
        usable_specs(read_specs(tmp_path, check))


def test_missing_directory_is_named(tmp_path):
    with pytest.raises(SpecError, match="elsewhere: no such directory of model specs"):
        load_specs(tmp_path / "elsewhere")
