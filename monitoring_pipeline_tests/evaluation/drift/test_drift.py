"""The drift of columns: effect and significance, over all columns of a chunk."""

import numpy as np
import polars as pl
import pytest
from scipy.spatial.distance import jensenshannon
from statsmodels.stats.multitest import multipletests

from monitoring_pipeline.evaluation.drift.columns import UnknownDriftStatisticError, check_drift_rules, measure_drift
from monitoring_pipeline.evaluation.drift.comparison import Comparison
from monitoring_pipeline.evaluation.drift.statistics_table import DRIFT_STATISTICS
from monitoring_pipeline.evaluation.profiles.bins import numeric_bins
from monitoring_pipeline.evaluation.profiles.profile import ChunkProfile, ColumnProfile
from monitoring_pipeline.evaluation.reference.counterpart import against_reference
from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.records.measurement import Kind, Severity, Status
from monitoring_pipeline.spec.sources import FeatureKind
from monitoring_pipeline_tests.evaluation.cases import canonical, features, profile_of, reference_of
from monitoring_pipeline_tests.spec.cases import binary_spec, regression_spec

SPEC = binary_spec()
REFERENCE_COLUMNS = features(np.random.default_rng(1), 5000)
REFERENCE = reference_of(SPEC, REFERENCE_COLUMNS)
NUMERIC_STATISTICS = sorted(
    n for n, s in DRIFT_STATISTICS.items() if FeatureKind.NUMERIC in s.kinds and not s.needs_rows
)
STATISTICS_OF_BOTH = sorted(
    n for n, s in DRIFT_STATISTICS.items() if s.kinds == frozenset({FeatureKind.NUMERIC, FeatureKind.CATEGORICAL})
)


def _measured(columns, spec=SPEC, reference=REFERENCE):
    found = measure_drift(spec, against_reference(reference), profile_of(reference, canonical(spec, columns)))
    by_name = {(m.subject, m.name): m for m in found}
    assert len(by_name) == len(found)
    return by_name


def _deciding(columns, spec=SPEC, reference=REFERENCE):
    """Return the measurement that decides first, by column."""
    decide = [m for m in _measured(columns, spec, reference).values() if m.threshold_upper is not None]
    return {m.subject: m for m in reversed(decide)}


def _breached(columns, spec=SPEC, reference=REFERENCE):
    found = _measured(columns, spec, reference).items()
    return {column for (column, _), m in found if m.status is Status.BREACHED and column != "chunk"}


def _fresh(rows, *, seed=2, shift=0.0):
    return features(np.random.default_rng(seed), rows, shift=shift)


# ---- the rule


@pytest.mark.parametrize("statistic", STATISTICS_OF_BOTH)
def test_drift_of_identical_rows_is_zero_and_ok(statistic):
    spec = binary_spec(drift__numeric=statistic, drift__categorical=statistic)
    for measurement in _deciding(REFERENCE_COLUMNS, spec).values():
        assert measurement.status is Status.OK
        assert measurement.value == pytest.approx(0, abs=1e-7)
        assert measurement.p_value == pytest.approx(1)


@pytest.mark.parametrize("statistic", sorted({*NUMERIC_STATISTICS} - {"spread_increase"}))
def test_drift_of_a_shifted_column_is_breached_in_that_column_only(statistic):
    spec = binary_spec(drift__numeric=statistic)
    assert _breached(_fresh(1000, shift=0.7), spec) == {"age"}
    assert _breached(_fresh(1000), spec) == set()


@pytest.mark.parametrize("statistic", STATISTICS_OF_BOTH)
def test_drift_of_a_changed_category_mix_is_breached(statistic):
    spec = binary_spec(drift__categorical=statistic)
    mix = np.random.default_rng(3).choice(["basic", "plus", "pro"], 1000, p=[0.3, 0.3, 0.4])
    assert _breached(_fresh(1000) | {"plan": mix}, spec) == {"plan"}


def test_significant_effect_below_the_floor_is_ok():
    drift = _deciding(_fresh(50_000, shift=0.1))["age"]
    assert drift.q_value < 1e-6
    assert drift.value < drift.threshold_upper
    assert drift.status is Status.OK


def test_insignificant_effect_above_the_floor_is_ok():
    found = [_deciding(_fresh(60, seed=seed))["age"] for seed in range(10)]
    assert all(m.value > m.threshold_upper for m in found)
    assert all(m.q_value > SPEC.drift.alpha for m in found)
    assert {m.status for m in found} == {Status.OK}


