"""What somebody said, looked at: each function takes one member out of an act's body, or refuses it by its name."""

import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hansa import Refusal
from hansa.apps.incidents import words

SECOND: Final = 1_000_000
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_WHEN: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,6})?)?(Z|[+-]\d\d:\d\d)\Z", re.ASCII)
_URI: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,30}:[^\s<>\"{}|\\^`\x00-\x1f]{1,2000}\Z")
# What a terminal or a page could be misled by: controls (not tab and newline) and what turns the direction of writing.
_CONTROLS: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def iso(at: int) -> str:
    """An instant (microseconds) as ISO 8601 in UTC, to the second."""
    return (_EPOCH + timedelta(microseconds=at)).strftime("%Y-%m-%dT%H:%M:%SZ")


def shown(text: str) -> str:
    """An instant as it stands in a sentence of the log: 2026-11-22 18:00 UTC."""
    return f"{text[:10]} {text[11:16]} UTC"


def instant(text: Any) -> int | None:
    """Microseconds of an ISO 8601 text with a zone; None when it is none."""
    if not isinstance(text, str) or not _WHEN.match(text):
        return None
    try:
        return (datetime.fromisoformat(text) - _EPOCH) // timedelta(microseconds=1)
    except (ValueError, OverflowError):
        return None


def text(said: Mapping[str, Any], name: str, most: int = words.NAME_MAX, *, needed: bool = True) -> str:
    """A text of at most so many characters, stripped; empty when it is not needed and not said."""
    found = said.get(name)
    if found is None and not needed:
        return ""
    if not isinstance(found, str):
        raise Refusal(f"{name} is a text", where=name, mend=f"say {name}")
    if len(found) > most:
        raise Refusal(f"{name} has {len(found):,} characters; {most:,} are kept", where=name, mend="say it shorter")
    plain = _CONTROLS.sub("", found.replace("\r\n", "\n").replace("\r", "\n")).strip()
    if needed and not plain:
        raise Refusal(f"{name} is empty", where=name, mend=f"say {name}")
    return plain


def line(said: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    """A text of one line."""
    return " ".join(text(said, name, needed=needed).split())


def choice(said: Mapping[str, Any], name: str, among: tuple[str, ...], default: str | None = None) -> str:
    """One word among some."""
    found = said.get(name, default)
    if not isinstance(found, str) or found not in among:
        raise Refusal(f"{name} is one of {', '.join(among)}", where=name)
    return found


def flag(said: Mapping[str, Any], name: str) -> bool:
    """True or false; false when it is not said."""
    found = said.get(name, False)
    if type(found) is not bool:
        raise Refusal(f"{name} is true or false", where=name)
    return found


def person(said: Mapping[str, Any], name: str, *, needed: bool = True) -> str:
    """Somebody: the id of an account (`person:anna`), or the name of one who has none."""
    return line(said, name, needed=needed)


def uri(found: Any, name: str) -> str:
    """The id of an entity."""
    if not isinstance(found, str) or not _URI.match(found):
        raise Refusal(f"{name} is the id of an entity", where=name, mend="write it as urn:ngsi-ld:Type:name")
    return found


def uris(said: Mapping[str, Any], name: str, most: int = words.LINKS_MAX) -> list[str]:
    """Ids of entities, each once, in the order in which they were said; none when it is not said."""
    found = said.get(name, [])
    if not isinstance(found, list) or len(found) > most:
        raise Refusal(f"{name} is a list of at most {most:,} ids", where=name)
    return list(dict.fromkeys(uri(one, f"{name}[{i}]") for i, one in enumerate(found)))


def number(said: Mapping[str, Any], name: str, least: float, most: float) -> float:
    """A finite number within bounds."""
    found: Any = said.get(name)
    if type(found) not in {int, float} or not math.isfinite(found) or not least <= found <= most:
        raise Refusal(f"{name} is a number from {least:,g} to {most:,g}", where=name)
    return float(found)


def due(said: Mapping[str, Any], now: int, name: str = "due", *, needed: bool = True) -> str:
    """An instant that is still to come, at most a year ahead, as it is kept; empty when not needed and not said."""
    found = said.get(name)
    if found is None and not needed:
        return ""
    at = instant(found)
    if at is None:
        raise Refusal(f"{name} is an instant with its zone", where=name, mend="write it as 2026-11-22T18:00:00Z")
    if at < now:
        raise Refusal(f"{name} is in the past: {iso(at)}; it is {iso(now)}", where=name, mend="give a time to come")
    if at > now + words.DUE_MAX_S * SECOND:
        raise Refusal(f"{name} is more than a year ahead", where=name)
    return iso(at)


def only(said: Mapping[str, Any], *names: str) -> None:
    """Refuse members that mean nothing here, so that a slip of the pen is not silently ignored."""
    if extra := sorted(set(said) - {"id", "ids", *names}):
        raise Refusal(f"nobody knows {extra[0][:60]!r} here", where=extra[0][:60], mend=f"say {', '.join(names)}")
