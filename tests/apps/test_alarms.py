"""The alarm desk: states of ISA-18.2, what people say, what rules count, and what neither may undo."""

from itertools import pairwise

import pytest

from hansa import App, Attribute, Conflict, Forbidden, NotFound, Refusal, entity
from hansa.apps.alarms import app
from hansa.apps.alarms.standing import activation, aside, ident, instant, iso, state
from hansa.errors import HansaError
from hansa.model.change import Write
from hansa.testing import MemoryCity

BOSS = {"roles": ("supervisor",)}
SOURCE = "urn:ngsi-ld:WaterObserved:bridge"


@pytest.fixture
def city():
    made = MemoryCity(app, start="2026-11-22T18:00:00Z")
    made.say(entity("WaterObserved", "bridge", level=2.0, status="ok"))
    return made


def raised(city, kind="flood", severity="high", source=SOURCE):
    """Raise it by hand; its id."""
    city.act("raise", source=source, kind=kind, severity=severity, description="It rises")
    return ident(source, kind)


def theirs(city, key="watch-1", status="open", **more):
    """An Alert that somebody else writes."""
    city.say(entity("Alert", key, status=status, alertSource=SOURCE, **more))
    return f"urn:ngsi-ld:Alert:{key}"


def how(city, alert):
    return state(city.get(alert))


# ---- states


def test_an_alarm_goes_through_the_four_states(city):
    alert = raised(city)
    assert how(city, alert) == "UNACK"
    city.act("acknowledge", alert)
    assert how(city, alert) == "ACK"
    city.act("clear", alert)
    assert how(city, alert) == "NORM"
    raised(city)
    assert how(city, alert) == "UNACK", "what was acknowledged was the raising before"
    city.act("clear", alert)
    assert how(city, alert) == "RTN-UNACK"
    city.act("acknowledge", alert)
    assert how(city, alert) == "NORM"


def test_an_alert_of_before_the_desk_needs_nobody_when_it_is_closed_and_somebody_while_it_stands():
    closed = entity("Alert", "old", status="closed", dateIssued="2026-01-01T00:00:00Z")
    assert state(closed) == "NORM"
    assert state(entity("Alert", "old", status="open")) == "UNACK"
    assert state(entity("Alert", "silent")) == "UNACK", "an Alert that says nothing of its status stands"
    assert activation(closed) == 0


@pytest.mark.parametrize("odd", [True, -3, 2.5, "7", None, [1]])
def test_a_count_that_is_none_counts_nothing(odd):
    alert = entity("Alert", "odd", status="open", activations=odd, acknowledgedActivation=odd)
    assert state(alert) == "UNACK"


def test_raising_what_stands_is_counted_and_says_the_newest_but_rings_only_once(city):
    alert = raised(city)
    city.act("acknowledge", alert)
    for _ in range(3):
        city.act("raise", source=SOURCE, kind="flood", severity="high", description="Still rising", value=3.25)
    now = city.get(alert)
    assert (now["raises"], now["activations"], now["description"], now["value"]) == (4, 1, "Still rising", 3.25)
    assert state(now) == "ACK"


def test_a_graver_raising_rings_again_and_a_lesser_calms_nothing(city):
    alert = raised(city, severity="medium")
    city.act("acknowledge", alert)
    raised(city, severity="low")
    assert (city.get(alert)["severity"], how(city, alert)) == ("medium", "ACK")
    raised(city, severity="critical")
    assert (city.get(alert)["severity"], how(city, alert)) == ("critical", "UNACK")


def test_an_alarm_is_one_for_source_and_kind_and_others_are_others(city):
    one, other = raised(city), raised(city, kind="silence")
    assert one != other
    assert ident("a\nb", "c") != ident("a", "b\nc")
    raised(city)
    assert len(city.find("Alert")) == 2


# ---- what others write


