"""Entities: made, read, merged, replaced, deleted (5.6.1, 5.6.6, 5.6.17, 5.6.18, 5.7.1, 6.5.3.1)."""

import json

import pytest
from conftest_ngsild import Api, header, said, station

NORTH = "urn:ngsi-ld:WeatherObserved:north"
ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"


def test_an_entity_that_is_made_can_be_read_where_it_was_said_to_be(api: Api) -> None:
    made = api.post("entities", station("north"))
    assert made.status == 201
    assert header(made, "location") == f"/ngsi-ld/v1/entities/{NORTH}"
    read = api.get(f"entities/{NORTH}")
    assert read.status == 200
    assert said(read) == station("north")
    assert "ngsi-ld-core-context" in (header(read, "link") or "")


def test_what_is_there_cannot_be_made_again(api: Api) -> None:
    api.made(station("north"))
    again = api.post("entities", station("north", 99.0))
    assert again.status == 409
    assert said(again)["type"] == ERRORS + "AlreadyExists"
    assert said(api.get(f"entities/{NORTH}"))["temperature"]["value"] == 3.1


def test_an_id_with_odd_signs_has_a_location_that_leads_back_to_it(api: Api) -> None:
    ident = "urn:ngsi-ld:Thing:a/b?c#ü%20"
    made = api.post("entities", {"id": ident, "type": "Thing"})
    assert made.status == 201
    place = header(made, "location") or ""
    assert place == "/ngsi-ld/v1/entities/urn:ngsi-ld:Thing:a%2Fb%3Fc%23%C3%BC%2520"
    assert api.get(f"entities/{ident.replace('%', '%25').replace('/', '%2F')}").status == 200


@pytest.mark.parametrize(
    ("body", "kind", "where"),
    [
        (b"", "InvalidRequest", None),
        (b"{", "InvalidRequest", None),
        (b"[]", "BadRequestData", None),
        (b'{"type": "T"}', "BadRequestData", "id"),
        (b'{"id": "north", "type": "T"}', "BadRequestData", "id"),
        (b'{"id": "urn:a:b"}', "BadRequestData", "type"),
        (b'{"id": "urn:a:b", "type": "T", "a": null}', "BadRequestData", "a"),
        (b'{"id": "urn:a:b", "type": "T", "a": {"type": "Property"}}', "BadRequestData", "a"),
        (b'{"id": "urn:a:b", "type": "T", "a": {"type": "Property", "value": NaN}}', "InvalidRequest", None),
        (b'{"id": "urn:a:b", "type": "T", "a": "urn:ngsi-ld:null"}', "BadRequestData", "a"),
    ],
)
def test_what_is_no_entity_is_refused_with_its_place_named(
    quick: Api, body: bytes, kind: str, where: str | None
) -> None:
    refused = quick.ask("POST", "entities", body, content_length="1")
    assert refused.status == 400
    assert said(refused)["type"] == ERRORS + kind
    assert refused.kind == b"application/json"
    assert said(refused)["title"]
    if where is not None:
        assert said(refused)["where"].startswith(where)


def test_who_is_not_there_is_not_found_and_what_is_no_uri_is_bad(quick: Api) -> None:
    missing = quick.get(f"entities/{NORTH}")
    assert missing.status == 404
    assert said(missing)["type"] == ERRORS + "ResourceNotFound"
    bad = quick.get("entities/north")
    assert bad.status == 400
    assert said(bad)["type"] == ERRORS + "BadRequestData"


def test_an_entity_shows_itself_in_the_form_that_is_asked_for(quick: Api) -> None:
    quick.made(station("north", humidity={"type": "Property", "value": 0.7}))
    simple = said(quick.get(f"entities/{NORTH}", {"options": "keyValues"}))
    assert simple == {"id": NORTH, "type": "WeatherObserved", "temperature": 3.1, "humidity": 0.7}
    concise = said(quick.get(f"entities/{NORTH}", {"format": "concise"}))
    assert concise["humidity"] == 0.7
    assert concise["temperature"] == {"value": 3.1, "unitCode": "CEL", "observedAt": "2026-11-22T12:00:00Z"}
    both = said(quick.get(f"entities/{NORTH}", {"format": "normalized", "options": "concise,sysAttrs"}))
    assert both["humidity"]["type"] == "Property"
    assert both["createdAt"] == both["humidity"]["createdAt"] == "2026-11-22T13:00:00Z"
    for odd in ({"format": "fancy"}, {"options": "fancy"}, {"options": "sysAttrs,"}):
        assert said(quick.get(f"entities/{NORTH}", odd))["type"] == ERRORS + "InvalidRequest"


