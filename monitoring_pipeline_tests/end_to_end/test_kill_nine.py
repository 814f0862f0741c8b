"""A night that is killed at random moments and then runs to its end has the results of an undisturbed one."""

import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from monitoring_pipeline_tests.end_to_end.kill_nine import JOBS, Harness, harness, random_kills

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore:::mlflow")]
POINTS, SEED = 3, 7


@pytest.fixture(scope="module", params=("sqlite", "postgresql"))
def ready(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    server = request.getfixturevalue("postgresql_server") if request.param == "postgresql" else None
    with harness(Path(tmp_path_factory.mktemp("nights")), server) as made:
        yield made


def test_undisturbed_night_does_every_step_once(ready: Harness) -> None:
    assert list(ready.durations) == list(JOBS)
    assert [row[:3] for row in ready.expected["decisions"] if ":no" not in row[0]] == [
        ("retraining:2024-04-05:yes", "retraining", "yes"),
        ("retraining:2024-04-05:yes:gate", "gate", "passed"),
        ("retraining:2024-04-05:yes:roll_out", "promotion", "promoted"),
    ]
    assert ready.expected["registered"] == ["1"]
    assert ready.expected["aliases"]["champion"] == "1"
    # Two messages are about the incident of the night, two about the one that lasted when monitoring began.
    assert [channel for channel, _ in ready.expected["slack"]] == ["C00000BOSS0"] * 2 + ["C0000ONCALL"] * 2


def test_killed_night_ends_like_the_undisturbed_one(ready: Harness) -> None:
    chance = random.Random(SEED)
    points = [ready.try_point(random_kills(chance, number)) for number in range(POINTS)]
    assert [point.died_after for point in points if not point.died_in(point.kills[0].job)] == []
    assert {point.kills[0].job for point in points} == set(JOBS)
    assert [(point.died_after, point.found) for point in points if point.found] == []
