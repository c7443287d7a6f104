"""What people say, as the catalogue may keep it: cleaned, counted, in languages; words, addresses, numbers."""

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hansa import Refusal, saying

LANGUAGES: Final = ("en", "fr", "es", "ar", "ja")
TONGUES: Final = 40
"""Languages of one text: the 24 of the European Union, and what else is spoken in a city."""
SLUG: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}\Z")
TAG: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z")
# What an IRI of RDF may have (RFC 3987, as Turtle's IRIREF bounds it), for the schemes that lead somewhere.
_IRI: Final = re.compile(r"(https?://|urn:)[^\x00-\x20<>\"{}|^`\\\s\x7f-\x9f]{1,500}\Z")
_MAIL: Final = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(\.[A-Za-z0-9-]{1,63}){1,8}\Z")
sayable, plain = saying.sayable, saying.plain


def words(said: Any, where: str, most: int, *, spoken: str = "en", least: int = 1) -> dict[str, str]:
    """A text in languages: a map by tag, or a text in the language that is spoken here. Refusal."""
    if isinstance(said, Mapping):
        if len(said) > TONGUES:
            raise Refusal(f"{where} is in more than {TONGUES} languages", where=where)
        told = {
            language(tag): plain(one, f"{where}.{tag}"[:60], most, lines=True, least=0) for tag, one in said.items()
        }
        told = {tag: one for tag, one in told.items() if one}
        if len(told) < least:
            raise Refusal(f"{where} is missing", where=where)
        return told
    text = plain(said, where, most, least=least, lines=True)
    return {spoken: text} if text else {}


def language(said: Any, otherwise: str = "en") -> str:
    """A language tag (BCP 47), or what is spoken here. Refusal for what is none."""
    if said in {None, ""}:
        return otherwise
    if not isinstance(said, str) or not TAG.match(said):
        raise Refusal("language is a tag such as en or pt-BR", where="language")
    return said


def in_language(told: Any, wanted: str = "en") -> str:
    """The words of one language: the one wanted, its elder, English, or whatever there is."""
    if not isinstance(told, Mapping):
        return told if isinstance(told, str) else ""
    for tag in (wanted, wanted.split("-", maxsplit=1)[0], "en", *sorted(map(str, told))):
        if isinstance(told.get(tag), str):
            return str(told[tag])
    return ""


def slug(said: Any, where: str = "key") -> str:
    """A word for addresses: small letters, figures and dashes. Refusal."""
    if not isinstance(said, str) or not SLUG.match(said):
        raise Refusal(f"{where} has small letters, figures and dashes, at most 63", where=where)
    return said


def iri(said: Any, where: str) -> str:
    """An address (http, https, urn) as RDF can say it. Refusal."""
    if not isinstance(said, str) or not _IRI.match(said):
        raise Refusal(f"{where} is an address such as https://city.example/x", where=where)
    return said


def mail(said: Any, where: str) -> str:
    """A mail address, plain ASCII. Refusal."""
    if not isinstance(said, str) or not _MAIL.match(said):
        raise Refusal(f"{where} is a mail address", where=where)
    return said


def listed(said: Any, where: str, most: int) -> Sequence[Any]:
    """A list of at most so many. Refusal."""
    if not isinstance(said, list | tuple) or len(said) > most:
        raise Refusal(f"{where} is a list of up to {most:,}", where=where)
    return said


def whole(said: Any, where: str, most: int, *, least: int = 0) -> int:
    """A whole number, from JSON or as text. Refusal."""
    if isinstance(said, str) and said.isascii() and said.isdecimal() and len(said) <= len(str(most)):
        said = int(said)
    if type(said) is not int or not least <= said <= most:
        raise Refusal(f"{where} is a whole number from {least:,} to {most:,}", where=where)
    return said


def number(said: Any, where: str, low: float = -1e15, high: float = 1e15) -> float:
    """A finite number. Refusal."""
    if (
        isinstance(said, bool)
        or not isinstance(said, int | float)
        or not low <= said <= high
        or not math.isfinite(said)
    ):
        raise Refusal(f"{where} is a number from {low:g} to {high:g}", where=where)
    return said


def box(said: Any, where: str = "bbox") -> list[float]:
    """West, south, east, north in degrees (WGS 84). Refusal."""
    some = listed(said, where, 4)
    if len(some) != 4:
        raise Refusal(f"{where} has west, south, east, north", where=where)
    west, south, east, north = (
        number(one, where, -limit, limit) for one, limit in zip(some, (180, 90, 180, 90), strict=True)
    )
    if south > north:
        raise Refusal(f"{where}: south is above north", where=where)
    return [west, south, east, north]
