"""The causes of errors of Databricks, by the SQLSTATE at the end of their texts."""

import re

from monitoring_pipeline.warehouse.engines.server.session import Cause

_STATE = re.compile(r"SQLSTATE:? *([0-9A-Z]{5})")
_TIMED_OUT = re.compile(r"timed out|statement_timeout", re.IGNORECASE)
_OF_STATEMENTS = ("42", "0A")
_NOT_ALLOWED = "42501"


def cause_of(text: str) -> tuple[Cause, str, bool]:
    """Return the cause of an error, a sentence without values of rows, and whether the statement is wrong."""
    found = _STATE.search(text)
    state = found[1] if found else ""
    if state == _NOT_ALLOWED:
        return Cause.UNREACHABLE, "the account may not read the table", False
    if state.startswith(_OF_STATEMENTS):
        return Cause.REFUSED, f"the statement is wrong ({state})", True
    if state.startswith("22"):
        sentence = f"a value cannot be computed; run the query by hand to see the value (SQLSTATE {state})"
        return Cause.REFUSED, sentence, False
    if _TIMED_OUT.search(text):
        return Cause.TIMEOUT, "it was stopped at the time limit", False
    return Cause.UNREACHABLE, f"the SQL warehouse cannot answer (SQLSTATE {state or 'unknown'})", False
