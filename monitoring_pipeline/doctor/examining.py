"""Examines a deployment by all checks. A check that fails is a problem of its own and stops no other."""

import datetime as dt
from collections.abc import Callable, Iterator
from typing import NamedTuple

from monitoring_pipeline.doctor.checks.alerts import channels, outbox
from monitoring_pipeline.doctor.checks.dagster_instance import automation, daemon, runs
from monitoring_pipeline.doctor.checks.effort import effort
from monitoring_pipeline.doctor.checks.files import disk, home, id_key, snapshots
from monitoring_pipeline.doctor.checks.models import nights, registry, sources, specs
from monitoring_pipeline.doctor.checks.packages import packages
from monitoring_pipeline.doctor.checks.store import clock, store
from monitoring_pipeline.doctor.deployment import Deployment, examined
from monitoring_pipeline.doctor.findings import Checked, Finding, problem
from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.settings import Settings

LONGEST_REASON = 300


class Check(NamedTuple):
    """A check by its name."""

    name: str
    run: Callable[[Deployment], Iterator[Finding]]


CHECKS = (
    Check("packages", packages),
    Check("home", home),
    Check("specs", specs),
    Check("sources", sources),
    Check("store", store),
    Check("clock", clock),
    Check("nights", nights),
    Check("snapshots", snapshots),
    Check("disk", disk),
    Check("effort", effort),
    Check("id key", id_key),
    Check("daemon", daemon),
    Check("automation", automation),
    Check("runs", runs),
    Check("channels", channels),
    Check("outbox", outbox),
    Check("registry", registry),
)


def examine(settings: Settings, now: dt.datetime) -> Iterator[Checked]:
    """Yield the findings of all checks."""
    with examined(settings, now) as deployment:
        for check in CHECKS:
            yield from (Checked(check.name, finding) for finding in _findings(check, deployment))


def _findings(check: Check, deployment: Deployment) -> list[Finding]:
    found: list[Finding] = []
    try:
        found.extend(check.run(deployment))
    except Exception as error:  # noqa: BLE001 - whatever is broken is what the command is for
        reason = " ".join(without_secrets(str(error)).split())[:LONGEST_REASON] or type(error).__name__
        found.append(problem(f"cannot be checked: {reason}", "correct this first"))
    return found
