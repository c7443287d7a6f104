"""What all resources share: media types, @context, tenants, methods, lengths, errors.

Clauses 5.5.2, 5.5.3, 5.5.10, 6.3.2 to 6.3.6 and 6.3.14.
"""

import pytest
from conftest_ngsild import NOBODY, Api, header, said, station

NORTH = "urn:ngsi-ld:WeatherObserved:north"
ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"
LD = "application/ld+json"


@pytest.mark.parametrize("kind", ["text/plain", "application/geo+json", "application/merge-patch+json", "json", ""])
def test_a_body_in_another_format_is_a_bare_415(quick: Api, kind: str) -> None:
    refused = quick.post("entities", station("north"), content_type=kind)
    assert (refused.status, refused.body) == (415, b"")


def test_json_with_parameters_and_capitals_is_json(quick: Api) -> None:
    assert quick.post("entities", station("north"), content_type="Application/JSON; charset=utf-8").status == 201


def test_a_body_of_unsaid_length_is_a_bare_411_before_anything_else(quick: Api) -> None:
    for method, path in (("POST", "entities"), ("PATCH", f"entities/{NORTH}/attrs"), ("PUT", f"entities/{NORTH}")):
        refused = quick.ask(method, path, None, ngsild_tenant="nobody-knows")
        assert (refused.status, refused.body) == (411, b"")
    assert quick.delete(f"entities/{NORTH}").status == 404


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("*/*", "application/json"),
        ("application/*", "application/json"),
        ("application/ld+json, application/json", "application/json"),
        ("application/json;q=0.1, application/ld+json", "application/ld+json"),
        ("application/json;q=0, */*", "application/ld+json"),
        ("application/ld+json;q=high", "application/ld+json"),
        ("text/html", None),
        ("application/json;q=0", None),
        ("", None),
    ],
)
def test_the_answer_comes_in_the_first_form_that_is_accepted(quick: Api, accept: str, kind: str | None) -> None:
    quick.made(station("north"))
    for path in (f"entities/{NORTH}", "entities?type", "types", "temporal/entities/" + NORTH):
        name, _, query = path.partition("?")
        answer = quick.get(name, "type=WeatherObserved" if query else "", accept=accept)
        if kind is None:
            assert answer.status == 406
            assert "application/json" in said(answer)["mend"]
        else:
            assert (answer.status, answer.kind.decode()) == (200, kind)
            assert ("@context" in answer.body.decode()) == (kind == LD)


def test_entities_alone_can_be_geojson(quick: Api) -> None:
    quick.made(station("north"))
    geo = "application/geo+json"
    for path in (f"entities/{NORTH}", "entities?type=WeatherObserved"):
        name, _, query = path.partition("?")
        for accept in (geo, f"{geo}, application/ld+json;q=0.1"):
            answer = quick.get(name, query, accept=accept)
            assert (answer.status, answer.kind.decode()) == (200, geo)
        assert quick.get(name, query, accept=f"{geo}, application/json").kind == b"application/json"
    for path in ("types", "attributes", "temporal/entities/" + NORTH):
        assert quick.get(path, accept=geo).status == 406


def test_a_context_is_in_the_body_of_json_ld_and_in_the_header_of_json_and_never_mixed(quick: Api) -> None:
    link = '<https://example.org/c>; rel="http://www.w3.org/ns/json-ld#context"; type="application/ld+json"'
    inside = station("north") | {"@context": {}}
    for body, headers in (
        (inside, {}),
        (station("north"), {"content_type": LD}),
        (inside, {"content_type": LD, "link": link}),
        ([], {"content_type": LD}),
    ):
        refused = quick.post("entities", body, **headers)
        assert refused.status == 400, (body, headers)
    assert quick.post("entities", inside, content_type=LD).status == 201


def test_a_context_that_cannot_be_had_is_named(quick: Api) -> None:
    link = '<https://example.org/c>; rel="http://www.w3.org/ns/json-ld#context"'
    refused = quick.get("entities", "type=T", link=link)
    assert (refused.status, said(refused)["type"]) == (504, ERRORS + "LdContextNotAvailable")
    core = (
        '<https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context-v1.6.jsonld>; rel="http://www.w3.org/ns/json-ld#context"'
    )
    assert quick.get("entities", "type=T", link=core).status == 200
    assert quick.get("entities", "type=T", link="not a link").status == 400


