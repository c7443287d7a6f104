"""What people do through apps: one transaction in their name, as they see the city, and nobody's word is lost."""

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from hansa import Act, App, City, Conflict, Entity, Forbidden, NotFound, Refusal, entity
from hansa.analytics.acts import THREADS, Acts
from hansa.analytics.desk import Desk, answered
from hansa.clock import Clock
from hansa.errors import BadRequest, HansaError, Unauthenticated
from hansa.limits import DEFAULT
from hansa.model.change import Write
from hansa.platform.city import City as InnerCity
from hansa.platform.http import Request
from hansa.platform.sqlite import SqliteStore
from hansa.testing import MemoryCity
from hansa.trust.actors import TWO_FACTORS, Actor
from hansa.trust.labels import ADMINISTRATOR, NOBODY, Sight

JOBS: Final = '''
from collections.abc import Iterable, Mapping

from hansa import Act, Answer, App, City, Delete, Entity, Refusal, entity

app = App("jobs", report="2.4.2", reads={"Job"}, writes={"Job"}, realm="*")


@app.act("open", "Job", roles={"operator"}, new=True)
def begin(act: Act, city: City) -> Iterable[Entity]:
    """Open a job."""
    if act.subject is not None:
        raise Refusal("it is open already", where="id")
    yield entity("Job", act.id or "drawn", status="open", by=act.by, count=0)


@app.act("count", "Job")
def count(act: Act, city: City) -> Iterable[Entity]:
    "Count one more."
    assert act.subject is not None
    yield entity("Job", act.id, count=act.subject["count"] + 1)


@app.act("two", "Job")
def two(act: Act, city: City) -> Iterable[Entity | Delete]:
    """Change two at once, the second one somebody else's."""
    yield entity("Job", act.id, status="shared")
    yield entity(str(act.said.get("type", "Job")), str(act.said["other"]), status="shared")


@app.act("forget", "Job")
def forget(act: Act, city: City) -> Iterable[Entity | Delete]:
    """Take an attribute away."""
    yield Delete(act.id, "status")


@app.view("many", roles={"operator"})
def how_many(asked: Mapping[str, str], city: City) -> object:
    """How many jobs are open."""
    if asked.get("as") == "file":
        return Answer(b"1", "text/csv", 'a"b/../c.csv')
    return {"open": len(city.find("Job", 'status=="open"')), "now": city.now(), "unit": city.setting("unit", "jobs")}
'''
NORTH: Final = "urn:ngsi-ld:Job:north"
_module: dict[str, Any] = {}
exec(JOBS, _module)  # the same source as a package of a third party's, for the city that is served
app: App = _module["app"]


@pytest.fixture
def city() -> Iterable[MemoryCity]:
    with MemoryCity(app).closing() as made:
        yield made


def test_an_act_is_one_transaction_in_the_name_of_whoever_did_it(city: MemoryCity) -> None:
    (change,) = city.act("open", NORTH, by="person:ada")
    assert change.actor == "person:ada"
    assert change.cause == "desk:jobs/open"
    assert city.get(NORTH)["by"] == "person:ada"


def test_what_an_app_refuses_is_told_and_changes_nothing(city: MemoryCity) -> None:
    city.act("open", NORTH)
    before = city.store.head()
    with pytest.raises(Refusal, match="open already"):
        city.act("open", NORTH)
    assert city.store.head() == before


def test_an_act_is_for_its_roles(city: MemoryCity) -> None:
    with pytest.raises(Forbidden, match="not for you"):
        city.act("open", NORTH, roles=("engineer",))


def test_an_act_is_done_with_an_entity_of_its_type_that_is_there(city: MemoryCity) -> None:
    with pytest.raises(NotFound):
        city.act("count", NORTH)
    city.say(entity("Lamp", "north"))
    with pytest.raises(NotFound):
        city.act("count", "urn:ngsi-ld:Lamp:north")
    with pytest.raises(BadRequest, match="one Job"):
        city.act("count")


def test_an_act_that_may_make_something_needs_no_id(city: MemoryCity) -> None:
    (change,) = city.act("open")
    assert change.entity.id == "urn:ngsi-ld:Job:drawn"


