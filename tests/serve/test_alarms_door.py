"""The alarm desk through its door: roles, what is hidden, many at once, and bad input over HTTP."""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from click.testing import CliRunner

from hansa.apps.alarms.standing import ident
from hansa.cli import main
from served import Served

HIDDEN = "urn:ngsi-ld:Alert:hidden"
THEIRS = "urn:ngsi-ld:Alert:theirs"


class Room:
    """A city, and programs in several roles that act at its desk."""

    def __init__(self, city: Served) -> None:
        self.city = city
        self.tokens: dict[str, str] = {}
        self.client = httpx.Client(base_url=city.url, trust_env=False, timeout=30)

    def enter(self, name: str, *roles: str, department: str = "") -> None:
        made = {"name": name, "roles": list(roles), "departments": [department] if department else [], "scope": None}
        assert self.city.post("/admin/services", made).status_code == 201
        asked = {"owner": f"service:{name}", "scope": ["read", "write", "subscribe"], "days": 2}
        self.tokens[name] = self.city.post("/admin/tokens", asked).json()["token"]

    def ask(self, who: str | None, method: str, path: str, body: Any = None) -> httpx.Response:
        headers = {"content-type": "application/json"}
        if who is not None:
            headers["authorization"] = f"Bearer {self.tokens[who]}"
        return self.client.request(method, path, content=None if body is None else json.dumps(body), headers=headers)

    def act(self, who: str | None, verb: str, **said: Any) -> httpx.Response:
        return self.ask(who, "POST", f"/desk/alarms/{verb}", said)

    def alarm(self, name: str) -> dict[str, Any]:
        got = self.ask("desk", "GET", f"/ngsi-ld/v1/entities/{name}?options=concise")
        assert got.status_code == 200, got.text
        return got.json()  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def room(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("alarms") / "city"
    for name, label in ((HIDDEN, "security"), (THEIRS, "smart;owner=parks")):
        file = folder.parent / "alert.ndjson"
        file.write_text(
            json.dumps({"id": name, "type": "Alert", "status": {"type": "Property", "value": "open"}}) + "\n"
        )
        told = CliRunner().invoke(main, ["import", str(file), "--data", str(folder), "--label", label])
        assert told.exit_code == 0, told.output
    one = Room(Served(folder))
    try:
        one.enter("desk", "operator")
        one.enter("chief", "engineer")
        one.enter("second", "operator")
        one.enter("pipes", "member", department="water")
        one.enter("ledger", "auditor")
        one.enter("feeder", "service", department="parks")
        yield one
    finally:
        one.client.close()
        one.city.stop()


def test_an_alarm_is_raised_acknowledged_and_cleared_over_http(room: Room) -> None:
    made = room.act("desk", "raise", source="urn:x:bridge", kind="flood", severity="high")
    assert (made.status_code, made.json()["id"]) == (200, ident("urn:x:bridge", "flood")), made.text
    alert = made.json()["id"]
    assert room.act("desk", "acknowledge", id=alert, activation=1).status_code == 200
    assert room.act("desk", "clear", source="urn:x:bridge", kind="flood").status_code == 200
    now = room.alarm(alert)
    assert (now["status"], now["acknowledgedActivation"]["value"], now["acknowledgedBy"]) == (
        "closed",
        1,
        "service:desk",
    )
    told = room.ask("desk", "GET", f"/desk/alarms/story?id={alert}").json()["story"]
    assert {one["what"] for one in told} >= {"status", "activations", "acknowledgedActivation", "lastCleared"}


def test_who_has_not_the_role_does_not(room: Room) -> None:
    alert = room.act("desk", "raise", source="urn:x:a", kind="flood").json()["id"]
    assert room.act("ledger", "acknowledge", id=alert).status_code == 403
    assert room.act("pipes", "acknowledge", id=alert).status_code == 403
    assert room.act("desk", "out-of-service", id=alert, reason="why").status_code == 403
    assert room.act("chief", "out-of-service", id=alert, reason="why").status_code == 200
    assert room.act(None, "acknowledge", id=alert).status_code in {200, 401}  # 200: this machine is the administrator
    assert room.act("ledger", "raise", source="urn:x:a", kind="fire").status_code == 403
    assert room.ask("feeder", "GET", "/desk/alarms/load").status_code == 403
    assert room.ask("ledger", "GET", "/desk/alarms/load").status_code == 200


@pytest.mark.parametrize(
    ("verb", "said"),
    [
        ("acknowledge", {}),
        ("assign", {"to": "me"}),
        ("comment", {"text": "x"}),
        ("shelve", {"minutes": 5, "reason": "x"}),
        ("root", {"root": THEIRS}),
        ("clear", {}),
    ],
)
def test_an_alarm_that_one_does_not_see_is_one_that_is_not_there(room: Room, verb: str, said: dict[str, Any]) -> None:
    hidden, absent = (room.act("desk", verb, id=one, **said) for one in (HIDDEN, "urn:ngsi-ld:Alert:none"))
    assert hidden.status_code == absent.status_code == 404
    assert hidden.text.replace(HIDDEN, "") == absent.text.replace("urn:ngsi-ld:Alert:none", "")


def test_what_is_hidden_is_no_root_and_no_condition_either(room: Room) -> None:
    alert = room.act("desk", "raise", source="urn:x:r", kind="flood").json()["id"]
    told: list[list[str]] = []
    for one in (HIDDEN, "urn:ngsi-ld:Alert:none"):
        answers = (
            room.act("desk", "root", id=alert, root=one),
            room.act("chief", "suppress", id=alert, when=[{"alarm": one}], reason="why"),
            room.act("chief", "suppress", id=alert, when=[{"entity": one}], reason="why"),
        )
        assert [answer.status_code for answer in answers] == [400, 400, 400]
        told.append([answer.text.replace(one, "") for answer in answers])
    assert told[0] == told[1]


def test_what_is_hidden_is_in_no_list_no_story_and_no_load(room: Room) -> None:
    assert HIDDEN not in room.ask("desk", "GET", "/desk/alarms/list").text
    assert room.ask("desk", "GET", f"/desk/alarms/story?id={HIDDEN}").status_code == 404
    assert HIDDEN not in room.ask("desk", "GET", "/desk/alarms/load").text
    assert THEIRS in room.ask("desk", "GET", "/desk/alarms/list").text
    assert THEIRS not in room.ask("pipes", "GET", "/desk/alarms/list").text


def test_many_are_acknowledged_at_once_and_each_that_cannot_be_says_why(room: Room) -> None:
    alerts = [room.act("desk", "raise", source="urn:x:bulk", kind=f"{n}").json()["id"] for n in range(30)]
    room.act("desk", "acknowledge", id=alerts[0])
    told = room.act("desk", "acknowledge", ids=[*alerts, *alerts, "urn:ngsi-ld:Alert:none", HIDDEN]).json()
    assert {one["id"] for one in told["done"]} == set(alerts[1:])
    assert {one["id"]: one["status"] for one in told["refused"]} == {
        alerts[0]: 409, "urn:ngsi-ld:Alert:none": 404, HIDDEN: 404,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"ids": [f"urn:x:{n}" for n in range(10_000)]}, 413),
        ({"ids": []}, 400),
        ({"ids": "all"}, 400),
        ({"ids": [1, 2]}, 400),
        ({"id": "urn:x:a", "ids": ["urn:x:a"]}, 400),
        ({"id": 7}, 400),
        ({"id": "x" * 5_000}, 400),
        ({}, 400),
        ([], 400),
        ({"id": THEIRS, "comment": "c" * 1_000_000}, 400),
        ({"id": THEIRS, "activation": -1}, 400),
        ({"id": THEIRS, "activation": 1e300}, 400),
        ({"id": THEIRS, "sql": "'; --"}, 400),
    ],
)
def test_what_is_said_wrongly_is_refused_and_changes_nothing(room: Room, body: Any, status: int) -> None:
    before = room.alarm(THEIRS)
    answer = room.ask("desk", "POST", "/desk/alarms/acknowledge", body)
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert room.alarm(THEIRS) == before


def test_a_hundred_who_raise_one_alarm_at_once_raise_one(room: Room) -> None:
    with ThreadPoolExecutor(100) as many:
        answers = list(many.map(lambda _n: room.act("desk", "raise", source="urn:x:crowd", kind="crowd"), range(100)))
    assert {one.status_code for one in answers} == {200}
    (alert,) = {one.json()["id"] for one in answers}
    now = room.alarm(alert)
    assert (now["raises"]["value"], now["activations"]["value"]) == (100, 1)


def test_of_two_who_acknowledge_at_once_one_is_told_who_did(room: Room) -> None:
    alert = room.act("desk", "raise", source="urn:x:two", kind="two").json()["id"]
    with ThreadPoolExecutor(2) as two:
        answers = list(two.map(lambda who: room.act(who, "acknowledge", id=alert), ("desk", "second")))
    assert sorted(one.status_code for one in answers) == [200, 409]
    (late,) = (one for one in answers if one.status_code == 409)
    assert "has acknowledged it already" in late.json()["detail"]
