"""A person who takes part: what is his, and how often he does what. Personal, and of nobody else's sight."""

from collections.abc import Mapping
from typing import Any, Final

from hansa import Act, Asking, City, Entity, Refusal, entity
from hansa.apps.participation.said import hidden, made, none_such, not_there, subject, there, works
from hansa.apps.participation.words import HOURLY, RECENT

_HOUR: Final = 3_600_000_000


def label(who: str) -> str:
    """What is somebody's own: he sees it, and whoever works with such things."""
    return f"personal;subject={who}"


def private(one: Entity, who: str) -> Entity:
    """The same entity, somebody's own."""
    one.label = label(who)
    return one


def public(one: Entity) -> Entity:
    """The same entity, for everybody."""
    one.label = "open"
    return one


def inner(one: Entity) -> Entity:
    """The same entity, for staff."""
    one.label = "smart"
    return one


def ident(who: str) -> str:
    """The id of what is kept of somebody who takes part; it does not name him."""
    return f"urn:ngsi-ld:Participant:{made('participant', who)}"


class Participant:
    """Somebody, as an act finds him and leaves him."""

    def __init__(self, act: Act, city: City) -> None:
        """Read him; nothing is there of somebody who comes for the first time."""
        self.who, self.at = act.by, act.at
        found = there(city, ident(act.by))
        self.done: dict[str, list[int]] = {} if found is None else dict(found.get("lately", {}))
        self.kept: dict[str, Any] = {} if found is None else dict(found.get("kept", {}))

    def does(self, what: str) -> None:
        """Count it; Refusal when he does it too often."""
        lately = [at for at in self.done.get(what, []) if at > self.at - _HOUR]
        if len(lately) >= HOURLY[what]:
            mend = "others want to be heard too: try again in an hour"
            raise Refusal(f"{HOURLY[what]} times an hour is the most", where=what, mend=mend)
        self.done[what] = [*lately, self.at]

    def keeps(self, what: str, ident_: str, most: int = RECENT) -> None:
        """Remember that something is his, the newest so many."""
        self.kept[what] = [*(one for one in self.kept.get(what, []) if one != ident_), ident_][-most:]

    def lets_go(self, what: str, ident_: str) -> None:
        """It is his no longer."""
        self.kept[what] = [one for one in self.kept.get(what, []) if one != ident_]

    def said(self) -> Entity:
        """What is kept of him."""
        return private(entity("Participant", ident(self.who), lately=self.done, kept=self.kept), self.who)


def of(city: City, who: str) -> Mapping[str, list[str]]:
    """What is somebody's, by kind."""
    found = there(city, ident(who)) if who else None
    return {} if found is None else found.get("kept", {})


def author_of(city: City, about: str) -> str:
    """Who wrote something; empty where it is not known any more."""
    found = there(city, f"urn:ngsi-ld:Authorship:{made('author', about)}")
    return "" if found is None else str(found.get("by", ""))


def sees(asks: Act | Asking, city: City, one: Entity) -> bool:
    """Whether it is there for whoever asks: what is hidden is so for its author and for the staff."""
    return not hidden(one) or works(asks) or bool(asks.by and author_of(city, one.id) == asks.by)


def seen(asks: Act | Asking, city: City, ident_: Any, *kinds: str, where: str = "id") -> Entity:
    """An entity of one of these types that whoever asks may see; NotFound."""
    found = subject(city, ident_, *kinds, where=where)
    if not sees(asks, city, found):
        raise none_such(*kinds, where=where)
    return found


def seen_subject(act: Act, city: City) -> Entity:
    """What an act is about; NotFound where it is hidden from whoever does it. Before anything else is looked at."""
    if act.subject is None or not sees(act, city, act.subject):
        raise not_there(act)
    return act.subject


def authorship(about: str, who: str) -> Entity:
    """Who wrote it: beside what he wrote, so that the one can be open and the other is not."""
    return private(entity("Authorship", made("author", about), about=about, by=who), who)
