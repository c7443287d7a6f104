"""SMPP 3.4 protocol data units as bytes: what an ESME says and hears. Pure.

Clauses are those of SMPP v3.4, issue 1.2. Fuzzed, and held against another codec, by
tests/network/test_channel_smpp.py.
"""

import re
import struct
from dataclasses import dataclass, field
from typing import Final

from hansa.network.channels.said import Receipt

MOST: Final = 65_536  # bytes of one unit: a deliver_sm has some hundred
HEADER: Final = struct.Struct("!IIII")

GENERIC_NACK: Final = 0x80000000
SUBMIT: Final = 0x00000004
DELIVER: Final = 0x00000005
UNBIND: Final = 0x00000006
BIND_TRANSCEIVER: Final = 0x00000009
ENQUIRE_LINK: Final = 0x00000015
RESPONSE: Final = 0x80000000

OK: Final = 0x00000000
THROTTLED: Final = frozenset((0x00000014, 0x00000058))  # ESME_RMSGQFUL, ESME_RTHROTTLED
FOR_GOOD: Final = frozenset((0x00000001, 0x0000000B, 0x00000048, 0x00000050, 0x00000061, 0x00000062, 0x00000403))
"""Refusals of one message that no other try mends: its length, its destination, its times."""
EVERYBODY: Final = frozenset((0x00000004, 0x00000005, 0x00000008, 0x0000000A, 0x0000000D, 0x0000000E, 0x0000000F))
"""Refusals that are about us: not bound, system error, our address, our password."""

_RECEIPTED: Final = 0x001E
_STATE: Final = 0x0427
_PAYLOAD: Final = 0x0424
_STAT: Final = re.compile(r"\bid:(\S{1,65}).*?\bstat:([A-Z]{5,8})", re.IGNORECASE | re.DOTALL)
_REACHED: Final = {"DELIVRD": True, "EXPIRED": False, "DELETED": False, "UNDELIV": False, "REJECTD": False}
_STATES: Final = {2: True, 3: False, 4: False, 5: False, 8: False}  # 5.2.28


class Malformed(ValueError):
    """Bytes that are no SMPP."""


@dataclass(frozen=True, slots=True)
class Pdu:
    """One unit: its command, status, number and body."""

    command: int
    status: int
    sequence: int
    body: bytes = b""

    def raw(self) -> bytes:
        """As it goes over the wire."""
        return HEADER.pack(HEADER.size + len(self.body), self.command, self.status, self.sequence) + self.body


class Framer:
    """Cuts a stream into units."""

    def __init__(self) -> None:
        """Nothing came yet."""
        self._held = bytearray()

    def feed(self, data: bytes) -> list[Pdu]:
        """The units that are whole now; Malformed when a length cannot be one."""
        self._held += data
        found: list[Pdu] = []
        while len(self._held) >= HEADER.size:
            length, command, status, sequence = HEADER.unpack_from(self._held)
            if not HEADER.size <= length <= MOST:
                raise Malformed(f"a unit of {length:,} bytes")
            if len(self._held) < length:
                break
            found.append(Pdu(command, status, sequence, bytes(self._held[HEADER.size : length])))
            del self._held[:length]
        return found


@dataclass(frozen=True, slots=True)
class Short:
    """A short message, in either direction (4.4.1, 4.6.1)."""

    source: str
    target: str
    text: bytes
    coding: int = 0
    esm_class: int = 0
    receipt: bool = False
    source_ton: int = 0
    source_npi: int = 0
    target_ton: int = 1
    target_npi: int = 1
    options: dict[int, bytes] = field(default_factory=dict)

    @property
    def joined(self) -> bool:
        """Whether its text begins with a user data header."""
        return bool(self.esm_class & 0x40)


def bind_transceiver(sequence: int, system_id: str, password: str, system_type: str = "") -> Pdu:
    """bind_transceiver (4.1.5)."""
    words = _c(system_id, 16) + _c(password, 9) + _c(system_type, 13)
    return Pdu(BIND_TRANSCEIVER, OK, sequence, words + b"\x34\0\0\0")


