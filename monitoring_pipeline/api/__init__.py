"""The Python API for notebooks and scripts: data frames in, a result out, without a home, a warehouse or YAML."""

from monitoring_pipeline.api.checking import check
from monitoring_pipeline.api.comparing import compare
from monitoring_pipeline.api.frames import ArgumentError
from monitoring_pipeline.api.monitoring import monitor
from monitoring_pipeline.api.results.result import Result
from monitoring_pipeline.api.scoring import performance

__all__ = ["ArgumentError", "Result", "check", "compare", "monitor", "performance"]
