"""Data collection (report 2.1.1): bytes from a device to writes, and nothing else.

Owns: what a device's profile says (`profile`), and one small module for each format. Must not: open a socket, a file or
a database, or decide who may speak (`trust.devices` did) and what a reading does to the state (`platform.merge` will).
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final, Protocol

from hansa.collect import csv_table, json_plain, ngsild, senml
from hansa.collect.decoded import Decoded, Rejected
from hansa.collect.profile import Channel, Profile, Source
from hansa.errors import NotFound, UnsupportedMediaType
from hansa.limits import DEFAULT, Limits

__all__ = ["FORMATS", "MEDIA_TYPES", "Channel", "Decoded", "Decoder", "Profile", "Rejected", "Source", "decoder"]


class Decoder(Protocol):
    """Bytes of one message to writes; BadRequest when it cannot be read at all."""

    def __call__(self, payload: bytes, source: Source, now: int, limits: Limits = DEFAULT) -> Decoded:
        """`now` is microseconds of the city's clock."""


FORMATS: Final[Mapping[str, Decoder]] = MappingProxyType(
    {"json": json_plain.decode, "senml": senml.decode, "csv": csv_table.decode, "ngsi-ld": ngsild.decode}
)
"""The decoders by the name that topics (`hansa/<device>/<format>`) and paths (`/collect/<format>`) use."""

MEDIA_TYPES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "application/json": "json",
        "application/senml+json": "senml",
        "text/csv": "csv",
        "text/tab-separated-values": "csv",
        "application/ld+json": "ngsi-ld",
    }
)
"""The format of each media type."""


def decoder(name: str) -> Decoder:
    """The decoder of a format's name or of a media type (parameters are ignored).

    NotFound when there is no format of that name, UnsupportedMediaType when it was a media type.
    """
    known = ", ".join(FORMATS)
    if "/" in name:
        media = name.partition(";")[0].strip().lower()
        if media not in MEDIA_TYPES:
            raise UnsupportedMediaType(f"{media[:64]!r} is not read here", mend=f"send {', '.join(MEDIA_TYPES)}")
        return FORMATS[MEDIA_TYPES[media]]
    if name not in FORMATS:
        raise NotFound(f"there is no format {name[:64]!r}", mend=f"known are {known}")
    return FORMATS[name]
