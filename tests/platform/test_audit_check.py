"""Whatever is done to an audit log behind its back is found, offline."""

import shutil

import apsw
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hansa.platform.audit import Audit, city_key, open_audit, public_keys
from hansa.platform.audit_check import check
from hansa.platform.sqlite.trail import Trail, TrailWriter
from hansa.trust import merkle
from hansa.trust.heads import WITNESS, Head, Note, Signer, Verifier

WITHIN_S = 20
ENTRIES = 600
NEIGHBOUR = Signer("graz.example/witness", Ed25519PrivateKey.generate(), WITNESS)


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    """A log of 601 entries with heads at 201, 401 and 601; the first of them is witnessed."""
    folder = tmp_path_factory.mktemp("sound")
    audit = open_audit(folder, "open")
    for n in range(ENTRIES):
        done = audit.note("command", f"person:p{n % 7}", {"entity": f"urn:x:{n}"})
        if n % 200 == 199:
            done.result(WITHIN_S)
            audit.do(TrailWriter.keep).result(WITHIN_S)
    text = Note.parse(audit.do(lambda trail: trail.head(201)).result(WITHIN_S)).text
    line = NEIGHBOUR.line(text, 1_795_369_200)
    audit.do(lambda trail: trail.witnessed(201, NEIGHBOUR.public.name, line)).result(WITHIN_S)
    audit.close()
    return folder


@pytest.fixture
def copy(sound, tmp_path):
    folder = tmp_path / "copy"
    shutil.copytree(sound, folder)
    return folder


def faults(folder, outside=(), witnesses=(NEIGHBOUR.public,)):
    logs = [Verifier.parse(one) for one in public_keys(city_key(folder))]
    return list(check(folder / "audit-open.db", "open", logs, witnesses=witnesses, outside=outside))


def changed(folder, *statements):
    db = apsw.Connection(str(folder / "audit-open.db"))
    for one in statements:
        db.execute(one)
    assert db.total_changes()
    db.close()


def resigned(folder, size):
    """What somebody does who holds the key: sign a head of the file as it is now, and throw away those after it."""
    db = apsw.Connection(str(folder / "audit-open.db"))
    db.execute("DELETE FROM head WHERE size > ?", (size,))
    db.execute("DELETE FROM meta WHERE key = 'head'")
    db.close()
    key = city_key(folder)
    trail = Trail(folder / "audit-open.db", "open")
    name = Verifier.parse(public_keys(key)[0]).name
    note = Signer(name, key).sign(Head(name, trail.size, merkle.root(trail.read, trail.size)))
    trail.db.execute("INSERT INTO meta VALUES ('head', ?)", (note,))
    trail.db.execute("DELETE FROM head WHERE size >= ?", (trail.size,))
    trail.close()


def test_a_log_that_nobody_touched_is_sound(sound):
    assert faults(sound) == []


@pytest.mark.parametrize("n", [0, 1, 200, 300, 599, 600])
def test_an_edit_is_found_wherever_it_is(copy, n):
    changed(copy, f"UPDATE entry SET body = CAST(replace(body, '\"at\":1', '\"at\":2') AS BLOB) WHERE n = {n}")
    found = faults(copy)
    assert any("do not give the head" in one for one in found), found


@pytest.mark.parametrize("n", [0, 1, 255, 256, 400, 599])
def test_a_deletion_is_found_wherever_it_is(copy, n):
    changed(copy, f"DELETE FROM entry WHERE n = {n}", f"DELETE FROM found WHERE n = {n}")
    assert any(f"entries {n} to {n} are gone" in one for one in faults(copy))


def test_a_deletion_that_was_closed_up_is_found(copy):
    changed(
        copy,
        "DELETE FROM entry WHERE n = 300",
        "UPDATE entry SET n = -n WHERE n > 300",
        "UPDATE entry SET n = -n - 1 WHERE n < 0",
    )
    found = faults(copy)
    assert any("entries 256 to 511 are not what was noted" in one for one in found), found
    assert any("first 401 entries do not give the head" in one for one in found), found


def test_two_entries_that_changed_places_are_found(copy):
    changed(
        copy,
        "UPDATE entry SET n = -1 WHERE n = 450",
        "UPDATE entry SET n = 450 WHERE n = 451",
        "UPDATE entry SET n = 451 WHERE n = -1",
    )
    found = faults(copy)
    assert any("entry 451 is older" in one for one in found), found
    assert any("one from 401 on was changed, moved" in one for one in found), found


