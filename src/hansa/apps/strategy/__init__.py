"""Strategy: where the city stands, what it does next, what that costs, what came of it (report 2.4.1, 3.1, 3.2, 5.5).

Measures with owner, cost, funding, what they wait for and what they are to move; agreements, rules and sandboxes beside
them; money on stated assumptions; blocks that departments can share. When a review is due, the app compares what was
expected with what the indicators say, and reminds the owner. It proposes, people decide. See README.md here.
"""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any, Final

from hansa import Act, App, City, Conflict, Delete, Entity, NotFound, Refusal, entity, saying
from hansa.apps.strategy import appraising, loop, measure, outcome, profile, register, views
from hansa.apps.strategy.words import DECIDERS, EDITORS, NEXT, NOTE, PHASES, READERS, STAGES, STATUSES, SUMMARY, WORD

__all__ = ["app"]

_OURS: Final = {"Measure", "StrategyProfile", "Agreement", "RegulatoryRule", "Sandbox", "MeasureOutcome"}
Said = Iterable[Entity | Delete]

app = App(
    "strategy",
    report="2.4.1",
    reads=_OURS | {"KeyPerformanceIndicator", "KpiTarget", "KpiFramework", "Solution", "Notice"},
    writes=_OURS | {"Notice"},
    keeps=dict.fromkeys(sorted(_OURS), ()),
)


# ---- Measures


@app.act("measure", "Measure", roles=EDITORS, new=True)
def measure_(act: Act, city: City) -> Said:
    """Propose a measure, or say it anew; null says a member no longer. What was approved keeps its effects."""
    one = _known(act)
    if one is None:
        told = measure.read(act.said)
        ident = f"urn:ngsi-ld:Measure:{_made(act, told['name'])}"
        measure.waits(city, ident, told.get("dependsOn", []))
        yield _inner(entity("Measure", ident, **told, status="proposed"))
        return
    saying.only(act.said, *measure.FIELDS)
    whole = measure.content(one) | dict(act.said)
    told = measure.read({name: value for name, value in whole.items() if value is not None})
    measure.unchanged(one, told)
    measure.waits(city, one.id, told.get("dependsOn", []))
    for name in measure.dropped(one, told):
        yield Delete(one.id, name)
    yield entity("Measure", one.id, **told)


@app.act("decide", "Measure", roles=DECIDERS, noted=True)
def decide(act: Act, city: City) -> Said:
    """Say what becomes of a measure: status (approved, under-way, done, dropped, proposed), reason."""
    saying.only(act.said, "status", "reason")
    one, to = _subject(act), saying.word(act.said, "status", STATUSES)
    was = str(one.get("status"))
    if to not in NEXT.get(was, ()):
        after = " or ".join(sorted(NEXT.get(was, ()))) or "nothing else"
        raise Conflict(f"it is {was}: it becomes {after}", where="status")
    reason = saying.text(act.said, "reason", NOTE, least=1 if to in {"dropped", "proposed"} else 0)
    if to == "approved" and one.get("cost") and not one.get("funding"):
        raise Refusal("nobody has said who pays", where="id", mend="add its funding")
    if to == "under-way":
        for ident in one.get("dependsOn") or ():
            needed = outcome.there(city, ident)
            if needed is not None and needed.get("status") != "done":
                raise Refusal(f"it waits for {needed.get('name')}, which is {needed.get('status')}", where="id")
    line = {"status": to, "at": saying.iso(act.at), "by": act.by} | ({"reason": reason} if reason else {})
    yield entity("Measure", one.id, status=to, decisions=[*(one.get("decisions") or ()), line][-50:])


@app.act("review", "MeasureOutcome", roles=EDITORS)
def review(act: Act, city: City) -> Said:
    """Say that an outcome was looked at, with a note; it stands from then on. `reviewAt`: when it is looked at next."""
    saying.only(act.said, "note", "reviewAt")
    one = _subject(act)
    if one.get("seenBy"):
        raise Conflict("it was looked at already", where="id")
    note = saying.text(act.said, "note", NOTE, lines=True)
    yield entity("MeasureOutcome", one.id, seenBy=act.by, seenAt=saying.iso(act.at), note=note)
    if act.said.get("reviewAt"):
        again = saying.day(act.said, "reviewAt")
        if again <= saying.iso(act.at)[:10]:
            raise Refusal("the next review is yet to come", where="reviewAt")
        yield entity("Measure", city.get(str(one["measure"])).id, reviewAt=again)


