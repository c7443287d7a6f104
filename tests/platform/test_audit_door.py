"""The audit log over HTTP: who may ask what, proofs that hold offline, and cities that witness each other."""

import asyncio
import json
from base64 import b64decode

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hansa import clock
from hansa.errors import BadRequest, Forbidden, HansaError, NotFound, TooLarge, Unauthenticated
from hansa.platform.audit import city_key, open_audit, public_keys, witness_of
from hansa.platform.audit_door import AuditDoor
from hansa.platform.http import Request
from hansa.platform.sqlite.trail import Trail, TrailWriter
from hansa.platform.witness import Inconsistent, Witness
from hansa.trust import merkle
from hansa.trust.actors import PASSKEY, SINGLE, Actor
from hansa.trust.heads import WITNESS, Head, Note, Signer, Verifier
from hansa.trust.labels import ADMINISTRATOR, NOBODY, Sight
from hansa.trust.proven import proven

WITHIN_S = 20


def seen_as(*roles, ident="person:ada", session="s1", assurance=PASSKEY):
    return Sight(ident, who=Actor(ident, frozenset(roles), assurance=assurance, session=session))


AUDITOR = seen_as("auditor", ident="person:aud")
BO = seen_as("resident", ident="person:bo")
NEIGHBOUR = seen_as("neighbour", ident="neighbour:graz")
OTHER = Signer("graz.example/witness", Ed25519PrivateKey.generate(), WITNESS)


class City:
    """A city's audit and its door, without the rest of it."""

    def __init__(self, folder, witnessed=(), witnesses=()):
        folder.mkdir()
        self.folder = folder
        self.key = city_key(folder)
        self.audits = {realm: open_audit(folder, realm, signer=self.key) for realm in ("open", "security")}
        self.vkeys = public_keys(self.key)
        self.door = AuditDoor(
            self.audits,
            lambda realm: Trail(folder / f"audit-{realm}.db", realm),
            Witness(witness_of(self.key), [Verifier.parse(one) for one in witnessed]),
            witnesses=[*witnesses],
            keys="".join(f"{one}\n" for one in self.vkeys),
        )

    def note(self, kind="device", actor="person:ada", realm="open", session="", **what):
        return self.audits[realm].note(kind, actor, what, session=session).result(WITHIN_S)

    def keep(self, realm="open"):
        self.audits[realm].do(TrailWriter.keep).result(WITHIN_S)

    def ask(self, path, sight=AUDITOR, method="GET", body=b""):
        where, _, query = path.partition("?")
        return asyncio.run(self.door.handle(Request(method, where.split("/"), query.encode(), body, sight=sight)))

    def found(self, query="", sight=AUDITOR):
        return json.loads(self.ask(f"entries?{query}", sight).body)["entries"]

    def close(self):
        self.door.close()
        for one in self.audits.values():
            one.close()


@pytest.fixture
def city(tmp_path):
    one = City(tmp_path / "city", witnesses=[OTHER.public])
    yield one
    one.close()


def test_the_log_is_searched_by_who_what_whose_and_when(city):
    city.note("login", "person:ada", session="s9")
    city.note("device", "person:ada", device="pump-7", did="state")
    n = city.note("read-personal", "person:cy", of={"person:bo": ["urn:x:bo"]}, purpose="care")
    assert [one["n"] for one in city.found("actor=person:ada")] == [2, 1]
    assert [one["entry"]["kind"] for one in city.found("kind=login&session=s9")] == ["login"]
    assert [one["n"] for one in city.found("entity=pump-7")] == [2]
    assert [one["n"] for one in city.found("about=person:bo")][-1] == n
    assert city.found("actor=person:nobody") == []
    at = city.found("kind=login")[0]["entry"]["at"]
    assert [one["n"] for one in city.found(f"until={clock.text(at)}")] == [0]
    assert [one["n"] for one in city.found(f"since={clock.text(at)}&kind=login")] == [1]
    assert city.found("since=2999-01-01T00:00:00Z") == []
    assert city.found("realm=security&kind=audit-begun")[0]["n"] == 0


