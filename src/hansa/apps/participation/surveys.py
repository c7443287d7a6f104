"""Surveys: questions, one answer a person, named or not by his choice; results in which nobody stands alone.

What somebody answers without his name is kept without it. It is not a secret ballot: the log of the city's machine
knows which answer came when. Where that matters, ask in a vote.
"""

import math
from collections.abc import Iterable, Mapping
from secrets import token_hex
from typing import Any

from hansa import Act, Asking, City, Conflict, Entity, Refusal, entity
from hansa.apps.participation.processes import KIND as PROCESS
from hansa.apps.participation.said import (
    flag,
    iso,
    key,
    known,
    languages,
    made,
    only,
    staff,
    staff_on,
    subject,
    text,
    there,
    whole,
    word,
)
from hansa.apps.participation.taking_part import Participant, inner, private, public, seen_subject
from hansa.apps.participation.words import COMMENT, LEAST, NOTE, OPTIONS, QUESTIONS, SURVEYED, TITLE

KIND = "Survey"
_KINDS = ("one", "many", "scale", "text")


def drafted(act: Act, city: Asking) -> Iterable[Entity]:
    """A survey, as a draft; what is open is not changed."""
    who = staff(act)
    only(act.said, "title", "questions", "anonymous", "process")
    if act.subject is not None and act.subject.get("status") != "draft":
        raise Conflict("people have answered it as it is", where="id", mend="ask in another one")
    title, questions = languages(act.said, "title", TITLE), _questions(act.said.get("questions"))
    told: dict[str, Any] = {"title": title, "questions": questions, "anonymousAllowed": flag(act.said, "anonymous")}
    if act.said.get("process"):
        told["process"] = subject(city, act.said["process"], PROCESS, where="process").id
    yield inner(entity(KIND, act.id or made("survey", str(act.at), who, str(told)), status="draft", answered=0, **told))


def opened(act: Act, _city: Asking) -> Iterable[Entity]:
    """Everybody may answer from now on."""
    staff_on(act)
    _is(act, "draft")
    yield public(entity(KIND, act.id, status="open"))
    yield _nobodys(entity("SurveyTally", _tally(act.id), survey=act.id, counts={}))


def closed(act: Act, _city: Asking) -> Iterable[Entity]:
    """Nobody answers any more."""
    staff_on(act)
    _is(act, "open")
    yield public(entity(KIND, act.id, status="closed"))


def _is(act: Act, status: str) -> None:
    if act.subject is None or act.subject.get("status") != status:
        raise Conflict(f"it is not {status}", where="id")


def _nobodys(tally: Entity) -> Entity:
    """The same tally, personal: from one answer to the next it says what somebody answered."""
    tally.label = "personal"
    return tally


def _tally(survey: str) -> str:
    return f"urn:ngsi-ld:SurveyTally:{made('tally', survey)}"


def _questions(said: Any) -> list[dict[str, Any]]:
    if not isinstance(said, list) or not 1 <= len(said) <= QUESTIONS:
        raise Refusal(f"a survey has 1 to {QUESTIONS} questions", where="questions")
    found: dict[str, dict[str, Any]] = {}
    for n, one in enumerate(said):
        where = f"questions[{n}]"
        if not isinstance(one, Mapping):
            raise Refusal("a question is id, text, kind", where=where)
        only(one, "id", "text", "kind", "options", "required", "least", "most")
        ident, kind = key(one, "id"), word(one, "kind", _KINDS)
        if ident in found:
            raise Refusal("the id of a question is its own", where=where)
        told: dict[str, Any] = {"id": ident, "kind": kind, "text": languages(one, "text", NOTE)}
        told["required"] = flag(one, "required")
        if kind in {"one", "many"}:
            told["options"] = _options(one.get("options"), where)
        elif kind == "scale":
            told |= {"least": whole(one, "least", 0, 10), "most": whole(one, "most", 1, 10)}
            if told["least"] >= told["most"]:
                raise Refusal("a scale goes up", where=f"{where}.most")
        found[ident] = told
    return list(found.values())


def _options(said: Any, where: str) -> list[dict[str, Any]]:
    if not isinstance(said, list) or not 2 <= len(said) <= OPTIONS or not all(isinstance(it, Mapping) for it in said):
        raise Refusal(f"2 to {OPTIONS} options", where=f"{where}.options")
    found = [{"id": key(it, "id"), "text": languages(it, "text", NOTE)} for it in said]
    if len({it["id"] for it in found}) != len(found):
        raise Refusal("the id of an option is its own", where=f"{where}.options")
    return found


