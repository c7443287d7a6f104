"""Media types: what came (Content-Type) and what may go (Accept), by the rules of clause 6.3.4."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from hansa.errors import UnsupportedMediaType
from hansa.platform.ngsild.problems import NothingAccepted

JSON: Final = "application/json"
LD: Final = "application/ld+json"
GEO: Final = "application/geo+json"
MERGE: Final = "application/merge-patch+json"

OFFERED: Final = (JSON, LD)
"""Representations in the order of clause 6.3.4; GeoJSON (6.3.15) will be the third of entities."""


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
