"""The shift log through the doors of a real city: two people, their proofs, and all who would change what stands."""

import json
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import httpx
import pytest

from hansa.model.change import Write
from hansa.model.entity import Attribute, entity
from hansa.platform.sqlite import SqliteStore
from hansa.platform.store import Item
from hansa.trust.labels import ADMINISTRATOR
from served import KNOWN, Served
from signed_in import SignedIn, left_open

PEOPLE = {"ben": ["operator"], "sue": ["supervisor"], "cleo": ["command"], "rita": ["resident"]}


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    made = Served(tmp_path_factory.mktemp("shifts") / "city")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def people(city):
    found = {"ada": SignedIn(city, "ada")}
    links = {}
    for name, roles in PEOPLE.items():
        told = city.post("/admin/invitations", {"name": name, "shown": name.title(), "roles": roles, "departments": []})
        assert told.status_code == 201, told.text
        links[name] = told.json()["link"]
    for name, link in links.items():
        found[name] = SignedIn(SimpleNamespace(link=link), name)
    yield found
    for one in found.values():
        one.close()


def act(one, verb, room="", **said):
    return one.page("POST", f"{room}/desk/brain/{verb}", said)


def begun(one, desk, room=""):
    told = act(one, "begin", room, desk=desk)
    assert told.status_code == 200, told.text
    return told.json()["id"]


def log(one, desk, room=""):
    return one.page("GET", f"{room}/desk/brain/log?desk={desk}&limit=200").json()["entries"]


def held(one, entries, realm="open"):
    return one.page("POST", "/audit/held", {"realm": realm, "entries": entries})


def test_two_people_hand_over_and_the_log_is_proven(city, people):
    ada, ben = people["ada"], people["ben"]
    shift = begun(ada, "one")
    assert act(ada, "enter", id=shift, text="The mill called.", kind="call").status_code == 200
    draft = ada.page("GET", "/desk/brain/draft").json()["sections"]
    told = act(ada, "hand-over", id=shift, text="Quiet night.", facts=draft)
    assert told.status_code == 200, told.text
    own = act(ada, "accept", id=shift, digest=log(ada, "one")[0]["digest"])
    assert (own.status_code, "himself" in own.text) == (400, True)
    told = act(ben, "accept", id=shift, digest=log(ben, "one")[0]["digest"])
    assert told.status_code == 200, told.text
    again = act(people["sue"], "accept", id=shift, digest=log(ben, "one")[-1]["digest"])
    assert again.status_code == 409
    entries = log(ben, "one")
    assert [(it["kind"], it["by"]) for it in entries] == [
        ("begin", "person:ben"), ("accepted", "person:ben"), ("handover", "person:ada"), ("call", "person:ada"),
        ("begin", "person:ada"),
    ]  # fmt: skip
    assert {it.get("assurance") for it in entries if it["kind"] in {"handover", "accepted"}} == {2}
    proof = held(ben, [[it["id"], it["digest"]] for it in entries]).json()["entries"]
    assert [(it["held"], it["actor"], it["assurance"]) for it in proof] == [
        (True, it["by"], 2) for it in entries
    ]  # fmt: skip
    assert ben.page("GET", "/desk/brain/verify?desk=one").json()["sound"] is True
    sessions = city.get(f"/audit/entries?entity={entries[2]['id']}").json()["entries"]
    assert sessions[0]["entry"]["kind"] == "entry"
    assert sessions[0]["entry"]["session"]


