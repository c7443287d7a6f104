"""What anybody may do through an app, and addresses of its own: in the app's name, on its own answer."""

import asyncio
import io
import json
import threading
from urllib.parse import urlencode

import pytest
from PIL import Image

from hansa import Answer, App, Asked, Asking, NotFound, Refusal, entity
from hansa.analytics.acts import Visit
from hansa.analytics.desk import Desk
from hansa.analytics.doors import AppDoors, Visits
from hansa.errors import Busy, HansaError, TooLarge, Unauthenticated
from hansa.limits import DEFAULT
from hansa.platform.http import Headers, Request
from hansa.platform.sqlite import SqliteStore
from hansa.testing import MemoryCity
from hansa.trust.actors import Actor
from hansa.trust.labels import NOBODY, Sight

BEN = Sight("person:ben", classes=frozenset({"open"}), who=Actor("person:ben", frozenset({"resident"})))


def lamps() -> App:
    app = App("lamps", report="4.1.2", reads={"Report"}, writes={"Report"})

    @app.act("report", "Report", new=True, public=True, files=2)
    def report(act, city):
        """Say that a lamp is broken."""
        ident = act.id or "urn:ngsi-ld:Report:1"
        link = city.token(ident)
        media = [one.said() for one in act.files]
        yield entity("Report", ident, label="personal", text=act.said["text"], by=act.by, visitor=act.visitor,
                     link=link, origin=act.origin, media=media)  # fmt: skip

    @app.act("tidy", "Report", roles={"operator"})
    def tidy(act, _city):
        """Staff alone."""
        yield entity("Report", act.id, text="tidied")

    @app.view("mine", public=True)
    def mine(asked, city):
        """What the holder of a link sees."""
        ident = city.told_by(asked.get("token", ""))
        if ident is None:
            raise NotFound("there is no such report", where="token")
        return {"text": city.get(ident)["text"], "by": city.by, "roles": sorted(city.roles), "visitor": city.visitor}

    @app.view("all", roles={"operator"})
    def every(_asked, city):
        """Staff alone."""
        return len(city.find("Report"))

    @app.door("POST", "/lamps/v1/reports.{format}", files=1)
    def post(asked: Asked, city: Asking) -> Answer:
        """A protocol of others'."""
        if asked.path["format"] not in {"json", "xml"}:
            raise NotFound("json or xml", where="format")
        before = len(city.find("Report"))
        made = entity("Report", f"urn:ngsi-ld:Report:{before}", text=asked.form.get("text", asked.body.decode()),
                      media=[one.said() for one in asked.files])  # fmt: skip
        return Answer(b"{}", "application/json", status=201, headers={"Location": made.id}, says=[made])

    @app.door("GET", "/lamps/v1/reports/{number}.{format}")
    def get(asked: Asked, city: Asking) -> Answer:
        """One of them."""
        found = city.get(f"urn:ngsi-ld:Report:{asked.path['number']}")
        told = {"text": found["text"], "headers": sorted(asked.headers), "query": dict(asked.query)}
        return Answer(json.dumps(told).encode(), "application/json")

    return app


@pytest.fixture
def city():
    return MemoryCity(lamps())


@pytest.fixture
def desk(city):
    return Desk(city.acts, DEFAULT, Visits(city.acts, "https://city.example"))


@pytest.fixture
def doors(city):
    return AppDoors(city.acts, Visits(city.acts), DEFAULT)


def ask(door, method, path, body=b"", *, sight=NOBODY, client="192.0.2.7", **headers):
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    where, _, query = path.partition("?")
    request = Request(method, where.strip("/").split("/"), query.encode(), body, Headers(pairs), sight, client)
    return asyncio.run(door(request))


def said(desk, **what):
    answer = ask(desk.handle, "POST", "lamps/report", json.dumps(what).encode())
    assert answer.status == 200
    return json.loads(answer.body)


def form(**parts):
    """A multipart body: fields are text, files bytes."""
    lines = []
    for name, value in parts.items():
        more = f'; filename="{name}.jpg"' if isinstance(value, bytes) else ""
        head = f'--b\r\nContent-Disposition: form-data; name="{name}"{more}\r\n\r\n'.encode()
        lines.append(head + (value if isinstance(value, bytes) else value.encode()) + b"\r\n")
    return b"".join(lines) + b"--b--\r\n"


def picture():
    out = io.BytesIO()
    Image.new("RGB", (64, 48), "red").save(out, "JPEG", exif=b"Exif\0\0II*\0\x08\0\0\0\0\0\0\0\0\0")
    return out.getvalue()


def test_somebody_unknown_acts_in_the_apps_own_name(city, desk):
    told = said(desk, text="dark")
    found = city.get(told["id"])
    assert (found["text"], found.get("by"), found["origin"]) == ("dark", "", "https://city.example")
    assert city.changes[-1].actor == "app:lamps"
    assert city.changes[-1].cause == "desk:lamps/report"


