"""The page of a model of the small world: what it says is what the store holds."""

import datetime as dt
import json
import re
from dataclasses import replace
from pathlib import Path

import polars as pl
import pytest

from monitoring_pipeline.evaluation.performance.thresholds import Better
from monitoring_pipeline.evaluation.profiles.bins import CategoricalBins
from monitoring_pipeline.evaluation.profiles.profile import ColumnProfile, Unseen
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.records.incident import Finding, IncidentState
from monitoring_pipeline.records.measurement import Kind, Measurement, Provenance, Role, Severity, VerdictStatus
from monitoring_pipeline.records.names import MetricName
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.rules.upstream import UpstreamAssets
from monitoring_pipeline.steps.budget import read_spent
from monitoring_pipeline.web_pages.building import AllPages, build_all_pages, build_model_page
from monitoring_pipeline.web_pages.contents.budget import budget_contents
from monitoring_pipeline.web_pages.contents.columns import shifts
from monitoring_pipeline.web_pages.contents.incident import findings_table
from monitoring_pipeline.web_pages.contents.incident import sentence_of as incident_sentence
from monitoring_pipeline.web_pages.contents.model import ModelContents, model_contents
from monitoring_pipeline.web_pages.contents.model import sentence_of as model_sentence
from monitoring_pipeline.web_pages.contents.segments import worst_segments
from monitoring_pipeline.web_pages.contents.versions import versions_over_time
from monitoring_pipeline.web_pages.reading import RESOLVED_SHOWN, NothingJudgedError, Period, read_model, read_period
from monitoring_pipeline.web_pages.rendering import model_html, overview_html
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, World, loan_tables

LARGEST_PAGE = 300_000


@pytest.fixture(scope="module")
def pages(monitored: World) -> AllPages:
    with monitored.store() as store:
        return build_all_pages([monitored.loaded(model).spec for model in (LOANS, DELIVERIES)], store)


@pytest.fixture(scope="module")
def page(pages: AllPages) -> ModelContents:
    return pages.models[LOANS]


def test_verdict_is_that_of_the_newest_chunk(monitored: World, page: ModelContents) -> None:
    (stored,) = monitored.ask(
        "SELECT status FROM current_verdicts WHERE model = :m AND chunk = :c", m=LOANS, c=DAYS[-1]
    )
    assert (page.chunk, page.status) == (DAYS[-1], stored[0])
    assert page.sentence.startswith(f"{LOANS} is {stored[0]} on {DAYS[-1]}")


@pytest.mark.parametrize(("breaches", "words"), [(0, "none of them breached"), (4, "4 breached for information")])
def test_sentence_of_an_ok_chunk_counts_the_breaches_for_information(
    monitored: World, breaches: int, words: str
) -> None:
    with monitored.store() as store:
        records = read_model(monitored.loaded(LOANS).spec, store, read_period(monitored.loaded(LOANS).spec, store))
    ok = replace(records.period.verdict, status=VerdictStatus.OK, reasons=(), measured=245, breaches=breaches)
    shown = model_sentence(replace(records, period=Period(verdicts={DAYS[-1]: ok})))
    assert shown == f"{LOANS} is ok on {DAYS[-1]}: 245 measurements, {words}."


@pytest.mark.parametrize(("reason", "shown"), [
    ("warning: quality age column_values_to_not_be_null: age: 9 of 9 values null", "age: 9 of 9 values null"),
    ("warning: performance model auroc: 0.52 is below 0.6", "performance model auroc: 0.52 is below 0.6"),
    ("warning: quality age mean: ages: 9", "quality age mean: ages: 9"),
])  # fmt: skip
def test_sentence_names_a_column_once(monitored: World, reason: str, shown: str) -> None:
    with monitored.store() as store:
        records = read_model(monitored.loaded(LOANS).spec, store, read_period(monitored.loaded(LOANS).spec, store))
    warned = replace(records.period.verdict, status=VerdictStatus.WARNING, reasons=(reason,))
    sentence = model_sentence(replace(records, period=Period(verdicts={DAYS[-1]: warned})))
    assert sentence == f"{LOANS} is warning on {DAYS[-1]}: {shown}."


