"""What `$filter` and `$orderby` say: text to a tree, checked against the data model.

    result gt 20 and (phenomenonTime ge 2026-04-01T00:00:00Z or Datastream/name eq 'air')
    st_within(location, geography'POLYGON ((16 47, 18 47, 18 49, 16 49, 16 47))')

A tree is `Literal`, `Path` or `Call`; operators are calls named as they are written (`eq`, `and`, `add`). What is wrong
is a BadRequest that says where. Source: OGC 18-088, clauses 9.3.3.3 and 9.3.3.5 (tables 23 and 24); OData 4.0 ABNF.
"""

import math
import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Final

from hansa import Refusal
from hansa.apps.opendata.sta.shapes import written

MOST_TEXT: Final = 4_000  # characters of a filter: addresses end at some 8,000
_MOST_WORDS: Final = 600
_DEEPEST: Final = 40  # parentheses within parentheses: beyond it is an attack on the stack, not a question
_WHOLE: Final = 15  # digits of a whole number that a double holds


@dataclass(frozen=True, slots=True)
class When:
    """A time: microseconds from `start` to `end`, both the same for an instant."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Literal:
    """A value: number, text, truth, None, When, timedelta, time, or a shape."""

    value: Any


@dataclass(frozen=True, slots=True)
class Path:
    """A property, perhaps of what is linked: `("Datastream", "Thing", "name")`."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function or operator with its arguments."""

    name: str
    args: tuple["Tree", ...]


Tree = Literal | Path | Call

FUNCTIONS: Final[dict[str, tuple[int, int]]] = {
    "substringof": (2, 2), "endswith": (2, 2), "startswith": (2, 2), "length": (1, 1), "indexof": (2, 2),
    "substring": (2, 3), "tolower": (1, 1), "toupper": (1, 1), "trim": (1, 1), "concat": (2, 2),
    "year": (1, 1), "month": (1, 1), "day": (1, 1), "hour": (1, 1), "minute": (1, 1), "second": (1, 1),
    "fractionalseconds": (1, 1), "date": (1, 1), "time": (1, 1), "totaloffsetminutes": (1, 1), "now": (0, 0),
    "mindatetime": (0, 0), "maxdatetime": (0, 0), "round": (1, 1), "floor": (1, 1), "ceiling": (1, 1),
    "geo.distance": (2, 2), "geo.length": (1, 1), "geo.intersects": (2, 2), "st_equals": (2, 2),
    "st_disjoint": (2, 2), "st_touches": (2, 2), "st_within": (2, 2), "st_overlaps": (2, 2), "st_crosses": (2, 2),
    "st_intersects": (2, 2), "st_contains": (2, 2), "st_relate": (3, 3),
}  # fmt: skip
"""The functions of table 24, and how many arguments each takes."""

_WORDS: Final = re.compile(
    r"""\s*(?:
    (?P<moment>\d{4}-\d\d-\d\d[Tt]\d\d:\d\d(?::\d\d(?:\.\d{1,12})?)?(?:[Zz]|[+-]\d\d:\d\d)?)
    | (?P<day>\d{4}-\d\d-\d\d)(?![\w:])
    | (?P<hour>\d\d:\d\d:\d\d(?:\.\d{1,12})?)
    | (?P<number>-?\d+(?:\.\d+)?(?:[eE][+-]?\d{1,3})?)(?![\w.])
    | (?P<geography>geography'[^']*')
    | (?P<duration>duration'[^']*')
    | (?P<text>'(?:[^']|'')*')
    | (?P<name>@?[A-Za-z_][\w.]*)
    | (?P<mark>[(),/-])
    )""",
    re.VERBOSE,
)
_DURATION: Final = re.compile(
    r"(-?)P(?:(\d{1,6})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,6})M)?(?:(\d{1,9}(?:\.\d{1,6})?)S)?)?\Z"
)
_ORDERS: Final = {"eq", "ne", "gt", "ge", "lt", "le"}
_CONSTANTS: Final = {"true": True, "false": False, "null": None}


def wrong(why: str, where: str = "$filter") -> Refusal:
    """A filter that is none."""
    return Refusal(why, where=where, mend="see OGC 18-088, clause 9.3.3.5")


def parsed(text: str, where: str = "$filter") -> Tree:
    """The tree of an expression. Refusal (400) says what is wrong."""
    reading = _Reading(text, where)
    tree = reading.either(0)
    reading.done()
    return tree