@pytest.mark.parametrize("who", ["ben", "sue", "ada", "machine"])
def test_nobody_changes_or_deletes_an_entry_through_any_door(city, people, who):
    begun(people["sue"], f"kept-{who}")
    (entry,) = log(people["sue"], f"kept-{who}")
    ident = entry["id"]
    ask = (
        (lambda method, path, said=None: people[who].page(method, path, said))
        if who != "machine"
        else lambda method, path, said=None: httpx.request(
            method,
            city.url + path,
            json=said,
            headers={"content-type": "application/json"},
            verify=KNOWN,
            trust_env=False,
        )
    )
    text = {"type": "Property", "value": "nothing happened"}
    whole = {"id": ident, "type": "ShiftEntry", "by": {"type": "Property", "value": "person:eve"}, "text": text}
    at = "2026-04-01T00:00:00Z"
    tried = [
        ask("PATCH", f"/ngsi-ld/v1/entities/{ident}", {"text": text}),
        ask("PATCH", f"/ngsi-ld/v1/entities/{ident}/attrs/by", {"value": "person:eve"}),
        ask("PATCH", f"/ngsi-ld/v1/entities/{ident}/attrs", {"by": text}),
        ask("POST", f"/ngsi-ld/v1/entities/{ident}/attrs", {"text": text}),
        ask("POST", f"/ngsi-ld/v1/entities/{ident}/attrs", {"type": ["ShiftEntry", "Note"]}),
        ask("PUT", f"/ngsi-ld/v1/entities/{ident}", whole),
        ask("PUT", f"/ngsi-ld/v1/entities/{ident}/attrs/by", text),
        ask("DELETE", f"/ngsi-ld/v1/entities/{ident}/attrs/by"),
        ask("DELETE", f"/ngsi-ld/v1/entities/{ident}"),
        ask("POST", "/ngsi-ld/v1/entityOperations/upsert", [whole]),
        ask("POST", "/ngsi-ld/v1/entityOperations/delete", [ident]),
        ask("POST", "/ngsi-ld/v1/entityOperations/merge", [whole]),
        ask("POST", "/ngsi-ld/v1/entityOperations/update", [whole]),
        ask("POST", f"/ngsi-ld/v1/temporal/entities/{ident}/attrs", {"by": [text | {"observedAt": at}]}),
        ask("POST", "/ngsi-ld/v1/temporal/entities", whole | {"text": [text | {"observedAt": at}]}),
        ask("DELETE", f"/ngsi-ld/v1/temporal/entities/{ident}"),
        ask("DELETE", f"/ngsi-ld/v1/temporal/entities/{ident}/attrs/by"),
        ask("PATCH", f"/ngsi-ld/v1/entities/{ident}", {"expiresAt": "2026-12-01T00:00:00Z"}),
        ask("DELETE", "/ngsi-ld/v1/entities?type=ShiftEntry"),
    ]
    assert [
        (one.request.method, one.request.url.path, one.status_code)
        for one in tried
        if one.status_code < 300 and one.status_code != 207
    ] == []
    assert log(people["sue"], f"kept-{who}") == [entry]
    assert held(people["sue"], [[ident, entry["digest"]]]).json()["entries"][0]["held"] is True
    past = city.get(
        f"/ngsi-ld/v1/temporal/entities/{ident}?timerel=after&timeAt=2000-01-01T00:00:00Z&timeproperty=modifiedAt"
    )
    assert "eve" not in past.text
    assert "nothing happened" not in past.text


def test_nobody_writes_an_entry_past_the_log(city, people):
    forged = entity("ShiftEntry", "kept-forged-1", desk="forged", number=1, by="person:ada", text="I did it").doc
    for one in (people["ben"], people["ada"]):
        assert one.page("POST", "/ngsi-ld/v1/entities", forged).status_code == 403
        assert one.page("POST", "/ngsi-ld/v1/entityOperations/create", [forged]).status_code in {207, 400, 403}
    assert city.post("/ngsi-ld/v1/entities", forged).status_code == 403
    assert city.get(f"/ngsi-ld/v1/entities/{forged['id']}").status_code == 404