def test_only_what_is_picked_is_shown_and_what_is_omitted_is_not(quick: Api) -> None:
    quick.made(station("north", humidity={"type": "Property", "value": 0.7}))
    path = f"entities/{NORTH}"
    assert set(said(quick.get(path, "attrs=humidity"))) == {"id", "type", "humidity"}
    assert set(said(quick.get(path, "pick=id,humidity"))) == {"id", "humidity"}
    assert set(said(quick.get(path, "omit=humidity,type"))) == {"id", "temperature"}
    assert quick.get(path, "attrs=windSpeed").status == 404
    assert quick.get(path, "attrs=").status == 400
    assert quick.get(path, "pick=humidity&omit=humidity").status == 400


def test_an_entity_of_another_type_than_asked_for_is_not_found(quick: Api) -> None:
    quick.made(station("north"))
    assert quick.get(f"entities/{NORTH}", "type=WeatherObserved").status == 200
    assert quick.get(f"entities/{NORTH}", "type=Device").status == 404
    assert quick.delete(f"entities/{NORTH}", "type=Device").status == 404
    assert quick.get(f"entities/{NORTH}").status == 200


def test_json_ld_carries_its_context_and_json_names_it(quick: Api) -> None:
    quick.made(station("north"))
    ld = quick.get(f"entities/{NORTH}", accept="application/ld+json")
    assert ld.kind == b"application/ld+json"
    assert said(ld)["@context"].startswith("https://uri.etsi.org/")
    assert header(ld, "link") is None
    plain = quick.get(f"entities/{NORTH}", accept="application/json, application/ld+json")
    assert plain.kind == b"application/json"
    assert "@context" not in said(plain)


def test_a_context_in_the_body_gives_the_names_their_iris(quick: Api) -> None:
    words = {"t": "https://example.org/t"}
    body = {"id": NORTH, "type": "W", "t": 1, "@context": words}
    assert quick.post("entities", body, content_type="application/ld+json").status == 201
    assert said(quick.get(f"entities/{NORTH}"))["https://example.org/t"]["value"] == 1


def test_system_attributes_stay_out_of_an_answer_that_did_not_ask_for_them(quick: Api) -> None:
    quick.made(station("north") | {"expiresAt": "2030-01-01T00:00:00Z"})
    assert "expiresAt" not in said(quick.get(f"entities/{NORTH}"))
    assert "expiresAt" not in said(quick.get("entities", "type=WeatherObserved"))[0]
    assert said(quick.get(f"entities/{NORTH}", "options=sysAttrs"))["expiresAt"] == "2030-01-01T00:00:00Z"


# Merge, replace, delete


def test_a_merge_changes_what_it_says_and_leaves_the_rest(api: Api) -> None:
    api.made(station("north", humidity={"type": "Property", "value": 0.7}))
    patch = {"temperature": {"value": 5.5}, "humidity": "urn:ngsi-ld:null", "windSpeed": {"value": 2}}
    merged = api.patch(f"entities/{NORTH}", patch, content_type="application/merge-patch+json")
    assert merged.status == 204, merged.body
    assert said(api.get(f"entities/{NORTH}")) == {
        "id": NORTH,
        "type": "WeatherObserved",
        "temperature": {"type": "Property", "value": 5.5, "unitCode": "CEL", "observedAt": "2026-11-22T12:00:00Z"},
        "windSpeed": {"type": "Property", "value": 2},
    }


def test_a_merge_of_plain_values_keeps_each_attribute_what_it_was(quick: Api) -> None:
    quick.made(
        station("north", refDevice={"type": "Relationship", "object": "urn:ngsi-ld:Device:1"})
        | {"title": {"type": "LanguageProperty", "languageMap": {"en": "north"}}}
    )
    values = {"temperature": 6, "refDevice": "urn:ngsi-ld:Device:2", "title": "sever"}
    said_at = {"options": "keyValues", "lang": "sk", "observedAt": "2026-11-22T12:30:00Z"}
    assert quick.patch(f"entities/{NORTH}", values, said_at).status == 204
    now = said(quick.get(f"entities/{NORTH}"))
    assert now["temperature"] == {
        "type": "Property",
        "value": 6,
        "unitCode": "CEL",
        "observedAt": "2026-11-22T12:30:00Z",
    }
    assert now["refDevice"] == {"type": "Relationship", "object": "urn:ngsi-ld:Device:2"}
    assert now["title"]["languageMap"] == {"en": "north", "sk": "sever"}


