"""How a line is shared is worked out without touching it: rates read strictly, strangers' work left alone."""

import shlex

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa.errors import BadRequest, Refusal
from hansa.network import shaping, tc
from hansa.network.shaping import Filter, Found, Inward, Line

LINE = Line.asked("1mbit", "20%", "30%", "100%")
TBF = {"kind": "tbf", "handle": "8001:", "root": True, "options": {"rate": 125_000, "burst": 10_240, "lat": 400_000}}
OURS = Found({"kind": "htb", "handle": shaping.HANDLE, "root": True}, {}, frozenset(shaping.filters(LINE)))


def said(steps):
    return [shlex.join(step.words) for step in steps]


def test_a_rate_is_read_as_tc_reads_it():
    assert shaping.rate("1mbit", "--rate") == 1_000_000
    assert shaping.rate("1.5Mbit", "--rate") == 1_500_000
    assert shaping.rate("64000bit", "--rate") == 64_000
    assert shaping.rate("12.5%", "--reserve", 1_000_000) == 125_000


@pytest.mark.parametrize(
    "wrong", ["", "1", "1mbps", "1 mbit", "-1mbit", "1e9bit", "NaN", "1mbit;reboot", "１mbit", "20%", "9" * 30 + "bit"]
)
def test_what_is_no_rate_is_refused_and_says_what_is(wrong):
    with pytest.raises(BadRequest) as fault:
        shaping.rate(wrong, "--rate")
    assert fault.value.where == "--rate"
    assert "mbit" in fault.value.mend


def test_no_line_is_faster_than_lines_are():
    with pytest.raises(BadRequest, match="more than any line"):
        shaping.rate("101gbit", "--rate")


@pytest.mark.parametrize("name", ["eth0", "wlp0s20f3", "eth0.100", "br-lan", "_x"])
def test_a_name_that_the_kernel_takes_is_taken(name):
    assert shaping.interface(name) == name


@pytest.mark.parametrize(
    "name", ["", "-s", "--batch", "a b", "a;b", "a/b", ".", "..", "x" * 16, "eth0\n", "é", "$(id)"]
)
def test_what_could_be_anything_but_an_interface_is_refused(name):
    with pytest.raises(BadRequest, match="no name of a network interface"):
        shaping.interface(name)


@given(st.text(max_size=24))
@settings(max_examples=50)
def test_nothing_but_a_plain_word_ever_becomes_a_name(text):
    try:
        name = shaping.interface(text)
    except BadRequest:
        return
    assert shlex.quote(name) == name
    assert not name.startswith("-")


@pytest.mark.parametrize(
    ("words", "where"),
    [
        (("32kbit", "20%", "30%", "100%"), "--rate"),
        (("1mbit", "0%", "30%", "100%"), "--reserve"),
        (("1mbit", "20%", "0.5%", "100%"), "--city"),
        (("1mbit", "60%", "36%", "100%"), "--reserve"),
        (("1mbit", "20%", "30%", "10%"), "--ceil"),
        (("1mbit", "20%", "30%", "2mbit"), "--ceil"),
        (("1mbit", "2mbit", "30%", "100%"), "--reserve"),
    ],
)
def test_shares_that_do_not_fit_are_refused_by_name(words, where):
    with pytest.raises(BadRequest) as fault:
        Line.asked(*words)
    assert fault.value.where == where


@given(st.integers(64_000, 10**10), st.integers(1, 94), st.integers(1, 94))
@settings(max_examples=50)
def test_shares_always_add_up_to_the_line_and_bulk_is_never_starved(bits, reserve, city):
    try:
        line = Line.asked(f"{bits}bit", f"{reserve}%", f"{city}%", "100%")
    except BadRequest:
        assert reserve + city > 94
        return
    shares = line.shares
    assert sum(share.rate for share in shares) == line.rate == bits
    assert all(share.rate <= share.ceil <= line.rate for share in shares)
    assert shares[2].rate * 20 >= bits
    assert [share.prio for share in shares] == [0, 1, 2]


