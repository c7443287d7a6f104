"""Apps at work, in a city in memory: what a rule is asked, what it may say, and what becomes of a broken one."""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from hansa import App, Attribute, Change, City, Delete, Entity, NotFound, clock, entity
from hansa.analytics.rules import RuleCity, Rules, pack_place, unpack_place
from hansa.clock import SECOND
from hansa.errors import HansaError
from hansa.limits import Limits
from hansa.model.change import Write
from hansa.platform.deadletters import TENANT
from hansa.platform.sqlite import SqliteStore
from hansa.platform.store import Item
from hansa.testing import MemoryCity

SDM = "https://smartdatamodels.org/dataModel.Weather/"


def app_of(*on: str, **more: Any) -> tuple[App, list[Change], Callable[..., Any]]:
    """An app with one rule, what it heard, and a way to say what it answers."""
    app = App("sketch", report="4.1.4", reads={"Thing"}, writes={"Alert"})
    heard: list[Change] = []
    says: list[Any] = []

    @app.on(*on, **more)
    def hear(change: Change, city: City) -> Iterator[Any]:
        heard.append(change)
        for said in says:
            yield said(change, city) if callable(said) else said

    def answer(*what: Any) -> None:
        says[:] = what

    return app, heard, answer


def letters(city: MemoryCity) -> list[Entity]:
    return city.find("DeadLetter", tenant=TENANT)


def reason(city: MemoryCity) -> str:
    (letter,) = letters(city)
    return str(letter["reason"])


# What a rule is asked


def test_a_rule_hears_of_its_type_and_of_no_other() -> None:
    app, heard, _ = app_of("Thing")
    city = MemoryCity(app)
    city.say(entity("Thing", "a", n=1), entity("Other", "b", n=1))
    city.delete("urn:ngsi-ld:Thing:a")
    assert [change.entity.id for change in heard] == ["urn:ngsi-ld:Thing:a"]


def test_a_rule_hears_of_an_entity_by_each_of_its_types_once() -> None:
    app, heard, _ = app_of("Thing")
    city = MemoryCity(app)
    city.write(Write("create", "urn:x:a", {"id": "urn:x:a", "type": ["Other", "Thing"]}))
    assert len(heard) == 1


def test_a_star_is_every_type_and_the_citys_own_affairs_are_none() -> None:
    app, heard, answer = app_of("*")
    city = MemoryCity(app)
    city.say(entity("Thing", "a", n=1), entity("Other", "b", n=1))
    assert [change.entity.type for change in heard] == ["Thing", "Other"]
    answer(lambda _change, _city: 1 / 0)
    city.say(entity("Thing", "c", n=1))
    assert len(letters(city)) == 1
    assert len(heard) == 3, "its own dead letter is nothing for it"


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ([{"a": 1}], 0),  # b was never said
        ([{"a": 1, "b": 1}], 1),
        ([{"a": 1}, {"b": 1}], 1),
        ([{"a": 1, "b": 1}, {"a": 2}], 2),
        ([{"a": 1, "b": 1}, {"a": 1}], 1),  # nothing changed
        ([{"a": 1, "b": 1}, {"c": 1}], 1),  # none of its attributes changed
    ],
)
def test_a_rule_with_attributes_is_asked_when_one_of_them_changed_and_all_are_said(
    said: list[dict[str, int]], asked: int
) -> None:
    app, heard, _ = app_of("Thing", "a", "b")
    city = MemoryCity(app)
    for values in said:
        city.say(entity("Thing", "x", **values))
    assert len(heard) == asked


def test_a_rule_for_what_is_gone_hears_of_that_alone_and_knows_what_it_was() -> None:
    app, heard, _ = app_of("Thing", gone=True)
    city = MemoryCity(app)
    city.say(entity("Thing", "a", n=7))
    city.delete("urn:ngsi-ld:Thing:a")
    (change,) = heard
    assert change.gone
    assert change.entity["n"] == 7
    with pytest.raises(NotFound):
        city.get("urn:ngsi-ld:Thing:a")


def test_a_late_reading_is_a_change_that_the_rule_can_tell() -> None:
    app, heard, _ = app_of("Thing", "n")
    city = MemoryCity(app, start="2026-04-01T00:10:00Z")
    now = city.clock.now()
    city.read(entity("Thing", "a", n=Attribute(5, at=now)))
    city.read(entity("Thing", "a", n=Attribute(4, at=now - SECOND)))
    assert [change.entity["n"] for change in heard] == [5, 5], "the entity is as of that Change"
    assert [part.status for part in heard[1].parts] == ["late"]
    assert heard[1].said("n")["value"] == 4


