"""How writes are asked for and answered: bodies, headers, parameters, batches, tenants (5.5, 5.6, 6.3)."""

import json
from typing import Any

import pytest
from conftest_ngsild import Api, said, station

NORTH = "urn:ngsi-ld:WeatherObserved:north"
NULL = "urn:ngsi-ld:null"
ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"


def value(of: Any, **more: Any) -> dict[str, Any]:
    return {"type": "Property", "value": of, **more}


def north(api: Api) -> dict[str, Any]:
    return said(api.get(f"entities/{NORTH}"))  # type: ignore[no-any-return]


WRITES = [
    ("POST", "entities", station("new")),
    ("PATCH", f"entities/{NORTH}", {"a": 1}),
    ("PUT", f"entities/{NORTH}", station("north", 9.0)),
    ("POST", f"entities/{NORTH}/attrs", {"a": 1}),
    ("PATCH", f"entities/{NORTH}/attrs", {"a": 1}),
    ("PATCH", f"entities/{NORTH}/attrs/temperature", {"value": 9}),
    ("PUT", f"entities/{NORTH}/attrs/temperature", {"value": 9}),
    ("POST", "entityOperations/create", [station("new")]),
    ("POST", "entityOperations/upsert", [station("north", 9.0)]),
    ("POST", "entityOperations/update", [station("north", 9.0)]),
    ("POST", "entityOperations/merge", [station("north", 9.0)]),
    ("POST", "entityOperations/delete", [NORTH]),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_who_takes_nothing_that_a_write_can_answer_is_told_before_it_is_done(
    quick: Api, method: str, path: str, body: Any
) -> None:
    """Clause 6.3.4: GeoJSON alone is for retrieving and querying."""
    quick.made(station("north"))
    refused = quick.ask(method, path, body, accept="application/geo+json")
    assert refused.status == 406
    assert north(quick) == station("north")
    assert quick.get("entities/urn:ngsi-ld:WeatherObserved:new").status == 404
    assert quick.ask(method, path, body, accept="application/geo+json, */*;q=0.1").status in {201, 204}


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_name_said_twice_is_refused_and_named(quick: Api, method: str, path: str, body: Any) -> None:
    quick.made(station("north"))
    text = json.dumps(body)
    again = text.replace('"value":', '"value": 1, "value":', 1) if '"value":' in text else None
    again = again or text.replace("{", '{"value": 2, "value": 1, ', 1)
    if "{" not in again:
        return
    refused = quick.ask(method, path, again.encode())
    assert (refused.status, said(refused)["where"]) == (400, "value")
    assert said(refused)["type"] == ERRORS + "BadRequestData"
    assert north(quick) == station("north")


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_write_knows_no_parameters_but_its_own(quick: Api, method: str, path: str, body: Any) -> None:
    quick.made(station("north"))
    for word in ("foo=1", "options=nonsense", "limit=5", "sysAttrs=true"):
        refused = quick.ask(method, path, body, word)
        assert (refused.status, said(refused)["type"]) == (400, ERRORS + "InvalidRequest"), word
        assert said(refused)["where"] == word.partition("=")[0]
    assert north(quick) == station("north")


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_a_write_needs_json_and_says_what_is_wrong_with_it(quick: Api, method: str, path: str, body: Any) -> None:
    quick.made(station("north"))
    assert quick.ask(method, path, body, content_type="text/plain").status == 415
    assert quick.ask(method, path, body, content_type="application/geo+json").status == 415
    for broken in (b"{", b"", b"\xff", b'{"a": NaN}', b"[1,]"):
        refused = quick.ask(method, path, broken)
        assert (refused.status, said(refused)["type"]) == (400, ERRORS + "InvalidRequest")
    inside = body if isinstance(body, list) else {**body, "@context": "https://example.org/a.jsonld"}
    if isinstance(body, dict):
        refused = quick.ask(method, path, inside)
        assert (refused.status, said(refused)["where"]) == (400, "@context"), "JSON has its @context in a Link (6.3.5)"
    assert north(quick) == station("north")


@pytest.mark.parametrize(
    ("method", "path", "allow"),
    [
        ("PUT", "entities", "DELETE, GET, POST"),
        ("PATCH", "entities", "DELETE, GET, POST"),
        ("POST", f"entities/{NORTH}", "DELETE, GET, PATCH, PUT"),
        ("DELETE", f"entities/{NORTH}/attrs", "PATCH, POST"),
        ("POST", f"entities/{NORTH}/attrs/a", "DELETE, PATCH, PUT"),
        ("GET", "entityOperations/create", "POST"),
        ("PUT", "entityOperations/merge", "POST"),
    ],
)
def test_a_verb_that_is_not_for_a_resource_is_told_which_are(quick: Api, method: str, path: str, allow: str) -> None:
    refused = quick.ask(method, path, {})
    assert refused.status == 405
    told = dict(refused.headers)[b"allow"].decode()
    assert set(allow.split(", ")) <= set(told.split(", ")) <= {*allow.split(", "), "HEAD", "OPTIONS"}


def test_a_path_that_leads_nowhere_is_not_found(quick: Api) -> None:
    for path in (
        "entitys",
        "entities/a/b/c/d",
        "entityOperations",
        "entityOperations/erase",
        "entities/urn:x:1/attributes",
    ):
        assert quick.post(path, {}).status == 404


def test_the_id_in_the_path_is_a_uri_that_can_be_seen(quick: Api) -> None:
    for ident in ("north", "urn:x:a%20b", "urn:x:a%E2%80%8Bb", "urn:ngsi-ld:null"):
        refused = quick.patch(f"entities/{ident}", {"a": 1})
        assert (refused.status, said(refused)["where"]) == (400, "id")


def test_an_attribute_in_the_path_has_a_name(quick: Api) -> None:
    quick.made(station("north"))
    for name in ("9lives", "a b", "%3Cscript%3E", "@type"):
        refused = quick.patch(f"entities/{NORTH}/attrs/{name}", {"value": 1})
        assert (refused.status, said(refused)["where"]) == (400, "attrId")


# Merge (5.6.17) and its parameters


def test_a_merge_takes_its_time_and_language_from_the_parameters(api: Api) -> None:
    api.made(station("north", title={"type": "LanguageProperty", "languageMap": {"en": "north"}}, a=1))
    later = "2026-11-22T12:30:00Z"
    words = {"format": "simplified", "lang": "sk", "observedAt": later}
    assert api.patch(f"entities/{NORTH}", {"temperature": 5, "title": "sever", "a": 2, "b": 3}, words).status == 204
    now = north(api)
    assert (now["temperature"]["value"], now["temperature"]["observedAt"]) == (5, later)
    assert now["title"]["languageMap"] == {"en": "north", "sk": "sever"}
    assert now["a"] == value(2), "what had no time gets none"
    assert now["b"] == value(3)
    explicit = {"temperature": {"value": 6, "observedAt": "2026-11-22T12:45:00Z"}}
    assert api.patch(f"entities/{NORTH}", explicit, {"observedAt": later}).status == 204
    assert north(api)["temperature"]["observedAt"] == "2026-11-22T12:45:00Z"


@pytest.mark.parametrize(
    ("words", "where", "kind"),
    [
        ("observedAt=yesterday", "observedAt", "BadRequestData"),
        ("observedAt=2026-11-22T13:00:00%2B01:00", "observedAt", "BadRequestData"),
        ("lang=x_y", "lang", "BadRequestData"),
        ("lang=", "lang", "BadRequestData"),
        ("format=concise", "format", "InvalidRequest"),
        ("options=keyValues,sysAttrs", "options", "InvalidRequest"),
        ("format=normalized&options=keyValues", "format", "InvalidRequest"),
    ],
)
def test_a_parameter_of_a_merge_that_says_nothing_is_named(quick: Api, words: str, where: str, kind: str) -> None:
    quick.made(station("north"))
    refused = quick.patch(f"entities/{NORTH}", {"temperature": 9}, words)
    assert (refused.status, said(refused)["where"], said(refused)["type"]) == (400, where, ERRORS + kind)
    assert north(quick) == station("north")


def test_a_simplified_merge_changes_no_kind(quick: Api) -> None:
    quick.made(station("north"))
    refused = quick.patch(f"entities/{NORTH}", {"temperature": {"vocab": "warm"}}, "options=keyValues")
    assert (refused.status, said(refused)["where"]) == (400, "temperature")
    assert quick.patch(f"entities/{NORTH}", {"temperature": {"vocab": "warm"}}).status == 204


# Attributes


def test_an_update_replaces_the_whole_attribute_and_what_is_null_of_it_is_not_there(api: Api) -> None:
    api.made(station("north"))
    assert (
        api.patch(f"entities/{NORTH}/attrs", {"temperature": {"value": 1, "unitCode": NULL, "b": NULL}}).status == 204
    )
    assert north(api)["temperature"] == value(1)


def test_an_append_that_may_not_overwrite_tells_all_that_was_there(api: Api) -> None:
    api.made(station("north", expiresAt="2030-01-01T00:00:00Z"))
    news = {"temperature": 9, "a": 1, "expiresAt": "2031-01-01T00:00:00Z"}
    told = api.post(f"entities/{NORTH}/attrs", news, "options=noOverwrite")
    assert told.status == 207
    missed = {one["attributeName"].rsplit("/", 1)[1] for one in said(told)["notUpdated"]}
    assert missed == {"temperature", "expiresAt"}
    assert [one.rsplit("/", 1)[1] for one in said(told)["updated"]] == ["a"]
    assert said(api.get(f"entities/{NORTH}", "options=sysAttrs"))["expiresAt"] == "2030-01-01T00:00:00Z"


def test_a_fragment_that_says_nothing_is_refused(quick: Api) -> None:
    quick.made(station("north"))
    for method, path in (
        ("PATCH", ""),
        ("PUT", ""),
        ("POST", "/attrs"),
        ("PATCH", "/attrs"),
        ("PATCH", "/attrs/temperature"),
    ):
        assert quick.ask(method, f"entities/{NORTH}{path}", {}).status == 400


# Batches


def test_an_upsert_that_updates_does_what_update_attributes_does(api: Api) -> None:
    """Clause 5.6.8.4: 5.6.2 for who is there, 5.6.1 for who is not."""
    api.made(station("north", a=value(1, unitCode="CEL"), b=value(2)))
    one = {"id": NORTH, "type": "Other", "a": value(5), "b": NULL, "scope": "/ignored", "c": value(6)}
    new = {"id": "urn:x:new", "type": "T", "a": value(1)}
    null = {"id": "urn:x:null", "type": "T", "a": NULL}
    mixed = api.post("entityOperations/upsert", [one, new, null], "options=update")
    assert (mixed.status, said(mixed)["success"]) == (207, [NORTH, "urn:x:new"])
    (error,) = said(mixed)["errors"]
    assert (error["entityId"], error["error"]["where"]) == ("urn:x:null", "a")
    now = north(api)
    assert (now["a"], now["c"], "b" in now, "scope" in now) == (value(5), value(6), False, False)
    assert now["type"] == ["WeatherObserved", "Other"]
    assert now["temperature"]["value"] == 3.1
    assert api.post("entityOperations/upsert", [{"id": NORTH, "type": "T", "a": NULL}]).status == 207, "no replacement"


@pytest.mark.parametrize("verb", ["create", "upsert", "update", "merge"])
def test_each_of_a_batch_is_an_entity_with_id_and_type(quick: Api, verb: str) -> None:
    """Clause 5.2.4, by 5.6.7.3, 5.6.8.3, 5.6.9.3 and 5.6.20.3."""
    quick.made(station("north"))
    told = quick.post(
        f"entityOperations/{verb}", [{"id": NORTH, "a": 1}, {"type": "T", "a": 1}, {"id": "x", "type": "T"}]
    )
    assert (told.status, said(told)["success"]) == (207, [])
    assert [one["error"]["where"] for one in said(told)["errors"]] == ["type", "id", "id"]
    assert [one.get("entityId") for one in said(told)["errors"]] == [NORTH, None, "x"]
    assert north(quick) == station("north")


def test_the_same_entity_again_in_a_batch_comes_after_itself(api: Api) -> None:
    """Clause 5.5.11."""
    one, two = station("north", 1.0), station("north", 2.0, a=value(1))
    created = api.post("entityOperations/create", [one, two])
    assert (created.status, said(created)["success"]) == (207, [NORTH])
    assert north(api)["temperature"]["value"] == 1.0
    assert api.post("entityOperations/update", [two, station("north", 3.0)]).status == 204
    assert (north(api)["temperature"]["value"], north(api)["a"]["value"]) == (3.0, 1)
    assert [point.value for point in api.city.history(NORTH, "temperature")] == [1.0, 2.0, 3.0]
    deleted = api.post("entityOperations/delete", [NORTH, NORTH])
    assert (deleted.status, said(deleted)["success"]) == (207, [NORTH])
    assert said(deleted)["errors"][0]["error"]["type"] == ERRORS + "ResourceNotFound"
    upserted = api.post("entityOperations/upsert", [one, two])
    assert (upserted.status, said(upserted)) == (201, [NORTH])
    assert north(api)["a"]["value"] == 1


# Tenants (5.5.10)


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
def test_only_what_makes_entities_makes_a_tenant(quick: Api, method: str, path: str, body: Any) -> None:
    making = path in {"entities", "entityOperations/create", "entityOperations/upsert"}
    answer = quick.ask(method, path, body, ngsild_tenant="parks")
    if making:
        assert answer.status == 201
    else:
        assert (answer.status, said(answer)["type"]) == (404, ERRORS + "NonexistentTenant")
    assert dict(answer.headers)[b"ngsild-tenant"] == b"parks"
    assert quick.get("entities", "local=true", ngsild_tenant="parks").status == (200 if making else 404)


@pytest.mark.parametrize("name", ["", "a b", "x" * 101, "../etc", "-a", "ä"])
def test_what_cannot_name_a_tenant_is_refused(quick: Api, name: str) -> None:
    refused = quick.post("entities", station("north"), ngsild_tenant=name)
    assert (refused.status, said(refused)["where"]) == (400, "NGSILD-Tenant")


def test_the_same_id_with_another_type_is_there_already(quick: Api) -> None:
    quick.made(station("north"))
    refused = quick.post("entities", {**station("north"), "type": "Other"})
    assert (refused.status, said(refused)["type"]) == (409, ERRORS + "AlreadyExists")
    assert north(quick)["type"] == "WeatherObserved"
    assert quick.post("entities", {**station("north"), "type": "Other"}, ngsild_tenant="parks").status == 201


# Every kind of attribute, in every form

EVERY = {
    "id": "urn:x:every",
    "type": ["T", "U"],
    "scope": ["/a", "/b/c"],
    "plain": value(
        {"x": 1},
        unitCode="CEL",
        observedAt="2026-11-22T12:00:00Z",
        valueType="xsd:double",
        link={
            "type": "Relationship",
            "object": "urn:x:1",
            "said": {"type": "LanguageProperty", "languageMap": {"en": "x"}},
        },
    ),
    "link": {"type": "Relationship", "object": "urn:x:1", "objectType": ["A", "B"]},
    "links": {"type": "Relationship", "object": ["urn:x:1", "urn:x:2"]},
    "location": {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.1, 48.1]}},
    "said": {"type": "LanguageProperty", "languageMap": {"en": "hi", "sk": ["ahoj", "čau"]}},
    "term": {"type": "VocabProperty", "vocab": ["Male", "https://example.org/x"]},
    "list": {"type": "ListProperty", "valueList": [1, [2, 3], {"a": 1}], "unitCode": "CEL"},
    "route": {"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}], "objectType": "A"},
    "blob": {"type": "JsonProperty", "json": [{"a": None, "id": 5, "type": "x"}]},
    "several": [value(1), {"type": "Relationship", "object": "urn:x:2", "datasetId": "urn:d:1"}],
}


