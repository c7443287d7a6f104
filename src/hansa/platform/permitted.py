"""What somebody may write: decided in the writer, on the labels that the entity bears at that very moment.

Whoever does not see an entity or an attribute writes as if it were not there: `seen` is the state that he knows, what
he says is merged into that, and `joined` puts back what he does not know. So absent and hidden are one thing here too,
by construction. What changed is then weighed by `check`, attribute by attribute.
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from typing import Final

from hansa.errors import Forbidden, NotFound
from hansa.model.change import LABEL, Part, Write
from hansa.model.entity import MEMBERS, Doc, Entity, Stamps, alias, types_of
from hansa.platform import two_people
from hansa.platform.merge import Merged, State
from hansa.trust.labels import Sight, unlabelled

COMMAND: Final = "Command"
_SAID: Final = frozenset({None, "draft", "pending", "requested", "drill", "cancelled"})
"""What may be said of a command's status past the acts; the rest is what came of it."""
_MAKES: Final = frozenset({"create", "upsert", "upsert_update", "say", "instances"})


def seen(state: State | None, sight: Sight, realm: str) -> State | None:
    """The state as a sight knows it; the same object where nothing is hidden, None where all of it is."""
    if state is None:
        return state
    if state.doc is None:  # its past is there, under the labels that it had
        return state if sight.sees(state.label or unlabelled(realm)) else None
    if not sight.sees(state.label or unlabelled(realm)) or not sight.covers("read", types_of(state.doc)):
        return None
    hidden = {name for name, label in state.stamps.labels.items() if not sight.sees(label)}
    if not hidden:
        return state
    doc = {name: said for name, said in state.doc.items() if name in MEMBERS or name not in hidden}
    return State(doc, state.stamps.without(hidden), state.label)


def owned(write: Write, sight: Sight, realm: str) -> Write:
    """A write that may make an entity: whoever belongs to one department makes it that department's."""
    if write.label is not None or write.kind not in _MAKES or len(sight.who.departments) != 1:
        return write
    (owner,) = sight.who.departments
    return replace(write, label=f"{unlabelled(realm)};owner={owner}")


def joined(whole: State | None, known: State | None, merged: Merged, write: Write) -> Merged:
    """What a write to the `known` state does to the `whole` one. Raises Forbidden where it meets what is hidden."""
    if whole is known or whole is None or merged.gone:
        return merged
    if known is None or whole.doc is None or merged.state.doc is None:
        raise _refusal(write)  # only what makes an entity comes here: all else found nothing to change
    hidden = {name for name in whole.stamps.labels if name not in known.stamps.labels}
    if not hidden.isdisjoint(part.name for part in merged.parts):
        raise _refusal(write)
    doc: Doc = merged.state.doc | {name: whole.doc[name] for name in hidden if name in whole.doc}
    own, back = merged.state.stamps, whole.stamps
    stamps = Stamps(
        own.created,
        max(own.modified, back.modified),
        own.attrs | {name: back.attrs[name] for name in hidden if name in back.attrs},
        own.labels | {name: back.labels[name] for name in hidden},
    )
    return Merged(State(doc, stamps, merged.state.label), merged.parts, merged.new)


def check(sight: Sight, before: State | None, merged: Merged, write: Write, realm: str, app: str = "") -> None:
    """Raise Forbidden unless all that a write changed may be changed by this sight; `app`: by whose act."""
    after = merged.state
    verb = "delete" if merged.gone else "create" if merged.new else "update"
    docs = [one.doc for one in (before, after) if one is not None and one.doc is not None]
    if not all(sight.covers(verb, types_of(doc)) for doc in docs):
        raise _refusal(write)
    own = after.label or unlabelled(realm)
    _commanded(sight, docs, before, merged, write, realm, app)
    if merged.gone:
        old = own if before is None else before.label or unlabelled(realm)
        if not sight.may("delete", old):
            raise _refusal(write)
        return
    if merged.new and not sight.may(verb, own):
        raise _refusal(write)
    for part in merged.parts:
        for label in _labels(part, before, after, realm):
            if not sight.may(verb, label):
                raise _refusal(write)
        # What is to go by itself is deleted, later.
        if part.name == "expiresAt" and not merged.new and not sight.may("delete", _label(before, "", realm)):
            raise _refusal(write)
        if part.name == LABEL and not merged.new and not sight.may("declassify", _label(before, "", realm)):
            raise _refusal(write)


