"""An incident in somebody's hands: what is read of it, who he is in it, and what he says of it with its log lines."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from hansa import Act, Attribute, City, Entity, Forbidden, NotFound, Refusal, entity, labels
from hansa.apps.incidents import lines, words
from hansa.apps.incidents.asked import iso
from hansa.apps.incidents.lines import Line
from hansa.apps.incidents.states import Who

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


def holds(holder: str, thing: Entity, *names: str) -> bool:
    """Whether what stands under the label `holder` may repeat what a thing, and these attributes of it, say."""
    return all(labels.may_tell(holder, labels.full(one, thing.realm)) for one in labels.of(thing, *names))


def may_weigh(holder: str, thing: Entity, *names: str) -> bool:
    """Whether a yes or no about these attributes of a thing may stand where their figures may not."""
    return all(labels.may_weigh(holder, labels.full(one, thing.realm)) for one in labels.of(thing, *names))


def may_name(holder: Entity, thing: Entity) -> None:
    """Refuse to name, in something, what is of a stricter class than it: that it exists is told by that alone."""
    if labels.rank(lines.label(thing)) > max(1, labels.rank(lines.label(holder))):
        raise Refusal(
            f"{thing.id} is guarded more strictly than this incident",
            where=thing.id,
            mend="raise an incident of its own for it",
        )


def common(said: list[str], default: str) -> str | None:
    """The label of what is made from several things: None for the realm's own.

    Refusal where a label that guards them all would hide it from those who work with each.
    """
    realm = "security" if default == "security" else "open"
    found = labels.full(labels.strictest(said, realm), realm)
    if found == default:
        return None
    if kind_of(found) != "smart" and found not in {one.partition(";subject=")[0] for one in said} | {*said}:
        raise Refusal(
            "these are guarded in different ways, so that no incident could hold them all",
            where="alarms",
            mend="raise one incident for each kind",
        )
    return found


def moment(act: Act) -> str:
    """When an act is done, as it is kept."""
    return iso(act.at)
