"""Types to which one only appends: their app alone makes entities of them, and nobody changes one; at the store."""

import pytest

from hansa.app import App, append_only
from hansa.errors import Forbidden
from hansa.model.change import Change, Nothing, Refused, Write
from hansa.model.entity import Attribute, entity
from hansa.platform.sqlite import SqliteStore
from hansa.platform.store import Item
from hansa.trust.labels import Sight

AT = 1_800_000_000_000_000
LINE = "urn:ngsi-ld:LogLine:1"


@pytest.fixture
def store():
    made = SqliteStore(":memory:")
    made.append_only = {"LogLine": "log"}
    yield made
    made.close()


def write(store, *writes, app="", actor="administrator", sight=None, expects=None):
    (outcomes,) = store.commit([Item(writes, actor, sight=sight, app=app, expects=expects)], AT)
    return outcomes


def say(one, kind="say"):
    return Write(kind, one.id, one.doc)


def test_its_app_makes_one_in_an_act_and_in_a_rule(store):
    (made,) = write(store, say(entity("LogLine", "1", text="a")), app="log", actor="person:ada")
    assert isinstance(made, Change)
    (made,) = write(store, say(entity("LogLine", "2", text="a")), actor="app:log")
    assert isinstance(made, Change)


@pytest.mark.parametrize(
    ("app", "actor"), [("", "person:log"), ("other", "person:ada"), ("", "app:other"), ("", "administrator")]
)
def test_nobody_else_makes_one(store, app, actor):
    (refused,) = write(store, say(entity("LogLine", "1", text="a")), app=app, actor=actor)
    assert isinstance(refused, Refused)
    assert isinstance(refused.error, Forbidden)


def test_its_app_does_not_change_one_either_and_saying_the_same_is_nothing(store):
    line = entity("LogLine", "1", text="a")
    write(store, say(line), app="log")
    (again,) = write(store, say(line), app="log")
    assert isinstance(again, Nothing)
    for other in (
        entity("LogLine", "1", text="b"),
        entity("LogLine", "1", more="c"),
        entity("Note", "urn:ngsi-ld:LogLine:1"),
    ):
        (refused,) = write(store, say(other), app="log")
        assert isinstance(refused, Refused)
    late = entity("LogLine", "1", text=Attribute("earlier", at=AT - 1_000_000))
    (refused,) = write(store, say(late, "read"), app="log")
    assert isinstance(refused, Refused)


def test_a_label_is_not_changed_either(store):
    write(store, say(entity("LogLine", "1", text="a")), app="log")
    (refused,) = write(store, Write("say", LINE, entity("LogLine", "1").doc, label="open"), app="log")
    assert isinstance(refused, Refused)


def test_the_same_type_by_another_name_is_the_same_type(store):
    iri = "https://smartdatamodels.org/dataModel.Log/LogLine"
    (refused,) = write(store, Write("create", LINE, {"id": LINE, "type": iri}))
    assert isinstance(refused, Refused)
    (refused,) = write(store, Write("create", LINE, {"id": LINE, "type": ["Note", "LogLine"]}))
    assert isinstance(refused, Refused)


def test_what_is_something_else_does_not_become_one(store):
    write(store, say(entity("Note", "1", text="a")))
    ident = "urn:ngsi-ld:Note:1"
    (refused,) = write(store, Write("append", ident, {"id": ident, "type": "LogLine"}), app="log")
    assert isinstance(refused, Refused)


def test_one_does_not_go_by_itself(store):
    doc = entity("LogLine", "1", text="a").doc | {"expiresAt": "2030-01-01T00:00:00Z"}
    (refused,) = write(store, Write("create", LINE, doc), app="log")
    assert isinstance(refused, Refused)


def test_of_an_act_that_changes_one_nothing_happens(store):
    write(store, say(entity("LogLine", "1", text="a")), app="log")
    news = [say(entity("Note", "9", text="x")), say(entity("LogLine", "1", text="b"))]
    outcomes = write(store, *news, app="log", actor="person:ada", expects=())
    assert all(isinstance(one, Refused) for one in outcomes)
    assert store.reader().entity("", "urn:ngsi-ld:Note:9", Sight("x", classes=None)) is None


def test_other_tenants_are_no_way_around(store):
    line = entity("LogLine", "1", text="a")
    (refused,) = write(store, Write("say", line.id, line.doc, tenant="other"))
    assert isinstance(refused, Refused)


def test_a_digest_is_of_all_that_is_said_in_whatever_order(store):
    one = entity("LogLine", "1", text="a", more={"b": 1, "a": 2.0})
    other = entity("LogLine", "1", more={"a": 2.0, "b": 1}, text="a")
    assert one.digest == other.digest
    assert len(one.digest) == 64
    assert entity("LogLine", "1", text="a ").digest != one.digest
    write(store, say(one), app="log")
    kept = store.reader().entity("", one.id, Sight("x", classes=None))
    assert kept is not None
    assert kept.digest == one.digest


def test_an_app_says_what_is_only_appended_to_in_its_own_realms():
    everywhere = App("log", report="2.4.2", realm="*", append_only={"LogLine"})
    secret = App("spy", report="2.4.2", realm="security", append_only={"Seen"})
    assert append_only([everywhere, secret], "open") == {"LogLine": "log"}
    assert append_only([everywhere, secret], "security") == {"LogLine": "log", "Seen": "spy"}