def test_drift_needs_effect_at_floor_and_q_value_below_alpha():
    columns = _fresh(600, shift=0.35)
    found = _deciding(columns)["age"]
    for floor, alpha, status in (
        (found.value, min(found.q_value * 1.001, 0.99), Status.BREACHED),
        (found.value * 1.001, min(found.q_value * 1.001, 0.99), Status.OK),
        (found.value, found.q_value, Status.OK),
    ):
        spec = binary_spec(drift__floors={"jensen_shannon": floor}, drift__alpha=alpha)
        assert _deciding(columns, spec)["age"].status is status


def test_breach_contains_floor_and_alpha_in_its_reason():
    drift = _deciding(_fresh(1000, shift=1))["age"]
    assert drift.status is Status.BREACHED
    assert "0.1" in drift.reason
    assert "0.01" in drift.reason
    assert (drift.kind, drift.severity, drift.rows, drift.model_version) == (Kind.DRIFT, Severity.WARNING, 1000, "1")


@pytest.mark.parametrize(("floors", "expected"), [
    ({}, {"age": 0.1, "plan": 0.1}),
    ({"jensen_shannon": 0.3}, {"age": 0.3, "plan": 0.3}),
    ({"jensen_shannon": 0.3, "plan.jensen_shannon": 0.2}, {"age": 0.3, "plan": 0.2}),
    ({"plan.jensen_shannon": 0.2, "psi": 9.0, "age.psi": 9.0}, {"age": 0.1, "plan": 0.2}),
])  # fmt: skip
def test_floor_of_a_column_overrides_the_floor_of_a_statistic(floors, expected):
    found = _deciding(_fresh(100), binary_spec(drift__floors=floors))
    assert {column: found[column].threshold_upper for column in expected} == expected


def _counted(bins, columns):
    """Profile columns like ``profile_chunk``, but with NumPy, so that a simulation is fast."""
    return tuple(
        ColumnProfile(name, (0, 0, 0, *_binned(values, bins[name].edges), 0)) for name, values in columns.items()
    )


def _binned(values, edges):
    return np.bincount(np.digitize(values, edges), minlength=len(edges) + 1).tolist()


def test_share_of_false_alarms_without_floors_is_at_most_alpha():
    """Floors are 0, so significance decides; reference and chunk are drawn anew, and any breach in a chunk counts."""
    chunks, alpha = 500, 0.05
    spec = regression_spec(
        features={"x": "numeric", "y": "numeric"}, drift__alpha=alpha, drift__floors={"jensen_shannon": 0}
    )
    rng = np.random.default_rng(11)
    alarms = 0
    for _ in range(chunks):
        rows, current = (
            {"x": rng.normal(size=n), "y": rng.exponential(size=n), "prediction": rng.normal(size=n)}
            for n in (2000, 400)
        )
        bins = {name: numeric_bins(values) for name, values in rows.items()}
        profile = ChunkProfile("1", 2000, _counted(bins, rows))
        reference = Reference("spend", "1", "", bins, profile, (), 0)
        *drift, _ = measure_drift(spec, against_reference(reference), ChunkProfile("1", 400, _counted(bins, current)))
        alarms += any(m.status is Status.BREACHED for m in drift)
    # At most 3 standard deviations of a binomial above the nominal level.
    assert 0 < alarms / chunks <= alpha + 3 * (alpha * (1 - alpha) / chunks) ** 0.5


def test_of_a_window_half_as_large_as_the_reference_keeps_its_level():
    """Edges lie at the reference's extremes, so by construction only a window has rows outside."""
    rng = np.random.default_rng(12)
    p_values = []
    for _ in range(800):
        rows, current = rng.normal(size=4000), rng.normal(size=2000)
        bins = numeric_bins(rows)
        sides = (ColumnProfile("x", (0, 0, 0, *_binned(values, bins.edges), 0)) for values in (rows, current))
        p_values.append(DRIFT_STATISTICS["jensen_shannon"].test(Comparison(bins, *sides)).p_value)
    assert np.mean(np.array(p_values) < 0.05) <= 0.062


# ---- statistics that are sensitive to magnitude


