"""Subscribers hear of what has expired as of any other end (4.22, 5.8.6)."""

from living import living, run, wanted
from receiver import Receiver

from hansa.clock import SECOND, Clock, text
from hansa.model.change import Write

ROOM = "urn:ngsi-ld:Room:a"
START = 1_800_000_000 * SECOND


def test_an_attribute_and_then_its_entity_are_told_to_be_gone(tmp_path):
    async def work():
        clock = Clock(START, 0.0)
        async with Receiver() as receiver, living(tmp_path, clock=clock) as life:
            triggers = ["attributeDeleted", "entityDeleted"]
            await life.subs.create(wanted(receiver, notificationTrigger=triggers))
            brief = {"type": "Property", "value": 1, "expiresAt": text(START + SECOND)}
            body = {"id": ROOM, "type": "Room", "temperature": brief, "expiresAt": text(START + 2 * SECOND)}
            await life.city.awrite(Write("create", ROOM, body))
            clock.turn(START + SECOND)
            (one,) = (await receiver.next()).data
            assert (one["id"], "deletedAt" in one) == (ROOM, False)
            assert one["temperature"]["value"] == "urn:ngsi-ld:null"
            clock.turn(START + 2 * SECOND)
            (one,) = (await receiver.next()).data
            assert (one["id"], one["deletedAt"]) == (ROOM, text(START + 2 * SECOND))

    run(work())
