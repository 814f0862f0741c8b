"""Nothing that was written, printed or sent has a value of a column that privacy names."""

import hashlib
import re
from collections.abc import Iterator

import numpy as np
import pytest

from monitoring_pipeline.cli.execution.opening import find_model
from monitoring_pipeline.composition import build_adapters
from monitoring_pipeline.evaluation.profiles.bins import CategoricalBins, numeric_bins
from monitoring_pipeline.evaluation.quality.conditions import Condition
from monitoring_pipeline.evaluation.quality.conditions import Test as Asked
from monitoring_pipeline.settings import Settings
from monitoring_pipeline_tests.canaries.searching import found_in, found_in_texts
from monitoring_pipeline_tests.canaries.world import (
    CANARIES,
    COUNTED,
    NEVER_KEPT,
    NIGHT,
    PRIVATE,
    SHOWN_FROM_SOME_ROWS,
    CanaryWorld,
    canary_world,
)

pytestmark = pytest.mark.slow
KEY = "key of the canaries"
SEEN = {
    "city": "Ulm",
    "postcode": "'77'",
    "salary": r"920000\.0",
    "identifier": "present",
    "telemetry": "codecanary500",
}
"""What has to be found in the rows of snapshots, so that a search that finds nothing is not taken for privacy."""


@pytest.fixture(scope="module")
def private(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CanaryWorld]:
    """A world with a private spec in which everything has run."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("MONITORING_PIPELINE_ID_KEY", KEY)
        with canary_world(tmp_path_factory.mktemp("canaries"), privacy=PRIVATE) as world:
            yield world


def test_no_file_has_a_value_of_a_private_column(private):
    assert {name: places for name, places in found_in(private.folder / "home", CANARIES).items() if places} == {}


def test_no_archive_has_a_value_of_a_private_column(private):
    """The archive without rows is in the home, where it is searched with everything else."""
    assert (private.folder / "home" / "page.zip").exists()
    found = found_in(private.folder / "archives", CANARIES | {"id": NEVER_KEPT["id"], "notes": NEVER_KEPT["notes"]})
    assert {name: places for name, places in found.items() if places} == {}
    kept = found_in(private.folder / "archives", SEEN)
    assert all(any(":snapshots/" in place for place in places) for places in kept.values())


def test_nothing_printed_or_sent_has_a_value_of_a_private_column(private):
    assert {name: places for name, places in found_in_texts(private.sent, CANARIES).items() if places} == {}


def test_ids_and_texts_are_kept_nowhere_and_telemetry_only_in_snapshots(private):
    found = found_in(private.folder / "home", NEVER_KEPT)
    assert {place.split("/")[0] for place in found.pop("telemetry")} == {"snapshots"}
    assert {name: places for name, places in found.items() if places} == {}
    assert {name: places for name, places in found_in_texts(private.sent, NEVER_KEPT).items() if places} == {}


def test_the_search_finds_what_is_kept(private):
    found = found_in(private.folder / "home", SEEN)
    assert {name for name, places in found.items() if any("(rows)" in place for place in places)} == set(SEEN)
    assert any("results.db:" in place for place in found["city"])
    assert {"webhook", "mcp", "backfill m --from 2024-02-01 --to 2024-02-02"} <= set(private.sent)


def test_a_new_value_of_a_hashed_column_is_reported_by_its_hash(private):
    digest = hashlib.blake2b(b"gender\0gencanaryother", key=KEY.encode(), digest_size=6).hexdigest()
    query = "SELECT reason FROM current_measurements WHERE model = ? AND chunk = ? AND name = 'unseen_share'"
    for model in ("m", COUNTED):
        reasons = private.ask(f"{query} AND subject = 'gender' AND segment = ''", model, NIGHT)
        assert f"'#{digest}' (72)" in reasons[0][0]


def test_private_columns_are_not_counted_in_the_warehouse(private):
    spec = find_model(Settings(), COUNTED).spec
    chunk = spec.calendar.chunk(NIGHT)
    counting = build_adapters(Settings()).warehouse.counting(spec)
    assert counting is not None
    bins = {
        "1": {"gender": CategoricalBins(("x",)), "salary": numeric_bins(np.arange(9.0)), "city": CategoricalBins(())}
    }
    counted = counting.profiles(spec, chunk, counting.facts(spec, chunk), bins)
    assert set(counted.not_counted) == {"gender", "salary"}
    assert counted.not_counted["gender"] == "privacy names it, and only rows that are read are hashed or generalised"
    assert [column.column for column in counted.profiles[0].columns] == ["city"]
    asked = tuple(Condition(name, Asked.PRESENT) for name in ("gender", "city"))
    assert [each is None for each in counting.conditions(spec, chunk, asked)] == [True, False]
    sample = str(counting.sample(spec, chunk, 1).frame.rows())
    assert not any(re.search(pattern, sample) for pattern in CANARIES.values())


def test_values_of_few_rows_are_in_snapshots_and_counts_only(private):
    found = found_in(private.folder / "home", SHOWN_FROM_SOME_ROWS)
    where = {re.sub(r"snapshots/.*", "snapshots", place) for places in found.values() for place in places}
    assert where == {"snapshots", "results.db", "results.db:profiles.unseen", "results.db:profiles.maximum"}
    assert {name: places for name, places in found_in_texts(private.sent, SHOWN_FROM_SOME_ROWS).items() if places} == {}
    for texts in (private.sent, {"store": str(private.ask("SELECT reason FROM measurements")).encode()}):
        assert not found_in_texts(texts, {"long value": "(city){20}"})["long value"]


def test_the_key_is_kept_nowhere_else(private):
    """The environment has the key, so that no file, message or answer needs it."""
    assert found_in(private.folder / "home", {"key": KEY}) == {"key": set()}
    assert found_in_texts(private.sent, {"key": KEY}) == {"key": set()}
