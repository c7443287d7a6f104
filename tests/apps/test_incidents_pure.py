"""The pure parts of incidents: moves, the sealed log, areas, what is asked, the course of a run, the review."""

import contextlib
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hansa import Entity, Forbidden, Refusal, entity
from hansa.apps.incidents import area, asked, books, case, course, lines, review, sketch, states, words
from hansa.apps.incidents.lines import Line
from hansa.apps.incidents.states import Who
from hansa.model.entity import Stamps

HERE = Path(case.__file__).parent
T0 = 1_775_000_000_000_000
MIN = 60_000_000
NOBODY = Who("person:ada", frozenset({"operator"}), {}, "")
COMMANDED = Who("person:ada", frozenset({"operator"}), {"operations": ["person:ada"]}, "person:bo")


# ---- states


def test_every_way_between_states_is_known_and_no_other_is_let_through() -> None:
    boss = Who("person:cy", frozenset({"supervisor"}), {}, "person:bo")
    for was in words.STATES:
        for to in words.STATES:
            if (was, to) in states.MOVES:
                states.check(was, to, boss, "because")
            else:
                with pytest.raises(Refusal, match=f"does not become {to}"):
                    states.check(was, to, boss, "because")


def test_opening_needs_a_commander_and_the_answer_says_so() -> None:
    with pytest.raises(Refusal, match="nobody is in command"):
        states.check("verified", "open", NOBODY, "")
    states.check("verified", "open", NOBODY._replace(commander="person:ada"), "")


def test_once_somebody_commands_others_do_not_decide() -> None:
    with pytest.raises(Forbidden, match="only commander"):
        states.check("contained", "resolved", COMMANDED, "")
    states.check("open", "contained", COMMANDED, "")  # operations may
    with pytest.raises(Forbidden):
        states.check("open", "contained", COMMANDED._replace(by="person:zoe"), "")


def test_ways_that_ask_for_a_reason_do_not_go_without_one() -> None:
    for (was, to), move in states.MOVES.items():
        if move.reason:
            with pytest.raises(Refusal, match="needs a reason"):
                states.check(was, to, COMMANDED._replace(roles=frozenset({"command"})), "")


def test_what_was_merged_or_reviewed_moves_no_more() -> None:
    for was in (words.MERGED, words.REVIEWED):
        with pytest.raises(Refusal):
            states.check(was, "open", COMMANDED, "why")


# ---- the log


def log_of(*texts: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    made, kept = lines.write("urn:ngsi-ld:Incident:1", None, "person:ada", T0, [Line("note", one) for one in texts])
    return [lines.read(one) for one in made], kept


def test_a_log_as_it_was_written_is_whole() -> None:
    log, kept = log_of("one", "two", "three")
    assert [one["n"] for one in log] == [1, 2, 3]
    assert lines.broken("urn:ngsi-ld:Incident:1", log, kept["lines"], kept["seal"]) == ""


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda log: log[1].update(text="twö"), "line 2 is not as it was written"),
        (lambda log: log[0].update(by="person:eve"), "line 1 is not as it was written"),
        (lambda log: log.pop(1), "line 2 is missing"),
        (lambda log: log.pop(), "1 of 3 lines are missing"),
        (lambda log: log.append({**log[2], "n": 4}), "line 4 is not as it was written"),
    ],
)
def test_a_line_that_was_changed_taken_or_put_in_shows(spoil: Any, said: str) -> None:
    log, kept = log_of("one", "two", "three")
    spoil(log)
    assert lines.broken("urn:ngsi-ld:Incident:1", log, kept["lines"], kept["seal"]) == said


def test_a_full_log_takes_no_more() -> None:
    full = entity("Incident", "1", lines=words.LINES_MAX, seal="x")
    with pytest.raises(Refusal, match="full"):
        lines.write(full.id, full, "person:ada", T0, [Line("note", "one too many")])


# ---- labels


