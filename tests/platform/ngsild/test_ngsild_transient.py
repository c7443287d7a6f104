"""Entities and attributes that are kept for a while (4.22): gone for every reader at once, and then for good."""

from typing import Any

import pytest
from conftest_ngsild import Api, opened, said, small, station

from hansa.clock import SECOND, parse, text
from hansa.model.change import Change
from hansa.model.query import Query
from hansa.trust.labels import Label, Sight

START = parse("2026-11-22T13:00:00Z")
NORTH = "urn:ngsi-ld:WeatherObserved:north"
NULL = "urn:ngsi-ld:null"


def after(seconds: float) -> str:
    return text(START + int(seconds * SECOND))


def wait(api: Api, seconds: float) -> None:
    api.city.clock.turn(START + int(seconds * SECOND))


def value(of: Any, until: float | None = None, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": of, **({} if until is None else {"expiresAt": after(until)}), **more}


def told(api: Api) -> list[Change]:
    """Every Change that is heard from now on; those of expiry come before what is written."""
    heard: list[Change] = []
    api.city.watch(heard.extend)
    return heard


def swept(api: Api) -> None:
    """The writer has been at work."""
    assert api.city.write() == []


def seen(api: Api) -> dict[str, Any]:
    """The station, by every way to see it, which agree."""
    one = api.get(f"entities/{NORTH}")
    listed = api.get("entities", "type=WeatherObserved&count=true")
    posted = api.post("entityOperations/query", {"type": "Query", "entities": [{"type": "WeatherObserved"}]})
    there = said(one) if one.status == 200 else None
    assert one.status in {200, 404}
    assert said(listed) == said(posted) == ([] if there is None else [there])
    assert api.get(f"entities/{NORTH}", "options=sysAttrs").status == one.status
    counts = [api.city.count(Query.parse(types="WeatherObserved", q=q)) for q in (None, "temperature>0")]
    assert counts == [int(there is not None), int(there is not None and "temperature" in there)]
    assert api.city.reader.types("") == ({} if there is None else {"WeatherObserved": 1})
    return there or {}


def test_an_entity_is_there_until_its_instant_and_not_from_it_on(api: Api) -> None:
    api.made(station("north", expiresAt=after(10)))
    wait(api, 10 - 1e-6)
    assert seen(api)["temperature"]["value"] == 3.1
    wait(api, 10)
    assert seen(api) == {}
    api.made(station("north", 9.0))
    assert seen(api)["temperature"]["value"] == 9.0
    assert list(api.city.store.check()) == []


def test_an_attribute_goes_and_its_entity_stays(api: Api) -> None:
    several = [value(1), value(2, 5, datasetId="urn:d:1")]
    api.made(station("north", a=value(1, 5), b=value(2), several=several, c=value(1, sub=value(3, 5), other=value(4))))
    assert seen(api)["c"]["sub"]["value"] == 3
    wait(api, 5)
    left = seen(api)
    assert (left["several"], left["b"], "a" in left) == (value(1), value(2), False)
    assert left["c"] == value(1, other=value(4))
    swept(api)
    assert seen(api) == left
    assert list(api.city.store.check()) == []


def test_who_listens_hears_of_the_end_as_of_any_other(api: Api) -> None:
    api.made(station("north", a=value(1, 5), expiresAt=after(9)))
    heard = told(api)
    wait(api, 5)
    swept(api)
    assert [(part.name, part.status) for part in heard[0].parts] == [("a", "deleted")]
    assert (heard[0].gone, heard[0].actor, heard[0].cause, heard[0].at) == (
        False, "expiry", "expiresAt", START + 5 * SECOND,
    )  # fmt: skip
    wait(api, 9)
    swept(api)
    swept(api)
    assert [one.gone for one in heard] == [False, True]
    assert {part.name for part in heard[1].parts} == {"temperature", "type", "expiresAt"}


def test_history_outlives_what_has_expired(api: Api) -> None:
    api.made(station("north", a=value(1, 5), expiresAt=after(9)))
    wait(api, 9)
    swept(api)
    points = api.city.history(NORTH, "a")
    assert [point.value for point in points] == [1, NULL]
    assert points[1].at == START + 9 * SECOND


def test_writes_meet_nothing_that_has_expired(api: Api) -> None:
    api.made(station("north", a=value(1, 5)))
    wait(api, 5)
    assert api.patch(f"entities/{NORTH}/attrs/a", {"value": 2}).status == 404
    api.made({"id": "urn:x:1", "type": "T", "expiresAt": after(6)})
    wait(api, 6)
    assert api.post("entities/urn:x:1/attrs", {"b": 1}).status == 404
    upserted = api.post("entityOperations/upsert", [{"id": "urn:x:1", "type": "T"}])
    assert (upserted.status, said(upserted)) == (201, ["urn:x:1"])


def test_the_instant_can_be_moved_and_taken_away(api: Api) -> None:
    api.made(station("north", expiresAt=after(5), a=value(1, 5), b=value(1, 5), c=value(1, 5), d=value(1, 5)))
    assert api.patch(f"entities/{NORTH}", {"expiresAt": after(8), "b": {"value": 2}}).status == 204
    assert api.patch(f"entities/{NORTH}/attrs", {"a": value(2)}).status == 204
    assert api.patch(f"entities/{NORTH}/attrs/c", {"expiresAt": NULL}).status == 204
    assert api.patch(f"entities/{NORTH}/attrs/d", {"value": 2}).status == 204
    wait(api, 5)
    left = seen(api)
    assert left["a"]["value"] == 2, "replaced as a whole, it has no instant any more (5.5.8)"
    assert "b" not in left, "merged, it keeps the instant (5.5.12)"
    assert left["c"]["value"] == 1
    assert "d" not in left, "updated in part, it keeps the instant (5.6.4)"
    assert api.patch(f"entities/{NORTH}", {"expiresAt": NULL}).status == 204
    wait(api, 100)
    assert seen(api) == left


def test_what_is_made_too_late_was_never_seen(api: Api) -> None:
    heard = told(api)
    api.made(station("north", expiresAt="2001-01-01T00:00:00Z"))
    assert seen(api) == {}
    swept(api)
    assert [(one.new, one.gone) for one in heard] == [(True, False), (False, True)]


def test_an_instant_is_shown_to_who_asks_for_system_attributes(quick: Api) -> None:
    quick.made(station("north", expiresAt=after(9), a=value(1, 9)))
    assert b"expiresAt" not in quick.get(f"entities/{NORTH}").body
    shown = said(quick.get(f"entities/{NORTH}", "options=sysAttrs"))
    assert (shown["expiresAt"], shown["a"]["expiresAt"]) == (after(9), after(9))


@pytest.mark.parametrize("bad", ["soon", 5, None, [], "2026-13-45T00:00:00Z", "2026-11-22T14:00:00+01:00", NULL])
def test_an_instant_that_is_none_is_named(quick: Api, bad: Any) -> None:
    for body, where in (
        (station("north", expiresAt=bad), "expiresAt"),
        (station("north", a={"value": 1, "expiresAt": bad}), "a.expiresAt"),
        (station("north", a={"value": 1, "sub": {"value": 1, "expiresAt": bad}}), "a.sub.expiresAt"),
    ):
        refused = quick.post("entities", body)
        assert (refused.status, said(refused)["where"]) == (400, where)


def test_a_sight_that_sees_little_sees_no_more_of_what_has_expired(quick: Api) -> None:
    quick.labelled(station("north", a=value(1, 5)), str(Label("open")))
    few = Sight("guest", "", frozenset({"open"}))
    assert "a" in said(quick.get(f"entities/{NORTH}", sight=few))
    wait(quick, 5)
    assert "a" not in said(quick.get(f"entities/{NORTH}", sight=few))
    assert said(quick.get("entities", "type=WeatherObserved&q=a", sight=few)) == []


def test_much_that_ends_at_once_goes_in_parts_and_is_gone_for_readers_at_once(tmp_path: Any) -> None:
    for api in opened(tmp_path, direct=True, limits=small(sweep=2)):
        api.made(*(station(str(n), expiresAt=after(5)) for n in range(5)))
        heard = told(api)
        wait(api, 5)
        assert said(api.get("entities", "type=WeatherObserved")) == []
        swept(api)
        assert len(heard) == 2
        api.made(station("4"))
        ends = [one.entity.id for one in heard if one.gone]
        assert len(ends) == 5
        assert f"{NORTH[:-5]}4" in ends, "a write never meets what has expired, however much of it waits"
        assert [one["id"] for one in said(api.get("entities", "type=WeatherObserved"))] == [f"{NORTH[:-5]}4"]
        swept(api)
        assert len([one for one in heard if one.gone]) == 5
        assert list(api.city.store.check()) == []


def test_tenants_keep_their_own_time(quick: Api) -> None:
    quick.made(station("north", expiresAt=after(5)), NGSILD_Tenant="parks")
    quick.made(station("north"))
    wait(quick, 5)
    assert quick.get(f"entities/{NORTH}", NGSILD_Tenant="parks").status == 404
    assert quick.get(f"entities/{NORTH}").status == 200
