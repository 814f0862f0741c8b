"""All guesses about a model, and the spec that they make."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from pydantic import ValidationError

from monitoring_pipeline.evaluation.drafting.facts import ColumnFacts, TableFacts
from monitoring_pipeline.evaluation.drafting.guesses.identity import Identity
from monitoring_pipeline.evaluation.drafting.guesses.inputs import Input, Inputs, LeftOut
from monitoring_pipeline.evaluation.drafting.guesses.outputs import Outputs
from monitoring_pipeline.evaluation.drafting.guesses.roles import RoleGuess
from monitoring_pipeline.evaluation.drafting.guesses.roles_table import is_named_utc, plain_name
from monitoring_pipeline.evaluation.drafting.guesses.timing import Timing
from monitoring_pipeline.evaluation.drafting.guesses.truth import Delay, Positive
from monitoring_pipeline.evaluation.drafting.hints import RegisteredVersion
from monitoring_pipeline.evaluation.drafting.refusal import CannotDraftError
from monitoring_pipeline.evaluation.drafting.value_kinds import ValueKind
from monitoring_pipeline.evaluation.drafting.yaml_text import Entry, as_dictionary, yaml_text
from monitoring_pipeline.evaluation.performance.thresholds import DEFAULT_GUARDS
from monitoring_pipeline.spec.model import ModelSpec
from monitoring_pipeline.spec.sources import EARLIEST, LATEST, Task

OWNER = "team:unassigned"
DEFAULT_DELAY = "1d"
ANY_VERSION = "1"


@dataclass(frozen=True, kw_only=True)
class LabelPlan:
    """Where the truth is: the label, and if it is in another table that table, its id and evidence."""

    label: ColumnFacts
    evidence: str
    table: TableFacts | None = None
    id: tuple[str, ...] = ()
    known_at: RoleGuess | None = None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The guesses about one model. ``timing``, ``positive`` and ``delay`` are learned after the roles are known."""

    name: str
    table: TableFacts
    zone: str
    time: RoleGuess
    version: RoleGuess | None
    identity: Identity
    outputs: Outputs
    inputs: Inputs
    labels: LabelPlan | None = None
    warehouse: str | None = None
    timing: Timing | None = None
    positive: Positive | None = None
    positive_prediction: bool | int | str | None = None
    delay: Delay | None = None
    worse_by: float | None = None
    several_labels: tuple[str, ...] = ()
    unjoined_labels: tuple[str, ...] = ()
    registered: RegisteredVersion | None = None
    likely_labels: Mapping[str, float] = field(default_factory=dict[str, float])
    unreadable: Mapping[str, str] = field(default_factory=dict[str, str])
    doubts: tuple[str, ...] = field(default=())

    def without_inputs(self, reasons: Mapping[str, str]) -> "Plan":
        """Return the plan without some inputs, which are left out for reasons."""
        kept = tuple(each for each in self.inputs.inputs if each.name not in reasons)
        left_out = [LeftOut(each.column, reasons[each.name]) for each in self.inputs.inputs if each.name in reasons]
        inputs = replace(self.inputs, inputs=kept, left_out=(*self.inputs.left_out, *left_out))
        return replace(self, inputs=inputs)

    @property
    def spec(self) -> ModelSpec:
        """The spec, with dates that hold every row as long as the calendar is not known.

        Raises:
            CannotDraftError: when the guesses do not fit together.
        """
        try:
            return ModelSpec.model_validate(as_dictionary(tuple(_entries(self))))
        except ValidationError as error:
            problems = "; ".join(f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in error.errors())
            raise CannotDraftError(f"the guesses do not fit together; name columns: --column. {problems}") from None

    def text(self, head: Sequence[str]) -> str:
        """Return the spec as YAML, with the evidence of each guess as a comment."""
        return yaml_text(tuple(_entries(self)), head)


def model_name(text: str) -> str:
    """Return a text as the name of a model."""
    name = re.sub(r"[^a-z0-9]+", "_", plain_name(text)).strip("_")
    return name if name[:1].isalpha() and name.isascii() else f"model_{name}".rstrip("_")


def last_part(name: str) -> str:
    """Return the last part of the name of a table, or the name of its file without suffix."""
    return name.replace("\\", "/").rstrip("/").split("/")[-1].split(".")[0 if "/" in name else -1]


def _entries(plan: Plan) -> Iterator[Entry]:
    yield Entry("name", plan.name, _registered_words(plan.registered))
    yield Entry("task", plan.outputs.task.value, plan.outputs.why_task)
    yield Entry("owner", OWNER, "an e-mail address, or team:NAME")
    yield Entry("timezone", plan.zone, "the clock whose midnight bounds a day")
    if plan.warehouse:
        yield Entry("warehouse", plan.warehouse)
    if plan.timing:
        yield Entry("cadence", plan.timing.cadence, plan.timing.why_cadence)
    yield Entry("start", plan.timing.start if plan.timing else EARLIEST, "the first day after the reference")
    yield Entry("predictions", tuple(_predictions(plan)))
    if plan.labels:
        yield Entry("labels", tuple(_labels(plan, plan.labels)))
    yield Entry("features", tuple(_features(plan.inputs)))
    if privacy := tuple(_privacy(plan.inputs)):
        words = "what is kept of columns that look like personal data; take out what is none"
        yield Entry("privacy", privacy, words, is_off=all(each.is_off for each in privacy))
    yield Entry("reference", tuple(_references(plan)), "rows that each version was validated on, not trained on")
    if thresholds := tuple(_thresholds(plan)):
        yield Entry("performance", (Entry("thresholds", thresholds),))


