"""The provenance of results."""

from monitoring_pipeline.records.measurement import Kind, Maturity, Measurement, Status
from monitoring_pipeline.steps.inputs import outcome_fingerprint


def test_fingerprint_of_measurements_equals_that_of_older_homes():
    metric = Measurement(
        kind=Kind.PERFORMANCE, subject="model", name="recall", of="late", model_version="1", value=0.25, lower=0.125,
        upper=0.5, maturity=Maturity.FINAL, rows=7,
    )  # fmt: skip
    skipped = Measurement(
        kind=Kind.QUALITY, subject="it's", name="null_share", model_version="", status=Status.SKIPPED,
        reason='no "rows"', segment="city=Berlin",
    )  # fmt: skip
    assert outcome_fingerprint([metric, skipped]) == "162724b8fa9419a2c108796765da66e8"
