"""The same answer as JSON and as XML: GeoReport v2's XML is its JSON with names for the members of lists."""

import json
from collections.abc import Mapping
from typing import Any, Final
from xml.etree import ElementTree as ET

from hansa.apps.requests import texts

MEMBERS: Final = {
    "services": "service",
    "service_requests": "request",
    "attributes": "attribute",
    "values": "value",
    "errors": "error",
    "endpoints": "endpoint",
    "formats": "format",
}
"""What a member of a list is called."""
KINDS: Final = {"json": "application/json; charset=utf-8", "xml": "text/xml; charset=utf-8"}


def written(root: str, value: Any, form: str) -> bytes:
    """`value` in a format; the root's name is only said in XML."""
    if form == "json":
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    return bytes(ET.tostring(_element(root, value), encoding="utf-8", xml_declaration=True))


def _element(name: str, value: Any) -> ET.Element:
    made = ET.Element(name)
    if isinstance(value, Mapping):
        made.extend(_element(str(key), one) for key, one in value.items())
    elif isinstance(value, list):
        made.extend(_element(MEMBERS.get(name, "item"), one) for one in value)
    elif isinstance(value, bool):
        made.text = "true" if value else "false"
    elif value is not None:
        made.text = texts.sayable(str(value))
    return made
