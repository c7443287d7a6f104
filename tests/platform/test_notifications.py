"""What stands in a notification (5.3.1, 5.8.6, 6.3.8): forms, @contexts, GeoJSON, what went, what is linked."""

import asyncio

import pytest
from living import Life, living, run, wanted
from receiver import Receiver

from hansa.clock import SECOND, Clock
from hansa.errors import BadRequest
from hansa.model.change import Write
from hansa.model.context import CORE, Context
from hansa.model.core_context import TERMS
from hansa.model.entity import entity
from hansa.model.terms import Terms
from hansa.model.wire_in import attribute_in

NULL = "urn:ngsi-ld:null"
ROOM = "urn:ngsi-ld:Room:a"
TEMP = "https://own.example/temperature"
LISTED = Context(Terms({"temp": TEMP}), ["https://own.example/c"])
WHOLE = Context(Terms({"temp": TEMP, **TERMS}), ["https://own.example/c"])  # its document names the core
INLINE = Context(Terms({"temp": TEMP}), [{"temp": TEMP}])


def prop(value, **more):
    return {"type": "Property", "value": value, **more}


async def made(life, **said):
    await life.city.awrite(Write("create", ROOM, {"id": ROOM, "type": "Room", **said}))


async def lost(life, name, dataset="@all"):
    await life.city.awrite(Write("delete_attr", ROOM, name=name, dataset=dataset))


@pytest.mark.parametrize(
    ("context", "accept", "name", "link", "inside"),
    [
        (CORE, "application/json", TEMP, "ngsi-ld-core-context", None),
        (LISTED, "application/json", "temp", "<https://own.example/c>", None),
        (INLINE, "application/json", TEMP, "ngsi-ld-core-context", None),
        (LISTED, "application/ld+json", "temp", None, ["https://own.example/c", CORE.url]),
        (INLINE, "application/ld+json", "temp", None, [{"temp": TEMP}, CORE.url]),
        (WHOLE, "application/ld+json", "temp", None, "https://own.example/c"),
    ],
)
def test_a_notification_names_the_context_of_its_words(tmp_path, context, accept, name, link, inside):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            ident = await life.subs.create(wanted(receiver, endpoint={"accept": accept}), "", context)
            await life.room(**{TEMP: 1})
            got = await receiver.next()
            assert got.headers["content-type"] == accept
            assert (link in got.headers["link"]) if link else "link" not in got.headers
            (one,) = got.data
            assert one[name] == prop(1)
            assert one.get("@context") == inside
            assert got.json.get("@context") == inside
            assert life.subs.get(ident).get("jsonldContext") == context.url

    run(work())


@pytest.mark.parametrize("prefer", [None, "body=json", "body=ld+json"])
def test_geojson_is_a_collection_with_its_context_where_the_receiver_prefers_it(tmp_path, prefer):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            endpoint = {"accept": "application/geo+json"}
            if prefer:
                endpoint["receiverInfo"] = [{"key": "Prefer", "value": prefer}]
            await life.subs.create(wanted(receiver, endpoint=endpoint, notification={"pick": ["temperature"]}))
            place = {"type": "Point", "coordinates": [17.1, 48.1]}
            await life.room(temperature=1, location=place)
            got = await receiver.next()
            assert got.headers["content-type"] == "application/geo+json"
            data = got.json["data"]
            assert data["type"] == "FeatureCollection"
            feature = {"id": ROOM, "type": "Feature", "geometry": place, "properties": {"temperature": prop(1)}}
            assert data["features"] == [feature]
            assert ("@context" in data) is (prefer != "body=json")
            assert ("link" in got.headers) is (prefer == "body=json")
            assert got.headers.get("prefer") == prefer

    run(work())


TAKEN = {
    "normalized": {
        "p": prop(NULL),
        "r": {"type": "Relationship", "object": NULL},
        "l": {"type": "LanguageProperty", "languageMap": {"@none": NULL}},
        "j": {"type": "JsonProperty", "json": NULL},
        "v": {"type": "ListProperty", "valueList": [NULL]},
        "o": {"type": "ListRelationship", "objectList": [NULL]},
    },
    "concise": dict.fromkeys("prljvo", NULL),
    "simplified": dict.fromkeys("prljvo", NULL),
}
KINDS = {
    "p": prop(1, unitCode="CEL"),
    "r": {"type": "Relationship", "object": "urn:x:1"},
    "l": {"type": "LanguageProperty", "languageMap": {"de": "rot"}},
    "j": {"type": "JsonProperty", "json": {"a": None}},
    "v": {"type": "ListProperty", "valueList": [1, 2]},
    "o": {"type": "ListRelationship", "objectList": [{"object": "urn:x:1"}]},
}


