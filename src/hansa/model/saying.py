"""What people say in a JSON object or a query, read with care: the façade's `saying`.

    name = saying.text(act.said, "name", 120)       Refusal: name has 300 characters; 1 to 120 are right

A Refusal names the member, with its way (`at`) in what was sent. tests/model/test_saying.py
"""

import math
import re
import unicodedata
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from hansa.errors import Refusal

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufffe\uffff]|[\ud800-\udfff]")
"""Control characters, and marks that turn the order of what follows: a text is not to be read otherwise than it is."""
_CODE: Final = re.compile(r"[^\"\\;|()\x00-\x1f]+\Z")
"""Of a framework's code: what a query could not tell apart from its own signs is no code."""
_WEB: Final = re.compile(r"https://[A-Za-z0-9.-]{1,200}(:\d{1,5})?(/[^\s<>\"'\\]*)?\Z")
_MAIL: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,200}\.[A-Za-z]{2,24}\Z")

# Controls, what turns the direction of a text around, and what XML 1.0 cannot say at all.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff\ud800-\udfff]"
)
_MANY_LINES: Final = re.compile(r"\n{3,}")


def sayable(text: str) -> str:
    """A text without what no page and no XML can say."""
    return _UNSEEN.sub("", text)


def plain(said: Any, where: str, most: int, *, least: int = 1, lines: bool = False) -> str:
    """A text as it may be kept: composed (NFC), without controls, of at most so many characters. Refusal.

    What is too long is refused before it is looked at. HTML stays what was written: pages show it as text.
    """
    if said is None:
        said = ""
    if not isinstance(said, str):
        raise Refusal(f"{where} is a text", where=where)
    if len(said) > most:
        raise Refusal(
            f"{where} has {len(said):,} characters; {most:,} are the most", where=where, mend="say it shorter"
        )
    text = unicodedata.normalize("NFC", sayable(said.replace("\r\n", "\n").replace("\r", "\n")))
    text = _MANY_LINES.sub("\n\n", text).strip() if lines else " ".join(text.split())
    if len(text) < least:
        raise Refusal(f"{where} is missing" if least == 1 else f"{where} is too short", where=where)
    return text[:most]


def text(said: Mapping[str, Any], name: str, most: int, *, least: int = 1, lines: bool = False, at: str = "") -> str:
    """A text as it was written (NFC), without blanks around it."""
    value, where = said.get(name, ""), at + name
    if not isinstance(value, str) or len(value) > 4 * most:
        raise Refusal(f"{name} is a text of at most {most:,} characters", where=where)
    value = unicodedata.normalize("NFC", value.replace("\r\n", "\n")).strip()
    if not least <= len(value) <= most:
        raise Refusal(f"{name} has {len(value):,} characters; {least:,} to {most:,} are right", where=where)
    if _CONTROL.search(value) or (not lines and "\n" in value):
        raise Refusal(f"{name} has characters in it that no text needs", where=where, mend="write it without them")
    return value


def word(said: Mapping[str, Any], name: str, among: Iterable[str], *, at: str = "") -> str:
    """One of these."""
    value, known = said.get(name), list(among)
    if not isinstance(value, str) or value not in known:
        raise Refusal(f"there is no such {name}", where=at + name, mend=", ".join(known[:50]))
    return value


def number(said: Mapping[str, Any], name: str, least: float, most: float, *, at: str = "") -> float:
    """A finite number, whole where it is."""
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise Refusal(f"{name} is a number, {least:g} to {most:g}", where=at + name)
    return int(value) if value == int(value) else float(value)


def whole(said: Mapping[str, Any], name: str, least: int, most: int, *, at: str = "") -> int:
    """A whole number."""
    value = said.get(name)
    if type(value) is not int or not least <= value <= most:
        raise Refusal(f"{name} is a whole number, {least} to {most}", where=at + name)
    return value


def link(said: Mapping[str, Any], name: str, most: int, *, at: str = "") -> str:
    """An address of the web, `https` alone: whatever else could do something when it is pressed."""
    value = text(said, name, most, at=at)
    if not _WEB.match(value):
        raise Refusal(f"{name} is an address that begins with https://", where=at + name)
    return value


