"""Drafts the spec of a model from the tables of a source."""

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from zoneinfo import ZoneInfo

import polars as pl

from monitoring_pipeline.evaluation.drafting.facts import TableFacts, table_facts
from monitoring_pipeline.evaluation.drafting.guesses.identity import guess_identity
from monitoring_pipeline.evaluation.drafting.guesses.inputs import Input, guess_inputs
from monitoring_pipeline.evaluation.drafting.guesses.labels import MAY_BE_LABEL, age_of_gaps
from monitoring_pipeline.evaluation.drafting.guesses.outputs import guess_outputs
from monitoring_pipeline.evaluation.drafting.guesses.roles import RoleGuess, guess
from monitoring_pipeline.evaluation.drafting.guesses.roles_table import Role
from monitoring_pipeline.evaluation.drafting.guesses.tables import (
    Tables,
    choose_tables,
    label_plan,
    only_label,
    shared_id,
    without_label,
)
from monitoring_pipeline.evaluation.drafting.guesses.timing import guess_timing
from monitoring_pipeline.evaluation.drafting.guesses.truth import (
    Delay,
    delay_of_gaps,
    guess_delay,
    guess_positive,
    leaking_inputs,
    likely_labels,
    positive_prediction,
    worse_by,
)
from monitoring_pipeline.evaluation.drafting.hints import Advice
from monitoring_pipeline.evaluation.drafting.plan import LabelPlan, Plan, last_part, model_name
from monitoring_pipeline.evaluation.drafting.questions import questions
from monitoring_pipeline.evaluation.drafting.refusal import CannotDraftError, without_time
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.ports.source_inspection import SourceInspection, TableReading
from monitoring_pipeline.spec.chunk import Chunk
from monitoring_pipeline.spec.column_names import suggestion
from monitoring_pipeline.spec.model import Cadence, ModelSpec
from monitoring_pipeline.spec.sources import FeatureKind, ReferenceWindow, Task

SAMPLED_ROWS = 50_000
LOOKED_AT_ROWS = 2_000
JOINED_ROWS = 20_000
MOST_TABLES = 30


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """What the user asks for: the tables, the name, the time zone, the cadence, and the name of the warehouse.

    ``is_alone`` is whether no other tables are looked at than those that are named.
    """

    table: str | None = None
    labels: str | None = None
    name: str | None = None
    default_name: str = "model"
    zone: str | None = None
    cadence: Cadence | None = None
    warehouse: str | None = None
    is_alone: bool = False


@dataclass(frozen=True, kw_only=True)
class Source:
    """The ports by which a source is read, and the time."""

    tables: TableReading
    inspection: SourceInspection
    now: dt.datetime


def draft_plan(source: Source, wishes: Wishes, advice: Advice) -> Plan:
    """Return the guesses about the model whose predictions are in a source.

    Raises:
        CannotDraftError: when a spec cannot be drafted.
    """
    plan = _with_roles(_read_tables(source, wishes, advice), wishes, advice)
    plan = _with_timing(plan, source, wishes)
    plan = _with_truth(plan, source, advice)
    return replace(plan, doubts=questions(plan, is_zone_chosen=wishes.zone is not None))


def _read_tables(source: Source, wishes: Wishes, advice: Advice) -> Tables:
    """Return the table of predictions and that of labels; the others are looked at only as far as they are needed."""
    names = [] if wishes.is_alone and wishes.table else list(source.tables.table_names())
    if wishes.table is None and len(names) > MOST_TABLES:
        raise CannotDraftError(f"which of its {len(names)} tables holds the predictions? Name it: --table NAME")
    looked_at = (
        [name for name in names if name not in {wishes.table, wishes.labels}] if len(names) <= MOST_TABLES else []
    )
    wanted = [*filter(None, (wishes.table, wishes.labels))]
    if wishes.table is None or wishes.labels is None:
        wanted += looked_at
    looks, unreadable = _looks(source, wanted, advice.paths, needed={wishes.table, wishes.labels})
    if not looks and unreadable:
        raise CannotDraftError("; ".join(f"{name} cannot be read: {reason}" for name, reason in unreadable.items()))
    tables = choose_tables(looks, advice, named=wishes.table is not None, labels=wishes.labels)
    predictions = _facts(source, tables.predictions.name, advice)
    labels = tables.labels and _facts(source, tables.labels.name, advice)
    existing = [*predictions.columns, *(labels.columns if labels else ())]
    if (missing := advice.not_existing(existing)) is not None:
        words, name = missing
        whole = predictions.columns.get(name.partition(".")[0])
        names = f"{whole.name} is {whole.type}" if whole else suggestion(name, existing, "columns")
        raise CannotDraftError(f"{words}: {predictions.name} has no such column; {names}")
    return replace(tables, predictions=predictions, labels=labels, unreadable=unreadable)


def _facts(source: Source, table: str, advice: Advice) -> TableFacts:
    return table_facts(source.tables.table_sample(table, SAMPLED_ROWS, paths=advice.paths))


def _looks(
    source: Source, names: Sequence[str], paths: Sequence[str], needed: Collection[str | None]
) -> tuple[dict[str, TableFacts], dict[str, str]]:
    """Return some rows of each table, and the reasons why others cannot be read, which are errors if it is needed."""
    looks, unreadable = dict[str, TableFacts](), dict[str, str]()
    for name in names:
        try:
            sample = source.tables.table_sample(name, LOOKED_AT_ROWS, counted=False, paths=paths)
        except SourceError as error:
            if name in needed:
                raise
            unreadable[name] = str(error)
        else:
            looks[name] = table_facts(sample)
    return looks, unreadable