# ---- The city


@app.act("profile", "StrategyProfile", roles=EDITORS, new=True)
def profile_(act: Act, city: City) -> Said:
    """Answer the questions (`answers`); or say oneself what kind it is: kind, reason."""
    saying.only(act.said, "answers", "kind", "reason")
    told: dict[str, Any] = {}
    if "answers" in act.said:
        told["answers"] = profile.answers(act.said)
    if act.said.get("kind"):
        kind = saying.word(act.said, "kind", profile.TYPES)
        told["said"] = {"kind": kind, "reason": saying.text(act.said, "reason", NOTE), "at": saying.iso(act.at)}
    elif outcome.there(city, views.PROFILE) is not None and "said" in city.get(views.PROFILE):
        yield Delete(views.PROFILE, "said")
    yield _inner(entity("StrategyProfile", views.PROFILE, **told))


@app.act("phases", "StrategyProfile", roles=EDITORS, new=True)
def phases(act: Act, _city: City) -> Said:
    """Write the phases of the plan: name, from, until, goal."""
    saying.only(act.said, "phases")
    told = []
    for way, one in saying.parts(act.said, "phases", PHASES):
        saying.only(one, "name", "from", "until", "goal", at=way)
        it = {
            "name": saying.text(one, "name", WORD, at=way),
            "from": saying.day(one, "from", at=way),
            "until": saying.day(one, "until", at=way),
        }
        if it["until"] <= it["from"]:
            raise Refusal("it ends after it begins", where=f"{way}until")
        told.append(it | {"goal": saying.text(one, "goal", SUMMARY, least=0, lines=True, at=way)})
    if len({one["name"] for one in told}) < len(told):
        raise Refusal("each phase has a name of its own", where="phases")
    yield _inner(entity("StrategyProfile", views.PROFILE, phases=sorted(told, key=lambda it: it["from"])))


@app.act("gates", "StrategyProfile", roles=DECIDERS, new=True)
def gates(act: Act, city: City) -> Said:
    """Write what opens a stage: stage, criteria (framework, code, op, value, unit)."""
    told = loop.gates(act.said)
    known = outcome.there(city, views.PROFILE)
    before = dict(known.get("gates") or {}) if known is not None else {}
    yield _inner(entity("StrategyProfile", views.PROFILE, gates=before | told))


@app.act("stage", "StrategyProfile", roles=DECIDERS, new=True, noted=True)
def stage(act: Act, city: City) -> Said:
    """Go to a stage: the next one when its criteria are met; any other with the reason."""
    saying.only(act.said, "stage", "reason")
    to = saying.word(act.said, "stage", STAGES)
    known = outcome.there(city, views.PROFILE)
    was = str(known.get("stage") or STAGES[0]) if known is not None else STAGES[0]
    reason = saying.text(act.said, "reason", NOTE, least=0)
    if to == was:
        raise Conflict(f"it is at the stage {was}", where="stage")
    held = loop.opened(city, (known.get("gates") or {}).get(to) or [] if known is not None else [])
    earned = STAGES.index(to) == STAGES.index(was) + 1 and held and all(it["state"] == "met" for it in held)
    if not earned and not reason:
        short = [f"{it['code']} is {it['state']}" for it in held if it["state"] != "met"][:5]
        why = "; ".join(short) or "nobody has written down what opens it"
        raise Refusal(f"its criteria are not met: {why}", where="stage", mend="or say the reason")
    line = {"stage": to, "at": saying.iso(act.at), "by": act.by, "criteria": held, "reason": reason}
    before = list(known.get("stagesBefore") or ()) if known is not None else []
    yield _inner(entity("StrategyProfile", views.PROFILE, stage=to, stagesBefore=[*before, line][-20:]))


# ---- The register


@app.act("agreement", "Agreement", roles=EDITORS, new=True)
def agreement(act: Act, _city: City) -> Said:
    """Enter an agreement, or say it anew: name, kind, parties, from, until, reviewAt, measures, summary."""
    yield _entered(act, "Agreement", register.agreement(_over(act)))


