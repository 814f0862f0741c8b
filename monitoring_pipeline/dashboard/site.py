"""The addresses of the site: an overview, a page for each model and chunk, and the forms of people."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl, quote, urlencode

from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.routing import Route

from monitoring_pipeline.dashboard.actions import (
    INCIDENT_ACTIONS,
    VERSION_ACTIONS,
    FormError,
    act_on_incident,
    act_on_versions,
)
from monitoring_pipeline.dashboard.pagerduty_hook import (
    LARGEST_EVENT,
    PATH,
    SIGNATURE_HEADER,
    PagerDutyHook,
    receive_event,
)
from monitoring_pipeline.dashboard.signing_in import NotAllowedError, Proxy, check_origin
from monitoring_pipeline.evaluation.reference.reference import EmptyReferenceError
from monitoring_pipeline.evaluation.rows.errors import SourceError
from monitoring_pipeline.ports.clock import Clock
from monitoring_pipeline.prometheus.exporting import metrics_text
from monitoring_pipeline.registry.answering import RegistryError
from monitoring_pipeline.settings import Settings
from monitoring_pipeline.spec.calendar import UnknownChunkError
from monitoring_pipeline.spec.loading import LoadedSpec, SpecError, usable_specs
from monitoring_pipeline.spec.week import UnknownWeekError, Week
from monitoring_pipeline.steps.references import MissingInputError
from monitoring_pipeline.steps.specs.checks import read_checked_specs
from monitoring_pipeline.steps.versions.asking import CannotRetrainError
from monitoring_pipeline.steps.versions.effects import RollOutError
from monitoring_pipeline.steps.versions.training import NoRetrainingError
from monitoring_pipeline.steps.week import newest_week, read_week
from monitoring_pipeline.store.incidents import UnknownIncidentError
from monitoring_pipeline.store.results import ResultStore
from monitoring_pipeline.web_pages.building import build_model_page, build_overview
from monitoring_pipeline.web_pages.contents.week import week_contents
from monitoring_pipeline.web_pages.reading import NothingJudgedError
from monitoring_pipeline.web_pages.rendering import (
    Links,
    message_html,
    model_html,
    overview_html,
    page_policy,
    week_html,
)

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Cross-Origin-Opener-Policy": "same-origin",
}
DONE, NOT_FOUND, NOT_ALLOWED, WRONG, CONFLICT, TOO_LARGE, NOT_NOW = 204, 404, 403, 400, 409, 413, 503
_logger = logging.getLogger(__name__)
LARGEST_FORM = 64 * 1024
PROMETHEUS_TEXT = "text/plain; version=0.0.4; charset=utf-8"
"""https://prometheus.io/docs/instrumenting/exposition_formats/"""


@dataclass(frozen=True, kw_only=True)
class Site:
    """What the site serves from.

    Args:
        settings: the settings.
        store: the store; opened to read only where there is neither proxy nor hook.
        clock: the clock.
        proxy: the proxy that names the person who asks; None for a site on which nobody can act.
        hook: the receiver of PagerDuty's webhooks; None for a site that receives none.
    """

    settings: Settings
    store: ResultStore
    clock: Clock
    proxy: Proxy | None = None
    hook: PagerDutyHook | None = None


@dataclass(frozen=True, kw_only=True)
class Actor:
    """The person who looks at a page, and what the forms on it contain."""

    person: str
    token: str
    incident_actions: Any
    version_actions: Any


class UnknownModelError(LookupError):
    """There is no model of that name; the message lists the existing ones."""


def build_site(site: Site) -> Starlette:
    """Return the site as an ASGI application."""
    return Starlette(
        routes=[
            Route("/", _answered(site, _overview)),
            Route("/health", _health),
            Route("/metrics", _answered(site, _metrics)),
            Route("/week", _answered(site, _week)),
            Route("/models/{model}", _answered(site, _model)),
            Route("/incidents/{incident}", _answered(site, _incident)),
            Route("/incidents/{incident}/{action}", _answered(site, _act_on_incident), methods=["POST"]),
            Route("/models/{model}/{action}", _answered(site, _act_on_versions), methods=["POST"]),
            *([Route(PATH, _hooked(site, site.hook), methods=["POST"])] if site.hook is not None else []),
        ]
    )


