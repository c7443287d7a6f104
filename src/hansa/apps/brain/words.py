"""Times, texts and numbers as brain reads and writes them, and what is refused of what people say."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

from hansa import Attribute, City, Entity, NotFound, Refusal

SECOND: Final = 1_000_000
TEXT: Final = 20_000
"""Characters of one entry: ten pages."""
_DESK: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,39}\Z", re.ASCII)
_BELOW: Final = 32  # what is no line break or tab is no text
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant(value: Any) -> int | None:
    """A time as text, in microseconds; None when it is none."""
    if not isinstance(value, str):
        return None
    try:
        when = datetime.fromisoformat(value)
    except ValueError:
        return None
    if when.tzinfo is None:
        return None
    delta = when - _EPOCH
    return (delta.days * 86_400 + delta.seconds) * SECOND + delta.microseconds


def iso(at: int) -> str:
    """Microseconds as text, whole seconds."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def plainly(at: int) -> str:
    """Microseconds as people read them: 11 Apr 15:48 UTC."""
    return datetime.fromtimestamp(at // SECOND, UTC).strftime("%-d %b %H:%M UTC")


def short(name: str) -> str:
    """The term of a name: the last part of an IRI."""
    return name.replace("#", "/").rsplit("/", 1)[-1]


def digest_of(text: str) -> str:
    """A short name that is made of a text, the same every time."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def there(city: City, ident: str) -> Entity | None:
    """One entity, or None."""
    try:
        return city.get(ident)
    except NotFound:
        return None


def seconds(city: City, name: str, default: float) -> float:
    """A setting that is a length of time (s)."""
    try:
        found = float(city.setting(name, default))
    except (TypeError, ValueError):
        return default
    return found if math.isfinite(found) and found > 0 else default


def link(ident: str | None) -> Attribute | None:
    """A Relationship to an entity; None stays None."""
    return None if ident is None else Attribute(ident, kind="Relationship")


def desk_of(said: Mapping[str, Any]) -> str:
    """The desk that is meant."""
    desk = said.get("desk", "desk")
    if not isinstance(desk, str) or not _DESK.match(desk):
        raise Refusal("a desk has a short name", where="desk", mend="small letters, digits and -, at most 40")
    return desk


def text_of(said: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    """A text that a person wrote; Refusal where it is none, empty or too long."""
    text = said.get(name, "")
    if not isinstance(text, str):
        raise Refusal(f"{name} is a text", where=name)
    if len(text) > TEXT:
        raise Refusal(
            f"{len(text):,} characters; {TEXT:,} are the most", where=name, mend="keep a file of it, and name it"
        )
    text = "".join(one for one in text.strip() if ord(one) >= _BELOW or one in "\n\t")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise Refusal("half of a character is no text", where=name) from None
    if needed and not text:
        raise Refusal("say something", where=name)
    return text


def number_of(said: Mapping[str, str], name: str, default: int, most: int) -> int:
    """A whole number above zero in a question."""
    text = said.get(name, "")
    if not text:
        return min(default, most)
    if not (text.isascii() and text.isdecimal() and len(text) < 10 and int(text) > 0):
        raise Refusal(f"{name} is a number from 1 to {most:,}", where=name)
    return min(int(text), most)


def only(said: Mapping[str, Any], known: set[str]) -> None:
    """Refuse what nobody asked for."""
    if unknown := said.keys() - known:
        raise Refusal(f"there is no {min(unknown)[:40]} here", where=min(unknown)[:40], mend=", ".join(sorted(known)))


def quoted(text: str) -> str:
    """A text as a string of the query language."""
    if len(text) > 200:
        raise Refusal("this name is too long", where="query")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
