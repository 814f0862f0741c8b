"""Columns that look like personal data, by their names and their values, and what a spec may keep of them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from monitoring_pipeline.evaluation.drafting.facts import ColumnFacts
from monitoring_pipeline.evaluation.drafting.guesses.roles_table import plain_name
from monitoring_pipeline.spec.rules.privacy import DROPPED, HASHED, IDENTIFIER
from monitoring_pipeline.spec.sources import FeatureKind

Kept = str | Mapping[str, int]
_MOST = 0.8
"""Share of the most frequent values that must have the form of personal data."""


@dataclass(frozen=True)
class PersonalData:
    """One sort of personal data.

    Args:
        words: what it is.
        named: names of such columns, in lower case with underscores.
        of_category: what is kept of a categorical column.
        of_number: what is kept of a numeric one; None to leave it as it is.
        written: the form of such values; None if they have none.
        is_certain: whether it identifies a person, so that the treatment is written; else it is proposed as a comment.
    """

    words: str
    named: re.Pattern[str]
    of_category: Kept
    of_number: Kept | None = None
    written: re.Pattern[str] | None = None
    is_certain: bool = True


@dataclass(frozen=True)
class Proposal:
    """What a draft keeps, or proposes to keep, of a column with personal data."""

    kept: Kept
    words: str
    is_certain: bool


def _name(words: str) -> re.Pattern[str]:
    return re.compile(rf"(^|_)({words})($|_)")


PERSONAL_DATA = (
    PersonalData(
        "e-mail addresses", _name("e_?mail|mail"), IDENTIFIER, written=re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
    ),
    PersonalData(
        "bank accounts", _name("iban|bank_account|account_number"), IDENTIFIER,
        written=re.compile(r"[A-Z]{2}\d{2}[A-Z0-9 ]{11,34}"),
    ),
    PersonalData(
        "telephone numbers", _name("phone|telephone|mobile|telefon|fax"), IDENTIFIER, of_number=IDENTIFIER,
        written=re.compile(r"(\+|00?)[1-9][\d ()/.-]{6,18}"),
    ),
    PersonalData(
        "internet addresses of people", _name("ip|ip_address|ip_addr"), IDENTIFIER,
        written=re.compile(r"\d{1,3}(\.\d{1,3}){3}"),
    ),
    PersonalData(
        "names of people",
        _name("full_name|first_name|last_name|given_name|family_name|surname|customer_name|vorname|nachname"),
        IDENTIFIER,
    ),
    PersonalData("postal addresses", _name("street|address|strasse|addr"), IDENTIFIER),
    PersonalData(
        "days of birth", _name("birth|birthday|birthdate|date_of_birth|dob|geburtsdatum"), {"first": 4},
        of_number={"round_to": 10}, is_certain=False,
    ),
    PersonalData(
        "postcodes", _name("zip|zip_?code|postcode|postal_code|plz"), {"first": 2}, of_number={"round_to": 1_000},
        is_certain=False,
    ),
    PersonalData(
        "traits that law protects",
        _name(
            "gender|sex|religion|ethnicity|race|nationality|citizenship|disability|diagnosis|marital_status"
        ),
        HASHED, is_certain=False,
    ),
)  # fmt: skip


def propose_privacy(column: ColumnFacts, kind: FeatureKind) -> Proposal | None:
    """Return the treatment that a draft writes or proposes for a column; None if it is no personal data."""
    plain = plain_name(column.name)
    for each in PERSONAL_DATA:
        by_name = each.named.search(plain) is not None
        by_value = each.written is not None and column.is_text and _share_written(column, each.written) >= _MOST
        if not by_name and not by_value:
            continue
        kept = each.of_number if kind is FeatureKind.NUMERIC else each.of_category
        if kind in {FeatureKind.TEXT, FeatureKind.EMBEDDING}:
            kept = DROPPED if each.is_certain else None
        if kept is not None:
            return Proposal(kept, f"{each.words}, by {'their form' if by_value else 'the name'}", each.is_certain)
    return None


def _share_written(column: ColumnFacts, form: re.Pattern[str]) -> float:
    values = [str(value) for value, _ in column.values]
    return sum(form.fullmatch(value.strip()) is not None for value in values) / len(values) if values else 0.0
