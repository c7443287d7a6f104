"""The egress wall's rules: which machines hansa may speak to when somebody from outside names them.

A subscriber's URL or an @context's URL comes from anybody, so it may point inwards: at this machine, at a neighbour on
the LAN, at a cloud's metadata service. Whatever is not plainly on the public internet is refused, unless the operator
has put it on the allow list. Pure decisions about addresses; `http` asks for each that it is about to connect to.
"""

from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final

from hansa.errors import BadRequest, SourceFailed

Address = IPv4Address | IPv6Address

_NAT64: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE: Final = IPv6Network("::/96")
# What Python 3.11 takes for global although RFC 6890 and its like do not.
_NOT_GLOBAL: Final = (IPv4Network("192.0.0.0/24"), IPv4Network("192.88.99.0/24"), IPv6Network("2001::/23"))
# Public by number, but a cloud's own service: Azure's platform answers every virtual machine there.
_SERVICES: Final = frozenset((IPv4Address("168.63.129.16"),))


class Walled(SourceFailed):
    """The egress wall: hansa does not speak to this machine unless the operator allows it."""

    kind = "https://hansa.city/errors/Walled"
    title = "Not allowed to ask that machine"


class Wall:
    """The allow list of the operator, over the rule that only public addresses may be asked.

    An entry is a host name (`fiware.example`), a name and all below it (`.example`), an address or a network
    (`10.2.0.0/16`).
    """

    def __init__(self, allow: Iterable[str] = ()) -> None:
        """Read the list; BadRequest when an entry is neither a name nor a network."""
        self._names: set[str] = set()
        self._suffixes: list[str] = []
        self._networks: list[IPv4Network | IPv6Network] = []
        for entry in allow:
            said = entry.strip().lower()
            try:
                self._networks.append(ip_network(said))
            except ValueError:
                name = said.removeprefix(".").removesuffix(".")
                if not name or not name.replace("-", "a").replace(".", "a").replace("_", "a").isalnum():
                    raise BadRequest(
                        f"{entry[:80]!r} is neither a host name nor a network",
                        where="egress_allow",
                        mend="write it as fiware.example, .example or 10.2.0.0/16",
                    ) from None
                if said.startswith("."):
                    self._suffixes.append(said.removesuffix("."))
                else:
                    self._names.add(name)

    def knows(self, host: str) -> bool:
        """Whether the operator allows this host by its name, wherever it leads."""
        name = host.lower().removesuffix(".")
        return name in self._names or any(name.endswith(suffix) for suffix in self._suffixes)

    def refusal(self, host: str, address: str) -> str | None:
        """Why `host` at `address` may not be asked; None when it may."""
        try:
            ip = ip_address(address)
        except ValueError:
            return f"{address[:80]} is no address"
        inner = embedded(ip)
        if self.knows(host) or self._allowed(ip) or (inner is not None and self._allowed(inner)):
            return None
        why = _not_public(ip)
        if why is None and inner is not None:
            why = _not_public(inner)
        return None if why is None else f"{ip} is {why}"

    def check(self, host: str, address: str) -> None:
        """Raise Walled when `host` at `address` may not be asked."""
        why = self.refusal(host, address)
        if why is not None:
            raise Walled(
                f"{host} is not asked: {why}",
                where=host,
                mend=f"if it is a neighbour to be trusted, add {host} or its network to egress_allow",
            )

    def literal(self, host: str) -> None:
        """Raise Walled when `host` is itself an address that may not be asked; names are left for later."""
        try:
            ip_address(host)
        except ValueError:
            return
        self.check(host, host)

    def _allowed(self, ip: Address) -> bool:
        return any(ip.version == net.version and ip in net for net in self._networks)


def embedded(ip: Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 address stands for (mapped, compatible, 6to4, Teredo, NAT64), or None."""
    if isinstance(ip, IPv4Address):
        return None
    if ip.ipv4_mapped is not None:
        return ip.ipv4_mapped
    if ip.sixtofour is not None:
        return ip.sixtofour
    if ip.teredo is not None:
        return ip.teredo[1]
    if any(ip in net for net in _NAT64) or ip in _COMPATIBLE:
        return IPv4Address(int(ip) & 0xFFFF_FFFF)
    return None


def _not_public(ip: Address) -> str | None:
    """What kind of not-public address this is; None for a public one."""
    if isinstance(ip, IPv6Address) and (ip.ipv4_mapped is not None or any(ip in net for net in _NAT64)):
        return None  # what stands inside decides
    if ip in _SERVICES:
        return "a cloud's own service"
    for name in ("unspecified", "loopback", "link_local", "multicast"):
        if getattr(ip, f"is_{name}"):
            return name.replace("_", "-")
    if isinstance(ip, IPv6Address) and ip.is_site_local:
        return "site-local"
    if ip.is_private or any(ip.version == net.version and ip in net for net in _NOT_GLOBAL):
        return "private"
    return None if ip.is_global and not ip.is_reserved else "not public"
