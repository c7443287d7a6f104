"""The city as a stranger sees it, for apps that give things away; orders of tables, made with his eyes or the app's."""

import pytest

from hansa import Answer, App, Attribute, Entity, entity
from hansa.app import File
from hansa.errors import NotFound
from hansa.model.change import Refused, Write
from hansa.platform.tables.child import Decided
from hansa.testing import MemoryCity
from hansa.trust.actors import Actor
from hansa.trust.labels import Sight

HOUR = 3_600_000_000


def readings(city):
    for name, label in (("shown", "open"), ("staff", "smart"), ("hers", "personal")):
        for n in range(4):
            said = entity(
                "WeatherObserved",
                name,
                location={"type": "Point", "coordinates": [7.0, 60.0 + n * 0]},
                temperature=Attribute(1.0 + n, "CEL", city.clock.now() + n * HOUR),
            )
            city.read(Entity(said.doc, label=label))


@pytest.fixture
def city():
    app = App("giving", report="4.1.7", reads={"WeatherObserved", "Table"}, writes={"Table", "Seen"})

    @app.act("order", "Table", new=True)
    def order(act, city):
        """Order a table."""
        yield entity("Table", "one", status="ordered", recipe=dict(act.said["recipe"]))

    @app.act("send", "Table", new=True, files=1, kinds=("sheet",))
    def send(act, city):
        """Send a sheet."""
        (file,) = act.files
        source = {"kind": "sheet", "entity": "urn:ngsi-ld:Table:one", "sha256": file.sha256}
        yield entity("Table", "one", status="ordered", media=[file.said()], recipe={"from": source})

    @app.on("Table", "status")
    def hears(change, city):
        """Hear what came of it."""
        if change.entity["status"] != "ordered":
            yield entity("Seen", "one", status=change.entity["status"])

    @app.view("public")
    def public(asked, city):
        """All that a stranger could ask."""
        ident = "urn:ngsi-ld:WeatherObserved:" + asked["name"]
        return {
            "page": [one.key for one in city.public.page("WeatherObserved")],
            "box": [one.key for one in city.public.page("WeatherObserved", box=(6.0, 59.0, 8.0, 61.0))],
            "far": [one.key for one in city.public.page("WeatherObserved", box=(16.0, 59.0, 18.0, 61.0))],
            "count": city.public.count("WeatherObserved"),
            "history": [one.value for one in city.public.history(ident, "temperature")],
            "summary": [(one.period, one.many, one.total) for one in city.public.summary(ident, "temperature")],
            "own": [(one.many, one.high) for one in city.summary(ident, "temperature", None, None, 2 * HOUR)],
        }

    @app.view("get")
    def get(asked, city):
        """One."""
        return city.public.get("urn:ngsi-ld:WeatherObserved:" + asked["name"]).key

    @app.view("rows")
    def rows(asked, city):
        """Of a table."""
        return city.tables.ask({"table": asked["table"], "order": ["id", "time"]})["rows"]

    @app.door("GET", "/giving/{name}.{form}")
    def file(asked, city):
        """A file."""
        return city.tables.file(asked.path["name"], asked.path["form"])

    @app.door("GET", "/giving2/{rest*}")
    def rest(asked, city):
        """The rest of a path."""
        return Answer(asked.path["rest"].encode(), "text/plain")

    app.doors[1] = type(app.doors[1])("GET", "/giving/all/{rest*}", rest, 0, 0)
    made = MemoryCity(app, start="2026-01-01T00:00:00Z")
    readings(made)
    return made


def test_a_stranger_sees_what_is_open_and_nothing_else_whoever_asks(city):
    found = city.view("public", {"name": "shown"})
    assert found["page"] == found["box"] == ["shown"]
    assert found["far"] == []
    assert found["count"] == 1
    assert found["history"] == [1.0, 2.0, 3.0, 4.0]
    assert found["summary"] == [(0, 4, 10.0)]
    assert city.view("get", {"name": "shown"}) == "shown"


@pytest.mark.parametrize("name", ["staff", "hers", "nobody"])
def test_what_is_not_open_is_not_there(city, name):
    found = city.view("public", {"name": name})
    assert found["history"] == found["summary"] == []
    with pytest.raises(NotFound):
        city.view("get", {"name": name})


def test_an_app_sums_up_by_periods_what_it_sees_itself(city):
    assert city.view("public", {"name": "staff"})["own"] == [(2, 2.0), (2, 4.0)]


def history(sight):
    source = {"kind": "history", "type": "WeatherObserved", "attributes": ["temperature"]}
    return {"from": source, "sight": sight, "steps": [{"do": "keep", "columns": ["id", "time", "temperature"]}]}


@pytest.mark.parametrize(("sight", "rows"), [("public", 4), ("app", 12)])
def test_a_table_is_made_with_the_eyes_that_its_recipe_names(city, sight, rows):
    city.act("order", recipe=history(sight))
    made = city.get("urn:ngsi-ld:Table:one")
    assert (made["status"], made["rows"]) == ("made", rows)
    assert city.get("urn:ngsi-ld:Seen:one")["status"] == "made"
    first = city.view("rows", {"table": made["sha256"]})[0]
    assert first[1:] == ["2026-01-01T00:00:00Z", 1.0]


def test_an_order_that_cannot_be_made_says_why(city):
    city.act("order", recipe={"from": {"kind": "history", "type": "WeatherObserved", "attributes": []}})
    failed = city.get("urn:ngsi-ld:Table:one")
    assert failed["status"] == "failed"
    assert "which attributes" in failed["fault"]
    assert "sha256" not in failed.doc


def test_a_sheet_that_was_sent_becomes_a_table_and_a_file(city):
    from hashlib import sha256

    body = b"id;n\nx;1,5\n"
    city.act("send", files=[File("a.csv", body, "text/csv", sha256(body).hexdigest(), len(body))])
    made = city.get("urn:ngsi-ld:Table:one")
    assert made["status"] == "made"
    answer = city.ask("GET", f"/giving/{made['sha256']}.csv")
    assert answer.file.read_text() == "id,n\nx,1.5\n"
    assert answer.body == b""


def test_a_door_may_take_the_rest_of_a_path(city):
    assert city.ask("GET", "/giving/all/a/b(1)").body == b"a/b(1)"
    assert city.ask("GET", "/giving/all").body == b""
    with pytest.raises(NotFound):
        city.ask("GET", "/giving/other/a")


def test_nobody_orders_a_table_past_an_app(city):
    order = entity("Table", "mine", status="ordered", recipe=history("app"))
    write = Write("create", order.id, order.doc)
    everything = Decided({})
    everything.may = lambda verb, label: True  # as policy has it for who may do all that a person may
    for actor, rights in (("device:sly", None), ("person:eve", everything)):
        sight = Sight(actor, classes=None if rights is None else frozenset(), rights=rights, who=Actor(actor))
        (refused,) = city.write(write, sight=sight)
        assert isinstance(refused, Refused), refused
        assert "acts alone" in refused.error.detail
    assert city.find("Table") == []
