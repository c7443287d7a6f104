"""The words of warnings, and how what people say of one is read: every fault is refused with the name of its member.

Codes are those of CAP 1.2 (OASIS, 1 July 2010, clause 3.2). Texts are language maps: what is missing in a language is
read in English. Held by tests/apps/test_warnings.py.
"""

import math
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

from hansa import Entity, Refusal, geo

SECOND: Final = 1_000_000
DAY: Final = 86_400 * SECOND
NEVER: Final = 9_000_000_000_000_000
"""A `due` that no clock reaches: what is over stays out of the range that a round asks for."""

LANGUAGES: Final = ("en", "fr", "es", "ar", "ja")
STATUS: Final = ("Actual", "Exercise", "Test")
SCOPES: Final = ("Public", "Restricted")
SEVERITY: Final = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
URGENCY: Final = ("Immediate", "Expected", "Future", "Past", "Unknown")
CERTAINTY: Final = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")
CATEGORY: Final = (
    *("Geo", "Met", "Safety", "Security", "Rescue", "Fire", "Health", "Env", "Transport", "Infra", "CBRNE"),
    "Other",
)
RESPONSE: Final = ("Shelter", "Evacuate", "Prepare", "Execute", "Avoid", "Monitor", "Assess", "AllClear", "None")
COMMANDING: Final = frozenset({"Shelter", "Evacuate"})
"""What nobody's preferences silence."""

STATES: Final = ("draft", "proposed", "approved", "sent", "updated", "cancelled", "expired", "discarded")
OVER: Final = frozenset({"updated", "cancelled", "expired", "discarded"})

KINDS: Final = ("push", "email", "sms", "webhook", "mqtt", "display", "print", "phone")
OWN: Final = ("push", "email", "sms")
"""Channels that people can name themselves: each can be asked whether it is theirs."""

TITLE, SHORT, BODY = 160, 300, 5_000  # characters of a text, by what it is; `short` is two SMS at most
NAME: Final = 120  # characters of a name of a person, place or group
AREAS: Final = 20  # polygons, circles and geocodes of one warning, each
CORNERS: Final = 1_000  # of all its polygons: an address for phones, not a survey
PLACES: Final = 10  # of one recipient
CHANNELS: Final = 5  # of one recipient
RADIUS_M: Final = 50_000.0  # around a place: a valley
CIRCLE_M: Final = 500_000.0  # of a warned circle: a region
HOURS: Final = 24 * 7.0  # the longest that a warning is in force: longer, it is an update

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_EMAIL: Final = re.compile(
    r"[^\s@<>,;:\"()\[\]\\]{1,64}@[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?\.[A-Za-z]{2,63}"
)
_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")  # E.164
_HERE: Final = re.compile(r"http://(?:127\.0\.0\.1|localhost)(?::[0-9]{1,5})?/")
_TIME: Final = re.compile(r"(?:[01][0-9]|2[0-3]):[0-5][0-9]")


def only(said: Mapping[str, Any], *names: str) -> None:
    """Refuse what is not known: a word that is passed over may have been meant. Raises Refusal."""
    for name in said:
        if name not in names:
            raise Refusal("this is not said here", where=str(name)[:80], mend=f"known: {', '.join(names)}")


def text(said: Mapping[str, Any], name: str, most: int = NAME, *, needed: bool = False) -> str:
    """A text without control characters, perhaps empty. Raises Refusal."""
    one = said.get(name)
    if one is None:
        one = ""
    if not isinstance(one, str):
        raise Refusal(f"{name} is a text", where=name)
    if len(one) > most:
        raise Refusal(f"{name} has {len(one):,} characters", where=name, mend=f"{most:,} are the most")
    if _CONTROL.search(one):
        raise Refusal(f"{name} holds a control character, or one that turns the direction of writing", where=name)
    if needed and not one.strip():
        raise Refusal(f"{name} is missing", where=name)
    return one.strip()


def word(said: Mapping[str, Any], name: str, known: Iterable[str], otherwise: str = "") -> str:
    """One of the known words. Raises Refusal."""
    one = said.get(name, otherwise or None)
    if one not in (them := tuple(known)):
        raise Refusal(f"{name} is none of the known words", where=name, mend=", ".join(them))
    return str(one)


