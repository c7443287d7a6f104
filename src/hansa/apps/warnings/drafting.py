"""A warning from the first word to the last: drafted, proposed, approved by a second person, updated, cancelled.

What goes out is decided here and nowhere else. The app's own rule does the sending (`sending.py`), for what is sent is
public and the rights of an operator do not reach so far.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hansa import Act, City, Conflict, Entity, Forbidden, NotFound, Refusal, entity
from hansa.apps.warnings import templates, words
from hansa.apps.warnings.area import area_of
from hansa.apps.warnings.words import SECOND, hashed, iso

FIELDS: Final = (
    *("template", "values", "event", "category", "responseType", "urgency", "severity", "certainty", "status", "scope"),
    *("onset", "expires", "hours", "texts", "instruction", "areaDesc", "area", "circles", "geocodes", "groups", "web"),
    *("contact", "senderName", "note", "override", "overrideReason", "incident"),
)
COMMAND: Final = frozenset({"supervisor", "command"})
"""Who may decide that nobody's quiet hours count."""
REASON: Final = 500
ENTRIES: Final = 500  # of a log that are read for who wrote it: whoever needs more gives it back first


def draft(act: Act, city: City) -> Iterator[Entity]:
    """Begin a warning, from a template or with words of one's own."""
    if act.subject is not None:
        raise Conflict("there is one already", mend="edit it")
    words.only(act.said, *FIELDS)
    made = described(act.said, None, act.at, act.roles, city)
    key = hashed("draft", act.by, str(act.at), str(sorted(act.said.items(), key=lambda one: one[0])))
    yield begun(key, made, city, state="draft")
    yield logged(
        None, f"urn:ngsi-ld:Warning:{key}", act.at, act.by, "drafted", {"event": made["event"], **_noted(act.said)}
    )


def edit(act: Act, city: City) -> Iterator[Entity]:
    """Change a draft; `seen` is how many entries its log had when it was read."""
    one = subject(act, "draft")
    words.only(act.said, *FIELDS, "seen")
    if "seen" in act.said and act.said["seen"] != words.whole(one.get("logged")):
        raise Conflict("somebody else has changed it meanwhile", mend="look at it, then change it again")
    said = {name: value for name, value in act.said.items() if name != "seen"}
    made = described(said, one, act.at, act.roles, city)
    cleared = _cleared(one, act.roles)
    yield entity("Warning", one.id, **(made | cleared), logged=_next(one))
    yield logged(one, one.id, act.at, act.by, "edited", {"members": sorted({*said, *cleared}), **_noted(said)})


def propose(act: Act, _city: City) -> Iterator[Entity]:
    """Put a draft before a second person; or take on what a machine proposed, as the first of the two."""
    words.only(act.said, "note")
    one = subject(act)
    if not (one.get("state") == "draft" or (one.get("state") == "proposed" and one.get("machine") is True)):
        raise Conflict(f"it is {one.get('state')}", mend="only a draft is proposed")
    complete(one, act.at)
    note = words.text(act.said, "note", REASON)
    yield entity(
        "Warning",
        one.id,
        state="proposed",
        machine=False,
        proposal=_next(one),
        proposedAt=iso(act.at),
        logged=_next(one),
    )
    yield logged(one, one.id, act.at, act.by, "proposed", {"note": note} if note else {})


def approve(act: Act, city: City) -> Iterator[Entity]:
    """Approve what another person proposed; `hold` keeps it until somebody sends it."""
    words.only(act.said, "hold", "seen")
    one = subject(act, "proposed")
    if one.get("machine") is True:
        raise Conflict(
            "a machine proposed this: it takes two people", mend="propose it yourself, then another approves"
        )
    first = word_of(one, "proposal", city)
    if not first or first.startswith(("app:", "cap:")):
        raise Conflict("nobody can say who proposed it", mend="give it back, and propose it anew")
    if not act.by or first == act.by:
        raise Forbidden("whoever proposed it does not approve it", mend="ask somebody else")
    if act.by in _writers(one, city):
        raise Forbidden("whoever wrote it does not approve it", mend="ask somebody else")
    if "seen" in act.said and act.said["seen"] != words.whole(one.get("logged")):
        raise Conflict("it was changed since you looked", mend="look again, then approve")
    complete(one, act.at)
    _heir(one, city)
    hold = act.said.get("hold") is True
    yield entity(
        "Warning", one.id, state="approved", approval=_next(one), approvedAt=iso(act.at), hold=hold, logged=_next(one)
    )
    yield logged(one, one.id, act.at, act.by, "approved", {"hold": True} if hold else {})


