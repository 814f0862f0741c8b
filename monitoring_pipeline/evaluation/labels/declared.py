"""Rules of a spec that need labels."""

from collections.abc import Iterator

from monitoring_pipeline.records.measurement import Kind
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.rules.incidents import Objective
from monitoring_pipeline.spec.sources import LabelSource, Task

NO_LABELS = "no labels are declared"


def check_label_rules(spec: ModelSpec) -> None:
    """Refuse rules that need labels if the spec declares none, and values of labels that the prediction cannot have.

    Raises:
        ValueError: with every such field, and what to do.
    """
    problems = list(_without_labels(spec) if spec.labels is None else _of_values(spec, spec.labels))
    if problems:
        raise ValueError(f"{spec.name}: {'; '.join(problems)}")


def _without_labels(spec: ModelSpec) -> Iterator[str]:
    remedy = f"{NO_LABELS}; declare labels, or remove it"
    if spec.performance.thresholds:
        yield f"performance.thresholds: {', '.join(map(str, spec.performance.thresholds))}: {remedy}"
    if spec.retraining is not None:
        yield f"retraining: its gate compares versions by labels, and {remedy}"
    yield from (f"objectives.{name}: {rule.metric}: {remedy}" for name, rule in spec.objectives.items() if _needs(rule))


def _needs(objective: Objective) -> bool:
    about_labels = objective.subject == "label" or "labels" in objective.measured.name
    return objective.kind == Kind.PERFORMANCE or about_labels or objective.measured.name == "maturity"


def _of_values(spec: ModelSpec, labels: LabelSource) -> Iterator[str]:
    meant = set(labels.values.values())
    if spec.task is Task.MULTICLASS and (unknown := sorted(meant - set(spec.classes))):
        yield f"labels.values: {', '.join(unknown)}: not in predictions.scores, which has {', '.join(spec.classes)}"
    if spec.task is Task.BINARY and len(meant) > 2:  # noqa: PLR2004 - two is what the word means
        yield f"labels.values: {', '.join(sorted(meant))}: a binary model has two classes"
    if spec.task is Task.REGRESSION and (words := sorted(filter(lambda text: as_number(text) is None, meant))):
        yield f"labels.values: {', '.join(words)}: a regression model predicts numbers"


def as_number(text: str) -> float | None:
    """Return the number that a text stands for; None if it stands for none."""
    try:
        return float(text)
    except ValueError:
        return None
