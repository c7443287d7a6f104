"""How a value of a CAP element is read from its text, written as text, and said in JSON.

What is read here is the lexical side of the XSD (`schema`, `time-form`, `language-form`, `number-form`) and of the data
dictionary (clause 3.2); what values mean together is the business of `rules`. `write` then `read` gives the same value,
or raises.
"""

import math
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from typing import Any, Final

from hansa.apps.warnings.cap.faults import Wrong
from hansa.apps.warnings.cap.message import Circle, Point, Polygon, Reference, stamp

LIST: Final = 1_000  # of anything that may be repeated in one place
# Characters that the text of an element may have, by what it holds; no warning needs more.
NAME: Final = 500  # an identifier, a sender
PROSE: Final = 50_000
ENCLOSED: Final = 1_400_000  # base64 of a megabyte
LISTED: Final = 100_000  # addresses, incidents, references
OUTLINE: Final = 600_000  # a polygon
POINTS: Final = 20_000  # of one message
YEARS: Final = (1900, 9998)  # of any warning; beyond, arithmetic with times would overflow
_SPACE: Final = " \t\r\n"
_COLLAPSE: Final = re.compile(r"[ \t\r\n]+")
_NOT_XML: Final = re.compile(r"[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2
# CAP 1.2's XSD narrows xs:dateTime to whole seconds and an offset in digits; 1.1 takes any xs:dateTime.
_TIME_12: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)()([-+])(\d\d):(\d\d)", re.ASCII)
_TIME_11: Final = re.compile(
    r"(-?\d{4,9})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(\.\d+)?(?:([-+])(\d\d):(\d\d)|(Z))?", re.ASCII
)
_LANGUAGE: Final = re.compile(r"[A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*")
_INTEGER: Final = re.compile(r"[-+]?\d{1,18}", re.ASCII)
_DECIMAL: Final = re.compile(r"[-+]?(\d{1,30}(\.\d{0,30})?|\.\d{1,30})", re.ASCII)
_DEGREES: Final = r"[-+]?\d{1,3}(?:\.\d{1,30})?"
_PAIR: Final = re.compile(rf"({_DEGREES}),({_DEGREES})", re.ASCII)
_CIRCLE: Final = re.compile(rf"\s*({_DEGREES}),({_DEGREES})\s+(\+?\d{{1,6}}(?:\.\d{{0,30}})?)\s*", re.ASCII)
_PCHAR: Final = r"(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-Fa-f]{2})"
_HOST: Final = (
    r"(?:(?:[A-Za-z0-9._~!$&'()*+,;=:-]|%[0-9A-Fa-f]{2})*@)?"
    r"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})*)(?::\d*)?"
)
# RFC 3986, appendix A. What else XSD takes for an address it takes as if it were escaped (XLink 1.0, 5.4).
_URI: Final = re.compile(
    rf"(?:[A-Za-z][A-Za-z0-9+.-]*:(?://{_HOST}(?:/{_PCHAR}*)*|/?(?:{_PCHAR}+(?:/{_PCHAR}*)*)?)"
    rf"|//{_HOST}(?:/{_PCHAR}*)*|/(?:{_PCHAR}+(?:/{_PCHAR}*)*)?|(?!{_PCHAR}*?:){_PCHAR}+(?:/{_PCHAR}*)*|)"
    rf"(?:\?(?:{_PCHAR}|[/?])*)?(?:#(?:{_PCHAR}|[/?])*)?",
    re.ASCII,
)
_ESCAPED: Final = re.compile(r"[^\x21-\x7e]|[<>\"{}|\\^`]")
_WORD: Final = re.compile(r'"([^"]*)"(?!\S)|([^\s"]+)(?!\S)')


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of value: from text and back, to JSON and back; each raises Wrong for what is none."""

    read: Callable[[str], Any]
    write: Callable[[Any], str]
    plain: Callable[[Any], Any]
    parse: Callable[[Any], Any]
    most: int = NAME  # characters of its text

    def of(self, text: str) -> Any:
        """What a text says; Wrong where it says none, or too much."""
        if len(text) > self.most:
            raise Wrong("too-long", f"{len(text):,} characters; at most {self.most:,} are read")
        return self.read(text)


def collapse(text: str) -> str:
    """White space as most XSD types have it: none at the ends, one space between (XSD 1.0 part 2, 4.3.6)."""
    return _COLLAPSE.sub(" ", text).strip(_SPACE)


def _uri(text: str) -> str:
    word = collapse(text)
    if not _URI.fullmatch(_ESCAPED.sub("_", word)):
        raise Wrong("uri-form", f"{_shown(text)} is no address (RFC 3986)")
    return word


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise Wrong("json", "is no text")
    if odd := _NOT_XML.search(value):
        raise Wrong("characters", f"has the character U+{ord(odd[0]):04X}, which XML cannot carry")
    return value


def _same(value: Any) -> Any:
    return value


def choice(values: Sequence[str]) -> Kind:
    """One word of a vocabulary."""
    known = frozenset(values)

    def one(text: Any) -> str:
        if not isinstance(text, str) or text not in known:
            raise Wrong("schema", f"{_shown(text)} is none of {', '.join(values)}")
        return text

    return Kind(one, one, _same, one)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _language(text: str) -> str:
    # An empty element takes the XSD's default.
    if text == "":
        return "en-US"
    word = collapse(text)
    if not _LANGUAGE.fullmatch(word):
        raise Wrong("language-form", f"{_shown(text)} is no language tag, such as en-US or ja")
    return word


def time_of(text: str, *, version: str = "1.2") -> datetime:
    """The time that an element says, with its offset; fractions of a second, which only 1.1 has, are dropped."""
    found = (_TIME_12 if version == "1.2" else _TIME_11).fullmatch(collapse(text))
    if found is None:
        mend = "CAP 1.2 writes it as 2026-11-22T18:00:00-00:00, with the offset in digits"
        raise Wrong("time-form", f"{_shown(text)} is no such date and time: {mend}")
    year, month, day, hour, minute, second = (int(it) for it in found.groups()[:6])
    if len(found[1]) != 4:
        raise Wrong("time-range", f"{found[1]} is no year in which a warning is sent")
    sign, hours, minutes = found[8], int(found[9] or 0), int(found[10] or 0)
    if (hours, minutes) > (14, 0) or minutes > 59:
        raise Wrong("time-form", f"{_shown(text)}: an offset is at most 14:00")
    try:
        # xs:dateTime allows midnight to be said as the end of a day.
        late = (hour, minute, second) == (24, 0, 0) and not (found[7] or "").strip(".0")
        when = datetime(year, month, day, 0 if late else hour, minute, second)  # noqa: DTZ001 -- its offset follows
        when += timedelta(days=late)
    except (ValueError, OverflowError) as fault:
        raise Wrong("time-form", f"{_shown(text)} is no date and time: {fault}") from None
    if version == "1.1" and sign is None and found[11] is None:
        raise Wrong("time-zone", f"{_shown(text)} does not say its time zone, so nobody knows when it is")
    if not YEARS[0] <= year <= YEARS[1]:
        raise Wrong("time-range", f"{year:04} is no year in which a warning is sent")
    offset = timedelta(hours=hours, minutes=minutes)
    return when.replace(tzinfo=timezone(-offset if sign == "-" else offset))


def _stamp(when: Any) -> str:
    if not isinstance(when, datetime) or when.utcoffset() is None:
        raise Wrong("time-form", "a time must say its offset from UTC")
    if not YEARS[0] <= when.year <= YEARS[1]:
        raise Wrong("time-range", f"{when.year:04} is no year in which a warning is sent")
    return stamp(when)


def _time_plain(value: Any) -> datetime:
    return time_of(_text(value), version="1.1")  # a browser says UTC as Z, with milliseconds


def _integer(text: str) -> int:
    word = collapse(text)
    if not _INTEGER.fullmatch(word):
        raise Wrong("number-form", f"{_shown(text)} is no whole number of at most 18 digits")
    return int(word)


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int):
        raise Wrong("json", "is no whole number")
    return value


def _decimal(text: str) -> float:
    word = collapse(text)
    if not _DECIMAL.fullmatch(word):
        raise Wrong("number-form", f"{_shown(text)} is no decimal number")
    return float(word)


def number(value: Any) -> float:
    """A finite number of JSON, no bool."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Wrong("json", f"{_shown(value)} is no number")
    return float(value)


