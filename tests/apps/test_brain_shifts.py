"""The shift log: entries that stay, handovers that two people sign, and every way to get around it."""

import pytest
from slow_rounds import slowly

from hansa import Conflict, Forbidden, NotFound, Refusal, entity
from hansa.apps.brain import app
from hansa.apps.brain.shifts import TEXT, entry_id
from hansa.errors import HansaError
from hansa.model.change import Refused, Write
from hansa.testing import MemoryCity
from hansa.trust.labels import ADMINISTRATOR

ADA, BO = "person:ada", "person:bo"


@pytest.fixture
def city():
    with MemoryCity(slowly(app, 3_600), start="2026-04-01T06:00:00Z").closing() as made:
        yield made


def begin(city, by=ADA, desk="coc", **said):
    changes = city.act("begin", by=by, desk=desk, **said)
    return next(one.entity.id for one in changes if one.entity.type == "Shift")


def log(city, desk="coc", **asked):
    return city.view("log", {"desk": desk, **asked})


def handed(city):
    shift = begin(city)
    city.act("hand-over", shift, by=ADA, text="Pump 3 is odd.", facts={"alarms": ["Mill Orchard: frost"]})
    return shift, city.get(city.get(shift)["handover"]).digest


def test_a_shift_begins_takes_entries_and_is_handed_over_and_accepted(city):
    shift = begin(city)
    city.act("enter", shift, by=ADA, text="The mill called: water at the door.", kind="call")
    city.turn(seconds=8 * 3_600)
    city.act("hand-over", shift, by=ADA, text="Quiet, but for the mill.", facts={"alarms": ["river high", ""]})
    digest = city.get(city.get(shift)["handover"]).digest
    assert city.get(shift)["status"] == "handed"
    city.act("accept", shift, by=BO, digest=digest)
    found = city.get(shift)
    assert (found["status"], found["closedBy"], found["acceptedBy"]) == ("closed", "handover", BO)
    following = city.get(found["next"])
    assert (following["who"], following["status"], following["previous"]) == (BO, "open", shift)
    assert "begunWithout" not in following
    kinds = [(one["kind"], one["by"]) for one in reversed(log(city)["entries"])]
    assert kinds == [("begin", ADA), ("call", ADA), ("handover", ADA), ("accepted", BO), ("begin", BO)]
    assert log(city)["entries"][2]["facts"] == {"alarms": ["river high"]}
    assert all(one["follows"] for one in log(city)["entries"])
    assert city.view("verify", {"desk": "coc"}) == {
        "desk": "coc", "entries": 5, "from": 1, "sound": True, "faults": [],
    }  # fmt: skip


@pytest.mark.parametrize(
    "kind", ["append", "update", "patch_attr", "merge", "replace", "upsert", "say", "delete", "delete_attr", "read"]
)
@pytest.mark.parametrize("sight", [None, ADMINISTRATOR])
def test_what_was_entered_is_changed_by_nobody_through_whatever_verb(city, kind, sight):
    begin(city)
    ident = entry_id("coc", 1)
    before = city.get(ident).doc
    doc = entity("ShiftEntry", ident, by="person:eve", text="nothing happened").doc
    if kind == "patch_attr":
        del doc["text"]
    name = "by" if kind in {"patch_attr", "delete_attr"} else None
    (outcome,) = city.write(Write(kind, ident, {} if kind.startswith("delete") else doc, name=name), sight=sight)
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, Forbidden)
    assert "stays" in outcome.error.detail
    assert city.get(ident).doc == before
    assert city.view("verify", {"desk": "coc"})["sound"] is True


def test_the_past_of_an_entry_is_edited_by_nobody(city):
    begin(city)
    ident = entry_id("coc", 1)
    for kind, name in (("delete_history", None), ("delete_history_attr", "by")):
        try:
            (outcome,) = city.write(Write(kind, ident, name=name, dataset="@all"))
        except (HansaError, KeyError):
            continue
        assert isinstance(outcome, Refused)


def test_nobody_makes_entries_but_by_entering_them(city):
    begin(city)
    (outcome,) = city.say(entity("ShiftEntry", entry_id("coc", 2), desk="coc", number=2, by=BO, text="I did it"))
    assert isinstance(outcome, Refused)
    assert isinstance(outcome.error, Forbidden)
    with pytest.raises(NotFound):
        city.get(entry_id("coc", 2))
    city.say(entity("Note", "x", text="mine"))
    (outcome,) = city.write(
        Write("append", "urn:ngsi-ld:Note:x", {"id": "urn:ngsi-ld:Note:x", "type": ["Note", "ShiftEntry"]})
    )
    assert isinstance(outcome, Refused)


def test_other_types_are_changed_as_ever(city):
    city.say(entity("Note", "x", text="one"))
    city.say(entity("Note", "x", text="two"))
    assert city.get("urn:ngsi-ld:Note:x")["text"] == "two"
    city.delete("urn:ngsi-ld:Note:x")