@pytest.mark.parametrize(
    ("holder", "thing", "may"),
    [
        ("smart", "open;licence=CC0-1.0", True),
        ("smart", "smart", True),
        ("smart;owner=water", "smart", True),
        ("personal;owner=care", "smart", True),
        ("smart", "smart;owner=water", False),
        ("smart", "personal;owner=care", False),
        ("security", "personal", False),
        ("personal", "security", False),
        ("open", "smart", False),
    ],
)
def test_what_repeats_something_is_guarded_at_least_as_that_is(holder: str, thing: str, may: bool) -> None:
    one = entity("Thing", "1")
    assert case.holds(holder, Entity(one.doc, label=thing)) is may


def test_what_one_attribute_is_guarded_by_counts_where_that_attribute_is_repeated() -> None:
    one = entity("Thing", "1", pulse=77)
    thing = Entity(one.doc, Stamps(0, 0, {}, {"pulse": "personal;owner=care"}))
    assert case.holds("smart", thing)
    assert not case.holds("smart", thing, "pulse")
    assert not case.may_weigh("smart", thing, "pulse")
    assert case.may_weigh("personal;owner=care", thing, "pulse")


def test_an_incident_of_several_things_bears_a_label_that_guards_all_or_is_refused() -> None:
    assert case.common(["open", "smart"], "smart") is None
    assert case.common(["personal;owner=care", "smart"], "smart") == "personal;owner=care"
    assert case.common(["smart;owner=water", "smart;owner=roads"], "smart") == "smart;owner=several"
    with pytest.raises(Refusal, match="guarded in different ways"):
        case.common(["personal;owner=care", "personal;owner=police"], "smart")
    with pytest.raises(Refusal, match="guarded in different ways"):
        case.common(["personal", "security"], "smart")
    assert case.common(["personal;owner=care;subject=person:a", "smart"], "smart") == "personal;owner=care"


# ---- areas


def ring(*pairs: tuple[float, float]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(one) for one in (*pairs, pairs[0])]]}


def test_a_drawn_area_is_kept_and_turned_as_the_standard_wants_it() -> None:
    kept = area.drawn(ring((0, 0), (0, 1), (1, 1), (1, 0)))  # clockwise
    turn = sum(
        (x1 * y2 - x2 * y1)
        for (x1, y1), (x2, y2) in zip(kept["coordinates"][0], kept["coordinates"][0][1:], strict=False)
    )
    assert turn > 0


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (None, "Polygon"),
        ("x", "Polygon"),
        ({"type": "Point", "coordinates": [1, 2]}, "Polygon"),
        (ring((0, 0), (1, 1), (1, 0), (0, 1)), "Self-intersection"),
        (ring((0, 0), (1, 0)), "four positions"),
        (ring((0, 0), (1, 0), (2, 0)), "no area|empty"),
        (ring((-179, 0), (179, 0), (179, 1), (-179, 1)), "half the world"),
        (ring((200, 0), (201, 0), (201, 1)), "out of range"),
        ({"type": "Polygon", "coordinates": [[[1, 2]] * 5_000]}, "positions"),
        ({"type": "Polygon", "coordinates": [["a"]]}, "area"),
        ({"type": "Polygon", "coordinates": [[[float("nan"), 1], [0, 1], [1, 1], [float("nan"), 1]]]}, "finite"),
        ({"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 0]]], "note": "<script>"}, "nothing else"),
    ],
)
def test_what_is_no_area_is_refused_by_name(said: Any, why: str) -> None:
    with pytest.raises(Refusal, match=why) as fault:
        area.drawn(said)
    assert fault.value.where == "area"


def test_the_area_of_alarms_is_their_hull_and_a_margin() -> None:
    made = area.around([{"type": "Point", "coordinates": [15.0, 47.0]}, {"type": "Point", "coordinates": [15.1, 47.0]}])
    assert made is not None
    xs = [x for x, _ in made["coordinates"][0]]
    assert min(xs) < 15.0
    assert max(xs) > 15.1
    assert area.around([None, {"type": "Point", "coordinates": "x"}]) is None
    one = area.around([{"type": "Point", "coordinates": [15.0, 47.0]}])
    assert one is not None
    assert area.centre(one) == {"type": "Point", "coordinates": [15.0, 47.0]}


