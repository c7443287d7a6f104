"""Votes of a process: what is asked. The ballots themselves are no business of an app's: `/votes`, ADR 0017."""

from collections.abc import Iterable, Mapping
from typing import Any

from hansa import Act, Asking, City, Conflict, Entity, Refusal, entity
from hansa.apps.participation.processes import KIND as PROCESS
from hansa.apps.participation.proposals import KIND as PROPOSAL
from hansa.apps.participation.said import (
    flag,
    iso,
    key,
    languages,
    made,
    moment,
    only,
    staff,
    staff_on,
    subject,
    there,
    whole,
    word,
)
from hansa.apps.participation.taking_part import inner, public
from hansa.apps.participation.words import MONEY, NOTE, TITLE

KIND = "Ballot"
OPTIONS = 500
RULES = {"choice": ("plurality",), "approval": ("approval",), "budget": ("greedy", "equal-shares")}


def drafted(act: Act, city: Asking) -> Iterable[Entity]:
    """A question to vote on, as a draft: of a process, with its options, rule, times, and who may vote."""
    staff(act)
    if act.subject is not None and act.subject.get("status") not in {"draft", "refused"}:
        raise Conflict("what people vote on is not changed", where="id")
    only(
        act.said, "process", "question", "kind", "rule", "options", "most", "budget", "knapsack", "districts",
        "opens", "closes", "who", "key",
    )  # fmt: skip
    process = subject(city, act.said.get("process"), PROCESS, where="process")
    kind = word(act.said, "kind", sorted(RULES))
    rule = word(act.said, "rule", RULES[kind], default=RULES[kind][0])
    opens, closes = moment(act.said, "opens"), moment(act.said, "closes")
    if not act.at < closes or opens >= closes:
        raise Refusal("it closes after it opens, and not before now", where="closes")
    name = key(act.said, "key") if "key" in act.said else made("ballot", process.id, str(act.at), str(act.said))
    ident = act.id or f"urn:ngsi-ld:{KIND}:{name}"
    options = _options(act.said.get("options"), city, dear=kind == "budget")
    definition: dict[str, Any] = {
        "ballot": ident,
        "question": languages(act.said, "question", NOTE),
        "kind": kind,
        "rule": rule,
        "options": options,
        "most": 1 if kind == "choice" else _most(act.said, len(options)),
        "opens": iso(opens),
        "closes": iso(closes),
        "who": _who(act.said.get("who", {"roles": ["resident"], "assurance": 2})),
    }
    if kind == "budget":
        definition["budget"] = whole(act.said, "budget", 1, MONEY)
        definition["knapsack"] = flag(act.said, "knapsack")
        definition["districts"] = _districts(act.said.get("districts", {}), definition["budget"])
    currency = process.get("budget", {}).get("currency")
    yield inner(entity(KIND, ident, process=process.id, status="draft", definition=definition, currency=currency))


def opening(act: Act, _city: Asking) -> Iterable[Entity]:
    """Have the box make its keys: from then on the question stands, and everybody sees it."""
    staff_on(act)
    only(act.said)
    if act.subject is None or act.subject.get("status") not in {"draft", "refused"}:
        raise Conflict("it is open already, or over", where="id")
    yield public(entity(KIND, act.id, status="opening"))


def decided(vote: Entity, city: City) -> Iterable[Entity]:
    """The proposals that a counted vote was about, as it decided."""
    won = set(vote.get("result", {}).get("chosen", ()))
    for one in vote["definition"]["options"]:
        found = there(city, str(one["proposal"])) if one.get("proposal") else None
        if found is None or found.get("status") != "admissible":
            continue
        said = entity(PROPOSAL, found.id, status="chosen" if one["id"] in won else "not-chosen", ballot=vote.id)
        said.label = found.label
        yield said


def _most(said: Mapping[str, Any], many: int) -> int:
    return whole(said, "most", 1, 50) if "most" in said else min(many, 50)


def _options(said: Any, city: Asking, *, dear: bool) -> list[dict[str, Any]]:
    if not isinstance(said, list) or not 2 <= len(said) <= OPTIONS:
        raise Refusal(f"2 to {OPTIONS} options", where="options")
    found: dict[str, dict[str, Any]] = {}
    for n, one in enumerate(said):
        where = f"options[{n}]"
        if not isinstance(one, Mapping):
            raise Refusal("an option is id and text, or proposal", where=where)
        only(one, "id", "text", "proposal", "cost", "district")
        told: dict[str, Any] = {}
        proposal = there(city, str(one["proposal"])[:300]) if one.get("proposal") else None
        if one.get("proposal"):
            if proposal is None or PROPOSAL not in proposal.types or proposal.get("status") != "admissible":
                raise Refusal("that is no proposal that was found admissible", where=f"{where}.proposal")
            told |= {"id": f"p{proposal.key[-36:]}".lower(), "proposal": proposal.id}
            told["text"] = {proposal.get("language", "en"): proposal["title"]}
        else:
            told |= {"id": key(one, "id"), "text": languages(one, "text", TITLE)}
        source = one if "cost" in one else {"cost": proposal.get("cost")} if proposal is not None else {}
        if dear:
            told["cost"] = whole(source, "cost", 1, MONEY)
        district = one.get("district", proposal.get("district") if proposal is not None else None)
        if district is not None:
            if not isinstance(district, str) or len(district) > 100:
                raise Refusal("district is a name", where=f"{where}.district")
            told["district"] = district
        if told["id"] in found:
            raise Refusal("each option once", where=where)
        found[told["id"]] = told
    return list(found.values())


def _districts(said: Any, budget: int) -> dict[str, int]:
    if not isinstance(said, Mapping) or len(said) > 100:
        raise Refusal("districts says what each may spend", where="districts")
    found = {str(name)[:100]: whole(said, name, 0, MONEY) for name in said}
    if sum(found.values()) > budget:
        raise Refusal("the districts have more than there is", where="districts")
    return found


def _who(said: Any) -> dict[str, Any]:
    if not isinstance(said, Mapping):
        raise Refusal("who: roles, departments, assurance", where="who")
    only(said, "roles", "departments", "assurance")
    found: dict[str, Any] = {"assurance": whole(said, "assurance", 1, 3) if "assurance" in said else 2}
    for name in ("roles", "departments"):
        words = said.get(name, [])
        if not isinstance(words, list) or len(words) > 50 or not all(isinstance(it, str) for it in words):
            raise Refusal(f"{name} is a list of names", where=f"who.{name}")
        found[name] = sorted(set(words))
    return found
