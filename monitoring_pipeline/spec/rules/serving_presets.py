"""Ready-made queries for the metrics of serving systems.

``{model}`` is the value of the system's label for the model, ``{range}`` the length of the chunk.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Preset:
    """The queries of one serving system, by the name of their number, and the page that describes its metrics."""

    page: str
    queries: Mapping[str, str]


def _increase(metric: str, labels: str) -> str:
    return f"sum(increase({metric}{labels}[{{range}}]))"


def _mean(total: str, count: str, labels: str, scale: str = "") -> str:
    return f"{scale}{_increase(total, labels)} / {_increase(count, labels)}"


def _quantile(histogram: str, labels: str) -> str:
    return f"1000 * histogram_quantile(0.95, sum by (le) (increase({histogram}_bucket{labels}[{{range}}])))"


def _highest(metric: str, labels: str = "") -> str:
    return f"max(max_over_time({metric}{labels}[{{range}}]))"


def _average(metric: str) -> str:
    return f"avg(avg_over_time({metric}[{{range}}]))"


_TRITON, _KSERVE = '{model="{model}"}', '{model_name="{model}"}'
_BENTOML, _BENTOML_ERRORS = '{service_name="{model}"}', '{service_name="{model}",http_response_code=~"5.."}'
_FLASK, _FLASK_ERRORS = '{path="/invocations"}', '{path="/invocations",status=~"5.."}'
_TRITON_FAILED = f"({_increase('nv_inference_request_failure', _TRITON)} or vector(0))"
PRESETS: Mapping[str, Preset] = MappingProxyType(
    {
        "triton": Preset(
            "https://docs.nvidia.com/deeplearning/triton-inference-server/user-guide/docs/user_guide/metrics.html",
            {
                "latency_ms": _mean(
                    "nv_inference_request_duration_us", "nv_inference_request_success", _TRITON, "0.001 * "
                ),
                "queue_ms": _mean(
                    "nv_inference_queue_duration_us", "nv_inference_request_success", _TRITON, "0.001 * "
                ),
                "failure_share": f"{_TRITON_FAILED} / ({_TRITON_FAILED} + "
                f"{_increase('nv_inference_request_success', _TRITON)})",
                "batch_size": _mean("nv_inference_count", "nv_inference_exec_count", _TRITON),
                "gpu_utilization": _average("nv_gpu_utilization"),
                "gpu_memory_gb": "1e-9 * " + _highest("nv_gpu_memory_used_bytes"),
                "cpu_utilization": _average("nv_cpu_utilization"),
                "memory_gb": "1e-9 * " + _highest("nv_cpu_memory_used_bytes"),
            },
        ),
        "kserve": Preset(
            "https://kserve.github.io/website/latest/modelserving/observability/prometheus_metrics",
            {
                "latency_ms": _mean("request_predict_seconds_sum", "request_predict_seconds_count", _KSERVE, "1000 * "),
                "latency_p95_ms": _quantile("request_predict_seconds", _KSERVE),
                "preprocess_ms": _mean(
                    "request_preprocess_seconds_sum", "request_preprocess_seconds_count", _KSERVE, "1000 * "
                ),
            },
        ),
        "torchserve": Preset(
            "https://pytorch.org/serve/metrics.html",
            {
                "latency_ms": _mean(
                    "ts_inference_latency_microseconds", "ts_inference_requests_total", _KSERVE, "0.001 * "
                ),
                "queue_ms": _mean("ts_queue_latency_microseconds", "ts_inference_requests_total", _KSERVE, "0.001 * "),
                "errors": _increase("Requests5XX", ""),
                "cpu_percent": _average("CPUUtilization"),
                "memory_percent": _highest("MemoryUtilization"),
                "gpu_percent": _average("GPUUtilization"),
                "gpu_memory_percent": _highest("GPUMemoryUtilization"),
            },
        ),
        "bentoml": Preset(
            "https://docs.bentoml.com/en/latest/build-with-bentoml/observability/metrics.html",
            {
                "latency_ms": _mean(
                    "bentoml_service_request_duration_seconds_sum",
                    "bentoml_service_request_duration_seconds_count",
                    _BENTOML,
                    "1000 * ",
                ),
                "latency_p95_ms": _quantile("bentoml_service_request_duration_seconds", _BENTOML),
                "failure_share": f"({_increase('bentoml_service_request_total', _BENTOML_ERRORS)} or vector(0)) / "
                f"{_increase('bentoml_service_request_total', _BENTOML)}",
                "batch_size": _mean(
                    "bentoml_service_adaptive_batch_size_sum", "bentoml_service_adaptive_batch_size_count", _BENTOML
                ),
                "requests_in_progress": _highest("bentoml_service_request_in_progress", _BENTOML),
            },
        ),
        "mlflow": Preset(
            "https://pypi.org/project/prometheus-flask-exporter/",
            {
                "latency_ms": _mean(
                    "flask_http_request_duration_seconds_sum",
                    "flask_http_request_duration_seconds_count",
                    _FLASK,
                    "1000 * ",
                ),
                "latency_p95_ms": _quantile("flask_http_request_duration_seconds", _FLASK),
                "failure_share": f"({_increase('flask_http_request_duration_seconds_count', _FLASK_ERRORS)} or "
                f"vector(0)) / {_increase('flask_http_request_duration_seconds_count', _FLASK)}",
            },
        ),
    }
)
