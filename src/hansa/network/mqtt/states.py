"""The states of a connection, what may come in each, and what a connection tells: tables and values, no behaviour."""

from enum import Enum, auto

from msgspec import Struct

from hansa.network.mqtt import properties as p
from hansa.network.mqtt.packets import Connect
from hansa.network.mqtt.session import Published


class State(Enum):
    """Where a connection stands."""

    FRESH = auto()  # nothing has come yet
    ASKED = auto()  # CONNECT has come, the city has not answered; nothing further is read
    OPEN = auto()
    CLOSED = auto()


# What may come when, and where it leads. What is not here is a protocol error.
MOVES: dict[State, dict[int, State]] = {
    State.FRESH: {p.CONNECT: State.ASKED},
    State.ASKED: {},
    State.OPEN: {
        p.PUBLISH: State.OPEN,
        p.PUBACK: State.OPEN,
        p.PUBREL: State.OPEN,
        p.SUBSCRIBE: State.OPEN,
        p.UNSUBSCRIBE: State.OPEN,
        p.PINGREQ: State.OPEN,
        p.DISCONNECT: State.CLOSED,
    },
    State.CLOSED: {},
}


class Asked(Struct, frozen=True):
    """A CONNECT came: answer with `accept` or `refuse`."""

    packet: Connect


class Subscribed(Struct, frozen=True):
    """The device can receive commands now."""


class Answered(Struct, frozen=True):
    """The device is done with a command; codes as in `Doors.command_done`."""

    command_id: str
    code: int


class Left(Struct, frozen=True):
    """The device said goodbye; `with_will` if it wants its will published all the same."""

    with_will: bool


class Violated(Struct, frozen=True):
    """The peer broke the protocol, and the connection is over."""

    code: int
    reason: str


Event = Asked | Published | Subscribed | Answered | Left | Violated
