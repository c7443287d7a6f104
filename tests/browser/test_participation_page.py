"""Participation in a real browser: a vote from its blinding to the check, and the desk of whoever moderates."""

import json
import time
from pathlib import Path
from types import SimpleNamespace

import httpx
import orjson
import pytest
from seen import until

from hansa.trust.ballots import Cast, Seal, Vote, check
from hansa.trust.ballots import published as published_
from hansa.trust.blind import PublicKey, Signer, blind, coded, finalize, prepared, uncoded
from looks import nameless, outside, small, weak
from served import Served
from signed_in import SignedIn

BALLOT = "urn:ngsi-ld:Ballot:quay"
VECTOR = json.loads((Path(__file__).parents[1] / "trust" / "rfc9474.json").read_text())
XSS = "<img src=x onerror=alert(1)>"


@pytest.fixture(scope="module")
def city(tmp_path_factory):
    made = Served(tmp_path_factory.mktemp("votes") / "city", "--clock", "driven@2026-03-05T12:00:00Z")
    yield made
    made.stop()


@pytest.fixture(scope="module")
def people(city):
    """Ada works for the city; bo and cy live in it."""
    found = {"ada": SignedIn(city, "ada")}
    links = {}
    for name in ("bo", "cy"):
        told = city.post("/admin/invitations", {"name": name, "shown": name.title(), "roles": ["resident"]})
        assert told.status_code == 201, told.text
        links[name] = told.json()["link"]
    for name, link in links.items():
        found[name] = SignedIn(SimpleNamespace(link=link), name)
    yield found
    for one in found.values():
        one.close()


def acts(people, who, name, **said):
    told = people[who].page("POST", f"/desk/participation/{name}", said)
    assert told.status_code == 200, told.text
    return told.json()


@pytest.fixture(scope="module")
def process(people):
    """A process with two proposals, a comment that a rule holds, and a vote that is open."""
    of = "urn:ngsi-ld:ParticipationProcess:quay"
    phase = {"phase": "collect", "begins": "2026-03-01T00:00:00Z", "ends": "2026-06-01T00:00:00Z"}
    title = {"en": "The quay"}
    acts(people, "ada", "describe", key="quay", title=title, summary=title, kind="consultation", phases=[phase])
    acts(people, "ada", "publish", id=of)
    for n, who in enumerate(("bo", "cy")):
        acts(people, who, "propose", process=of, title=f"Idea {n} {XSS}", text=f"It is {XSS}", language="en")
    told = people["bo"].page("GET", f"/desk/participation/proposals?process={of}")
    proposal = next(one["id"] for one in told.json()["proposals"] if one["title"].startswith("Idea 0"))
    acts(people, "bo", "comment", about=proposal, text=f"I will kill you {XSS}", language="en", author="Bo")
    options = [{"id": one, "text": {"en": one.title()}} for one in ("bench", "lamp", "tree")]
    times = {"opens": "2026-03-01T00:00:00Z", "closes": "2026-03-06T12:00:00Z"}
    said = {"question": {"en": "What first?"}, "kind": "approval", "options": options, "most": 2, **times}
    acts(people, "ada", "draft-ballot", process=of, key="quay", **said)
    acts(people, "ada", "open-ballot", id=BALLOT)
    return of


@pytest.fixture
def seat(browse, city, people):
    """A browser in which one of them is signed in."""

    def sit(name, path, **how):
        cookies = [
            {"name": one.name, "value": one.value, "domain": "127.0.0.1", "path": "/", "expires": -1,
             "httpOnly": True, "secure": False, "sameSite": "Lax"}
            for one in people[name].client.cookies.jar
        ]  # fmt: skip
        return browse(path, storage_state={"cookies": cookies, "origins": []}, **how)

    return sit


