"""Names of a model's jobs."""

from monitoring_pipeline.spec.model import ModelSpec


def nightly_job_name(spec: ModelSpec) -> str:
    """Return the name of the job that monitors one chunk from the warehouse to the verdict."""
    return f"{spec.name}_nightly"


def late_labels_job_name(spec: ModelSpec) -> str:
    """Return the name of the job that measures a chunk again when labels have arrived."""
    return f"{spec.name}_late_labels"
