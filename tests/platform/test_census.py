"""Types and attributes from the indexes: the same as the documents say, at any moment and at any size."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa.clock import SECOND, parse, text
from hansa.model.change import Write
from hansa.platform.ngsild import inventory
from hansa.platform.ngsild.inventory import Kind, Known
from hansa.platform.sqlite import SqliteStore
from hansa.platform.sqlite.census import CensusReader
from hansa.platform.store import Item, TooSlow
from hansa.trust.labels import ADMINISTRATOR, Sight

T0 = parse("2026-11-22T12:00:00Z")
READS_ALL = Sight("clerk", "work", frozenset({"open", "smart", "personal", "security"}))  # documents are read for it
TYPES, NAMES, TENANTS = ("Car", "Bus", "Van"), ("speed", "owner", "tags", "unsaid"), ("", "other")


def prop(value: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value, **more}


def link(target: str = "urn:y:1", **more: Any) -> dict[str, Any]:
    return {"type": "Relationship", "object": target, **more}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    one = SqliteStore(tmp_path / "open.db")
    yield one
    one.close()


def commit(store: SqliteStore, *writes: Write, at: int = T0) -> None:
    for result in store.commit([Item([one], "me") for one in writes], at):
        assert not isinstance(result, Exception), result


def create(store: SqliteStore, key: str, types: Any = "Car", **said: Any) -> None:
    commit(store, Write("create", f"urn:x:{key}", {"id": f"urn:x:{key}", "type": types, **said}))


def all_that_is_there(reader: CensusReader, sight: Sight) -> list[Any]:
    return [
        {
            "names": inventory.names(reader, tenant, sight),
            "types": {one: inventory.of_type(reader, tenant, one, sight) for one in (*TYPES, "Unsaid")},
            "attributes": {one: inventory.of_attribute(reader, tenant, one, sight) for one in (*NAMES, "scope")},
        }
        for tenant in (*TENANTS, "nobody")
    ]


INSTANCES = st.one_of(
    st.builds(prop, st.sampled_from([1, "a", {"o": 1}, [1, 2], list(range(80))])),
    st.builds(link, st.sampled_from(["urn:y:1", "urn:y:2"])),
    st.builds(lambda n: prop(n, expiresAt=text(T0 + n * SECOND)), st.integers(1, 6)),
    st.just([prop(1), link(datasetId="urn:d:1")]),
    st.just({"type": "LanguageProperty", "languageMap": {"sk": "a"}}),
)
DOCS = st.fixed_dictionaries(
    {"type": st.sampled_from(["Car", "Bus", ["Car", "Bus"], ["Bus", "Van"]])},
    optional={
        "speed": INSTANCES,
        "owner": INSTANCES,
        "tags": INSTANCES,
        "scope": st.just("/a"),
        "expiresAt": st.integers(1, 6).map(lambda n: text(T0 + n * SECOND)),
    },
)
STEPS = st.lists(
    st.tuples(st.sampled_from(["upsert", "replace", "append", "delete"]), st.integers(0, 3), DOCS), max_size=12
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(STEPS, st.integers(0, 6))
def test_the_indexes_say_what_the_documents_say_whatever_was_written_and_has_expired(
    steps: list[tuple[Any, int, dict[str, Any]]], seconds: int
) -> None:
    store = SqliteStore(":memory:")
    for kind, key, doc in steps:
        ident, tenant = f"urn:x:{key}", TENANTS[key % 2]
        store.commit(
            [Item([Write(kind, ident, {} if kind == "delete" else doc | {"id": ident}, tenant=tenant)], "me")], T0
        )
    reader = store.reader(lambda: T0 + seconds * SECOND)
    assert all_that_is_there(reader, ADMINISTRATOR) == all_that_is_there(reader, READS_ALL)
    assert list(store.check()) == []
    list(store.rebuild())
    assert all_that_is_there(reader, ADMINISTRATOR) == all_that_is_there(reader, READS_ALL)
    store.close()


def test_a_kind_that_is_said_no_more_is_told_no_more(store: SqliteStore) -> None:
    create(store, "a", owner=prop("me"))
    create(store, "b", owner=link())
    reader = store.reader()
    assert reader.of_type("", "Car") == (2, {"owner": {"Property", "Relationship"}})
    commit(store, Write("replace", "urn:x:b", {"id": "urn:x:b", "type": "Car", "owner": prop("you")}))
    assert reader.of_type("", "Car") == (2, {"owner": {"Property"}})
    assert reader.of_attribute("", "owner") == (2, {"Property"}, {"Car"})
    commit(store, Write("delete", "urn:x:a"), Write("delete", "urn:x:b"))
    assert reader.of_type("", "Car") == (0, {})
    assert reader.of_attribute("", "owner") == (0, set(), set())
    assert reader.attributes("") == {}
    reader.close()


def test_what_has_expired_is_not_counted_before_it_is_taken_out(store: SqliteStore) -> None:
    soon = text(T0 + SECOND)
    create(store, "a", ["Car", "Bus"], speed=prop(1), expiresAt=soon)
    create(store, "b", speed=prop(2, expiresAt=soon), owner=link())
    now = [T0]
    reader = store.reader(lambda: now[0])
    assert inventory.of_type(reader, "", "Car", ADMINISTRATOR) == Kind(
        2, {"speed": {"Property"}, "owner": {"Relationship"}}
    )
    now[0] = T0 + SECOND
    assert inventory.of_type(reader, "", "Car", ADMINISTRATOR) == Kind(1, {"owner": {"Relationship"}})
    assert inventory.of_attribute(reader, "", "owner", ADMINISTRATOR) == Known(1, {"Relationship"}, {"Car"})
    assert inventory.of_attribute(reader, "", "speed", ADMINISTRATOR) == Known()
    assert inventory.names(reader, "", ADMINISTRATOR) == {"Car": {"owner"}}
    reader.close()


def test_documents_are_read_only_where_several_kinds_were_said_and_no_longer_than_patience(store: SqliteStore) -> None:
    for key in range(40):
        create(store, str(key), speed=prop(key), owner=prop(key))
    create(store, "last", owner=link())
    commit(store, Write("delete", "urn:x:last"))
    store.db.execute("UPDATE entity SET doc = 'no JSON' WHERE e = 7")
    reader = store.reader()
    assert reader.of_attribute("", "speed") == (40, {"Property"}, {"Car"})  # nobody looked at a document
    with pytest.raises(ValueError, match="literal"):
        reader.of_attribute("", "owner")
    with reader.deadline(-1.0), pytest.raises(TooSlow):
        reader.of_attribute("", "owner")
    assert reader._db.get_autocommit()
    reader.close()


def test_two_connections_tell_of_one_moment(store: SqliteStore) -> None:
    """Counts and names are several questions; a commit between them is seen by all or by none."""
    create(store, "a", speed=prop(1))
    reader = store.reader()
    with reader._at_once():
        assert reader._count("SELECT e FROM type WHERE t = ?", store.names.number("Car")) == 1
        create(store, "b", owner=link())
        assert reader.of_type("", "Car") == (1, {"speed": {"Property"}})
    assert reader.of_type("", "Car") == (2, {"speed": {"Property"}, "owner": {"Relationship"}})
    reader.close()


def test_a_kind_that_is_not_written_down_is_a_fault_and_mended(store: SqliteStore) -> None:
    create(store, "a", speed=prop(1))
    assert list(store.check()) == []
    store.db.execute("DELETE FROM kind")
    assert list(store.check()) == ["open: urn:x:a has a Property speed, and the index knows of none"]
    list(store.rebuild())
    assert list(store.check()) == []


def test_what_is_remembered_of_attributes_is_what_is_written_down(tmp_path: Path) -> None:
    """A rebuild writes anew what the documents call for; what went from the file is to be written when said again."""
    store = SqliteStore(tmp_path / "open.db")
    create(store, "a", speed=prop(list(range(80))), owner=link())
    commit(store, Write("delete", "urn:x:a"))
    assert store.several
    assert store.kinds
    list(store.rebuild())
    assert (store.several, store.kinds) == ({}, set())
    create(store, "b", speed=prop(list(range(80))), owner=link())
    assert list(store.check()) == []
    said = dict(store.several), set(store.kinds)
    store.close()
    again = SqliteStore(tmp_path / "open.db")
    assert (again.several, again.kinds) == said
    again.close()


def test_a_transaction_that_fails_leaves_nothing_remembered(
    store: SqliteStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    create(store, "a", speed=prop(1))
    before = dict(store.several), set(store.kinds)
    store.db.execute("CREATE TEMP TRIGGER no BEFORE INSERT ON log BEGIN SELECT raise(FAIL, 'no'); END")
    doc = {"id": "urn:x:b", "type": "Car", "owner": link(), "speed": prop([1, 2])}
    (result,) = store.commit([Item([Write("create", "urn:x:b", doc)], "me")], T0)
    assert isinstance(result, Exception)
    assert (store.several, store.kinds) == before
    store.db.execute("DROP TRIGGER no")
    create(store, "b", owner=link(), speed=prop([1, 2]))
    assert list(store.check()) == []
    assert store.several


def test_a_file_of_the_third_version_is_brought_up_with_its_kinds(tmp_path: Path) -> None:
    path = tmp_path / "open.db"
    store = SqliteStore(path)
    create(store, "a", speed=prop(1), owner=[link(), prop(1, datasetId="urn:d:1")])
    said = set(store.kinds)
    store.close()
    db = apsw.Connection(str(path))
    db.execute("DROP TABLE kind")
    db.pragma("user_version", 3)
    db.close()
    again = SqliteStore(path)
    assert again.kinds == said
    assert len(said) == 3
    assert list(again.check()) == []
    reader = again.reader()
    assert reader.of_type("", "Car") == (1, {"speed": {"Property"}, "owner": {"Property", "Relationship"}})
    reader.close()
    again.close()
