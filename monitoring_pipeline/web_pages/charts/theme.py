"""The look of all charts: colours that the page's style decides, so that one drawing serves light, dark and print."""

from collections.abc import Mapping
from typing import Any

INK, FAINT, CURRENT, REFERENCE = "#010101", "#020202", "#030303", "#040404"
OK, WARNING, CRITICAL, UNKNOWN, BAND, PAPER = "#050505", "#060606", "#070707", "#080808", "#090909", "#0a0a0a"
VARIABLES: Mapping[str, str] = {
    INK: "--ink",
    FAINT: "--faint",
    CURRENT: "--current",
    REFERENCE: "--reference",
    OK: "--ok",
    WARNING: "--warning",
    CRITICAL: "--critical",
    UNKNOWN: "--unknown",
    BAND: "--band",
    PAPER: "--paper",
}
"""Placeholders, which no chart uses as colours, and the variables of the page's style that replace them."""

STATUS_COLOURS: Mapping[str, str] = {
    "ok": OK,
    "info": UNKNOWN,
    "warning": WARNING,
    "critical": CRITICAL,
    "unknown": FAINT,
    "champion": CURRENT,
    "challenger": REFERENCE,
}
"""The colours of statuses, and of the roles that versions serve in."""
CONFIG: Mapping[str, Any] = {
    "background": None,
    "view": {"stroke": None},
    "axis": {
        "labelColor": INK,
        "titleColor": INK,
        "tickColor": FAINT,
        "domainColor": FAINT,
        "gridColor": FAINT,
        "gridOpacity": 0.35,
        "labelFontSize": 11,
        "titleFontSize": 11,
        "titleFontWeight": "normal",
        "titlePadding": 8,
    },
    "text": {"color": INK, "fontSize": 11},
    "legend": {"labelColor": INK, "titleColor": INK, "symbolStrokeWidth": 2},
}
