"""The rule check of a model: its rules are replayed on the stored reference, and the result is stored."""

from monitoring_pipeline.evaluation.fitted_models.threads import one_thread
from monitoring_pipeline.evaluation.results import ChunkResults
from monitoring_pipeline.evaluation.rule_check.rule_check import replay
from monitoring_pipeline.ports.outside import Outside
from monitoring_pipeline.records.measurement import Measurement
from monitoring_pipeline.records.producer import replay_producer
from monitoring_pipeline.spec.declaration import window_of_key
from monitoring_pipeline.spec.loading import LoadedSpec
from monitoring_pipeline.steps.inputs import made_from
from monitoring_pipeline.steps.reference.building import take_reference
from monitoring_pipeline.steps.reference.stored import profiles_of_reference
from monitoring_pipeline.steps.references import reference_rows


@one_thread()
def replay_reference(loaded: LoadedSpec, model_version: str, outside: Outside) -> tuple[Measurement, ...]:
    """Check a version's rules on its reference; store the measurements under the reference's window and return them.

    The reference is built first if it is missing or its declaration has changed.

    Raises:
        SourceError: when the reference has to be built and its rows cannot be read, or do not fit the spec.
        EmptyReferenceError: when it has to be built and its window has no rows of the version.
    """
    spec = loaded.spec
    now = outside.clock()
    reference = take_reference(loaded, model_version, outside, now=now).reference
    profiles = profiles_of_reference(spec, reference, outside.store)
    rows = reference_rows(spec, reference, outside)
    measured = replay(spec.with_features_in(reference.bins), reference, profiles, rows)
    results = ChunkResults(
        producer=replay_producer(model_version),
        chunk=spec.calendar.window(window_of_key(reference.window)),
        provenance=made_from(spec, reference.reference_hash, {model_version: reference}),
        measurements=measured,
    )
    outside.store.replace(results, run_id=outside.run_id, measured_at=now)
    return measured