def test_a_raising_that_others_write_is_counted_with_its_times(city):
    alert = theirs(city)
    first = city.get(alert)
    assert (first["activations"], first["raises"]) == (1, 1)
    assert first["firstRaised"] == first["lastRaised"] == "2026-11-22T18:00:00Z"
    city.turn(seconds=60)
    theirs(city, status="closed")
    assert city.get(alert)["lastCleared"] == "2026-11-22T18:01:00Z"
    city.turn(seconds=60)
    theirs(city)
    again = city.get(alert)
    assert (again["activations"], again["lastRaised"]) == (2, "2026-11-22T18:02:00Z")
    assert again["firstRaised"] == first["firstRaised"]


def test_saying_again_that_it_stands_counts_nothing(city):
    alert = theirs(city)
    theirs(city, description="more words")
    theirs(city, value=7)
    assert city.get(alert)["activations"] == 1


def test_an_alert_that_began_closed_was_never_raised(city):
    alert = theirs(city, status="closed")
    assert "activations" not in city.get(alert)
    theirs(city)
    assert city.get(alert)["activations"] == 1


def test_an_alert_that_turns_graver_rings_again_and_one_that_turns_milder_does_not(city):
    alert = theirs(city, severity="low")
    city.act("acknowledge", alert)
    theirs(city, severity="informational")
    assert how(city, alert) == "ACK"
    theirs(city, severity="critical")
    assert how(city, alert) == "UNACK"


def test_an_alert_from_before_the_desk_was_raised_once_however_often_that_was():
    made = MemoryCity(start="2026-11-22T18:00:00Z")
    made.say(entity("Alert", "w", status="open", dateIssued="2026-11-01T00:00:00Z"))
    later = MemoryCity(app, start="2026-11-22T18:00:00Z", store=made.store)
    later.act("acknowledge", "urn:ngsi-ld:Alert:w")
    assert how(later, "urn:ngsi-ld:Alert:w") == "ACK"
    later.say(entity("Alert", "w", status="closed"))
    later.say(entity("Alert", "w", status="open"))
    assert later.get("urn:ngsi-ld:Alert:w")["activations"] == 2
    assert how(later, "urn:ngsi-ld:Alert:w") == "UNACK"


def test_many_raisings_heard_late_and_in_one_go_are_all_counted():
    silent = MemoryCity(start="2026-11-22T18:00:00Z")
    first = MemoryCity(app, start="2026-11-22T18:00:00Z", store=silent.store)
    first.say(entity("WaterObserved", "x", level=1.0))  # the app has a place in the log now
    for n in range(1, 41):
        silent.clock.turn(silent.clock.now() + 1_000_000)
        silent.say(entity("Alert", "w", status="open", value=n))
        silent.say(entity("Alert", "w", status="closed"))
    silent.say(entity("Alert", "w", status="open"))
    first.rules.settle()
    alert = first.get("urn:ngsi-ld:Alert:w")
    assert alert["activations"] == 41
    counted = first.history("urn:ngsi-ld:Alert:w", "activations")
    assert [one.value for one in counted] == list(range(1, 42))
    assert [one.at for one in counted][:-1] == [instant("2026-11-22T18:00:00Z") + n * 1_000_000 for n in range(1, 41)]


def test_a_change_that_is_heard_twice_is_counted_once(city):
    alert = theirs(city)
    opening = next(one for one in city.changes if one.entity.id == alert)
    city.rules.again("alarms", opening)
    assert city.get(alert)["activations"] == 1


def test_people_and_process_undo_nothing_of_each_other(city):
    alert = theirs(city)
    city.act("acknowledge", alert, by="person:anna")
    city.act("comment", alert, text="On my way")
    theirs(city, status="closed")
    theirs(city)
    now = city.get(alert)
    assert (now["activations"], now["acknowledgedActivation"], now["acknowledgedBy"]) == (2, 1, "person:anna")
    assert [one["text"] for one in now["comments"]] == ["On my way"]
    assert state(now) == "UNACK"


def test_an_alert_that_went_is_no_alarm_and_its_successor_begins_anew(city):
    alert = theirs(city)
    city.act("acknowledge", alert)
    city.delete(alert)
    with pytest.raises(NotFound):
        city.act("acknowledge", alert)
    theirs(city)
    assert (city.get(alert)["activations"], how(city, alert)) == (1, "UNACK")


