"""The words that a rule's text is made of, and where it cannot be read. Held by tests/apps/test_watch_text.py."""

import re
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from hansa import units
from hansa.apps.watch.terms import DAYS, MONTHS, SECOND

LONGEST_TEXT: Final = 10_000  # characters

_KEYWORDS: Final = (
    "when and or not at least of the is are also has have above below outside to for within with hysteresis over per"
    " silent flat implausible rises falls changes faster than mean min max sum count raise as saying like neighbours"
    " neighbour linked by said in last time between day month away from median readings true false"
    " informational low medium high critical"
)
KEYWORDS: Final = frozenset(_KEYWORDS.split())
"""Words that are no names unless quoted."""

SPANS: Final = MappingProxyType(
    {
        word: size * SECOND
        for words, size in (
            ("s sec second seconds", 1),
            ("min minute minutes", 60),
            ("h hour hours", 3_600),
            ("d day days", 86_400),
            ("week weeks", 604_800),
        )
        for word in words.split()
    }
)

_BY_HAND: Final = {
    "degC": "CEL", "degF": "FAH", "percent": "P1", "deg": "DD", "m2": "MTK", "m3": "MTQ", "m3/s": "MQS", "m3/h": "MQH",
    "ug/m3": "GQ", "mg/m3": "GP", "g/m3": "A93", "W/m2": "D54", "ug/l": "H29", "us/cm": "G42", "uS/cm": "G42",
    "uSv/h": "P72", "Bq/m3": "A19", "kmh": "KMH", "m/s2": "MSK", "Ohm": "OHM",
}  # fmt: skip


def _unit_words() -> dict[str, str]:
    known: dict[str, str] = {}
    for code, unit in units.UNITS.items():
        sign = unit.symbol
        if sign and sign not in KEYWORDS - {"min"} and re.fullmatch(r"[^\s,()'\"]+", sign) and sign not in units.UNITS:
            known.setdefault(sign, code)
    for word, code in _BY_HAND.items():
        known.setdefault(word, code)
    return known | {code: code for code in units.UNITS}


UNITS: Final = MappingProxyType(_unit_words())
"""UN/CEFACT code of each word for a unit: its code, its symbol, and how it is typed without one."""


class Unreadable(Exception):  # it is a finding, not a fault of ours
    """A rule's text that cannot be read: where, what was expected there, and what stands there."""

    def __init__(self, line: int, column: int, expected: str, found: str) -> None:
        """Lines and columns are counted from 1."""
        self.line = line
        self.column = column
        self.expected = expected
        self.found = found
        super().__init__(f"line {line}, column {column}: expected {expected}, found {found}")


class Word(NamedTuple):
    """One word of a text: as it stands there, what it says (without quotes), its place."""

    text: str
    kind: str  # word, text, mark, end
    line: int
    column: int
    begin: int  # characters from the beginning of the text
    end: int

    @property
    def shown(self) -> str:
        """How an error calls it."""
        return "the end" if self.kind == "end" else repr(self.text[:40])


_WORD: Final = re.compile(r"[^\s,()'\"]+")
_SPACE: Final = re.compile(r"\s+")
_NUMBER: Final = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?")


def words(text: str) -> list[Word]:
    """The words of a text, the end last; raises Unreadable for a quote that does not close, or too long a text."""
    if len(text) > LONGEST_TEXT:
        raise Unreadable(1, 1, f"a text of at most {LONGEST_TEXT:,} characters", f"{len(text):,}")
    found: list[Word] = []
    place, line, begin = 0, 1, 0
    while place < len(text):
        char = text[place]
        column = place - begin + 1
        if space := _SPACE.match(text, place):
            line += space[0].count("\n")
            if "\n" in space[0]:
                begin = place + space[0].rindex("\n") + 1
            place = space.end()
        elif char in ",()":
            found.append(Word(char, "mark", line, column, place, place + 1))
            place += 1
        elif char in "'\"":
            said, end = _quoted(text, place, line, column)
            found.append(Word(said, "text", line, column, place, end))
            inside = text[place:end]
            line += inside.count("\n")
            if "\n" in inside:
                begin = place + inside.rindex("\n") + 1
            place = end
        else:
            word = _WORD.match(text, place)
            assert word is not None  # noqa: S101  # nothing else is left
            found.append(Word(word[0], "word", line, column, place, word.end()))
            place = word.end()
    return [*found, Word("", "end", line, place - begin + 1, len(text), len(text))]


def _quoted(text: str, place: int, line: int, column: int) -> tuple[str, int]:
    """What stands in quotes, and where it ends; a quote inside is written twice."""
    mark = text[place]
    said: list[str] = []
    at = place + 1
    while True:
        end = text.find(mark, at)
        if end < 0:
            raise Unreadable(line, column, f"a closing {mark}", "none until the end")
        said.append(text[at:end])
        if text[end + 1 : end + 2] != mark:
            return "".join(said), end + 1
        said.append(mark)
        at = end + 2


def number_in(word: str) -> tuple[Decimal, str] | None:
    """The number that a word begins with, and what is left of the word; None when it begins with none."""
    found = _NUMBER.match(word)
    if found is None or ":" in word:
        return None
    try:
        value = Decimal(found[0])
    except InvalidOperation:  # pragma: no cover  # the pattern admits numbers alone
        return None
    return value, word[found.end() :]


def quoted(text: str) -> str:
    """A text as `words` reads it."""
    return "'" + text.replace("'", "''") + "'"


def name_text(name: str) -> str:
    """The name of an attribute or a type as it is written: quoted where it could be read as something else."""
    plain = re.fullmatch(r"[A-Za-z][A-Za-z0-9_.-]*", name) is not None
    return name if plain and name.lower() not in KEYWORDS | _NAMED else quoted(name)


_NAMED: Final = frozenset(one.lower() for one in (*DAYS, *MONTHS))


def unit_text(code: str) -> str:
    """A unit as it is written: its symbol where that is its alone, else its code."""
    sign = units.UNITS[code].symbol
    return sign if sign and UNITS.get(sign) == code else code


def number_text(value: float) -> str:
    """A number as it is written: as short as it can be read again."""
    if value == int(value) and abs(value) < 1e16:
        return str(int(value))
    return repr(value)


def plain(value: Decimal) -> str:
    """A decimal number without an exponent or needless zeros."""
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def span_text(micros: int) -> str:
    """A span in the longest unit that says it in whole numbers."""
    for word, size in (("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)):
        if micros % (size * SECOND) == 0:
            return f"{micros // (size * SECOND)} {word}"
    return f"{plain(Decimal(micros) / SECOND)} s"


def distance_text(metres: float) -> str:
    """A distance in kilometres from one on, else in metres."""
    exact = Decimal(repr(metres))
    return f"{plain(exact / 1_000)} km" if metres >= 1_000.0 else f"{plain(exact)} m"


def value_text(value: Any) -> str:
    """A value to compare with: a text in quotes, true or false, a number."""
    if isinstance(value, str):
        return quoted(value)
    return str(value).lower() if isinstance(value, bool) else number_text(value)
