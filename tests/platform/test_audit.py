"""The audit log as the city writes it: durable before it answers, bounded, signed, and found again."""

import json
import threading
from typing import TYPE_CHECKING

import apsw
import pytest

from hansa.errors import BadRequest, Busy, HansaError, NotFound, TooLarge
from hansa.limits import Limits
from hansa.platform.audit import city_key, open_audit, public_keys, witness_of
from hansa.platform.sqlite.trail import Trail
from hansa.trust import merkle
from hansa.trust.audit import Entry
from hansa.trust.heads import Note, Verifier

if TYPE_CHECKING:
    from concurrent.futures import Future

WITHIN_S = 20


@pytest.fixture
def audit(tmp_path):
    one = open_audit(tmp_path, "open")
    yield one
    one.close()


def noted(audit, kind="policy", actor="person:ada", session="s1", **what):
    return audit.note(kind, actor, what, session=session).result(WITHIN_S)


def log_key(folder):
    return Verifier.parse((folder / "audit.pub").read_text().splitlines()[0])


def test_a_new_log_begins_with_an_entry_that_says_so_and_numbers_go_on(audit, tmp_path):
    assert [noted(audit, n=n) for n in range(5)] == [1, 2, 3, 4, 5]
    trail = Trail(tmp_path / "audit-open.db", "open")
    first = Entry.read(trail.entry(0))
    assert (first.kind, first.actor) == ("audit-begun", "hansa")
    assert Entry.read(trail.entry(3)).what == {"n": 2}
    assert trail.size == 6
    with pytest.raises(NotFound):
        trail.entry(6)
    trail.close()


def test_every_entry_is_durable_and_under_a_signed_head_when_its_answer_comes(audit, tmp_path):
    for n in range(4):
        number = noted(audit, n=n)
        trail = Trail(tmp_path / "audit-open.db", "open")
        note = Note.parse(trail.newest())
        assert note.signed_by([log_key(tmp_path)])
        head = note.head
        assert head.size == number + 1
        proof = merkle.inclusion(trail.read, number, head.size)
        assert merkle.included(merkle.leaf_hash(trail.entry(number)), number, head.size, proof, head.root)
        trail.close()


def test_many_threads_at_once_lose_nothing_and_times_never_run_backwards(audit, tmp_path):
    answers: list[list[Future[int]]] = [[] for _ in range(4)]

    def work(mine):
        for n in range(200):
            mine.append(audit.note("command", "person:ada", {"n": n}))

    threads = [threading.Thread(target=work, args=(mine,)) for mine in answers]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    numbers = [one.result(WITHIN_S) for mine in answers for one in mine]
    assert sorted(numbers) == list(range(1, 801))
    trail = Trail(tmp_path / "audit-open.db", "open")
    times = [Entry.read(trail.entry(n)).at for n in range(801)]
    assert times == sorted(times)
    trail.close()


def test_a_clock_that_jumps_back_does_not_turn_the_order_round(audit, tmp_path):
    noted(audit)
    audit.trail.wall = lambda: 5
    n = noted(audit)
    trail = Trail(tmp_path / "audit-open.db", "open")
    assert Entry.read(trail.entry(n)).at >= Entry.read(trail.entry(n - 1)).at
    trail.close()


def test_a_full_queue_refuses_and_what_it_took_is_kept(tmp_path):
    audit = open_audit(tmp_path, "open", limits=Limits(audit_queue=3))
    held, go = threading.Event(), threading.Event()

    def job(_trail):
        held.set()
        assert go.wait(WITHIN_S)

    audit.do(job)
    assert held.wait(WITHIN_S)
    taken = [audit.note("policy", "person:ada", {}) for _ in range(3)]
    with pytest.raises(Busy):
        audit.note("policy", "person:ada", {})
    assert audit.waiting == 3
    assert not any(one.done() for one in taken)
    go.set()
    assert [one.result(WITHIN_S) for one in taken] == [1, 2, 3]
    audit.close()
    with pytest.raises(Busy):
        audit.note("policy", "person:ada", {})


def test_what_is_no_entry_is_refused_at_once(audit):
    with pytest.raises(TooLarge):
        audit.note("policy", "person:ada", {"entities": ["urn:x:" + "y" * 1_000] * 100})
    with pytest.raises(BadRequest):
        audit.note("Policy!", "person:ada", {})
    with pytest.raises(BadRequest):
        audit.note("policy", "person:ada", {"x": object()})


def test_secrets_do_not_reach_the_disk(audit, tmp_path):
    noted(audit, password="correct-horse", said="Bearer abcdefgh12345678")
    audit.close()
    held = b"".join(file.read_bytes() for file in tmp_path.glob("audit-open.db*"))
    assert b"correct-horse" not in held
    assert b"abcdefgh12345678" not in held


def test_the_file_and_its_key_are_their_owners_alone(audit, tmp_path):
    assert (tmp_path / "audit-open.db").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "audit.key").stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "audit.pub").read_text().splitlines() == public_keys(city_key(tmp_path))


