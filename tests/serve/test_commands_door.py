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


def test_an_approval_is_not_written_past_the_act_and_what_was_cancelled_stays_so(city, people) -> None:
    ada, bo = people
    secret = enrolled(city, "gate-3", "security")
    with DeviceClient(city.mqtt_port, "gate-3", secret) as gate:
        assert gate.is_let_in()
        gate.say(json.dumps({"gateState": "closed"}))
    asked = {"device": "gate-3", "payload": {"gate": "open"}, "reason": "the river falls"}
    told = ada.page("POST", "/ccc/desk/commands/request", asked)
    assert told.status_code == 200, told.text
    ident = told.json()["id"]
    board = bo.client.get("/ccc/desk/commands/board").json()["commands"]
    hashed = next(one["hash"] for one in board if one["id"] == ident)
    forged = {"status": "pending", "approvedBy": "person:bo", "approvedHash": hashed}
    for said in (forged, {"status": "pending"}, {"approveBy": "2099-01-01T00:00:00Z"}, {"sendWithin": 10**9}):
        assert bo.page("PATCH", f"{COMMAND}{ident}/attrs", said).status_code in {207, 403}, said
    assert bo.page("POST", "/ccc/desk/commands/approve", {"id": ident, "hash": hashed}).status_code == 200
    assert ada.page("POST", "/ccc/desk/commands/cancel", {"id": ident, "reason": "no"}).status_code == 200
    again = {"status": {"type": "Property", "value": "pending", "datasetId": "urn:x:again"}}
    assert ada.page("POST", f"{COMMAND}{ident}/attrs", again).status_code in {207, 403}
    # Not even where the machine itself said it so is it taken for pending.
    assert city.post(f"{COMMAND}{ident}/attrs", again).status_code in {204, 207}
    with DeviceClient(city.mqtt_port, "gate-3", secret) as gate:
        assert gate.is_let_in()
        gate.subscribe()
        with pytest.raises(queue.Empty):
            gate.heard.get(timeout=0.3)


def test_what_acts_weigh_is_not_said_past_them(city, people) -> None:
    told = city.post("/admin/invitations", {"roles": ["operator"]})
    otto = SignedIn(SimpleNamespace(link=told.json()["link"]), "otto")
    enrolled(city, "gate-4", "open")
    lock = {"id": "urn:ngsi-ld:Interlock:l", "type": "Interlock", "devices": ["*"], "enabled": True}
    assert city.post("/ngsi-ld/v1/entities", lock).status_code == 201, "the machine itself may"
    at = "/ngsi-ld/v1/entities"
    for method, path, body in (
        ("POST", at, lock | {"id": "urn:ngsi-ld:Interlock:mine"}),
        ("PATCH", f"{at}/{lock['id']}/attrs", {"enabled": False}),
        ("DELETE", f"{at}/{lock['id']}", None),
        ("DELETE", f"/ngsi-ld/v1/temporal/entities/{lock['id']}", None),
        ("POST", at, {"id": "urn:ngsi-ld:Incident:i", "type": "Incident", "status": "reviewed"}),
        ("POST", at, {"id": "urn:ngsi-ld:Incident:i", "type": ["Note", "Incident"]}),
        ("POST", at, {"id": "urn:x:a", "type": "Alert", "suppressWhen": [{"entity": "urn:x:p", "attribute": "pulse"}]}),
        ("POST", at, {"id": "urn:x:c", "type": "Command", "status": "delivered", "commandDevice": "gate-4"}),
        ("POST", at, {"id": "urn:x:c", "type": "Command", "expects": {"entity": "urn:x:p", "attribute": "pulse"}}),
    ):
        answer = otto.page(method, path, body)
        assert answer.status_code == 403, (method, path, body, answer.text)
    # What is no act's is written as ever; it becomes no alarm of another kind afterwards.
    note = {"id": "urn:x:n", "type": "Note", "suppressWhen": [1]}
    assert otto.page("POST", at, note).status_code == 201
    assert otto.page("POST", f"{at}/urn:x:n/attrs", {"type": "Alert"}).status_code in {207, 403}
    assert (
        otto.page("POST", at, {"id": "urn:x:a", "type": "Alert", "status": "open", "severity": "low"}).status_code
        == 201
    )
    assert otto.page("PATCH", f"{at}/urn:x:a/attrs", {"acknowledgedBy": "person:sue"}).status_code in {207, 403}
    assert otto.page("POST", "/desk/alarms/acknowledge", {"id": "urn:x:a"}).status_code == 200
    otto.close()


def test_a_device_has_no_other_device_act(city) -> None:
    profile = {
        "name": "evil",
        "type": "Command",
        "channels": {n: {"name": n} for n in ("status", "payload", "commandDevice")},
    }
    made = city.post("/admin/devices", {"name": "evil", "profile": profile})
    assert made.status_code == 201, made.text
    claim = {"device": "evil", "claim": made.json()["claim"]}
    secret = city.post("/collect/claim", claim).json()["secret"]
    pump = enrolled(city, "pump", "open")
    with DeviceClient(city.mqtt_port, "pump", pump) as gate, DeviceClient(city.mqtt_port, "evil", secret) as evil:
        assert gate.is_let_in()
        assert evil.is_let_in()
        gate.subscribe()
        evil.say(json.dumps({"status": "pending", "payload": "open", "commandDevice": "pump"}))
        with pytest.raises(queue.Empty):
            gate.heard.get(timeout=0.3)
        assert city.get("/ngsi-ld/v1/entities?type=Command").json() == []


def test_who_is_lent_the_command_centre_by_breaking_glass_asks_and_does_not_approve(city) -> None:
    zoe = SignedIn(city, "zoe")
    secret = enrolled(city, "gate-4", "security")
    with DeviceClient(city.mqtt_port, "gate-4", secret) as gate:
        assert gate.is_let_in()
        gate.say(json.dumps({"gateState": "closed"}))
    everybody = [zoe]
    for name, role in (("ada", "command"), ("bo", "command"), ("yan", "administrator")):
        made = city.post("/admin/invitations", {"name": name, "shown": name, "roles": [role]})
        everybody.append(SignedIn(SimpleNamespace(link=made.json()["link"]), name))
    _, ada, bo, yan = everybody
    glass = zoe.page("POST", "/admin/break-glass", {"roles": ["command"], "minutes": 5, "reason": "the river rises"})
    assert glass.status_code == 201, glass.text
    waits = glass.json()
    agreed = yan.page("POST", f"/admin/proposals/{waits['proposal']}/approve", {"digest": waits["digest"]})
    assert agreed.json()["state"] == "done", agreed.text
    asked = {"device": "gate-4", "payload": {"gate": "open"}, "reason": "the river falls"}
    told = ada.page("POST", "/ccc/desk/commands/request", asked)
    assert told.status_code == 200, told.text
    ident = told.json()["id"]
    seen = {one["id"]: one for one in zoe.client.get("/ccc/desk/commands/board").json()["commands"]}
    approval = {"id": ident, "hash": seen[ident]["hash"]}
    refused = zoe.page("POST", "/ccc/desk/commands/approve", approval)
    assert refused.status_code == 403, refused.text
    board = {one["id"]: one for one in bo.client.get("/ccc/desk/commands/board").json()["commands"]}
    assert board[ident]["status"] == "requested"
    assert zoe.page("POST", "/ccc/desk/commands/request", asked | {"reason": "mine"}).status_code == 200
    assert bo.page("POST", "/ccc/desk/commands/approve", approval).status_code == 200, "whose right it is may"
    for one in everybody:
        one.close()