def test_pages_lead_from_one_to_the_next_and_end(city):
    for n in range(7):
        city.note("device", "person:cy", n=n)
    got, before = [], ""
    while True:
        page = json.loads(city.ask(f"entries?actor=person:cy&limit=3{before}").body)
        got += [one["entry"]["what"]["n"] for one in page["entries"]]
        if page["next"] is None:
            break
        before = f"&before={page['next']}"
    assert got == [6, 5, 4, 3, 2, 1, 0]


@pytest.mark.parametrize(
    "query",
    ["limit=0", "limit=x", "limit=1e9", "before=-1", "since=yesterday", "realm=mars", "colour=red", "actor=a&actor=b"],
)
def test_a_question_that_cannot_be_read_is_a_400(city, query):
    with pytest.raises(BadRequest) as fault:
        city.ask(f"entries?{query}")
    assert fault.value.status == 400


WAYS = ["entries", "entries/0", "head", "heads", "consistency?first=1&second=1", "witness/seen"]


@pytest.mark.parametrize("path", [*WAYS, "proof/0", "entries?about=person:bo", "entries?realm=security"])
def test_whoever_is_nobody_or_may_not_see_it_finds_nothing(city, path):
    with pytest.raises(Unauthenticated):
        city.ask(path, NOBODY)
    for roles in ("resident", "operator", "supervisor", "engineer", "member", "service", "device"):
        with pytest.raises(NotFound):
            city.ask(path, seen_as(roles))


@pytest.mark.parametrize("role", ["auditor", "data_officer", "administrator"])
def test_officials_whose_work_it_is_see_all_of_it(city, role):
    for path in WAYS:
        assert city.ask(path, seen_as(role)).status == 200
    assert city.ask("entries", ADMINISTRATOR).status == 200


def test_a_neighbour_sees_heads_and_how_they_follow_and_no_entry(city):
    for path in ("head", "heads", "consistency?first=1&second=1", "witness/seen", "keys"):
        assert city.ask(path, NEIGHBOUR).status == 200
    for path in ("entries", "entries/0", "proof/0"):
        with pytest.raises(NotFound):
            city.ask(path, NEIGHBOUR)


def test_everybody_may_have_the_keys(city):
    assert city.ask("keys", NOBODY).body.decode().splitlines() == city.vkeys


def test_who_reads_the_log_is_noted_in_it_once_a_minute(city):
    asked = "actor=person:cy&about=person:bo"

    def looks():
        found = city.found("kind=audit-read&actor=person:aud&entity=")
        return [one for one in found if one["entry"]["what"]["asked"] == f"GET audit/entries?{asked}"]

    for _ in range(3):
        city.found(asked)
    assert len(looks()) == 1
    assert json.loads(city.ask("entries?about=me", BO).body)["entries"][0]["entry"]["kind"] == "audit-read"
    city.door._looked.clear()
    city.found(asked)
    assert len(looks()) == 2


def test_a_person_sees_who_saw_what_of_him_and_nothing_of_others(city):
    city.note(
        "read-personal", "person:cy", session="s4", asked="GET entities?q=name==Di", purpose="care",
        of={"person:bo": ["urn:x:bo"], "person:di": ["urn:x:di"]}, entities=["urn:x:street"],
    )  # fmt: skip
    city.note("read-personal", "person:cy", of={"person:di": ["urn:x:di"]})
    city.note("login", "person:bo", session="s5")
    page = json.loads(city.ask("entries?about=me", BO).body)
    login, read = page["entries"]
    assert login["entry"]["kind"] == "login"
    assert read["entry"]["what"] == {"asked": "GET entities", "entities": ["urn:x:bo"], "purpose": "care"}
    assert read["entry"]["actor"] == "person:cy"
    assert "di" not in str(page).replace("audit", "")
    assert page["size"] is None
    assert json.loads(city.ask("entries?about=me&actor=person:cy", BO).body)["entries"] == [read]
    with pytest.raises(Unauthenticated):
        city.ask("entries?about=me", NOBODY)
    with pytest.raises(NotFound):
        city.ask("entries?about=person:di", BO)
    for oracle in ("entity=urn:x:di", "session=s4"):
        with pytest.raises(BadRequest):
            city.ask(f"entries?about=me&{oracle}", BO)


