"""The files for an SDN controller say one thing in three formats, and Open vSwitch itself reads what is its own."""

import json
import re
import subprocess

import pytest

from hansa.errors import BadRequest
from hansa.network import openflow, shaping
from hansa.network.openflow import Rules, Switch
from hansa.network.shaping import Line

LINE = Line.asked("1mbit", "20%", "30%", "90%")
NAMES = {"openflow": "br0", "ryu": "0x1f", "onos": "of:000000000000001f"}


def rules(kind, following=None, line=LINE):
    return Rules(line, Switch(kind, NAMES[kind], 2, 1, "s1-eth2", 0, following))


def told(kind, following=None):
    return openflow.files(rules(kind, following))


def text(following=None):
    """Flows of the text: table, priority, match, actions."""
    found = []
    for row in told("openflow", following)["flows.txt"].splitlines():
        said = re.fullmatch(r"table=(\d+),priority=(\d+),(.*),actions=meter:(\d+),set_queue:(\d+),(.*)", row)
        match = {name: int(value, 0) for name, value in (one.split("=") for one in said[3].split(","))}
        found.append((int(said[1]), int(said[2]), match, int(said[4]), int(said[5]), said[6]))
    return found


def ryu(following=None):
    found = []
    for one in json.loads(told("ryu", following)["flows.json"]):
        assert set(one) == {"dpid", "table_id", "priority", "match", "actions"}
        assert one["dpid"] == 31
        meter, queue, then = one["actions"]
        assert (meter["type"], queue["type"]) == ("METER", "SET_QUEUE")
        last = {"OUTPUT": f"output:{then.get('port')}", "GOTO_TABLE": f"goto_table:{then.get('table_id')}"}[
            then["type"]
        ]
        found.append((one["table_id"], one["priority"], one["match"], meter["meter_id"], queue["queue_id"], last))
    return found


def onos(following=None):
    """The same of ONOS' JSON, by the members that its codecs ask for."""
    members = {"IN_PORT": ("in_port", "port"), "ETH_TYPE": ("eth_type", "ethType"), "IP_DSCP": ("ip_dscp", "ipDscp")}
    members |= {"IP_PROTO": ("ip_proto", "protocol"), "ICMPV6_TYPE": ("icmpv6_type", "icmpv6Type")}
    members |= {"TCP_SRC": ("tcp_src", "tcpPort"), "TCP_DST": ("tcp_dst", "tcpPort")}
    found = []
    for one in json.loads(told("onos", following)["flows.json"])["flows"]:
        match = {}
        for criterion in one["selector"]["criteria"]:
            name, member = members[criterion["type"]]
            assert set(criterion) == {"type", member}
            match[name] = int(str(criterion[member]), 0)
        assert (one["isPermanent"], one["deviceId"]) == (True, NAMES["onos"])
        meter, queue, then = one["treatment"]["instructions"]
        assert (meter["type"], queue["type"]) == ("METER", "QUEUE")
        last = {"OUTPUT": f"output:{then.get('port')}", "TABLE": f"goto_table:{then.get('tableId')}"}[then["type"]]
        found.append((one["tableId"], one["priority"], match, int(meter["meterId"]), queue["queueId"], last))
    return found


@pytest.mark.parametrize("following", [None, 3])
def test_three_formats_say_one_thing(following):
    assert text(following) == ryu(following) == onos(following)
    assert {one[-1] for one in text(following)} == {"output:2" if following is None else "goto_table:3"}


def test_whose_a_packet_is_is_said_as_the_kernel_is_told():
    known = {(m["eth_type"], m["ip_dscp"]): queue for _, _, m, _, queue, _ in text() if "ip_dscp" in m}
    kinds = {"ip": 0x0800, "ipv6": 0x86DD}
    kernel = {}
    for one in shaping.filters(LINE):
        shift = {0x00FC0000: 18, 0x0FC00000: 22}.get(one.mask)
        if one.offset == 0 and shift is not None:
            kernel[kinds[one.protocol], one.value >> shift] = {"6861:10": 2, "6861:20": 1}[one.flow]
    assert known == kernel
    assert known[0x0800, 46] == known[0x86DD, 46] == 2


