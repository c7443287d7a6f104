"""Media types: what came (Content-Type), what may go (Accept), what is preferred (Prefer): clauses 6.3.4 and 6.3.6."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from hansa.errors import UnsupportedMediaType
from hansa.model.older import NATIVE, Version
from hansa.platform.http import Headers
from hansa.platform.ngsild.problems import NothingAccepted

JSON: Final = "application/json"
LD: Final = "application/ld+json"
GEO: Final = "application/geo+json"
MERGE: Final = "application/merge-patch+json"

OFFERED: Final = (JSON, LD)
"""Representations in the order of clause 6.3.4."""

SPATIAL: Final = (JSON, LD, GEO)
"""The same of entities, which can be GeoJSON too (6.3.15)."""


@lru_cache(256)
def is_ld(content_type: str | None, method: str) -> bool:
    """Whether a body is JSON-LD (its @context inside) rather than JSON. Raises UnsupportedMediaType."""
    media = JSON if content_type is None else content_type.split(";", 1)[0].strip().lower()
    if media == LD:
        return True
    if media == JSON or (media == MERGE and method == "PATCH"):
        return False
    raise UnsupportedMediaType(f"{media[:64]!r} is not read here", where="Content-Type", mend=f"{JSON} or {LD}")


@lru_cache(256)
def chosen(accept: str | None, offered: Sequence[str] = OFFERED) -> str:
    """The representation that fits an Accept header best; the first of the list among equals. Raises NotAcceptable."""
    if accept is None:
        return offered[0]
    weights = dict(_range(part) for part in accept.split(",") if part.strip())
    best, heaviest = "", 0.0
    for media in offered:
        weight = next((weights[m] for m in (media, f"{media.split('/')[0]}/*", "*/*") if m in weights), 0.0)
        if weight > heaviest:
            best, heaviest = media, weight
    if not best:
        raise NothingAccepted(offered)
    return best


_WEIGHT = re.compile(r"(0(\.\d{0,3})?|1(\.0{0,3})?)\Z", re.ASCII)  # RFC 9110, 12.4.2


def _range(part: str) -> tuple[str, float]:
    media, *parameters = (piece.strip().lower() for piece in part.split(";"))
    weight = 1.0
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            # What is no weight says nothing, rather than that the media type is unwanted.
            weight = float(value) if _WEIGHT.match(value) else 1.0
    return media, weight


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a Prefer header says (RFC 7240): the version an answer is to conform to, and where its @context goes."""

    version: Version | None = None
    body: str | None = None

    def within(self, accept: str) -> bool:
        """Whether the @context stands in the body of an answer, rather than in its Link header (6.3.6)."""
        return accept == LD or (accept == GEO and self.body != "json")

    @property
    def applied(self) -> bytes | None:
        """The version that an answer conforms to, for Preference-Applied; None when none was preferred."""
        return None if self.version is None else b"ngsi-ld=%d.%d" % min(self.version, NATIVE)


NO_PREFERENCES: Final = Preferences()
# One preference of a list: a word, perhaps a value, perhaps parameters of its own, which say nothing to us.
_PREFERENCE = re.compile(r'\s*([\w!#$%&*+.^`|~-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s,;"]*))?((?:\s*;[^,]*)?)(?:,|\Z)')
_VERSION = re.compile(r"([0-9]{1,3})\.([0-9]{1,3})(?:\.[0-9]{1,3})?\Z", re.ASCII)


def preferences(headers: Headers) -> Preferences:
    """What is preferred. A preference that is not understood is none: whoever prefers does not insist (RFC 7240, 2)."""
    if headers.get(b"prefer") is None:
        return NO_PREFERENCES
    return _preferences(", ".join(headers.all(b"prefer")))


@lru_cache(256)
def _preferences(text: str) -> Preferences:
    said: dict[str, str] = {}
    for name, value, _ in _PREFERENCE.findall(text[:1_000]):
        said.setdefault(name.lower(), value.strip('"'))
    version = _VERSION.match(said.get("ngsi-ld", ""))
    return Preferences(None if version is None else (int(version[1]), int(version[2])), said.get("body"))