def test_somebody_known_is_told_to_the_app_and_still_it_is_the_apps_word(city, desk):
    ask(desk.handle, "POST", "lamps/report", b'{"text": "dark"}', sight=BEN)
    assert city.find("Report")[0]["by"] == "person:ben"
    assert city.changes[-1].actor == "app:lamps"


def test_what_is_not_public_is_not_for_somebody_unknown(city, desk):
    told = said(desk, text="dark")
    for method, path in (("POST", "lamps/tidy"), ("GET", "lamps/all"), ("GET", ""), ("GET", "trials/x/y")):
        with pytest.raises(Unauthenticated):
            ask(desk.handle, method, path, json.dumps({"id": told["id"]}).encode())
    assert city.get(told["id"])["text"] == "dark"


def test_a_link_opens_what_it_is_for_and_nothing_else(city, desk):
    link = city.get(said(desk, text="dark")["id"])["link"]
    told = json.loads(ask(desk.handle, "GET", f"lamps/mine?token={link}").body)
    assert (told["text"], told["by"], told["roles"]) == ("dark", "", [])
    for bent in ("", "x", link[:-1], link.swapcase()):
        with pytest.raises(NotFound):
            ask(desk.handle, "GET", f"lamps/mine?token={bent}")


def test_somebody_unknown_is_not_told_how_much_came_of_what_he_did(desk):
    assert said(desk, text="dark") == {"id": "urn:ngsi-ld:Report:1"}
    again = ask(desk.handle, "POST", "lamps/report", b'{"text": "darker"}')
    assert json.loads(again.body) == {"id": ""}  # it was there before
    known = Sight("person:cleo", classes=None, who=Actor("person:cleo", frozenset({"operator"})))
    told = json.loads(ask(desk.handle, "POST", "lamps/report", b'{"text": "darkest"}', sight=known).body)
    assert told["changed"] == ["urn:ngsi-ld:Report:1"]


def test_somebody_unknown_does_one_thing_at_a_time(city, desk):
    many = json.dumps({"ids": [f"urn:ngsi-ld:Report:{n}" for n in range(50)], "text": "x"}).encode()
    with pytest.raises(HansaError, match="one at a time"):
        ask(desk.handle, "POST", "lamps/report", many)
    assert city.find("Report") == []


def test_what_somebody_may_not_do_is_refused_before_anything_of_it_is_read(desk):
    with pytest.raises(Unauthenticated):
        ask(desk.handle, "POST", "lamps/tidy", b"{no JSON", content_type="application/json")


def test_a_crowd_at_public_doors_keeps_no_operator_from_acting():
    busy = App("busy", report="4.1.2", reads={"Report"}, writes={"Report"})
    held, free = threading.Event(), threading.Event()

    @busy.view("slow", public=True)
    def slow(_asked, _city):
        """Whoever asks this waits."""
        held.set()
        free.wait(20)

    @busy.act("tidy", "Report", roles={"operator"}, new=True)
    def tidy(_act, _city):
        """Staff alone."""
        yield entity("Report", "tidy", text="tidied")

    city = MemoryCity(busy)
    city.inbox = object()  # as of a city that is served: acts run in threads

    async def crowd():
        found, view = city.acts.seen("busy", "slow")
        waiting = [asyncio.create_task(city.acts.look(found, view, {}, NOBODY)) for _ in range(40)]
        await asyncio.to_thread(held.wait, 10)
        _, deed = city.acts.deed("busy", "tidy")
        done = await city.acts._run(city.acts._acting, lambda: deed.name, 5)  # no writer here to commit
        free.set()
        await asyncio.gather(*waiting)
        return done

    assert asyncio.run(crowd()) == "tidy"


def test_an_address_is_one_visitor_for_a_day_and_is_not_told(city, desk):
    link = city.get(said(desk, text="dark")["id"])["link"]

    def visitor(client):
        return json.loads(ask(desk.handle, "GET", f"lamps/mine?token={link}", client=client).body)["visitor"]

    assert visitor("2001:db8::1") == visitor("2001:db8::ffff") != visitor("2001:db8:0:1::1")
    first, other = visitor("192.0.2.7"), visitor("192.0.2.8")
    assert first == visitor("192.0.2.7") != other
    city.turn(seconds=86_400)
    assert visitor("192.0.2.7") != first
    assert "192" not in first


def test_nothing_is_public_in_another_realm():
    app = lamps()
    app.realm = "*"
    city = MemoryCity(app, store=SqliteStore(":memory:", realm="security"))
    found, deed = city.acts.deed("lamps", "report")
    with pytest.raises(NotFound):
        asyncio.run(city.acts.do(found, deed, "", {"text": "x"}, NOBODY, Visit()))


