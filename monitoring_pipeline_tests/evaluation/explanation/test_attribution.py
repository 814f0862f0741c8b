"""The split of a change: planted causes are distinguished, and the parts add up."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from scipy.special import expit

from monitoring_pipeline.evaluation.explanation.by_inputs import attribute_change
from monitoring_pipeline.evaluation.explanation.by_score import score_edges, score_table
from monitoring_pipeline.records.measurement import Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline_tests.evaluation.cases import canonical
from monitoring_pipeline_tests.spec.cases import MULTICLASS, binary_spec, regression_spec

FEATURES = {"a": "numeric", "b": "numeric"}
BINARY = binary_spec(features=FEATURES)
REGRESSION = regression_spec(features=FEATURES)


def _binary(rng: np.random.Generator, rows: int, *, shift: float = 0.0, slope: float = 1.5) -> pl.DataFrame:
    a, b = rng.normal(shift, 1, rows), rng.normal(size=rows)
    labels = (rng.random(rows) < expit(slope * a - 2.0)).astype(float)
    frame = canonical(BINARY, {"a": a, "b": b, "score": expit(1.5 * a - 2.0)})
    return frame.with_columns(pl.Series("label", labels))


def _regression(rng: np.random.Generator, rows: int, *, shift: float = 0.0, offset: float = 0.0) -> pl.DataFrame:
    a, b = rng.normal(shift, 1, rows), rng.normal(size=rows)
    labels = 10 * a + offset + rng.normal(size=rows) * (3 + 2 * np.maximum(a, 0))
    frame = canonical(REGRESSION, {"a": a, "b": b, "prediction": 10 * a})
    return frame.with_columns(pl.Series("label", labels))


def _split(spec: ModelSpec, reference: pl.DataFrame, chunk: pl.DataFrame, **more: Any) -> dict[str, Measurement]:
    found = attribute_change(
        spec,
        model_version="1",
        reference_rows=reference,
        rows=chunk.drop("label").lazy(),
        labels=chunk.select("row_id", "label"),
        seed_parts=("churn", "1", "2024-03-01"),
        **more,
    )
    return {str(m.metric): m for m in found}


def _covers_zero(measurement: Measurement) -> bool:
    assert measurement.lower is not None
    assert measurement.upper is not None
    return measurement.lower <= 0.0 <= measurement.upper


def test_change_of_a_chunk_without_readable_features_is_split_by_score_only() -> None:
    rng = np.random.default_rng(0)
    found = _split(BINARY.with_features_in(()), _binary(rng, 300), _binary(rng, 300))
    assert found["change_by_inputs[auroc]"].reason == "no feature of the chunk can be read"
    assert found["change_by_score[auroc]"].value is not None


def test_moved_inputs_leave_no_change_of_relation() -> None:
    covered: list[bool] = []
    for seed in range(24):
        rng = np.random.default_rng(seed)
        found = _split(BINARY, _binary(rng, 1_500), _binary(rng, 1_000, shift=0.7))
        covered += [_covers_zero(found[f"change_of_relation[{name}]"]) for name in ("auroc", "brier_score")]
    # At a true coverage of 0.95 fewer than 40 of 48 have a probability below 0.001, were they independent.
    assert sum(covered) >= 40


def test_changed_relation_is_breached_and_not_attributed_to_inputs() -> None:
    for seed in range(1, 9):
        rng = np.random.default_rng(seed)
        found = _split(BINARY, _binary(rng, 2_000), _binary(rng, 1_000, slope=0.3))
        by_inputs, of_relation = (found[f"{part}[auroc]"].value for part in ("change_by_inputs", "change_of_relation"))
        assert by_inputs is not None
        assert of_relation is not None
        assert abs(by_inputs) < 0.1 * abs(of_relation)
    rng = np.random.default_rng(1)
    found = _split(BINARY, _binary(rng, 2_000), _binary(rng, 1_000, slope=0.3))
    relation = found["change_of_relation[auroc]"]
    assert (relation.status, relation.severity) == (Status.BREACHED, Severity.INFO)
    assert relation.value is not None
    assert relation.value < -0.1
    assert "not explained by the moved inputs" in (relation.reason or "")
    assert found["change_given_score[auroc]"].value == pytest.approx(relation.value, abs=0.03)
    assert (found["residual_test"].p_value or 1.0) < 1e-6


def test_split_by_score_of_a_moved_input_leaves_no_rest() -> None:
    rng = np.random.default_rng(2)
    found = _split(BINARY, _binary(rng, 4_000), _binary(rng, 3_000, shift=0.5))
    assert not _covers_zero(found["change_by_score[brier_score]"])
    remainder = found["change_given_score[brier_score]"].value
    assert remainder == pytest.approx(0.0, abs=0.012)
    assert found["residual_test"].status is Status.OK


def test_parts_of_a_split_add_up_to_the_change() -> None:
    rng = np.random.default_rng(3)
    reference, chunk = _binary(rng, 1_000), _binary(rng, 700, shift=0.3, slope=1.0)
    found = _split(BINARY, reference, chunk)
    brier = [((side["score"] - side["label"]) ** 2).mean() for side in (reference, chunk)]
    parts = [found[f"{part}[brier_score]"].value or 0.0 for part in ("change_by_inputs", "change_of_relation")]
    assert sum(parts) == pytest.approx(brier[1] - brier[0])  # pyright: ignore[reportOperatorIssue, reportOptionalOperand]
    assert found["change_of_relation[brier_score]"].reference_value == pytest.approx(brier[0])


def test_split_of_a_regression_separates_harder_rows_from_a_changed_relation() -> None:
    rng = np.random.default_rng(4)
    reference = _regression(rng, 2_000)
    parts = np.zeros(2)
    for _ in range(6):
        harder = _split(REGRESSION, _regression(rng, 2_000), _regression(rng, 1_000, shift=0.8))
        names = [f"{part}[mean_absolute_error]" for part in ("change_by_inputs", "change_of_relation")]
        parts += [harder[name].value or 0.0 for name in names]
    assert parts[0] > 3 * abs(parts[1])
    moved = _split(REGRESSION, reference, _regression(rng, 1_000, offset=3.0))
    assert moved["change_of_relation[mean_bias]"].value == pytest.approx(-3.0, abs=0.4)
    assert moved["change_of_relation[mean_bias]"].status is Status.BREACHED
    assert moved["residual_test"].status is Status.BREACHED
    assert moved["residual_test"].value == pytest.approx(0.7, abs=0.15)


def test_split_of_a_multiclass_model_is_by_inputs() -> None:
    spec = ModelSpec.model_validate(MULTICLASS | {"features": FEATURES})
    rng = np.random.default_rng(5)

    def rows(count: int, trust: float) -> pl.DataFrame:
        a = rng.normal(size=count)
        scores = np.exp(np.column_stack([a, -a, np.zeros(count)]))
        scores /= scores.sum(axis=1, keepdims=True)
        truth = trust * scores + (1 - trust) / 3
        labels = [("a", "b", "c")[rng.choice(3, p=row)] for row in truth]
        columns = {"a": a, "b": rng.normal(size=count)}
        columns |= {f"score[{name}]": scores[:, place] for place, name in enumerate("abc")}
        return canonical(spec, columns).with_columns(pl.Series("label", labels))

    found = _split(spec, rows(1_000, 1.0), rows(800, 0.0))
    assert found["change_of_relation[log_loss]"].status is Status.BREACHED
    assert found["change_by_inputs[log_loss]"].value == pytest.approx(0.0, abs=0.05)
    assert (found["change_of_relation[macro_auroc]"].value or 0.0) < -0.1


def test_split_with_inputs_far_from_the_reference_is_skipped() -> None:
    rng = np.random.default_rng(6)
    found = _split(BINARY, _binary(rng, 800), _binary(rng, 800, shift=8.0))
    for part in ("change_by_inputs", "change_of_relation"):
        assert found[f"{part}[auroc]"].status is Status.SKIPPED
        assert "the inputs moved so far" in (found[f"{part}[auroc]"].reason or "")


def test_split_of_a_chunk_with_a_dead_input_is_by_the_others_and_names_it() -> None:
    rng = np.random.default_rng(1)
    reference, chunk = _binary(rng, 2_000), _binary(rng, 1_000, slope=0.3)
    died = chunk.with_columns(b=pl.lit(None, pl.Float64))
    found = _split(BINARY, reference, died, dead={"b": "all its values are null"})
    without = _split(BINARY.with_features_in(["a"]), reference, chunk)
    relation = found["change_of_relation[auroc]"]
    assert (relation.status, relation.value) == (Status.BREACHED, without["change_of_relation[auroc]"].value)
    assert (relation.reason or "").endswith("; without b: all its values are null")
    assert found["change_by_inputs[auroc]"].reason == "without b: all its values are null"
    assert found["change_by_score[auroc]"] == without["change_by_score[auroc]"]


def test_split_by_inputs_that_all_died_is_skipped() -> None:
    rng = np.random.default_rng(1)
    found = _split(BINARY, _binary(rng, 300), _binary(rng, 300), dead={"a": "dead", "b": "dead"})
    assert found["change_by_inputs[auroc]"].reason == "no feature is left; without a: dead; without b: dead"


def test_split_of_few_labels_is_skipped_with_a_reason() -> None:
    rng = np.random.default_rng(7)
    found = _split(BINARY, _binary(rng, 500), _binary(rng, 10))
    assert {m.status for m in found.values()} == {Status.SKIPPED}
    assert {m.reason for m in found.values()} == {"10 labelled rows in the chunk, at least 50 needed"}


def test_split_does_not_depend_on_the_order_of_rows() -> None:
    rng = np.random.default_rng(8)
    reference, chunk = _binary(rng, 400), _binary(rng, 300, shift=0.2)
    shuffled = chunk.sample(fraction=1.0, shuffle=True, seed=1)
    assert _split(BINARY, reference, chunk) == _split(BINARY, reference.reverse(), shuffled)


def test_score_tables_of_days_add_up() -> None:
    rng = np.random.default_rng(9)
    scores, labels = rng.random(300), (rng.random(300) < 0.3).astype(float)
    edges = score_edges(scores)
    added = score_table(edges, scores[:100], labels[:100]) + score_table(edges, scores[100:], labels[100:])
    whole = score_table(edges, scores, labels)
    np.testing.assert_array_equal([added.rows, added.positives], [whole.rows, whole.positives])
    with pytest.raises(ValueError, match="score bins differ"):
        _ = added + score_table(edges[:-1], scores, labels)