@pytest.mark.parametrize(("now", "begins"), [("warning", "Warning, since"), ("info", "Warning, now info, since")])
def test_incident_whose_findings_are_only_information_now_is_called_so(monitored: World, now: str, begins: str) -> None:
    with monitored.store() as store:
        stored = next(entry for entry in store.incidents(LOANS) if entry.incident.cause.text == "inputs")
    findings = tuple(replace(finding, severity=Severity(now)) for finding in stored.incident.findings)
    lasting = replace(
        stored.incident, findings=findings, severity=Severity.WARNING, state=IncidentState.ONGOING, resolved=None
    )
    assert incident_sentence(replace(stored, incident=lasting), "day").startswith(begins)


def test_calendar_has_every_judged_chunk_under_its_weekday(monitored: World, page: ModelContents) -> None:
    stored = dict(monitored.ask("SELECT chunk, status FROM current_verdicts WHERE model = :m", m=LOANS))
    shown = {day.key: day.status for week in page.calendar for day in week.days if day}
    assert shown == stored
    spec = monitored.loaded(LOANS).spec
    for week in page.calendar:
        for place, day in enumerate(week.days):
            assert day is None or spec.calendar.chunk(day.key).start.astimezone(spec.zone).weekday() == place


def test_chart_of_the_metric_has_a_row_for_each_measured_chunk(monitored: World, page: ModelContents) -> None:
    stored = monitored.ask(
        "SELECT chunk, value FROM current_measurements WHERE model = :m AND name = 'auroc' AND kind = 'performance' "
        "AND chunk NOT LIKE '%/%' AND value IS NOT NULL ORDER BY chunk DESC",
        m=LOANS,
    )
    auroc = page.performance[0]
    assert [(row[0], row[1]) for row in auroc.rows] == [(chunk, f"{value:.3f}") for chunk, value in stored]


def test_drifted_columns_come_first_and_their_effects_are_those_of_the_store(
    monitored: World, page: ModelContents
) -> None:
    stored = {
        subject: (status, value)
        for subject, status, value in monitored.ask(
            "SELECT subject, status, value FROM current_measurements "
            "WHERE model = :m AND chunk = :c AND kind = 'drift' AND threshold_upper > 0 AND subject <> 'features' "
            "ORDER BY status = 'breached', value / threshold_upper", m=LOANS, c=DAYS[-1],
        )
    }  # fmt: skip
    assert {column.name: column.effect for column in page.columns} == {
        name: value for name, (_, value) in stored.items()
    }
    drifted = [column.name for column in page.columns if column.status not in {"ok", "unknown"}]
    assert drifted == [column.name for column in page.columns][: len(drifted)]
    assert set(drifted) == {name for name, (status, _) in stored.items() if status == "breached"} != set()


def test_doubled_income_is_seen_in_the_numbers_of_its_chart(page: ModelContents) -> None:
    income = next(column for column in page.columns if column.name == "income")
    assert income.chart is not None
    above = next(row for row in income.chart.rows if row[0].startswith("above"))
    before, after = (float(share.removesuffix(" %")) for share in above[1:])
    assert after > 4 * before


def test_new_values_of_few_rows_are_counted_and_not_quoted() -> None:
    bins = CategoricalBins(("a", "b"))
    reference = ColumnProfile(column="city", counts=(0, 60, 40, 0))
    current = replace(reference, counts=(0, 40, 30, 30), unseen=(Unseen("Springfield", 25), Unseen("Jane Doe", 2)))
    words = " ".join(shifts(bins, reference, current))
    assert "'Springfield' (25) and 5 rows of others" in words
    assert "Jane Doe" not in words


def test_incident_has_its_findings_its_history_and_its_commands(monitored: World, page: ModelContents) -> None:
    with monitored.store() as store:
        stored = {entry.incident_id: entry for entry in store.incidents(LOANS)}
    assert {entry.name for entry in page.incidents} == set(stored) != set()
    for shown in page.incidents:
        entry = stored[shown.name]
        assert shown.title == entry.incident.title
        assert len(shown.findings.rows) == len(entry.incident.findings)
        assert any(f"acknowledge {shown.name}" in command for command in shown.commands)
        assert shown.history is not None


