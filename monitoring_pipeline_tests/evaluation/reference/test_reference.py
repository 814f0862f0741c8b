import hashlib
import json
import math
import re
from dataclasses import replace

import numpy as np
import polars as pl
import pytest

from monitoring_pipeline.evaluation.fitted_models.domain_classifier import DomainClassifier
from monitoring_pipeline.evaluation.performance.performance import measure_performance
from monitoring_pipeline.evaluation.profiles.bins import CategoricalBins, NumericBins
from monitoring_pipeline.evaluation.reference.columns import freeze_bins
from monitoring_pipeline.evaluation.reference.reference import (
    EmptyReferenceError,
    Reference,
    build_reference,
    find_concentrated_nulls,
    reference_document,
    reference_from_document,
)
from monitoring_pipeline.records.measurement import Kind, Severity, Status
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline_tests.evaluation.cases import (
    AS_OF,
    NO_LABELS,
    WINDOW,
    canonical,
    features,
    labels_of,
    profile_of,
    reference_of,
)
from monitoring_pipeline_tests.spec.cases import binary_spec

SPEC = binary_spec()
BIGGEST = np.finfo(np.float64).max


def _columns(rows=400):
    rng = np.random.default_rng(1)
    columns = features(rng, rows)
    return columns | {"prediction": np.where(columns["score"] >= 0.5, "1", "0")}


def _labels(columns, share=0.8):
    rng = np.random.default_rng(2)
    labelled = int(len(columns["score"]) * share)
    return labels_of(rng.uniform(0, 1, labelled) < columns["score"][:labelled])


def _awkward_columns():
    """Return numbers and texts that JSON or a float format could lose."""
    ages = [0.1 + 0.2, 1 / 3, 5e-324, -0.0, BIGGEST, -BIGGEST, 1e22, math.nan, math.inf, -math.inf, None, 2.0**53 + 2]
    plans = ["", None, "ä", "🛩", 'quo"te', "back\\slash", "a\nb", "null", "other", "=x", " ", "1"]
    return {"age": ages * 3, "plan": plans * 3, "score": np.linspace(0, 1, 36)}


@pytest.mark.parametrize("columns", [_columns(), _awkward_columns(), {"age": [None], "plan": [None], "score": [None]}])
def test_reference_written_as_json_is_read_back_equal(columns):
    reference = reference_of(SPEC, columns, labels_of([1.0, 0.0][: len(columns["age"])]))
    restored = reference_from_document(reference_document(reference))
    assert restored == reference
    assert isinstance(restored, Reference)
    assert restored.reference_hash == reference.reference_hash
    assert reference_document(restored) == reference_document(reference)
    assert isinstance(restored.bins["age"], NumericBins)
    assert isinstance(restored.bins["plan"], CategoricalBins)


def test_stored_reference_keeps_the_field_names_of_earlier_versions():
    reference = reference_of(SPEC, _columns())
    document = json.loads(reference_document(reference))
    assert "chunks" not in document
    assert [entry["day"] for entry in document["days"]] == [chunk.chunk for chunk in reference.chunks]


def test_reference_of_an_earlier_version_keeps_its_classifier_and_its_hash():
    reference = reference_of(SPEC, _columns())
    assert reference.classifier is DomainClassifier.SYMMETRIC_TREES
    earlier = json.loads(reference_document(reference))
    assert earlier.pop("classifier") == "symmetric_trees"
    restored = reference_from_document(json.dumps(earlier))
    assert restored.classifier is DomainClassifier.HISTOGRAM_TREES
    assert json.loads(reference_document(restored)) == earlier
    assert restored.reference_hash != reference.reference_hash


def test_profile_over_a_restored_reference_is_unchanged():
    rows = canonical(SPEC, _columns())
    reference = reference_of(SPEC, _columns())
    restored = reference_from_document(reference_document(reference))
    assert profile_of(restored, rows) == profile_of(reference, rows) == reference.profile


def test_reference_hash_changes_with_one_value():
    columns = _columns()
    reference = reference_of(SPEC, columns)
    assert reference.reference_hash == reference_of(SPEC, columns).reference_hash
    one_changed = columns | {"age": np.append(columns["age"][:-1], columns["age"][-1] + 1e-3)}
    assert reference_of(SPEC, one_changed).reference_hash != reference.reference_hash


FLOAT = re.compile(r"-?\d+\.\d+(?:e-?\d+)?")


def test_reference_hash_does_not_change_with_the_last_digits_of_learned_numbers():
    columns = _columns()
    reference = reference_of(SPEC, columns, _labels(columns))
    moved = [(1 + 3e-14) * float(number) for number in FLOAT.findall(reference_document(reference))]
    other = reference_from_document(FLOAT.sub(lambda _: repr(moved.pop(0)), reference_document(reference)))
    assert other != reference
    assert other.reference_hash == reference.reference_hash
    better = tuple(replace(entry, value=1.00001 * entry.value) for entry in reference.performance)
    assert replace(reference, performance=better).reference_hash != reference.reference_hash


def test_reference_of_an_earlier_version_keeps_its_document_and_its_hash():
    written = json.loads(reference_document(reference_of(SPEC, _columns())))
    del written["rows_read"]
    document = json.dumps(written, separators=(",", ":"))
    stored = reference_from_document(document)
    assert reference_document(stored) == document
    assert stored.reference_hash == hashlib.sha256(document.encode()).hexdigest()[:16]


