"""What a body makes into Writes (CIM 009, clauses 5.6.1 to 5.6.10 and 5.6.17 to 5.6.20). No HTTP here.

Each function reads one body in its @context and gives the Write of its clause; what the Write does to the entity is
decided in `platform.merge`, once, in the writer.
"""

from collections.abc import Sequence
from typing import Any, Final

from hansa.errors import BadRequest, NotFound
from hansa.limits import Limits
from hansa.model.change import Change, Kind, Refused, Write
from hansa.model.context import Context
from hansa.model.entity import MEMBERS, Doc
from hansa.model.wire import NULL, Mode, attribute_in, entity_in
from hansa.platform.store import Outcome


def creation(body: Any, context: Context, *, tenant: str, limits: Limits, kind: Kind = "create") -> Write:
    """An entity with id and type: 5.6.1 Create Entity, and one of many (5.6.7 to 5.6.9, 5.6.20), as 5.2.4 has it."""
    doc = entity_in(body, context, mode=_MODES.get(kind, "whole"), limits=limits)
    return Write(kind, doc["id"], doc, tenant=tenant)


# An upsert that updates is 5.6.2 where the entity is there, and may take away.
_MODES: Final[dict[Kind, Mode]] = {"merge": "merge", "update": "update", "upsert_update": "update"}


def fragment(
    kind: Kind,
    body: Any,
    context: Context,
    *,
    tenant: str,
    limits: Limits,
    ident: str,
    simplified: bool = False,
) -> Write:
    """A fragment of the entity `ident` for one of the verbs that change one.

    5.6.2 Update Attributes, 5.6.3 Append Attributes, 5.6.17 Merge Entity, 5.6.18 Replace Entity. Raises BadRequest when
    the body names another id than the path, or says nothing.
    """
    mode = _MODES.get(kind, "whole")
    doc = entity_in(body, context, partial=True, mode=mode, simplified=simplified, limits=limits)
    said = doc.pop("id", ident)
    if said != ident:
        raise BadRequest(f"the body is about {said}, the path about {ident}", where="id")
    if not doc:
        raise BadRequest("the fragment says nothing", mend="name an attribute, with its value")
    return Write(kind, ident, doc, same_kind=simplified, tenant=tenant)


def partial(ident: str, name: str, body: Any, context: Context, *, tenant: str, limits: Limits) -> Write:
    """5.6.4 Partial Attribute Update: members of one instance; what is not said stays."""
    if type(body) is dict:
        if body.keys() <= {"@context"}:
            raise BadRequest("the fragment says nothing", where=name, mend="say what is to be changed")
        body = {"datasetId": "@none", **body}  # an object here is an attribute's, never a value that stands alone
    entry = attribute_in(body, context, name, mode="merge", limits=limits)
    if type(entry) is dict and any(_holds_null(value) for value in entry.values() if type(value) in {dict, list}):
        raise BadRequest("only a merge takes away from within a value (5.5.4)", where=name, mend="PATCH the entity")
    return Write("patch_attr", ident, {name: _single(entry)}, name=name, tenant=tenant)


def replacement(ident: str, name: str, body: Any, context: Context, *, tenant: str, limits: Limits) -> Write:
    """5.6.19 Replace Attribute: one instance, whole."""
    entry = attribute_in(body, context, name, mode="whole", limits=limits)
    return Write("replace_attr", ident, {name: _single(entry)}, name=name, tenant=tenant)


def _holds_null(value: Any) -> bool:
    if type(value) is dict:
        value = list(value.values())
    return value == NULL if type(value) is not list else any(_holds_null(one) for one in value)


def _single(entry: Any) -> Any:
    if type(entry) is list:
        raise BadRequest("one instance at a time", mend="name its datasetId, and send it alone")
    return entry


def settled(outcomes: Sequence[Outcome]) -> Outcome:
    """The only outcome; raises its refusal."""
    (outcome,) = outcomes
    if isinstance(outcome, Refused):
        raise outcome.error
    return outcome


def first_failure(outcomes: Sequence[Outcome]) -> None:
    """Raise the first refusal that is not about something being gone already."""
    for outcome in outcomes:
        if isinstance(outcome, Refused) and not isinstance(outcome.error, NotFound):
            raise outcome.error


def left_out(write: Write, outcome: Outcome, *, scoped: bool = True) -> list[tuple[str, str]]:
    """What a write did not do, name and reason: the notUpdated of an UpdateResult (5.2.18, 5.2.19).

    `scoped`: the entity had a scope before.
    """
    told = []
    if write.kind == "update" and "scope" in write.doc and not scoped:
        told.append(("scope", "the entity has no scope to replace (5.6.2)"))
    if write.kind == "append_new":
        done = {part.name for part in outcome.parts} if isinstance(outcome, Change) else set()
        if "expiresAt" in write.doc and "expiresAt" not in done:
            told.append(("expiresAt", "it is said already, and noOverwrite was said (5.6.3)"))
        for name, entry in write.doc.items():
            if name not in MEMBERS and name not in done:
                told.append((name, "it is there already, and noOverwrite was said (5.6.3)"))
            elif name not in MEMBERS and _missed(entry, name, outcome):
                told.append((name, "some of its instances are there already (5.6.3)"))
    return told


def _missed(entry: Any, name: str, outcome: Outcome) -> bool:
    said = entry if type(entry) is list else [entry]
    done = [part for part in outcome.parts if part.name == name] if isinstance(outcome, Change) else []
    return len(done) < len(said)


def said_names(doc: Doc) -> list[str]:
    """The members of a fragment that an UpdateResult tells about."""
    return [name for name in doc if name not in MEMBERS or name == "scope"]
