"""What the audit log has answered for is there after kill -9, after lost power, and after a disk that was full."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

sys.path.insert(0, str(Path(__file__).parent))
from lost_power import Power

from hansa.errors import Full
from hansa.platform.audit import Audit, city_key, open_audit, public_keys
from hansa.platform.audit_check import check
from hansa.platform.sqlite.trail import Trail, TrailWriter
from hansa.trust.audit import Entry, halves
from hansa.trust.heads import Verifier

KILLS = int(os.environ.get("HANSA_KILLS", "6"))
SIGNER = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
WITHIN_S = 20

NOTES = """
import itertools, sys
from collections import deque
from pathlib import Path
from hansa.platform.audit import open_audit

audit = open_audit(Path(sys.argv[1]), "open")
waiting = deque()
for n in itertools.count():
    waiting.append((n, audit.note("command", "person:ada", {"run": sys.argv[2], "n": n})))
    if len(waiting) > 40:
        said, answer = waiting.popleft()
        print(said, answer.result(), flush=True)
    if n % 100 == 50:
        audit.do(lambda trail: trail.keep())
"""


@pytest.fixture
def power():
    one = Power("audit-lost-power")
    yield one
    one.close()


def faults(folder, realm="open", key=None, signer=SIGNER):
    logs = [Verifier.parse(one) for one in public_keys(signer)]
    return list(check(folder / f"audit-{realm}.db", realm, logs, key=key))


def body(n, at):
    before, after = halves("command", "person:ada", {"n": n}, session="", realm="open")
    return b"%b%d%b" % (before, at, after)


def crashed(trail):
    """End as a crash does: nothing is written on the way out."""
    trail.db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
    if not trail.db.get_autocommit():
        trail.db.execute("ROLLBACK")
    trail.close()


def until(true):
    end = time.monotonic() + WITHIN_S
    while not true():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_kill_takes_no_entry_that_was_answered_for_and_leaves_a_whole_log(tmp_path):
    rng = random.Random(5)
    answered = {}
    for run in range(KILLS):
        process = subprocess.Popen(
            [sys.executable, "-c", NOTES, str(tmp_path), str(run)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        for _ in range(rng.randrange(20, 300)):
            said, number = process.stdout.readline().split()
            answered[int(number)] = (str(run), int(said))
        os.kill(process.pid, signal.SIGKILL)
        for line in process.stdout:  # what was on its way when it was killed
            if len(parts := line.split()) == 2 and line.endswith("\n"):
                answered[int(parts[1])] = (str(run), int(parts[0]))
        process.wait()
        process.stdout.close()
        assert faults(tmp_path, signer=city_key(tmp_path)) == []
    trail = Trail(tmp_path / "audit-open.db", "open")
    for number, (run, said) in answered.items():
        assert Entry.read(trail.entry(number)).what == {"run": run, "n": said}
    trail.close()
    assert len(answered) > KILLS * 10


@pytest.mark.parametrize("key", [None, bytes(range(32))], ids=["plain", "sealed"])
def test_lost_power_takes_nothing_that_was_answered_for_thirty_times(tmp_path, power, key):
    rng = random.Random(6)
    path = tmp_path / "audit-open.db"
    n, lost = 0, 0
    for _ in range(30):
        trail = TrailWriter(path, "open", SIGNER, key, vfs=power.name, wall=lambda: 1)
        assert trail.size >= n + 1, "what was answered for is there"
        n = trail.size - 1
        for _ in range(rng.randrange(1, 10)):
            many = rng.randrange(1, 60)
            trail.append([body(n + i, 5 + n + i) for i in range(many)])
            n += many
            if rng.random() < 0.3:
                trail.keep()
        # In the middle of a transaction that nobody was told of yet.
        trail.db.execute("BEGIN IMMEDIATE")
        trail.db.execute("INSERT INTO entry VALUES (?, x'00')", (trail.size,))
        trail.db.execute("UPDATE meta SET value = 'x' WHERE key = 'head'")
        if rng.random() < 0.5:
            trail.db.cache_flush()
        crashed(trail)
        lost += power.lose(rng)
    assert faults(tmp_path, key=key) == []
    assert lost > 0, "the shim must have had something to lose, or this proved nothing"


def test_without_syncing_lost_power_does_take_entries(tmp_path, power):
    # The negative: the shim sees what a log that does not sync would lose; and that is found.
    path = tmp_path / "audit-open.db"
    trail = TrailWriter(path, "open", SIGNER, vfs=power.name)
    trail.db.pragma("synchronous", "off")
    trail.append([body(n, 5 + n) for n in range(50)])
    head = trail.newest()
    crashed(trail)
    assert power.lose(random.Random(1)) > 0
    found = list(check(path, "open", [Verifier.parse(public_keys(SIGNER)[0])], outside=[head]))
    assert found


def test_a_full_disk_answers_for_nothing_and_the_log_goes_on_when_there_is_room(tmp_path, power):
    trail = TrailWriter(tmp_path / "audit-open.db", "open", SIGNER, vfs=power.name)
    audit = Audit(trail)
    assert audit.note("command", "person:ada", {"n": 1}).result(WITHIN_S) == 1
    power.full = True
    refused = [audit.note("command", "person:ada", {"n": n}) for n in (2, 3)]
    for one in refused:
        with pytest.raises(Full):
            one.result(WITHIN_S)
    assert "cannot be written" in audit.trouble
    power.full = False
    until(lambda: audit.trouble == "")  # by itself: a balancer may send nobody meanwhile
    assert audit.note("command", "person:ada", {"n": 4}).result(WITHIN_S) == 2, "what failed has left no hole"
    assert audit.trouble == ""
    audit.close()
    assert faults(tmp_path) == []


def test_a_city_whose_audit_has_no_room_does_nothing_that_must_be_audited(tmp_path):
    audit = open_audit(tmp_path, "open")
    stuck, go = threading.Event(), threading.Event()

    def job(_trail):
        stuck.set()
        assert go.wait(WITHIN_S)

    audit.do(job)
    assert stuck.wait(WITHIN_S)
    answer = audit.note("device", "person:ada", {"did": "revoke"})
    assert not answer.done(), "whoever waits for it does not act yet"
    go.set()
    assert answer.result(WITHIN_S) == 1
    audit.close()
