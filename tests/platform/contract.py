"""What every store must do: the same tests for SQLite and, later, PostgreSQL.

A module `test_<store>.py` subclasses `StoreContract` and says how a store is made.
"""

import itertools
import json
import random
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hansa import clock
from hansa.errors import AlreadyExists, BadRequest, HansaError, NotFound
from hansa.model.change import Change, Nothing, Refused, Write
from hansa.model.query import Query
from hansa.model.transient import alive, expires
from hansa.platform.merge import State, apply
from hansa.platform.store import Item, Names, Outcome, Span, Store
from hansa.trust.labels import ADMINISTRATOR, PUBLIC, Sight

_tenants = itertools.count()
T0 = clock.parse("2026-04-01T00:00:00Z")
MINUTE = 60 * clock.SECOND
ALL: Names = (None, frozenset())
STAFF = Sight("staff", "operation", frozenset({"open", "smart"}))


def doc(ident: str, kind: str = "Thing", **said: Any) -> dict[str, Any]:
    return {"id": f"urn:x:{ident}", "type": kind, **{k: _instance(v) for k, v in said.items()}}


def _instance(value: Any) -> Any:
    if isinstance(value, dict) and "type" in value and ("value" in value or "object" in value):
        return value
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return value
    return {"type": "Property", "value": value}


def point(lon: float, lat: float) -> dict[str, Any]:
    return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [lon, lat]}}


def measured(value: Any, at: int, unit: str = "CEL") -> dict[str, Any]:
    return {"type": "Property", "value": value, "unitCode": unit, "observedAt": clock.text(at)}