def test_reference_performance_is_measured_on_its_rows():
    columns = _columns()
    labels = _labels(columns)
    reference = reference_of(SPEC, columns, labels)
    measured = measure_performance(SPEC, canonical(SPEC, columns), labels, model_version="1")
    metrics = [m for m in measured if m.kind is Kind.PERFORMANCE]
    assert [(b.metric, b.value, b.lower, b.upper) for b in reference.performance] == [
        (m.metric, m.value, m.lower, m.upper) for m in metrics
    ]
    auroc = reference.measured(MetricName("auroc"))
    assert auroc is not None
    assert 0.75 < auroc.value < 0.9
    assert reference.measured(MetricName("labelled_rows_without_output")) is None
    assert reference.labelled_rows == 320


def test_reference_without_labels_has_no_performance():
    reference = reference_of(SPEC, _columns())
    assert (reference.performance, reference.labelled_rows) == ((), 0)


def test_reference_is_built_from_rows_of_its_version_only():
    spec = binary_spec(predictions__model_version="version")
    columns = _columns(100)
    other = canonical(spec, {name: values[:50] for name, values in columns.items()}, model_version="2")
    rows = pl.concat([canonical(spec, columns, model_version="1"), other])
    for version, count in (("1", 100), ("2", 50)):
        built = build_reference(spec, version, WINDOW, rows, NO_LABELS, table_columns={}, as_of=AS_OF)
        assert built.reference.profile.rows == count


@pytest.mark.parametrize(("versions", "found"), [(["2", "10"], "'10', '2'"), ([], "none")])
def test_window_without_the_version_is_refused_with_the_versions_in_it(versions, found):
    columns = {name: values[:1] for name, values in _columns(2).items()}
    frames = [canonical(SPEC, columns, model_version=version) for version in versions]
    rows = pl.concat(frames) if frames else canonical(SPEC, columns).clear()
    with pytest.raises(EmptyReferenceError) as caught:
        build_reference(SPEC, "1", WINDOW, rows, NO_LABELS, table_columns={}, as_of=AS_OF)
    assert str(caught.value) == (
        f"churn: reference.1: no predictions of version '1' in {WINDOW}; versions found there: {found}"
    )


def test_bins_of_reference_columns_leave_out_nulls():
    assert freeze_bins(pl.Series("rows", ["a", None, "b", "b"]), FeatureKind.CATEGORICAL) == CategoricalBins(("b", "a"))
    assert freeze_bins(pl.Series([None, None], dtype=pl.String), FeatureKind.CATEGORICAL) == CategoricalBins(())
    numeric = freeze_bins(pl.Series([1.0, None, math.nan, 1.0]), FeatureKind.NUMERIC)
    assert numeric == NumericBins((1.0, np.nextafter(1.0, 2.0)), (0, 6, 11), 1.0)


# ---- concentrated nulls


def _with_nulls(null_in_a: int, null_in_b: int, *, rows_a: int = 200, rows_b: int = 800):
    ages = [None] * null_in_a + [1.0] * (rows_a - null_in_a) + [None] * null_in_b + [1.0] * (rows_b - null_in_b)
    return canonical(SPEC, {"age": ages, "plan": ["a"] * rows_a + ["b"] * rows_b})


def test_nulls_concentrated_in_one_category_are_breached():
    """The plane age in the demo is such a feature: null in 96 % of the rows of carrier MQ, rarely elsewhere."""
    (found,) = find_concentrated_nulls(SPEC, _with_nulls(192, 8), model_version="1")
    assert (found.subject, str(found.metric), found.kind) == ("age", "null_share[plan=a]", Kind.QUALITY)
    assert (found.value, found.reference_value, found.rows) == (0.96, 0.01, 200)
    assert (found.status, found.severity, found.model_version) == (Status.BREACHED, Severity.WARNING, "1")
    assert found.reason == "null in 96.0% of the rows with plan = a, in 1.0% elsewhere"


@pytest.mark.parametrize(("rows", "why"), [
    (_with_nulls(0, 0), "no nulls"),
    (_with_nulls(99, 0), "less than half"),
    (_with_nulls(200, 399), "nearly as many elsewhere"),
    (_with_nulls(29, 0, rows_a=29), "too few rows"),
    (_with_nulls(200, 0, rows_b=199), "most rows"),
    (_with_nulls(200, 0, rows_b=0), "no rows elsewhere"),
    (_with_nulls(200, 800), "all null"),
], ids=lambda value: value if isinstance(value, str) else "")  # fmt: skip
def test_nulls_that_are_not_concentrated_are_not_reported(rows, why):
    assert find_concentrated_nulls(SPEC, rows, model_version="1") == ()


@pytest.mark.parametrize("name", ["rows", "nulls", "category", "null", "len"])
def test_concentrated_nulls_are_found_for_features_with_any_name(name):
    spec = binary_spec(features={name: "categorical", "age": "numeric"})
    rows = canonical(spec, {name: ["a"] * 200 + ["b"] * 800, "age": [None] * 200 + [1.0] * 800})
    (found,) = find_concentrated_nulls(spec, rows, model_version="1")
    assert str(found.metric) == f"null_share[{name}=a]"
    reference = build_reference(spec, "1", WINDOW, rows, NO_LABELS, table_columns={}, as_of=AS_OF).reference
    assert reference.profile[name].counts == (0, 800, 200, 0)


def test_nulls_of_a_category_column_are_not_attributed_to_itself():
    rows = canonical(SPEC, {"age": [1.0] * 400, "plan": [None] * 200 + ["b"] * 200})
    assert find_concentrated_nulls(SPEC, rows, model_version="1") == ()
