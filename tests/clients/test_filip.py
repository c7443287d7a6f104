"""filip, FIWARE's Python library: what its NGSI-LD client can do, it can do with hansa, also in a tenant."""

from typing import Any

import pytest
from foreign import says

SCRIPT = """
import json, sys, warnings
import requests
from filip.clients.ngsi_ld.cb import ContextBrokerLDClient
from filip.models.base import FiwareLDHeader
from filip.models.ngsi_ld.context import (
    ActionTypeLD, ContextGeoProperty, ContextLDEntity, ContextProperty, ContextRelationship, NamedContextProperty,
)
from filip.models.ngsi_ld.subscriptions import Endpoint, EntityInfo, NotificationParams, SubscriptionLD

url, tenant = sys.argv[1], sys.argv[2]
header = FiwareLDHeader(ngsild_tenant=tenant) if tenant else FiwareLDHeader()
client = ContextBrokerLDClient(url=url, fiware_header=header)
said = {}

def room(key, celsius):
    one = ContextLDEntity(id=f"urn:ngsi-ld:Room:{key}", type="Room")
    one.add_properties({"temperature": ContextProperty(value=celsius, unitCode="CEL")})
    return one

def refused(work):
    try:
        work()
    except (requests.RequestException, RuntimeError) as fault:
        answer = getattr(fault, "response", None)
        return answer.status_code if answer is not None else str(fault)
    return None

# Entities
kitchen = room("kitchen", 21.3)
kitchen.add_relationships({"inside": ContextRelationship(object="urn:ngsi-ld:House:1")})
kitchen.add_geo_properties({"location": ContextGeoProperty(value={"type": "Point", "coordinates": [17.1, 48.1]})})
said["place"] = client.post_entity(kitchen)
said["again"] = refused(lambda: client.post_entity(kitchen))
got = client.get_entity(kitchen.id)
said["got"] = got.model_dump(exclude_none=True)
said["short"] = client.get_entity(kitchen.id, options="keyValues").model_dump(exclude_none=True)
said["stamped"] = client.get_entity(kitchen.id, options="sysAttrs").createdAt
said["gone"] = refused(lambda: client.get_entity("urn:ngsi-ld:Room:nowhere"))

# Attributes
client.update_entity_attribute(kitchen.id, ContextProperty(value=22.5), attr_name="temperature")
said["updated"] = client.get_entity(kitchen.id).model_dump()["temperature"]
more = ContextLDEntity(id=kitchen.id, type="Room")
more.add_properties({"humidity": ContextProperty(value=0.4)})
client.append_entity_attributes(more)
other = ContextLDEntity(id=kitchen.id, type="Room")
other.add_properties({"temperature": ContextProperty(value=1.0)})
client.replace_existing_attributes_of_entity(other)
said["replaced"] = client.get_entity(kitchen.id).model_dump()["temperature"]["value"]
client.delete_attribute(kitchen.id, "humidity")
said["attributes"] = sorted(client.get_entity(kitchen.id).model_dump(exclude_none=True))
said["no attribute"] = refused(lambda: client.delete_attribute(kitchen.id, "humidity"))
client.post_entity(room("kitchen", 21.3), append=True)
said["appended"] = client.get_entity(kitchen.id).model_dump()["temperature"]["value"]

# Batches
many = [room(str(i), i) for i in range(25)]
client.entity_batch_operation(entities=many, action_type=ActionTypeLD.CREATE)
said["created twice"] = refused(lambda: client.entity_batch_operation(entities=many, action_type=ActionTypeLD.CREATE))
client.entity_batch_operation(entities=[room("3", 33)], action_type=ActionTypeLD.UPSERT)
client.entity_batch_operation(entities=[room("4", 44)], action_type=ActionTypeLD.UPDATE)

# Queries: more than one page, and all that the client can ask
small = ContextBrokerLDClient(url=url, fiware_header=header, create_tenant=False, pagination_limit=10)
said["all"] = len(small.get_entity_list(entity_type="Room"))
said["warm"] = [one.id for one in client.get_entity_list(entity_type="Room", q="temperature>=30")]
said["by id"] = [one.id for one in client.get_entity_list(entity_id="urn:ngsi-ld:Room:7", entity_type="Room")]
said["like"] = len(client.get_entity_list(entity_type="Room", id_pattern="^urn:ngsi-ld:Room:1[0-9]$"))
said["near"] = [one.id for one in client.get_entity_list(
    entity_type="Room", georel="near;maxDistance==2000", geometry="Point", coordinates="[17.1,48.1]")]
said["shown"] = client.get_entity_list(entity_type="Room", attrs=["location"], options="keyValues")[0].model_dump(
    exclude_none=True)
said["too wide"] = refused(lambda: client.get_entity_list())

# Subscriptions
wanted = SubscriptionLD(
    subscriptionName="warm rooms",
    entities=[EntityInfo(type="Room")],
    watchedAttributes=["temperature"],
    q="temperature>30",
    notification=NotificationParams(
        attributes=["temperature"], format="keyValues",
        endpoint=Endpoint(uri="http://told.example.org/told", accept="application/json")),
)
ident = client.post_subscription(wanted)
kept = client.get_subscription(ident)
said["subscribed"] = [kept.id == ident, kept.q, kept.watchedAttributes, str(kept.notification.endpoint.uri)]
kept.q = "temperature>40"
client.update_subscription(SubscriptionLD(id=ident, **kept.model_dump(exclude_none=True, include={
    "type", "entities", "q", "notification"})))
said["changed"] = client.get_subscription(ident).q
said["listed"] = [one.id == ident for one in client.get_subscription_list()]
client.delete_subscription(ident)
said["ended"] = refused(lambda: client.get_subscription(ident))

# The end
client.entity_batch_operation(entities=many, action_type=ActionTypeLD.DELETE)
client.delete_entity_by_id(kitchen.id, entity_type="Room")
said["left"] = len(client.get_entity_list(entity_type="Room"))
said["deleted twice"] = refused(lambda: client.delete_entity_by_id(kitchen.id))
client.post_entity(room("stays", 9))
print("SAID", json.dumps(said))
"""