def model_address(model: str, chunk: str | None = None) -> str:
    """Return the address of the page of a model, about a chunk if one is given."""
    return f"/models/{quote(model, safe='')}" + (f"?{urlencode({'chunk': chunk})}" if chunk else "")


def week_address(week: str) -> str:
    """Return the address of the page of a week; without one, of the newest week that was judged."""
    return "/week" + (f"?{urlencode({'week': week})}" if week else "")


LINKS = Links(overview="/", model=model_address, chunk=model_address, week=week_address)
Answer = Callable[[Site, Request, dict[str, str], str], Response]


def _answered(site: Site, answer: Answer) -> Callable[[Request], Any]:
    """Return the handler of an address: who asks is known, errors are sentences, and the store is read in a thread."""

    async def handle(request: Request) -> Response:
        try:
            person = "" if site.proxy is None else site.proxy.person(request)
            form = await _form(site, request, person) if request.method == "POST" else {}
            response = await run_in_threadpool(answer, site, request, form, person)
        except DBAPIError as error:
            _logger.exception("the store cannot be read or written")
            text = (
                f"The store of results cannot be read now ({type(error).__name__}); the log of the site has the cause."
            )
            response = HTMLResponse(message_html(text, links=LINKS), status_code=NOT_NOW)
        except tuple(STATUS_OF) as error:
            status = next(status for kind, status in STATUS_OF.items() if isinstance(error, kind))
            response = HTMLResponse(message_html(str(error), links=LINKS), status_code=status)
        response.headers.update(HEADERS | {"Content-Security-Policy": page_policy()})
        return response

    return handle


async def _form(site: Site, request: Request, person: str) -> dict[str, str]:
    """Return the fields of a form that this person sent from a page of this site."""
    if site.proxy is None:
        message = "this site is read-only; docs/reports.md says how to let people act"
        raise NotAllowedError(message)
    check_origin(request)
    body = await _body(request, LARGEST_FORM)
    if body is None:
        message = f"the form has more than {LARGEST_FORM:,} bytes"
        raise FormError(message)
    fields = _fields(body)
    site.proxy.check_token(person, fields.get("token", ""), site.clock().timestamp())
    return fields


async def _body(request: Request, most: int) -> bytes | None:
    """Return the body of a request; None if it has more bytes than allowed, of which the rest is not read."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > most:
            return None
    return body


def _hooked(site: Site, hook: PagerDutyHook) -> Callable[[Request], Any]:
    """Return the handler of PagerDuty's webhooks, which are signed; the answers contain nothing about incidents."""

    async def handle(request: Request) -> Response:
        body = await _body(request, LARGEST_EVENT)
        if body is None:
            return Response(status_code=TOO_LARGE, headers=HEADERS)
        if not hook.is_signed(body, request.headers.get(SIGNATURE_HEADER, "")):
            return Response(status_code=NOT_ALLOWED, headers=HEADERS)
        try:
            await run_in_threadpool(receive_event, site.settings, site.store, body, now=site.clock())
        except (DBAPIError, SpecError):
            # PagerDuty sends it again.
            _logger.exception("an event of PagerDuty cannot be recorded")
            return Response(status_code=NOT_NOW, headers=HEADERS)
        return Response(status_code=DONE, headers=HEADERS)

    return handle


def _fields(body: bytes) -> dict[str, str]:
    try:
        return dict(parse_qsl(body.decode(), keep_blank_values=True, strict_parsing=bool(body), max_num_fields=20))
    except ValueError:
        message = "the form cannot be read"
        raise FormError(message) from None


async def _health(_: Request) -> Response:
    return PlainTextResponse("ok\n")


def _specs(site: Site) -> dict[str, LoadedSpec]:
    return {loaded.spec.name: loaded for loaded in usable_specs(read_checked_specs(site.settings.models))}


def _spec(site: Site, name: str) -> LoadedSpec:
    specs = _specs(site)
    if name not in specs:
        message = f"no model {name!r}; known: {', '.join(specs) or 'none'}"
        raise UnknownModelError(message)
    return specs[name]