def send(act: Act, city: City) -> Iterator[Entity]:
    """Send what was approved and held."""
    words.only(act.said)
    one = subject(act, "approved")
    if one.get("hold") is not True:
        raise Conflict("it is on its way")
    complete(one, act.at)
    _heir(one, city)
    yield entity("Warning", one.id, hold=False, logged=_next(one))
    yield logged(one, one.id, act.at, act.by, "released")


def give_back(act: Act, _city: City) -> Iterator[Entity]:
    """Give a proposal, or what was approved and held, back to be drafted anew, with the `reason`."""
    words.only(act.said, "reason")
    one = subject(act)
    held = one.get("state") == "approved" and one.get("hold") is True
    if one.get("state") != "proposed" and not held:
        raise Conflict(f"it is {one.get('state')}", mend="only what waits is given back")
    why = words.text(act.said, "reason", REASON, needed=True)
    yield entity("Warning", one.id, state="draft", machine=False, hold=False, logged=_next(one))
    yield logged(one, one.id, act.at, act.by, "returned", {"reason": why})


def discard(act: Act, _city: City) -> Iterator[Entity]:
    """Put away what was not sent, with the `reason`."""
    words.only(act.said, "reason")
    one = subject(act)
    if one.get("state") not in {"draft", "proposed"}:
        raise Conflict(f"it is {one.get('state')}", mend="what was sent is cancelled")
    why = words.text(act.said, "reason", REASON, needed=True)
    yield entity("Warning", one.id, state="discarded", logged=_next(one))
    yield logged(one, one.id, act.at, act.by, "discarded", {"reason": why})


def update(act: Act, city: City) -> Iterator[Entity]:
    """Begin an update of what is in force: a draft that says all of it anew, with what is said here changed."""
    words.only(act.said, *FIELDS)
    one = _in_force(act)
    known = {name: one.get(name) for name in _CARRIED if one.get(name) is not None}
    made = known | described(act.said, one, act.at, act.roles, city)
    made |= _cleared(one, act.roles)
    made["texts"] = templates.marked(made["words"], str(made["status"]), "Update")
    key = hashed("update", one.id, act.by, str(act.at))
    yield begun(key, made, city, state="draft", msgType="Update", **follows(one))
    yield logged(None, f"urn:ngsi-ld:Warning:{key}", act.at, act.by, "drafted", {"update": one.id, **_noted(act.said)})


def cancel(act: Act, city: City) -> Iterator[Entity]:
    """Propose to cancel what is in force, with the `reason`, which everybody is told; another person approves."""
    words.only(act.said, "reason", "texts")
    one = _in_force(act)
    why = words.text(act.said, "reason", REASON, needed=True)
    made = {name: one.get(name) for name in _CARRIED if one.get(name) is not None}
    made["words"] = words.texts_of(act.said["texts"]) if act.said.get("texts") else words.mapping(made.get("words"))
    made |= {"reason": why, "responseType": ["AllClear"], "override": False, "instruction": {}}
    made["texts"] = templates.marked(made["words"], str(made["status"]), "Cancel")
    key = hashed("cancel", one.id, act.by, str(act.at))
    told = {"proposal": 1, "proposedAt": iso(act.at)}
    yield begun(key, made, city, state="proposed", msgType="Cancel", **told, **follows(one))
    yield logged(None, f"urn:ngsi-ld:Warning:{key}", act.at, act.by, "proposed", {"cancel": one.id, "reason": why})


# ---- parts


_CARRIED: Final = (
    *(
        "event",
        "category",
        "responseType",
        "urgency",
        "severity",
        "certainty",
        "status",
        "capScope",
        "cameScope",
        "expires",
        "words",
    ),
    *("instruction", "areaDesc", "area", "circles", "geocodes", "location", "groups", "web", "contact", "senderName"),
    *("override", "overrideReason", "hours", "onset", "incident"),
)


def described(
    said: Mapping[str, Any], one: Entity | None, at: int, roles: frozenset[str], city: City
) -> dict[str, Any]:
    """What a draft says, as attributes: all of it when it begins, what was said when it is edited. Raises Refusal."""
    made, base = _based(said)
    made |= _codes(said, one, begun_by_hand=one is None and not base)
    if "texts" in said or (one is None and not base):
        made["words"] = words.texts_of(said.get("texts"))
    for key, most in (("instruction", words.BODY), ("areaDesc", words.TITLE)):
        if key in said:
            made[key] = words.by_language(said[key], key, most)
    for key, most in _PLAIN:
        if key in said:
            made[key] = words.text(said, key, most)
    if made.get("web") and not str(made["web"]).startswith(("https://", "http://")):
        raise Refusal("web is an address of the web", where="web", mend="as https://city.example/frost")
    made |= area_of(said, one, city)
    made |= _times(said, one, at)
    made |= _override(said, roles)
    whole = made if one is None else {name: one.get(name) for name in ("words", "status", "msgType")} | made
    made["texts"] = templates.marked(words.mapping(whole.get("words")), str(whole["status"]), _kind(one))
    return made


