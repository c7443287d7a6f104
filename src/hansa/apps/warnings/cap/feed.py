"""An Atom feed of alerts (RFC 4287; pages by RFC 5005) as aggregators of CAP read it.

Each entry links to the CAP file itself and repeats what an index needs in CAP's own elements, as the feeds of the US
weather service and IPAWS do. An entry's id is the file's address: one message, one entry, for ever; an Update is one
more entry, never a changed one.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from lxml import etree

from hansa.apps.warnings.cap.faults import Wrong, refuse
from hansa.apps.warnings.cap.grammar import NAMESPACE
from hansa.apps.warnings.cap.languages import best
from hansa.apps.warnings.cap.message import Alert, Area, in_utc, stamp
from hansa.apps.warnings.cap.values import CIRCLE, POLYGON, REFERENCES, TEXT

CAP_TYPE: Final = "application/cap+xml"
FEED_TYPE: Final = "application/atom+xml"
ENTRIES: Final = 100  # a page
AREAS: Final = 20  # of an entry: the file has them all
_ATOM: Final = "http://www.w3.org/2005/Atom"
_CAP: Final = f"{{{NAMESPACE}1.2}}"


@dataclass(frozen=True, slots=True)
class Entry:
    """A message and the absolute address that its CAP file is read at."""

    alert: Alert
    href: str
    updated: datetime | None = None  # when it was published, if not when it was sent


def feed(
    entries: Iterable[Entry],
    *,
    id: str,  # noqa: A002 -- Atom's own word
    title: str,
    link: str,
    updated: datetime,
    author: str,
    page: int = 1,
    pages: int = 1,
    page_link: Callable[[int], str] | None = None,
    language: str = "",
) -> bytes:
    """The feed, newest first as given; Refused for a message that is not Public or a draft, and for too many entries.

    `id` is an absolute IRI that never changes, `link` the feed's own address, `updated` when it last changed.
    """
    shown = list(islice(entries, ENTRIES + 1))
    if len(shown) > ENTRIES:
        raise refuse("too-many", "feed", f"more than {ENTRIES} entries a page")
    root = etree.Element(f"{{{_ATOM}}}feed", nsmap={None: _ATOM, "cap": f"{NAMESPACE}1.2"})
    _atom(root, "id", id)
    _atom(root, "title", title)
    _atom(root, "updated", in_utc(updated))
    _atom(_atom(root, "author"), "name", author)
    _atom(root, "link", rel="self", type=FEED_TYPE, href=link)
    if page_link is not None:
        # RFC 5005, 3: a feed in pages says where the others are.
        for rel, number in (("first", 1), ("previous", page - 1), ("next", page + 1), ("last", pages)):
            if 1 <= number <= pages and (rel in {"first", "last"} or number != page):
                _atom(root, "link", rel=rel, type=FEED_TYPE, href=page_link(number))
    for entry in shown:
        _entry(root, entry, language)
    etree.indent(root)
    data: bytes = etree.tostring(root, encoding="UTF-8", xml_declaration=True)
    return data


def _atom(parent: Any, name: str, text: str = "", **attributes: str) -> Any:
    child = etree.SubElement(parent, f"{{{_ATOM}}}{name}", attributes)
    if text:
        try:
            child.text = TEXT.write(text)
        except Wrong as fault:
            raise refuse(fault.code, f"feed/{name}", fault.why) from None
    return child


def _cap(parent: Any, name: str, text: str) -> None:
    if text:
        etree.SubElement(parent, _CAP + name).text = TEXT.write(text)


def _entry(root: Any, entry: Entry, language: str) -> None:
    alert = entry.alert
    if alert.scope != "Public" or alert.status == "Draft":
        raise refuse("not-public", "feed/entry", f"{alert.identifier} is {alert.scope}, {alert.status}: not for a feed")
    info = best(alert, language) if language else best(alert)
    told = _atom(root, "entry")
    _atom(told, "id", entry.href)
    _atom(told, "title", (info and (info.headline or info.event)) or alert.note or alert.identifier)
    _atom(told, "updated", in_utc(entry.updated or alert.sent))
    _atom(told, "published", in_utc(alert.sent))
    _atom(_atom(told, "author"), "name", (info and info.sender_name) or alert.sender)
    _atom(told, "link", rel="alternate", type=CAP_TYPE, href=entry.href)
    # Atom wants a text where the content is elsewhere (RFC 4287, 4.1.1.1).
    _atom(told, "summary", (info and (info.description or info.headline or info.event)) or alert.note or alert.msg_type)
    for name, text in (
        ("identifier", alert.identifier),
        ("sender", alert.sender),
        ("sent", stamp(alert.sent)),
        ("status", alert.status),
        ("msgType", alert.msg_type),
        ("scope", alert.scope),
        ("references", REFERENCES.write(alert.references)),
    ):
        _cap(told, name, text)
    if info is None:
        return
    for category in info.categories:
        _cap(told, "category", category)
        _atom(told, "category", term=category)
    _cap(told, "event", info.event)
    for answer in info.response_types:
        _cap(told, "responseType", answer)
    for name, text in (("urgency", info.urgency), ("severity", info.severity), ("certainty", info.certainty)):
        _cap(told, name, text)
    for name, when in (("effective", info.effective or alert.sent), ("onset", info.onset), ("expires", info.expires)):
        _cap(told, name, stamp(when) if when else "")
    for area in info.areas[:AREAS]:
        _area(told, area)


def _area(told: Any, area: Area) -> None:
    _cap(told, "areaDesc", area.description)
    for polygon in area.polygons:
        _cap(told, "polygon", POLYGON.write(polygon))
    for circle in area.circles:
        _cap(told, "circle", CIRCLE.write(circle))
    for code in area.geocodes:
        geocode = etree.SubElement(told, f"{_CAP}geocode")
        _cap(geocode, "valueName", code.name)
        _cap(geocode, "value", code.value)
