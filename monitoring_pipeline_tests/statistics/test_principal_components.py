"""Principal components: beside scikit-learn, and by what they must and must not see."""

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from monitoring_pipeline.statistics.principal_components import fit_components, reconstruction_errors, residuals
from monitoring_pipeline.statistics.results import UndefinedStatisticError

MIXING = np.array([[1.0, 0.8, 0.2, 0.0], [0.0, 0.3, 1.0, 0.9]])


def _rows(seed: int, rows: int = 300) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return rng.normal(size=(rows, 2)) @ MIXING * [1, 10, 100, 0.1] + rng.normal(size=(rows, 4)) * [0.3, 3, 30, 0.03] + 5


def test_reconstruction_errors_match_scikit_learn() -> None:
    fitted_to, rows = _rows(1), _rows(2)
    scaler = StandardScaler().fit(fitted_to)
    components = PCA(n_components=0.65, svd_solver="full").fit(scaler.transform(fitted_to))
    scaled = scaler.transform(rows)
    expected = np.linalg.norm(scaled - components.inverse_transform(components.transform(scaled)), axis=1)
    assert reconstruction_errors(fit_components(fitted_to), rows) == pytest.approx(expected, rel=1e-9)


def test_reconstruction_errors_do_not_depend_on_units() -> None:
    fitted_to, rows = _rows(3), _rows(4)
    scale, offset = np.array([2.0, 0.01, 1e6, 30.0]), np.array([0.0, -7.0, 1e3, 4.0])
    plain = reconstruction_errors(fit_components(fitted_to), rows)
    scaled = reconstruction_errors(fit_components(fitted_to * scale + offset), rows * scale + offset)
    assert scaled == pytest.approx(plain, rel=1e-6)


def test_missing_and_constant_columns_have_no_residual() -> None:
    fitted_to = np.column_stack([_rows(5), np.full(300, 3.0)])
    fitted = fit_components(fitted_to)
    rows = np.array([[np.nan] * 4 + [99.0]])
    assert residuals(fitted, rows) == pytest.approx(np.zeros((1, 5)))


def test_reconstruction_error_of_an_extreme_number_is_finite() -> None:
    fitted = fit_components(_rows(6))
    assert np.all(np.isfinite(reconstruction_errors(fitted, np.full((1, 4), 1e300))))


def test_components_of_a_single_varying_column_are_undefined() -> None:
    with pytest.raises(UndefinedStatisticError, match="1 features vary"):
        fit_components(np.column_stack([np.arange(9.0), np.ones(9)]))
