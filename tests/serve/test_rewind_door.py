"""The past of a real city through its front door: who may ask, what is answered, what is noted, what is refused."""

import json
import re
import time
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import apsw
import httpx
import pytest
from click.testing import CliRunner

from hansa import clock
from hansa.cli import main
from hansa.model.change import Write
from hansa.platform.sqlite import SqliteStore
from hansa.platform.store import Item
from served import KNOWN, Served
from signed_in import SignedIn

LAMPS = {"open": "open", "smart": "smart;owner=parks", "personal": "personal;subject=person:bo"}


def stamp() -> str:
    """The instant that has just ended, by the clock that the city goes by."""
    time.sleep(0.002)
    told = clock.text(time.time_ns() // 1_000)
    time.sleep(0.002)
    return told


class Town:
    """A city in which something happened, services in several roles, and the instants between."""

    def __init__(self, folder: Any) -> None:
        folder.mkdir()
        store = SqliteStore(folder / "open.db")
        place = {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [17.1, 48.1]}}
        for name, label in LAMPS.items():
            lamp = {"id": f"urn:x:{name}", "type": "Lamp", "level": prop(1), "location": place}
            store.commit([Item([Write("create", lamp["id"], lamp, label=label)], "import")], time.time_ns() // 1_000)
        store.close()
        (folder / "hansa.toml").write_text(
            "[serve]\nscreens = 30\n[limits]\nrewind_every = 5\nrewind_span_s = 1000000\nfilm_entries = 50\n"
        )
        self.city = Served(folder)

    def begin(self) -> None:
        """Let it happen."""
        self.tokens = {
            "desk": self._token("desk", "operator"),
            "garden": self._token("garden", "member", department="parks"),
            "ledger": self._token("ledger", "auditor"),
            "probe": self._token("probe", "service"),
        }
        self.begun = stamp()
        for level in (2, 3):
            for name in LAMPS:
                assert self.ask(
                    None, "PATCH", f"/ngsi-ld/v1/entities/urn:x:{name}/attrs", {"level": prop(level)}
                ).is_success
            setattr(self, f"at_{level}", stamp())
        self.at_2: str
        self.at_3: str

    def _token(self, name: str, *roles: str, department: str = "") -> str:
        made = {"name": name, "roles": list(roles), "departments": [department] if department else [], "scope": None}
        answer = self.city.post("/admin/services", made)
        assert answer.status_code == 201, answer.text
        scope = ["read", "write", "subscribe", "export"]
        token = self.city.post("/admin/tokens", {"owner": f"service:{name}", "scope": scope, "days": 2})
        return str(token.json()["token"])

    def ask(self, who: str | None, method: str, path: str, body: Any = None, **more: str) -> httpx.Response:
        headers = {} if who is None else {"authorization": f"Bearer {self.tokens[who]}"}
        how: Any = {"verify": KNOWN, "trust_env": False, "timeout": 30}
        return httpx.request(method, self.city.url + path, json=body, headers={**headers, **more}, **how)

    def levels(self, who: str | None, at: str, more: str = "") -> dict[str, Any]:
        answer = self.ask(who, "GET", f"/desk/rewind?at={at}&types=Lamp{more}")
        assert answer.status_code == 200, answer.text
        return {one["id"].rpartition(":")[2]: one["level"] for one in answer.json()["entities"]}

    def audit(self, kind: str) -> list[dict[str, Any]]:
        found = self.ask(None, "GET", f"/audit/entries?kind={kind}").json()["entries"]
        return [one["entry"] for one in found]


def prop(value: Any) -> dict[str, Any]:
    return {"type": "Property", "value": value}


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    one = Town(tmp_path_factory.mktemp("rewind") / "city")
    try:
        one.begin()
        yield one
    finally:
        one.city.stop()


def test_the_past_is_what_was_then_for_whoever_may_see_it(town: Town) -> None:
    assert town.levels(None, town.at_2) == {"open": 2, "smart": 2, "personal": 2}
    assert town.levels("desk", town.begun) == {"open": 1, "smart": 1}
    assert town.levels("desk", town.at_3) == {"open": 3, "smart": 3}


def test_the_past_is_not_for_residents_nor_for_strangers(town: Town) -> None:
    for path in (f"/desk/rewind?at={town.at_2}", f"/desk/rewind/day?from={town.begun}&to={town.at_3}"):
        assert town.ask("probe", "GET", path).status_code == 403
        assert (
            httpx.get(town.city.url + path, headers={"authorization": "Bearer x"}, trust_env=False).status_code == 401
        )


def test_the_security_realm_has_a_past_of_its_own(town: Town) -> None:
    secret = {"id": "urn:x:safe", "type": "Lamp", "level": prop(9)}
    assert town.ask(None, "POST", "/ccc/ngsi-ld/v1/entities", secret).status_code == 201
    at = stamp()
    found = town.ask(None, "GET", f"/ccc/desk/rewind?at={at}").json()["entities"]
    assert [one["id"] for one in found if one["type"] == "Lamp"] == ["urn:x:safe"]
    assert town.ask("desk", "GET", f"/ccc/desk/rewind?at={at}").status_code == 403
    assert "safe" not in town.ask(None, "GET", f"/desk/rewind?at={at}").text


def test_who_was_shown_personal_data_of_the_past_is_noted(town: Town) -> None:
    assert town.levels("ledger", town.at_2) == {"open": 2, "smart": 2}, "an auditor sees no person"
    seen = town.levels(None, town.at_3)
    assert "personal" in seen
    day = town.ask("desk", "GET", f"/desk/rewind/changes?from={town.begun}&to={town.at_3}").json()
    assert {one["id"] for one in day["changes"]} == {"urn:x:open", "urn:x:smart"}


def test_windows_tell_what_changed_and_how_far_they_go(town: Town) -> None:
    told = town.ask("desk", "GET", f"/desk/rewind/changes?from={town.begun}&to={town.at_3}&types=Lamp").json()
    assert [one["set"]["level"] for one in told["changes"]] == [2, 2, 3, 3]
    assert (told["more"], told["until"]) == (False, town.at_3)
    one = town.ask("desk", "GET", f"/desk/rewind/changes?from={town.begun}&to={town.at_3}&types=Lamp&step=3600").json()
    assert [it["set"]["level"] for it in one["changes"]] == [3, 3]


def test_a_day_tells_who_did_what(town: Town) -> None:
    told = town.ask("desk", "GET", f"/desk/rewind/day?from={town.begun}&to={town.at_3}&types=Lamp").json()
    assert {(one["by"], one["id"]) for one in told["doings"]} == {
        ("administrator", "urn:x:open"),
        ("administrator", "urn:x:smart"),
    }
    assert sum(many for _, many in told["density"]) >= 4


@pytest.mark.parametrize(("path", "says"), [
    ("rewind", "at"),
    ("rewind?at=yesterday", "at"),
    ("rewind?at=2026-11-22T18:00:00", "at"),
    ("rewind?at=1999-01-01T00:00:00Z", "at"),
    ("rewind?at=2999-01-01T00:00:00Z", "at"),
    ("rewind?at={now}&area=1,2,3", "area"),
    ("rewind?at={now}&area=1,9,3,2", "area"),
    ("rewind?at={now}&area=nan,nan,nan,nan", "area"),
    ("rewind?at={now}&rate=60", "rate"),
    ("rewind/changes?from={now}", "from"),
    ("rewind/changes?from={now}&to=1999-01-01T00:00:00Z", "to"),
    ("rewind/changes?from={now}&to={now}&step=-1", "to"),
    ("rewind/changes?from={begun}&to={now}&step=-1", "step"),
    ("rewind/changes?from={begun}&to={now}&step=1e9", "step"),
    ("rewind/changes?from={begun}&to={now}&step=nan", "step"),
    ("rewind/changes?from=1999-01-01T00:00:00Z&to={now}", "to"),
    ("rewind/day?from=0001-01-01T00:00:00Z&to=9999-01-01T00:00:00Z", "to"),
    ("rewind/day?from={begun}&to={now}&bins=0", "bins"),
    ("rewind/film?from={begun}", "from"),
    ("rewind/film?incident=urn:x:open", "incident"),
    ("rewind/film?incident=urn:x:no-such", "urn:x:no-such"),
    ("screens?from={begun}&to={begun}", "to"),
    ("rewind/stream", "path"),
])  # fmt: skip
def test_what_makes_no_sense_is_refused_by_name(town: Town, path: str, says: str) -> None:
    answer = town.ask(None, "GET", "/desk/" + path.format(now=town.at_3, begun=town.begun))
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.json()["where"] == says, answer.text


def test_a_film_is_one_file_without_a_way_out_and_is_noted(town: Town) -> None:
    path = f"/desk/rewind/film?from={town.begun}&to={town.at_3}&types=Lamp"
    answer = town.ask("garden", "GET", path, **{"hansa-purpose": "training"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-disposition"].startswith("attachment; filename=")
    page = answer.text
    data = json.loads(re.search(r'id="told">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert {one["id"] for one in data["picture"]["entities"]} == {"urn:x:open", "urn:x:smart"}
    assert data["labels"] == ["open", "smart;owner=parks"]
    assert "urn:x:personal" not in page
    assert re.findall(r"(?:src|href|action)\s*=|https?://", page) == []
    assert "default-src &#39;none&#39;" in page
    assert "training" in page
    (entry,) = [one for one in town.audit("export") if one["actor"] == "service:garden"]
    assert (entry["what"]["entities_in_it"], entry["what"]["purpose"]) == (2, "training")


def test_what_may_be_seen_and_not_taken_away_is_not_in_the_film(town: Town) -> None:
    path = f"/desk/rewind/film?from={town.begun}&to={town.at_3}&types=Lamp"
    page = town.ask("desk", "GET", path).text
    assert "urn:x:open" in page
    assert "urn:x:smart" not in page


def test_a_film_of_too_much_is_refused_clearly(town: Town) -> None:
    many = [{"id": f"urn:x:crowd:{i}", "type": "Crowd", "n": prop(1)} for i in range(60)]
    assert town.ask(None, "POST", "/ngsi-ld/v1/entityOperations/create", many).status_code == 201
    at = stamp()
    answer = town.ask(None, "GET", f"/desk/rewind/film?from={at}&to={stamp()}&types=Crowd")
    assert (answer.status_code, answer.json()["where"]) == (413, "area"), answer.text
    assert "fewer types" in answer.json()["mend"]


def test_what_somebody_said_cannot_break_out_of_a_film(town: Town) -> None:
    evil = "</script><script>alert(1)</script><!--\u2028 ${x} {{ 7*7 }}"
    assert town.ask(
        None, "POST", "/ngsi-ld/v1/entities", {"id": "urn:x:evil", "type": "Evil", "name": prop(evil)}
    ).is_success
    at = stamp()
    page = town.ask(None, "GET", f"/desk/rewind/film?from={at}&to={stamp()}&types=Evil").text
    assert page.count("<script") == 2
    assert "alert(1)</" not in page


def test_a_film_of_an_incident_holds_its_area_and_what_it_is_linked_to(town: Town) -> None:
    def at(x: float) -> dict[str, Any]:
        return {"type": "GeoProperty", "value": {"type": "Point", "coordinates": [x, 10.0]}}

    began = stamp()
    incident = {
        "id": "urn:x:flood", "type": "Incident", "name": prop("The flood"), "location": at(5.0),
        "startDate": prop(began),
        "alarms": {"type": "Relationship", "object": ["urn:x:linked"]},
    }  # fmt: skip
    things = [
        incident,
        *(
            {"id": f"urn:x:{name}", "type": "Pump", "n": prop(1), "location": at(x)}
            for name, x in (("near", 5.01), ("far", 9.0), ("linked", 40.0))
        ),
    ]
    assert town.ask(None, "POST", "/ngsi-ld/v1/entityOperations/create", things).status_code == 201, things
    stamp()
    answer = town.ask(None, "GET", f"/desk/rewind/film?incident={quote('urn:x:flood')}&minutes=0")
    assert answer.status_code == 200, answer.text
    page = answer.text
    data = json.loads(re.search(r'id="told">(.*?)</script>', page, re.DOTALL)[1])  # type: ignore[index]
    assert data["title"] == "The flood"
    seen = {one["id"] for one in data["picture"]["entities"]} | {one["id"] for one in data["changes"]}
    assert {"urn:x:flood", "urn:x:near", "urn:x:linked"} <= seen
    assert "urn:x:far" not in seen


def test_screens_are_noted_by_people_and_read_by_whoever_may(town: Town) -> None:
    said = {"page": "alarms", "url": "/alarms?sel=urn:x:open", "selected": "urn:x:open"}
    since = stamp()
    assert town.ask(None, "POST", "/desk/screens", said, origin=town.city.url, **{"x-hansa": "page"}).status_code == 204
    until = stamp()
    span = f"from={since}&to={until}"
    (one,) = town.ask(None, "GET", f"/desk/screens?{span}").json()["screens"]
    assert (one["by"], one["page"], one["selected"]) == ("administrator", "alarms", "urn:x:open")
    # One secret is too little for others' screens, whatever the role.
    assert town.ask("ledger", "GET", f"/desk/screens?{span}").json()["screens"] == []
    assert town.ask("ledger", "GET", f"/desk/screens?{span}&by=administrator").status_code == 403
    assert town.ask("desk", "GET", f"/desk/screens?{span}").json()["screens"] == []
    assert town.ask("desk", "GET", f"/desk/screens?{span}&by=administrator").status_code == 403
    assert "service:ledger" not in [it["actor"] for it in town.audit("screens-read")]
    assert town.ask("desk", "POST", "/desk/screens", said).status_code == 403
    for bad in (
        {"page": 1},
        {"page": "x", "url": "https://evil.example/"},
        {"page": "x", "url": "//evil.example"},
        {"x": ""},
        [],
    ):
        answer = town.ask(None, "POST", "/desk/screens", bad, origin=town.city.url, **{"x-hansa": "page"})
        assert answer.status_code == 400, (bad, answer.text)


def watched(people: SignedIn, path: str) -> Any:
    answer = people.page("GET", path)
    return answer.json()["screens"] if answer.status_code == 200 else answer.status_code


def test_others_screens_are_for_whom_the_realm_is_and_without_what_he_does_not_see(town: Town) -> None:
    page = {"origin": town.city.url, "x-hansa": "page"}
    since = stamp()
    for realm, ident in (("", "urn:x:open"), ("", "urn:x:personal"), ("/ccc", "urn:x:open"), ("", "urn:x:smart")):
        said = {"page": "map", "url": f"/map?sel={ident}", "selected": ident}
        assert town.ask(None, "POST", f"{realm}/desk/screens", said, **page).status_code == 204
    span = f"from={since}&to={stamp()}"
    mine = town.ask(None, "GET", f"/desk/screens?{span}").json()["screens"]
    assert [one["selected"] for one in mine][-3:] == ["urn:x:open", "urn:x:personal", "urn:x:smart"]
    ada = SignedIn(town.city, "ada")
    made = town.city.post("/admin/invitations", {"name": "eve", "shown": "Eve", "roles": ["supervisor"]})
    eve = SignedIn(SimpleNamespace(link=made.json()["link"]), "eve")  # type: ignore[arg-type]
    for who in (ada, eve):
        told = watched(who, f"/desk/screens?{span}")
        assert [(one["selected"], one["hidden"]) for one in told][-3:] == [
            ("urn:x:open", False), ("", True), ("urn:x:smart", False),
        ]  # fmt: skip
        assert "urn:x:personal" not in json.dumps(told)
        assert watched(who, f"/ccc/desk/screens?{span}") == 403
        assert watched(who, f"/ccc/desk/screens?{span}&by=administrator") == 403
    assert {one["actor"] for one in town.audit("screens-read")} >= {"person:ada", "person:eve"}
    # A film holds them for the same people alone, and says that it does.
    path = f"/desk/rewind/film?{span}&types=Lamp"
    before = len(town.audit("screens-read"))
    film = eve.page("GET", path).text
    assert "/map?sel=urn:x:open" in film
    assert "urn:x:personal" not in film
    assert len(town.audit("screens-read")) == before + 1
    assert "/map?sel=" not in town.ask("ledger", "GET", path).text
    assert "/map?sel=" not in town.ask("desk", "GET", path).text
    assert len(town.audit("screens-read")) == before + 1
    ada.close()
    eve.close()


def checked(town: Town) -> tuple[int, str]:
    told = CliRunner().invoke(main, ["check", "--data", str(town.city.folder)])
    return told.exit_code, told.output


def test_marks_are_made_beside_the_city_checked_and_the_past_outlives_a_restart(town: Town) -> None:
    before = town.levels(None, town.at_2)
    town.city.stop()
    town.city.start()  # what is owed is marked at once
    file = town.city.folder / "rewind-open.db"

    def marked() -> int:
        db = apsw.Connection(str(file))
        try:
            return int(db.execute("SELECT count(*) FROM mark").get)
        except (apsw.SQLError, apsw.BusyError):  # it is being made
            return 0
        finally:
            db.close()

    for level in range(5):
        said = {"level": prop(level)}
        assert town.ask(None, "PATCH", "/ccc/ngsi-ld/v1/entities/urn:x:safe/attrs", said).is_success
    sealed = town.city.folder / "rewind-security.db"
    town.city.until(lambda: marked() > 2 and sealed.exists() and sealed.stat().st_size)
    assert town.levels(None, town.at_2) == before
    town.city.stop()
    assert checked(town)[0] == 0
    assert sealed.read_bytes()[:16] != b"SQLite format 3\0"
    db = apsw.Connection(str(file))
    db.execute("UPDATE tally SET many = many + 1")
    db.close()
    code, output = checked(town)
    assert code == 1
    assert "notes as tally is not what the log says" in output
    assert checked(town)[0] == 0  # it was taken away, and will be made anew
    town.city.start()
    assert town.levels(None, town.at_2) == before