def digits(value: float) -> str:
    """A number in digits alone, exactly: reading it gives the same number."""
    if not math.isfinite(value):
        raise Wrong("number-form", f"{value} is no number")
    return format(Decimal(repr(float(value))).normalize(), "f")


def _words(text: str) -> tuple[str, ...]:
    """Words between spaces; a word with spaces stands in quotation marks."""
    found, at = [], 0
    bare = text.strip()
    while at < len(bare):
        word = _WORD.match(bare, at)
        if word is None:
            raise Wrong("addresses-form", f"{_shown(bare[at : at + 40])}: quotation marks that are not paired")
        found.append(word[1] if word[1] is not None else word[2])
        if len(found) > LIST:
            raise Wrong("too-many", f"more than {LIST:,} words")
        at = word.end()
        while at < len(bare) and bare[at].isspace():
            at += 1
    return tuple(it for it in found if it)


def _worded(words: tuple[str, ...]) -> str:
    for word in words:
        if not word or '"' in _text(word):
            raise Wrong("addresses-form", f"{_shown(word)}: empty, or with a quotation mark in it")
    return " ".join(f'"{it}"' if re.search(r"\s", it) else it for it in words)


def references_of(text: str) -> tuple[Reference, ...]:
    """The messages that a text of `sender,identifier,sent` groups cites."""
    found = []
    groups = text.split()
    if len(groups) > LIST:
        raise Wrong("too-many", f"{len(groups):,} references; at most {LIST:,} are read")
    for group in groups:
        parts = group.split(",")
        if len(parts) != 3 or not parts[0] or not parts[1]:
            raise Wrong("references-form", f"{_shown(group)} is not sender,identifier,sent")
        try:
            found.append(Reference(parts[0], parts[1], time_of(parts[2], version="1.1")))
        except Wrong as fault:
            raise Wrong("references-form", f"{_shown(group)}: {fault.why}") from None
    return tuple(found)


