"""The audit log for people who signed in: what was seen of one, who may search it, and nothing of others."""

import json

import pytest
from seen import until

from signed_in import SignedIn

METER, OTHER = "urn:ngsi-ld:WaterMeter:bo", "urn:ngsi-ld:WaterMeter:cy"
PEOPLE = {"bo": (["resident"], []), "mia": (["member"], ["water"]), "eva": (["auditor"], [])}
ROWS = ".audit-table tbody tr"


@pytest.fixture(scope="module")
def people(city):
    """Bo, whose meter it is; Mia, who reads meters for the water department; Eva, who audits."""
    found = {"ada": SignedIn(city, "ada")}
    for name, (roles, departments) in PEOPLE.items():
        said = {"name": name, "shown": name.title(), "roles": roles, "departments": departments}
        told = city.post("/admin/invitations", said)
        assert told.status_code == 201, told.text
        found[name] = SignedIn(type("Door", (), {"link": told.json()["link"]}), name)
    writes = [
        {
            "kind": "upsert",
            "id": ident,
            "doc": {"id": ident, "type": "WaterMeter", "volume": {"type": "Property", "value": 7}},
            "label": f"personal;owner=water;purposes=billing;subject=person:{whose}",
        }
        for ident, whose in ((METER, "bo"), (OTHER, "cy"))
    ]
    assert city.post("/admin/import", writes).json()["taken"] == 2
    for _ in range(3):
        seen = found["mia"].client.get(
            "/ngsi-ld/v1/entities?type=WaterMeter", headers={"hansa-purpose": "billing", "accept": "application/json"}
        )
        assert {one["id"] for one in seen.json()} == {METER, OTHER}
    yield found
    for one in found.values():
        one.close()


@pytest.fixture
def seat(browse, people):
    """A browser in which one of them is signed in."""

    def sit(name, path):
        cookies = [
            {"name": one.name, "value": one.value, "domain": "127.0.0.1", "path": "/", "expires": -1,
             "httpOnly": True, "secure": False, "sameSite": "Lax"}
            for one in people[name].client.cookies.jar
        ]  # fmt: skip
        return browse(path, storage_state={"cookies": cookies, "origins": []})

    return sit


def test_a_resident_sees_who_saw_what_of_him_and_why_and_nobody_elses(seat):
    page = seat("bo", "/audit")
    until(page, "saw personal data", ROWS)
    until(page, "person:mia", ROWS)
    until(page, "for billing", ROWS)
    assert page.locator(ROWS, has_text="saw personal data").count() == 1, "three looks within a minute are one"
    assert OTHER not in page.content()
    assert "cy" not in page.inner_text("#list")
    assert page.is_hidden("#whose")
    assert page.is_hidden("[name=entity]")
    page.locator(ROWS, has_text="saw personal data").locator("button").click()
    page.click("#prove")
    until(page, "is in the signed head of", "#one .audit-proven")


def test_a_resident_and_a_member_cannot_search_the_log(people):
    for name in ("bo", "mia"):
        client = people[name].client
        assert client.get("/audit/entries").status_code == 404
        assert client.get("/audit/entries?about=person:cy").status_code == 404
        assert client.get("/audit/entries/0").status_code == 404
        assert client.get("/audit/head").status_code == 404
    told = people["bo"].client.get("/audit/entries?about=me").json()
    kinds = [one["entry"]["kind"] for one in told["entries"]]
    assert {"read-personal", "login"} <= set(kinds)
    assert "cy" not in json.dumps(told)


def test_the_auditor_finds_the_read_and_that_is_noted_too(seat, people):
    page = seat("eva", "/audit?about=person%3Abo&kind=read-personal")
    until(page, "1 entry", "#sum")
    until(page, METER, ROWS)
    page = seat("eva", "/audit?actor=person%3Aeva&kind=audit-read")
    until(page, "read this log", ROWS)
    told = people["bo"].client.get("/audit/entries?about=me").json()["entries"]
    assert ("person:eva", "audit-read") in [(one["entry"]["actor"], one["entry"]["kind"]) for one in told]
