"""The sources of predictions, labels and references, and the kinds of features."""

import datetime as dt
from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, ClassVar, Self, cast

from pydantic import ConfigDict, Field, field_validator, model_validator

from monitoring_pipeline.spec.parsing.as_text import (
    entries_as_text,
    keys_as_text,
    number_or_boolean_without_quotes,
    yaml_text,
)
from monitoring_pipeline.spec.parsing.duration import Duration
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.parsing.time_zone import TimeZone
from monitoring_pipeline.spec.parsing.wording import in_one_message

EARLIEST, LATEST = dt.date(1970, 1, 1), dt.date(2200, 1, 1)
FILE_ENDINGS = (".parquet", ".csv", ".csv.gz")
Id = Annotated[
    str | Annotated[tuple[str, ...], Field(min_length=1)],
    in_one_message("write a column, or a list of columns, such as [customer, day]"),
]
"""One column, or several that identify a prediction together."""

Class = Annotated[
    bool | int | str, in_one_message("write the value of the positive class: true, a whole number or text")
]
"""A value of labels or predictions."""


class Task(StrEnum):
    """The sort of output that a model predicts."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    REGRESSION = "regression"


class FeatureKind(StrEnum):
    """How a column is profiled; of texts and embeddings, columns that are derived from them are."""

    NUMERIC = "numeric"
    CATEGORICAL = "categorical"
    TEXT = "text"
    EMBEDDING = "embedding"


MEASURED_KINDS = (FeatureKind.NUMERIC, FeatureKind.CATEGORICAL)
"""The kinds of columns that are counted."""


class PredictionSource(SpecPart):
    """The warehouse table that holds one row per prediction."""

    table: str
    """Table or view, optionally with its schema: ``scores`` or ``ml.scores``."""
    id: Id
    """Column that identifies a prediction, or a list of columns that identify it together; labels refer to it."""
    time: str
    """Column with the time of the prediction: timestamp, date, seconds or milliseconds since 1970, or ISO 8601 text."""
    time_zone: TimeZone = "UTC"
    """Time zone of times without a zone. A date is a day in the model's time zone."""
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
    group_columns: tuple[str, ...] = ()
    """Columns that are no features, by whose values segments and groups are formed; they are read along."""
    decision_threshold: float = Field(default=0.5, ge=0, le=1)
    """Binary without a prediction column: the lowest score at which the positive class is predicted."""
    positive: Class | None = None
    """Binary: the value of the prediction column that means the positive class, if it differs from labels.positive."""
    null_values: tuple[str, ...] = ()
    """Values that mean "missing" in every feature and output, such as -999 or NA."""

    added_fields: ClassVar[frozenset[str]] = frozenset({"null_values", "positive", "time_zone", "group_columns"})

    @property
    def id_columns(self) -> tuple[str, ...]:
        """The columns that identify a prediction."""
        return (self.id,) if isinstance(self.id, str) else self.id

    _classes_are_text = field_validator("scores", mode="before")(keys_as_text)
    _null_values_are_text = field_validator("null_values", mode="before")(entries_as_text)
    _positive_without_quotes = field_validator("positive", mode="before")(number_or_boolean_without_quotes)

    def check_task(self, task: Task) -> None:
        """Check that the declared outputs are those of a task.

        Raises:
            ValueError: if an output is missing, or belongs to another task.
        """
        needed = {
            Task.BINARY: ("score", "a binary model needs its score column"),
            Task.MULTICLASS: ("scores", "a multiclass model needs the columns with the probability of each class"),
            Task.REGRESSION: ("prediction", "a regression model needs its prediction column"),
        }
        field, message = needed[task]
        if not getattr(self, field):
            raise ValueError(f"predictions.{field}: {message}")
        if "" in self.scores:
            raise ValueError("predictions.scores: a class without a name; write class: column")
        if task is Task.MULTICLASS and len(self.scores) < 2:  # noqa: PLR2004 - two is what the word means
            raise ValueError(f"predictions.scores: {', '.join(self.scores)}: at least two classes are needed")
        allowed = {
            "score": Task.BINARY,
            "scores": Task.MULTICLASS,
            "horizon": Task.REGRESSION,
            "naive": Task.REGRESSION,
        }
        for name, its_task in allowed.items():
            if getattr(self, name) and task is not its_task:
                raise ValueError(f"predictions.{name}: belongs to {its_task} models; this one is {task}")


