"""The site, served on loopback and asked over HTTP: pages, refusals, and the actions of people."""

import datetime as dt
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest

from monitoring_pipeline.dashboard.signing_in import SECRET_HEADER, Proxy
from monitoring_pipeline.dashboard.site import Site
from monitoring_pipeline.records.decision import Answer, Topic
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.dashboard.served import served
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, World

SECRET = "a secret of the proxy"
PROXY = Proxy(secret=SECRET, user_header="X-Forwarded-User")
ADA = {SECRET_HEADER: SECRET, "X-Forwarded-User": "ada"}
NOW = dt.datetime(2024, 4, 6, 8, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Visitor:
    """A browser at a site, behind the proxy or not."""

    http: httpx.Client
    world: World

    def get(self, address: str) -> httpx.Response:
        return self.http.get(address)

    def token(self) -> str:
        found = re.search(r'name="token" value="([^"]+)"', self.get(f"/models/{LOANS}").text)
        assert found is not None
        return found[1]

    def post(self, address: str, **fields: str) -> httpx.Response:
        return self.http.post(address, data=fields)

    def incident(self) -> str:
        with self.world.store() as store:
            return store.incidents(LOANS)[0].incident_id


@contextmanager
def visiting(site: Site, world: World, headers: dict[str, str]) -> Iterator[Visitor]:
    """Serve a site, and yield a visitor of it."""
    with (
        served(site) as address,
        httpx.Client(base_url=address, headers=headers, timeout=60, trust_env=False) as http,
    ):
        yield Visitor(http, world)


@pytest.fixture(scope="module")
def reader(monitored: World) -> Iterator[Visitor]:
    """A visitor of a site on which nobody can act."""
    with ResultStore.open_to_read(monitored.settings.store_url) as store:
        site = Site(settings=monitored.settings, store=store, clock=lambda: NOW)
        with visiting(site, monitored, {}) as someone:
            yield someone


@pytest.fixture
def person(lived_in_world: World) -> Iterator[Visitor]:
    """Ada, whom the proxy has signed in."""
    with lived_in_world.store() as store:
        site = Site(settings=lived_in_world.settings, store=store, clock=lambda: NOW, proxy=PROXY)
        with visiting(site, lived_in_world, ADA) as ada:
            yield ada


def test_overview_links_to_pages_that_exist(reader: Visitor) -> None:
    links = re.findall(r'href="(/models/[^"]+)"', reader.get("/").text)
    assert len(set(links)) == 2
    for link in set(links):
        assert reader.get(link).status_code == 200


def test_weeks_lead_to_each_other_and_to_the_days_of_models(reader: Visitor) -> None:
    assert 'href="/week"' in reader.get("/").text
    newest = reader.get("/week")
    assert newest.status_code == 200
    assert newest.text == reader.get("/week?week=2024-W14").text
    addresses = re.findall(r'href="(/(?:week|models)[^"]*)"', newest.text)
    assert {"/week?week=2024-W13", "/week?week=2024-W15", f"/models/{LOANS}?chunk={DAYS[-1]}"} <= set(addresses)
    assert {reader.get(address).status_code for address in addresses} == {200}


def test_days_of_the_calendar_lead_to_their_pages(reader: Visitor) -> None:
    page = reader.get(f"/models/{LOANS}")
    (link,) = {link for link in re.findall(r'href="(/models/[^"]+)"', page.text) if DAYS[2] in link}
    assert f"on {DAYS[2]}</title>" in reader.get(link.replace("&amp;", "&")).text


def test_link_of_a_message_leads_to_the_incident(reader: Visitor) -> None:
    answer = reader.get(f"/incidents/{reader.incident()}")
    assert answer.status_code == 303
    address, _, anchor = answer.headers["location"].partition("#")
    assert f'id="{anchor}"' in reader.get(address).text


@pytest.mark.parametrize(("address", "words"), [
    ("/models/none", "no model &#39;none&#39;; known: "),
    (f"/models/{LOANS}?chunk=2024-02-31", "2024-02-31"),
    (f"/models/{LOANS}?chunk=yesterday", "is not a day such as"),
    (f"/models/{LOANS}?to=2020-01-01", "no day was judged"),
    ("/week?week=soon", "&#39;soon&#39; is not a week such as 2013-W16"),
    ("/incidents/nothing", "no incident &#39;nothing&#39;"),
])  # fmt: skip
def test_what_is_not_there_is_a_sentence(reader: Visitor, address: str, words: str) -> None:
    answer = reader.get(address)
    assert answer.status_code == 404
    assert words in answer.text


def test_store_that_is_damaged_while_the_site_runs_is_a_sentence(person: Visitor) -> None:
    assert person.get("/").status_code == 200
    person.world.ask("SELECT 1")
    for file in person.world.folder.glob("results.db*"):
        file.write_bytes(b"damaged " * 10_000)
    answer = person.get(f"/models/{LOANS}")
    assert (answer.status_code, "The store of results cannot be read now" in answer.text) == (503, True)
    assert "Traceback" not in answer.text


def test_specs_that_are_gone_while_the_site_runs_are_a_sentence(person: Visitor) -> None:
    (person.world.folder / "specs").rename(person.world.folder / "elsewhere")
    answer = person.get("/")
    assert (answer.status_code, "specs" in answer.text) == (503, True)


def test_every_answer_forbids_foreign_code_and_frames(reader: Visitor) -> None:
    for address in ("/", f"/models/{LOANS}", "/models/none"):
        headers = reader.get(address).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"


def test_nobody_acts_on_a_site_without_a_proxy(reader: Visitor) -> None:
    assert '<form class="act"' not in reader.get(f"/models/{LOANS}").text
    answer = reader.post(f"/incidents/{reader.incident()}/acknowledge", reason="mine")
    assert (answer.status_code, "read-only" in answer.text) == (403, True)


@pytest.mark.parametrize(
    "forged", [{}, {"X-Forwarded-User": "ada"}, {SECRET_HEADER: "guess", "X-Forwarded-User": "ada"}]
)
def test_site_behind_a_proxy_answers_nobody_else(person: Visitor, forged: dict[str, str]) -> None:
    for address in ("/", f"/models/{LOANS}"):
        assert httpx.get(f"{person.http.base_url}{address}", headers=forged, trust_env=False).status_code == 403


def test_person_acknowledges_and_the_audit_says_who_and_why(person: Visitor) -> None:
    incident = person.incident()
    answer = person.post(f"/incidents/{incident}/acknowledge", token=person.token(), reason="I look into it")
    assert (answer.status_code, answer.headers["location"]) == (303, f"/incidents/{incident}")
    with person.world.store() as store:
        assert store.incident(incident).handling.acknowledged_by == "ada"
        (decision,) = store.decisions(LOANS, topic=Topic.ACKNOWLEDGEMENT)
    assert (decision.actor, decision.reason, decision.at) == ("ada", "I look into it", NOW)
    page = person.get(f"/models/{LOANS}").text
    assert page.count("acknowledged by ada: I look into it") == 1
    assert f'action="/incidents/{incident}/acknowledge"' not in page


def test_person_comments_mutes_unmutes_and_records_the_outcome(person: Visitor) -> None:
    incident, token = person.incident(), person.token()
    for action, fields in {
        "comment": {"reason": "a new source of incomes"},
        "mute": {"reason": "known", "until": "2024-05-01"},
        "unmute": {"reason": "over"},
        "outcome": {"outcome": "real"},
    }.items():
        assert person.post(f"/incidents/{incident}/{action}", token=token, **fields).status_code == 303, action
    with person.world.store() as store:
        handling = store.incident(incident).handling
        told = [entry.event.summary for entry in store.incident_log(incident)]
    assert (handling.outcome, handling.muted_until) == ("real", None)
    assert "commented by ada: a new source of incomes" in told
    assert any("muted until 2024-05-01 00:00 UTC" in text for text in told)


@pytest.mark.parametrize(("action", "fields", "words"), [
    ("acknowledge", {"reason": " "}, "reason: it is empty"),
    ("acknowledge", {"reason": "x" * 2_001}, "at most 2000"),
    ("mute", {"reason": "r", "until": "tomorrow"}, "until: &#39;tomorrow&#39; is no time"),
    ("mute", {"reason": "r", "until": "2024-04-01"}, "is past"),
    ("outcome", {"outcome": "maybe"}, "none of real, noise, planned"),
    ("delete", {"reason": "r"}, "none of acknowledge"),
])  # fmt: skip
def test_wrong_form_is_a_sentence_and_changes_nothing(
    person: Visitor, action: str, fields: dict[str, str], words: str
) -> None:
    before = person.world.ask("SELECT * FROM incidents ORDER BY incident_id")
    answer = person.post(f"/incidents/{person.incident()}/{action}", token=person.token(), **fields)
    assert (answer.status_code, words in answer.text) == (400, True)
    assert person.world.ask("SELECT * FROM incidents ORDER BY incident_id") == before
    assert person.world.ask("SELECT COUNT(*) FROM decisions WHERE actor = 'ada'") == [(0,)]


def test_form_without_a_token_or_from_another_site_is_refused(person: Visitor) -> None:
    address = f"/incidents/{person.incident()}/acknowledge"
    assert person.post(address, reason="mine").status_code == 403
    assert person.post(address, reason="mine", token=PROXY.token("bob", NOW.timestamp())).status_code == 403
    foreign = person.http.post(
        address, data={"reason": "mine", "token": person.token()}, headers={"Sec-Fetch-Site": "cross-site"}
    )
    assert foreign.status_code == 403
    assert person.world.ask("SELECT COUNT(*) FROM decisions WHERE actor = 'ada'") == [(0,)]


def test_form_that_is_too_large_is_refused(person: Visitor) -> None:
    answer = person.post(f"/incidents/{person.incident()}/acknowledge", token=person.token(), reason="x" * 200_000)
    assert (answer.status_code, "bytes" in answer.text) == (400, True)


def test_retraining_that_cannot_begin_is_a_sentence(person: Visitor) -> None:
    answer = person.post(f"/models/{LOANS}/retrain", token=person.token(), reason="now")
    assert (answer.status_code, "no part retraining" in answer.text) == (409, True)


def test_person_asks_for_a_retraining_once(judged: World) -> None:
    with judged.store() as store:
        site = Site(settings=judged.settings, store=store, clock=lambda: NOW, proxy=PROXY)
        with visiting(site, judged, ADA) as ada:
            token = PROXY.token("ada", NOW.timestamp())
            first = ada.post(f"/models/{LOANS}/retrain", token=token, reason="a new product")
            second = ada.post(f"/models/{LOANS}/retrain", token=token, reason="again")
        asked = [d for d in store.decisions(LOANS, topic=Topic.RETRAINING) if d.answer is Answer.YES]
    assert (first.status_code, second.status_code) == (303, 409)
    assert "a retraining runs since" in second.text
    assert [(d.actor, d.reason) for d in asked if d.actor == "ada"] == [("ada", "a new product")]


def test_refused_challenger_is_refused_by_that_person(judged: World) -> None:
    with judged.store() as store:
        site = Site(settings=judged.settings, store=store, clock=lambda: NOW, proxy=PROXY)
        with visiting(site, judged, ADA) as ada:
            token = PROXY.token("ada", NOW.timestamp())
            answer = ada.post(f"/models/{LOANS}/refuse", token=token, reason="not now")
        refused = [d for d in store.decisions(LOANS) if d.answer is Answer.REFUSED]
    assert answer.status_code == 303, answer.text
    assert [(d.actor, d.reason) for d in refused] == [("ada", "not now")]
