"""Comments on processes and proposals. The city knows the id of the n-th: so a page of 100,000 is read by its ids."""

from collections.abc import Iterable

from hansa import Act, Asking, Conflict, Entity, Refusal, entity
from hansa.apps.participation import moderation, phases
from hansa.apps.participation.processes import KIND as PROCESS
from hansa.apps.participation.proposals import KIND as PROPOSAL
from hansa.apps.participation.said import iso, known, made, only, subject, text, there, unguessed, word
from hansa.apps.participation.taking_part import Participant, authorship, seen
from hansa.apps.participation.words import COMMENT, COMMENTS, LANGUAGES, SHOWN

KIND = "ParticipationComment"


def ident(city: Asking, about: str, n: int) -> str:
    """The id of the n-th comment on something, from 1; to everybody but the city they do not count on."""
    return f"urn:ngsi-ld:{KIND}:{unguessed(city, 'comment', about, n)}"


def commented(act: Act, city: Asking) -> Iterable[Entity]:
    """Somebody says something about it."""
    who = known(act)
    only(act.said, "about", "text", "language", "author")
    about = seen(act, city, act.said.get("about"), PROPOSAL, PROCESS, where="about")
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
        ident(city, about.id, many + 1),
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


def newest(city: Asking, about: Entity, before: int, many: int) -> tuple[list[Entity], int]:
    """So many comments, from the one before `before` backwards; and before which it goes on (0: there are no more)."""
    found: list[Entity] = []
    n = min(before - 1, about.get("commentCount", 0))
    while n > 0 and len(found) < many:
        one = there(city, ident(city, about.id, n))
        if one is not None:
            found.append(one)
        n -= 1
    return found, n + 1 if n > 0 else 0
