"""The model spec: the declaration of one monitored model."""

import datetime as dt
import hashlib
import re
from collections import Counter
from collections.abc import Container, Iterator
from typing import Annotated, Any, ClassVar, Literal, Self, cast
from zoneinfo import ZoneInfo

from pydantic import Field, field_validator, model_validator

from monitoring_pipeline.spec.calendar import Calendar
from monitoring_pipeline.spec.column_names import allowed_names
from monitoring_pipeline.spec.derived_columns import columns_of, feature_and_part
from monitoring_pipeline.spec.parsing.as_text import keys_as_text
from monitoring_pipeline.spec.parsing.duration import parse_duration
from monitoring_pipeline.spec.parsing.part import SpecPart
from monitoring_pipeline.spec.parsing.time_zone import TimeZone
from monitoring_pipeline.spec.parsing.wording import NAME_PATTERN, SCHEDULE_PATTERN
from monitoring_pipeline.spec.rhythms.hours import has_distinct_hours
from monitoring_pipeline.spec.rules.budget import FalseAlarmBudget
from monitoring_pipeline.spec.rules.cost import CostRules
from monitoring_pipeline.spec.rules.drift import DAILY_BASELINES, DriftRules
from monitoring_pipeline.spec.rules.explanation import ExplanationRules
from monitoring_pipeline.spec.rules.fairness import FairnessRules
from monitoring_pipeline.spec.rules.incidents import BusinessMetric, IncidentRules, Objective
from monitoring_pipeline.spec.rules.measures import Measure
from monitoring_pipeline.spec.rules.operations import OperationsRules
from monitoring_pipeline.spec.rules.performance import PerformanceRules
from monitoring_pipeline.spec.rules.privacy import (
    HASHED,
    IDENTIFIER,
    Generalization,
    Treatment,
    check_privacy,
    dropped_features,
)
from monitoring_pipeline.spec.rules.quality import QualityRules
from monitoring_pipeline.spec.rules.retraining import RetrainingRules
from monitoring_pipeline.spec.rules.segments import Segmentation, SegmentRules
from monitoring_pipeline.spec.rules.upstream import UpstreamAssets
from monitoring_pipeline.spec.rules.value import NAMES_OF_MONEY, NEGATIVE, POSITIVE, ValueRules
from monitoring_pipeline.spec.sources import (
    EARLIEST,
    LATEST,
    MEASURED_KINDS,
    Feature,
    FeatureKind,
    LabelSource,
    PredictionSource,
    ReferenceWindow,
    Task,
)

DELAY_OF_HOURS = "15m"
Cadence = Literal[
    "hour", "2 hours", "3 hours", "4 hours", "6 hours", "8 hours", "12 hours", "day", "week", "month"
]  # fmt: skip
RESERVED_COLUMNS = frozenset(
    {
        "row_id", "predicted_at", "model_version", "score", "prediction", "horizon", "naive", "label", "known_at",
        "model", "chunk",
    }
)  # fmt: skip


MEASURES_OF_TASK: dict[Task, tuple[str, ...]] = {
    Task.BINARY: (
        "selection_rate", "true_positive_rate", "false_positive_rate", "equalized_odds", "precision", "error_rate",
        "mean_bias",
    ),
    Task.MULTICLASS: ("error_rate",),
    Task.REGRESSION: ("mean_bias", "mean_absolute_error"),
}  # fmt: skip
"""The measures of fairness that each task has."""
SIGNED_MEASURES = ("mean_bias",)
"""Measures of fairness that may be negative, so that no ratio of two groups is defined."""
RULES_OF_LEARNED_FLOORS = frozenset(
    {
        "against",
        "window_days",
        "learn_floors",
        "false_alarm_share",
        "ignore",
        "numeric",
        "categorical",
        "minimum_rows",
        "multivariate",
        "severity",
    }
)
RULES_OF_OPENING = frozenset({"open", "resolve", "escalate"})
"""The rules about incidents on which the share of flags depends that keeps the budget."""
WAY_OF_LEARNING_FLOORS = "held out with neighbours, by shape and magnitude, beside all rows, within the budget"
"""Changes with the way in which floors are learned, so that stored references learn theirs again."""
_WITHOUT_NUMBERS: Any = {
    "description": True,
    "owner": True,
    "runbook": True,
    "schedule": True,
    "end": True,
    "labels": {"lookback"},
    # Each result carries the hash of the references that it was made with.
    "reference": True,
    "incidents": True,
    "retraining": True,
    "upstream": True,
}


