"""Entities held against the models of their types at the door of NGSI-LD: warned of, or refused."""

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest
from conftest_ngsild import Api, header, said

from hansa.errors import AlreadyExists, BadRequest, NotFound, TooLarge
from hansa.platform.deadletters import TENANT
from hansa.platform.models import Models
from some_models import BENCH, BENCH_URL, COMMON, COMMON_URL, bench, model

Given = Callable[..., Models]


@pytest.fixture
def given(quick: Api) -> Given:
    """The models of a bench, at the door."""

    def give(*, refuse: bool = False) -> Models:
        models = Models(quick.city, refuse=refuse)
        models.load()
        quick.runner.run(models.add("common-schema.json", COMMON))
        quick.runner.run(models.add("schema.json", BENCH))
        quick.door.desk.models = models
        return models

    return give


def bad(key: str) -> dict[str, Any]:
    return bench(key, "many")


def test_what_is_not_as_its_model_says_is_written_and_warned_of(quick: Api, given: Given) -> None:
    models = given()
    answer = quick.post("entities", bad("a"))
    assert answer.status == 201
    warned = header(answer, "ngsild-warning")
    assert warned is not None
    assert warned.startswith('299 - "urn:ngsi-ld:Bench:a Bench /seats')
    assert said(quick.get("entities/urn:ngsi-ld:Bench:a"))["seats"]["value"] == "many"
    assert models.breaches == {"Bench": 1}
    good = quick.post("entities", bench("b"))
    assert good.status == 201
    assert header(good, "ngsild-warning") is None


def test_what_is_not_as_its_model_says_is_refused_when_so_set(quick: Api, given: Given) -> None:
    given(refuse=True)
    answer = quick.post("entities", bad("a"))
    assert answer.status == 400
    problem = said(answer)
    assert problem["type"].endswith("/BadRequestData")
    assert problem["where"] == "/seats"
    assert "Bench" in problem["detail"]
    assert "/seats" in problem["detail"]
    assert "many" in problem["detail"]
    assert BENCH_URL in problem["mend"]
    assert header(answer, "ngsild-warning") is None
    assert quick.get("entities/urn:ngsi-ld:Bench:a").status == 404
    assert quick.post("entities", bench("b")).status == 201
    assert quick.post("entities", {"id": "urn:x:1", "type": "Other", "seats": "many"}).status == 201


@pytest.mark.parametrize(
    ("verb", "path", "body"),
    [
        ("PATCH", "attrs/seats", {"value": "many"}),
        ("PUT", "attrs/seats", {"type": "Property", "value": "many"}),
        ("PATCH", "attrs", {"seats": {"type": "Property", "value": "many"}}),
        ("POST", "attrs", {"seats": {"type": "Property", "value": "many"}}),
        ("DELETE", "attrs/seats", None),
        ("PATCH", "", {"seats": {"type": "Property", "value": "many"}}),
        ("PUT", "", {"type": "Bench", "seats": {"type": "Property", "value": "many"}}),
    ],
)
def test_a_change_is_held_against_the_model_as_what_the_entity_then_is(
    quick: Api, given: Given, verb: str, path: str, body: Any
) -> None:
    given(refuse=True)
    quick.made(bench("a"))
    place = f"entities/urn:ngsi-ld:Bench:a/{path}".rstrip("/")
    assert quick.ask(verb, place, body).status == 400
    assert said(quick.get("entities/urn:ngsi-ld:Bench:a"))["seats"]["value"] == 4
    good = {"PATCH attrs/seats": {"value": 2}}.get(f"{verb} {path}")
    if good is not None:
        assert quick.ask(verb, place, good).status == 204


def test_a_change_is_not_to_blame_for_what_was_amiss_before(quick: Api, given: Given) -> None:
    quick.made(bad("a"))
    given(refuse=True)
    assert quick.patch("entities/urn:ngsi-ld:Bench:a", {"name": {"type": "Property", "value": "north"}}).status == 204
    assert quick.patch("entities/urn:ngsi-ld:Bench:a", {"name": {"type": "Property", "value": 3}}).status == 400
    assert quick.patch("entities/urn:ngsi-ld:Bench:a", {"seats": {"type": "Property", "value": 2}}).status == 204
    whole = quick.ask("PUT", "entities/urn:ngsi-ld:Bench:a", {"type": "Bench", "seats": "many"})
    assert whole.status == 400, "who says the whole entity says all of it"


def test_of_a_batch_only_what_is_amiss_is_refused_and_named(quick: Api, given: Given) -> None:
    given(refuse=True)
    answer = quick.post("entityOperations/create", [bench("a"), bad("b"), bench("c")])
    assert answer.status == 207
    told = said(answer)
    assert told["success"] == ["urn:ngsi-ld:Bench:a", "urn:ngsi-ld:Bench:c"]
    (error,) = told["errors"]
    assert error["entityId"] == "urn:ngsi-ld:Bench:b"
    assert error["error"]["type"].endswith("/BadRequestData")
    assert "/seats" in error["error"]["detail"]
    all_bad = quick.post("entityOperations/create", [bad("d")])
    assert all_bad.status in {207, 400}
    assert quick.get("entities/urn:ngsi-ld:Bench:d").status == 404


def test_a_batch_sees_what_it_has_said_before(quick: Api, given: Given) -> None:
    given(refuse=True)
    writes = [
        bench("a"),
        {"id": "urn:ngsi-ld:Bench:a", "type": "Bench", "name": {"type": "Property", "value": "north"}},
    ]
    assert quick.post("entityOperations/upsert", writes, {"options": "update"}).status == 201
    assert said(quick.get("entities/urn:ngsi-ld:Bench:a"))["seats"]["value"] == 4


