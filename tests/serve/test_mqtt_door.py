"""Devices over MQTT at a real city: who may come in, what becomes of what they say, and commands on their way out."""

import asyncio
import json
import queue
import subprocess
import uuid
from collections.abc import Callable
from typing import Any

import aiomqtt
import pytest
from door_clients import PROFILE, WAIT_S, DeviceClient, profile, shut_out, stamp

from hansa.model.query import Query
from hansa.platform.deadletters import TENANT
from hansa.platform.sqlite import SqliteStore
from hansa.serve import find_keys
from hansa.settings import Settings
from hansa.trust.labels import ADMINISTRATOR

OK, NOT_AUTHORIZED, TOPIC_INVALID, PAYLOAD_INVALID = 0, 0x87, 0x90, 0x99


def fresh() -> str:
    return f"d{uuid.uuid4().hex[:10]}"


def state(city: Any, name: str, kind: str = "WeatherObserved") -> dict[str, Any] | None:
    got = city.get(f"/ngsi-ld/v1/entities/urn:ngsi-ld:{kind}:{name}")
    return got.json() if got.status_code == 200 else None


def temperature(city: Any, name: str) -> Any:
    found = state(city, name)
    return None if found is None else found["temperature"]["value"]


def letters(city: Any, name: str) -> list[dict[str, Any]]:
    return [one for one in city.get("/admin/deadletters", params={"limit": 1000}).json() if one["source"] == name]


def device(city: Any, name: str) -> dict[str, Any]:
    (found,) = [one for one in city.get("/admin/devices").json() if one["name"] == name]
    return found


def test_a_claim_is_exchanged_over_mqtt_and_then_ends(city: Any) -> None:
    name = fresh()
    claim = city.post("/admin/devices", {"name": name, "profile": PROFILE}).json()["claim"]
    with DeviceClient(city.mqtt_port, name, claim) as new:
        assert new.is_let_in()
        assert new.say('{"temperature": 1}') == NOT_AUTHORIZED, "with a claim it may only exchange it"
        assert new.subscribe() == [1]
        message = new.hear()
        assert message.topic == f"hansa/{name}/cmd"
        secret = json.loads(message.payload)["secret"]
    with DeviceClient(city.mqtt_port, name, claim) as again:  # the answer was lost: the claim is good until it was used
        assert again.is_let_in()
        again.subscribe()
        newer = json.loads(again.hear().payload)["secret"]
        assert newer != secret
    with DeviceClient(city.mqtt_port, name, newer) as own:
        assert own.is_let_in()
        assert own.say('{"temperature": 2.5}') == OK
    assert temperature(city, name) == 2.5
    for old in (claim, secret):
        with DeviceClient(city.mqtt_port, name, old) as shut:
            assert not shut.is_let_in()
    assert device(city, name)["state"] == "active"


@pytest.mark.parametrize("version", [4, 5])
def test_every_format_comes_in(city: Any, version: int) -> None:
    name = fresh()
    secret = city.enrol(name, PROFILE)
    at = [stamp(seconds_ago=600 - 60 * n) for n in range(6)]
    ngsi = {
        "id": f"urn:ngsi-ld:WeatherObserved:{name}", "type": "WeatherObserved",
        "temperature": {"type": "Property", "value": 4.5, "unitCode": "CEL", "observedAt": at[3]},
    }  # fmt: skip
    said = [
        ("json", json.dumps({"temperature": 1.5, "at": at[0]}), 1.5),
        ("senml", json.dumps([{"n": "temperature", "u": "Cel", "v": 2.5, "t": -540}]), 2.5),
        ("csv", f"at,temperature\n{at[2]},3.5\n", 3.5),
        ("ngsi-ld", json.dumps(ngsi), 4.5),
        ("weather", json.dumps({"temperature": 5.5, "at": at[4]}), 5.5),
    ]
    with DeviceClient(city.mqtt_port, name, secret, version=version) as client:
        assert client.is_let_in()
        for kind, body, value in said:
            assert client.say(body, kind) == OK
            assert temperature(city, name) == value, kind
    assert letters(city, name) == []


@pytest.mark.parametrize("qos", [0, 1, 2])
def test_every_quality_of_service_comes_in(city: Any, qos: int) -> None:
    name = fresh()
    with DeviceClient(city.mqtt_port, name, city.enrol(name, PROFILE)) as client:
        assert client.is_let_in()
        client.say('{"temperature": 7}', qos=qos)
        city.until(lambda: temperature(city, name) == 7)


