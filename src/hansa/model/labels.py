"""Labels as apps meet them: under which label something stands, one for what is made of several, and who may tell what.

A label is text, `personal;owner=health;purposes=care`; None is the realm's own. What is made of several things may be
seen by nobody who does not see each of them: the class of the strictest; an owner, purposes and a person of whom it
tells only as far as all of them say the same. Where they differ it is of `several` owners, whose members nobody is, and
for a purpose that nobody can name. What that costs: a department does not see what was made of its own and of others'.

Held by tests/model/test_labels_joined.py, against the policies that hansa ships. Two things no label can say. Who sees
a class and not the one below (in the open realm the command centre security information and not what is about persons,
in that of security the data officer the reverse) sees what was made of both. And what is made of a department's
personal and of nobody's smart information stays with that department, also with its services, which else see nothing of
nobody's.
"""

from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from hansa.model.entity import Entity, alias

CLASSES: Final = ("open", "smart", "personal", "security")
SEVERAL: Final = "several"
"""The owner of what is made of several owners' things: no department, so no member sees it as his own."""
NOTHING: Final = "(none)"
"""The purpose of what may serve none; it is no word that a request can name as its purpose."""


def full(label: str | None, realm: str) -> str:
    """A label, said in full where it is the realm's own."""
    return label or ("security" if realm == "security" else "smart")


def of(one: Entity, *names: str) -> list[str | None]:
    """The labels under which these attributes of an entity stand: its own, and what each of them bears beside."""
    found = [one.label]
    if one.stamps is not None and one.stamps.labels:
        wanted = set(names) | {alias(name) for name in names}
        found += [it for name, it in one.stamps.labels.items() if name in wanted or alias(name) in wanted]
    return found


def strictest(labels: Iterable[str | None], realm: str = "open") -> str | None:
    """One label for what is made of things under these; None for the realm's own, which also what is open makes."""
    said = {one for one in labels if not _is_open(one)}
    if len(said) <= 1:
        return next(iter(said), None)
    parts = sorted({_bare(full(one, realm)) for one in said})
    if len(parts) == 1:
        return None if None in said else parts[0]
    return _joined(tuple(parts))


def covers(holder: str | None, things: Iterable[str | None], realm: str = "open") -> bool:
    """Whether whoever sees what stands under `holder` sees these too, so that it may hold anything of them."""
    whole = full(holder, realm)
    return all(
        _bare(full(strictest((whole, one), realm), realm)) == _bare(whole) for one in things if not _is_open(one)
    )


def may_tell(holder: str, thing: str) -> bool:
    """Whether what stands under the label `holder` may repeat something of what stands under `thing`, both in full.

    That is sure where the labels are the same, where the thing is open, or where it is smart information of nobody's
    and the holder is guarded at least so.
    """
    return holder == thing or _is_open(thing) or (thing == "smart" and rank(holder) >= 1)


def may_weigh(holder: str, thing: str) -> bool:
    """Whether a yes or no about a thing may stand where its figures may not: of another department, smart alone."""
    return may_tell(holder, thing) or (rank(holder) == rank(thing) == 1 and "purposes=" not in thing)


def rank(label: str) -> int:
    """How strict the class of a label is; one that is none is stricter than all."""
    kind = label.partition(";")[0]
    return CLASSES.index(kind) if kind in CLASSES else len(CLASSES)


def _is_open(label: str | None) -> bool:
    return label is not None and label.partition(";")[0] == "open"


def _bare(label: str) -> str:
    """A label without its licence, which says nothing of who may see."""
    return ";".join(part for part in label.split(";") if not part.startswith("licence="))


@lru_cache(maxsize=10_000)
def _joined(said: tuple[str, ...]) -> str:
    parts = [_split(one) for one in said]
    top = max((kind for kind, _ in parts), key=rank)
    # Nobody's smart information adds nothing to what is guarded more strictly; among the smart, it is another owner's.
    guarding = [it for one, it in zip(said, parts, strict=True) if one != "smart" or top == "smart"]
    owners = {fields.get("owner", "") for _, fields in guarding}
    owner = owners.pop() if len(owners) == 1 else SEVERAL
    subjects = {fields.get("subject", "") for _, fields in parts}
    alike = len(subjects) == 1 and len({kind for kind, _ in parts}) == 1  # only what is personal is shown for that
    subject = subjects.pop() if alike else ""
    made = [top]
    if owner:
        made.append(f"owner={owner}")
    if purposes := _purposes(guarding, top, owner):
        made.append(f"purposes={purposes}")
    if subject:
        made.append(f"subject={subject}")
    return ";".join(made)


def _purposes(guarding: list[tuple[str, dict[str, str]]], top: str, owner: str) -> str:
    """What all of them may serve; empty where none of them says."""
    said = [(kind, {one for one in fields.get("purposes", "").split(",") if one}) for kind, fields in guarding]
    # Smart and security information that names no purpose may serve any; what is personal, or shown for the purpose
    # that it names, may then serve none.
    owned = top == "security" and owner not in {"", SEVERAL}
    bounds = [found for kind, found in said if found or kind == "personal" or top == "smart" or owned]
    if not bounds or not any(bounds):
        return NOTHING if bounds and top == "security" and any(kind == "personal" for kind, _ in said) else ""
    return ",".join(sorted(set.intersection(*bounds))) or NOTHING


def _split(label: str) -> tuple[str, dict[str, str]]:
    kind, *rest = label.split(";")
    return kind, dict(part.partition("=")[::2] for part in rest)
