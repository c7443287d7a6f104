"""Comments on processes and proposals. Their ids count on, so that a page of a hundred thousand is read by its ids."""

from collections.abc import Iterable

from hansa import Act, Asking, City, Conflict, Entity, Refusal, entity
from hansa.apps.participation import moderation, phases
from hansa.apps.participation.processes import KIND as PROCESS
from hansa.apps.participation.proposals import KIND as PROPOSAL
from hansa.apps.participation.said import iso, known, made, only, subject, text, there, word
from hansa.apps.participation.taking_part import Participant, authorship
from hansa.apps.participation.words import COMMENT, COMMENTS, LANGUAGES, SHOWN

KIND = "ParticipationComment"


def ident(about: str, n: int) -> str:
    """The id of the n-th comment on something, from 1."""
    return f"urn:ngsi-ld:{KIND}:{made('comment', about)}-{n:06d}"


def commented(act: Act, city: Asking) -> Iterable[Entity]:
    """Somebody says something about it."""
    who = known(act)
    only(act.said, "about", "text", "language", "author")
    about = subject(city, act.said.get("about"), PROPOSAL, PROCESS, where="about")
    process = about if PROCESS in about.types else subject(city, about.get("process"), PROCESS)
    phases.allows(process, act.at, "comment")
    if about.get("shown", "shown") != "shown":
        raise Conflict("it is not shown now", where="about")
    many = about.get("commentCount", 0)
    if many >= COMMENTS:
        raise Conflict(f"{COMMENTS:,} comments were made", where="about")
    said, author = text(act.said, "text", COMMENT, lines=True), text(act.said, "author", SHOWN, least=0)
    he = Participant(act, city)
    he.does("comment")
    echo = made("echo", about.id, moderation.plain(said))
    if echo in he.kept.get("echoes", []):
        raise Refusal("you have said that already", where="text")
    one = entity(
        KIND,
        ident(about.id, many + 1),
        about=about.id,
        text=said,
        language=word(act.said, "language", LANGUAGES),
        author=author,
        at=iso(act.at),
    )
    he.keeps("comments", one.id)
    he.keeps("echoes", echo, 50)
    yield he.said()
    yield authorship(one.id, who)
    counted = entity(about.type, about.id, commentCount=many + 1)
    counted.label = about.label
    yield counted
    yield from moderation.starts(city, act.at, f"{said}\n{author}", one)


def newest(city: City, about: Entity, before: int, many: int) -> tuple[list[Entity], int]:
    """So many comments, from the one before `before` backwards; and before which it goes on (0: there are no more)."""
    found: list[Entity] = []
    n = min(before - 1, about.get("commentCount", 0))
    while n > 0 and len(found) < many:
        one = there(city, ident(about.id, n))
        if one is not None:
            found.append(one)
        n -= 1
    return found, n + 1 if n > 0 else 0