class StoreContract:
    """Subclass it with a fixture `store`."""

    @pytest.fixture
    def store(self) -> Iterator[Store]:
        raise NotImplementedError

    def write(self, store: Store, *writes: Write, at: int = T0, actor: str = "me", **more: Any) -> list[Outcome]:
        result = store.commit([Item(writes, actor, **more)], at)[0]
        assert not isinstance(result, HansaError), result
        return result

    def names(self, store: Store, sight: Sight = ADMINISTRATOR, tenant: str = "", **query: Any) -> list[str]:
        found = store.reader().find(tenant, Query.parse(**query), sight, 1_000)
        count = store.reader().count(tenant, Query.parse(**query), sight)
        assert count == len(found)
        return sorted(one.id.removeprefix("urn:x:") for one in found)

    # State

    def test_what_was_written_can_be_read(self, store: Store) -> None:
        self.write(store, Write("create", "urn:x:a", doc("a", temperature=3)))
        found = store.reader().entity("", "urn:x:a", ADMINISTRATOR)
        assert found is not None
        assert found["temperature"] == 3
        assert store.reader().entity("", "urn:x:b", ADMINISTRATOR) is None

    def test_a_refused_write_leaves_its_neighbours_alone(self, store: Store) -> None:
        outcomes = self.write(
            store,
            Write("create", "urn:x:a", doc("a")),
            Write("create", "urn:x:a", doc("a")),
            Write("delete", "urn:x:nobody"),
            Write("create", "urn:x:b", doc("b")),
        )
        assert [type(one) for one in outcomes] == [Change, Refused, Refused, Change]
        assert isinstance(outcomes[1], Refused)
        assert isinstance(outcomes[1].error, AlreadyExists)
        assert isinstance(outcomes[2], Refused)
        assert isinstance(outcomes[2].error, NotFound)
        assert self.names(store, types="Thing") == ["a", "b"]

    def test_writes_of_one_batch_see_each_other(self, store: Store) -> None:
        outcomes = store.commit(
            [
                Item([Write("create", "urn:x:a", doc("a", n=1))], "me"),
                Item([Write("append", "urn:x:a", doc("a", n=2))], "you"),
                Item([Write("delete", "urn:x:a")], "me"),
                Item([Write("create", "urn:x:a", doc("a", n=3))], "you"),
            ],
            T0,
        )
        assert all(isinstance(one, list) and isinstance(one[0], Change) for one in outcomes)
        found = store.reader().entity("", "urn:x:a", ADMINISTRATOR)
        assert found is not None
        assert found["n"] == 3
        assert list(store.check()) == []

    def test_a_deleted_entity_is_gone_and_may_come_again(self, store: Store) -> None:
        self.write(store, Write("create", "urn:x:a", doc("a", n=1, location=point(17, 48))))
        self.write(store, Write("delete", "urn:x:a"))
        assert store.reader().entity("", "urn:x:a", ADMINISTRATOR) is None
        assert self.names(store, types="Thing") == []
        assert self.names(store, types="Thing", q="n==1") == []
        self.write(store, Write("create", "urn:x:a", doc("a", n=2)))
        assert self.names(store, types="Thing", q="n==2") == ["a"]
        assert self.names(store, types="Thing", q="n==1") == []

    def test_one_item_that_cannot_be_stored_takes_no_other_with_it(self, store: Store) -> None:
        bad = Write("create", "urn:x:bad", doc("bad", n=2**70))
        results = store.commit(
            [Item([Write("create", "urn:x:a", doc("a"))], "me"), Item([bad], "me"),
             Item([Write("create", "urn:x:b", doc("b"))], "me")], T0,
        )  # fmt: skip
        assert isinstance(results[1], list)
        assert isinstance(results[1][0], Refused)
        assert isinstance(results[1][0].error, BadRequest)
        assert self.names(store, types="Thing") == ["a", "b"]

    def test_tenants_share_nothing(self, store: Store) -> None:
        self.write(store, Write("create", "urn:x:a", doc("a", n=1)))
        self.write(store, Write("create", "urn:x:a", doc("a", n=2), tenant="other"))
        assert self.names(store, types="Thing", q="n==1") == ["a"]
        assert self.names(store, types="Thing", q="n==2") == []
        assert self.names(store, tenant="other", types="Thing", q="n==2") == ["a"]
        assert self.names(store, tenant="nobody", types="Thing") == []
        assert store.reader().types("") == {"Thing": 1}
        self.write(store, Write("delete", "urn:x:a", tenant="other"))
        assert self.names(store, types="Thing") == ["a"]

    # Readings

    def test_saying_the_same_thing_twice_changes_nothing(self, store: Store) -> None:
        reading = Write("read", "urn:x:a", doc("a", t=measured(3.0, T0)))
        assert isinstance(self.write(store, reading)[0], Change)
        assert isinstance(self.write(store, reading)[0], Nothing)
        assert len(store.reader().history("", "urn:x:a", "t", ADMINISTRATOR)) == 1
        another = Write("read", "urn:x:a", doc("a", t=measured(3.0, T0 + MINUTE)))
        assert isinstance(self.write(store, another)[0], Change)

    def test_a_late_reading_enters_history_and_leaves_the_state(self, store: Store) -> None:
        self.write(store, Write("read", "urn:x:a", doc("a", t=measured(5.0, T0 + 2 * MINUTE))))
        late = Write("read", "urn:x:a", doc("a", t=measured(4.0, T0 + MINUTE)))
        (outcome,) = self.write(store, late)
        assert isinstance(outcome, Change)
        assert [part.status for part in outcome.parts] == ["late"]
        found = store.reader().entity("", "urn:x:a", ADMINISTRATOR)
        assert found is not None
        assert found["t"] == 5.0
        assert [p.value for p in store.reader().history("", "urn:x:a", "t", ADMINISTRATOR)] == [4.0, 5.0]
        assert isinstance(self.write(store, late)[0], Nothing), "a late duplicate is a duplicate"
        twice = self.write(store, *[Write("read", "urn:x:a", doc("a", t=measured(1.0, T0)))] * 2)
        assert [type(one) for one in twice] == [Change, Nothing]
        assert list(store.check()) == []

    def test_a_device_cannot_change_what_kind_of_thing_it_speaks_for(self, store: Store) -> None:
        self.write(store, Write("read", "urn:x:a", doc("a", t=measured(5.0, T0))))
        (refused,) = self.write(store, Write("read", "urn:x:a", doc("a", "Other", t=measured(6.0, T0 + MINUTE))))
        assert isinstance(refused, Refused)

    def test_an_apps_repetition_is_no_change_and_a_writers_is(self, store: Store) -> None:
        self.write(store, Write("say", "urn:x:a", doc("a", status="open")))
        assert isinstance(self.write(store, Write("say", "urn:x:a", doc("a", status="open")))[0], Nothing)
        assert isinstance(self.write(store, Write("append", "urn:x:a", doc("a", status="open")))[0], Change)
        assert isinstance(self.write(store, Write("say", "urn:x:a", doc("a", status=True)))[0], Change)
        assert isinstance(self.write(store, Write("say", "urn:x:a", doc("a", status=1)))[0], Change), "true is not 1"

    # Queries

    def test_queries_find_what_matches_and_nothing_else(self, store: Store) -> None:
        self.write(
            store,
            Write("create", "urn:x:a", doc("a", level=5, name="north", location=point(17.0, 48.0))),
            Write("create", "urn:x:b", doc("b", level=7, name="south", location=point(17.5, 48.0))),
            Write("create", "urn:x:c", doc("c", "Other", level=5)),
            Write("create", "urn:x:d", {**doc("d", level=[1, 5]), "type": ["Thing", "Other"]}),
        )
        assert self.names(store, types="Thing") == ["a", "b", "d"]
        assert self.names(store, types="Other") == ["c", "d"]
        assert self.names(store, types="Thing,Other") == ["a", "b", "c", "d"]
        assert self.names(store, types="(Thing;Other)") == ["d"]
        assert self.names(store, types="Thing", q="level==5") == ["a", "d"]
        assert self.names(store, types="Thing", q="level>5") == ["b"]
        assert self.names(store, types="Thing", q='level>=5;name=="south"') == ["b"]
        assert self.names(store, types="Thing", q='level==7|name=="north"') == ["a", "b"]
        assert self.names(store, types="Thing", q="nothing") == []
        assert self.names(store, types="Nobody") == []
        assert self.names(store, q="level==5") == ["a", "c", "d"]
        assert self.names(store, attrs=["name"]) == ["a", "b"]
        assert self.names(store, ids=["urn:x:a", "urn:x:zz"]) == ["a"]
        assert self.names(store, types="Thing", id_pattern="urn:x:[ab]$") == ["a", "b"]
        near = {"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": [17.01, 48.0]}
        assert self.names(store, types="Thing", **near) == ["a"]
        assert self.names(store, types="Other", **near) == []

    def test_pages_give_every_entity_once(self, store: Store) -> None:
        self.write(store, *(Write("create", f"urn:x:{i}", doc(str(i), level=i % 7)) for i in range(100)))
        for query in (Query.parse(types="Thing"), Query.parse(types="Thing", q="level<5"),
                      Query.parse(types="Thing", q="level!=3")):  # fmt: skip
            reader = store.reader()
            whole = [one.id for one in reader.find("", query, ADMINISTRATOR, 1_000)]
            pages = [one.id for at in range(0, 100, 7) for one in reader.find("", query, ADMINISTRATOR, 7, at)]
            assert pages == whole
            assert len(set(whole)) == len(whole) == reader.count("", query, ADMINISTRATOR)

    def test_stored_documents_are_handed_out_only_where_the_index_decides(self, store: Store) -> None:
        self.write(store, *(Write("create", f"urn:x:{i}", doc(str(i), level=i)) for i in range(10)))
        reader = store.reader()
        docs = reader.find_docs("", Query.parse(types="Thing", q="level>6"), ADMINISTRATOR, 100)
        assert docs is not None
        assert sorted(json.loads(one)["id"] for one in docs) == ["urn:x:7", "urn:x:8", "urn:x:9"]
        assert reader.find_docs("", Query.parse(types="Thing", q="level!=6"), ADMINISTRATOR, 100) is None
        assert reader.find_docs("", Query.parse(types="Thing", q="level>6"), STAFF, 100) == docs
        assert reader.find_docs("", Query.parse(types="Thing", q="level>6"), PUBLIC, 100) == []

    # Sight

    def test_what_a_sight_may_not_see_does_not_exist_for_it(self, store: Store) -> None:
        self.write(
            store,
            Write("create", "urn:x:open", doc("open", n=1, secret=1, location=point(17, 48)), label="open",
                  labels={"secret": "smart"}),
            Write("create", "urn:x:staff", doc("staff", n=1, location=point(17, 48))),
            Write("create", "urn:x:hers", doc("hers", n=1), label="personal;purposes=care"),
        )  # fmt: skip
        carer = Sight("carer", "care", frozenset({"open", "personal"}))
        assert self.names(store, PUBLIC, types="Thing") == ["open"]
        assert self.names(store, STAFF, types="Thing") == ["open", "staff"]
        assert self.names(store, carer, types="Thing") == ["hers", "open"]
        assert self.names(store, Sight("other", "ads", frozenset({"personal"})), types="Thing") == []
        assert self.names(store, PUBLIC, types="Thing", q="secret==1") == []
        assert self.names(store, STAFF, types="Thing", q="secret==1") == ["open"]
        near = {"georel": "near;maxDistance==2000", "geometry": "Point", "coordinates": [17, 48]}
        assert self.names(store, PUBLIC, types="Thing", **near) == ["open"]
        reader = store.reader()
        public = reader.entity("", "urn:x:open", PUBLIC)
        assert public is not None
        assert "secret" not in public
        assert reader.entity("", "urn:x:staff", PUBLIC) is None
        assert reader.row("", "urn:x:staff", PUBLIC) is None
        assert reader.history("", "urn:x:open", "secret", PUBLIC) == []
        assert len(reader.history("", "urn:x:open", "secret", STAFF)) == 1
        assert reader.history("", "urn:x:staff", "n", PUBLIC) == []

    # The log

    def test_changes_carry_the_entity_as_of_their_time(self, store: Store) -> None:
        for n in range(5):
            self.write(store, Write("upsert", "urn:x:a", doc("a", n=n)), at=T0 + n)
        self.write(store, Write("delete", "urn:x:a"), at=T0 + 5)
        self.write(store, Write("create", "urn:x:a", doc("a", n=9)), at=T0 + 6)
        changes = store.since(0, 100)
        assert [c.entity.get("n") for c in changes] == [0, 1, 2, 3, 4, 4, 9]
        assert [c.gone for c in changes] == [False] * 5 + [True, False]
        assert [c.new for c in changes] == [True, False, False, False, False, False, True]
        before = changes[3].before
        assert before is not None
        assert before["n"] == 2
        assert changes[0].before is None

    def test_a_reader_that_is_behind_sees_what_one_beside_the_writer_saw(self, store: Store) -> None:
        rng = random.Random(7)
        live: list[Change] = []
        for step in range(300):
            live += [
                one for one in self.write(store, _random_write(rng, step), at=T0 + step) if isinstance(one, Change)
            ]
        for start in (0, 17, 250):
            seen: list[Change] = []
            place = start
            while page := store.since(place, 13):
                seen += page
                place = page[-1].seq
            assert [_comparable(c) for c in seen] == [_comparable(c) for c in live if c.seq > start]

    def test_who_does_not_want_a_type_sees_the_rest_as_it_was(self, store: Store) -> None:
        rng = random.Random(11)
        live: list[Change] = []
        for step in range(300):
            live += [
                one for one in self.write(store, _random_write(rng, step), at=T0 + step) if isinstance(one, Change)
            ]
        unwanted = "Thing"  # alone; who is of several types is read
        seen: list[Change] = []
        place = 0
        while page := list(store.walk(place, 13, lambda kind: kind != unwanted)):
            seen += [change for _, change in page if change is not None]
            assert [seq for seq, _ in page] == list(range(place + 1, place + 1 + len(page)))
            place = page[-1][0]
        wanted = [one for one in live if one.entity.doc["type"] != unwanted]
        assert 0 < len(wanted) < len(live)
        assert [_comparable(c) for c in seen] == [_comparable(c) for c in wanted]

    def test_a_place_is_kept_with_what_was_written(self, store: Store) -> None:
        self.write(store, Write("create", "urn:x:a", doc("a")), places={"app:x": b"\x01"})
        assert store.place("app:x") == b"\x01"
        self.write(store, Write("create", "urn:x:a", doc("a")), places={"app:x": b"\x02"})
        assert store.place("app:x") == b"\x02", "a place moves on even when what came with it was refused"
        assert store.place("app:y") is None

    def test_who_and_why_stand_in_the_log(self, store: Store) -> None:
        self.write(store, Write("create", "urn:x:a", doc("a")), actor="app:frost", cause="41", depth=3)
        (change,) = store.since(0, 10)
        assert (change.actor, change.cause, change.depth, change.at) == ("app:frost", "41", 3, T0)

    def test_history_is_cut_by_time_and_by_count(self, store: Store) -> None:
        for n in range(10):
            self.write(store, Write("read", "urn:x:a", doc("a", t=measured(float(n), T0 + n * MINUTE))))
        reader = store.reader()

        def values(**more: Any) -> list[Any]:
            return [p.value for p in reader.history("", "urn:x:a", "t", ADMINISTRATOR, **more)]

        assert values() == [float(n) for n in range(10)]
        assert values(since=T0 + 3 * MINUTE, until=T0 + 5 * MINUTE) == [3.0, 4.0]
        assert values(last=2) == [8.0, 9.0]
        assert values(since=T0 + MINUTE, limit=2) == [1.0, 2.0]
        assert reader.history("", "urn:x:a", "nothing", ADMINISTRATOR) == []
        assert reader.history("", "urn:x:nobody", "t", ADMINISTRATOR) == []

    def test_instances_of_all_times_are_history_and_the_newest_is_the_state(self, store: Store) -> None:
        series = [measured(float(n), T0 + n * MINUTE) for n in (3, 1, 2)]
        (change,) = self.write(store, Write("instances", "urn:x:a", {"id": "urn:x:a", "type": "Thing", "t": series}))
        assert isinstance(change, Change)
        assert [(part.status, part.new["value"]) for part in change.parts if part.name == "t"] == [
            ("created", 3.0), ("late", 1.0), ("late", 2.0)
        ]  # fmt: skip
        found = store.reader().entity("", "urn:x:a", ADMINISTRATOR)
        assert found is not None
        assert found["t"] == 3.0
        assert self.told(store, "urn:x:a") == {("t", None): [1.0, 2.0, 3.0]}
        again = Write("instances", "urn:x:a", {"t": [measured(2.0, T0 + 2 * MINUTE), measured(9.0, T0 + MINUTE)]})
        (change,) = self.write(store, again)
        assert [part.new["value"] for part in change.parts] == [9.0], "what history holds already is nothing"
        assert self.told(store, "urn:x:a") == {("t", None): [9.0, 2.0, 3.0]}
        assert list(store.check()) == []

    def told(self, store: Store, ident: str, span: Span = Span(), names: Names = ALL) -> dict[Any, list[Any]]:  # noqa: B008
        found = dict(store.reader().moments("", [ident], ADMINISTRATOR, span, names, 100))
        return {key: [m.instance["value"] for m in some] for key, some in found.get(ident, {}).items()}

    def test_history_is_read_by_series_time_and_number(self, store: Store) -> None:
        for n in range(5):
            one = measured(float(n), T0 + n * MINUTE)
            self.write(store, Write("read", "urn:x:a", doc("a", t=one, u=one)), at=T0 + 100 * MINUTE)
        by = "observedAt"
        assert self.told(store, "urn:x:a", Span(by, T0 + MINUTE, T0 + 3 * MINUTE)) == {
            ("t", None): [1.0, 2.0], ("u", None): [1.0, 2.0]
        }  # fmt: skip
        only = (frozenset({"t"}), frozenset[str]())
        assert self.told(store, "urn:x:a", Span(by, None, T0 + 4 * MINUTE, 2), only) == {("t", None): [2.0, 3.0]}
        assert self.told(store, "urn:x:a", Span("createdAt", T0 + 101 * MINUTE)) == {}
        assert self.told(store, "urn:x:a", names=(None, frozenset({"t"}))) == {("u", None): [0.0, 1.0, 2.0, 3.0, 4.0]}
        assert self.told(store, "urn:x:a", names=(frozenset({"never"}), frozenset())) == {}

    def test_who_spoke_is_found_by_type_by_id_and_after_the_end(self, store: Store) -> None:
        for n, kind in enumerate(("Thing", "Thing", "Other")):
            ident = f"urn:x:{n}"
            self.write(store, Write("read", ident, doc(str(n), kind, t=measured(1.0, T0 + n * MINUTE))))
        self.write(store, Write("delete", "urn:x:0"), at=T0 + MINUTE)

        def spoke(query: Query, span: Span = Span("observedAt"), names: Names = ALL) -> list[str]:  # noqa: B008
            return list(store.reader().spoke("", query, span, names))

        things = Query.parse(types="Thing")
        assert spoke(things) == ["urn:x:1", "urn:x:0"] or spoke(things) == ["urn:x:0", "urn:x:1"]
        assert spoke(things, Span("observedAt", T0 + MINUTE)) == ["urn:x:1"]
        assert spoke(things, Span("deletedAt")) == ["urn:x:0"]
        assert list(store.rebuild())
        assert spoke(things, Span("deletedAt")) == ["urn:x:0"]
        assert spoke(Query.parse(ids=["urn:x:2", "urn:x:9"])) == ["urn:x:2"]
        assert spoke(things, names=(frozenset({"u"}), frozenset())) == []
        assert spoke(Query.parse(types="Nothing")) == []
        gone = store.reader().gone("", "urn:x:0", ADMINISTRATOR)
        assert gone is not None
        assert (gone[0].types, gone[1]) == (["Thing"], T0 + MINUTE)
        assert store.reader().gone("", "urn:x:1", ADMINISTRATOR) is None
        self.write(store, Write("create", "urn:x:0", doc("0", "Other")), at=T0 + 2 * MINUTE)
        assert sorted(spoke(Query.parse(types="Other"))) == ["urn:x:0", "urn:x:2"]
        assert spoke(things) == ["urn:x:1"]

    def test_an_edit_of_history_is_a_change_that_leaves_the_state(self, store: Store) -> None:
        for n in (1, 2):
            self.write(store, Write("read", "urn:x:a", doc("a", t=measured(float(n), T0 + n * MINUTE))))
        (moment, _) = dict(store.reader().moments("", ["urn:x:a"], ADMINISTRATOR, Span(), ALL, 9))["urn:x:a"]["t", None]
        named = moment.instance["instanceId"]
        new = measured(7.0, T0 + 9 * MINUTE)
        (change,) = self.write(store, Write("correct", "urn:x:a", {"t": new}, name="t", instance=named), actor="ann")
        assert isinstance(change, Change)
        assert (change.actor, change.parts[0].status, change.parts[0].old["value"]) == ("ann", "late", 1.0)
        assert self.told(store, "urn:x:a") == {("t", None): [2.0, 7.0]}
        (refused,) = self.write(store, Write("retract", "urn:x:a", name="t", instance="urn:i:1"))
        assert isinstance(refused, Refused)
        self.write(store, Write("retract", "urn:x:a", name="t", instance=named))
        assert self.told(store, "urn:x:a") == {("t", None): [2.0]}
        self.write(store, Write("forget", "urn:x:a"))
        assert store.reader().series("", "urn:x:a", ADMINISTRATOR) == []
        found = store.reader().entity("", "urn:x:a", ADMINISTRATOR)
        assert found is not None
        assert found["t"] == 2.0
        assert [change.entity["t"] for change in store.since(0, 9)] == [1.0, 2.0, 2.0, 2.0, 2.0]
        assert list(store.check()) == []

    def test_plain_numbers_are_summed_and_others_are_not(self, store: Store) -> None:
        for n in range(4):
            self.write(store, Write("read", "urn:x:a", doc("a", t=measured(float(n), T0 + n * MINUTE))))
        reader = store.reader()
        buckets = reader.buckets("", "urn:x:a", ("t", None), Span("observedAt"), T0, 2 * MINUTE)
        assert buckets is not None
        assert [(b.period, b.many, b.total, b.low, b.high, b.squares) for b in buckets] == [
            (0, 2, 1.0, 0.0, 1.0, 1.0), (1, 2, 5.0, 2.0, 3.0, 13.0)
        ]  # fmt: skip
        assert [b.spread for b in buckets] == pytest.approx([0.5, 0.5])
        self.write(store, Write("read", "urn:x:a", doc("a", t=measured("much", T0 + 9 * MINUTE))))
        assert reader.buckets("", "urn:x:a", ("t", None), Span("observedAt"), T0, MINUTE) is None

    # Proofs

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(seed=st.integers(0, 2**32))
    def test_any_history_of_writes_stays_sound(self, store: Store, seed: int) -> None:
        rng = random.Random(seed)
        tenant = f"t{next(_tenants)}"  # a seed may come twice, and then the store is not empty
        states: dict[str, State] = {}
        for step in range(20):
            writes = [_random_write(rng, step, tenant) for _ in range(rng.randrange(1, 5))]
            self.write(store, *writes, at=T0 + step)
            for write in writes:  # the model: merge alone, in memory
                try:
                    merged = apply(states.get(write.id), write, T0 + step)
                except HansaError:
                    continue
                if merged.parts or merged.new:
                    states[write.id] = merged.state
        now = T0 + rng.randrange(20)
        reader = store.reader(lambda: now)
        due = {}
        for ident, state in states.items():
            found = reader.entity(tenant, ident, ADMINISTRATOR)
            there = None if state.doc is None else alive(state.doc, now)
            assert (None if found is None else found.doc) == there
            if state.doc is not None and (until := expires(state.doc)) is not None:
                due[tenant, ident] = until
        listed = {one.id: one.doc for one in reader.find(tenant, Query.parse(), ADMINISTRATOR, 100)}
        assert listed == {i: left for i, s in states.items() if s.doc and (left := alive(s.doc, now)) is not None}
        assert {one for one in store.expired(now, 10_000) if one[0] == tenant} == {
            k for k, at in due.items() if at <= now
        }
        assert not due or (store.soonest() or 0) <= min(due.values())
        assert list(store.check()) == []

    def test_of_what_has_expired_the_oldest_comes_first_and_what_is_asked_for_always(self, store: Store) -> None:
        assert (store.soonest(), store.expired(T0 * 2, 10)) == (None, [])
        for n, minute in enumerate([3, 1, 2, 9]):
            until = {"expiresAt": clock.text(T0 + minute * MINUTE)}
            self.write(store, Write("create", f"urn:x:{n}", {**doc(str(n)), **until}))
        self.write(store, Write("create", "urn:x:never", doc("never", a=1)))
        assert store.soonest() == T0 + MINUTE
        assert store.expired(T0 + MINUTE - 1, 10) == []
        assert store.expired(T0 + 3 * MINUTE, 10) == [("", "urn:x:1"), ("", "urn:x:2"), ("", "urn:x:0")]
        asked = [("", "urn:x:0"), ("", "urn:x:3"), ("", "urn:x:never"), ("nobody", "urn:x:0")]
        assert store.expired(T0 + 3 * MINUTE, 1, asked) == [("", "urn:x:1"), ("", "urn:x:0")]
        self.write(store, Write("expire", "urn:x:1"), at=T0 + MINUTE)
        self.write(store, Write("merge", "urn:x:2", {"expiresAt": "urn:ngsi-ld:null"}))
        assert store.soonest() == T0 + 3 * MINUTE

    def test_rebuild_mends_what_was_damaged(self, store: Store) -> None:
        self.write(store, *(Write("create", f"urn:x:{i}", doc(str(i), n=i, location=point(i, i))) for i in range(5)))
        self.damage(store)
        assert list(store.check())
        assert list(store.rebuild())
        assert list(store.check()) == []
        assert self.names(store, types="Thing", q="n==3") == ["3"]

    def damage(self, store: Store) -> None:
        raise NotImplementedError


