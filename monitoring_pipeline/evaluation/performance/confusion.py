"""How often each class is decided as each class: what the metrics of a classifier contain."""

from collections.abc import Mapping
from dataclasses import dataclass

from monitoring_pipeline.evaluation.performance.metrics_table import CLASSES_CONFUSED
from monitoring_pipeline.records.names import MetricName, pair_text
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import Task

Shares = tuple[float, ...]
Known = Mapping[MetricName, tuple[float, float]]
"""The value of each metric, and the labelled rows of all classes that it was measured on."""


@dataclass(frozen=True, kw_only=True)
class Confusion:
    """The rows of each actual class, and the shares of them that were decided as each class.

    Args:
        classes: the classes.
        rows: labelled rows of each actual class.
        shares: for each actual class the share that was decided as each class, in the order of ``classes``; None if
            the class has no rows.
    """

    classes: tuple[str, ...]
    rows: tuple[int, ...]
    shares: tuple[Shares | None, ...]

    def decided(self, actual: int, decided: int) -> int:
        """Return the rows of an actual class that were decided as a class."""
        shares = self.shares[actual]
        return 0 if shares is None else round(shares[decided] * self.rows[actual])


def confusion_of(spec: ModelSpec, known: Known) -> Confusion | None:
    """Return the confusion that metrics of one set of rows contain; None if they were not measured.

    Args:
        spec: the model, a classifier.
        known: its metrics.
    """
    if spec.task is Task.REGRESSION or len(spec.classes) > CLASSES_CONFUSED:
        return None
    by_class = _of_two(known) if spec.task is Task.BINARY else _of_many(spec.classes, known)
    if by_class is None or all(shares is None for _, shares in by_class):
        return None
    return Confusion(
        classes=spec.valued_classes,
        rows=tuple(rows for rows, _ in by_class),
        shares=tuple(shares for _, shares in by_class),
    )


def _of_two(known: Known) -> list[tuple[int, Shares | None]] | None:
    """Return rows and shares of the negative and the positive class, from recall and specificity."""
    if MetricName("base_rate") not in known:
        return None
    positives, rows = known[MetricName("base_rate")]
    recall, specificity = known.get(MetricName("recall")), known.get(MetricName("specificity"))
    return [
        (round((1 - positives) * rows), None if specificity is None else (specificity[0], 1 - specificity[0])),
        (round(positives * rows), None if recall is None else (1 - recall[0], recall[0])),
    ]


def _of_many(classes: tuple[str, ...], known: Known) -> list[tuple[int, Shares | None]] | None:
    """Return rows and shares of each class, from its recall and the shares decided as others."""
    of_classes: list[tuple[int, Shares | None]] = []
    for actual in classes:
        base_rate, recall = (known.get(MetricName(name, actual)) for name in ("base_rate", "recall"))
        if base_rate is None:
            return None
        names = [
            MetricName("recall", actual) if decided == actual else MetricName("confusion", pair_text(actual, decided))
            for decided in classes
        ]
        found = [known[name][0] for name in names if name in known]
        is_known = recall is not None and len(found) == len(names)
        of_classes.append((round(base_rate[0] * base_rate[1]), tuple(found) if is_known else None))
    return of_classes