@pytest.mark.parametrize(("change", "statistic"), [
    (lambda ages: ages + 0.2, "wasserstein"),
    (lambda ages: np.where(np.arange(ages.size) % 20 == 0, 100 * ages, ages), "spread_increase"),
    (lambda ages: np.where(ages > np.quantile(ages, 0.95), 10 * ages, ages), "spread_increase"),
    (lambda ages: 1.3 * ages, "spread_increase"),
])  # fmt: skip
def test_change_that_ten_bins_of_equal_mass_hide_is_breached(change, statistic):
    found = _measured(_fresh(1000) | {"age": change(_fresh(1000)["age"])})
    assert found["age", statistic].status is Status.BREACHED
    assert found["age", statistic].value > found["age", "jensen_shannon"].value


def test_spread_increase_is_the_hyperbolic_tangent_of_the_log_ratio_of_larger_deviations():
    ages = _fresh(1000)["age"] * 1.7
    found = _measured(_fresh(1000) | {"age": ages})["age", "spread_increase"].value
    ratio = ages.std(ddof=1) / REFERENCE_COLUMNS["age"].std(ddof=1)
    assert found == pytest.approx(np.tanh(abs(np.log(ratio))), rel=1e-6)


def test_spread_that_shrinks_is_no_increase():
    """On a dry day the rain of every hour is 0, as on most days of the reference."""
    found = _measured(_fresh(1000) | {"age": np.zeros(1000)})["age", "spread_increase"]
    assert (found.value, found.status) == (0.0, Status.OK)


def test_one_row_far_away_is_no_increase_of_spread():
    """Its effect is near 1, but one row of a thousand is no evidence."""
    ages = _fresh(1000)["age"]
    ages[0] = 1e9
    found = _measured(_fresh(1000) | {"age": ages})["age", "spread_increase"]
    assert found.value > 0.99
    assert found.status is Status.OK


def test_share_of_two_values_that_moves_by_seven_points_is_breached():
    spec = regression_spec(features={"member": "categorical"})
    rng = np.random.default_rng(5)
    yes = lambda rows, share: np.where(np.arange(rows) < share * rows, "yes", "no")  # noqa: E731
    reference = reference_of(spec, {"member": yes(20_000, 0.67), "prediction": rng.normal(size=20_000)})
    now = {"member": yes(1000, 0.60), "prediction": rng.normal(size=1000)}
    found = _measured(now, spec, reference)["member", "cohens_h"]
    expected = 2 * abs(np.arcsin(np.sqrt(0.67)) - np.arcsin(np.sqrt(0.60)))
    assert (found.status, found.value) == (Status.BREACHED, pytest.approx(expected, rel=1e-12))


def test_floor_that_is_declared_for_a_column_lets_its_statistic_alone_decide():
    spec = binary_spec(drift__floors={"age.jensen_shannon": 0.9})
    found = _measured(_fresh(1000, shift=2), spec)
    assert {name for column, name in found if column == "age"} == {"jensen_shannon"}
    assert "age" not in _breached(_fresh(1000, shift=2), spec)


# ---- several columns


def test_q_values_over_the_columns_of_a_chunk_match_statsmodels():
    rng = np.random.default_rng(4)
    names = [f"f{n}" for n in range(12)]
    spec = binary_spec(
        features=dict.fromkeys(names, "numeric"), drift__numeric="jensen_shannon", drift__categorical="jensen_shannon"
    )
    reference = reference_of(spec, {name: rng.normal(size=2000) for name in names} | {"score": rng.uniform(size=2000)})
    current = {name: rng.normal(0.04 * n, 1, 500) for n, name in enumerate(names)} | {"score": rng.uniform(size=500)}
    drift = [m for m in _measured(current, spec, reference).values() if m.threshold_upper is not None]
    assert [m.subject for m in drift] == [*names, "score", "prediction"]
    expected = multipletests([m.p_value for m in drift], method="fdr_bh")[1]
    assert [m.q_value for m in drift] == pytest.approx(list(expected), rel=1e-12)
    assert all(m.q_value >= m.p_value for m in drift)
    assert 0 < sum(m.status is Status.BREACHED for m in drift) < len(drift)


def test_ignored_column_is_measured_as_info_and_leaves_other_q_values_unchanged():
    columns = _fresh(1000, shift=2)
    spec = binary_spec(drift__ignore=["age"])
    without = binary_spec(features={"plan": "categorical"})
    found = _deciding(columns, spec)
    watched_only = _deciding(columns, without, reference_of(without, REFERENCE_COLUMNS))
    assert (found["age"].status, found["age"].severity) == (Status.BREACHED, Severity.INFO)
    assert found["plan"].severity is Severity.WARNING
    assert {c: found[c].q_value for c in watched_only} == {c: m.q_value for c, m in watched_only.items()}
    assert _measured(columns)["chunk", "drifted_columns"].value == 1
    assert _measured(columns, spec)["chunk", "drifted_columns"].value == 0