class _Reading:
    """One reading of a text from left to right."""

    def __init__(self, text: str, where: str) -> None:
        self.where = where
        self.words = list(self._split(text))
        self.at = 0

    def _split(self, text: str) -> list[tuple[str, str]]:
        if len(text) > MOST_TEXT:
            raise wrong(f"it has {len(text):,} characters; {MOST_TEXT:,} are the most", self.where)
        found: list[tuple[str, str]] = []
        place, end = 0, len(text.rstrip())
        while place < end:
            match = _WORDS.match(text, place)
            if match is None:
                raise wrong(f"{text[place : place + 20].strip()!r} cannot be read", self.where)
            kind = str(match.lastgroup)
            found.append((kind, match.group(kind)))
            place = match.end()
        if len(found) > _MOST_WORDS:
            raise wrong(f"it has {len(found)} words; {_MOST_WORDS} are the most", self.where)
        return found

    def peek(self) -> tuple[str, str]:
        return self.words[self.at] if self.at < len(self.words) else ("end", "")

    def take(self, kind: str, *words: str) -> str:
        """The next word where it is one of these, else nothing."""
        found, word = self.peek()
        if found == kind and (not words or word in words):
            self.at += 1
            return word
        return ""

    def need(self, mark: str) -> None:
        if not self.take("mark", mark):
            raise wrong(f"{mark!r} is missing before {self.peek()[1] or 'the end'!r}", self.where)

    def done(self) -> None:
        if self.at < len(self.words):
            raise wrong(f"{self.peek()[1][:40]!r} is too much", self.where)

    def either(self, depth: int) -> Tree:
        found = self.both(depth)
        while self.take("name", "or"):
            found = Call("or", (found, self.both(depth)))
        return found

    def both(self, depth: int) -> Tree:
        found = self.compared(depth)
        while self.take("name", "and"):
            found = Call("and", (found, self.compared(depth)))
        return found

    def compared(self, depth: int) -> Tree:
        if self.take("name", "not"):
            if depth > _DEEPEST:
                raise wrong("it is nested too deeply", self.where)
            return Call("not", (self.compared(depth + 1),))
        found = self.added(depth)
        if order := self.take("name", *_ORDERS):
            return Call(order, (found, self.added(depth)))
        return found

    def added(self, depth: int) -> Tree:
        found = self.times(depth)
        while sign := self.take("name", "add", "sub"):
            found = Call(sign, (found, self.times(depth)))
        return found

    def times(self, depth: int) -> Tree:
        found = self.one(depth)
        while sign := self.take("name", "mul", "div", "mod"):
            found = Call(sign, (found, self.one(depth)))
        return found

    def one(self, depth: int) -> Tree:
        if depth > _DEEPEST:
            raise wrong("it is nested too deeply", self.where)
        kind, word = self.peek()
        self.at += 1
        match kind:
            case "mark" if word == "(":
                found = self.either(depth + 1)
                self.need(")")
                return found
            case "mark" if word == "-":
                return Call("sub", (Literal(0), self.one(depth + 1)))
            case "name":
                return self.named(word, depth)
            case "end" | "mark":
                raise wrong(f"a value is missing before {word or 'the end'!r}", self.where)
        return Literal(self.value(kind, word))

    def named(self, word: str, depth: int) -> Tree:
        if word in _CONSTANTS:
            return Literal(_CONSTANTS[word])
        if self.take("mark", "("):
            return self.called(word, depth)
        names = [word]
        while self.take("mark", "/"):
            name = self.take("name")
            if not name:
                raise wrong(f"a name is missing after {'/'.join(names)!r}/", self.where)
            names.append(name)
        return Path(tuple(names))

    def called(self, word: str, depth: int) -> Tree:
        takes = FUNCTIONS.get(word)
        if takes is None:
            raise wrong(f"there is no function {word[:40]!r}", self.where)
        args: list[Tree] = []
        if not self.take("mark", ")"):
            args.append(self.either(depth + 1))
            while self.take("mark", ","):
                args.append(self.either(depth + 1))
            self.need(")")
        if not takes[0] <= len(args) <= takes[1]:
            raise wrong(f"{word} takes {takes[0]} to {takes[1]} values, not {len(args)}", self.where)
        return Call(word, tuple(args))

    def value(self, kind: str, word: str) -> Any:
        try:
            match kind:
                case "number":
                    return _number(word)
                case "text":
                    return word[1:-1].replace("''", "'")
                case "moment":
                    start = moment(word)
                    # An interval is two instants with a stroke between them (ISO 8601, 4.4.4.1).
                    if self.peek() == ("mark", "/") and self.words[self.at + 1 : self.at + 2][:1]:
                        following, later = self.words[self.at + 1]
                        if following == "moment":
                            self.at += 2
                            return When(start, moment(later))
                    return When(start, start)
                case "day":
                    start = moment(f"{word}T00:00:00Z")
                    return When(start, start + 86_400_000_000 - 1)
                case "hour":
                    return time.fromisoformat(word[:15])
                case "duration":
                    return _duration(word[9:-1])
                case _:
                    return written(word[10:-1])
        except (ValueError, OverflowError) as fault:
            raise wrong(f"{word[:60]!r} cannot be read: {str(fault)[:120]}", self.where) from None


def moment(text: str) -> int:
    """Microseconds of an instant; without an offset it is UTC. ValueError."""
    whole, mark, rest = text.upper().partition(".")
    if mark:  # Python reads six digits, others write nine
        digits = re.match(r"\d+", rest)
        many = len(digits.group()) if digits else 0
        text = f"{whole}.{rest[:many][:6].ljust(6, '0')}{rest[many:]}"
    made = datetime.fromisoformat(text.upper())
    made = made if made.tzinfo else made.replace(tzinfo=UTC)
    return (made - _BEGIN) // timedelta(microseconds=1)


_BEGIN: Final = datetime(1970, 1, 1, tzinfo=UTC)


def instant(at: int) -> str:
    """An instant as text in UTC, with as much of its second as it has."""
    made = _BEGIN + timedelta(microseconds=at)
    return made.strftime("%Y-%m-%dT%H:%M:%S.%fZ" if at % 1_000_000 else "%Y-%m-%dT%H:%M:%SZ")


def _number(word: str) -> float:
    if word.lstrip("-").isdigit() and len(word) <= _WHOLE:
        return int(word)
    found = float(word)
    if not math.isfinite(found):
        raise ValueError("it is too large")
    return found


def _duration(text: str) -> timedelta:
    match = _DURATION.match(text)
    if match is None or len(text) < 3:
        raise ValueError("a duration is written as P1DT2H3M4.5S")
    sign, days, hours, minutes, seconds = match.groups()
    span = timedelta(days=int(days or 0), hours=int(hours or 0), minutes=int(minutes or 0), seconds=float(seconds or 0))
    return -span if sign else span
