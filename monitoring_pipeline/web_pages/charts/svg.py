"""Renders charts to SVG that is small, scales with the page, and takes its colours from the page's style."""

import json
import re
import xml.etree.ElementTree as ET
from itertools import pairwise
from typing import Any

from monitoring_pipeline.web_pages.charts.theme import CONFIG, VARIABLES
from monitoring_pipeline.web_pages.safe_text import visible

SVG = "http://www.w3.org/2000/svg"
GROUP = f"{{{SVG}}}g"
LANGUAGE_VERSION = "6.1"
"""Vega-Lite's version, which Altair 6 writes."""
LETTER_WIDTH = 7
"""Room for a letter of a label: a browser may have a wider font than the renderer, and would cut the beginning."""
CHARTS_KEPT = 2_000
"""Drawings of each kind that are kept in memory, because pages repeat them; one takes 2 to 10 kB."""
LEAST_TO_SHARE = 2
_DROPPED = frozenset({
    "aria-hidden", "aria-label", "aria-roledescription", "class", "pointer-events", "role", "stroke-miterlimit",
    "version", "font-family",
})  # fmt: skip
_PLACES = frozenset({"d", "transform", "x", "y", "x2", "y2", "r", "width", "height"})
_DEFAULTS = {"opacity": "1", "stroke-width": "1", "x2": "0", "y2": "0", "transform": "translate(0,0)"}
_SHARED = ("fill", "stroke", "stroke-width", "stroke-dasharray", "fill-opacity", "font-size", "text-anchor")
_CIRCLE = re.compile(r"M([\d.]+),0A\1,\1,0,1,1,-\1,0A\1,\1,0,1,1,\1,0Z?")
_LINES = re.compile(r"M-?[\d.]+,-?[\d.]+(?:L-?[\d.]+,-?[\d.]+){2,}")
_DECIMALS = re.compile(r"-?\d+\.\d{2,}")


def drawn(chart: Any) -> str:
    """Return a chart of Altair as SVG."""
    import vl_convert

    definition = json.dumps(_visible(chart.to_dict(validate=False)) | {"config": CONFIG}, sort_keys=True)
    return slim(vl_convert.vegalite_to_svg(definition, vl_version=LANGUAGE_VERSION))


def _visible(part: Any) -> Any:
    """Return a part of a chart with visible texts; on a control character the renderer would end the process."""
    if isinstance(part, dict):
        return {name: _visible(value) for name, value in part.items()}
    if isinstance(part, list):
        return [_visible(value) for value in part]
    return visible(part) if isinstance(part, str) else part


def slim(svg: str) -> str:
    """Return a drawing without invisible parts, defaults and fixed size, its colours as variables of the style."""
    ET.register_namespace("", SVG)
    root = ET.fromstring(svg)  # noqa: S314 - the text is that of our own renderer
    _thin(root)
    for name in ("width", "height"):
        root.attrib.pop(name, None)
    width = root.attrib["viewBox"].split()[2]
    root.attrib |= {"class": f"w{_hundreds(float(width))}", "aria-hidden": "true", "focusable": "false"}
    text = ET.tostring(root, encoding="unicode")
    for colour, variable in VARIABLES.items():
        text = text.replace(f'"{colour}"', f'"var({variable})"')
    return text


def _rounded(places: str) -> str:
    """Return coordinates with one decimal; the texts of a drawing keep their digits."""
    return _DECIMALS.sub(lambda number: f"{float(number[0]):.1f}".removesuffix(".0"), places)


def straightened(path: str) -> str:
    """Return a path of straight lines without the points that lie between two others on a level or upright line."""
    points = [tuple(point.split(",")) for point in path.lstrip("M").split("L")]
    kept = points[:1]
    for point, after in pairwise([*points[1:], ("", "")]):
        if not any(kept[-1][axis] == point[axis] == after[axis] for axis in (0, 1)):
            kept.append(point)
    return "M" + "L".join(",".join(point) for point in kept)


def _hundreds(width: float) -> int:
    return max(1, round(width / 100))


def _thin(element: ET.Element) -> None:
    """Remove what is not seen from the children of an element, and groups that only group."""
    for child in list(element):
        place = list(element).index(child)
        _thin(child)
        _without_defaults(child)
        if _is_invisible(child):
            element.remove(child)
        elif child.tag == GROUP:
            _share(child)
            if not child.attrib:
                element.remove(child)
                for offset, grandchild in enumerate(list(child)):
                    element.insert(place + offset, grandchild)


def _share(group: ET.Element) -> None:
    """Move to a group the attributes that all its children share, and that are inherited."""
    if len(group) < LEAST_TO_SHARE:
        return
    for name in _SHARED:
        values = {child.get(name) for child in group}
        if len(values) == 1 and None not in values and name not in group.attrib:
            group.set(name, values.pop() or "")
            for child in group:
                del child.attrib[name]


def _without_defaults(element: ET.Element) -> None:
    circle = _CIRCLE.fullmatch(element.get("d", ""))
    if circle:
        element.tag, element.attrib["r"] = f"{{{SVG}}}circle", circle[1]
        del element.attrib["d"]
    for name in _PLACES & element.attrib.keys():
        element.attrib[name] = _LINES.sub(lambda path: straightened(path[0]), _rounded(element.attrib[name]))
    for name in list(element.attrib):
        if name in _DROPPED or _DEFAULTS.get(name) == element.attrib[name]:
            del element.attrib[name]


def _is_invisible(element: ET.Element) -> bool:
    if element.tag == GROUP:
        return len(element) == 0
    if element.tag == f"{{{SVG}}}path":
        return element.get("display") == "none" or not (element.get("fill") or element.get("stroke"))
    return False
