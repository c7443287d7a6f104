"""The data types of the wire (OASIS MQTT 5, section 1.5), both ways."""

from hansa.network.mqtt.reasons import malformed

VARINT_MAX = 268_435_455


def text(raw: bytes) -> str:
    """UTF-8 as MQTT wants it: well-formed, no surrogates, no U+0000 (1.5.4); a BOM is kept."""
    try:
        value = raw.decode()
    except UnicodeDecodeError:
        raise malformed("a string is not UTF-8") from None
    if "\0" in value:
        raise malformed("a string contains U+0000")
    return value


def pack_text(value: str) -> bytes:
    """The same with its two length bytes in front; ValueError for what cannot be said."""
    if "\0" in value:
        raise ValueError("a string contains U+0000")
    return pack_binary(value.encode())


def pack_binary(value: bytes) -> bytes:
    """Bytes with their two length bytes in front; ValueError over 65,535."""
    if len(value) > 0xFFFF:
        raise ValueError("longer than 65,535 bytes")
    return len(value).to_bytes(2, "big") + value


def pack_varint(value: int) -> bytes:
    """A variable byte integer of 1 to 4 bytes; ValueError beyond 268,435,455."""
    if not 0 <= value <= VARINT_MAX:
        raise ValueError("outside a variable byte integer")
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Reader:
    """A walk over the body of one packet; what does not fit in is a malformed packet."""

    __slots__ = ("at", "body", "end")

    def __init__(self, body: bytes, at: int = 0, end: int | None = None) -> None:
        """Walk over `body` from `at` to `end`."""
        self.body = body
        self.at = at
        self.end = len(body) if end is None else end

    def take(self, count: int) -> bytes:
        """The next `count` bytes."""
        stop = self.at + count
        if stop > self.end:
            raise malformed("the packet ends too early")
        piece = self.body[self.at : stop]
        self.at = stop
        return piece

    def number(self, width: int) -> int:
        """An unsigned integer of `width` bytes, most significant first."""
        return int.from_bytes(self.take(width), "big")

    def varint(self) -> int:
        """A variable byte integer in its shortest form (1.5.5)."""
        value = 0
        for shift in (0, 7, 14, 21):
            byte = self.number(1)
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte == 0 and shift:
                    raise malformed("a variable byte integer is longer than it needs to be")
                return value
        raise malformed("a variable byte integer of more than four bytes")

    def binary(self) -> bytes:
        """Bytes behind a two-byte length."""
        return self.take(self.number(2))

    def text(self) -> str:
        """A UTF-8 string behind a two-byte length."""
        return text(self.binary())

    def packet_id(self) -> int:
        """A packet identifier, never 0."""
        packet_id = self.number(2)
        if not packet_id:
            raise malformed("packet identifier 0")
        return packet_id

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(self.end - self.at)

    def more(self) -> bool:
        """Whether anything is left."""
        return self.at < self.end

    def finish(self) -> None:
        """Nothing may be left."""
        if self.at != self.end:
            raise malformed("bytes after the end of the packet")
