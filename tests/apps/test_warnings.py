"""Warnings, from the first word to the last: drafted, approved by two, sent once, changed, cancelled, told to all."""

from typing import Any

import pytest

from hansa import Conflict, Forbidden, Refusal, entity
from hansa.apps.warnings import app, board, cap, templates, words
from hansa.errors import BadRequest
from hansa.testing import MemoryCity

VALLEY = {"type": "Polygon", "coordinates": [[[17.0, 48.0], [17.2, 48.0], [17.2, 48.2], [17.0, 48.2], [17.0, 48.0]]]}
AREA = {"area": VALLEY, "areaDesc": {"en": "The valley", "ja": "谷"}}
FROST = {"template": "frost", "values": {"place": "Valley", "low": "-3.1", "until": "2026-04-02 09:00"}, **AREA}
WARNING = "urn:ngsi-ld:Warning:"


def a_city(**settings: Any) -> MemoryCity:
    return MemoryCity(app, start="2026-04-01T18:00:00Z", settings={"warnings": {"timezone": "UTC", **settings}})


def grower(city: MemoryCity, name: str = "Vera", **more: Any) -> str:
    """A recipient whom staff have entered: an address by push, then a number."""
    said = {
        "name": name,
        "language": "en",
        "places": [{"name": "Orchard", "lon": 17.1, "lat": 48.1, "radius_m": 500}],
        "channels": [{"kind": "email", "to": f"{name.lower()}@example.org"}],
        "groups": ["growers"],
    } | more
    (made,) = city.act("enter", by="person:sup", roles=("supervisor",), **said)
    return made.entity.id


def drafted(city: MemoryCity, **more: Any) -> str:
    changes = city.act("draft", by="person:ada", **{**FROST, **more})
    return next(one.entity.id for one in changes if one.entity.type == "Warning")


def sent(city: MemoryCity, **more: Any) -> str:
    ident = drafted(city, **more)
    city.act("propose", ident, by="person:ada")
    city.act("approve", ident, by="person:bo")
    assert city.get(ident)["state"] == "sent"
    return ident


def follow(city: MemoryCity, verb: str, ident: str, **said: Any) -> str:
    """The next message of a chain, approved by another."""
    changes = city.act(verb, ident, by="person:ada", **said)
    made = next(one.entity.id for one in changes if one.entity.type == "Warning")
    if city.get(made)["state"] == "draft":
        city.act("propose", made, by="person:ada")
    city.act("approve", made, by="person:bo")
    return made


def mail(city: MemoryCity, **wanted: Any) -> list[Any]:
    return [one for one in city.find("Delivery", limit=100_000) if all(one.get(k) == v for k, v in wanted.items())]


def deliver(city: MemoryCity, delivery: str, status: str, outcome: str = "handed", why: str = "") -> None:
    """What the courier says of a delivery."""
    one = city.get(delivery)
    tries = [*one["attempts"], {"n": 1, "kind": one["channel"]["kind"], "at": "x", "outcome": outcome, "why": why}]
    made = type(one)({"id": one.id, "type": "Delivery", "status": {"type": "Property", "value": status},
                      "attempts": {"type": "Property", "value": tries}})  # fmt: skip
    city.say(made)


def test_a_warning_goes_out_when_a_second_person_approves_it_and_not_before() -> None:
    city = a_city()
    grower(city)
    ident = drafted(city)
    assert city.get(ident).label is None, "nobody but staff sees a draft"
    with pytest.raises(Conflict):
        city.act("approve", ident, by="person:bo")
    city.act("propose", ident, by="person:ada")
    with pytest.raises(Forbidden):
        city.act("approve", ident, by="person:ada")
    assert mail(city) == []
    city.act("approve", ident, by="person:bo")
    one = city.get(ident)
    assert one["state"] == "sent"
    assert one.label == "open"
    assert "person:" not in str(one.doc), "who works for the city is in the log, which is not public"
    assert [it["what"] for it in city.view("one", {"id": ident})["log"]] == ["drafted", "proposed", "approved", "sent"]
    (delivery,) = mail(city)
    assert delivery["status"] == "waiting"
    assert delivery["channel"] == {"kind": "email", "to": "vera@example.org"}
    assert delivery.label == "personal"


def test_what_is_changed_after_it_was_looked_at_is_not_approved_unseen() -> None:
    city = a_city()
    ident = drafted(city)
    city.act("edit", ident, severity="Severe", seen=1)
    with pytest.raises(Conflict):
        city.act("edit", ident, severity="Minor", seen=1)
    city.act("propose", ident)
    with pytest.raises(Conflict):
        city.act("approve", ident, by="person:bo", seen=2)
    with pytest.raises(Conflict):
        city.act("edit", ident, severity="Minor")
    city.act("return", ident, by="person:bo", reason="the place is wrong")
    assert city.get(ident)["state"] == "draft"