def test_entries_are_found_by_actor_kind_entity_session_person_and_time(audit, tmp_path):
    noted(audit, "login", "person:ada", session="s1")
    noted(audit, "read-personal", "person:ada", session="s1", of={"person:bo": ["urn:x:bo"]}, entities=["urn:x:1"])
    noted(audit, "read-personal", "person:cy", session="s2", of={"person:bo": ["urn:x:bo"]})
    last = noted(audit, "device", "person:cy", session="s2", device="pump-7")
    trail = Trail(tmp_path / "audit-open.db", "open")

    def found(*asked, first=0, before=1 << 40, limit=10):
        return [n for n, _ in trail.search(asked, first, before, limit, within_s=5)]

    assert found() == [4, 3, 2, 1, 0]
    assert found(limit=2) == [4, 3]
    assert found(before=3, limit=2) == [2, 1]
    assert found("actor:person:ada") == [2, 1]
    assert found("kind:read-personal", "actor:person:cy") == [3]
    assert found("entity:urn:x:bo") == [3, 2]
    assert found("entity:urn:x:1", "about:person:bo") == [2]
    assert found("entity:pump-7") == [4]
    assert found("session:s2", "kind:device") == [4]
    assert found("about:person:ada") == [1]
    assert found("about:person:bo", "actor:person:eve") == []
    at = Entry.read(trail.entry(last)).at
    assert trail.after(at) <= last
    assert trail.after(at + 1) == 5
    assert trail.after(0) == 0
    trail.close()


def test_a_search_that_takes_too_long_says_how_to_mend_it(audit, tmp_path):
    for n in range(3_000):
        audit.note("policy", "person:ada", {"n": n})
    noted(audit)
    trail = Trail(tmp_path / "audit-open.db", "open")
    with pytest.raises(BadRequest, match="too long"):
        trail.search(["kind:policy", "kind:policy", "actor:person:ada"], 0, 1 << 40, 3_000, within_s=-1)
    trail.close()


def test_a_closed_log_goes_on_where_it_was_and_keeps_a_head(tmp_path):
    for turn in range(3):
        audit = open_audit(tmp_path, "open")
        assert audit.trail.size == 1 + turn * 300
        for _ in range(299):
            audit.note("policy", "person:ada", {})
        noted(audit)
        audit.close()
    trail = Trail(tmp_path / "audit-open.db", "open")
    kept = trail.heads(None, 100)
    assert [one["size"] for one in kept] == [901, 601, 301, 1]
    assert all(Note.parse(one["note"]).signed_by([log_key(tmp_path)]) for one in kept)
    roots = [Note.parse(one["note"]).head.root for one in kept]
    proof = merkle.consistency(trail.read, 301, 901)
    assert merkle.consistent(301, roots[2], 901, roots[0], proof)
    assert trail.heads(601, 1)[0]["size"] == 301
    with pytest.raises(NotFound):
        trail.head(7)
    trail.close()


@pytest.mark.parametrize(
    "sql",
    [
        "DELETE FROM entry WHERE n = (SELECT max(n) FROM entry)",
        "UPDATE entry SET body = replace(body, 'ada', 'eve') WHERE n = 3",
        "DELETE FROM meta WHERE key = 'head'",
        "UPDATE meta SET value = replace(value, 'time', 'tim3') WHERE key = 'head'",
    ],
)
def test_a_log_that_was_tampered_with_at_its_end_is_not_gone_on_with(tmp_path, sql):
    audit = open_audit(tmp_path, "open")
    for n in range(5):
        noted(audit, n=n)
    audit.close()
    db = apsw.Connection(str(tmp_path / "audit-open.db"))
    db.execute(sql)
    db.close()
    with pytest.raises(HansaError, match="last signed head"):
        open_audit(tmp_path, "open")


def test_a_lost_or_exchanged_key_is_said_so(tmp_path):
    open_audit(tmp_path, "open").close()
    (tmp_path / "audit.key").rename(tmp_path / "elsewhere")
    with pytest.raises(HansaError, match=r"audit\.key is gone"):
        open_audit(tmp_path, "open")
    (tmp_path / "audit.pub").rename(tmp_path / "evidence")
    with pytest.raises(HansaError, match="another key"):
        open_audit(tmp_path, "open")
    (tmp_path / "evidence").rename(tmp_path / "audit.pub")
    with pytest.raises(HansaError, match=r"not of audit\.key"):
        open_audit(tmp_path, "open")
    (tmp_path / "audit.key").write_text("rubbish")
    with pytest.raises(BadRequest):
        open_audit(tmp_path, "open")


def test_a_sealed_log_holds_nothing_that_can_be_read(tmp_path):
    key = bytes(range(32))
    audit = open_audit(tmp_path, "security", key=key)
    noted(audit, entity="urn:x:secret-camera")
    audit.close()
    held = b"".join(file.read_bytes() for file in tmp_path.glob("audit-security.db*"))
    assert b"secret-camera" not in held
    with pytest.raises(BadRequest):
        open_audit(tmp_path, "security")
    open_audit(tmp_path, "security", key=key).close()


def test_a_city_has_one_key_for_its_logs_and_for_witnessing(tmp_path):
    key = city_key(tmp_path)
    names = [Verifier.parse(one).name for one in public_keys(key)]
    assert [one.split("/", 1)[1] for one in names] == ["audit/open", "audit/security", "witness"]
    assert witness_of(key).public.vkey == public_keys(key)[2]


def test_whoever_gathers_is_asked_before_the_log_closes(tmp_path):
    audit = open_audit(tmp_path, "open")
    audit.each_minute.append(lambda: audit.note("read-times", "hansa", {"times": 2}))
    audit.close()
    trail = Trail(tmp_path / "audit-open.db", "open")
    assert json.loads(trail.entry(1))["what"] == {"times": 2}
    trail.close()