def test_a_person_can_have_it_proven_and_need_not_see_the_rest(city):
    mine = city.note("read-personal", "person:cy", of={"person:bo": ["urn:x:bo"], "person:di": ["urn:x:di"]})
    other = city.note("read-personal", "person:cy", of={"person:di": ["urn:x:di"]})
    said = json.loads(city.ask(f"proof/{mine}", BO).body)
    assert "entry" not in said
    assert "urn:x:di" not in json.dumps(said)
    shown = proven(said, [Verifier.parse(one) for one in city.vkeys])
    assert (shown.n, shown.entry) == (mine, None)
    for n in (other, 0, 99):
        with pytest.raises(NotFound):
            city.ask(f"proof/{n}", BO)


def test_an_exported_proof_holds_offline_and_a_changed_one_does_not(city):
    for n in range(300):
        city.audits["open"].note("device", "person:ada", {"n": n})
    city.note()
    city.keep()
    keys = [Verifier.parse(one) for one in city.vkeys]
    text = city.ask("proof/123").body
    shown = proven(text, keys)
    assert shown.entry.what == {"n": 122}
    assert shown.head.size >= 302
    assert shown.signed_by == (keys[0].name,)
    said = json.loads(text)
    for name, value in (
        ("n", 124),
        ("n", "x"),
        ("entry", said["entry"].replace("122", "121")),
        ("entry", None),
        ("proof", said["proof"][1:]),
        ("proof", ["!"]),
        ("head", said["head"].replace("\ntime", "\ntim3")),
        ("head", ""),
    ):
        with pytest.raises(BadRequest):
            proven({**said, name: value}, keys)
    for rubbish in (b"", b"[]", b"{}", b"\xff"):
        with pytest.raises(BadRequest):
            proven(rubbish, keys)
    with pytest.raises(BadRequest, match="none of the given keys"):
        proven(text, [OTHER.public])
    at = json.loads(city.ask(f"proof/5?size={shown.head.size}").body)
    assert proven(at, keys).head.size == shown.head.size
    with pytest.raises(NotFound):
        city.ask("proof/5?size=17")


def test_heads_follow_one_another(city):
    sizes = []
    for _ in range(3):
        city.note()
        city.keep()
        sizes.append(Note.parse(city.ask("head").body.decode()).head.size)
    heads = json.loads(city.ask("heads?limit=2").body)
    assert [one["size"] for one in heads] == sizes[:0:-1]
    old, new = (Note.parse(one["note"]).head for one in reversed(heads))
    said = json.loads(city.ask(f"consistency?first={old.size}&second={new.size}").body)
    assert merkle.consistent(old.size, old.root, new.size, new.root, [b64decode(one) for one in said["proof"]])
    for wrong in ("first=2", "first=3&second=2", "first=0&second=999"):
        with pytest.raises(BadRequest):
            city.ask(f"consistency?{wrong}")


def test_an_entry_is_handed_out_byte_for_byte(city):
    n = city.note("device", device="pump-7")
    said = json.loads(city.ask(f"proof/{n}").body)
    assert city.ask(f"entries/{n}").body.decode() == said["entry"]
    with pytest.raises(NotFound):
        city.ask("entries/4711")
    with pytest.raises(BadRequest):
        city.ask("entries/x")
    with pytest.raises(NotFound):
        city.ask("nothing")
    with pytest.raises(NotFound):
        city.ask("entries", method="DELETE")


def test_a_known_witness_co_signs_a_head_and_a_stranger_does_not(city):
    city.note()
    city.keep()
    note = Note.parse(city.ask("head").body.decode())
    size = note.head.size
    line = OTHER.line(note.text, 1_795_369_200).encode()
    assert city.ask(f"cosign?size={size}", NOBODY, "POST", line).status == 204
    again = Note.parse(city.ask("head").body.decode())
    assert [one.name for one in again.signed_by([OTHER.public])] == [OTHER.public.name]
    stranger = Signer(OTHER.public.name, Ed25519PrivateKey.generate(), WITNESS).line(note.text, 1).encode()
    wrong = OTHER.line("another text\n", 1).encode()
    for body in (stranger, wrong):
        with pytest.raises(Forbidden):
            city.ask(f"cosign?size={size}", NOBODY, "POST", body)
    for body in (b"", b"\xff", b"rubbish\n"):
        with pytest.raises(BadRequest):
            city.ask(f"cosign?size={size}", NOBODY, "POST", body)
    with pytest.raises(NotFound):
        city.ask("cosign?size=4711", NOBODY, "POST", line)


# This city as a witness


