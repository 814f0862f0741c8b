"""Cards of versions: read once from a real MLflow, kept in the store, and shown on the page."""

import datetime as dt
from dataclasses import replace

import dagster as dg
import mlflow
import pytest

from monitoring_pipeline.definitions import build_definitions
from monitoring_pipeline.records.measurement import Role
from monitoring_pipeline.records.version_card import VersionCard, card_of_text, card_text
from monitoring_pipeline.registry.connection import connected
from monitoring_pipeline.registry.mlflow_registry import ModelRegistry
from monitoring_pipeline.steps.versions.cards import keep_version_cards
from monitoring_pipeline.web_pages.contents.model import model_contents
from monitoring_pipeline.web_pages.reading import read_model, read_period
from monitoring_pipeline.web_pages.rendering import model_html
from monitoring_pipeline_tests.worlds.retraining_world import NOW, outside
from monitoring_pipeline_tests.worlds.world import LOANS, QUIET, World

pytestmark = pytest.mark.filterwarnings("ignore:::mlflow")
SERVING, CHALLENGER = "2024.1", "1"
CARD = VersionCard(
    registered=dt.datetime(2024, 4, 6, 6, 30, 1, 250_000, tzinfo=dt.UTC),
    description="<b>bold</b>",
    source="models:/m-1",
    parameters=(("learning_rate", "0.1"), ("training_end", "2024-03-28"), ("training_start", "2024-03-15")),
    metrics=(("auroc", 0.8123456789012345),),
    tags=(("monitoring.data_fingerprint", "ab12"), ("team", "risk")),
)


def test_card_is_the_same_after_a_round_trip() -> None:
    assert card_of_text(card_text(CARD)) == CARD
    empty = VersionCard(registered=NOW)
    assert card_of_text(card_text(empty)) == empty


def test_each_version_is_asked_for_once_and_its_card_has_what_its_run_logged(judged: World) -> None:
    with outside(judged) as ports:
        ports.store.set_role(LOANS, CHALLENGER, Role.CHALLENGER, NOW, window=None, by="test")
        with connected(ports.registry.tracking_uri) as client:
            run = client.get_model_version(LOANS, CHALLENGER).run_id
            client.log_metric(run, "validation_auroc", 0.75)
            client.log_metric(run, "of_nothing", float("nan"))
            client.update_model_version(LOANS, CHALLENGER, description="d" * 300)
        spec = judged.loaded(LOANS).spec
        keep_version_cards(spec, store=ports.store, registry=ports.registry, now=NOW)
        cards = ports.store.version_cards(LOANS)
        assert cards.keys() == {CHALLENGER}
        assert ports.store.missing_cards(LOANS) == {SERVING: NOW}
        card = cards[CHALLENGER]
        parameters, metrics = dict(card.parameters), dict(card.metrics)
        assert parameters["trainer"].endswith("trainers_for_tests:boosting")
        assert int(parameters["training_rows"]) > 0
        assert metrics["validation_auroc"] == 0.75
        assert "of_nothing" not in metrics
        assert len(card.description) == 200
        gone = replace(ports.registry, tracking_uri="http://127.0.0.1:9/")
        keep_version_cards(spec, store=ports.store, registry=gone, now=NOW)
        assert ports.store.version_cards(LOANS) == cards


def test_version_that_is_registered_late_has_its_card_a_week_later(judged: World) -> None:
    with outside(judged) as ports:
        ports.store.set_role(LOANS, CHALLENGER, Role.CHALLENGER, NOW, window=None, by="test")
        spec = judged.loaded(LOANS).spec
        empty = ModelRegistry(f"sqlite:///{judged.folder}/absent.db", judged.folder)
        keep_version_cards(spec, store=ports.store, registry=empty, now=NOW)
        assert ports.store.version_cards(LOANS) == {}
        for day in range(1, 9):
            now = NOW + dt.timedelta(days=day)
            keep_version_cards(spec, store=ports.store, registry=ports.registry, now=now)
            assert list(ports.store.version_cards(LOANS)) == ([CHALLENGER] if day >= 7 else [])


def test_registry_without_a_file_is_not_created_by_the_question(world: World) -> None:
    registry = ModelRegistry(f"sqlite:///{world.folder}/absent.db", world.folder)
    assert registry.version_card(LOANS, SERVING) is None
    assert not (world.folder / "absent.db").exists()


def test_version_whose_run_was_deleted_for_good_has_a_card_all_the_same(judged: World) -> None:
    with outside(judged) as ports:
        with connected(ports.registry.tracking_uri) as client:
            client.create_registered_model("alone")
            client.create_model_version("alone", f"file:{judged.folder}/model", run_id="0" * 32)
        card = ports.registry.version_card("alone", "1")
        assert card is not None
        assert (card.parameters, card.metrics) == ((), ())
    assert not mlflow.is_tracking_uri_set()


def test_night_goes_on_without_cards_if_the_registry_does_not_answer(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    settings = world.settings.model_copy(update={"mlflow_tracking_uri": "http://127.0.0.1:9/"})
    job = build_definitions(settings).resolve_implicit_global_asset_job_def()
    reference = job.get_subset(asset_selection={dg.AssetKey([LOANS, "reference"])})
    assert reference.execute_in_process(instance=world.instance, run_config=QUIET).success
    with world.store() as store:
        assert store.reference_document(LOANS, SERVING) is not None
        assert store.version_cards(LOANS) == {}


def test_page_shows_the_card_with_its_training_rows_and_escapes_its_texts(monitored: World) -> None:
    spec = monitored.loaded(LOANS).spec
    with monitored.store() as store:
        records = read_model(spec, store, read_period(spec, store))
    assert records.cards == {}
    page = model_contents(replace(records, cards={SERVING: CARD}))
    (card,) = page.cards
    facts = {fact.name: fact.value for fact in card.facts}
    assert facts["registered"] == "2024-04-06 06:30 UTC"
    assert facts["trained on"] == "2024-03-15 to 2024-03-28"
    assert facts["fingerprint of these rows"] == "ab12"
    shown = {table.caption: [[cell.text for cell in row] for row in table.rows] for table in card.details}
    assert shown == {
        "Parameters of its training": [["learning_rate", "0.1"]],
        "Metrics of its training": [["auroc", "0.812"]],
        "Tags": [["team", "risk"]],
    }
    html = model_html(page)
    assert "Version 2024.1 in the registry" in html
    assert "<b>bold</b>" not in html
