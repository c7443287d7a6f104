"""Commands to devices: what exactly was asked for, and what must never be sent while something is so.

An `Interlock` is an entity: while all of its conditions hold, no device that it names gets a payload that it matches.

    {"type": "Interlock", "name": "Gate and level", "devices": ["gate-1"], "payload": {"gate": "open"},
     "while": [{"entity": "urn:ngsi-ld:RiverGauge:weir", "attribute": "waterLevel", "is": ">", "value": 3.0,
                "fresh_s": 900}], "enabled": true}

`devices` are names, `*` is all. `payload` is a pattern: each member must match, by its value or as {"min", "max",
"enum"}; without one, every payload matches. A condition is about one `entity`, or about any of a `type`. It fails
safe: what cannot be known (nothing there, nothing said, too old, another kind of value, a condition that is none)
blocks and says why; only what is known to be otherwise lets pass. So does what is guarded more strictly than the
interlock itself, or is too much to look at: whether something is sent must tell nobody what he may not read, and
what one person writes must not hold up the city. The app `commands` asks when people ask, the sender right before it
sends. Tests: tests/model/test_command.py.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha256
from typing import Any, Final, Protocol

import orjson

from hansa.errors import NotFound
from hansa.limits import DEFAULT, Limits
from hansa.model.entity import Entity, alias

ASKED: Final = (
    "commandDevice", "payload", "expects", "requestedBy", "requestedAt", "approveBy", "sendWithin", "drill", "incident",
)  # fmt: skip
"""What somebody asks for: whoever approves approves all of this, and none of it changes afterwards."""
SIGNS: Final = (">", ">=", "<", "<=", "==", "!=")
CONDITIONS: Final = 20  # of one interlock
INTERLOCKS: Final = DEFAULT.interlocks  # that pages show
DEVICES: Final = 200  # named by one interlock
DEPTH: Final = 8  # of a payload
TOLD: Final = 200  # characters of a value that a reason repeats
_CLASSES: Final = ("open", "smart", "personal", "security")
_MEMBERS: Final = frozenset({"min", "max", "enum"})
TOO_MUCH: Final = "the interlocks ask for more than can be looked at for one command, so it is not known"
_FUTURE: Final = 60_000_000  # a reading may be so far ahead of the city's clock; more, and nothing is known of its age


class Sees(Protocol):
    """What is needed to look at a city."""

    def get(self, ident: str, /) -> Entity:
        """One entity; raises NotFound."""

    def find(self, type: str | None = None, q: str | None = None, *, limit: int = 1_000) -> Sequence[Entity]:  # noqa: A002
        """Entities of a type."""


class _Spent(Exception):
    """What may be looked at for one command is looked at."""


class Looked:
    """A city as the interlocks of one command see it: each entity and each type is read once, within `limits`."""

    def __init__(self, city: Sees, limits: Limits = DEFAULT) -> None:
        """Nothing is looked at yet."""
        self._city = city
        self.most = limits.interlock_type
        self._reads = limits.interlock_reads
        self._looks = limits.interlock_looks
        self._one: dict[str, Entity | None] = {}
        self._of: dict[str, Sequence[Entity]] = {}

    def get(self, ident: str) -> Entity | None:
        """One entity, if it is there."""
        if ident not in self._one:
            self._read()
            try:
                self._one[ident] = self._city.get(ident)
            except NotFound:
                self._one[ident] = None
        self._look(1)
        return self._one[ident]

    def find(self, type: str) -> Sequence[Entity]:  # noqa: A002  # the standard's word
        """Entities of a type: one more than `most` where there are so many."""
        if type not in self._of:
            self._read()
            self._of[type] = self._city.find(type, limit=min(self.most, self._looks) + 1)
        self._look(len(self._of[type]))
        return self._of[type]

    def _read(self) -> None:
        self._reads -= 1
        if self._reads < 0:
            raise _Spent

    def _look(self, times: int) -> None:
        self._looks -= times
        if self._looks < 0:
            raise _Spent


def digest(one: Entity) -> str:
    """What stands for all that was asked for: the same for the same, and for nothing else (SHA-256)."""
    said = {name: one.get(name) for name in ASKED}
    return sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()


@dataclass(frozen=True, slots=True)
class Interlock:
    """One interlock as it was read; `fault` says why it is none, and then it blocks whatever it may be about."""

    id: str
    name: str
    devices: frozenset[str]
    payload: Mapping[str, Any]
    conditions: tuple[Mapping[str, Any], ...]
    fault: str = ""
    label: str = "smart"
    """How it is guarded itself: it asks of nothing that is guarded better."""

    def about(self, device: str, payload: Any) -> bool:
        """Whether it has a say in this payload to this device."""
        if "*" not in self.devices and device not in self.devices:
            return False
        return bool(self.fault) or matches(self.payload, payload)

    def blocks(self, looked: Looked, now: int) -> str:
        """Why nothing may be sent at `now` (microseconds); empty when something may."""
        if self.fault:
            return f"{self.name}: this interlock cannot be used, so it blocks: {self.fault}"
        told = []
        try:
            for one in self.conditions:
                holds, why = _holds(one, self.label, looked, now)
                if not holds:
                    return ""
                told.append(why)
        except _Spent:
            return f"{self.name}: {TOO_MUCH}"
        return f"{self.name}: {'; '.join(told)}"


def interlock(one: Entity) -> Interlock | None:
    """Read an Interlock; None when it is switched off."""
    enabled = one.get("enabled", True)
    if enabled is False:
        return None
    said = one.get("name")
    name = said[:200] if isinstance(said, str) and said.strip() else one.key[:200]
    devices = one.get("devices")
    if isinstance(devices, str):
        devices = [devices]
    payload, conditions = one.get("payload", {}), one.get("while")
    fault = ""
    if enabled is not True:
        fault = "enabled is neither true nor false"
    if not isinstance(devices, list) or not devices or len(devices) > DEVICES or not _texts(devices):
        devices, fault = ["*"], "devices is a list of names"
    elif not isinstance(payload, dict) or not pattern(payload):
        fault = "payload is no pattern"
    elif not isinstance(conditions, list) or not 0 < len(conditions) <= CONDITIONS:
        fault = f"while is a list of 1 to {CONDITIONS} conditions"
    else:
        fault = fault or next((why for it in conditions if (why := _wrong(it))), "")
    if fault:
        return Interlock(one.id, name, frozenset(devices), {}, (), fault)
    assert isinstance(conditions, list)  # noqa: S101  # for mypy: what is none is a fault
    label = _label(one.label, one.realm)
    return Interlock(one.id, name, frozenset(devices), payload, tuple(conditions), label=label)


def blocked(city: Sees, device: str, payload: Any, now: int, limits: Limits = DEFAULT) -> list[str]:
    """Why no payload may go to a device now: a sentence from each interlock that blocks it.

    The sender asks in the event loop: `limits` keep the worst that anybody can write to some tens of milliseconds.
    """
    most = limits.interlocks
    every, looked = city.find("Interlock", limit=most + 1), Looked(city, limits)
    told = [
        why
        for one in every[:most]
        if (it := interlock(one)) is not None and it.about(device, payload) and (why := it.blocks(looked, now))
    ]
    if len(every) > most:
        told.append(f"there are more than {most:,} interlocks, so not all can be asked")
    return told


def pattern(said: Any, depth: int = 0) -> bool:
    """Whether this is a pattern of a payload."""
    if not isinstance(said, dict) or depth > DEPTH:
        return False
    for one in said.values():
        if not isinstance(one, dict):
            continue
        if one and set(one) <= _MEMBERS:
            numbers = [one[name] for name in ("min", "max") if name in one]
            if not all(map(_number, numbers)) or not isinstance(one.get("enum", []), list):
                return False
        elif not pattern(one, depth + 1):
            return False
    return True


def matches(wanted: Mapping[str, Any], payload: Any, *, unsure: bool = True) -> bool:
    """Whether a payload has every member of a pattern; `unsure` is what holds for what cannot be compared.

    An interlock counts it as a match, to be safe.
    """
    if not wanted:
        return True
    if not isinstance(payload, dict):
        return unsure  # nobody knows what a device makes of it
    return all(name in payload and _matches(one, payload[name], unsure=unsure) for name, one in wanted.items())


def _matches(wanted: Any, said: Any, *, unsure: bool) -> bool:
    if not isinstance(wanted, dict):
        return _same(wanted, said)
    if wanted and set(wanted) <= _MEMBERS:
        if "enum" in wanted and not any(_same(one, said) for one in wanted["enum"]):
            return False
        if "min" in wanted or "max" in wanted:
            if not _number(said):
                return unsure
            return bool(wanted.get("min", -math.inf) <= said <= wanted.get("max", math.inf))
        return True
    return matches(wanted, said, unsure=unsure)


def _same(one: Any, other: Any) -> bool:
    """Equal, as JSON has it: true is not 1."""
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)


def _wrong(said: Any) -> str:
    """Why this is no condition; empty when it is one."""
    if not isinstance(said, dict) or not set(said) <= {"entity", "type", "attribute", "is", "value", "fresh_s"}:
        return "a condition says entity or type, attribute, is, value and perhaps fresh_s"
    if ("entity" in said) == ("type" in said) or not _texts([said.get("entity", said.get("type"))]):
        return "a condition is about one entity, or about any of a type"
    if not _texts([said.get("attribute")]):
        return "a condition names an attribute"
    sign, value = said.get("is"), said.get("value")
    if sign not in SIGNS:
        return f"is is one of {' '.join(SIGNS)}"
    if sign in SIGNS[4:]:
        if not isinstance(value, str | bool) and not _number(value):
            return "value is a number, a text or a truth"
    elif not _number(value):
        return "value is a number"
    if "fresh_s" in said and not (_number(said["fresh_s"]) and said["fresh_s"] > 0):
        return "fresh_s is a number of seconds"
    return ""


def _holds(one: Mapping[str, Any], label: str, looked: Looked, now: int) -> tuple[bool, str]:
    """Whether a condition of an interlock under `label` holds, or may: and how that is known."""
    if "entity" in one:
        found = looked.get(one["entity"])
        if found is None:
            return True, f"{one['entity']} is not there, so it is not known"
        return _of(one, label, found, now)
    every = looked.find(one["type"])
    if not every:
        return True, f"there is no {one['type']}, so it is not known"
    if len(every) > looked.most:
        return True, f"there are more than {looked.most:,} {one['type']}, so not all can be looked at"
    return next(((holds, why) for holds, why in (_of(one, label, it, now) for it in every) if holds), (False, ""))


def _of(one: Mapping[str, Any], label: str, it: Entity, now: int) -> tuple[bool, str]:
    name, sign, limit = one["attribute"], one["is"], one["value"]
    if not _known(label, it, name):
        return True, "it asks of what is guarded more strictly than the interlock is, so it is not known"
    who = it.get("name") if isinstance(it.get("name"), str) and _known(label, it, "name") else it.key
    if name not in it:
        return True, f"{who} does not say its {name}"
    said = it[name]
    if "fresh_s" in one:
        at = it.at(name)
        if at is None:
            return True, f"when {who} said its {name} is not known"
        if now - at > one["fresh_s"] * 1_000_000:
            return True, f"what {who} says of its {name} is {(now - at) // 1_000_000:,} s old"
        if at - now > _FUTURE:
            return True, f"the clock of {who} is {(at - now) // 1_000_000:,} s ahead"
    if _number(limit) and not _number(said):
        return True, f"{name} of {who} is no number"
    if not _number(limit) and type(said) is not type(limit):
        return True, f"{name} of {who} is of another kind"
    return _COMPARE[sign](said, limit), f"{name} of {who} is {str(said)[:TOLD]} ({sign} {limit})"


def _known(label: str, it: Entity, name: str) -> bool:
    """Whether an attribute of an entity is for what is under `label`: the entity, and the attribute by itself."""
    own = {it.label}
    if it.stamps is not None and it.stamps.labels:
        own |= {said for key, said in it.stamps.labels.items() if alias(key) == alias(name)}
    return all(_shows(label, _label(said, it.realm)) for said in own)


def _label(said: str | None, realm: str) -> str:
    """The label that something bears, or is taken to bear in its realm."""
    return said or ("security" if realm == "security" else "smart")


@lru_cache(maxsize=10_000)
def _shows(label: str, other: str) -> bool:
    """Whether whoever may know of what is under `label` may know of the `other` too.

    Of smart information owners do not count: whoever commands devices sees all of it. What is personal or for security
    is told to what is of the same class, owner and purposes alone.
    """
    kind, mine = _parts(label)
    theirs, said = _parts(other)
    if kind not in _CLASSES or theirs not in _CLASSES:
        return False
    if theirs in _CLASSES[:2]:
        return _CLASSES.index(theirs) <= _CLASSES.index(kind)
    wanted, given = (set(filter(None, it.get("purposes", "").split(","))) for it in (mine, said))
    return (
        kind == theirs
        and said.get("owner", "") in {"", mine.get("owner", "")}
        and mine.get("subject", "") in {"", said.get("subject", "")}
        and (not given or (bool(wanted) and wanted <= given))
    )


def _parts(label: str) -> tuple[str, dict[str, str]]:
    kind, *rest = label.split(";")
    return kind, dict(one.partition("=")[::2] for one in rest)


_COMPARE: Final[Mapping[str, Callable[[Any, Any], bool]]] = {
    ">": lambda a, b: bool(a > b),
    ">=": lambda a, b: bool(a >= b),
    "<": lambda a, b: bool(a < b),
    "<=": lambda a, b: bool(a <= b),
    "==": lambda a, b: bool(a == b),
    "!=": lambda a, b: bool(a != b),
}


def _number(said: Any) -> bool:
    return type(said) in {int, float} and math.isfinite(said)


def _texts(said: Iterable[Any]) -> bool:
    return all(isinstance(one, str) and 0 < len(one) <= 2_048 for one in said)
