"""What people do with the bank: describe, withdraw, hand in, moderate, import; since when an app is here."""

from collections.abc import Iterable, Mapping
from hashlib import sha256
from typing import Any

from hansa import Act, Asking, City, Conflict, Delete, Entity, NotFound, Refusal, entity, saying
from hansa.apps.solutions import entry, exchange, installed
from hansa.apps.solutions.canonical import digest
from hansa.apps.solutions.words import DECISIONS, EFFECTS, NOTE, SUBMITTED, WAITING

Said = Iterable[Entity | Delete]


def described(act: Act, city: City) -> Said:
    """An entry of this city: added, or said anew; what is null is said no longer. It is listed at once."""
    one, said = act.subject, act.said
    if one is None:
        if act.id:
            raise NotFound("there is no such solution", where="id")
        told = entry.read(said)
        yield from _listed(city, act, _key(act, told), told, 1)
        return
    if one.get("origin"):
        why = f"it is an entry of {one['origin'].get('city')}: its next edition comes from there"
        raise Conflict(why, where="id", mend="describe what you do differently as an entry of its own")
    if one.get("app"):
        raise Refusal("an app that is installed is said with the act app", where="id")
    if one.get("status") not in {"listed", "withdrawn"}:
        raise Conflict(f"it is {one.get('status')}: what comes from outside is for a moderator", where="id")
    saying.only(said, *entry.CONTENT)
    whole = entry.content(one) | dict(said)
    told = entry.read({name: value for name, value in whole.items() if value is not None})
    if told == entry.content(one) and one.get("status") == "listed":
        return
    yield from _dropped(one, told)
    if "reason" in one:  # why it was withdrawn; it is offered again
        yield Delete(one.id, "reason")
    yield from _listed(city, act, one.key, told, int(one.get("version", 0)) + 1)


def withdrawn(act: Act, _city: City) -> Said:
    """An entry that is offered no longer; it stays where it was, for those who have its link, with the reason."""
    saying.only(act.said, "reason")
    one = _subject(act)
    if one.get("status") != "listed":
        raise Conflict(f"it is {one.get('status')}; what is listed is withdrawn", where="id")
    yield _as(
        one,
        entity(
            entry.KIND, one.id, status="withdrawn", reason=saying.text(act.said, "reason", NOTE), at=saying.iso(act.at)
        ),
    )


def submitted(act: Act, city: Asking) -> Said:
    """An entry from somebody outside: nobody sees it until a moderator has looked."""
    if act.subject is not None:
        raise Conflict("there is an entry of that name", where="id")
    told = entry.read(act.said)
    if told["kind"] == "app" and installed.slug(told["name"]) in installed.apps(city):
        raise Refusal("that app is installed here, and is listed by itself", where="name")
    today = city.find(entry.KIND, f'visitor=="{act.visitor}"', limit=SUBMITTED)
    if len(today) >= SUBMITTED:
        raise Refusal(f"{SUBMITTED} a day are enough from one place", where="visitor", mend="try again tomorrow")
    if len(city.find(entry.KIND, 'status=="submitted"', limit=WAITING)) >= WAITING:
        raise Refusal("too many wait already", where="visitor", mend="try again in some weeks")
    key = _key(act, told)
    ident = installed.identifier(city, key)
    beside: dict[str, Any] = {"identifier": ident, "version": 1, "digest": entry.edition(ident, 1, told)}
    more: dict[str, Any] = {"status": "submitted", "at": saying.iso(act.at), "visitor": act.visitor}
    yield _inner(entity(entry.KIND, key, **told, **beside, **more))


def moderated(act: Act, _city: City) -> Said:
    """Decide about an entry from outside: `decision` accept or reject (with its reason)."""
    saying.only(act.said, "decision", "reason")
    one, decision = _subject(act), saying.word(act.said, "decision", DECISIONS)
    reason = saying.text(act.said, "reason", NOTE, least=1 if decision == "reject" else 0)
    if one.get("status") != "submitted":
        raise Conflict(f"it is {one.get('status')}; what waits is decided about", where="id")
    if one.get("visitor"):  # it was there to count by, while it waited
        yield Delete(one.id, "visitor")
    if decision == "reject":
        yield _inner(entity(entry.KIND, one.id, status="rejected", reason=reason, at=saying.iso(act.at)))
        return
    yield _open(entity(entry.KIND, one.id, status="listed", at=saying.iso(act.at)))


def chosen(act: Act, city: City) -> Said:
    """Decide about another edition of what is here: accept puts it in its place, reject keeps what is here."""
    saying.only(act.said, "decision", "reason")
    waits, decision = act.subject, saying.word(act.said, "decision", DECISIONS)
    reason = saying.text(act.said, "reason", NOTE, least=1 if decision == "reject" else 0)
    if waits is None or waits.get("status") != "waiting":
        raise Conflict("it waits no longer", where="id")
    here = city.get(str(waits["about"]))
    done = {"status": f"{decision}ed", "reason": reason or None, "at": saying.iso(act.at)}
    yield _inner(entity("SolutionEdition", waits.id, **{name: value for name, value in done.items() if value}))
    if decision == "reject":
        refused = [*here.get("refused", ()), waits["digest"]][-20:]
        yield _as(here, entity(entry.KIND, here.id, refused=refused))
        return
    if waits["version"] < here.get("version", 0):
        raise Conflict("a newer edition is here meanwhile", where="id", mend="reject this one")
    told: Mapping[str, Any] = waits["content"]
    yield from _dropped(here, told)
    beside = {name: waits[name] for name in ("version", "digest", "origin")}
    yield _open(entity(entry.KIND, here.id, **told, **beside, status="listed", at=saying.iso(act.at)))