def test_the_change_holds_the_entity_as_of_then_though_the_city_has_moved_on() -> None:
    seen: list[tuple[int, int]] = []
    app = App("sketch", report="4.1.4", reads={"Thing"})

    @app.on("Thing")
    def hear(change: Change, city: City) -> None:
        seen.append((change.entity["n"], city.get(change.entity.id)["n"]))

    city = MemoryCity(app)
    one = [entity("Thing", "a", n=n) for n in (1, 2, 3)]
    city.write(*(Write("append" if n else "create", e.id, e.doc) for n, e in enumerate(one)))
    assert seen == [(1, 3), (2, 3), (3, 3)]


def test_names_of_smart_data_models_are_the_short_ones_to_an_app() -> None:
    app = App("sketch", report="4.1.4", reads={"WeatherObserved"}, writes={"Alert"})
    heard: list[tuple[float, list[float]]] = []

    @app.on("WeatherObserved", "temperature")
    def hear(change: Change, city: City) -> Iterator[Entity]:
        heard.append((change.entity["temperature"], [one["temperature"] for one in city.find("WeatherObserved")]))
        yield entity("Alert", "frost", status="open")

    city = MemoryCity(app)
    ident = "urn:x:north"
    for name, value in ((SDM + "temperature", 1.5), ("https://uri.fiware.org/ns/data-models#temperature", 2.5)):
        doc = {
            "id": ident,
            "type": SDM + "WeatherObserved",
            name: {
                "type": "Property",
                "value": value,
                "observedAt": clock.text(city.clock.now() + int(value) * SECOND),
            },
        }
        city.write(Write("append" if heard else "create", ident, doc))
    assert [value for value, _ in heard] == [1.5, 2.5], "the newest observed is the one"
    assert city.find("Alert")[0]["status"] == "open"
    short = {"id": "urn:x:s", "type": "WeatherObserved", "temperature": {"type": "Property", "value": 3}}
    city.write(Write("create", "urn:x:s", short))
    assert heard[-1][0] == 3
    other = {"id": "urn:x:o", "type": "https://example.org/WeatherObserved", "temperature": short["temperature"]}
    city.write(Write("create", "urn:x:o", other))
    assert len(heard) == 3, "somebody else's word is another word"


# What a rule may say


def test_what_a_rule_says_is_written_under_its_name_with_its_cause() -> None:
    app, _, answer = app_of("Thing")
    answer(entity("Alert", "x", status="open"))
    city = MemoryCity(app)
    city.say(entity("Thing", "a", n=1))
    thing, alert = city.changes
    assert (alert.actor, alert.cause, alert.depth) == ("app:sketch", str(thing.seq), 1)
    city.say(entity("Thing", "a", n=2))
    assert [change.entity.type for change in city.changes] == ["Thing", "Alert", "Thing"], (
        "saying it again is no Change"
    )


def test_a_rule_may_say_nothing_in_every_way() -> None:
    app = App("sketch", report="4.1.4")
    app.on("Thing")(lambda _change, _city: None)
    app.on("Thing")(lambda _change, _city: [])
    app.on("Thing")(lambda _change, _city: iter(()))
    city = MemoryCity(app)
    city.say(entity("Thing", "a", n=1))
    assert len(city.changes) == 1


@pytest.mark.parametrize(
    "said",
    [
        entity("Thing", "b", n=1),
        Entity({"id": "urn:x:b", "type": ["Alert", "Thing"], "n": {"type": "Property", "value": 1}}),
        lambda change, _city: entity("Alert", change.entity.id, n=99),  # somebody else's entity under its own type
        lambda change, _city: Delete(change.entity.id),
        lambda change, _city: Delete(change.entity.id, "n"),
    ],
)
def test_an_app_writes_only_the_types_it_declared(said: Any) -> None:
    app, heard, answer = app_of("Thing")
    answer(entity("Alert", "first", status="open"), said)
    city = MemoryCity(app)
    city.say(entity("Thing", "a", n=1))
    assert len(heard) == 1
    assert [change.entity.doc for change in city.changes if not change.tenant] == [entity("Thing", "a", n=1).doc]
    assert "did not declare that it writes Thing" in reason(city)
    assert city.find("Alert") == [], "a rule is put aside whole"


