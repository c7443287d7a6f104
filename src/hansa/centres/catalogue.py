"""What the public site says, in each of its languages: sentences, plurals, dates and figures.

A catalogue is `catalogues/<language>.json`: its own name, its direction, its calendar, and messages by key. A message
is a text with `{places}`, or one text for each plural category of the language (`one`, `few`, `other` ...), chosen by
the place `{n}`. A code that an app says (`step.in-progress`) is a message too. Adding a language: a file, a line in
`LANGUAGES`, its plural rule in `_RULES`; `tests/centres/test_public_words.py` says what is missing.
Source: Unicode CLDR 46, plural rules for cardinals (integers only); RFC 4647 section 3.4 (lookup).
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Any, Final
from zoneinfo import ZoneInfo

LANGUAGES: Final = ("en", "fr", "es", "ar", "ja")
"""The first is spoken where nothing else fits."""
_CODE: Final = re.compile(r"[A-Za-z0-9_-]+\Z")
_ASKED: Final = 20  # languages of a header that are looked at: no browser sends more

Words = Mapping[str, str | Mapping[str, str]]


def _arabic(n: int) -> str:
    if n < 3:
        return ("zero", "one", "two")[n]
    if 3 <= n % 100 <= 10:
        return "few"
    return "many" if n % 100 >= 11 else "other"


def _millions(n: int) -> bool:
    return n != 0 and n % 1_000_000 == 0


_RULES: Final[Mapping[str, Callable[[int], str]]] = {
    "en": lambda n: "one" if n == 1 else "other",
    "fr": lambda n: "one" if n in {0, 1} else "many" if _millions(n) else "other",
    "es": lambda n: "one" if n == 1 else "many" if _millions(n) else "other",
    "ar": _arabic,
    "ja": lambda _n: "other",
}
CATEGORIES: Final[Mapping[str, frozenset[str]]] = {
    "en": frozenset({"one", "other"}),
    "fr": frozenset({"one", "many", "other"}),
    "es": frozenset({"one", "many", "other"}),
    "ar": frozenset({"zero", "one", "two", "few", "many", "other"}),
    "ja": frozenset({"other"}),
}
"""The plural categories that a message with a count must have."""


class Catalogue:
    """One language: how it says things, writes figures and dates."""

    def __init__(self, language: str, said: Mapping[str, Any]) -> None:
        """`said` is what stands in its file."""
        self.language = language
        self.name: str = said["name"]
        self.direction: str = said["direction"]
        self.words: Words = said["messages"]
        self._calendar: Mapping[str, Any] = said["calendar"]
        self._figures: tuple[str, str, int] = tuple(
            said["figures"]
        )  # decimal mark, group mark, digits from which one groups

    def say(self, key: str, **places: Any) -> str:
        """A message; whole numbers in its places are written as the language writes them. KeyError: there is none."""
        found = self.words[key]
        if not isinstance(found, str):
            n = places["n"]
            found = found[_RULES[self.language](abs(int(n)))]
        if "{" not in found:
            return found
        for name, value in places.items():
            shown = self.number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
            found = found.replace(f"{{{name}}}", shown)
        return found

    def code(self, family: str, value: Any) -> str:
        """What a code means (`step`, `in-progress`); one that nobody translated is at least readable."""
        text = str(value)
        found = self.words.get(f"{family}.{text}")
        if isinstance(found, str):
            return found
        return text.replace("-", " ").replace("_", " ") if _CODE.match(text) else text

    def number(self, value: float, digits: int = 0) -> str:
        """A figure with so many decimals, grouped as the language does it."""
        mark, group, least = self._figures
        whole, _, rest = f"{abs(value):.{digits}f}".partition(".")
        if len(whole) >= least:
            whole = f"{int(whole):,}".replace(",", group)
        sign = "\N{MINUS SIGN}" if value < 0 and float(f"{value:.{digits}f}") != 0 else ""
        return f"{sign}{whole}{mark}{rest}" if rest else f"{sign}{whole}"

    def day(self, at: datetime, now: datetime) -> str:
        """A day, without its year when that is this year's."""
        pattern = self._calendar["day" if at.year == now.year else "date"]
        return str(
            pattern.format(
                weekday=self._calendar["weekdays"][at.weekday()],
                day=self._calendar.get("first", at.day) if at.day == 1 else at.day,
                month=self._calendar["months"][at.month - 1],
                m=at.month,
                year=at.year,
            )
        )

    def moment(self, at: datetime, now: datetime) -> str:
        """A day and its time; of today the time alone is enough, with the word."""
        time = f"{at.hour:02d}:{at.minute:02d}"
        days = (at.date() - now.date()).days
        if days in {-1, 0, 1}:
            day = self.say(("day.yesterday", "day.today", "day.tomorrow")[days + 1])
        else:
            day = self.day(at, now)
        return str(self._calendar["moment"].format(day=day, time=time))

    def chosen(self, texts: Any, ours: Sequence[str] = LANGUAGES) -> tuple[str, str]:
        """Of what people wrote in several languages one text and its language: this one, else one of ours, else any.

        A plain text is of a language that nobody named (""). ("", "") where there is nothing.
        """
        if isinstance(texts, str):
            return texts, ""
        if not isinstance(texts, Mapping):
            return "", ""
        for language in (self.language, *ours, *texts):
            found = texts.get(language)
            if isinstance(found, str) and found:
                return found, language
        return "", ""


@cache
def catalogue(language: str) -> Catalogue:
    """The catalogue of one of `LANGUAGES`; read once."""
    body = files(__package__).joinpath("catalogues", f"{language}.json").read_text("utf-8")
    return Catalogue(language, json.loads(body))


def best(accepts: str) -> str:
    """Of a browser's `Accept-Language` the language that we speak and it likes most; the first of ours if none."""
    liked = []
    for place, part in enumerate(accepts.split(",")[:_ASKED]):
        tag, _, rest = part.strip().partition(";")
        weight = rest.strip().removeprefix("q=").strip() or "1"
        try:
            liked.append((-float(weight), place, tag.split("-")[0].lower()))
        except ValueError:
            continue
    return next((one for weight, _, one in sorted(liked) if one in LANGUAGES and weight < 0), LANGUAGES[0])


def local(at: str, zone: str) -> datetime | None:
    """An ISO 8601 moment in a time zone; None when it is none: what others say must not break a page."""
    try:
        return datetime.fromisoformat(at).astimezone(ZoneInfo(zone))
    except (ValueError, TypeError, OverflowError, KeyError):
        return None
