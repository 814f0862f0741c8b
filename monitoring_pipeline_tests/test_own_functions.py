"""A measure's function may do anything: a number is a number, and all else is a reason."""

import sys
import threading
import types
from types import MappingProxyType

import numpy as np
import polars as pl
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from monitoring_pipeline.composition import build_adapters
from monitoring_pipeline.evaluation.measures.answers import measurements_of, numbers_of
from monitoring_pipeline.own_functions import VARIABLE, OwnFunctionError, OwnModules, call_measure, load_function
from monitoring_pipeline.records.measurement import Severity, Status
from monitoring_pipeline.registry.trainers import TrainerError, run_trainer
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.measures import Measure
from monitoring_pipeline_tests.docs.pages import blocks_of
from monitoring_pipeline_tests.spec.cases import BINARY, changed
from monitoring_pipeline_tests.steps import own_measures

PAGE = "docs/custom_measures.md"
OWN = "monitoring_pipeline_tests.steps.own_measures"
OF_COST = {"cost": {"currency": "EUR", "per_thousand": {"2024-01-01": 100}}}
ROWS = pl.DataFrame({"score": [0.2, 0.4], "label": [1.0, None]})


def _measure(function, **fields):
    return Measure.model_validate({"function": f"{OWN}:{function}", "seconds": 1, **fields})


@pytest.mark.parametrize(("function", "found"), [
    ("mean_score", {"": pytest.approx(0.3)}),
    ("by_label", {"columns": 2.0, "labelled": 1.0}),
    ("counting", {"": 2.0}),
])  # fmt: skip
def test_numbers_of_a_function_are_its_answer(function, found):
    assert call_measure(_measure(function), ROWS) == found


def test_function_that_never_answers_is_not_called_for_every_chunk():
    measure = _measure("_held", seconds=0.01)
    reasons = [call_measure(measure, ROWS) for _ in range(5)]
    assert [reason.partition(": ")[2] for reason in reasons] == [
        *["it did not answer within 0.01 s"] * 3,
        *["3 earlier calls have not answered yet"] * 2,
    ]
    own_measures.RELEASED.set()
    for thread in threading.enumerate():
        if thread.name == measure.function:
            thread.join()
    assert call_measure(_measure("_held"), ROWS) == {"": 1.0}


@pytest.mark.parametrize(("function", "reason"), [
    ("slow", "it did not answer within 1 s"),
    ("failing", "it failed: ValueError: no column named 'score'"),
    ("leaving", "it failed: SystemExit: 3"),
    ("nan", "it returned nan, which is no finite number"),
    ("words", "it returned str; needed is a number, or a dict of numbers by name for 'a'"),
    ("none", "it returned None"),
    ("bracketed", "it returned a dict with the key 'a[b]', which is no name"),
    ("unknown", "it has bracketed, by_label, counting, failing, leaving, mean_score, nan, none, slow, words"),
])  # fmt: skip
def test_function_without_a_number_gives_a_reason(function, reason):
    found = call_measure(_measure(function), ROWS)
    assert found.startswith(f"{OWN}:{function} could not measure: ")
    assert found.endswith(reason)


@given(st.one_of(
    st.none(), st.booleans(), st.text(), st.floats(), st.integers(), st.lists(st.integers()), st.binary(),
    st.dictionaries(st.one_of(st.text(), st.integers()), st.one_of(st.floats(), st.text(), st.none())),
))  # fmt: skip
def test_any_answer_is_finite_numbers_or_a_reason(answer):
    found = numbers_of(answer)
    if not isinstance(found, str):
        assert found
        assert all(np.isfinite(value) for value in found.values())
    assert measurements_of("own", _measure("nan"), found, model_version="1", rows=2, reference={})


def test_code_of_the_page_measures_as_the_page_describes(monkeypatch):
    (code,) = [block.text for block in blocks_of("python") if block.page == PAGE]
    (spec,) = [yaml.safe_load(block.text) for block in blocks_of("yaml") if block.page == PAGE]
    module = types.ModuleType("my_package.measures")
    exec(compile(code, PAGE, "exec"), vars(module))
    monkeypatch.setitem(sys.modules, "my_package", types.ModuleType("my_package"))
    monkeypatch.setitem(sys.modules, "my_package.measures", module)
    measure = Measure.model_validate(spec["measures"]["worst_tenth"])
    rows = pl.DataFrame({"score": [n / 100 for n in range(1, 31)], "label": [0.0] * 20 + [None] * 10})
    # Of 20 labelled rows the worst two have the errors 0.20 and 0.19.
    assert call_measure(measure, rows) == {"": pytest.approx(0.195)}
    reason = "my_package.measures:worst_tenth could not measure: "
    assert call_measure(measure, rows.clear()) == f"{reason}it returned None"
    failed = call_measure(measure, rows.rename({"score": "scores"}))
    assert f"{reason}it failed: ColumnNotFoundError" in failed


def test_numbers_of_numpy_and_polars_are_numbers():
    assert numbers_of(np.float32(0.5)) == numbers_of(np.array(0.5)) == {"": 0.5}
    assert numbers_of({"a": np.int64(3)}) == {"a": 3.0}


def _judged(answer, reference=MappingProxyType({}), segment="", **fields):
    measure = _measure("nan", **fields)
    given = {"model_version": "1", "rows": 2, "segment": segment}
    return measurements_of("own", measure, answer, reference=reference, **given)


