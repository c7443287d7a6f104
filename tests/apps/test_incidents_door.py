"""Incidents through the front door of a real city: many at once, kill -9, who may not see, the other room."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from served import KNOWN, Served
from signed_in import SignedIn

DESK = "/desk/incidents"
OPERATORS, EACH = 8, 25


def act(city: Served, verb: str, ident: str = "", room: str = "", **said: Any) -> dict[str, Any]:
    answer = city.post(f"{room}{DESK}/{verb}", {"id": ident, **said} if ident else said)
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def raised(city: Served, **said: Any) -> str:
    return str(act(city, "raise", **({"name": "Flood"} | said))["changed"][0])


def lines(city: Served, ident: str, room: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = city.get(f"{room}{DESK}/log?id={ident}&limit=1000").json()["lines"]
    return found


def review(city: Served, ident: str) -> dict[str, Any]:
    told: dict[str, Any] = city.get(f"{DESK}/review?id={ident}").json()
    return told


def test_eight_operators_write_at_once_and_no_line_is_lost(city: Served) -> None:
    ident = raised(city)

    def operator(who: int) -> None:
        with httpx.Client(base_url=city.url, verify=KNOWN, trust_env=False, timeout=60) as client:
            for i in range(EACH):
                verb, said = [
                    ("note", {"text": f"{who}/{i}"}),
                    ("task", {"name": f"{who}/{i}", "owner": f"person:{who}", "due": "2099-01-01T00:00:00Z"}),
                    ("cost", {"what": f"{who}/{i}", "amount": 0.1, "currency": "EUR"}),
                ][i % 3]
                if verb == "task":
                    said["due"] = due
                answer = client.post(f"{DESK}/{verb}", json={"id": ident, **said})
                assert answer.status_code == 200, answer.text

    now = city.get("/health").json()["now"]
    due = f"{int(now[:4]) if now[5:7] != '12' else int(now[:4]) + 1}-12-30T00:00:00Z"
    with ThreadPoolExecutor(OPERATORS) as pool:
        list(pool.map(operator, range(OPERATORS)))
    log = lines(city, ident)
    assert [one["n"] for one in log] == list(range(OPERATORS * EACH + 1, 0, -1))
    for who in range(OPERATORS):
        assert sum(f"{who}/{i}" in one["text"] for one in log for i in range(EACH)) >= EACH
    told = city.get(f"{DESK}/picture?id={ident}").json()
    tasks = OPERATORS * len(range(1, EACH, 3))
    assert told["tasks"]["total"] == told["tasks"]["open"] == tasks
    assert told["spent"] == {"EUR": round(0.1 * OPERATORS * len(range(2, EACH, 3)), 2)}
    assert review(city, ident)["log"]["broken"] == ""


def test_of_twenty_who_do_one_step_one_does_it(city: Served) -> None:
    book = {
        "name": "Short", "reviewDate": "2099-01-01", "needs": {},
        "steps": [{"id": "only", "kind": "manual", "title": "Only"}, {"id": "last", "kind": "manual", "title": "Last"}],
    }  # fmt: skip
    act(city, "publish", "urn:ngsi-ld:RunBook:short", **book)
    ident = raised(city)
    run = next(
        one for one in act(city, "run", ident, book="urn:ngsi-ld:RunBook:short")["changed"] if "RunBookRun" in one
    )
    with ThreadPoolExecutor(20) as pool:
        answers = list(
            pool.map(lambda i: city.post(f"{DESK}/do-step", {"id": run, "step": "only", "text": str(i)}), range(20))
        )
    assert sorted(one.status_code for one in answers) == [200] + [409] * 19
    (told,) = city.get(f"{DESK}/picture?id={ident}").json()["runs"]
    assert told["current"] == "last"


def test_many_tasks_of_one_incident_are_finished_with_one_request(city: Served) -> None:
    ident = raised(city)
    year = int(city.get("/health").json()["now"][:4])
    due = f"{year + 1}-01-01T00:00:00Z"
    tasks = [act(city, "task", ident, name=f"t{i}", owner="person:x", due=due)["changed"] for i in range(30)]
    ids = [one for made in tasks for one in made if "IncidentTask" in one]
    answer = city.post(f"{DESK}/finish-task", {"ids": [*ids, "urn:ngsi-ld:IncidentTask:none"]}).json()
    assert len(answer["done"]) == 30
    assert [one["status"] for one in answer["refused"]] == [404]
    assert city.get(f"{DESK}/picture?id={ident}").json()["tasks"]["open"] == 0
    assert review(city, ident)["log"]["broken"] == ""


def test_refusals_are_problem_details_that_name_the_member(city: Served) -> None:
    ident = raised(city)
    for verb, said, status, where in (
        ("move", {"to": "reviewed"}, 400, "to"),
        ("merge", {"into": ident}, 400, "into"),
        ("task", {"name": "x", "due": "2099-01-01T00:00:00Z"}, 400, "owner"),
        ("note", {"text": "x" * 100_000}, 400, "text"),
        ("note", {"text": "x", "by": "person:eve"}, 400, "by"),
    ):
        answer = city.post(f"{DESK}/{verb}", {"id": ident, **said})
        assert (answer.status_code, answer.json()["where"]) == (status, where), answer.text
    assert city.post(f"{DESK}/note", {"id": "urn:ngsi-ld:Incident:none", "text": "x"}).status_code == 404
    assert city.get(f"{DESK}/picture?id=urn:ngsi-ld:Incident:none").status_code == 404


def test_a_report_is_a_file_that_runs_nothing(city: Served) -> None:
    ident = raised(city, name="<script>alert(1)</script>")
    for form, kind in (("html", "text/html; charset=utf-8"), ("pdf", "application/pdf")):
        answer = city.get(f"{DESK}/report?id={ident}&form={form}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == kind
        assert "attachment" in answer.headers["content-disposition"]
        assert answer.headers["x-content-type-options"].startswith("nosniff")
        assert form == "pdf" or b"<script" not in answer.content


def test_the_two_rooms_know_nothing_of_each_other(city: Served) -> None:
    mine = str(act(city, "raise", room="/ccc", name="Intruder at the dam")["changed"][0])
    act(city, "note", mine, room="/ccc", text="camera 4")
    assert len(lines(city, mine, room="/ccc")) == 2
    assert city.get(f"{DESK}/picture?id={mine}").status_code == 404
    assert mine not in {one["id"] for one in city.get(f"{DESK}/list?status=all").json()["incidents"]}
    told = city.get(f"/ccc{DESK}/picture?id={mine}").json()
    assert told["incident"]["label"] == "security"


def test_in_the_command_centre_a_step_asks_for_a_command_and_sends_none(city: Served) -> None:
    pump = {"id": "pump", "kind": "command", "title": "Pump", "device": "pump-7", "payload": {"on": True}}
    book = {"name": "Pump", "reviewDate": "2099-01-01", "steps": [pump]}
    for room, status in (("", "pending"), ("/ccc", "requested")):
        act(city, "publish", "urn:ngsi-ld:RunBook:pump", room=room, **book)
        ident = str(act(city, "raise", room=room, name="Flood")["changed"][0])
        made = act(city, "run", ident, room=room, book="urn:ngsi-ld:RunBook:pump")["changed"]
        run = next(one for one in made if "RunBookRun" in one)
        act(city, "do-step", run, room=room, step="pump")
        (told,) = city.get(f"{room}{DESK}/picture?id={ident}").json()["commands"]
        assert (told["status"], told["commandDevice"]) == (status, "pump-7")


def test_what_was_acknowledged_is_there_after_kill_9(serve: Callable[..., Served]) -> None:
    city = serve()
    ident = raised(city)
    done: list[str] = []
    stop = threading.Event()

    def operator(who: int) -> None:
        with httpx.Client(base_url=city.url, verify=KNOWN, trust_env=False, timeout=5) as client:
            for i in range(10_000):
                if stop.is_set():
                    return
                try:
                    if client.post(f"{DESK}/note", json={"id": ident, "text": f"{who}/{i}"}).status_code == 200:
                        done.append(f"{who}/{i}")
                except httpx.HTTPError:
                    return

    threads = [threading.Thread(target=operator, args=(who,)) for who in range(4)]
    for one in threads:
        one.start()
    city.until(lambda: len(done) >= 40)
    city.kill()
    stop.set()
    for one in threads:
        one.join()
    city.start()
    log = lines(city, ident)
    texts = [one["text"] for one in log]
    assert set(done) <= set(texts)
    assert len(texts) == len(set(texts)), "nothing twice"
    assert [one["n"] for one in log] == list(range(len(log), 0, -1))
    assert review(city, ident)["log"]["broken"] == ""


@pytest.fixture
def hidden(serve: Callable[..., Served]) -> Iterator[tuple[Served, SignedIn, str, str]]:
    """A city with one incident that an operator sees, and one that he does not; and him, signed in."""
    city = serve()
    seen = raised(city, name="Seen")
    alarm = {"id": "urn:ngsi-ld:Alert:fall", "type": "Alert", "status": {"type": "Property", "value": "open"},
             "description": {"type": "Property", "value": "Mrs Novak fell"}}  # fmt: skip
    body = [{"kind": "upsert", "id": alarm["id"], "doc": alarm, "label": "personal;owner=care"}]
    answer = city.post("/admin/import", body)
    assert answer.json()["refused"] == [], answer.text
    unseen = raised(city, alarms=[alarm["id"]])
    act(
        city,
        "task",
        unseen,
        name="Visit her",
        owner="person:x",
        due=f"{int(city.get('/health').json()['now'][:4]) + 1}-01-01T00:00:00Z",
    )
    city.stop()
    city.options = ()
    city.start()
    ada = SignedIn(city)
    yield city, ada, seen, unseen
    ada.close()


def test_an_incident_that_is_hidden_is_absent(hidden: tuple[Served, SignedIn, str, str]) -> None:
    city, ada, seen, unseen = hidden
    listed = ada.page("GET", f"{DESK}/list?status=all").json()["incidents"]
    assert [one["id"] for one in listed] == [seen]
    assert listed[0]["late"] == 0
    for view in ("picture", "log", "tasks", "report", "review"):
        answer = ada.page("GET", f"{DESK}/{view}?id={unseen}")
        none = ada.page("GET", f"{DESK}/{view}?id=urn:ngsi-ld:Incident:none")
        assert answer.status_code == none.status_code == 404
        assert answer.text.replace(unseen, "") == none.text.replace("urn:ngsi-ld:Incident:none", "")
        assert "Novak" not in answer.text
    for verb, said in (("note", {"text": "x"}), ("move", {"to": "verified"}), ("merge", {"into": seen})):
        assert ada.page("POST", f"{DESK}/{verb}", {"id": unseen, **said}).status_code == 404
    assert ada.page("POST", f"{DESK}/merge", {"id": seen, "into": unseen}).status_code == 404
    assert ada.page("POST", f"{DESK}/link", {"id": seen, "alarms": ["urn:ngsi-ld:Alert:fall"]}).status_code == 404
    note = ada.page("POST", f"{DESK}/note", {"id": seen, "text": "mine"})
    assert note.status_code == 200, note.text
    assert ada.page("GET", f"{DESK}/log?id={seen}").json()["lines"][0]["by"] == "person:ada"
    # and a stranger, who has no account, is shown neither
    for path in (f"picture?id={seen}", "list"):
        assert city.get(f"{DESK}/{path}").status_code in {401, 403}
    assert city.post(f"{DESK}/note", {"id": seen, "text": "x"}).status_code in {401, 403}
