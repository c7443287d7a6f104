"""Looks at a part of a document, each of which gives what is wanted or says what is wrong, and where."""

import math
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.kpi.framework import SAID

ENTRIES: Final = 2_000  # of a list, where nothing else is said
LINE: Final = 300  # characters of a code, a name, a level
TEXT: Final = 6_000  # characters of a definition or a note


def at(where: str, call: Any, *args: Any, **named: Any) -> Any:
    """Call, and say where in the document it was when it refuses."""
    try:
        return call(*args, **named)
    except BadRequest as fault:
        raise BadRequest(fault.detail, where=where, mend=fault.mend) from fault


def mapping(said: Any, where: str, known: frozenset[str] | None) -> Mapping[str, Any]:
    """An object with no fields but those that are `known` (None: any)."""
    if not isinstance(said, Mapping) or not all(isinstance(key, str) for key in said):
        raise BadRequest("an object with names is wanted", where=where)
    if known is not None and (strange := sorted(said.keys() - known)):
        near = get_close_matches(strange[0], known, n=2)
        raise BadRequest(f"{strange[0][:80]!r} is no field here", where=where, mend=perhaps(near))
    return said


def perhaps(near: Sequence[str]) -> str | None:
    """How to mend a name that is nearly one of these."""
    return f"perhaps {' or '.join(near)}" if near else None


def listing(doc: Mapping[str, Any], name: str, where: str, most: int) -> Sequence[Any]:
    """A list of at most so many; () where it is not there."""
    said = doc.get(name)
    if said is None:
        return ()
    if not isinstance(said, (list, tuple)):
        raise BadRequest(f"{name} is a list", where=where)
    if len(said) > most:
        raise BadRequest(f"{name} has {len(said):,} entries, at most {most:,}", where=where)
    return said


def text(doc: Mapping[str, Any], name: str, where: str, most: int = LINE, *, empty: bool = False) -> str:
    """A text of at most so many characters; `empty` where it may be so, or not be there."""
    said = doc.get(name, "" if empty else None)
    if not isinstance(said, str) or (not said.strip() and not empty):
        raise BadRequest(f"{name} is missing, or no text", where=where)
    if len(said) > most:
        raise BadRequest(f"{name} has {len(said):,} characters, at most {most:,}", where=where)
    return said


def optional(doc: Mapping[str, Any], name: str, where: str) -> str | None:
    """A text that may be missing, or null."""
    return None if doc.get(name) is None else text(doc, name, where)


def texts(doc: Mapping[str, Any], name: str, where: str, most: int = LINE) -> list[str]:
    """A list of texts."""
    return [text({name: one}, name, where, most) for one in listing(doc, name, where, ENTRIES)]


def number(doc: Mapping[str, Any], name: str, where: str) -> float | None:
    """A finite number; None where there is none."""
    said = doc.get(name)
    if said is None:
        return None
    if isinstance(said, bool) or not isinstance(said, (int, float)) or not math.isfinite(said):
        raise BadRequest(f"{name} is {said!r:.40}, which is no number", where=where)
    return float(said)


def choice(doc: Mapping[str, Any], name: str, where: str, known: Sequence[str]) -> str:
    """One of some words."""
    said = doc.get(name)
    if not isinstance(said, str) or said not in known:
        raise BadRequest(f"{name} is {said!r:.40}", where=where, mend=f"one of {', '.join(known)}")
    return said


def origins(doc: Mapping[str, Any], where: str) -> dict[str, str]:
    """Where each field is known from."""
    said = mapping(doc.get("said") or {}, f"{where}.said", None)
    return {name: origin(one, f"{where}.said.{name}") for name, one in said.items()}


def origin(said: Any, where: str) -> str:
    """Where something is known from: read, recalled, ours or none."""
    if not isinstance(said, str) or said not in SAID:
        raise BadRequest(
            f"{said!r:.40} does not say where it comes from", where=where, mend=f"one of {', '.join(SAID)}"
        )
    return said
