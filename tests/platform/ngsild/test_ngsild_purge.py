"""Purge Entities (5.6.21): what matches goes, or some of its attributes do."""

from typing import Any

import pytest
from conftest_ngsild import Api, opened, said, small, station

NORTH = "urn:ngsi-ld:WeatherObserved:north"


def value(of: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": of, **more}


def names(api: Api, ident: str = NORTH) -> set[str]:
    return said(api.get(f"entities/{ident}")).keys() - {"id", "type"}


def test_what_is_dropped_goes_with_all_its_instances_and_all_else_stays(api: Api) -> None:
    several = [value(1), value(2, datasetId="urn:d:1")]
    api.made(station("north", a=several, b=value(1), scope="/x"), station("south"), station("hot", 50.0, a=value(1)))
    heard: list[Any] = []
    api.city.watch(heard.extend)
    assert api.delete("entities", "type=WeatherObserved&q=temperature<20&drop=a,scope").status == 204
    assert names(api) == {"temperature", "b"}
    assert names(api, f"{NORTH[:-5]}south") == {"temperature"}
    assert names(api, f"{NORTH[:-5]}hot") == {"temperature", "a"}
    assert [(one.entity.id, len(one.parts), one.gone) for one in heard] == [(NORTH, 3, False)], "one Change, of one"
    assert list(api.city.store.check()) == []


def test_what_is_kept_stays_and_all_other_attributes_go(api: Api) -> None:
    api.made(station("north", a=value(1), b=value(2), scope="/x"))
    assert api.delete("entities", "type=WeatherObserved&keep=id,a").status == 204
    assert names(api) == {"a", "scope"}
    assert api.delete("entities", "type=WeatherObserved&keep=nothing").status == 204
    assert names(api) == {"scope"}, "an entity may be without attributes"


def test_names_are_those_of_the_context(quick: Api) -> None:
    term = "https://example.org/warmth"
    quick.made({"id": NORTH, "type": "WeatherObserved", term: value(1), "warmth": value(2)})
    assert quick.delete("entities", {"type": "WeatherObserved", "drop": term}).status == 204
    assert names(quick) == {"warmth"}


@pytest.mark.parametrize(
    ("words", "where"),
    [
        ("drop=a&keep=b", "keep"),
        ("drop=", "drop"),
        ("drop=a,,b", "drop"),
        ("keep=a{b}", "keep"),
        ("drop=a{b}", "drop"),
        ("drop=id", "drop"),
        ("drop=type,a", "drop"),
        ("drop=createdAt", "drop"),
        ("attrs=a{b}", "attrs"),
        ("keep=9lives", "keep"),
        ("drop=%3Cscript%3E", "drop"),
    ],
)
def test_what_cannot_be_dropped_or_kept_is_named(quick: Api, words: str, where: str) -> None:
    quick.made(station("north", a=value(1)))
    refused = quick.delete("entities", f"type=WeatherObserved&{words}")
    assert (refused.status, said(refused)["where"]) == (400, where)
    assert names(quick) == {"temperature", "a"}


@pytest.mark.parametrize("words", ["", "id=urn:x:1", "drop=a", "type=*&local=false", "keep=a"])
def test_a_purge_that_is_too_wide_takes_nothing(quick: Api, words: str) -> None:
    quick.made(station("north"))
    assert quick.delete("entities", words).status == 400
    assert quick.get(f"entities/{NORTH}").status == 200


def test_a_purge_reaches_everything_batch_by_batch(tmp_path: Any) -> None:
    """Of what still matches it goes past what it has done; what matches no longer is not counted."""
    for api in opened(tmp_path, direct=True, limits=small(batch=3)):
        api.made(*(station(str(n), float(n), a=value(n % 2)) for n in range(10)))
        assert api.delete("entities", "type=WeatherObserved&q=a==1&drop=a").status == 204
        assert api.delete("entities", "type=WeatherObserved&q=temperature>=0&drop=temperature").status == 204
        left = said(api.get("entities", "type=WeatherObserved"))
        assert [sorted(one.keys() - {"id", "type"}) for one in left if "a" in one] == [["a"]] * 5
        assert len(left) == 10
        api.made(*(station(f"more{n}", float(n), b=value(1)) for n in range(7)))
        assert api.delete("entities", "type=WeatherObserved&keep=b").status == 204
        left = said(api.get("entities", "type=WeatherObserved"))
        assert sorted(len(one) for one in left) == [2] * 10 + [3] * 7
        assert api.delete("entities", "type=WeatherObserved").status == 204
        assert said(api.get("entities", "type=WeatherObserved")) == []
