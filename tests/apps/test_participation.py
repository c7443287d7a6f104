"""Participation: proposed, supported, said, hidden, appealed, delivered; by whom, when, and how often."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hansa import Conflict, Forbidden, NotFound, Refusal, entity
from hansa.analytics.acts import Visit
from hansa.apps.participation import app, comments, moderation, street
from hansa.apps.participation import words as limits
from hansa.model.change import Refused, Write
from hansa.testing import MemoryCity
from hansa.trust.labels import PUBLIC

P = "urn:ngsi-ld:ParticipationProcess:budget-2026"
PHASES = [
    {"phase": "collect", "begins": "2026-03-01T00:00:00Z", "ends": "2026-04-01T00:00:00Z"},
    {"phase": "assess", "begins": "2026-04-01T00:00:00Z", "ends": "2026-05-01T00:00:00Z"},
    {"phase": "vote", "begins": "2026-05-01T00:00:00Z", "ends": "2026-05-08T00:00:00Z"},
    {"phase": "deliver", "begins": "2026-05-10T00:00:00Z", "ends": "2027-05-10T00:00:00Z"},
]
PROCESS: dict[str, Any] = {
    "title": {"en": "Budget 2026", "fr": "Budget 2026"},
    "summary": {"en": "What shall we build?"},
    "kind": "budget",
    "phases": PHASES,
    "categories": ["green", "roads"],
    "districts": ["north", "south"],
    "budget": {"sum": 100_000, "currency": "EUR"},
}
POINT = {"type": "Point", "coordinates": [17.11, 48.14]}


@pytest.fixture
def city() -> Iterator[MemoryCity]:
    said = {"participation": {"held_words": ["Blötmann", "vermin"]}}
    with MemoryCity(app, start="2026-03-05T12:00:00Z", settings=said).closing() as made:
        made.act("describe", key="budget-2026", **PROCESS)
        made.act("publish", P)
        yield made


def does(city: MemoryCity, name: str, ident: str = "", /, by: str = "ada", **said: Any) -> list[Any]:
    """A resident does something."""
    return city.act(name, ident, by=f"person:{by}" if by else "", roles=("resident",), **said)


def sees(city: MemoryCity, name: str, by: str = "", roles: tuple[str, ...] = (), **asked: str) -> Any:
    return city.view(name, asked, by=f"person:{by}" if by else "", roles=roles)


def proposed(city: MemoryCity, by: str = "ada", /, **more: Any) -> str:
    said = {"title": "Trees on the quay", "text": "Twenty limes.", "language": "en", "category": "green"} | more
    changes = does(city, "propose", by=by, process=P, **said)
    return str(next(one.entity.id for one in changes if one.entity.type == "ParticipationProposal"))


def commented(city: MemoryCity, about: str, said: str, by: str = "bo", **more: Any) -> str:
    changes = does(city, "comment", by=by, about=about, text=said, language="en", **more)
    return str(next(one.entity.id for one in changes if one.entity.type == "ParticipationComment"))


def moderates(city: MemoryCity, about: str, decision: str, by: str = "mod", **more: Any) -> None:
    city.act("moderate", about=about, decision=decision, reason="as our rules say", by=f"person:{by}", **more)


# ---- processes and phases


def test_a_process_is_a_draft_until_it_is_published_and_then_has_phases(city: MemoryCity) -> None:
    city.act("describe", key="secret", **PROCESS)
    (line,) = sees(city, "processes")["processes"]
    assert (line["id"], line["phase"], line["allows"]) == (P, "collect", ["amend", "comment", "propose", "support"])
    assert len(sees(city, "processes", "mod", ("operator",))["processes"]) == 2
    draft = "urn:ngsi-ld:ParticipationProcess:secret"
    for view, asked in (("process", {"id": draft}), ("proposals", {"process": draft}), ("comments", {"about": draft})):
        with pytest.raises(NotFound):
            sees(city, view, **asked)
    for at, phase in (
        ("2026-04-02T00:00:00Z", "assess"),
        ("2026-05-02T00:00:00Z", "vote"),
        ("2026-05-09T00:00:00Z", "between"),
        ("2026-06-02T00:00:00Z", "deliver"),
        ("2028-01-01T00:00:00Z", "over"),
    ):
        city.turn(to=at)
        assert sees(city, "process", id=P)["phase"] == phase


def test_what_a_phase_does_not_allow_is_refused(city: MemoryCity) -> None:
    ident = proposed(city)
    city.turn(to="2026-04-02T00:00:00Z")
    with pytest.raises(Conflict, match="assess"):
        proposed(city, "bo")
    with pytest.raises(Conflict, match="not the time to support"):
        does(city, "support", ident)
    commented(city, ident, "Still to be said.")
    city.turn(to="2028-01-01T00:00:00Z")
    with pytest.raises(Conflict, match="over"):
        commented(city, ident, "Too late.")


@pytest.mark.parametrize(
    "wrong",
    [
        {"phases": []},
        {"phases": [PHASES[1], PHASES[0]]},
        {"phases": [PHASES[0], PHASES[0]]},
        {"phases": [PHASES[0] | {"ends": "2026-02-01T00:00:00Z"}]},
        {"phases": [PHASES[0] | {"begins": "soon"}]},
        {"phases": [PHASES[0] | {"begins": "2026-03-01T00:00:00"}]},
        {"phases": [PHASES[0] | {"allows": ["vote"]}]},
        {"phases": ["collect"]},
        {"phases": [PHASES[0] | {"x": 1}]},
        {"title": {}},
        {"title": {"xx": "?"}},
        {"title": "Budget"},
        {"title": {"en": "x" * 200}},
        {"budget": None},
        {"budget": {"sum": -1, "currency": "EUR"}},
        {"budget": {"sum": 1, "currency": "euro"}},
        {"categories": ["a", "a"]},
        {"categories": "green"},
        {"kind": "raffle"},
        {"secret": 1},
        {"key": "../x"},
    ],
)
def test_what_is_no_process_is_refused_with_the_place(city: MemoryCity, wrong: dict[str, Any]) -> None:
    with pytest.raises(Refusal) as refused:
        city.act("describe", **(PROCESS | wrong))
    assert refused.value.where


def test_what_people_rely_on_is_not_changed_and_only_staff_sets_up(city: MemoryCity) -> None:
    with pytest.raises(Conflict, match="rely"):
        city.act("describe", P, budget={"sum": 5, "currency": "EUR"})
    city.act("describe", P, phases=[*PHASES[:3], PHASES[3] | {"ends": "2028-05-10T00:00:00Z"}])
    assert city.get(P).label == "open"
    for name, ident, said in (
        ("describe", "", PROCESS),
        ("publish", P, {}),
        ("close", P, {"reason": "x"}),
        ("moderate", "", {"about": P, "decision": "hide", "reason": "x"}),
    ):
        for who in ("ada", ""):
            with pytest.raises(Forbidden):
                does(city, name, ident, by=who, **said)
    city.act("close", P, reason="The council has ended it.")
    assert sees(city, "process", id=P)["phase"] == "over"


# ---- proposals


def test_a_proposal_is_seen_by_all_and_who_made_it_by_nobody(city: MemoryCity) -> None:
    ident = proposed(city, location=POINT, cost=12_000, district="north", author="A neighbour")
    told = sees(city, "proposal", id=ident)
    assert (told["title"], told["author"], told["mine"], told["status"]) == (
        "Trees on the quay",
        "A neighbour",
        False,
        "submitted",
    )
    assert sees(city, "proposal", "ada", id=ident)["mine"]
    assert "ada" not in str(told)
    (one,) = sees(city, "mine", "ada")["proposals"]
    assert one["id"] == ident
    # What is for everybody is so through NGSI-LD too; what names a person, nobody else sees.
    assert city.find("ParticipationProposal", sight=PUBLIC)
    for kind in ("Participant", "Authorship", "ProposalSupport"):
        assert not city.find(kind, sight=PUBLIC)
    assert city.get(ident).label == "open"
    assert all(one.actor == "app:participation" for one in city.changes if one.entity.id == ident)


def test_nobody_supports_twice_and_everybody_may_think_better_of_it(city: MemoryCity) -> None:
    ident = proposed(city)
    for who in ("bo", "bo", "cy"):
        does(city, "support", ident, by=who)
    assert sees(city, "proposal", "bo", id=ident)["support"] == 2
    assert sees(city, "proposal", "bo", id=ident)["supported"]
    assert not sees(city, "proposal", "dee", id=ident)["supported"]
    does(city, "unsupport", ident, by="bo")
    does(city, "unsupport", ident, by="bo")
    assert sees(city, "proposal", "bo", id=ident)["support"] == 1
    with pytest.raises(Forbidden):
        does(city, "support", ident, by="")


def test_a_proposal_said_anew_keeps_its_versions_and_only_its_author_says_it(city: MemoryCity) -> None:
    ident = proposed(city, cost=1)
    for n in range(limits.HOURLY["amend"]):
        does(city, "amend", ident, text=f"Now {n}.", why="It is better")
    with pytest.raises(Refusal, match="an hour"):
        does(city, "amend", ident, text="More", why="x")
    city.turn(seconds=3_700)
    does(city, "amend", ident, text="The last.", why="It is better")
    told = sees(city, "proposal", id=ident)
    assert (told["version"], told["text"]) == (22, "The last.")
    assert [one["n"] for one in told["versions"]] == [1, *range(4, 23)]
    for name, said in (("amend", {"text": "x", "why": "y"}), ("withdraw", {})):
        with pytest.raises(Forbidden, match="made it"):
            does(city, name, ident, by="bo", **said)
    with pytest.raises(Refusal):
        does(city, "amend", ident, why="nothing else")
    does(city, "withdraw", ident)
    with pytest.raises(Conflict, match="withdrawn"):
        does(city, "support", ident, by="bo")


def test_one_person_cannot_bury_the_others_under_proposals(city: MemoryCity) -> None:
    for n in range(limits.PROPOSALS):
        city.turn(seconds=1)
        proposed(city, title=f"Idea {n}")
    with pytest.raises(Refusal, match="hour"):
        proposed(city, title="One more")
    city.turn(seconds=3_700)
    with pytest.raises(Refusal, match="of one person"):
        proposed(city, title="One more")
    proposed(city, "bo", title="Somebody else's")
    told = sees(city, "proposals", process=P, limit="3", sort="new")
    assert (told["total"], [one["title"] for one in told["proposals"]]) == (11, ["Somebody else's", "Idea 9", "Idea 8"])
    more = sees(city, "proposals", process=P, limit="3", sort="new", after=told["next"])
    assert [one["title"] for one in more["proposals"]] == ["Idea 7", "Idea 6", "Idea 5"]
    assert sees(city, "proposals", process=P, q="ÍDEA 4")["total"] == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"title": "x" * 151},
        {"title": "two\nlines"},
        {"title": ["x"]},
        {"text": "x" * 5_001},
        {"text": "a\x00b"},
        {"text": "a\u202eb"},
        {"text": "\ud800"},
        {"text": None},
        {"language": "xx"},
        {"category": "gold"},
        {"district": "moon"},
        {"location": {"type": "Point", "coordinates": [999, 0]}},
        {"location": {"type": "Polygon", "coordinates": []}},
        {"location": [1, 2]},
        {"location": {"type": "Point", "coordinates": [float("nan"), 0]}},
        {"cost": -1},
        {"cost": 1e3},
        {"cost": 10**30},
        {"cost": 100_001},
        {"cost": True},
        {"author": "x" * 61},
        {"status": "chosen"},
        {"process": 7},
    ],
)
def test_what_is_no_proposal_is_refused_with_the_place(city: MemoryCity, wrong: dict[str, Any]) -> None:
    with pytest.raises((Refusal, NotFound)) as refused:
        does(
            city,
            "propose",
            **({"process": P, "title": "T", "text": "x", "language": "en", "category": "green"} | wrong),
        )
    assert refused.value.where
    assert sees(city, "proposals", process=P)["total"] == 0


def test_html_stays_the_text_that_it_is(city: MemoryCity) -> None:
    said = "<script>alert(1)</script> & <b>bold</b>"
    ident = proposed(city, text=said)
    assert sees(city, "proposal", id=ident)["text"] == said


def test_what_was_assessed_chosen_and_built_is_told_with_its_delays(city: MemoryCity) -> None:
    ident = proposed(city, cost=10_000)
    with pytest.raises(Conflict, match="not chosen"):
        city.act("deliver", ident, status="chosen")
    city.act("assess", ident, status="admissible", reason="There is room.", cost=12_000)
    city.act("deliver", ident, status="under-way")
    first = {"key": "dig", "title": {"en": "Dig"}, "due": "2026-09-01T00:00:00Z"}
    city.act("deliver", ident, milestones=[first], works=["urn:ngsi-ld:PlannedWork:quay"])
    with pytest.raises(Refusal, match="later than was promised"):
        city.act("deliver", ident, milestones=[first | {"due": "2026-12-01T00:00:00Z"}])
    late = first | {"due": "2026-12-01T00:00:00Z", "delay": "The ground was frozen."}
    with pytest.raises(Refusal, match="not done"):
        city.act("deliver", ident, status="delivered", milestones=[late])
    with pytest.raises(Refusal, match="more than"):
        city.act("deliver", entity_without_reason(city), spent=99)
    done = late | {"done": "2026-11-30T00:00:00Z"}
    city.act("deliver", ident, status="delivered", milestones=[done], spent=13_000, reason="Roots of the old trees.")
    told = sees(city, "proposal", id=ident)
    assert (told["status"], told["delivery"]["spent"], told["delivery"]["budget"]) == ("delivered", 13_000, 12_000)
    assert told["delivery"]["milestones"][0]["delay"] == "The ground was frozen."
    assert told["delivery"]["works"] == ["urn:ngsi-ld:PlannedWork:quay"]
    for wrong in ({"works": "x"}, {"milestones": [{}]}, {"milestones": [first, first]}, {"spent": -1}, {"status": "x"}):
        with pytest.raises(Refusal):
            city.act("deliver", ident, **wrong)


def entity_without_reason(city: MemoryCity) -> str:
    city.say(entity("ParticipationProposal", "bare", process=P, status="chosen", cost=10, title="t", text="t"))
    return "urn:ngsi-ld:ParticipationProposal:bare"


# ---- comments, moderation, appeal


def test_a_comment_is_shown_and_pages_go_back(city: MemoryCity) -> None:
    ident = proposed(city)
    for n in range(7):
        commented(city, ident, f"Comment {n}", author="Bo")
    told = sees(city, "comments", about=ident, limit="3")
    assert ([one["text"] for one in told["comments"]], told["total"]) == (["Comment 6", "Comment 5", "Comment 4"], 7)
    more = sees(city, "comments", about=ident, limit="3", after=told["next"])
    assert [one["text"] for one in more["comments"]] == ["Comment 3", "Comment 2", "Comment 1"]
    last = sees(city, "comments", about=ident, limit="3", after=more["next"])
    assert ([one["text"] for one in last["comments"]], last["next"]) == (["Comment 0"], "")
    with pytest.raises(Refusal, match="said that already"):
        commented(city, ident, "COMMENT 3 ")


def test_of_a_hundred_thousand_comments_a_page_is_read_by_its_ids(city: MemoryCity) -> None:
    ident = proposed(city)
    city.say(entity("ParticipationProposal", ident, commentCount=limits.COMMENTS))
    asking: Any = SimpleNamespace(token=lambda text: city.acts.capabilities.token("participation", text))
    for n in (limits.COMMENTS, limits.COMMENTS - 1, limits.COMMENTS - 2):
        one = entity("ParticipationComment", comments.ident(asking, ident, n), about=ident, text=f"{n}", language="en")
        one.label = "open"
        city.say(one)
    told = sees(city, "comments", about=ident, limit="2")
    assert [one["text"] for one in told["comments"]] == ["100000", "99999"]
    with pytest.raises(Conflict, match="100,000"):
        commented(city, ident, "One more")


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ("These people are V3RM1N!", "hate"),
        ("v e r m i n, all of them", "hate"),
        ("ver\u200bmin", "hate"),
        ("vérmîn", "hate"),
        ("verrrrrmin", "hate"),
        ("BLÖTMANN raus", "hate"),
        ("I will kill you.", "hate"),
        ("سأقتلك", "hate"),
        ("ぶっ殺してやる", "hate"),
        ("あの人を殺してやると言った", "hate"),
        ("وسأقتلك غدا", "hate"),
        ("write me: ada.k@example.org", "personal-data"),
        ("he lives there, call +421 905 123 456", "personal-data"),
        ("pay to SK31 1200 0000 1987 4263 7541", "personal-data"),
        ("https://a.b https://a.c https://a.d www.e.f", "spam"),
        ("THIS IS THE WORST IDEA THAT ANYBODY EVER HAD IN THIS TOWN", "shouting"),
    ],
)
def test_a_rule_of_the_city_holds_a_comment_back_and_its_author_is_told_why(
    city: MemoryCity, said: str, code: str
) -> None:
    ident = proposed(city)
    comment = commented(city, ident, said)
    assert sees(city, "comments", about=ident)["comments"] == []
    (own,) = sees(city, "comments", "bo", about=ident)["comments"]
    assert (own["status"], own["held"]["by"], own["held"]["rule"]) == ("held", "rule", code)
    assert own["held"]["mayAppeal"]
    assert not city.find("ParticipationComment", sight=PUBLIC)
    (waits,) = sees(city, "queue", "mod", ("operator",))["waiting"]
    assert (waits["id"], waits["shown"]) == (comment, "held")


@given(
    st.text(max_size=300)
    | st.sampled_from(["a .", "0 ", "a@", "GB00 ", "www.", "- ", "é\u0301"]).map(lambda it: it * 1_500)
)
@settings(max_examples=50, deadline=5_000)
def test_every_text_is_judged_and_none_takes_long(said: str) -> None:
    assert moderation.rule(said, ["vermin"]) in {"", "hate", "personal-data", "spam", "shouting"}


@pytest.mark.parametrize(
    "said",
    [
        "The killer whale mural is lovely, and the deadline to comment is near.",
        "A vermillion bench for 1,200 EUR in 2026, 48.14 17.11, 12-14 h.",
        "I would shoot a film here. Why not?",
        "Très bonne idée; see https://example.org",
        "NATO UNO",
    ],
)
def test_what_is_harmless_is_not_held_back(city: MemoryCity, said: str) -> None:
    ident = proposed(city)
    commented(city, ident, said)
    assert [one["text"] for one in sees(city, "comments", about=ident)["comments"]] == [said]


def test_a_flag_hides_until_somebody_looked_and_what_he_let_stand_needs_five_more(city: MemoryCity) -> None:
    ident = proposed(city)
    comment = commented(city, ident, "I do not like it")
    does(city, "flag", by="cy", about=comment, kind="spam")
    assert sees(city, "comments", about=ident)["comments"] == []
    moderates(city, comment, "show")
    assert [one["status"] for one in sees(city, "comments", about=ident)["comments"]] == ["shown"]
    does(city, "flag", by="cy", about=comment, kind="spam")  # a second time: nothing
    for n in range(4):
        does(city, "flag", by=f"d{n}", about=comment, kind="hate")
    assert sees(city, "comments", about=ident)["comments"]
    does(city, "flag", by="d9", about=comment, kind="hate")
    assert sees(city, "comments", about=ident)["comments"] == []
    told = sees(city, "moderated", "mod", ("operator",), about=comment)
    assert [(one["did"], one["by"]) for one in told["entries"]] == [
        ("held", "flag"),
        ("shown", "person:mod"),
        ("held", "flag"),
    ]


def test_visitors_whom_nobody_knows_hide_a_text_by_three(city: MemoryCity) -> None:
    ident = proposed(city)
    comment = commented(city, ident, "I do not like it")
    for n, shown in ((1, 1), (1, 1), (2, 1), (3, 0)):
        city.act("flag", by="", roles=(), about=comment, kind="other", visit=Visit(f"visitor-{n}"))
        assert len(sees(city, "comments", about=ident)["comments"]) == shown


def test_who_hid_it_does_not_decide_the_appeal_and_nobody_moderates_himself(city: MemoryCity) -> None:
    ident = proposed(city)
    comment = commented(city, ident, "Rude")
    with pytest.raises(Conflict, match="nothing to appeal"):
        does(city, "appeal", by="bo", about=comment, text="Why?")
    moderates(city, comment, "hide", by="mod", rule="hate")
    with pytest.raises(Conflict, match="hidden already"):
        moderates(city, comment, "hide", by="mod2")
    with pytest.raises(NotFound, match="there is no such"):
        does(city, "appeal", by="cy", about=comment, text="Why?")
    does(city, "appeal", by="bo", about=comment, text="It was meant in jest")
    with pytest.raises(Conflict, match="already"):
        does(city, "appeal", by="bo", about=comment, text="Again")
    with pytest.raises(Forbidden, match="somebody else decides"):
        moderates(city, comment, "hide", by="mod")
    assert [one["mayDecide"] for one in sees(city, "queue", "mod", ("operator",))["waiting"]] == [False]
    with pytest.raises(Forbidden, match="wrote himself"):
        moderates(city, comment, "show", by="bo")
    moderates(city, comment, "show", by="mod2")
    (own,) = sees(city, "comments", "bo", about=ident)["comments"]
    assert own["status"] == "shown"
    assert "appealText" not in city.get(comment)
    entries = sees(city, "moderated", "mod", ("operator",), about=comment)["entries"]
    assert [one["did"] for one in entries] == ["hidden", "appealed", "shown"]
    assert {one["by"] for one in entries} == {"person:mod", "author", "person:mod2"}


def test_an_appeal_that_is_upheld_says_so_to_its_author_alone(city: MemoryCity) -> None:
    ident = proposed(city)
    comment = commented(city, ident, "Rude")
    moderates(city, comment, "hide")
    does(city, "appeal", by="bo", about=comment, text="No")
    moderates(city, comment, "hide", by="mod2")
    (own,) = sees(city, "comments", "bo", about=ident)["comments"]
    assert (own["status"], own["held"]["appeal"], own["held"]["mayAppeal"]) == ("hidden", "upheld", False)
    assert own["held"]["reason"] == "as our rules say"
    assert sees(city, "comments", about=ident)["comments"] == []
    assert sees(city, "queue", "mod", ("operator",))["waiting"] == []


def test_a_hidden_proposal_is_gone_for_others_and_is_not_brought_out_by_saying_it_anew(city: MemoryCity) -> None:
    ident = proposed(city, text="They are vermin")
    with pytest.raises(NotFound):
        sees(city, "proposal", id=ident)
    with pytest.raises(NotFound):
        sees(city, "comments", about=ident)
    with pytest.raises(Conflict, match="not shown"):
        does(city, "support", ident, by="ada")
    assert sees(city, "proposal", "ada", id=ident)["held"]["rule"] == "hate"
    does(city, "amend", ident, text="They are neighbours", why="Sorry")
    assert sees(city, "proposals", process=P)["total"] == 0
    assert not city.find("ParticipationProposal", sight=PUBLIC)
    moderates(city, ident, "show")
    assert sees(city, "proposal", id=ident)["text"] == "They are neighbours"


def test_what_is_hidden_answers_every_act_as_what_is_not_there(city: MemoryCity) -> None:
    held, none = proposed(city, text="They are vermin"), "urn:ngsi-ld:ParticipationProposal:none"
    about = proposed(city, "cy", title="Lamps")
    comment = commented(city, about, "vermin", by="cy")
    city.act("describe", key="later", **PROCESS)
    draft, no = P.replace("budget-2026", "later"), P.replace("budget-2026", "none")

    def refused(of: str, name: str, ident: str = "", /, by: str = "bo", **said: Any) -> str:
        with pytest.raises(NotFound) as found:
            does(city, name, ident, by=by, **said) if of == "act" else sees(city, name, by, **said)
        return str(found.value.detail).replace(ident or "-", "")

    more: dict[str, dict[str, Any]] = {"assess": {"status": "admissible", "reason": "x"}, "amend": {"text": "x"}}
    for by in ("", "bo"):
        for name in ("support", "unsupport", "amend", "withdraw", "assess", "deliver"):
            said = more.get(name, {})
            assert refused("act", name, held, by, **said) == refused("act", name, none, by, **said)
        for name in ("publish", "close"):
            assert refused("act", name, draft, by) == refused("act", name, no, by)
        assert refused("act", "flag", by=by, about=comment, kind="spam") == refused(
            "act", "flag", by=by, about=none, kind="spam"
        )
        for name, asked in (("proposal", "id"), ("comments", "about")):
            assert refused("view", name, by=by, **{asked: held}) == refused("view", name, by=by, **{asked: none})
        for name, asked in (("process", "id"), ("proposals", "process"), ("comments", "about")):
            assert refused("view", name, by=by, **{asked: draft}) == refused("view", name, by=by, **{asked: no})
    said = {"text": "x", "language": "en"}
    for hidden, nothing in ((held, none), (draft, no)):
        assert refused("act", "comment", about=hidden, **said) == refused("act", "comment", about=nothing, **said)
    assert refused("act", "appeal", about=held, text="x") == refused("act", "appeal", about=none, text="x")
    said = {"title": "x", "text": "x", "language": "en", "category": "green"}
    assert refused("act", "propose", process=draft, **said) == refused("act", "propose", process=no, **said)


def test_ids_do_not_count_on(city: MemoryCity) -> None:
    proposals = [proposed(city, f"p{n}", title=f"Idea {n}") for n in range(3)]
    said = [commented(city, proposals[0], f"Comment {n}") for n in range(3)]
    for ids in (proposals, said):
        tails = [one.rpartition("-" if ids is proposals else ":")[2] for one in ids]
        assert len(set(tails)) == 3
        assert all(len(one) == 24 and not one.startswith("0000") for one in tails)
        assert len({one[:6] for one in tails}) == 3


def test_a_version_that_was_never_let_stand_is_not_told_when_another_is(city: MemoryCity) -> None:
    ident = proposed(city, title="My neighbour", text="Call Jan on +421 905 123 456")
    does(city, "amend", ident, title="Trees", text="Two", why="Mended")
    moderates(city, ident, "show")
    does(city, "amend", ident, text="Two limes", why="Better")
    does(city, "amend", ident, text="Ask jan@example.org", why="His address")
    does(city, "amend", ident, text="Three limes", why="Mended again")
    moderates(city, ident, "show")
    told = sees(city, "proposal", id=ident)["versions"]
    assert [one.get("text") for one in told] == [None, "Two", "Two limes", None, "Three limes"]
    assert [one.get("hidden", False) for one in told] == [True, False, False, True, False]
    (public,) = city.find("ParticipationProposal", sight=PUBLIC)
    for words in ("905", "neighbour", "jan@", "His address"):
        assert words not in str(told)
        assert words not in str(public.doc)


def test_entries_of_moderation_are_there_for_good(city: MemoryCity) -> None:
    comment = commented(city, proposed(city), "Rude")
    moderates(city, comment, "hide")
    (entry,) = city.find("ModerationEntry")
    for verb in ("delete", "upsert"):
        (outcome,) = city.write(Write(verb, entry.id, entry.doc if verb == "upsert" else {}))  # type: ignore[arg-type]
        assert isinstance(outcome, Refused) or verb == "upsert"
    assert city.get(entry.id)["did"] == "hidden"


def test_one_person_does_not_talk_all_the_others_down(city: MemoryCity) -> None:
    ident = proposed(city)
    for n in range(limits.HOURLY["comment"]):
        commented(city, ident, f"Again {n}")
    with pytest.raises(Refusal, match="an hour"):
        commented(city, ident, "And again")
    commented(city, ident, "And I", by="cy")
    city.turn(seconds=3_700)
    commented(city, ident, "And again")


@pytest.mark.parametrize(
    "wrong",
    [
        {"text": ""}, {"text": "x" * 2_001}, {"text": 7}, {"language": None}, {"about": "urn:x"}, {"about": []},
        {"author": "\u202e"}, {"html": "<b>"}, {"about": P, "text": "\x07"},
    ],
)  # fmt: skip
def test_what_is_no_comment_is_refused(city: MemoryCity, wrong: dict[str, Any]) -> None:
    with pytest.raises((Refusal, NotFound)) as refused:
        does(city, "comment", **({"about": P, "text": "Yes", "language": "en"} | wrong))
    assert refused.value.where


# ---- my street


def test_what_happens_in_my_street_is_told_by_place_and_by_link(city: MemoryCity) -> None:
    near = proposed(city, location=POINT)
    proposed(city, "bo", location={"type": "Point", "coordinates": [17.5, 48.5]}, title="Far away")
    near_by = {
        "R1": entity("ServiceRequest", "R1", step="received", location=POINT, listed=False),  # not for everybody
        "R2": entity("ServiceRequest", "R2", step="received", location=POINT, listed=True, serviceCode="lamp<3>"),
        "W1": entity(
            "PlannedWork", "W1", location=POINT, names={"en": "Pipe", "fr": "Lampe"}, until="2026-04-01T00:00:00Z"
        ),
        "W2": entity("PlannedWork", "W2", location=POINT, names={"en": "Over"}, until="2026-02-01T00:00:00Z"),
        "W3": entity("PlannedWork", "W3", location=POINT, names={"en": "Not now"}, cancelled=True),
        "A1": entity("Warning", "A1", location=POINT, state="sent", texts={"fr": {"title": "Gel"}}),
        "A2": entity("Warning", "A2", location=POINT, state="draft", texts={"fr": {"title": "Brouillon"}}),
        "A3": entity("Warning", "A3", location=POINT, state="sent", texts={"fr": {"title": "Entre nous"}}),
    }
    for name, one in near_by.items():
        one.label = "open" if name not in {"R1", "R2", "A3"} else None
    city.say(*near_by.values())
    shown = {near, near_by["R2"].id, near_by["W1"].id, near_by["A1"].id}
    told = sees(city, "street", lon="17.1101", lat="48.1401", radius_m="500")
    assert {one["id"] for one in told["items"]} == shown
    for _ in range(2):
        does(city, "follow", lon=17.11, lat=48.14, radius_m=300, name="Home", language="fr")
    (mine,) = sees(city, "mine", "ada")["follows"]
    token = mine["feed"].partition("token=")[2]
    feed = sees(city, "feed", token=token)
    assert feed.kind == "application/atom+xml"
    assert b"Lampe" in feed.body
    assert b"ada" not in feed.body
    assert b"Gel" in feed.body
    assert {one["id"] for one in sees(city, "follow-told", token=token)["items"]} == shown
    assert b"lamp&lt;3&gt;" in sees(city, "feed", lon="17.11", lat="48.14").body
    for wrong in ("", "x", token[:-1], token + "A", city.acts.capabilities.token("warnings", "follow:x")):
        with pytest.raises(NotFound):
            sees(city, "feed", token=wrong)
    with pytest.raises(NotFound):
        does(city, "unfollow", mine["id"], by="bo")
    does(city, "unfollow", mine["id"])
    with pytest.raises(NotFound):
        sees(city, "feed", token=token)


@pytest.mark.parametrize(
    "wrong",
    [{"lon": "x"}, {"lon": 200}, {"radius_m": 1}, {"radius_m": 10**9}, {"kinds": []}, {"kinds": ["x"]}, {"lat": None}],
)
def test_what_is_no_place_is_refused(city: MemoryCity, wrong: dict[str, Any]) -> None:
    with pytest.raises(Refusal):
        does(city, "follow", **({"lon": 17.0, "lat": 48.0, "radius_m": 100} | wrong))
    asked = {name: str(value) for name, value in ({"lon": 17.0, "lat": 48.0, "radius_m": 100} | wrong).items()}
    asked |= {"kinds": "x"} if "kinds" in wrong else {}
    with pytest.raises(Refusal):
        sees(city, "street", **asked)


def test_somebody_has_twenty_places_and_no_more(city: MemoryCity) -> None:
    for n in range(limits.FOLLOWS):
        does(city, "follow", lon=17.0 + n / 100, lat=48.0, radius_m=100)
    with pytest.raises(Conflict, match="20"):
        does(city, "follow", lon=18.0, lat=48.0, radius_m=100)
    assert len(sees(city, "mine", "ada")["follows"]) == 20
    with pytest.raises(Forbidden):
        sees(city, "mine")
    assert set(street.SOURCES) == {"proposal", "works", "request", "warning"}
