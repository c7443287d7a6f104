"""Processes of participation, as staff sets them up: what about, in which phases, with how much money."""

from collections.abc import Iterable, Mapping
from typing import Any

from hansa import Act, Asking, Conflict, Entity, Refusal, entity
from hansa.apps.participation import phases
from hansa.apps.participation.said import key, languages, made, only, staff, staff_on, text, whole, word
from hansa.apps.participation.taking_part import inner, public
from hansa.apps.participation.words import MONEY, NOTE, TEXT, TITLE, WORD

KIND = "ParticipationProcess"
_FIELDS = ("title", "summary", "kind", "phases", "categories", "districts", "budget")


def described(act: Act, _city: Asking) -> Iterable[Entity]:
    """A process: added, or said anew. What is open is changed in its phases and words alone."""
    who = staff(act)
    only(act.said, *_FIELDS, "key")
    one = act.subject
    new = one is None
    told: dict[str, Any] = {}
    for name, most in (("title", TITLE), ("summary", TEXT)):
        if new or name in act.said:
            told[name] = languages(act.said, name, most)
    if new or "phases" in act.said:
        told["phases"] = phases.read(act.said.get("phases"))
    if one is not None and one.get("status") != "draft":
        fixed = sorted({"kind", "categories", "districts", "budget"} & set(act.said))
        if fixed:
            raise Conflict("people rely on that by now", where=fixed[0], mend="begin another process")
    if new or "kind" in act.said:
        told["processKind"] = word(act.said, "kind", ("consultation", "budget"))
    for name in ("categories", "districts"):
        if name in act.said:
            told[name] = _names(act.said[name], name)
    if "budget" in act.said:
        told["budget"] = _budget(act.said["budget"])
    kind = told.get("processKind") or (one.get("processKind") if one is not None else "")
    if kind == "budget" and not (told.get("budget") or (one is not None and one.get("budget"))):
        raise Refusal("a budget has a sum", where="budget", mend='{"sum": 100000, "currency": "EUR"}')
    if new:
        told |= {"status": "draft", "proposalCount": 0, "by": who}
        ident = key(act.said, "key") if "key" in act.said else made("process", str(act.at), str(told))
        yield inner(entity(KIND, act.id or ident, **told))
        return
    said = entity(KIND, act.id, **told)
    said.label = one.label if one is not None else None
    yield said


def published(act: Act, _city: Asking) -> Iterable[Entity]:
    """A process that everybody sees from now on."""
    staff_on(act)
    _state(act, "draft", "open")
    yield public(entity(KIND, act.id, status="open"))


def closed(act: Act, _city: Asking) -> Iterable[Entity]:
    """A process that is over; what was said stays."""
    staff_on(act)
    only(act.said, "reason")
    _state(act, "open", "closed")
    yield public(entity(KIND, act.id, status="closed", reason=text(act.said, "reason", NOTE, lines=True)))


def _state(act: Act, was: str, to: str) -> None:
    if act.subject is None or act.subject.get("status") != was:
        now = act.subject.get("status") if act.subject is not None else "not there"
        raise Conflict(f"it is {now}; what is {was} becomes {to}", where="id")


def _names(said: Any, where: str) -> list[str]:
    if not isinstance(said, list) or len(said) > 100:
        raise Refusal(f"{where} is a list of up to 100 names", where=where)
    found = [text({where: one}, where, WORD) for one in said]
    if len(set(found)) != len(found):
        raise Refusal("each name once", where=where)
    return found


def _budget(said: Any) -> dict[str, Any]:
    if not isinstance(said, Mapping):
        raise Refusal("budget is sum and currency", where="budget")
    only(said, "sum", "currency")
    currency = said.get("currency")
    if not isinstance(currency, str) or len(currency) != 3 or not (currency.isascii() and currency.isupper()):
        raise Refusal("currency is a code of ISO 4217", where="budget.currency", mend="EUR")
    return {"sum": whole(said, "sum", 1, MONEY), "currency": currency}