@pytest.mark.parametrize("form", ["normalized", "concise", "simplified"])
def test_an_attribute_that_went_is_null_and_nothing_more(tmp_path, form):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            await made(life, keep=prop(1), **KINDS)
            said = {"notificationTrigger": ["attributeDeleted"], "notification": {"format": form}}
            await life.subs.create(wanted(receiver, **said))
            for name in KINDS:
                await lost(life, name)
                (one,) = (await receiver.next()).data
                assert one[name] == TAKEN[form][name]
            assert set(one) == {"id", "type", "keep", name}

    run(work())


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({}, {"type": "ListRelationship", "objectList": [NULL]}),
        ({"format": "concise"}, {"objectList": [NULL]}),
        ({"join": "inline"}, {"type": "ListRelationship", "objectList": [NULL]}),
    ],
)
def test_a_list_of_relationships_that_went_is_the_null_that_takes_one_away(tmp_path, said, expected):
    """4.5.22.2: `[null]`, in every form; what hansa says of it, hansa itself reads back."""

    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            await made(life, keep=prop(1), o=[KINDS["o"], {**KINDS["o"], "datasetId": "urn:d:2"}])
            notification = {**said, "sysAttrs": True, "showChanges": True}
            await life.subs.create(
                wanted(receiver, notificationTrigger=["attributeDeleted"], notification=notification)
            )
            await lost(life, "o")
            gone = (await receiver.next()).data[0]["o"]
            for one, dataset in zip(gone, (None, "urn:d:2"), strict=True):
                assert one.pop("deletedAt")
                assert one.pop("previousObjectList") == KINDS["o"]["objectList"]
                assert one.pop("datasetId", None) == dataset
                assert one == expected
                assert attribute_in(one, CORE, "o", mode="update") == NULL

    run(work())


