"""What the endpoint needs from the city: a few functions that `serve` hands over."""

from collections.abc import Callable, Iterable
from typing import Protocol

from msgspec import Struct


class Peer(Protocol):
    """An authenticated device as `trust` knows it; the endpoint reads its name and hands it back."""

    @property
    def device(self) -> str:
        """Name of the device, the second level of its topics: `hansa/<device>/...`."""


class Refusal(Struct, frozen=True):
    """A CONNECT that is turned away: MQTT 5 reason code (0x80 and up) and a sentence for the log."""

    code: int
    reason: str


class Command(Struct, frozen=True):
    """One command for a device; the id is the city's and never travels, so repeat it in the payload if needed."""

    id: str
    payload: bytes


class Doors(Protocol):
    """The city behind the endpoint. All calls come in the event loop's thread, and must be quick."""

    def connect(self, client_id: str, username: str | None, password: bytes | None, address: str) -> Peer | Refusal:
        """Who is this? `address` is `host:port`. A take-over calls this before the older peer's `disconnected`."""

    def publish(
        self, peer: Peer, topic: str, payload: bytes, content_type: str | None, done: Callable[[int], None]
    ) -> int | None:
        """Hand in one message; a will comes the same way.

        Returns a reason code when it is known at once, else None, and `done(code)` follows in the loop's thread once
        the message is durable: committed (0x00), or refused and the refusal recorded (0x83, 0x87, 0x90, 0x97, 0x99).
        Any code that a PUBACK cannot carry (0x89 busy, 0x88 unavailable) closes the connection without an
        acknowledgement, so that the device sends the message again. `done` more than once is harmless.
        A callback and not a future: a future costs another 2 to 5 us a message.
        """

    def disconnected(self, peer: Peer, reason: str) -> None:
        """The connection of this peer has ended; called once for every peer that `connect` gave and that was let in."""

    def commands(self, peer: Peer) -> Iterable[Command]:
        """Commands of this device that nobody has answered yet, oldest first; asked when it can receive them."""

    def command_done(self, peer: Peer, command_id: str, code: int) -> None:
        """The device answered: 0x00, or a code of 0x80 and up if it (MQTT 5) refused, 0x95 if it cannot take its size.

        A device subscribed with QoS 0 chose to answer nothing: its commands are done when written.
        """
