"""Reason codes of MQTT 5 (OASIS, section 2.4), and what 3.1.1 can say instead."""

from enum import IntEnum


class Reason(IntEnum):
    """The reason codes that hansa sends or understands; below 0x80 is success."""

    SUCCESS = 0x00
    DISCONNECT_WITH_WILL = 0x04
    NO_MATCHING_SUBSCRIBERS = 0x10
    NO_SUBSCRIPTION_EXISTED = 0x11
    UNSPECIFIED_ERROR = 0x80
    MALFORMED_PACKET = 0x81
    PROTOCOL_ERROR = 0x82
    IMPLEMENTATION_SPECIFIC_ERROR = 0x83
    UNSUPPORTED_PROTOCOL_VERSION = 0x84
    CLIENT_IDENTIFIER_NOT_VALID = 0x85
    BAD_USER_NAME_OR_PASSWORD = 0x86
    NOT_AUTHORIZED = 0x87
    SERVER_UNAVAILABLE = 0x88
    SERVER_BUSY = 0x89
    BANNED = 0x8A
    SERVER_SHUTTING_DOWN = 0x8B
    BAD_AUTHENTICATION_METHOD = 0x8C
    KEEP_ALIVE_TIMEOUT = 0x8D
    SESSION_TAKEN_OVER = 0x8E
    TOPIC_FILTER_INVALID = 0x8F
    TOPIC_NAME_INVALID = 0x90
    PACKET_IDENTIFIER_IN_USE = 0x91
    PACKET_IDENTIFIER_NOT_FOUND = 0x92
    RECEIVE_MAXIMUM_EXCEEDED = 0x93
    TOPIC_ALIAS_INVALID = 0x94
    PACKET_TOO_LARGE = 0x95
    MESSAGE_RATE_TOO_HIGH = 0x96
    QUOTA_EXCEEDED = 0x97
    ADMINISTRATIVE_ACTION = 0x98
    PAYLOAD_FORMAT_INVALID = 0x99
    QOS_NOT_SUPPORTED = 0x9B
    SHARED_SUBSCRIPTIONS_NOT_SUPPORTED = 0x9E
    CONNECTION_RATE_EXCEEDED = 0x9F


class ProtocolError(Exception):
    """The peer broke the protocol: the only exception of this package that bytes can cause.

    `states.Connection` turns it into an event and a farewell; `version` is set when a CONNECT said its version
    before it went wrong, because the farewell is written in that version.
    """

    def __init__(self, code: int, reason: str, version: int = 0) -> None:
        """Reason code and sentence."""
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.version = version


def malformed(reason: str) -> ProtocolError:
    """Bytes that no reading of the standard allows (0x81)."""
    return ProtocolError(Reason.MALFORMED_PACKET, reason)


def violation(reason: str) -> ProtocolError:
    """Well-formed bytes that must not come, or not now (0x82)."""
    return ProtocolError(Reason.PROTOCOL_ERROR, reason)


# What a PUBACK or PUBREC may carry (3.4.2.1). A decision outside this set means that the message was not made
# durable: the connection is closed without an acknowledgement, and the device sends it again.
ACKNOWLEDGED = frozenset({0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99})

_CONNECT_RETURN = {
    Reason.UNSUPPORTED_PROTOCOL_VERSION: 1,
    Reason.CLIENT_IDENTIFIER_NOT_VALID: 2,
    Reason.BAD_USER_NAME_OR_PASSWORD: 4,
    Reason.NOT_AUTHORIZED: 5,
    Reason.BANNED: 5,
    Reason.BAD_AUTHENTICATION_METHOD: 5,
    Reason.TOPIC_NAME_INVALID: 5,
}


def connect_return(code: int) -> int:
    """The CONNACK return code of 3.1.1 (1 to 5) nearest to a reason code of 5; 3 (unavailable) for the rest."""
    return next((old for new, old in _CONNECT_RETURN.items() if new == code), 3) if code else 0
