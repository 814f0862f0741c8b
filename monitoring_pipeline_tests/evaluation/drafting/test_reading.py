"""Files that are read along, each in its published format."""

from pathlib import Path

import pytest

from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role
from monitoring_pipeline.evaluation.drafting.hints import Hints
from monitoring_pipeline.evaluation.drafting.reading.document import Document
from monitoring_pipeline.evaluation.drafting.reading.formats import hints_of
from monitoring_pipeline.spec.sources import FeatureKind, Task

FILES = Path(__file__).parent / "files"
NUMERIC, CATEGORICAL = FeatureKind.NUMERIC, FeatureKind.CATEGORICAL


def _read(name: str, table: str | None = None) -> Hints:
    text = (FILES / name).read_text(encoding="utf-8")
    hints = hints_of(Document(name.removesuffix(".txt"), text), table)
    assert hints is not None
    return hints


def test_mlflow_signature_gives_all_inputs_and_the_score():
    hints = _read("MLmodel")
    assert hints.origin == "MLmodel (MLflow signature)"
    assert hints.features == {"age": None, "income": NUMERIC, "plan": CATEGORICAL}
    assert hints.is_complete
    assert hints.roles == {Role.SCORE: ("prob_default",)}


def test_dbt_model_of_the_table_gives_its_key_and_kinds():
    hints = _read("schema.yml", "analytics.churn_scores")
    assert hints.roles == {Role.ID: ("score_key",)}
    assert hints.unique == ("score_key",)
    assert hints.features == {"score_key": CATEGORICAL, "plan": CATEGORICAL, "monthly_spend": NUMERIC}


def test_dbt_file_of_several_models_without_the_table_gives_nothing():
    assert _read("schema.yml").roles == {}


def test_data_contract_gives_the_primary_key_in_order_under_physical_names():
    hints = _read("contract.odcs.yaml", "churn_scores")
    assert hints.roles == {Role.ID: ("customer_no", "scored_on")}
    assert hints.features["income"] is NUMERIC
    assert hints.features["segment"] is CATEGORICAL
    assert hints.features["visits"] is None


def test_evidently_definition_in_python_is_read_without_execution():
    hints = _read("definition.py.txt")
    assert hints.roles == {
        Role.ID: ("loan_id",),
        Role.TIME: ("issued_at",),
        Role.LABEL: ("defaulted",),
        Role.PREDICTION: ("decision",),
        Role.SCORE: ("default_probability",),
    }
    assert hints.features == {"income": NUMERIC, "term": NUMERIC, "purpose": CATEGORICAL}
    assert (hints.task, hints.positive) == (Task.BINARY, "yes")


def test_evidently_mapping_whose_fields_are_assigned_is_read():
    hints = _read("mapping.py.txt")
    assert hints.roles == {Role.TIME: ("sold_at",), Role.LABEL: ("price",), Role.PREDICTION: ("predicted_price",)}
    assert hints.features == {"rooms": NUMERIC, "area": NUMERIC, "district": CATEGORICAL}
    assert hints.task is Task.REGRESSION


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dump.json", '{"target": "y", "prediction": "p", "datetime": "t", "numerical_features": ["a"]}'),
        ("dump.yaml", "target: y\nprediction: p\ndatetime: t\nnumerical_features: [a]\n"),
        ("code.py", "mapping = ColumnMapping(target='y', prediction='p', datetime='t', numerical_features=['a'])"),
    ],
)
def test_evidently_mapping_as_a_dump_equals_that_in_python(name, text):
    hints = hints_of(Document(name, text), None)
    assert hints is not None
    assert hints.roles == {Role.TIME: ("t",), Role.LABEL: ("y",), Role.PREDICTION: ("p",)}
    assert hints.features == {"a": NUMERIC}


def test_feast_feature_view_gives_features_and_the_time_without_join_keys():
    hints = _read("driver_repo.py.txt")
    assert hints.roles == {Role.TIME: ("event_timestamp",)}
    assert hints.features == {
        "conv_rate": NUMERIC, "acc_rate": NUMERIC, "avg_daily_trips": None, "home_city": CATEGORICAL,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("a.yaml", "name: churn\ntask: binary\n"),
        ("a.yaml", "- 1\n- 2\n"),
        ("a.yaml", "models: 3\nsignature: [1]\nflavors: x\n: :"),
        ("a.json", "{"),
        ("a.py", "def broken(:"),
        ("a.py", "print(1)"),
        ("a.yaml", "signature: {inputs: 'no json'}\nflavors: {}\nkind: 3"),
        ("a.yaml", "models: [1, {columns: 3}, {name: a, columns: [1, {name: [2]}]}]"),
        ("a.py", "FeatureView(schema=3)\nEntity(1, *x, **y)\nDataDefinition()"),
        ("", ""),
    ],
)
def test_file_that_is_no_known_format_or_is_damaged_raises_nothing(name, text):
    hints_of(Document(name, text), "t")