def mail(said: Mapping[str, Any], name: str, *, at: str = "") -> str:
    """An address of electronic mail."""
    value = text(said, name, 254, at=at)
    if not _MAIL.match(value):
        raise Refusal(f"{name} is an address such as office@city.example", where=at + name)
    return value


def currency(said: Mapping[str, Any], name: str, *, at: str = "") -> str:
    """A code of ISO 4217."""
    value = said.get(name)
    if not isinstance(value, str) or len(value) != 3 or not (value.isascii() and value.isalpha() and value.isupper()):
        raise Refusal(f"{name} is a code of ISO 4217", where=at + name, mend="EUR")
    return value


def texts(said: Mapping[str, Any], name: str, most: int, length: int, *, at: str = "") -> list[str]:
    """A list of short texts, each once, in their order."""
    value = said.get(name)
    if not isinstance(value, list) or len(value) > most:
        raise Refusal(f"{name} is a list of up to {most} texts", where=at + name)
    found = [text({name: one}, name, length, at=at) for one in value]
    return list(dict.fromkeys(found))


def parts(said: Mapping[str, Any], name: str, most: int, *, at: str = "") -> list[tuple[str, Mapping[str, Any]]]:
    """A list of objects, each with its way."""
    value = said.get(name)
    if not isinstance(value, list) or len(value) > most or not all(isinstance(one, Mapping) for one in value):
        raise Refusal(f"{name} is a list of up to {most} objects", where=at + name)
    return [(f"{at}{name}[{n}].", one) for n, one in enumerate(value)]


def part(said: Mapping[str, Any], name: str, *, at: str = "") -> Mapping[str, Any]:
    """An object."""
    value = said.get(name)
    if not isinstance(value, Mapping):
        raise Refusal(f"{name} is an object", where=at + name)
    return value


def only(said: Mapping[str, Any], *names: str, at: str = "") -> None:
    """Refuse what is not said this way: a word that nobody reads is a mistake that nobody sees."""
    if extra := sorted(set(map(str, said)) - set(names)):
        raise Refusal(f"{extra[0][:40]!r} is not said this way", where=at + extra[0][:40], mend=", ".join(names))


def count(asked: Mapping[str, str], name: str, default: int, most: int, least: int = 1) -> int:
    """A whole number of a query."""
    value = asked.get(name) or str(default)
    if not (value.isascii() and value.isdecimal() and len(value) < 9 and least <= int(value) <= most):
        raise Refusal(f"{name} is a whole number, {least} to {most:,}", where=name)
    return int(value)


def iso(at: int) -> str:
    """Microseconds as a date-time, to the second."""
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def day(said: Mapping[str, Any], name: str, *, at: str = "") -> str:
    """A day, `2026-05-01`."""
    value = said.get(name)
    try:
        found = datetime.strptime(value, "%Y-%m-%d").replace(tzinfo=UTC) if isinstance(value, str) else None
    except ValueError:
        found = None
    if found is None or not 1950 <= found.year <= 2200 or found.strftime("%Y-%m-%d") != value:
        raise Refusal(f"{name} is a day", where=at + name, mend="2026-05-01")
    return str(value)


def code(said: Mapping[str, Any], name: str, *, at: str = "") -> str:
    """The code of an indicator, the id of a framework, the key of a point."""
    value = text(said, name, 60, at=at)
    if not _CODE.match(value):
        raise Refusal(f"{name} has signs that no code has", where=at + name)
    return value


def flag(said: Mapping[str, Any], name: str, *, at: str = "") -> bool:
    """True or false."""
    value = said.get(name)
    if not isinstance(value, bool):
        raise Refusal(f"{name} is true or false", where=at + name)
    return value


def figure(asked: Mapping[str, str], name: str, plain: float, least: float, most: float) -> float:
    """A number of a query."""
    value = asked.get(name, "")
    if not value:
        return plain
    try:
        found = float(value) if len(value) < 40 else math.nan
    except ValueError:
        found = math.nan
    if not least <= found <= most:
        raise Refusal(f"{name} is a number, {least:g} to {most:g}", where=name)
    return found
