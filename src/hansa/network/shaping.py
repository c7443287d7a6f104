"""One line shared by three kinds of traffic: warnings first, then the city's readings and commands, then the rest.

Report section 4.1.9.4. Pure: what was asked becomes a `Line`, what an interface bears (`Found`) and what it shall bear
become `Step`s, words of `tc` and `ip` that `network.tc` runs one after the other. The means is Linux' hierarchical
token bucket (HTB, tc-htb(8)): every class is sure of its rate, and what nobody uses is lent in the order of `prio`.

Who belongs where is said by the DSCP that a packet bears (RFC 2474): EF, 46 (RFC 3246) is a warning; CS2 and AF21
(RFC 4594: operation, low-latency data) and the ports of MQTT are the city's; all else is bulk. ARP and IPv6's neighbour
discovery go with the warnings: where nobody knows the neighbour's address, no warning leaves.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, Final

from hansa.errors import BadRequest, Refusal

HANDLE: Final = "6861:"  # "ha": the root that is ours; what bears another handle somebody else made
DSCP: Final[Mapping[str, tuple[int, ...]]] = {"warnings": (46,), "city": (16, 18), "bulk": ()}
MQTT_PORTS: Final = (1883, 8883)
RATE_MIN: Final = 64_000  # below it a single packet of 1,500 bytes holds the line for a fifth of a second
RATE_MAX: Final = 100_000_000_000  # the fastest line that one port has today
BULK_MIN: Final = Fraction(1, 20)  # who gets nothing at all tries for ever, and people look for a fault
FRAME: Final = 1514  # bytes of a full Ethernet frame, as HTB counts it
# What waits in a plain queue. Bulk that waits longer is of no use when it comes; but three hundred warnings at once
# take seconds of a slow line, and what is dropped of them is sent again a second later.
QUEUE_S: Final[Mapping[str, Fraction]] = {"warnings": Fraction(4), "city": Fraction(1), "bulk": Fraction(1, 2)}
QUEUE_MAX: Final = 16_000_000  # bytes of the kernel's memory, where lines are fast

_NAME = re.compile(
    r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}"
)  # IFNAMSIZ is 16 with its zero; no word that tc may take for an option
_RATE = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(bit|kbit|mbit|gbit)")
_SHARE = re.compile(r"([0-9]{1,3}(?:\.[0-9]{1,3})?)%")
_UNIT: Final = {"bit": 1, "kbit": 1_000, "mbit": 1_000_000, "gbit": 1_000_000_000}

Words = tuple[str, ...]


def interface(name: str) -> str:
    """The name of a network interface as the kernel takes it; BadRequest where it is none."""
    if not _NAME.fullmatch(name) or name in {".", ".."}:
        raise BadRequest(
            f"{name[:40]!r} is no name of a network interface",
            where="IFACE",
            mend="`ip link` lists them; letters, digits, '.', '_' and '-', 15 at most",
        )
    return name


def rate(said: str, where: str, line: int | None = None) -> int:
    """Bits a second of `1mbit`, `1.5mbit`, or of `20%` where a `line`'s own rate is known."""
    text = said.strip().lower()
    if line is not None and (share := _SHARE.fullmatch(text)):
        bits = line * Fraction(share[1]) / 100
    elif found := _RATE.fullmatch(text):
        bits = Fraction(found[1]) * _UNIT[found[2]]
    else:
        parts = "" if line is None else " or a share such as 20%"
        raise BadRequest(
            f"{said[:40]!r} is no rate", where=where, mend=f"bits a second, such as 500kbit or 1.5mbit{parts}"
        )
    if bits > RATE_MAX:
        raise BadRequest(f"{said[:40]} is more than any line carries", where=where, mend="100gbit at most")
    return int(bits)


@dataclass(frozen=True, slots=True)
class Share:
    """What one class is sure of (`rate`) and may have at most (`ceil`), in bit/s; who is lent to first has prio 0."""

    name: str
    minor: str
    rate: int
    ceil: int
    prio: int

    @property
    def flow(self) -> str:
        """The class as tc names it."""
        return HANDLE + self.minor


