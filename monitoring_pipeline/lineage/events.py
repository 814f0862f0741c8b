"""The events of OpenLineage: a run for each judged chunk, and one for each new role of a version.

https://openlineage.io/docs/spec/object-model
"""

import datetime as dt
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlsplit

import attrs
from openlineage.client.event_v2 import InputDataset, Job, OutputDataset, Run, RunEvent, RunState
from openlineage.client.facet_v2 import (
    BaseFacet,
    InputDatasetFacet,
    RunFacet,
    data_quality_assertions_dataset,
    dataset_version_dataset,
    input_statistics_input_dataset,
    nominal_time_run,
    tags_run,
)

from monitoring_pipeline.evaluation.privacy.secrets import without_secrets
from monitoring_pipeline.ports.lineage import ChunkLineage, Lineage, VersionLineage
from monitoring_pipeline.records.measurement import Kind, Measurement, Severity, Status
from monitoring_pipeline.spec.model import ModelSpec

PRODUCER = "https://pypi.org/project/monitoring-pipeline"
NAMES = uuid.UUID("5f0c0d53-6a4b-5b0e-9f0d-7c1f2f1f7a11")
"""The namespace of the runs' ids, so that a run that is sent again is the same run."""
_SCHEMES = {"postgresql": "postgres"}
"""Names of OpenLineage for databases: https://openlineage.io/docs/spec/naming"""
AnyFacet = TypeVar("AnyFacet", bound=BaseFacet)
_SEVERITIES = {Severity.CRITICAL: "error", Severity.WARNING: "warn", Severity.INFO: "info"}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where things are in the lineage.

    Args:
        namespace: of the jobs and of the results.
        source: path or URL of the warehouse of the model.
    """

    namespace: str
    source: str

    def table(self, name: str) -> tuple[str, str]:
        """Return namespace and name of a table, as OpenLineage names them: by host, or by the path of a file."""
        parts = urlsplit(self.source)
        if parts.hostname:
            port = f":{parts.port}" if parts.port else ""
            scheme = _SCHEMES.get(parts.scheme, parts.scheme)
            return f"{scheme}://{parts.hostname}{port}", f"{parts.path.strip('/')}.{name}".lstrip(".")
        return "file", f"{without_secrets(parts.path)}/{name}"


def events_of(lineage: Lineage, place: Place) -> list[RunEvent]:
    """Return the events of a judged chunk, or of a new role of a version."""
    return _of_chunk(lineage, place) if isinstance(lineage, ChunkLineage) else _of_version(lineage, place)


def _of_chunk(judged: ChunkLineage, place: Place) -> list[RunEvent]:
    spec, chunk = judged.spec, judged.chunk
    run = Run(
        runId=str(uuid.uuid5(NAMES, f"{spec.name}/{chunk.key}/{judged.revision}")),
        facets={
            "nominalTime": _produced(
                nominal_time_run.NominalTimeRunFacet(
                    nominalStartTime=_text(chunk.start), nominalEndTime=_text(chunk.end)
                )
            ),
            "tags": _tags({"chunk": chunk.key, "verdict": str(judged.verdict.status), **_hashes(judged)}),
        },
    )
    job = Job(namespace=place.namespace, name=f"{spec.name}.chunk")
    results = _dataset_version(f"{chunk.key}/{judged.revision}")
    outputs = [OutputDataset(namespace=place.namespace, name=f"{spec.name}.results", facets={"version": results})]
    return _started_and_ended(run, job, judged.judged_at, inputs=_inputs(judged, place), outputs=outputs)


def _of_version(changed: VersionLineage, place: Place) -> list[RunEvent]:
    spec, record = changed.spec, changed.record
    since = _text(record.since)
    run = Run(
        runId=str(uuid.uuid5(NAMES, f"{spec.name}/version/{record.model_version}/{since}")),
        facets={"tags": _tags({"role": str(record.role), "version": record.model_version})},
    )
    version = _dataset_version(record.model_version)
    model = OutputDataset(namespace=place.namespace, name=f"models:/{spec.name}", facets={"version": version})
    job = Job(namespace=place.namespace, name=f"{spec.name}.versions")
    return _started_and_ended(run, job, record.since, inputs=[], outputs=[model])


def _started_and_ended(
    run: Run, job: Job, at: dt.datetime, *, inputs: list[InputDataset], outputs: list[OutputDataset]
) -> list[RunEvent]:
    """Return the two events that OpenLineage asks of each run; datasets belong to the second."""
    return [
        RunEvent(eventType=RunState.START, eventTime=_text(at), run=run, job=job, producer=PRODUCER),
        RunEvent(
            eventType=RunState.COMPLETE,
            eventTime=_text(at),
            run=run,
            job=job,
            producer=PRODUCER,
            inputs=inputs,
            outputs=outputs,
        ),
    ]


def _inputs(judged: ChunkLineage, place: Place) -> list[InputDataset]:
    spec = judged.spec
    namespace, name = place.table(spec.predictions.table)
    rows = next((m.value for m in judged.measurements if (m.name, m.subject) == ("rows", "chunk")), None)
    assertions = data_quality_assertions_dataset.DataQualityAssertionsDatasetFacet(
        assertions=list(_assertions(spec, judged.measurements))
    )
    facets: dict[str, InputDatasetFacet] = {"dataQualityAssertions": _produced(assertions)}
    if rows is not None:
        statistics = input_statistics_input_dataset.InputStatisticsInputDatasetFacet(rowCount=int(rows))
        facets["inputStatistics"] = _produced(statistics)
    version = _dataset_version(judged.provenance.input_fingerprint) if judged.provenance else None
    predictions = InputDataset(
        namespace=namespace, name=name, facets={"version": version} if version else {}, inputFacets=facets
    )
    labels = None if spec.labels is None else spec.labels.table
    if labels is None or labels == spec.predictions.table:
        return [predictions]
    return [predictions, InputDataset(*place.table(labels))]


def _assertions(
    spec: ModelSpec, measurements: Iterable[Measurement]
) -> Iterable[data_quality_assertions_dataset.Assertion]:
    """Yield the checks of data quality that could be made."""
    for m in measurements:
        if m.kind is Kind.QUALITY and m.status is not Status.SKIPPED:
            yield data_quality_assertions_dataset.Assertion(
                assertion=str(m.metric),
                success=m.status is Status.OK,
                column=m.subject if m.subject in spec.columns else None,
                severity=_SEVERITIES[m.severity],
                description=m.reason,
            )


def _hashes(judged: ChunkLineage) -> dict[str, str]:
    if judged.provenance is None:
        return {}
    found = judged.provenance
    return {"spec": found.spec_hash, "reference": found.reference_hash, "code": found.code_version}


def _tags(values: dict[str, str]) -> RunFacet:
    fields = [
        tags_run.TagsRunFacetFields(key=name, value=value, source="monitoring_pipeline")
        for name, value in values.items()
        if value
    ]
    return _produced(tags_run.TagsRunFacet(tags=fields))


def _dataset_version(text: str) -> dataset_version_dataset.DatasetVersionDatasetFacet:
    return _produced(dataset_version_dataset.DatasetVersionDatasetFacet(datasetVersion=text))


def _produced(facet: AnyFacet) -> AnyFacet:
    """Return a facet that names this package as its producer; the library has one name for the whole process."""
    return attrs.evolve(facet, producer=PRODUCER)


def _text(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat()
