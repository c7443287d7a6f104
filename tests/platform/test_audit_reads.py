"""Reads of personal and security information: noted before they are shown, once a minute, counted after that."""

import asyncio
import threading

import pytest

from hansa.errors import Busy, Full
from hansa.limits import Limits
from hansa.platform.audit import open_audit
from hansa.platform.audit_reads import Reads, settled
from hansa.platform.audit_tally import Tally
from hansa.platform.sqlite.trail import Trail
from hansa.trust.actors import Actor
from hansa.trust.audit import Entry

WITHIN_S = 20
ADA = Actor("person:ada", frozenset({"operator"}), session="s1")
CY = Actor("person:cy", frozenset({"operator"}), session="s2")


class City:
    def __init__(self, folder, **caps):
        self.folder = folder
        self.audit = open_audit(folder, "open", limits=Limits(**caps))
        self.reads = Reads(self.audit, Limits(**caps))

    def shown(self, actor, *idents, label="personal", purpose="care", asked=""):
        for ident in idents:
            self.reads.saw(actor, ident, label, purpose)
        pending = self.reads.settle(actor, asked)
        return None if pending is None else pending.result(WITHIN_S)

    def entries(self):
        trail = Trail(self.folder / "audit-open.db", "open")
        found = [Entry.read(trail.entry(n)) for n in range(1, trail.size)]
        trail.close()
        return found


@pytest.fixture
def city(tmp_path):
    one = City(tmp_path)
    yield one
    one.audit.close()


def test_the_first_look_of_a_minute_is_noted_before_it_is_shown(city):
    assert city.shown(ADA, "urn:x:1", "urn:x:2", label="personal;subject=person:bo", asked="GET entities") == 1
    (entry,) = city.entries()
    assert (entry.kind, entry.actor, entry.session) == ("read-personal", "person:ada", "s1")
    assert entry.what == {"asked": "GET entities", "of": {"person:bo": ["urn:x:1", "urn:x:2"]}, "purpose": "care"}


def test_a_further_look_is_counted_and_a_new_entity_noted(city):
    city.shown(ADA, "urn:x:1", "urn:x:2")
    assert city.shown(ADA, "urn:x:1", "urn:x:2") is None
    assert city.shown(ADA, "urn:x:2", "urn:x:3") is not None
    city.reads.turn()
    city.audit.note("policy", "hansa", {}).result(WITHIN_S)
    entries = city.entries()
    assert [one.what.get("entities") for one in entries[:2]] == [["urn:x:1", "urn:x:2"], ["urn:x:3"]]
    assert (entries[2].kind, entries[2].what["times"], entries[2].what["entities_seen"]) == ("read-again", 3, 3)


def test_when_the_minute_is_over_a_look_is_noted_again(city):
    city.shown(ADA, "urn:x:1")
    city.reads.turn()
    assert city.shown(ADA, "urn:x:1") is not None
    assert [one.kind for one in city.entries()] == ["read-personal", "read-personal"]


def test_what_nobody_waited_for_is_noted_when_the_minute_is_over(city):
    city.reads.saw(ADA, "urn:x:told", "personal", "care")
    city.reads.turn()
    city.audit.note("policy", "hansa", {}).result(WITHIN_S)
    assert [one.what.get("entities") for one in city.entries()] == [["urn:x:told"], None]
    assert city.reads.settle(ADA) is None
    assert city.reads._open == {}


def test_sessions_purposes_and_classes_are_noted_apart(city):
    city.shown(ADA, "urn:x:1")
    city.shown(ADA, "urn:x:1", purpose="billing")
    city.shown(ADA, "urn:x:1", label="security")
    city.shown(CY, "urn:x:1")
    said = [(one.actor, one.kind, one.what["purpose"]) for one in city.entries()]
    assert said == [
        ("person:ada", "read-personal", "care"),
        ("person:ada", "read-personal", "billing"),
        ("person:ada", "read-security", "care"),
        ("person:cy", "read-personal", "care"),
    ]


def test_whoever_saw_nothing_waits_for_nothing(city):
    city.reads.saw(ADA, "urn:x:1", "personal", "care")
    assert city.reads.settle(CY) is None