def test_aiomqtt_publishes_and_hears_commands(city: Any) -> None:
    name = fresh()
    secret = city.enrol(name, PROFILE)

    async def run() -> Any:
        async with aiomqtt.Client(
            "127.0.0.1", city.mqtt_port, username=name, password=secret, identifier=name
        ) as client:
            await client.subscribe(f"hansa/{name}/cmd", qos=1)
            await client.publish(f"hansa/{name}/json", '{"temperature": 3}', qos=1)
            one = {"id": f"urn:ngsi-ld:Command:{name}", "type": "Command", "status": "pending",
                   "commandDevice": name, "payload": {"open": True}}  # fmt: skip
            await asyncio.to_thread(city.post, "/ngsi-ld/v1/entities", one)
            async with asyncio.timeout(WAIT_S):
                return json.loads((await anext(aiter(client.messages))).payload)

    told = asyncio.run(run())
    assert told == {"command": f"urn:ngsi-ld:Command:{name}", "payload": {"open": True}}
    assert temperature(city, name) == 3


@pytest.mark.parametrize("version", ["311", "5"])
def test_mosquitto_pub_publishes(city: Any, program: Callable[[str], str], version: str) -> None:
    name = fresh()
    secret = city.enrol(name, PROFILE)
    base = [program("mosquitto_pub"), "-h", "127.0.0.1", "-p", str(city.mqtt_port), "-V", version, "-q", "1",
            "-i", name, "-t", f"hansa/{name}/json", "-m", '{"temperature": 6}', "-u", name]  # fmt: skip
    done = subprocess.run([*base, "-P", secret], capture_output=True, timeout=WAIT_S, check=False)
    assert done.returncode == 0, done.stderr
    assert temperature(city, name) == 6
    wrong = subprocess.run([*base, "-P", "wrong"], capture_output=True, timeout=WAIT_S, check=False)
    assert wrong.returncode != 0


@pytest.mark.parametrize("version", [4, 5])
def test_strangers_are_turned_away(city: Any, version: int) -> None:
    name = fresh()
    city.enrol(name, PROFILE)
    for who, password in ((name, "wrong"), (name, ""), ("nobody", "x"), ("admin", "admin"), (f"{name}/x", "x")):
        with DeviceClient(city.mqtt_port, who, password, version=version) as client:
            assert not client.is_let_in(), who
    assert device(city, name)["state"] in {"enrolled", "active"}


def test_a_device_speaks_only_for_itself(city: Any) -> None:
    name, other = fresh(), fresh()
    city.enrol(other, PROFILE)
    with DeviceClient(city.mqtt_port, name, city.enrol(name, PROFILE)) as client:
        assert client.is_let_in()
        assert client.say('{"temperature": 1}', topic=f"hansa/{other}/json") == NOT_AUTHORIZED
        assert client.say('{"temperature": 1}', topic="other/topic") == NOT_AUTHORIZED
        assert client.say('{"temperature": 1}', topic=f"hansa/{name}/json/deeper") == NOT_AUTHORIZED
        client.client.subscribe([(f"hansa/{other}/cmd", 1), ("#", 1), ("hansa/+/cmd", 1)])
        assert all(code >= 0x80 for code in client.subscribed.get(timeout=WAIT_S))
        ngsi = {"id": f"urn:ngsi-ld:WeatherObserved:{other}", "type": "WeatherObserved",
                "temperature": {"type": "Property", "value": 1}}  # fmt: skip
        assert client.say(json.dumps(ngsi), "ngsi-ld") == PAYLOAD_INVALID, "nor in what it says"
        assert client.say('{"temperature": 2}') == OK, "and it may go on"
    assert state(city, other) is None
    assert {one["source"] for one in letters(city, name)} == {name}
    assert len(letters(city, name)) == 4
    assert letters(city, other) == []


BAD = [
    ("json", b"{", PAYLOAD_INVALID, "JSON"),
    ("json", b"\xff\xfe", PAYLOAD_INVALID, ""),
    ("json", b"", PAYLOAD_INVALID, ""),
    ("json", b"7", PAYLOAD_INVALID, "neither an object"),
    ("json", b"[" * 10_000 + b"]" * 10_000, PAYLOAD_INVALID, ""),
    ("json", b'{"temperature": ' + b"[" * 10_000 + b"]" * 10_000 + b"}", PAYLOAD_INVALID, ""),
    ("json", b'{"temperature": NaN}', PAYLOAD_INVALID, ""),
    ("json", b'{"temperature": ' + b"9" * 400 + b"}", PAYLOAD_INVALID, ""),
    ("senml", b'{"n": 1}', PAYLOAD_INVALID, ""),
    ("csv", b"\x00\x01", PAYLOAD_INVALID, ""),
    ("ngsi-ld", b"7", PAYLOAD_INVALID, ""),
    ("yaml", b"a: 1", TOPIC_INVALID, "format"),
]