def test_an_alert_under_an_iri_of_the_smart_data_models_is_an_alarm_too(city):
    kind = "https://smartdatamodels.org/dataModel.Alert/Alert"
    city.say(entity(kind, "urn:ngsi-ld:Alert:iri", status="open"))
    assert city.get("urn:ngsi-ld:Alert:iri")["activations"] == 1
    city.act("acknowledge", "urn:ngsi-ld:Alert:iri")
    assert city.get("urn:ngsi-ld:Alert:iri").types == [kind]


# ---- acknowledge, assign, comment


def test_what_is_not_new_cannot_be_acknowledged(city):
    alert = raised(city)
    city.act("acknowledge", alert, by="person:anna")
    with pytest.raises(Conflict, match="person:anna has acknowledged it already"):
        city.act("acknowledge", alert)
    city.act("clear", alert)
    with pytest.raises(Conflict, match="neither active nor new"):
        city.act("acknowledge", alert)


def test_who_saw_an_earlier_raising_does_not_acknowledge_a_later_one(city):
    alert = raised(city)
    city.act("clear", alert)
    raised(city)
    with pytest.raises(Conflict, match="raised again"):
        city.act("acknowledge", alert, activation=1)
    city.act("acknowledge", alert, activation=2)
    assert how(city, alert) == "ACK"


def test_assigning_to_oneself_to_another_and_to_nobody(city):
    alert = raised(city)
    city.act("assign", alert, to="me", by="person:anna")
    assert city.get(alert)["assignee"] == "person:anna"
    city.act("assign", alert, to="person:ben")
    city.act("assign", alert, to="")
    assert city.get(alert)["assignee"] == ""
    with pytest.raises(Refusal, match="to is missing"):
        city.act("assign", alert)


def test_comments_are_kept_in_order_with_who_and_when_and_have_an_end(city):
    alert = raised(city)
    for n in range(200):
        city.act("comment", alert, text=f"{n}", by="person:anna")
    assert city.get(alert)["comments"][-1] == {"by": "person:anna", "at": iso(city.clock.now()), "text": "199"}
    with pytest.raises(Conflict, match="at most 200"):
        city.act("comment", alert, text="one more")


# ---- shelved, out of service, suppressed


def test_what_is_shelved_comes_back_by_itself(city):
    alert = raised(city)
    city.act("shelve", alert, minutes=30, reason="Sensor is being cleaned")
    now = city.clock.now()
    assert aside(city.get(alert), now) == "shelved"
    assert aside(city.get(alert), now + 30 * 60_000_000) == ""
    city.act("unshelve", alert)
    assert aside(city.get(alert), now) == ""
    with pytest.raises(Conflict, match="not shelved"):
        city.act("unshelve", alert)


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"reason": "why"}, "until"),
        ({"minutes": 10}, "reason"),
        ({"minutes": 10, "reason": "   "}, "reason"),
        ({"minutes": 0, "reason": "why"}, "minutes"),
        ({"minutes": -5, "reason": "why"}, "minutes"),
        ({"minutes": float("inf"), "reason": "why"}, "minutes"),
        ({"minutes": True, "reason": "why"}, "minutes"),
        ({"minutes": 1e308, "reason": "why"}, "minutes"),
        ({"minutes": 24 * 60 + 1, "reason": "why"}, "minutes"),
        ({"minutes": 10, "until": "2026-11-22T19:00:00Z", "reason": "why"}, "until"),
        ({"until": "2026-11-22T17:59:59Z", "reason": "why"}, "until"),
        ({"until": "2026-11-22T19:00:00", "reason": "why"}, "until"),
        ({"until": "tomorrow at noon, then", "reason": "why"}, "until"),
        ({"until": 7, "reason": "why"}, "until"),
        ({"until": "9999-12-31T23:59:59Z", "reason": "why"}, "until"),
        ({"minutes": 10, "reason": "w" * 501}, "reason"),
        ({"minutes": 10, "reason": ["why"]}, "reason"),
        ({"minutes": 10, "reason": "why", "for_ever": True}, "for_ever"),
    ],
)
def test_shelving_needs_an_end_within_the_cap_and_a_reason(city, said, where):
    alert = raised(city)
    with pytest.raises(Refusal) as told:
        city.act("shelve", alert, **said)
    assert told.value.where == where
    assert aside(city.get(alert), city.clock.now()) == ""