@dataclass(frozen=True, slots=True)
class Line:
    """One direction of a line, in bit/s: all of it, what warnings and city are sure of, what warnings have at most."""

    rate: int
    reserve: int
    city: int
    ceil: int

    @classmethod
    def asked(cls, rate_: str, reserve: str, city: str, ceil: str) -> "Line":
        """Read what somebody wrote; BadRequest says which of it does not fit."""
        whole = rate(rate_, "--rate")
        if whole < RATE_MIN:
            raise BadRequest(f"{rate_[:40]} is too little to be shared", where="--rate", mend="64kbit at least")
        sure, second = rate(reserve, "--reserve", whole), rate(city, "--city", whole)
        most = rate(ceil, "--ceil", whole)
        for one, where in ((sure, "--reserve"), (second, "--city")):
            if one < whole // 100:
                raise BadRequest("less than a hundredth of the line is no reservation", where=where)
        if sure + second > whole * (1 - BULK_MIN):
            raise BadRequest(
                f"warnings and city would be sure of {spoken(sure + second)} of {spoken(whole)}",
                where="--reserve",
                mend="leave a twentieth for everything else",
            )
        if not sure <= most <= whole:
            raise BadRequest(
                f"warnings may have {spoken(most)} at most, but are sure of {spoken(sure)} of {spoken(whole)}",
                where="--ceil",
                mend="between --reserve and --rate",
            )
        return cls(whole, sure, second, most)

    @property
    def shares(self) -> tuple[Share, Share, Share]:
        """The three classes, who is lent to first first."""
        return (
            Share("warnings", "10", self.reserve, self.ceil, 0),
            Share("city", "20", self.city, self.rate, 1),
            Share("bulk", "30", self.rate - self.reserve - self.city, self.rate, 2),
        )


@dataclass(frozen=True, slots=True, order=True)
class Filter:
    """One 32-bit word of a packet's header that says its class: u32 of tc-u32(8)."""

    pref: int
    protocol: str
    value: int
    mask: int
    offset: int
    flow: str

    @property
    def words(self) -> Words:
        """The words after `tc filter add dev ... parent ...`."""
        match = ("match", "u32", f"0x{self.value:08x}", f"0x{self.mask:08x}", "at", str(self.offset))
        return ("protocol", self.protocol, "pref", str(self.pref), "u32", *match, "flowid", self.flow)


def filters(line: Line) -> tuple[Filter, ...]:
    """Which packets go where, the warnings' own first. Whatever none of them knows is bulk."""
    warnings, city, _ = line.shares
    said: list[tuple[str, int, int, int, str]] = []
    for share in (warnings, city):
        for dscp in DSCP[share.name]:  # the upper six bits of IPv4's TOS, of IPv6's traffic class
            said.append(("ip", dscp << 18, 0x00FC0000, 0, share.flow))
            said.append(("ipv6", dscp << 22, 0x0FC00000, 0, share.flow))
    said.append(("arp", 0, 0, 0, warnings.flow))
    # Neighbour discovery is ICMPv6 with a hop limit of 255 (RFC 4861): nothing that was routed here looks like it.
    said.append(("ipv6", 0x00003AFF, 0x0000FFFF, 4, warnings.flow))
    for port in MQTT_PORTS:
        for protocol, at in (("ip", 20), ("ipv6", 40)):
            said.append((protocol, port << 16, 0xFFFF0000, at, city.flow))
            said.append((protocol, port, 0x0000FFFF, at, city.flow))
    return tuple(Filter(pref, *one) for pref, one in enumerate(said, 1))


@dataclass(frozen=True, slots=True)
class Found:
    """What a device bears now. `root` is None where it is the kernel's own choice, which comes back by itself."""

    root: Mapping[str, Any] | None = None
    leaves: Mapping[str, str] = field(default_factory=dict)  # class -> kind of its queue
    filters: frozenset[Filter] = frozenset()
    strange: bool = False  # filters of ours that are not as we make them

    @property
    def ours(self) -> bool:
        """Whether hansa made its root."""
        return self.root is not None and self.root.get("kind") == "htb" and self.root.get("handle") == HANDLE