def test_a_link_bent_by_an_operator_opens_nothing(people):
    ada, ben = people["ada"], people["ben"]
    shift = begun(ada, "bent")
    bent = {"who": {"type": "Property", "value": "person:ben"}, "status": {"type": "Property", "value": "open"}}
    ben.page("PATCH", f"/ngsi-ld/v1/entities/{shift}", bent)
    for verb in ("enter", "hand-over"):
        told = act(ben, verb, id=shift, text="mine now")
        assert (told.status_code, "not your shift" in told.text) == (400, True)
    assert act(ada, "enter", id=shift, text="still mine").status_code == 200


def test_what_is_too_much_or_nonsense_is_refused(people):
    ada = people["ada"]
    shift = begun(ada, "much")
    assert act(ada, "enter", id=shift, text="x" * 1_000_000).status_code == 400
    assert act(ada, "enter", id=shift, text="x" * 5_000_000).status_code == 413
    assert act(ada, "enter", id="urn:ngsi-ld:Shift:nowhere", text="x").status_code == 404
    assert act(ada, "begin", desk='"; drop table').status_code == 400
    assert act(ada, "hand-over", id=shift, text="x", facts=[1]).status_code == 400
    assert len(log(ada, "much")) == 1


def test_a_resident_neither_reads_nor_writes_the_log(city, people):
    rita = people["rita"]
    assert act(rita, "begin", desk="mine").status_code == 403
    assert rita.page("GET", "/desk/brain/log?desk=one").status_code == 403
    stranger = httpx.get(
        f"{city.url}/desk/brain/log", headers={"x-forwarded-for": "10.0.0.1"}, verify=KNOWN, trust_env=False
    )
    assert stranger.status_code in {401, 403}


def test_the_command_centre_has_a_log_of_its_own(city, people):
    cleo, ben = people["cleo"], people["ben"]
    shift = begun(cleo, "ccc", "/ccc")
    assert act(cleo, "enter", "/ccc", id=shift, text="camera 4 is blind").status_code == 200
    entries = log(cleo, "ccc", "/ccc")
    assert [one["kind"] for one in entries] == ["note", "begin"]
    assert all(
        one["held"] for one in held(cleo, [[it["id"], it["digest"]] for it in entries], "security").json()["entries"]
    )
    assert log(cleo, "ccc") == []  # nothing of it is in the other room
    assert act(ben, "begin", "/ccc", desk="ccc").status_code in {403, 404}
    assert cleo.page("DELETE", f"/ccc/ngsi-ld/v1/entities/{entries[0]['id']}").status_code == 403
    assert "camera 4" not in ben.page("GET", "/ccc/desk/brain/log?desk=ccc").text
    # Who saw it is in the audit log, for those who may read that.
    asked = f"/audit/entries?realm=security&kind=read-security&entity={entries[0]['id']}"
    assert {one["entry"]["actor"] for one in city.get(asked).json()["entries"]} == {"person:cleo"}
    assert ben.page("GET", asked).status_code == 404


def test_a_wall_has_a_token_that_reads_and_does_nothing_else(city, people):
    told = people["ben"].page("POST", "/admin/tokens", {"owner": "person:ben", "scope": ["read"], "days": 30})
    assert told.status_code == 201, told.text
    token = told.json()["token"]
    bearer = {"authorization": f"Bearer {token}"}
    seen = city.get("/desk/brain/wall", headers=bearer)
    assert (seen.status_code, list(seen.json()["panels"])) == (
        200,
        ["alarms", "vitals", "incidents", "forecasts", "shift"],
    )
    assert "person:" not in seen.text
    assert city.get("/ccc/desk/brain/wall", headers=bearer).text.count('"total":0') == 4
    said = httpx.post(
        f"{city.url}/desk/brain/begin", json={"desk": "wall"}, headers=bearer, verify=KNOWN, trust_env=False
    )
    assert said.status_code == 403
    assert city.get("/desk/brain/wall?panels=nonsense", headers=bearer).status_code == 400