def test_an_area_over_the_antimeridian_is_cut_in_two() -> None:
    made = area.around(
        [{"type": "Point", "coordinates": [179.9, 1.0]}, {"type": "Point", "coordinates": [-179.9, 1.0]}]
    )
    assert made is not None
    assert made["type"] == "MultiPolygon"
    for polygon in made["coordinates"]:
        xs = [x for x, _ in polygon[0]]
        assert max(xs) - min(xs) < 1
        assert min(xs) >= -180
        assert max(xs) <= 180
    drawn = sketch.drawn(made, [], 500, 200)
    assert drawn is not None
    assert all(-1 <= x <= 501 for one in drawn.areas for x, _ in one)


def test_a_sketch_of_nothing_is_nothing_and_words_in_it_are_escaped() -> None:
    assert sketch.drawn(None, [("alarm", {"location": None})], 500, 200) is None
    made = sketch.drawn(
        None, [("alarm", {"location": {"type": "Point", "coordinates": [1, 2]}, "name": "<b>"})], 500, 200
    )
    assert made is not None
    assert "<b>" not in sketch.svg(made)


# ---- what is asked


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({"due": "2020-01-01T00:00:00Z"}, "in the past"),
        ({"due": "2099-01-01T00:00:00Z"}, "more than a year"),
        ({"due": "tomorrow"}, "an instant"),
        ({"due": "2026-13-45T00:00:00Z"}, "an instant"),
        ({"due": 7}, "an instant"),
        ({}, "an instant"),
    ],
)
def test_a_due_time_is_an_instant_to_come(said: dict[str, Any], why: str) -> None:
    with pytest.raises(Refusal, match=why):
        asked.due(said, T0)


@given(
    st.dictionaries(
        st.text(max_size=8), st.recursive(st.none() | st.booleans() | st.floats() | st.text(), st.lists, max_leaves=5)
    )
)
def test_nothing_that_is_said_is_ever_anything_but_taken_or_refused(said: dict[str, Any]) -> None:
    for look in (
        lambda: asked.line(said, "name"),
        lambda: asked.uris(said, "alarms"),
        lambda: asked.due(said, T0),
        lambda: asked.number(said, "n", 0, 1),
        lambda: books.steps(list(said.values())),
        lambda: area.drawn(said),
        lambda: books.patterns(said, "forAlarms"),
    ):
        with contextlib.suppress(Refusal):
            look()


def test_controls_and_turned_writing_are_left_out_of_texts() -> None:
    assert asked.line({"name": "a\u202eb\x00c\td"}, "name") == "abc d"
    with pytest.raises(Refusal, match="20,000 are kept"):
        asked.text({"text": "x" * 1_000_000}, "text", words.TEXT_MAX)


# ---- run-books


def step(ident: str, kind: str = "manual", **more: Any) -> dict[str, Any]:
    return {"id": ident, "kind": kind, "title": ident, **more}


WATCH = {"entity": "urn:ngsi-ld:Gauge:1", "attribute": "level", "is": ">", "value": 3}


@pytest.mark.parametrize(
    ("said", "where"),
    [
        ([], "steps"),
        ("x", "steps"),
        ([1], r"steps\[0\]"),
        ([step("a"), step("a")], r"steps\[1\].id"),
        ([step("a b")], r"steps\[0\].id"),
        ([step("a", "dance")], r"steps\[0\].kind"),
        ([step("a", next="z")], r"steps\[0\].next"),
        ([step("a"), step("b", next="a")], r"steps\[1\].next"),
        ([step("a", next="a")], r"steps\[0\].next"),
        ([step("a"), step("b", "condition", **WATCH, then="a")], r"steps\[1\].then"),
        ([step("a", "condition", **WATCH)], r"steps\[0\].then"),
        ([step("a", "condition", **{**WATCH, "value": "x"}, then="end")], r"steps\[0\].value"),
        ([step("a", "condition", **{**WATCH, "value": None}, then="end")], r"steps\[0\].value"),
        ([step("a", "condition", **{**WATCH, "is": "~"}, then="end")], r"steps\[0\].is"),
        ([step("a", "wait", minutes=-1)], r"steps\[0\].minutes"),
        ([step("a", "wait", minutes=5, **WATCH)], r"steps\[0\]"),
        ([step("a", "notify", to=[], message="x")], r"steps\[0\].to"),
        ([step("a", "command", device="pump")], r"steps\[0\].payload"),
        ([step("a", "command", device="pump", payload="x" * 5_000)], r"steps\[0\].payload"),
        ([step("a", sudo=True)], r"steps\[0\].sudo"),
        ([step(f"s{i}") for i in range(201)], "steps"),
    ],
)
def test_a_run_book_that_is_none_is_refused_where_it_is_wrong(said: Any, where: str) -> None:
    with pytest.raises(Refusal) as fault:
        books.steps(said)
    assert fault.value.where is not None
    assert __import__("re").match(where, fault.value.where), fault.value.where


