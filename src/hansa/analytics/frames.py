"""What the city and its rules process say to each other: length-prefixed MessagePack over a socket pair.

To the child: `Nudge` (there is more in the log), `Turn` (the clock), `Again` (a dead letter is tried anew), `Stop`,
`Answer`. From the child: `Commit`, `Report`.
"""

import socket
import struct
from typing import Any, Final

import msgspec

from hansa.model.change import Write

_LENGTH: Final = struct.Struct(">I")


class Nudge(msgspec.Struct, tag="nudge"):
    """The log has grown."""


class Turn(msgspec.Struct, tag="turn"):
    """The city's clock was set; see `Clock.spec`."""

    clock: tuple[int | None, float, float]


class Again(msgspec.Struct, tag="again"):
    """Run one app once more on one Change."""

    app: str
    seq: int


class Stop(msgspec.Struct, tag="stop"):
    """Finish the batch and end."""


class Answer(msgspec.Struct, tag="answer"):
    """The last Commit is durable, or why it is not."""

    error: str | None = None


class Commit(msgspec.Struct, tag="commit"):
    """What rules said, with the places that go with it."""

    writes: list[Write]
    causes: list[tuple[str | None, int]]
    actors: list[str]
    places: dict[str, bytes]


class Report(msgspec.Struct, tag="report"):
    """How far the rules have come."""

    place: int


ToChild = Nudge | Turn | Again | Stop | Answer
FromChild = Commit | Report

_encode = msgspec.msgpack.Encoder().encode
_to_child = msgspec.msgpack.Decoder(ToChild)
_from_child = msgspec.msgpack.Decoder(FromChild)


def send(sock: socket.socket, frame: ToChild | FromChild) -> None:
    """Send one frame; OSError when nobody is there."""
    body = _encode(frame)
    sock.sendall(_LENGTH.pack(len(body)) + body)


class Frames:
    """Reads frames from a socket; EOFError at its end."""

    def __init__(self, sock: socket.socket, *, child: bool) -> None:
        """`child`: this is the child's side."""
        self._sock = sock
        self._decoder: Any = _to_child if child else _from_child
        self._buffer = bytearray()

    def ready(self) -> bool:
        """Whether a whole frame is here already."""
        have = len(self._buffer)
        return have >= 4 and have >= 4 + _LENGTH.unpack_from(self._buffer)[0]

    def next(self) -> Any:
        """The next frame, waiting for it; TimeoutError after the socket's time-out."""
        while not self.ready():
            more = self._sock.recv(262_144)
            if not more:
                raise EOFError
            self._buffer += more
        size = _LENGTH.unpack_from(self._buffer)[0]
        frame = self._decoder.decode(bytes(self._buffer[4 : 4 + size]))
        del self._buffer[: 4 + size]
        return frame