class LabelSource(SpecPart):
    """The warehouse table that holds the observed truth, one row per prediction whose label is known.

    Omit the part if there are no labels. Then only drift, quality and business metrics are measured.
    """

    table: str | None = None
    """Table or view, optionally with its schema; default the table of predictions.

    There a null label is not known yet.
    """
    id: Id | None = None
    """Column that refers to the prediction's id, or as many columns as it has, in the same order; default
    predictions.id."""
    label: str
    """Column with the observed class or value."""
    known_at: str | None = None
    """Column with the time when the label became known, in any form that predictions.time may have.

    If it is omitted, the time at which the monitoring first saw the label counts, and a null label is not known yet.
    """
    time_zone: TimeZone = "UTC"
    """Time zone of ``known_at`` where it has none. A date is a day in the model's time zone."""
    positive: Class = True
    """Binary: the value of the label (and prediction) column that means the positive class.

    With ``values`` it is the value after the mapping.
    """
    values: dict[str, str] = {}
    """Values of the label column, and the values or classes of the prediction that they mean: ``paid: 0, default: 1``.

    Labels with other values are not used, and are a finding.
    """
    null_values: tuple[str, ...] = ()
    """Values of the label column that mean "not known yet", such as pending. Rows with them are no labels."""
    delay: Duration = Field(default=dt.timedelta(days=1), json_schema_extra={"default": "1d"})
    """How long after the end of a chunk its labels count as complete: 30m, 12h, 7d."""
    lookback: Duration = Field(default=dt.timedelta(days=60), json_schema_extra={"default": "60d"})
    """Largest age of a chunk at which the sensor still looks for late labels."""
    reach: Duration = Field(default=dt.timedelta(days=60), json_schema_extra={"default": "60d"})
    """How long before the start of a chunk its labels may have become known; labels.delay counts if it is longer.

    Older rows of a table of labels are not read. Label rows without a prediction are those without one so long before
    or after the chunk.
    """

    added_fields: ClassVar[frozenset[str]] = frozenset({"time_zone", "values", "reach", "null_values"})

    @property
    def id_columns(self) -> tuple[str, ...]:
        """The columns that refer to the prediction's id; none if they have the same names."""
        return (self.id,) if isinstance(self.id, str) else self.id or ()

    _positive_without_quotes = field_validator("positive", mode="before")(number_or_boolean_without_quotes)

    _null_values_are_text = field_validator("null_values", mode="before")(entries_as_text)

    @field_validator("values", mode="before")
    @classmethod
    def _values_are_text(cls, value: object) -> object:
        if isinstance(value, dict):
            # A label that means nothing is refused like any other value that is no text.
            return {
                yaml_text(one): other if other is None else yaml_text(other)
                for one, other in cast("dict[object, object]", value).items()
            }
        return value


class Feature(SpecPart):
    """One input of the model."""

    kind: FeatureKind
    """numeric, categorical (short texts, booleans and codes), text (written by people) or embedding (vectors)."""
    column: str | None = None
    """Column in the predictions table, or a path such as ``payload.age``, if it differs from the feature's name."""
    null_values: tuple[str, ...] = ()
    """Values that mean "missing" in this feature, besides those of predictions.null_values."""

    added_fields: ClassVar[frozenset[str]] = frozenset({"null_values"})
    _null_values_are_text = field_validator("null_values", mode="before")(entries_as_text)


class ReferenceWindow(SpecPart):
    """The rows that a model version was validated on: [start, end) in the model's time zone.

    They are predictions from the table of predictions, or rows of another table, of a file or of a query. Such rows
    have the columns that ``predictions`` names. If they also have the column labels.label, it holds their labels; else
    their labels come from the table of labels. Without the column predictions.model_version all of them belong to
    this version. The volume of chunks is learned from the table of predictions only.

    Later changes of the rows are not noticed: run ``monitoring-pipeline reference rebuild MODEL``.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "anyOf": [
                {"required": ["start", "end"]},
                {"required": ["table"]},
                {"required": ["file"]},
                {"required": ["query"]},
            ]
        }
    )

    start: dt.date = Field(default=EARLIEST, json_schema_extra={"default": None})
    """First day. It may be omitted with table, file or query."""
    end: dt.date = Field(default=LATEST, json_schema_extra={"default": None})
    """The day after the last. It may be omitted with table, file or query."""
    table: str | None = None
    """Another table or view: ``validation.scores``."""
    file: str | None = None
    """A Parquet or CSV file, relative to the spec, or its address.

    MONITORING_PIPELINE_WAREHOUSE_FOLDERS has the folders that may be read.
    """
    query: str | None = None
    """One SELECT that returns the rows."""
    columns: dict[str, str] = {}
    """Columns with another name in these rows: name in predictions, features or labels, and name in the rows."""

    added_fields: ClassVar[frozenset[str]] = frozenset({"table", "file", "query", "columns"})

    @field_validator("file")
    @classmethod
    def _can_be_read(cls, value: str | None) -> str | None:
        if value is not None and not value.lower().endswith(FILE_ENDINGS):
            message = f"{PurePosixPath(value).name!r} must end in one of {', '.join(FILE_ENDINGS)}"
            raise ValueError(message)
        if value is not None and "://" in value and "@" in value.split("://", 1)[1].split("/", 1)[0]:
            raise ValueError("an address in a spec must not contain a user or password")
        return value

    @model_validator(mode="after")
    def _has_one_source(self) -> Self:
        sources = [name for name in ("table", "file", "query") if getattr(self, name) is not None]
        if len(sources) > 1:
            raise ValueError(f"{', '.join(sources)}: only one of them may be given")
        if missing := [name for name in ("start", "end") if not sources and name not in self.model_fields_set]:
            raise ValueError(f"{' and '.join(missing)}: needed for rows of the table of predictions")
        if self.columns and not sources:
            raise ValueError("columns: needs a table, a file or a query")
        return self

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.end <= self.start:
            message = f"end ({self.end}) must be after start ({self.start})"
            raise ValueError(message)
        return self

    @property
    def is_elsewhere(self) -> bool:
        """Whether the rows come from another source than the table of predictions."""
        return (self.table, self.file, self.query) != (None, None, None)

    @property
    def has_end(self) -> bool:
        """Whether it names the day after the last; else all rows of another source belong to it."""
        return "end" in self.model_fields_set

    @property
    def last(self) -> dt.date:
        """Last day, included."""
        return self.end - dt.timedelta(days=1)

    def narrowed(self, first: dt.date, last: dt.date) -> "ReferenceWindow":
        """Return a window with the given days where this one has no start or no end."""
        return ReferenceWindow(
            start=self.start if "start" in self.model_fields_set else first,
            end=self.end if self.has_end else last + dt.timedelta(days=1),
        )
