"""What policy decides holds at every way out of a real city: NGSI-LD, live stream, page, health, administration."""

import json
import time
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from click.testing import CliRunner
from joserfc import jwt
from joserfc.jwk import ECKey

from hansa.cli import main
from served import KNOWN, Served

BEARER = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
TYPE = {"content-type": "application/json"}


HOW: Any = {"verify": KNOWN, "trust_env": False, "timeout": 30}


class Town:
    """A city with services in several roles, each with a token."""

    def __init__(self, city: Served) -> None:
        self.city = city
        self.tokens: dict[str, str] = {}

    def enter(
        self,
        name: str,
        *roles: str,
        department: str = "",
        scope: tuple[str, ...] = ("read", "write", "subscribe", "admin"),
    ) -> None:
        made = {"name": name, "roles": list(roles), "departments": [department] if department else [], "scope": None}
        answer = self.city.post("/admin/services", made)
        assert answer.status_code == 201, answer.text
        token = self.city.post("/admin/tokens", {"owner": f"service:{name}", "scope": list(scope), "days": 2})
        assert token.status_code == 201, token.text
        self.tokens[name] = token.json()["token"]

    def enter_by_key(self, name: str, *roles: str, department: str = "") -> None:
        """A service that proves itself by its own key, which is worth two factors."""
        key = ECKey.generate_key("P-256")
        made = {
            "name": name,
            "roles": list(roles),
            "departments": [department] if department else [],
            "scope": None,
            "keys": [key.as_dict(private=False)],
        }
        answer = self.city.post("/admin/services", made)
        assert answer.status_code == 201, answer.text
        now = int(time.time())
        claims = {"iss": name, "sub": name, "aud": f"{self.city.url}/token", "iat": now, "exp": now + 60, "jti": name}
        header = {"alg": "ES256", "kid": answer.json()["keys"][0]["kid"]}
        signed = jwt.encode(header, claims, key, algorithms=["ES256"])
        form = {"grant_type": "client_credentials", "client_assertion": signed, "client_assertion_type": BEARER}
        token = httpx.post(f"{self.city.url}/token", data=form, trust_env=False, timeout=30)
        assert token.status_code == 200, token.text
        self.tokens[name] = token.json()["access_token"]

    def headers(self, who: str | None, **more: str) -> dict[str, str]:
        return {**({} if who is None else {"authorization": f"Bearer {self.tokens[who]}"}), **TYPE, **more}

    def ask(self, who: str | None, method: str, path: str, body: Any = None, **more: str) -> httpx.Response:
        raw = None if body is None else json.dumps(body)
        url = self.city.url + path
        return httpx.request(method, url, content=raw, headers=self.headers(who, **more), **HOW)

    def ids(self, who: str | None, path: str = "/ngsi-ld/v1/entities?type=Lamp", **more: str) -> list[str]:
        answer = self.ask(who, "GET", path, **more)
        assert answer.status_code == 200, answer.text
        return sorted(one["id"].rpartition(":")[2] for one in answer.json())


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    folder = tmp_path_factory.mktemp("rights") / "city"
    for label in ("open", "smart", "smart;owner=parks", "personal;owner=parks;purposes=care"):
        key = label.partition(";")[0] + ("-parks" if "parks" in label else "")
        file = folder.parent / f"{key}.ndjson"
        point = {"type": "Point", "coordinates": [17.1, 48.1]}
        lamp = {"id": f"urn:x:{key}", "type": "Lamp", "level": {"type": "Property", "value": 1},
                "location": {"type": "GeoProperty", "value": point}}  # fmt: skip
        file.write_text(json.dumps(lamp) + "\n")
        told = CliRunner().invoke(main, ["import", str(file), "--data", str(folder), "--label", label])
        assert told.exit_code == 0, told.output
    one = Town(Served(folder))
    one.enter("desk", "operator")
    one.enter("garden", "member", department="parks")
    one.enter("pipes", "member", department="water")
    one.enter_by_key("wrench", "engineer")
    one.enter_by_key("carer", "member", department="parks")
    one.enter("ledger", "auditor")
    one.enter("reader", "operator", scope=("read:Lamp",))
    try:
        yield one
    finally:
        one.city.stop()


