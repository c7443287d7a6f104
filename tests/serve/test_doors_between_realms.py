"""The door between realms of a served city: what an app and a file declare, two people's consent, and kill -9."""

import json
from types import SimpleNamespace

import pytest

from signed_in import SignedIn

SOURCE = """
from hansa import App
app = App("crowds", report="4.1.1", leaves=[%s])
"""
CROWD = {
    "name": "crowd",
    "source": "security",
    "target": "open",
    "type": "CrowdCount",
    "makes": "Crowd",
    "label": "open",
    "attributes": {"people": {"of": "peopleCount", "kind": "number"}},
}
WRONG = CROWD | {"name": "everything", "attributes": {}}


def count(n, people):
    ident = f"urn:ngsi-ld:CrowdCount:{n}"
    return {"id": ident, "type": "CrowdCount", "peopleCount": {"type": "Property", "value": people}}


@pytest.fixture
def two(serve, package):
    """A city with an app and files that declare what leaves, and two administrators."""
    path = package("crowds", SOURCE % f"{CROWD!r}, {WRONG!r}")
    begun = serve(python_path=path)
    ada = SignedIn(begun, "ada")
    invited = begun.post("/admin/invitations", {"name": "ben", "shown": "Ben", "roles": ["administrator"]})
    ben = SignedIn(SimpleNamespace(link=invited.json()["link"]), "ben")
    yield begun, ada, ben
    ada.close()
    ben.close()


def waiting(city):
    return [(one["by"], one["what"]["name"], one["needs"]) for one in city.get("/admin/proposals?state=waiting").json()]


def crowds(city):
    found = city.get("/ngsi-ld/v1/entities?type=Crowd&options=keyValues&limit=1000").json()
    return sorted(one["people"] for one in found)


def test_what_is_declared_waits_for_two_people_and_survives_a_crash(two):
    city, ada, ben = two
    assert waiting(city) == [("app:crowds", "crowd", 2)]  # and what was wrong keeps nobody from running
    (one,) = ada.client.get("/admin/proposals").json()
    assert city.post("/ccc/ngsi-ld/v1/entityOperations/create", [count(n, n) for n in range(20)]).status_code == 201
    assert ada.page("POST", f"/admin/proposals/{one['id']}/approve", {"digest": one["digest"]}).json()["state"] == (
        "waiting"
    )
    assert crowds(city) == []
    again = ada.page("POST", f"/admin/proposals/{one['id']}/approve", {"digest": one["digest"]})
    assert again.status_code == 403
    assert ben.page("POST", f"/admin/proposals/{one['id']}/approve", {"digest": one["digest"]}).json()["state"] == (
        "done"
    )
    city.until(lambda: crowds(city) == list(range(20)))
    # Killed while much is on its way: what was acknowledged comes through, each once.
    for first in range(20, 420, 100):
        many = [count(n, n) for n in range(first, first + 100)]
        assert city.post("/ccc/ngsi-ld/v1/entityOperations/create", many).status_code == 201
    city.kill()
    (city.folder / "derivations").mkdir()
    (city.folder / "derivations" / "a.json").write_text(json.dumps(CROWD | {"name": "by-file"}))
    (city.folder / "derivations" / "b.json").write_text("{")
    city.start()
    city.until(lambda: crowds(city) == list(range(420)))
    assert waiting(city) == [("administrator", "by-file", 2)]
    (shown,) = city.get("/admin/derivations").json()
    assert shown["declared"]["name"] == "crowd"
    deleted = city.post("/ccc/ngsi-ld/v1/entityOperations/delete", [count(n, n)["id"] for n in range(410)])
    assert deleted.status_code == 204
    city.until(lambda: crowds(city) == list(range(410, 420)))
