"""What people say, read with care: texts, places, sums, times. A Refusal names the member."""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, Final

from hansa import Act, Asking, City, Entity, Forbidden, NotFound, Refusal
from hansa.apps.participation.words import LANGUAGES, STAFF

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|[\ud800-\udfff]")
"""Control characters, and marks that turn the order of what follows: a text is not to be read otherwise than it is."""
_WORD: Final = re.compile(r"[a-z0-9][a-z0-9-]*\Z", re.ASCII)


def text(said: Mapping[str, Any], name: str, most: int, *, least: int = 1, lines: bool = False) -> str:
    """A text as it was written (NFC), without blanks around it."""
    value = said.get(name, "")
    if not isinstance(value, str) or len(value) > 4 * most:
        raise Refusal(f"{name} is a text of at most {most:,} characters", where=name)
    value = unicodedata.normalize("NFC", value.replace("\r\n", "\n")).strip()
    if not least <= len(value) <= most:
        raise Refusal(f"{name} has {len(value):,} characters; {least:,} to {most:,} are right", where=name)
    if _CONTROL.search(value) or (not lines and "\n" in value):
        raise Refusal(f"{name} has characters in it that no text needs", where=name, mend="write it without them")
    return value


def word(said: Mapping[str, Any], name: str, among: Iterable[str], *, default: str | None = None) -> str:
    """One of these."""
    value = said.get(name, default)
    known = list(among)
    if not isinstance(value, str) or value not in known:
        raise Refusal(f"there is no such {name}", where=name, mend=", ".join(known[:50]))
    return value


def key(said: Mapping[str, Any], name: str, most: int = 40) -> str:
    """A short word of small letters, digits and `-`."""
    value = said.get(name)
    if not isinstance(value, str) or len(value) > most or not _WORD.match(value):
        raise Refusal(f"{name} is a short word: small letters, digits and -", where=name)
    return value


def languages(said: Mapping[str, Any], name: str, most: int, *, least: int = 1) -> dict[str, str]:
    """A text in several languages, `{"en": ..., "fr": ...}`; at least one."""
    value = said.get(name, {})
    if not isinstance(value, Mapping) or (least and not value) or set(value) - set(LANGUAGES):
        raise Refusal(f"{name} is a text by language", where=name, mend='{"en": "…"}, of ' + ", ".join(LANGUAGES))
    return {one: text(value, one, most, lines=True) for one in LANGUAGES if one in value}


def whole(said: Mapping[str, Any], name: str, least: int, most: int) -> int:
    """A whole number."""
    value = said.get(name)
    if type(value) is not int or not least <= value <= most:
        raise Refusal(f"{name} is a whole number, {least:,} to {most:,}", where=name)
    return value


def flag(said: Mapping[str, Any], name: str, *, default: bool = False) -> bool:
    """True or false."""
    value = said.get(name, default)
    if not isinstance(value, bool):
        raise Refusal(f"{name} is true or false", where=name)
    return value


def point(value: Any, name: str = "location") -> dict[str, Any]:
    """A GeoJSON Point, rounded to a metre: nobody's window."""
    if not isinstance(value, Mapping) or value.get("type") != "Point":
        raise Refusal(f"{name} is a point", where=name, mend='{"type": "Point", "coordinates": [lon, lat]}')
    spot = value.get("coordinates")
    if not isinstance(spot, list) or len(spot) not in {2, 3} or not all(map(_number, spot)):
        raise Refusal(f"{name} has a longitude and a latitude", where=name)
    if not (-180 <= spot[0] <= 180 and -90 <= spot[1] <= 90):
        raise Refusal(f"{name} is not on this earth", where=name)
    return {"type": "Point", "coordinates": [round(spot[0], 5), round(spot[1], 5)]}


def _number(value: Any) -> bool:
    return type(value) in {int, float} and math.isfinite(value)


