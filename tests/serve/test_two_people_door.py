"""Two people, through the doors of a real city: powers, services, halves of links, and fresh proof of who one is."""

import json
import time
from types import SimpleNamespace

import httpx
import pytest
from joserfc.jwk import OKPKey

from hansa.trust.jose import sign
from served import KNOWN, Served
from signed_in import SignedIn, left_open

KEY = OKPKey.generate_key("Ed25519", auto_kid=True)
PUBLIC = dict(KEY.as_dict(private=False))
LEDGER = {"name": "ledger", "departments": ["water"], "keys": [PUBLIC]}
METER, LAMP = "urn:ngsi-ld:WaterMeter:m1", "urn:ngsi-ld:Streetlight:l1"


@pytest.fixture
def city(serve) -> Served:
    made = serve()
    labels = {METER: "personal;owner=water;purposes=billing", LAMP: "smart"}
    writes = [
        {"kind": "upsert", "id": ident, "doc": {"id": ident, "type": ident.split(":")[2]}, "label": label}
        for ident, label in labels.items()
    ]
    assert made.post("/admin/import", writes).json()["taken"] == 2
    return made


@pytest.fixture
def ada(city):
    made = SignedIn(city, "ada")
    yield made
    made.close()


def door(link: str) -> SimpleNamespace:
    return SimpleNamespace(link=link)


@pytest.fixture
def ben(city, ada):
    """The second administrator, whom the machine invited."""
    told = city.post("/admin/invitations", {"roles": ["administrator"]})
    made = SignedIn(door(told.json()["link"]), "ben")
    yield made
    made.close()


def meter(one: SignedIn) -> int:
    return one.client.get(f"/ngsi-ld/v1/entities/{METER}", headers={"hansa-purpose": "billing"}).status_code


def agreed(first: SignedIn, second: SignedIn, kind: str, what: dict) -> dict:
    made = first.page("POST", "/admin/proposals", {"kind": kind, "what": what, "reason": "because"})
    assert made.status_code == 201, made.text
    path = f"/admin/proposals/{made.json()['id']}/approve"
    told = second.page("POST", path, {"digest": made.json()["digest"]})
    assert told.status_code == 200, told.text
    return told.json()


def test_an_administrator_comes_to_see_no_persons_data_by_himself(city, ada) -> None:
    """By no role of his own, no account that he invents, no service, no key and no token."""
    me = {"roles": ["administrator", "member"], "departments": ["water"]}
    assert ada.page("PATCH", "/admin/people/ada", me).status_code == 403
    for role in ("member", "auditor", "data_officer", "supervisor", "command", "administrator"):
        said = {"name": "eve", "roles": [role], "departments": ["water"]}
        assert ada.page("POST", "/admin/invitations", said).status_code == 403, role
    assert ada.page("POST", "/admin/services", LEDGER).status_code == 403
    assert ada.page("POST", "/admin/services", LEDGER | {"departments": [], "roles": ["auditor"]}).status_code == 403
    mine = OKPKey.generate_key("Ed25519", auto_kid=True).as_dict(private=False)
    assert city.post("/admin/services", LEDGER | {"keys": []}).status_code == 201
    told = ada.page("POST", "/admin/services/ledger/keys", {"key": mine})
    assert (told.status_code, told.json()["detail"]) == (403, "two people decide who is the service ledger")
    assert ada.page("POST", "/admin/services", {"name": "lamps", "roles": ["operator"]}).status_code == 201
    assert ada.page("POST", "/admin/services/lamps/keys", {"key": mine}).status_code == 200
    assert meter(ada) == 404
    assert agreeing_alone(ada) == 403


def agreeing_alone(ada: SignedIn) -> int:
    what = {"person": "ada", "roles": ["administrator", "member"], "departments": ["water"]}
    made = ada.page("POST", "/admin/proposals", {"kind": "appointment", "what": what, "reason": "me"}).json()
    return ada.page("POST", f"/admin/proposals/{made['id']}/approve", {"digest": made["digest"]}).status_code


