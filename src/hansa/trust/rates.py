"""How often one address, or one identity, may come: token buckets, and as many of them as there is room for.

A bucket holds `burst` tokens and is filled at `rate` a second; whoever finds it empty is told when to come again. One
address is one visitor, whatever it asks with; of IPv6, where everybody has more addresses than there are stars, one
network of 64 bits is. Addresses on the list `unlimited` have no buckets. Pure: time is handed in (monotonic seconds).
Report: 4.2.
"""

import math
from collections import OrderedDict
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from hansa.errors import BadRequest
from hansa.limits import Limits

_STRANGER_S: Final = 5.0  # of its rate, what a stranger may use at once: a page and all that it is made of
_BURST_S: Final = 2.0  # the same of whoever is known, and of an address
_CONNECT_S: Final = 10.0  # and of connections: a gateway whose devices all come back after a power cut
_SPARE: Final = 64  # addresses looked at for one that can be forgotten


class Bucket:
    """Tokens of one kind."""

    __slots__ = ("_at", "_burst", "_level", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        """A full bucket, filled by `rate` tokens a second up to `burst`."""
        self._rate = rate
        self._burst = self._level = max(burst, 1.0)
        self._at = now

    def take(self, now: float) -> bool:
        """Take a token; False when there is none."""
        level = self.level(now)
        self._at = now
        self._level = level - 1.0 if level >= 1.0 else level
        return level >= 1.0

    def level(self, now: float) -> float:
        """How many tokens there are."""
        return min(self._burst, self._level + max(0.0, now - self._at) * self._rate)

    def spent(self, now: float) -> float:
        """How many have been taken and not been filled up again."""
        return self._burst - self.level(now)

    def wait_s(self, now: float) -> int:
        """In how many whole seconds there will be one, at least 1."""
        missing = 1.0 - self.level(now)
        return max(1, min(3_600, math.ceil(missing / self._rate))) if self._rate > 0 else 3_600


class Visitor:
    """One address: what it has used up, and how many of its connections are open."""

    __slots__ = ("address", "connects", "open", "requests", "sign_ins", "strangers")

    def __init__(self, address: str, limits: Limits, now: float) -> None:
        """An address that was not heard of for a while."""
        self.address = address
        self.open = 0
        self.connects = Bucket(limits.connect_rate, _CONNECT_S * limits.connect_rate, now)
        self.requests = Bucket(limits.address_rate, _BURST_S * limits.address_rate, now)
        self.strangers = Bucket(limits.stranger_rate, _STRANGER_S * limits.stranger_rate, now)
        self.sign_ins = Bucket(limits.sign_ins / 60.0, limits.sign_ins, now)


class Visitors:
    """Every address that was heard of lately, `limits.addresses` of them at most; the one that was silent longest goes.

    An address with open connections is kept, so that its count is never forgotten.
    """

    def __init__(self, limits: Limits, unlimited: Iterable[str] = ()) -> None:
        """`unlimited` are addresses and networks that no bucket holds for; BadRequest when one is neither."""
        self._limits = limits
        self._unlimited = networks(unlimited, "unlimited")
        self._known: OrderedDict[str, Visitor] = OrderedDict()

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._known)

    def of(self, address: str, now: float) -> Visitor | None:
        """Who this address is; None when nothing limits it."""
        key, free = self._key(address)
        return None if free else self.known(key, now)

    def known(self, key: str, now: float) -> Visitor:
        """Whoever goes by this name, limited whatever the name is."""
        found = self._known.get(key)
        if found is not None:
            self._known.move_to_end(key)
            return found
        if len(self._known) >= self._limits.addresses:
            self._spare()
        made = self._known[key] = Visitor(key, self._limits, now)
        return made

    def _key(self, address: str) -> tuple[str, bool]:
        free = within(address, self._unlimited)
        return (str(_plain(address) or address[:64]) if free else network_of(address)), free

    def _spare(self) -> None:
        for _ in range(min(_SPARE, len(self._known))):
            key, visitor = self._known.popitem(last=False)
            if not visitor.open:
                return
            self._known[key] = visitor


class Identities:
    """Buckets of those who said who they are, `limits.addresses` of them at most."""

    def __init__(self, limits: Limits) -> None:
        """Each may ask `limits.identity_rate` times a second."""
        self._rate = limits.identity_rate
        self._most = limits.addresses
        self._known: OrderedDict[str, Bucket] = OrderedDict()

    def of(self, name: str, now: float) -> Bucket:
        """The bucket of one."""
        found = self._known.get(name)
        if found is None:
            if len(self._known) >= self._most:
                self._known.popitem(last=False)
            found = self._known[name] = Bucket(self._rate, _BURST_S * self._rate, now)
        else:
            self._known.move_to_end(name)
        return found


def networks(said: Iterable[str], where: str) -> list[IPv4Network | IPv6Network]:
    """Addresses and networks of a setting; BadRequest when one is neither."""
    found = []
    for one in said:
        try:
            found.append(ip_network(one.strip()))
        except ValueError:
            raise BadRequest(
                f"{one[:80]!r} is no address and no network", where=where, mend="write it as 10.2.0.7 or 10.2.0.0/16"
            ) from None
    return found


def network_of(address: str) -> str:
    """What counts as one visitor: an address, of IPv6 a network of 64 bits; what is no address, as it stands."""
    ip = _plain(address)
    if isinstance(ip, IPv6Address):
        return str(IPv6Network((int(ip) >> 64 << 64, 64)))
    return address[:64] if ip is None else str(ip)


def _plain(address: str) -> IPv4Address | IPv6Address | None:
    try:
        ip = ip_address(address.partition("%")[0])
    except ValueError:
        return None
    mapped = ip.ipv4_mapped if isinstance(ip, IPv6Address) else None
    return mapped if mapped is not None else ip


def within(address: str, among: list[IPv4Network | IPv6Network]) -> bool:
    """Whether an address lies in one of these networks."""
    ip = _plain(address)
    return ip is not None and any(ip.version == net.version and ip in net for net in among)


def forwarded(said: Iterable[bytes], trusted: list[IPv4Network | IPv6Network]) -> str | None:
    """Who asked a proxy, of its X-Forwarded-For: the last address that is not itself a proxy that we trust.

    What stands before that one was said by the asker, who can write what he likes. None when it is no address.
    """
    chain = b",".join(said).decode("latin-1").split(",")
    for one in reversed(chain[-32:]):
        text = one.strip()
        if text.startswith("["):
            text = text[1:].partition("]")[0]
        elif text.count(":") == 1:
            text = text.partition(":")[0]
        try:
            ip = ip_address(text)
        except ValueError:
            return None
        if not within(str(ip), trusted):
            return str(ip)
    return None