def answered(act: Act, city: Asking) -> Iterable[Entity]:
    """One answer a person."""
    survey, who = seen_subject(act, city), known(act)
    only(act.said, "answers", "anonymous")
    if survey.get("status") != "open":
        raise Conflict("it is not open", where="id")
    if survey.get("answered", 0) >= SURVEYED:
        raise Conflict(f"{SURVEYED:,} have answered", where="id")
    unnamed = flag(act.said, "anonymous")
    if unnamed and not survey.get("anonymousAllowed"):
        raise Refusal("this survey asks for names", where="anonymous")
    taken = f"urn:ngsi-ld:SurveyTaken:{made('taken', survey.id, who)}"
    if there(city, taken) is not None:
        raise Conflict("you have answered already", where="id", mend="one answer a person")
    said = act.said.get("answers")
    if not isinstance(said, Mapping) or set(said) - {one["id"] for one in survey["questions"]}:
        raise Refusal("answers are by the ids of the questions", where="answers")
    answers = {one["id"]: _answer(one, said) for one in survey["questions"]}
    answers = {ident: value for ident, value in answers.items() if value is not None}
    he = Participant(act, city)
    he.does("answer")
    yield he.said()
    yield private(entity("SurveyTaken", taken, survey=survey.id), who)
    name = token_hex(12) if unnamed else made("answer", survey.id, who)
    one = entity("SurveyAnswer", name, survey=survey.id, answers=answers)
    if unnamed:
        one.label = "personal"
        yield one
    else:
        yield private(one, who)
    tally = city.get(_tally(survey.id))
    counts = {
        one["id"]: answers[one["id"]] for one in survey["questions"] if one["id"] in answers and one["kind"] != "text"
    }
    yield _nobodys(entity("SurveyTally", tally.id, counts=_counted(tally.get("counts", {}), counts)))
    yield public(entity(KIND, survey.id, answered=survey.get("answered", 0) + 1))


def _answer(question: Mapping[str, Any], said: Mapping[str, Any]) -> Any:
    ident, kind = question["id"], question["kind"]
    value = said.get(ident)
    if value is None or value in ("", []):
        if question.get("required"):
            raise Refusal("this question wants an answer", where=f"answers.{ident}")
        return None
    known_ = [one["id"] for one in question.get("options", ())]
    if kind == "one":
        return word(said, ident, known_)
    if kind == "many":
        if not isinstance(value, list) or len(value) > len(known_) or len({str(it) for it in value}) != len(value):
            raise Refusal("choose some of the options, each once", where=f"answers.{ident}")
        return [word({ident: one}, ident, known_) for one in value]
    if kind == "scale":
        return whole(said, ident, question["least"], question["most"])
    return text(said, ident, COMMENT, lines=True)


def _counted(counts: Mapping[str, Any], answers: Mapping[str, Any]) -> dict[str, Any]:
    made_ = {ident: dict(one) for ident, one in counts.items()}
    for ident, value in answers.items():
        one = made_.setdefault(ident, {"n": 0, "of": {}})
        one["n"] += 1
        of = one["of"] = dict(one["of"])
        for each in value if isinstance(value, list) else [value]:
            of[str(each)] = of.get(str(each), 0) + 1
    return made_


def results(city: City, survey: Entity) -> dict[str, Any]:
    """What was answered: with n, and without what fewer than `LEAST` said."""
    tally = there(city, _tally(survey.id))
    counts = {} if tally is None else tally.get("counts", {})
    told = []
    for one in survey["questions"]:
        had = counts.get(one["id"], {"n": 0, "of": {}})
        line: dict[str, Any] = {"id": one["id"], "kind": one["kind"], "n": had["n"], "counts": None, "mean": None}
        if had["n"] >= LEAST and one["kind"] != "text":
            names = [it["id"] for it in one.get("options", ())]
            if one["kind"] == "scale":
                names = [str(n) for n in range(one["least"], one["most"] + 1)]
            line["counts"] = apart({name: had["of"].get(name, 0) for name in names})
            if one["kind"] == "scale" and None not in line["counts"].values():  # a mean would tell what is hidden
                line["mean"] = round(math.fsum(int(v) * n for v, n in had["of"].items()) / had["n"], 2)
        if 0 < line["n"] < LEAST:
            line["n"] = None
        told.append(line)
    many = survey.get("answered", 0)
    return {
        "id": survey.id,
        "n": many if many == 0 or many >= LEAST else None,
        "hiddenBelow": LEAST,
        "questions": told,
    }


def apart(counts: Mapping[str, int]) -> dict[str, int | None]:
    """Counts without the small ones; where the sum would tell what is hidden, another goes too.

    It would where one alone is hidden, and where all that are can only be 1, or only the most that is hidden.
    """
    hidden = {name for name, many in counts.items() if 0 < many < LEAST}
    many_hidden = sum(counts[name] for name in hidden)
    told_ = len(hidden) == 1 or (hidden and many_hidden in {len(hidden), len(hidden) * (LEAST - 1)})
    if told_ and len(counts) > len(hidden):
        rest = sorted((many, name) for name, many in counts.items() if name not in hidden)
        hidden.add(next((name for many, name in rest if many), rest[0][1]))
    return {name: None if name in hidden else many for name, many in counts.items()}


def told(survey: Entity, city: City, who: str) -> dict[str, Any]:
    """A survey as whoever answers it sees it."""
    taken = bool(who) and there(city, f"urn:ngsi-ld:SurveyTaken:{made('taken', survey.id, who)}") is not None
    names = ("title", "status", "anonymousAllowed", "questions")
    return {"id": survey.id, **{name: survey.get(name) for name in names}, "answered": taken, "at": iso(city.now())}