def test_all_of_an_act_happens_or_nothing_of_it(city: MemoryCity) -> None:
    city.act("open", NORTH)
    with pytest.raises(HansaError):
        city.act("two", NORTH, other="south", type="Lamp")  # no type that the app declared
    assert city.get(NORTH)["status"] == "open"
    city.act("two", NORTH, other="south")
    assert city.get("urn:ngsi-ld:Job:south")["status"] == "shared"
    city.act("forget", NORTH)
    assert "status" not in city.get(NORTH)


def test_when_policy_refuses_one_write_of_an_act_the_others_do_not_happen_either(city: MemoryCity) -> None:
    class Rights:
        epoch, typed = 0, False

        @property
        def hearing(self) -> Sight:
            raise AssertionError

        def covers(self, verb: str, types: Iterable[str]) -> bool:
            return True

        def may(self, verb: str, label: str) -> bool:
            return label == "smart"

        def saw(self, ident: str, label: str) -> None:
            """Nothing is noted here."""

        def told(self, how: str) -> None:
            """Nothing is noted here."""

    city.act("open", NORTH)
    hidden = entity("Job", "hidden", status="open")
    hidden.label = "personal;owner=health"
    city.say(hidden)
    who = Actor("person:eve", frozenset({"operator"}), assurance=TWO_FACTORS)
    sight = Sight("person:eve", classes=frozenset(), who=who, rights=Rights())
    found, deed = city.acts.deed("jobs", "two")
    with pytest.raises(Forbidden):
        _run(city.acts.do(found, deed, NORTH, {"other": "hidden"}, sight))
    assert city.get(NORTH)["status"] == "open"
    found, deed = city.acts.deed("jobs", "count")
    with pytest.raises(NotFound):
        _run(city.acts.do(found, deed, "urn:ngsi-ld:Job:hidden", {}, sight))


def test_an_act_stands_on_what_it_has_read(city: MemoryCity) -> None:
    """Somebody changes the job between its being read and its commit, every time."""
    meddling = App("meddling", report="2.4.2", writes={"Job"})
    seen: list[int] = []

    @meddling.act("count", "Job")
    def late(act: Act, _city: City) -> Iterable[Entity]:
        """Count, slowly."""
        assert act.subject is not None
        seen.append(act.subject["count"])
        if len(seen) < 4:
            city.write(Write("say", act.id, entity("Job", act.id, count=act.subject["count"] + 10).doc))
        yield entity("Job", act.id, count=act.subject["count"] + 1)

    city.act("open", NORTH)
    acts = Acts(city, [meddling])
    found, deed = acts.deed("meddling", "count")
    _run(acts.do(found, deed, NORTH, {}, ADMINISTRATOR))
    assert seen == [0, 10, 20, 30]
    assert city.get(NORTH)["count"] == 31


def test_an_act_that_others_leave_no_chance_says_so(city: MemoryCity) -> None:
    hasty = App("hasty", report="2.4.2", writes={"Job"})

    @hasty.act("count", "Job")
    def never(act: Act, _city: City) -> Iterable[Entity]:
        """Always too late."""
        assert act.subject is not None
        city.write(Write("say", act.id, entity("Job", act.id, count=act.subject["count"] + 1).doc))
        yield entity("Job", act.id, status="mine")

    city.act("open", NORTH)
    acts = Acts(city, [hasty])
    found, deed = acts.deed("hasty", "count")
    with pytest.raises(Conflict):
        _run(acts.do(found, deed, NORTH, {}, ADMINISTRATOR))
    assert city.get(NORTH)["status"] == "open"
    assert city.get(NORTH)["count"] == DEFAULT.act_tries


def test_an_app_has_one_act_or_view_of_a_name() -> None:
    twice = App("twice", report="2.4.2")
    twice.act("do", "Job")(_module["count"])
    with pytest.raises(HansaError, match="already"):
        twice.view("do")(_module["how_many"])


