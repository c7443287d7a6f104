"""Participation: what residents propose, say, decide and are told. Report: 2.2.9, 3.2.1.

Processes go through phases (collect, discuss, assess, vote, deliver); residents propose, support, comment; what a rule
or a flag marks is hidden until somebody of the city has looked, and may be appealed; votes are secret and can be
counted by anybody (`/votes`, ADR 0017); what was chosen is told until it is built. Everything here is public: the app
decides who may do what, and writes in its own name, so that the log does not say who said what. See README.md.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final

from hansa import Act, Answer, App, Asking, Change, City, Delete, Entity
from hansa.apps.participation import (
    ballots,
    comments,
    moderation,
    processes,
    proposals,
    street,
    surveys,
    views,
)

__all__ = ["app"]

_OURS: Final = {
    *("ParticipationProcess", "ParticipationProposal", "ParticipationComment", "ProposalSupport", "Participant"),
    *("Authorship", "ContentFlag", "ModerationEntry", "Ballot", "Survey", "SurveyAnswer", "SurveyTaken"),
    *("SurveyTally", "Follow"),
}
Said = Iterable[Entity | Delete]

app = App(
    "participation",
    report="2.2.9",
    reads=_OURS | {source[0] for source in street.SOURCES.values()},
    writes=_OURS,
    append_only={"ModerationEntry"},
    keeps=dict.fromkeys(sorted(_OURS - {"ModerationEntry"}), ()),
)


def _about(said: Mapping[str, Any]) -> str:
    """Those who do something about the same thing wait in one line."""
    about = said.get("about", said.get("process", ""))
    return about if isinstance(about, str) else ""


# ---- What residents do


@app.act("propose", proposals.KIND, new=True, public=True, key=_about)
def propose(act: Act, city: Asking) -> Said:
    """Propose something: process, title, text, language, category, district, location, cost, author (a shown name)."""
    return proposals.proposed(act, city)


@app.act("amend", proposals.KIND, public=True)
def amend(act: Act, city: Asking) -> Said:
    """Say a proposal of one's own anew, and `why`: the versions before stay to be read."""
    return proposals.amended(act, city)


@app.act("withdraw", proposals.KIND, public=True)
def withdraw(act: Act, city: Asking) -> Said:
    """Take a proposal of one's own back."""
    return proposals.withdrawn(act, city)


@app.act("support", proposals.KIND, public=True)
def support(act: Act, city: Asking) -> Said:
    """Support a proposal: once a person."""
    return proposals.supported(act, city)


@app.act("unsupport", proposals.KIND, public=True)
def unsupport(act: Act, city: Asking) -> Said:
    """Support it no longer."""
    return proposals.unsupported(act, city)


@app.act("comment", comments.KIND, new=True, public=True, key=_about)
def comment(act: Act, city: Asking) -> Said:
    """Say something about a proposal or process: about, text, language, author (a shown name)."""
    return comments.commented(act, city)


@app.act("flag", comments.KIND, new=True, public=True, key=_about)
def flag(act: Act, city: Asking) -> Said:
    """Say that a text should not stand: about, kind, note. It is hidden until somebody has looked."""
    return moderation.flagged(act, city)


@app.act("appeal", comments.KIND, new=True, public=True, key=_about)
def appeal(act: Act, city: Asking) -> Said:
    """Say why a hidden text of one's own should stand: about, text. Another moderator decides."""
    return moderation.appealed(act, city)


@app.act("answer", surveys.KIND, public=True)
def answer(act: Act, city: Asking) -> Said:
    """Answer a survey: answers, anonymous. Once a person."""
    return surveys.answered(act, city)


@app.act("follow", street.KIND, new=True, public=True)
def follow(act: Act, city: Asking) -> Said:
    """Hear what happens around a place: lon, lat, radius_m, kinds, name, language."""
    return street.followed(act, city)


@app.act("unfollow", street.KIND, public=True)
def unfollow(act: Act, city: Asking) -> Said:
    """Not any more."""
    return street.unfollowed(act, city)


# ---- What staff does


@app.act("describe", processes.KIND, new=True, public=True, noted=True)
def describe(act: Act, city: Asking) -> Said:
    """Add a process, or say it anew: title, summary, kind, phases, categories, districts, budget. For staff."""
    return processes.described(act, city)


@app.act("publish", processes.KIND, public=True, noted=True)
def publish(act: Act, city: Asking) -> Said:
    """Let everybody see a process. For staff."""
    return processes.published(act, city)


@app.act("close", processes.KIND, public=True, noted=True)
def close(act: Act, city: Asking) -> Said:
    """End a process, with the reason. For staff."""
    return processes.closed(act, city)


@app.act("moderate", comments.KIND, new=True, public=True, noted=True, key=_about)
def moderate(act: Act, city: Asking) -> Said:
    """Decide about a text: about, decision (show, hide), reason, rule. For staff; an appeal for another one."""
    return moderation.moderated(act, city)


@app.act("assess", proposals.KIND, public=True, noted=True)
def assess(act: Act, city: Asking) -> Said:
    """Say whether a proposal can be done: status (admissible, rejected), reason, cost. For staff."""
    return proposals.assessed(act, city)


