"""Directions of vectors against scikit-learn's, and places that do not depend on the order of rows."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from monitoring_pipeline.statistics.vectors import UNIT, fit_directions, lengths_of, places_along

GENERATOR = np.random.default_rng(3)


def unit_vectors(rows, numbers, scale=None):
    vectors = GENERATOR.standard_normal((rows, numbers)) * (np.ones(numbers) if scale is None else scale) + 0.3
    return vectors / lengths_of(vectors)[:, None]


def test_places_and_distances_are_those_of_scikit_learn():
    vectors = unit_vectors(500, 12, np.geomspace(3.0, 0.1, 12))
    fitted = fit_directions(vectors, 3)
    places, distances = places_along(fitted, vectors)
    peer = PCA(3).fit(vectors)
    np.testing.assert_allclose(np.abs(places), np.abs(peer.transform(vectors)), atol=1e-5)
    outside = vectors - peer.inverse_transform(peer.transform(vectors))
    np.testing.assert_allclose(distances, lengths_of(outside), atol=1e-4)


def test_a_direction_points_to_its_largest_entry():
    fitted = fit_directions(unit_vectors(300, 6), 4)
    largest = np.abs(fitted.directions).argmax(axis=1)
    assert (fitted.directions[np.arange(4), largest] > 0).all()


def test_directions_without_variance_are_left_out():
    vectors = np.tile([0.6, 0.8, 0.0], (50, 1))
    vectors[:25] = [0.8, 0.6, 0.0]
    assert fit_directions(vectors, 3).directions.shape == (1, 3)
    assert fit_directions(vectors[:1], 3).directions.shape == (0, 3)


@pytest.mark.parametrize("block", [1, 7, 200])
def test_places_are_the_same_bits_in_any_order_and_in_blocks(block):
    vectors = unit_vectors(400, 300)
    fitted = fit_directions(vectors, 8)
    places, distances = places_along(fitted, vectors)
    order = np.random.default_rng(block).permutation(400)
    parts = [places_along(fitted, vectors[order[begin : begin + block]]) for begin in range(0, 400, block)]
    np.testing.assert_array_equal(np.concatenate([part[0] for part in parts]), places[order])
    np.testing.assert_array_equal(np.concatenate([part[1] for part in parts]), distances[order])


def test_sums_of_products_are_whole_numbers_that_a_float_holds():
    vectors = unit_vectors(50, 2_000)
    fitted = fit_directions(vectors, 8)
    assert float(np.abs(np.rint(vectors / UNIT)).max()) <= 2**20
    exact = [[int(v) for v in row] for row in np.rint(vectors[:3] / UNIT)]
    directions = [[int(d) for d in row] for row in fitted.directions]
    mean = [int(m) for m in fitted.mean]
    places, _ = places_along(fitted, vectors[:3])
    for row, found in zip(exact, places, strict=True):
        for direction, place in zip(directions, found, strict=True):
            whole = sum(d * (v - m) for d, v, m in zip(direction, row, mean, strict=True))
            assert place == whole * UNIT**2