def test_columns_of_a_chunk_are_shown_on_incidents_of_that_chunk_only(monitored: World) -> None:
    with monitored.store() as store:
        spec = monitored.loaded(LOANS).spec
        during, before = (build_model_page(spec, store, last=day) for day in (DAYS[-1], DAYS[3]))
    assert any(entry.columns for entry in during.incidents)
    for entry in before.incidents:
        assert not entry.columns


def test_of_many_resolved_incidents_the_last_have_sections_and_the_others_lines(monitored: World) -> None:
    with monitored.store() as store:
        spec = monitored.loaded(LOANS).spec
        records = read_model(spec, store, read_period(spec, store))
    kept = next(entry for entry in records.incidents if entry.log)
    ended = replace(kept.stored.incident, state=IncidentState.RESOLVED, resolved=DAYS[-1], since=DAYS[0])
    many = tuple(
        replace(kept, stored=replace(kept.stored, incident_id=day, incident=replace(ended, last_breached=day)))
        for day in DAYS
    )
    page = model_contents(replace(records, incidents=many))
    newest_first = sorted(DAYS, reverse=True)
    assert [entry.name for entry in page.incidents] == newest_first[:RESOLVED_SHOWN]
    assert [entry.name for entry in page.earlier] == newest_first[RESOLVED_SHOWN:] != []
    html = model_html(page)
    assert all(html.count(f'id="incident-{day}"') == 1 for day in DAYS)


def test_same_store_gives_the_same_bytes(monitored: World, page: ModelContents) -> None:
    with monitored.store() as store:
        again = build_model_page(monitored.loaded(LOANS).spec, store)
    assert model_html(again) == model_html(page)


def test_page_of_a_chunk_shows_nothing_later(monitored: World) -> None:
    with monitored.store() as store:
        early = build_model_page(monitored.loaded(LOANS).spec, store, last=DAYS[3])
    assert early.chunk == DAYS[3]
    assert {day.key for week in early.calendar for day in week.days if day} == set(DAYS[:4])


def test_page_of_a_period_without_verdicts_names_the_command_that_judges(monitored: World) -> None:
    with (
        monitored.store() as store,
        pytest.raises(NothingJudgedError, match="monitoring-pipeline backfill loan_default"),
    ):
        build_model_page(monitored.loaded(LOANS).spec, store, last="2024-01-01")


@pytest.mark.parametrize("model", [LOANS, DELIVERIES])
def test_file_is_self_contained_and_small(pages: AllPages, model: str) -> None:
    html = model_html(pages.models[model])
    assert len(html.encode()) < LARGEST_PAGE
    loaded = re.findall(r'(?:src|href)="([^"#][^"]*)"|url\(([^)]*)\)|@import', html)
    assert {address for pair in loaded for address in pair if address} <= {"data:,"}


def test_overview_lists_the_worst_model_first_and_never_judged_ones(monitored: World, pages: AllPages) -> None:
    ranks = ["critical", "warning", "unknown", "", "ok"]
    shown = [ranks.index(line.status) for line in pages.overview.models]
    assert shown == sorted(shown)
    html = overview_html(pages.overview)
    assert f'href="{LOANS}.html"' in html
    renamed = monitored.loaded(LOANS).spec.model_copy(update={"name": "new_model"})
    with monitored.store() as store:
        (line,) = build_all_pages([renamed], store).overview.models
    assert (line.status, line.chunk) == ("", "")
    assert "backfill new_model" in line.sentence


def test_tiles_count_the_incidents_that_last(monitored: World, pages: AllPages) -> None:
    ((lasting,),) = monitored.ask("SELECT COUNT(*) FROM incidents WHERE state <> 'resolved'")
    tiles = {tile.name: tile.value for tile in pages.overview.tiles}
    assert tiles["incidents that last"] == str(lasting)
    assert tiles["of them acknowledged by nobody"] == str(lasting)


def test_page_names_the_tables_of_the_rows_and_the_assets_that_write_them(monitored: World) -> None:
    spec = monitored.loaded(LOANS).spec
    upstream = UpstreamAssets(predictions="marts/loan_scores")
    with monitored.store() as store:
        page = build_model_page(spec.model_copy(update={"upstream": upstream}), store)
    facts = {fact.name: fact.value for fact in page.audit}
    assert facts["predictions"] == "table Loan Scores, written by the asset marts/loan_scores"
    assert facts["labels"] == "table Outcomes"


