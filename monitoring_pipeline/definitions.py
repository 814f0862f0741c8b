"""The module that Dagster loads: it makes definitions from settings, adapters and model specs."""

import contextlib
import datetime as dt
import logging
import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

import dagster as dg

from monitoring_pipeline.composition import build_adapters
from monitoring_pipeline.evaluation.privacy.secrets import hidden_in_errors, hide_in_logs, without_secrets
from monitoring_pipeline.orchestration.jobs.alert_delivery import DeliveryReport
from monitoring_pipeline.orchestration.jobs.lineage import build_lineage
from monitoring_pipeline.orchestration.jobs.retention import build_retention
from monitoring_pipeline.orchestration.jobs.weekly_digest import build_weekly_digest
from monitoring_pipeline.orchestration.model_definitions import build_model_definitions, build_sensor_definitions
from monitoring_pipeline.orchestration.runs.names import Names
from monitoring_pipeline.orchestration.runs.outside import build_outside
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.resources import build_configurable
from monitoring_pipeline.settings import Settings, with_own_key
from monitoring_pipeline.spec.alerting import AlertingRules
from monitoring_pipeline.spec.loading import BadSpec, LoadedSpec, SpecError, unusable, usable_specs
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.week import Week
from monitoring_pipeline.steps.failing_channels import update_failing_channels
from monitoring_pipeline.steps.lineage import read_lineage
from monitoring_pipeline.steps.specs.checks import read_checked_specs
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.system_clock import system_clock
from monitoring_pipeline.web_pages.extra import DRAWING, MissingLibraryError, require_libraries
from monitoring_pipeline.web_pages.files import ReportFolder

if TYPE_CHECKING:
    from monitoring_pipeline.alerting.ports import WeekPage

__all__ = ["defs"]


def build_resources(
    settings: Settings, clock: Clock = system_clock, variables: Mapping[str, str] | None = None
) -> dict[str, dg.ResourceDefinition]:
    """Return the adapters as resources by their names in Dagster. They connect when a run first uses them.

    Args:
        settings: where things are.
        clock: returns the present time.
        variables: variables of the environment that gave a setting, by its name, beside those that it always has.
    """
    names = Names(settings.prefix)
    resource = dg.ResourceDefinition.hardcoded_resource
    built = build_adapters(settings, clock)
    return names.resources(build_configurable(settings, built, variables) | {
        "suites": resource(built.suites, "Runs Great Expectations suites."),
        "id_key": resource(built.id_key, "The key with which IDs are hashed."),
        "clock": resource(built.clock, "Returns the present time."),
        "alerting": resource(settings.alerting_rules, "Reads alerting.yaml: the rules by which alerts are sent."),
        "lineage": resource(partial(_send_lineage, settings), "Sends lineage to the endpoint of OpenLineage."),
        "delivery": resource(partial(_deliver, settings), "Sends the due messages to the channels of alerting.yaml."),
        "reports": resource(
            ReportFolder(settings.reports, clock),
            f"Writes reports to the folder {without_secrets(str(settings.reports))}.",
        ),
        "run_trainer": resource(built.run_trainer, "Calls the trainer that a spec names."),
        "ask_trainer": resource(built.ask_trainer, "Sends a training request to the address in a secret."),
        "serving_metrics": resource(built.serving_metrics, "Reads numbers from Prometheus servers that specs name."),
        "call_measure": resource(built.call_measure, "Calls the functions of measures that specs name."),
        "outside": build_outside(names, built.find_spec),
    })  # fmt: skip


def _deliver(settings: Settings, store: ResultStore, clock: Clock, lease: dt.timedelta) -> DeliveryReport:
    from monitoring_pipeline.alerting.channels.build import build_channels, week_channels
    from monitoring_pipeline.alerting.delivery.delivery import deliver
    from monitoring_pipeline.alerting.delivery.weeks import deliver_weeks

    rules = settings.alerting_rules()
    channels = build_channels(rules, settings.secrets, home=settings.home, slack_api=settings.slack_api)
    alerts = deliver(store, channels, clock=clock, links=rules.links, lease=lease)
    page_of = partial(_page_of_week, settings, store, rules)
    report = alerts.joined(deliver_weeks(store, week_channels(channels), page_of, clock=clock, lease=lease))
    update_failing_channels(store, store, rules, accepted=report.accepted, refused=report.refused, now=clock())
    return report


def _page_of_week(settings: Settings, store: ResultStore, rules: AlertingRules, key: str) -> "WeekPage":
    """Return the digest of a week; without the extra ``report`` it has no page."""
    from monitoring_pipeline.alerting.messages.messages import week_message
    from monitoring_pipeline.alerting.ports import WeekPage
    from monitoring_pipeline.steps.week import read_week
    from monitoring_pipeline.web_pages.contents.week import week_contents
    from monitoring_pipeline.web_pages.rendering import week_html

    specs = [loaded.spec for loaded in usable_specs(read_checked_specs(settings.models))]
    week = Week.named(key)
    models = read_week(specs, store, week).models
    html: str | None = None
    with contextlib.suppress(MissingLibraryError):
        require_libraries(*DRAWING)
        html = week_html(week_contents(week, models))
    return WeekPage(week=key, message=week_message(week, models, links=rules.links), html=html)


