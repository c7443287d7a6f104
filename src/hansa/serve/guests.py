"""Who is connected to a door: how many there are, from where, and for whom a proxy speaks.

Asked at the bare socket, before TLS and before a byte is read: whoever holds too many connections, or made too many
lately, is turned away there.
"""

import time
from collections.abc import Iterable
from typing import Final

from hansa.limits import Limits
from hansa.trust.rates import Visitor, Visitors, forwarded, networks, within

_MORE: Final = 64  # connections beyond the most: their holders are told so (503), whoever comes then is not


class Entry:
    """One connection that was let in."""

    __slots__ = ("_guests", "_left", "proxy", "visitor")

    def __init__(self, guests: "Guests", visitor: Visitor | None, *, proxy: bool) -> None:
        """`visitor` None: nothing limits it."""
        self._guests = guests
        self._left = False
        self.visitor = visitor
        self.proxy = proxy
        guests.open += 1
        if visitor is not None:
            visitor.open += 1

    def leave(self) -> None:
        """It has ended."""
        if not self._left:
            self._left = True
            self._guests.open -= 1
            if self.visitor is not None:
                self.visitor.open -= 1


class Guests:
    """Everybody at one door."""

    def __init__(self, limits: Limits, most: int, unlimited: Iterable[str] = (), proxies: Iterable[str] = ()) -> None:
        """`most` connections at once, and of one address what `limits` says.

        `unlimited` and `proxies` are addresses and networks: the first may come as often as they like, of the second
        it is believed for whom they ask. BadRequest when one is neither.
        """
        self._limits = limits
        self._most = most
        self._proxies = networks(proxies, "trusted_proxies")
        self.visitors = Visitors(limits, unlimited)
        self.open = 0
        self.turned_away = 0

    def enter(self, address: str) -> Entry | None:
        """Somebody at this address connects; None when he has too many connections, or made too many lately."""
        if self.open >= self._most + _MORE:
            self.turned_away += 1
            return None
        proxy = bool(self._proxies) and within(address, self._proxies)
        now = time.monotonic()
        visitor = None if proxy else self.visitors.of(address, now)
        if visitor is not None and (visitor.open >= self._limits.address_connections or not visitor.connects.take(now)):
            self.turned_away += 1
            return None
        return Entry(self, visitor, proxy=proxy)

    def behind(self, headers: Iterable[tuple[bytes, bytes]]) -> tuple[str | None, bool | None]:
        """For whom a trusted proxy asks, and whether he came to it by TLS; None where it does not say."""
        chain, secure = [], None
        for name, value in headers:
            if name == b"x-forwarded-for":
                chain.append(value)
            elif name == b"x-forwarded-proto":
                secure = value.strip().lower() == b"https"
        return (forwarded(chain, self._proxies) if chain else None), secure
