"""What residents may ask for: services as data, each with its questions, department, and how soon it is answered.

A definition (JSON; `catalogue.json` beside this holds those that hansa brings) says:

    code, active, names, descriptions, keywords (by language), group, type (realtime, batch, blackbox)
    attributes   questions, as Open311 GeoReport v2 has them, with `names` and `when` (asked only if)
    department, places   who does it; `places` by the key of a district
    answer_h, close_h    working hours to the first answer, and to the end
    calendar     name of one of the setting `calendars`
    anonymous, listed, place ("required" or "optional"), photos, notice

A city's own `Service` entities stand before those of the catalogue; each edition of one is kept.
"""

import json
import math
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from hansa import City, NotFound, Refusal
from hansa.apps.requests import texts
from hansa.apps.requests.times import moment

CODE: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}\Z")
TYPES: Final = ("realtime", "batch", "blackbox")
DATATYPES: Final = ("string", "number", "datetime", "text", "singlevaluelist", "multivaluelist")
SERVICES: Final = 500
"""Of one city; New York's 311 has some 300."""
QUESTIONS: Final = 20
VALUES: Final = 100
HOURS: Final = 8_000
"""Working hours of a promise: four years."""
ANSWER: Final = {"string": 200, "text": 2_000}
_WORDS: Final = """
code active names descriptions keywords group type attributes department places answer_h close_h calendar
anonymous listed place photos notice
"""
_KNOWN: Final = frozenset(_WORDS.split())


@dataclass(frozen=True, slots=True)
class Question:
    """One attribute of a service: what is asked besides where and what."""

    code: str
    datatype: str
    required: bool
    variable: bool
    order: int
    names: Mapping[str, str]
    help: Mapping[str, str]
    values: tuple[tuple[str, Mapping[str, str]], ...] = ()
    when: tuple[str, frozenset[str]] | None = None

    def told(self) -> dict[str, Any]:
        """As JSON."""
        told: dict[str, Any] = {
            "code": self.code,
            "datatype": self.datatype,
            "required": self.required,
            "variable": self.variable,
            "order": self.order,
            "description": dict(self.names),
            "help": dict(self.help),
            "values": [{"key": key, "names": dict(names)} for key, names in self.values],
        }
        if self.when is not None:
            told["when"] = {"code": self.when[0], "is": sorted(self.when[1])}
        return told

    def asked(self, answers: Mapping[str, Any]) -> bool:
        """Whether it is asked at all, given what else was answered."""
        if not self.variable:
            return False
        if self.when is None:
            return True
        said = answers.get(self.when[0])
        return bool(self.when[1] & set(map(str, said if isinstance(said, list) else [said])))


@dataclass(frozen=True, slots=True)
class Service:
    """One thing that residents may ask for."""

    code: str
    names: Mapping[str, str]
    descriptions: Mapping[str, str]
    keywords: Mapping[str, Sequence[str]]
    group: str
    department: str
    places: Mapping[str, str]
    questions: tuple[Question, ...] = ()
    type: str = "realtime"
    answer_h: float = 16
    close_h: float = 80
    calendar: str = ""
    active: bool = True
    anonymous: bool = True
    listed: bool = True
    place: str = "required"
    photos: int = 5
    notice: Mapping[str, str] | None = None
    version: int = 0

    def does(self, district: str) -> str:
        """The department that does it in a district."""
        return self.places.get(district, self.department)

    def told(self) -> dict[str, Any]:
        """As JSON, for whoever wants to ask for it."""
        return {
            "code": self.code,
            "version": self.version,
            "names": dict(self.names),
            "descriptions": dict(self.descriptions),
            "group": self.group,
            "keywords": {tag: list(some) for tag, some in self.keywords.items()},
            "attributes": [one.told() for one in self.questions],
            "anonymous": self.anonymous,
            "place": self.place,
            "photos": self.photos,
            "listed": self.listed,
            "levels": {"answer_h": self.answer_h, "close_h": self.close_h},
            "notice": dict(self.notice or {}),
        }


@dataclass(frozen=True, slots=True)
class Catalogue:
    """All services of a city, by code, and what their groups are called."""

    services: Mapping[str, Service]
    groups: Mapping[str, Mapping[str, str]]
    faults: tuple[str, ...] = ()

    def one(self, code: Any) -> Service:
        """An active service; Refusal."""
        found = self.services.get(code) if isinstance(code, str) else None
        if found is None or not found.active:
            raise Refusal(
                f"there is no service {str(code)[:40]!r}", where="service", mend="GET /desk/requests/services"
            )
        return found

    def known(self, code: Any) -> Service:
        """A service, also one that is no longer offered; NotFound."""
        found = self.services.get(code) if isinstance(code, str) else None
        if found is None:
            raise NotFound(f"there is no service {str(code)[:40]!r}", where="service")
        return found