def _with_roles(tables: Tables, wishes: Wishes, advice: Advice) -> Plan:
    table, elsewhere = tables.predictions, tables.labels
    if not table.rows:
        raise CannotDraftError(f"{table.name} has no rows: is it the right table?")
    time = guess(Role.TIME, table, advice, ())
    if time is None or not time.column.is_time:
        raise CannotDraftError(without_time(table, time and time.column))
    version = guess(Role.VERSION, table, advice, {time.column.name})
    taken = {time.column.name, *_name(version)}
    label = only_label(elsewhere, advice) if elsewhere else None
    outputs = guess_outputs(
        table, advice, taken, label.column if label else None, None if elsewhere else time.column.name
    )
    taken |= outputs.columns
    shared = [name.casefold() for name in elsewhere.columns] if elsewhere else []
    joined = shared_id(table, elsewhere) if elsewhere else None
    identity = guess_identity(
        without_label(table, outputs.label),
        advice,
        taken,
        time=time.column.name,
        shared=shared,
        joined=joined.of_predictions if joined else None,
        changing=outputs.candidates,
    )
    taken |= set(identity.columns) if len(identity.columns) == 1 else set()
    labels = label_plan(table, elsewhere, advice, outputs, identity.columns, time=time.column.name)
    if labels and labels.table is None and labels.known_at:
        taken.add(labels.known_at.column.name)
    score = outputs.score.column.name if outputs.score else None
    inputs = guess_inputs(table, advice, taken, score, dict.fromkeys(outputs.may_be_labels, MAY_BE_LABEL))
    if not inputs.inputs:
        inputs = replace(inputs, inputs=(_stand_in(table, outputs.columns),))
    registered = advice.registered
    name = registered.model if registered else wishes.table or last_part(table.name) or wishes.default_name
    return Plan(
        name=wishes.name or model_name(name),
        registered=registered,
        table=table,
        zone=wishes.zone or "UTC",
        time=time,
        version=version,
        identity=identity,
        outputs=outputs,
        inputs=inputs,
        labels=labels,
        warehouse=wishes.warehouse,
        several_labels=tables.several,
        unreadable=tables.unreadable,
        unjoined_labels=(elsewhere.name,) if elsewhere and labels is None else tables.unjoined,
    )


def _with_timing(plan: Plan, source: Source, wishes: Wishes) -> Plan:
    spec = plan.spec
    everything = spec.calendar.window(ReferenceWindow(start=dt.date(1970, 1, 1), end=dt.date(2200, 1, 1)))
    counted = source.inspection.counted_predictions(spec, everything)
    timing = guess_timing(
        counted,
        zone=ZoneInfo(plan.zone),
        now=source.now,
        by_day=plan.time.column.kind.value == "date",
        cadence=wishes.cadence,
    )
    return replace(plan, timing=timing)


def _with_truth(plan: Plan, source: Source, advice: Advice) -> Plan:
    labels = plan.labels
    if plan.timing is None:
        return plan
    if labels is None:
        names = [each.name for each in plan.inputs.inputs] if plan.outputs.task is Task.REGRESSION else []
        return replace(plan, likely_labels=likely_labels(_first_predictions(plan, source), names) if names else {})
    joined = _labelled(plan, source)
    plan = plan.without_inputs(leaking_inputs(joined, [each.name for each in plan.inputs.inputs]))
    if not plan.inputs.inputs:
        plan = replace(plan, inputs=replace(plan.inputs, inputs=(_stand_in(plan.table, plan.outputs.columns),)))
    plan = replace(plan, delay=guess_delay(joined) if labels.known_at else _delay_of_gaps(plan, labels))
    if plan.outputs.task is Task.REGRESSION:
        return replace(plan, worse_by=worse_by(joined))
    if plan.outputs.task is not Task.BINARY:
        return plan
    positive = guess_positive(labels.label, joined, advice)
    decided = None
    if plan.outputs.prediction:
        decided = positive_prediction(plan.outputs.prediction.column, positive, joined)
    return replace(plan, positive=positive, positive_prediction=decided)


def _delay_of_gaps(plan: Plan, labels: LabelPlan) -> Delay | None:
    age = age_of_gaps(plan.table, plan.time.column.name, labels.label.name) if labels.table is None else None
    return delay_of_gaps(age) if age is not None else None


def _labelled(plan: Plan, source: Source) -> pl.DataFrame:
    """Return predictions of the reference with their labels, under canonical names; unlabelled rows are left out."""
    spec, labels = plan.spec, plan.labels
    rows = _first_predictions(plan, source)
    chunks = _first_reference(spec)
    known = source.inspection.first_labels(spec, chunks, source.now, JOINED_ROWS * 2 if labels else JOINED_ROWS)
    known = known.select(pl.col("row_id").cast(pl.String), "label", "known_at").drop_nulls("label")
    return (
        rows.with_columns(pl.col("row_id").cast(pl.String))
        .unique("row_id", keep="last", maintain_order=True)
        .join(known.unique("row_id", keep="last", maintain_order=True), on="row_id", how="inner", maintain_order="left")
    )


def _first_predictions(plan: Plan, source: Source) -> pl.DataFrame:
    return source.inspection.first_predictions(plan.spec, _first_reference(plan.spec), JOINED_ROWS)


def _first_reference(spec: ModelSpec) -> list[Chunk]:
    return [spec.calendar.window(window) for window in list(spec.reference.values())[:1]]


def _stand_in(table: TableFacts, outputs: frozenset[str]) -> Input:
    """Return an output as the only input, because a spec needs one."""
    name = next(iter(sorted(outputs)))
    kind = FeatureKind.NUMERIC if table.columns[name].is_numeric else FeatureKind.CATEGORICAL
    return Input(name=f"{name}_as_input", column=name, kind=kind, evidence="no other column is an input")


def _name(found: RoleGuess | None) -> list[str]:
    return [found.column.name] if found else []
