"""What measuring a chunk took, in words."""

from collections.abc import Mapping

from monitoring_pipeline.records.effort import Effort

MOST_NAMED = 3


def cpu_seconds(efforts: Mapping[str, Effort]) -> float:
    """Return the CPU time of all assets together."""
    return sum(effort.cpu_seconds for effort in efforts.values())


def effort_words(efforts: Mapping[str, Effort]) -> str:
    """Return the CPU time of all assets, and of those that took most of it."""
    largest = sorted(efforts, key=lambda name: (-efforts[name].cpu_seconds, name))[:MOST_NAMED]
    parts = ", ".join(f"{name} {efforts[name].cpu_seconds:.2f}" for name in largest)
    return f"{cpu_seconds(efforts):.2f} s of CPU time ({parts})"