def test_drifted_columns_count_includes_the_model_output():
    columns = _fresh(1000, shift=2) | {"score": np.full(1000, 0.9), "prediction": ["1"] * 1000}
    summary = _measured(columns)["chunk", "drifted_columns"]
    assert (summary.value, summary.severity, summary.status) == (3.0, Severity.INFO, Status.OK)
    assert _breached(columns) == {"age", "score", "prediction"}


def test_further_statistics_are_measured_without_deciding():
    spec = binary_spec(drift__statistics=["psi", "kolmogorov_smirnov", "psi", "jensen_shannon"])
    found = _measured(_fresh(1000, shift=2), spec)
    further = {key: m for key, m in found.items() if m.name in {"psi", "kolmogorov_smirnov"}}
    assert further.keys() == {
        *((column, "psi") for column in SPEC.columns), ("age", "kolmogorov_smirnov"), ("score", "kolmogorov_smirnov"),
    }  # fmt: skip
    assert {m.status for m in further.values()} == {Status.OK}
    assert all(m.q_value is not None for m in further.values())
    assert further["age", "psi"].value > 1
    assert {key: found[key] for key in _measured(_fresh(1000, shift=2))} == _measured(_fresh(1000, shift=2))


# ---- what counts as drift


def test_column_with_new_nulls_has_drifted():
    ages = _fresh(1000)["age"].tolist()
    ages[:150] = [None] * 150
    drift = _deciding(_fresh(1000) | {"age": ages})
    assert {column for column, m in drift.items() if m.status is Status.BREACHED} == {"age"}


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_column_with_new_nonfinite_values_has_drifted(value):
    ages = _fresh(1000)["age"]
    ages[:150] = value
    assert _breached(_fresh(1000) | {"age": ages}) == {"age"}


def test_column_with_a_new_category_has_drifted():
    plans = _fresh(1000)["plan"].tolist()
    plans[:150] = ["gold"] * 149 + ["tin"]
    assert _breached(_fresh(1000) | {"plan": plans}) == {"plan"}


def test_jensen_shannon_effect_of_categories_matches_scipy():
    columns = _fresh(400) | {"plan": ["basic"] * 300 + ["plus"] * 50 + [None] * 30 + ["gold"] * 20}
    counts = pl.Series(REFERENCE_COLUMNS["plan"]).value_counts()
    count_of = dict(counts.iter_rows())
    expected = jensenshannon([0, *(count_of[c] for c in ("basic", "plus", "pro")), 0], [30, 300, 50, 0, 20], base=2)
    assert _deciding(columns)["plan"].value == pytest.approx(expected, rel=1e-12)


def test_jensen_shannon_effect_of_numbers_is_taken_over_deciles():
    ages = np.random.default_rng(8).normal(0.5, 1, 800)
    deciles = np.quantile(REFERENCE_COLUMNS["age"], np.arange(1, 10) / 10, method="inverted_cdf")
    shares = [np.histogram(v, [-np.inf, *deciles, np.inf])[0] for v in (REFERENCE_COLUMNS["age"], ages)]
    effect = _deciding(_fresh(800) | {"age": ages})["age"].value
    assert effect == pytest.approx(jensenshannon(*shares, base=2), rel=0.02)


def test_kolmogorov_smirnov_effect_is_taken_at_sixty_quantiles():
    ages = np.random.default_rng(8).normal(0, 1.3, 800)
    expected_ages = REFERENCE_COLUMNS["age"]
    quantiles = np.quantile(expected_ages, np.arange(1, 60) / 60, method="inverted_cdf")
    expected = max(abs((expected_ages < quantile).mean() - (ages < quantile).mean()) for quantile in quantiles)
    found = _deciding(_fresh(800) | {"age": ages}, binary_spec(drift__numeric="kolmogorov_smirnov"))["age"]
    assert found.value == pytest.approx(expected, rel=1e-12)


def test_prediction_of_a_regression_is_compared_as_a_number():
    spec = regression_spec()
    rng = np.random.default_rng(9)
    columns = {"age": rng.normal(size=1000), "plan": ["a"] * 1000, "prediction": rng.normal(size=1000)}
    reference = reference_of(spec, columns)
    assert _breached(columns | {"prediction": rng.normal(1, 1, 1000)}, spec, reference) == {"prediction"}


