"""An incident in somebody's hands: what is read of it, who he is in it, and what he says of it with its log lines."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from hansa import Act, Attribute, City, Entity, Forbidden, NotFound, Refusal, entity
from hansa.apps.incidents import lines, words
from hansa.apps.incidents.asked import iso
from hansa.apps.incidents.lines import Line
from hansa.apps.incidents.states import Who

_RANK: Final = {"open": 0, "smart": 1, "personal": 2, "security": 3}
_AFTERWARDS: Final = frozenset({words.RESOLVED, words.REVIEWED})


class Case:
    """An incident, and the act that is about to change it."""

    def __init__(self, act: Act, incident: Entity) -> None:
        """`incident` as the one who acts sees it."""
        self.act = act
        self.incident = incident
        self.id = incident.id
        self.status = str(incident.get("status", words.NEW))
        self.drill = incident.get("drill") is True
        self.commander = str(incident.get("commander", ""))
        self.posts: dict[str, list[str]] = dict(incident.get("roles") or {})

    @property
    def who(self) -> Who:
        """The one who acts, as the table of moves asks for him."""
        return Who(self.act.by, self.act.roles, self.posts, self.commander)

    def going(self) -> "Case":
        """This, unless its record is closed: merged, or reviewed."""
        if self.status == words.MERGED:
            into = str(self.incident.get("mergedInto", ""))
            raise Refusal("this incident was merged into another", where="id", mend=f"go on in {into}")
        if self.status == words.REVIEWED:
            raise Refusal("this incident is reviewed and closed", where="id", mend="raise another, and link this one")
        return self

    def working(self) -> "Case":
        """This, unless the work on it is over."""
        self.going()
        if self.status in _AFTERWARDS:
            raise Refusal(f"this incident is {self.status}", where="id", mend="reopen it first")
        return self

    def decided(self, *posts: str) -> "Case":
        """This, unless it is for others to decide."""
        if not self.who.decides(frozenset(posts)):
            raise Forbidden(f"only {' or '.join(sorted(posts))} may do this, or a supervisor", mend="ask them")
        return self

    def says(self, *news: Line, also: Iterable[Entity] = (), **said: Any) -> Iterator[Entity]:
        """The incident with what changes of it, its new log lines, and other entities of the same act."""
        made, kept = lines.write(self.id, self.incident, self.act.by, self.act.at, news)
        yield entity("Incident", self.id, **said, **kept)
        yield from made
        yield from also


def case(act: Act) -> Case:
    """The incident that an act is about."""
    if act.subject is None:  # pragma: no cover  # the door answers 404 before
        raise NotFound("there is no such incident", where="id")
    return Case(act, act.subject)


def case_of(act: Act, city: City, one: Entity) -> Case:
    """The incident that a task or a run belongs to; of a merged one, the other says whether the work goes on."""
    it = Case(act, city.get(str(one["incident"])))
    known = {it.id}
    whole = it.incident
    while whole.get("status") == words.MERGED and (into := str(whole.get("mergedInto", ""))) not in known:
        known.add(into)
        whole = city.get(into)
    above = Case(act, whole)
    it.status, it.commander, it.posts = above.status, above.commander, above.posts
    return it


def relation(found: list[str] | str) -> Attribute:
    """A Relationship to one entity, or to several."""
    return Attribute(found, kind="Relationship")


def several(one: Entity, name: str) -> list[str]:
    """The ids that a Relationship points at; none where it is not said."""
    found = one.get(name)
    if isinstance(found, str):
        return [found]
    return [each for each in found if isinstance(each, str)] if isinstance(found, list) else []


def kind_of(label: str) -> str:
    """The class of a label."""
    return label.partition(";")[0]


def graver(one: str, other: str) -> str:
    """The graver of two severities."""
    return max(one, other, key=lambda it: words.SEVERITIES.index(it) if it in words.SEVERITIES else -1)


def holds(holder: str, thing: str) -> bool:
    """Whether what stands under the label `holder` may repeat something of what stands under `thing`.

    Nobody who sees the holder may learn what he does not see of the thing. That is sure where the labels are the same,
    where the thing is open, or where it is smart information of nobody's and the holder is guarded at least so.
    """
    return holder == thing or kind_of(thing) == "open" or (thing == "smart" and _RANK.get(kind_of(holder), 0) >= 1)


def may_weigh(holder: str, thing: str) -> bool:
    """Whether a yes or no about a thing may stand where its figures may not: of another department, smart alone."""
    return holds(holder, thing) or (kind_of(holder) == kind_of(thing) == "smart" and "purposes=" not in thing)


def may_name(holder: Entity, thing: Entity) -> None:
    """Refuse to name, in something, what is of a stricter class than it: that it exists is told by that alone."""
    if _RANK[kind_of(lines.label(thing))] > max(1, _RANK[kind_of(lines.label(holder))]):
        raise Refusal(
            f"{thing.id} is guarded more strictly than this incident",
            where=thing.id,
            mend="raise an incident of its own for it",
        )


def common(labels: list[str], default: str) -> str | None:
    """The label of what is made from several things: None for the realm's own.

    Refusal where no label guards them all.
    """
    strict = {one for one in labels if kind_of(one) != "open"} or {default}
    if len(strict) == 1:
        (only,) = strict
        return None if only == default else only
    if {kind_of(one) for one in strict} <= {"smart"}:
        return None  # of several departments: the desk's own
    guarding = [one for one in strict if all(holds(one, other) for other in strict)]
    if not guarding:
        raise Refusal(
            "these are guarded in different ways, so that no incident could hold them all",
            where="alarms",
            mend="raise one incident for each kind",
        )
    return guarding[0]


def moment(act: Act) -> str:
    """When an act is done, as it is kept."""
    return iso(act.at)
