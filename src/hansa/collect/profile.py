"""What a device's profile says: which key of its payload is which attribute, in which unit, and what is plausible.

A profile is a small JSON document that an operator writes once for a kind of device:

    {"name": "orchard-station", "type": "WeatherObserved", "interval_s": 600, "zone": "Europe/Vienna",
     "channels": {"t": {"name": "temperature", "unit": "CEL", "from_unit": "FAH", "low": -60, "high": 60},
                  "wind.speed": {"name": "windSpeed", "unit": "MTS", "from_unit": "KMH", "low": 0, "high": 90}}}

Report: 2.1.1. Tests: tests/collect/test_profile.py.
"""

import math
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Final, Literal, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hansa.collect.decoded import brief
from hansa.errors import BadRequest
from hansa.model.entity import MEMBERS
from hansa.model.units import Conversion, conversion, unit

Says = Literal["number", "text", "boolean"]
Others = Literal["ignore", "take", "refuse"]

_MOST: Final = sys.float_info.max  # beyond it only infinities, which no range takes
_NAME = re.compile(r"[A-Za-z_][\w.-]{0,255}\Z|[A-Za-z][A-Za-z0-9+.-]*:[^\s<>\"{}|\\^`]{1,2040}\Z", re.ASCII)
_NUMBERS: Final = (int, float)


def attribute_name(name: str, where: str) -> str:
    """`name` if a device may say an attribute of that name; BadRequest when it is a member or no term or IRI."""
    if name in MEMBERS or name == "location":
        raise BadRequest(f"{name!r} is a member of the entity and no attribute to measure", where=where)
    if not _NAME.match(name):
        raise BadRequest(
            f"{name[:64]!r} is no attribute name", where=where, mend="use a term such as temperature, or a whole IRI"
        )
    return name


@dataclass(frozen=True)
class Channel:
    """One key of a payload: the attribute it fills, its unit (UN/CEFACT), and what is plausible (in that unit).

    `from_unit` is the unit the device speaks in, where it differs. `says` is what the value must be; a channel with a
    unit or a range says numbers. BadRequest when units do not convert or the range is empty.
    """

    name: str
    unit: str | None = None
    from_unit: str | None = None
    low: float | None = None
    high: float | None = None
    says: Says | None = None
    _convert: Conversion | None = field(init=False, repr=False, compare=False, default=None)
    _low: float = field(init=False, repr=False, compare=False, default=-_MOST)
    _high: float = field(init=False, repr=False, compare=False, default=_MOST)

    def __post_init__(self) -> None:
        """Check it, and prepare the conversion."""
        attribute_name(self.name, "name")
        if self.says is not None and self.says not in get_args(Says):
            raise BadRequest(f"says is {self.says!r}, not one of {', '.join(get_args(Says))}", where="says")
        if self.unit is not None or self.low is not None or self.high is not None:
            if self.says not in {None, "number"}:
                raise BadRequest(f"{self.name} has a unit or a range and can say only numbers", where="says")
            _derive(self, says="number")
        _derive(self, _convert=self._conversion(), _low=self._bound("low", -_MOST), _high=self._bound("high", _MOST))
        if self._low > self._high:
            raise BadRequest(f"low {self.low} is above high {self.high}: nothing would be plausible", where="low")

    def _conversion(self) -> Conversion | None:
        if self.unit is not None:
            _known(self.unit, "unit")
        if self.from_unit is None:
            return None
        _known(self.from_unit, "from_unit")
        if self.unit is None:
            raise BadRequest("from_unit without unit: convert to what?", where="unit", mend="say the unit to store")
        try:
            return None if self.from_unit == self.unit else conversion(self.from_unit, self.unit)
        except BadRequest as fault:
            raise BadRequest(fault.detail, where="from_unit", mend=fault.mend) from None

    def _bound(self, name: str, default: float) -> float:
        bound = getattr(self, name)
        if bound is None:
            return default
        if type(bound) not in _NUMBERS or not math.isfinite(bound):
            raise BadRequest(f"{name} is {bound!r}, not a finite number", where=name)
        return float(bound)

    def take(self, raw: Any, change: Conversion | None = None) -> Any:
        """The value to store for what the device said: converted, and plausible. BadRequest says why not.

        `change` is used instead of the profile's own conversion where the message names its unit (SenML, NGSI-LD).
        """
        kind = type(raw)
        if kind is float or kind is int:
            if self.says is None or self.says == "number":
                return self._number(raw, change or self._convert)
        elif kind is str:
            if self.says is None or self.says == "text":
                if "\x00" in raw:
                    raise BadRequest(f"the text of {self.name} holds a NUL character")
                return raw
        elif kind is bool and (self.says is None or self.says == "boolean"):
            return raw
        raise BadRequest(
            f"{self.name} is {_kind_of(raw)}, not {_WANTED[self.says]}",
            mend="write numbers without quotes" if kind is str and self.says == "number" else None,
        )

    def _number(self, raw: float, change: Conversion | None) -> float:
        value = raw
        try:
            if change is not None and change is not SAME:
                value = change(raw)
            if self._low <= value <= self._high:
                # What follows (stores, JSON) holds 64 bits; a longer integer is a measurement only as a double.
                return value if type(value) is float or -_INT64 <= value < _INT64 else float(value)
        except OverflowError:
            value = math.inf
        if not -_MOST <= value <= _MOST:
            raise BadRequest(f"{self.name} is {brief(raw)}, which is no finite number")
        code = "" if self.unit is None else f" {self.unit}"
        said = "" if value == raw else f" (said as {brief(raw)})"
        raise BadRequest(
            f"{self.name} {brief(value)}{code}{said} is not plausible: {self._low:g} to {self._high:g} is",
            mend="look at the sensor, or widen low and high in the profile",
        )


