"""The command ``mcp`` as an assistant starts it: a process with which the SDK's client exchanges messages."""

import asyncio
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from threading import Thread
from typing import Any

import pytest
from mcp import Client
from mcp.client.stdio import StdioServerParameters
from mcp.types import CallToolResult

from monitoring_pipeline.assistants.answers import audit_of, report_of
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.web_pages.building import build_model_page
from monitoring_pipeline_tests.worlds.world import DAYS, DELIVERIES, LOANS, World

TOOLS = {"list_models", "verdict", "incidents", "incident", "explanation", "history", "report"}
COMMAND = "from monitoring_pipeline.cli import main; main()"
Ask = Callable[..., CallToolResult]


@pytest.fixture(scope="module")
def client(monitored: World) -> Iterator[Callable[[str, dict[str, Any]], Any]]:
    """A function that awaits a method of the client of one server process, which serves the monitored world."""
    settings = monitored.settings
    names = {"HOME": settings.home, "MODELS": settings.models, "STORE_URL": settings.store_url}
    environment = {f"MONITORING_PIPELINE_{name}": str(value) for name, value in names.items()}
    server = StdioServerParameters(
        command=sys.executable, args=["-c", COMMAND, "mcp"], env=environment | {"PYTHONPATH": ":".join(sys.path)}
    )
    loop, ready, ended = asyncio.new_event_loop(), Future[Client](), asyncio.Event()

    async def serve() -> None:
        async with Client(server) as connected:
            ready.set_result(connected)
            await ended.wait()

    thread = Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    connected = ready.result(timeout=120)

    def call(method: str, given: dict[str, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(getattr(connected, method)(**given), loop).result(timeout=120)

    yield call
    loop.call_soon_threadsafe(ended.set)
    thread.join(timeout=60)
    loop.close()


@pytest.fixture
def ask(client: Callable[[str, dict[str, Any]], Any]) -> Ask:
    """A function that calls a tool."""
    return lambda tool, **given: client("call_tool", {"name": tool, "arguments": given})


def data(result: CallToolResult) -> Any:
    """Return the structured answer."""
    assert not result.is_error, result.content
    content: Any = result.structured_content
    return content["result"] if set(content) == {"result"} else content


def test_tools_are_read_only_and_describe_each_argument(client: Callable[[str, dict[str, Any]], Any]) -> None:
    tools = client("list_tools", {}).tools
    assert {tool.name for tool in tools} == TOOLS
    for tool in tools:
        assert tool.description
        assert tool.annotations.read_only_hint
        for argument in tool.input_schema["properties"].values():
            assert argument["description"]


def test_models_are_listed_with_the_verdicts_of_the_store(ask: Ask, monitored: World) -> None:
    listed = {entry["model"]: (entry["chunk"], entry["verdict"]) for entry in data(ask("list_models"))}
    stored = monitored.ask("SELECT model, chunk, status FROM current_verdicts WHERE chunk = :c", c=DAYS[-1])
    assert listed == {model: (chunk, status) for model, chunk, status in stored}
    assert set(listed) == {LOANS, DELIVERIES}


def test_models_are_listed_with_what_was_spent_of_their_budget(ask: Ask, monitored: World) -> None:
    listed = {entry["model"]: entry["false_alarms"] for entry in data(ask("list_models"))}
    with monitored.store() as store:
        page = build_model_page(monitored.loaded(LOANS).spec, store)
    assert [f"{words}." for words in listed[LOANS]] == list(page.budget.sentences)
    assert [words.partition(" since ")[0] for words in listed[LOANS]] == ["0 false pages", "0 false warnings"]


def test_verdict_of_a_chunk_has_its_reasons_and_hashes(ask: Ask, monitored: World) -> None:
    answer = data(ask("verdict", model=LOANS))
    assert answer["chunk"] == DAYS[-1]
    assert any("income" in reason for reason in answer["reasons"])
    assert data(ask("verdict", model=LOANS, chunk=DAYS[0]))["verdict"] == "ok"
    ((spec, reference, rows),) = monitored.ask(
        "SELECT spec_hash, reference_hash, input_fingerprint FROM chunk_revisions "
        "WHERE model = :m AND chunk = :c AND producer = 'verdict'", m=LOANS, c=DAYS[-1],
    )  # fmt: skip
    assert [answer["audit"][name] for name in ("spec", "reference", "rows")] == [spec, reference, rows]


def test_history_has_every_number_of_the_store_with_its_hashes(ask: Ask, monitored: World) -> None:
    listed = data(ask("history", model=LOANS, metric="auroc", last=5))
    stored = monitored.ask(
        "SELECT chunk, kind, value, lower, input_fingerprint FROM current_measurements WHERE model = :m "
        "AND name = 'auroc' AND chunk >= :c AND chunk NOT LIKE '%/%' ORDER BY chunk, kind", m=LOANS, c=DAYS[-5],
    )  # fmt: skip
    shown = [(n["chunk"], n["kind"], n["value"], n["lower"], n["audit"]["rows"]) for n in listed]
    assert sorted(shown) == [tuple(row) for row in stored] != []


def test_history_of_one_column(ask: Ask) -> None:
    listed = data(ask("history", model=LOANS, metric="jensen_shannon", subject="income"))
    assert {number["subject"] for number in listed} == {"income"}
    assert [number["chunk"] for number in listed] == list(DAYS)
    assert listed[-1]["status"] == "breached"


def test_incident_is_found_by_its_beginning_and_explained_as_in_the_report(ask: Ask, monitored: World) -> None:
    (listed,) = data(ask("incidents", model=LOANS))
    ((name, title),) = monitored.ask("SELECT incident_id, title FROM incidents WHERE model = :m", m=LOANS)
    assert (listed["incident"], listed["title"]) == (name, title)
    assert data(ask("incident", incident=name[:6])) == listed
    explained = data(ask("explanation", incident=name))
    assert "`income`" in explained
    with monitored.store() as store:
        audit = audit_of(monitored.loaded(LOANS).spec, store, listed["last_breached"], Producer.DRIFT)
    assert f"`{audit.rows}`" in explained


def test_report_is_that_of_the_page_in_markdown(ask: Ask, monitored: World) -> None:
    text = data(ask("report", model=DELIVERIES))
    with monitored.store() as store:
        assert text == report_of(monitored.loaded(DELIVERIES).spec, store, None)
    assert text.startswith("# delivery\\_minutes\n\ndelivery\\_minutes is ok on 2024-04-05")
    for part in ("## All metrics of the chunk", "## Columns", "## Versions", "## Made from"):
        assert part in text


@pytest.mark.parametrize(("tool", "given", "words"), [
    ("verdict", {"model": "loans"}, "no model 'loans'; known: delivery_minutes, loan_default"),
    ("verdict", {"model": LOANS, "chunk": "2020-01-01"}, "2020-01-01 was not judged; the newest judged day is"),
    ("report", {"model": LOANS, "chunk": "soon"}, "'soon' is not a day such as"),
    ("incident", {"incident": "zzz"}, "no incident 'zzz'"),
    ("explanation", {"incident": "zzz"}, "no incident 'zzz'"),
    ("incidents", {"model": "loans"}, "no model 'loans'"),
    ("history", {"model": LOANS, "metric": "aurok"}, "aurok is not measured; did you mean auroc"),
    ("history", {"model": LOANS, "metric": "auroc", "subject": "x"}, "auroc of x is not measured; auroc is"),
    ("history", {"model": LOANS, "metric": "[", "last": 3}, "'[' is no name"),
    ("history", {"model": LOANS, "metric": "auroc", "last": 0}, "greater than or equal to 1"),
])  # fmt: skip
def test_what_is_not_there_is_a_sentence(ask: Ask, tool: str, given: dict[str, Any], words: str) -> None:
    answer = ask(tool, **given)
    assert answer.is_error
    (content,) = answer.content
    assert words in content.text
    assert "Traceback" not in content.text


def test_no_answer_contains_an_id(ask: Ask, monitored: World) -> None:
    ids = {row[0] for row in monitored.execute('SELECT "Application ID" FROM "Loan Scores" LIMIT 500')}
    answers = [ask("report", model=LOANS), ask("list_models"), ask("incidents"), ask("verdict", model=LOANS)]
    text = json.dumps([answer.model_dump(mode="json") for answer in answers])
    assert not [name for name in ids if name in text]
