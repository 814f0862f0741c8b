"""Which days Dagster shows as out of sync with the reference, by Dagster's own resolution."""

import dagster as dg
from dagster._core.definitions.data_version import CachingStaleStatusResolver, StaleStatus
from dagster._core.loader import LoadingContextForTest

from monitoring_pipeline.orchestration.assets.reference import data_version
from monitoring_pipeline_tests.worlds.world import DAYS, FIRST, FIRST_ROW, LOANS, QUIET, World

OF_THE_REFERENCE = {"predictions", "profile", "drift", "estimate", "labels", "performance", "windows", "attribution"}
NOTHING: dict[str, str] = {}


def stale(world: World, day: str) -> dict[str, str]:
    """Return why Dagster shows assets of a day as out of sync, by the name of the asset."""
    graph = world.definitions.resolve_asset_graph()
    resolver = CachingStaleStatusResolver(world.instance, graph, LoadingContextForTest(world.instance))
    keys = [key for key in graph.get_all_asset_keys() if key.path[0] == LOANS and graph.get(key).is_partitioned]
    assert len(keys) == len(OF_THE_REFERENCE) + 2
    assert {resolver.get_status(key, day) for key in keys} <= {StaleStatus.FRESH, StaleStatus.STALE}
    return {
        key.path[-1]: f"{cause.dependency.asset_key.path[-1]} {cause.reason}"
        for key in keys
        for cause in resolver.get_stale_causes(key, day)
        if cause.dependency is not None
    }


def night(world: World, day: str, **config: bool) -> None:
    """Run a night with options of the asset ``reference``."""
    job = world.definitions.resolve_job_def(f"{LOANS}_nightly")
    ops = {"ops": {f"{LOANS}__reference": {"config": config}}}
    assert job.execute_in_process(instance=world.instance, partition_key=day, run_config=QUIET | ops).success


def test_night_without_a_change_leaves_earlier_days_in_sync(world: World) -> None:
    assert world.failures(LOANS, DAYS[0], DAYS[1]) == ()
    assert world.run(LOANS, DAYS[2]).success
    assert {day: stale(world, day) for day in DAYS[:3]} == dict.fromkeys(DAYS[:3], NOTHING)


def test_replaced_reference_puts_earlier_days_out_of_sync_until_they_are_measured_again(world: World) -> None:
    assert world.failures(LOANS, DAYS[0], DAYS[1]) == ()
    world.execute('UPDATE "Loan Scores" SET age = age + 1')
    night(world, DAYS[2], rebuild=True)
    changed = dict.fromkeys(OF_THE_REFERENCE, "reference has a new dependency data version")
    assert {day: stale(world, day) for day in DAYS[:3]} == {DAYS[0]: changed, DAYS[1]: changed, DAYS[2]: NOTHING}
    assert world.failures(LOANS, DAYS[0]) == ()
    assert {day: stale(world, day) for day in DAYS[:3]} == {DAYS[0]: NOTHING, DAYS[1]: changed, DAYS[2]: NOTHING}


def test_rebuilt_reference_of_the_same_rows_changes_nothing(world: World) -> None:
    assert world.run(LOANS, DAYS[0]).success
    night(world, DAYS[1], rebuild=True)
    assert stale(world, DAYS[0]) == NOTHING


def test_first_reference_of_a_further_version_leaves_earlier_days_in_sync(world: World) -> None:
    assert world.run(LOANS, DAYS[0]).success
    world.execute("""UPDATE "Loan Scores" SET VERSION = '2024.2' WHERE hash("Application ID") % 3 = 0""")
    window = {"start": FIRST_ROW, "end": FIRST}
    world.change_spec(LOANS, reference={"2024.1": window, "2024.2": window})
    assert world.run(LOANS, DAYS[1]).success
    assert stale(world, DAYS[0]) == NOTHING


def test_data_version_is_that_of_the_replaced_references() -> None:
    versions = [data_version(replaced) for replaced in ((), (("1", "a"),), (("1", "b"),), (("1", "a"), ("2", "a")))]
    assert len(set(versions)) == len(versions)
    assert data_version((("1", "a"),)) == dg.DataVersion(versions[1].value)
