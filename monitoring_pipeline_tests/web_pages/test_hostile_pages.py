"""Names and values that try to become markup, code, or another text: each stays text, clipped and visible."""

import datetime as dt
import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from monitoring_pipeline.dashboard.site import LINKS as SITE
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.spec.week import Week
from monitoring_pipeline.steps.week import read_week
from monitoring_pipeline.web_pages.building import build_model_page
from monitoring_pipeline.web_pages.contents.incident import IncidentContents
from monitoring_pipeline.web_pages.contents.model import ModelContents
from monitoring_pipeline.web_pages.contents.table import Cell, Fact
from monitoring_pipeline.web_pages.contents.week import week_contents
from monitoring_pipeline.web_pages.markdown import incident_markdown
from monitoring_pipeline.web_pages.rendering import Links, message_html, model_html, week_html
from monitoring_pipeline.web_pages.safe_text import safe_address
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, World

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "</textarea><script>alert(1)</script>",
    "</title></style></script><b>",
    "\x1b[31mred\x1b[0m",
    "\u202eevil\u200b",
    "{{ 7 * 7 }}{% raw %}",
    "x" * 1_000_000,
    "![](http://example.com/x.png) [a](javascript:alert(1)) `code` | pipe",
)
LARGEST_GROWTH = 40_000
ADDRESSES = frozenset({"href", "src", "action", "formaction", "data"})


class Tags(HTMLParser):
    """Collects the tags of a page, and its attributes that run code."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.code: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.code += [name for name, _ in attrs if name.startswith("on")]
        self.code += [value or "" for name, value in attrs if name in ADDRESSES and "script:" in (value or "").lower()]


def parsed(html: str) -> Tags:
    tags = Tags()
    tags.feed(html)
    return tags


@pytest.fixture(scope="module")
def page(monitored: World) -> ModelContents:
    with monitored.store() as store:
        return build_model_page(monitored.loaded(LOANS).spec, store)


def decision_about(text: str) -> Decision:
    return Decision(
        model=LOANS, topic=Topic.GATE, answer=Answer.REFUSED, reason=text, actor=text, model_version=text,
        at=dt.datetime(2024, 4, 3, tzinfo=dt.UTC), key=DecisionKey("x"),
    )  # fmt: skip


def poisoned(page: ModelContents, text: str) -> ModelContents:
    incident = page.incidents[0]
    bad: IncidentContents = replace(
        incident,
        title=text,
        sentence=text,
        runbook=text,
        facts=(Fact(text, text, link=text),),
        causes=(text,),
        findings=replace(incident.findings, rows=((Cell(text, text, text), *incident.findings.rows[0][1:]),)),
    )
    column = replace(page.columns[0], name=text, reason=text, shifts=(text,), effect=None)
    return replace(page, description=text, reasons=(text, text), incidents=(bad,), columns=(column, *page.columns[1:]))


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:20])
def test_text_adds_no_tag_no_code_and_little_length(page: ModelContents, text: str) -> None:
    harmless, hostile = (model_html(poisoned(page, word)) for word in ("harmless", text))
    before, after = parsed(harmless), parsed(hostile)
    assert after.tags == before.tags
    assert not after.code
    assert len(hostile) - len(harmless) < LARGEST_GROWTH
    assert not set(hostile) & set("\x1b\u202e\u200b")


@pytest.mark.parametrize("text", HOSTILE, ids=lambda text: text[:20])
def test_week_adds_no_tag_no_code_and_little_length(monitored: World, text: str) -> None:
    def week_of(word: str) -> str:
        spec = monitored.loaded(LOANS).spec
        with monitored.store() as store:
            week = Week.named(DAYS[-1])
            (model,) = read_week([spec], store, week).models
        bad = replace(model, spec=spec.model_copy(update={"name": word, "owner": word}), incidents=tuple(
            replace(entry, stored=replace(entry.stored, incident=replace(entry.stored.incident, title=word)))
            for entry in model.incidents
        ), decisions=(decision_about(word),))  # fmt: skip
        return week_html(week_contents(week, [bad]), links=SITE)

    harmless, hostile = map(week_of, ("harmless", text))
    before, after = parsed(harmless), parsed(hostile)
    assert after.tags == before.tags
    assert not after.code
    assert len(hostile) - len(harmless) < LARGEST_GROWTH
    assert not set(hostile) & set("\x1b\u202e\u200b")


@pytest.mark.parametrize(("address", "kept"), [
    ("https://example.com/runbook", True), ("http://example.com", True), ("#incident-1", True), ("/models/a", True),
    ("loans.html", True), ("javascript:alert(1)", False), ("data:text/html,x", False), ("//example.com", False),
    (" javascript:alert(1)", False), ("JaVaScRiPt:alert(1)", False), ("file:///etc/passwd", False),
])  # fmt: skip
def test_only_pages_are_linked(address: str, *, kept: bool) -> None:
    assert (safe_address(address) == address) == kept


@pytest.mark.parametrize("text", HOSTILE[:-2], ids=lambda text: text[:20])
def test_message_stays_text(text: str) -> None:
    assert parsed(message_html(text, links=Links())).tags == parsed(message_html("harmless", links=Links())).tags


def test_markdown_has_no_mark_that_a_name_brought(page: ModelContents) -> None:
    written = incident_markdown(poisoned(page, HOSTILE[-1]).incidents[0])
    assert "\\[a\\](javascript" in written
    assert not re.search(r"(?<!\\)\]\(", written)
    lines = [line for line in written.splitlines() if line.startswith("|")]
    assert len({line.count("|") - line.count("\\|") for line in lines}) == 1
