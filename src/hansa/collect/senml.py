"""SenML JSON (RFC 8428): packs of records with base fields, resolved to readings by the device's profile.

A record's quantity is found by its name: the whole resolved name, what follows one of its `:` or `/`, or, where the
name is only the device's, the unit (`"%RH": {"name": "relativeHumidity"}`). Records of one time become one Write. What
stands before the quantity must be one and the same name throughout a pack, or one of `Source.names`: the session said
who speaks, so a pack cannot speak for a second device.

Units are SenML's; where a record names one, it and not the profile's `from_unit` is converted to the channel's unit.
Secondary units (RFC 8798, RFC 9100) are understood. Report: 2.1.1.
Tests: tests/collect/test_senml.py, with the examples of RFC 8428 as facts.
"""

import re
from typing import Any, Final

from hansa.clock import SECOND
from hansa.collect import _json
from hansa.collect.decoded import Decoded, brief, position
from hansa.collect.profile import SAME, Channel, Source
from hansa.collect.times import believed, text
from hansa.errors import BadRequest, NotSupported, TooLarge
from hansa.limits import DEFAULT, Limits
from hansa.model.change import Write
from hansa.model.entity import Doc
from hansa.model.units import SENML, UNITS, conversion, from_senml

_RELATIVE: Final = 2**28  # times below it count from now (RFC 8428, 4.5.3)
_VERSIONS: Final = frozenset({*range(1, 11), 26})  # 10 is RFC 8428, 26 adds secondary units (RFC 9100)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9:./_-]*\Z")
_DATA = re.compile(r"[A-Za-z0-9_-]*={0,2}\Z")
_PLACES: Final = {"lat": 0, "lon": 1}
_PARTS: Final = 8
_BASE: Final = frozenset({"bn", "bt", "bu", "bv", "bs", "bver"})
_VALUES: Final = ("v", "vs", "vb", "vd")
_KINDS: Final[dict[str, tuple[frozenset[type], str]]] = {
    "bn": (frozenset({str}), "text"),
    "bt": (frozenset({int, float}), "a number"),
    "bu": (frozenset({str}), "text"),
    "bv": (frozenset({int, float}), "a number"),
    "bs": (frozenset({int, float}), "a number"),
    "bver": (frozenset({int}), "a whole number"),
    "n": (frozenset({str}), "text"),
    "u": (frozenset({str}), "text"),
    "t": (frozenset({int, float}), "a number"),
    "ut": (frozenset({int, float}), "a number"),
    "v": (frozenset({int, float}), "a number"),
    "s": (frozenset({int, float}), "a number"),
    "vs": (frozenset({str}), "text"),
    "vb": (frozenset({bool}), "true or false"),
    "vd": (frozenset({str}), "text"),
}


def decode(payload: bytes, source: Source, now: int, limits: Limits = DEFAULT) -> Decoded:
    """Readings of a SenML pack.

    BadRequest when it is not a pack, NotSupported when it needs something that is not understood (a version, a field
    whose name ends in `_`); what is wrong in one record is in `refused`.
    """
    body = _json.body(payload, limits)
    if type(body) is not list:
        raise BadRequest("a SenML pack is an array of records", mend='write [{"n": "temperature", "v": 3.1}]')
    if len(body) > limits.commit:
        raise TooLarge(f"{len(body):,} records in one pack; at most {limits.commit:,} are taken")
    pack = _Pack(source, now, limits)
    for place, record in enumerate(body):
        where = f"[{place}]"
        if type(record) is not dict:
            pack.decoded.refuse(BadRequest("a record is an object"), where, record)
            continue
        pack.understand(record, where)
        try:
            pack.record(record, where)
        except BadRequest as fault:
            pack.decoded.refuse(fault, fault.where or where, record)
    return pack.finish()