@dataclass(frozen=True, slots=True)
class Inward:
    """How packets come in: the qdisc there, where it sends them, and whether our ifb is there."""

    qdisc: str = ""
    to: frozenset[str] = frozenset()
    filters: int = 0
    ifb: bool = False

    def ours(self, ifb: str) -> bool:
        """Whether all that is there is our diversion."""
        return self.qdisc == "ingress" and self.to == frozenset({ifb}) and self.filters == 1


@dataclass(frozen=True, slots=True)
class Step:
    """One call of tc or ip. Where the kernel lacks that queue, `otherwise` is called, and `told` is said of it."""

    words: Words
    otherwise: Words = ()
    told: str = ""


def shape(dev: str, line: Line, found: Found, *, replace: bool = False) -> list[Step]:
    """The steps that make a device share its line so. Done twice, nothing is lost that waits in its queues.

    Refusal where somebody else's qdisc is there, unless it may be replaced.
    """
    steps = []
    if not found.ours:
        if found.root is not None:
            if not replace:
                raise Refusal(
                    f"{dev} has a queueing discipline that hansa did not make: {named(found.root)}",
                    where="IFACE",
                    mend="keep it, or give --replace; `hansa link plan` shows what would be done",
                )
            steps.append(_tc("qdisc", "del", "dev", dev, "root"))
        steps.append(_tc("qdisc", "add", "dev", dev, "root", "handle", HANDLE, "htb", "default", "30"))
    whole = ("rate", f"{line.rate}bit", "ceil", f"{line.rate}bit", "quantum", str(_quantum(line.rate)))
    steps.append(_tc("class", "replace", "dev", dev, "parent", HANDLE, "classid", HANDLE + "1", "htb", *whole))
    for share in line.shares:
        limits = ("rate", f"{share.rate}bit", "ceil", f"{share.ceil}bit", "prio", str(share.prio))
        where = ("dev", dev, "parent", HANDLE + "1", "classid", share.flow)
        steps.append(_tc("class", "replace", *where, "htb", *limits, "quantum", str(_quantum(share.rate))))
        steps += _leaf(dev, share, found.leaves.get(share.flow) if found.ours else None)
    wanted = filters(line)
    if not found.ours or found.strange or found.filters != frozenset(wanted):
        if found.ours and (found.filters or found.strange):
            steps.append(_tc("filter", "del", "dev", dev, "parent", HANDLE))
        steps += [_tc("filter", "add", "dev", dev, "parent", HANDLE, *one.words) for one in wanted]
    return steps


def divert(dev: str, ifb: str, inward: Inward, *, replace: bool = False) -> list[Step]:
    """The steps that send what comes in through an ifb, where it can wait its turn; last, for the ifb must stand."""
    if inward.ours(ifb):
        return []
    steps = []
    if inward.qdisc:
        if not replace:
            raise Refusal(
                f"somebody else looks at what comes in by {dev}: {inward.qdisc}, {inward.filters} filters",
                where="IFACE",
                mend="--direction out leaves that alone; --replace takes it away for good",
            )
        steps.append(_tc("qdisc", "del", "dev", dev, inward.qdisc))
    steps.append(_tc("qdisc", "add", "dev", dev, "handle", "ffff:", "ingress"))
    all_of_it = ("protocol", "all", "pref", "1", "u32", "match", "u32", "0", "0")
    to = ("action", "mirred", "egress", "redirect", "dev", ifb)
    steps.append(_tc("filter", "add", "dev", dev, "parent", "ffff:", *all_of_it, *to))
    return steps


def ifb_steps(ifb: str, inward: Inward) -> list[Step]:
    """The steps that make the device through which a line's inward half goes."""
    made = [] if inward.ifb else [Step(("ip", "link", "add", "name", ifb, "type", "ifb"))]
    return [*made, Step(("ip", "link", "set", "dev", ifb, "up"))]