def test_the_cap_of_shelving_is_a_setting():
    city = MemoryCity(app, start="2026-11-22T18:00:00Z", settings={"alarms": {"shelve_h": 1}})
    alert = raised(city)
    with pytest.raises(Refusal, match="too long"):
        city.act("shelve", alert, minutes=61, reason="why")
    city.act("shelve", alert, minutes=60, reason="why")


def test_out_of_service_needs_a_reason_and_ends_when_it_was_said_to(city):
    alert = raised(city)
    with pytest.raises(Refusal, match="reason is missing"):
        city.act("out-of-service", alert, **BOSS)
    with pytest.raises(Conflict, match="in service"):
        city.act("into-service", alert, **BOSS)
    city.act("out-of-service", alert, reason="Rebuilt", **BOSS)
    year = city.clock.now() + 300 * 86_400_000_000
    assert aside(city.get(alert), year) == "out of service"
    city.act("into-service", alert, **BOSS)
    assert aside(city.get(alert), year) == ""
    city.act("out-of-service", alert, reason="Rebuilt", minutes=5, **BOSS)
    assert aside(city.get(alert), city.clock.now() + 5 * 60_000_000) == ""


@pytest.mark.parametrize("verb", ["out-of-service", "into-service", "suppress"])
def test_that_an_alarm_is_not_to_ring_is_for_those_who_answer_for_it(city, verb):
    alert = raised(city)
    with pytest.raises(Forbidden, match="not for you"):
        city.act(verb, alert, reason="why", roles=("operator",))


@pytest.mark.parametrize("verb", ["acknowledge", "assign", "comment", "shelve", "root"])
def test_a_resident_does_nothing_at_the_desk(city, verb):
    with pytest.raises(Forbidden, match="not for you"):
        city.act(verb, raised(city), roles=("resident",))


def test_an_alarm_is_suppressed_while_another_stands(city):
    consequence, cause = raised(city, kind="no flow"), raised(city, kind="power")
    city.act("suppress", consequence, when=[{"alarm": cause}], reason="Without power no pump runs", **BOSS)
    assert aside(city.get(consequence), city.clock.now()) == "suppressed"
    city.act("clear", cause)
    assert aside(city.get(consequence), city.clock.now()) == ""
    raised(city, kind="power")
    assert aside(city.get(consequence), city.clock.now()) == "suppressed"
    city.act("suppress", consequence, when=[], **BOSS)
    assert aside(city.get(consequence), city.clock.now()) == ""
    with pytest.raises(Conflict, match="not suppressed"):
        city.act("suppress", consequence, when=[], **BOSS)


def test_an_alarm_is_suppressed_while_its_source_is_maintained(city):
    alert = raised(city)
    city.act("suppress", alert, when=[{"attribute": "status"}], reason="Works at the bridge", **BOSS)
    assert aside(city.get(alert), city.clock.now()) == ""
    city.say(entity("WaterObserved", "bridge", status="maintenance"))
    assert aside(city.get(alert), city.clock.now()) == "suppressed"
    city.say(entity("WaterObserved", "bridge", status="ok"))
    assert aside(city.get(alert), city.clock.now()) == ""
    city.say(entity("WaterObserved", "bridge", status="maintenance"))
    city.delete(SOURCE)
    assert aside(city.get(alert), city.clock.now()) == "", "what is gone is not maintained"


PULSE = "urn:ngsi-ld:Patient:p1"


def patient(city, label=None, pulse=None, value=77):
    one = entity("Patient", "p1", pulse=value)
    city.write(Write("say", one.id, one.doc, label=label, labels=None if pulse is None else {"pulse": pulse}))


