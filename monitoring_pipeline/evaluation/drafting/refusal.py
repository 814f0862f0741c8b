"""The error of a source of which no spec can be drafted, and its longer messages."""

from collections.abc import Iterator

from monitoring_pipeline.evaluation.drafting.facts import ColumnFacts, TableFacts
from monitoring_pipeline.evaluation.drafting.value_kinds import ValueKind

LONGEST_TYPE = 60
FEW = 3


class CannotDraftError(ValueError):
    """No spec can be drafted; the message is a question to the user, or names what is missing."""


def without_time(table: TableFacts, named: ColumnFacts | None) -> str:
    """Return the message that no column, or not the named one, holds times that can be read."""
    if unread := next(_unread(table, named, is_time=True), ""):
        return unread
    if named is not None:
        return (
            f"{named.name} of {table.name} holds no times that can be read: a timestamp, a date, seconds since "
            "1970 or ISO 8601 text is needed"
        )
    return (
        f"{table.name} has no column with the time of a prediction, so that it has no days to monitor. Name it if "
        "there is one: --column time=COLUMN. Two sets of rows without times are compared by the Python API: "
        "compare(reference, current)"
    )


def without_output(table: TableFacts, prediction: ColumnFacts | None) -> str:
    """Return the question for the column of the output; ``prediction`` is a column of classes without a probability."""
    unread = next(_unread(table, prediction, is_time=False), "")
    if prediction is not None and unread:
        return unread
    if prediction is not None:
        return (
            f"{prediction.name} has {prediction.distinct} classes and no column is a probability: a "
            "classifier needs the probability of the positive class, or of each class. Which columns are they? Name "
            "them: --column score=COLUMN, or --column scores=FIRST,SECOND,..."
        )
    numbers = [name for name, column in table.columns.items() if column.is_numeric]
    question = (
        f"no column of {table.name} looks like the output of a model. Which is it? Name it: --column score=COLUMN (a "
        f"probability) or --column prediction=COLUMN (a number); columns of numbers: {', '.join(numbers) or 'none'}"
    )
    nested = [column for column in table.columns.values() if column.kind is ValueKind.NESTED]
    if nested:
        places = ", ".join(f"{column.name} ({column.type[:LONGEST_TYPE]})" for column in nested[:FEW])
        question += f". A value inside of {places} is named by its path: --column score={nested[0].name}.PART"
    return f"{question}. {unread}" if unread else question


def _unread(table: TableFacts, named: ColumnFacts | None, *, is_time: bool) -> Iterator[str]:
    """Yield a message for each form that is not read, about the columns, or the named one, that have it."""
    unread = [
        column
        for column in ([named] if named else table.columns.values())
        if column.unread is not None and column.unread.is_time is is_time
    ]
    for form in dict.fromkeys(column.unread for column in unread):
        names = [column.name for column in unread if column.unread == form]
        if form is not None:
            verb = "holds" if len(names) == 1 else "hold"
            of_table = f"{' and '.join(names)} of {table.name} {verb} {form.not_read}"
            yield f"{of_table}. {form.remedy(names[-1])}"
