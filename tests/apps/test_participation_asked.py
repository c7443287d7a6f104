"""Participation: surveys with nobody alone in their results; votes as they are drafted, and what they decide."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import Conflict, Forbidden, NotFound, Refusal, entity
from hansa.apps.participation import app, ballots, surveys
from hansa.testing import MemoryCity
from hansa.trust.ballots import Vote
from hansa.trust.labels import PUBLIC

P = "urn:ngsi-ld:ParticipationProcess:quay"
QUESTIONS: list[dict[str, Any]] = [
    {
        "id": "use",
        "text": {"en": "How do you use it?"},
        "kind": "one",
        "required": True,
        "options": [{"id": "walk", "text": {"en": "Walk"}}, {"id": "bike", "text": {"en": "Bike"}},
                    {"id": "none", "text": {"en": "Not"}}],
    },
    {"id": "like", "text": {"en": "Do you like it?"}, "kind": "scale", "least": 1, "most": 5},
    {
        "id": "want",
        "text": {"en": "What is missing?"},
        "kind": "many",
        "options": [{"id": "trees", "text": {"en": "Trees"}}, {"id": "light", "text": {"en": "Light"}}],
    },
    {"id": "say", "text": {"en": "Anything else?"}, "kind": "text"},
]  # fmt: skip


@pytest.fixture
def city() -> Iterator[MemoryCity]:
    with MemoryCity(app, start="2026-03-05T12:00:00Z").closing() as made:
        made.act(
            "describe",
            key="quay",
            title={"en": "The quay"},
            summary={"en": "What now?"},
            kind="budget",
            budget={"sum": 1_000, "currency": "EUR"},
            phases=[{"phase": "collect", "begins": "2026-03-01T00:00:00Z", "ends": "2026-06-01T00:00:00Z"}],
        )
        made.act("publish", P)
        yield made


def survey(city: MemoryCity, *, anonymous: bool = True) -> str:
    made = city.act("draft-survey", title={"en": "The quay"}, questions=QUESTIONS, anonymous=anonymous, process=P)
    ident = made[0].entity.id
    city.act("open-survey", ident)
    return str(ident)


def answers(city: MemoryCity, ident: str, who: str, *, anonymous: bool = False, **said: Any) -> Any:
    given = {"use": "walk"} | said
    return city.act("answer", ident, by=f"person:{who}", roles=("resident",), answers=given, anonymous=anonymous)


def sees(city: MemoryCity, name: str, by: str = "", roles: tuple[str, ...] = (), **asked: str) -> Any:
    return city.view(name, asked, by=f"person:{by}" if by else "", roles=roles)


# ---- surveys


def test_a_person_answers_once_and_is_told_that_he_has(city: MemoryCity) -> None:
    ident = survey(city)
    answers(city, ident, "ada", like=4, want=["trees"], say="Good.")
    with pytest.raises(Conflict, match="already"):
        answers(city, ident, "ada", anonymous=True)
    assert sees(city, "survey", "ada", id=ident)["answered"]
    assert not sees(city, "survey", "bo", id=ident)["answered"]
    assert [one["status"] for one in sees(city, "process", id=P)["surveys"]] == ["open"]
    with pytest.raises(Forbidden):
        city.act("answer", ident, by="", roles=(), answers={"use": "walk"})


def test_results_come_with_n_and_without_small_groups(city: MemoryCity) -> None:
    ident = survey(city)
    for n in range(12):
        said: dict[str, Any] = {"use": "bike" if n < 2 else "walk"}
        if n < 4:
            said["like"] = 5
        answers(city, ident, f"p{n}", **said, want=["trees", "light"] if n % 2 else ["trees"])
    for who in ((), ("operator",)):
        with pytest.raises(Forbidden, match="closed"):
            sees(city, "survey-results", "ada", who, id=ident)
    (tally,) = city.find("SurveyTally")
    assert tally.label == "personal"
    city.act("close-survey", ident)
    told = sees(city, "survey-results", id=ident)
    use, like, want, say = told["questions"]
    assert (told["n"], use["n"]) == (12, 12)
    assert use["counts"] == {"walk": None, "bike": None, "none": 0}, "2 is hidden, and 10 would tell it"
    assert (like["n"], like["counts"], like["mean"]) == (None, None, None), "four have answered it"
    assert want["counts"] == {"trees": 12, "light": 6}
    assert say["counts"] is None
    with pytest.raises(Conflict, match="not open"):
        answers(city, ident, "late")
    for kind in ("SurveyAnswer", "SurveyTally", "SurveyTaken"):
        assert not city.find(kind, sight=PUBLIC)


def test_a_mean_is_told_where_no_count_is_hidden_and_nowhere_else(city: MemoryCity) -> None:
    def mean(said: list[int]) -> tuple[Any, Any]:
        ident = survey(city)
        for n, like in enumerate(said):
            city.turn(seconds=1)
            answers(city, ident, f"q{n}", like=like)
        city.act("close-survey", ident)
        like_ = sees(city, "survey-results", id=ident)["questions"][1]
        return like_["mean"], like_["counts"]["4"]

    assert mean([5] * 6 + [4] * 6) == (4.5, 6)
    assert mean([5] * 10 + [4] * 2 + [1]) == (None, None), "of 13 with a mean of 4.54, 4 is 2 and 1 is 1"


def test_small_counts_that_their_sum_would_tell_take_another_with_them() -> None:
    assert surveys.apart({"a": 10, "b": 1, "c": 1}) == {"a": None, "b": None, "c": None}, "two of two are 1 each"
    assert surveys.apart({"a": 9, "b": 4, "c": 4, "d": 20}) == {"a": None, "b": None, "c": None, "d": 20}
    assert surveys.apart({"a": 9, "b": 1, "c": 2}) == {"a": 9, "b": None, "c": None}


def test_a_draft_survey_is_not_there_for_whoever_would_answer_it(city: MemoryCity) -> None:
    (made,) = city.act("draft-survey", title={"en": "S"}, questions=[{"id": "q", "kind": "text", "text": {"en": "?"}}])
    for name in ("answer", "open-survey", "close-survey"):
        with pytest.raises(NotFound, match="there is no Survey urn"):
            city.act(name, made.entity.id, by="person:ada", roles=("resident",), answers={})
    with pytest.raises(NotFound, match="no such Survey"):
        sees(city, "survey", "ada", id=made.entity.id)


def test_who_answers_without_his_name_has_none_in_the_answer(city: MemoryCity) -> None:
    ident = survey(city)
    answers(city, ident, "ada", anonymous=True, say="Between us.")
    (one,) = city.find("SurveyAnswer")
    assert one.label == "personal"
    assert "ada" not in str(one.doc)
    named = survey(city, anonymous=False)
    with pytest.raises(Refusal, match="names"):
        answers(city, named, "ada", anonymous=True)


@pytest.mark.parametrize(
    "wrong",
    [
        {"use": "fly"}, {"use": None}, {"use": ["walk"]}, {"like": 9}, {"like": "5"}, {"like": True}, {"want": "trees"},
        {"want": ["trees", "trees"]}, {"want": ["x"]}, {"say": "x" * 2_001}, {"say": 7}, {"more": 1}, {"want": [[]]},
    ],
)  # fmt: skip
def test_what_is_no_answer_is_refused_and_counts_nothing(city: MemoryCity, wrong: dict[str, Any]) -> None:
    ident = survey(city)
    with pytest.raises(Refusal):
        answers(city, ident, "ada", **wrong)
    assert city.get(ident)["answered"] == 0


@pytest.mark.parametrize(
    "wrong",
    [[], [{}], [QUESTIONS[0], QUESTIONS[0]], [QUESTIONS[0] | {"options": []}], [QUESTIONS[1] | {"least": 5}],
     [QUESTIONS[0] | {"kind": "x"}], "x", [QUESTIONS[3] | {"id": "A b"}], [QUESTIONS[3] | {"x": 1}],
     [QUESTIONS[3]] * 41],
)  # fmt: skip
def test_what_is_no_survey_is_refused(city: MemoryCity, wrong: Any) -> None:
    with pytest.raises(Refusal):
        city.act("draft-survey", title={"en": "x"}, questions=wrong)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 30), min_size=2))
@settings(max_examples=50, deadline=None)
def test_no_hidden_count_follows_from_the_others_and_their_sum(counts: dict[str, int]) -> None:
    told = surveys.apart(counts)
    hidden = [name for name, many in told.items() if many is None]
    assert all(many is None or many == 0 or many >= 5 for many in told.values())
    assert len(hidden) != 1
    assert all(told[name] == many for name, many in counts.items() if name not in hidden)


# ---- votes


def drafted(city: MemoryCity, **more: Any) -> str:
    said = {
        "process": P, "key": "quay-vote", "question": {"en": "Which?"}, "kind": "choice",
        "options": [{"id": "a", "text": {"en": "A"}}, {"id": "b", "text": {"en": "B"}}],
        "opens": "2026-04-01T00:00:00Z", "closes": "2026-04-08T00:00:00Z",
    } | more  # fmt: skip
    return str(city.act("draft-ballot", **said)[0].entity.id)


def test_a_vote_that_the_app_drafts_is_one_that_the_box_takes(city: MemoryCity) -> None:
    ident = drafted(city)
    with pytest.raises(NotFound):
        sees(city, "ballot", id=ident)
    assert sees(city, "process", id=P)["ballots"] == []
    city.act("open-ballot", ident)
    assert city.get(ident)["status"] == "opening"
    assert Vote.read(city.get(ident)["definition"]).id == ident
    told = sees(city, "ballot", id=ident)
    assert (told["status"], told["who"]) == ("opening", {"assurance": 2, "departments": [], "roles": ["resident"]})
    for again in ({}, {"key": "quay-vote"}):
        with pytest.raises(Conflict):
            city.act("open-ballot", ident, **again) if not again else city.act("draft-ballot", ident, process=P)
    with pytest.raises(Forbidden):
        city.act("draft-ballot", by="person:ada", roles=("resident",), process=P)


@pytest.mark.parametrize(
    "more",
    [
        {"kind": "budget", "rule": "greedy", "budget": 100, "knapsack": True},
        {"kind": "budget", "rule": "equal-shares", "budget": 100, "districts": {"north": 40}},
        {"kind": "approval", "most": 2, "who": {"departments": ["north"], "assurance": 3}},
    ],
)
def test_every_kind_of_vote_is_one_that_the_box_takes(city: MemoryCity, more: dict[str, Any]) -> None:
    options = [
        {"id": "a", "text": {"en": "A"}, "cost": 60, "district": "north"},
        {"id": "b", "text": {"en": "B"}, "cost": 50},
    ]
    vote = Vote.read(city.get(drafted(city, options=options, **more))["definition"])
    assert vote.kind == more["kind"]


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "x"}, {"rule": "greedy"}, {"options": []}, {"options": [{"id": "a", "text": {"en": "A"}}] * 2},
        {"options": [{"id": "A!", "text": {"en": "A"}}, {"id": "b", "text": {"en": "A"}}]}, {"options": ["a", "b"]},
        {"options": [{"proposal": "urn:x"}, {"id": "b", "text": {"en": "B"}}]}, {"closes": "2026-03-01T00:00:00Z"},
        {"opens": "2026-05-01T00:00:00Z"}, {"who": []}, {"who": {"roles": "all"}}, {"who": {"assurance": 9}},
        {"kind": "budget"}, {"kind": "budget", "budget": 5}, {"kind": "approval", "most": 0}, {"question": "Which?"},
        {"kind": "budget", "budget": 5, "districts": {"n": 9}}, {"extra": 1}, {"key": "a b"},
    ],
)  # fmt: skip
def test_what_is_no_vote_is_refused(city: MemoryCity, wrong: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        drafted(city, **wrong)
    assert refused.value.where


def test_what_a_counted_vote_has_chosen_is_chosen(city: MemoryCity) -> None:
    idents = []
    for n, who in enumerate(("ada", "bo", "cy")):
        made = city.act(
            "propose", by=f"person:{who}", roles=("resident",), process=P, title=f"Idea {n}", text="x", language="en",
            cost=100 + n,
        )  # fmt: skip
        idents.append(next(one.entity.id for one in made if one.entity.type == "ParticipationProposal"))
    with pytest.raises(Refusal, match="admissible"):
        drafted(city, options=[{"proposal": one} for one in idents])
    for one in idents:
        city.act("assess", one, status="admissible", reason="It can be done.")
    ident = drafted(city, options=[{"proposal": one} for one in idents], kind="budget", budget=500)
    city.act("open-ballot", ident)
    names = [one["id"] for one in city.get(ident)["definition"]["options"]]
    assert Vote.read(city.get(ident)["definition"]).options[names[1]].cost == 101
    result = {"tally": dict.fromkeys(names, 1), "chosen": names[:2], "tied": [], "spent": 201, "steps": []}
    city.say(entity("Ballot", ident, status="counted", result=result, given=3, cast=3, root="r", sha256="s"))
    assert [city.get(one)["status"] for one in idents] == ["chosen", "chosen", "not-chosen"]
    assert city.get(idents[0]).label == "open"
    told = sees(city, "ballot", id=ident)
    assert (told["result"]["chosen"], told["result"]["given"]) == (names[:2], 3)
    assert list(ballots.decided(city.get(ident), city)) == [], "said once"
