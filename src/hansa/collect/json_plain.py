"""Plain JSON, as most devices send it, mapped by the device's profile.

    {"temperature": 3.1, "at": "2026-11-22T18:00:00Z"}       one reading
    [{"t": 3.1, "at": 1795370400}, {"t": 3.0, "at": ...}]    several times
    {"wind": {"speed": 4.2}}                                 with a channel "wind.speed"

This is the hot path of the city: a message of three values takes some 5 us. Report: 2.1.1.
Tests: tests/collect/test_json_plain.py.
"""

from typing import Any

from hansa.collect import _json
from hansa.collect.decoded import Decoded, has_reading, position
from hansa.collect.profile import Profile, Source
from hansa.collect.times import stamp
from hansa.errors import BadRequest, TooLarge
from hansa.limits import DEFAULT, Limits
from hansa.model.change import Write
from hansa.model.entity import Doc


def decode(payload: bytes, source: Source, now: int, limits: Limits = DEFAULT) -> Decoded:
    """Readings of a plain JSON message; `now` (microseconds) is the time of one that says none.

    BadRequest when it is not JSON, or neither an object nor an array; what is wrong inside is in `refused`.
    """
    body = _json.body(payload, limits)
    decoded = Decoded()
    if type(body) is dict:
        _reading(body, "", source, now, limits=limits, decoded=decoded)
    elif type(body) is list:
        if len(body) > limits.commit:
            raise TooLarge(f"{len(body):,} readings in one message; at most {limits.commit:,} are taken")
        for place, one in enumerate(body):
            if type(one) is dict:
                _reading(one, f"[{place}]", source, now, limits=limits, decoded=decoded)
            else:
                fault = BadRequest("not an object", mend='write {"temperature": 3.1, "at": ...}')
                decoded.refuse(fault, f"[{place}]", one)
    else:
        raise BadRequest("neither an object nor an array of objects", mend='write {"temperature": 3.1, "at": ...}')
    return decoded


def reading(said: dict[str, Any], source: Source, now: int, limits: Limits = DEFAULT, where: str = "") -> Decoded:
    """One object that is decoded already, such as a row of a Parquet file; `where` begins the place of a refusal."""
    decoded = Decoded()
    _reading(said, where, source, now, limits=limits, decoded=decoded)
    return decoded


def _reading(body: dict[str, Any], where: str, source: Source, now: int, *, limits: Limits, decoded: Decoded) -> None:
    """Add the Write of one object, and what of it is refused."""
    profile = source.profile
    said = _flat(body) if profile.dotted else body
    try:
        at = stamp(said.get(profile.time), now, profile.zoneinfo, limits)
    except BadRequest as fault:
        decoded.refuse(fault, _path(where, profile.time), body)
        return
    doc: Doc = {"id": source.entity, "type": profile.type}
    channels = profile.channels
    missing = profile.missing
    known = False
    for key, raw in said.items():
        if key not in channels:
            continue
        known = True
        if raw is None or (missing and raw in missing):
            continue
        channel = channels[key]
        name, unit = channel.name, channel.unit
        try:
            if name in doc:
                raise BadRequest(f"{name} is said twice in one reading")  # noqa: TRY301 - one place refuses
            value = channel.take(raw)
        except BadRequest as fault:
            decoded.refuse(fault, _path(where, key), raw)
            continue
        if unit is None:
            doc[name] = {"type": "Property", "value": value, "observedAt": at}
        else:
            doc[name] = {"type": "Property", "value": value, "unitCode": unit, "observedAt": at}
    if profile.others != "ignore":
        known |= _others(said, at, where, profile, doc=doc, decoded=decoded)
    place = profile.position
    if place is not None and (place[0] in said or place[1] in said):
        known |= _location(said, at, where, place, doc=doc, decoded=decoded)
    if has_reading(doc):
        decoded.writes.append(
            Write("read", source.entity, doc, None, None, None, None, source.label, None, source.tenant)
        )
    elif not known:
        decoded.refuse(_unknown(said, profile), where, body)


def _location(said: dict[str, Any], at: str, where: str, keys: tuple[str, str], *, doc: Doc, decoded: Decoded) -> bool:
    """Take the position that the payload carries; whether there was one."""
    lat, lon = said.get(keys[0]), said.get(keys[1])
    if lat is None and lon is None:
        return False
    try:
        doc["location"] = position(lat, lon, at)
    except BadRequest as fault:
        decoded.refuse(fault, _path(where, keys[0]), [lat, lon])
    return True


def _others(said: dict[str, Any], at: str, where: str, profile: Profile, *, doc: Doc, decoded: Decoded) -> bool:
    """Take or refuse the keys that no channel names; whether there was one."""
    passed = {*profile.channels, profile.time, *(profile.position or ())}
    found = False
    for key, raw in said.items():
        if key in passed:
            continue
        found = True
        if raw is None:
            continue
        try:
            if profile.others == "refuse":
                raise BadRequest(  # noqa: TRY301 - one place refuses
                    f"{key[:64]!r} is not in the profile {profile.name}", mend=f"it knows {_keys(profile)}"
                )
            value = profile.unlisted(key).take(raw)
        except BadRequest as fault:
            decoded.refuse(fault, _path(where, key[:64]), raw)
            continue
        doc.setdefault(key, {"type": "Property", "value": value, "observedAt": at})
    return found


def _flat(body: dict[str, Any]) -> dict[str, Any]:
    """Nested objects as dotted keys; a key that holds a dot itself stays as it is. Depth is capped by `_json`."""
    flat: dict[str, Any] = {}
    waiting = [("", body)]
    while waiting:
        before, one = waiting.pop()
        for key, value in one.items():
            if type(value) is dict:
                waiting.append((f"{before}{key}.", value))
            else:
                flat[before + key] = value
    return flat


def _unknown(said: dict[str, Any], profile: Profile) -> BadRequest:
    keys = ", ".join(list(said)[:8]) or "nothing"
    return BadRequest(
        f"nothing in it is in the profile {profile.name}; it says {keys:.200}",
        mend=f"the profile knows {_keys(profile)}",
    )


def _keys(profile: Profile) -> str:
    keys = list(profile.channels)
    return ", ".join(keys[:12]) + (", ..." if len(keys) > 12 else "")


def _path(where: str, key: str) -> str:
    return f"{where}.{key}" if where else key