def test_the_run_books_that_ship_are_sound_name_their_sources_and_are_reviewed_one_day() -> None:
    shipped = json.loads((HERE / "run-books.json").read_text("utf-8"))
    assert len(shipped) == 4
    for one in shipped:
        said = {name: part["value"] for name, part in one.items() if isinstance(part, dict)}
        plan = books.steps(said["steps"])
        assert books.asks(plan) <= {f"${name}" for name in said["needs"]}
        assert books.sources(said)
        assert books.patterns(said, "forAlarms")
        assert books.day(said, "reviewDate") > "2026-11-22"
        for kind in {each["kind"] for each in plan}:
            assert kind in books.KINDS


def test_a_run_book_is_for_what_its_patterns_say() -> None:
    alarm = entity("Alert", "1", category="weather", subCategory="frostNight", severity="high")
    assert books.fits([{"category": "weather", "subCategory": "frost*"}], alarm)
    assert books.fits([{"category": ["water", "weather"]}], alarm)
    for wrong in (
        [],
        None,
        [{}],
        [{"category": "water"}],
        [{"category": "weather", "nothing": "*"}],
        ["x"],
        [{"category": 7}],
    ):
        assert not books.fits(wrong, alarm)


PLAN = books.steps(
    [
        step("look", withinMinutes=10),
        step("high", "condition", **WATCH, then="close", **{"else": "rest"}),
        step("rest", "wait", minutes=30, next="end"),
        step("close", withinMinutes=5, owner="operations"),
    ]
)


def at(minutes: float) -> str:
    return asked.iso(T0 + int(minutes * MIN))


def test_a_run_begins_with_its_first_step_and_its_clock() -> None:
    run = course.follow(PLAN, [], [], T0, T0 + 11 * MIN)
    assert run.on is not None
    assert run.on["id"] == "look"
    assert (run.on["due"], run.on["late"]) == (at(10), True)
    assert [one["state"] for one in run.steps] == ["on", "ahead", "ahead", "ahead"]


def test_a_condition_leads_where_it_says_and_what_is_not_on_the_way_stays_ahead() -> None:
    done = [{"step": "look", "did": "done", "at": at(2)}]
    yes = course.follow(PLAN, done, [{"step": "high", "at": at(3), "answer": True}], T0, T0 + 4 * MIN)
    assert yes.on is not None
    assert yes.on["id"] == "close"
    assert [one["state"] for one in yes.steps] == ["done", "passed", "ahead", "on"]
    no = course.follow(PLAN, done, [{"step": "high", "at": at(3), "answer": False}], T0, T0 + 4 * MIN)
    assert no.on is not None
    assert (no.on["id"], no.on["until"]) == ("rest", at(33))
    over = [{"step": "high", "at": at(3), "answer": False}, {"step": "rest", "at": at(33), "answer": True}]
    ended = course.follow(PLAN, done, over, T0, T0 + 40 * MIN)
    assert ended.current is None
    assert ended.ended == T0 + 33 * MIN


def test_a_persons_word_stands_above_the_citys_in_whichever_order_they_come() -> None:
    done = [
        {"step": "look", "did": "done", "at": at(2)},
        {"step": "high", "did": "decide", "answer": False, "at": at(4)},
    ]
    for passed in ([], [{"step": "high", "at": at(3), "answer": True}]):
        run = course.follow(PLAN, done, passed, T0, T0 + 5 * MIN)
        assert run.on is not None
        assert run.on["id"] == "rest"


def test_the_city_cannot_say_that_a_manual_step_is_done() -> None:
    run = course.follow(PLAN, [], [{"step": "look", "at": at(1), "answer": True}], T0, T0 + MIN)
    assert run.on is not None
    assert run.on["id"] == "look"