def test_warnings_are_known_by_their_dscp_in_both_families_before_anything_else():
    first, second, *others = shaping.filters(LINE)
    assert (first.protocol, first.value, first.mask, first.flow) == ("ip", 46 << 18, 63 << 18, "6861:10")
    assert (second.protocol, second.value, second.mask, second.flow) == ("ipv6", 46 << 22, 63 << 22, "6861:10")
    assert any(one.protocol == "arp" and one.flow == "6861:10" for one in others)  # no address, no warning
    assert {one.flow for one in others} == {"6861:10", "6861:20"}  # bulk is what nobody knows
    assert len({one.pref for one in (first, second, *others)}) == 2 + len(others)


def test_a_bare_line_gets_its_root_its_classes_their_queues_and_filters():
    steps = said(shaping.shape("eth0", LINE, Found()))
    assert steps[0] == "tc qdisc add dev eth0 root handle 6861: htb default 30"
    assert "rate 200000bit ceil 1000000bit prio 0" in steps[2]
    assert sum("fq_codel" in one for one in steps) == 3
    assert sum(one.startswith("tc filter add") for one in steps) == len(shaping.filters(LINE))
    assert not any(" del " in one for one in steps)


def test_where_the_kernel_has_no_fair_queue_there_is_a_plain_one_with_an_end():
    (leaf, *_) = [step for step in shaping.shape("eth0", LINE, Found()) if step.otherwise]
    assert leaf.otherwise[-3:] == ("bfifo", "limit", "500000")  # four seconds
    fast = shaping.shape("eth0", Line.asked("100gbit", "20%", "30%", "100%"), Found())
    assert {step.otherwise[-1] for step in fast if step.otherwise} == {str(shaping.QUEUE_MAX)}
    assert "fq_codel" in leaf.told


def test_a_queue_changes_its_size_but_not_its_kind():
    def leaves(kind):
        found = Found(OURS.root, {"6861:10": kind}, OURS.filters)
        return [one for one in said(shaping.shape("eth0", LINE, found)) if "6861:10 handle" in one or " del " in one]

    assert [one.split()[9] for one in leaves("fq_codel")] == ["fq_codel"]
    assert [one.split()[9] for one in leaves("bfifo")] == ["bfifo"]
    assert leaves("sfq")[0] == "tc qdisc del dev eth0 parent 6861:10"


def test_said_again_it_changes_shares_and_takes_nothing_away():
    steps = said(shaping.shape("eth0", LINE, OURS))
    assert all(" replace " in one for one in steps)


def test_filters_that_are_not_as_ours_are_made_anew():
    for odd in (Found(OURS.root), Found(OURS.root, {}, OURS.filters, strange=True)):
        steps = said(shaping.shape("eth0", LINE, odd))
        assert sum("filter add" in one for one in steps) == len(shaping.filters(LINE))
    assert "tc filter del dev eth0 parent 6861:" in steps


def test_somebody_elses_qdisc_stays_unless_it_may_go():
    with pytest.raises(Refusal, match="tbf 8001:") as fault:
        shaping.shape("eth0", LINE, Found(TBF))
    assert "--replace" in fault.value.mend
    assert said(shaping.shape("eth0", LINE, Found(TBF), replace=True))[0] == "tc qdisc del dev eth0 root"


def test_an_htb_of_somebody_else_is_not_ours():
    assert OURS.ours
    assert not Found({"kind": "htb", "handle": "1:", "root": True}).ours


def test_what_comes_in_is_diverted_unless_somebody_else_looks_at_it():
    last = said(shaping.divert("eth0", "hansa-in-2", Inward()))
    assert last[-1].endswith("redirect dev hansa-in-2")
    ours = Inward("ingress", frozenset({"hansa-in-2"}), 1, ifb=True)
    assert shaping.divert("eth0", "hansa-in-2", ours) == []
    for theirs in (Inward("clsact"), Inward("ingress", frozenset({"hansa-in-2"}), 2), Inward("ingress")):
        with pytest.raises(Refusal, match="somebody else"):
            shaping.divert("eth0", "hansa-in-2", theirs)
    assert f"qdisc del dev eth0 {theirs.qdisc}" in said(shaping.divert("eth0", "hansa-in-2", theirs, replace=True))[0]