def test_each_sees_what_is_for_him(town: Town) -> None:
    assert town.ids("desk") == ["open", "smart", "smart-parks"]
    assert town.ids("garden") == ["open", "smart", "smart-parks"]
    assert town.ids("pipes") == ["open", "smart"]
    assert town.ask("pipes", "GET", "/ngsi-ld/v1/entities/urn:x:smart-parks").status_code == 404
    assert town.ask("pipes", "GET", "/ngsi-ld/v1/types/Lamp").json()["entityCount"] == 2


def test_a_wrong_token_is_nobody_and_not_this_machine(town: Town) -> None:
    wrong = {"authorization": "Bearer hansa_aaaaaaaaaaaaaaaa_" + "A" * 43}
    answer = httpx.get(town.city.url + "/ngsi-ld/v1/entities?type=Lamp", headers=wrong, trust_env=False)
    assert answer.status_code == 401


def test_writes_are_decided_too(town: Town) -> None:
    value = {"type": "Property", "value": 2}
    path = "/ngsi-ld/v1/entities/urn:x:{}/attrs/level"
    assert town.ask("garden", "PATCH", path.format("smart-parks"), value).status_code == 204
    assert town.ask("garden", "PATCH", path.format("smart"), value).status_code == 403
    assert town.ask("pipes", "PATCH", path.format("smart-parks"), value).status_code == 404
    assert town.ask("desk", "PATCH", path.format("smart"), value).status_code == 204
    assert town.ask("ledger", "PATCH", path.format("open"), value).status_code == 403
    assert town.ask("reader", "PATCH", path.format("open"), value).status_code == 403
    made = {"id": "urn:x:mine", "type": "Lamp", "level": value}
    assert town.ask("pipes", "POST", "/ngsi-ld/v1/entities", made).status_code == 201
    assert "mine" in town.ids("pipes")
    assert "mine" not in town.ids("garden")


def test_a_token_for_some_types_is_for_no_others(town: Town) -> None:
    value = {"type": "Property", "value": 2}
    assert (
        town.ask("desk", "POST", "/ngsi-ld/v1/entities", {"id": "urn:x:t", "type": "Tree", "h": value}).status_code
        == 201
    )
    assert set(town.ids("reader")) >= {"open", "smart", "smart-parks"}
    assert town.ids("reader", "/ngsi-ld/v1/entities?type=Tree") == []
    assert town.ids("desk", "/ngsi-ld/v1/entities?type=Tree") == ["t"]
    assert town.ask("reader", "GET", "/ngsi-ld/v1/entities/urn:x:t").status_code == 404
    count = town.ask("reader", "GET", "/ngsi-ld/v1/entities?local=true&count=true&q=level>0")
    assert int(count.headers["ngsild-results-count"]) == len(town.ids("reader"))


def test_the_security_realm_is_another_house(town: Town) -> None:
    for who in ("desk", "garden", "wrench", "ledger"):
        assert town.ids(who, "/ccc/ngsi-ld/v1/entities?type=Lamp") == [], who
        made = {"id": "urn:x:s", "type": "Lamp"}
        assert town.ask(who, "POST", "/ccc/ngsi-ld/v1/entities", made).status_code == 403, who


