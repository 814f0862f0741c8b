"""What measuring took is kept beside the results of a chunk, and is none of them."""

from dataclasses import replace

import polars as pl

from monitoring_pipeline.doctor.checks.effort import effort as look_at_effort
from monitoring_pipeline.doctor.deployment import examined
from monitoring_pipeline.doctor.findings import Level
from monitoring_pipeline.evaluation.operations.effort import bytes_read, cpu_seconds, effort_words, in_bytes
from monitoring_pipeline.orchestration.assets.table import ASSETS
from monitoring_pipeline.prometheus.exporting import samples_of
from monitoring_pipeline.prometheus.families import MEASURING, MEASURING_BYTES
from monitoring_pipeline.records.effort import Effort
from monitoring_pipeline.reports.terminal.results import chunk_table
from monitoring_pipeline.shipped_files import read_sql
from monitoring_pipeline.system_clock import system_clock
from monitoring_pipeline.warehouse.traffic import bytes_read as bytes_read_so_far
from monitoring_pipeline.warehouse.traffic import counted
from monitoring_pipeline.web_pages.contents.model import model_contents
from monitoring_pipeline.web_pages.reading import read_model, read_period
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, World


def test_every_asset_with_a_step_leaves_what_each_chunk_took(monitored: World) -> None:
    spec = monitored.loaded(LOANS).spec
    with_step = {asset.name for asset in ASSETS if asset.step is not None and asset.is_wanted(spec)}
    with monitored.store() as store:
        for day in (DAYS[0], DAYS[-1]):
            efforts = store.efforts(LOANS, day)
            assert efforts.keys() == with_step
            assert all(0 <= each.cpu_seconds < 120 and 0 < each.wall_seconds < 600 for each in efforts.values())
            assert efforts["predictions"].rows == 200
            assert efforts["drift"].rows is None


def test_report_query_metrics_and_doctor_show_it(monitored: World) -> None:
    spec = monitored.loaded(LOANS).spec
    with monitored.store() as store:
        efforts = store.efforts(LOANS, DAYS[-1])
        page = model_contents(read_model(spec, store, read_period(spec, store)))
        (fact,) = [fact.value for fact in page.audit if fact.name == "measuring took"]
        assert fact == effort_words(efforts)
        (sample,) = [sample for sample in samples_of(spec, store) if sample.family is MEASURING]
        assert sample.value == cpu_seconds(efforts)
        _, rows = store.query(read_sql("queries/what_it_took.sql"), {"model": LOANS})
        assert len(rows) == len(efforts) * len(DAYS)
        assert [row[1] for row in rows] == sorted((row[1] for row in rows), reverse=True)
    for allowed, level in ((None, Level.OK), (1e-6, Level.WARNING)):
        settings = monitored.settings.model_copy(update={"cpu_seconds_per_chunk": allowed})
        with examined(settings, system_clock()) as deployment:
            assert {finding.level for finding in look_at_effort(deployment)} == {level}


def test_words_name_what_took_most() -> None:
    efforts = {"drift": Effort(1.25, 2), "labels": Effort(0.5, 1), "segments": Effort(2, 2), "verdict": Effort(0.01, 1)}
    assert effort_words(efforts) == "3.76 s of CPU time (segments 2.00, drift 1.25, labels 0.50)"


def test_effort_is_replaced_and_changes_no_revision(lived_in_world: World) -> None:
    with lived_in_world.store() as store:
        before, revisions = store.efforts(LOANS, DAYS[3]), store.revisions(LOANS, "drift")
    assert lived_in_world.failures(LOANS, DAYS[3], DAYS[3]) == ()
    with lived_in_world.store() as store:
        after = store.efforts(LOANS, DAYS[3])
        assert store.revisions(LOANS, "drift") == revisions
    assert after.keys() == before.keys()
    assert after != before
    read = before["predictions"].bytes_read
    assert replace(after["predictions"], cpu_seconds=0, wall_seconds=0) == Effort(0, 0, 200, read)


def test_bytes_of_the_answers_are_kept_shown_and_limited(monitored: World) -> None:
    spec = monitored.loaded(LOANS).spec
    with monitored.store() as store:
        efforts = store.efforts(LOANS, DAYS[-1])
        table = chunk_table(spec, store, [spec.calendar.chunk(DAYS[-1])])
        (sample,) = [sample for sample in samples_of(spec, store) if sample.family is MEASURING_BYTES]
    predictions = efforts["predictions"].bytes_read
    # 200 rows of at least an id of 8 characters, a time, and 5 numbers; not a hundred times as much.
    assert predictions is not None
    assert 200 * (8 + 8 + 5 * 8) < predictions < 100 * 200 * (8 + 8 + 5 * 8)
    assert efforts["drift"].bytes_read is None
    assert table.records[0]["measuring_bytes_read"] == sample.value == bytes_read(efforts)
    for allowed, level in ((10**9, Level.OK), (1000, Level.WARNING)):
        settings = monitored.settings.model_copy(update={"bytes_read_per_chunk": allowed})
        with examined(settings, system_clock()) as deployment:
            assert level in {finding.level for finding in look_at_effort(deployment)}


def test_bytes_are_those_of_columns_in_memory() -> None:
    before = bytes_read_so_far()
    answer = counted(pl.DataFrame({"score": [0.5, 0.25], "rows": [1, 2]}))
    assert (answer.height, bytes_read_so_far() - before) == (2, 4 * 8)
    assert [in_bytes(size) for size in (999, 41_234_000, 2.5e13)] == ["999 bytes", "41.2 MB", "25 TB"]
    assert effort_words({"labels": Effort(0.5, 1, 200, 1500)}).endswith("(labels 0.50), 1.5 kB read")