def test_an_older_reader_is_told_of_a_list_that_went_in_the_words_of_his_version(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            await made(life, keep=prop(1), o=KINDS["o"])
            await life.subs.create(wanted(receiver, notificationTrigger=["attributeDeleted"], ngsildConformance="1.7"))
            await lost(life, "o")
            assert (await receiver.next()).data[0]["o"] == {"type": "Relationship", "object": [NULL]}

    run(work())


def test_more_is_said_of_what_went_where_more_is_asked_for(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            several = [prop(1), prop(2, datasetId="urn:d:2"), prop(3, datasetId="urn:d:3")]
            await made(life, a=several, b=several, c=several, l=KINDS["l"])
            said = {"notificationTrigger": ["attributeDeleted"]}
            await life.subs.create(wanted(receiver, **said))
            await lost(life, "a", "urn:d:2")
            (one,) = (await receiver.next()).data
            assert one["a"] == [prop(1), prop(3, datasetId="urn:d:3"), prop(NULL, datasetId="urn:d:2")]
            await lost(life, "a")
            assert (await receiver.next()).data[0]["a"] == prop(NULL)
            await life.subs.update(life.subs.list()[0]["id"], {"notification": {
                **wanted(receiver)["notification"], "showChanges": True, "sysAttrs": True,
            }})  # fmt: skip
            await lost(life, "b")
            nulls = (await receiver.next()).data[0]["b"]
            assert [(one["value"], one["previousValue"], one.get("datasetId")) for one in nulls] == [
                (NULL, 1, None),
                (NULL, 2, "urn:d:2"),
                (NULL, 3, "urn:d:3"),
            ]
            assert all("deletedAt" in one for one in nulls)
            await lost(life, "l")
            gone = (await receiver.next()).data[0]["l"]
            assert gone["languageMap"] == {"@none": NULL}
            assert gone["previousLanguageMap"] == {"de": "rot"}

    run(work())


@pytest.mark.parametrize(
    ("triggers", "watched", "notification", "expected"),
    [
        (["entityDeleted"], None, {}, {"id", "type", "deletedAt"}),
        (["entityDeleted"], None, {"sysAttrs": True}, {"id", "type", "deletedAt", "createdAt", "modifiedAt"}),
        (["entityDeleted"], None, {"showChanges": True}, {"id", "type", "deletedAt", *KINDS}),
        (["entityDeleted"], None, {"showChanges": True, "omit": ["p"]}, {"id", "type", "deletedAt", *KINDS} - {"p"}),
        (["attributeDeleted"], ["p"], {}, {"id", "type", "deletedAt", "p"}),
        (["entityUpdated"], ["p", "x"], {}, {"id", "type", "deletedAt", "p"}),
        (["attributeDeleted", "entityDeleted"], ["p"], {}, {"id", "type", "deletedAt"}),
        (["attributeDeleted"], ["x"], {}, None),
        (["attributeUpdated"], None, {}, None),
    ],
)
def test_an_entity_that_went_is_shown_as_its_subscriber_asked(tmp_path, triggers, watched, notification, expected):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            await made(life, **KINDS)
            said = {"notificationTrigger": triggers, "notification": notification}
            if watched:
                said["watchedAttributes"] = watched
            await life.subs.create(wanted(receiver, **said))
            await life.subs.create(wanted(receiver, id="urn:s:all", notificationTrigger=["entityDeleted"]))
            await life.city.awrite(Write("delete", ROOM))
            got = [await receiver.next() for _ in range(1 if expected is None else 2)]
            told = [one.data[0] for one in got if one.json["subscriptionId"] != "urn:s:all"]
            assert [set(one) for one in told] == ([] if expected is None else [expected])
            if expected and "createdAt" in expected:
                assert told[0]["createdAt"] < told[0]["deletedAt"]
            if notification.get("showChanges"):
                assert told[0]["j"]["previousJson"] == {"a": None}

    run(work())


def test_saying_the_same_value_again_is_no_change(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            await life.subs.create(wanted(receiver))
            for value in (1, 1, 1, 2):
                await life.room(temperature=value)
            assert [(await receiver.next()).data[0]["temperature"]["value"] for _ in range(2)] == [1, 2]
            assert receiver.got.empty()

    run(work())


def test_whoever_picks_what_is_not_there_is_told_nothing(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            await life.subs.create(wanted(receiver, notification={"pick": ["humidity"], "format": "keyValues"}))
            await life.room("a", temperature=1)
            await life.room("b", humidity=5)
            assert (await receiver.next()).data == [{"humidity": 5}]
            assert receiver.got.empty()

    run(work())


@pytest.mark.parametrize(
    ("notification", "expected"),
    [
        ({"join": "flat"}, [{"id": ROOM, "type": "Room", "in": "urn:h:1"}, {"id": "urn:h:1", "type": "House", "n": 5}]),
        ({"join": "@none"}, [{"id": ROOM, "type": "Room", "in": "urn:h:1"}]),
        (
            {"join": "inline", "pick": ["in{n}"]},
            [{"in": {"n": 5}}],
        ),
        (
            {"join": "inline", "joinLevel": 2},
            [{"id": ROOM, "type": "Room", "in": {"id": "urn:h:1", "type": "House", "n": 5}}],
        ),
    ],
)
def test_linked_entities_come_along_where_they_are_asked_for(tmp_path, notification, expected):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            house = {"id": "urn:h:1", "type": "House", "n": prop(5)}
            await life.city.awrite(Write("create", house["id"], house))
            await life.subs.create(wanted(receiver, notification={**notification, "format": "simplified"}))
            await made(life, **{"in": {"type": "Relationship", "object": "urn:h:1"}})
            assert (await receiver.next()).data == expected

    run(work())


def test_a_condition_follows_relationships(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            await life.subs.create(wanted(receiver, q="has{battery}<0.5"))
            for key, value in (("full", 0.9), ("low", 0.3)):
                device = entity("Device", key, battery=value)
                await life.city.awrite(Write("create", device.id, device.doc))
                room = {"id": f"urn:r:{key}", "type": "Room", "has": {"type": "Relationship", "object": device.id}}
                await life.city.awrite(Write("create", room["id"], room))
            assert (await receiver.next()).data[0]["id"] == "urn:r:low"
            assert receiver.got.empty()

    run(work())


def test_an_older_reader_is_told_in_the_words_of_his_version(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            await life.subs.create(wanted(receiver, ngsildConformance="1.3"))
            await made(life, scope="/a", **KINDS)
            (one,) = (await receiver.next()).data
            assert "scope" not in one
            assert one["l"] == prop({"de": "rot"})
            assert one["j"] == prop({"a": None})
            assert one["p"] == KINDS["p"]

    run(work())


def test_the_status_follows_the_rules_of_an_update(tmp_path):
    async def work():
        clock = Clock(1_800_000_000 * SECOND, rate=0.0)
        life = await Life(tmp_path / "open.db", clock=clock).begin()
        try:
            async with Receiver() as receiver:
                ident = await life.subs.create(wanted(receiver, expiresAt="2027-01-15T08:00:10Z"))

                async def said(**fragment):
                    await life.subs.update(ident, fragment)
                    return life.subs.get(ident)["status"]

                assert await said(isActive=False) == "paused"
                assert await said(isActive=True) == "active"
                assert await said(isActive=False) == "paused"
                clock.turn(clock.now() + 11 * SECOND)
                assert await said(description="x") == "expired"
                assert await said(isActive=True) == "expired"
                assert await said(isActive=False) == "expired"
                with pytest.raises(BadRequest):
                    await said(expiresAt="2027-01-15T08:00:05Z", isActive=True)
                assert await said(expiresAt="2027-01-15T09:00:00Z") == "active", "an end to come, alone"
                assert await said(isActive=False, expiresAt="2027-01-15T10:00:00Z") == "paused"
                assert await said(isActive=True, expiresAt="2027-01-15T10:00:00Z") == "active"
                assert await said(expiresAt=NULL) == "active"
                for gone in ({"notification": NULL}, {"type": NULL}, {"entities": NULL}, {"notification": {}}):
                    with pytest.raises(BadRequest):
                        await said(**gone)
        finally:
            await life.end()
        await asyncio.sleep(0)

    run(work())
