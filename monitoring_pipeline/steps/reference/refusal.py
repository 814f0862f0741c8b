"""Records that a rebuilt reference was refused, so that every chunk reports it until somebody acts."""

from collections.abc import Iterable, Sequence

from monitoring_pipeline.evaluation.reference.reference import Reference
from monitoring_pipeline.evaluation.reference.shrinkage import LEAST_SHARE
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.ports.references import Origin
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.records.measurement import Kind, Measurement, Provenance, Severity, Status
from monitoring_pipeline.records.producer import refusal_producer
from monitoring_pipeline.spec.declaration import window_of_key
from monitoring_pipeline.spec.model import ModelSpec

SUBJECT, NAME = "reference", "reference_refused"


def refusal(spec: ModelSpec, before: Reference, rows: int, losses: Sequence[str]) -> Measurement:
    """Return the measurement that a rebuilt reference was refused.

    Args:
        spec: the model.
        before: the reference that stays in use.
        rows: number of rows of the refused one.
        losses: what it lacks, in words with both numbers.
    """
    version = before.model_version
    return Measurement(
        kind=Kind.OPERATIONS,
        subject=SUBJECT,
        name=NAME,
        model_version=version,
        value=float(rows),
        reference_value=float(before.profile.rows),
        threshold_lower=LEAST_SHARE * before.profile.rows,
        status=Status.BREACHED,
        severity=Severity.WARNING,
        reason=(
            f"the rebuilt reference of version {version!r} is refused, and the one before stays in use: "
            f"{'; '.join(losses)}. Correct its source or its declaration, or accept it: "
            f"monitoring-pipeline reference rebuild {spec.name} --version {version} --accept-smaller"
        ),
        definition="rows of a rebuilt reference that was refused because it has shrunk",
        rows=rows,
    )


def record_refusals(
    spec: ModelSpec, before: Reference, refusals: tuple[Measurement, ...], store: Results, origin: Origin
) -> None:
    """Replace what is recorded about refused references of a version; nothing is written if nothing changes."""
    if list(refusals) == recorded_refusals(spec, [before], store):
        return
    results = ChunkResults(
        producer=refusal_producer(before.model_version),
        chunk=spec.calendar.window(window_of_key(before.window)),
        provenance=Provenance(
            spec_hash=spec.spec_hash, reference_hash=before.reference_hash, input_fingerprint="", code_version=""
        ),
        measurements=refusals,
    )
    store.replace(results, run_id=origin.run_id, measured_at=origin.at)


def recorded_refusals(spec: ModelSpec, references: Iterable[Reference], store: Results) -> list[Measurement]:
    """Return the refusals that are recorded about the versions of some references in use."""
    return [
        measurement
        for reference in references
        for measurement in store.measurements(spec.name, reference.window, refusal_producer(reference.model_version))
    ]
