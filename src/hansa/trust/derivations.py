"""Derivations: what may leave a realm, declared word for word, reviewed by two people, and nothing beside it.

    {"name": "crowd", "source": "security", "target": "open", "type": "CrowdCount", "makes": "Crowd",
     "label": "open;licence=CC0-1.0", "reads": ["security"],
     "attributes": {"people": {"of": "peopleCount", "kind": "number", "step": 10},
                    "square": {"of": "square", "kind": "choice", "among": ["north", "south"]}},
     "place_m": 500, "time_s": 3600}

Of an entity of `type` only what is listed leaves, as a plain Property with its value: no sub-attribute, no unit but the
declared one, no dataset but the default, no id (the new one is a keyed hash), no place but the middle of a square of
`place_m`, no `observedAt` but the beginning of `time_s`. A number may be rounded to `step`, a text leaves only when it
is one of `among`, or when `kind` says `text`. Attributes under labels of other classes than `reads` do not exist.
With `aggregate` the entities of a group (all that agree in `attributes` and place) leave as one, with their `count`
and `mean`s, once there are `least`, and again when so many of them have changed: no single one can be told from two
answers.
When a derived entity was written can be seen by whoever may read it; a derivation hides what, not that.
Pure. Report: 4.2; DESIGN, invariant 5.
"""

import hashlib
import hmac
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from hansa import clock
from hansa.errors import BadRequest
from hansa.model.entity import MEMBERS, Doc, Entity, default_instance
from hansa.trust.labels import CLASSES, Label

KINDS: Final = ("number", "flag", "choice", "text")
LEAST: Final = 3
"""The smallest group of which anything may be said together."""
_NAME: Final = re.compile(r"[a-z][a-z0-9-]{0,63}\Z", re.ASCII)
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}\Z", re.ASCII)
_TYPE: Final = re.compile(r"[^\s|;,()&\"']{1,2048}\Z")
_ACTS: Final = frozenset({"Command", "Device"})  # entities that make something happen
_MANY: Final = 50  # attributes of one derivation, and values that one may have: somebody is to read them
_LONG: Final = 2_048
_DEGREE_M: Final = 111_320.0  # metres of a degree of latitude (WGS 84, mean)
_MEMBERS: Final = frozenset(
    {"name", "source", "target", "tenant", "type", "makes", "label", "reads", "purpose", "attributes", "place_m"}
    | {"time_s", "aggregate"}
)


@dataclass(frozen=True, slots=True)
class Leaving:
    """One attribute that leaves: `of` its name there, what `kind` of value, how it is made coarse."""

    name: str
    of: str
    kind: str
    step: float = 0.0
    among: tuple[str, ...] = ()
    unit: str = ""

    def value(self, said: Any) -> Any:
        """What leaves of a value; None: nothing."""
        match self.kind:
            case "number" if type(said) in {int, float} and math.isfinite(said):
                return self.rounded(said)
            case "flag" if type(said) is bool:
                return said
            case "choice" if type(said) is str and said in self.among:
                return said
            case "text" if type(said) is str:
                return said[:_LONG]
        return None

    def rounded(self, value: float) -> float:
        """To the nearest multiple of `step`."""
        if not self.step:
            return value
        times = value / self.step
        if not math.isfinite(times):
            return value
        near = round(times) * self.step
        # 0.1 * 3 is not what anybody would write: as many digits as the step has.
        return int(near) if float(self.step).is_integer() else round(near, 12)

    def to_json(self) -> dict[str, Any]:
        """As it is declared."""
        said: dict[str, Any] = {"of": self.of, "kind": self.kind}
        if self.step:
            said["step"] = self.step
        if self.among:
            said["among"] = list(self.among)
        if self.unit:
            said["unit"] = self.unit
        return said


@dataclass(frozen=True, slots=True)
class Aggregate:
    """What leaves of a group: under which name its count, which means, and how many it takes at least."""

    least: int
    count: str = ""
    means: tuple[Leaving, ...] = ()


