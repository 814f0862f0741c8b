"""Pages opened from disk in Chromium: nothing fails, nothing is loaded, everybody can read them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

from monitoring_pipeline.spec.week import Week
from monitoring_pipeline.steps.week import read_week
from monitoring_pipeline.web_pages.building import build_all_pages
from monitoring_pipeline.web_pages.contents.week import week_contents
from monitoring_pipeline.web_pages.rendering import Links, model_html, overview_html, week_html
from monitoring_pipeline_tests.end_to_end.browser import browser_page
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, World

PHONE, DESKTOP = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


@pytest.fixture(scope="module")
def folder(monitored: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the overview, the newest week, and the pages of both models."""
    written = tmp_path_factory.mktemp("pages")
    with monitored.store() as store:
        pages = build_all_pages([monitored.loaded(model).spec for model in (LOANS, DELIVERIES)], store)
        week = Week.named(DAYS[-1])
        models = read_week([monitored.loaded(model).spec for model in (LOANS, DELIVERIES)], store, week).models
    (written / "index.html").write_text(overview_html(pages.overview), encoding="utf-8")
    html = week_html(week_contents(week, models), links=Links(overview="index.html"))
    (written / "week.html").write_text(html, encoding="utf-8")
    for name, page in pages.models.items():
        html = model_html(page, links=Links(overview="index.html"))
        (written / f"{name}.html").write_text(html, encoding="utf-8")
    return written


@pytest.fixture(scope="module")
def tab() -> Iterator[Page]:
    with browser_page() as page:
        yield page


@pytest.fixture
def browser(tab: Page) -> Iterator[Page]:
    """A tab; the test fails if the page says something on the console, or asks for anything but itself."""
    said: list[str] = []
    asked: list[str] = []

    def note(message: object) -> None:
        said.append(str(message))

    tab.on("console", note)
    tab.on("pageerror", note)
    tab.on("request", lambda request: asked.append(request.url))
    tab.set_viewport_size(DESKTOP)
    yield tab
    assert not said
    assert not [address for address in asked if not address.startswith(("file:", "data:"))]
    tab.remove_listener("console", note)
    tab.remove_listener("pageerror", note)


@pytest.mark.parametrize("name", ["index", "week", LOANS, DELIVERIES])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_page_has_no_fault_of_accessibility(browser: Page, folder: Path, name: str, scheme: str) -> None:
    browser.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    browser.goto((folder / f"{name}.html").as_uri())
    found = Axe().run(browser).response["violations"]
    assert [(fault["id"], fault["nodes"][0]["html"]) for fault in found] == []


@pytest.mark.parametrize("name", ["index", "week", LOANS, DELIVERIES])
def test_page_fits_a_phone(browser: Page, folder: Path, name: str) -> None:
    browser.set_viewport_size(PHONE)
    browser.goto((folder / f"{name}.html").as_uri())
    browser.evaluate("for (const each of document.querySelectorAll('details')) each.open = true")
    assert browser.evaluate("document.documentElement.scrollWidth") == PHONE["width"]
    # Words for screen readers belong to the table that scrolls, else a wide table would widen the page.
    loose = "[...document.querySelectorAll('.scroll .hidden')].filter(each => !each.offsetParent?.closest('.scroll'))"
    assert browser.evaluate(f"{loose}.length") == 0


def test_every_text_of_a_cell_is_beside_its_name_on_a_phone(browser: Page, folder: Path) -> None:
    browser.set_viewport_size(PHONE)
    browser.goto((folder / "index.html").as_uri())
    cell = browser.locator("table.wide td[data-name=verdict]").first
    places = cell.evaluate(
        """td => { const range = document.createRange(); range.selectNodeContents(td);
        return [...range.getClientRects()].map(place => place.left - td.getBoundingClientRect().left) }"""
    )
    assert len(places) > 1
    assert min(place for place in places if place >= 0) > 100


