"""A command to a real device, through the doors of a real city: two people in the command centre, and read back."""

import json
import queue
from types import SimpleNamespace

import pytest
from door_clients import DeviceClient

from served import Served
from signed_in import SignedIn

GATE = {
    "name": "gate",
    "type": "Gate",
    "channels": {"gateState": {"name": "gateState"}},
}
COMMAND = "/ccc/ngsi-ld/v1/entities/"


def enrolled(city: Served, name: str, realm: str) -> str:
    made = city.post("/admin/devices", {"name": name, "profile": GATE, "realm": realm})
    assert made.status_code == 201, made.text
    told = city.post("/collect/claim", {"device": name, "claim": made.json()["claim"]})
    return str(told.json()["secret"])


@pytest.fixture
def city(serve) -> Served:
    return serve()


@pytest.fixture
def people(city):
    """The first administrator, and two of the command centre whom the machine invited."""
    made = [SignedIn(city, "root")]
    for name in ("ada", "bo"):
        told = city.post("/admin/invitations", {"roles": ["command"]})
        assert told.status_code in {200, 201}, told.text
        made.append(SignedIn(SimpleNamespace(link=told.json()["link"]), name))
    yield made[1:]
    for one in made:
        one.close()


def test_in_the_command_centre_one_asks_another_approves_and_the_device_answers(city, people) -> None:
    ada, bo = people
    secret = enrolled(city, "gate-1", "security")
    with DeviceClient(city.mqtt_port, "gate-1", secret) as gate:
        assert gate.is_let_in()
        gate.subscribe()
        gate.say(json.dumps({"gateState": "closed"}))
        asked = {
            "device": "gate-1",
            "payload": {"gate": "open"},
            "reason": "the river falls",
            "expects": {"attribute": "gateState", "value": "open", "within": 60},
        }
        told = ada.page("POST", "/ccc/desk/commands/request", asked)
        assert told.status_code == 200, told.text
        ident = told.json()["id"]

        # Nobody gets round the second person, by whatever door.
        pending = {"type": "Command", "commandDevice": "gate-1", "payload": {"gate": "burst"}, "status": "pending"}
        for forged in (pending, pending | {"requestedBy": "person:ada", "approvedBy": "person:bo"}):
            alone = ada.page("POST", COMMAND[:-1], {"id": "urn:ngsi-ld:Command:alone", **forged})
            assert (alone.status_code, "another approves" in alone.text) == (403, True), alone.text
        assert ada.page("PATCH", f"{COMMAND}{ident}/attrs", {"status": "pending"}).status_code in {207, 403}
        batch = ada.page(
            "POST", "/ccc/ngsi-ld/v1/entityOperations/upsert", [{"id": "urn:ngsi-ld:Command:b", **pending}]
        )
        assert batch.status_code == 400 or "errors" in batch.text or "another approves" in batch.text
        assert city.post(COMMAND[:-1], {"id": "urn:ngsi-ld:Command:machine", **pending}).status_code == 201
        hashed = next(one for one in bo.client.get("/ccc/desk/commands/board").json()["commands"] if one["id"] == ident)
        own = ada.page("POST", "/ccc/desk/commands/approve", {"id": ident, "hash": hashed["hash"]})
        assert (own.status_code, "yourself" in own.text) == (400, True)
        with pytest.raises(queue.Empty):
            gate.heard.get(timeout=0.2)

        done = bo.page("POST", "/ccc/desk/commands/approve", {"id": ident, "hash": hashed["hash"]})
        assert done.status_code == 200, done.text
        assert json.loads(gate.hear().payload) == {"command": ident, "payload": {"gate": "open"}}
        again = bo.page("POST", "/ccc/desk/commands/approve", {"id": ident, "hash": hashed["hash"]})
        assert again.status_code == 409
        gate.say(json.dumps({"gateState": "open"}))

        def result() -> object:
            told = {one["id"]: one for one in bo.client.get("/ccc/desk/commands/board").json()["commands"]}
            return told[ident].get("result") == "confirmed" and told

        board = city.until(result)
        assert board[ident]["status"] == "delivered"
        assert board[ident]["approvedBy"] == "person:bo"
        machine = board["urn:ngsi-ld:Command:machine"]
        assert (machine["status"], machine["result"]) == ("blocked", "withheld"), "not even the machine itself"
        with pytest.raises(queue.Empty):
            gate.heard.get(timeout=0.05)


def test_a_stranger_and_who_is_not_of_the_command_centre_command_nothing(city, people) -> None:
    enrolled(city, "gate-2", "security")
    told = city.post("/admin/invitations", {"roles": ["operator"]})
    operator = SignedIn(SimpleNamespace(link=told.json()["link"]), "otto")
    asked = {"device": "gate-2", "payload": {"gate": "open"}, "reason": "why not"}
    assert operator.page("POST", "/ccc/desk/commands/request", asked).status_code in {403, 404}
    assert operator.client.get("/ccc/desk/commands/board").json().get("commands", []) == []
    operator.close()
