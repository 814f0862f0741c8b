"""A stored reference is used again only if all that it was built from is unchanged."""

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa

from monitoring_pipeline.steps.reference.building import TakenReference, take_reference
from monitoring_pipeline.store.engine import create_store_engine
from monitoring_pipeline_tests.worlds.retraining_world import NOW, outside
from monitoring_pipeline_tests.worlds.world import FIRST, FIRST_ROW, LOANS, SPECS, World

VERSION = "2024.1"


def take(world: World, *, rebuild: bool = False, **parts: Any) -> TakenReference:
    world.change_spec(LOANS, **parts)
    with outside(world) as ports:
        return take_reference(world.loaded(LOANS), VERSION, ports, now=NOW, rebuild=rebuild)


def forget_declarations(world: World) -> None:
    """Bring the store to the state of a version that recorded no declarations."""
    engine = create_store_engine(world.settings.store_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE model_references SET declaration = NULL"))
    engine.dispose()


@pytest.mark.parametrize(
    "parts",
    [
        {"performance": {"minimum_rows": 500}},
        {"predictions": SPECS[LOANS]["predictions"] | {"null_values": ["-1"]}},
        {"reference": {VERSION: {"start": FIRST_ROW, "end": FIRST - dt.timedelta(days=1)}}},
    ],
)
def test_changed_field_builds_the_reference_again_and_the_unchanged_spec_does_not(world, parts):
    first = take(world)
    assert take(world).reused
    changed = take(world, **parts)
    assert not changed.reused
    assert take(world, **parts) == TakenReference(changed.reference, reused=True)
    back = take(world)
    assert (back.reused, back.reference) == (False, first.reference)


def test_field_without_influence_does_not_build_the_reference_again(world):
    first = take(world)
    labels = SPECS[LOANS]["labels"] | {"lookback": "9d"}
    again = take(world, labels=labels, performance={"breach_on": "point"}, owner="team:other")
    assert (again.reused, again.reference) == (True, first.reference)


def test_reference_of_an_older_version_is_accepted_once_and_its_rules_are_compared_from_then_on(world):
    first = take(world, performance={"minimum_rows": 30})
    forget_declarations(world)
    accepted = take(world, performance={"minimum_rows": 30})
    assert (accepted.reused, accepted.reference) == (True, first.reference)
    assert not take(world, performance={"minimum_rows": 500}).reused


def test_reference_of_an_older_version_with_another_declaration_is_built_again(world):
    take(world)
    forget_declarations(world)
    assert not take(world, timezone="Asia/Tokyo").reused