@pytest.mark.parametrize(("label", "pulse"), [("personal;owner=care", None), (None, "personal;owner=care")])
def test_an_alarm_is_not_suppressed_by_what_is_guarded_more_strictly_than_it_is(city, label, pulse):
    patient(city, label, pulse)
    alert = raised(city)
    when = [{"entity": PULSE, "attribute": "pulse", "is": [77]}]
    city.act("suppress", alert, when=when, reason="I wonder", **BOSS)
    city.turn(seconds=60)
    assert "suppressed" not in city.get(alert)
    patient(city, label, pulse, value=77.5)
    patient(city, label, pulse)
    city.turn(seconds=60)
    assert "suppressed" not in city.get(alert)


def test_why_an_alarm_is_suppressed_tells_no_value(city):
    patient(city)
    alert = raised(city)
    city.act("suppress", alert, when=[{"entity": PULSE, "attribute": "pulse", "is": [77]}], reason="x", **BOSS)
    city.turn(seconds=60)
    assert city.get(alert)["suppressed"] is True
    assert "77" not in str(city.get(alert).doc["suppressed"])
    assert "pulse" in str(city.get(alert).doc["suppressed"])


@pytest.mark.parametrize(
    ("label", "suppressed"), [("security", None), ("personal", None), ("open", True), (None, True)]
)
def test_an_alarm_is_suppressed_by_another_only_if_that_is_guarded_no_more_strictly(city, label, suppressed):
    alert = raised(city)
    other = entity("Alert", "other", status="open", alertSource=PULSE)
    city.write(Write("say", other.id, other.doc, label=label))
    city.act("suppress", alert, when=[{"alarm": other.id}], reason="x", **BOSS)
    city.turn(seconds=60)
    assert city.get(alert).get("suppressed") is suppressed


def test_suppression_goes_on_after_a_restart(city):
    alert = raised(city)
    city.act("suppress", alert, when=[{"attribute": "status"}], reason="Works", **BOSS)
    again = MemoryCity(app, start="2026-11-22T18:00:00Z", store=city.store)
    again.say(entity("WaterObserved", "bridge", status="maintenance"))
    assert again.get(alert)["suppressed"] is True


@pytest.mark.parametrize(
    "when",
    [
        None, {}, "maintenance", [{}], [{"alarm": 5}], [{"alarm": "urn:ngsi-ld:Alert:none"}], [{"alarm": SOURCE}],
        [{"entity": "urn:x:none"}], [{"entity": SOURCE, "attribute": "nothing"}], [{"attribute": "status", "is": []}],
        [{"attribute": "status", "is": [{"a": 1}]}], [{"attribute": "status", "is": "ok"}],
        [{"alarm": "a", "entity": SOURCE}], [{"attribute": "status"}] * 6, [{"attribute": ["status"]}],
        [{"attribute": "status", "is": ["x" * 201]}], [{"sql": "1=1"}],
    ],
)  # fmt: skip
def test_a_condition_that_is_none_is_refused(city, when):
    alert = raised(city)
    with pytest.raises(Refusal):
        city.act("suppress", alert, when=when, reason="why", **BOSS)
    assert "suppressWhen" not in city.get(alert)


def test_alarms_do_not_silence_each_other_in_a_ring(city):
    a, b, c = (raised(city, kind=kind) for kind in "abc")
    city.act("suppress", a, when=[{"alarm": b}], reason="why", **BOSS)
    city.act("suppress", b, when=[{"alarm": c}], reason="why", **BOSS)
    for end in (a, b, c):
        with pytest.raises(Refusal, match="leads back"):
            city.act("suppress", c, when=[{"alarm": end}], reason="why", **BOSS)


# ---- root and child


def test_a_child_has_a_root_and_no_ring_is_made(city):
    a, b, c = (raised(city, kind=kind) for kind in "abc")
    city.act("root", b, root=a)
    city.act("root", c, root=b)
    assert city.get(c)["rootAlarm"] == b
    for end in (a, b, c):
        with pytest.raises(Refusal, match="leads back"):
            city.act("root", a, root=end)
    city.act("root", b, root="")
    assert "rootAlarm" not in city.get(b)
    with pytest.raises(Conflict, match="no root"):
        city.act("root", b, root="")
    city.act("root", a, root=c)


