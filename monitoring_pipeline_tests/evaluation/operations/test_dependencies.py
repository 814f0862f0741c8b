"""Packages of a serving environment beside the requirements of a version."""

import pytest

from monitoring_pipeline.evaluation.operations.dependencies import differences, measure_dependencies, packages_of

REQUIRED = ("mlflow==3.17.0", "scikit-learn==1.4.2", "numpy>=1.26,<2.2", "pandas", 'tomli==2; python_version < "3.11"')


@pytest.mark.parametrize(
    "text",
    [
        "scikit_learn==1.5.0\nnumpy==2.1.0\n-e git+https://x/y#egg=z\n# comment\n",
        "Scikit-Learn==1.5.0, numpy==2.1.0",
        "scikit-learn == 1.5.0; numpy===2.1.0",
        '{"scikit-learn": "1.5.0", "numpy": "2.1.0"}',
    ],
)
def test_lists_in_any_form(text):
    assert packages_of(text) == {"scikit-learn": "1.5.0", "numpy": "2.1.0"}


def test_only_versions_that_are_not_allowed_differ():
    served = packages_of("scikit-learn==1.5.0 numpy==2.2.0 pandas==1.0 tomli==1.0")
    assert [each.words for each in differences(served, REQUIRED)] == [
        "scikit-learn 1.5.0 served, 1.4.2 registered",
        "numpy 2.2.0 served, <2.2,>=1.26 registered",
    ]
    assert list(differences(packages_of("scikit-learn==1.4.2 numpy==2.1.0+local"), REQUIRED)) == []


def test_environments_that_differ_by_rows_are_counted():
    m = measure_dependencies(
        {"scikit-learn==1.5.0": 30, "scikit-learn==1.4.2": 70, "nothing": 5}, REQUIRED, model_version="7"
    )
    assert (m.value, m.rows, m.status) == (1.0, 100, "breached")
    assert m.reason == "scikit-learn 1.5.0 served, 1.4.2 registered (on 30 of 100 rows)"


@pytest.mark.parametrize(
    ("environments", "required", "reason"),
    [
        ({"numpy==1": 1}, None, "the registry has no requirements of version 7"),
        ({"all fine": 1}, REQUIRED, "the serving environment lists no package, such as scikit-learn==1.5.0"),
    ],
)
def test_what_cannot_be_compared_is_skipped(environments, required, reason):
    m = measure_dependencies(environments, required, model_version="7")
    assert (m.value, m.reason) == (None, reason)