_PLAIN: Final = (*(("web", 500), ("contact", 300), ("senderName", words.NAME), ("incident", 2_048)),)


def _noted(said: Mapping[str, Any]) -> dict[str, str]:
    """A note for the desk. It stands in the log alone: the warning is public when it is sent. Raises Refusal."""
    note = words.text(said, "note", 2_000)
    return {"note": note} if note else {}


def _based(said: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """What a template says, and the template."""
    if "template" not in said:
        return {}, {}
    name = words.text(said, "template")
    base = templates.template(name)
    made: dict[str, Any] = {key: base[key] for key in ("event", "responseType", "urgency", "severity", "certainty")}
    made["words"], made["instruction"] = templates.filled(name, said.get("values", {}))
    made["template"] = f"{name}@{base['version']}"
    made["hours"] = float(base["hours"])
    return made, base


def _codes(said: Mapping[str, Any], one: Entity | None, *, begun_by_hand: bool) -> dict[str, Any]:
    """What is said in CAP's codes."""
    made: dict[str, Any] = {}
    for key, known, plain in (
        ("event", templates.hazards(), ""),
        ("urgency", words.URGENCY, "Expected"),
        ("severity", words.SEVERITY, ""),
        ("certainty", words.CERTAINTY, "Likely"),
    ):
        if key in said or begun_by_hand:
            made[key] = words.word(said, key, known, plain)
    # Not named scope: NGSI-LD has a member of that name.
    for key, name, those, usual in (
        ("status", "status", words.STATUS, "Actual"),
        ("scope", "capScope", words.SCOPES, "Public"),
    ):
        if one is None or key in said:
            made[name] = words.word(said, key, those, usual)
    if one is not None and one.get("cameScope") and made.get("capScope") == "Public":
        raise Refusal("whoever sent this said that it is not for everybody", where="scope", mend="write a new warning")
    event = made.get("event") or (templates.template(str(said["template"]))["event"] if "template" in said else None)
    if "category" in said:
        made["category"] = words.listed(said, "category", words.CATEGORY)
    elif event is not None:
        made["category"] = [templates.hazards()[str(event)]["category"]]
    if "responseType" in said:
        made["responseType"] = words.listed(said, "responseType", words.RESPONSE)
    if "groups" in said:
        made["groups"] = words.listed(said, "groups")
    return made


def _times(said: Mapping[str, Any], one: Entity | None, at: int) -> dict[str, Any]:
    made: dict[str, Any] = {}
    if "hours" in said:
        made["hours"] = words.number(said["hours"], "hours", 0.25, words.HOURS)
    for name in ("onset", "expires"):
        when = words.moment(said, name)
        if when is not None:
            if when > at + int(words.HOURS * 3_600) * SECOND:
                raise Refusal(f"{name} lies more than {words.HOURS:g} hours ahead", where=name)
            made[name] = iso(when)
    begins, ends = (
        words.instant(made.get(name, "" if one is None else one.get(name))) for name in ("onset", "expires")
    )
    if begins is not None and ends is not None and ends <= begins:
        raise Refusal("it ends before it begins", where="expires")
    return made


def _override(said: Mapping[str, Any], roles: frozenset[str]) -> dict[str, Any]:
    if "override" not in said:
        return {}
    if said["override"] is not True:
        return {"override": False}
    if not _may_override(roles):
        raise Forbidden("that nobody's preferences count is for a supervisor or the command to say", where="override")
    return {"override": True, "overrideReason": words.text(said, "overrideReason", REASON, needed=True)}


def _cleared(one: Entity, roles: frozenset[str]) -> dict[str, Any]:
    """Who may not say that nobody's preferences count does not say it with other words than it was said for."""
    if one.get("override") is not True or _may_override(roles):
        return {}
    return {"override": False, "overrideReason": ""}


def _may_override(roles: frozenset[str]) -> bool:
    return bool(roles & (COMMAND | {"administrator"}))


def complete(one: Entity, at: int) -> None:
    """Refuse what cannot go out: no area, no English, over before it begins. Raises Refusal."""
    if "en" not in words.mapping(one.get("texts")):
        raise Refusal("English is missing", where="texts.en")
    if one.get("location") is None:
        raise Refusal("it has no area", where="area", mend="draw one, or name a place with a known code")
    if not words.mapping(one.get("areaDesc")).get("en"):
        raise Refusal("the area has no name", where="areaDesc.en", mend="say in words where it is")
    ends = ends_at(one, at)
    if ends <= at:
        raise Refusal("it is over already", where="expires")


def ends_at(one: Entity, at: int) -> int:
    """When it ends, if it is sent at `at`."""
    said = words.instant(one.get("expires"))
    hours = one.get("hours")
    return said if said is not None else at + int(float(hours or 12.0) * 3_600) * SECOND


def begun(key: str, made: Mapping[str, Any], city: City, **more: Any) -> Entity:
    """A new warning with its identifier; nobody but staff sees it until it is sent."""
    ident = f"urn:ngsi-ld:Warning:{key}"
    sender = str(city.setting("sender") or "hansa@city.invalid")
    told: dict[str, Any] = {"msgType": "Alert", "machine": False, "chain": ident, "logged": 1} | dict(made) | more
    told["instruction"] = told.get("instruction") or {}
    return entity("Warning", ident, identifier=f"hansa-{key}", sender=sender, **told)


def follows(one: Entity) -> dict[str, Any]:
    """What the next message of a chain says of the one before."""
    before = words.dicts(one.get("references"))
    cited = {"sender": one["sender"], "identifier": one["identifier"], "sent": one["sent"]}
    return {"follows": one.id, "chain": words.relation(one, "chain") or one.id, "references": [*before, cited][-20:]}


def subject(act: Act, *states: str) -> Entity:
    """The warning that somebody does something with. Raises NotFound, Conflict."""
    if act.subject is None:
        raise NotFound("there is no such warning", where="id")
    if states and act.subject.get("state") not in states:
        raise Conflict(f"it is {act.subject.get('state')}", mend=f"this is done with what is {' or '.join(states)}")
    return act.subject


def _in_force(act: Act) -> Entity:
    one = subject(act, "sent")
    if one.get("followedBy"):
        raise Conflict("another message has followed it", mend="go on from that one")
    if one.get("msgType") == "Cancel":
        raise Conflict("a cancellation is not changed", mend="write a new warning")
    return one


def _heir(one: Entity, city: City) -> None:
    """One message has one follower: of two updates of the same one the first approved is it. Raises Conflict."""
    if not (before := words.relation(one, "follows")):
        return
    it = city.get(before)
    if it.get("state") != "sent" or it.get("followedBy"):
        raise Conflict(f"what it follows is {it.get('state')} by now", mend="go on from the newest message")


def _kind(one: Entity | None) -> str:
    return "Alert" if one is None else str(one.get("msgType") or "Alert")


def _next(one: Entity) -> int:
    return words.whole(one.get("logged")) + 1


def word_of(one: Entity, what: str, city: City) -> str:
    """Who proposed or approved it, as its log says: what is sent is public, and who works for the city is not."""
    n = words.whole(one.get(what))
    if not n:
        return ""
    try:
        return str(city.get(f"urn:ngsi-ld:WarningLog:{one.id.rsplit(':', 1)[-1]}-{n}").get("by") or "")
    except NotFound:
        return ""


def _writers(one: Entity, city: City) -> set[str]:
    """Who wrote it since it was last given back, as its log says. Raises Conflict where that cannot be read."""
    found: set[str] = set()
    key = one.id.rsplit(":", 1)[-1]
    last = words.whole(one.get("logged"))
    for n in range(last, max(0, last - ENTRIES), -1):
        try:
            entry = city.get(f"urn:ngsi-ld:WarningLog:{key}-{n}")
        except NotFound:
            break
        if entry.get("what") == "returned":
            return found
        if entry.get("what") in {"drafted", "edited", "proposed"}:
            found.add(str(entry.get("by") or ""))
        if n == 1:
            return found
    raise Conflict("nobody can say who wrote it", mend="give it back, and propose it anew")


def logged(
    one: Entity | None, ident: str, at: int, by: str, what: str, data: Mapping[str, Any] | None = None, n: int = 0
) -> Entity:
    """An entry of a warning's log: appended, never changed."""
    number = n or (1 if one is None else _next(one))
    key = f"{ident.rsplit(':', 1)[-1]}-{number}"
    return entity(
        "WarningLog", key, warning=ident, n=number, at=iso(at), by=by, what=what, data=dict(data or {}) or None
    )