@pytest.mark.parametrize("tenant", ["", "harbour"])
def test_filip_does_all_that_its_client_can(city: Any, tenant: str) -> None:
    said = says("filip", SCRIPT, city.url, tenant)
    assert said["place"].endswith("/ngsi-ld/v1/entities/urn:ngsi-ld:Room:kitchen")
    assert said["again"] == 409
    assert said["got"]["temperature"]["value"] == 21.3
    assert said["got"]["temperature"]["unitCode"] == "CEL"
    assert said["got"]["inside"]["object"] == "urn:ngsi-ld:House:1"
    assert said["got"]["location"]["value"]["coordinates"] == [17.1, 48.1]
    assert said["short"]["temperature"] == 21.3
    assert said["stamped"].startswith("20")
    assert said["gone"] == 404

    assert said["updated"]["value"] == 22.5
    assert said["updated"]["unitCode"] == "CEL", "what is not said stays"
    assert said["replaced"] == 1.0
    assert {"id", "inside", "location", "temperature", "type"} <= set(said["attributes"])
    assert "humidity" not in said["attributes"]
    assert said["no attribute"] == 404
    assert said["appended"] == 21.3

    assert "errors only" in said["created twice"]
    assert said["all"] == 26
    assert sorted(said["warm"]) == ["urn:ngsi-ld:Room:3", "urn:ngsi-ld:Room:4"]
    assert said["by id"] == ["urn:ngsi-ld:Room:7"]
    assert said["like"] == 10
    assert said["near"] == ["urn:ngsi-ld:Room:kitchen"]
    assert said["shown"]["location"]["coordinates"] == [17.1, 48.1]
    assert said["too wide"] == 400

    warm = [True, "temperature>30", ["temperature"], "http://told.example.org/told"]
    assert said["subscribed"] == warm
    assert said["changed"] == "temperature>40"
    assert said["listed"] == [True]
    assert said["ended"] == 404

    assert said["left"] == 0
    assert said["deleted twice"] == 404


def test_what_filip_says_in_a_tenant_is_in_no_other(city: Any) -> None:
    says("filip", SCRIPT, city.url, "mill")
    kept = "/ngsi-ld/v1/entities/urn:ngsi-ld:Room:stays"
    assert city.get(kept, headers={"NGSILD-Tenant": "mill"}).status_code == 200
    assert city.get(kept, headers={"NGSILD-Tenant": "nobody"}).status_code == 404
