"""The user's trainer is called, or its error reported; an external trainer receives a request over real HTTP."""

import datetime as dt
import json
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import mlflow
import polars as pl
import pytest

from monitoring_pipeline.evaluation.versions.training_rows import TrainingRequest
from monitoring_pipeline.registry.trainers import TrainerError, ask_external_trainer, run_trainer
from monitoring_pipeline.spec.sources import FeatureKind, ReferenceWindow, Task

NOWHERE = "sqlite:///:memory:"
pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
TRAINERS = "monitoring_pipeline_tests.registry.trainers_for_tests"


@pytest.fixture(scope="module")
def request_of_loans() -> TrainingRequest:
    rows = pl.DataFrame(
        {
            "predicted_at": [dt.datetime(2024, 3, 15, n % 24, tzinfo=dt.UTC) for n in range(100)],
            "age": [float(n) for n in range(100)],
            "employment": [("none", "employed", None)[n % 3] for n in range(100)],
            "label": [int(n > 50) for n in range(100)],
        }
    )
    return TrainingRequest(
        model="loans",
        task=Task.BINARY,
        rows=rows,
        features={"age": FeatureKind.NUMERIC, "employment": FeatureKind.CATEGORICAL},
        classes=(),
        window=ReferenceWindow(start=dt.date(2024, 3, 15), end=dt.date(2024, 3, 16)),
        seed=1,
    )


def test_trainer_receives_the_rows_and_its_estimator_is_returned(request_of_loans) -> None:
    trained = run_trainer(f"{TRAINERS}:boosting", request_of_loans, NOWHERE)
    assert list(trained.classes_) == [0, 1]
    scores = trained.predict_proba(request_of_loans.inputs())[:, 1]
    assert scores[60:].min() > scores[:40].max()


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("no_such_package.training:train", "module no_such_package.training cannot be imported: ModuleNotFoundError"),
        (
            f"{TRAINERS}:train",
            "no function train; it has Moody, boosting, exits, fails_on_its_own_rows, has_no_classes",
        ),
        (f"{TRAINERS}:NOT_A_FUNCTION", "no function NOT_A_FUNCTION"),
        (f"{TRAINERS}:raises", "failed on 100 rows: ArithmeticError: no convergence on ['age', 'employment']"),
        (f"{TRAINERS}:exits", "failed on 100 rows: SystemExit: enough"),
        (f"{TRAINERS}:returns_nothing", "returned None; needed is a fitted estimator"),
    ],
)
def test_error_of_a_trainer_contains_its_path_and_the_cause(path: str, message: str, request_of_loans) -> None:
    with pytest.raises(TrainerError) as error:
        run_trainer(path, request_of_loans, NOWHERE)
    assert path in str(error.value)
    assert message in str(error.value)


def test_run_that_a_trainer_leaves_open_is_ended(request_of_loans, tmp_path) -> None:
    place = f"sqlite:///{tmp_path / 'mlflow.db'}"
    run_trainer(f"{TRAINERS}:leaves_a_run_open", request_of_loans, place)
    assert mlflow.active_run() is None
    (run,) = mlflow.MlflowClient(tracking_uri=place).search_runs(["0"])
    assert (run.info.status, run.data.params) == ("FINISHED", {"depth": "3"})


class _Answers(BaseHTTPRequestHandler):
    status = 202
    bodies: list[dict[str, object]]

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        type(self).bodies.append(json.loads(body))
        self.send_response(type(self).status)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def _ask(status: int) -> list[dict[str, object]]:
    handler = type("Handler", (_Answers,), {"status": status, "bodies": []})
    with HTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            ask_external_trainer(f"http://127.0.0.1:{server.server_port}/train?token=hush", {"model": "loans"})
        finally:
            server.shutdown()
            thread.join()
    return handler.bodies


def test_external_trainer_receives_the_request_as_json() -> None:
    assert _ask(202) == [{"model": "loans"}]


def test_error_about_a_refused_request_names_the_host_without_the_token() -> None:
    with pytest.raises(TrainerError, match=r"external trainer at 127\.0\.0\.1:\d+ answered 503") as error:
        _ask(503)
    assert "hush" not in str(error.value)


@pytest.mark.parametrize("address", ["file:///etc/hostname", "trainer"])
def test_address_that_is_not_http_is_refused(address: str) -> None:
    with pytest.raises(TrainerError, match="http:// or https://"):
        ask_external_trainer(address, {})


def test_unreachable_external_trainer_raises_an_error() -> None:
    with pytest.raises(TrainerError, match=r"127\.0\.0\.1:1 cannot be reached"):
        ask_external_trainer("http://127.0.0.1:1/train", {})
