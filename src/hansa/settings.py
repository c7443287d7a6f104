"""Settings: `hansa.toml` in the data folder, then `HANSA_*` in the environment, then the command line.

    [city]            name, timezone, location, tiles, clock, models
    [serve]           http, url, mqtt, mqtts, certificate, key, plain, trusted_proxies, unlimited, cors, trust_loopback,
                      egress_allow, log
    [limits]          any cap of `limits.Limits`, by name
    [trust]           key_file, witnesses, witnessed
    [trust.openid.<name>]  a provider whom people may sign in by, see `trust.providers`
    [apps]            enabled = ["frost", "watch"]   (absent: all that are installed)
    [app.<name>]      whatever that app reads with city.setting(...)
    [channels.<name>] how people are told: push, email, sms, webhook, mqtt, display, see `network.channels.named`

`HANSA_HTTP=0.0.0.0:8080` sets `serve.http`; every plain setting has such a name. `docs/settings.md` lists them, and a
test holds that it does.
"""

import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from hansa.errors import BadRequest
from hansa.limits import Limits


@dataclass(frozen=True, slots=True)
class Settings:
    """What a city may be told. Each field's comment is its documentation."""

    data: Path = Path("city")  # folder of the stores, the lock and hansa.toml
    name: str = "Hansa"  # the city's name, on every page
    timezone: str = "UTC"  # IANA name; local days and nights follow it
    location: tuple[float, float] | None = None  # longitude, latitude of the city's middle
    tiles: str = ""  # base map: a .pmtiles file in the data folder, or the URL template of a raster map; empty: none
    http: str = "127.0.0.1:8080"  # host:port of the pages and the API
    url: str = ""  # where others find the city, such as https://city.example; empty: as each request calls it
    mqtt: str = ""  # host:port of the MQTT door without TLS; empty: closed
    mqtts: str = ""  # host:port of the MQTT door with TLS
    certificate: str = ""  # PEM file for mqtts and https; empty: the city makes its own
    key: str = ""  # PEM file of its private key
    plain: tuple[str, ...] = ()  # doors that speak without TLS beyond this machine, behind a proxy: http, mqtt
    trusted_proxies: tuple[str, ...] = ()  # addresses and networks whose X-Forwarded-For and -Proto are believed
    unlimited: tuple[str, ...] = ("127.0.0.1", "::1")  # addresses and networks that may ask as often as they like
    cors: tuple[str, ...] = ()  # origins whose pages may ask /ngsi-ld, without a cookie
    trust_loopback: bool = False  # requests from this machine act as its administrator
    egress_allow: tuple[str, ...] = ()  # hosts and networks of our own that hansa may call, though they are private
    key_file: str = ""  # file of the key that opens the sealed files; empty: security.key in the data folder
    witnesses: tuple[str, ...] = ()  # keys (vkeys) of those who may co-sign heads of this city's audit log
    witnessed: tuple[str, ...] = ()  # keys (vkeys) of other logs whose heads this city co-signs
    clock: str = "wall"  # wall; driven (set from outside); or START*RATE, such as 2026-04-11T15:00:00Z*60
    models: str = "warn"  # what becomes of an entity that is not as its model says: warn, refuse; off holds none
    screens: int = 0  # days for which it is kept what operators had on screen, and they are told so; 0: it is not
    log: str = "info"  # debug, info, warning, error
    enabled: tuple[str, ...] | None = None  # apps to run; none said: all that are installed
    limits: Limits = field(default_factory=Limits)
    apps: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    openid: Mapping[str, Any] = field(default_factory=dict)
    channels: Mapping[str, Any] = field(default_factory=dict, repr=False)  # passwords are in it


LEVELS: Final = ("debug", "info", "warning", "error")
MODELS: Final = ("warn", "refuse", "off")

_SCREENS: Final = 366  # days: what people looked at is not kept for longer than it takes to learn from it
_NAME: Final = 200  # letters of the city's name: it is on every page, and in the picture that an authenticator scans

_TABLES = {
    "city": ("name", "timezone", "location", "tiles", "clock", "models"),
    "serve": (
        *("http", "url", "mqtt", "mqtts", "certificate", "key", "plain", "trusted_proxies", "unlimited", "cors"),
        *("trust_loopback", "egress_allow", "screens", "log"),
    ),
    "trust": ("key_file", "witnesses", "witnessed"),
    "apps": ("enabled",),
}
_KINDS: dict[str, type] = {
    "location": tuple,
    "trust_loopback": bool,
    "screens": int,
    "egress_allow": tuple,
    "plain": tuple,
    "trusted_proxies": tuple,
    "unlimited": tuple,
    "cors": tuple,
    "witnesses": tuple,
    "witnessed": tuple,
    "enabled": tuple,
}