def test_the_browser_and_python_agree_on_rfc_9474_and_on_each_other(browse):
    page = browse("/participation")
    found = page.evaluate(
        """async (v) => {
          const it = await import("/static/participation/blind.js");
          const bytes = (hex) => Uint8Array.from(hex.match(/../g), (one) => parseInt(one, 16));
          const of = it.key({ kty: "RSA", n: it.coded(bytes(v.n)), e: it.coded(bytes(v.e)) });
          const made = await it.blind(of, bytes(v.prepared_msg), bytes(v.salt), it.number(bytes(v.inv)));
          const signature = await it.finalize(of, bytes(v.prepared_msg), bytes(v.blind_sig), made.undo);
          const other = it.finalize(of, bytes(v.msg), bytes(v.blind_sig), made.undo);
          const wrong = await other.catch((fault) => fault.message);
          return { blinded: it.coded(made.blinded), signature: it.coded(signature), wrong };
        }""",
        VECTOR,
    )
    assert found["blinded"] == coded(bytes.fromhex(VECTOR["blinded_msg"]))
    assert found["signature"] == coded(bytes.fromhex(VECTOR["sig"]))
    assert "no signature" in found["wrong"]
    signer, ready = Signer.fresh(2_048), prepared(b"what was chosen")
    made = page.evaluate(
        """async ([jwk, text]) => {
          const it = await import("/static/participation/blind.js");
          const of = it.key(jwk);
          const { blinded, undo } = await it.blind(of, it.uncoded(text));
          return [it.coded(blinded), undo.toString(16), await it.fingerprint(of)];
        }""",
        [signer.public.jwk, coded(ready)],
    )
    assert made[2] == signer.public.fingerprint
    signed = signer.sign(uncoded(made[0], "blinded"))
    assert finalize(signer.public, ready, signed, int(made[1], 16))
    hidden, inverse = blind(signer.public, ready)  # and a signature that Python made holds in the browser
    signature = finalize(signer.public, ready, signer.sign(hidden), inverse)
    holds = page.evaluate(
        """async ([jwk, text, signature]) => {
          const it = await import("/static/participation/blind.js");
          return it.holds(it.key(jwk), it.uncoded(text), it.uncoded(signature));
        }""",
        [signer.public.jwk, coded(ready), coded(signature)],
    )
    assert holds


def votes(page, *choice):
    return page.evaluate(
        """async ([ballot, choice]) => {
          const it = await import("/static/participation/vote.js");
          try {
            return await it.vote(ballot, choice);
          } catch (fault) {
            return { status: fault.status, why: fault.message };
          }
        }""",
        [BALLOT, list(choice)],
    )


def answers(body):
    return lambda it: it.fulfill(body=body)


def test_a_vote_from_the_blinding_to_the_check(seat, people, process, city):
    page = seat("bo", "/participation")
    asked = []
    page.on("request", lambda one: "/votes/" in one.url and asked.append((one.url.rsplit("/", 1)[1], one)))
    assert votes(page, "bench", "lamp", "tree") == {"status": 400, "why": "this cannot be chosen: too-many"}
    told = votes(page, "lamp", "bench")
    assert "why" not in told, told
    assert (told["choice"], told["cast"]) == (["bench", "lamp"], False)
    wait_s = told["due"] / 1_000 - time.time()
    assert 100 < wait_s < 20 * 60 + 5, "it is cast later, and apart"
    assert votes(page, "tree")["choice"] == ["bench", "lamp"], "another window is told of the same ballot"
    done = page.evaluate("async () => (await import('/static/participation/vote.js')).castDue()")
    assert done == {"cast": [], "failed": []}, "it is not due"
    done = page.evaluate("async () => (await import('/static/participation/vote.js')).castDue({ now: true })")
    assert done == {"cast": [BALLOT], "failed": []}
    for name, one in asked:
        cookie = one.all_headers().get("cookie")
        assert bool(cookie) is (name == "sign"), f"{name} says who asks"
    # On another device nobody is given a second one.
    other = seat("bo", "/participation")
    assert votes(other, "tree")["status"] == 409
    stranger = seat("ada", "/participation")
    assert votes(stranger, "tree")["status"] == 403
    second = seat("cy", "/participation")
    both = second.evaluate(
        """async (ballot) => {
          const it = await import("/static/participation/vote.js");
          return Promise.all([it.vote(ballot, ["tree"]), it.vote(ballot, ["lamp"])]);
        }""",
        BALLOT,
    )
    assert [one["choice"] for one in both] == [["tree"], ["tree"]], "two windows at once have one ballot"
    second.evaluate("async () => (await import('/static/participation/vote.js')).castDue({ now: true })")
    turned = httpx.put(f"{city.url}/admin/clock", json={"now": "2026-03-06T12:00:01Z"}, trust_env=False)
    assert turned.is_success, turned.text
    published = city.get("/votes/quay/published")
    assert published.status_code == 200
    receipt = page.evaluate("async () => (await import('/static/participation/vote.js')).receipts()[0]")
    found = check(published.content.splitlines(), receipt)
    assert (found.faults, found.mine, found.given, found.cast) == ([], "there", 2, 2)
    assert found.compared == ["receipt"], "the browser and Python find the same fingerprint"
    assert found.result["tally"] == {"bench": 1, "lamp": 1, "tree": 1}
    checked = "async (one) => (await import('/static/participation/vote.js')).check(one)"
    assert page.evaluate(checked, receipt) == {"found": True, "root": found.root, "cast": 2, "given": 2, "why": ""}
    lost = receipt | {"choice": ["bench"]}
    assert page.evaluate(checked, lost)["why"] == "another-key"
    # Whoever puts another file in its place is found out by the browser alone, however well it agrees with itself.
    lines = published.content.splitlines()
    head = orjson.loads(lines[0])
    vote = Vote.read(head["vote"])
    true = [Cast.read(orjson.loads(line), vote, 256) for line in lines[2:]]
    forged = list(published_(vote, PublicKey.read(head["key"]), Seal(), 2, true))
    fewer = orjson.dumps(head | {"given": 9})
    for body, why in (
        (forged, "another-fingerprint"),
        ([fewer, *lines[1:]], "head"),
        (lines[:-1], "missing" if orjson.loads(lines[-1])["serial"] == receipt["serial"] else "root"),
        ([*lines, lines[-1]], "order"),
        (lines[:1], "unreadable"),
    ):
        page.route("**/votes/quay/published", answers(b"\n".join(body)))
        told = page.evaluate(checked, receipt)
        assert (told["found"], told["why"]) == (False, why)
        page.unroute("**/votes/quay/published")
    stranger.goto(f"{city.url}/participation?view=votes&sel={BALLOT}")
    until(stranger, "2 were given a ballot, 2 were cast", "#one p")


