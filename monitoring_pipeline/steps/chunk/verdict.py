"""The step that judges a chunk from all its measurements."""

from collections.abc import Sequence

import monitoring_pipeline
from monitoring_pipeline.evaluation.judgement.decisive import about_the_model, decisive_measurements
from monitoring_pipeline.evaluation.judgement.guards import measure_guards
from monitoring_pipeline.evaluation.judgement.verdict import judge
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rows.fingerprints import combined_fingerprint
from monitoring_pipeline.ports.results import Results
from monitoring_pipeline.records.measurement import Provenance
from monitoring_pipeline.records.producer import Producer
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.model import ModelSpec


def verdict_of_refusal(results: ChunkResults) -> ChunkResults:
    """Return the verdict on a refused chunk, from the results about its predictions alone."""
    return ChunkResults(
        producer=Producer.VERDICT,
        chunk=results.chunk,
        provenance=results.provenance,
        verdict=judge(results.measurements),
    )


def judge_chunk(spec: ModelSpec, chunk: Chunk, producers: Sequence[str], *, store: Results) -> ChunkResults:
    """Judge a chunk from all its measurements.

    Args:
        spec: the model.
        chunk: the chunk.
        producers: the producers of those measurements, in the order of their fingerprints.
        store: where the results are kept.
    """
    measured = about_the_model(store.measurements(spec.name, chunk.key))
    rows = next((int(m.value) for m in measured if m.name == "rows" and m.value is not None), 0)
    guards = measure_guards(spec, measured, rows)
    provenances = {name: store.provenance(spec.name, chunk.key, name) for name in map(Producer, producers)}
    made_from = [p.input_fingerprint for p in provenances.values() if p is not None]
    drift = provenances[Producer.DRIFT]
    return ChunkResults(
        producer=Producer.VERDICT,
        chunk=chunk,
        provenance=Provenance(
            spec_hash=spec.spec_hash,
            reference_hash=drift.reference_hash if drift else "",
            input_fingerprint=combined_fingerprint(*made_from),
            code_version=monitoring_pipeline.__version__,
        ),
        measurements=(decisive_measurements(measured, rows), *guards),
        verdict=judge([*measured, *guards]),
    )
