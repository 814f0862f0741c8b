"""Times and numbers that are written as text in a form that a spec cannot read."""

import re
from dataclasses import dataclass, replace

import polars as pl

from monitoring_pipeline.evaluation.drafting.value_kinds import NEARLY_ALL, without_words_for_nothing

_TIME_OF_DAY = r"(?:[ T,]+\d{1,2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?(?:\s*[AaPp]\.?[Mm]\.?)?)?"
_SLASHES = r"\d{1,2}/\d{1,2}/\d{4}"
_NO_MONTH = r"(?:1[3-9]|2\d|3[01])"
_MONTH = r"(?i:jan|feb|m[aä]r|apr|ma[iy]|jun|jul|aug|sep|o[ck]t|nov|de[cz])[a-zäé]*\.?"


@dataclass(frozen=True)
class UnreadForm:
    """A form of text.

    Args:
        words: the form in words, with an example.
        pattern: the regular expression of one value.
        sql: SQL that converts a value, with ``{}`` in place of the column; that of DuckDB for times.
        is_time: whether it is a time, else a number.
        mark: the regular expression of the part by which the form differs from plain numbers.
    """

    words: str
    pattern: re.Pattern[str]
    sql: str
    is_time: bool = False
    mark: str = ""

    @property
    def not_read(self) -> str:
        """The words for what the values are, and that they are not read."""
        return f"{self.words} as text, which are not read as {'times' if self.is_time else 'numbers'}"

    def remedy(self, column: str) -> str:
        """Return the words for what is to be done with a column."""
        kind = "ISO 8601 text or timestamps" if self.is_time else "numbers"
        quoted = '"' + column.replace('"', '""') + '"'
        return f"Convert them to {kind} where the table is written or in a view, such as {self.sql.format(quoted)}"


def _of_time(words: str, date: str, format_of_date: str, mark: str = "") -> UnreadForm:
    pattern = re.compile(rf"\s*{date}{_TIME_OF_DAY}\s*")
    return UnreadForm(words, pattern, f"strptime({{}}, '{format_of_date}') in DuckDB", is_time=True, mark=mark)


def _of_number(words: str, number: str, mark: str, sql: str) -> UnreadForm:
    return UnreadForm(words, re.compile(rf"\s*[+-]?{number}\s*"), f"CAST({sql} AS DOUBLE PRECISION)", mark=mark)


_TIMES_OF_DAY = ("", " %H:%M", " %H:%M:%S")
"""Formats by the number of colons."""

FORMS = (
    _of_time("dates such as 31.12.2025", r"\d{1,2}\.\d{1,2}\.\d{4}", "%d.%m.%Y"),
    _of_time("dates such as 31/12/2025", _SLASHES, "%d/%m/%Y", rf"^\s*{_NO_MONTH}/"),
    _of_time("dates such as 12/31/2025", _SLASHES, "%m/%d/%Y", rf"/{_NO_MONTH}/"),
    _of_time("dates such as 03/04/2025, whose day and month are not clear,", _SLASHES, "%d/%m/%Y"),
    _of_time("dates such as 31-12-2025", r"\d{1,2}-\d{1,2}-\d{4}", "%d-%m-%Y"),
    _of_time("dates such as 2025/12/31", r"\d{4}[/.]\d{1,2}[/.]\d{1,2}", "%Y/%m/%d"),
    _of_time("dates such as 31 Dec 2025", rf"\d{{1,2}}[ .-]+{_MONTH}[ .-]+\d{{4}}", "%d %b %Y"),
    _of_time("dates such as Dec 31, 2025", rf"{_MONTH} \d{{1,2}},? \d{{4}}", "%b %d, %Y"),
    _of_number(
        "numbers such as 1,046.24",
        r"(?:[1-9]\d{0,2}(?:,\d{3})+|\d+)(?:\.\d+)?", ",", "replace({}, ',', '')",
    ),
    _of_number(
        "numbers such as 1.046,24",
        r"(?:\d{1,3}(?:\.\d{3})+|\d+)(?:,\d+)?", ",", "replace(replace({}, '.', ''), ',', '.')",
    ),
    _of_number(
        "numbers such as 1 046.24",
        r"(?:\d{1,3}(?:[ '\u2019\u00a0\u202f]\d{3})+|\d+)(?:[.,]\d+)?", r"[ '\u2019\u00a0\u202f]",
        "replace(replace(replace({}, ' ', ''), '''', ''), ',', '.')",
    ),
    _of_number(
        "numbers such as 12.5 % or $ 12.50",
        r"(?:[$€£]\s?)?\d+(?:,\d{3})*(?:[.,]\d+)?(?:\s?[%$€£]|\s?(?:EUR|USD|CHF|GBP))?", r"[%$€£A-Z]",
        "regexp_replace({}, '[^0-9.-]', '', 'g')",
    ),
)  # fmt: skip
"""The forms in their order of precedence."""


def unread_form(filled: pl.Series) -> UnreadForm | None:
    """Return the form that nearly all values of a text column have; None without such."""
    values = without_words_for_nothing(filled)
    form = next((form for form in FORMS if _has_form(values, form)), None)
    if form is None or not form.is_time:
        return form
    first = str(values[0]).lower().rstrip(".")
    time_of_day = _TIMES_OF_DAY[min(first.count(":"), len(_TIMES_OF_DAY) - 1)]
    if first.endswith("m"):
        time_of_day = f"{time_of_day.replace('%H', '%I')} %p"
    return replace(form, sql=form.sql.replace("')", f"{time_of_day}')"))


def _has_form(values: pl.Series, form: UnreadForm) -> bool:
    if values.is_empty() or (form.mark and not values.str.contains(form.mark).any()):
        return False
    fitting = values.str.contains(f"^(?:{form.pattern.pattern})$").sum()
    return fitting >= NEARLY_ALL * values.len()