# ---- what cannot be measured


@pytest.mark.parametrize(("rows", "status"), [(49, Status.SKIPPED), (50, Status.OK), (0, Status.SKIPPED)])
def test_chunk_with_too_few_rows_is_skipped_with_a_reason(rows, status):
    drift = _deciding(_fresh(rows))
    assert {m.status for m in drift.values()} == {status}
    if status is Status.SKIPPED:
        assert {m.reason for m in drift.values()} == {f"{rows} rows, at least 50 needed"}
        summary = _measured(_fresh(rows))["chunk", "drifted_columns"]
        assert (summary.status, summary.reason) == (Status.SKIPPED, "no column could be measured")


@pytest.mark.parametrize("statistic", ["mean_difference", "spread_increase", "wasserstein"])
def test_statistic_of_values_without_values_is_skipped_with_a_reason(statistic):
    spec = binary_spec(drift__numeric=statistic)
    gone = _deciding(_fresh(200) | {"age": [None] * 200}, spec)["age"]
    assert gone.status is Status.SKIPPED
    assert gone.reason in {"0 finite values on one side, at least 2 needed", "current has no rows"}


@pytest.mark.parametrize(
    "statistic", sorted(set(NUMERIC_STATISTICS) - {"mean_difference", "spread_increase", "wasserstein"})
)
def test_column_of_nulls_only_is_measured_on_either_side(statistic):
    spec = binary_spec(drift__numeric=statistic)
    empty = {"age": [None] * 200}
    without = reference_of(spec, REFERENCE_COLUMNS | {"age": [None] * 5000})
    assert _deciding(_fresh(200) | empty, spec)["age"].status is Status.BREACHED
    assert _deciding(_fresh(200), spec, without)["age"].status is Status.BREACHED
    both = _deciding(_fresh(200) | empty, spec, without)["age"]
    assert (both.status, both.value) == (Status.OK, pytest.approx(0, abs=1e-9))


# ---- names


@pytest.mark.parametrize(("rules", "message"), [
    ({"numeric": "psii"}, "churn: drift.numeric: unknown 'psii'; did you mean psi? known: anderson_darling, chi_"),
    ({"categorical": "kolmogorov_smirnov"},
     "churn: drift.categorical: unknown 'kolmogorov_smirnov'; known: chi_squared, cohens_h, cramers_v, "),
    ({"statistics": ["psi", "hellingr"]}, "churn: drift.statistics[1]: unknown 'hellingr'; did you mean hellinger? "),
    ({"ignore": ["agee"]}, "churn: drift.ignore: unknown 'agee'; did you mean age? known: age, plan, pred"),
    ({"floors": {"PSI": 0.1}}, "churn: drift.floors.PSI: unknown 'PSI'; known: anderson_darling, chi_squared, "),
    ({"floors": {"agee.psi": 0.1}}, "churn: drift.floors.agee.psi: unknown 'agee'; did you mean age? known: age,"),
    ({"floors": {"age.ps": 0.1}}, "churn: drift.floors.age.ps: unknown 'ps'; did you mean psi? known: anderson"),
    ({"floors": {"age": 0.1}}, "churn: drift.floors.age: unknown 'age'; known: anderson_darling, chi_squared"),
])  # fmt: skip
def test_unknown_name_in_drift_rules_is_refused_with_the_valid_names(rules, message):
    with pytest.raises(UnknownDriftStatisticError) as caught:
        check_drift_rules(binary_spec(drift=rules))
    assert str(caught.value).startswith(message)


def test_drift_rules_with_valid_names_pass_the_check():
    check_drift_rules(
        binary_spec(
            features={"a.b": "numeric", "plan": "categorical"},
            drift={
                "numeric": "kolmogorov_smirnov", "categorical": "psi", "statistics": list(DRIFT_STATISTICS),
                "ignore": ["plan", "score"], "floors": {"psi": 0.2, "a.b.psi": 0.3, "prediction.psi": 1},
            },
        )
    )  # fmt: skip


@pytest.mark.parametrize("statistic", DRIFT_STATISTICS.values(), ids=lambda statistic: statistic.name)
def test_definition_of_every_statistic_contains_its_p_value(statistic):
    assert DRIFT_STATISTICS[statistic.name] is statistic
    assert "p: " in statistic.definition
