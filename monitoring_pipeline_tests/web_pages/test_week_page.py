"""The page of a week of the small world: what it says is what the store holds, for that week and no later."""

import re

import pytest

from monitoring_pipeline.spec.week import Week
from monitoring_pipeline.steps.week import newest_week, read_week
from monitoring_pipeline.web_pages.contents.week import WeekContents, week_contents
from monitoring_pipeline.web_pages.rendering import week_html
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, World

FIRST, LAST = Week.named(DAYS[0]), Week.named(DAYS[-1])
LARGEST_PAGE = 120_000


def page_of(world: World, week: Week) -> WeekContents:
    specs = [world.loaded(model).spec for model in (LOANS, DELIVERIES)]
    with world.store() as store:
        return week_contents(week, read_week(specs, store, week).models)


@pytest.fixture(scope="module")
def page(monitored: World) -> WeekContents:
    return page_of(monitored, LAST)


def test_newest_week_is_that_of_the_newest_verdict(monitored: World) -> None:
    with monitored.store() as store:
        spec = monitored.loaded(LOANS).spec
        assert newest_week([spec], store) == LAST
        assert newest_week([spec.model_copy(update={"name": "never_judged"})], store) is None


def test_verdicts_of_the_week_are_those_of_the_store(monitored: World, page: WeekContents) -> None:
    for row in page.verdicts:
        stored = dict(monitored.ask("SELECT chunk, status FROM current_verdicts WHERE model = :m", m=row.name))
        shown = {day.key: day.status for day in row.days if day}
        assert shown == {chunk: status for chunk, status in stored.items() if chunk >= LAST.monday.isoformat()} != {}
        for date, day in zip(LAST.days, row.days, strict=True):
            assert day is None or day.key == date.isoformat()


def test_incidents_of_the_week_are_counted_and_drawn(monitored: World, page: WeekContents) -> None:
    stored = monitored.ask("SELECT title, state, opened FROM incidents WHERE severity <> 'info'")
    tiles = {tile.name: tile.value for tile in page.tiles}
    assert tiles["incidents opened"] == str(sum(opened >= LAST.monday.isoformat() for _, _, opened in stored)) != "0"
    assert tiles["incidents open at the end"] == str(sum(state != "resolved" for _, state, _ in stored))
    assert page.incidents is not None
    assert {row[3].split(";")[0] for row in page.incidents.rows} == {title for title, _, _ in stored}
    (changes,) = page.changes
    assert changes.name == LOANS
    assert any(sentence.startswith("Opened: ") and stored[0][0] in sentence for sentence in changes.sentences)


def test_performance_is_the_newest_of_the_week_and_of_the_week_before(monitored: World, page: WeekContents) -> None:
    stored = dict(monitored.ask(
        "SELECT chunk, value FROM current_measurements WHERE model = :m AND kind = 'performance' AND name = 'auroc' "
        "AND chunk NOT LIKE '%/%' AND value IS NOT NULL", m=LOANS,
    ))  # fmt: skip
    now = max(chunk for chunk in stored if chunk >= LAST.monday.isoformat())
    before = max(chunk for chunk in stored if chunk < LAST.monday.isoformat())
    row = next(row for row in page.metrics.rows if row[0].text == LOANS)
    assert [cell.text for cell in row[1:4]] == ["auroc", now, f"{stored[now]:.3f}"]
    assert row[-1].text == f"{stored[before]:.3f}"


def test_page_of_an_earlier_week_shows_nothing_later(monitored: World) -> None:
    page = page_of(monitored, FIRST)
    assert page.incidents is None
    assert [change.sentences[0] for change in page.changes] == [
        "Ok on all 7 days; in the week before nothing was judged."
    ] * 2
    assert {row[2].text for row in page.metrics.rows} <= set(DAYS[:7])
    assert not [day for day in DAYS[7:] if day in week_html(page)]


def test_page_of_a_week_without_verdicts_says_so(monitored: World) -> None:
    page = page_of(monitored, LAST.earlier(-1))
    assert page.headline.startswith("2 models: 2 not judged.")
    assert all(change.sentences[0].startswith("Nothing was judged in this week; ") for change in page.changes)
    assert not page.unchanged
    assert {*page.not_judged, *(change.name for change in page.changes)} == {row.name for row in page.verdicts}


def test_page_has_at_most_five_pictures_and_is_small(page: WeekContents) -> None:
    html = week_html(page)
    assert 3 <= html.count("<figure>") + html.count('<table class="calendar">') <= 5
    assert len(html.encode()) < LARGEST_PAGE
    loaded = re.findall(r'(?:src|href)="([^"#][^"]*)"|url\(([^)]*)\)|@import', html)
    assert {address for pair in loaded for address in pair if address} <= {"data:,"}


def test_same_store_gives_the_same_bytes(monitored: World, page: WeekContents) -> None:
    assert week_html(page_of(monitored, LAST)) == week_html(page)