def _overview(site: Site, _: Request, __: dict[str, str], ___: str) -> Response:
    page = build_overview([loaded.spec for loaded in _specs(site).values()], site.store)
    return HTMLResponse(overview_html(page, links=LINKS))


def _metrics(site: Site, _: Request, __: dict[str, str], ___: str) -> Response:
    text = metrics_text([loaded.spec for loaded in _specs(site).values()], site.store)
    return PlainTextResponse(text, media_type=PROMETHEUS_TEXT)


def _week(site: Site, request: Request, _: dict[str, str], __: str) -> Response:
    specs = [loaded.spec for loaded in _specs(site).values()]
    asked = request.query_params.get("week")
    week = Week.named(asked) if asked else newest_week(specs, site.store)
    if week is None:
        message = "nothing was judged yet: `monitoring-pipeline backfill MODEL` judges"
        raise NothingJudgedError(message)
    return HTMLResponse(week_html(week_contents(week, read_week(specs, site.store, week).models), links=LINKS))


def _model(site: Site, request: Request, _: dict[str, str], person: str) -> Response:
    spec = _spec(site, request.path_params["model"]).spec
    asked = request.query_params
    first, last = asked.get("from") or None, asked.get("chunk") or asked.get("to") or None
    for key in filter(None, (first, last)):
        spec.calendar.chunk(key)
    page = build_model_page(spec, site.store, first, last, version=asked.get("version") or None)
    return HTMLResponse(model_html(page, links=LINKS, act=_actor(site, person)))


def _actor(site: Site, person: str) -> Actor | None:
    if site.proxy is None:
        return None
    return Actor(
        person=person,
        token=site.proxy.token(person, site.clock().timestamp()),
        incident_actions=INCIDENT_ACTIONS,
        version_actions=VERSION_ACTIONS,
    )


def _incident(site: Site, request: Request, _: dict[str, str], __: str) -> Response:
    """Lead to the incident on its model's page: of the newest chunk, or of its own last one if that is long past."""
    stored = site.store.incident(request.path_params["incident"])
    incident = stored.incident
    loaded = _specs(site).get(incident.model)
    judged = list(site.store.verdicts(incident.model))
    newest = judged[-1] if judged else incident.last_breached
    is_past = incident.resolved is not None and loaded is not None and incident.last_breached != newest
    address = model_address(incident.model, incident.last_breached if is_past else None)
    return RedirectResponse(f"{address}#incident-{stored.incident_id}", status_code=303)


def _act_on_incident(site: Site, request: Request, form: dict[str, str], person: str) -> Response:
    incident, action = request.path_params["incident"], request.path_params["action"]
    act_on_incident(site.settings, site.store, action, incident, form, person=person, now=site.clock())
    return RedirectResponse(f"/incidents/{incident}", status_code=303)


def _act_on_versions(site: Site, request: Request, form: dict[str, str], person: str) -> Response:
    loaded = _spec(site, request.path_params["model"])
    action = request.path_params["action"]
    act_on_versions(site.settings, site.store, action, loaded, form, person=person, now=site.clock())
    return RedirectResponse(f"{model_address(loaded.spec.name)}#versions", status_code=303)


def run_site(site: Site, host: str, port: int) -> None:
    """Serve the site until it is stopped."""
    import uvicorn

    uvicorn.run(build_site(site), host=host, port=port, log_level="warning", server_header=False, access_log=False)


STATUS_OF: dict[type[Exception], int] = {
    NotAllowedError: NOT_ALLOWED,
    UnknownModelError: NOT_FOUND,
    UnknownIncidentError: NOT_FOUND,
    NothingJudgedError: NOT_FOUND,
    UnknownChunkError: NOT_FOUND,
    UnknownWeekError: NOT_FOUND,
    FormError: WRONG,
    RollOutError: CONFLICT,
    NoRetrainingError: CONFLICT,
    CannotRetrainError: CONFLICT,
    MissingInputError: CONFLICT,
    EmptyReferenceError: CONFLICT,
    RegistryError: CONFLICT,
    SourceError: CONFLICT,
    SpecError: NOT_NOW,
}
"""The status of each error whose message is a sentence for people; any other one is a fault of this package."""