def test_the_administrators_door_is_for_engineers_what_is_technical(town: Town) -> None:
    assert town.ask("wrench", "GET", "/admin/devices").status_code == 200
    assert town.ask("wrench", "GET", "/admin/models").status_code == 200
    assert town.ask("wrench", "PUT", "/admin/clock", {"now": "2030-01-01T00:00:00Z"}).status_code == 403
    assert town.ask("desk", "GET", "/admin/devices").status_code == 403
    profile = {"name": "p", "type": "Camera", "channels": {"on": {"name": "on"}}}
    secret = {"name": "eye", "profile": profile, "realm": "security"}
    assert town.ask("wrench", "POST", "/admin/devices", secret).status_code == 403
    assert town.city.post("/admin/devices", secret).status_code == 201
    assert town.ask("wrench", "GET", "/admin/devices").json() == []
    evil = {"name": "evil", "profile": profile, "entity": "urn:x:personal-parks", "label": "open"}
    assert town.ask("wrench", "POST", "/admin/devices", evil).status_code == 403, "a device is no way to relabel"
    assert town.city.get("/ngsi-ld/v1/entities/urn:x:personal-parks").status_code == 200
    assert town.ask("wrench", "GET", "/ngsi-ld/v1/entities/urn:x:personal-parks").status_code == 404
    hidden = town.ask("wrench", "POST", "/admin/devices/eye/state", {"state": "revoked"})
    never = town.ask("wrench", "POST", "/admin/devices/ear/state", {"state": "revoked"})
    assert hidden.status_code == never.status_code == 404


def test_health_tells_strangers_whether_it_works_and_nothing_else(town: Town) -> None:
    brief = town.ask("ledger", "GET", "/health").json()
    assert brief.keys() == {"status", "now", "simulated", "rate"}
    assert "realms" in town.ask("wrench", "GET", "/health").json()
    assert town.ask("ledger", "GET", "/metrics").status_code == 401
    assert town.ask("wrench", "GET", "/metrics").status_code == 200


def test_the_page_and_the_live_stream_show_what_one_may_see(town: Town) -> None:
    alert = {"id": "urn:x:alert", "type": "Alert", "status": {"type": "Property", "value": "open"},
             "description": {"type": "Property", "value": "the roses"},
             "alertSource": {"type": "Property", "value": "urn:x:smart-parks"}}  # fmt: skip
    assert town.ask("garden", "POST", "/ngsi-ld/v1/entities", alert).status_code == 201
    assert "the roses" not in town.ask("pipes", "GET", "/", accept="text/html").text
    assert "the roses" in town.ask("garden", "GET", "/", accept="text/html").text
    url = town.city.url + "/live?type=Lamp"
    value = {"type": "Property", "value": 7}
    with httpx.Client(trust_env=False, timeout=30) as client:
        with client.stream("GET", url, headers=town.headers("pipes")) as stream:
            lines = stream.iter_lines()
            assert "seq" not in next(line for line in lines if line.startswith("data")), "no place in the log is told"
            assert (
                town.ask("garden", "PATCH", "/ngsi-ld/v1/entities/urn:x:smart-parks/attrs/level", value).status_code
                == 204
            )
            assert town.ask("desk", "PATCH", "/ngsi-ld/v1/entities/urn:x:smart/attrs/level", value).status_code == 204
            heard: list[str] = []
            for line in lines:
                heard.append(line)
                if "urn:x:smart" in line:
                    break
        assert not any("smart-parks" in line or '"seq"' in line or line.startswith("id:") for line in heard)


def test_personal_information_is_read_for_its_purpose_and_that_is_audited(town: Town) -> None:
    path = "/ngsi-ld/v1/entities/urn:x:personal-parks"
    assert town.ask("garden", "GET", path).status_code == 404
    assert town.ask("desk", "GET", path, **{"hansa-purpose": "care"}).status_code == 404
    assert town.ask("garden", "GET", path, **{"hansa-purpose": "a b"}).status_code == 400
    # A token is one secret; for personal information two factors are asked, and a key that signs is worth two.
    assert town.ask("garden", "GET", path, **{"hansa-purpose": "care"}).status_code == 404
    assert town.ask("carer", "GET", path).status_code == 404, "without a purpose there is none"
    assert town.ask("carer", "GET", path, **{"hansa-purpose": "care"}).status_code == 200
    assert "personal-parks" in town.ids("carer", **{"hansa-purpose": "care"})
    noted = town.city.get("/audit/entries?kind=read-personal").json()
    assert "urn:x:personal-parks" in json.dumps(noted)
    assert "service:carer" in json.dumps(noted)
    assert "service:garden" not in json.dumps(noted)


