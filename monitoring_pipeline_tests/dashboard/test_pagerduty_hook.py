"""PagerDuty's webhooks, posted to a site that is really served."""

import datetime as dt
from collections.abc import Iterator
from functools import partial
from itertools import count

import httpx
import pytest

from monitoring_pipeline.dashboard.pagerduty_hook import LARGEST_EVENT, PATH, PagerDutyHook
from monitoring_pipeline.dashboard.site import Site
from monitoring_pipeline.evaluation.incidents.handling import Person, acknowledge
from monitoring_pipeline.records.decision import Topic
from monitoring_pipeline.records.pagerduty_key import PagerDutyKey
from monitoring_pipeline_tests.alerting.pagerduty_server import SIGNING_SECRET, acknowledged_event, signature
from monitoring_pipeline_tests.dashboard.served import served
from monitoring_pipeline_tests.dashboard.test_site import NOW, PROXY
from monitoring_pipeline_tests.worlds.world import LOANS, World

OPENED = NOW - dt.timedelta(hours=1)


class PagerDuty:
    """PagerDuty, which posts signed events to a site."""

    def __init__(self, address: str, world: World) -> None:
        self._http = httpx.Client(base_url=address, timeout=60, trust_env=False)
        self._world = world

    def post(self, body: bytes, signed: str | None = None) -> httpx.Response:
        headers = {"X-PagerDuty-Signature": signature(body) if signed is None else signed}
        return self._http.post(PATH, content=body, headers=headers)

    def key(self, since: dt.datetime = OPENED) -> str:
        with self._world.store() as store:
            return PagerDutyKey(incident_id=store.incidents(LOANS)[0].incident_id, since=since).text

    def acknowledgements(self) -> list[tuple[str, str]]:
        with self._world.store() as store:
            return [(d.actor, d.reason) for d in store.decisions(LOANS, topic=Topic.ACKNOWLEDGEMENT)]

    def close(self) -> None:
        self._http.close()


@pytest.fixture
def pagerduty(lived_in_world: World) -> Iterator[PagerDuty]:
    with lived_in_world.store() as store:
        site = Site(
            settings=lived_in_world.settings,
            store=store,
            clock=partial(next, (NOW + dt.timedelta(seconds=n) for n in count())),
            proxy=PROXY,
            hook=PagerDutyHook(secret=SIGNING_SECRET),
        )
        with served(site) as address:
            client = PagerDuty(address, lived_in_world)
            yield client
            client.close()


ANN = ("pagerduty: Ann Example", "acknowledged in PagerDuty: https://acme.pagerduty.com/incidents/PGR0VU2")


def test_acknowledgement_there_is_one_here_with_an_audit_row_and_only_once(pagerduty: PagerDuty) -> None:
    body = acknowledged_event(pagerduty.key())
    answers = [pagerduty.post(body) for _ in range(3)]
    assert [(answer.status_code, answer.content) for answer in answers] == [(204, b"")] * 3
    assert pagerduty.acknowledgements() == [ANN]


def test_incident_that_paged_again_is_acknowledged_again(pagerduty: PagerDuty) -> None:
    later = NOW + dt.timedelta(minutes=1)
    for since in (OPENED, later, OPENED):
        pagerduty.post(acknowledged_event(pagerduty.key(since)))
    assert pagerduty.acknowledgements() == [ANN, ANN]


def test_signature_of_a_second_secret_may_come_first(pagerduty: PagerDuty) -> None:
    body = acknowledged_event(pagerduty.key())
    answer = pagerduty.post(body, f"{signature(body, 'a secret that is being rotated')},{signature(body)}")
    assert answer.status_code == 204
    assert pagerduty.acknowledgements() == [ANN]


@pytest.mark.parametrize("signed", ["", "v1=", "v1=é", "v0=0", signature(b"another body")])
def test_event_without_a_valid_signature_is_refused(pagerduty: PagerDuty, signed: str) -> None:
    body = acknowledged_event(pagerduty.key())
    answer = pagerduty._http.post(PATH, content=body, headers={b"X-PagerDuty-Signature": signed.encode()})
    assert (answer.status_code, answer.content) == (403, b"")
    assert pagerduty.acknowledgements() == []


def test_events_that_acknowledge_nothing_here_are_taken_without_an_effect(pagerduty: PagerDuty) -> None:
    key = pagerduty.key()
    for body in (
        acknowledged_event(key, event_type="incident.triggered"),
        acknowledged_event(key, event_type="pagey.ping"),
        acknowledged_event(key, type="inbound_integration_reference", summary="monitoring_pipeline"),
        acknowledged_event("ffffffff/20240406T070000Z"),
        acknowledged_event("/20240406T070000Z"),
        acknowledged_event("an incident of another tool"),
        b"{}",
        b"[1]",
        b"no JSON",
        b'{"event": {"event_type": "incident.acknowledged", "data": {"incident_key": 7}}}',
    ):
        assert (pagerduty.post(body).status_code, pagerduty.post(body).content) == (204, b"")
    assert pagerduty.acknowledgements() == []


def test_incident_that_was_acknowledged_here_stays_with_that_person(
    pagerduty: PagerDuty, lived_in_world: World
) -> None:
    key = pagerduty.key()
    ada = Person(name="ada", at=NOW, reason="mine")
    with lived_in_world.store() as store:
        store.handle_incident(key.partition("/")[0], acknowledge(ada), lambda *_: (), at=NOW)
    pagerduty.post(acknowledged_event(key))
    assert pagerduty.acknowledgements() == [("ada", "mine")]


def test_event_that_is_too_large_is_refused(pagerduty: PagerDuty) -> None:
    assert pagerduty.post(b" " * (LARGEST_EVENT + 1)).status_code == 413


def test_rules_that_cannot_be_read_let_pagerduty_try_again(pagerduty: PagerDuty, lived_in_world: World) -> None:
    lived_in_world.settings.alerting.write_text("channels: [")
    assert pagerduty.post(acknowledged_event(pagerduty.key())).status_code == 503
    lived_in_world.settings.alerting.unlink()
    assert pagerduty.post(acknowledged_event(pagerduty.key())).status_code == 204
    assert pagerduty.acknowledgements() == [ANN]


def test_site_without_a_signing_secret_has_no_such_address(lived_in_world: World) -> None:
    with lived_in_world.store() as store:
        site = Site(settings=lived_in_world.settings, store=store, clock=lambda: NOW)
        with served(site) as address:
            body = acknowledged_event("x")
            answer = httpx.post(
                f"{address}{PATH}", content=body, headers={"X-PagerDuty-Signature": signature(body)}, trust_env=False
            )
    assert answer.status_code == 404


def test_short_signing_secret_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 16"):
        PagerDutyHook(secret="short")
    assert SIGNING_SECRET not in repr(PagerDutyHook(secret=SIGNING_SECRET))
