"""Addresses of MQTT notifications: `mqtt[s]://[user[:password]@]host[:port]/topic[/subtopic]*` (CIM 009, clause 7.2).

Pure reading; `publish` speaks to the broker. The version of the protocol and the quality of service stand beside the
address, in the endpoint's `notifierInfo` (Table 7.2-1). That table leaves the quality of service without a default:
hansa's is 1, because a notification is told at least once.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote, urlsplit

from hansa.errors import BadRequest
from hansa.limits import DEFAULT, Limits

SCHEMES: Final = ("mqtt", "mqtts")
VERSIONS: Final = {"mqtt3.1.1": 4, "mqtt5.0": 5}
QOS: Final = {"0": 0, "1": 1, "2": 2}
_PORTS: Final = {"mqtt": 1883, "mqtts": 8883}
_TOPIC: Final = 65_535  # bytes, as the protocol has it


@dataclass(frozen=True, slots=True)
class Broker:
    """What one connection leads to: a server, and as whom. `version` is the protocol's own number, 4 or 5."""

    host: str
    port: int
    tls: bool
    version: int
    user: str | None = None
    password: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Address:
    """A topic of a broker, and how to publish there."""

    broker: Broker
    topic: str
    qos: int

    @property
    def url(self) -> str:
        """The address for people: without user and password."""
        one = self.broker
        host = f"[{one.host}]" if ":" in one.host else one.host
        return f"{'mqtts' if one.tls else 'mqtt'}://{host}:{one.port}/{self.topic}"


def is_mqtt(uri: str) -> bool:
    """Whether a URI is meant for this binding."""
    return uri.partition(":")[0].lower() in SCHEMES


def address(uri: str, info: Sequence[tuple[str, str]] = (), limits: Limits = DEFAULT) -> Address:
    """The Address of an endpoint's URI and its notifierInfo. BadRequest says in `where` which of the two is wrong."""
    version, qos = 5, 1
    for i, (key, value) in enumerate(info):
        where = f"notifierInfo[{i}]"
        if key == "MQTT-Version":
            version = _one_of(VERSIONS, key, value, where)
        elif key == "MQTT-QoS":
            qos = _one_of(QOS, key, value, where)
        elif key.lower().startswith("mqtt"):
            raise BadRequest(f"{key[:64]!r} is nothing to be said of MQTT", where=where, mend="MQTT-Version, MQTT-QoS")
    if len(uri) > limits.name:
        raise BadRequest(f"a URI of {len(uri):,} characters, more than {limits.name:,}", where="uri")
    try:
        parts = urlsplit(uri)
        port = parts.port
    except ValueError as fault:
        raise BadRequest(f"{_shown(uri)} is no URI: {fault}", where="uri") from None
    scheme = parts.scheme.lower()
    if scheme not in SCHEMES or not parts.hostname or port == 0 or any(ch <= " " for ch in uri):
        raise BadRequest(f"{_shown(uri)} is no MQTT address", where="uri", mend="mqtt://broker.example/topic")
    user = None if parts.username is None else unquote(parts.username)
    password = None if parts.password is None else unquote(parts.password)
    if password is not None and not user and version == 4:
        raise BadRequest("MQTT 3.1.1 has no password without a user name", where="uri")
    broker = Broker(parts.hostname, port or _PORTS[scheme], scheme == "mqtts", version, user or None, password)
    return Address(broker, _topic(uri, parts.path), qos)


def _topic(uri: str, path: str) -> str:
    topic = unquote(path.removeprefix("/"))
    odd = not topic or any(sign in topic for sign in "\0\ufffd+#") or "?" in uri or "#" in uri
    if odd or len(topic.encode("utf-8", "surrogatepass")) > _TOPIC:
        raise BadRequest(
            f"{path[:64]!r} names no topic",
            where="uri",
            mend="mqtt://broker.example/topic/subtopic: no wildcards, no ? and no #",
        )
    return topic


def _one_of(values: dict[str, int], key: str, value: str, where: str) -> int:
    found = values.get(value.strip().lower())
    if found is None:
        raise BadRequest(f"{value[:64]!r} is no {key}", where=where, mend=f"one of {', '.join(values)}")
    return found


def _shown(uri: str) -> str:
    """A URI for people: what stands before an @ may be a password."""
    scheme, sign, rest = uri.partition("://")
    return repr(f"{scheme}{sign}{rest.rpartition('@')[2]}"[:128])