def test_a_correction_refers_to_what_it_corrects_and_leaves_it(city):
    shift = begin(city)
    city.act("enter", shift, by=ADA, text="Pump 3 off at 9.")
    city.act("enter", shift, by=ADA, text="Pump 4, not 3.", kind="correction", corrects=entry_id("coc", 2))
    assert city.get(entry_id("coc", 2))["text"] == "Pump 3 off at 9."
    assert log(city)["entries"][0]["corrects"] == entry_id("coc", 2)
    with pytest.raises(Refusal):
        city.act("enter", shift, by=ADA, text="x", kind="correction")
    with pytest.raises(Refusal):
        city.act("enter", shift, by=ADA, text="x", corrects=entry_id("coc", 2))
    with pytest.raises(Refusal):
        city.act("enter", shift, by=ADA, text="x", kind="correction", corrects="urn:ngsi-ld:Shift:coc-1")


def test_nobody_hands_over_to_himself(city):
    shift, digest = handed(city)
    with pytest.raises(Refusal, match="himself"):
        city.act("accept", shift, by=ADA, digest=digest)
    assert city.get(shift)["status"] == "handed"


def test_a_handover_is_accepted_once(city):
    shift, digest = handed(city)
    city.act("accept", shift, by=BO, digest=digest)
    with pytest.raises(Conflict, match="over"):
        city.act("accept", shift, by="person:cleo", digest=digest)
    assert len(city.find("Shift")) == 2


def test_a_handover_that_was_written_again_must_be_read_again(city):
    shift, digest = handed(city)
    city.act("hand-over", shift, by=ADA, text="Pump 3 is broken!")
    with pytest.raises(Conflict, match="another one"):
        city.act("accept", shift, by=BO, digest=digest)
    city.act("accept", shift, by=BO, digest=city.get(city.get(shift)["handover"]).digest)


@pytest.mark.parametrize("digest", [None, "", "0" * 64, 5, "z" * 64, ["x"]])
def test_whoever_accepts_says_what_he_read(city, digest):
    shift, _ = handed(city)
    with pytest.raises((Refusal, Conflict)):
        city.act("accept", shift, by=BO, digest=digest)


def test_somebody_else_cannot_enter_or_hand_over_in_my_shift(city):
    shift = begin(city)
    for act, said in (("enter", {"text": "x"}), ("hand-over", {"text": "x"}), ("end", {"text": "x"})):
        with pytest.raises(Refusal, match="not your shift"):
            city.act(act, shift, by=BO, **said)


def test_a_shift_link_that_was_bent_to_another_handover_is_not_accepted(city):
    """The Shift can be patched by operators; the handover that is accepted must be its own and its owner's."""
    shift, _ = handed(city)
    other = begin(city, by="person:eve", desk="ccc")
    city.act("hand-over", other, by="person:eve", text="all is well")
    evil = city.get(other)["handover"]
    doc = entity("Shift", shift).doc | {"handover": {"type": "Relationship", "object": evil}}
    city.write(Write("say", shift, doc))
    with pytest.raises(Refusal, match="not to be found"):
        city.act("accept", shift, by=BO, digest=city.get(evil).digest)


def test_a_count_that_was_bent_does_not_stop_the_log(city):
    shift = begin(city)
    for newest in (999_999, 0, "x", -3):
        city.say(entity("Shift", shift, newest=newest))
        city.act("enter", shift, by=ADA, text=f"still here {newest}")
    assert log(city)["newest"] == 5
    assert city.view("verify", {"desk": "coc"})["sound"] is True


def test_whoever_begins_while_a_handover_waits_accepts_it_first(city):
    handed(city)
    with pytest.raises(Refusal, match="accept"):
        begin(city, by=BO)


def test_a_shift_without_a_handover_is_shown_as_one(city):
    shift = begin(city)
    second = begin(city, by=BO)  # ada is still there
    assert city.get(second)["begunWithout"] is True
    city.act("end", shift, by=ADA, text="gone home ill")
    found = city.get(shift)
    assert (found["closedBy"], found["status"]) == ("none", "closed")
    city.act("end", second, by=BO, text="nobody came")
    third = begin(city, by=ADA)
    assert city.get(third)["begunWithout"] is True
    told = city.view("shifts", {"desk": "coc"})["shifts"]
    assert [one.get("closedBy") for one in told] == [None, "none", "none"]
    assert log(city)["entries"][0]["begunWithout"] is True


def test_the_first_shift_of_a_desk_took_over_from_nobody(city):
    assert "begunWithout" not in city.get(begin(city))


def test_a_forgotten_shift_is_ended_by_a_senior(city):
    shift = begin(city)
    city.act("end", shift, by=BO, roles=("supervisor",), text="she forgot")
    assert city.get(shift)["endedBy"] == BO
    with pytest.raises(Conflict):
        city.act("end", shift, by=ADA, text="again")
    with pytest.raises(Conflict):
        city.act("enter", shift, by=ADA, text="too late")