def test_what_cannot_be_used_is_refused_with_its_reason_kept_and_harms_nothing(city: Any) -> None:
    name = fresh()
    secret = city.enrol(name, PROFILE)
    with DeviceClient(city.mqtt_port, name, secret) as client:
        assert client.is_let_in()
        for n, (kind, body, code, said) in enumerate(BAD, 1):
            assert client.say(body, kind) >= 0x80, body[:40]
            kept = letters(city, name)
            assert len(kept) == n, body[:40]
            assert any(said.lower() in one["reason"].lower() for one in kept)
            if kind != "csv":
                assert client.say(body, kind) == code, "and again for the same reason, which is one letter"
                assert len(letters(city, name)) == n
        assert client.say('{"temperature": 3}') == OK
    assert temperature(city, name) == 3
    with DeviceClient(city.mqtt_port, name, secret, version=4) as old:  # 3.1.1 cannot say why: it is acknowledged
        assert old.is_let_in()
        assert old.say(b"{ old") == 0
    assert any(one["payload"] == "eyBvbGQ=" for one in letters(city, name))


# What is said inside a message that can be read: (body, reason)
UNUSABLE = [
    ({"temperature": 100}, "not plausible"),
    ({"temperature": "3"}, "not a number"),
    ({"temperature": 1, "at": "2999-01-01T00:00:00Z"}, "ahead"),
    ({"temperature": 1, "at": "1970-01-01T00:00:00Z"}, ""),
    ({"temperature": 1, "at": 0}, ""),
    ({"temperature": 1, "at": "2026-04-01T00:00:00"}, "zone"),
    ({"temperature": 1, "at": "yesterday"}, ""),
    ({"temperature": 1e400}, ""),
    ({"colour": "red"}, "profile"),
]


@pytest.mark.parametrize(("said", "reason"), UNUSABLE)
def test_an_unusable_reading_is_a_dead_letter_and_no_state(city: Any, said: Any, reason: str) -> None:
    name = fresh()
    with DeviceClient(city.mqtt_port, name, city.enrol(name, PROFILE)) as client:
        assert client.is_let_in()
        assert client.say(json.dumps(said).replace("Infinity", "1e400")) == PAYLOAD_INVALID
        (letter,) = letters(city, name)
        assert reason in letter["reason"]
    assert state(city, name) is None


def test_readings_twice_late_and_in_part(city: Any) -> None:
    name = fresh()
    new, old = stamp(10), stamp(20)
    with DeviceClient(city.mqtt_port, name, city.enrol(name, PROFILE)) as client:
        assert client.is_let_in()
        for _ in range(3):
            assert client.say(json.dumps({"temperature": 5, "at": new})) == OK
        assert client.say(json.dumps({"temperature": 4, "at": old})) == OK
        assert temperature(city, name) == 5, "the older reading is history"
        assert client.say(json.dumps([{"temperature": 6, "humidity": "wet"}])) == OK
    assert temperature(city, name) == 6, "what can be used of it is"
    assert len(letters(city, name)) == 1
    path = f"/ngsi-ld/v1/temporal/entities/urn:ngsi-ld:WeatherObserved:{name}"
    told = city.get(path, params={"attrs": "temperature", "timerel": "after", "timeAt": "2020-01-01T00:00:00Z"}).json()
    assert sorted(one["value"] for one in told["temperature"]) == [4, 5, 6], "each once"


def test_an_id_that_is_another_kind_of_thing_is_not_overwritten(city: Any) -> None:
    name = fresh()
    made = city.post(
        "/ngsi-ld/v1/entities", {"id": f"urn:ngsi-ld:WeatherObserved:{name}", "type": "Statue", "temperature": 20}
    )
    assert made.status_code == 201
    with DeviceClient(city.mqtt_port, name, city.enrol(name, PROFILE)) as client:
        assert client.is_let_in()
        assert client.say('{"temperature": 1}') == PAYLOAD_INVALID
    (letter,) = letters(city, name)
    assert "Statue" in letter["reason"]
    assert temperature(city, name) == 20


