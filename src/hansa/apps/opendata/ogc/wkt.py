"""Well-known text (OGC 06-103r4, section 7) into GeoJSON: what EDR's `coords` and CQL2's literals are written in.

Tags in any case, with or without Z. Measures (M) are refused, for nothing here is measured along a line; so is an SRID
prefix, which is none of the standard's.
"""

import math
import re
from collections.abc import Iterable
from typing import Any, Final

from hansa import Refusal

LENGTH: Final = 20_000
"""Characters: 500 positions to ten digits, twice; a longer address no server takes."""
POSITIONS: Final = 1_000
DEPTH: Final = {
    "POINT": 0,
    "MULTIPOINT": 1,
    "LINESTRING": 1,
    "MULTILINESTRING": 2,
    "POLYGON": 2,
    "MULTIPOLYGON": 3,
}
KINDS: Final = {
    "POINT": "Point",
    "MULTIPOINT": "MultiPoint",
    "LINESTRING": "LineString",
    "MULTILINESTRING": "MultiLineString",
    "POLYGON": "Polygon",
    "MULTIPOLYGON": "MultiPolygon",
}
_TAG = re.compile(
    r"\s*(MULTIPOINT|MULTILINESTRING|MULTIPOLYGON|POINT|LINESTRING|POLYGON)\s*(ZM|Z|M)?\s*(?=\()", re.IGNORECASE
)
_TOKEN = re.compile(r"\s*([(),]|[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d{1,3})?)")


def geometry(said: str, where: str, allowed: Iterable[str] = KINDS) -> dict[str, Any]:
    """A whole text as a GeoJSON geometry of one of the allowed kinds; Refusal says what is wrong with it."""
    if len(said) > LENGTH:
        raise Refusal(f"{len(said):,} characters; {LENGTH:,} are the most", where=where)
    made, end = read(said, 0, where)
    if said[end:].strip():
        raise Refusal(f"after the geometry there is more: {said[end:].strip()[:40]!r}", where=where)
    wanted = [KINDS[one] for one in allowed]
    if made["type"] not in wanted:
        raise Refusal(f"a {made['type']} is not asked for here", where=where, mend="write " + " or ".join(allowed))
    return made


def read(said: str, start: int, where: str) -> tuple[dict[str, Any], int]:
    """The geometry that begins at a place of a text, and where it ends."""
    tag = _TAG.match(said, start)
    if tag is None:
        raise Refusal(
            f"{said[start : start + 40]!r} is no geometry in well-known text",
            where=where,
            mend="write such as POINT(17.1 48.1) or POLYGON((17 48,18 48,18 49,17 48))",
        )
    kind = tag[1].upper()
    if "M" in (tag[2] or "").upper():
        raise Refusal("measures (M) are not understood here", where=where, mend="say when by datetime")
    reader = _Reader(said, tag.end(), where)
    made = reader.many(DEPTH[kind], loose=kind == "MULTIPOINT") if DEPTH[kind] else reader.single()
    _whole(made, kind, where)
    return {"type": KINDS[kind], "coordinates": made}, reader.place


def _whole(made: Any, kind: str, where: str) -> None:
    lines = {"LINESTRING": [made], "MULTILINESTRING": made}.get(kind, ())
    if any(len(line) < 2 for line in lines):
        raise Refusal("a line has two positions at least", where=where)
    rings = made if kind == "POLYGON" else [ring for one in made for ring in one] if kind == "MULTIPOLYGON" else ()
    if any(len(ring) < 4 or ring[0] != ring[-1] for ring in rings):
        raise Refusal("a ring has four positions at least and ends where it began", where=where)


class _Reader:
    def __init__(self, said: str, place: int, where: str) -> None:
        self.said = said
        self.place = place
        self.where = where
        self.left = POSITIONS

    def token(self) -> str:
        found = _TOKEN.match(self.said, self.place)
        if found is None:
            raise Refusal(f"{self.said[self.place : self.place + 30]!r} is not expected here", where=self.where)
        self.place = found.end()
        return found[1]

    def expect(self, one: str) -> None:
        if (found := self.token()) != one:
            raise Refusal(f"{found!r} stands where {one!r} belongs", where=self.where)

    def single(self) -> list[float]:
        self.expect("(")
        made, end = self.position()
        if end != ")":
            raise Refusal("a point has one position", where=self.where)
        return made

    def many(self, depth: int, *, loose: bool = False) -> list[Any]:
        """A list in brackets; `loose`: each position may stand in brackets of its own."""
        self.expect("(")
        made: list[Any] = []
        while True:
            if depth > 1:
                made.append(self.many(depth - 1))
                end = self.token()
            elif loose and self.said[self.place :].lstrip()[:1] == "(":
                made.append(self.single())
                end = self.token()
            else:
                one, end = self.position()
                made.append(one)
            if end == ")":
                return made
            if end != ",":
                raise Refusal(f"{end!r} stands where , or ) belongs", where=self.where)

    def position(self) -> tuple[list[float], str]:
        self.left -= 1
        if self.left < 0:
            raise Refusal(f"more than {POSITIONS:,} positions", where=self.where)
        made: list[float] = []
        while (one := self.token()) not in "(),":
            made.append(float(one))
            if len(made) > 3 or not math.isfinite(made[-1]):
                raise Refusal("a position has two or three finite numbers", where=self.where)
        if len(made) < 2:
            raise Refusal("a position has two or three numbers, with blanks between them", where=self.where)
        return made, one
