"""What policy lets whom see and write, through the store itself: hidden and absent are the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hansa.errors import AlreadyExists, Forbidden, HansaError, NotFound
from hansa.model.change import Change, Refused, Write
from hansa.model.query import Query
from hansa.platform.sqlite import SqliteStore
from hansa.platform.store import Item, Span
from hansa.trust.actors import PASSKEY, Actor
from hansa.trust.labels import ADMINISTRATOR, Sight
from hansa.trust.policy import Policy, shipped
from hansa.trust.sights import Sights

T = 1_775_000_000_000_000
PARKS = "smart;owner=parks"
DIARY = "personal;owner=parks;purposes=care;subject=person:ada"

RESIDENT = Actor("person:ada", frozenset({"resident"}), assurance=PASSKEY)
NEIGHBOUR = Actor("neighbour:graz", frozenset({"neighbour"}), assurance=2)
OPERATOR = Actor("person:ben", frozenset({"operator"}), assurance=PASSKEY)
GARDENER = Actor("person:cleo", frozenset({"member"}), frozenset({"parks"}), assurance=PASSKEY)
WATERMAN = Actor("person:dan", frozenset({"member"}), frozenset({"water"}), assurance=PASSKEY)
CHIEF = Actor("person:eve", frozenset({"supervisor"}), assurance=PASSKEY)


@pytest.fixture
def sights() -> Sights:
    return Sights("open", Policy(shipped("open"), "shipped"))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    one = SqliteStore(tmp_path / "open.db")
    doc = {"type": "Thing", "n": {"type": "Property", "value": 1}, "m": {"type": "Property", "value": 2}}
    writes = [
        Write("create", "urn:x:open", {"id": "urn:x:open", **doc}, label="open", labels={"m": PARKS}),
        Write("create", "urn:x:smart", {"id": "urn:x:smart", **doc}),
        Write("create", "urn:x:parks", {"id": "urn:x:parks", **doc}, label=PARKS, labels={"m": DIARY}),
        Write("create", "urn:x:diary", {"id": "urn:x:diary", **doc}, label=DIARY),
    ]
    results = one.commit([Item(writes, "seed")], T)[0]
    assert not isinstance(results, HansaError)
    yield one
    one.close()


def said(store: SqliteStore, sight: Sight, write: Write) -> Change | HansaError:
    """What became of a write: the Change, or what was raised."""
    (result,) = store.commit([Item([write], sight.actor, sight=None if sight.everything else sight)], T + 1)
    assert not isinstance(result, HansaError)
    (outcome,) = result
    if isinstance(outcome, Refused):
        return outcome.error
    assert isinstance(outcome, Change)
    return outcome


def names(store: SqliteStore, sight: Sight, **asked: str) -> list[str]:
    query = Query.parse(types="Thing", **asked)  # type: ignore[arg-type]
    reader = store.reader()
    found = [one.id.rpartition(":")[2] for one in reader.find("", query, sight, 100)]
    assert reader.count("", query, sight) == len(found), "and so many are counted"
    docs = reader.find_docs("", query, sight, 100)
    assert docs is None or len(docs) == len(found)
    return sorted(found)


def test_each_sees_what_policy_shows_him_in_queries_counts_and_documents(store: SqliteStore, sights: Sights) -> None:
    assert names(store, sights.of(RESIDENT)) == ["diary", "open"], "his own diary"
    assert names(store, sights.of(NEIGHBOUR)) == ["open"]
    assert names(store, sights.of(OPERATOR)) == ["open", "parks", "smart"]
    assert names(store, sights.of(WATERMAN)) == ["open", "smart"]
    assert names(store, sights.of(GARDENER)) == ["open", "parks", "smart"]
    assert names(store, sights.of(GARDENER, "care")) == ["diary", "open", "parks", "smart"]
    assert names(store, ADMINISTRATOR) == ["diary", "open", "parks", "smart"]


def test_a_query_finds_nothing_by_what_it_may_not_see(store: SqliteStore, sights: Sights) -> None:
    assert names(store, sights.of(NEIGHBOUR), q="n==1") == ["open"]
    assert names(store, sights.of(NEIGHBOUR), q="m==2") == []
    assert names(store, sights.of(GARDENER), q="m==2") == ["open", "smart"]
    assert names(store, sights.of(OPERATOR), q="m==2;n==1") == ["open", "smart"]


def test_hidden_attributes_leave_no_trace_in_a_document(store: SqliteStore, sights: Sights) -> None:
    reader = store.reader()
    shown = reader.entity("", "urn:x:parks", sights.of(OPERATOR))
    assert shown is not None
    assert "m" not in shown.doc
    assert shown.stamps is not None
    assert "m" not in shown.stamps.attrs
    assert reader.series("", "urn:x:parks", sights.of(OPERATOR)) == [("n", None)]
    span = Span()
    assert {
        ident for ident, _ in reader.moments("", ["urn:x:diary"], sights.of(OPERATOR), span, (None, frozenset()), 9)
    } == set()


@pytest.mark.parametrize("kind", ["merge", "update", "append", "replace", "delete", "delete_attr", "patch_attr"])
@pytest.mark.parametrize("who", [RESIDENT, NEIGHBOUR, OPERATOR, WATERMAN, CHIEF])
def test_writing_to_what_is_hidden_is_as_writing_to_what_is_not_there(
    store: SqliteStore, sights: Sights, kind: str, who: Actor
) -> None:
    told = []
    for ident in ("urn:x:diary", "urn:x:never"):
        doc = {"id": ident, "type": "Thing", "n": {"type": "Property", "value": 5}}
        one = said(store, sights.of(who if who is not RESIDENT else NEIGHBOUR), Write(kind, ident, doc, name="n"))  # type: ignore[arg-type]
        assert isinstance(one, NotFound)
        told.append(one.detail.replace(ident, "ID"))
    assert told[0] == told[1]
    kept = store.reader().entity("", "urn:x:diary", ADMINISTRATOR)
    assert kept is not None
    assert kept.doc["n"]["value"] == 1


@pytest.mark.parametrize("kind", ["create", "upsert", "instances"])
def test_an_id_that_is_hidden_is_refused_as_a_creation_without_the_right_is(
    store: SqliteStore, sights: Sights, kind: str
) -> None:
    told = {}
    for who, ident in ((OPERATOR, "urn:x:diary"), (NEIGHBOUR, "urn:x:diary"), (NEIGHBOUR, "urn:x:never")):
        instance = {"type": "Property", "value": 5}
        doc = {"id": ident, "type": "Thing", "n": [instance] if kind == "instances" else instance}
        one = said(store, sights.of(who), Write(kind, ident, doc))  # type: ignore[arg-type]
        assert isinstance(one, Forbidden), one
        assert not isinstance(one, AlreadyExists)
        told[one.detail.replace(ident, "ID")] = 1
    assert len(told) == 1


def test_hidden_attributes_outlive_what_others_write(store: SqliteStore, sights: Sights) -> None:
    doc = {"id": "urn:x:parks", "type": "Thing", "n": {"type": "Property", "value": 9}}
    assert isinstance(said(store, sights.of(GARDENER), Write("replace", "urn:x:parks", doc)), Change)
    kept = store.reader().entity("", "urn:x:parks", ADMINISTRATOR)
    assert kept is not None
    assert kept.doc["n"]["value"] == 9
    assert kept.doc["m"]["value"] == 2, "he did not know of it"
    assert kept.stamps is not None
    assert kept.stamps.labels == {"m": DIARY}
    assert list(store.check()) == []
    gone = said(store, sights.of(GARDENER), Write("delete_attr", "urn:x:parks", name="m"))
    never = said(store, sights.of(GARDENER), Write("delete_attr", "urn:x:parks", name="k"))
    assert isinstance(gone, NotFound)
    assert isinstance(never, NotFound)
    assert gone.detail.replace("m", "k") == never.detail.replace("m", "k")
    over = {"id": "urn:x:parks", "m": {"type": "Property", "value": 0}}
    assert isinstance(said(store, sights.of(GARDENER), Write("append", "urn:x:parks", over)), Forbidden)


def test_who_sees_but_may_not_write_is_told_so(store: SqliteStore, sights: Sights) -> None:
    news = {"id": "urn:x:open", "n": {"type": "Property", "value": 5}}
    for who in (RESIDENT, NEIGHBOUR, WATERMAN):
        assert isinstance(said(store, sights.of(who), Write("update", "urn:x:open", news)), Forbidden)
        assert isinstance(said(store, sights.of(who), Write("delete", "urn:x:open")), Forbidden)
    assert isinstance(said(store, sights.of(OPERATOR), Write("update", "urn:x:open", news)), Change)
    assert isinstance(said(store, sights.of(OPERATOR), Write("delete", "urn:x:open")), Forbidden), "he may not delete"
    assert isinstance(said(store, sights.of(CHIEF), Write("delete", "urn:x:open")), Change)


def test_each_attribute_is_weighed_by_its_own_label(store: SqliteStore, sights: Sights) -> None:
    both = {"id": "urn:x:open", "n": {"type": "Property", "value": 5}, "m": {"type": "Property", "value": 5}}
    sight = sights.of(GARDENER)
    assert isinstance(said(store, sight, Write("update", "urn:x:open", both)), Forbidden), "n is not the parks'"
    only = {"id": "urn:x:open", "m": {"type": "Property", "value": 5}}
    assert isinstance(said(store, sight, Write("update", "urn:x:open", only)), Change)


def test_what_a_member_makes_is_his_departments(store: SqliteStore, sights: Sights) -> None:
    doc = {"id": "urn:x:new", "type": "Thing", "n": {"type": "Property", "value": 5}}
    assert isinstance(said(store, sights.of(WATERMAN), Write("create", "urn:x:new", doc)), Change)
    kept = store.reader().entity("", "urn:x:new", ADMINISTRATOR)
    assert kept is not None
    assert kept.label == "smart;owner=water"
    assert isinstance(said(store, sights.of(GARDENER), Write("update", "urn:x:new", doc)), NotFound)


def test_labels_are_not_for_everybody_to_change(store: SqliteStore, sights: Sights) -> None:
    news = {"id": "urn:x:smart", "n": {"type": "Property", "value": 5}}
    write = Write("update", "urn:x:smart", news, label="open")
    assert isinstance(said(store, sights.of(OPERATOR), write), Forbidden)
    assert isinstance(said(store, ADMINISTRATOR, write), Change)


@pytest.mark.parametrize("name", [None, "n", "m"])
def test_history_is_taken_away_only_by_who_may(store: SqliteStore, sights: Sights, name: str | None) -> None:
    write = Write("forget", "urn:x:parks", name=name, dataset="@all")
    assert isinstance(said(store, sights.of(WATERMAN), write), NotFound)
    never = said(store, sights.of(WATERMAN), Write("forget", "urn:x:never", name=name, dataset="@all"))
    assert isinstance(never, NotFound)
    if name == "m":
        assert isinstance(said(store, sights.of(GARDENER), write), NotFound), "he does not know of it"
    elif name == "n":
        assert isinstance(said(store, sights.of(OPERATOR), write), Change)
    else:
        assert isinstance(said(store, sights.of(OPERATOR), write), Forbidden)
        assert isinstance(said(store, sights.of(GARDENER), write), Change)


def test_a_sight_decides_anew_when_policy_roles_or_loans_change(store: SqliteStore) -> None:
    lent: set[str] = set()
    gone: set[str] = set()
    now = [1_000.0]
    sights = Sights(
        "open",
        Policy(shipped("open"), "shipped"),
        lent=lambda _actor, owner, *_: (frozenset(lent if owner == "parks" else ()), 2_000.0),
        current=lambda actor: None if actor.id in gone else actor,
        now=lambda: now[0],
    )
    kept = sights.of(WATERMAN, "watering")
    assert names(store, kept) == ["open", "smart"]
    lent.add("watering")
    sights.renew()
    assert names(store, kept) == ["open", "parks", "smart"]
    assert names(store, sights.of(WATERMAN, "swimming")) == ["open", "smart"], "it was lent for another purpose"
    lent.clear()
    assert names(store, kept) == ["open", "parks", "smart"], "nobody has said so yet"
    now[0] = 2_000.0
    assert names(store, kept) == ["open", "smart"], "time alone ends what was lent"
    gone.add(WATERMAN.id)
    sights.renew()
    assert names(store, kept) == []
    gone.clear()
    sights.renew(Policy('@id("none") @reason("nothing") forbid (principal, action, resource);', "2"))
    assert names(store, kept) == []


def test_what_was_shown_of_personal_information_is_noted(store: SqliteStore) -> None:
    heard: list[tuple[str, str]] = []
    sights = Sights(
        "open", Policy(shipped("open"), "shipped"), saw=lambda actor, ident, _l, _p: heard.append((actor.id, ident))
    )
    names(store, sights.of(OPERATOR))
    assert heard == []
    reader = store.reader()
    assert reader.entity("", "urn:x:diary", sights.of(RESIDENT)) is not None
    assert heard == [("person:ada", "urn:x:diary")]
    heard.clear()
    assert reader.entity("", "urn:x:parks", sights.of(GARDENER, "care")) is not None
    assert heard == [("person:cleo", "urn:x:parks")], "one attribute of it is personal"
    heard.clear()
    assert len(reader.find("", Query.parse(types="Thing"), sights.of(GARDENER, "care"), 100)) == 4
    assert {ident for _, ident in heard} == {"urn:x:diary", "urn:x:parks"}


def test_a_label_that_comes_later_is_decided_too(store: SqliteStore, sights: Sights) -> None:
    reader, sight = store.reader(), sights.of(WATERMAN)
    query = Query.parse(types="Thing", q="n==1")
    assert reader.count("", query, sight) == 2
    for number, label in enumerate(("smart;owner=water", "smart;owner=roads", "open;licence=CC0-1.0")):
        doc = {"id": f"urn:x:l{number}", "type": "Thing", "n": {"type": "Property", "value": 1}}
        said(store, ADMINISTRATOR, Write("create", f"urn:x:l{number}", doc, label=label))
    assert sorted(one.id for one in reader.find("", query, sight, 100)) == [
        "urn:x:l0",
        "urn:x:l2",
        "urn:x:open",
        "urn:x:smart",
    ]
    assert reader.count("", query, sight) == 4


def test_who_may_make_entities_does_not_command_devices(store: SqliteStore, sights: Sights) -> None:
    doc = {"id": "urn:c:1", "type": "Command", "status": {"type": "Property", "value": "pending"}}
    write = Write("create", "urn:c:1", doc)
    assert isinstance(said(store, sights.of(GARDENER), write), Forbidden)
    assert isinstance(said(store, sights.of(OPERATOR), write), Change)
    weak = Actor(OPERATOR.id, OPERATOR.roles, assurance=1)
    again = Write("update", "urn:c:1", {"id": "urn:c:1", "status": {"type": "Property", "value": "pending"}})
    assert isinstance(said(store, sights.of(weak), again), Forbidden), "with one factor nobody has a device act"


@pytest.mark.parametrize("who", [GARDENER, CHIEF])
def test_the_past_keeps_its_labels_when_its_entity_comes_back(store: SqliteStore, sights: Sights, who: Actor) -> None:
    sight = sights.of(who)
    assert isinstance(said(store, sight, Write("delete", "urn:x:parks")), Change)
    doc = {"id": "urn:x:parks", "type": "Thing", "n": {"type": "Property", "value": 3}}
    assert isinstance(said(store, sight, Write("create", "urn:x:parks", doc)), Change)
    assert store.reader().series("", "urn:x:parks", sight) == [("n", None)], "m stays what it was"
    assert len(store.reader().series("", "urn:x:parks", ADMINISTRATOR)) == 2
    assert list(store.check()) == []


def test_the_id_of_what_was_hidden_and_is_gone_gives_nobody_its_past(store: SqliteStore, sights: Sights) -> None:
    assert isinstance(said(store, ADMINISTRATOR, Write("delete", "urn:x:diary")), Change)
    doc = {"id": "urn:x:diary", "type": "Thing", "n": {"type": "Property", "value": 3}}
    for who in (GARDENER, WATERMAN, OPERATOR, CHIEF):
        assert isinstance(said(store, sights.of(who), Write("create", "urn:x:diary", doc)), Forbidden)
        assert store.reader().series("", "urn:x:diary", sights.of(who)) == []


def test_what_is_to_go_by_itself_is_deleted(store: SqliteStore, sights: Sights) -> None:
    write = Write("merge", "urn:x:smart", {"id": "urn:x:smart", "expiresAt": "2026-04-01T00:00:00Z"})
    assert isinstance(said(store, sights.of(OPERATOR), write), Forbidden)
    assert isinstance(said(store, sights.of(CHIEF), write), Change)


def test_a_token_for_a_type_edits_no_other_past(store: SqliteStore, sights: Sights) -> None:
    token = Actor(CHIEF.id, CHIEF.roles, frozenset(), PASSKEY, "token", "t", frozenset({"read", "update:Lamp"}))
    write = Write("forget", "urn:x:smart", name="n", dataset="@all")
    assert isinstance(said(store, sights.of(token), write), Forbidden)


def test_a_reading_does_not_undo_a_relabelling(store: SqliteStore, sights: Sights) -> None:
    reading = {"id": "urn:x:diary", "type": "Thing", "n": {"type": "Property", "value": 9}}
    assert isinstance(said(store, ADMINISTRATOR, Write("read", "urn:x:diary", reading, label="open")), Change)
    kept = store.reader().entity("", "urn:x:diary", ADMINISTRATOR)
    assert kept is not None
    assert kept.label == DIARY


def test_who_may_see_and_not_be_told_is_told_nothing(store: SqliteStore) -> None:
    text = """
        @id("reads") @reason("he reads") permit (principal, action == Action::"read", resource);
        @id("hears") @reason("he hears of what is open")
        permit (principal, action == Action::"subscribe", resource in Class::"open");
    """
    sight = Sights("open", Policy(text, "1")).of(OPERATOR)
    assert names(store, sight) == ["diary", "open", "parks", "smart"]
    assert names(store, sight.hearing) == ["open"]
    assert sight.hearing is sight.hearing
