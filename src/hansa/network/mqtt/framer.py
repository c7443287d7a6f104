"""Cutting the byte stream of a connection into packets (OASIS MQTT 5, section 2.1)."""

from hansa.network.mqtt import properties as p
from hansa.network.mqtt.reasons import ProtocolError, Reason, malformed


def _header_allowed(first: int) -> bool:
    kind, flags = first >> 4, first & 0x0F
    if kind == p.PUBLISH:
        # QoS 3 does not exist, and what was sent at most once cannot be a repetition (3.3.1.1).
        return flags & 0x06 != 0x06 and not (flags & 0x08 and not flags & 0x06)
    return kind != 0 and flags == (0x02 if kind in {p.PUBREL, p.SUBSCRIBE, p.UNSUBSCRIBE} else 0)


# One look-up a packet says whether its first byte can be: type and flags together (2.1.3).
_HEADER = bytes(_header_allowed(first) for first in range(256))


class Framer:
    """Cuts the byte stream of one connection into packets; holds at most one unfinished packet.

    `limit` is the largest packet in bytes, header included: a larger one is refused when its length is known, before
    its body has come. Many small pieces of a large packet cost no more than one large piece.
    """

    __slots__ = ("_at", "_buffer", "_need", "limit")

    def __init__(self, limit: int) -> None:
        """Hold nothing yet."""
        self.limit = limit
        self._buffer: bytes | bytearray = b""
        self._at = 0
        self._need = 2

    def __len__(self) -> int:
        """Bytes held."""
        return len(self._buffer) - self._at

    def feed(self, data: bytes) -> None:
        """Take what the socket gave."""
        if not self._buffer:
            self._buffer = data
        elif isinstance(self._buffer, bytearray) and not self._at:
            self._buffer += data
        else:
            self._buffer, self._at = bytearray(self._buffer[self._at :]) + data, 0

    def clear(self) -> None:
        """Forget what is held: after a farewell nothing more is read."""
        self._buffer, self._at, self._need = b"", 0, 2

    def next(self) -> tuple[int, bytes] | None:
        """The next whole packet as (first byte, body), or None until more has come; ProtocolError for a bad header."""
        buffer, at = self._buffer, self._at
        held = len(buffer) - at
        if held and not _HEADER[buffer[at]]:
            raise malformed("a packet type or its flags")
        if held < self._need:
            self._wait(self._need)
            return None
        length, start = buffer[at + 1], at + 2
        if length > 0x7F:
            length, start = _long_length(buffer, at + 1)
            if not start:
                self._wait(2)
                return None
        stop = start + length
        if stop - at > self.limit:
            raise ProtocolError(Reason.PACKET_TOO_LARGE, f"a packet of {stop - at} bytes, the limit is {self.limit}")
        if stop > len(buffer):
            self._wait(stop - at)
            return None
        self._need = 2
        if isinstance(buffer, bytearray):
            # Once for each stretch that came in pieces: packets are then cut from bytes without a second copy.
            buffer = self._buffer = bytes(buffer)
        if stop == len(buffer):
            # An idle connection must not keep what it has long understood.
            self._buffer, self._at = b"", 0
        else:
            self._at = stop
        return buffer[at], buffer[start:stop]

    def _wait(self, need: int) -> None:
        self._need = need
        if self._at:
            self._buffer, self._at = bytearray(self._buffer[self._at :]), 0


def _long_length(buffer: bytes | bytearray, at: int) -> tuple[int, int]:
    """A remaining length of 2 to 4 bytes and where it ends; (0, 0) while it is not all there."""
    length = 0
    for shift in (0, 7, 14, 21):
        if at == len(buffer):
            return 0, 0
        byte = buffer[at]
        at += 1
        length |= (byte & 0x7F) << shift
        if byte < 0x80:
            if not byte:
                raise malformed("a remaining length that is longer than it needs to be")
            return length, at
    raise malformed("a remaining length of more than four bytes")