def test_the_city_s_own_files_hold_nothing_that_leads_from_a_voter_to_a_ballot(people, process, city):
    """Logs, audit and stores as an administrator has them: the serials and choices of ballots are in the box alone."""
    published = [json.loads(one) for one in city.get("/votes/quay/published").content.splitlines()[2:]]
    assert len(published) == 2
    log = city.log.read_text(errors="replace")
    audit = city.get("/audit/search?limit=500").text + city.get("/audit/entries?limit=500").text
    changes = str(city.get("/ngsi-ld/v1/entities?type=Ballot").json()).replace("None", "")
    for one in published:
        for secret in (one["serial"], one["signature"], one["prefix"]):
            for text in (log, audit, changes, (city.folder / "open.db").read_bytes().decode("latin-1")):
                assert secret not in text
            wal = city.folder / "open.db-wal"
            assert not wal.exists() or secret.encode() not in wal.read_bytes()
    assert "/cast" not in log


def test_a_moderator_sees_what_waits_and_decides_with_a_reason(seat, people, process):
    page = seat("ada", "/participation")
    until(page, "I will kill you", ".par-table .attr")
    page.click(".par-table .attr")
    until(page, XSS, "#one .par-text")  # as text
    until(page, "Hate", "#one .facts")
    page.click("#one >> text=Hide it")
    page.fill("#editor [name=reason]", "a threat")
    page.click("#editor .do")
    until(page, "Nothing waits", "#list")
    acts(people, "bo", "appeal", about=comment_of(people), text="It was a joke")
    until(page, "Appeal, for somebody else", "#list")
    page.click(".par-table .attr")
    until(page, "Somebody else decides", "#one .quiet")
    assert page.locator("#one >> text=Show it").count() == 0


def comment_of(people):
    return people["bo"].client.get("/desk/participation/mine").json()["comments"][0]["id"]


def test_staff_sets_up_a_process_and_assesses_proposals_on_the_page(seat, people, process):
    page = seat("ada", "/participation?view=processes")
    page.click("#add")
    page.fill("#editor [name=title]", "The park")
    page.fill("#editor [name=summary]", "What should grow there?")
    page.fill("#editor [name=phases]", "collect 2026-03-01 2026-04-01\nvote 2026-05-01 08:00 2026-05-08")
    page.fill("#editor [name=sum]", "5000")
    page.click("#editor .do")
    until(page, "The park", ".par-table .attr")
    page.click(".par-table .attr:has-text('The park')")
    page.click("#one >> text=Publish")
    page.locator("tr:has-text('The park') .sign", has_text="Collect").wait_for()
    page.goto(page.url.split("?")[0] + f"?view=proposals&process={process}")
    until(page, XSS, ".par-table .attr")
    page.click(".par-table .attr:has-text('Idea 0')")
    page.click("#one >> text=Admissible…")
    page.fill("#editor [name=reason]", "There is room")
    page.click("#editor .do")
    page.locator("tr:has-text('Idea 0') .sign", has_text="Admissible").wait_for()


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_the_page_can_be_read_and_used_by_everybody(seat, process, width, scheme):
    page = seat("ada", "/participation?view=votes", width=width, color_scheme=scheme)
    until(page, "What first?", ".par-table .attr")
    page.click(".par-table .attr")
    until(page, "Counted by", "#one .facts")
    assert nameless(page) == []
    assert small(page) == []
    assert weak(page, "main *") == []
    assert outside(page, "main *") == []