def test_what_waits_can_be_held_given_back_and_put_away_with_a_reason() -> None:
    city = a_city()
    ident = drafted(city)
    city.act("propose", ident)
    city.act("approve", ident, by="person:bo", hold=True)
    assert city.get(ident)["state"] == "approved"
    city.act("send", ident, by="person:bo")
    assert city.get(ident)["state"] == "sent"
    other = drafted(city, severity="Minor")
    with pytest.raises(Refusal):
        city.act("discard", other, reason=" ")
    city.act("discard", other, reason="a mistake")
    assert city.get(other)["state"] == "discarded"


@pytest.mark.parametrize(
    ("wrong", "where"),
    [
        ({"values": {"place": "x"}}, "values.low"),
        ({"values": {"place": "x\u202e", "low": 1, "until": "y"}}, "place"),
        ({"template": "nonsense"}, "template"),
        ({"severity": "Terrible"}, "severity"),
        ({"area": {"type": "Point", "coordinates": [1, 2]}}, "area"),
        ({"area": {"type": "Polygon", "coordinates": [[[0, 0], [1, 1], [1, 0], [0, 1]]]}}, "coordinates[0]"),
        ({"expires": "2026-04-01T20:00:00"}, "expires"),
        ({"expires": "2027-04-01T20:00:00Z"}, "expires"),
        ({"onset": "2026-04-01T21:00:00Z", "expires": "2026-04-01T20:00:00Z"}, "expires"),
        ({"texts": {"fr": {"title": "a", "short": "b", "body": "c"}}}, "texts.en"),
        ({"texts": {"en": {"title": "a", "short": "b"}}}, "texts.en.body"),
        ({"texts": {"de": {}}}, "de"),
        ({"web": "javascript:alert(1)"}, "web"),
        ({"circles": [{"lon": 1, "lat": 1, "radius_m": 1e9}]}, "circles[0].radius_m"),
        ({"geocodes": [{"name": "SAME", "value": "1"}]}, "geocodes"),
        ({"nonsense": 1}, "nonsense"),
        ({"hours": float("nan")}, "hours"),
    ],
)
def test_what_is_no_warning_is_refused_with_its_place(wrong: dict[str, Any], where: str) -> None:
    with pytest.raises(BadRequest) as told:
        drafted(a_city(), **wrong)
    assert told.value.where == where


def test_a_warning_without_an_area_or_over_before_it_goes_out_is_not_proposed() -> None:
    city = a_city()
    bare = next(
        one.entity.id
        for one in city.act("draft", **{k: v for k, v in FROST.items() if k not in {"area", "areaDesc"}})
        if one.entity.type == "Warning"
    )
    with pytest.raises(Refusal, match="no area"):
        city.act("propose", bare)
    ident = drafted(city, expires="2026-04-01T18:10:00Z")
    city.act("propose", ident)
    city.turn(seconds=660)
    with pytest.raises(Refusal, match="over already"):
        city.act("approve", ident, by="person:bo")


def test_every_text_of_an_exercise_says_so_in_every_language_and_of_a_real_one_none() -> None:
    city = a_city()
    exercise, real = city.get(drafted(city, status="Exercise")), city.get(drafted(city))
    for language, mark in templates.data()["marks"]["Exercise"].items():
        for part in ("title", "short", "body"):
            assert exercise["texts"][language][part].startswith(mark)
            assert not real["texts"][language][part].startswith(mark)
    city.act("edit", exercise.id, status="Actual")
    assert city.get(exercise.id)["texts"] == real["texts"]


def test_every_template_speaks_five_languages_and_fills_every_placeholder() -> None:
    for name, one in templates.data()["templates"].items():
        assert set(one["texts"]) == set(words.LANGUAGES)
        texts, advice = templates.filled(name, dict.fromkeys(one["fields"], "{x}"))
        assert set(advice) in (set(), set(words.LANGUAGES))
        for language in words.LANGUAGES:
            for part in ("title", "short", "body"):
                said = one["texts"][language][part]
                assert templates.fields(said) <= set(one["fields"]), f"{name} {language} {part}"
                assert texts[language][part].replace("{x}", "") == "".join(
                    lit for lit, *_ in __import__("string").Formatter().parse(said)
                )
            assert len(texts[language]["short"]) < words.SHORT
        assert cap.septets(one["texts"]["en"]["short"]) is not None, "one letter beyond GSM makes two messages of one"
    assert set(templates.data()["marks"]) == {"Exercise", "Test", "Update", "Cancel"}
    assert all(set(it) == set(words.LANGUAGES) for it in templates.data()["marks"].values())
    assert all(cap.septets(it["en"]) is not None for it in templates.data()["marks"].values())
    assert all(set(it["names"]) == set(words.LANGUAGES) for it in templates.hazards().values())