def listed(said: Mapping[str, Any], name: str, known: Iterable[str] | None = None, most: int = 20) -> list[str]:
    """Distinct words of a list, in their order. Raises Refusal."""
    many = said.get(name)
    if many is None:
        return []
    them = None if known is None else tuple(known)
    if not isinstance(many, list) or len(many) > most or not all(isinstance(one, str) for one in many):
        raise Refusal(f"{name} is a list of up to {most} words", where=name)
    for one in many:
        if (them is not None and one not in them) or not one.strip() or len(one) > NAME or _CONTROL.search(one):
            mend = None if them is None else ", ".join(them)
            raise Refusal(f"{one[:40]!r} is not known here", where=name, mend=mend)
    return list(dict.fromkeys(one.strip() for one in many))


def by_language(said: Any, name: str, most: int) -> dict[str, str]:
    """A language map of texts. Raises Refusal."""
    if said is None:
        return {}
    if not isinstance(said, Mapping):
        raise Refusal(f"{name} is a text for each language", where=name, mend=", ".join(LANGUAGES))
    only(said, *LANGUAGES)
    found = {one: text(said, one, most) for one in LANGUAGES if one in said}
    return {language: words for language, words in found.items() if words}


def texts_of(said: Any) -> dict[str, dict[str, str]]:
    """Texts: {language: {"title", "short", "body"}}; English is there, and each language is whole. Raises Refusal."""
    if not isinstance(said, Mapping):
        raise Refusal("texts are by language", where="texts", mend='{"en": {"title", "short", "body"}}')
    only(said, *LANGUAGES)
    found: dict[str, dict[str, str]] = {}
    for language in LANGUAGES:
        one = said.get(language)
        if one is None:
            continue
        if not isinstance(one, Mapping):
            raise Refusal("a text has title, short and body", where=f"texts.{language}")
        only(one, "title", "short", "body")
        parts = {name: text(one, name, most) for name, most in (("title", TITLE), ("short", SHORT), ("body", BODY))}
        if not any(parts.values()):
            continue
        for name, words in parts.items():
            if not words:
                raise Refusal(f"{name} is missing in {language}", where=f"texts.{language}.{name}")
        found[language] = parts
    if "en" not in found:
        raise Refusal("English is missing", where="texts.en", mend="who reads no other language is told in English")
    return found


def instant(said: Any) -> int | None:
    """Microseconds of an ISO 8601 date-time with its offset; None when it is none."""
    if not isinstance(said, str) or len(said) > 40:
        return None
    try:
        at = datetime.fromisoformat(said)
    except ValueError:
        return None
    return None if at.tzinfo is None else int(at.timestamp()) * SECOND


def moment(said: Mapping[str, Any], name: str) -> int | None:
    """A date-time that somebody says, or none. Raises Refusal."""
    if said.get(name) in (None, ""):
        return None
    at = instant(said[name])
    if at is None:
        raise Refusal(f"{name} is no date-time", where=name, mend="as 2026-04-01T20:00:00Z")
    return at


