"""Builds the JSON of the dashboards with Grafana's own library, which only developers have.

``python -m monitoring_pipeline.prometheus.grafana.building`` writes the files again.
"""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.builders import bargauge, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import (
    DashboardLinkType,
    DataSourceRef,
    ValueMap,
    ValueMappingResult,
    VariableHide,
    VariableOption,
    VariableRefresh,
    VariableSort,
)

from monitoring_pipeline.prometheus.grafana.panels import DASHBOARDS, ONE_MODEL, RANKS, Dashboard, Kind, Panel

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
SITE = "http://127.0.0.1:3001"
_COLOURS = {"ok": "green", "unknown": "gray", "warning": "orange", "critical": "red"}
_BUILDERS: dict[Kind, Any] = {
    Kind.STAT: stat.Panel,
    Kind.STATES: statetimeline.Panel,
    Kind.BARS: bargauge.Panel,
    Kind.LINES: timeseries.Panel,
}


def dashboard_json(dashboard: Dashboard) -> str:
    """Return the JSON of a dashboard, as Grafana provisions it."""
    built = (
        builders.Dashboard(dashboard.title)
        .uid(dashboard.uid)
        .description(dashboard.about)
        .tags(["monitoring_pipeline"])
        .time("now-30d", "now")
        .refresh("5m")
        .timezone("browser")
        .with_variable(builders.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
        .with_variable(
            builders.TextBoxVariable("site")
            .label("Site with the reports")
            .default_value(SITE)
            .current(VariableOption(text=SITE, value=SITE))
        )
        .link(_link(dashboard))
    )
    for variable in _variables(dashboard):
        built.with_variable(variable)
    for panel in dashboard.panels:
        built.with_panel(_panel(panel))
    plain = json.loads(json.dumps(built.build(), cls=JSONEncoder))
    return json.dumps(_without_nulls(plain), indent=2, sort_keys=True) + "\n"


def _without_nulls(part: Any) -> Any:
    """Return a part without fields that Grafana shall fill with its defaults."""
    if isinstance(part, dict):
        return {name: _without_nulls(value) for name, value in part.items() if value is not None}
    return [_without_nulls(value) for value in part] if isinstance(part, list) else part


def _link(dashboard: Dashboard) -> builders.DashboardLink:
    path = "/models/${model}" if dashboard is ONE_MODEL else "/"
    return (
        builders.DashboardLink("Reports")
        .type(DashboardLinkType.LINK)
        .url("${site}" + path)
        .target_blank(target_blank=True)
    )


def _variables(dashboard: Dashboard) -> Iterable[builders.QueryVariable]:
    for name, query in dashboard.variables:
        is_repeated = any(panel.repeats == name for panel in dashboard.panels)
        variable = (
            builders.QueryVariable(name)
            .query({"query": query, "refId": name})
            .datasource(SOURCE)
            .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
            .sort(VariableSort.ALPHABETICAL_ASC)
            .multi(multi=is_repeated)
            .include_all(include_all=is_repeated)
            .hide(VariableHide.DONT_HIDE)
        )
        if is_repeated:
            variable.current(VariableOption(text="All", value="$__all"))
        yield variable


def _panel(panel: Panel) -> Any:
    built = (
        _BUILDERS[panel.kind]()
        .title(panel.title)
        .description(panel.about)
        .datasource(SOURCE)
        .span(panel.width)
        .height(panel.height)
        .unit(panel.unit)
    )
    for place, query in enumerate(panel.queries):
        target = prometheus.Dataquery().expr(query.expression).ref_id(chr(ord("A") + place)).datasource(SOURCE)
        built.with_target(target.legend_format(query.legend) if query.legend else target)
    if panel.shows_verdicts:
        built.mappings([ValueMap(options=_verdicts())])
    if panel.repeats:
        built.repeat(panel.repeats).repeat_direction("v")
    return built


def _verdicts() -> dict[str, ValueMappingResult]:
    return {
        str(rank): ValueMappingResult(text=verdict, color=_COLOURS[verdict], index=rank)
        for verdict, rank in RANKS.items()
    }


def write_dashboards(folder: Path = FOLDER) -> None:
    """Write the file of each dashboard."""
    for dashboard in DASHBOARDS:
        (folder / dashboard.file_name).write_text(dashboard_json(dashboard), encoding="utf-8")


if __name__ == "__main__":
    write_dashboards()
