"""The sources of predictions, labels and references, and the kinds of features."""

import datetime as dt
import re
from enum import StrEnum
from typing import Self, cast

from pydantic import Field, field_validator, model_validator

from monitoring_pipeline.spec.parsing.documents import PlainText
from monitoring_pipeline.spec.parsing.duration import Duration
from monitoring_pipeline.spec.parsing.part import SpecPart


class Task(StrEnum):
    """The sort of output that a model predicts."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


def keys_as_text(value: object) -> object:
    """Return a dictionary with its keys as text, so that Python code may write ``{0: "p_0"}``; all else unchanged."""
    if isinstance(value, dict):
        return {str(key): entry for key, entry in cast("dict[object, object]", value).items()}
    return value


class FeatureKind(StrEnum):
    """How a column is profiled."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"


class PredictionSource(SpecPart):
    """The warehouse table that holds one row per prediction."""

    table: str
    """Table or view, optionally with its schema: ``scores`` or ``ml.scores``."""
    id: str
    """Column that identifies a prediction; labels refer to it."""
    time: str
    """Column with the time of the prediction; without a zone it is taken as UTC."""
    model_version: str | None = None
    """Column with the version that made the prediction; may be omitted if there is only one version."""
    score: str | None = None
    """Column with the probability of the positive class (binary)."""
    scores: dict[str, str] = {}
    """Columns with the probability of each class (multiclass): class and column."""
    prediction: str | None = None
    """Column with the decided class or predicted value; may be omitted for classifiers."""
    horizon: str | None = None
    """Column with the number of steps that a forecast looks ahead (regression); errors are also measured by horizon."""
    naive: str | None = None
    """Column with the naive forecast of the same row, such as the last known value (regression)."""
    decision_threshold: float = Field(default=0.5, ge=0, le=1)
    """Binary without a prediction column: the lowest score at which the positive class is predicted."""

    _classes_are_text = field_validator("scores", mode="before")(keys_as_text)


class LabelSource(SpecPart):
    """The warehouse table that holds the observed truth, one row per prediction whose label is known."""

    table: str
    """Table or view, optionally with its schema."""
    id: str
    """Column that refers to the prediction's id."""
    label: str
    """Column with the observed class or value."""
    known_at: str
    """Column with the time when the label became known; without a zone it is taken as UTC."""
    positive: bool | int | str = True
    """Binary: the value of the label (and prediction) column that means the positive class."""
    delay: Duration = Field(default=dt.timedelta(days=1), json_schema_extra={"default": "1d"})
    """How long after the end of a chunk its labels count as complete: 30m, 12h, 7d."""
    lookback: Duration = Field(default=dt.timedelta(days=60), json_schema_extra={"default": "60d"})
    """Largest age of a chunk at which the sensor still looks for late labels."""

    @field_validator("positive", mode="before")
    @classmethod
    def _number_or_boolean_without_quotes(cls, value: object) -> object:
        """Return the boolean or integer that text without quotes in a YAML file stands for (YAML 1.2, core schema)."""
        if not isinstance(value, PlainText):
            return value
        if value.lower() in {"true", "false"}:
            return value.lower() == "true"
        return int(value) if re.fullmatch(r"[-+]?(0|[1-9]\d*)", value) else value


class Feature(SpecPart):
    """One input of the model."""

    kind: FeatureKind
    """numeric or categorical (text, booleans and codes)."""
    column: str | None = None
    """Column in the predictions table, if it differs from the feature's name."""


class ReferenceWindow(SpecPart):
    """The rows that a model version was validated on: [start, end) in the model's time zone."""

    start: dt.date
    """First day."""
    end: dt.date
    """The day after the last."""

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            message = f"end ({self.end}) must be after start ({self.start})"
            raise ValueError(message)
        return self

    @property
    def last(self) -> dt.date:
        """Last day, included."""
        return self.end - dt.timedelta(days=1)
