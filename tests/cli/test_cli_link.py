"""`hansa link`: a line is shared, shown and given back in a network namespace; strangers' work stays."""

import json
import os
import select
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from bench.line import Line
from click.testing import CliRunner

from hansa.cli import main
from hansa.network import tc
from net_space import alone, needed, sh

ROOT = Path(__file__).parents[2]
SDN = ("--rate", "1mbit", "--port", "2", "--port-name", "s1-eth2", "--inside", "1")


def ran(*words):
    return CliRunner().invoke(main, ["link", *words])


def done(*words):
    said = ran(*words)
    assert said.exit_code == 0, said.output
    return said.output


def refused(*words):
    said = ran(*words)
    assert said.exit_code == 2, said.output
    return said.output


@pytest.fixture
def line(program, tmp_path, monkeypatch):
    """Do something where there is a line `v0`, and nothing of the host's."""
    needed(program)
    monkeypatch.setattr(tc, "KEPT", tmp_path / "kept")

    def do(work):
        def within():
            sh("ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1")
            for dev in ("v0", "v1", "lo"):
                sh("ip", "link", "set", dev, "up")
            work()

        alone(within)

    return do


def root():
    """The kind of what stands at the line's root."""
    return next(one["kind"] for one in json.loads(sh("tc", "-json", "qdisc", "show", "dev", "v0")) if one.get("root"))


def links():
    return {one["ifname"] for one in json.loads(sh("ip", "-json", "link", "show"))}


def test_a_line_is_shared_both_ways_changed_shown_and_given_back(line):
    def work():
        planned = done("plan", "v0", "--rate", "1mbit")
        assert "htb" in planned
        assert root() != "htb"  # a plan does nothing
        assert "sure of 200 kbit/s" in done("set", "v0", "--rate", "1mbit")
        sh("tc", "filter", "show", "dev", "v0")
        told = json.loads(done("show", "v0", "--json"))
        assert set(told["directions"]) == {"out", "in"}
        done("set", "v0", "--rate", "2mbit", "--reserve", "30%", "--ceil", "50%")
        for way in json.loads(done("show", "v0", "--json"))["directions"].values():
            assert [(one["name"], one["rate"], one["ceil"]) for one in way] == [
                ("warnings", 600_000, 1_000_000),
                ("city", 600_000, 2_000_000),
                ("bulk", 800_000, 2_000_000),
            ]
        assert "warnings" in done("show", "v0")
        done("set", "v0", "--rate", "2mbit", "--direction", "out")
        assert set(json.loads(done("show", "v0", "--json"))["directions"]) == {"out"}
        assert links() == {"lo", "v0", "v1"}
        assert "kernel's own" in done("remove", "v0")
        assert root() == "noqueue"
        assert "not shaped" in done("show", "v0")
        assert "not shaped" in refused("remove", "v0")

    line(work)


def test_what_somebody_else_made_stays_or_comes_back(line):
    bucket = ("tbf", "rate", "1mbit", "burst", "10k", "latency", "400ms")

    def work():
        sh("tc", "qdisc", "add", "dev", "v0", "root", "handle", "7:", *bucket)
        said = refused("set", "v0", "--rate", "2mbit")
        assert "did not make: tbf 7:" in said
        assert "--replace" in said
        assert root() == "tbf"
        assert "somebody else's" in refused("remove", "v0")
        done("set", "v0", "--rate", "2mbit", "--direction", "out", "--replace")
        assert root() == "htb"
        assert "tbf 7:, which was there, is back" in done("remove", "v0")
        assert "rate 1Mbit burst 10Kb lat 400ms" in sh("tc", "qdisc", "show", "dev", "v0")

    line(work)


def test_somebody_who_looks_at_what_comes_in_is_not_disturbed(line):
    def work():
        sh("tc", "qdisc", "add", "dev", "v0", "ingress")
        said = refused("set", "v0", "--rate", "1mbit", "--direction", "both")
        assert "somebody else looks at what comes in" in said
        assert root() == "noqueue"  # not half done
        assert "only what leaves is shaped" in done("set", "v0", "--rate", "1mbit")
        done("remove", "v0")
        assert "ingress" in sh("tc", "qdisc", "show", "dev", "v0")

    line(work)


def test_a_kernel_without_ifb_shapes_what_leaves_and_says_so(line, monkeypatch):
    call = tc._call

    def lacks(words):
        return call((*words[:-1], "nothing-like-it") if words[-2:] == ("type", "ifb") else words)

    def work():
        monkeypatch.setattr(tc, "_call", lacks)
        said = done("set", "v0", "--rate", "1mbit")
        assert "only what leaves is shaped" in said
        assert set(json.loads(done("show", "v0", "--json"))["directions"]) == {"out"}
        done("remove", "v0")
        assert "modprobe" in refused("set", "v0", "--rate", "1mbit", "--direction", "both")
        assert root() == "noqueue"

    line(work)


