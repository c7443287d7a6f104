"""Proposals: made, changed, supported, assessed, and followed until they are built."""

from collections.abc import Iterable, Mapping
from typing import Any

from hansa import Act, Asking, Conflict, Delete, Entity, Forbidden, Refusal, entity
from hansa.apps.participation import moderation, phases
from hansa.apps.participation.processes import KIND as PROCESS
from hansa.apps.participation.said import (
    iso,
    known,
    languages,
    made,
    moment,
    only,
    point,
    staff_on,
    subject,
    text,
    there,
    unguessed,
    whole,
    word,
)
from hansa.apps.participation.taking_part import Participant, author_of, authorship, private, seen, seen_subject
from hansa.apps.participation.words import (
    ASSESSED,
    DELIVERY,
    IN_PROCESS,
    LANGUAGES,
    LIVE,
    MILESTONES,
    MONEY,
    NOTE,
    PROPOSALS,
    SHOWN,
    TEXT,
    TITLE,
    VERSIONS,
    WORKS,
)

KIND = "ParticipationProposal"


def proposed(act: Act, city: Asking) -> Iterable[Entity]:
    """Somebody proposes something."""
    who = known(act)
    names = ("process", "title", "text", "language", "category", "district", "location", "cost", "author")
    only(act.said, *names)
    process = seen(act, city, act.said.get("process"), PROCESS, where="process")
    phases.allows(process, act.at, "propose")
    many = process.get("proposalCount", 0)
    if many >= IN_PROCESS:
        raise Conflict(f"{IN_PROCESS:,} proposals were made", mend="support one that is there")
    he = Participant(act, city)
    he.does("propose")
    what = f"proposals:{process.key}"
    mine = he.kept.get(what, [])
    if len(mine) >= PROPOSALS:
        raise Refusal(f"{PROPOSALS} proposals of one person are the most", where="process", mend="withdraw one")
    told = _content(act.said, process, new=True)
    told["language"] = word(act.said, "language", LANGUAGES)
    told["author"] = text(act.said, "author", SHOWN, least=0)
    one = entity(
        KIND,
        f"{process.key}-{unguessed(city, 'proposal', process.id, many + 1)}",
        process=process.id,
        status="submitted",
        supportCount=0,
        commentCount=0,
        versionNo=1,
        versions=[_version(1, act.at, told, "")],
        submittedAt=iso(act.at),
        **told,
    )
    he.keeps(what, one.id)
    yield he.said()
    yield authorship(one.id, who)
    yield _kept(process, proposalCount=many + 1)
    yield from moderation.starts(city, act.at, f"{told['title']}\n{told['text']}\n{told['author']}", one)


def amended(act: Act, city: Asking) -> Iterable[Entity]:
    """Its author says a proposal anew: another version, the old ones stay to be read."""
    one = _own(act, city)
    only(act.said, "title", "text", "category", "district", "location", "cost", "why")
    process = subject(city, one.get("process"), PROCESS)
    phases.allows(process, act.at, "amend")
    if one.get("status") not in LIVE:
        raise Conflict(f"it is {one.get('status')}", where="id")
    he = Participant(act, city)
    he.does("amend")
    told = _content(act.said, process, new=False)
    if not told:
        raise Refusal("say what is to be otherwise", where="text")
    whole_ = {name: told.get(name, one.get(name)) for name in ("title", "text", "cost")}
    n = one["versionNo"] + 1
    why = text(act.said, "why", NOTE, lines=True)
    # What is hidden now was never let stand: its words do not come out beside the new ones, once those are shown.
    hidden = one.get("shown", "shown") != "shown"
    before = [_wordless(it) if hidden and it["n"] == one["versionNo"] else it for it in one["versions"]]
    versions = [*before, _version(n, act.at, whole_, why)]
    if len(versions) > VERSIONS:
        versions = [versions[0], *versions[-VERSIONS + 1 :]]
    yield he.said()
    said = f"{whole_['title']}\n{whole_['text']}\n{why}"
    yield from moderation.starts(city, act.at, said, entity(KIND, one.id, versionNo=n, versions=versions, **told))


def withdrawn(act: Act, city: Asking) -> Iterable[Entity]:
    """Its author takes a proposal back."""
    one = _own(act, city)
    if one.get("status") not in LIVE:
        raise Conflict(f"it is {one.get('status')}", where="id")
    he = Participant(act, city)
    he.lets_go(f"proposals:{str(one['process']).rpartition(':')[2]}", one.id)
    yield he.said()
    yield _kept(one, status="withdrawn")


def supported(act: Act, city: Asking) -> Iterable[Entity | Delete]:
    """Somebody supports a proposal: once, however often he says so."""
    one, ident, standing = _support(act, city)
    if standing is not None:
        return
    he = Participant(act, city)
    he.keeps("supports", one.id, 1_000)
    yield he.said()
    yield private(entity("ProposalSupport", ident, about=one.id, at=iso(act.at)), act.by)
    yield _kept(one, supportCount=one.get("supportCount", 0) + 1)


def unsupported(act: Act, city: Asking) -> Iterable[Entity | Delete]:
    """He supports it no longer."""
    one, ident, standing = _support(act, city)
    if standing is None:
        return
    he = Participant(act, city)
    he.lets_go("supports", one.id)
    yield he.said()
    yield Delete(ident)
    yield _kept(one, supportCount=max(0, one.get("supportCount", 0) - 1))


def _support(act: Act, city: Asking) -> tuple[Entity, str, Entity | None]:
    one = _shown(act, city)
    who = known(act)
    only(act.said)
    phases.allows(subject(city, one.get("process"), PROCESS), act.at, "support")
    if one.get("status") not in LIVE:
        raise Conflict(f"it is {one.get('status')}", where="id")
    ident = f"urn:ngsi-ld:ProposalSupport:{made('support', one.id, who)}"
    return one, ident, there(city, ident)


