"""What people say of inputs: a value with its evidence, or that there is none; a second person's word that it is so."""

from collections.abc import Iterable
from typing import Any, Final

from hansa import Act, City, Conflict, Delete, Entity, Forbidden, Refusal, entity
from hansa.apps.scorecard import asked, frameworks, inputs, nouns, plausible
from hansa.apps.scorecard.inputs import Word
from hansa.apps.scorecard.made import STAFF, VERIFIERS, app
from hansa.apps.scorecard.queries import read
from hansa.apps.scorecard.times import iso

PAPERS: Final = 3
"""Files of evidence for one number."""


@app.act("enter", "KpiInput", roles=STAFF, new=True, files=PAPERS, kinds=("paper", "sheet", "photo"))
def enter(act: Act, city: City) -> Iterable[Entity | Delete]:
    """Say what an input is: `framework`, `input`, `period`, `value`, `evidence`; or `status` and `reason` of none.

    With `code` instead of `input`: none of the indicator's inputs that no other indicator needs can be said.
    """
    framework = frameworks.in_use(city, act.said.get("framework"))
    spell = nouns.past_or_running(city, act.said.get("period"))
    area = nouns.checked_area(city, act.said.get("area"))
    status = act.said.get("status", "reported")
    if status not in asked.STATUSES:
        raise Refusal(f"status cannot be {str(status)[:40]!r}", where="status", mend=", ".join(asked.STATUSES))
    evidence, correct = asked.evidence(act), asked.flag(act.said, "correct")
    value, reason = None, ""
    names = _names(act, framework, status)
    if status == "reported":
        spec = framework.inputs[names[0]]
        value = asked.number(_as_number(act.said.get("value")), "value")
        value = asked.in_unit(value, act.said.get("unit"), spec.unit)
        in_range(framework, names[0], value)
        if not evidence:
            raise Refusal("show where it is from", where="evidence", mend="a text, a link, or a file")
    else:
        reason = asked.text(act.said, "reason")
        if act.said.get("value") not in (None, ""):
            raise Refusal(f"what is {status} has no value", where="value")
    words = [
        Word(
            name, area, spell, value, status, "entered", act.by, act.at,
            lineage={"how": "entered", "by": act.by, "at": iso(act.at)},
            reason=reason,
            correction=asked.text(act.said, "reason", needed=False) if correct else "",
            evidence=evidence,
            completeness=1.0 if value is not None else None,
            media=tuple(one.said() for one in act.files),
        )
        for name in names
    ]  # fmt: skip
    yield from told(city, framework, words, correct=correct)


def told(city: City, framework: Any, words: list[Word], *, correct: bool) -> Iterable[Entity | Delete]:
    """Weigh words of one area and period, all together, and say them. Refusal where one cannot be so."""
    spell, area = words[0].spell, words[0].area
    stand = []
    for word in words:
        before = nouns.known(city, nouns.input_id(framework.id, word.name, area, spell.period))
        unbound(city, framework.id, word, before)
        inputs.unsaid(word, before, correct=correct)
        stand.append((word, before))
    known = plausible.values(city, framework.id, area, spell.period)
    wrong = plausible.new_faults(framework, known, {word.name: word.value for word in words}, spell)
    for fault in wrong:
        if fault.severity == "error":
            raise Refusal(
                f"{fault.code}: {fault.says}",
                where=fault.where or words[0].name,
                mend="one of these numbers is not so; several are said at once as a sheet",
            )
    for word, before in stand:
        yield from inputs.said(framework, word, before)


def in_range(framework: Any, name: str, value: float) -> None:
    """Refusal for what an input cannot be at all, such as fewer than no households."""
    low, high = framework.inputs[name].range
    if (low is not None and value < low) or (high is not None and value > high):
        raise Refusal(
            f"{name} cannot be {value:g}", where="value", mend=f"between {low} and {high}" if high else f"{low} or more"
        )


def unbound(city: City, framework: str, word: Word, before: Entity | None) -> None:
    """Refusal where a query says this input of this period: it would be said over within the hour."""
    bound = nouns.known(city, nouns.binding_id(framework, word.name, word.area))
    if bound is None or (before is not None and before.get("by") != inputs.AGENT and inputs.is_known(before)):
        return
    since = str(bound.get("since") or word.spell.period)
    if word.spell.period >= since and (word.spell.running or read(bound["how"]).lasting):
        raise Refusal(
            f"{word.name} of {word.spell.period} is obtained by a query", where="input", mend=f"unbind {bound.id} first"
        )


@app.act("verify", "KpiInput", public=True, noted=True)
def verify(act: Act, _city: City) -> Iterable[Entity]:
    """Confirm a value as it was seen (`value`) and its evidence: a supervisor or auditor, never who said it.

    Public only in name: auditors write nothing else in the realm, so the app does it for them, and checks itself.
    """
    roles = sorted(VERIFIERS & act.roles)
    if not act.by or not roles:
        raise Forbidden("this is not for you to do", mend=f"it is for: {', '.join(sorted(VERIFIERS))}")
    one = act.subject
    if one is None or not inputs.is_known(one):
        raise Refusal("there is no value to verify", where="id")
    if one.get("status") == "verified":
        raise Refusal("it is verified", where="id")
    if inputs.is_word_of(one, act.by):
        raise Refusal("who said it does not verify it", where="id", mend="a second person looks at the evidence")
    if "value" not in act.said:
        raise Refusal("say which value you have seen", where="value")
    if asked.number(act.said["value"], "value") != one["value"]:
        raise Conflict(f"it is {one['value']:g} by now", mend="look at it again")
    if one.get("provisional"):
        raise Refusal("its period still runs", where="id", mend="verify it when the year is over")
    yield entity(
        "KpiInput", one.id, status="verified", verifiedBy=act.by, verifiedAt=iso(act.at), verifiedRole=roles[0]
    )


def _names(act: Act, framework: Any, status: str) -> list[str]:
    if "code" not in act.said:
        return [asked.input_of(framework, act.said.get("input"))]
    if status == "reported" or "input" in act.said:
        raise Refusal("a value is of an input, not of an indicator", where="code", mend="name the input")
    indicator = asked.indicator_of(framework, act.said["code"])
    own = [name for name in indicator.inputs if len(framework.uses[name]) == 1]
    if not own:
        raise Refusal("other indicators need its inputs, too", where="code", mend="name the input")
    return own


def _as_number(said: Any) -> Any:
    """A number, also from a form. Refusal for a text that could be two numbers."""
    if not isinstance(said, str) or not said.isascii() or "_" in said:
        return said
    try:
        return float(said)
    except ValueError:
        return said