def unshape(dev: str, ifb: str, found: Found, inward: Inward, before: Mapping[str, Any] | None) -> list[Step]:
    """The steps that take away what is ours and nothing else; `before` is put back."""
    steps = []
    if inward.ours(ifb):
        steps.append(_tc("qdisc", "del", "dev", dev, "ingress"))
    if inward.ifb:
        steps.append(Step(("ip", "link", "del", "dev", ifb)))
    if found.ours:
        steps.append(_tc("qdisc", "del", "dev", dev, "root"))
        back = None if before is None else restored(before)
        if back is not None:
            steps.append(_tc("qdisc", "add", "dev", dev, "root", *back))
    return steps


_COUNTS: Final[Mapping[str, tuple[tuple[str, str, str], ...]]] = {  # kind -> (member of tc -json, tc's word, its unit)
    "pfifo": (("limit", "limit", ""),),
    "bfifo": (("limit", "limit", ""),),
    "tbf": (("rate", "rate", "bps"), ("burst", "burst", ""), ("lat", "latency", "us")),
    "fq_codel": (
        *(("limit", "limit", ""), ("flows", "flows", ""), ("quantum", "quantum", "")),
        *(("target", "target", "us"), ("interval", "interval", "us"), ("memory_limit", "memory_limit", "")),
    ),
}


def restored(qdisc: Mapping[str, Any]) -> Words | None:
    """The words that make a qdisc again as `tc -json qdisc` told of it; None for kinds that hansa cannot rebuild."""
    kind, handle, options = qdisc.get("kind"), str(qdisc.get("handle")), qdisc.get("options")
    if kind not in _COUNTS or not re.fullmatch(r"[0-9a-f]{1,4}:", handle) or not isinstance(options, Mapping):
        return None
    words = ["handle", handle, str(kind)]
    for member, word, unit in _COUNTS[str(kind)]:
        count = options.get(member)
        if not isinstance(count, int) or not 0 <= count < 1 << 62:
            return None
        words += [word, f"{count}{unit}"]
    return tuple(words)


def spoken(bits: int) -> str:
    """A rate for people: `950 kbit/s`."""
    for unit, step in (("Gbit/s", 1_000_000_000), ("Mbit/s", 1_000_000), ("kbit/s", 1_000)):
        if bits >= step:
            return f"{bits / step:.4g} {unit}"
    return f"{bits} bit/s"


def named(qdisc: Mapping[str, Any]) -> str:
    """A qdisc for people: `tbf 8001:`."""
    return f"{str(qdisc.get('kind'))[:20]} {str(qdisc.get('handle'))[:10]}"


def _tc(*words: str) -> Step:
    return Step(("tc", *words))


def _quantum(bits: int) -> int:
    """Bytes of one turn among classes of the same prio: a tenth of a second, one frame at least, as HTB takes them."""
    return max(FRAME, min(60_000, bits // 80))


def _leaf(dev: str, share: Share, there: str | None) -> list[Step]:
    """The queue of one class: fair among its flows, and short; where the kernel lacks it, a plain one with an end.

    A queue changes its size with all that waits in it, but not its kind: a plain one that is `there` stays plain.
    """
    # At 1 Mbit/s one frame takes 12 ms: with CoDel's usual 5 ms it would drop what merely is being sent.
    frame_us = FRAME * 8 * 1_000_000 * 3 // 2 // share.rate
    target, interval = max(5_000, frame_us), 95_000 + max(5_000, frame_us)
    at = ("tc", "qdisc", "replace", "dev", dev, "parent", share.flow, "handle", f"{HANDLE[:2]}{share.minor}:")
    most = min(QUEUE_MAX, max(16 * FRAME, int(share.ceil * QUEUE_S[share.name] / 8)))
    fair = (*at, "fq_codel", "target", f"{target}us", "interval", f"{interval}us")
    plain = (*at, "bfifo", "limit", str(most))
    if there == "bfifo":
        return [Step(plain)]
    told = "this kernel has no fq_codel: plain queues, in which one flow can delay its neighbours"
    step = Step(fair, otherwise=plain, told=told)
    return [step] if there in {None, "fq_codel"} else [_tc("qdisc", "del", "dev", dev, "parent", share.flow), step]
