"""What measuring a chunk took, in words."""

from collections.abc import Mapping

from monitoring_pipeline.records.effort import Effort

MOST_NAMED = 3
THOUSAND, UNITS = 1000, ("bytes", "kB", "MB", "GB")


def cpu_seconds(efforts: Mapping[str, Effort]) -> float:
    """Return the CPU time of all assets together."""
    return sum(effort.cpu_seconds for effort in efforts.values())


def bytes_read(efforts: Mapping[str, Effort]) -> int | None:
    """Return the bytes that all assets together read from the warehouse; None where that was not kept."""
    known = [effort.bytes_read for effort in efforts.values() if effort.bytes_read is not None]
    return sum(known) if known else None


def in_bytes(size: float) -> str:
    """Return a number of bytes for people, such as ``41.2 MB``; a MB has a million of them."""
    for unit in UNITS:
        if size < THOUSAND:
            return f"{size:.3g} {unit}"
        size /= THOUSAND
    return f"{size:.3g} TB"


def effort_words(efforts: Mapping[str, Effort]) -> str:
    """Return the CPU time of all assets, and of those that took most of it, and what was read from the warehouse."""
    largest = sorted(efforts, key=lambda name: (-efforts[name].cpu_seconds, name))[:MOST_NAMED]
    parts = ", ".join(f"{name} {efforts[name].cpu_seconds:.2f}" for name in largest)
    size = bytes_read(efforts)
    read = "" if size is None else f", {in_bytes(size)} read"
    return f"{cpu_seconds(efforts):.2f} s of CPU time ({parts}){read}"