class ModelSpec(SpecPart):
    """The declaration of one monitored model."""

    added_fields: ClassVar[frozenset[str]] = frozenset(
        {
            "warehouse",
            "pushdown",
            "windows",
            "segments",
            "budget",
            "explanation",
            "fairness",
            "operations",
            "value",
            "cost",
            "measures",
            "upstream",
            "privacy",
        }
    )

    name: str = Field(pattern=NAME_PATTERN)
    """Name of the model: lower-case letters, digits and underscores."""
    description: str = ""
    """Free text: the target of the model, and its users."""
    task: Task
    """binary, multiclass or regression."""
    owner: str
    """An e-mail address, or team:<name>."""
    runbook: str | None = None
    """Address of the page with instructions for incidents of this model."""
    timezone: TimeZone
    """Time zone whose clocks bound a chunk, such as America/New_York."""
    cadence: Cadence = "day"
    """Length of a chunk: an hour, several hours, a day, a week from Monday, or a calendar month."""
    start: dt.date
    """First day that is monitored. The first chunk begins on it or after it."""
    end: dt.date | None = None
    """The day after the last chunk, for a model that was retired."""
    schedule: str = Field(default="06:00", pattern=SCHEDULE_PATTERN)
    """Local time (HH:MM) of the run that measures a chunk, on the day on which the chunk ends.

    For a cadence of hours it is a delay after the end of the chunk, such as 20m; without one it is 15m.
    """
    warehouse: str | None = Field(default=None, pattern=NAME_PATTERN)
    """Name of the warehouse, as in MONITORING_PIPELINE_WAREHOUSES__<NAME>; without it the default one is read."""
    pushdown: Literal["auto", "always", "never"] = "auto"
    """Where the rows of a chunk are counted: auto, always or never in the warehouse.

    With auto, chunks of more rows than MONITORING_PIPELINE_PUSHDOWN_ROWS (2 million) are counted there. Then only
    counts and a sample of the rows are read, and what needs rows is measured on the sample.
    """
    predictions: PredictionSource
    labels: LabelSource | None = None
    features: dict[str, Feature] = Field(min_length=1)
    """Inputs of the model: name and kind, or name, kind and column."""
    privacy: dict[str, Treatment] = {}
    """Features and group columns with personal data, and what is kept of each, from the moment at which it is read.

    hashed: a keyed hash of each value. identifier: whether there is a value. dropped: nothing, it is not read.
    ``{first: 2}``: so many characters of a category. ``{round_to: 10}``: the nearest multiple of a number.
    """
    reference: dict[str, ReferenceWindow] = Field(min_length=1)
    """Reference window of each model version."""
    drift: DriftRules = DriftRules()
    performance: PerformanceRules = PerformanceRules()
    quality: QualityRules = QualityRules()
    windows: tuple[Annotated[int, Field(ge=2, le=366)], ...] = (7, 28)
    """Lengths in days of the windows over which performance is judged beside each chunk; empty for none.

    Windows of a single chunk are left out, such as 7 days of weekly chunks.
    """
    segments: SegmentRules = SegmentRules()
    """Parts of the rows that are measured on their own."""
    explanation: ExplanationRules | None = None
    """Rules about the explanation of changes by the model. Without them no model is scored again."""
    fairness: FairnessRules = FairnessRules()
    """Groups of people, and how far the numbers of the model may differ between them."""
    operations: OperationsRules = OperationsRules()
    """How fast, how reliably and with which libraries the model is served."""
    business: dict[Annotated[str, Field(pattern=NAME_PATTERN)], BusinessMetric] = {}
    """Business metrics from your own SQL, by name."""
    value: ValueRules | None = None
    """What the outcomes of predictions are worth in money."""
    measures: dict[Annotated[str, Field(pattern=NAME_PATTERN)], Measure] = {}
    """Measures from your own Python functions, by name."""
    cost: CostRules | None = None
    """What predictions cost, and a budget for them."""
    objectives: dict[Annotated[str, Field(pattern=NAME_PATTERN)], Objective] = {}
    """Service levels, by name."""
    incidents: IncidentRules = IncidentRules()
    budget: FalseAlarmBudget = FalseAlarmBudget()
    """False alarms that are allowed."""
    retraining: RetrainingRules | None = None
    """Rules about retraining. Without them the model is never retrained."""
    upstream: UpstreamAssets = UpstreamAssets()
    """Assets of the Dagster project that write the rows."""

    @field_validator("owner")
    @classmethod
    def _owner_is_reachable(cls, value: str) -> str:
        if not re.fullmatch(r"team:[\w-]+|[^@\s]+@[^@\s]+\.[^@\s]+", value):
            message = f"{value!r} is neither an e-mail address nor team:<name>"
            raise ValueError(message)
        return value

    @field_validator("start", "end")
    @classmethod
    def _within_the_calendar(cls, value: dt.date | None) -> dt.date | None:
        if value is not None and not EARLIEST <= value <= LATEST:
            message = f"{value} must be from {EARLIEST} to {LATEST}"
            raise ValueError(message)
        return value

    @model_validator(mode="before")
    @classmethod
    def _without_dropped_features(cls, given: object) -> object:
        """Leave out features that are dropped, so that no part of the package can ask for them."""
        if not isinstance(given, dict):
            return given
        entries = cast("dict[object, object]", given)
        features, privacy = entries.get("features"), entries.get("privacy")
        if not isinstance(features, dict) or not isinstance(privacy, dict):
            return entries
        named = cast("dict[object, object]", features)
        dropped = dropped_features(named, cast("dict[object, object]", privacy))
        return entries | {"features": {name: one for name, one in named.items() if name not in dropped}}

    @field_validator("features", mode="before")
    @classmethod
    def _short_form(cls, value: object) -> object:
        if isinstance(value, dict):
            entries = cast("dict[object, object]", value)
            return {name: {"kind": entry} if isinstance(entry, str) else entry for name, entry in entries.items()}
        return value

    @field_validator("features")
    @classmethod
    def _no_reserved_names(cls, value: dict[str, Feature]) -> dict[str, Feature]:
        if taken := sorted(RESERVED_COLUMNS & value.keys()):
            message = (
                f"{', '.join(taken)}: reserved for columns of the monitoring; "
                f"give the feature another name and its column, such as {taken[0]}_value: "
                f"{{kind: numeric, column: {taken[0]}}}"
            )
            raise ValueError(message)
        return value

    @field_validator("features")
    @classmethod
    def _derived_names_are_free(cls, value: dict[str, Feature]) -> dict[str, Feature]:
        for name, feature in value.items():
            if taken := sorted((columns_of(name, feature).keys() - {name}) & value.keys()):
                raise ValueError(f"{', '.join(taken)}: the name of a column that is derived from {name}")
        return value

    _versions_are_text = field_validator("reference", mode="before")(keys_as_text)

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Self:
        source = self.predictions
        source.check_task(self.task)
        self._rules_fit_the_cadence()
        if source.model_version is None and self.retraining is not None:
            message = "predictions.model_version: needed as soon as a model is retrained, to distinguish its versions"
            raise ValueError(message)
        self._group_columns_differ()
        self._groups_have_columns()
        self._whole_rows_are_kept()
        check_privacy(self.privacy, self.features, source.group_columns)
        self._private_values_are_not_needed()
        self._fairness_fits_the_task()
        self._value_fits_the_task()
        self._measures_fit()
        label_ids = self.labels.id_columns if self.labels else ()
        if label_ids and len(source.id_columns) != len(label_ids):
            message = (
                f"labels.id: as many columns as predictions.id are needed, in the same order; got "
                f"{', '.join(label_ids)} for {', '.join(source.id_columns)}"
            )
            raise ValueError(message)
        if self.end is not None and self.end <= self.start:
            message = f"end: {self.end} must be after start ({self.start})"
            raise ValueError(message)
        if source.model_version is None and len(self.reference) > 1:
            message = "predictions.model_version: needed as soon as there is more than one reference window"
            raise ValueError(message)
        return self

    def _group_columns_differ(self) -> None:
        if repeated := [name for name, count in Counter(self.predictions.group_columns).items() if count > 1]:
            raise ValueError(f"predictions.group_columns: {', '.join(repeated)}: named more than once")
        if ids := [name for name in self.predictions.group_columns if name in self.predictions.id_columns]:
            message = "identifies a prediction, and is kept as a hash only; name a column whose values many rows share"
            raise ValueError(f"predictions.group_columns: {', '.join(ids)}: {message}")

    def _groups_have_columns(self) -> None:
        taken = (*self.features, *RESERVED_COLUMNS, *self.score_columns.values())
        if twice := [name for name in self.predictions.group_columns if name in taken]:
            raise ValueError(f"predictions.group_columns: {', '.join(twice)}: already a column of the model")
        numeric = {name for name, kind in self.columns.items() if kind is FeatureKind.NUMERIC}
        known = (*self.columns, *self.predictions.group_columns)
        for place, one in self._segmentations():
            for column in one.columns:
                if column not in known:
                    hint = allowed_names(column, known)
                    raise ValueError(f"{place}: unknown column {column!r}; {hint}; others: predictions.group_columns")
            if one.column and bool(one.ranges) != (one.column in numeric):
                needed = "needs ranges, because it is numeric" if not one.ranges else "is not numeric and has no ranges"
                raise ValueError(f"{place}: {one.column} {needed}")
            for column, condition in one.where.items():
                if bool(condition.among) is (column in numeric):
                    needed = "at_least or below" if column in numeric else "values, such as [EWR, JFK]"
                    raise ValueError(f"{place}.where.{column}: give {needed}")

    def _whole_rows_are_kept(self) -> None:
        if self.retraining is not None and self.derived_features:
            raise ValueError(
                f"retraining: {', '.join(self.derived_features)}: not possible with features of kind text or "
                "embedding, because only numbers about them are kept, and a model is trained and scored on the values"
            )

    def _private_values_are_not_needed(self) -> None:
        private = [name for name in self.privacy if name not in self.predictions.group_columns]
        if self.retraining is not None and private:
            raise ValueError(
                f"retraining: {', '.join(private)}: not possible with features that privacy names, because a model is "
                "trained and scored on their values"
            )
        if self.explanation is not None and self.explanation.model == "registry" and private:
            raise ValueError(
                f"explanation.model: {', '.join(private)}: write surrogate, because privacy names features, and the "
                "registered model needs their values"
            )
        hashed = {name for name, treatment in self.privacy.items() if treatment in {HASHED, IDENTIFIER}}
        for place, one in self._segmentations():
            if named := sorted(hashed & one.where.keys()):
                raise ValueError(
                    f"{place}.where.{named[0]}: no value of it can be named, because privacy hashes it; write {place}: "
                    f"{named[0]}"
                )

    def _fairness_fits_the_task(self) -> None:
        fitting = MEASURES_OF_TASK[self.task]
        for measure in self.fairness.allowed:
            if measure not in fitting:
                raise ValueError(
                    f"fairness.allowed: {measure} is no measure of {self.task}; known: {', '.join(fitting)}"
                )
            if measure in SIGNED_MEASURES and self.fairness.allowed[measure].ratio is not None:
                raise ValueError(
                    f"fairness.allowed.{measure}.ratio: {measure} may be negative and has no ratio; give a difference"
                )
        if self.fairness.by and not self.fairness.allowed and self.task is Task.REGRESSION:
            raise ValueError("fairness.allowed: needed for numbers, such as mean_absolute_error: {difference: 5}")
        labelled = [measure for measure in self.fairness.allowed if measure != "selection_rate"]
        if labelled and self.labels is None:
            raise ValueError(f"fairness.allowed: {', '.join(labelled)}: needs labels")

    def _value_fits_the_task(self) -> None:
        if self.value is None:
            return
        self.value.check_classes(self.valued_classes)
        if self.labels is None:
            raise ValueError("value: needs labels, because the value of a prediction depends on what really happened")

    def _measures_fit(self) -> None:
        if taken := sorted(self.measures.keys() & self.business.keys()):
            raise ValueError(f"measures.{taken[0]}: a business number has this name already")
        own = {**dict.fromkeys(self.business, "business"), **dict.fromkeys(self.measures, "measures")}
        for name in NAMES_OF_MONEY if self.value or self.cost else ():
            if name in own:
                raise ValueError(f"{own[name]}.{name}: a number of value or cost has this name already")
        for name, measure in self.measures.items():
            for column in measure.columns:
                if column not in self.canonical_columns:
                    hint = allowed_names(column, self.canonical_columns)
                    raise ValueError(f"measures.{name}.columns: unknown column {column!r}; {hint}")

    def _segmentations(self) -> Iterator[tuple[str, Segmentation]]:
        for name, one in self.segments.by.items():
            yield f"segments.by.{name}", one
        for name, one in self.fairness.by.items():
            yield f"fairness.by.{name}", one

    def _rules_fit_the_cadence(self) -> None:
        has_hours = self.calendar.has_hours
        is_time = ":" in self.schedule
        if has_hours and "schedule" in self.model_fields_set and is_time:
            raise ValueError(
                f"schedule: {self.schedule!r} is a time of day; for cadence: {self.cadence} write the delay after the "
                f"end of a chunk, such as {DELAY_OF_HOURS}"
            )
        if not has_hours and not is_time:
            raise ValueError(
                f"schedule: {self.schedule!r} is a delay; for cadence: {self.cadence} write a local time, such as 06:00"
            )
        if self.cadence == "hour" and not has_distinct_hours(self.zone, self.start):
            raise ValueError(
                f"cadence: hour: the clocks of {self.timezone} move by another step than an hour; "
                "choose a longer cadence, or another time zone, such as UTC"
            )
        if self.cadence == "week" and self.cost is not None and self.cost.monthly_budget is not None:
            raise ValueError("cost.monthly_budget: needs months, days or hours, because a week belongs to two months")
        against = self.drift.against
        if self.cadence in {"week", "month"} and against in DAILY_BASELINES:
            raise ValueError(
                f"drift.against: {against} needs days or hours; for cadence: {self.cadence} write previous_chunk, "
                "trailing_days or last_year"
            )

    @property
    def classes(self) -> tuple[str, ...]:
        """Classes of a multiclass model, in the order of the spec."""
        return tuple(self.predictions.scores)

    @property
    def valued_classes(self) -> tuple[str, ...]:
        """Classes by the names that ``value.outcomes`` has for them; none for a regression.

        Those of a binary model are in the order of their numbers: negative is 0, positive is 1.
        """
        return (NEGATIVE, POSITIVE) if self.task is Task.BINARY else self.classes

    @property
    def score_columns(self) -> dict[str, str]:
        """Canonical name of each class's score (multiclass)."""
        return {name: f"score[{name}]" for name in self.classes}

    @property
    def carried_columns(self) -> tuple[str, ...]:
        """Canonical columns that are kept beside the profiled ones, for measuring performance."""
        return tuple(name for name in ("horizon", "naive") if getattr(self.predictions, name))

    @property
    def canonical_columns(self) -> tuple[str, ...]:
        """The canonical name of every column that the rows of a chunk may have."""
        carried = (*self.carried_columns, *self.predictions.group_columns, *self.operations.columns)
        return ("row_id", "predicted_at", "model_version", *self.columns, *carried)

    @property
    def columns_in_table(self) -> dict[str, str]:
        """The column in the table of predictions by canonical name, but for id and time."""
        source = self.predictions
        scores = {self.score_columns[name]: column for name, column in source.scores.items()}
        declared = {
            "model_version": source.model_version,
            **{name: feature.column or name for name, feature in self.features.items()},
            **{name: name for name in source.group_columns},
            **self.operations.columns,
            "score": source.score,
            **scores,
            "prediction": source.prediction,
            "horizon": source.horizon,
            "naive": source.naive,
        }
        return {name: column for name, column in declared.items() if column is not None}

    @property
    def output_columns(self) -> tuple[str, ...]:
        """Canonical columns of the model's output that are profiled."""
        return tuple(name for name in self._outputs if name not in self.inputs)

    @property
    def _outputs(self) -> dict[str, FeatureKind]:
        scores = ("score",) if self.task is Task.BINARY else tuple(self.score_columns.values())
        decided = FeatureKind.NUMERIC if self.task is Task.REGRESSION else FeatureKind.CATEGORICAL
        return dict.fromkeys(scores, FeatureKind.NUMERIC) | {"prediction": decided}

    def with_features_in(self, columns: Container[str]) -> Self:
        """Return the spec without the features that are not among some columns.

        A text or an embedding is among them if its first column is, which has its name.
        """
        features = {name: feature for name, feature in self.features.items() if name in columns}
        return self if len(features) == len(self.features) else self.model_copy(update={"features": features})

    def treatment_of(self, column: str) -> str | Generalization | None:
        """Return the treatment of a canonical column; None if privacy does not name it."""
        return self.privacy.get(column)

    def null_values_of(self, column: str) -> tuple[str, ...]:
        """Return the values that mean "missing" in a canonical column."""
        feature = self.features.get(column)
        return (*self.predictions.null_values, *(feature.null_values if feature else ()))

    @property
    def declared_labels(self) -> LabelSource:
        """The source of labels, for code that runs only if there is one.

        Raises:
            ValueError: when the spec declares no labels.
        """
        if self.labels is None:
            raise ValueError(f"{self.name}: no labels are declared")
        return self.labels

    @property
    def label_delay(self) -> dt.timedelta:
        """Time after the end of a chunk until its labels count as complete; zero without labels."""
        return self.labels.delay if self.labels else dt.timedelta()

    @property
    def zone(self) -> ZoneInfo:
        """Time zone of the chunks."""
        return ZoneInfo(self.timezone)

    @property
    def calendar(self) -> Calendar:
        """The chunks of the model, and all arithmetic with them."""
        return Calendar(
            model=self.name,
            zone=self.zone,
            start=self.start,
            end=self.end,
            schedule=dt.time.fromisoformat(self.schedule) if ":" in self.schedule else dt.time(),
            cadence=self.cadence,
            delay=parse_duration(DELAY_OF_HOURS if ":" in self.schedule else self.schedule),
        )

    @property
    def columns(self) -> dict[str, FeatureKind]:
        """The kind of every profiled column, by canonical name: features and the model's output."""
        return self.inputs | self._outputs

    @property
    def inputs(self) -> dict[str, FeatureKind]:
        """The kind of every column that stands for a feature, by canonical name: numeric or categorical."""
        if not self.derived_features:
            return {name: feature.kind for name, feature in self.features.items()}
        return {
            column: kind
            for name, feature in self.features.items()
            for column, kind in columns_of(name, feature).items()
        }

    @property
    def derived_features(self) -> tuple[str, ...]:
        """The features of text or vectors, of which only derived columns are kept."""
        return tuple(name for name, feature in self.features.items() if feature.kind not in MEASURED_KINDS)

    def feature_of(self, column: str) -> str:
        """Return the feature that a canonical column stands for; the column itself if it stands for none."""
        feature, part = feature_and_part(column)
        return feature if part and feature in self.derived_features else column

    def is_ignored(self, column: str) -> bool:
        """Return whether ``drift.ignore`` names a column, or the feature that it stands for."""
        ignored = self.drift.ignore
        return bool(ignored) and (column in ignored or self.feature_of(column) in ignored)

    @property
    def spec_hash(self) -> str:
        """Hash of the fields that can change a number; free text and the rules about when to run are left out."""
        numbers = self.model_dump_json(exclude=_WITHOUT_NUMBERS)
        return hashlib.sha256(numbers.encode()).hexdigest()[:16]

    @property
    def learned_floors_hash(self) -> str:
        """Hash of the rules by which floors are learned from the reference's days."""
        rules = self.drift.model_dump_json(include=set(RULES_OF_LEARNED_FLOORS))
        # What the budget allows depends on how often chunks come, and on what their breaches open.
        opening = self.incidents.model_dump_json(include=set(RULES_OF_OPENING))
        budget = f"{self.budget.model_dump_json()}{opening}{self.cadence}"
        share = "" if self.has_own_share_of_flags else budget
        return hashlib.sha256(f"{WAY_OF_LEARNING_FLOORS}{rules}{share}".encode()).hexdigest()[:16]

    @property
    def has_own_share_of_flags(self) -> bool:
        """Whether ``drift.false_alarm_share`` is written, so that the budget does not lower it."""
        return "false_alarm_share" in self.drift.model_fields_set

    def reference_declaration_hash(self, model_version: str) -> str:
        """Hash of the fields from which a version's reference is built: sources, features and its window."""
        fields = {"name", "task", "timezone", "warehouse", "predictions", "labels", "features", "privacy"}
        # Specs without a cadence keep the hash that they had before there was a choice.
        parts = self.model_dump_json(include=fields if self.cadence == "day" else fields | {"cadence"})
        window = self.reference[model_version].model_dump_json()
        return hashlib.sha256(f"{model_version}{window}{parts}".encode()).hexdigest()[:16]