_KEPT: dict[Hashable, Catalogue] = {}
_KEPT_MOST: Final = 16  # as many sights as ask at once


def catalogue(city: City) -> Catalogue:
    """The services of a city; kept until one changes."""
    version = (city.version("Service"), repr(city.setting("catalogue")))
    kept = _KEPT.get(version)
    if kept is None:
        if len(_KEPT) >= _KEPT_MOST:
            _KEPT.clear()
        kept = _KEPT[version] = _catalogue(city)
    return kept


def _catalogue(city: City) -> Catalogue:
    shipped = _shipped()
    services = dict(shipped.services) if city.setting("catalogue", True) is not False else {}
    faults = []
    for one in city.find("Service", limit=SERVICES):
        try:
            read = service(one.get("definition"))
            services[read.code] = replace(read, version=int(one.get("version") or 1))
        except (Refusal, TypeError, ValueError) as fault:
            faults.append(f"{one.key}: {fault}"[:300])
    return Catalogue(services, shipped.groups, tuple(faults))


@lru_cache(maxsize=1)
def _shipped() -> Catalogue:
    said = json.loads(files("hansa.apps.requests").joinpath("catalogue.json").read_text("utf-8"))
    made = [service(one) for one in said["services"]]
    return Catalogue({one.code: one for one in made}, said["groups"])


# ---- Reading a definition


def service(said: Any) -> Service:
    """A service from its definition; Refusal names what is wrong with it."""
    if not isinstance(said, Mapping):
        raise Refusal("a service is an object", where="definition")
    if extra := sorted(set(map(str, said)) - _KNOWN):
        raise Refusal(f"a service has no {extra[0][:40]}", where=extra[0][:40], mend=", ".join(sorted(_KNOWN)))
    kind = said.get("type", "realtime")
    if kind not in TYPES:
        raise Refusal("type is realtime, batch or blackbox", where="type")
    place = said.get("place", "required")
    if place not in {"required", "optional"}:
        raise Refusal("place is required or optional", where="place")
    listed = said.get("attributes", [])
    if not isinstance(listed, list) or len(listed) > QUESTIONS:
        raise Refusal(f"attributes are up to {QUESTIONS}", where="attributes")
    questions = tuple(_question(one, n) for n, one in enumerate(listed))
    codes = [one.code for one in questions]
    if len(set(codes)) < len(codes):
        raise Refusal("two attributes have one code", where="attributes")
    for n, one in enumerate(questions):
        if one.when is not None and one.when[0] not in codes[:n]:
            raise Refusal(f"{one.code} depends on what is not asked before it", where="attributes")
    places = said.get("places", {})
    if not isinstance(places, Mapping) or len(places) > 2_000:
        raise Refusal("places are departments by the key of a district", where="places")
    keywords = said.get("keywords", {})
    if not isinstance(keywords, Mapping):
        raise Refusal("keywords are lists by language", where="keywords")
    return Service(
        code=_code(said.get("code"), "code"),
        names=texts.words(said.get("names"), "names", 100),
        descriptions=texts.words(said.get("descriptions", {}), "descriptions", 500, least=0),
        keywords={texts.language(tag): _list(some, "keywords") for tag, some in keywords.items()},
        group=texts.plain(said.get("group", "other"), "group", 40),
        department=_code(said.get("department"), "department"),
        places={str(key)[:100]: _code(one, "places") for key, one in places.items()},
        questions=questions,
        type=kind,
        answer_h=_hours(said.get("answer_h", 16), "answer_h"),
        close_h=_hours(said.get("close_h", 80), "close_h"),
        calendar=texts.plain(said.get("calendar", ""), "calendar", 40, least=0),
        active=said.get("active", True) is not False,
        anonymous=said.get("anonymous", True) is not False,
        listed=said.get("listed", True) is not False,
        place=place,
        photos=min(5, max(0, int(said.get("photos", 5)))),
        notice=texts.words(said.get("notice", {}), "notice", 500, least=0),
    )


