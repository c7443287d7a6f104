"""The fifteen packets of MQTT as values; the same for both versions, what 3.1.1 lacks stays at its default."""

from msgspec import Struct

from hansa.network.mqtt.properties import NONE, Properties


class Will(Struct, frozen=True):
    """What is to be published for a client that vanishes."""

    topic: str
    payload: bytes
    qos: int = 0
    retain: bool = False
    properties: Properties = NONE


class Connect(Struct, frozen=True):
    """CONNECT; `version` is 4 for MQTT 3.1.1 and 5 for MQTT 5, `clean` its Clean Session or Clean Start."""

    client_id: str
    version: int = 4
    clean: bool = True
    keep_alive_s: int = 0
    username: str | None = None
    password: bytes | None = None
    will: Will | None = None
    properties: Properties = NONE


class ConnAck(Struct, frozen=True):
    """CONNACK; `code` is a return code of 3.1.1 or a reason code of 5."""

    code: int
    session_present: bool = False
    properties: Properties = NONE


class Publish(Struct, frozen=True, gc=False):
    """PUBLISH; `packet_id` is 0 with QoS 0. An empty topic is possible in 5, with an alias."""

    topic: str
    payload: bytes
    qos: int = 0
    packet_id: int = 0
    dup: bool = False
    retain: bool = False
    properties: Properties = NONE


class PubAck(Struct, frozen=True):
    """PUBACK: the answer to QoS 1."""

    packet_id: int
    code: int = 0
    properties: Properties = NONE


class PubRec(Struct, frozen=True):
    """PUBREC: the first answer to QoS 2."""

    packet_id: int
    code: int = 0
    properties: Properties = NONE


class PubRel(Struct, frozen=True):
    """PUBREL: the sender of a QoS 2 message forgets it."""

    packet_id: int
    code: int = 0
    properties: Properties = NONE


class PubComp(Struct, frozen=True):
    """PUBCOMP: so does the receiver."""

    packet_id: int
    code: int = 0
    properties: Properties = NONE


class Filter(Struct, frozen=True):
    """One subscription of a SUBSCRIBE; 3.1.1 knows only `qos`."""

    topic: str
    qos: int = 0
    no_local: bool = False
    retain_as_published: bool = False
    retain_handling: int = 0


class Subscribe(Struct, frozen=True):
    """SUBSCRIBE."""

    packet_id: int
    filters: tuple[Filter, ...]
    properties: Properties = NONE


class SubAck(Struct, frozen=True):
    """SUBACK, a code for each filter."""

    packet_id: int
    codes: tuple[int, ...]
    properties: Properties = NONE


class Unsubscribe(Struct, frozen=True):
    """UNSUBSCRIBE."""

    packet_id: int
    filters: tuple[str, ...]
    properties: Properties = NONE


class UnsubAck(Struct, frozen=True):
    """UNSUBACK; 3.1.1 has no codes."""

    packet_id: int
    codes: tuple[int, ...] = ()
    properties: Properties = NONE


class PingReq(Struct, frozen=True):
    """PINGREQ."""


class PingResp(Struct, frozen=True):
    """PINGRESP."""


class Disconnect(Struct, frozen=True):
    """DISCONNECT; 3.1.1 has no code and only the client sends it."""

    code: int = 0
    properties: Properties = NONE


class Auth(Struct, frozen=True):
    """AUTH, MQTT 5 only."""

    code: int = 0
    properties: Properties = NONE


Packet = (
    Connect | ConnAck | Publish | PubAck | PubRec | PubRel | PubComp | Subscribe | SubAck
    | Unsubscribe | UnsubAck | PingReq | PingResp | Disconnect | Auth
)  # fmt: skip
