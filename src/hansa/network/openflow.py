"""The rules of a shared line as files for an SDN controller: OpenFlow 1.3.5 queues, meters and flows.

Report section 4.1.9.4. Pure. One `Line` becomes neutral rules, each match in the names of OpenFlow's own fields
(section 7.2.3.7), and those are written three ways: text of Open vSwitch (ovs-fields(7), ovs-ofctl(8)), bodies of
Ryu's REST applications `ofctl_rest` and `rest_qos`, bodies of ONOS' REST door. They bear one direction: what comes in
by the port inside and leaves by the line. Queues hold the shares; the meters hold the reserve where queues do nothing.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from hansa.errors import BadRequest
from hansa.network.shaping import DSCP, MQTT_PORTS, Line

QUEUES: Final[Mapping[str, int]] = {"bulk": 0, "city": 1, "warnings": 2}  # 0 takes whatever no rule knows
REST: Final = 1  # meter of everything but warnings: the line without the reserve
MOST: Final = 2  # meter of the warnings: their ceiling
PORT_MAX: Final = 0xFFFFFF00  # OFPP_MAX: numbers above it are no ports
TABLE_MAX: Final = 254
PRIORITY: Final[Mapping[str, int]] = {"warnings": 40_300, "city": 40_200, "bulk": 40_100}

_IPV4, _IPV6, _ARP, _TCP, _ICMPV6 = 0x0800, 0x86DD, 0x0806, 6, 58
_NEIGHBOURS: Final = range(133, 137)  # ICMPv6: router and neighbour solicitation and advertisement (RFC 4861)
_BRIDGE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,14}")
_DPID = re.compile(r"0x[0-9a-f]{1,16}|[0-9]{1,20}")
_ONOS = re.compile(r"of:[0-9a-f]{16}")


@dataclass(frozen=True, slots=True)
class Switch:
    """Where the rules go: a bridge (openflow), a datapath id (ryu) or a device (onos); ports by their numbers."""

    kind: str
    name: str
    port: int
    inside: int
    port_name: str
    table: int = 0
    following: int | None = None

    def __post_init__(self) -> None:
        """BadRequest where a controller would not take it."""
        shapes = {
            "openflow": (_BRIDGE, "a bridge, such as br0"),
            "ryu": (_DPID, "a datapath id, such as 1 or 0x1f"),
            "onos": (_ONOS, "a device, such as of:0000000000000001"),
        }
        if self.kind not in shapes:
            raise BadRequest(f"{self.kind[:40]!r} is no format", where="--format", mend=f"one of {', '.join(shapes)}")
        shape, example = shapes[self.kind]
        if not shape.fullmatch(self.name):
            raise BadRequest(f"{self.name[:40]!r} is no switch of {self.kind}", where="--switch", mend=example)
        if self.kind == "ryu" and not 0 < self.dpid < 1 << 64:
            raise BadRequest(f"{self.name} is no datapath id of 64 bits", where="--switch", mend=example)
        for number, where in ((self.port, "--port"), (self.inside, "--inside")):
            if not 1 <= number <= PORT_MAX:
                raise BadRequest(f"{number} is no number of a port", where=where, mend=f"1 to {PORT_MAX}")
        if self.port == self.inside:
            raise BadRequest("the line and the inside are one port", where="--inside")
        if not _BRIDGE.fullmatch(self.port_name):
            raise BadRequest(f"{self.port_name[:40]!r} is no name of a port", where="--port-name", mend="as s1-eth2")
        if not 0 <= self.table <= TABLE_MAX:
            raise BadRequest(f"{self.table} is no table", where="--table", mend=f"0 to {TABLE_MAX}")
        if self.following is not None and not self.table < self.following <= TABLE_MAX:
            mend = f"a table after {self.table}, {TABLE_MAX} at most: OpenFlow does not go back"
            raise BadRequest(f"table {self.following} cannot follow", where="--next", mend=mend)

    @property
    def dpid(self) -> int:
        """The datapath id as a number (ryu)."""
        return int(self.name, 16 if self.name.startswith("0x") else 10)


@dataclass(frozen=True, slots=True)
class Flow:
    """Packets that bear all of `match` (OpenFlow's field -> value) have this queue and this meter."""

    priority: int
    match: Mapping[str, int]
    queue: int
    meter: int


@dataclass(frozen=True, slots=True)
class Meter:
    """What is dropped of traffic above `kbps` kbit/s, after a burst of `burst` kbit."""

    number: int
    kbps: int
    burst: int


@dataclass(frozen=True, slots=True)
class Rules:
    """What one switch shall do for one line."""

    line: Line
    switch: Switch
    flows: tuple[Flow, ...] = field(init=False)
    meters: tuple[Meter, ...] = field(init=False)

    def __post_init__(self) -> None:
        """Work the rules out."""
        flows = tuple(
            Flow(PRIORITY[name], {"in_port": self.switch.inside, **match}, QUEUES[name], _meter_of(name))
            for name, match in _matches()
        )
        object.__setattr__(self, "flows", flows)
        meters = (_meter(REST, self.line.rate - self.line.reserve), _meter(MOST, self.line.ceil))
        object.__setattr__(self, "meters", meters)


def files(rules: Rules) -> dict[str, str]:
    """The files of that switch's format, name to text."""
    return {"openflow": _openflow, "ryu": _ryu, "onos": _onos}[rules.switch.kind](rules)


def _matches() -> Iterator[tuple[str, dict[str, int]]]:
    """Whose a packet is, and by which fields it is known; the same packets as `shaping.filters` knows."""
    for name in ("warnings", "city"):
        for dscp in DSCP[name]:
            for kind in (_IPV4, _IPV6):
                yield name, {"eth_type": kind, "ip_dscp": dscp}
    yield "warnings", {"eth_type": _ARP}
    for kind in _NEIGHBOURS:
        yield "warnings", {"eth_type": _IPV6, "ip_proto": _ICMPV6, "icmpv6_type": kind}
    for port in MQTT_PORTS:
        for kind in (_IPV4, _IPV6):
            for end in ("tcp_src", "tcp_dst"):
                yield "city", {"eth_type": kind, "ip_proto": _TCP, end: port}
    yield "bulk", {}


def _meter_of(name: str) -> int:
    return MOST if name == "warnings" else REST


def _meter(number: int, bits: int) -> Meter:
    """A tenth of a second of burst, and four full frames at least: less would drop what nobody held up."""
    return Meter(number, max(1, bits // 1_000), max(48, bits // 10_000))


def _openflow(rules: Rules) -> dict[str, str]:
    """Text for ovs-vsctl and ovs-ofctl."""
    switch, told = rules.switch, []
    for flow in rules.flows:
        fields = ",".join(
            f"{name}=0x{value:04x}" if name == "eth_type" else f"{name}={value}" for name, value in flow.match.items()
        )
        then = f"output:{switch.port}" if switch.following is None else f"goto_table:{switch.following}"
        told.append(
            f"table={switch.table},priority={flow.priority},{fields},"
            f"actions=meter:{flow.meter},set_queue:{flow.queue},{then}"
        )
    meters = [
        f"meter={one.number},kbps,burst,bands=type=drop,rate={one.kbps},burst_size={one.burst}" for one in rules.meters
    ]
    return {"queues.txt": _vsctl(rules), "meters.txt": _lines(meters), "flows.txt": _lines(told)}


def _vsctl(rules: Rules) -> str:
    """The words of one call of ovs-vsctl: the line's qos with its three queues, as linux-htb has them."""
    line, shares = rules.line, sorted(rules.line.shares, key=lambda share: QUEUES[share.name])
    words = [f"set port {rules.switch.port_name} qos=@line"]
    queues = " ".join(f"queues:{QUEUES[share.name]}=@{share.name}" for share in shares)
    words.append(f"--id=@line create qos type=linux-htb other-config:max-rate={line.rate} {queues}")
    for share in shares:
        limits = {"min-rate": share.rate, "max-rate": share.ceil, "priority": share.prio}
        config = " ".join(f"other-config:{name}={value}" for name, value in limits.items())
        words.append(f"--id=@{share.name} create queue {config}")
    return "".join(f"-- {one}\n" for one in words)


def _ryu(rules: Rules) -> dict[str, str]:
    """Bodies of POST /qos/queue/{id} (rest_qos), /stats/meterentry/add and /stats/flowentry/add (ofctl_rest)."""
    switch = rules.switch
    shares = sorted(rules.line.shares, key=lambda share: QUEUES[share.name])
    queues = {
        "port_name": switch.port_name,
        "type": "linux-htb",
        "max_rate": str(rules.line.rate),
        "queues": [{"min_rate": str(share.rate), "max_rate": str(share.ceil)} for share in shares],
    }
    meters = [
        {
            "dpid": switch.dpid,
            "flags": ["KBPS", "BURST"],
            "meter_id": one.number,
            "bands": [{"type": "DROP", "rate": one.kbps, "burst_size": one.burst}],
        }
        for one in rules.meters
    ]
    then: dict[str, Any] = {"type": "OUTPUT", "port": switch.port}
    if switch.following is not None:
        then = {"type": "GOTO_TABLE", "table_id": switch.following}
    flows = [
        {
            "dpid": switch.dpid,
            "table_id": switch.table,
            "priority": flow.priority,
            "match": dict(flow.match),
            "actions": [
                {"type": "METER", "meter_id": flow.meter},
                {"type": "SET_QUEUE", "queue_id": flow.queue},
                then,
            ],
        }
        for flow in rules.flows
    ]
    return {"queues.json": _json(queues), "meters.json": _json(meters), "flows.json": _json(flows)}


_CRITERIA: Final[Mapping[str, tuple[str, str]]] = {  # OpenFlow's field -> ONOS' criterion and the member of its value
    "in_port": ("IN_PORT", "port"),
    "eth_type": ("ETH_TYPE", "ethType"),
    "ip_dscp": ("IP_DSCP", "ipDscp"),
    "ip_proto": ("IP_PROTO", "protocol"),
    "tcp_src": ("TCP_SRC", "tcpPort"),
    "tcp_dst": ("TCP_DST", "tcpPort"),
    "icmpv6_type": ("ICMPV6_TYPE", "icmpv6Type"),
}


def _onos(rules: Rules) -> dict[str, str]:
    """Bodies of POST /onos/v1/meters/{device} and /onos/v1/flows; ONOS makes no queues: those are ovs-vsctl's."""
    switch = rules.switch
    meters = [
        {
            "deviceId": switch.name,
            "unit": "KB_PER_SEC",  # so ONOS names OpenFlow's flag KBPS: kilobits
            "burst": True,
            "bands": [{"type": "DROP", "rate": one.kbps, "burstSize": one.burst}],
        }
        for one in rules.meters
    ]
    then: dict[str, Any] = {"type": "OUTPUT", "port": str(switch.port)}
    if switch.following is not None:
        then = {"type": "TABLE", "tableId": switch.following}
    flows = [
        {
            "priority": flow.priority,
            "timeout": 0,
            "isPermanent": True,
            "deviceId": switch.name,
            "tableId": switch.table,
            "selector": {"criteria": [_criterion(*one) for one in flow.match.items()]},
            "treatment": {
                "instructions": [
                    {"type": "METER", "meterId": str(flow.meter)},
                    {"type": "QUEUE", "queueId": flow.queue},
                    then,
                ]
            },
        }
        for flow in rules.flows
    ]
    return {"queues.txt": _vsctl(rules), "meters.json": _json(meters), "flows.json": _json({"flows": flows})}


def _criterion(name: str, value: int) -> dict[str, Any]:
    kind, member = _CRITERIA[name]
    return {"type": kind, member: f"0x{value:04x}" if name == "eth_type" else value}


def _json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"


def _lines(rows: list[str]) -> str:
    return "\n".join(rows) + "\n"
