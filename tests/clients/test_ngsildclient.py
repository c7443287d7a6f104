"""ngsildclient, a client of the FIWARE world: entities, batches, subscriptions, also in a tenant."""

from typing import Any

import pytest
from foreign import says

SCRIPT = """
import json, sys
from ngsildclient import Client, Entity
from ngsildclient.api.exceptions import NgsiAlreadyExistsError

said = {}
with Client(hostname="127.0.0.1", port=int(sys.argv[1]), tenant=sys.argv[2] or None) as client:
    room = Entity("Room", "kitchen").prop("temperature", 21.3, unitcode="CEL").gprop("location", (48.1, 17.1))
    said["created"] = bool(client.create(room))
    try:
        client.create(room)
    except NgsiAlreadyExistsError:
        said["refused"] = True
    hall = Entity("Room", "hall").prop("temperature", 12.0, unitcode="CEL")
    said["upserted"] = bool(client.upsert(hall))
    got = client.get("urn:ngsi-ld:Room:kitchen")
    said["got"] = json.loads(got.to_json())
    said["warm"] = [one.id for one in client.query(type="Room", q="temperature>20")]
    said["count"] = client.count(type="Room")
    said["types"] = client.types.list()
    got["temperature"]["value"] = 22.5
    said["updated"] = bool(client.update(got))
    said["after"] = client.get("urn:ngsi-ld:Room:kitchen")["temperature"]["value"]
    said["deleted"] = bool(client.delete(got))
    said["there"] = client.exists("urn:ngsi-ld:Room:kitchen")
    said["other"] = client.exists("urn:ngsi-ld:Room:hall")

    # Batches
    many = [Entity("Desk", str(i)).prop("height", i) for i in range(250)]
    said["batch"] = [client.create(*many).n_ok, client.create(*many).n_err]
    raised = [Entity("Desk", str(i)).prop("height", 1000) for i in range(3)]
    said["upserts"] = client.upsert(*raised).n_ok
    said["updates"] = client.update(*raised).n_ok
    said["high"] = sorted(one.id for one in client.query(type="Desk", q="height==1000"))
    said["all"] = len(client.query(type="Desk"))
    said["gone"] = client.delete(*many).n_ok
    said["left"] = client.count(type="Desk")

    # Subscriptions
    ident = client.subscriptions.create({
        "@context": "https://uri.etsi.org/ngsi-ld/v1/ngsi-ld-core-context.jsonld",
        "type": "Subscription", "description": "warm rooms", "entities": [{"type": "Room"}], "q": "temperature>30",
        "notification": {"endpoint": {"uri": "http://told.example.org/told", "accept": "application/json"}}})
    said["subscribed"] = client.subscriptions.exists(ident)
    said["kept"] = client.subscriptions.get(ident)
    said["listed"] = [one["id"] for one in client.subscriptions.list()] == [ident]
    said["ended"] = client.subscriptions.delete("warm")
    said["still"] = client.subscriptions.list()
print("SAID", json.dumps(said))
"""


@pytest.mark.parametrize("tenant", ["", "harbour"])
def test_ngsildclient_creates_queries_updates_and_deletes(city: Any, tenant: str) -> None:
    said = says("clients", SCRIPT, city.url.rsplit(":", 1)[1], tenant)
    assert said["created"]
    assert said["refused"], "what is there cannot be created"
    assert said["upserted"]
    assert said["got"]["temperature"]["value"] == 21.3
    assert said["got"]["location"]["value"]["coordinates"] == [17.1, 48.1]
    assert said["warm"] == ["urn:ngsi-ld:Room:kitchen"]
    assert said["count"] == 2
    assert said["types"] == ["Room"]
    assert said["updated"]
    assert said["after"] == 22.5
    assert said["deleted"]
    assert not said["there"]
    assert said["other"], "its neighbour stayed"

    assert said["batch"] == [250, 250]
    assert said["upserts"] == 3
    assert said["updates"] == 3
    assert said["high"] == [f"urn:ngsi-ld:Desk:{i}" for i in range(3)]
    assert said["all"] == 250
    assert said["gone"] == 250
    assert said["left"] == 0

    assert said["subscribed"]
    assert said["kept"]["q"] == "temperature>30"
    assert said["listed"]
    assert said["ended"]
    assert said["still"] == []
