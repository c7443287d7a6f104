"""Texts that people write: cleaned of what only a machine would see, counted, in one language or several."""

import re
import unicodedata
from collections.abc import Mapping
from typing import Any, Final

from hansa import Refusal

LANGUAGES: Final = ("en", "fr", "es", "ar", "ja")
_TAG: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z")
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


def language(said: Any, otherwise: str = "en") -> str:
    """A language tag (BCP 47), or what is spoken here. Refusal for what is none."""
    if said in (None, ""):
        return otherwise
    if not isinstance(said, str) or not _TAG.match(said):
        raise Refusal("language is a tag such as en or pt-BR", where="language")
    return said


def words(said: Any, where: str, most: int, *, spoken: str = "en", least: int = 1) -> dict[str, str]:
    """A text in languages: a map by tag, or a text in the language that is spoken here. Refusal."""
    if isinstance(said, Mapping):
        if len(said) > 40:
            raise Refusal(f"{where} is in more than 40 languages", where=where)
        told = {language(tag): plain(one, f"{where}.{tag}"[:60], most, lines=True) for tag, one in said.items()}
        if len(told) < least:
            raise Refusal(f"{where} is missing", where=where)
        return told
    text = plain(said, where, most, least=least, lines=True)
    return {spoken: text} if text else {}


def in_language(told: Any, wanted: str = "en") -> str:
    """The words of one language: the one wanted, its elder, English, or whatever there is."""
    if not isinstance(told, Mapping):
        return told if isinstance(told, str) else ""
    for tag in (wanted, wanted.split("-", maxsplit=1)[0], "en", *sorted(map(str, told))):
        if isinstance(told.get(tag), str):
            return str(told[tag])
    return ""


def whole(said: Any, where: str, most: int, *, least: int = 1) -> int:
    """A small whole number, from JSON or as text: plain figures, no more of them than the most has. Refusal."""
    if isinstance(said, str) and said.isascii() and said.isdecimal() and len(said) <= len(str(most)):
        said = int(said)
    if type(said) is not int or not least <= said <= most:
        raise Refusal(f"{where} is a whole number from {least:,} to {most:,}", where=where)
    return said


def yes(said: Any) -> bool:
    """Whether a form or JSON says yes."""
    return said is True or (isinstance(said, str) and said.strip().lower() in {"true", "1", "yes", "on"})
