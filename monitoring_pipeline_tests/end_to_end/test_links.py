"""The link of an alert, opened in a real browser on a real webserver of Dagster."""

import json
import urllib.request

import pytest

from monitoring_pipeline.alerting.messages.messages import verdict_page
from monitoring_pipeline.spec.alerting import Links
from monitoring_pipeline_tests.alerting.cases import stored
from monitoring_pipeline_tests.end_to_end.browser import browser_page
from monitoring_pipeline_tests.end_to_end.dagster_dev import Server, dagster_dev
from monitoring_pipeline_tests.worlds.world import DAYS, LOANS, World

pytestmark = pytest.mark.slow
DAY, LATER = DAYS[2], DAYS[3:6]


def _report_verdict(server: Server, day: str) -> None:
    """Report a verdict on a day to Dagster, as a run of the asset does."""
    body = json.dumps({"partition": day, "metadata": {"verdict": f"verdict of {day}"}}).encode()
    url = f"{server.url}/report_asset_materialization/{LOANS}/verdict"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as response:
        assert response.status == 200


def test_link_of_an_alert_opens_the_verdict_of_its_newest_breached_chunk(world: World) -> None:
    incident = stored(model=LOANS, last_breached=DAY)
    with dagster_dev(world) as server, browser_page() as page:
        for day in (DAY, *LATER):
            _report_verdict(server, day)
        address = verdict_page(incident, Links(dagster=server.url))
        assert address is not None
        page.goto(address)
        page.get_by_text(f"verdict of {DAY}").first.wait_for()
        assert [day for day in LATER if page.get_by_text(f"verdict of {day}").count()] == []
