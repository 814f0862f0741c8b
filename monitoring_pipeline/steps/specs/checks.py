"""Checks of a model spec beyond its schema: names of statistics, metrics and columns, and its SQL files."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from monitoring_pipeline.evaluation.business.objectives import check_objectives
from monitoring_pipeline.evaluation.drift.columns import check_drift_rules
from monitoring_pipeline.evaluation.labels.declared import check_label_rules
from monitoring_pipeline.evaluation.performance.metrics_table import check_performance_rules
from monitoring_pipeline.evaluation.rows.coded_labels import check_positive_class
from monitoring_pipeline.evaluation.versions.gate import check_gate_rules
from monitoring_pipeline.spec.loading import LoadedSpec, SpecFolder, read_files, read_specs
from monitoring_pipeline.spec.parsing.documents import SpecError
from monitoring_pipeline.steps.chunk.business import check_business

_RULES = (
    check_drift_rules, check_performance_rules, check_objectives, check_gate_rules, check_label_rules,
    check_positive_class,
)  # fmt: skip


def check_model(loaded: LoadedSpec) -> None:
    """Refuse a spec that names statistics, metrics, columns or SQL that do not exist.

    Raises:
        SpecError: with one line per problem: file, field, value, and the allowed values.
    """
    problems = list(_problems(loaded))
    if problems:
        raise SpecError("\n".join(problems))


def check_rules(loaded: LoadedSpec) -> None:
    """Refuse a spec that names statistics, metrics or columns that do not exist. Its SQL is not read.

    Raises:
        SpecError: with one line per problem: file, field, value, and the allowed values.
    """
    problems = list(_problems_of_rules(loaded))
    if problems:
        raise SpecError("\n".join(problems))


def read_checked_specs(directory: Path) -> SpecFolder:
    """Read and check every spec of a directory; a problem of one spec does not affect the others.

    Raises:
        SpecError: when the directory does not exist.
    """
    return read_specs(directory, check_model)


def read_checked_files(paths: Iterable[Path]) -> SpecFolder:
    """Read and check the spec files at ``paths``."""
    return read_files(paths, check_model)


def _problems(loaded: LoadedSpec) -> Iterator[str]:
    yield from _problems_of_rules(loaded)
    try:
        check_business(loaded)
    except SpecError as error:
        yield from str(error).splitlines()


def _problems_of_rules(loaded: LoadedSpec) -> Iterator[str]:
    for check in _RULES:
        try:
            check(loaded.spec)
        except ValueError as error:
            yield f"{loaded.path}: {str(error).removeprefix(f'{loaded.spec.name}: ')}"
