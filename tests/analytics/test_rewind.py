"""The past for somebody: under the labels of then and of now, without what was taken back or was kept for a time."""

import random

import pytest

from hansa import clock
from hansa.analytics.rewind import Rewind
from hansa.analytics.rewind_sight import Asked, Eyes
from hansa.errors import BadRequest, TooLarge
from hansa.model.change import Write
from past_made import BEGIN, LATER, Told, point, prop, reading, second

ALL = Eyes(None, None, "smart")


def eyes(*labels, types=None):
    """Somebody who sees these labels and no other that is known here."""
    known = ("open", "smart", "security", "personal", "personal;subject=person:bo")
    return Eyes({one: one in labels for one in known}, types, "smart")


@pytest.fixture
def told(tmp_path):
    one = Told(tmp_path)
    yield one
    one.close()


@pytest.fixture(params=[True, False], ids=["marked", "from the log alone"])
def ways(request, told):
    """Whatever is said of the past holds with marks and without."""

    def past():
        if request.param:
            told.mark(every=4)
        return Rewind(told.then())

    return past


def shown(past, at, who=ALL, now=LATER, **asked):
    found = past.picture(Asked(now, second(at), **asked), who)
    return {one["id"].rpartition(":")[2]: one for one in found["entities"]}


def played(past, since, until, who=ALL, now=LATER, **asked):
    return past.changes(Asked(now, second(since), second(until), **asked), who)["changes"]


def test_the_picture_is_what_the_city_knew_then(told, ways):
    told.say(reading("urn:x:a", 1))
    told.say(reading("urn:x:a", 2), reading("urn:x:b", 5))
    told.say(Write("delete", "urn:x:a"))
    past = ways()
    assert shown(past, 1) == {"a": {"id": "urn:x:a", "type": "WeatherObserved", "t": 1}}
    assert {key: one["t"] for key, one in shown(past, 2).items()} == {"a": 2, "b": 5}
    assert list(shown(past, 3)) == ["b"]


def test_before_the_first_word_and_after_now_there_is_no_picture(told, ways):
    told.say(reading("urn:x:a", 1))
    past = ways()
    with pytest.raises(BadRequest, match="remembers nothing"):
        shown(past, 0)
    with pytest.raises(BadRequest, match="not happened yet"):
        shown(past, 5, now=second(4))
    assert shown(past, 3, now=second(3))


def test_a_city_that_was_told_nothing_says_so(told):
    with pytest.raises(BadRequest, match="remembers nothing"):
        shown(Rewind(told.then()), 1)


def test_what_is_hidden_now_is_hidden_in_the_past_and_what_was_hidden_then_too(told, ways):
    told.say(Write("upsert", "urn:x:once-open", {"id": "urn:x:once-open", "type": "A", "t": prop(1)}, label="open"))
    told.say(Write("upsert", "urn:x:now-open", {"id": "urn:x:now-open", "type": "A", "t": prop(1)}, label="security"))
    told.say(Write("upsert", "urn:x:open", {"id": "urn:x:open", "type": "A", "t": prop(1)}, label="open"))
    told.say(
        Write(
            "upsert_update", "urn:x:once-open", {"id": "urn:x:once-open", "type": "A", "t": prop(2)}, label="security"
        )
    )
    told.say(
        Write("upsert_update", "urn:x:now-open", {"id": "urn:x:now-open", "type": "A", "t": prop(2)}, label="open")
    )
    past = ways()
    assert list(shown(past, 3, eyes("open"))) == ["open"]
    assert sorted(shown(past, 5, eyes("open"))) == ["now-open", "open"]
    assert sorted(shown(past, 3, eyes("open", "security"))) == ["now-open", "once-open", "open"]
    assert shown(past, 3, eyes()) == {}


def test_an_entity_that_is_gone_is_under_the_label_that_it_had_last(told, ways):
    told.say(Write("upsert", "urn:x:a", {"id": "urn:x:a", "type": "A", "t": prop(1)}, label="open"))
    told.say(Write("upsert_update", "urn:x:a", {"id": "urn:x:a", "type": "A", "t": prop(2)}, label="security"))
    told.say(Write("delete", "urn:x:a"))
    past = ways()
    assert shown(past, 1, eyes("open")) == {}
    assert list(shown(past, 1, eyes("open", "security"))) == ["a"]


