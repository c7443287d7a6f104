"""Which members of an entity are shown: the projection language of pick, omit and attrs (CIM 009, clause 4.21).

    name,location,locatedAt{name,isInCountry{name}}

`,` and `|` mean the same. What stands in braces is said of the entities that a relationship links to (4.5.23).
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from hansa.errors import BadRequest
from hansa.limits import DEFAULT, Limits
from hansa.model.entity import MEMBERS
from hansa.model.wire_values import under

Projection = Mapping[str, "Projection | None"]
"""Stored names, each with what is said of the entities behind it; None: nothing is."""

_PARTS: Final = re.compile(r"[,|{}]|[^,|{}]+")


def parse_projection(text: str, where: str, name: Callable[[str], str], limits: Limits = DEFAULT) -> Projection:
    """The projection that a text says; `name` gives the stored name of a term.

    BadRequest, at `where`, when it is none, or reaches over more than `limits.join` relationships.
    """
    parts = iter(_PARTS.findall(text))
    found, end = _level(parts, where, name, limits.join)
    if end == "}":
        raise _wrong("a '}' closes nothing", where)
    return found


def depth(projection: Projection | None) -> int:
    """Over how many relationships a projection reaches."""
    return 0 if not projection else max((1 + depth(below) for below in projection.values() if below), default=0)


def clash(pick: Projection, omit: Projection) -> str | None:
    """A member that is to be picked and omitted at once, or None."""
    for member in sorted(pick.keys() & omit.keys()):
        kept, gone = pick[member], omit[member]
        if gone is None:
            return member
        if kept is not None and (below := clash(kept, gone)) is not None:
            return f"{member}{{{below}}}"
    return None


def beyond(names: object, member: str) -> Projection | None:
    """What a projection (or a mere set of names, or None) says of the entities behind one of its members."""
    return names.get(member) if isinstance(names, Mapping) else None


def _level(parts: Iterator[str], where: str, name: Callable[[str], str], deeper: int) -> tuple[Projection, str]:
    """The members up to a closing brace or the end, and which of the two it was."""
    found: dict[str, Projection | None] = {}
    while True:
        word = next(parts, "").strip()
        if not word or word in ",|{}":
            raise _wrong("a name is missing" if word != "{" else "a '{' follows a name", where)
        member = _member(word, where, name)
        sign = next(parts, "")
        below: Projection | None = None
        if sign == "{":
            if deeper == 0 or member in MEMBERS:
                raise _wrong(f"{word[:64]!r} reaches too far" if deeper == 0 else f"{word!r} links to nothing", where)
            below, end = _level(parts, where, name, deeper - 1)
            if not end:
                raise _wrong("a '{' is never closed", where)
            sign = next(parts, "")
        found[member] = _both(found[member], below) if member in found else below
        if sign in {"", "}"}:
            return found, sign
        if sign not in {",", "|"}:
            raise _wrong("names are told apart by a comma", where)


def _both(one: Projection | None, other: Projection | None) -> Projection | None:
    """A member that is named twice: all of it, if either says so."""
    if one is None or other is None:
        return None
    return {m: _both(one[m], other[m]) if m in one and m in other else {**one, **other}[m] for m in (*one, *other)}


def _member(word: str, where: str, name: Callable[[str], str]) -> str:
    if word in MEMBERS:
        return word
    try:
        return name(word)
    except BadRequest as fault:
        raise under(where, fault) from None


def _wrong(why: str, where: str) -> BadRequest:
    return BadRequest(f"{where}: {why}", where=where, mend="write it as name,location,locatedAt{name}")