_KINDS: Final = {
    dict: "an object",
    list: "an array",
    str: "text",
    bool: "true or false",
    int: "a number",
    float: "a number",
}
SAME: Final = Conversion(1.0, 0.0, 1.0)
"""No conversion: the message says that it speaks the channel's own unit, whatever the profile expects."""
_INT64: Final = 2**63
_WANTED: Final[dict[str | None, str]] = {
    "number": "a number",
    "text": "text",
    "boolean": "true or false",
    None: "a number, text, true or false",
}


def _derive(one: Any, **values: Any) -> None:
    """Set what a frozen dataclass derives from its fields."""
    for name, value in values.items():
        object.__setattr__(one, name, value)


def _known(code: str, where: str) -> None:
    try:
        unit(code)
    except BadRequest as fault:
        raise BadRequest(fault.detail, where=where, mend=fault.mend) from None


def _kind_of(raw: Any) -> str:
    return _KINDS.get(type(raw), "nothing")


@lru_cache(maxsize=1024)
def _unlisted(name: str) -> Channel:
    return Channel(name)


@dataclass(frozen=True)
class Profile:
    """What a kind of device says: the entity type it feeds, and its channels by key (dotted for nested objects).

    `interval_s` is how often it reports; `time` the key (or column) of the reading's own time; `zone` the IANA zone of
    times that name none; `position` the keys of latitude and longitude, None where a payload's position is not to be
    believed; `others` what happens to keys that no channel names; `missing` what stands for "no value" (null always
    does); `decimal` the decimal sign of its tables.
    """

    name: str
    type: str
    channels: Mapping[str, Channel] = field(default_factory=dict)
    interval_s: float | None = None
    time: str = "at"
    zone: str | None = None
    position: tuple[str, str] | None = ("lat", "lon")
    others: Others = "ignore"
    missing: tuple[str | float, ...] = ()
    decimal: Literal[".", ","] = "."
    dotted: bool = field(init=False, repr=False, compare=False, default=False)
    by_name: Mapping[str, Channel] = field(init=False, repr=False, compare=False, default_factory=dict)
    zoneinfo: ZoneInfo | None = field(init=False, repr=False, compare=False, default=None)

    def __post_init__(self) -> None:
        """Check what the types cannot, and prepare the look-ups."""
        if not self.name or "/" in self.name:
            raise BadRequest(f"{self.name!r} is no profile name: it is part of a topic", where="name")
        if not _NAME.match(self.type):
            raise BadRequest(f"{self.type[:64]!r} is no entity type", where="type", mend="such as WeatherObserved")
        if self.others not in get_args(Others):
            raise BadRequest(f"others is {self.others!r}, not one of {', '.join(get_args(Others))}", where="others")
        if self.decimal not in {".", ","}:
            raise BadRequest(f"decimal is {self.decimal!r}, neither '.' nor ','", where="decimal")
        if self.interval_s is not None and not 0 < self.interval_s <= _YEAR_S:
            raise BadRequest(f"interval_s is {self.interval_s}: more than 0 and at most a year", where="interval_s")
        if not self.channels and self.others != "take":
            raise BadRequest("no channels: nothing would be taken", where="channels", mend='or say "others": "take"')
        keys = (*self.channels, self.time, *(self.position or ()))
        _derive(
            self,
            dotted=any("." in key for key in keys),
            by_name={channel.name: channel for channel in self.channels.values()},
            zoneinfo=None if self.zone is None else _zone(self.zone),
        )

    def unlisted(self, key: str) -> Channel:
        """The channel for a key that is not listed, where `others` is "take".

        BadRequest when it is no attribute name, or names what a listed channel fills: its range would be passed by.
        """
        if key in self.by_name:
            raise BadRequest(f"{key} is filled by another key of the profile {self.name}")
        return _unlisted(key)

    @classmethod
    def from_json(cls, body: Any) -> "Profile":
        """Read the document above; BadRequest says which member is wrong, and how."""
        said = _members(body, _PROFILE, "")
        for name in ("name", "type"):
            if name not in said:
                raise BadRequest(f"a profile needs {name!r}", where=name)
        channels = said.get("channels", {})
        position = said.get("position", ["lat", "lon"])
        if position is not None and not (len(position) == 2 and all(type(key) is str for key in position)):
            raise BadRequest('position is not two keys such as ["lat", "lon"]', where="position")
        missing = said.get("missing", [])
        if not all(type(one) in {str, int, float} for one in missing):
            raise BadRequest('missing is not a list such as ["NA", -9999]', where="missing")
        plain = {k: v for k, v in said.items() if k not in {"channels", "position", "missing"}}
        return cls(
            channels={key: _channel(key, one) for key, one in channels.items()},
            position=None if position is None else (position[0], position[1]),
            missing=tuple(missing),
            **plain,
        )

    def to_json(self) -> dict[str, Any]:
        """Write the document that `from_json` reads, without what is default."""
        body: dict[str, Any] = {"name": self.name, "type": self.type}
        for name, default in _DEFAULTS.items():
            value = getattr(self, name)
            if value != default:
                body[name] = list(value) if type(value) is tuple else value
        body["channels"] = {key: _channel_json(one) for key, one in self.channels.items()}
        return body