def test_photographs_come_cleaned_and_are_kept_with_what_lists_them(city, desk):
    kept = []
    city.acts.keep = lambda ident, file: kept.append((ident, file))
    body = form(text="dark", photo=picture())
    kind = "multipart/form-data; boundary=b"
    assert ask(desk.handle, "POST", "lamps/report", body, content_type=kind).status == 200
    (one,) = city.find("Report")[0]["media"]
    assert (one["width"], one["height"], one["kind"], one["name"]) == (64, 48, "image/jpeg", "photo.jpg")
    ((ident, file),) = kept
    assert (ident, file.sha256) == (city.find("Report")[0].id, one["sha256"])
    assert b"Exif" not in file.body
    with pytest.raises(TooLarge):
        ask(
            desk.handle,
            "POST",
            "lamps/report",
            form(text="x", a=picture(), b=picture(), c=picture()),
            content_type=kind,
        )
    with pytest.raises(HansaError):
        ask(desk.handle, "POST", "lamps/report", form(text="x", a=b"no picture"), content_type=kind)
    assert len(city.find("Report")) == 1


@pytest.mark.parametrize("body", [b"", b"--b", b"--b\r\n\r\n", form(text="x")[:-6], b"--b\r\n" + b"x" * 9_000, b"\xff"])
def test_a_form_that_is_none_is_refused(desk, body):
    with pytest.raises(HansaError):
        ask(desk.handle, "POST", "lamps/report", body, content_type="multipart/form-data; boundary=b")


def test_an_app_answers_at_an_address_of_its_own(city, doors):
    handle = doors.handler("lamps")
    form_kind = "application/x-www-form-urlencoded"
    made = ask(handle, "POST", "v1/reports.json", urlencode({"text": "dark & cold"}).encode(), content_type=form_kind)
    assert (made.status, dict(made.headers)[b"location"]) == (201, b"urn:ngsi-ld:Report:0")
    assert city.get("urn:ngsi-ld:Report:0")["text"] == "dark & cold"
    told = ask(handle, "GET", "v1/reports/0.json?a=1", authorization="Bearer secret", cookie="hansa=x", accept="*/*")
    assert json.loads(told.body) == {"text": "dark & cold", "headers": ["accept"], "query": {"a": "1"}}
    assert b"sandbox" in dict(told.headers)[b"content-security-policy"]


def test_what_is_no_address_of_its_own_is_not_found_or_not_done(doors):
    handle = doors.handler("lamps")
    for path in ("v1/reports", "v2/reports.json", "v1/reports/0/1.json", "v1/reports/0."):
        with pytest.raises(NotFound):
            ask(handle, "GET", path)
    assert ask(handle, "DELETE", "v1/reports/0.json").status == 405
    with pytest.raises(NotFound):
        ask(handle, "POST", "v1/reports.exe", b"x")
    with pytest.raises(TooLarge):
        ask(handle, "POST", "v1/reports.json", b"x" * 4_000_001)


def test_two_that_say_the_same_at_once_are_both_heard(city, doors):
    handle = doors.handler("lamps")

    async def both():
        asked = [Request("POST", ["v1", "reports.json"], b"", b"x", Headers(()), NOBODY, "") for _ in range(8)]
        return await asyncio.gather(*(handle(one) for one in asked))

    assert {one.status for one in asyncio.run(both())} == {201}


def test_two_apps_do_not_share_an_address():
    other = App("other", report="4.1.2")

    @other.door("GET", "/lamps/{id}")
    def get(_asked, _city):
        """Nothing."""
        return Answer(b"", "text/plain")

    city = MemoryCity(lamps(), other)
    with pytest.raises(HansaError, match="both want /lamps"):
        AppDoors(city.acts, Visits(city.acts), DEFAULT)
    with pytest.raises(HansaError, match="no address"):
        other.door("GET", "lamps")


def test_an_answer_cannot_smuggle_a_header(city):
    bad = App("bad", report="4.1.2")

    @bad.door("GET", "/bad/{id}")
    def get(_asked, _city):
        """A header with a line end."""
        return Answer(b"", "text/plain", headers={"x-a": "1\r\nset-cookie: x"})

    city = MemoryCity(bad)
    with pytest.raises(HansaError, match="header"):
        ask(AppDoors(city.acts, Visits(city.acts), DEFAULT).handler("bad"), "GET", "1")


def test_a_refusal_of_the_app_is_its_own(city):
    bad = App("bad", report="4.1.2")

    @bad.act("no", "Thing", new=True, public=True)
    def no(_act, _city):
        """Never."""
        raise Refusal("not today", where="day")

    city = MemoryCity(bad)
    with pytest.raises(Refusal, match="not today"):
        ask(Desk(city.acts, DEFAULT).handle, "POST", "bad/no", b"{}")
    assert not issubclass(Refusal, Busy)


def test_a_stranger_writes_nothing_into_the_audit_log():
    noted = []

    async def note(*said, **more):
        noted.append(said)

    app = App("ballots", report="4.1.2", reads={"Ballot"}, writes={"Ballot"})

    @app.act("open", "Ballot", new=True, public=True, noted=True)
    def opens(act, _city):
        """Staff alone, in the app's name."""
        yield entity("Ballot", "one", by=act.by)

    city = MemoryCity(app)
    city.acts._note = note
    with pytest.raises(Unauthenticated):
        city.act("open", by="", text="x" * 100_000)
    assert not noted
    city.act("open", by="person:ada")
    assert noted