def test_attributes_have_labels_of_their_own_then_and_now(told, ways):
    doc = {"id": "urn:x:a", "type": "A", "t": prop(1), "who": prop("bo"), "later": prop("x")}
    told.say(Write("upsert", "urn:x:a", doc, label="open", labels={"who": "personal"}))
    told.say(
        Write("upsert_update", "urn:x:a", {"id": "urn:x:a", "type": "A", "t": prop(2)}, labels={"later": "security"})
    )
    past = ways()
    assert set(shown(past, 1, eyes("open"))["a"]) == {"id", "type", "t"}
    assert set(shown(past, 1, eyes("open", "personal"))["a"]) == {"id", "type", "t", "who"}
    assert set(shown(past, 1, eyes("open", "personal", "security"))["a"]) == {"id", "type", "t", "who", "later"}


def test_what_was_shown_of_personal_and_security_information_is_told(told, ways):
    told.say(
        Write(
            "upsert", "urn:x:bo", {"id": "urn:x:bo", "type": "Person", "t": prop(1)}, label="personal;subject=person:bo"
        )
    )
    told.say(
        Write(
            "upsert",
            "urn:x:a",
            {"id": "urn:x:a", "type": "A", "t": prop(1), "s": prop(1)},
            label="open",
            labels={"s": "security"},
        )
    )
    told.say(reading("urn:x:bo", 2, "Person"))
    past = ways()
    who = eyes("open", "security", "personal;subject=person:bo")
    shown(past, 2, who)
    assert who.saw == {("urn:x:bo", "personal;subject=person:bo"), ("urn:x:a", "security")}
    who = eyes("open")
    shown(past, 2, who)
    assert who.saw == set()
    who = eyes("open", "personal;subject=person:bo")
    assert played(past, 2, 3, who)
    assert who.saw == {("urn:x:bo", "personal;subject=person:bo")}


def test_a_label_that_was_not_decided_is_asked_for_and_hidden_till_then(told, ways):
    told.say(Write("upsert", "urn:x:a", {"id": "urn:x:a", "type": "A", "t": prop(1)}, label="smart;owner=parks"))
    past = ways()
    who = eyes("open", "smart")
    assert shown(past, 1, who) == {}
    assert who.lacking == {"smart;owner=parks"}


def test_a_token_for_some_types_is_shown_no_other(told, ways):
    told.say(reading("urn:x:a", 1, "A"), reading("urn:x:b", 1, "B"))
    told.say(reading("urn:x:a", 2, "A"), reading("urn:x:b", 2, "B"))
    past = ways()
    who = Eyes({"smart": True}, {"A": True, "B": False}, "smart")
    assert list(shown(past, 1, who)) == ["a"]
    assert [one["id"] for one in played(past, 1, 2, who)] == ["urn:x:a"]
    unknown = Eyes({"smart": True}, {}, "smart")
    assert shown(past, 1, unknown) == {}
    assert unknown.lacking_types == {"A", "B"}


@pytest.mark.parametrize("how", ["forget", "forget one", "retract"])
def test_what_was_taken_back_of_history_is_not_resurrected(told, ways, how):
    when = clock.text(second(1))
    told.say(
        Write(
            "upsert", "urn:x:a", {"id": "urn:x:a", "type": "A", "t": prop("bo's secret", observedAt=when), "n": prop(1)}
        )
    )
    told.say(
        Write(
            "upsert_update",
            "urn:x:a",
            {"id": "urn:x:a", "type": "A", "t": prop("harmless", observedAt=clock.text(second(2)))},
        )
    )
    if how == "forget":
        told.say(Write("forget", "urn:x:a"))
    elif how == "forget one":
        told.say(Write("forget", "urn:x:a", name="t", dataset="@all"))
    else:
        reader = told.store.reader()
        from hansa.platform.store import Span
        from hansa.trust.labels import ADMINISTRATOR

        moments = dict(reader.moments("", ["urn:x:a"], ADMINISTRATOR, Span(), (None, frozenset()), 10))
        named = moments["urn:x:a"]["t", None][0].instance["instanceId"]
        told.say(Write("retract", "urn:x:a", name="t", instance=named))
    told.say(reading("urn:x:b", 1))
    past = ways()
    then = shown(past, 1)
    assert "secret" not in str(then)
    if how == "forget":
        assert "a" not in then
    else:
        assert then["a"]["n"] == 1
    assert "secret" not in str(past.day(Asked(LATER, BEGIN, second(60)), ALL, 10))
    if how == "retract":
        assert shown(past, 2)["a"]["t"]["value"] == "harmless"
    assert shown(past, 4)["a"]["t"]["value"] == "harmless"  # the state stays: it is so now


