"""What changed in the catalogue, as Atom (RFC 4287) and RSS 2.0: releases, notes, what was withdrawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree as ET

from hansa import City, Entity
from hansa.apps.opendata import dcat, texts
from hansa.apps.opendata.published import PREFIX, published
from hansa.apps.opendata.times import DAY, iso, rfc822

ENTRIES: Final = 100
SINCE: Final = 92 * DAY
_ATOM: Final = "http://www.w3.org/2005/Atom"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that changed. `ident` stays, whatever is said of it later."""

    ident: str
    at: str
    title: str
    text: str
    link: str


def entries(city: City, origin: str, language: str = "en") -> list[Entry]:
    """What changed in the last three months, the newest hundred."""
    since = iso(city.now() - SINCE)
    there = {one.id: one for one in published(city)}
    made = []
    for it in city.find("DatasetRelease", f'status=="released";releasedAt>="{since}"', limit=5_000):
        key = str(it.get("dataset")).removeprefix(PREFIX)
        if key in there:
            title = texts.in_language(there[key].title, language) or key
            name = f"{title}, {it.get('version')}"
            made.append(
                Entry(
                    f"{origin}/data/{key}/{it.get('version')}",
                    str(it.get("releasedAt")),
                    name,
                    str(it.get("note") or ""),
                    f"{origin}/{language}/data/{key}",
                )
            )
    for it in city.find("Dataset", f'status=="published","withdrawn";changedAt>="{since}"', limit=5_000):
        made += _said(it, origin, language, since)
    return sorted(made, key=lambda one: (one.at, one.ident), reverse=True)[:ENTRIES]


def _said(it: Entity, origin: str, language: str, since: str) -> list[Entry]:
    """What staff said of one dataset."""
    title = texts.in_language(it.get("title"), language) or it.key
    here, link = f"{origin}/data/{it.key}", f"{origin}/{language}/data/{it.key}"
    if it.get("status") == "withdrawn":
        if not it.get("version"):  # nobody had it
            return []
        name, text = f"{title} was withdrawn", str(it.get("withdrawn") or "")
        return [Entry(f"{here}#withdrawn", str(it.get("withdrawnAt")), name, text, link)]
    return [
        Entry(f"{here}#note-{note['at']}", note["at"], title, note["text"], link)
        for note in it.get("notes") or []
        if note["at"] >= since
    ]


def atom(some: Sequence[Entry], told: dcat.Told, origin: str, now: str) -> bytes:
    """As Atom."""
    ET.register_namespace("", _ATOM)
    root = ET.Element(f"{{{_ATOM}}}feed")
    here = f"{origin}/data/feed.atom"
    _says(root, "id", here)
    _says(root, "title", texts.in_language(told.title) or "Open data")
    _says(root, "updated", some[0].at if some else now)
    ET.SubElement(root, f"{{{_ATOM}}}link", {"rel": "self", "href": here})
    author = ET.SubElement(root, f"{{{_ATOM}}}author")
    _says(author, "name", texts.in_language(told.publisher.get("name")) or told.city or "The city")
    for one in some:
        entry = ET.SubElement(root, f"{{{_ATOM}}}entry")
        _says(entry, "id", one.ident)
        _says(entry, "title", one.title)
        _says(entry, "updated", one.at)
        ET.SubElement(entry, f"{{{_ATOM}}}link", {"rel": "alternate", "href": one.link})
        _says(entry, "content", one.text or one.title)
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))


def _says(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, f"{{{_ATOM}}}{name}").text = texts.sayable(text)


def rss(some: Sequence[Entry], told: dcat.Told, origin: str, now: str) -> bytes:
    """As RSS 2.0."""
    root = ET.Element("rss", {"version": "2.0"})
    channel = ET.SubElement(root, "channel")
    title = texts.in_language(told.title) or "Open data"
    for name, text in (
        ("title", title),
        ("link", f"{origin}/en/data"),
        ("description", texts.in_language(told.description) or title),
        ("lastBuildDate", rfc822(some[0].at if some else now)),
    ):
        ET.SubElement(channel, name).text = texts.sayable(text)
    for one in some:
        item = ET.SubElement(channel, "item")
        ET.SubElement(item, "title").text = texts.sayable(one.title)
        ET.SubElement(item, "link").text = one.link
        ET.SubElement(item, "description").text = texts.sayable(one.text or one.title)
        ET.SubElement(item, "pubDate").text = rfc822(one.at)
        ET.SubElement(item, "guid", {"isPermaLink": "false"}).text = one.ident
    return bytes(ET.tostring(root, encoding="utf-8", xml_declaration=True))