def test_a_second_request_of_the_session_waits_for_what_the_first_has_not_noted_yet(city):
    held, go = threading.Event(), threading.Event()

    def job(_trail):
        held.set()
        assert go.wait(WITHIN_S)

    city.audit.do(job)
    assert held.wait(WITHIN_S)
    city.reads.saw(ADA, "urn:x:1", "personal", "care")
    first = city.reads.settle(ADA)
    city.reads.saw(ADA, "urn:x:1", "personal", "care")
    second = city.reads.settle(ADA)
    assert second is first
    assert not first.done()
    go.set()
    first.result(WITHIN_S)
    assert city.reads.settle(ADA) is None


def test_what_cannot_be_noted_is_not_shown_and_noted_when_it_can(tmp_path):
    city = City(tmp_path, audit_queue=1)
    held, go = threading.Event(), threading.Event()

    def job(_trail):
        held.set()
        assert go.wait(WITHIN_S)

    city.audit.do(job)
    assert held.wait(WITHIN_S)
    waits = city.audit.note("policy", "hansa", {})
    city.reads.saw(ADA, "urn:x:1", "personal", "care")
    with pytest.raises(Busy):
        city.reads.settle(ADA)
    with pytest.raises(Busy):
        asyncio.run(settled(city.reads, ADA))
    go.set()
    waits.result(WITHIN_S)
    assert city.reads.settle(ADA).result(WITHIN_S) == 2
    city.audit.close()


def test_what_the_disk_refused_is_noted_again(city, monkeypatch):
    append = city.audit.trail.append
    monkeypatch.setattr(city.audit.trail, "append", lambda _bodies: (_ for _ in ()).throw(Full("no room")))
    with pytest.raises(Full):
        city.shown(ADA, "urn:x:1")
    assert "no room" in city.audit.trouble
    monkeypatch.setattr(city.audit.trail, "append", append)
    assert city.shown(ADA) == 1
    assert city.shown(ADA, "urn:x:1") is None
    assert city.audit.trouble == ""
    assert city.entries()[0].what["entities"] == ["urn:x:1"]


def test_many_entities_make_several_entries_and_none_is_left_out(city):
    idents = [f"urn:x:{n:0900d}" for n in range(120)]
    city.shown(ADA, *idents)
    entries = city.entries()
    assert len(entries) == 3
    assert [ident for one in entries for ident in one.what["entities"]] == idents


def test_windows_are_bounded(tmp_path):
    city = City(tmp_path, audit_sessions=3, audit_seen=2)
    for n in range(10):
        city.shown(Actor(f"person:p{n}", session="s"), "urn:x:1", "urn:x:1")
    assert len(city.reads._windows) <= 3
    city.shown(ADA, *(f"urn:x:{n}" for n in range(7)))
    assert all(len(one.seen) <= 2 for one in city.reads._windows.values())
    city.audit.close()
    kinds = [one.kind for one in city.entries()]
    assert kinds.count("read-again") == 10, "what was counted is noted when a window goes"


def test_an_answer_waits_in_the_loop_until_it_is_noted(city):
    async def ask():
        city.reads.saw(ADA, "urn:x:1", "personal", "care")
        await settled(city.reads, ADA, "GET entity")
        return city.entries()

    assert [one.what["asked"] for one in asyncio.run(ask())] == ["GET entity"]
    asyncio.run(settled(None, ADA))


def test_failed_sign_ins_are_noted_one_by_one_only_so_often_and_then_counted(city):
    tally = Tally(city.audit, Limits(audit_failures=3))
    for n in range(10):
        tally.note("login-failed", "public", {"n": n})
        tally.note("login-failed", "person:bo", {"n": n}) if n < 3 else None
        tally.note("login", "person:bo", {"n": n})
    tally.turn()
    tally.note("login-failed", "public", {"n": 10}).result(WITHIN_S)
    tally.turn()
    entries = city.entries()
    failed = [(one.actor, one.what) for one in entries if one.kind == "login-failed"]
    assert [what for who, what in failed if who == "public"] == [
        {"n": 0}, {"n": 1}, {"n": 2}, {"did": "counted", "times": 7}, {"n": 10},
    ]  # fmt: skip
    assert [what["n"] for who, what in failed if who == "person:bo"] == [0, 1, 2]
    assert sum(one.kind == "login" for one in entries) == 10