@app.act("rule", "RegulatoryRule", roles=EDITORS, new=True)
def rule(act: Act, _city: City) -> Said:
    """Enter a rule, or say it anew: name, kind, state, reference, authority, from, until, measures, summary."""
    yield _entered(act, "RegulatoryRule", register.rule(_over(act)))


@app.act("sandbox", "Sandbox", roles=EDITORS, new=True)
def sandbox(act: Act, _city: City) -> Said:
    """Enter a sandbox, or say it anew: name, scope, authority, rules, from, until, safeguards, exit, measures."""
    if act.subject is not None and act.subject.get("status") == "ended":
        raise Conflict("it has ended: what came of it stands", where="id")
    yield _entered(act, "Sandbox", register.sandbox(_over(act)))


@app.act("sandbox-end", "Sandbox", roles=DECIDERS, noted=True)
def sandbox_end(act: Act, _city: City) -> Said:
    """End a sandbox: criteria (met, note of each), result, report."""
    yield from register.ended(act)


# ---- What people ask


@app.view("plan", roles=READERS)
def _plan(asked: Mapping[str, str], city: City) -> Any:
    """Every measure on a time line."""
    return views.plan(asked, city)


@app.view("one", roles=READERS)
def _one(asked: Mapping[str, str], city: City) -> Any:
    """One measure (`id`)."""
    return views.one(asked, city)


@app.view("register", roles=READERS)
def _register(asked: Mapping[str, str], city: City) -> Any:
    """Agreements, rules, sandboxes."""
    return views.registered(asked, city)


@app.view("city", roles=READERS)
def _city(asked: Mapping[str, str], city: City) -> Any:
    """The kind of city, its stage, what opens the next."""
    return views.profiled(asked, city)


@app.view("loop", roles=READERS)
def _loop(asked: Mapping[str, str], city: City) -> Any:
    """Gaps, what is done about them, the next stage."""
    return views.looped(asked, city)


@app.view("reviews", roles=READERS)
def _reviews(asked: Mapping[str, str], city: City) -> Any:
    """What is due, and what came of what was."""
    return views.reviews(asked, city)


@app.view("finance", roles=READERS)
def _finance(asked: Mapping[str, str], city: City) -> Any:
    """What a measure (`id`) is worth: rate, years, inflation, prices, delay, ramp, residual, spread, runs, seed."""
    return views.money(asked, city)


@app.view("identity", roles=READERS)
def _identity(asked: Mapping[str, str], city: City) -> Any:
    """Ways to pay for a digital identity, on the city's numbers."""
    return appraising.identities(asked, city)


@app.view("blocks", roles=READERS)
def _blocks(asked: Mapping[str, str], city: City) -> Any:
    """Building blocks that departments can share: reuse."""
    return views.shared(asked, city)


# ---- What happens by itself


@app.every(3_600)
def look(city: City) -> Iterable[Entity]:
    """Compare what was expected with what came, where a review is due; remind owners of what will be."""
    yield from outcome.due(city)


# ---- Parts


def _subject(act: Act) -> Entity:
    if act.subject is None:
        raise Refusal("say which", where="id")
    return act.subject


def _known(act: Act) -> Entity | None:
    """What is said anew, None where it is new. NotFound: ids are made, nobody names one that is not there."""
    if act.subject is None and act.id:
        raise NotFound("there is no such thing", where="id")
    return act.subject


def _made(act: Act, name: str) -> str:
    """A key that is made: the same said again at the same instant is the same."""
    plain = "".join(one if one.isascii() and one.isalnum() else "-" for one in name.casefold())
    slug = "-".join(it for it in plain.split("-") if it)[:40]
    return f"{slug or 'it'}-{sha256(f'{act.by} {act.at} {name}'.encode()).hexdigest()[:8]}"


def _over(act: Act) -> dict[str, Any]:
    """What is said over what was said before; null says a member no longer."""
    ours = {"status", "criteria", "result", "report", "endedAt"}
    one = _known(act)
    before = {} if one is None else {name: one[name] for name in one.names if name not in ours}
    return {name: value for name, value in (before | dict(act.said)).items() if value is not None}


def _entered(act: Act, kind: str, told: Mapping[str, Any]) -> Entity:
    return _inner(entity(kind, act.id or _made(act, str(told["name"])), **told))


def _inner(one: Entity) -> Entity:
    one.label = "smart"
    return one