def test_a_subscriber_hears_what_he_may_see_and_sees_his_own_subscriptions(town: Town) -> None:
    body = {"type": "Subscription", "entities": [{"type": "Lamp"}],
            "notification": {"endpoint": {"uri": "http://subscriber.example/x"}}}  # fmt: skip
    made = town.ask("pipes", "POST", "/ngsi-ld/v1/subscriptions", body)
    assert made.status_code == 201, made.text
    place = made.headers["location"]
    assert town.ask("pipes", "GET", place).status_code == 200
    assert town.ask("garden", "GET", place).status_code == 404
    assert town.ask("garden", "DELETE", place).status_code == 404
    assert town.ask("garden", "GET", "/ngsi-ld/v1/subscriptions?count=true").headers["ngsild-results-count"] == "0"
    assert town.ask("wrench", "GET", place).status_code == 200, "an engineer looks after them"
    mine = {"notification": {"endpoint": {"uri": "http://engineer.example/x"}}}
    assert town.ask("wrench", "PATCH", place, mine).status_code == 403, "and does not send them to himself"
    assert town.ask("wrench", "PATCH", place, {"isActive": False}).status_code == 204
    assert town.ask("pipes", "DELETE", place).status_code == 204


def test_a_revoked_service_sees_nothing_from_that_moment(town: Town) -> None:
    town.enter("brief", "operator")
    assert town.ids("brief") == town.ids("desk")
    assert town.city.post("/admin/services/brief/revoke", {}).status_code in {200, 204}
    assert town.ask("brief", "GET", "/ngsi-ld/v1/entities?type=Lamp").status_code == 401


def test_policy_can_be_asked_why(town: Town) -> None:
    answer = town.ask("pipes", "GET", "/access/v1/why?verb=read&label=smart;owner=parks")
    assert answer.status_code == 200
    assert answer.json()["decision"] is False, answer.text


def test_a_token_that_does_not_say_administer_opens_no_door_of_the_city_itself(town: Town) -> None:
    town.enter("glance", "engineer", scope=("read",))
    town.enter("hands", "engineer")
    for path in ("/admin/devices", "/audit/entries", "/access/v1/policies"):
        refused = town.ask("glance", "GET", path)
        assert refused.status_code == 403, path
        assert "the token is not for this" in refused.json()["detail"]
    assert town.ids("glance") == town.ids("hands"), "what it is for, it does"


def test_a_model_weighs_what_the_writer_sees_and_tells_nothing_of_the_rest(town: Town) -> None:
    secret = {"id": "urn:x:vault", "type": "Lamp", "level": {"type": "Property", "value": "no number at all"}}
    file = town.city.folder.parent / "vault.ndjson"
    file.write_text(json.dumps(secret) + "\n")
    told = CliRunner().invoke(
        main, ["import", str(file), "--data", str(town.city.folder), "--label", "smart;owner=health"]
    )
    assert told.exit_code == 0, told.output
    schema = {"$id": "https://example.org/lamp.json",
              "properties": {"type": {"const": "Lamp"}, "level": {"type": "number"}}}  # fmt: skip
    assert town.city.post("/admin/models", {"name": "lamp.json", "schema": schema}).status_code == 201
    try:
        patch = {"level": {"type": "Property", "value": "still none"}}
        hidden = town.ask("pipes", "PATCH", "/ngsi-ld/v1/entities/urn:x:vault/attrs", patch)
        absent = town.ask("pipes", "PATCH", "/ngsi-ld/v1/entities/urn:x:never/attrs", patch)
        assert hidden.status_code == absent.status_code == 404
        same = (one.text.replace("vault", "never") for one in (hidden, absent))
        assert len(set(same)) == 1
        made = town.ask("desk", "POST", "/ngsi-ld/v1/entities", {"id": "urn:x:odd", "type": "Lamp", **patch})
        assert made.status_code == 201
    finally:
        assert town.city.get("/admin/models").json()
        httpx.delete(f"{town.city.url}/admin/models/Lamp", headers=TYPE, trust_env=False)