def _check(name: str, value: Any, where: str) -> None:
    kinds = _KINDS.get(name)
    if kinds is not None and type(value) not in kinds[0]:
        raise BadRequest(f"{name} is not {kinds[1]}", where=f"{where}.{name}")


def _starts(name: str) -> list[int]:
    """Where a quantity may begin: at the start, and after the last eight separators, because the sender names it."""
    starts: list[int] = []
    place = len(name)
    while len(starts) < _PARTS and (place := max(name.rfind(":", 0, place), name.rfind("/", 0, place))) >= 0:
        starts.append(place + 1)
    return [0, *reversed(starts)]


class _Pack:
    """The base fields in force, and the readings so far by time."""

    def __init__(self, source: Source, now: int, limits: Limits) -> None:
        self.source = source
        self.now = now
        self.limits = limits
        self.decoded = Decoded()
        self.base: dict[str, Any] = {"bn": "", "bt": 0, "bu": None, "bv": None, "bs": None}
        self.version: int | None = None
        self.speaker: str | None = None
        self.docs: dict[int, Doc] = {}
        self.places: dict[int, tuple[list[Any], str]] = {}
        self.unknown: list[str] = []

    def understand(self, record: dict[str, Any], where: str) -> None:
        """Take the base fields, which hold for all that follows; raise for the whole pack where that cannot be.

        Fields that end in `_` must be understood (RFC 8428, 4.4), and so must the version.
        """
        for name, value in record.items():
            if name.endswith("_"):
                raise NotSupported(f"the field {name[:64]!r} must be understood, and is not", where=where)
            if name in self.base:
                _check(name, value, where)
                self.base[name] = value
        version = record.get("bver")
        if version is None:
            return
        if type(version) is not int or version not in _VERSIONS:
            raise NotSupported(
                f"SenML version {str(version)[:32]} is not understood", where=where, mend="send version 10"
            )
        if self.version not in {None, version}:
            raise BadRequest(f"SenML version {version} after {self.version} in one pack", where=where)
        self.version = version

    def record(self, record: dict[str, Any], where: str) -> None:
        """Take one record."""
        only_base = True
        for name, value in record.items():
            if name not in _BASE:
                only_base = False
                _check(name, value, where)
        if only_base and "bv" not in record:
            return
        at = self._time(record, where)
        name = self.base["bn"] + record.get("n", "")
        if not _NAME.match(name) or len(name) > self.limits.name:
            raise BadRequest(f"{name[:64]!r} is not a SenML name", where=f"{where}.n", mend="set bn or n")
        unit = record.get("u", self.base["bu"])
        found = self._quantity(name, unit)
        if found is None:
            self.unknown.append(name)
            return
        speaker, channel = found
        self._check_speaker(speaker, where)
        if channel is None:
            self._place(record, unit, at, where)
        else:
            self._value(channel, record, unit, at, where)

    def finish(self) -> Decoded:
        """The writes, one for each time."""
        for at, (place, where) in self.places.items():
            try:
                location = position(place[0], place[1], text(at))
            except BadRequest as fault:
                self.decoded.refuse(fault, where, place)
            else:
                self._doc(at)["location"] = location
        source = self.source
        if self.unknown and not self.docs and not self.decoded.refused:
            names = ", ".join(self.unknown[:8])
            self.decoded.refuse(self._not_known(names), "", self.unknown[:8])
        self.decoded.writes = [
            Write("read", source.entity, doc, label=source.label, tenant=source.tenant) for doc in self.docs.values()
        ]
        return self.decoded

    def _doc(self, at: int) -> Doc:
        return self.docs.setdefault(at, {"id": self.source.entity, "type": self.source.profile.type})

    def _time(self, record: dict[str, Any], where: str) -> int:
        seconds = self.base["bt"] + record.get("t", 0)
        if not abs(seconds) < 1e12:
            raise BadRequest(f"{brief(seconds)} is no time in seconds", where=f"{where}.t")
        at = round(seconds * SECOND)
        if seconds < _RELATIVE:
            at += self.now
        try:
            return believed(at, self.now, self.limits)
        except BadRequest as fault:
            raise BadRequest(fault.detail, where=f"{where}.t", mend=fault.mend) from None

    def _quantity(self, name: str, unit: str | None) -> tuple[str, Channel | None] | None:
        """Who a record speaks for and which channel it fills (none for a latitude or longitude); None to ignore it."""
        profile = self.source.profile
        channels = profile.channels
        own = len(self.base["bn"])
        if (found := channels.get(name[own:])) is not None:  # as most packs have it: bn is the device, n the quantity
            return name[:own].rstrip(":/"), found
        starts = _starts(name)
        for start in starts:
            if (found := channels.get(name[start:])) is not None:
                return name[:start].rstrip(":/"), found
        speaker = name.rstrip(":/")
        if unit is not None:
            if (found := channels.get(unit)) is not None:
                return speaker, found
            if unit in _PLACES and profile.position is not None:
                return speaker, None
        if profile.others == "take" and own < len(name):
            last = max(own, *(start for start in starts if start < len(name)))
            return name[:last].rstrip(":/"), profile.unlisted(name[last:])
        if profile.others == "ignore":
            return None
        raise self._not_known(name)

    def _not_known(self, names: str) -> BadRequest:
        profile = self.source.profile
        known = ", ".join(list(profile.channels)[:12])
        return BadRequest(f"{names:.200} is not in the profile {profile.name}", mend=f"the profile knows {known}")

    def _check_speaker(self, speaker: str, where: str) -> None:
        names = self.source.names
        if names:
            if speaker and speaker not in {name.rstrip(":/") for name in names}:
                raise BadRequest(f"{speaker[:128]!r} is not a name of {self.source.device}", where=f"{where}.n")
        elif self.speaker is None:
            self.speaker = speaker
        elif speaker != self.speaker:
            raise BadRequest(
                f"{speaker[:128]!r} is another device than {self.speaker[:128]!r}: a pack speaks for one",
                where=f"{where}.n",
                mend="send a pack for each device, under its own identity",
            )

    def _place(self, record: dict[str, Any], unit: str | None, at: int, where: str) -> None:
        place, _ = self.places.setdefault(at, ([None, None], where))
        place[_PLACES[str(unit)]] = self._said(record)

    def _said(self, record: dict[str, Any]) -> Any:
        """The one value of a record, its base value added."""
        given = [name for name in _VALUES if name in record]
        if len(given) > 1:
            raise BadRequest(f"{' and '.join(given)} in one record: a record has one value")
        base = self.base["bv"]
        if not given:
            if base is None:
                raise BadRequest("a record without a value", mend="give one of v, vs, vb, vd")
            return base
        if given[0] == "vd" and not _DATA.match(record["vd"]):
            raise BadRequest("vd is not base64url")
        value = record[given[0]]
        return value + base if given[0] == "v" and base is not None else value

    def _value(self, channel: Channel, record: dict[str, Any], unit: str | None, at: int, where: str) -> None:
        if "s" in record and not any(name in record for name in _VALUES):
            raise NotSupported("a sum without a value is not taken", where=f"{where}.s", mend="send the value as v")
        raw = self._said(record)
        code, change = channel.unit, None
        if unit is not None and type(raw) in {int, float}:
            said = unit if unit in UNITS and unit not in SENML else from_senml(unit)
            if code is None:
                code = said if channel.says != "text" else None
            elif said != code:
                change = conversion(said, code)
            else:
                change = SAME
        value = channel.take(raw, change)
        doc = self._doc(at)
        if channel.name in doc:
            raise BadRequest(f"{channel.name} is said twice for {text(at)}", where=where)
        instance = {"type": "Property", "value": value}
        if code is not None:
            instance["unitCode"] = code
        instance["observedAt"] = text(at)
        doc[channel.name] = instance