def test_what_was_to_be_kept_until_a_time_is_not_shown_after_it(told, ways):
    until = {"expiresAt": clock.text(second(100))}
    told.say(Write("upsert", "urn:x:a", {"id": "urn:x:a", "type": "A", "face": prop("bo", **until), "n": prop(1)}))
    told.say(Write("upsert", "urn:x:b", {"id": "urn:x:b", "type": "A", "n": prop(1), **until}))
    told.say(Write("upsert_update", "urn:x:a", {"id": "urn:x:a", "type": "A", "face": prop("bo again", **until)}))
    past = ways()
    assert "face" in shown(past, 3, now=second(99))["a"]
    assert "face" not in shown(past, 3, now=second(101))["a"]
    assert "b" in shown(past, 3, now=second(99))
    assert "b" not in shown(past, 3, now=second(101))
    assert "bo" not in str(played(past, 2, 3, now=second(101)))


def test_types_and_areas_narrow_the_picture_also_over_the_antimeridian(told, ways):
    told.say(
        reading("urn:x:west", 1, "A", location=point(-179.5, 10)),
        reading("urn:x:east", 1, "A", location=point(179.5, 10)),
    )
    told.say(reading("urn:x:far", 1, "B", location=point(0, 10)), reading("urn:x:nowhere", 1, "B"))
    past = ways()
    assert sorted(shown(past, 2, area=(179.0, 0.0, -179.0, 20.0))) == ["east", "west"]
    assert sorted(shown(past, 2, area=(-1.0, 0.0, 1.0, 20.0))) == ["far"]
    assert sorted(shown(past, 2, area=(-1.0, 0.0, 1.0, 20.0), ids=frozenset({"urn:x:nowhere"}))) == ["far", "nowhere"]
    said = {"id": "urn:x:ring", "type": "Alert", "source": {"type": "Relationship", "object": "urn:x:far"}}
    told.say(Write("create", "urn:x:ring", said))
    assert sorted(shown(past, 3, area=(-1.0, 0.0, 1.0, 20.0))) == ["far", "ring"]
    assert [one["id"] for one in played(past, 2, 3, area=(-1.0, 0.0, 1.0, 20.0))] == ["urn:x:ring"]
    assert played(past, 2, 3, area=(10.0, 0.0, 11.0, 20.0)) == []
    assert sorted(shown(past, 2, types=frozenset({"B"}))) == ["far", "nowhere"]
    assert shown(past, 2, types=frozenset({"C"})) == {}


def test_a_picture_of_too_much_says_how_much_is_missing(told, ways):
    told.say(*(reading(f"urn:x:{i}", 1) for i in range(9)))
    found = ways().picture(Asked(LATER, second(1), most=4), ALL)
    assert (len(found["entities"]), found["cut"]) == (4, 5)


def apply(entities, changes):
    """What a page makes of them."""
    for one in changes:
        if one.get("gone"):
            entities.pop(one["id"], None)
        elif "entity" in one:
            entities[one["id"]] = one["entity"]
        else:
            now = {**entities[one["id"]], **one["set"]}
            entities[one["id"]] = {name: value for name, value in now.items() if value is not None}
    return entities


def anything(rng):
    ident = f"urn:x:{rng.randrange(8)}"
    doc = {
        "id": ident,
        "type": rng.choice(["A", "B", ["A", "B"]]),
        rng.choice("tu"): rng.choice(
            [prop(rng.randrange(9)), prop(1, datasetId="urn:d:1"), [prop(2), prop(3, datasetId="urn:d:2")]]
        ),
    }
    return rng.choice([
        lambda: Write("upsert_update", ident, doc),
        lambda: Write("upsert_update", ident, {**doc, "location": point(rng.randrange(4), 48)}),
        lambda: Write("upsert", ident, doc, label=rng.choice(["open", "security", None])),
        lambda: Write("upsert_update", ident, doc, labels={"t": rng.choice(["security", "open"])}),
        lambda: Write("delete", ident),
        lambda: Write("delete_attr", ident, name="t", dataset="@all"),
        lambda: Write("forget", ident),
        lambda: Write("forget", ident, name="t", dataset="@all"),
    ])()  # fmt: skip


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(
    "how", [{}, {"types": frozenset({"A"})}, {"area": (0.5, 47.0, 2.5, 49.0)}, {"step": 7_000_000}, {"most": 3}]
)
def test_playing_on_from_a_picture_comes_to_the_picture_of_later(told, seed, how):
    rng = random.Random(seed)
    for _ in range(80):
        told.say(anything(rng))
    told.mark(every=11)
    past = Rewind(told.then())
    for who in (ALL, eyes("open", "smart")):
        for _ in range(4):
            since, until = sorted(rng.sample(range(1, 80), 2))
            more = {name: value for name, value in how.items() if name != "most"}
            begun = past.picture(Asked(LATER, second(since), **more), who)["entities"]
            entities, at = {one["id"]: one for one in begun}, second(since)
            for _ in range(100):
                told_ = past.changes(Asked(LATER, at, second(until), **how), who)
                apply(entities, told_["changes"])
                at = clock.parse(told_["until"])
                if not told_["more"]:
                    break
            assert at == second(until)
            later = past.picture(Asked(LATER, second(until), **more), who)["entities"]
            assert entities == {one["id"]: one for one in later}