def test_an_update_goes_to_whom_the_first_went_and_ends_what_is_open_and_newcomers_get_it_too() -> None:
    city = a_city()
    first = grower(city)
    ident = sent(city)
    (one,) = mail(city)
    deliver(city, one.id, "handed")
    second = grower(city, "Wim")
    # Vera moves away: she was told, so she is told how it goes on.
    far = [{"name": "Far", "lon": 1, "lat": 1, "radius_m": 1}]
    there = [{"kind": "email", "to": "vera@example.org"}]
    city.act("enter", first, by="person:sup", roles=("supervisor",), name="Vera", channels=there, places=far)
    new = follow(city, "update", ident, severity="Severe")
    assert city.get(new)["texts"]["en"]["title"].startswith("Update: ")
    assert city.get(new)["references"] == [
        {
            "sender": city.get(ident)["sender"],
            "identifier": city.get(ident)["identifier"],
            "sent": city.get(ident)["sent"],
        }
    ]
    assert (city.get(ident)["state"], city.get(ident)["followedBy"]) == ("updated", new)
    assert {it["recipient"] for it in mail(city, warning=new)} == {first, second}
    assert [it["status"] for it in mail(city, warning=ident)] == ["ended"]
    assert all(it["again"] is False for it in mail(city, warning=new)), "an update is a new message"


def test_a_cancel_goes_to_all_who_were_told_and_to_nobody_else() -> None:
    city = a_city()
    told, waiting = grower(city), grower(city, "Wim")
    ident = sent(city)
    (one,) = mail(city, recipient=told)
    deliver(city, one.id, "handed")
    with pytest.raises(Refusal):
        city.act("cancel", ident)
    over = follow(city, "cancel", ident, reason="the cloud came")
    assert [it["recipient"] for it in mail(city, warning=over)] == [told]
    assert {it["status"] for it in mail(city, warning=ident)} == {"ended"}
    assert mail(city, recipient=waiting)[0]["why"] == "cancelled"
    assert city.get(ident)["state"] == "cancelled"
    assert city.view("current")["warnings"] == []
    with pytest.raises(Conflict):
        city.act("update", ident)
    with pytest.raises(Conflict):
        city.act("cancel", over, reason="again")


def test_of_two_updates_of_one_warning_only_the_first_approved_goes_out() -> None:
    city = a_city()
    grower(city)
    ident = sent(city)
    both = [
        next(c.entity.id for c in city.act("update", ident, by=who, severity="Severe") if c.entity.type == "Warning")
        for who in ("person:ada", "person:cy")
    ]
    for one in both:
        city.act("propose", one, by="person:ada")
    city.act("approve", both[0], by="person:bo")
    with pytest.raises(Conflict, match="updated"):
        city.act("approve", both[1], by="person:bo")


def test_a_warning_expires_and_what_nobody_confirmed_ends_with_it() -> None:
    city = a_city()
    grower(city)
    ident = sent(city, hours=0.25)
    city.turn(seconds=1)
    assert city.view("current")["warnings"][0]["id"] == ident
    (one,) = mail(city)
    deliver(city, one.id, "handed")
    city.turn(seconds=910)
    assert city.get(ident)["state"] == "expired"
    assert city.view("current")["warnings"] == []
    assert city.view("current", {"past": "1"})["warnings"][0]["state"] == "expired"
    assert {it["status"] for it in mail(city)} <= {"ended", "escalated"}


def test_who_looks_at_whom_is_warned_is_staff() -> None:
    city = a_city()
    ident = sent(city)
    for view in ("board", "deliveries", "tree", "export", "recipients"):
        with pytest.raises(Forbidden):
            city.view(view, {"id": ident}, by="person:rita", roles=("resident",))
        city.view(view, {"id": ident}, by="person:sup", roles=("supervisor",))
    with pytest.raises(Forbidden):
        city.act("enter", by="person:rita", roles=("resident",), channels=[])
    with pytest.raises(Forbidden):
        city.act("draft", by="person:rita", roles=("resident",), **FROST)


def test_only_the_command_says_that_quiet_hours_do_not_count_and_why() -> None:
    city = a_city()
    ident = drafted(city)
    with pytest.raises(Forbidden):
        city.act("edit", ident, override=True, overrideReason="it is grave")
    with pytest.raises(Refusal):
        city.act("edit", ident, roles=("supervisor",), by="person:sup", override=True)
    city.act("edit", ident, roles=("supervisor",), by="person:sup", override=True, overrideReason="it is grave")
    assert city.get(ident)["override"] is True