def test_a_smart_data_model_name_of_a_declared_type_is_declared() -> None:
    app, _, answer = app_of("Thing")
    ident = "urn:x:alert"
    answer(Entity({"id": ident, "type": "https://smartdatamodels.org/dataModel.Alert/Alert"}))
    city = MemoryCity(app)
    city.say(entity("Thing", "a", n=1))
    assert city.get(ident)
    assert letters(city) == []


def test_a_rule_may_delete_what_it_may_write() -> None:
    app, _, answer = app_of("Thing")
    city = MemoryCity(app)
    answer(entity("Alert", "x", status="open", note="n"))
    city.say(entity("Thing", "a", n=1))
    answer(Delete("urn:ngsi-ld:Alert:x", "note"))
    city.say(entity("Thing", "a", n=2))
    assert "note" not in city.get("urn:ngsi-ld:Alert:x")
    answer(Delete("urn:ngsi-ld:Alert:x"))
    city.say(entity("Thing", "a", n=3))
    assert city.find("Alert") == []
    assert letters(city) == []


@pytest.mark.parametrize("said", ["an alert", 7, {"id": "urn:x:a", "type": "Alert"}, None])
def test_what_is_neither_an_entity_nor_a_delete_is_put_aside(said: Any) -> None:
    app, _, answer = app_of("Thing")
    answer(said)
    city = MemoryCity(app)
    city.say(entity("Thing", "a", n=1))
    assert "an app returns entities and Deletes" in reason(city)


@pytest.mark.parametrize(
    "value",
    [float("nan"), float("inf"), 10**400, 2**64, object(), {1, 2}, b"bytes", datetime(2026, 4, 1), 1 + 2j,  # noqa: DTZ001
     [float("nan")], {"a": {"b": object()}}, "\ud800", {1: 2}],
    ids=[*("nan", "inf", "huge", "2**64", "object", "set", "bytes", "time", "complex"),
         *("list of nan", "object within", "half a letter", "number as name")],
)  # fmt: skip
def test_a_value_that_cannot_be_kept_is_put_aside_and_does_not_hold_the_rules_up(value: Any) -> None:
    app, heard, answer = app_of("Thing")
    city = MemoryCity(app)
    answer(entity("Alert", "x", value=value))
    city.say(entity("Thing", "a", n=1))
    assert city.find("Alert") == []
    assert len(letters(city)) == 1
    answer(entity("Alert", "x", value=1))
    city.say(entity("Thing", "a", n=2))
    assert len(heard) == 2
    assert city.get("urn:ngsi-ld:Alert:x")["value"] == 1


@pytest.mark.parametrize("ident", ["no uri at all", "", "urn:ngsi-ld:Alert:with space"])
def test_an_id_that_is_no_uri_is_put_aside(ident: str) -> None:
    app, _, answer = app_of("Thing")
    answer(Entity({"id": ident, "type": "Alert"}))
    city = MemoryCity(app)
    city.say(entity("Thing", "a", n=1))
    assert city.find("Alert") == []
    assert len(letters(city)) == 1


# What becomes of it when it is broken


def test_a_broken_rule_is_put_aside_with_its_reason_and_the_place_moves_on() -> None:
    app, heard, answer = app_of("Thing")
    answer(lambda change, _city: {1: 1}[change.entity["n"]])
    city = MemoryCity(app)
    city.say(entity("Thing", "a", n=2))
    (letter,) = letters(city)
    assert (letter["kind"], letter["source"], letter["reason"]) == ("rule", "sketch", "KeyError: 2")
    assert letter["detail"]["rule"] == "hear"
    assert letter["detail"]["seq"] == 1
    assert "test_rules.py" in letter["detail"]["where"]
    assert city.rules.place == city.store.head() or city.rules.step() == 0
    answer()
    city.say(entity("Thing", "b", n=1))
    assert [change.entity.key for change in heard] == ["a", "b"]
    assert unpack_place(city.store.place("app:sketch") or b"") >= 1