def test_changes_of_what_is_hidden_are_not_told_and_becoming_hidden_is_being_gone(told, ways):
    told.say(Write("upsert", "urn:x:a", {"id": "urn:x:a", "type": "A", "t": prop(1)}, label="open"))
    told.say(Write("upsert", "urn:x:s", {"id": "urn:x:s", "type": "A", "t": prop(1)}, label="security"))
    told.say(Write("upsert_update", "urn:x:s", {"id": "urn:x:s", "type": "A", "t": prop(2)}))
    told.say(Write("upsert_update", "urn:x:a", {"id": "urn:x:a", "type": "A", "t": prop(7)}))
    past = ways()
    assert [(one["id"], one["set"]) for one in played(past, 1, 9, eyes("open"))] == [("urn:x:a", {"t": 7})]
    assert played(past, 1, 9, eyes()) == []


def test_a_day_says_how_much_happened_what_rang_and_who_did_what(told, ways):
    told.say(*(reading(f"urn:x:{i}", 1) for i in range(5)))
    told.say(
        Write("upsert", "urn:x:ring", {"id": "urn:x:ring", "type": "Alert", "status": prop("open")}, label="open"),
        actor="app:watch",
    )
    told.say(
        Write("upsert_update", "urn:x:ring", {"id": "urn:x:ring", "type": "Alert", "status": prop("closed")}),
        actor="person:anna",
    )
    told.say(
        Write(
            "upsert", "urn:x:hidden", {"id": "urn:x:hidden", "type": "Alert", "status": prop("open")}, label="security"
        ),
        actor="person:cy",
    )
    past = ways()
    day = past.day(Asked(LATER, BEGIN, BEGIN + 3_600_000_000), ALL, 60)
    assert day["density"] == [[BEGIN // 1_000, 8]]
    assert [(one["id"], one["set"]["status"]) for one in day["marks"]] == [
        ("urn:x:ring", "open"),
        ("urn:x:ring", "closed"),
        ("urn:x:hidden", "open"),
    ]
    assert [(one["by"], one["id"]) for one in day["doings"]] == [
        ("person:anna", "urn:x:ring"),
        ("person:cy", "urn:x:hidden"),
    ]
    less = past.day(Asked(LATER, BEGIN, BEGIN + 3_600_000_000), eyes("open"), 60)
    assert less["density"] == [[BEGIN // 1_000, 2]]
    assert "hidden" not in str(less)
    assert "person:cy" not in str(less)
    assert past.day(Asked(LATER, BEGIN, BEGIN + 3_600_000_000), eyes(), 60)["density"] == []
    with pytest.raises(BadRequest, match="ends before"):
        past.day(Asked(LATER, BEGIN, BEGIN), ALL, 60)


def test_a_day_counts_nothing_of_what_is_hidden_only_now(told, ways):
    for value in range(6):
        told.say(Write("upsert_update", "urn:x:a", {"id": "urn:x:a", "type": "A", "t": prop(value)}, label="open"))
    told.say(Write("upsert_update", "urn:x:b", {"id": "urn:x:b", "type": "A", "t": prop(1)}, label="open"))
    told.say(Write("upsert_update", "urn:x:a", {"id": "urn:x:a", "type": "A", "t": prop(99)}, label="security"))
    day = ways().day(Asked(LATER, BEGIN, BEGIN + 3_600_000_000), eyes("open"), 60)
    assert day["density"] == [[BEGIN // 1_000, 1]]


def test_a_film_holds_all_or_says_that_it_is_too_much(told, ways):
    for value in range(20):
        told.say(reading("urn:x:a", value))
    told.say(Write("upsert", "urn:x:s", {"id": "urn:x:s", "type": "A", "t": prop(1)}, label="security"))
    past = ways()
    asked = Asked(LATER, second(5), second(30), most=50)
    film = past.film(asked, ALL, 10)
    assert film["picture"]["entities"][0]["t"] == 4
    assert [one.get("set", {}).get("t") for one in film["changes"]][:15] == list(range(5, 20))
    assert past.film(asked, Eyes(None, None, "smart"), 10)["labels"] == ["security", "smart"]
    assert past.film(asked, eyes("smart"), 10)["labels"] == ["smart"]
    with pytest.raises(TooLarge, match="Changes"):
        past.film(Asked(LATER, second(5), second(30), most=10), ALL, 10)