@pytest.mark.parametrize("root", ["urn:ngsi-ld:Alert:none", SOURCE, 7, ["a"], "x" * 3_000])
def test_a_root_that_is_no_alarm_is_refused(city, root):
    alert = raised(city)
    with pytest.raises(Refusal):
        city.act("root", alert, root=root)


def test_a_chain_of_roots_has_an_end(city):
    chain = [raised(city, kind=f"{n}") for n in range(13)]
    for above, below in pairwise(chain[:11]):
        city.act("root", below, root=above)
    with pytest.raises(Refusal, match="more than 10"):
        city.act("root", chain[11], root=chain[10])


# ---- raising: bad input


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ({"kind": "flood"}, "source"),
        ({"source": "x"}, "kind"),
        ({"source": "x", "kind": ""}, "kind"),
        ({"source": "x", "kind": {"$gt": ""}}, "kind"),
        ({"source": "x" * 2_049, "kind": "flood"}, "source"),
        ({"source": "x", "kind": "k" * 201}, "kind"),
        ({"source": "x", "kind": "flood", "severity": "apocalyptic"}, "severity"),
        ({"source": "x", "kind": "flood", "description": "d" * 1_000_000}, "description"),
        ({"source": "x\x00", "kind": "flood"}, "source"),
        ({"source": "x", "kind": "flood", "description": "\x1b[2J"}, "description"),
        ({"source": "x", "kind": "flood", "description": "\ud800"}, "description"),
        ({"source": "x", "kind": "flood", "value": "7"}, "value"),
        ({"source": "x", "kind": "flood", "limit": float("nan")}, "limit"),
        ({"source": "x", "kind": "flood", "status": "closed"}, "status"),
        ({"source": "x", "kind": "flood", "location": {"type": "Point", "coordinates": [200, 10]}}, "location"),
        ({"source": "x", "kind": "flood", "location": {"type": "Polygon", "coordinates": []}}, "location"),
        ({"source": "x", "kind": "flood", "location": "here"}, "location"),
    ],
)
def test_a_raising_that_is_not_sound_is_refused_by_the_name_of_its_fault(city, said, where):
    with pytest.raises(Refusal) as told:
        city.act("raise", **said)
    assert told.value.where == where
    assert city.find("Alert") == []


def test_an_alarm_is_raised_under_no_other_id(city):
    with pytest.raises(Refusal, match="made of source and kind"):
        city.act("raise", "urn:ngsi-ld:Alert:mine", source="x", kind="flood")
    city.act("raise", ident("x", "flood"), source="x", kind="flood")


@pytest.mark.parametrize(
    "text", ["<script>alert(1)</script>", "'; DROP TABLE entity; --", "\u202e\u2066\U0001f600", "=1+1"]
)
def test_hostile_text_is_kept_as_it_is(city, text):
    city.act("raise", source=text, kind=text, description=text, category=text)
    alert = ident(text, text)
    city.act("comment", alert, text=text)
    city.act("shelve", alert, minutes=5, reason=text)
    now = city.get(alert)
    assert {now["alertSource"], now["subCategory"], now["description"], now["shelvedReason"]} == {text}
    assert now["comments"][0]["text"] == text


def test_an_alarm_takes_place_and_label_of_what_it_is_about(city):
    spot = {"type": "Point", "coordinates": [17.1, 48.1]}
    secret = entity("Camera", "gate", location=spot)
    secret.label = "security"
    public = entity("Camera", "square")
    public.label = "open"
    city.say(secret, public)
    hidden = city.get(raised(city, source=secret.id))
    assert (hidden.label, hidden.location) == ("security", spot)
    assert city.get(raised(city, source=public.id)).label is None, "open readings make no open alarm"