def submit(sequence: int, one: Short) -> Pdu:
    """submit_sm (4.4.1)."""
    return Pdu(SUBMIT, OK, sequence, _short(one))


def deliver(sequence: int, one: Short) -> Pdu:
    """deliver_sm (4.6.1), which only a centre says: here for whoever tests against one."""
    return Pdu(DELIVER, OK, sequence, _short(one))


def short(body: bytes) -> Short:
    """What a submit_sm or deliver_sm says; Malformed when it is none."""
    at = 0
    _, at = _text(body, at, 6)
    source_ton, source_npi, at = *_bytes(body, at, 2), at + 2
    source, at = _text(body, at, 65)
    target_ton, target_npi, at = *_bytes(body, at, 2), at + 2
    target, at = _text(body, at, 65)
    esm_class, _, _, at = *_bytes(body, at, 3), at + 3
    _, at = _text(body, at, 17)
    _, at = _text(body, at, 17)
    receipt, _, coding, _, length, at = *_bytes(body, at, 5), at + 5
    if at + length > len(body):
        raise Malformed("it ends within its text")
    text, at = body[at : at + length], at + length
    options = _options(body, at)
    if not text:
        text = options.get(_PAYLOAD, b"")
    return Short(
        *(source, target, text, coding, esm_class, bool(receipt & 3), source_ton, source_npi, target_ton, target_npi),
        options=options,
    )


def message_id(body: bytes) -> str:
    """What the centre calls a message that it took (submit_sm_resp, 4.4.2)."""
    return _text(body, 0, 65)[0] if body else ""


def receipt_of(one: Short) -> Receipt | None:
    """What a deliver_sm says became of a message; None when it is no receipt, or the message is still on its way."""
    if one.esm_class & 0x3C != 0x04:
        return None
    ident = one.options.get(_RECEIPTED, b"").partition(b"\0")[0].decode("ascii", "replace")
    state = one.options.get(_STATE, b"")
    found = _STAT.search(one.text.decode("latin-1"))
    reached = _STATES.get(state[0]) if len(state) == 1 else None
    if reached is None and found is not None:
        reached = _REACHED.get(found[2].upper())
    ident = ident or (found[1] if found is not None else "")
    return None if reached is None or not ident else Receipt(ident, reached)


def without_header(one: Short) -> bytes:
    """Its text without a user data header."""
    if not one.joined or not one.text:
        return one.text
    return one.text[1 + one.text[0] :]


def _short(one: Short) -> bytes:
    if len(one.text) > 254:
        raise Malformed("a short message has 254 bytes")
    return b"".join(
        (
            b"\0",
            bytes((one.source_ton, one.source_npi)),
            _c(one.source, 21),
            bytes((one.target_ton, one.target_npi)),
            _c(one.target, 21),
            bytes((one.esm_class, 0, 0)),
            b"\0\0",
            bytes((1 if one.receipt else 0, 0, one.coding, 0, len(one.text))),
            one.text,
            *(struct.pack("!HH", tag, len(value)) + value for tag, value in one.options.items()),
        )
    )


def _c(text: str, most: int) -> bytes:
    """A C-octet string of `most` bytes with its end."""
    raw = text.encode("ascii", "replace").replace(b"\0", b"")
    if len(raw) >= most:
        raise Malformed(f"{len(raw)} bytes where {most - 1} are room for")
    return raw + b"\0"


def _text(body: bytes, at: int, most: int) -> tuple[str, int]:
    end = body.find(b"\0", at, at + most)
    if end < 0:
        raise Malformed("a text does not end")
    return body[at:end].decode("latin-1"), end + 1


def _bytes(body: bytes, at: int, many: int) -> bytes:
    if at + many > len(body):
        raise Malformed("it ends too soon")
    return body[at : at + many]


def _options(body: bytes, at: int) -> dict[int, bytes]:
    found: dict[int, bytes] = {}
    while at + 4 <= len(body):
        tag, length = struct.unpack_from("!HH", body, at)
        at += 4
        if at + length > len(body):
            raise Malformed("an option is longer than its unit")
        found[tag] = body[at : at + length]
        at += length
    if at != len(body):
        raise Malformed("what follows is no option")
    return found
