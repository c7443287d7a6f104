"""What goes into a channel and what comes out of it: Notice, Handed, Failed, Receipt. No socket."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any, Final, Protocol

CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""What no text for people holds: control characters, marks that turn the direction, halves of characters."""
REFERENCE: Final = 200
"""Characters of what a gateway calls a message; a push service says a path."""
BODY: Final = 50_000
"""Characters of one text that any channel takes: a book is no warning, and 10,000 books are no mail."""


@dataclass(frozen=True, slots=True)
class Notice:
    """What one recipient is told on one channel."""

    id: str  # of the delivery
    to: Any
    title: str
    short: str
    body: str
    language: str = "en"
    again: bool = False  # was told of it already, perhaps
    link: str = ""  # where it is read and confirmed
    leave: str = ""  # where one unsubscribes with one tap
    thread: str = ""  # what it is about: messages of the same are shown as one
    confirm: str = ""  # the words beside the link, in the recipient's language
    at: int = 0  # microseconds
    rank: int = 0
    step: int = 0
    secret: str = field(default="", repr=False)

    @property
    def key(self) -> str:
        """The same for the same delivery, whatever is said: for identifiers that others see."""
        return keyed(self.id)


@dataclass(frozen=True, slots=True)
class Handed:
    """The other side took it. That is no receipt, unless the recipient's own device `confirmed` it."""

    ref: str = ""  # how the gateway calls it
    confirmed: bool = False
    why: str = ""


@dataclass(frozen=True, slots=True)
class Failed:
    """It was not taken. `for_good`: no other try mends it. `everybody`: not this recipient, the whole endpoint fails.

    `perhaps`: it may have arrived all the same, so that another try must not pass for news.
    """

    for_good: bool
    why: str
    wait_s: float | None = None
    everybody: bool = False
    perhaps: bool = False


Outcome = Handed | Failed


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a gateway later says of a message: it reached the phone, or will not. Gateways lie: it confirms nothing."""

    ref: str
    reached: bool


class Channel(Protocol):
    """One way to tell people."""

    width: int
    """Sends at once."""
    per_s: float
    """Sends a second, at most."""

    def endpoint(self, to: Any) -> str:
        """What fails as one: the host of an address, or "" where one gateway takes everything."""

    async def send(self, notice: Notice) -> Outcome:
        """Tell one; raises nothing."""

    async def aclose(self) -> None:
        """Let go of every socket."""


def keyed(ident: str) -> str:
    """What others see of the id of a delivery."""
    return sha256(ident.encode()).hexdigest()[:32]


def reference(said: Any) -> str:
    """How a gateway calls a message, on one line: what it sent and what it later says of it read the same."""
    return line(said, REFERENCE)


def clean(text: Any, most: int = BODY) -> str:
    """A text for people, without what can hide or steer; "" when it is none."""
    if not isinstance(text, str):
        return ""
    found = CONTROL.sub("", text[: most * 2].replace("\r\n", "\n").replace("\r", "\n"))
    return found if len(found) <= most else found[: most - 1] + "…"


def line(text: Any, most: int = 500) -> str:
    """The same on one line."""
    return " ".join(clean(text, most).split())


def shortened(text: str, most: int) -> str:
    """At most so many UTF-8 bytes, whole characters, with … where it was cut."""
    raw = text.encode()
    if len(raw) <= most:
        return text
    return raw[: max(0, most - 3)].decode(errors="ignore") + "…"


def part(to: Any, *names: str) -> str:
    """A text in an address that is an object; "" when it is not there."""
    found = to
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return found if isinstance(found, str) else ""