def _question(said: Any, n: int) -> Question:
    if not isinstance(said, Mapping):
        raise Refusal("an attribute is an object", where=f"attributes[{n}]")
    where = f"attributes[{n}]"
    kind = said.get("datatype", "string")
    if kind not in DATATYPES:
        raise Refusal(f"datatype is one of {', '.join(DATATYPES)}", where=f"{where}.datatype")
    listed = said.get("values", [])
    if not isinstance(listed, list) or len(listed) > VALUES or bool(listed) != kind.endswith("list"):
        raise Refusal(f"values are up to {VALUES}, for lists and for lists alone", where=f"{where}.values")
    values = []
    for one in listed:
        if not isinstance(one, Mapping):
            raise Refusal("a value has a key and names", where=f"{where}.values")
        values.append((texts.plain(one.get("key"), f"{where}.values", 60), texts.words(one.get("names"), where, 100)))
    if len({key for key, _ in values}) < len(values) or any("," in key for key, _ in values):
        raise Refusal("keys of values differ, and have no comma", where=f"{where}.values")
    when = said.get("when")
    if when is not None and not (isinstance(when, Mapping) and isinstance(when.get("is"), list) and when["is"]):
        raise Refusal("when says a code, and the values it is (a list)", where=f"{where}.when")
    return Question(
        code=_code(said.get("code"), f"{where}.code"),
        datatype=kind,
        required=said.get("required") is True,
        variable=said.get("variable", True) is not False,
        order=n + 1,
        names=texts.words(said.get("names"), f"{where}.names", 300),
        help=texts.words(said.get("help", {}), f"{where}.help", 500, least=0),
        values=tuple(values),
        when=None if when is None else (str(when.get("code")), frozenset(map(str, when["is"]))),
    )


def _code(said: Any, where: str) -> str:
    if not isinstance(said, str) or not CODE.match(said):
        raise Refusal(f"{where} is a word of small letters, figures and dashes", where=where)
    return said


def _list(said: Any, where: str) -> list[str]:
    if not isinstance(said, list) or len(said) > 50:
        raise Refusal(f"{where} is a list of up to 50 words", where=where)
    return [texts.plain(one, where, 60).replace(",", " ") for one in said]


def _hours(said: Any, where: str) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not 0 < said <= HOURS:
        raise Refusal(f"{where} is a number of working hours, up to {HOURS:,}", where=where)
    return float(said)


# ---- What somebody answered


def answers(one: Service, said: Any) -> dict[str, Any]:
    """The answers to a service's questions, checked one by one: {code: text, number, or list of keys}. Refusal."""
    if said in (None, ""):
        said = {}
    if isinstance(said, str):
        try:
            said = json.loads(said[:100_000])
        except ValueError:
            raise Refusal("attributes is a JSON object", where="attributes") from None
    if not isinstance(said, Mapping):
        raise Refusal("attributes is an object of answers by code", where="attributes")
    known = {question.code for question in one.questions}
    if extra := sorted(set(map(str, said)) - known):
        raise Refusal(f"{one.code} does not ask {extra[0][:40]!r}", where="attributes", mend=", ".join(sorted(known)))
    made: dict[str, Any] = {}
    for question in one.questions:
        given = said.get(question.code)
        if not question.asked(made):
            continue
        if given in (None, "", []):
            if question.required:
                raise Refusal(f"{question.code} is not answered", where=f"attributes.{question.code}")
            continue
        made[question.code] = _answer(question, given)
    return made


def _answer(question: Question, said: Any) -> Any:
    where = f"attributes.{question.code}"
    if question.datatype.endswith("list"):
        some = said if isinstance(said, list) else str(said).split(",")
        keys = [str(one).strip() for one in some[: VALUES + 1]]
        known = [key for key, _ in question.values]
        if odd := [key for key in keys if key not in known]:
            raise Refusal(f"{odd[0][:40]!r} is no answer to {question.code}", where=where, mend=", ".join(known))
        if question.datatype == "multivaluelist":
            return list(dict.fromkeys(keys))
        if len(keys) != 1:
            raise Refusal(f"{question.code} has one answer", where=where)
        return keys[0]
    if question.datatype == "number":
        try:
            number = float(said)
        except (TypeError, ValueError, OverflowError):
            raise Refusal(f"{question.code} is a number", where=where) from None
        if not math.isfinite(number) or isinstance(said, bool):
            raise Refusal(f"{question.code} is a number", where=where)
        return int(number) if number.is_integer() and abs(number) < 1e15 else number
    if question.datatype == "datetime":
        moment(said, where)
        return str(said)
    text = question.datatype == "text"
    return texts.plain(said if isinstance(said, str) else str(said), where, ANSWER[question.datatype], lines=text)