def test_nobody_sits_twice_at_a_desk(city):
    begin(city)
    with pytest.raises(Conflict):
        begin(city)
    begin(city, desk="other")


@pytest.mark.parametrize(
    "said",
    [{}, {"text": ""}, {"text": " \n\x00 "}, {"text": "x" * (TEXT + 1)}, {"text": 5}, {"text": "\ud800"},
     {"text": "x", "kind": "handover"}, {"text": "x", "kind": ["note"]}, {"text": "x", "about": "urn:x"},
     {"text": "x", "about": ["urn:x"] * 21}, {"text": "x", "about": [5]}, {"text": "x", "happenedAt": "yesterday"},
     {"text": "x", "happenedAt": "2026-04-01T07:00:00Z"}, {"text": "x", "happenedAt": "2020-04-01T07:00:00Z"},
     {"text": "x", "colour": "red"}, {"text": "x", "key": ""}, {"text": "x", "key": 7}],
)  # fmt: skip
def test_nonsense_is_refused_and_nothing_is_entered(city, said):
    shift = begin(city)
    with pytest.raises(Refusal):
        city.act("enter", shift, by=ADA, **said)
    assert log(city)["newest"] == 1


def test_kinds_and_odd_characters_are_kept_as_they_were_said(city):
    shift = begin(city)
    text = "<script>alert(1)</script> Ⴀ\u202e \U0001f600\nsecond line"
    city.act("enter", shift, by=ADA, text=text, about=["urn:ngsi-ld:Alert:1"], happenedAt="2026-04-01T05:30:00Z")
    found = log(city)["entries"][0]
    assert found["text"] == text
    assert found["about"] == ["urn:ngsi-ld:Alert:1"]
    assert found["happenedAt"] == "2026-04-01T05:30:00Z"


def test_a_desk_clock_that_is_a_little_ahead_is_forgiven(city):
    shift = begin(city)
    city.act("enter", shift, by=ADA, text="now", happenedAt="2026-04-01T06:00:50Z")
    assert log(city)["entries"][0]["happenedAt"] == "2026-04-01T06:00:00Z"


def test_the_same_click_twice_is_one_entry(city):
    shift = begin(city)
    for _ in range(2):
        city.act("enter", shift, by=ADA, text="once", key="k1")
    city.act("enter", shift, by=ADA, text="once", key="k2")
    assert log(city)["newest"] == 3


@pytest.mark.parametrize("desk", ["", "A", "a b", "../x", "x" * 41, 'a";status!="closed', 5, None])
def test_a_desk_has_a_short_plain_name(city, desk):
    if desk == "":
        with pytest.raises(Refusal):
            city.act("begin", desk=desk)
        return
    with pytest.raises(Refusal):
        city.act("begin", desk=desk)


@pytest.mark.parametrize(
    "facts",
    ["x", {"a": "x"}, {"a": [5]}, {"x" * 41: []}, {"a": ["x"] * 201}, {"a": ["x" * 499] * 200, "b": ["x" * 499] * 200}],
)
def test_facts_that_are_none_are_refused(city, facts):
    shift = begin(city)
    with pytest.raises(Refusal):
        city.act("hand-over", shift, by=ADA, text="x", facts=facts)


def test_the_log_is_read_in_pages(city):
    shift = begin(city)
    for n in range(7):
        city.act("enter", shift, by=ADA, text=f"entry {n}")
    first = log(city, limit="3")
    assert [one["number"] for one in first["entries"]] == [8, 7, 6]
    second = log(city, limit="3", before=str(first["next"]))
    assert [one["number"] for one in second["entries"]] == [5, 4, 3]
    assert log(city, before=str(second["next"]))["next"] is None
    for nonsense in ({"limit": "x"}, {"before": "-1"}, {"colour": "red"}, {"limit": "0"}):
        with pytest.raises(Refusal):
            log(city, **nonsense)


def test_a_log_that_was_changed_in_its_file_is_found_out(city):
    shift = begin(city)
    for n in range(5):
        city.act("enter", shift, by=ADA, text=f"entry {n}")
    city.store.append_only = {}  # whoever holds the file asks nobody
    city.write(Write("say", entry_id("coc", 3), entity("ShiftEntry", entry_id("coc", 3), text="nothing").doc))
    found = city.view("verify", {"desk": "coc"})
    assert found["sound"] is False
    assert found["faults"] == [{"number": 3, "what": "it is not what it was when the next one was entered"}]
    assert [one["number"] for one in log(city)["entries"] if not one["follows"]] == [4]
    city.delete(entry_id("coc", 2))
    assert {"number": 2, "what": "it is missing"} in city.view("verify", {"desk": "coc"})["faults"]


def test_an_empty_log_is_sound_and_empty(city):
    assert log(city) == {"desk": "coc", "newest": 0, "entries": [], "next": None}
    assert city.view("verify", {"desk": "coc"})["sound"] is True
    assert city.view("shifts")["shifts"] == []
