"""Renders charts to SVG that is small, scales with the page, and takes its colours from the page's style."""

import json
import re
import xml.etree.ElementTree as ET
from decimal import Decimal
from itertools import pairwise
from typing import Any

from monitoring_pipeline.web_pages.charts.theme import CONFIG, VARIABLES
from monitoring_pipeline.web_pages.safe_text import visible

SVG = "http://www.w3.org/2000/svg"
GROUP, CIRCLE = f"{{{SVG}}}g", f"{{{SVG}}}circle"
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
_PLACE = re.compile(r"translate\((-?[\d.]+,-?[\d.]+)\)")
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
    """Return a path of straight lines as steps, without points in the middle of a level or an upright line."""
    points = [tuple(map(Decimal, point.split(","))) for point in path.lstrip("M").split("L")]
    kept, ahead = points[:1], [*points[2:], None]
    for point, after in zip(points[1:], ahead, strict=True):
        is_between = after is not None and any(kept[-1][axis] == point[axis] == after[axis] for axis in (0, 1))
        if not is_between:
            kept.append(point)
    first = f"M{_shortest(kept[0][0])},{_shortest(kept[0][1])}"
    return first + "".join(_step(x - before_x, y - before_y) for (before_x, before_y), (x, y) in pairwise(kept))


def _step(right: Decimal, down: Decimal) -> str:
    if not down:
        return f"h{_shortest(right)}"
    if not right:
        return f"v{_shortest(down)}"
    return f"l{_shortest(right)}{'' if down < 0 else ','}{_shortest(down)}"


def _shortest(number: Decimal) -> str:
    """Return a number without the zero before its point, as paths may have it."""
    text = f"{number.normalize():f}"
    return re.sub(r"^(-?)0\.", r"\1.", text)


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
            _join_dots(child)
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


def _join_dots(group: ET.Element) -> None:
    """Replace the filled circles of a group by one line of dots: round ends of lines without length."""
    radii = {(child.tag, child.get("r"), frozenset(child.keys())) for child in group}
    if len(group) < LEAST_TO_SHARE or len(radii) > 1 or group.get("fill", "") != group.get("stroke"):
        return
    tag, radius, names = radii.pop()
    places = [_PLACE.fullmatch(child.get("transform", "")) for child in group]
    if tag != CIRCLE or radius is None or names != {"r", "transform"} or not all(places):
        return
    dots = "".join(f"M{place[1]}h0" for place in places if place is not None)
    width = 2 * float(radius) + float(group.attrib.pop("stroke-width", "1"))
    for child in list(group):
        group.remove(child)
    group.attrib.pop("fill")
    ends = {"d": dots, "stroke-width": f"{width:.1f}", "stroke-linecap": "round"}
    group.append(ET.Element(f"{{{SVG}}}path", group.attrib | ends))
    group.attrib.clear()


def _without_defaults(element: ET.Element) -> None:
    circle = _CIRCLE.fullmatch(element.get("d", ""))
    if circle:
        element.tag, element.attrib["r"] = CIRCLE, circle[1]
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
