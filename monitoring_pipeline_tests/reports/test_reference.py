"""The reference of everything that is measured agrees with the tables, the page, and a stored home."""

import json
import re
import sqlite3
from contextlib import closing

from click.testing import CliRunner

from monitoring_pipeline.cli import main
from monitoring_pipeline.evaluation.drift.statistics_table import DRIFT_STATISTICS
from monitoring_pipeline.evaluation.performance.metrics_table import PERFORMANCE_METRICS
from monitoring_pipeline.evaluation.spec_check.checks_table import SOURCE_CHECKS, SPEC_CHECKS
from monitoring_pipeline.records.cause import Family
from monitoring_pipeline.reports.reference.measurements_table import CAUSES, MEASUREMENTS
from monitoring_pipeline.reports.reference.parts import PARTS, page
from monitoring_pipeline_tests.docs.pages import read_page
from monitoring_pipeline_tests.homes.stored_home import unpack


def test_page_is_the_output_of_the_command():
    result = CliRunner().invoke(main, ["spec", "reference", "--markdown"])
    assert result.output == page() == read_page("docs/reference.md")


def test_every_stored_measurement_is_in_the_reference(tmp_path):
    known = {(thing.kind.value, thing.name) for thing in MEASUREMENTS}
    known |= {
        (kind, metric.name) for metric in PERFORMANCE_METRICS for kind in ("performance", "estimated_performance")
    }
    known |= {("drift", name) for name in DRIFT_STATISTICS}
    with closing(sqlite3.connect(unpack("ee8dedf", tmp_path / "home") / "results.db")) as connection:
        stored = set(connection.execute("SELECT DISTINCT kind, name, definition FROM measurements"))
    expectations = {row for row in stored if (row[2] or "").startswith("expect_")}
    assert len(stored - expectations) > 50
    unknown = {(kind, name.partition("[")[0]) for kind, name, _ in stored - expectations} - known
    assert unknown == set()


def test_every_family_of_causes_has_a_meaning():
    assert set(CAUSES) == set(Family)


def test_every_row_has_a_meaning_and_a_name_of_its_own():
    for name, part in PARTS.items():
        report = part()
        named = [tuple(record.values())[:3] for record in report.records]
        assert len(set(named)) == len(named), name
        assert all(line[-1] for line in report.lines), name


def test_part_of_the_reference_is_printed_for_programs():
    result = CliRunner().invoke(main, ["spec", "reference", "statistics", "--json"])
    (record,) = [entry for entry in json.loads(result.stdout) if entry["statistic"] == "psi"]
    assert (record["floor"], record["range"], record["worse"]) == (0.1, "at least 0", "higher")


def test_page_about_spec_check_has_the_same_words_as_the_reference():
    listed = re.findall(r"^\| `(\w+)` \| (?:error|warning) \| (.+) \|$", read_page("docs/spec_check.md"), re.MULTILINE)
    assert listed == [(check.name, check.finds) for check in (*SPEC_CHECKS, *SOURCE_CHECKS)]
