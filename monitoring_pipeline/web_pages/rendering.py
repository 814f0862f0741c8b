"""Writes contents as HTML: one file that needs no network, or the same page with the links of a live site."""

import base64
import datetime as dt
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from monitoring_pipeline.web_pages.contents.model import ModelContents
from monitoring_pipeline.web_pages.contents.overview import OverviewContents
from monitoring_pipeline.web_pages.contents.table import Cell, Table
from monitoring_pipeline.web_pages.contents.week import WeekContents
from monitoring_pipeline.web_pages.markdown import incident_markdown
from monitoring_pipeline.web_pages.safe_text import safe_address, shortened, visible

MARKS: Mapping[str, str] = {"ok": "·", "warning": "!", "critical": "✕", "unknown": "?"}
"""What stands in a cell of the calendar beside its colour, for those who do not see the colour."""
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


@dataclass(frozen=True, kw_only=True)
class Links:
    """The addresses to which a page links; None where there is no such page.

    Args:
        overview: the page of all models.
        model: the page of a model, by its name.
        chunk: the page of a model about a chunk, by name and key.
        week: the page of a week, by its key; the newest one by an empty key.
    """

    overview: str | None = None
    model: Callable[[str], str] = lambda name: f"{name}.html"
    chunk: Callable[[str, str], str] | None = None
    week: Callable[[str], str] | None = None


FILES = Links()
"""The links of pages that are files beside each other."""


def model_html(
    page: ModelContents, *, links: Links = FILES, written: dt.datetime | None = None, act: Any = None
) -> str:
    """Return the page of a model.

    Args:
        page: what it says.
        links: where it links to.
        written: when it was made, UTC; left out where the same content is to give the same bytes.
        act: the person who may act on the page, and what the forms contain; None where nobody can.
    """
    sections = [
        ("incidents", "Incidents", bool(page.incidents)),
        ("verdicts", "Verdicts", True),
        ("budget", "False alarms", True),
        ("performance", "Performance", bool(page.performance) or not page.metrics.is_empty),
        ("segments", "Segments", not page.segments.is_empty),
        ("explanation", "What the changes consist of", bool(page.splits)),
        ("fairness", "Fairness", not page.gaps.is_empty),
        ("quality", "Data quality", bool(page.dimensions)),
        ("columns", "Columns", bool(page.columns)),
        ("objectives", "Objectives", not page.objectives.is_empty),
        ("operations", "Operations", not page.serving.is_empty),
        ("business", "Business", page.has_business),
        ("versions", "Versions", True),
        ("audit", "Audit", bool(page.audit)),
    ]
    return _rendered(
        "model.html",
        page=page,
        links=links,
        written=written,
        sections=[(id_, name) for id_, name, is_shown in sections if is_shown],
        weekdays=WEEKDAYS if page.noun == "day" else (),
        column_table=_column_table(page),
        act=act,
    )


def overview_html(page: OverviewContents, *, links: Links = FILES, written: dt.datetime | None = None) -> str:
    """Return the overview of all models."""
    return _rendered("overview.html", page=page, links=links, written=written)


def week_html(page: WeekContents, *, links: Links = FILES, written: dt.datetime | None = None) -> str:
    """Return the page of a week."""
    return _rendered("week.html", page=page, links=links, written=written, weekdays=WEEKDAYS)


def message_html(text: str, *, links: Links) -> str:
    """Return a page that says one thing, such as why a request was refused."""
    return _rendered("message.html", text=text, links=links, written=None)


def page_policy() -> str:
    """Return the content security policy of every page, for the headers of a site."""
    return f"{policy(_part('page.css'), _part('page.js'))}; frame-ancestors 'none'"


def _column_table(page: ModelContents) -> Table:
    return Table(
        caption=f"All {len(page.columns)} columns",
        columns=("column", "statistic", "effect", "importance", "what changed", "about"),
        rows=tuple(
            (
                Cell(column.name, column.status),
                Cell(column.statistic.replace("_", " ")),
                Cell(column.effect_text, is_number=True),
                Cell(column.importance_text, is_number=True),
                Cell("; ".join(column.shifts)),
                Cell(column.reason),
            )
            for column in page.columns
        ),
    ).without_empty_columns


def policy(style: str, script: str) -> str:
    """Return the content security policy: the page's own style and script, and nothing else."""
    own = "; ".join(f"{kind}-src 'sha256-{_sha256(text)}'" for kind, text in (("style", style), ("script", script)))
    return f"default-src 'none'; {own}; img-src data:; form-action 'self'; base-uri 'none'"


def _sha256(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _rendered(template: str, *, written: dt.datetime | None, **contents: Any) -> str:
    style, script = _part("page.css"), _part("page.js")
    return (
        _environment()
        .get_template(template)
        .render(
            style=style,
            script=script,
            policy=policy(style, script),
            marks=MARKS,
            written=f"{written.astimezone(dt.UTC):%Y-%m-%d %H:%M}" if written else None,
            **contents,
        )
    )


@cache
def _part(name: str) -> str:
    return files("monitoring_pipeline.web_pages").joinpath("templates", name).read_text(encoding="utf-8").strip()


@cache
def _environment() -> Any:
    import jinja2
    import markupsafe

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("monitoring_pipeline.web_pages"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
    )
    environment.filters["address"] = safe_address
    environment.filters["markdown"] = lambda shown: markupsafe.escape(visible(incident_markdown(shown)))
    return environment


def _shown(value: object) -> object:
    """Return a value as it is shown: without marks that hide or turn text, and not too long."""
    return shortened(visible(value)) if type(value) is str else value