def test_a_quarantined_device_is_heard_and_not_believed_until_it_is_released(city: Any) -> None:
    name = fresh()
    secret = city.enrol(name, PROFILE)
    with DeviceClient(city.mqtt_port, name, secret) as client:
        assert client.is_let_in()
        assert client.say('{"temperature": 1}') == OK
        assert city.post(f"/admin/devices/{name}/state", {"state": "quarantined"}).status_code == 200
        shut_out(client)
    with DeviceClient(city.mqtt_port, name, secret) as client:
        assert client.is_let_in()
        assert client.say(json.dumps({"temperature": 2, "at": stamp()})) == NOT_AUTHORIZED
        assert temperature(city, name) == 1
        (letter,) = letters(city, name)
        assert "quarantined" in letter["reason"]
        again = city.post(f"/admin/deadletters/{letter['id']}/retry", None)
        assert again.status_code == 403, "it is not released yet"
        assert len(letters(city, name)) == 1
        city.post(f"/admin/devices/{name}/state", {"state": "active"})
        taken = city.post(f"/admin/deadletters/{letter['id']}/retry", None)
        assert taken.json()["outcome"] == "1 taken"
        assert temperature(city, name) == 2
        assert letters(city, name) == []
        assert client.say('{"temperature": 3}') == OK, "the same connection speaks again"


def test_a_revoked_device_is_closed_at_once_and_cannot_come_back(city: Any) -> None:
    name = fresh()
    secret = city.enrol(name, PROFILE)
    with DeviceClient(city.mqtt_port, name, secret) as client:
        assert client.is_let_in()
        assert client.say('{"temperature": 1}') == OK
        city.post(f"/admin/devices/{name}/state", {"state": "revoked"})
        shut_out(client)
    with DeviceClient(city.mqtt_port, name, secret) as again:
        assert not again.is_let_in()
    assert city.post(f"/admin/devices/{name}/state", {"state": "active"}).status_code == 400
    assert temperature(city, name) == 1


def test_a_letter_that_is_still_refused_stays(city: Any) -> None:
    name = fresh()
    with DeviceClient(city.mqtt_port, name, city.enrol(name, PROFILE)) as client:
        assert client.is_let_in()
        client.say('{"temperature": 1000, "humidity": 0.5}')
        client.say(b'{"temperature": 1, "x": "' + b"x" * 5_000)
    by_size = {one["size"] < 1_000: one for one in letters(city, name)}
    partly = city.post(f"/admin/deadletters/{by_size[True]['id']}/retry", None)
    assert partly.status_code == 400, partly.text
    assert "not plausible" in partly.json()["detail"]
    cut = city.post(f"/admin/deadletters/{by_size[False]['id']}/retry", None)
    assert cut.status_code == 400
    assert "too long" in cut.json()["detail"]
    assert len(letters(city, name)) == 2
    assert city.post("/admin/deadletters/urn:ngsi-ld:DeadLetter:none/retry", None).status_code == 404


def command(name: str, n: int, **more: Any) -> dict[str, Any]:
    return {"id": f"urn:ngsi-ld:Command:{name}-{n}", "type": "Command", "commandDevice": name, "status": "pending",
            "payload": {"n": n}, "dateIssued": stamp(100 - n), **more}  # fmt: skip


def test_commands_go_out_are_kept_for_who_is_away_and_are_delivered_once_acknowledged(city: Any) -> None:
    name = fresh()
    secret = city.enrol(name, PROFILE)
    with DeviceClient(city.mqtt_port, name, secret) as client:
        assert client.is_let_in()
        client.subscribe()
        assert city.post("/ngsi-ld/v1/entities", command(name, 1)).status_code == 201
        assert json.loads(client.hear().payload) == {"command": f"urn:ngsi-ld:Command:{name}-1", "payload": {"n": 1}}
        city.until(lambda: state(city, f"{name}-1", "Command")["status"]["value"] == "delivered")  # type: ignore[index]
    for n in (3, 2):
        city.post("/ngsi-ld/v1/entities", command(name, n))
    city.post("/ngsi-ld/v1/entities", command(name, 9, status="draft"))
    assert state(city, f"{name}-2", "Command")["status"]["value"] == "pending"  # type: ignore[index]
    # None goes out before the audit has it: once both are there, they go in their order.
    city.until(lambda: all(f"{name}-{n}" in city.get("/audit/entries?kind=command&limit=50").text for n in (2, 3)))
    with DeviceClient(city.mqtt_port, name, secret) as client:
        assert client.is_let_in()
        client.subscribe()
        assert [json.loads(client.hear().payload)["payload"]["n"] for _ in range(2)] == [2, 3], "oldest first"
        for n in (2, 3):
            city.until(
                lambda n=n: state(city, f"{name}-{n}", "Command")["status"]["value"] == "delivered"  # type: ignore[index]
            )
        with pytest.raises(queue.Empty):
            client.heard.get(timeout=0.05)
    assert state(city, f"{name}-9", "Command")["status"]["value"] == "draft"  # type: ignore[index]