def test_many_at_once_lose_no_entry_and_leave_no_hole(people):
    two = {name: begun(people[name], "busy") for name in ("ada", "ben")}

    def enter(number):
        name = "ada" if number % 2 else "ben"
        return act(people[name], "enter", id=two[name], text=f"word {number}").status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(enter, range(40))) == {200}
    entries = log(people["ada"], "busy")
    assert [one["number"] for one in entries] == list(range(42, 0, -1))
    assert len({one["text"] for one in entries if "text" in one}) == 40
    assert people["ada"].page("GET", "/desk/brain/verify?desk=busy").json()["sound"] is True


@pytest.mark.parametrize(
    "said",
    [{}, [], {"entries": "x"}, {"entries": [["x"]]}, {"entries": [[1, 2]]}, {"realm": "moon", "entries": []},
     {"realm": ["open"], "entries": []}, {"entries": [["urn:x", "0"]] * 201}],
)  # fmt: skip
def test_nonsense_is_no_question_to_the_audit_log(people, said):
    assert people["ben"].page("POST", "/audit/held", said).status_code == 400


def test_the_audit_log_tells_nobody_what_he_did_not_know(city, people):
    ident = log(people["ada"], "one")[0]["id"]
    for digest in ("", "0" * 64, log(people["ada"], "one")[1]["digest"]):
        assert held(people["ben"], [[ident, digest]]).json() == {"entries": [{"entity": ident, "held": False}]}
    assert held(people["ben"], [["urn:ngsi-ld:ShiftEntry:none-1", "0"]]).json()["entries"][0]["held"] is False
    headers = {"x-forwarded-for": "10.0.0.1", "content-type": "application/json"}
    told = httpx.post(
        f"{city.url}/audit/held", content='{"entries": []}', headers=headers, verify=KNOWN, trust_env=False
    )
    assert told.status_code == 401


def test_whoever_signs_has_shown_lately_who_he_is_and_a_file_that_was_changed_is_found_out(city, people):
    ada, ben = people["ada"], people["ben"]
    shift = begun(ada, "late")
    left_open(city, *people.values())
    told = act(ada, "hand-over", id=shift, text="good night")
    assert (told.status_code, told.json().get("stepUp")) == (401, "/sign-in?step=up")
    assert len(log(ada, "late")) == 1
    assert act(ada, "enter", id=shift, text="entering needs no new proof").status_code == 200
    ada.again()
    assert act(ada, "hand-over", id=shift, text="good night").status_code == 200
    digest = log(ben, "late")[0]["digest"]
    assert act(ben, "accept", id=shift, digest=digest).status_code == 401
    ben.again()
    assert act(ben, "accept", id=shift, digest=digest).status_code == 200
    # Somebody has the file, and hansa's own code, and writes another word into it.
    city.stop()
    store = SqliteStore(city.folder / "open.db")
    victim = "urn:ngsi-ld:ShiftEntry:late-2"
    before = store.reader().entity("", victim, ADMINISTRATOR)
    words = entity("ShiftEntry", victim, text=Attribute("nothing was entered")).doc
    assert store.commit([Item([Write("say", victim, words)], "nobody")], 1_900_000_000_000_000)
    store.close()
    city.start()
    for one in (ada, ben):
        one.follow(city)
    entries = {one["number"]: one for one in log(ben, "late")}
    assert entries[2]["text"] == "nothing was entered"
    assert entries[3]["follows"] is False
    assert ben.page("GET", "/desk/brain/verify?desk=late").json()["faults"] == [
        {"number": 2, "what": "it is not what it was when the next one was entered"}
    ]  # fmt: skip
    proof = held(ben, [[it["id"], it["digest"]] for it in entries.values()]).json()["entries"]
    assert {it["entity"]: it["held"] for it in proof} == {it["id"]: it["number"] != 2 for it in entries.values()}
    assert held(ben, [[victim, before.digest]]).json()["entries"][0]["held"] is True
    assert json.dumps(before.doc) != json.dumps(words)
