"""The packages that a serving environment has, compared with what the registry requires of a model version."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from monitoring_pipeline.evaluation.operations.measuring import OF_DEPENDENCIES
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity

DIFFERING = "differing_packages"
PACKAGES_SHOWN = 5
_PINNED = re.compile(r"(?P<name>[A-Za-z0-9][A-Za-z0-9._-]*)\s*===?\s*(?P<version>[A-Za-z0-9][A-Za-z0-9._+!-]*)")


@dataclass(frozen=True)
class Difference:
    """A package whose served version the registry does not allow."""

    package: str
    served: str
    required: str

    @property
    def words(self) -> str:
        """The difference in words."""
        return f"{self.package} {self.served} served, {self.required} registered"


def packages_of(text: str) -> dict[str, str]:
    """Return the versions in a list of packages by normalized name: ``name==version`` entries, or a JSON object."""
    try:
        document = json.loads(text)
    except ValueError:
        document = None
    if isinstance(document, dict):
        entries = [(str(name), str(version)) for name, version in document.items()]  # pyright: ignore[reportUnknownVariableType, reportUnknownArgumentType]
    else:
        entries = [(found["name"], found["version"]) for found in _PINNED.finditer(text)]
    return {canonicalize_name(name): version for name, version in entries}


def differences(served: Mapping[str, str], required: Sequence[str]) -> Iterator[Difference]:
    """Yield the packages whose served version a requirement does not allow.

    Packages that are not listed as served, and requirements with a marker or an address, are not compared.
    """
    for line in required:
        try:
            requirement = Requirement(line.partition("#")[0].strip())
        except InvalidRequirement:
            continue
        version = served.get(canonicalize_name(requirement.name))
        if version is None or requirement.marker is not None or not requirement.specifier:
            continue
        try:
            is_allowed = requirement.specifier.contains(Version(version), prereleases=True)
        except InvalidVersion:
            is_allowed = False
        if not is_allowed:
            pinned = str(requirement.specifier)
            yield Difference(requirement.name, version, pinned.removeprefix("==") if "," not in pinned else pinned)


def measure_dependencies(
    environments: Mapping[str, int], required: Sequence[str] | None, *, model_version: str, why_not: str = ""
) -> Measurement:
    """Return the number of packages that differ between the serving environment and the registry.

    Args:
        environments: the lists of packages, and how many rows were served with each.
        required: requirements of the version; None if the registry has none.
        model_version: the version.
        why_not: the reason why it could not be measured; empty if it could.
    """
    blank = Measurement(
        kind=Kind.OPERATIONS,
        subject=OF_DEPENDENCIES,
        name=DIFFERING,
        model_version=model_version,
        value=0.0,
        threshold_upper=0.0,
        severity=Severity.WARNING,
        definition="packages whose served version the requirements in the registry do not allow",
    )
    if why_not:
        return blank.skipped(why_not)
    if required is None:
        return blank.skipped(f"the registry has no requirements of version {model_version}")
    served = {text: packages for text in environments if (packages := packages_of(text))}
    if not served:
        return blank.skipped("the serving environment lists no package, such as scikit-learn==1.5.0")
    rows = sum(environments[text] for text in served)
    found: dict[Difference, int] = {}
    for text, packages in served.items():
        for difference in differences(packages, required):
            found[difference] = found.get(difference, 0) + environments[text]
    measured = replace(blank, value=float(len({each.package for each in found})), rows=rows)
    if not found:
        return measured
    ordered = sorted(found, key=lambda each: (-found[each], each.package, each.served))
    shown = "; ".join(
        each.words + (f" (on {found[each]} of {rows} rows)" if found[each] < rows else "")
        for each in ordered[:PACKAGES_SHOWN]
    )
    more = f"; and {len(ordered) - PACKAGES_SHOWN} more" if len(ordered) > PACKAGES_SHOWN else ""
    return measured.breached(shown + more)
