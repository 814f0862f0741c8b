"""Rules about drift."""

from enum import StrEnum
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from monitoring_pipeline.spec.parsing.part import SpecPart


class Against(StrEnum):
    """The rows with which a chunk's columns are compared."""

    REFERENCE = "reference"
    PREVIOUS_CHUNK = "previous_chunk"
    PREVIOUS_DAY = "previous_day"
    SAME_SLOT = "same_slot"
    SAME_WEEKDAY = "same_weekday"
    TRAILING_DAYS = "trailing_days"
    LAST_YEAR = "last_year"


DAILY_BASELINES = frozenset({Against.PREVIOUS_DAY, Against.SAME_WEEKDAY})
"""Baselines that need chunks of a day or less."""


class MultivariateStatistic(StrEnum):
    """A comparison of all watched features at once."""

    DOMAIN_CLASSIFIER = "domain_classifier"
    PCA_RECONSTRUCTION = "pca_reconstruction"


class DriftRules(SpecPart):
    """Rules about drift: a column has drifted if its effect size is at least its floor and its test is significant."""

    added_fields: ClassVar[frozenset[str]] = frozenset({"severity"})

    against: Against = Against.REFERENCE
    """The rows with which a chunk is compared: the reference, or earlier chunks (their profiles are added up).

    previous_day and same_weekday take the same hours if chunks are hours. same_slot takes the same weekday and hour.
    """
    window_days: int = Field(default=28, ge=7)
    """Number of days that same_slot, same_weekday and trailing_days look back; rounded to whole weeks or months."""
    alpha: float = Field(default=0.01, gt=0, lt=1)
    """Level of the false-discovery control (Benjamini-Hochberg) over the chunk's columns."""
    minimum_rows: int = Field(default=50, ge=2)
    """A chunk with fewer rows is not judged."""
    numeric: str | None = None
    """Statistic that decides for numeric columns."""
    categorical: str | None = None
    """Statistic that decides for categorical columns."""
    statistics: tuple[str, ...] = ()
    """Further statistics to measure. They are stored and do not decide."""
    floors: dict[str, Annotated[float, Field(ge=0)]] = {}
    """Smallest effect size that counts as drift: by statistic, or by column as ``column.statistic``."""
    learn_floors: bool = True
    """Raise the floor of a column whose days differ by more than the floor within the reference."""
    false_alarm_share: float = Field(default=0.05, gt=0, lt=0.5)
    """Learned floors: share of healthy chunks on which at least one column may be flagged.

    If it is not written, it is lower where ``budget`` needs that, such as for chunks of an hour.
    """
    multivariate: tuple[MultivariateStatistic, ...] = tuple(MultivariateStatistic)
    """Comparisons of all watched features at once."""
    ignore: tuple[str, ...] = ()
    """Columns that are measured and never decide."""
    severity: Literal["info", "warning", "critical"] | None = None
    """Severity of drift. By default it is a warning, or an info while it has no effect on the model.

    It has an effect if the model's output has drifted as well, or realized or estimated performance is beyond a limit.
    """
