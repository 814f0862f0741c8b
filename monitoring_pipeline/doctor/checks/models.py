"""The models: their specs, the tables that these name, and the nights that are missing."""

from collections.abc import Iterator

from monitoring_pipeline.composition import build_inspection
from monitoring_pipeline.doctor.deployment import Deployment
from monitoring_pipeline.doctor.findings import Finding, ok, problem, warning
from monitoring_pipeline.evaluation.operations.pipeline_health import overdue_chunks
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.orchestration.runs.names import Names
from monitoring_pipeline.registry.answering import RegistryError
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.steps.references import may_be_empty


def specs(deployment: Deployment) -> Iterator[Finding]:
    """Yield the specs that cannot be used."""
    folder = deployment.folder
    for bad in folder.bad:
        more = f" (and {len(bad.problems) - 1} more)" if bad.problems[1:] else ""
        yield problem(f"{bad.problems[0]}{more}", "run `monitoring-pipeline spec check`")
    if folder.good:
        yield ok(f"{len(folder.good)} models in {deployment.settings.models}")
    elif not folder.bad:
        yield warning(f"no model in {deployment.settings.models}", "draft one with `monitoring-pipeline init`")


def sources(deployment: Deployment) -> Iterator[Finding]:
    """Yield the tables of predictions and labels that cannot be read."""
    inspection, fine = build_inspection(deployment.adapters), 0
    models_by_reason: dict[str, list[str]] = {}
    for spec in _specs(deployment):
        try:
            reasons = [each.reason for each in inspection.tables(spec).unreadable]
        except SourceError as error:
            reasons = [str(error)]
        for reason in reasons:
            models_by_reason.setdefault(reason, []).append(spec.name)
        fine += not reasons
    for reason, models in models_by_reason.items():
        yield problem(f"{', '.join(models)}: {reason}", "correct the address, the name of the table, or the rights")
    if fine:
        yield ok(f"the tables of {fine} models can be read")


def nights(deployment: Deployment) -> Iterator[Finding]:
    """Yield the models whose newest chunks have no verdict in time."""
    store, names, fine = deployment.store, Names(deployment.settings.prefix), 0
    if store is None:
        return
    for spec in _specs(deployment):
        judged = store.verdicts(spec.name)
        overdue = overdue_chunks(spec, judged, deployment.now)
        late = [chunk for chunk in overdue if not may_be_empty(spec, chunk, store)]
        if not judged:
            yield warning(f"{spec.name}: nothing is measured yet", f"monitoring-pipeline backfill {spec.name}")
        elif late:
            last = f" to {late[-1].key}" if late[1:] else ""
            yield problem(
                f"{spec.name}: no verdict of {late[0].key}{last}; the newest is of {max(judged)}",
                f"turn on {names.starter(spec)}, and run `monitoring-pipeline backfill {spec.name} "
                f"--from {late[0].key} --to {late[-1].key}`",
            )
        else:
            fine += 1
    if fine:
        yield ok(f"{fine} models are judged up to their last chunk")


def registry(deployment: Deployment) -> Iterator[Finding]:
    """Yield whether MLflow answers, if a model needs it."""
    spec = next((spec for spec in _specs(deployment) if _needs_registry(spec)), None)
    if spec is None:
        return
    *_, version = spec.reference
    try:
        card = deployment.adapters.registry.version_card(spec.name, version)
    except RegistryError as error:
        yield problem(str(error), "start MLflow, or correct MLFLOW_TRACKING_URI")
        return
    yield ok(f"version {version} of {spec.name} is {'registered' if card else 'not registered'}")


def _needs_registry(spec: ModelSpec) -> bool:
    return any((spec.retraining, spec.explanation, spec.operations.dependencies))


def _specs(deployment: Deployment) -> Iterator[ModelSpec]:
    return (entry.spec for entry in deployment.folder.good)