def test_store_counts_breaches_by_chunk_and_kind_as_the_rows_say(monitored: World) -> None:
    with monitored.store() as store:
        found = store.breaches_by_kind(LOANS, DAYS[0], DAYS[-1])
    stored = monitored.ask(
        "SELECT chunk, kind, severity, COUNT(*) FROM current_measurements WHERE model = :m AND status = 'breached' "
        "AND chunk NOT LIKE '%/%' AND role IN ('champion', 'challenger') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3", m=LOANS,
    )  # fmt: skip
    assert [(b.chunk, b.kind, b.severity, b.count) for b in found] == [tuple(row) for row in stored] != []


def test_page_lists_no_row_of_the_warehouse(monitored: World, pages: AllPages) -> None:
    ids = [row[0] for row in monitored.execute('SELECT "Application ID" FROM "Loan Scores" LIMIT 500')]
    html = model_html(pages.models[LOANS])
    assert not [name for name in ids if re.search(rf"\b{re.escape(str(name))}\b", html)]


def test_contents_are_plain_data(page: ModelContents) -> None:
    assert json.dumps([row for chart in page.performance for row in chart.rows])
    assert not [path for path in (str(Path.home()), "/tmp/") if path in model_html(page)]


def test_series_that_are_read_are_those_that_are_drawn(lived_in_world: World) -> None:
    spec = lived_in_world.loaded(LOANS).spec
    m = Measurement(kind=Kind.PERFORMANCE, subject="model", name="auroc", model_version="2024.1", value=0.1)
    extra = (m, replace(m, segment="city=Berlin"), replace(m, role=Role.SHADOW), replace(m, name="rows"))
    results = ChunkResults(
        producer=Producer.TRIAL,
        chunk=spec.calendar.chunk(DAYS[-1]),
        provenance=Provenance(spec_hash="", reference_hash="", input_fingerprint="", code_version=""),
        measurements=extra,
    )
    with lived_in_world.store() as store:
        before = read_model(spec, store, read_period(spec, store)).series
        store.replace(results, run_id="test", measured_at=dt.datetime(2024, 4, 7, tzinfo=dt.UTC))
        after = read_model(spec, store, read_period(spec, store)).series
    assert {str(m.metric) for _, m in before} == {"auroc"}
    assert {m.kind for _, m in before} == {Kind.PERFORMANCE, Kind.ESTIMATED_PERFORMANCE}
    assert [entry for entry in after if entry not in before] == [(DAYS[-1], m)]


def test_budget_counts_the_openings_of_the_store_by_their_worst_severity(monitored: World, page: ModelContents) -> None:
    opened = monitored.ask(
        "SELECT i.incident_id, i.severity, i.cause FROM incidents i JOIN incident_events e USING (incident_id) "
        "WHERE i.model = :m AND e.kind IN ('opened', 'reopened') AND i.severity <> 'info'", m=LOANS,
    )  # fmt: skip
    pages = sum(severity == "critical" for _, severity, _ in opened)
    rows = {cells[0].text: [cell.text for cell in cells[1:4]] for cells in page.budget.table.rows}
    assert opened
    # Nobody has recorded what they were.
    assert rows == {"pages": ["0", str(pages), "0"], "warnings": ["0", str(len(opened) - pages), "0"]}
    assert sum(int(cells[2].text) for cells in page.budget.rules.rows) == len(opened)
    assert {cells[0].text for cells in page.budget.rules.rows} == {cause.partition(":")[0] for *_, cause in opened}
    assert all(sentence in model_html(page) for sentence in page.budget.sentences)


def test_budget_has_what_replay_expects_of_the_serving_version_beside_it(monitored: World) -> None:
    spec = monitored.loaded(LOANS).spec
    with monitored.store() as store:
        records = read_model(spec, store, read_period(spec, store))
    serving = next(m.model_version for m in records.measurements if m.role is Role.CHAMPION and m.model_version)
    openings = Measurement(
        kind=Kind.OPERATIONS, subject="model", name="expected_openings", model_version=serving, value=0.25, lower=0.0,
        upper=1.0,
    )  # fmt: skip
    others = (replace(openings, subject="inputs", value=7.0), replace(openings, model_version="other", value=8.0))
    rows = budget_contents(replace(records, expected=(openings, *others))).table.rows
    assert {cells[0].text: cells[-1].text for cells in rows} == {"pages": "", "warnings": "0.25 (0 to 1)"}