def test_number_is_judged_by_its_threshold_and_by_the_reference():
    bounded = {"threshold": {"upper": 2}}
    against = {"threshold": {"worse_than_reference": 0.5, "severity": "critical"}, "better": "lower"}
    (high,) = _judged({"": 3.0}, **bounded)
    (worse,) = _judged({"": 3.0}, {"": 2.0}, **against)
    (fine,) = _judged({"": 2.4}, {"": 2.0}, **against)
    (of_segment,) = _judged({"": 3.0}, segment="plan=a", **bounded)
    assert [(m.status, m.severity) for m in (high, worse, fine, of_segment)] == [
        (Status.BREACHED, Severity.WARNING), (Status.BREACHED, Severity.CRITICAL),
        (Status.OK, Severity.CRITICAL), (Status.OK, Severity.INFO),
    ]  # fmt: skip
    assert (worse.reference_value, worse.threshold_upper) == (2.0, 2.5)


@pytest.mark.parametrize(("reference", "reason"), [
    ("a:b could not measure: it returned nan", "a:b could not measure: it returned nan"),
    ({"other": 1.0}, "its function did not return this number for the reference"),
])  # fmt: skip
def test_number_without_one_of_the_reference_states_that_it_was_not_compared(reference, reason):
    measure = _measure("nan", threshold={"worse_than_reference": 0.5}, better="lower")
    (found,) = measurements_of("own", measure, {"": 3.0}, model_version="1", rows=2, reference=reference)
    assert (found.status, found.reason) == (Status.OK, f"not compared with the reference: {reason}")


@pytest.mark.parametrize(("fields", "message"), [
    ({"measures.own": {"function": "no function"}}, "String should match pattern"),
    ({"measures.own": {"function": "a:b", "columns": ["nowhere"]}}, "measures.own.columns: unknown column 'nowhere'"),
    ({"measures.own": {"function": "a:b"}, "business.own": {"sql": "a.sql"}}, "a business number has this name"),
    ({"measures.value_per_prediction": {"function": "a:b"}} | OF_COST, "has this name already"),
    ({"business.cost_forecast": {"sql": "a.sql"}} | OF_COST, "business.cost_forecast: a number of value or cost"),
    ({"measures.own": {"function": "a:b", "threshold": {"worse_than_reference": 1}}}, "better: needed"),
])  # fmt: skip
def test_measures_that_cannot_hold_are_refused(fields, message):
    with pytest.raises(ValueError, match=message.replace("(", r"\(")):
        ModelSpec.model_validate(changed(BINARY, {"measures": {}, "business": {}} | fields))


@pytest.mark.parametrize("function", [
    "os:system", "builtins:exec", "subprocess:run", "importlib:import_module", "pickle:loads", "yaml:unsafe_load",
    "polars:read_csv", "numpy:load", "joblib:load", "sqlalchemy.engine:create_engine", "monitoring_pipeline.cli:main",
    "monitoring_pipeline.own_functions:load_function", "dagster:execute_job", "_posixsubprocess:fork_exec",
])  # fmt: skip
def test_function_that_is_not_ones_own_is_refused_with_the_setting(function):
    with pytest.raises(OwnFunctionError, match=rf"module {function.partition(':')[0]} belongs to .*{VARIABLE}"):
        load_function(function)
    refused = call_measure(Measure.model_validate({"function": function}), ROWS)
    assert refused.startswith(f"{function} could not measure: module ")
    with pytest.raises(TrainerError, match=VARIABLE):
        run_trainer(function, None, "sqlite://")


def test_module_that_is_refused_is_not_imported(tmp_path, monkeypatch):
    (tmp_path / "never_imported.py").write_text("raise SystemExit('imported')")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(OwnFunctionError, match=f"module never_imported is not among {VARIABLE}: churn, shared.m$"):
        load_function("never_imported:f", OwnModules(("churn", "shared.m")))
    with pytest.raises(OwnFunctionError, match="imported"):
        load_function("never_imported:f")


@pytest.mark.parametrize(("module", "is_allowed"), [
    ("churn", True), ("churn.training", True), ("churned", False), ("shared", False), ("shared.m", True),
    ("shared.mm", False), ("os", False), ("monitoring_pipeline.demo.retraining", True),
])  # fmt: skip
def test_named_modules_and_those_below_them_are_allowed(module, is_allowed):
    assert (OwnModules(("churn", "shared.m")).refusal(module) is None) is is_allowed


def test_named_module_of_a_package_is_allowed():
    assert load_function("math:fsum", OwnModules(("math",)))([1, 2]) == 3


def test_setting_reaches_trainers_and_measures(monkeypatch, tmp_path):
    monkeypatch.setenv("MONITORING_PIPELINE_HOME", str(tmp_path))
    monkeypatch.setenv(VARIABLE, "churn:shared.measures")
    adapters = build_adapters(Settings())
    refusal = f"module {OWN} is not among {VARIABLE}: churn, shared.measures"
    assert adapters.call_measure(_measure("mean_score"), ROWS) == f"{OWN}:mean_score could not measure: {refusal}"
    with pytest.raises(TrainerError, match=refusal):
        adapters.run_trainer(f"{OWN}:mean_score", None, "sqlite://")
    monkeypatch.setenv(VARIABLE, f'["{OWN}"]')
    assert build_adapters(Settings()).call_measure(_measure("mean_score"), ROWS) == {"": pytest.approx(0.3)}
    monkeypatch.setenv(VARIABLE, "churn:../x")
    with pytest.raises(ValidationError, match="function_modules"):
        Settings()