def test_what_came_in_goes_out_and_comes_in_again_in_every_form(quick: Api) -> None:
    quick.made(EVERY)
    path = f"entities/{EVERY['id']}"
    assert said(quick.get(path)) == EVERY
    concise = said(quick.get(path, "format=concise"))
    assert quick.put(path, {"type": "T", "gone": 1}).status == 204
    assert quick.put(path, concise).status == 204
    assert said(quick.get(path)) == EVERY
    simplified = said(quick.get(path, "format=simplified"))
    assert quick.patch(path, simplified, "format=simplified").status == 204
    assert said(quick.get(path)) == EVERY, "a merge of what is shown changes nothing"
    assert quick.patch(path, concise).status == 204
    assert said(quick.get(path)) == EVERY
    for name in EVERY.keys() - {"id", "type", "scope", "several"}:
        assert quick.patch(f"{path}/attrs/{name}", EVERY[name]).status == 204, name
        assert quick.put(f"{path}/attrs/{name}", EVERY[name]).status == 204, name
    assert said(quick.get(path)) == EVERY
    for form in (EVERY, concise):
        for verb in ("create", "upsert", "update", "merge"):
            if verb == "create":
                assert quick.delete(path).status == 204
            assert quick.post(f"entityOperations/{verb}", [form]).status in {201, 204}, verb
            assert said(quick.get(path)) == EVERY
    nulls = dict.fromkeys(EVERY.keys() - {"id", "type", "several"}, NULL)
    several = [{"value": NULL}, {"value": NULL, "datasetId": "urn:d:1"}]
    assert quick.patch(path, {**nulls, "several": several}).status == 204
    assert said(quick.get(path)) == {"id": EVERY["id"], "type": ["T", "U"]}
    assert list(quick.city.store.check()) == []
