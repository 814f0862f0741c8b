"""The metrics that are exported: their names, meanings and labels. Alert rules and dashboards are written with them."""

from dataclasses import dataclass

PREFIX = "monitoring_pipeline"


@dataclass(frozen=True)
class Family:
    """One metric: a gauge with its labels."""

    name: str
    help: str
    labels: tuple[str, ...] = ("model",)

    @property
    def full_name(self) -> str:
        """The name with the prefix of this package."""
        return f"{PREFIX}_{self.name}"


OF_A_NUMBER = ("model", "version", "metric", "of")
VERDICT = Family(
    "verdict", "1 for the verdict on the newest judged chunk, 0 for the other verdicts.", ("model", "verdict")
)
CHUNK_END = Family("chunk_end_timestamp_seconds", "End of the newest judged chunk.")
MEASUREMENTS = Family(
    "measurements", "Measurements of that chunk: ok, breached, or skipped because they could not be made.",
    ("model", "status"),
)  # fmt: skip
ROWS = Family("rows", "Predictions of that chunk.")
DRIFTED = Family("drifted_columns", "Columns of that chunk that have drifted; absent if drift could not be measured.")
LABELS_KNOWN = Family("labels_known_ratio", "Share of the expected labels of that chunk that are known.")
PERFORMANCE = Family("performance", "Newest measured value of a metric of performance.", OF_A_NUMBER)
PERFORMANCE_LOWER = Family("performance_lower", "Lower bound of its 95 % interval.", OF_A_NUMBER)
PERFORMANCE_UPPER = Family("performance_upper", "Upper bound of its 95 % interval.", OF_A_NUMBER)
LIMIT_LOWER = Family("performance_limit_lower", "Its lower limit.", OF_A_NUMBER)
LIMIT_UPPER = Family("performance_limit_upper", "Its upper limit.", OF_A_NUMBER)
PERFORMANCE_CHUNK = Family(
    "performance_chunk_end_timestamp_seconds", "End of the chunk that it was measured on.", OF_A_NUMBER
)
ESTIMATED = Family("estimated_performance", "Newest estimate of a metric without labels.", OF_A_NUMBER)
INCIDENTS = Family(
    "incidents", "Incidents that last, by severity, and whether somebody has acknowledged them.",
    ("model", "severity", "acknowledged"),
)  # fmt: skip
BUDGET_LEFT = Family("error_budget_left_ratio", "Share of the error budget that is left.", ("model", "objective"))
SERVING = Family(
    "serving", "Numbers about the serving of the model on that chunk, such as latencies.",
    ("model", "version", "metric"),
)  # fmt: skip
SERVING_LIMIT = Family("serving_limit_upper", "Their upper limits.", ("model", "version", "metric"))
MEASURING = Family("measuring_cpu_seconds", "CPU time that measuring that chunk took.")
MEASURING_BYTES = Family("measuring_bytes_read", "Bytes of the warehouse's answers that measuring that chunk read.")
FAMILIES = (
    VERDICT, CHUNK_END, MEASUREMENTS, ROWS, DRIFTED, LABELS_KNOWN, PERFORMANCE, PERFORMANCE_LOWER, PERFORMANCE_UPPER,
    LIMIT_LOWER, LIMIT_UPPER, PERFORMANCE_CHUNK, ESTIMATED, INCIDENTS, BUDGET_LEFT, SERVING,
    SERVING_LIMIT, MEASURING, MEASURING_BYTES,
)  # fmt: skip