def test_clearing_what_is_not_there_and_what_is_not_ours(city):
    with pytest.raises(NotFound):
        city.act("clear", "urn:ngsi-ld:Alert:none")
    with pytest.raises(NotFound):
        city.act("clear", source="x", kind="y")
    with pytest.raises(NotFound):
        city.act("clear", SOURCE)
    with pytest.raises(Refusal, match="source is missing"):
        city.act("clear")
    with pytest.raises(Conflict, match="not the desk"):
        city.act("clear", theirs(city))
    alert = raised(city)
    assert city.act("clear", source=SOURCE, kind="flood", reason="Pumped out") != []
    assert city.act("clear", alert) == [], "what is over stays over"
    assert city.get(alert)["clears"] == 1
    assert "activations" in city.get(alert)


@pytest.mark.parametrize("verb", ["acknowledge", "assign", "comment", "shelve", "unshelve", "root", "suppress"])
def test_an_alarm_that_is_not_there_is_not_found(city, verb):
    with pytest.raises(NotFound):
        city.act(verb, "urn:ngsi-ld:Alert:none", to="x", text="x", minutes=5, reason="x", root="x", when=[], **BOSS)
    with pytest.raises(NotFound):
        city.act(verb, SOURCE, **BOSS)
    with pytest.raises(HansaError, match="is done with one Alert"):
        city.act(verb, **BOSS)


# ---- escalation


def level(city, alert):
    return city.get(alert).get("escalation", 0)


def test_what_nobody_acknowledges_escalates_by_severity_and_names_somebody(city):
    grave, mild = raised(city, severity="critical"), raised(city, kind="smell", severity="low")
    city.turn(seconds=110)
    assert level(city, grave) == 0
    city.turn(seconds=20)
    assert (level(city, grave), city.get(grave)["escalatedTo"]) == (1, ["role:supervisor"])
    city.turn(seconds=200)
    assert (level(city, grave), city.get(grave)["escalatedTo"]) == (2, ["role:command"])
    assert level(city, mild) == 0
    city.turn(seconds=14_400)
    assert level(city, mild) == 1


def test_what_is_acknowledged_shelved_or_over_does_not_escalate(city):
    alerts = [raised(city, kind=kind, severity="critical") for kind in "abcd"]
    city.act("acknowledge", alerts[0])
    city.act("shelve", alerts[1], minutes=60, reason="why")
    city.act("clear", alerts[2])
    city.act("out-of-service", alerts[3], reason="why", **BOSS)
    city.turn(seconds=1_000)
    assert [level(city, one) for one in alerts] == [0, 0, 0, 0]
    city.turn(seconds=3_600)
    assert level(city, alerts[1]) == 2, "its shelf is over"


def test_a_new_raising_escalates_anew(city):
    alert = theirs(city, severity="critical")
    city.turn(seconds=400)
    assert level(city, alert) == 2
    theirs(city, status="closed")
    theirs(city)
    assert level(city, alert) == 0
    ours = raised(city, severity="critical")
    city.turn(seconds=400)
    city.act("clear", ours)
    raised(city, severity="critical")
    assert level(city, ours) == 0


def test_a_round_says_what_it_can_and_the_next_one_the_rest(city):
    city.say(*(entity("Alert", f"{n}", status="open", severity="critical") for n in range(500)))
    city.turn(seconds=130)
    assert len(city.find("Alert", "escalation==1")) == 450
    city.turn(seconds=30)
    assert len(city.find("Alert", "escalation==1")) == 500


def test_who_is_named_is_a_setting_and_nonsense_in_it_is_as_shipped():
    told = {"critical": [[30, "person:anna"]], "high": "soon", "medium": [[0, "x"]], "low": [["x", 5]]}
    city = MemoryCity(app, start="2026-11-22T18:00:00Z", settings={"alarms": {"escalation": told}})
    alert, other = raised(city, severity="critical"), raised(city, kind="b", severity="high")
    city.turn(seconds=40)
    assert (level(city, alert), city.get(alert)["escalatedTo"]) == (1, ["person:anna"])
    city.turn(seconds=300)
    assert level(city, other) == 1


# ---- run-books


