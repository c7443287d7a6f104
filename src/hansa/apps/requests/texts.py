"""Texts that people write: cleaned of what only a machine would see, counted, in one language or several."""

import re
from collections.abc import Mapping
from typing import Any, Final

from hansa import Refusal, saying

LANGUAGES: Final = ("en", "fr", "es", "ar", "ja")
_TAG: Final = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}\Z")
sayable, plain = saying.sayable, saying.plain


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