@dataclass(frozen=True, slots=True)
class Derivation:
    """What leaves, from where to where, and under which label."""

    name: str
    source: str
    target: str
    type: str
    makes: str
    label: str
    reads: frozenset[str]
    attributes: tuple[Leaving, ...]
    purpose: str = ""
    tenant: str = ""
    place_m: float = 0.0
    time_s: int = 0
    aggregate: Aggregate | None = None

    @property
    def actor(self) -> str:
        """Who writes what comes out."""
        return f"door:{self.name}"

    @property
    def prefix(self) -> str:
        """What the id of everything that comes out begins with."""
        return f"urn:ngsi-ld:{self.makes}:{self.name}-"

    @classmethod
    def parse(cls, said: Mapping[str, Any], realms: Sequence[str]) -> "Derivation":
        """Read a declaration; BadRequest naming the member that is wrong."""
        if unknown := set(said) - _MEMBERS:
            raise BadRequest(f"a derivation has no {min(unknown)[:40]!r}", mend=", ".join(sorted(_MEMBERS)))
        name = _matching(said.get("name"), "name", _NAME, "small letters, digits and '-', at most 64")
        source, target = (_one_of(said.get(way), way, realms) for way in ("source", "target"))
        if source == target:
            raise BadRequest("a derivation leads from one realm to another", where="target")
        label = Label.parse(_text(said.get("label"), "label"))
        reads = said.get("reads", sorted({"open", "smart", "security"} if source == "security" else {"open", "smart"}))
        if not isinstance(reads, list) or not reads or any(one not in CLASSES for one in reads):
            raise BadRequest("reads is a list of classes", where="reads", mend=", ".join(CLASSES))
        aggregate = _aggregate(said["aggregate"]) if "aggregate" in said else None
        attributes = _attributes(said.get("attributes", {}), "attributes")
        time_s = _number(said.get("time_s", 0), "time_s", most=366 * 86_400)
        if aggregate is not None and time_s:
            raise BadRequest("a group has no time of its own", where="time_s")
        made = cls(
            *(name, source, target, _matching(said.get("type"), "type", _TYPE, "the type as it is stored")),
            makes=_makes(said.get("makes")),
            label=str(label),
            reads=frozenset(reads),
            attributes=attributes,
            purpose=_text(said.get("purpose", ""), "purpose"),
            tenant=_text(said.get("tenant", ""), "tenant"),
            place_m=float(_number(said.get("place_m", 0), "place_m", most=1e6)),
            time_s=int(time_s),
            aggregate=aggregate,
        )
        _check_names(made)
        if aggregate is None and "personal" in reads:
            raise BadRequest("personal information leaves only together with others'", where="reads", mend="aggregate")
        return made

    def to_json(self) -> dict[str, Any]:
        """As it is declared, complete: the same derivation always says the same."""
        said: dict[str, Any] = {
            "name": self.name, "source": self.source, "target": self.target, "type": self.type, "makes": self.makes,
            "label": self.label, "reads": sorted(self.reads),
            "attributes": {one.name: one.to_json() for one in self.attributes},
        }  # fmt: skip
        for member in ("purpose", "tenant", "place_m", "time_s"):
            if getattr(self, member):
                said[member] = getattr(self, member)
        if self.aggregate is not None:
            together = self.aggregate
            said["aggregate"] = {
                "least": together.least,
                **({"count": together.count} if together.count else {}),
                **({"mean": {one.name: one.to_json() for one in together.means}} if together.means else {}),
            }
        return said

    def ident(self, key: bytes, what: str) -> str:
        """The id of what comes of an entity or a group: without the key nobody finds out of which."""
        return self.prefix + hmac.new(key, what.encode(), hashlib.sha256).hexdigest()[:32]

    def derived(self, seen: Entity, key: bytes) -> Doc | None:
        """What leaves of one entity, masked already; None when nothing does."""
        doc = self._said(seen)
        return {"id": self.ident(key, seen.id), "type": self.makes, **doc} if doc else None

    def member(self, seen: Entity) -> tuple[Doc, tuple[float | None, ...]] | None:
        """Of which group an entity is, and what it adds to its means; None: of none."""
        together = self.aggregate
        if together is None:
            return None
        values = []
        for one in together.means:
            value = _value_of(seen.doc, one.of)[0]
            values.append(value if type(value) in {int, float} and math.isfinite(value) else None)
        group = self._said(seen)
        if len(group) < len(self.attributes) + bool(self.place_m):
            return None  # of no group, rather than of one that gives away what is missing
        return group, tuple(values)

    def together(self, group: Doc, values: Sequence[tuple[float | None, ...]], key: bytes) -> Doc | None:
        """What leaves of a group; None while it is too small."""
        together = self.aggregate
        if together is None or len(values) < together.least:
            return None
        doc: Doc = {"id": self.ident(key, group_key(group)), "type": self.makes, **group}
        if together.count:
            doc[together.count] = {"type": "Property", "value": len(values)}
        for at, one in enumerate(together.means):
            said = [value for each in values if (value := each[at]) is not None]
            if len(said) >= together.least:
                doc[one.name] = _property(one, one.rounded(math.fsum(said) / len(said)))
        return doc

    def _said(self, seen: Entity) -> Doc:
        doc: Doc = {}
        for one in self.attributes:
            said, observed = _value_of(seen.doc, one.of)
            value = one.value(said)
            if value is None:
                continue
            doc[one.name] = _property(one, value)
            if self.time_s and observed is not None:
                length = self.time_s * clock.SECOND
                doc[one.name]["observedAt"] = clock.text(clock.parse(observed) // length * length)
        if self.place_m:
            where = coarse(_value_of(seen.doc, "location")[0], self.place_m)
            if where is not None:
                doc["location"] = {"type": "GeoProperty", "value": where}
        return doc


def group_key(group: Doc) -> str:
    """The one text of a group."""
    return json.dumps(group, sort_keys=True, separators=(",", ":"), ensure_ascii=False)


def coarse(geometry: Any, metres: float) -> dict[str, Any] | None:
    """The middle of the square of so many metres in which a Point lies; None of what is no Point."""
    if not isinstance(geometry, dict) or geometry.get("type") != "Point":
        return None
    lon, lat, *_ = geometry["coordinates"]
    tall = metres / _DEGREE_M
    middle = (math.floor(lat / tall) + 0.5) * tall
    # Squares of one row are equally wide, so that what lies in one place always falls into one square.
    wide = min(360.0, metres / (_DEGREE_M * max(0.01, math.cos(math.radians(min(89.9, abs(middle)))))))
    across = (math.floor(lon / wide) + 0.5) * wide
    return {"type": "Point", "coordinates": [_within(across, 180.0), _within(middle, 90.0)]}


def _within(degrees: float, most: float) -> float:
    return round(max(-most, min(most, degrees)), 6)


def _value_of(doc: Doc, name: str) -> tuple[Any, str | None]:
    """Value and observedAt of the default instance of a Property; of nothing else anything leaves."""
    entry = doc.get(name)
    found = None if entry is None or name in MEMBERS else default_instance(entry)
    if found is None or found.get("type") not in {"Property", "GeoProperty"}:
        return None, None
    return found.get("value"), found.get("observedAt")


def _property(one: Leaving, value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value} | ({"unitCode": one.unit} if one.unit else {})


def _attributes(said: Any, where: str) -> tuple[Leaving, ...]:
    if not isinstance(said, dict) or len(said) > _MANY:
        raise BadRequest(f"{where} is an object of at most {_MANY} attributes that leave", where=where)
    return tuple(_leaving(name, how, f"{where}.{name[:40]}") for name, how in sorted(said.items()))


def _leaving(name: str, how: Any, where: str) -> Leaving:
    _matching(name, where, _WORD, "a name of letters and digits")
    if not isinstance(how, dict):
        raise BadRequest("say what leaves of it", where=where, mend='{"of": "...", "kind": "number"}')
    if unknown := how.keys() - {"of", "kind", "step", "among", "unit"}:
        raise BadRequest(f"there is no {min(unknown)[:40]!r}", where=where, mend="of, kind, step, among, unit")
    kind = _one_of(how.get("kind"), f"{where}.kind", KINDS)
    among = how.get("among", [])
    if not isinstance(among, list) or len(among) > _MANY or not all(isinstance(one, str) for one in among):
        raise BadRequest(f"among is a list of at most {_MANY} texts", where=where)
    if (kind == "choice") != bool(among):
        raise BadRequest("a choice is among some texts, and nothing else is", where=where)
    step = float(_number(how.get("step", 0), f"{where}.step", most=1e9))
    if step and kind != "number":
        raise BadRequest("only a number has a step", where=where)
    of = _iri(how.get("of"), f"{where}.of")
    if of == "location":
        raise BadRequest("where it is leaves as place_m", where=where)
    return Leaving(name, of, kind, step, tuple(sorted(set(among))), _text(how.get("unit", ""), f"{where}.unit"))


def _aggregate(said: Any) -> Aggregate:
    if not isinstance(said, dict) or said.keys() - {"least", "count", "mean"}:
        raise BadRequest("aggregate has least, count and mean", where="aggregate")
    least = said.get("least")
    if type(least) is not int or not LEAST <= least <= 1_000_000:
        raise BadRequest(f"least is a whole number from {LEAST} on", where="aggregate.least")
    made = _attributes(said.get("mean", {}), "aggregate.mean")
    if any(one.kind != "number" or not one.step for one in made):
        raise BadRequest("a mean is a number with a step, to which it is rounded", where="aggregate.mean")
    count = said.get("count", "")
    if count:
        _matching(count, "aggregate.count", _WORD, "letters and digits")
    return Aggregate(least, _text(count, "aggregate.count"), made)


def _check_names(made: Derivation) -> None:
    together = made.aggregate
    names = [one.name for one in made.attributes]
    if together is not None:
        names += [*([together.count] if together.count else []), *(one.name for one in together.means)]
        if any(one.kind == "text" or (one.kind == "number" and not one.step) for one in made.attributes):
            raise BadRequest("a group is made by choices, flags and numbers with a step", where="attributes")
    if not names and (together is not None or not made.place_m):
        raise BadRequest("nothing would leave", where="attributes")
    for name in names:
        if names.count(name) > 1 or name in MEMBERS or name == "location":
            raise BadRequest(f"the name {name!r} is taken", where=name)


def _makes(said: Any) -> str:
    made: str = _matching(said, "makes", _WORD, "letters and digits, at most 64")
    if made in _ACTS:
        raise BadRequest(f"information leaves by a derivation, and a {made} is none", where="makes")
    return made


def _text(said: Any, where: str) -> str:
    if not isinstance(said, str) or len(said) > _LONG:
        raise BadRequest(f"{where} is a text", where=where)
    return said


def _iri(said: Any, where: str) -> str:
    text = _text(said, where)
    if not text:
        raise BadRequest(f"{where} is missing", where=where)
    return text


def _matching(said: Any, where: str, shape: "re.Pattern[str]", mend: str) -> str:
    if not isinstance(said, str) or not shape.match(said):
        raise BadRequest(f"{where} is not a good name", where=where, mend=mend)
    return said


def _one_of(said: Any, where: str, among: Sequence[str]) -> str:
    if not isinstance(said, str) or said not in among:
        raise BadRequest(f"{where} is one of {', '.join(among)}", where=where)
    return said


def _number(said: Any, where: str, *, most: float) -> float:
    if type(said) not in {int, float} or not 0 <= said <= most:
        raise BadRequest(f"{where} is a number from 0 to {most:g}", where=where)
    return said  # type: ignore[no-any-return]
