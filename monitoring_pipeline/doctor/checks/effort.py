"""What the monitoring itself takes."""

from collections.abc import Iterator

from monitoring_pipeline.doctor.deployment import Deployment
from monitoring_pipeline.doctor.findings import Finding, ok, warning
from monitoring_pipeline.evaluation.operations.effort import bytes_read, cpu_seconds, effort_words, in_bytes


def effort(deployment: Deployment) -> Iterator[Finding]:
    """Yield the models whose newest chunk took more CPU time, or read more bytes, than the settings allow."""
    store, allowed, fine = deployment.store, deployment.settings.cpu_seconds_per_chunk, list[float]()
    bytes_allowed = deployment.settings.bytes_read_per_chunk
    if store is None:
        return
    for entry in deployment.folder.good:
        newest = max(store.verdicts(entry.spec.name), default=None)
        efforts = store.efforts(entry.spec.name, newest) if newest else {}
        if not efforts:
            continue
        took, size = cpu_seconds(efforts), bytes_read(efforts) or 0
        if bytes_allowed is not None and size > bytes_allowed:
            yield warning(
                f"{entry.spec.name}: measuring {newest} read {in_bytes(size)} from the warehouse; "
                f"{in_bytes(bytes_allowed)} are allowed",
                "see pushdown in docs/scale.md, or raise MONITORING_PIPELINE_BYTES_READ_PER_CHUNK",
            )
        if allowed is not None and took > allowed:
            yield warning(
                f"{entry.spec.name}: measuring {newest} took {effort_words(efforts)}; {allowed:g} s are allowed",
                "see docs/scale.md, or raise MONITORING_PIPELINE_CPU_SECONDS_PER_CHUNK",
            )
        else:
            fine.append(took)
    if fine:
        yield ok(f"measuring a newest chunk took {min(fine):.2f} to {max(fine):.2f} s of CPU time")