def test_every_match_has_what_openflow_asks_before_it_and_none_is_there_twice():
    needs = {"ip_dscp": "eth_type", "ip_proto": "eth_type", "tcp_src": "ip_proto", "tcp_dst": "ip_proto"}
    needs["icmpv6_type"] = "ip_proto"
    seen = set()
    for _, priority, match, *_ in text():
        names = list(match)
        assert all(needs[name] in names[: names.index(name)] for name in names if name in needs)
        key = (priority, tuple(sorted(match.items())))
        assert key not in seen
        seen.add(key)
    assert text()[-1][2] == {"in_port": 1}  # and all the rest has a rule as well
    assert min(one[1] for one in text()) == text()[-1][1]


def test_meters_keep_the_reserve_and_the_ceiling():
    bands = {one["meter_id"]: one["bands"][0]["rate"] for one in json.loads(told("ryu")["meters.json"])}
    assert bands == {1: 800, 2: 900}
    rates = [one["bands"][0]["rate"] for one in json.loads(told("onos")["meters.json"])]
    assert rates == [800, 900]  # ONOS numbers them as they come
    assert re.findall(r"meter=(\d),kbps,burst,bands=type=drop,rate=(\d+)", told("openflow")["meters.txt"]) == [
        ("1", "800"),
        ("2", "900"),
    ]


def test_queues_hold_the_shares_and_nought_is_bulk():
    queues = json.loads(told("ryu")["queues.json"])["queues"]
    assert [one["min_rate"] for one in queues] == ["500000", "300000", "200000"]
    assert queues[2]["max_rate"] == "900000"
    assert "queues:0=@bulk queues:1=@city queues:2=@warnings" in told("openflow")["queues.txt"]
    assert told("openflow")["queues.txt"] == told("onos")["queues.txt"]


@pytest.mark.parametrize("following", [None, 3])
def test_open_vswitch_reads_the_flows_as_they_are_meant(program, tmp_path, following):
    file = tmp_path / "flows.txt"
    file.write_text(told("openflow", following)["flows.txt"])
    done = subprocess.run(
        [program("ovs-ofctl"), "-O", "OpenFlow13", "parse-flows", str(file)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    flows = [row for row in done.stdout.splitlines() if "OFPT_FLOW_MOD (OF1.3)" in row]
    assert len(flows) == len(text())
    for family in ("ip", "ipv6"):  # 46 << 2, as Open vSwitch writes it
        assert sum(f",{family},in_port=1,nw_tos=184 actions=meter:2,set_queue:2," in row for row in flows) == 1
    file.write_text("priority=1,eth_type=0x0800,ip_dscp=many,actions=output:2\n")
    words = [program("ovs-ofctl"), "-O", "OpenFlow13", "parse-flows", str(file)]
    assert subprocess.run(words, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("nox", "br0", 2, 1, "eth2"), "--format"),
        (("openflow", "br0; reboot", 2, 1, "eth2"), "--switch"),
        (("ryu", "br0", 2, 1, "eth2"), "--switch"),
        (("ryu", "0", 2, 1, "eth2"), "--switch"),
        (("ryu", "99999999999999999999", 2, 1, "eth2"), "--switch"),
        (("onos", "of:1", 2, 1, "eth2"), "--switch"),
        (("openflow", "br0", 0, 1, "eth2"), "--port"),
        (("openflow", "br0", 2, 0xFFFFFFFF, "eth2"), "--inside"),
        (("openflow", "br0", 2, 2, "eth2"), "--inside"),
        (("openflow", "br0", 2, 1, "eth2 -- del"), "--port-name"),
        (("openflow", "br0", 2, 1, "eth2", 255), "--table"),
        (("openflow", "br0", 2, 1, "eth2", 3, 3), "--next"),
    ],
)
def test_what_no_controller_would_take_is_refused_by_name(words, where):
    with pytest.raises(BadRequest) as fault:
        Switch(*words)
    assert fault.value.where == where


def test_a_line_of_any_rate_has_meters_that_openflow_can_say():
    for rate in ("64kbit", "100gbit"):
        for meter in rules("ryu", line=Line.asked(rate, "1%", "1%", "100%")).meters:
            assert 1 <= meter.kbps < 1 << 32
            assert 48 <= meter.burst < 1 << 32