def iso(at: int) -> str:
    """An instant as people and programs read it."""
    return datetime.fromtimestamp(at // SECOND, UTC).isoformat().replace("+00:00", "Z")


def utc(at: int) -> datetime:
    """An instant as CAP's tree takes it: whole seconds of UTC."""
    return datetime.fromtimestamp(at // SECOND, UTC)


def micros(at: datetime) -> int:
    """Microseconds of an instant of CAP's tree."""
    return int(at.timestamp()) * SECOND


def number(value: Any, name: str, least: float, most: float) -> float:
    """A finite number within bounds. Raises Refusal."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise Refusal(f"{name} is a number", where=name)
    if not least <= value <= most:
        raise Refusal(f"{name} lies between {least:g} and {most:g}", where=name)
    return float(value)


def quiet_of(said: Any) -> dict[str, str] | None:
    """Hours in which somebody sleeps: {"from": "22:00", "until": "07:00"}; None: none. Raises Refusal."""
    if said in (None, "", {}):
        return None
    if not isinstance(said, Mapping):
        raise Refusal("quiet is from and until", where="quiet", mend='{"from": "22:00", "until": "07:00"}')
    only(said, "from", "until")
    for name in ("from", "until"):
        if not isinstance(said.get(name), str) or not _TIME.fullmatch(said[name]):
            raise Refusal(f"{name} is a time of day", where=f"quiet.{name}", mend="as 22:00")
    if said["from"] == said["until"]:
        raise Refusal("that would be the whole day", where="quiet")
    return {"from": said["from"], "until": said["until"]}


def places_of(said: Any) -> list[dict[str, Any]]:
    """Places somebody wants to hear of: {"name", "lon", "lat", "radius_m"}; none: all. Raises Refusal."""
    if said is None:
        return []
    if not isinstance(said, list) or len(said) > PLACES:
        raise Refusal(f"places are a list of at most {PLACES}", where="places")
    found = []
    for n, one in enumerate(said):
        if not isinstance(one, Mapping):
            raise Refusal("a place has a name, lon and lat", where=f"places[{n}]")
        only(one, "name", "lon", "lat", "radius_m")
        found.append(
            {
                "name": text(one, "name"),
                "lon": round(number(one.get("lon"), f"places[{n}].lon", -180, 180), 5),
                "lat": round(number(one.get("lat"), f"places[{n}].lat", -90, 90), 5),
                "radius_m": round(number(one.get("radius_m", 1_000), f"places[{n}].radius_m", 0, RADIUS_M)),
            }
        )
    return found


def reached_by(said: str) -> bool:
    """Whether an address of the web is one by https, or on this machine itself; the egress wall judges it again."""
    return said.startswith("https://") or _HERE.match(said) is not None


def email(said: str) -> str:
    """An address for mail, in one spelling. Raises Refusal."""
    if len(said) > 254 or not said.isascii() or not _EMAIL.fullmatch(said) or ".." in said:
        raise Refusal("this is no e-mail address", where="channels", mend="as ada@example.org")
    local, _, host = said.rpartition("@")
    return f"{local}@{host.lower()}"


def phone(said: str) -> str:
    """A number as E.164 writes it; blanks, points and brackets are passed over. Raises Refusal."""
    bare = re.sub(r"[\s().\-/]", "", said)
    bare = f"+{bare[2:]}" if bare.startswith("00") else bare
    if not _PHONE.fullmatch(bare):
        raise Refusal("this is no telephone number with its country", where="channels", mend="as +421901234567")
    return bare


def hashed(*parts: str) -> str:
    """A short name made of several texts: the same for the same, and no two alike."""
    said = b"".join(len(one).to_bytes(4, "big") + one for one in (part.encode("utf-8", "replace") for part in parts))
    return blake2b(said, digest_size=12).hexdigest()


def area_ok(geometry: Any, where: str = "area") -> dict[str, Any]:
    """A polygon or several, as drawn on a map: valid, closed, with a cap on corners. Raises Refusal."""
    if not isinstance(geometry, dict) or geometry.get("type") not in {"Polygon", "MultiPolygon"}:
        raise Refusal("an area is a polygon", where=where, mend="GeoJSON Polygon or MultiPolygon")
    geo.validate(geometry)
    rings = [ring for part in _parts(geometry) for ring in part]
    if len(rings) > AREAS or sum(map(len, rings)) > CORNERS:
        raise Refusal(f"at most {AREAS} polygons with {CORNERS:,} corners in all", where=where)
    if any(len(part) != 1 for part in _parts(geometry)):
        raise Refusal("an area of a warning has no holes", where=where, mend="draw two beside each other")
    return {"type": geometry["type"], "coordinates": geometry["coordinates"]}


def _parts(geometry: Mapping[str, Any]) -> list[Any]:
    return list(geometry["coordinates"]) if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]


def relation(one: Entity, name: str) -> str:
    """The id that an attribute names, or nothing."""
    said = one.get(name)
    return said if isinstance(said, str) else ""


def dicts(said: Any) -> list[dict[str, Any]]:
    """The objects of a list, whatever else is in it."""
    return [one for one in said if isinstance(one, dict)] if isinstance(said, list) else []


def mapping(said: Any) -> dict[str, Any]:
    """An object, or an empty one."""
    return said if isinstance(said, dict) else {}


def whole(said: Any, otherwise: int = 0) -> int:
    """A whole number, or another."""
    return int(said) if isinstance(said, int | float) and not isinstance(said, bool) else otherwise