@pytest.fixture
def pair(tmp_path):
    """Two cities: the second one witnesses the first."""
    first = City(tmp_path / "first")
    second = City(tmp_path / "second", witnessed=first.vkeys[:2])
    yield first, second
    first.close()
    second.close()


def checkpoint(old, proof, note):
    return f"old {old}\n{''.join(one + chr(10) for one in proof)}\n{note}".encode()


def grown(city):
    for _ in range(5):
        city.note()
    city.keep()
    note = city.ask("head").body.decode()
    return note, Note.parse(note).head


def add(witness, body):
    return witness.ask("witness/add-checkpoint", NOBODY, "POST", body)


def test_a_witness_signs_a_head_that_continues_what_it_saw(pair):
    first, second = pair
    key = Verifier.parse(second.vkeys[2])
    old = 0
    for _ in range(4):
        note, head = grown(first)
        proof = json.loads(first.ask(f"consistency?first={old}&second={head.size}").body)["proof"]
        answer = add(second, checkpoint(old, proof, note))
        assert answer.status == 200
        assert Note.parse(note + answer.body.decode()).signed_by([key])
        old = head.size
    seen = json.loads(second.ask("witness/seen").body)
    assert [(one["origin"], one["size"]) for one in seen] == [(head.origin, head.size)]
    assert Note.parse(seen[0]["note"]).signed_by([Verifier.parse(first.vkeys[0])])


def test_a_witness_says_what_it_saw_last_when_the_asker_does_not_know(pair):
    first, second = pair
    note, head = grown(first)
    assert add(second, checkpoint(0, [], note)).status == 200
    answer = add(second, checkpoint(0, [], note))
    assert (answer.status, answer.body, answer.kind) == (409, f"{head.size}\n".encode(), b"text/x.tlog.size")
    assert add(second, checkpoint(head.size, [], note)).status == 200, "the same head once more"


def test_a_witness_never_signs_a_log_that_was_rewritten_or_cut(pair):
    first, second = pair
    note, head = grown(first)
    assert add(second, checkpoint(0, [], note)).status == 200
    signer = Signer(head.origin, first.key)
    rewritten = merkle.Frontier()
    for n in range(head.size + 9):
        list(rewritten.append(merkle.leaf_hash(b"another history %d" % n)))
    forged = signer.sign(Head(head.origin, rewritten.size, rewritten.root()))
    with pytest.raises(Inconsistent):
        add(second, checkpoint(head.size, [], forged))
    with pytest.raises(Inconsistent):
        add(second, checkpoint(head.size, [], signer.sign(Head(head.origin, head.size, bytes(32)))))
    shorter = signer.sign(Head(head.origin, head.size - 1, bytes(32)))
    with pytest.raises(BadRequest, match="older"):
        add(second, checkpoint(head.size, [], shorter))
    assert add(second, checkpoint(head.size - 1, [], shorter)).status == 409
    assert json.loads(second.ask("witness/seen").body)[0]["size"] == head.size


def test_a_witness_signs_for_no_stranger_and_reads_no_rubbish(pair):
    first, second = pair
    note, head = grown(first)
    stranger = Signer(head.origin, Ed25519PrivateKey.generate()).sign(head)
    with pytest.raises(Forbidden):
        add(second, checkpoint(0, [], stranger))
    with pytest.raises(NotFound):
        add(first, checkpoint(0, [], note))
    for body in (
        b"", b"old\n\n", b"old x\n\n" + note.encode(), b"new 0\n\n" + note.encode(), b"\xff\xfe", note.encode(),
        checkpoint(0, ["!"], note), checkpoint(0, ["AAAA"] * 64, note), checkpoint("9" * 30, [], note),
        checkpoint("²", [], note), checkpoint(0, [], "x" * 20_000),
    ):  # fmt: skip
        with pytest.raises(HansaError) as fault:
            add(second, body)
        assert fault.value.status == 400, body[:40]
    with pytest.raises(TooLarge):
        add(second, b"old 0\n" * 100_000)
    assert json.loads(second.ask("witness/seen").body) == []


def test_the_log_takes_two_factors_of_whoever_works_with_it(city):
    for role in ("auditor", "data_officer", "administrator"):
        with pytest.raises(NotFound):
            city.ask("entries", seen_as(role, assurance=SINGLE))