def _referred(references: tuple[Reference, ...]) -> str:
    for one in references:
        if not one.sender or not one.identifier or re.search(r"[\s,]", _text(one.sender) + _text(one.identifier)):
            raise Wrong("references-form", f"{_shown(one.sender)}, {_shown(one.identifier)}: spaces or commas")
    return " ".join(f"{one.sender},{one.identifier},{_stamp(one.sent)}" for one in references)


def point(lat: float, lon: float) -> Point:
    """A point on Earth, or Wrong."""
    if not -90.0 <= lat <= 90.0 or not -180.0 <= lon <= 180.0:
        swapped = -90.0 <= lon <= 90.0 and -180.0 <= lat <= 180.0
        why = "; CAP writes the latitude first" if swapped else ""
        raise Wrong("coordinates", f"{lat},{lon} is not on Earth{why}")
    return Point(lat, lon)


def _polygon(text: str) -> Polygon:
    pairs = text.split()
    if not pairs:
        raise Wrong("polygon-form", "is empty")
    found = []
    for pair in pairs:
        match = _PAIR.fullmatch(pair)
        if match is None:
            raise Wrong("polygon-form", f"{_shown(pair)} is not latitude,longitude")
        found.append(point(float(match[1]), float(match[2])))
    return tuple(found)


def _outlined(polygon: Polygon) -> str:
    return " ".join(f"{digits(lat)},{digits(lon)}" for lat, lon in polygon)


def _polygon_plain(value: Any) -> Polygon:
    if not isinstance(value, list | tuple):
        raise Wrong("json", "is no list of [latitude, longitude]")
    if len(value) > POINTS:
        raise Wrong("too-many", f"{len(value):,} points; at most {POINTS:,} are read")
    if not all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in value):
        raise Wrong("polygon-form", "is no list of [latitude, longitude]")
    return tuple(point(number(lat), number(lon)) for lat, lon in value)


def _circle(text: str) -> Circle:
    match = _CIRCLE.fullmatch(text)
    if match is None:
        raise Wrong("circle-form", f"{_shown(text)} is not latitude,longitude and a radius in kilometres, not negative")
    return Circle(*point(float(match[1]), float(match[2])), float(match[3]))


def _ringed(circle: Circle) -> str:
    return f"{digits(circle.lat)},{digits(circle.lon)} {digits(circle.radius_km)}"


def _circle_plain(value: Any) -> Circle:
    if not isinstance(value, dict) or set(value) != {"lat", "lon", "radius"}:
        raise Wrong("json", 'is no {"lat", "lon", "radius"}')
    return Circle(*point(number(value["lat"]), number(value["lon"])), number(value["radius"]))


def _listed(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise Wrong("json", "is no list of texts")
    return tuple(_text(it) for it in value)


def _references_plain(value: Any) -> tuple[Reference, ...]:
    return references_of(" ".join(_listed(value)))


TEXT: Final = Kind(_same, _text, _same, _text, PROSE)
TOKEN: Final = replace(TEXT, most=NAME)
BASE64: Final = replace(TEXT, most=ENCLOSED)
LANGUAGE: Final = Kind(_language, _text, _same, lambda said: _language(_text(said)))
URI: Final = Kind(_uri, _text, _same, lambda said: _uri(_text(said)), PROSE)
TIME: Final = Kind(time_of, _stamp, stamp, _time_plain)
TIME_11: Final = Kind(lambda text: time_of(text, version="1.1"), _stamp, stamp, _time_plain)
INTEGER: Final = Kind(_integer, lambda value: str(_whole(value)), _same, _whole)
DECIMAL: Final = Kind(_decimal, digits, _same, number)
WORDS: Final = Kind(_words, _worded, list, _listed, LISTED)
REFERENCES: Final = Kind(references_of, _referred, lambda cited: [str(it) for it in cited], _references_plain, LISTED)
POLYGON: Final = Kind(_polygon, _outlined, lambda ring: [list(it) for it in ring], _polygon_plain, OUTLINE)
CIRCLE: Final = Kind(_circle, _ringed, lambda it: {"lat": it.lat, "lon": it.lon, "radius": it.radius_km}, _circle_plain)