@pytest.mark.parametrize("left", [0, 1, 300, 600])
def test_a_cut_at_the_end_is_found(copy, left):
    changed(copy, f"DELETE FROM entry WHERE n >= {left}", f"DELETE FROM found WHERE n >= {left}")
    assert any(f"cut at its end: {left} entries where 601 were signed" in one for one in faults(copy))


def test_an_entry_that_was_slipped_in_at_the_end_is_found(copy):
    changed(copy, "INSERT INTO entry SELECT 601, body FROM entry WHERE n = 600")
    assert any("1 entries at the end were never signed" in one for one in faults(copy))


def test_a_head_that_somebody_else_signed_is_found(copy):
    stranger = Ed25519PrivateKey.generate()
    name = Verifier.parse(public_keys(city_key(copy))[0]).name
    forged = Signer(name, stranger).sign(Head(name, 601, b"x" * 32))
    db = apsw.Connection(str(copy / "audit-open.db"))
    db.execute("UPDATE head SET note = ? WHERE size = 601", (forged,))
    db.execute("UPDATE meta SET value = ? WHERE key = 'head'", (forged,))
    db.close()
    assert any("not signed by the audit log's key" in one for one in faults(copy))


def test_missing_and_unreadable_heads_are_found(copy):
    changed(copy, "DELETE FROM meta WHERE key = 'head'", "UPDATE head SET note = 'x' WHERE size = 401")
    found = faults(copy)
    assert any("has no signed head" in one for one in found)
    assert any("cannot be read" in one for one in found)


def test_a_search_that_was_blinded_is_found(copy):
    changed(copy, "DELETE FROM found WHERE n = 77 AND w = (SELECT w FROM word WHERE text = 'entity:urn:x:76')")
    found = faults(copy)
    assert "open: entry 77 is missing from the index of entity:urn:x:76" in found
    assert "open: the index of the audit log is not that of its entries" in found


def test_a_row_of_the_index_that_leads_nowhere_is_found(copy):
    changed(copy, "INSERT INTO found VALUES (1, 9999)")
    assert "open: the index of the audit log is not that of its entries" in faults(copy)


def test_whoever_holds_the_key_and_cuts_the_end_is_found_by_what_was_witnessed(copy):
    changed(
        copy, "DELETE FROM entry WHERE n >= 100", "DELETE FROM found WHERE n >= 100", "DELETE FROM node WHERE i >= 0"
    )
    resigned(copy, 100)
    found = faults(copy)
    assert found == ["open: the head of 201 entries, which graz.example/witness has witnessed, is gone"]


def test_whoever_also_forgets_the_witness_is_found_by_the_head_that_the_witness_kept(copy, sound):
    kept = kept_elsewhere(sound, 201)
    changed(
        copy, "DELETE FROM entry WHERE n >= 100", "DELETE FROM found WHERE n >= 100", "DELETE FROM node WHERE i >= 0",
        "DELETE FROM cosign WHERE size > 0",
    )  # fmt: skip
    resigned(copy, 100)
    assert faults(copy) == [], "the file alone is of one piece again"
    assert any("cut at its end: 100 entries where 201 were signed" in one for one in faults(copy, [kept]))


def test_whoever_holds_the_key_and_rewrites_is_found_by_the_head_that_the_witness_kept(copy, sound, tmp_path):
    kept = kept_elsewhere(sound, 201)
    other = tmp_path / "rewritten"
    shutil.copytree(copy, other)
    (other / "audit-open.db").unlink()
    audit = Audit(TrailWriter(other / "audit-open.db", "open", city_key(other)))
    for n in range(ENTRIES):
        audit.note("command", "person:nobody", {"entity": f"urn:x:{n}"})
    audit.close()
    assert faults(other) == []
    assert any("do not give the head" in one for one in faults(other, [kept]))


def test_a_cosignature_that_does_not_fit_is_found(copy):
    line = NEIGHBOUR.line("something else\n", 5)
    db = apsw.Connection(str(copy / "audit-open.db"))
    db.execute("UPDATE cosign SET line = ?", (line,))
    db.close()
    assert any("does not fit the head" in one for one in faults(copy))


def test_a_log_that_is_gone_or_damaged_or_sealed_is_said_so(copy):
    file = copy / "audit-open.db"
    body = bytearray(file.read_bytes())
    body[5_000:9_000] = bytes(4_000)
    file.write_bytes(body)
    assert faults(copy)
    file.write_bytes(b"rubbish" * 1_000)
    assert "cannot be opened" in faults(copy)[0]
    file.unlink()
    assert faults(copy) == ["open: the audit log is gone: there is no audit-open.db"]


def kept_elsewhere(folder, size):
    """A head as a witness has it."""
    trail = Trail(folder / "audit-open.db", "open")
    note = trail.head(size)
    trail.close()
    return note