def test_a_device_is_commanded_from_its_own_realm_alone(city: Any) -> None:
    name = fresh()
    made = city.post("/admin/devices", {"name": name, "profile": PROFILE, "realm": "security"}).json()
    secret = city.post("/collect/claim", {"device": name, "claim": made["claim"]}).json()["secret"]
    with DeviceClient(city.mqtt_port, name, secret) as client:
        assert client.is_let_in()
        client.subscribe()
        assert city.post("/ngsi-ld/v1/entities", command(name, 1)).status_code == 201
        # Of its own realm it takes two people (tests/serve/test_commands_door.py), also for the machine itself.
        assert city.post("/ccc/ngsi-ld/v1/entities", command(name, 2)).status_code == 201
        there = f"/ccc/ngsi-ld/v1/entities/urn:ngsi-ld:Command:{name}-2"
        city.until(lambda: city.get(there).json()["status"]["value"] == "blocked")
        with pytest.raises(queue.Empty):
            client.heard.get(timeout=0.05)
    assert state(city, f"{name}-1", "Command")["status"]["value"] == "pending"  # type: ignore[index]
    with DeviceClient(city.mqtt_port, name, secret) as client:  # nor when it comes back
        assert client.is_let_in()
        client.subscribe()
        with pytest.raises(queue.Empty):
            client.heard.get(timeout=0.2)


def test_a_device_is_an_entity_that_says_how_it_has_been(serve: Callable[..., Any]) -> None:
    city = serve()
    secret = city.enrol("north", PROFILE, location={"type": "Point", "coordinates": [17.1, 48.2]}, label="open")
    hidden = city.enrol("gate", profile("GateEvent", "gate"), realm="security")
    with DeviceClient(city.mqtt_port, "north", secret) as client:
        assert client.is_let_in()
        for n in range(3):
            assert client.say(json.dumps({"temperature": n})) == OK
        client.say("{")
    with DeviceClient(city.mqtt_port, "gate", hidden) as client:
        assert client.is_let_in()
        assert client.say('{"temperature": 1}') == OK
        assert client.say("{") == PAYLOAD_INVALID
    assert {one["name"]: (one["readings"], one["refusals"]) for one in city.get("/admin/devices").json()} == {
        "north": (3, 1),
        "gate": (1, 1),
    }
    assert state(city, "gate", "GateEvent") is None
    assert city.stop() == 0

    file = city.folder / "security.db"
    key = find_keys(Settings(city.folder)).of(file)
    open_, security = SqliteStore(city.folder / "open.db"), SqliteStore(file, "security", key=key)
    reader = open_.reader()
    shown = reader.entity("", "urn:ngsi-ld:Device:north", ADMINISTRATOR)
    assert shown is not None
    assert (shown["readings"], shown["refusals"], shown["deviceState"]) == (3, 1, "active")
    assert shown["lastSeen"] >= stamp(60)
    station = reader.entity("", "urn:ngsi-ld:WeatherObserved:north", ADMINISTRATOR)
    assert station is not None
    assert station.location == {"type": "Point", "coordinates": [17.1, 48.2]}
    assert station.label == "open"
    for store, sees in ((open_, False), (security, True)):
        ids = {change.entity.id for change in store.since(0, 1_000)}
        assert any("gate" in one for one in ids) is sees, "nothing of the security realm is in the open one"
        assert any("GateEvent" in one for one in ids) is sees
        reader = store.reader()
        dead = reader.find(TENANT, Query.parse(types="DeadLetter"), ADMINISTRATOR, 10)
        sources = {one["source"] for one in dead}
        assert sources == ({"gate"} if sees else {"north"})
        assert list(store.check()) == []
        reader.close()
    raw = (city.folder / "open.db").read_bytes()
    assert b"GateEvent" not in raw
    open_.close()
    security.close()


def test_what_was_counted_and_said_is_known_after_a_restart(serve: Callable[..., Any]) -> None:
    city = serve()
    secret = city.enrol("north", PROFILE)
    with DeviceClient(city.mqtt_port, "north", secret) as client:
        assert client.is_let_in()
        assert client.say('{"temperature": 1}') == OK
    city.stop()
    city.start()
    assert device(city, "north")["readings"] == 1
    with DeviceClient(city.mqtt_port, "north", secret) as client:
        assert client.is_let_in()
        assert client.say('{"temperature": 2}') == OK
    assert device(city, "north")["readings"] == 2
    assert temperature(city, "north") == 2