def _predictions(plan: Plan) -> Iterator[Entry]:
    outputs, columns = plan.outputs, plan.identity.columns
    yield Entry("table", plan.table.name, f"{plan.table.rows:,} rows")
    yield Entry("id", columns[0] if len(columns) == 1 else columns, plan.identity.evidence)
    yield Entry("time", plan.time.column.name, f"{_time_words(plan.time.column)}; {plan.time.evidence}")
    if plan.version:
        yield Entry(
            "model_version", plan.version.column.name, f"{_count(plan.version.column)}; {plan.version.evidence}"
        )
    if outputs.score:
        column = outputs.score.column
        yield Entry("score", column.name, f"{_span(column)}; {outputs.score.evidence}")
    if outputs.scores:
        scores = tuple(
            Entry(name, column, _span(plan.table.columns[column])) for name, column in outputs.scores.items()
        )
        yield Entry("scores", scores)
    if outputs.prediction and outputs.prediction != outputs.score:
        yield Entry(
            "prediction",
            outputs.prediction.column.name,
            f"{_count(outputs.prediction.column)}; {outputs.prediction.evidence}",
        )
    if plan.positive_prediction is not None:
        yield Entry("positive", plan.positive_prediction, "the prediction that means the positive class")


def _labels(plan: Plan, labels: LabelPlan) -> Iterator[Entry]:
    if labels.table:
        yield Entry("table", labels.table.name, f"{labels.table.rows:,} rows")
    if labels.id and labels.id != plan.identity.columns:
        yield Entry("id", labels.id[0] if len(labels.id) == 1 else labels.id)
    of_label = f"{_count(labels.label)}; {labels.evidence}"
    yield Entry("label", labels.label.name, of_label)
    if labels.label.pending and plan.outputs.task is Task.BINARY:
        yield Entry("null_values", labels.label.pending, "values that mean that the label is not known yet")
    if plan.outputs.task is Task.BINARY:
        positive = plan.positive
        yield Entry("positive", positive.value if positive else True, positive.evidence if positive else "")
    if labels.known_at:
        yield Entry(
            "known_at",
            labels.known_at.column.name,
            f"{_time_words(labels.known_at.column)}; {labels.known_at.evidence}",
        )
    delay = plan.delay or Delay(DEFAULT_DELAY, "assumed, because no column has the time at which a label became known")
    yield Entry("delay", delay.text, delay.evidence)


def _features(inputs: Inputs) -> Iterator[Entry]:
    for each in inputs.inputs:
        yield _feature(each)
    for left_out in inputs.left_out:
        yield Entry(left_out.column, "numeric", f"left out: {left_out.reason}", is_off=True)


def _feature(each: Input) -> Entry:
    if each.name == each.column and not each.null_values:
        return Entry(each.name, each.kind.value, each.evidence)
    parts = [Entry("kind", each.kind.value)]
    if each.name != each.column:
        parts.append(Entry("column", each.column))
    if each.null_values:
        parts.append(Entry("null_values", each.null_values))
    missing = f"; {', '.join(each.null_values)} taken for missing" if each.null_values else ""
    return Entry(each.name, tuple(parts), f"{each.evidence}{missing}", is_flow=True)


def _privacy(inputs: Inputs) -> Iterator[Entry]:
    for each in inputs.inputs:
        if (found := each.privacy) is not None:
            parts = found.kept if isinstance(found.kept, str) else tuple(Entry(*part) for part in found.kept.items())
            yield Entry(each.name, parts, found.words, is_flow=True, is_off=not found.is_certain)


def _references(plan: Plan) -> Iterator[Entry]:
    timing = plan.timing
    if timing is None:
        version = plan.registered.version if plan.registered else ANY_VERSION
        yield Entry(version, (Entry("start", EARLIEST), Entry("end", LATEST)), is_flow=True)
        return
    for version, (start, end) in timing.reference.items():
        yield Entry(
            version, (Entry("start", start), Entry("end", end)), timing.why_reference.get(version, ""), is_flow=True
        )


def _thresholds(plan: Plan) -> Iterator[Entry]:
    if plan.labels is None:
        return
    guard = DEFAULT_GUARDS[plan.outputs.task]
    if guard.absolute:
        yield Entry(
            str(guard.metric),
            (Entry("worse_than_reference", guard.absolute),),
            "critical if proven worse by more than this",
            is_flow=True,
        )
    elif plan.worse_by:
        yield Entry(
            str(guard.metric),
            (Entry("worse_than_reference", plan.worse_by),),
            "a quarter of the mean absolute error so far",
            is_flow=True,
        )


def _registered_words(registered: RegisteredVersion | None) -> str:
    return f"version {registered.version} of {registered.model} in MLflow" if registered else ""


def _span(column: ColumnFacts) -> str:
    if column.lowest is None or column.highest is None:
        return _count(column)
    return f"{column.lowest:g} to {column.highest:g}"


def _count(column: ColumnFacts) -> str:
    missing = f", {column.nulls / column.rows:.1%} without one" if column.nulls and column.rows else ""
    return f"{column.distinct:,} value{'' if column.distinct == 1 else 's'}{missing}"


_WORDS_FOR_TIMES: Mapping[ValueKind, str] = {
    ValueKind.DATE: "dates",
    ValueKind.INSTANT: "times with a zone",
    ValueKind.LOCAL_TIME: "times without a zone, taken for UTC",
}


def _time_words(column: ColumnFacts) -> str:
    words = _WORDS_FOR_TIMES.get(column.kind, "numbers that are times")
    if column.kind is ValueKind.LOCAL_TIME and is_named_utc(column.name):
        words = "times in UTC by the name"
    return f"{words}, as text" if column.is_text else words
