"""The questions of a draft: each guess that may be wrong, with the field of the spec that holds it."""

from monitoring_pipeline.evaluation.drafting.facts import shown
from monitoring_pipeline.evaluation.drafting.guesses.outputs import TWO
from monitoring_pipeline.evaluation.drafting.guesses.roles import RoleGuess
from monitoring_pipeline.evaluation.drafting.guesses.roles_table import is_named_utc
from monitoring_pipeline.evaluation.drafting.plan import LabelPlan, Plan
from monitoring_pipeline.evaluation.drafting.value_kinds import ValueKind
from monitoring_pipeline.spec.sources import Task


def questions(plan: Plan, *, is_zone_chosen: bool) -> tuple[str, ...]:
    """Return all questions about a plan, the most important first."""
    doubts = [*plan.outputs.doubts]
    doubts += _about_choice("the time of a prediction", plan.time, "predictions.time")
    doubts += _about_choice("the version", plan.version, "predictions.model_version")
    doubts += _about_registered(plan)
    doubts += _about_choice("the score", plan.outputs.score, "predictions.score")
    doubts += _about_choice("the prediction", plan.outputs.prediction, "predictions.prediction")
    doubts += _about_choice("the label", plan.outputs.label, "labels.label")
    doubts += plan.identity.doubts
    doubts += _about_labels(plan, plan.labels)
    if not is_zone_chosen:
        doubts.append("Which clock bounds a day? UTC is taken; --timezone Europe/Berlin chooses another (timezone)")
    known_at = plan.labels.known_at if plan.labels else None
    doubts += _about_zone(plan.time, "predictions.time_zone") + _about_zone(known_at, "labels.time_zone")
    doubts += plan.timing.doubts if plan.timing else ()
    doubts += plan.inputs.doubts
    doubts += [
        f"Is {name} needed? It is left out, because it cannot be read. {reason}"
        for name, reason in plan.unreadable.items()
    ]
    return tuple(doubts)


def _about_labels(plan: Plan, labels: LabelPlan | None) -> list[str]:
    if labels is None and plan.several_labels:
        tables = ", ".join(plan.several_labels)
        return [f"Which table holds the labels: {tables}? Name it: --labels TABLE (labels.table)"]
    if labels is None and plan.unjoined_labels:
        table = plan.unjoined_labels[0]
        question = (
            f"Does {table} hold the labels? Its label is not clear, or nothing in it is seen to identify rows of "
            f"{plan.table.name}. Name them: --labels {table} --column label=COLUMN --column id=COLUMN (labels)"
        )
        return [question]
    if labels is None:
        return [_about_missing_label(plan)]
    doubts = list(plan.positive.doubts) if plan.positive else []
    if labels.known_at is None:
        taken = f"{plan.delay.text} is taken, because {plan.delay.evidence}" if plan.delay else "1d is taken"
        doubts.append(f"How late are labels? No column has the time at which they became known; {taken} (labels.delay)")
    elif plan.delay is None:
        doubts.append("How late are labels? Too few have a time; 1d is taken (labels.delay)")
    return doubts


def _about_missing_label(plan: Plan) -> str:
    """Return the question for the label, with the columns that may be it."""
    two = [each.column for each in plan.inputs.inputs if plan.table.columns[each.column].distinct == TWO]
    follow = [f"{name} by {value:.2f}" for name, value in plan.likely_labels.items()]
    candidates = ""
    if late := plan.outputs.may_be_labels:
        candidates = f"{', '.join(late)}, which only the newest rows are without"
    elif follow:
        candidates = f"correlated with the prediction is {', '.join(follow)}"
    elif two and plan.outputs.task is Task.BINARY:
        candidates = f"{', '.join(two)}, with two values"
    without = "Without labels only drift and quality are measured"
    if candidates:
        which = f"Which column is the label? Candidates: {candidates}. Name it: --column label=COLUMN, or the table"
        return f"{which} of labels: --labels TABLE. {without} (labels)"
    return f"Are there labels? Name their table: --labels TABLE, or column: --column label=COLUMN. {without} (labels)"


def _about_choice(words: str, found: RoleGuess | None, field: str) -> list[str]:
    if found is None or not found.others:
        return []
    others = ", ".join(other.name for other in found.others)
    return [f"Which column is {words}: {found.column.name}, or {others}? ({field})"]


def _about_registered(plan: Plan) -> list[str]:
    """Return the question about a registered version that the table does not have."""
    if plan.registered is None or plan.version is None:
        return []
    column, wanted = plan.version.column, plan.registered.version
    values = [shown(value) for value, _ in column.values]
    words = f"Which rows are of version {wanted} of {plan.registered.model}? {column.name} has {', '.join(values[:5])}"
    return [] if wanted in values else [f"{words} (predictions.model_version)"]


def _about_zone(time: RoleGuess | None, field: str) -> list[str]:
    if time is None or time.column.kind is not ValueKind.LOCAL_TIME or is_named_utc(time.column.name):
        return []
    return [f"Which clock do the times of {time.column.name} follow? They have no zone; UTC is taken ({field})"]