def test_a_view_answers_what_the_asker_may_see(city: MemoryCity) -> None:
    city.act("open", NORTH)
    assert city.view("many") == {"open": 1, "now": city.clock.now(), "unit": "jobs"}
    file = answered(city.view("many", {"as": "file"}))
    assert dict(file.headers)[b"content-disposition"] == b'attachment; filename="a-b-..-c.csv"'
    found, view = city.acts.seen("jobs", "many")
    with pytest.raises(Unauthenticated):
        _run(city.acts.look(found, view, {}, NOBODY))
    with pytest.raises(NotFound):
        city.view("closed")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (b"[]", "object"),
        (b"{", "not JSON"),
        (b'{"id": 7}', "id is"),
        (b'{"id": "a", "ids": ["b"]}', "either"),
        (b'{"ids": []}', "list of ids"),
        (b'{"ids": [""]}', "list of ids"),
        (b'{"id": "x", "deep": ' + b"[" * 100 + b"]" * 100 + b"}", "nests deeper"),
        (b'{"ids": ["' + b'","'.join(str(i).encode() for i in range(1_001)) + b'"]}', "the most"),
    ],
)
def test_the_desk_refuses_what_is_no_act(city: MemoryCity, body: bytes, says: str) -> None:
    desk = Desk(city.acts, DEFAULT)
    with pytest.raises(BadRequest, match=says):
        _run(desk.handle(Request("POST", ["jobs", "count"], body=body, sight=ADMINISTRATOR)))


def test_the_desk_is_for_whom_it_knows(city: MemoryCity) -> None:
    with pytest.raises(Unauthenticated):
        _run(Desk(city.acts, DEFAULT).handle(Request("GET", [""], sight=NOBODY)))


def test_a_hundred_at_once_lose_nobodys_word(serve: Callable[..., Any], package: Callable[[str, str], Path]) -> None:
    served = serve(python_path=package("jobs", JOBS))
    with httpx.Client(base_url=served.url) as http:
        assert http.post("/desk/jobs/open", json={"id": NORTH}).status_code == 200

        def one(_: int) -> int:
            return http.post("/desk/jobs/count", json={"id": NORTH}).status_code

        with ThreadPoolExecutor(20) as pool:
            assert set(pool.map(one, range(100))) == {200}
        said = http.get(f"/ngsi-ld/v1/entities/{NORTH}", params={"options": "keyValues"}).json()
        assert said["count"] == 100
        (told,) = (one for one in http.get("/desk").json()["apps"] if one["app"] == "jobs")
        assert [one["name"] for one in told["acts"]] == ["open", "count", "two", "forget"]
        assert http.get("/desk/jobs/many").json()["open"] == 1
        assert http.get("/ccc/desk/jobs/many").json()["open"] == 0  # the other realm knows nothing of it
        many = http.post("/desk/jobs/count", json={"ids": [NORTH, "urn:ngsi-ld:Job:none"]}).json()
        assert [one["id"] for one in many["done"]] == [NORTH]
        assert many["refused"][0]["status"] == 404


def test_views_that_take_long_keep_nobody_from_acting(tmp_path: Path) -> None:
    begun, go = threading.Semaphore(0), threading.Event()
    slow = App("slow", report="2.4.2", reads={"Job"}, writes={"Job"})

    @slow.view("long")
    def long(_asked: Any, _city: City) -> str:
        """Take long."""
        begun.release()
        assert go.wait(20)
        return "seen"

    @slow.act("open", "Job", new=True)
    def work(act: Act, _city: City) -> Iterable[Entity]:
        """Open a job."""
        yield entity("Job", act.id, status="open")

    async def all_at_once() -> None:
        many = [asyncio.ensure_future(acts.look(slow, view, {}, ADMINISTRATOR)) for _ in range(THREADS + 2)]
        try:
            for _ in range(THREADS):
                assert await asyncio.to_thread(begun.acquire, timeout=10)
            (change,) = await acts.do(slow, deed, NORTH, {}, ADMINISTRATOR)
            assert change.entity["status"] == "open"
            assert not any(one.done() for one in many)
        finally:
            go.set()
        assert await asyncio.gather(*many) == ["seen"] * (THREADS + 2)

    city = InnerCity(SqliteStore(tmp_path / "open.db"), Clock(), ADMINISTRATOR)
    acts = Acts(city, [slow])
    (_, view), (_, deed) = acts.seen("slow", "long"), acts.deed("slow", "open")
    try:
        _run(all_at_once())
    finally:
        acts.close()
        city.close()


def _run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(work)