@dataclass(frozen=True, slots=True)
class Source:
    """Who speaks: a device, the entity it speaks for, and what its profile says.

    `location` (GeoJSON) is what the operator said at enrolment; the caller writes it once, decoders add a location only
    where the payload carries a position of its own. `names` are the SenML base names it may use; none given, any one
    name a pack may stand for the device itself, because the session already proved who it is.
    """

    device: str
    entity: str
    profile: Profile
    location: Mapping[str, Any] | None = None
    label: str | None = None
    tenant: str = ""
    names: tuple[str, ...] = ()


_YEAR_S: Final = 366 * 86_400
_TEXT: Final = (str,)
_PROFILE: Final[dict[str, tuple[type, ...]]] = {
    "name": _TEXT,
    "type": _TEXT,
    "channels": (dict,),
    "interval_s": _NUMBERS,
    "time": _TEXT,
    "zone": _TEXT,
    "position": (list, type(None)),
    "others": _TEXT,
    "missing": (list,),
    "decimal": _TEXT,
}
_CHANNEL: Final[dict[str, tuple[type, ...]]] = {
    "name": _TEXT,
    "unit": _TEXT,
    "from_unit": _TEXT,
    "low": _NUMBERS,
    "high": _NUMBERS,
    "says": _TEXT,
}
_DEFAULTS: Final[dict[str, Any]] = {
    "interval_s": None,
    "time": "at",
    "zone": None,
    "position": ("lat", "lon"),
    "others": "ignore",
    "missing": (),
    "decimal": ".",
}


def _members(body: Any, wanted: Mapping[str, tuple[type, ...]], where: str) -> dict[str, Any]:
    """`body` as an object with only the members `wanted`, each of its type."""
    if type(body) is not dict:
        raise BadRequest(f"not an object but {_kind_of(body)}", where=where or None)
    for name, value in body.items():
        path = f"{where}.{name}" if where else name
        if name not in wanted:
            raise BadRequest(f"{name[:64]!r} is not a member", where=path, mend=f"known are {', '.join(wanted)}")
        if type(value) not in wanted[name]:
            raise BadRequest(f"{name} cannot be {_kind_of(value)}", where=path)
    return body


def _channel(key: str, body: Any) -> Channel:
    where = f"channels.{key}"
    if type(body) is str:  # "t": "temperature" is enough where there is nothing else to say
        body = {"name": body}
    said = _members(body, _CHANNEL, where)
    if "name" not in said:
        raise BadRequest("a channel needs the name of an attribute", where=where, mend="such as temperature")
    try:
        return Channel(**said)
    except BadRequest as fault:
        raise BadRequest(
            fault.detail, where=f"{where}.{fault.where}" if fault.where else where, mend=fault.mend
        ) from None


def _channel_json(channel: Channel) -> dict[str, Any]:
    body = {name: getattr(channel, name) for name in _CHANNEL}
    if channel.unit is not None or channel.low is not None or channel.high is not None:
        del body["says"]  # it follows from the rest
    return {name: value for name, value in body.items() if value is not None}


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):  # a folder, a path upwards, a name that is not there
        raise BadRequest(
            f"{name[:64]!r} is no time zone that is known here", where="zone", mend="such as Europe/Vienna, or UTC"
        ) from None