@app.act("deliver", proposals.KIND, public=True, noted=True)
def deliver(act: Act, city: Asking) -> Said:
    """Say how far what was chosen is: status, milestones, spent, works, reason. For staff."""
    return proposals.delivered(act, city)


@app.act("draft-ballot", ballots.KIND, new=True, public=True, noted=True)
def draft_ballot(act: Act, city: Asking) -> Said:
    """Draft a vote: process, question, kind, rule, options, budget, opens, closes, who. For staff."""
    return ballots.drafted(act, city)


@app.act("open-ballot", ballots.KIND, public=True, noted=True)
def open_ballot(act: Act, city: Asking) -> Said:
    """Have a vote opened: nothing of it is changed from then on. For staff."""
    return ballots.opening(act, city)


@app.act("draft-survey", surveys.KIND, new=True, public=True, noted=True)
def draft_survey(act: Act, city: Asking) -> Said:
    """Draft a survey: title, questions, anonymous, process. For staff."""
    return surveys.drafted(act, city)


@app.act("open-survey", surveys.KIND, public=True, noted=True)
def open_survey(act: Act, city: Asking) -> Said:
    """Let everybody answer a survey. For staff."""
    return surveys.opened(act, city)


@app.act("close-survey", surveys.KIND, public=True, noted=True)
def close_survey(act: Act, city: Asking) -> Said:
    """End a survey: its results are told. For staff."""
    return surveys.closed(act, city)


# ---- What people ask


@app.view("processes", public=True)
def _processes(asked: Mapping[str, str], city: Asking) -> Any:
    """Every process, and the phase it is in."""
    return views.processes(asked, city)


@app.view("process", public=True)
def _process(asked: Mapping[str, str], city: Asking) -> Any:
    """One process (`id`), its votes and surveys."""
    return views.process(asked, city)


@app.view("proposals", public=True)
def _proposals(asked: Mapping[str, str], city: Asking) -> Any:
    """Proposals of a `process`: category, district, status, q, sort, limit, after."""
    return views.proposals(asked, city)


@app.view("proposal", public=True)
def _proposal(asked: Mapping[str, str], city: Asking) -> Any:
    """One proposal (`id`): its versions, and how far it is."""
    return views.proposal(asked, city)


@app.view("comments", public=True)
def _comments(asked: Mapping[str, str], city: Asking) -> Any:
    """What is said `about` something, the newest first: limit, after."""
    return views.comments_(asked, city)


@app.view("mine", public=True)
def _mine(asked: Mapping[str, str], city: Asking) -> Any:
    """What is of whoever asks: proposals, comments, places with their feeds."""
    return views.mine(asked, city)


@app.view("ballot", public=True)
def _ballot(asked: Mapping[str, str], city: Asking) -> Any:
    """A vote (`id`): what is asked, and its result."""
    return views.ballot(asked, city)


@app.view("survey", public=True)
def _survey(asked: Mapping[str, str], city: Asking) -> Any:
    """A survey (`id`), as whoever would answer it sees it."""
    return views.survey(asked, city)


@app.view("survey-results", public=True)
def _survey_results(asked: Mapping[str, str], city: Asking) -> Any:
    """What was answered to a survey (`id`); small groups are hidden."""
    return views.survey_results(asked, city)


@app.view("street", public=True)
def _street(asked: Mapping[str, str], city: Asking) -> Any:
    """What happens around `lon` and `lat`: radius_m, kinds."""
    return street.street(asked, city)


@app.view("feed", public=True)
def _feed(asked: Mapping[str, str], city: Asking) -> Answer:
    """A feed (Atom) by the `token` of one's link, or of a place (`lon`, `lat`, `radius_m`, `kinds`)."""
    return street.feed(asked, city)


@app.view("follow-told", public=True)
def _follow_told(asked: Mapping[str, str], city: Asking) -> Any:
    """The same as JSON, by its `token`."""
    return street.told(street.of_token(asked, city), city)


@app.view("queue", public=True)
def _queue(asked: Mapping[str, str], city: Asking) -> Any:
    """What waits for a moderator. For staff."""
    return views.queue(asked, city)


@app.view("moderated", public=True)
def _moderated(asked: Mapping[str, str], city: Asking) -> Any:
    """What became of a text (`about`), entry by entry. For staff."""
    return views.moderated(asked, city)


@app.view("surveys", public=True)
def _surveys(asked: Mapping[str, str], city: Asking) -> Any:
    """Every survey. For staff."""
    return views.surveys_(asked, city)


@app.view("ballots", public=True)
def _ballots(asked: Mapping[str, str], city: Asking) -> Any:
    """Every vote. For staff."""
    return views.ballots_(asked, city)


# ---- What happens by itself


@app.on(ballots.KIND, "status", "result")
def chosen(change: Change, city: City) -> Said:
    """What a counted vote has chosen is chosen; the rest of what it asked about is not."""
    vote = change.entity
    if vote.get("status") != "counted":
        return
    yield from ballots.decided(vote, city)
