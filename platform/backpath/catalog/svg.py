"""What an SVG file of the content may hold: shapes and text, nothing that acts."""

import re
import xml.etree.ElementTree as ElementTree
from typing import Final

SVG_NAMESPACE: Final = "http://www.w3.org/2000/svg"
ALLOWED_TAGS: Final = frozenset(
    {
        "svg", "g", "defs", "marker", "title", "desc", "path", "rect", "circle", "ellipse",
        "line", "polyline", "polygon", "text", "tspan", "clipPath", "use", "symbol",
    }
)  # fmt: skip
_FORBIDDEN_SOURCE = re.compile(rb"<!DOCTYPE|<!ENTITY|<\?xml-stylesheet", re.IGNORECASE)
_OUTSIDE = re.compile(r"url\(\s*['\"]?(?!#)|javascript:|data:|@import|expression\(", re.IGNORECASE)


def svg_problem(data: bytes) -> str | None:
    """What makes this SVG unfit to be served, as a clause; None when it is fit.

    Allowed are basic shapes, text, markers and references inside the file. Scripts, event
    handlers, styles, foreign content, links and entities are not.
    """
    if _FORBIDDEN_SOURCE.search(data):
        return "it declares a document type or an entity"
    try:
        root = ElementTree.fromstring(data)  # noqa: S314  entities are refused above
    except ElementTree.ParseError as error:
        return f"it is not well-formed XML ({error})"
    if root.tag != f"{{{SVG_NAMESPACE}}}svg":
        return "its outermost element is not svg"
    for element in root.iter():
        namespace, _, tag = element.tag.rpartition("}")
        if namespace != f"{{{SVG_NAMESPACE}" or tag not in ALLOWED_TAGS:
            return f"it holds the element {tag}"
        for name, value in element.attrib.items():
            plain = name.rpartition("}")[2].lower()
            if plain.startswith("on") or plain == "style":
                return f"it holds the attribute {plain}"
            if plain == "href" and not value.startswith("#"):
                return "it refers to something outside itself"
            if _OUTSIDE.search(value):
                return f"the attribute {plain} refers to something outside itself"
    return None


def svg_size(data: bytes) -> tuple[int, int] | None:
    """Width and height in pixels from the viewBox, for layout without shifts."""
    match = re.search(rb'viewBox="\s*[-\d.]+[ ,]+[-\d.]+[ ,]+([\d.]+)[ ,]+([\d.]+)', data[:2000])
    if not match:
        return None
    width, height = float(match[1]), float(match[2])
    return (round(width), round(height)) if 0 < width < 20000 and 0 < height < 20000 else None