def assessed(act: Act, _city: Asking) -> Iterable[Entity]:
    """Staff says whether a proposal can be done, for what cost, and why."""
    who = staff_on(act)
    only(act.said, "status", "reason", "cost")
    one = act.subject
    if one is None or one.get("status") not in {*LIVE, "rejected"}:
        raise Conflict("it is past that", where="id")
    status = word(act.said, "status", sorted(ASSESSED))
    told: dict[str, Any] = {"status": status, "reason": text(act.said, "reason", NOTE, lines=True), "assessedBy": who}
    if "cost" in act.said:
        told["cost"] = whole(act.said, "cost", 0, MONEY)
    told.pop("assessedBy")
    yield _kept(one, **told)


def delivered(act: Act, _city: Asking) -> Iterable[Entity]:
    """Staff says how far what was chosen is: milestones, what was spent, works; a delay is explained."""
    staff_on(act)
    only(act.said, "status", "reason", "milestones", "spent", "works")
    one = act.subject
    if one is None or one.get("status") not in {"admissible", *DELIVERY}:
        raise Conflict("it was not chosen", where="id", mend="assess it first")
    told: dict[str, Any] = {}
    if "status" in act.said:
        told["status"] = word(act.said, "status", sorted(DELIVERY))
    if "reason" in act.said:
        told["reason"] = text(act.said, "reason", NOTE, lines=True)
    if "milestones" in act.said:
        told["milestones"] = _milestones(act.said["milestones"], one.get("milestones", []))
    if "spent" in act.said:
        told["spent"] = whole(act.said, "spent", 0, MONEY)
        if told["spent"] > one.get("cost", 0) and not (told.get("reason") or one.get("reason")):
            raise Refusal("it costs more than it was to: say why", where="reason")
    if "works" in act.said:
        told["works"] = _ids(act.said["works"])
    if told.get("status") == "delivered":
        steps = told.get("milestones", one.get("milestones", []))
        if any(not step.get("done") for step in steps):
            raise Refusal("a milestone is not done", where="milestones", mend="say when each was done")
    yield _kept(one, **told)


def _milestones(said: Any, before: list[dict[str, Any]]) -> list[dict[str, Any]]:
    if not isinstance(said, list) or len(said) > MILESTONES:
        raise Refusal(f"milestones is a list of up to {MILESTONES}", where="milestones")
    was = {str(one.get("key")): one for one in before}
    found: dict[str, dict[str, Any]] = {}
    for n, one in enumerate(said):
        where = f"milestones[{n}]"
        if not isinstance(one, Mapping):
            raise Refusal("a milestone is key, title, due, done, delay", where=where)
        only(one, "key", "title", "due", "done", "delay")
        name = text(one, "key", 40)
        told: dict[str, Any] = {"key": name, "title": languages(one, "title", TITLE), "due": iso(moment(one, "due"))}
        if one.get("done") is not None:
            told["done"] = iso(moment(one, "done"))
        delay = text(one, "delay", NOTE, least=0, lines=True)
        late = name in was and told["due"] > str(was[name].get("due"))
        if (late or str(told.get("done", "")) > str(told["due"])) and not delay:
            raise Refusal("it is later than was promised: say why", where=f"{where}.delay")
        if name in found:
            raise Refusal("each milestone once", where=where)
        found[name] = told | ({"delay": delay} if delay else {})
    return list(found.values())


def _ids(said: Any) -> list[str]:
    if not isinstance(said, list) or len(said) > WORKS or not all(isinstance(it, str) and len(it) < 300 for it in said):
        raise Refusal(f"works is a list of up to {WORKS} ids", where="works")
    return list(dict.fromkeys(said))


def _content(said: Mapping[str, Any], process: Entity, *, new: bool) -> dict[str, Any]:
    """What a proposal says, of what is said."""
    told: dict[str, Any] = {}
    for name, most in (("title", TITLE), ("text", TEXT)):
        if new or name in said:
            told[name] = text(said, name, most, lines=name == "text")
    for name, among in (("category", "categories"), ("district", "districts")):
        known_ = process.get(among, [])
        if name in said or (new and known_ and name == "category"):
            told[name] = word(said, name, known_)
    if said.get("location") is not None:
        told["location"] = point(said["location"])
    if said.get("cost") is not None:
        told["cost"] = whole(said, "cost", 0, MONEY)
        most = process.get("budget", {}).get("sum", MONEY)
        if told["cost"] > most:
            raise Refusal(f"there are {most:,} in all", where="cost")
    return told


def _version(n: int, at: int, told: Mapping[str, Any], why: str) -> dict[str, Any]:
    kept = {name: told[name] for name in ("title", "text", "cost") if told.get(name) is not None}
    return {"n": n, "at": iso(at), **kept, "why": why}


def _wordless(version: Mapping[str, Any]) -> dict[str, Any]:
    """A version of which only that it was is told; the log has its words, for whoever may read that."""
    return {"n": version["n"], "at": version["at"], "why": "", "hidden": True}


def _own(act: Act, city: Asking) -> Entity:
    one = seen_subject(act, city)
    if author_of(city, one.id) != known(act):
        raise Forbidden("this is for whoever made it", where="id")
    return one


def _shown(act: Act, city: Asking) -> Entity:
    one = seen_subject(act, city)
    if one.get("shown", "shown") != "shown":
        raise Conflict("it is not shown now", where="id")
    return one


def _kept(one: Entity, **told: Any) -> Entity:
    """The same entity with this said, for whoever it was for."""
    said = entity(one.type, one.id, **told)
    said.label = one.label
    return said
