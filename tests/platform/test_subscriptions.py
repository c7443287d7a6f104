"""Subscriptions through their operations: a real city on SQLite, real receivers on loopback, crashes and neighbours."""

import asyncio
import json

import pytest
from living import Life, living, run, wanted
from receiver import Receiver

from hansa.clock import SECOND, Clock
from hansa.errors import AlreadyExists, BadRequest, NoContext, NotFound, TooLarge, TooManyResults
from hansa.limits import Limits
from hansa.model.change import Write
from hansa.model.context import CORE, Context
from hansa.model.entity import entity
from hansa.model.query import Query
from hansa.model.terms import Terms
from hansa.platform.city import City
from hansa.platform.deadletters import TENANT
from hansa.platform.sqlite import SqliteStore
from hansa.trust.actors import PASSKEY, Actor
from hansa.trust.labels import ADMINISTRATOR, PUBLIC
from hansa.trust.policy import Policy, shipped
from hansa.trust.sights import Sights


def test_a_subscriber_is_told_and_the_counters_say_so(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            ident = await life.subs.create(wanted(receiver))
            await life.room(temperature=21)
            got = await receiver.next()
            assert got.headers["content-type"] == "application/json"
            assert "ngsi-ld-core-context" in got.headers["link"]
            assert got.json["type"] == "Notification"
            assert got.json["subscriptionId"] == ident
            assert got.json["id"].startswith("urn:ngsi-ld:Notification:")
            assert got.data == [
                {
                    "id": "urn:ngsi-ld:Room:a",
                    "type": "Room",
                    "temperature": {"type": "Property", "value": 21},
                }
            ]
            await life.until(lambda: life.subs.get(ident)["notification"]["timesSent"] == 1)
            shown = life.subs.get(ident, sys_attrs=True)
            assert shown["notification"]["status"] == "ok"
            assert shown["notification"]["lastSuccess"] == shown["notification"]["lastNotification"]
            assert "lastFailure" not in shown["notification"]
            assert shown["status"] == "active"
            assert shown["createdAt"] == shown["modifiedAt"]
            assert life.subs.shown()["subscriptions"] == 1

    run(work())


def test_other_types_and_other_tenants_are_not_told(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            await life.subs.create(wanted(receiver, q="temperature>20"))
            house = entity("House", "h", temperature=30)
            await life.city.awrite(Write("create", house.id, house.doc))
            await life.room("other", tenant="parks", temperature=30)
            await life.room("cold", temperature=10)
            await life.room("warm", temperature=30)
            assert (await receiver.next()).data[0]["id"] == "urn:ngsi-ld:Room:warm"
            assert receiver.got.empty()

    run(work())


def test_two_tenants_can_give_theirs_the_same_name(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            for tenant in ("", "parks"):
                doc = wanted(receiver, id="urn:s:1", notification={"format": "keyValues"})
                assert await life.subs.create(doc, tenant) == "urn:s:1"
                with pytest.raises(AlreadyExists):
                    await life.subs.create(doc, tenant)
            await life.room(tenant="parks", temperature=1)
            got = await receiver.next()
            assert got.headers["ngsild-tenant"] == "parks"
            assert got.data == [{"id": "urn:ngsi-ld:Room:a", "type": "Room", "temperature": 1}]
            assert life.subs.count("parks") == life.subs.count() == 1
            await life.subs.delete("urn:s:1")
            assert life.subs.list("parks")[0]["id"] == "urn:s:1"
            with pytest.raises(NotFound):
                life.subs.get("urn:s:1")
            with pytest.raises(NotFound):
                await life.subs.delete("urn:s:1")

    run(work())


def test_subscriptions_and_counters_outlive_the_city(tmp_path):
    async def work():
        async with Receiver() as receiver:
            own = Context(
                Terms({"temp": "https://own.example/temperature"}), {"temp": "https://own.example/temperature"}
            )
            async with living(tmp_path) as life:
                doc = wanted(
                    receiver, watchedAttributes=["temp"], q="temp>1", endpoint={"accept": "application/ld+json"}
                )
                ident = await life.subs.create(doc, "", own)
                await life.room(**{"https://own.example/temperature": 5})
                first = await receiver.next()
                assert first.headers["content-type"] == "application/ld+json"
                assert "link" not in first.headers
                assert first.json["@context"] == [{"temp": "https://own.example/temperature"}, CORE.source]
                assert first.data[0]["temp"]["value"] == 5
                await life.until(lambda: life.subs.get(ident)["notification"]["timesSent"])
                before = life.subs.get(ident, context=own, sys_attrs=True)
            async with living(tmp_path) as life:
                assert life.subs.get(ident, context=own, sys_attrs=True) == before
                await life.room("b", **{"https://own.example/temperature": 6})
                assert (await receiver.next()).data[0]["temp"]["value"] == 6
                assert receiver.got.empty(), "what was told is not told again"

    run(work())


def test_what_happens_while_nobody_tells_is_told_later(tmp_path):
    async def work():
        async with Receiver() as receiver:
            async with living(tmp_path) as life:
                ident = await life.subs.create(wanted(receiver, notification={"sysAttrs": True}))
            with City(SqliteStore(tmp_path / "open.db"), Clock(), ADMINISTRATOR).closing() as city:
                for n in range(3):
                    one = entity("Room", f"r{n}", temperature=n)
                    city.write(Write("create", one.id, one.doc))
            async with living(tmp_path) as life:
                for n in range(3):
                    got = await receiver.next()
                    assert got.json["subscriptionId"] == ident
                    assert got.data[0]["id"] == f"urn:ngsi-ld:Room:r{n}"
                    assert "modifiedAt" in got.data[0]["temperature"]

    run(work())


def test_after_a_crash_what_was_under_way_is_told_with_the_same_id(tmp_path):
    async def work():
        hang = Receiver(lambda got: None)
        async with Receiver() as healthy, hang:
            life = await Life(tmp_path / "open.db").begin()
            await life.subs.create(wanted(healthy, id="urn:s:healthy"))
            await life.subs.create(wanted(hang, id="urn:s:hanging"))
            await life.room("a", temperature=1)
            await life.room("b", temperature=2)
            first = await hang.next()
            told = [await healthy.next() for _ in range(2)]
            await life.until(lambda: life.subs.get("urn:s:healthy")["notification"]["timesSent"] == 2)
            await life.subs.flush()
            await life.crash()
            hang.answer = lambda got: 200
            async with living(tmp_path) as life:
                again = [await hang.next() for _ in range(2)]
                assert again[0].json["id"] == first.json["id"]
                assert [got.data[0]["id"] for got in again] == [got.data[0]["id"] for got in told]
                await life.room("c", temperature=3)
                assert (await healthy.next()).data[0]["id"] == "urn:ngsi-ld:Room:c", "the healthy one is not told twice"

    run(work())


def test_a_crash_before_the_place_was_written_loses_nothing(tmp_path):
    async def work():
        async with Receiver(lambda got: 503) as receiver:
            life = await Life(tmp_path / "open.db", sleep=asyncio.sleep).begin()
            await life.subs.create(wanted(receiver))
            await life.room(temperature=1)
            first = await receiver.next()
            await life.crash()
            receiver.answer = lambda got: 200
            async with living(tmp_path):
                assert (await receiver.next()).json["id"] == first.json["id"]

    run(work())


def test_a_subscriber_that_hangs_delays_no_other(tmp_path):
    async def work():
        async with Receiver(lambda got: None) as hang, Receiver() as healthy, living(tmp_path) as life:
            await life.subs.create(wanted(hang))
            await life.subs.create(wanted(healthy))
            for n in range(5):
                await life.room(temperature=n)
            for n in range(5):
                assert (await healthy.next(1.0)).data[0]["temperature"]["value"] == n

    run(work())


def test_a_failing_subscriber_is_tried_again_and_then_told_in_order(tmp_path):
    async def work():
        answers = [503, 500, 200, 200]
        async with Receiver(lambda got: answers.pop(0)) as receiver, living(tmp_path) as life:
            ident = await life.subs.create(wanted(receiver))
            await life.room(temperature=1)
            await life.room(temperature=2)
            got = [await receiver.next() for _ in range(4)]
            assert [one.data[0]["temperature"]["value"] for one in got] == [1, 1, 1, 2]
            await life.until(lambda: life.subs.get(ident)["notification"]["timesSent"] == 4)
            shown = life.subs.get(ident)["notification"]
            assert (shown["timesFailed"], shown["status"]) == (2, "ok")
            assert "lastFailure" in shown
            assert life.letters() == []

    run(work())


def test_what_is_given_up_is_a_dead_letter_that_can_be_tried_again(tmp_path):
    async def work():
        async with Receiver(lambda got: 404) as receiver, living(tmp_path) as life:
            ident = await life.subs.create(
                wanted(receiver, endpoint={"receiverInfo": [{"key": "Authorization", "value": "s3cret"}]})
            )
            await life.room(temperature=1)
            first = await receiver.next()
            assert first.headers["authorization"] == "s3cret"
            await life.until(life.letters)
            (letter,) = life.letters()
            assert (letter["kind"], letter["source"]) == ("notification", ident)
            assert "404" in letter["reason"]
            assert "s3cret" not in json.dumps(letter.doc)
            assert life.subs.get(ident)["notification"]["status"] == "failed"
            with pytest.raises(NotFound):
                await life.subs.retry("urn:ngsi-ld:DeadLetter:nothing")
            receiver.answer = lambda got: 204
            await life.subs.retry(letter.id)
            again = await receiver.next()
            assert again.json == first.json
            assert again.headers["authorization"] == "s3cret"
            await life.until(lambda: not life.letters())

    run(work())


def test_what_was_given_up_is_not_sent_again_to_whom_may_not_hear_it_any_more(tmp_path):
    async def work():
        sights = Sights("open", Policy(shipped("open"), "shipped"))
        ben = Actor("person:ben", frozenset({"operator"}), assurance=PASSKEY)
        async with Receiver(lambda got: 404) as receiver, living(tmp_path) as life:
            await life.subs.create(wanted(receiver), sight=sights.of(ben))
            await life.room(temperature=1)
            await receiver.next()
            await life.until(life.letters)
            (letter,) = life.letters()
            receiver.answer = lambda got: 204
            nothing = 'permit (principal, action == Action::"read", resource in Class::"open");'
            sights.renew(Policy(f'@id("x") @reason("x") {nothing}', "none"))
            with pytest.raises(NotFound, match="may not see"):
                await life.subs.retry(letter.id)
            sights.renew(Policy(shipped("open"), "shipped"))
            await life.subs.retry(letter.id)
            assert (await receiver.next()).data[0]["id"] == "urn:ngsi-ld:Room:a"

    run(work())


def test_what_a_token_subscribed_to_is_judged_by_that_token_in_the_next_life(tmp_path):
    async def work():
        asked = []
        sights = Sights("open", Policy(shipped("open"), "shipped"))

        def sight(who, purpose):
            asked.append(who)
            return sights.of(who, purpose)

        ben = Actor("person:ben", frozenset({"operator"}), assurance=1, method="token", session="t1")
        ann = Actor("person:ann", frozenset({"operator"}), assurance=3, method="passkey", session="s1")
        async with Receiver() as receiver:
            async with living(tmp_path, sights=sight) as life:
                for who in (ben, ann):
                    await life.subs.create(wanted(receiver), sight=sights.of(who))
            async with living(tmp_path, sights=sight) as life:
                assert {(one.id, one.session) for one in asked} == {("person:ben", "t1"), ("person:ann", "")}
                await life.room(temperature=1)
                await receiver.next()
                await receiver.next()

    run(work())


def test_what_a_receiver_wants_to_hear_is_told_to_its_subscriber_alone(tmp_path):
    async def work():
        sights = Sights("open", Policy(shipped("open"), "shipped"))
        ben = sights.of(Actor("person:ben", frozenset({"operator"}), assurance=PASSKEY))
        eve = sights.of(Actor("person:eve", frozenset({"engineer"}), assurance=PASSKEY))
        async with Receiver() as receiver, living(tmp_path) as life:
            pair = {"receiverInfo": [{"key": "Authorization", "value": "s3cret"}]}
            ident = await life.subs.create(wanted(receiver, endpoint=pair), sight=ben)
            mine = life.subs.get(ident, sight=ben)["notification"]["endpoint"]["receiverInfo"]
            assert mine == [{"key": "Authorization", "value": "s3cret"}]
            theirs = [life.subs.get(ident, sight=eve), *life.subs.list(sight=eve)]
            for one in theirs:
                assert [pair["key"] for pair in one["notification"]["endpoint"]["receiverInfo"]] == ["Authorization"]
                assert "s3cret" not in json.dumps(one)
            assert life.subs.deliveries(ident, sight=eve)["waiting"] == 0
            carl = sights.of(Actor("person:carl", frozenset({"operator"}), assurance=PASSKEY))
            with pytest.raises(NotFound):
                life.subs.deliveries(ident, sight=carl)
            await life.room(temperature=1)
            assert (await receiver.next()).headers["authorization"] == "s3cret"

    run(work())


def test_a_notification_too_long_for_its_letter_is_made_again_from_the_log(tmp_path):
    async def work():
        async with Receiver(lambda got: 410) as receiver, living(tmp_path) as life:
            ident = await life.subs.create(wanted(receiver))
            await life.room(temperature="x" * 10_000)
            first = await receiver.next()
            await life.until(life.letters)
            await life.room(temperature="something else")
            await receiver.next()
            await life.until(lambda: len(life.letters()) == 2)
            long = max(life.letters(), key=lambda one: one["size"])
            receiver.answer = lambda got: 200
            await life.subs.retry(long.id)
            again = await receiver.next()
            assert again.json["id"] == first.json["id"]
            assert again.data == first.data
            await life.subs.delete(ident)
            (left,) = life.letters()
            with pytest.raises(NotFound, match="gone"):
                await life.subs.retry(left.id)

    run(work())


def test_more_than_may_wait_become_dead_letters_and_never_memory(tmp_path):
    async def work():
        async with Receiver(lambda got: None) as hang, living(tmp_path) as life:
            await life.subs.create(wanted(hang))
            await life.room(temperature=0)
            await hang.next()
            for n in range(1, 10):
                await life.room(temperature=n)
            await life.until(lambda: len(life.letters()) == 4)
            assert all("were waiting" in letter["reason"] for letter in life.letters())
            assert life.subs.shown()["notifications_waiting"] == 6

    run(work())


def test_a_burst_reaches_a_subscriber_that_is_well_whole_and_in_order(tmp_path):
    async def work():
        limits = Limits(deliveries=300, inbox_s=60.0)  # how soon a busy machine writes is another test's matter
        async with Receiver() as receiver, living(tmp_path, limits=limits) as life:
            ident = await life.subs.create(wanted(receiver, notification={"format": "keyValues"}))
            rooms = [entity("Room", f"r{n}", number=n) for n in range(1_500)]
            await asyncio.gather(*(life.city.awrite(Write("create", one.id, one.doc)) for one in rooms))
            hot = [entity("Room", "hot", number=10_000 + n) for n in range(60)]
            await life.city.awrite(*(Write("upsert", one.id, one.doc) for one in hot))
            heard, notifications = [], 0
            while len(heard) < 1_560:
                data = (await receiver.next()).data
                assert len({one["id"] for one in data}) == len(data), "one thing of an entity in a notification"
                heard += [one["number"] for one in data]
                notifications += 1
            assert heard == [*range(1_500), *range(10_000, 10_060)]
            assert notifications < 500
            await life.until(lambda: life.subs.get(ident)["notification"]["timesSent"] == notifications)
            assert life.letters() == []
            assert not life.subs._telling._crowded
            assert not any(state.undone for state in life.subs._telling._states.values())

    run(work())


def test_what_gathers_for_a_subscriber_survives_a_crash(tmp_path):
    async def work():
        limits = Limits(deliveries=100, egress_s=5.0)
        async with Receiver(lambda got: None) as receiver:
            life = await Life(tmp_path / "open.db", limits=limits).begin()
            await life.subs.create(wanted(receiver, notification={"format": "keyValues"}))
            rooms = [entity("Room", f"r{n}", number=n) for n in range(180)]
            await life.city.awrite(*(Write("create", one.id, one.doc) for one in rooms))
            await receiver.next()
            await life.subs.flush()
            await life.crash()
            receiver.answer = lambda got: 200
            async with living(tmp_path, limits=limits):
                heard = []
                while len(heard) < 180:
                    heard += [one["number"] for one in (await receiver.next()).data]
            assert heard == list(range(180))

    run(work())


def test_an_inner_endpoint_is_refused_when_it_is_named_and_when_it_is_resolved(tmp_path):
    async def work():
        async def resolve(host, port):
            return ["169.254.169.254"]

        async with Receiver() as receiver, living(tmp_path, allow=(), resolve=resolve) as life:
            with pytest.raises(BadRequest) as caught:
                await life.subs.create(wanted(receiver))
            assert caught.value.where == "notification.endpoint.uri"
            assert "egress_allow" in caught.value.mend
            doc = wanted(receiver, endpoint={"uri": "http://metadata.example/latest"})
            await life.subs.create(doc)
            await life.room(temperature=1)
            await life.until(life.letters)
            assert "link-local" in life.letters()[0]["reason"]
            assert receiver.got.empty()

    run(work())


def test_a_subscription_can_be_changed_paused_and_taken_up_again(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            ident = await life.subs.create(wanted(receiver, description="old", q="temperature>5"))
            await life.subs.update(ident, {"type": "Subscription", "isActive": False, "description": None})
            assert life.subs.get(ident)["status"] == "paused"
            assert "description" not in life.subs.get(ident)
            await life.room("paused", temperature=10)
            await life.subs.update(ident, {"isActive": True, "q": "temperature<5"})
            await life.room("warm", temperature=10)
            await life.room("cold", temperature=1)
            assert (await receiver.next()).data[0]["id"] == "urn:ngsi-ld:Room:cold"
            for fragment, fault in (
                ({"id": "urn:s:other"}, BadRequest),
                ({"type": "Other"}, BadRequest),
                ({"q": "((("}, BadRequest),
                ({"notification": None}, BadRequest),
                ({"expiresAt": "2001-01-01T00:00:00Z"}, BadRequest),
                ([], BadRequest),
            ):
                with pytest.raises(fault):
                    await life.subs.update(ident, fragment)
            with pytest.raises(NotFound):
                await life.subs.update("urn:s:none", {"isActive": True})
            assert life.subs.get(ident)["q"] == "temperature<5"

    run(work())


def test_a_word_of_an_update_means_what_its_own_context_says(tmp_path):
    async def work():
        one = Context(Terms({"temp": "https://one.example/temp"}), {"temp": "https://one.example/temp"})
        two = Context(Terms({"temp": "https://two.example/temp"}), {"temp": "https://two.example/temp"})
        async with Receiver() as receiver, living(tmp_path) as life:
            doc = wanted(receiver, watchedAttributes=["temp"], endpoint={"accept": "application/ld+json"})
            ident = await life.subs.create(doc, "", one)
            await life.subs.update(ident, {"q": "temp>5"}, "", two)
            await life.room("x", **{"https://one.example/temp": 9})
            await life.room("y", **{"https://one.example/temp": 1, "https://two.example/temp": 9})
            got = await receiver.next()
            assert got.data[0]["id"] == "urn:ngsi-ld:Room:y"
            assert got.data[0]["temp"]["value"] == 1

    run(work())


def test_a_deleted_subscription_is_told_no_more_not_even_what_waits(tmp_path):
    async def work():
        async with Receiver(lambda got: None) as hang, Receiver() as other, living(tmp_path) as life:
            ident = await life.subs.create(wanted(hang))
            await life.subs.create(wanted(other))
            for n in range(4):
                await life.room(temperature=n)
                await other.next()
            await hang.next()
            await life.subs.delete(ident)
            assert life.subs.shown()["notifications_waiting"] == 1, "the attempt under way is the last"
            assert life.letters() == []
            assert life.subs.count() == 1

    run(work())


def test_an_expired_subscription_is_told_nothing(tmp_path):
    async def work():
        clock = Clock(1_000_000 * SECOND, 0)
        async with Receiver() as receiver, living(tmp_path, clock=clock) as life:
            with pytest.raises(BadRequest, match="passed"):
                await life.subs.create(wanted(receiver, expiresAt="1970-01-02T00:00:00Z"))
            short = await life.subs.create(wanted(receiver, expiresAt="1970-01-12T13:46:50Z"))
            await life.subs.create(wanted(receiver, id="urn:s:long"))
            clock.turn(1_000_010 * SECOND)
            await life.room(temperature=1)
            assert (await receiver.next()).json["subscriptionId"] == "urn:s:long"
            assert receiver.got.empty()
            assert life.subs.get(short)["status"] == "expired"

    run(work())


def test_a_throttled_subscriber_gets_the_newest_of_each_entity_at_the_end_of_its_time(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            await life.subs.create(wanted(receiver, throttling=0.3, notification={"format": "keyValues"}))
            await life.room("a", temperature=0)
            first = await receiver.next()
            began = asyncio.get_running_loop().time()
            for n in range(1, 6):
                await life.room("a", temperature=n)
                await life.room("b", temperature=n)
            second = await receiver.next()
            assert asyncio.get_running_loop().time() - began > 0.2
            assert [one["temperature"] for one in first.data] == [0]
            assert sorted((one["id"][-1], one["temperature"]) for one in second.data) == [("a", 5), ("b", 5)]
            assert receiver.got.empty()

    run(work())


def test_what_waits_for_its_time_survives_a_crash(tmp_path):
    async def work():
        async with Receiver() as receiver:
            life = await Life(tmp_path / "open.db").begin()
            await life.subs.create(wanted(receiver, throttling=0.8, notification={"format": "keyValues"}))
            began = asyncio.get_running_loop().time()
            await life.room("a", temperature=0)
            await receiver.next()
            await life.room("a", temperature=1)
            await life.room("b", temperature=2)
            await life.until(lambda: life.subs.shown()["changes_behind"] == 0)
            await life.subs.flush(counters=True)
            await life.crash()
            async with living(tmp_path):
                told = (await receiver.next()).data
                assert sorted(one["temperature"] for one in told) == [1, 2]
                assert asyncio.get_running_loop().time() - began > 0.7, "the rest goes on in the next life"

    run(work())


def test_deletions_and_what_was_before_are_shown_to_those_who_ask(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            await life.subs.create(
                wanted(
                    receiver,
                    notificationTrigger=["attributeUpdated", "attributeDeleted", "entityDeleted"],
                    notification={"showChanges": True},
                )
            )
            await life.room(temperature=1, humidity=5)
            await life.room(temperature=2)
            changed = (await receiver.next()).data[0]
            assert changed["temperature"] == {"type": "Property", "value": 2, "previousValue": 1}
            assert changed["humidity"] == {"type": "Property", "value": 5}
            await life.city.awrite(Write("delete_attr", "urn:ngsi-ld:Room:a", name="humidity", dataset="@all"))
            gone = (await receiver.next()).data[0]["humidity"]
            assert gone == {"type": "Property", "value": "urn:ngsi-ld:null", "previousValue": 5}
            await life.room(kind="delete")
            last = (await receiver.next()).data[0]
            assert set(last) == {"id", "type", "deletedAt", "temperature"}
            assert last["temperature"]["previousValue"] == 2

    run(work())


def test_a_place_can_be_asked_for(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            near = {"georel": "near;maxDistance==1000", "geometry": "Point", "coordinates": "[17.1,48.1]"}
            await life.subs.create(wanted(receiver, geoQ=near, notification={"attributes": ["temperature"]}))
            await life.room("far", temperature=1, location={"type": "Point", "coordinates": [18.1, 48.1]})
            await life.room("near", temperature=2, location={"type": "Point", "coordinates": [17.1001, 48.1]})
            got = (await receiver.next()).data[0]
            assert got["id"] == "urn:ngsi-ld:Room:near"
            assert set(got) == {"id", "type", "temperature"}

    run(work())


def test_nobody_is_told_what_he_may_not_see(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            await life.subs.create(wanted(receiver), sight=PUBLIC)
            await life.room("inner", temperature=1)
            await life.room("open", temperature=2, label="open")
            assert (await receiver.next()).data[0]["id"] == "urn:ngsi-ld:Room:open"
            assert receiver.got.empty()
        async with living(tmp_path) as life:
            await life.room("inner", temperature=3)
            await life.room("open2", temperature=4, label="open")
            async with Receiver(port=receiver.port) as again:
                assert (await again.next()).data[0]["id"] == "urn:ngsi-ld:Room:open2"

    run(work())


def test_a_remote_context_is_used_and_its_loss_survived(tmp_path):
    async def work():
        document = json.dumps({"@context": {"temp": "https://own.example/temperature", "other": "https://o.example/o"}})

        def answer(got):
            if got.path == "/context":
                return f"HTTP/1.1 200 OK\r\nContent-Length: {len(document)}\r\n\r\n{document}".encode()
            return 404 if got.path == "/none" else 200

        async with Receiver(answer) as receiver:
            url = receiver.url("/context")
            async with living(tmp_path) as life:
                with pytest.raises(NoContext):
                    await life.subs.create(wanted(receiver, jsonldContext=receiver.url("/none")))
                context = await life.contexts.context(url)
                doc = wanted(receiver, watchedAttributes=["temp"], jsonldContext=url)
                ident = await life.subs.create(doc, "", context)
                await life.room("a", **{"https://own.example/temperature": 1, "https://o.example/o": 2})
                got = [await receiver.next() for _ in range(3)][-1]
                assert url in got.headers["link"]
                assert {"temp", "other"} <= set(got.data[0])
            document = "lost"
            async with living(tmp_path) as life:
                assert life.subs.get(ident)["watchedAttributes"] == ["https://own.example/temperature"]
                await life.room("b", **{"https://own.example/temperature": 1, "https://o.example/o": 2})
                assert (await receiver.next()).path == "/context"
                got = await receiver.next()
                assert {"temp", "https://o.example/o"} <= set(got.data[0]), "what it said itself is known"

    run(work())


def test_there_are_only_so_many_and_only_so_long(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            with pytest.raises(TooLarge):
                await life.subs.create(wanted(receiver, description="x" * 100_000))
            done = await asyncio.gather(
                *(life.subs.create(wanted(receiver)) for _ in range(10)), return_exceptions=True
            )
            assert sum(isinstance(one, str) for one in done) == 4
            assert sum(isinstance(one, TooManyResults) for one in done) == 6
            await life.subs.create(wanted(receiver), "another tenant")
            await life.subs.delete(next(one for one in done if isinstance(one, str)))
            await life.subs.create(wanted(receiver))
            assert [len(life.subs.list(limit=3, offset=offset)) for offset in (0, 3, 6)] == [3, 1, 0]

    run(work())


def test_a_refused_subscription_leaves_nothing(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            for doc in ({}, [], {"type": "Subscription"}, wanted(receiver, q="((")):
                with pytest.raises(BadRequest):
                    await life.subs.create(doc)
            assert life.subs.list() == []
            assert life.city.find(query=Query.parse(types="Subscription"), tenant=TENANT) == []

    run(work())


def test_one_that_cannot_be_read_does_not_keep_the_others_from_being_told(tmp_path):
    async def work():
        async with Receiver() as receiver:
            async with living(tmp_path) as life:
                await life.subs.create(wanted(receiver))
                odd = entity("Subscription", "odd", document=5)
                await life.city.awrite(Write("create", odd.id, odd.doc, tenant=TENANT))
            async with living(tmp_path) as life:
                assert life.subs.count() == 1
                await life.room(temperature=1)
                await receiver.next()

    run(work())


def test_the_place_is_written_only_when_it_moved(tmp_path):
    async def work():
        async with Receiver() as receiver, living(tmp_path) as life:
            await life.subs.create(wanted(receiver))
            await life.room(temperature=1)
            await receiver.next()
            await life.until(lambda: life.subs.shown()["notifications_waiting"] == 0)
            await life.subs.flush(counters=True)
            await life.subs.flush(counters=True)
            head = life.city.store.head()
            await life.until(lambda: life.subs.shown()["changes_behind"] == 0)
            await life.subs.flush(counters=True)
            assert life.city.store.head() == head
            assert life.subs.get(life.subs.list()[0]["id"], context=CORE)["notification"]["timesSent"] == 1

    run(work())


def test_it_can_be_stopped_right_after_it_was_started_and_loses_nothing(tmp_path):
    """The log is still being read then, in a thread that nobody can call off."""

    limits = Limits(egress_s=2.0, deliveries=50)

    async def work():
        async with Receiver() as receiver:
            life = Life(tmp_path / "open.db", limits)
            await life.begin()
            await life.subs.create(wanted(receiver))
            await life.crash()
            for n in range(12):
                life = Life(tmp_path / "open.db", limits)
                await life.room(str(n), temperature=n)
                await life.begin(ready=False)
                for _ in range(n % 4):
                    await asyncio.sleep(0)
                await life.end()
            async with living(tmp_path, limits=limits):
                missing = {f"urn:ngsi-ld:Room:{n}" for n in range(12)}
                while missing:
                    missing.discard((await receiver.next()).data[0]["id"])

    run(work())