def test_overview_leads_to_a_model_and_back(browser: Page, folder: Path) -> None:
    browser.goto((folder / "index.html").as_uri())
    browser.get_by_role("link", name=LOANS, exact=True).click()
    assert browser.get_by_role("heading", level=1).inner_text() == LOANS
    browser.get_by_role("link", name="All models").click()
    assert browser.get_by_role("heading", level=1).inner_text() == "Models in production"


@pytest.mark.parametrize("name", ["week", LOANS])
def test_no_label_of_a_drawing_is_cut(browser: Page, folder: Path, name: str) -> None:
    browser.goto((folder / f"{name}.html").as_uri())
    cut = browser.evaluate(
        "[...document.querySelectorAll('figure svg')].flatMap(svg => [...svg.querySelectorAll('text')]"
        ".filter(text => text.getBoundingClientRect().width > 0)"
        ".filter(text => text.getBoundingClientRect().left < svg.getBoundingClientRect().left - 1)"
        ".map(text => text.textContent))"
    )
    assert cut == []


def test_week_leads_to_the_model_that_changed(browser: Page, folder: Path) -> None:
    browser.goto((folder / "week.html").as_uri())
    browser.locator("#contents h3").get_by_role("link", name=LOANS).click()
    assert browser.get_by_role("heading", level=1).inner_text() == LOANS


def test_search_and_owner_leave_the_models_that_fit_both(browser: Page, folder: Path) -> None:
    browser.goto((folder / "index.html").as_uri())
    rows = browser.locator("#models tbody tr")
    browser.get_by_label("Find a model").fill("loan")
    assert [rows.nth(n).is_visible() for n in range(2)].count(True) == 1
    browser.get_by_label("Find a model").fill("")
    browser.get_by_label("Owner").select_option("team:logistics")
    assert rows.filter(visible=True).first.inner_text().startswith(DELIVERIES)
    assert rows.filter(visible=True).count() == 1


def test_link_to_an_incident_opens_it(browser: Page, folder: Path, monitored: World) -> None:
    with monitored.store() as store:
        names = [entry.incident_id for entry in store.incidents(LOANS)]
    for name in names:
        browser.goto(f"{(folder / f'{LOANS}.html').as_uri()}#incident-{name}")
        assert browser.locator(f"#incident-{name}").is_visible()


def test_incident_is_copied_as_markdown(browser: Page, folder: Path) -> None:
    browser.context.grant_permissions(["clipboard-read", "clipboard-write"])
    browser.goto((folder / f"{LOANS}.html").as_uri())
    browser.get_by_role("button", name="Copy as Markdown").first.click()
    browser.get_by_role("button", name="Copied").wait_for()
    assert browser.locator("textarea").first.input_value().startswith("### ")


def test_numbers_of_a_chart_are_reached_by_keyboard(browser: Page, folder: Path) -> None:
    browser.goto((folder / f"{LOANS}.html").as_uri())
    numbers = browser.locator("#performance ~ figure summary").first
    numbers.focus()
    browser.keyboard.press("Enter")
    assert DAYS[0] in browser.locator("#performance ~ figure table").first.inner_text()


def test_column_is_found_by_its_name(browser: Page, folder: Path) -> None:
    browser.goto((folder / f"{LOANS}.html").as_uri())
    browser.get_by_label("Find a column").fill("income")
    shown = browser.locator("main > .columns > article").filter(visible=True)
    assert shown.count() == 1
    assert shown.first.locator("svg").first.bounding_box()["width"] > 100  # type: ignore[index]


def test_printed_page_has_the_closed_parts_too(browser: Page, folder: Path, tmp_path: Path) -> None:
    browser.goto((folder / f"{LOANS}.html").as_uri())
    browser.evaluate("dispatchEvent(new Event('beforeprint'))")
    closed = browser.locator("details.past:not([open]), details.more:not([open])").count()
    browser.pdf(path=tmp_path / "page.pdf")
    assert closed == 0
    assert (tmp_path / "page.pdf").stat().st_size > 20_000