def test_two_make_a_member_and_a_service_that_see_what_they_are_for(city, ada, ben) -> None:
    done = agreed(ada, ben, "appointment", {"shown": "Mia", "roles": ["member"], "departments": ["water"]})
    assert done["state"] == "done"
    (link,) = ada.client.get("/admin/invitations").json()
    halves = [one.page("POST", f"/admin/invitations/{link['id']}/tell").json()["link"] for one in (ada, ben)]
    assert city.post(f"/admin/invitations/{link['id']}/tell", {}).status_code == 403, "the machine has none"
    one, two = (half.rsplit("/", 1)[1] for half in halves)
    assert ada.page("POST", "/account/enrol/codes", {"link": one, "name": "eve", "shown": "Eve"}).status_code == 404
    mia = SignedIn(door(f"{halves[0]}.{two}"), "mia")
    assert meter(mia) == 200
    mia.close()

    assert city.post("/admin/services", LEDGER).status_code == 403, "nor does the machine, now that there are two"
    assert agreed(ada, ben, "service", LEDGER)["state"] == "done"
    (service,) = ada.client.get("/admin/services").json()
    assert service["madeBy"].startswith("person:ada, person:ben, ")
    assert service["keys"][0]["kid"] == PUBLIC["kid"]
    mine = dict(OKPKey.generate_key("Ed25519", auto_kid=True).as_dict(private=False))
    assert ben.page("POST", "/admin/services/ledger/keys", {"key": mine}).status_code == 403
    assert agreed(ben, ada, "service", {"service": "ledger", "key": mine})["state"] == "done"
    assert len(ada.client.get("/admin/services").json()[0]["keys"]) == 2
    for wrong in ({"service": "nobody", "key": mine}, {"service": "ledger", "key": mine}, {"service": "ledger"},
                  {"service": 7, "key": mine}, {"service": "ledger", "key": mine, "more": 1}, LEDGER,
                  {"name": "x", "roles": ["king"]}, {"service": "ledger", "key": mine, "alone": 1}):  # fmt: skip
        said = {"kind": "service", "what": wrong, "reason": "because"}
        assert ada.page("POST", "/admin/proposals", said).status_code in {400, 404, 409}, wrong


def test_nobody_stands_behind_anything_in_a_browser_that_was_left_open(city, ada, ben) -> None:
    what = {"shown": "Dora", "roles": ["data_officer"], "departments": []}
    said = {"kind": "appointment", "what": what, "reason": "because"}
    waits = ada.page("POST", "/admin/proposals", said).json()
    left_open(city, ada, ben)
    approve = f"/admin/proposals/{waits['id']}/approve"
    glass = {"roles": ["command"], "minutes": 5, "reason": "the river rises"}
    asked = {"/admin/proposals": said, "/admin/break-glass": glass}
    for path, body in asked.items():
        told = ada.page("POST", path, body)
        assert (told.status_code, told.json()["stepUp"], told.json()["level"]) == (401, "/sign-in?step=up", 2), path
    assert ben.page("POST", approve, {"digest": waits["digest"]}).status_code == 401
    assert ben.page("POST", approve, {"digest": "0" * 64}).status_code == 409, "what is wrong is said before"
    assert [one["state"] for one in ada.client.get("/admin/proposals").json()] == ["waiting"]
    assert ada.client.get("/admin/break-glass").json() == []
    ben.again()
    assert ben.page("POST", approve, {"digest": waits["digest"]}).json()["state"] == "done"
    ada.again()
    made = ada.page("POST", "/admin/break-glass", glass)
    assert made.status_code == 201
    left_open(city, ada, ben)
    told = ben.page("POST", f"/admin/proposals/{made.json()['proposal']}/approve", {"digest": made.json()["digest"]})
    assert told.status_code == 401
    told = ben.page("POST", f"/admin/proposals/{made.json()['proposal']}/refuse", {"reason": "it falls again"})
    assert told.json()["state"] == "refused", "to say no, nobody need show it"