def test_a_tenant_of_which_everything_is_hidden_is_not_there(town: Town) -> None:
    made = {"id": "urn:x:case", "type": "Case"}
    tenant = {"ngsild-tenant": "casework"}
    assert town.ask("garden", "POST", "/ngsi-ld/v1/entities", made, **tenant).status_code == 201
    assert town.ids("garden", "/ngsi-ld/v1/entities?type=Case", **tenant) == ["case"]
    for path in ("entities?type=Case", "entities/urn:x:case", "types", "subscriptions"):
        hidden = town.ask("pipes", "GET", f"/ngsi-ld/v1/{path}", **tenant)
        absent = town.ask("pipes", "GET", f"/ngsi-ld/v1/{path}", **{"ngsild-tenant": "nobodies"})
        assert hidden.status_code == absent.status_code == 404, path
        assert hidden.text.replace("casework", "nobodies") == absent.text
    patch = {"n": {"type": "Property", "value": 1}}
    assert town.ask("pipes", "PATCH", "/ngsi-ld/v1/entities/urn:x:case/attrs", patch, **tenant).status_code == 404
    own = {"id": "urn:x:pipe", "type": "Case"}
    assert town.ask("pipes", "POST", "/ngsi-ld/v1/entities", own, **tenant).status_code == 201
    assert town.ids("pipes", "/ngsi-ld/v1/entities?type=Case", **tenant) == ["pipe"]


def test_a_map_of_entities_is_not_for_another_token_of_the_same_service(town: Town) -> None:
    token = town.city.post("/admin/tokens", {"owner": "service:desk", "scope": ["read:Tree"], "days": 2}).json()
    town.tokens["desk, for trees"] = token["token"]
    made = town.ask("desk", "GET", "/ngsi-ld/v1/entities?type=Lamp&entityMap=true")
    place = made.headers["ngsild-entitymap"]
    assert town.ask("desk", "GET", place).status_code == 200
    assert town.ask("desk, for trees", "GET", place).status_code == 404


def test_what_somebody_was_refused_is_in_the_audit_log_and_a_flood_of_it_is_counted(town: Town) -> None:
    town.enter("nosy", "auditor")
    made = {"id": "urn:x:nosy", "type": "Lamp"}
    assert town.ask("nosy", "POST", "/ngsi-ld/v1/entities", made).status_code == 403
    assert town.ask("nosy", "POST", "/ccc/ngsi-ld/v1/entities", made).status_code == 403
    for realm, path in (("open", "/ngsi-ld/v1/entities"), ("security", "/ccc/ngsi-ld/v1/entities")):

        def told(realm: str = realm) -> list[Any]:
            answer = town.city.get(f"/audit/entries?realm={realm}&kind=refused&actor=service:nosy&limit=1000")
            return [one["entry"]["what"]["asked"] for one in answer.json()["entries"]]

        town.city.until(told)
        assert told() == [f"POST {path}"]
    for _ in range(80):
        town.ask("nosy", "POST", "/ngsi-ld/v1/entities", made)
    answer = town.city.get("/audit/entries?realm=open&kind=refused&actor=service:nosy&limit=1000")
    assert len(answer.json()["entries"]) <= 61
    assert town.ask(None, "GET", "/audit/entries?kind=refused").status_code == 200