def test_the_run_book_that_fits_best_is_named(city):
    books = {"any": ["*"], "water": ["naturalDisaster"], "flood": ["flood"], "wild": "flo*"}
    city.say(*(entity("RunBook", key, forAlarms=patterns) for key, patterns in books.items()))
    city.act("raise", source=SOURCE, kind="flood", category="naturalDisaster")
    assert city.get(ident(SOURCE, "flood"))["runBook"] == "urn:ngsi-ld:RunBook:flood"
    assert city.get(theirs(city, "x", subCategory="flow"))["runBook"] == "urn:ngsi-ld:RunBook:wild"
    assert city.get(theirs(city, "y", category="naturalDisaster"))["runBook"] == "urn:ngsi-ld:RunBook:water"
    assert city.get(theirs(city, "z", subCategory="fire"))["runBook"] == "urn:ngsi-ld:RunBook:any"


def test_a_run_book_that_comes_later_is_named_too_and_none_replaces_another(city):
    alert = raised(city)
    assert "runBook" not in city.get(alert)
    city.say(entity("RunBook", "b", forAlarms=["flood"]))
    assert city.get(alert)["runBook"] == "urn:ngsi-ld:RunBook:b"
    city.say(entity("RunBook", "a", forAlarms=["flood"]))
    assert city.get(alert)["runBook"] == "urn:ngsi-ld:RunBook:b"


@pytest.mark.parametrize("patterns", [None, 7, [], [None], [{}], ["x" * 300], ["(a+)+$"]])
def test_a_run_book_that_names_no_alarm_fits_none(city, patterns):
    city.say(entity("RunBook", "odd", forAlarms=patterns))
    assert "runBook" not in city.get(raised(city))


def test_a_secret_run_book_is_not_named_on_an_alarm_that_others_read(city):
    secret = entity("RunBook", "secret", forAlarms=["flood"])
    secret.label = "security"
    city.say(secret)
    assert "runBook" not in city.get(raised(city))


# ---- the list and the story


def test_the_list_leaves_out_what_was_settled_long_ago(city):
    stands, settled, unseen = raised(city, kind="a"), raised(city, kind="b"), raised(city, kind="c")
    city.act("acknowledge", settled)
    city.act("clear", settled)
    city.act("clear", unseen)
    assert {one["id"] for one in city.view("list")["alarms"]} == {stands, settled, unseen}
    city.clock.turn(city.clock.now() + 2 * 86_400_000_000)
    assert {one["id"] for one in city.view("list")["alarms"]} == {stands, unseen}
    with pytest.raises(Refusal):
        city.view("list", {"kept": "-1"})


def test_the_story_says_who_did_what(city):
    alert = raised(city)
    city.turn(seconds=1)
    city.act("acknowledge", alert, by="person:anna", comment="Seen")
    city.turn(seconds=1)
    city.act("shelve", alert, minutes=5, reason="Known", by="person:ben")
    told = city.view("story", {"id": alert})["story"]
    assert {"what": "shelvedUntil", "by": "person:ben", "reason": "Known"}.items() <= told[0].items()
    assert any(
        {"what": "acknowledgedActivation", "by": "person:anna", "value": 1}.items() <= one.items() for one in told
    )
    assert any({"what": "comment", "by": "person:anna", "value": "Seen"}.items() <= one.items() for one in told)
    with pytest.raises(NotFound):
        city.view("story", {"id": "urn:ngsi-ld:Alert:none"})
    with pytest.raises(Refusal):
        city.view("story", {"id": SOURCE})


# ---- with other apps


def test_another_app_and_the_desk_speak_of_one_alert():
    wet = App("wet", report="4.1.1", reads={"WaterObserved"}, writes={"Alert"})

    @wet.on("WaterObserved", "level")
    def watch(change, _city):
        yield entity("Alert", "wet", status="open" if change.entity["level"] > 3 else "closed", severity="high")

    city = MemoryCity(wet, app, start="2026-11-22T18:00:00Z")
    for level_m in (2, 4, 5, 2, 4):
        city.turn(seconds=60)
        city.read(entity("WaterObserved", "x", level=Attribute(level_m, "MTR", city.clock.now())))
    alert = city.get("urn:ngsi-ld:Alert:wet")
    assert (alert["activations"], state(alert)) == (2, "UNACK")
    city.act("acknowledge", alert.id, app="alarms")
    assert how(city, alert.id) == "ACK"