def imported(act: Act, city: City) -> Said:
    """Take in what another city exports: new entries wait, duplicates are one, conflicts are shown, faults refused."""
    saying.only(act.said, "document")
    listed, sender = exchange.opened(act.said.get("document"))
    counts = dict.fromkeys(("new", "same", "older", "newer", "conflict", "refused"), 0)
    refused: list[dict[str, Any]] = []
    conflicts: list[str] = []
    seen: set[str] = set()
    for n, said in enumerate(listed):
        try:
            it, known, how = _weighed(city, said, n, sender, seen)
        except Refusal as fault:
            counts["refused"] += 1
            refused.append({"n": n, "why": fault.detail[:300], "where": str(fault.where or "")[:120]})
            continue
        seen.add(it.identifier)
        counts[how] += 1
        if how == "conflict" and known is not None:
            conflicts.append(known.id)
        yield from _taken(act, it, known, how)
    told = {
        "from": sender["city"],
        "at": saying.iso(act.at),
        "counts": counts,
        "refused": refused,
        "conflicts": conflicts,
    }
    if sender.get("source"):
        told["source"] = sender["source"]
    ident = sha256(f"{act.by} {act.at} {digest(sender)}".encode()).hexdigest()[:24]
    yield _inner(entity("SolutionImport", ident, **told))


def app_said(act: Act, city: City) -> Said:
    """Since when an installed app is here, and which indicators it is to move: `name`, `installedAt`, `indicators`."""
    saying.only(act.said, "name", "installedAt", "indicators", "theme", "need", "licence")
    name = saying.text(act.said, "name", 60)
    told = installed.base(city, name) | {k: act.said[k] for k in ("theme", "need", "licence") if act.said.get(k)}
    told = entry.read(told)
    beside: dict[str, Any] = {"app": name, "status": "listed", "version": 1, "at": saying.iso(act.at)}
    beside["identifier"] = installed.identifier(city, f"app-{name}")
    beside["digest"] = entry.edition(beside["identifier"], 1, told)
    if "installedAt" in act.said:
        beside["installedAt"] = saying.day(act.said, "installedAt")
        if beside["installedAt"] > saying.iso(act.at)[:10]:
            raise Refusal("that day is yet to come", where="installedAt")
    if "indicators" in act.said:
        listed = saying.parts(act.said, "indicators", EFFECTS)
        beside["indicators"] = [entry.indicator(one, way) for way, one in listed]
    yield _open(entity(entry.KIND, installed.ident(name), **told, **beside))


# ---- Parts


def _subject(act: Act) -> Entity:
    if act.subject is None:
        raise NotFound("there is no such solution", where="id")
    return act.subject


def _key(act: Act, told: Mapping[str, Any]) -> str:
    """A key that is made: the same said again at the same instant is the same entry."""
    made = sha256(f"{act.by} {act.visitor} {act.at} {digest(told)}".encode()).hexdigest()[:10]
    return f"{installed.slug(str(told['name']))}-{made}"


def _listed(city: City, act: Act, key: str, told: Mapping[str, Any], version: int) -> Iterable[Entity]:
    ident = installed.identifier(city, key)
    beside: dict[str, Any] = {"identifier": ident, "version": version, "digest": entry.edition(ident, version, told)}
    yield _open(entity(entry.KIND, key, **told, **beside, status="listed", at=saying.iso(act.at)))


def _dropped(one: Entity, told: Mapping[str, Any]) -> Iterable[Delete]:
    """What an edition says no longer."""
    for name in entry.CONTENT:
        if one.get(name) is not None and name not in told:
            yield Delete(one.id, name)


def _weighed(
    city: City, said: Any, n: int, sender: Mapping[str, Any], seen: set[str]
) -> tuple[exchange.Edition, Entity | None, str]:
    """An entry that comes, what is here of it, and how the two stand to each other. Refusal.

    An entry of this city's own comes home to its own id; any other has an id that is made of its name between cities.
    """
    it = exchange.judged(said, n, sender)
    if it.identifier in seen:
        raise Refusal("this entry stands twice in the document", where=f"entries[{n}].id")
    own = installed.identifier(city, "")
    if not it.identifier.startswith(own):
        known = installed.known(city, f"urn:ngsi-ld:Solution:{it.key}")
        return it, known, exchange.met(known, it)
    key = it.identifier.removeprefix(own)
    if key.startswith("app-") and key[4:] in installed.apps(city):
        return it, None, "same"  # what an app does here is known here, and nowhere better
    known = installed.known(city, f"urn:ngsi-ld:Solution:{key}")
    if known is None:
        raise Refusal("it says that it is of this city, and this city does not know it", where=f"entries[{n}].id")
    return it, known, exchange.met(known, it)


def _taken(act: Act, it: exchange.Edition, known: Entity | None, how: str) -> Iterable[Entity]:
    """What becomes of one edition."""
    beside: dict[str, Any] = {"identifier": it.identifier, "version": it.version, "digest": it.digest}
    origin = {**it.origin, "at": saying.iso(act.at)}
    if how == "new":
        more: dict[str, Any] = {"status": "submitted", "origin": origin, "at": saying.iso(act.at)}
        yield _inner(entity(entry.KIND, it.key, **it.told, **beside, **more))
    elif how in {"newer", "conflict"} and known is not None:
        more = {"about": known.id, "why": how, "status": "waiting", "origin": origin, "at": saying.iso(act.at)}
        key = f"{known.key}-{it.digest[7:23]}"
        yield _inner(entity("SolutionEdition", key, content=dict(it.told), **beside, **more))


def _open(one: Entity) -> Entity:
    one.label = "open"
    return one


def _inner(one: Entity) -> Entity:
    one.label = "smart"
    return one


def _as(before: Entity, one: Entity) -> Entity:
    one.label = before.label
    return one