def test_budget_counts_the_quarter_on_a_page_of_a_shorter_period(monitored: World) -> None:
    """The page of a later day shows that day only, on which the incidents of the quarter are over."""
    spec, later = monitored.loaded(LOANS).spec, "2024-05-30"
    with monitored.store() as store:
        verdict = read_period(spec, store).verdict
        records = read_model(spec, store, Period(verdicts={later: verdict}))
        spent = read_spent(spec, store, spec.calendar.chunk(later))
    assert not any(entry.log for entry in records.incidents)
    assert [row.unknown for row in spent] == [0, 1]
    rows = budget_contents(records).table.rows
    assert [[cell.text for cell in row[1:3]] for row in rows] == [[str(row.false), str(row.unknown)] for row in spent]


def test_medians_over_time_are_those_of_the_warehouse(monitored: World, page: ModelContents) -> None:
    score = next(column for column in page.columns if column.name == "score")
    assert score.over_time is not None
    rows = {row[0]: row[1:] for row in score.over_time.rows}
    assert [*rows][-1] == "reference"
    loans, _ = loan_tables()
    days = loans["Scored At"].dt.convert_time_zone("Europe/Berlin").dt.date().cast(pl.String)
    for key in DAYS:
        median = loans.filter(days == key)["Default Probability"].median()
        assert float(rows[key][2]) == pytest.approx(median, abs=0.02)


def test_columns_with_the_same_fault_have_one_line() -> None:
    alike = [
        Finding(
            kind=Kind.QUALITY, subject=name, name="null_share", model_version="1", value=share, rows=776, reason=name
        )
        for name, share in (("wind", 1.0), ("rain", 0.5), ("dew", 1.0))
    ]
    alone = replace(alike[0], subject="seats", name="unseen_share", value=0.2, reason="seats")
    rows = findings_table([*alike, alone]).rows
    assert [row[0].text for row in rows] == ["3 columns, null_share: wind, rain, dew", "seats unseen_share"]
    assert [row[1].text for row in rows] == ["50.0 % to 100 %", "20.0 %"]
    assert rows[0][-1].text == "such as wind"
    assert len(findings_table(alike[:2]).rows) == 2


@pytest.mark.parametrize(("better", "order"), [
    (Better.HIGHER, ["b", "a"]), (Better.LOWER, ["c"]), (Better.ZERO, ["c"]), (None, []),
])  # fmt: skip
def test_worst_segments_are_those_farthest_on_the_bad_side_of_their_own_usual_value(
    better: Better | None, order: list[str]
) -> None:
    def measured(segment: str, value: float, usual: float, version: str = "1") -> Measurement:
        return Measurement(
            kind=Kind.SEGMENT, subject="model", name="auroc", model_version=version, segment=segment, value=value,
            reference_value=usual, rows=100,
        )  # fmt: skip

    found = [measured("a", 0.6, 0.7), measured("b", 0.5, 0.8), measured("c", 0.9, 0.7), measured("d", 0.1, 0.9, "2")]
    table = worst_segments(found, MetricName("auroc"), better, "1", most=2)
    assert [row[0].text for row in table.rows] == order


def test_versions_that_served_have_a_time_line(monitored: World) -> None:
    spec = monitored.loaded(LOANS).spec
    with monitored.store() as store:
        records = read_model(spec, store, read_period(spec, store))
    assert versions_over_time(records) is None
    (_, first), *rest = records.series
    later = [(key, replace(m, model_version="2") if key >= DAYS[3] else m) for key, m in rest]
    on_trial = (DAYS[1], replace(first, model_version="2", role=Role.CHALLENGER))
    chart = versions_over_time(replace(records, series=((records.series[0]), on_trial, *later)))
    assert chart is not None
    assert set(chart.rows) == {
        (f"version {first.model_version}", "champion", f"{DAYS[0]} to {DAYS[2]}", ""),
        ("version 2", "challenger", DAYS[1], ""),
        ("version 2", "champion", f"{DAYS[3]} to {records.series[-1][0]}", ""),
    }
    assert "<rect" in chart.svg or "<path" in chart.svg