def test_keys_and_tokens_are_made_only_by_who_has_just_shown_who_he_is(city, ada) -> None:
    mine = {"scope": ["read"], "days": 1}
    assert city.post("/admin/services", {"name": "lamps", "roles": ["operator"]}).status_code == 201
    key = {"key": PUBLIC}
    left_open(city, ada)
    asked = {"/admin/tokens": mine, "/admin/services": {"name": "two"}, "/admin/services/lamps/keys": key}
    for path, said in asked.items():
        told = ada.page("POST", path, said)
        assert (told.status_code, told.json().get("level")) == (401, 2), path
    assert ada.client.get("/admin/tokens").json() == []
    ada.again()
    for path, said in asked.items():
        assert ada.page("POST", path, said).status_code in {200, 201}, path


def test_a_token_of_an_administrator_stands_behind_nothing(city, ada) -> None:
    """Whoever stole it proposes nothing, makes no key, and no token."""
    token = ada.page("POST", "/admin/tokens", {"scope": ["admin", "read"], "days": 1}).json()["token"]
    bears = {"authorization": f"Bearer {token}"}
    asked = {
        "/admin/proposals": {"kind": "recovery", "what": {"person": "ada"}, "reason": "me"},
        "/admin/tokens": {"scope": ["read"], "days": 1},
        "/admin/services": {"name": "two"},
        "/admin/invitations": {"roles": ["operator"]},
    }
    for path, said in asked.items():
        with httpx.Client(base_url=city.url, verify=KNOWN, trust_env=False, headers=bears) as thief:
            assert thief.post(path, json=said).status_code in {400, 401, 403}, path


def test_a_signed_service_reads_what_two_made_it_for(city, ada, ben) -> None:
    agreed(ada, ben, "service", LEDGER)
    now = int(time.time())
    claims = {"iss": "ledger", "sub": "ledger", "aud": city.url, "iat": now, "exp": now + 60, "jti": "one"}
    assertion = sign({**KEY.as_dict(private=True), "alg": "EdDSA"}, claims)
    form = {"grant_type": "client_credentials", "client_assertion": assertion,
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"}  # fmt: skip
    told = httpx.post(f"{city.url}/token", data=form, verify=KNOWN, trust_env=False)
    assert told.status_code == 200, told.text
    headers = {"authorization": f"Bearer {json.loads(told.text)['access_token']}", "hansa-purpose": "billing"}
    assert city.get(f"/ngsi-ld/v1/entities/{METER}", headers=headers).status_code == 200


def test_a_token_ends_with_what_its_owner_signed_in_by(city, ada) -> None:
    """A password set, an account let in again, an account closed: at the front door of the real city."""

    def token(one: SignedIn) -> dict[str, str]:
        made = one.page("POST", "/admin/tokens", {"scope": ["read"], "days": 1})
        assert made.status_code == 201, made.text
        return {"authorization": f"Bearer {made.json()['token']}"}

    def good(bears: dict[str, str]) -> bool:
        return city.get(f"/ngsi-ld/v1/entities/{LAMP}", headers=bears).status_code == 200

    hers = token(ada)
    assert good(hers)
    assert ada.page("PUT", "/account/password", {"password": "another five grey herons"}).status_code == 204
    assert not good(hers)
    hers = token(ada)
    told = city.post("/admin/people/ada/recover", {})
    assert good(hers)
    anew = SignedIn(door(told.json()["link"]), "ada")
    assert not good(hers)
    noted = city.get("/audit/entries?kind=people&actor=person:ada").json()["entries"]
    said = [one["entry"]["what"] for one in noted]
    assert [one["many"] for one in said if one.get("did") == "tokens ended"] == [1, 1]
    told = anew.page("POST", "/admin/invitations", {"roles": ["operator"]})
    bob = SignedIn(door(told.json()["link"]), "bob")
    his = token(bob)
    assert anew.page("PATCH", "/admin/people/bob", {"disabled": True}).status_code == 200
    assert not good(his)
    for one in (anew, bob):
        one.close()