def _comparable(change: Change) -> tuple[Any, ...]:
    # The instances of an attribute are in no order (4.5.5); who goes back through the log may find them in another.
    doc = {
        name: sorted(said, key=lambda one: one.get("datasetId", "")) if _several(said) else said
        for name, said in change.entity.doc.items()
    }
    return (change.seq, doc, change.gone, change.new, change.parts, change.actor, change.at)


def _several(said: Any) -> bool:
    return type(said) is list and type(said[0]) is dict


def _random_write(rng: random.Random, step: int, tenant: str = "") -> Write:
    ident = f"urn:x:{rng.randrange(4)}"
    said: dict[str, Any] = {"id": ident, "type": rng.choice(["Thing", "Other", ["Thing", "Other"]])}
    for name in rng.sample(["a", "b", "t", "location", "rel"], rng.randrange(0, 4)):
        said[name] = _random_attribute(rng, name, step)
    if rng.random() < 0.1:
        said["expiresAt"] = clock.text(T0 + rng.randrange(40))
    kind = rng.choice(
        [
            *(
                "create",
                "append",
                "append_new",
                "update",
                "merge",
                "replace",
                "upsert",
                "upsert_update",
                "say",
                "expire",
                "delete",
            ),
            *("delete_attr", "read", "read", "read"),
        ]
    )
    if kind == "delete":
        return Write("delete", ident, tenant=tenant)
    if kind == "delete_attr":
        return Write("delete_attr", ident, name=rng.choice(["a", "t"]), dataset=rng.choice([None, "@all", "urn:d:1"]),
                     tenant=tenant)  # fmt: skip
    if kind == "read":
        said = {k: v for k, v in said.items() if k in {"id", "type"}} | {
            "t": measured(rng.randrange(5), T0 + rng.randrange(6) * MINUTE)
        }
    return Write(kind, ident, said, label=rng.choice([None, None, "open"]), tenant=tenant)


def _random_attribute(rng: random.Random, name: str, step: int) -> Any:
    if name == "location":
        return point(rng.uniform(-170, 170), rng.uniform(-80, 80))
    if name == "rel":
        return {"type": "Relationship", "object": f"urn:x:{rng.randrange(4)}"}
    value = rng.choice([rng.randrange(10), rng.random(), "text" * rng.randrange(30), True, "x", [1, "two", 3.0],
                        {"deep": {"er": [1]}}])  # fmt: skip
    one: dict[str, Any] = {"type": "Property", "value": value}
    if rng.random() < 0.3:
        one["observedAt"] = clock.text(T0 + step * MINUTE + rng.randrange(3))
    if rng.random() < 0.1:
        one["expiresAt"] = clock.text(T0 + rng.randrange(40))
    if rng.random() < 0.2:
        one["unitCode"] = "CEL"
    if rng.random() < 0.2:
        return [one, {**one, "datasetId": "urn:d:1", "value": step}]
    if rng.random() < 0.1:
        return {**one, "accuracy": {"type": "Property", "value": 0.1}}
    return one
