"""How often somebody may guess, so that nobody can guess for long, and nobody can lock others out by guessing.

Each attempt takes one from several purses, which fill again slowly: that of the account from this address, that of the
address, and that of the account from anywhere unknown. A right answer gives back what it took. A browser from which
the account's holder has signed in before (its device cookie says so) has a purse of its own instead, which nobody else
can empty. Passkeys cannot be guessed and are never held up. (OWASP: device cookies.)

Pure: `now` is monotonic seconds.
"""

import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from typing import Final

from hansa.errors import TooMany


@dataclass(frozen=True, slots=True)
class Purse:
    """How many attempts at once, and how long until one more."""

    holds: int
    every_s: float


DEVICE: Final = Purse(10, 120.0)
"""A browser that the account's holder has used before."""
PAIR: Final = Purse(5, 180.0)
"""One account, from one address."""
ADDRESS: Final = Purse(20, 30.0)
"""One address: perhaps the whole town hall behind one router."""
ACCOUNT: Final = Purse(20, 180.0)
"""One account, from everywhere that is not known."""
LONG: Final = Purse(100, 3_600.0)
"""The same in the long run, of an account and of a browser that is known: 24 guesses a day, once a hundred are made.
A one-time code has a million faces, so whoever knows the password guesses on for decades (NIST SP 800-63B, 3.2.2).
"""


class _Purses:
    """Purses of one kind, by key; full ones need not be remembered."""

    def __init__(self, kind: Purse, most: int) -> None:
        self._kind = kind
        self._most = most
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()  # what is left, and when that was so

    def __len__(self) -> int:
        return len(self._held)

    def left(self, key: str, now: float) -> float:
        amount, at = self._held.get(key, (float(self._kind.holds), now))
        return min(float(self._kind.holds), amount + max(0.0, now - at) / self._kind.every_s)

    def move(self, key: str, by: float, now: float) -> None:
        left = self.left(key, now) + by
        self._held.pop(key, None)
        if left >= self._kind.holds:
            return
        self._held[key] = (left, now)
        if len(self._held) > self._most:
            self._held.popitem(last=False)

    def wait_s(self, key: str, now: float) -> float:
        return max(0.0, (1.0 - self.left(key, now)) * self._kind.every_s)


class Lockout:
    """Who may try now."""

    def __init__(self, key: bytes, most: int) -> None:
        """`key` signs device cookies; `most` purses of each kind are remembered."""
        self._key = key
        self._device = _Purses(DEVICE, most)
        self._pair = _Purses(PAIR, most)
        self._address = _Purses(ADDRESS, most)
        self._account = _Purses(ACCOUNT, most)
        self._long = _Purses(LONG, most)
        # Guesses at names that do not exist must not push out what is known of those that do.
        self._stranger = _Purses(ACCOUNT, most)

    def __len__(self) -> int:
        """How many purses are remembered."""
        purses = (self._device, self._pair, self._address, self._account, self._long, self._stranger)
        return sum(map(len, purses))

    def attempt(self, name: str, address: str, cookie: str, now: float, *, exists: bool) -> "Attempt":
        """Take part; TooMany, with how long to wait, when there is nothing left to take."""
        device = self.device_in(cookie, name)
        if device is not None:
            own = f"{name} {device}"
            at: list[tuple[_Purses, str]] = [(self._device, own), (self._long, own)]
        else:
            network = network_of(address)
            at = [(self._pair, f"{name} {network}"), (self._address, network)]
            at += [(self._account, name), (self._long, name)] if exists else [(self._stranger, name)]
        wait_s = max(purses.wait_s(key, now) for purses, key in at)
        if wait_s > 0:
            raise TooMany("too many attempts", wait_s, mend="a passkey opens at once; else wait")
        for purses, key in at:
            purses.move(key, -1.0, now)
        return Attempt(at, known=device is not None)

    # Device cookies

    def remember(self, cookie: str, name: str) -> str:
        """The cookie of a browser in which somebody has just signed in: it is shared by several people at a desk."""
        if self.device_in(cookie, name) is not None:
            return cookie
        return "~".join([self.device_cookie(name), *_several(cookie)][:DEVICES])

    def device_cookie(self, name: str) -> str:
        """What the browser of somebody who has just signed in keeps."""
        nonce = secrets.token_urlsafe(12)
        return f"{nonce}.{self._sign(name, nonce)}"

    def device_in(self, cookie: str, name: str) -> str | None:
        """The device of a cookie that was given to this account; None for any other."""
        for one in _several(cookie):
            nonce, _, said = one.partition(".")
            if said and hmac.compare_digest(said.encode(), self._sign(name, nonce).encode()):
                return nonce
        return None

    def _sign(self, name: str, nonce: str) -> str:
        return hmac.new(self._key, f"device {name} {nonce}".encode(), hashlib.sha256).hexdigest()[:40]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One guess that was let through."""

    taken: list[tuple[_Purses, str]]
    known: bool
    """Whether it came from a browser that the account's holder has used."""

    def right(self, now: float) -> None:
        """It was no guess: what it took is given back."""
        for purses, key in self.taken:
            purses.move(key, 1.0, now)


DEVICES: Final = 4
"""Accounts that one browser remembers to have been signed in to."""


def _several(cookie: str) -> Iterator[str]:
    if len(cookie) <= 400 and cookie.isascii():
        yield from filter(None, cookie.split("~")[:DEVICES])


def network_of(address: str) -> str:
    """What counts as one address: a whole /64 for IPv6, since everybody who has one has them all."""
    try:
        found = ip_address(address.partition("%")[0])
    except ValueError:
        return "?"
    if isinstance(found, IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(IPv6Address(int(found) >> 64 << 64))
    return str(found)
