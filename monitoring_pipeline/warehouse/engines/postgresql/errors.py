"""Errors of PostgreSQL as sentences without values of rows, because the sentences are stored and sent."""

from monitoring_pipeline.warehouse.engines.server.session import Cause

LONGEST_TEXT = 1000
SYNTAX_OR_ACCESS = "42"
"""Class of errors about the text of a statement (https://www.postgresql.org/docs/current/errcodes-appendix.html)."""

INSUFFICIENT_PRIVILEGE = "42501"
"""The error of a missing right. Its text names tables, never values; EXPLAIN does not raise it."""

_QUERY_CANCELED = "57014"
_BY_CODE: tuple[tuple[str, Cause, str], ...] = (
    (_QUERY_CANCELED, Cause.TIMEOUT, "it was stopped, as the server does at a time limit"),
    ("42501", Cause.UNREACHABLE, "the user may not read it; grant SELECT on the tables and views"),
    ("42P01", Cause.UNREACHABLE, "something that it names does not exist; run the query by hand to see what"),
    ("40", Cause.UNREACHABLE, "the server ended the transaction because of others; a further run may succeed"),
    ("53", Cause.UNREACHABLE, "the server lacks memory, disk or connections"),
    ("55P03", Cause.UNREACHABLE, "a table is locked by another transaction"),
    ("57", Cause.UNREACHABLE, "the server is stopping or starting"),
    ("58", Cause.UNREACHABLE, "the server cannot read its disk"),
    ("08", Cause.UNREACHABLE, "the connection failed"),
    ("28", Cause.UNREACHABLE, "the server refuses user or password"),
    ("3D", Cause.UNREACHABLE, "the server has no such database"),
    ("25006", Cause.REFUSED, "it writes, and the warehouse is only read"),
    ("42", Cause.REFUSED, "the statement is wrong; run the query by hand to see why"),
    ("", Cause.REFUSED, "a value cannot be computed; run the query by hand to see the value"),
)


def cause_of(code: str | None) -> tuple[Cause, str]:
    """Return the cause of an error and a sentence about it.

    Args:
        code: its SQLSTATE; none if the connection failed before the server answered.
    """
    if not code:
        return Cause.UNREACHABLE, "the connection failed"
    cause, words = next((cause, words) for prefix, cause, words in _BY_CODE if code.startswith(prefix))
    return cause, f"{words} (SQLSTATE {code})"


def short(text: str) -> str:
    """Return the first line of an error's text without the name of the driver."""
    line = next((part for part in text.splitlines() if "ERROR:" in part), text.splitlines()[0] if text else "")
    words = line.partition("ERROR:")[2].strip() or line
    return words if len(words) <= LONGEST_TEXT else f"{words[:LONGEST_TEXT]}..."
