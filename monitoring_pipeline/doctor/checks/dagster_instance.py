"""Dagster: the daemon, the schedules and sensors that are off, and the runs that failed."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator

import dagster as dg

from monitoring_pipeline.doctor.deployment import Deployment
from monitoring_pipeline.doctor.findings import Finding, ok, problem, warning

LONGEST_SILENCE = dt.timedelta(minutes=5)
"""The daemon gives a sign of life about twice a minute."""
LATELY = dt.timedelta(days=7)
MOST_RUNS, MOST_NAMED = 1000, 8
_IN_UI = "turn them on in the UI under Automation"


def daemon(deployment: Deployment) -> Iterator[Finding]:
    """Yield whether Dagster's daemon runs; without it no schedule and no sensor does."""
    instance = deployment.instance
    if instance is None:
        yield warning(
            f"{deployment.settings.dagster_home} has no dagster.yaml, so nothing was started there",
            "start `dagster dev`, or a webserver and a daemon",
        )
        return
    beats = instance.get_daemon_heartbeats()
    newest = max((beat.timestamp for beat in beats.values()), default=None)
    if newest is None:
        yield warning(
            "the daemon has never run, so nothing runs by itself", "start `dagster dev` or `dagster-daemon run`"
        )
        return
    at = dt.datetime.fromtimestamp(newest, dt.UTC)
    if deployment.now - at > LONGEST_SILENCE:
        yield problem(
            f"the daemon was last seen on {at:%Y-%m-%d at %H:%M} UTC, so nothing runs by itself",
            "start `dagster dev` or `dagster-daemon run`",
        )
        return
    failing = {name: beat.errors[0].message.strip() for name, beat in beats.items() if beat.errors}
    for name, error in failing.items():
        yield problem(f"{name.lower()} of the daemon fails: {error}", "see the daemon's log")
    if not failing:
        yield ok(f"the daemon was seen at {at:%H:%M:%S} UTC")


def automation(deployment: Deployment) -> Iterator[Finding]:
    """Yield the schedules and sensors that are off."""
    instance = deployment.instance
    if instance is None or not deployment.folder.good:
        return
    running = {state.instigator_name for state in instance.all_instigator_state() if state.is_running}
    definitions = deployment.definitions
    for what, listed in (("schedules", definitions.schedules), ("sensors", definitions.sensors)):
        names = sorted(each.name for each in listed or ())
        off = [name for name in names if name not in running]
        if off:
            more = f" and {len(off) - MOST_NAMED} more" if len(off) > MOST_NAMED else ""
            yield warning(f"{len(off)} of {len(names)} {what} are off: {', '.join(off[:MOST_NAMED])}{more}", _IN_UI)
        elif names:
            yield ok(f"{len(names)} {what} are on")


def runs(deployment: Deployment) -> Iterator[Finding]:
    """Yield the jobs of which runs failed lately."""
    instance = deployment.instance
    if instance is None:
        return
    wanted = dg.RunsFilter(statuses=[dg.DagsterRunStatus.FAILURE], created_after=deployment.now - LATELY)
    failed = instance.get_runs(wanted, limit=MOST_RUNS)
    newest = {run.job_name: run.run_id for run in reversed(list(failed))}
    for job, count in Counter(run.job_name for run in failed).most_common(MOST_NAMED):
        yield warning(
            f"{count} runs of {job} failed within {LATELY.days} days", f"look at the newest, {newest[job]}, in the UI"
        )
    if not failed:
        yield ok(f"no run failed within {LATELY.days} days")
