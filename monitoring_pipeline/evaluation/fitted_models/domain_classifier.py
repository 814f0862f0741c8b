"""Classifiers that distinguish the rows of a chunk from those of the reference."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import partial

from monitoring_pipeline.evaluation.fitted_models.classified import Classify
from monitoring_pipeline.evaluation.fitted_models.histogram_trees import by_histogram_trees
from monitoring_pipeline.evaluation.fitted_models.symmetric_trees import by_symmetric_trees


class DomainClassifier(StrEnum):
    """The classifier that a reference was built with, and that its chunks are therefore compared with."""

    HISTOGRAM_TREES = "histogram_trees"
    SYMMETRIC_TREES = "symmetric_trees"


@dataclass(frozen=True, kw_only=True)
class ClassifierRow:
    """How rows are classified to test whether two sides differ, and to weight the reference's rows."""

    test: Classify
    weight: Classify


DOMAIN_CLASSIFIERS: Mapping[DomainClassifier, ClassifierRow] = {
    DomainClassifier.HISTOGRAM_TREES: ClassifierRow(
        test=partial(by_histogram_trees, trees=20), weight=partial(by_histogram_trees, trees=40)
    ),
    DomainClassifier.SYMMETRIC_TREES: ClassifierRow(test=by_symmetric_trees, weight=by_symmetric_trees),
}
FIRST_CLASSIFIER = DomainClassifier.HISTOGRAM_TREES
"""The classifier of references that do not name theirs."""
NEWEST_CLASSIFIER = DomainClassifier.SYMMETRIC_TREES
