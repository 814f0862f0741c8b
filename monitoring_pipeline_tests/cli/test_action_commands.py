"""The commands about incidents, decisions and versions: their output, their records and their errors."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result

from monitoring_pipeline.cli import main
from monitoring_pipeline.evaluation.incidents.changes import IncidentChange, IncidentChanges
from monitoring_pipeline.records.cause import Cause, Family
from monitoring_pipeline.records.decision import Answer, Decision, Topic
from monitoring_pipeline.records.decision_key import DecisionKey
from monitoring_pipeline.records.incident import EventKind, IncidentState
from monitoring_pipeline.registry.connection import connected
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline_tests.alerting.cases import NOW, event, stored
from monitoring_pipeline_tests.spec.cases import BINARY, REGRESSION, changed

RETRAINING = {"retraining": {"trainer": "package.module:train"}, "predictions.model_version": "version"}
Command = Callable[..., Result]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with two models; one of them retrains."""
    folder = tmp_path_factory.mktemp("home")
    (folder / "specs").mkdir()
    for document in (changed(BINARY, RETRAINING), REGRESSION):
        (folder / "specs" / f"{document['name']}.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return folder


@pytest.fixture
def command(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """A function that runs ``monitoring-pipeline`` in that home, with a separate store."""
    for name, value in (("HOME", home), ("MODELS", home / "specs"), ("STORE_URL", f"sqlite:///{tmp_path / 's.db'}")):
        monkeypatch.setenv(f"MONITORING_PIPELINE_{name}", str(value))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{home / 'mlflow.db'}")
    monkeypatch.setenv("COLUMNS", "200")

    def run(*words: str) -> Result:
        return CliRunner().invoke(main, words, catch_exceptions=False)

    return run


@pytest.fixture
def known(command: Command) -> Iterator[ResultStore]:
    """The command's store with one incident that lasts, and one that is over."""
    lasting = stored("aaaa1111", model="churn")
    over = stored(
        "abbb2222", model="churn", cause=Cause(Family.COLUMN, ("age",)), title="every value of age is null",
        state=IncidentState.RESOLVED, resolved="2013-06-09", opened="2013-06-01",
    )  # fmt: skip
    changes = [
        IncidentChange(stored=entry, events=(event(),), told=(event(),) if entry is lasting else ())
        for entry in (lasting, over)
    ]
    with ResultStore.open(Settings().store_url) as store:
        store.update_incidents(
            "churn", lambda evidence, found: IncidentChanges(current=tuple(changes), gone=()), lambda *_: (), at=NOW
        )
        yield store


def _shown(result: Result) -> str:
    assert result.exit_code == 0, result.output
    return " ".join(result.output.split())


def _error(result: Result, exit_code: int = 1) -> str:
    assert result.exit_code == exit_code, result.output
    return result.output.strip()


# --------------------------------------------------------------------------------------------------------- incidents


def test_incidents_lists_unresolved_ones_and_with_all_resolved_ones_too(command, known):
    assert "incidents, not resolved: none" in _shown(command("incidents", "--model", "spend"))
    lasting, every = _shown(command("incidents")), _shown(command("incidents", "--all"))
    assert "aaaa1111" in lasting
    assert "auroc is below .68" in lasting
    assert "abbb2222" not in lasting
    assert "abbb2222" in every
    assert every.index("abbb2222") < every.index("aaaa1111"), "in order of their opening"


def test_incidents_of_an_unknown_model_is_an_error(command, known):
    assert "no model 'chrun'" in _error(command("incidents", "--model", "chrun"))


def test_incident_page_shows_findings_and_events(command, known):
    shown = _shown(command("incidents", "show", "aa"))
    for words in ("aaaa1111: auroc is below .68", "0.65 to 0.672", "at least 0.68", "8123", "opened 2013-06-02",
                  "https://wiki.example.com/flight-delay?a=1&b=2", "team:ml", " yes ", "unbroken since"):  # fmt: skip
        assert words in shown
    assert "no, history" in _shown(command("incidents", "show", "abbb2222"))


@pytest.mark.parametrize(("name", "message"), [("zzz", "no incident 'zzz'"), ("a", "2 incidents 'a'")])
def test_incident_name_that_matches_none_or_several_is_refused(command, known, name, message):
    assert message in _error(command("incidents", "show", name))
    assert message in _error(command("incidents", "acknowledge", name, "--reason", "x", "--by", "ana"))
    assert known.decisions("churn") == []


def test_answers_of_people_are_stored_shown_and_in_the_audit(command, known):
    by = ("--by", "ana")
    acknowledged = command("incidents", "acknowledge", "aaaa", "--reason", "the table is late", *by)
    assert _shown(acknowledged) == "aaaa1111 churn: auroc is below .68 acknowledged by ana"
    muted = _shown(command("incidents", "mute", "aaaa", "--until", "2999-01-02", "--reason", "planned work", *by))
    assert muted.endswith("acknowledged by ana, muted until 2999-01-02 00:00 UTC")
    assert _shown(command("incidents", "outcome", "aaaa", "noise", *by)).endswith("outcome: noise")
    assert "acknowledged by ana, muted until 2999-01-02 00:00 UTC, noise" in _shown(command("incidents"))
    assert "muted" not in _shown(command("incidents", "unmute", "aaaa", "--reason", "done", *by))
    assert "outcome: noise" in _shown(command("incidents", "comment", "aaaa", "--reason", "asked the vendor", *by))

    handling = known.incident("aaaa").handling
    assert (handling.acknowledged_by, handling.muted_until, handling.outcome) == ("ana", None, "noise")
    kinds = [logged.event.kind for logged in known.incident_log("aaaa1111")]
    assert kinds[1:] == [
        EventKind.ACKNOWLEDGED,
        EventKind.MUTED,
        EventKind.OUTCOME,
        EventKind.UNMUTED,
        EventKind.COMMENTED,
    ]
    history = _shown(command("decisions", "churn"))
    places = [
        history.index(words) for words in ("the table is late", "planned work", "noise", "unmuted", "asked the vendor")
    ]
    assert places == sorted(places)
    mutes = _shown(command("decisions", "churn", "--topic", "mute"))
    assert "planned work" in mutes
    assert "the table is late" not in mutes
    assert "unmuted" not in _shown(command("decisions", "churn", "--answer", "noise"))


@pytest.mark.parametrize("words", [("acknowledge",), ("mute", "--until", "2999-01-01"), ("unmute",), ("comment",)])
@pytest.mark.parametrize("reason", ["", " "])
def test_empty_reason_is_refused(command, known, words, reason):
    printed = _error(command("incidents", words[0], "aaaa", *words[1:], "--reason", reason, "--by", "ana"))
    assert printed == "Error: --reason is empty; give a reason, which is kept in the audit"
    assert known.decisions("churn") == []


def test_mute_until_a_past_time_is_refused(command, known):
    printed = _error(command("incidents", "mute", "aaaa", "--until", "2020-01-01", "--reason", "x", "--by", "ana"))
    assert printed == "Error: --until 2020-01-01T00:00 is past; give a later time (UTC)"
    assert known.incident("aaaa").handling.muted_until is None


@pytest.mark.parametrize("words", [("acknowledge", "aaaa"), ("mute", "aaaa", "--until", "2999-01-01"),
                                   ("outcome", "aaaa", "nonsense")])  # fmt: skip
def test_missing_or_unknown_argument_is_named(command, known, words):
    printed = _error(command("incidents", *words), exit_code=2)
    assert "--reason" in printed or "'real', 'noise', 'planned'" in printed


# ---------------------------------------------------------------------------------------------- decisions and versions


def test_retraining_is_asked_for_once_and_the_audit_names_who_and_why(command, known):
    words = ("retrain", "churn", "--reason", "a new product", "--by", "ana")
    assert "the sensor `retraining` starts it" in _shown(command(*words))
    (asked,) = known.decisions("churn", topic=Topic.RETRAINING)
    assert (asked.answer, asked.actor, asked.reason) == (Answer.YES, "ana", "a new product")
    assert "churn: a retraining runs since" in _error(command(*words))


def test_retraining_of_a_model_without_a_policy_is_refused(command, known):
    assert "no part retraining" in _error(command("retrain", "spend", "--reason", "x", "--by", "ana"))


def test_decisions_are_printed_in_order_and_filtered_by_answer(command, known):
    assert "churn: no decisions" in _shown(command("decisions", "churn"))
    for number, answer in enumerate(("no", "yes")):
        known.decide(
            Decision(
                model="churn",
                topic=Topic.RETRAINING,
                answer=Answer(answer),
                reason=f"reason [{number}]",
                actor="a",
                at=NOW + dt.timedelta(days=number),
                key=DecisionKey(str(number)),
                chunk="2013-06-02",
            )
        )
    shown = _shown(command("decisions", "churn"))
    assert shown.index("2013-06-03 06:30") < shown.index("reason [0]") < shown.index("reason [1]")
    assert "reason [0]" not in _shown(command("decisions", "churn", "--answer", "yes"))
    assert _error(command("decisions", "chrun")).endswith("known: churn, spend")


@pytest.mark.filterwarnings("ignore:::mlflow")
def test_version_command_that_is_impossible_prints_one_line(command):
    why = ("--reason", "x", "--by", "ana")
    assert _error(command("promote", "churn", *why)) == "Error: churn: the registry has no challenger; name a version"
    assert _error(command("refuse", "churn", *why)) == "Error: churn: the registry has no challenger; name a version"
    assert "no version '9'" in _error(command("promote", "churn", "--version", "9", *why))
    assert _error(command("rollback", "churn", *why)) == "Error: churn: no promotion in force to roll back"
    assert _error(command("promote", "spend", *why)) == "Error: spend: the spec has no part retraining"
    assert "no model 'chrun'" in _error(command("promote", "chrun", *why))
    assert "churn: no decisions" in _shown(command("decisions", "churn"))


@pytest.mark.filterwarnings("ignore:::mlflow")
def test_evaluate_of_an_unmeasurable_version_exits_with_2(command):
    """Exit code 1 would mean to a CI that the version is worse."""
    unknown = command("evaluate", "churn", "--version", "9")
    expected = "churn version 9: could not be measured: the registry does not know version 9"
    assert _error(unknown, exit_code=2) == expected
    with connected(Settings().mlflow_tracking_uri) as client:
        client.create_registered_model("churn")
        for _ in range(2):
            client.create_model_version("churn", "anywhere")
    assert "no such DuckDB file" in _error(command("evaluate", "churn", "--version", "2"), exit_code=2)
    assert "no part retraining" in _error(command("evaluate", "spend", "--version", "9"), exit_code=2)
    assert "no model 'chrun'" in _error(command("evaluate", "chrun", "--version", "9"), exit_code=2)


@pytest.mark.parametrize(("words", "exit_code"), [(("evaluate",), 2), (("promote", "--reason", "x"), 1)])
def test_unreachable_registry_prints_one_line_without_the_password(command, monkeypatch, words, exit_code):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://ana:hush@127.0.0.1:9")
    printed = _error(command(*words, "churn", "--version", "1"), exit_code)
    assert printed.startswith("Error: MLflow at http://ana:***@127.0.0.1:9 cannot be reached: ")
    assert printed.endswith('Connection refused"))')
    assert "\n" not in printed
    assert "hush" not in printed