def test_removing_takes_what_is_ours_and_brings_back_what_was_there():
    inward = Inward("ingress", frozenset({"hansa-in-2"}), 1, ifb=True)
    assert said(shaping.unshape("eth0", "hansa-in-2", OURS, inward, TBF)) == [
        "tc qdisc del dev eth0 ingress",
        "ip link del dev hansa-in-2",
        "tc qdisc del dev eth0 root",
        "tc qdisc add dev eth0 root handle 8001: tbf rate 125000bps burst 10240 latency 400000us",
    ]
    assert shaping.unshape("eth0", "hansa-in-2", Found(TBF), Inward("clsact"), None) == []


def test_what_cannot_be_built_again_is_not_half_built():
    assert shaping.restored({"kind": "hfsc", "handle": "1:", "options": {}}) is None
    assert shaping.restored({**TBF, "options": {"rate": 125_000}}) is None
    assert shaping.restored({**TBF, "options": {**TBF["options"], "rate": "1 dev eth1"}}) is None
    assert shaping.restored({**TBF, "handle": "1: dev eth1"}) is None
    codel = {"limit": 10_240, "flows": 1_024, "quantum": 1_514, "target": 4_999, "interval": 99_999}
    known = {"kind": "fq_codel", "handle": "8002:", "options": {**codel, "memory_limit": 33_554_432}}
    assert shlex.join(shaping.restored(known)).endswith("target 4999us interval 99999us memory_limit 33554432")


TOLD = """class htb 6861:10 parent 6861:1 leaf 6810: prio 0 rate 190Kbit ceil 950Kbit burst 1599b cburst 1599b 
 Sent 63532 bytes 357 pkt (dropped 0, overlimits 0 requeues 0) 
 backlog 0b 0p requeues 0
 lended: 357 borrowed: 0 giants: 0
 tokens: 350155 ctokens: 99098

class htb 6861:1 root rate 2Gbit ceil 64001bit burst 1599b cburst 1599b 
 Sent 472058 bytes 714 pkt (dropped 0, overlimits 138 requeues 0) 
"""  # noqa: W291  # as tc writes it


def test_the_kernels_counters_are_read_as_it_writes_them():
    assert tc.classes(TOLD) == {
        "6861:10": (190_000, 950_000, 63_532, 357),
        "6861:1": (2_000_000_000, 64_001, 472_058, 714),
    }
    assert tc.classes("garbage\n Sent 1 bytes 2 pkt") == {}


def test_filters_that_tc_lists_are_known_again_and_others_are_strange():
    match = {"value": "b80000", "mask": "fc0000", "offmask": "", "off": 0}
    one = {"protocol": "ip", "pref": 1, "kind": "u32", "options": {"flowid": "6861:10", "match": match}}
    found, strange = tc._filters([{"protocol": "ip", "pref": 1, "kind": "u32"}, one])
    assert (found, strange) == (frozenset({Filter(1, "ip", 0xB80000, 0xFC0000, 0, "6861:10")}), False)
    assert tc._filters([{**one, "kind": "flower"}])[1]
    assert tc._filters([{**one, "options": {"match": match}}])[1]


def test_without_the_programs_the_line_says_what_to_install(monkeypatch):
    monkeypatch.setattr(tc, "_SBIN", "/nowhere")
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BadRequest, match="there is no ip here") as fault:
        tc.device("eth0")
    assert "iproute2" in fault.value.mend


def test_rates_are_told_in_units_of_people():
    assert [shaping.spoken(one) for one in (950, 950_000, 1_500_000, 10**10)] == [
        "950 bit/s",
        "950 kbit/s",
        "1.5 Mbit/s",
        "10 Gbit/s",
    ]