def test_a_type_under_an_iri_of_smart_data_models_has_the_same_model(quick: Api, given: Given) -> None:
    given(refuse=True)
    space = "https://smartdatamodels.org/dataModel.Parks"
    entity = {"id": "urn:x:1", "type": f"{space}/Bench", f"{space}/seats": {"type": "Property", "value": "many"}}
    assert quick.post("entities", entity).status == 400
    entity[f"{space}/seats"] = {"type": "Property", "value": 2}
    assert quick.post("entities", entity).status == 201


def test_a_warning_is_one_line_of_ascii(quick: Api, given: Given) -> None:
    given()
    answer = quick.post("entities", bench("a", 'm"\n\\ä' * 400))
    warned = header(answer, "ngsild-warning")
    assert warned is not None
    assert warned.isascii()
    assert warned.isprintable()
    assert len(warned) < 1_100
    assert warned.count('"') == 2


# The register


def test_models_are_there_again_after_a_restart_and_nobody_sees_where(quick: Api, given: Given) -> None:
    first = given()
    again = Models(quick.city)
    again.load()
    assert again.shown() == first.shown()
    assert again.faults(bad("a"))[0][1]
    assert len(quick.city.find("Model", tenant=TENANT)) == 2
    assert said(quick.get("entities", {"type": "Model"})) == []


def test_a_model_is_replaced_under_its_url_and_no_other_takes_its_type(quick: Api, given: Given) -> None:
    models = given()
    softer = {**BENCH, "allOf": [{"properties": {"type": {"enum": ["Bench"]}}}]}
    quick.runner.run(models.add("schema.json", softer))
    assert not models.faults(bad("a"))[0][1]
    with pytest.raises(AlreadyExists, match="Bench has a model already"):
        quick.runner.run(models.add("other.json", model("Bench")))


def test_what_others_refer_to_is_not_taken_away_or_broken(quick: Api, given: Given) -> None:
    models = given()
    with pytest.raises(BadRequest, match="Bench needs"):
        quick.runner.run(models.remove(COMMON_URL))
    with pytest.raises(BadRequest, match="Bench needs"):
        quick.runner.run(models.add("common-schema.json", {"$id": COMMON_URL, "definitions": {}}))
    assert models.faults(bad("a"))[0][1], "what was there still is"
    assert quick.runner.run(models.remove("Bench"))["url"] == BENCH_URL
    quick.runner.run(models.remove(COMMON_URL))
    assert not models.known
    assert not models.shown()
    with pytest.raises(NotFound):
        quick.runner.run(models.remove("Bench"))


def test_what_is_referred_to_by_a_short_path_or_through_another_is_kept_too(quick: Api) -> None:
    models = Models(quick.city)
    base = "https://models.example.org/"
    inner = {"$id": f"{base}inner.json", "definitions": {"text": {"type": "string"}}}
    outer = {"$id": f"{base}outer.json", "definitions": {"text": {"$ref": "inner.json#/definitions/text"}}}
    lamp = model("Lamp", allOf=[{"properties": {"name": {"$ref": "outer.json#/definitions/text"}}}])
    for one in (inner, outer, lamp):
        quick.runner.run(models.add("file.json", one))
    for one in (inner, outer):
        with pytest.raises(BadRequest, match="Lamp needs"):
            quick.runner.run(models.remove(one["$id"]))


def test_schemas_that_are_given_at_once_are_all_kept(quick: Api) -> None:
    models = Models(quick.city)

    async def both() -> list[Any]:
        same = (
            models.add("b.json", model("B")),
            models.add("c.json", {**model("B"), "$id": "https://x.example.org/b"}),
        )
        return await asyncio.gather(models.add("a.json", model("A")), *same, return_exceptions=True)

    told = quick.runner.run(both())
    assert sorted(models.known) == ["A", "B"]
    assert [type(one) for one in told] == [dict, dict, AlreadyExists]


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        ([1], BadRequest),
        ("text", BadRequest),
        ({}, BadRequest),
        ({"title": "no type, no definitions"}, BadRequest),
        (model("A", title="x" * 600_000), TooLarge),
        (BENCH, BadRequest),  # what it refers to is not there
    ],
)
def test_what_cannot_be_a_model_is_refused_and_nothing_is_kept(quick: Api, document: Any, kind: type) -> None:
    models = Models(quick.city)
    models.load()
    with pytest.raises(kind):
        quick.runner.run(models.add("odd.json", document))
    assert models.shown() == []
    assert not quick.city.find("Model", tenant=TENANT)


def test_only_so_many_schemas_are_kept(tmp_path: Any) -> None:
    from conftest_ngsild import small

    from hansa.clock import Clock
    from hansa.platform.city import City
    from hansa.platform.sqlite.store import SqliteStore
    from hansa.trust.labels import ADMINISTRATOR

    with City(SqliteStore(tmp_path / "a.db"), Clock(), ADMINISTRATOR, small(models=2), direct=True).closing() as city:
        models = Models(city)
        for kind in ("A", "B"):
            asyncio.run(models.add(f"{kind}.json", model(kind)))
        with pytest.raises(TooLarge, match="2 schemas"):
            asyncio.run(models.add("C.json", model("C")))
        asyncio.run(models.add("A.json", model("A", title="newer")))
        assert [one["title"] for one in models.shown()] == ["newer", None]
        assert json.dumps(models.shown())