def load(data: Path, environ: Mapping[str, str] = os.environ, **said: Any) -> Settings:
    """The settings of the city in `data`; what the command line `said` wins. Raises BadRequest, naming the setting."""
    settings = Settings(data=data)
    file = data / "hansa.toml"
    if file.exists():
        try:
            settings = _from_toml(settings, tomllib.loads(file.read_text("utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as fault:
            raise BadRequest(f"{file} is not TOML: {fault}", where=str(file)) from None
    changes: dict[str, Any] = {}
    for one in fields(Settings):
        text = environ.get(f"HANSA_{one.name.upper()}")
        if text is not None and one.name not in {"data", "limits", "apps", "openid", "channels"}:
            changes[one.name] = _read(one.name, text)
    changes.update({k: v for k, v in said.items() if v is not None})
    settings = replace(settings, **changes)
    _check(settings)
    return settings


def _from_toml(settings: Settings, tables: dict[str, Any]) -> Settings:
    changes: dict[str, Any] = {}
    trust = tables.get("trust")
    changes["openid"] = _table(trust, "openid") if isinstance(trust, dict) else {}
    for table, names in _TABLES.items():
        for name, value in _table(tables, table).items():
            if name not in names:
                raise BadRequest(f"[{table}] has no {name}", where=f"{table}.{name}", mend=f"one of {', '.join(names)}")
            changes[name] = _typed(name, value)
    changes["limits"] = replace(settings.limits, **_caps(_table(tables, "limits")))
    changes["apps"] = _table(tables, "app")
    changes["channels"] = _table(tables, "channels")
    for app, said in changes["apps"].items():
        if not isinstance(said, dict):
            raise BadRequest(f"app.{app} = {said!r} should be a table", where=f"app.{app}", mend=f"write [app.{app}]")
    if tables:
        raise BadRequest(f"hansa.toml has no table [{next(iter(tables))}]", where=next(iter(tables)))
    return replace(settings, **changes)


def _table(tables: dict[str, Any], name: str) -> dict[str, Any]:
    """Take one table out of the file; an empty one where it is not said."""
    found = tables.pop(name, {})
    if not isinstance(found, dict):
        raise BadRequest(f"{name} = {found!r} should be a table", where=name, mend=f"write [{name}]")
    return found


def _caps(said: dict[str, Any]) -> dict[str, Any]:
    """Caps by name: numbers that can be reached, whole where the cap counts something."""
    whole = {one.name: isinstance(one.default, int) for one in fields(Limits)}
    for name, value in said.items():
        if (
            name not in whole
            or isinstance(value, bool)
            or not isinstance(value, int if whole[name] else int | float)
            or not 0 <= value < math.inf
        ):
            raise BadRequest(f"[limits] {name} = {value!r} is not a cap", where=f"limits.{name}")
    return said


def _typed(name: str, value: Any) -> Any:
    kind = _KINDS.get(name, str)
    if kind is tuple and isinstance(value, list):
        if name != "location" and not all(isinstance(one, str) for one in value):
            raise BadRequest(f"{name} = {value!r} should be a list of texts", where=name)
        return tuple(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise BadRequest(f"{name} = {value!r} should be a {kind.__name__}", where=name)
    return value


def _read(name: str, text: str) -> Any:
    kind = _KINDS.get(name, str)
    if kind is bool:
        if text.lower() not in {"1", "true", "yes", "0", "false", "no", ""}:
            raise BadRequest(f"HANSA_{name.upper()}={text!r} should be true or false", where=name)
        return text.lower() in {"1", "true", "yes"}
    if kind is int:
        if not text.isdecimal():
            raise BadRequest(f"HANSA_{name.upper()}={text!r} should be a number", where=name)
        return int(text)
    if kind is tuple:
        parts = tuple(part.strip() for part in text.split(",") if part.strip())
        if name != "location":
            return parts
        try:
            return tuple(float(part) for part in parts)
        except ValueError:
            raise BadRequest(f"HANSA_LOCATION={text!r} should be longitude,latitude", where=name) from None
    return text


def _check(settings: Settings) -> None:
    if not 0 < len(settings.name) <= _NAME or not settings.name.isprintable():
        raise BadRequest(f"a city's name is 1 to {_NAME} letters", where="city.name")
    for name in ("http", "mqtt", "mqtts"):
        if (text := getattr(settings, name)) or name == "http":
            address(text, name)
    if settings.url and not re.fullmatch(r"https?://[^\s/?#<>\"]+(/[^\s?#<>\"]*)?", settings.url):
        raise BadRequest(f"url = {settings.url!r} is not a URL", where="serve.url", mend="such as https://city.example")
    _check_doors(settings)
    if settings.location is not None and not _is_place(settings.location):
        raise BadRequest("location should be longitude, latitude", where="city.location")
    try:
        ZoneInfo(settings.timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise BadRequest(
            f"there is no time zone {settings.timezone!r}", where="city.timezone", mend="such as Europe/Vienna"
        ) from None
    if settings.models not in MODELS:
        raise BadRequest(f"models = {settings.models!r}", where="city.models", mend=f"one of {', '.join(MODELS)}")
    if not 0 <= settings.screens <= _SCREENS:
        raise BadRequest(f"screens = {settings.screens} days", where="serve.screens", mend=f"0 to {_SCREENS}")
    if settings.log not in LEVELS:
        levels = ", ".join(LEVELS)
        raise BadRequest(f"there is no log level {settings.log!r}", where="serve.log", mend=f"one of {levels}")


def _check_doors(settings: Settings) -> None:
    if bool(settings.certificate) != bool(settings.key):
        raise BadRequest("a certificate and its key are given together, or neither", where="serve.certificate")
    if odd := set(settings.plain) - {"http", "mqtt"}:
        raise BadRequest(f"there is no door {min(odd)[:40]!r} to be plain", where="serve.plain", mend="http, mqtt")
    for origin in settings.cors:
        if not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?", origin):
            raise BadRequest(f"{origin[:80]!r} is no origin", where="serve.cors", mend="such as https://app.example")


def _is_place(said: tuple[Any, ...]) -> bool:
    numbers = all(isinstance(one, int | float) and not isinstance(one, bool) for one in said)
    return numbers and len(said) == 2 and -180 <= said[0] <= 180 and -90 <= said[1] <= 90


def address(text: str, where: str) -> tuple[str, int]:
    """Host and port of `host:port`; brackets around an IPv6 host."""
    host, colon, port = text.rpartition(":")
    if not colon or not port.isdecimal() or int(port) > 65_535 or not host:
        raise BadRequest(f"{text!r} should be host:port", where=where)
    return host.strip("[]"), int(port)