def test_a_merge_into_a_sub_attribute_keeps_its_kind_or_replaces_it(quick: Api) -> None:
    inner = {"quality": {"type": "VocabProperty", "vocab": "good"}, "note": {"type": "Property", "value": 1}}
    quick.made(station("north", level={"type": "Property", "value": 1, **inner}))
    path = f"entities/{NORTH}"
    assert quick.patch(path, {"level": {"quality": {"value": 3.5}, "value": 2}}).status == 400
    assert quick.patch(path, {"level": {"quality": {"value": "bad"}, "value": 2}}).status == 400, "a term has no value"
    assert quick.patch(path, {"level": {"quality": {"vocab": "bad"}, "value": 2}}).status == 204
    link = {"type": "Relationship", "object": "urn:a:b"}
    assert quick.patch(path, {"level": {"type": "Property", "note": link}}).status == 204
    assert said(quick.get(path))["level"] == {
        "type": "Property",
        "value": 2,
        "quality": {"type": "VocabProperty", "vocab": "bad"},
        "note": link,
    }


def test_a_merge_that_makes_nonsense_is_refused_and_changes_nothing(api: Api) -> None:
    place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.1, 48.1]}}
    api.made(station("north", location=place))
    for patch in ({"location": {"value": 5}}, {"location": {"value": {"coordinates": "here"}}}, {"id": "urn:a:b"}, {}):
        assert api.patch(f"entities/{NORTH}", patch).status == 400, patch
    assert said(api.get(f"entities/{NORTH}"))["location"] == place
    assert api.patch("entities/urn:a:b", {"a": 1}).status == 404
    assert api.patch(f"entities/{NORTH}", {"a": 1}, "observedAt=yesterday").status == 400
    assert api.patch(f"entities/{NORTH}", {"a": 1}, "options=concise").status == 400


def test_a_replacement_leaves_nothing_of_what_was(api: Api) -> None:
    api.made(station("north", humidity={"type": "Property", "value": 0.7}))
    assert api.put(f"entities/{NORTH}", {"id": NORTH, "type": "WeatherObserved", "windSpeed": 2}).status == 204
    assert said(api.get(f"entities/{NORTH}")) == {
        "id": NORTH,
        "type": "WeatherObserved",
        "windSpeed": {"type": "Property", "value": 2},
    }
    assert api.put("entities/urn:a:b", {"type": "T"}).status == 404
    assert api.put(f"entities/{NORTH}", {"type": "T", "a": "urn:ngsi-ld:null"}).status == 400


def test_a_deleted_entity_is_gone_and_cannot_be_deleted_again(api: Api) -> None:
    api.made(station("north"))
    assert api.delete(f"entities/{NORTH}").status == 204
    assert api.get(f"entities/{NORTH}").status == 404
    assert api.delete(f"entities/{NORTH}").status == 404
    api.made(station("north", 9.0))
    assert said(api.get(f"entities/{NORTH}"))["temperature"]["value"] == 9.0


def test_a_purge_takes_those_that_match_and_no_others(api: Api) -> None:
    api.made(*(station(str(i), float(i)) for i in range(5)))
    assert api.delete("entities").status == 400
    assert api.delete("entities", {"q": "temperature>2"}).status == 204
    left = said(api.get("entities", "type=WeatherObserved"))
    assert sorted(one["temperature"]["value"] for one in left) == [0.0, 1.0, 2.0]


def test_a_fault_of_ours_is_an_internal_error_that_tells_no_secrets(
    quick: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("the path /secret")

    monkeypatch.setattr(type(quick.city.reader), "row", broken)
    failed = quick.get(f"entities/{NORTH}")
    assert failed.status == 500
    assert json.loads(failed.body)["type"] == ERRORS + "InternalError"
    assert b"secret" not in failed.body
