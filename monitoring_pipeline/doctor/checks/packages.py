"""Versions of this package and of those that it needs."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, requires, version
from platform import python_version

from packaging.requirements import Requirement

from monitoring_pipeline.doctor.deployment import Deployment
from monitoring_pipeline.doctor.findings import Finding, ok, problem

PACKAGE = "monitoring-pipeline"
_REMEDY = "install the package again, with the versions that it needs"


def packages(_: Deployment) -> Iterator[Finding]:
    """Yield the packages that are missing or have a version that is not supported."""
    wanted = [Requirement(text) for text in requires(PACKAGE) or ()]
    wrong = [text for each in wanted if each.marker is None or each.marker.evaluate() if (text := _wrong(each))]
    for text in wrong:
        yield problem(text, _REMEDY)
    if not wrong:
        yield ok(f"monitoring_pipeline {version(PACKAGE)}, dagster {version('dagster')}, Python {python_version()}")


def _wrong(wanted: Requirement) -> str | None:
    try:
        found = version(wanted.name)
    except PackageNotFoundError:
        return f"{wanted.name} is not installed"
    if wanted.specifier.contains(found, prereleases=True):
        return None
    return f"{wanted.name} {found} is installed, {wanted.specifier} is supported"