def test_a_step_that_fails_half_way_leaves_the_line_as_it_was(line, monkeypatch):
    call = tc._call

    def breaks(words):
        if "0x00000000" in words:  # the filter of ARP: classes and others are there already
            words = (*words[:-1], "6861:zzzz")
        return call(words)

    def work():
        sh("tc", "qdisc", "add", "dev", "v0", "root", "handle", "7:", "pfifo", "limit", "50")
        monkeypatch.setattr(tc, "_call", breaks)
        assert "zzzz" in refused("set", "v0", "--rate", "1mbit", "--replace")
        assert "qdisc pfifo 7: root refcnt 3 limit 50p" in sh("tc", "qdisc", "show", "dev", "v0")
        assert links() == {"lo", "v0", "v1"}

    line(work)


def test_who_may_not_and_what_is_not_there_is_said_in_a_sentence(line, monkeypatch):
    def work():
        assert "does not exist" in refused("set", "nix0", "--rate", "1mbit")
        assert "nowhere but here" in refused("set", "lo", "--rate", "1mbit")
        call = tc._call
        drop = ("setpriv", "--bounding-set", "-all", "--inh-caps", "-all")
        if shutil.which("setpriv"):
            monkeypatch.setattr(tc, "_call", lambda words: call(words if words[0] == "ip" else (*drop, *words)))
            said = refused("set", "v0", "--rate", "1mbit")
            assert "Operation not permitted" in said
            assert "as root" in said

    line(work)


@pytest.mark.parametrize("words", [("v0; reboot", "--rate", "1mbit"), ("-s", "--rate", "1mbit"), ("v0", "--rate", "1")])
def test_nothing_reaches_a_program_that_was_not_checked(words, monkeypatch):
    monkeypatch.setattr(tc, "_call", lambda words: pytest.fail(f"called {words}"))
    assert ran("set", *words).exit_code == 2


def test_warnings_pass_a_full_line_that_is_shared_and_wait_on_one_that_is_not(program):
    needed(program)
    with Line("near", "far") as shared, Line() as plain, ThreadPoolExecutor(2) as beside:
        waits = beside.submit(plain.warn, 20, 0.04, patience_s=3.0, settle_s=0.6)
        again = beside.submit(shared.share, "near")  # on a full line: nothing that waits is lost
        told = shared.warn(40, 0.04, patience_s=8.0, settle_s=0.6)
        assert (told.lost, told.heard, told.twice) == (0, 40, 0)
        assert told.quantile(0.99) < 2.0
        classes = tc.classes(shared.within("near", "tc", "-s", "class", "show", "dev", "v0"))
        assert classes["6861:10"][3] >= 40 * 5  # packets: every warning's, by IPv4 and by IPv6
        assert classes["6861:30"][3] > 50
        assert "sure of 190 kbit/s" in again.result()
        assert waits.result().quantile(0.5) > 2 * told.quantile(0.5)


def test_nothing_is_left_of_a_line_when_its_owner_is_killed(program):
    needed(program)
    before = links()
    owner = (
        "import sys, time\n"
        "from bench.line import Line\n"
        "with Line() as line:\n"
        "    print(*(end.pid for end in line._ends.values()), flush=True)\n"
        "    sys.stdin.read()\n"
    )
    words = [sys.executable, "-c", owner]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        ends = [os.pidfd_open(int(one)) for one in process.stdout.readline().split()]
        process.kill()
    for end in ends:  # a process that ends makes its handle readable; the namespace goes with it
        assert select.select([end], [], [], 10)[0]
        os.close(end)
    assert len(ends) == 2
    assert {one for one in links() - before if one.startswith("v")} == set()


def test_files_for_a_controller_are_written_and_never_over_others(tmp_path):
    out = tmp_path / "sdn"
    said = done("export", str(out), "--format", "openflow", "--switch", "br0", *SDN)
    assert {line.rsplit("/", 1)[1] for line in said.split()} == {"queues.txt", "meters.txt", "flows.txt"}
    (out / "flows.txt").write_text("mine")
    again = ("export", str(out), "--format", "openflow", "--switch", "br0", *SDN)
    assert "there already" in refused(*again)
    assert (out / "flows.txt").read_text() == "mine"
    done(*again, "--force")
    assert (out / "flows.txt").read_text() != "mine"
    assert "no switch of onos" in refused("export", str(out), "--format", "onos", "--switch", "br0", *SDN)