def _commanded(
    sight: Sight, docs: list[Doc], before: State | None, merged: Merged, write: Write, realm: str, app: str
) -> None:
    """Raise Forbidden unless he may have a device act, and where it takes two, as one of them."""
    if not any(COMMAND in types_of(doc) for doc in docs):
        return
    if any(part.dataset is not None for part in merged.parts):
        raise Forbidden("a command says each thing once", where=write.id, mend="leave out datasetId")
    said = None if merged.state.doc is None else Entity(merged.state.doc).get("status")
    if not app and any(part.name == "status" for part in merged.parts) and said not in _SAID:
        raise Forbidden(f"a command is not made {str(said)[:40]} like that", where="status", mend="/desk/commands")
    own, after = merged.state.label or unlabelled(realm), merged.state.doc
    # Whoever makes or changes a Command has a device act: that is a verb of its own.
    if not (sight.may("command", own) and all(sight.covers("command", types_of(doc)) for doc in docs)):
        raise _refusal(write)
    if realm in two_people.REALMS and after is not None and COMMAND in types_of(after) and merged.parts:
        known = None if before is None else before.doc
        if not two_people.may(sight, known, after, app):
            raise Forbidden(
                "a device acts when one person asks and another approves exactly that",
                where=write.id,
                mend="ask for it: POST /ccc/desk/commands/request",
            )


def edited(sight: Sight, before: State | None, write: Write, realm: str) -> bool:
    """Whether history may be edited: False where there is no entity for this sight.

    Raises Forbidden, and NotFound where what is hidden has the history.
    """
    known = seen(before, sight, realm)
    if known is None or known.doc is None or before is None or before.doc is None:
        return False
    name = write.name or ""
    if not sight.covers("update" if name else "delete", types_of(before.doc)):
        raise _refusal(write)
    hidden = name in before.stamps.labels and name not in known.stamps.labels
    # Without a name all of it goes, also what he does not see, as when the entity is deleted.
    if not sight.may("update" if name else "delete", _label(before, "" if hidden else name, realm)):
        raise _refusal(write)
    if hidden:
        raise NotFound(f"{write.id} has no history of {name}", where=name)
    return True


def stays(state: State, write: Write, kinds: Mapping[str, str]) -> None:
    """Raise Forbidden where an entity is of a type to which one only appends: nobody changes what was entered, or its
    past, whoever he is. A correction is an entry of its own.
    """
    if state.doc is not None and not kinds.keys().isdisjoint(map(alias, types_of(state.doc))):
        raise Forbidden("what was entered stays as it is", where=write.id, mend="enter a correction that refers to it")


def kept(doc: Doc, write: Write, names: Collection[str] | None, kinds: Mapping[str, frozenset[str]]) -> None:
    """Raise Forbidden where names (None: all) of an entity are written by acts and apps alone."""
    for kind in map(alias, types_of(doc)):
        held = kinds.get(kind)
        if held is not None and (not held or (names is None or not held.isdisjoint(map(alias, names)))):
            what = "entities" if not held else "these attributes"
            raise Forbidden(
                f"{what} of type {kind} are written by acts alone", where=write.id, mend="GET /desk lists them"
            )


def entered(merged: Merged, write: Write, by: str, kinds: Mapping[str, str], *, old: bool) -> None:
    """Raise Forbidden unless an entity of a type to which one only appends is new, and made by its app."""
    doc = merged.state.doc
    for kind in () if doc is None else types_of(doc):
        app = kinds.get(alias(kind))
        if app is not None and (old or by != f"app:{app}"):
            raise Forbidden(f"entities of type {alias(kind)} are made by {app} alone", where=write.id)
        if app is not None and "expiresAt" in (doc or ()):
            raise Forbidden("what is entered does not go by itself", where="expiresAt")


def _labels(part: Part, before: State | None, after: State, realm: str) -> set[str]:
    """Under what a part stood, and stands now."""
    name = "" if part.name in MEMBERS or part.name == LABEL else part.name
    return {_label(one, name, realm) for one in (before, after) if one is not None and one.doc is not None}


def _label(state: State | None, name: str, realm: str) -> str:
    """The label of an attribute, or (no name) of an entity."""
    if state is None:
        return unlabelled(realm)
    return state.stamps.labels.get(name) or state.label or unlabelled(realm)


def _refusal(write: Write) -> Forbidden:
    # One text for all: it must not tell whether something is in the way or the right is lacking.
    return Forbidden(f"this is not for you to write: {write.id}", where=write.id)