def test_one_broken_rule_does_not_silence_the_others_of_its_app_or_another_app() -> None:
    broken, fine = App("broken", report="4", writes={"Alert"}), App("fine", report="4", writes={"Alert"})
    broken.on("Thing")(lambda _change, _city: 1 / 0)  # type: ignore[arg-type,return-value]
    broken.on("Thing")(lambda _change, _city: [entity("Alert", "of-broken", n=1)])
    fine.on("Thing")(lambda _change, _city: [entity("Alert", "of-fine", n=1)])
    city = MemoryCity(broken, fine)
    city.say(entity("Thing", "a", n=1))
    assert {one.key for one in city.find("Alert")} == {"of-broken", "of-fine"}
    assert reason(city).startswith("ZeroDivisionError")


def test_a_rule_that_says_too_much_is_put_aside() -> None:
    app, _, _ = app_of("Nothing")

    @app.on("Thing")
    def flood(change: Change, _city: City) -> Iterator[Entity]:
        n = 0
        while n < change.entity["n"]:
            n += 1
            yield entity("Alert", str(n), n=n)

    city = MemoryCity(app, limits=Limits(rule_fanout=5))
    city.say(entity("Thing", "a", n=5))
    assert len(city.find("Alert")) == 5
    city.say(entity("Thing", "b", n=10**12))
    assert "more than 5 entities" in reason(city)
    assert len(city.find("Alert")) == 5


def test_rules_that_answer_rules_for_ever_end_somewhere() -> None:
    app = App("echo", report="4", writes={"Thing"})

    @app.on("Thing")
    def echo(change: Change, _city: City) -> Iterator[Entity]:
        yield entity("Thing", "a", n=change.entity["n"] + 1)

    city = MemoryCity(app, limits=Limits(depth_of_cause=4))
    city.say(entity("Thing", "a", n=0))
    assert city.get("urn:ngsi-ld:Thing:a")["n"] == 4
    assert [change.depth for change in city.changes if not change.tenant] == [0, 1, 2, 3, 4]
    assert "rules have answered rules 4 times" in reason(city)
    city.say(entity("Thing", "a", n=100))
    assert city.get("urn:ngsi-ld:Thing:a")["n"] == 104, "the next one begins anew"


def test_what_a_batch_has_said_is_seen_by_the_next_rule_of_the_same_batch() -> None:
    app = App("count", report="4", reads={"Thing"}, writes={"Count"})
    found: list[int] = []

    @app.on("Thing")
    def count(_change: Change, city: City) -> Iterator[Entity | Delete]:
        try:
            so_far = city.get("urn:ngsi-ld:Count:c")["n"]
        except NotFound:
            so_far = 0
        found.append(len(city.find("Count", f"n>={so_far}")) if so_far else 0)
        if so_far == 3:
            yield Delete("urn:ngsi-ld:Count:c")
        else:
            yield entity("Count", "c", n=so_far + 1)

    city = MemoryCity(app)
    city.say(*(entity("Thing", str(n), n=n) for n in range(3)))
    assert city.get("urn:ngsi-ld:Count:c")["n"] == 3
    assert found == [0, 1, 1]
    city.say(entity("Thing", "x", n=1), entity("Thing", "y", n=1))
    assert city.get("urn:ngsi-ld:Count:c")["n"] == 1, "deleted, and begun again"
    assert len({c.cause for c in city.changes if c.entity.type == "Count"}) == 5, "each with its own cause"


def test_a_rule_reads_history_now_and_its_settings() -> None:
    app, _, answer = app_of("Thing", "n")
    seen: list[Any] = []

    def look(_change: Change, city: City) -> Entity:
        seen.append(([point.value for point in city.history("urn:ngsi-ld:Thing:a", "n", last=2)], city.now(),
                     city.setting("margin", 0), city.setting("nothing", "default")))  # fmt: skip
        return entity("Alert", "x", status="open")

    answer(look)
    city = MemoryCity(app, settings={"sketch": {"margin": 2.5}})
    for n in range(3):
        city.turn(seconds=60)
        city.read(entity("Thing", "a", n=Attribute(n, at=city.clock.now())))
    assert seen[-1] == ([1, 2], city.clock.now(), 2.5, "default")


# Places


def over(store: SqliteStore, *apps: App, commit: Callable[[Item], None] | None = None, **more: Any) -> Rules:
    def keep(item: Item) -> None:
        (result,) = store.commit([item], 1)
        assert not isinstance(result, HansaError)

    return Rules(
        apps, store.reader(), clock.Clock(0, 0.0), place=store.place, head=store.head, walk=store.walk,
        commit=commit or keep, **more,
    )  # fmt: skip


