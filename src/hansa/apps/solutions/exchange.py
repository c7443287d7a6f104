"""What cities exchange: a document of entries (JSON-LD), each with its digest and the city that it came from.

    {"@context": {...}, "type": "SolutionCatalogue", "schema": "hansa-solutions/1", "city": "Orlava", "source": "https://…",
     "at": "2026-04-01T18:00:00Z", "digest": "sha256:…", "entries": [{"id": "urn:…", "type": "Solution", "version": 1,
     "digest": "sha256:…", "origin": {"city": "Orlava"}, "name": …}, …]}

An entry's digest is of its name between cities, its version and what it says, in canonical form (`canonical`); that of
the document, of the digests of its entries in their order. A digest shows that nothing was changed on the way; who sent
it, it does not show: that is why what comes from outside waits for somebody who looks.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from hansa import Entity, Refusal, saying
from hansa.apps.solutions import entry
from hansa.apps.solutions.canonical import digest
from hansa.apps.solutions.words import ENTRIES, LINK, NAME, SCHEMA

CONTEXT: Final = {
    "@version": 1.1,
    "@vocab": "https://uri.etsi.org/ngsi-ld/default-context/",
    "id": "@id",
    "type": "@type",
    "name": "http://schema.org/name",
    "summary": "http://purl.org/dc/terms/abstract",
    "language": "http://purl.org/dc/terms/language",
    "licence": "http://purl.org/dc/terms/license",
    "standards": "http://purl.org/dc/terms/conformsTo",
    "origin": "http://purl.org/dc/terms/provenance",
}
_MEMBERS: Final = ("@context", "type", "schema", "city", "source", "at", "digest", "entries")
_DIGEST: Final = re.compile(r"sha256:[0-9a-f]{64}\Z")
_BESIDE: Final = ("id", "type", "version", "digest", "origin")


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of an entry as another city sent it."""

    identifier: str
    version: int
    told: Mapping[str, Any]
    digest: str
    origin: Mapping[str, Any]

    @property
    def key(self) -> str:
        """The key of its entity here: made of its name between cities, so that it is the same at every import."""
        return f"x-{digest(self.identifier)[7:31]}"


def document(entries: Iterable[Mapping[str, Any]], city: str, source: str, at: str) -> dict[str, Any]:
    """The document of these entries, as `entry.kept` tells them; always in the same order."""
    told = sorted((_said(one, city) for one in entries), key=lambda one: str(one["id"]))
    return {
        "@context": CONTEXT,
        "type": "SolutionCatalogue",
        "schema": SCHEMA,
        "city": city,
        "source": source,
        "at": at,
        "digest": digest([one["digest"] for one in told]),
        "entries": told,
    }


def _said(one: Mapping[str, Any], city: str) -> dict[str, Any]:
    content = {name: one[name] for name in entry.CONTENT if name in one}
    ident, version = one["identifier"], one["version"]
    origin = {name: value for name, value in one.get("origin", {"city": city}).items() if name in {"city", "source"}}
    beside = {"id": ident, "type": "Solution", "version": version, "origin": origin}
    return beside | {"digest": entry.edition(ident, version, content)} | content


def opened(said: Any) -> tuple[list[Any], dict[str, Any]]:
    """The entries of a document, not yet looked at, and where it says that it comes from. Refusal."""
    if not isinstance(said, Mapping):
        raise Refusal("document is the JSON object that a catalogue hands out", where="document")
    saying.only(said, *_MEMBERS, at="document.")
    if said.get("schema") != SCHEMA or said.get("type") != "SolutionCatalogue":
        raise Refusal("this is no catalogue that this city can read", where="document.schema", mend=f"schema {SCHEMA}")
    listed = said.get("entries")
    if not isinstance(listed, list) or not listed or len(listed) > ENTRIES:
        raise Refusal(f"entries is a list of 1 to {ENTRIES}", where="document.entries", mend="export by theme")
    origin = {"city": saying.text(said, "city", NAME, at="document.")}
    if said.get("source"):
        origin["source"] = saying.link(said, "source", LINK, at="document.")
    digests = [one.get("digest") if isinstance(one, Mapping) else None for one in listed]
    if said.get("digest") != digest([one if isinstance(one, str) and _DIGEST.match(one) else None for one in digests]):
        why = "the document's digest is not of these entries: something was changed or left out on the way"
        raise Refusal(why, where="document.digest", mend="fetch it again")
    return listed, origin


def judged(said: Any, n: int, sender: Mapping[str, Any]) -> Edition:
    """One entry of a document. Refusal, which says the place."""
    at = f"entries[{n}]."
    if not isinstance(said, Mapping):
        raise Refusal("an entry is an object", where=at[:-1])
    saying.only(said, *_BESIDE, *entry.CONTENT, at=at)
    ident = entry.identifier(said.get("id"), f"{at}id")
    version = saying.whole(said, "version", 1, 1_000_000, at=at)
    sent = {name: said[name] for name in entry.CONTENT if name in said}
    told = entry.read(sent, at)
    if odd := [name for name in entry.CONTENT if told.get(name) != sent.get(name)]:
        mend = "no blanks around, NFC, each text once, and the language said"
        raise Refusal(f"{odd[0]} is not in its normal form, so its digest says nothing", where=at + odd[0], mend=mend)
    found = entry.edition(ident, version, told)
    if said.get("digest") != found:
        raise Refusal("its digest is not of what it says: it was changed on the way", where=f"{at}digest")
    origin = dict(sender)
    if said.get("origin") is not None:
        named = saying.part(said, "origin", at=at)
        saying.only(named, "city", "source", at=f"{at}origin.")
        origin = {"city": saying.text(named, "city", NAME, at=f"{at}origin.")}
        if named.get("source"):
            origin["source"] = saying.link(named, "source", LINK, at=f"{at}origin.")
        if origin["city"] == sender["city"]:
            origin = {**sender, **origin}
        else:
            origin["via"] = sender["city"]
    return Edition(ident, version, told, found, origin)


def met(known: Entity | None, edition: Edition) -> str:
    """How an edition stands to what is here: new, same, older, newer, or conflict (one version, two texts)."""
    if known is None:
        return "new"
    version = known.get("version", 0)
    if known.get("digest") == edition.digest or edition.digest in known.get("refused", ()):
        return "same"
    if edition.version == version:
        return "conflict"
    return "newer" if edition.version > version else "older"
