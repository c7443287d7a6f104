"""Many at once (5.6.7 to 5.6.10, 5.6.20, 5.2.16, 5.2.17): one by one in their order, and told apart in the answer."""

import pytest
from conftest_ngsild import Api, opened, said, small, station

LD = {"content_type": "application/ld+json"}
ERRORS = "https://uri.etsi.org/ngsi-ld/errors/"


def ident(key: str) -> str:
    return f"urn:ngsi-ld:WeatherObserved:{key}"


def failed(response: object) -> dict[str, str]:
    return {one.get("entityId"): one["error"]["type"].rsplit("/", 1)[1] for one in said(response)["errors"]}  # type: ignore[arg-type]


def test_a_batch_of_new_entities_is_made(api: Api) -> None:
    made = api.post("entityOperations/create", [station("a"), station("b")])
    assert (made.status, said(made)) == (201, [ident("a"), ident("b")])
    assert api.get(f"entities/{ident('b')}").status == 200


def test_one_bad_entity_spoils_no_other(api: Api) -> None:
    api.made(station("there"))
    news = [station("a"), station("there"), {"id": ident("bad")}, 5, station("a")]
    mixed = api.post("entityOperations/create", news)
    assert mixed.status == 207
    assert said(mixed)["success"] == [ident("a")]
    assert sorted(map(str, failed(mixed))) == sorted(["None", ident("a"), ident("bad"), ident("there")])
    assert failed(mixed)[ident("there")] == "AlreadyExists"
    assert failed(mixed)[ident("bad")] == "BadRequestData"


def test_an_upsert_tells_whom_it_made_and_replaces_or_updates_the_rest(api: Api) -> None:
    api.made(station("old", humidity={"type": "Property", "value": 0.7}))
    mixed = api.post("entityOperations/upsert", [station("old", 5.0), station("new")])
    assert (mixed.status, said(mixed)) == (201, [ident("new")])
    assert "humidity" not in said(api.get(f"entities/{ident('old')}"))
    again = api.post(
        "entityOperations/upsert", [{"id": ident("old"), "type": "WeatherObserved", "a": 1}], "options=update"
    )
    assert (again.status, again.body) == (204, b"")
    assert said(api.get(f"entities/{ident('old')}"))["temperature"]["value"] == 5.0
    assert api.post("entityOperations/upsert", [station("x")], "options=merge").status == 400


def test_a_batch_update_appends_and_leaves_what_is_there_if_told_so(api: Api) -> None:
    api.made(station("a"))
    kind = {"type": "WeatherObserved"}
    news = [{"id": ident("a"), **kind, "temperature": {"value": 9}, "b": 1}, {"id": ident("nobody"), **kind, "b": 1}]
    careful = api.post("entityOperations/update", news, "options=noOverwrite")
    assert careful.status == 207
    assert failed(careful) == {ident("a"): "BadRequestData", ident("nobody"): "ResourceNotFound"}
    assert said(api.get(f"entities/{ident('a')}"))["temperature"]["value"] == 3.1
    assert said(api.get(f"entities/{ident('a')}"))["b"]["value"] == 1
    assert api.post("entityOperations/update", news[:1]).status == 204
    assert said(api.get(f"entities/{ident('a')}"))["temperature"]["value"] == 9


def test_a_batch_merge_goes_down_into_attributes(api: Api) -> None:
    api.made(station("a"))
    fragment = {"id": ident("a"), "type": "WeatherObserved", "temperature": {"value": 9}}
    assert api.post("entityOperations/merge", [fragment]).status == 204
    merged = said(api.get(f"entities/{ident('a')}"))["temperature"]
    assert (merged["value"], merged["unitCode"]) == (9, "CEL")
    assert api.post("entityOperations/merge", [{"temperature": {"value": 9}}]).status == 207


def test_a_batch_delete_tells_whom_it_did_not_find(api: Api) -> None:
    api.made(station("a"), station("b"))
    mixed = api.post("entityOperations/delete", [ident("a"), ident("nobody"), "nonsense", 5])
    assert mixed.status == 207
    assert said(mixed)["success"] == [ident("a")]
    assert failed(mixed)[ident("nobody")] == "ResourceNotFound"
    assert failed(mixed)["nonsense"] == "BadRequestData"
    assert api.post("entityOperations/delete", [ident("b")]).status == 204


@pytest.mark.parametrize("verb", ["create", "upsert", "update", "merge", "delete"])
@pytest.mark.parametrize("body", [{}, [], 5, [None], [station("a"), None], None])
def test_what_is_no_batch_is_refused_whole(quick: Api, verb: str, body: object) -> None:
    refused = quick.ask("POST", f"entityOperations/{verb}", body if body is not None else b"nonsense")
    assert refused.status == 400
    assert quick.get(f"entities/{ident('a')}").status == 404


def test_each_entity_of_a_json_ld_batch_has_its_own_words(quick: Api) -> None:
    one = {"id": "urn:a:1", "type": "T", "x": 1, "@context": {"x": "https://example.org/one"}}
    two = {"id": "urn:a:2", "type": "T", "x": 1, "@context": {"x": "https://example.org/two"}}
    bare = {"id": "urn:a:3", "type": "T", "x": 1}
    far = {"id": "urn:a:4", "type": "T", "x": 1, "@context": "https://example.org/away"}
    mixed = quick.post("entityOperations/create", [one, two, bare, far], **LD)
    assert mixed.status == 207
    assert said(mixed)["success"] == ["urn:a:1", "urn:a:2"]
    assert failed(mixed) == {"urn:a:3": "BadRequestData", "urn:a:4": "LdContextNotAvailable"}
    assert "https://example.org/two" in said(quick.get("entities/urn:a:2"))
    plain = quick.post("entityOperations/create", [one])
    assert plain.status == 207
    assert failed(plain) == {"urn:a:1": "BadRequestData"}


def test_a_batch_beyond_the_cap_is_too_large(tmp_path: object) -> None:
    for api in opened(tmp_path, direct=True, limits=small(batch=2)):  # type: ignore[arg-type]
        assert api.post("entityOperations/create", [station("a"), station("b")]).status == 201
        assert api.post("entityOperations/create", [station(k) for k in "cde"]).status == 413