def write(store: SqliteStore, *ns: int) -> None:
    for n in ns:
        one = entity("Thing", str(n), n=n)
        store.commit([Item([Write("create", one.id, one.doc)], "me")], 1)


def test_a_new_app_starts_at_the_end_and_a_known_one_where_it_stood() -> None:
    store = SqliteStore(":memory:")
    write(store, 1, 2)
    app, heard, _ = app_of("Thing")
    rules = over(store, app)
    assert rules.step() == 0
    write(store, 3)
    assert rules.step() == 1
    rules.keep()
    write(store, 4, 5)
    again = over(store, app)
    assert again.step() == 2
    assert [change.entity["n"] for change in heard] == [3, 4, 5]
    store.close()


def test_a_rule_may_say_of_which_types_it_wants_nothing_at_present() -> None:
    store = SqliteStore(":memory:")
    store.commit([Item([], "me", places={"app:sketch": pack_place(0)})], 1)
    app = App("sketch", report="1", reads={"*"}, writes={"Alert"})
    heard: list[str] = []
    wanted = {"Opener"}

    @app.on("*", only=lambda kind, _city: kind in wanted)
    def listen(change: Change, _city: City) -> None:
        heard.append(change.entity.key)
        wanted.add("Thing")  # from here on, also within the batch

    rules = over(store, app)
    write(store, 1)
    opener = entity("Opener", "2", n=2)
    store.commit([Item([Write("create", opener.id, opener.doc)], "me")], 1)
    write(store, 3)
    assert rules.step() == 3, "what is not wanted counts as read"
    assert heard == ["2", "3"]
    store.close()


def test_how_far_a_silent_app_has_come_is_written_down_when_asked_and_with_the_next_words() -> None:
    store = SqliteStore(":memory:")
    store.commit([Item([], "me", places={"app:sketch": pack_place(0)})], 1)
    app, heard, answer = app_of("Thing")
    rules = over(store, app)
    write(store, 1, 2)
    rules.step()
    rules.keep()
    assert store.place("app:sketch") == pack_place(2)
    assert not rules.unkept
    answer(entity("Alert", "x", n=1))
    write(store, 3)
    rules.step()
    assert store.place("app:sketch") == pack_place(3), "words are always committed with their place"
    assert [change.entity["n"] for change in heard] == [1, 2, 3]
    store.close()


def test_a_place_is_not_kept_without_the_words_that_belong_to_it() -> None:
    store = SqliteStore(":memory:")
    store.commit([Item([], "me", places={"app:sketch": pack_place(0)})], 1)
    app, _, answer = app_of("Thing")
    answer(lambda change, _city: entity("Alert", change.entity.key, n=1))
    full = [True]

    def commit(item: Item) -> None:
        if full[0]:
            raise HansaError("no room")
        store.commit([item], 1)

    rules = over(store, app, commit=commit)
    write(store, 1)
    with pytest.raises(HansaError, match="no room"):
        rules.step()
    full[0] = False
    rules.keep()
    assert store.place("app:sketch") == pack_place(0)
    rules.step()
    assert [c.entity.type for c in store.since(0, 9)] == ["Thing", "Alert"]
    store.close()


def test_what_could_not_be_committed_is_done_again_and_once() -> None:
    store = SqliteStore(":memory:")
    app, heard, answer = app_of("Thing")
    answer(lambda change, _city: entity("Alert", change.entity.key, n=1))
    store.commit([Item([], "me", places={"app:sketch": pack_place(0)})], 1)
    write(store, 1, 2, 3)

    def fail(_item: Item) -> None:
        raise HansaError("no room")

    rules = over(store, app, commit=fail, limits=Limits(rule_batch=2))
    with pytest.raises(HansaError, match="no room"):
        rules.step()
    assert rules.place == 0
    rules = over(store, app, limits=Limits(rule_batch=2))
    while rules.step():
        pass
    assert [change.entity["n"] for change in heard] == [1, 2, 1, 2, 3]
    assert [c.entity.key for c in store.since(0, 100) if c.entity.type == "Alert"] == ["1", "2", "3"]
    store.close()