@given(
    st.lists(st.fixed_dictionaries({"step": st.sampled_from(["look", "high", "rest", "close", "no"]),
                                    "did": st.sampled_from(["done", "skip", "decide", "assign"]),
                                    "answer": st.booleans(), "at": st.just(at(1)), "owner": st.text(max_size=3)}),
             max_size=8),
    st.lists(st.fixed_dictionaries({"step": st.sampled_from(["look", "high", "rest", "close"]), "answer": st.booleans(),
                                    "at": st.just(at(2))}), max_size=6),
)  # fmt: skip
def test_whatever_was_said_a_run_stands_at_one_step_or_is_over(said: list[Any], passed: list[Any]) -> None:
    run = course.follow(PLAN, said, passed, T0, T0 + MIN)
    on = [one for one in run.steps if one["state"] == "on"]
    assert len(on) == (0 if run.current is None else 1)
    assert (run.ended is None) is (run.current is not None)


def test_a_plan_that_loops_after_all_ends() -> None:
    looping = [{**step("a"), "next": "b"}, {**step("b"), "next": "a"}]
    run = course.follow(
        looping, [{"step": "a", "did": "done", "at": at(1)}, {"step": "b", "did": "done", "at": at(1)}], [], T0, T0
    )
    assert run.current is None


@pytest.mark.parametrize(
    ("sign", "wanted", "value", "holds"),
    [
        (">", 3.0, 3.1, True), (">", 3.0, 3, False), ("<=", 3.0, 3, True), ("==", "open", "open", True),
        ("!=", "open", "closed", True), ("==", True, True, True), ("==", True, 1, None), ("==", 1.0, True, None),
        (">", 3.0, "4", None), (">", 3.0, None, None), (">", 3.0, True, None), ("==", "3", 3, None),
        (">", 3.0, [4], None),
    ],
)  # fmt: skip
def test_a_condition_compares_what_can_be_compared(sign: str, wanted: Any, value: Any, holds: bool | None) -> None:
    assert course.judge({"is": sign, "value": wanted}, value) is holds


# ---- review


def test_the_review_counts_from_the_log() -> None:
    incident = {
        "id": "urn:ngsi-ld:Incident:1", "dateRaised": at(0), "dateVerified": at(4), "dateCommanded": at(6),
        "dateContained": at(60), "dateOpened": at(10), "dateResolved": at(90), "cost": [], "findings": [],
    }  # fmt: skip
    log, kept = log_of("one")
    log = [{**one, "incident": incident["id"]} for one in log]
    tasks = [
        {
            "n": 1,
            "name": "a",
            "owner": "x",
            "status": "done",
            "due": at(20),
            "doneAt": at(30),
            "madeAt": at(10),
            "late": True,
        },
        {
            "n": 2,
            "name": "b",
            "owner": "x",
            "status": "open",
            "due": at(20),
            "doneAt": None,
            "madeAt": at(10),
            "late": True,
        },
        {
            "n": 3,
            "name": "c",
            "owner": "x",
            "status": "dropped",
            "due": at(20),
            "doneAt": at(9),
            "madeAt": at(1),
            "late": False,
        },
    ]
    told = review.made(incident, log, tasks, [], [{"id": incident["id"], **kept}])
    took = {one["phase"]: one["seconds"] for one in told["phases"]}
    assert took == {
        "verified": 240, "commander named": 120, "opened": 360, "contained": 3_000, "resolved": 1_800, "reviewed": None,
    }  # fmt: skip
    assert (told["tasks"]["total"], told["tasks"]["done"], told["tasks"]["median"]) == (3, 1, 1_200)
    assert [(one["n"], one["lateBy"]) for one in told["tasks"]["late"]] == [(1, 600), (2, None)]
    assert told["log"] == {"lines": 1, "broken": ""}
    log[0]["text"] = "another"
    assert "not as it was written" in review.broken(log, [{"id": incident["id"], **kept}])


def test_an_entity_without_anything_is_no_reason_to_fail() -> None:
    bare = Entity({"id": "urn:ngsi-ld:Incident:bare", "type": "Incident"})
    assert all(one["seconds"] is None for one in review.phases({"id": bare.id}))