def number(asked: Mapping[str, str], name: str, least: float, most: float) -> float:
    """A number of a query."""
    try:
        value = float(asked.get(name, ""))
    except ValueError:
        value = math.nan
    if not least <= value <= most:
        raise Refusal(f"{name} is a number, {least:g} to {most:g}", where=name)
    return value


def count(asked: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A whole number of a query, 1 to `most`."""
    value = asked.get(name, str(default))
    if not (value.isascii() and value.isdecimal() and len(value) < 9 and 1 <= int(value) <= most):
        raise Refusal(f"{name} is a number, 1 to {most:,}", where=name)
    return int(value)


def moment(said: Mapping[str, Any], name: str) -> int:
    """A date-time with a zone, as microseconds."""
    value = said.get(name)
    try:
        when = datetime.fromisoformat(value) if isinstance(value, str) and len(value) < 40 else None
    except ValueError:
        when = None
    if when is None or when.tzinfo is None or not 2000 <= when.year <= 2200:
        raise Refusal(f"{name} is a date-time with its zone", where=name, mend="2026-05-01T00:00:00Z")
    return int(when.timestamp()) * 1_000_000 + when.microsecond


def iso(at: int) -> str:
    """Microseconds as a date-time, to the second."""
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def made(*parts: str) -> str:
    """An id that is made of what it is about: the same again is the same entity."""
    return sha256("\x1f".join(parts).encode()).hexdigest()[:24]


def unguessed(city: Asking, *parts: str | int) -> str:
    """A part of an id that only the city can make of a number: ids that count on would tell that one is missing."""
    return made(city.token("\x1f".join(map(str, parts))))


def known(act: Act) -> str:
    """Who does it; Forbidden where nobody is known."""
    if not act.by.startswith("person:"):
        raise Forbidden("this is done by somebody who is known", mend="sign in: /sign-in")
    return act.by


def staff(act: Act | Asking) -> str:
    """Who does it, of the city's staff; Forbidden."""
    if not act.by or not STAFF & act.roles:
        raise Forbidden("this is not for you to do", mend=f"it is for: {', '.join(sorted(STAFF))}")
    return act.by


def staff_on(act: Act) -> str:
    """Who does it, of the city's staff, on something that is there; to others what they cannot see is not there."""
    if act.subject is not None and hidden(act.subject) and not works(act):
        raise not_there(act)
    return staff(act)


def works(asks: Act | Asking) -> bool:
    """Whether somebody of the city's staff asks."""
    return bool(asks.by and STAFF & asks.roles)


def hidden(one: Entity) -> bool:
    """Whether it is not for everybody: a text that is held or hidden, what is a draft."""
    return bool(one.get("shown", "shown") != "shown" or one.get("status") in {"draft", "refused"})


def none_such(*kinds: str, where: str = "id") -> NotFound:
    """What is said of what is not there, and in the same words of what is not there for whoever asks."""
    return NotFound(f"there is no such {' or '.join(kinds)}", where=where)


def not_there(act: Act) -> NotFound:
    """The same of what an act is about, in the words that the city itself has for an id that is none."""
    kind = act.subject.type if act.subject is not None else "such thing"
    return NotFound(f"there is no {kind} {act.id[:200]}", where="id")


def there(city: City, ident: str) -> Entity | None:
    """An entity, or None; what is not there is noted as read, so nobody makes it meanwhile unnoticed."""
    try:
        return city.get(ident)
    except NotFound:
        return None


def subject(city: City, ident: Any, *kinds: str, where: str = "id") -> Entity:
    """An entity of one of these types; NotFound."""
    found = there(city, ident) if isinstance(ident, str) and 0 < len(ident) <= 300 else None
    if found is None or not set(kinds) & set(found.types):
        raise none_such(*kinds, where=where)
    return found


def only(said: Mapping[str, Any], *names: str) -> None:
    """Refuse what is not said this way: a word that nobody reads is a mistake that nobody sees."""
    if extra := sorted(set(map(str, said)) - set(names)):
        raise Refusal(f"{extra[0][:40]!r} is not said this way", where=extra[0][:40], mend=", ".join(names))