def test_the_figures_of_the_board_are_those_of_the_entities() -> None:
    city = a_city()
    people = [grower(city, f"P{n}") for n in range(7)]
    ident = sent(city)
    them = mail(city)
    assert len(them) == len(people)
    for n, status in enumerate(("handed", "sending", "confirmed", "failed")):
        deliver(city, them[n].id, status, "failed" if status == "failed" else "handed", "bounced: no such user")
    told = city.view("board", {"id": ident})
    now = mail(city, warning=ident)
    by = {status: sum(1 for one in now if one["status"] == status) for status in board.STATUSES}
    assert told["status"] == {status: many for status, many in by.items() if many}
    assert told["total"] == len(now) == sum(told["status"].values())
    assert sum(sum(many.values()) for many in told["channels"].values()) == told["total"]
    assert told["status"]["escalated"] == 1, "no channel is left: a human has it"
    body = city.view("export", {"id": ident}).body.decode().splitlines()
    assert len(body) == 1 + len(now)
    assert city.view("deliveries", {"id": ident, "status": "escalated"})["total"] == 1
    assert city.view("tree", {"id": ident})["lists"][0]["of"][0]["why"].startswith("the channel failed: bounced")


def test_whoever_wrote_it_does_not_approve_it_though_another_proposed() -> None:
    city = a_city()
    ident = drafted(city)
    city.act("edit", ident, by="person:cy", severity="Severe")
    city.act("propose", ident, by="person:bo")
    for who in ("person:ada", "person:bo", "person:cy"):
        with pytest.raises(Forbidden):
            city.act("approve", ident, by=who)
    # Given back, it begins anew: who has written or proposed since then is another.
    city.act("return", ident, by="person:dan", reason="where?")
    city.act("edit", ident, by="person:bo", severity="Minor")
    city.act("propose", ident, by="person:cy")
    with pytest.raises(Forbidden):
        city.act("approve", ident, by="person:bo")
    city.act("approve", ident, by="person:ada")
    assert city.get(ident)["state"] == "sent"


def test_where_a_log_cannot_be_read_nobody_approves() -> None:
    city = a_city()
    ident = drafted(city)
    city.act("edit", ident, by="person:cy", severity="Severe")
    city.act("propose", ident, by="person:bo")
    many = city.get(ident)["logged"]
    city.say(entity("Warning", ident, logged=many + 1))
    with pytest.raises(Conflict, match="who wrote"):
        city.act("approve", ident, by="person:eve")
    city.say(entity("Warning", ident, logged=many))
    city.act("approve", ident, by="person:eve")


def test_other_words_than_the_command_saw_do_not_pass_quiet_hours() -> None:
    city = a_city()
    sup: dict[str, Any] = {"by": "person:sup", "roles": ("supervisor",)}
    ident = drafted(city)
    city.act("edit", ident, **sup, override=True, overrideReason="it is grave")
    city.act("edit", ident, **sup, severity="Minor")
    assert city.get(ident)["override"] is True
    city.act("edit", ident, by="person:ada", severity="Moderate")
    assert (city.get(ident)["override"], city.get(ident)["overrideReason"]) == (False, "")
    city.act("edit", ident, **sup, override=True, overrideReason="it is grave")
    city.act("propose", ident, by="person:ada")
    city.act("approve", ident, by="person:bo")
    operator: dict[str, Any] = {"by": "person:ada"}
    for how, still in ((operator, False), (sup, True)):
        changes = city.act("update", ident, **how, severity="Severe")
        made = next(one.entity.id for one in changes if one.entity.type == "Warning")
        assert city.get(made)["override"] is still


def test_a_note_for_the_desk_is_not_public() -> None:
    city = a_city()
    ident = drafted(city, note="ask Jan, +421901234567")
    city.act("edit", ident, by="person:ada", note="Jan is ill")
    city.act("propose", ident, by="person:ada")
    city.act("approve", ident, by="person:bo")
    one = city.get(ident)
    assert one.label == "open"
    public = str(one.doc) + str(city.view("warning", {"id": ident}, by="")) + str(city.view("current", by=""))
    public += city.ask("GET", f"/cap/{one['identifier']}.xml").body.decode()
    assert "Jan" not in public
    notes = [it["data"]["note"] for it in city.view("one", {"id": ident})["log"] if "note" in (it["data"] or {})]
    assert notes == ["ask Jan, +421901234567", "Jan is ill"]
    over = follow(city, "cancel", ident, reason="the cloud came")
    assert b"<note>the cloud came" in city.ask("GET", f"/cap/{city.get(over)['identifier']}.xml").body