def test_a_change_that_killed_its_process_is_put_aside_and_can_be_tried_again() -> None:
    store = SqliteStore(":memory:")
    app, heard, answer = app_of("Thing")
    answer(lambda change, _city: entity("Alert", change.entity.key, n=1))
    store.commit([Item([], "me", places={"app:sketch": pack_place(0)})], 1)
    write(store, 1, 2)
    rules = over(store, app, skip=frozenset({("sketch", 1)}))
    while rules.step():
        pass
    assert [change.entity["n"] for change in heard] == [2]
    (letter,) = store.reader().find(
        TENANT, _all("DeadLetter"), RuleCity(store.reader(), clock.Clock(), app, {})._sight, 9
    )
    assert "did not return in time" in letter["reason"]
    rules.again("sketch", store.since(0, 1)[0])
    assert [change.entity["n"] for change in heard] == [2, 1]
    assert {c.entity.key for c in store.since(0, 100) if c.entity.type == "Alert"} == {"1", "2"}
    store.close()


def _all(kind: str) -> Any:
    from hansa.model.query import Query

    return Query.parse(types=kind)


def test_the_watch_is_told_before_and_after_each_rule() -> None:
    store = SqliteStore(":memory:")
    told: list[tuple[int, int]] = []
    app, _, answer = app_of("Thing")
    rules = over(store, app, watch=lambda number, seq: told.append((number, seq)))
    answer(lambda _change, _city: 1 / 0)
    write(store, 1)
    rules.step()
    assert told == [(0, 1), (-1, 0)], "also when it is broken"
    store.close()


# Rounds


def test_a_round_is_made_each_time_it_falls_due_and_a_missed_one_once() -> None:
    app = App("rounds", report="4", writes={"Alert"})
    made: list[int] = []

    @app.every(timedelta(minutes=10))
    def go_round(city: City) -> Iterator[Entity]:
        made.append(city.now())
        yield entity("Alert", "round", n=len(made))

    city = MemoryCity(app, start="2026-04-01T00:00:00Z")
    start = city.clock.now()
    city.turn(seconds=0)
    assert made == [start], "missed since the beginning of time, and made once"
    city.turn(seconds=599)
    assert len(made) == 1
    city.turn(seconds=1)
    assert made[1:] == [start + 600 * SECOND]
    city.turn(seconds=3_600)
    assert made[2:] == [start + n * 600 * SECOND for n in range(2, 8)], "each at its own time"
    assert city.get("urn:ngsi-ld:Alert:round")["n"] == len(made)
    again = MemoryCity(app, start=city.clock.now() + 3_600 * SECOND, store=city.store)  # asleep for an hour
    again.turn(seconds=0)
    assert len(made) == 9, "six were missed, one is made"
    again.turn(seconds=600)
    assert len(made) == 10


def test_a_broken_round_is_put_aside_and_comes_again() -> None:
    app = App("rounds", report="4", writes={"Alert"})
    made: list[int] = []

    @app.every(60)
    def go_round(city: City) -> Iterator[Entity]:
        made.append(1)
        if len(made) == 1:
            raise ValueError("not today")
        yield entity("Alert", "round", n=1)

    city = MemoryCity(app)
    city.turn(seconds=0)
    assert reason(city) == "ValueError: not today"
    city.turn(seconds=60)
    assert len(city.find("Alert")) == 1


def test_a_round_that_killed_its_process_is_put_aside_once_and_comes_again() -> None:
    store = SqliteStore(":memory:")
    app = App("rounds", report="4", writes={"Alert"})
    made: list[int] = []
    app.every(60)(lambda city: made.append(city.now()))  # type: ignore[func-returns-value]
    name = app.rounds[0].name
    rules = over(store, app, skip=frozenset({(f"rounds/{name}", 0)}))
    rules._clock.turn(3_600 * SECOND)
    rules.rounds()
    assert made == []
    rules._clock.turn(3_660 * SECOND)
    rules.rounds()
    assert made == [3_660 * SECOND]
    store.close()


def test_a_period_is_above_zero() -> None:
    app = App("rounds", report="4")
    for period in (0, -1, timedelta(0)):
        with pytest.raises(HansaError, match="above zero"):
            app.every(period)


def test_a_place_is_kept_as_it_was() -> None:
    for seq in (0, 1, 2**40):
        assert unpack_place(pack_place(seq)) == seq