def _lineage(settings: Settings, specs: Sequence[ModelSpec]) -> dg.Definitions:
    """Return the job and the sensor that send lineage; none without an endpoint, or without the extra."""
    if not settings.openlineage_url:
        return dg.Definitions()
    try:
        require_libraries("openlineage", extra="openlineage")
    except MissingLibraryError as error:
        logging.getLogger(__name__).error("no lineage is sent: %s", error)  # noqa: TRY400 - a sentence for people
        return dg.Definitions()
    return build_lineage(specs, interval_seconds=settings.actions_seconds, names=Names(settings.prefix))


def _send_lineage(settings: Settings, store: ResultStore, after: dt.datetime, until: dt.datetime) -> int:
    from monitoring_pipeline.lineage.events import Place, events_of
    from monitoring_pipeline.lineage.sending import send_events

    specs = [loaded.spec for loaded in usable_specs(read_checked_specs(settings.models))]
    events = (
        event
        for found in read_lineage(specs, store, after, until)
        for event in events_of(
            found,
            Place(namespace=settings.openlineage_namespace, source=settings.address_of(found.spec.warehouse)),
        )
    )
    return send_events(events, url=settings.openlineage_url, api_key=settings.openlineage_api_key.get_secret_value())


def _weekly_digest(settings: Settings) -> dg.Definitions:
    """Return the digest of the week that alerting.yaml declares; none while the file cannot be used."""
    try:
        rules = settings.alerting_rules()
    except SpecError as error:
        logging.getLogger(__name__).error("no weekly digest: %s", error)  # noqa: TRY400 - a sentence for people
        return dg.Definitions()
    return build_weekly_digest(rules, Names(settings.prefix))


def _retention(settings: Settings, specs: Sequence[ModelSpec]) -> dg.Definitions:
    """Return the asset that removes what retention.yaml no longer keeps; none while the file cannot be used."""
    try:
        return build_retention(specs, settings.retention_rules, Names(settings.prefix))
    except SpecError as error:
        logging.getLogger(__name__).error("nothing is removed: %s", error)  # noqa: TRY400 - a sentence for people
        return dg.Definitions()


def build_definitions(settings: Settings, clock: Clock = system_clock) -> dg.Definitions:
    """Return the definitions of a code location of its own: those of all models, and the executor."""
    return dg.Definitions.merge(project_definitions(settings, clock), dg.Definitions(executor=dg.in_process_executor))


def project_definitions(
    settings: Settings,
    clock: Clock = system_clock,
    *,
    variables: Mapping[str, str] | None = None,
    replaced: Mapping[str, dg.ResourceDefinition] | None = None,
) -> dg.Definitions:
    """Return the definitions of all models whose specs are usable, which may be merged with those of a project.

    Args:
        settings: where things are.
        clock: returns the present time; a rehearsal passes its own clock.
        variables: variables of the environment that gave a setting, by its name, beside those that it always has.
        replaced: resources that stand for those of the same names here, which have no prefix.

    Raises:
        SpecError: when specs exist but none is usable; the message lists every problem of every file.
    """
    specs = usable_specs(read_checked_specs(settings.models))
    names = Names(settings.prefix)
    resources = build_resources(settings, clock, variables) | names.resources(replaced or {})
    with warnings.catch_warnings():
        # Dagster still marks single-run backfills as beta. They are used on purpose: each reads a table only once.
        warnings.simplefilter("ignore", dg.BetaWarning)
        built, unbuilt = _built_models(specs, resources, names, has_freshness=settings.freshness)
    models = list(built.values())
    return dg.Definitions.merge(
        *models,
        build_sensor_definitions(
            [loaded for loaded in specs if loaded.spec.name in built],
            models,
            alerting=settings.alerting_rules,
            late_labels_seconds=settings.late_labels_seconds,
            actions_seconds=settings.actions_seconds,
            bad_specs=lambda: (*read_checked_specs(settings.models).bad, *unbuilt),
            names=names,
        ),
        _weekly_digest(settings),
        _retention(settings, [loaded.spec for loaded in specs if loaded.spec.name in built]),
        _lineage(settings, [loaded.spec for loaded in specs if loaded.spec.name in built]),
        dg.Definitions(resources=resources),
    )


def _built_models(
    specs: Sequence[LoadedSpec], resources: dict[str, dg.ResourceDefinition], names: Names, *, has_freshness: bool
) -> tuple[dict[str, dg.Definitions], tuple[BadSpec, ...]]:
    """Return the definitions by model, and the specs of which none can be built."""
    built: dict[str, dg.Definitions] = {}
    bad: list[BadSpec] = []
    for loaded in specs:
        try:
            built[loaded.spec.name] = build_model_definitions(loaded, resources, names, has_freshness=has_freshness)
        except Exception as error:  # noqa: BLE001 - one model must not stop the others
            bad.append(unusable(loaded.path, error))
            logging.getLogger(__name__).error("this spec is not used: %s", bad[-1].problems[0])  # noqa: TRY400 - clipped
    return built, tuple(bad)


@dg.definitions
def defs() -> dg.Definitions:
    """Return the definitions for the settings in the environment; Dagster calls this when it loads the module."""
    hide_in_logs()
    with hidden_in_errors():
        settings = with_own_key(Settings())
        report_unusable_specs(settings)
        return build_definitions(settings)


def report_unusable_specs(settings: Settings) -> None:
    """Log a sentence for each problem of a spec that is not used."""
    for problem in read_checked_specs(settings.models).problems:
        logging.getLogger(__name__).error("this spec is not used: %s", problem)
