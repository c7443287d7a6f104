"""In the command centre two people have a device act: in the writer, whatever door somebody comes through."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.errors import Forbidden, HansaError
from hansa.model.change import Change, Refused, Write
from hansa.model.command import digest
from hansa.model.entity import Doc, Entity
from hansa.platform.sqlite import SqliteStore
from hansa.platform.store import Item
from hansa.platform.two_people import approved
from hansa.trust.actors import PASSKEY, Actor
from hansa.trust.breakglass import SUFFIX, is_widened
from hansa.trust.labels import ADMINISTRATOR, Sight
from hansa.trust.policy import Policy, shipped
from hansa.trust.sights import Sights

T = 1_775_000_000_000_000
ADA = Actor("person:ada", frozenset({"command"}), assurance=PASSKEY)
BO = Actor("person:bo", frozenset({"command"}), assurance=PASSKEY)
EVE = Actor("person:eve", frozenset({"command", "operator"}), assurance=1)
SERVICE = Actor("service:bot", frozenset({"command"}), assurance=2)
IDENT = "urn:ngsi-ld:Command:c"
SIGHTS = Sights("security", Policy(shipped("security"), "shipped"))
ASKED = {"commandDevice": "gate-1", "payload": {"gate": "open"}, "requestedBy": ADA.id, "status": "requested"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    one = SqliteStore(tmp_path / "security.db", realm="security")
    yield one
    one.close()


def doc(**said: Any) -> Doc:
    return {"id": IDENT, "type": "Command", **{name: {"type": "Property", "value": it} for name, it in said.items()}}


def write(store: SqliteStore, who: Actor | Sight, one: Write, *, app: str = "commands") -> Change | HansaError | None:
    sight = who if isinstance(who, Sight) else SIGHTS.of(who)
    (result,) = store.commit([Item([one], sight.actor, sight=None if sight.everything else sight, app=app)], T)
    assert not isinstance(result, HansaError)
    (outcome,) = result
    return outcome.error if isinstance(outcome, Refused) else outcome if isinstance(outcome, Change) else None


def now(store: SqliteStore) -> Entity | None:
    return store.reader().entity("", IDENT, ADMINISTRATOR)


def asked(store: SqliteStore, **said: Any) -> Entity:
    assert isinstance(write(store, ADA, Write("create", IDENT, doc(**(ASKED | said)))), Change)
    found = now(store)
    assert found is not None
    return found


def approval(one: Entity, by: str, **said: Any) -> Write:
    told = {"status": "pending", "approvedBy": by, "approvedAt": "now", "approvedHash": digest(one)} | said
    return Write("merge", IDENT, doc(**told))


def test_one_asks_and_another_approves(store: SqliteStore) -> None:
    one = asked(store)
    assert isinstance(write(store, BO, approval(one, BO.id)), Change)
    made = now(store)
    assert made is not None
    assert made["status"] == "pending"
    assert approved(made, BO.id)
    assert not approved(made, ADA.id), "and it was not somebody else who made it so"


def test_one_approves_by_the_act_that_asks_for_fresh_proof_and_by_no_other_way(store: SqliteStore) -> None:
    one = asked(store)
    for app in ("", "incidents"):
        assert isinstance(write(store, BO, approval(one, BO.id), app=app), Forbidden)
    assert isinstance(write(store, BO, approval(one, BO.id)), Change)


def test_nobody_approves_with_rights_that_he_was_lent(store: SqliteStore) -> None:
    one = asked(store)
    lent = Actor("person:bo", frozenset({"administrator", "command"}), assurance=PASSKEY, method=f"passkey{SUFFIX}")
    assert is_widened(lent)
    assert isinstance(write(store, lent, approval(one, BO.id)), Forbidden)


def test_a_command_says_each_thing_once(store: SqliteStore) -> None:
    asked(store)
    again = {"type": "Property", "value": "pending", "datasetId": "urn:x:again"}
    assert isinstance(write(store, BO, Write("append", IDENT, {"id": IDENT, "status": again}), app=""), Forbidden)


@pytest.mark.parametrize("kind", ["create", "upsert", "replace", "merge", "say", "append", "upsert_update"])
def test_nobody_makes_one_that_is_pending_by_himself(store: SqliteStore, kind: str) -> None:
    forged = ASKED | {"status": "pending", "approvedBy": BO.id}
    for said in ({"status": "pending"}, forged, forged | {"approvedHash": digest(Entity(doc(**forged)))}):
        one = {"commandDevice": "gate-1", "payload": {"gate": "open"}} | said
        assert isinstance(write(store, ADA, Write(kind, IDENT, doc(**one))), HansaError)
    assert now(store) is None


@pytest.mark.parametrize("who", [ADA, EVE, SERVICE])
def test_who_asked_and_who_is_not_surely_known_approves_nothing(store: SqliteStore, who: Actor) -> None:
    one = asked(store)
    assert isinstance(write(store, who, approval(one, who.id)), HansaError)
    assert isinstance(write(store, who, approval(one, BO.id)), HansaError)
    found = now(store)
    assert found is not None
    assert found["status"] == "requested"


@pytest.mark.parametrize(
    "said",
    [
        {"approvedHash": "0" * 64},
        {"approvedHash": None},
        {"approvedBy": "person:eve"},
        {"payload": {"gate": "burst"}},
        {"commandDevice": "gate-2"},
        {"requestedBy": "person:eve"},
        {"expects": {"value": 1}},
        {"deliveredAt": "now"},
        {"result": "confirmed"},
    ],
)
def test_an_approval_is_of_exactly_what_was_asked(store: SqliteStore, said: dict[str, Any]) -> None:
    one = asked(store)
    told = {name: it for name, it in said.items() if it is not None}
    whole = Entity(one.doc | doc(**told))
    for hashed in (one, whole):
        merged = approval(hashed, BO.id, **told)
        if said.get("approvedHash", "") is None:
            merged.doc.pop("approvedHash")
        assert isinstance(write(store, BO, merged), Forbidden)


def test_what_was_asked_for_is_not_changed_afterwards(store: SqliteStore) -> None:
    one = asked(store)
    for said in (
        {"payload": {"gate": "burst"}},
        {"requestedBy": BO.id},
        {"approvedBy": BO.id},
        {"sendBy": "2099-01-01"},
    ):
        for who in (ADA, BO):
            assert isinstance(write(store, who, Write("merge", IDENT, doc(**said))), Forbidden), said
    assert isinstance(write(store, ADA, Write("delete_attr", IDENT, name="requestedBy", dataset="@all")), Forbidden)
    assert isinstance(write(store, BO, approval(one, BO.id)), Change)
    assert isinstance(write(store, ADA, Write("merge", IDENT, doc(payload={"gate": "burst"}))), Forbidden)
    assert isinstance(write(store, ADA, Write("merge", IDENT, doc(status="cancelled"))), Change)
    assert isinstance(write(store, ADA, Write("merge", IDENT, doc(status="pending"))), Forbidden)


def test_what_was_something_else_before_is_no_way_round(store: SqliteStore) -> None:
    gate = doc(**(ASKED | {"status": "pending", "approvedBy": BO.id})) | {"type": "Gate"}
    assert isinstance(write(store, ADA, Write("create", IDENT, gate)), Change)
    assert isinstance(write(store, ADA, Write("append", IDENT, {"id": IDENT, "type": ["Gate", "Command"]})), Forbidden)


def test_a_draft_is_its_makers_until_it_is_asked_for(store: SqliteStore) -> None:
    draft = {"commandDevice": "gate-1", "payload": {"gate": "open"}, "status": "draft"}
    assert isinstance(write(store, ADA, Write("create", IDENT, doc(**draft))), Change)
    assert isinstance(write(store, ADA, Write("merge", IDENT, doc(status="pending"))), Forbidden)
    assert isinstance(write(store, ADA, Write("merge", IDENT, doc(status="requested", requestedBy=BO.id))), Forbidden)
    assert isinstance(write(store, ADA, Write("merge", IDENT, doc(status="requested", requestedBy=ADA.id))), Change)


def test_in_the_open_realm_one_person_is_enough(tmp_path: Path) -> None:
    sights = Sights("open", Policy(shipped("open"), "shipped"))
    store = SqliteStore(tmp_path / "open.db")
    operator = Actor("person:ada", frozenset({"operator"}), assurance=PASSKEY)
    one = Write("create", IDENT, doc(commandDevice="gate-1", payload={"gate": "open"}, status="pending"))
    assert isinstance(write(store, sights.of(operator), one), Change)
    store.close()


_values = {
    "status": st.sampled_from(["pending", "requested", "draft", "cancelled", "denied", "delivered", None, 7]),
    "commandDevice": st.sampled_from(["gate-1", "gate-2"]),
    "payload": st.sampled_from([{"gate": "open"}, {"gate": "close"}]),
    "requestedBy": st.sampled_from([ADA.id, BO.id, "person:eve"]),
    "approvedBy": st.sampled_from([ADA.id, BO.id]),
    "approvedHash": st.sampled_from(["0", "right"]),
}
_said = st.fixed_dictionaries({}, optional=_values)
_kinds = st.sampled_from(["create", "upsert", "upsert_update", "merge", "append", "update", "replace", "say", "delete"])
_types = st.sampled_from(["Command", "Gate"])


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(_kinds, _types, _said), max_size=12))
def test_whatever_one_person_alone_writes_is_never_sent(steps: list[tuple[str, str, dict[str, Any]]]) -> None:
    store = SqliteStore(":memory:", realm="security")
    try:
        for kind, type_, said in steps:
            told = {name: it for name, it in said.items() if it is not None}
            if told.get("approvedHash") == "right":
                found = now(store)
                base = {} if found is None else found.doc
                told["approvedHash"] = digest(Entity(base | doc(**told)))
            one = Write(kind, IDENT) if kind == "delete" else Write(kind, IDENT, doc(**told) | {"type": type_})
            write(store, ADA, one)
            made = now(store)
            if made is not None and "Command" in made.types and made.get("status") == "pending":
                assert not approved(made, ADA.id)
                assert not approved(made)
                raise AssertionError("it is pending")
    finally:
        store.close()