def test_a_verb_that_a_resource_has_not_is_refused_with_those_that_it_has(quick: Api) -> None:
    refused = quick.put("entities", station("north"))
    assert refused.status == 405
    assert header(refused, "allow") == "DELETE, GET, HEAD, OPTIONS, POST"
    assert quick.ask("BREW", "types").status == 405
    options = quick.ask("OPTIONS", f"entities/{NORTH}/attrs")
    assert (options.status, header(options, "allow")) == (204, "OPTIONS, PATCH, POST")


def test_a_resource_that_is_none_is_not_found(quick: Api) -> None:
    for path in ("", "entity", "entities/urn:a:b/attrs/c/d", "temporal", "entityOperations/explode"):
        missing = quick.get(path)
        assert (missing.status, said(missing)["type"]) == (404, ERRORS + "ResourceNotFound"), path


def test_head_is_answered_as_get_is(quick: Api) -> None:
    quick.made(station("north"))
    assert quick.ask("HEAD", f"entities/{NORTH}").status == 200
    assert quick.ask("HEAD", "entities/urn:a:b").status == 404


# Tenants


def test_a_tenant_is_made_by_its_first_entity_and_sees_no_others(api: Api) -> None:
    api.made(station("north"))
    made = api.post("entities", station("north", 20.0), ngsild_tenant="valley")
    assert (made.status, header(made, "ngsild-tenant")) == (201, "valley")
    assert said(api.get(f"entities/{NORTH}", ngsild_tenant="valley"))["temperature"]["value"] == 20.0
    assert said(api.get(f"entities/{NORTH}"))["temperature"]["value"] == 3.1
    found = api.get("entities", "type=WeatherObserved&count=true", ngsild_tenant="valley")
    assert (header(found, "ngsild-results-count"), header(found, "ngsild-tenant")) == ("1", "valley")
    api.delete(f"entities/{NORTH}", ngsild_tenant="valley")
    assert said(api.get("entities", "type=WeatherObserved", ngsild_tenant="valley")) == []
    assert api.get(f"entities/{NORTH}").status == 200
    assert said(api.get("types", ngsild_tenant="valley"))["typeList"] == []


def test_a_tenant_that_nobody_made_does_not_exist_whatever_is_asked_of_it(api: Api) -> None:
    for method, path, body in (
        ("GET", f"entities/{NORTH}", None),
        ("GET", "entities?", None),
        ("GET", "types", None),
        ("GET", f"temporal/entities/{NORTH}", None),
        ("PATCH", f"entities/{NORTH}/attrs", {"a": 1}),
        ("DELETE", f"entities/{NORTH}", None),
        ("POST", "entityOperations/delete", [NORTH]),
        ("POST", "entityOperations/query", {"type": "Query", "q": "a"}),
    ):
        query = "type=T" if path.endswith("?") else ""
        refused = api.ask(method, path.rstrip("?"), body, query, ngsild_tenant="nowhere")
        assert (refused.status, said(refused)["type"]) == (404, ERRORS + "NonexistentTenant"), (method, path)
        assert header(refused, "ngsild-tenant") == "nowhere"
    assert api.post("entities", {"id": "bad"}, ngsild_tenant="nowhere").status == 400
    assert api.get("types", ngsild_tenant="nowhere").status == 404


@pytest.mark.parametrize("tenant", ["~hansa", "", "a b", "a/b", "-a", "x" * 101, "ä"])
def test_a_name_that_no_tenant_may_have_is_refused(quick: Api, tenant: str) -> None:
    for method, path, body in (("GET", f"entities/{NORTH}", None), ("POST", "entities", station("north"))):
        refused = quick.ask(method, path, body, ngsild_tenant=tenant)
        assert (refused.status, said(refused)["type"]) == (400, ERRORS + "BadRequestData")


def test_nobody_gets_401_for_everything(quick: Api) -> None:
    quick.made(station("north"))
    for method, path, body in (
        ("GET", f"entities/{NORTH}", None),
        ("GET", "entities", None),
        ("POST", "entities", station("south")),
        ("DELETE", f"entities/{NORTH}", None),
        ("GET", "subscriptions", None),
        ("OPTIONS", "entities", None),
        ("GET", "nothing/at/all", None),
    ):
        refused = quick.ask(method, path, body, sight=NOBODY)
        assert refused.status == 401
        assert header(refused, "www-authenticate")
        assert b"north" not in refused.body
