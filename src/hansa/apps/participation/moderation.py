"""Moderation: what is held back until somebody looks, why, who decided, and the appeal to another one.

A text is `shown`, `held` (a rule of the city or a flag marked it: hidden until moderated) or `hidden` (a moderator
decided). Whatever moves it is one `ModerationEntry`, to which one only appends. `rule` says what the machine looks for:
it holds back, and decides nothing.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import lru_cache
from typing import Any, Final

from hansa import Act, Asking, City, Conflict, Delete, Entity, Forbidden, entity
from hansa.apps.participation.said import iso, known, made, only, staff, subject, text, there, word
from hansa.apps.participation.taking_part import Participant, author_of, inner, private, public, seen
from hansa.apps.participation.words import AGAIN, DECISIONS, FLAGS, NOTE, UNKNOWN_FLAGS

KINDS: Final = ("ParticipationComment", "ParticipationProposal")
THREATS: Final = (
    *("kill you", "kill yourself", "death to", "gas the", "should be shot", "should be hanged", "exterminate"),
    *("je vais te tuer", "suicide-toi", "mort aux", "te voy a matar", "muerte a", "matarlos a todos"),
    *("سأقتلك", "الموت لل", "اقتل نفسك", "ぶっ殺", "殺してやる", "死ねばいい"),
)
"""Threats that mean the same whoever says them. What offends here and not there a city adds itself: `held_words`."""
_LINKS: Final = 3
_TIGHT: Final = 7  # letters: shorter words are found by chance where one word ends and the next begins
_SHOUTED: Final = 40  # letters: a shorter shout may be a name
_LEET: Final = str.maketrans({"0": "o", "1": "i", "3": "e", "4": "a", "5": "s", "7": "t", "@": "a", "$": "s", "!": "i"})
_LINK: Final = re.compile(r"https?://|www\.", re.IGNORECASE)
_MAIL: Final = re.compile(r"[\w.+-]{1,64}@[\w-]{1,63}\.[\w.-]{2,63}")
_PHONE: Final = re.compile(r"(?<![\w.])\+?\d[\d ()/-]{7,18}\d(?![\w.])")
_IBAN: Final = re.compile(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){3,7}(?: ?[A-Z0-9]{1,3})?\b")
_REPEATED: Final = re.compile(r"(.)\1{2,}")


def plain(said: str) -> str:
    """A text as one hears it: without case, accents, marks between letters, figures for letters, letters repeated."""
    parts = unicodedata.normalize("NFKD", said).casefold()
    heard = "".join(one for one in parts if unicodedata.category(one) not in {"Mn", "Cf", "Me"})
    heard = _REPEATED.sub(r"\1", heard.translate(_LEET))
    return " ".join(re.sub(r"(?<=\b\w)[.\-_* ]+(?=\w\b)", "", heard).split())


@lru_cache(maxsize=8)
def _bad(words_: tuple[str, ...]) -> tuple[re.Pattern[str], tuple[str, ...]]:
    """What finds any of these words, and the longer ones as they are found where all blanks were left out."""
    heard = sorted({one for one in map(plain, words_) if one})
    # Where letters have no case, words are not parted by blanks, or grow at their front: there they are found anywhere.
    each = [("" if one[0].lower() == one[0].upper() else r"(?<!\w)") + re.escape(one) for one in heard]
    return re.compile("|".join(each) or r"(?!)"), tuple(one.replace(" ", "") for one in heard if len(one) > _TIGHT)


def rule(said: str, words: Iterable[str] = ()) -> str:
    """The rule that holds a text back: `hate`, `personal-data`, `spam` or `shouting`; empty where none does."""
    heard = plain(said)
    pattern, tight = _bad((*THREATS, *words))
    closed = heard.replace(" ", "")
    if pattern.search(heard) or any(one in closed for one in tight):
        return "hate"
    if _MAIL.search(said) or _IBAN.search(said) or any(_digits(one) for one in _PHONE.findall(said)):
        return "personal-data"
    if len(_LINK.findall(said)) > _LINKS:
        return "spam"
    letters = [one for one in said if one.isalpha()]
    cased = [one for one in letters if one.lower() != one.upper()]
    if len(cased) >= _SHOUTED and sum(one.isupper() for one in cased) > 0.7 * len(cased):
        return "shouting"
    return ""


def _digits(said: str) -> bool:
    return 9 <= sum(one.isdecimal() for one in said) <= 15


def words(city: City) -> list[str]:
    """What this city holds back besides: the setting `held_words`."""
    found = city.setting("held_words", [])
    return [one for one in found[:2_000] if isinstance(one, str)] if isinstance(found, list) else []


def entered(
    about: Entity | str, n: int, at: int, what: str, *, by: str, why: str, code: str = "", note: str = ""
) -> Entity:
    """One entry of the record of moderation: for staff, and for good."""
    ident = about if isinstance(about, str) else about.id
    one = entity(
        "ModerationEntry",
        f"{made('moderation', ident)}-{n:06d}",
        about=ident,
        did=what,
        by=by,
        reason=why,
        rule=code or None,
        note=note or None,
        at=iso(at),
    )
    return inner(one)


def marked(said: str, by: str, code: str, at: int) -> dict[str, Any]:
    """What an item says of its being held."""
    return {"by": by, "rule": code, "reason": said, "at": iso(at)}


def flagged(act: Act, city: Asking) -> Iterable[Entity]:
    """Somebody says that a text should not stand there: once; held until somebody has looked."""
    only(act.said, "about", "kind", "note")
    about = seen(act, city, act.said.get("about"), *KINDS, where="about")
    kind = word(act.said, "kind", FLAGS)
    note = text(act.said, "note", NOTE, least=0, lines=True)
    who = act.by if act.by.startswith("person:") else ""
    if not who and not act.visitor:
        raise Forbidden("this is done by somebody who comes from somewhere", mend="sign in: /sign-in")
    ident = f"urn:ngsi-ld:ContentFlag:{made('flag', about.id, who or act.visitor)}"
    if there(city, ident) is not None:
        return
    if who:
        he = Participant(act, city)
        he.does("flag")
        yield he.said()
    told = entity("ContentFlag", ident, about=about.id, kindOfFlag=kind, note=note or None, at=iso(act.at))
    yield private(told, who) if who else inner(told)
    flags = about.get("flags", 0) + (UNKNOWN_FLAGS if who else 1)
    enough = UNKNOWN_FLAGS * (AGAIN if about.get("cleared") else 1)
    if about.get("shown", "shown") == "shown" and flags >= enough:
        n = about.get("moderated", 0) + 1
        yield entered(about, n, act.at, "held", by="flag", why=f"flagged as {kind}", code=kind, note=note)
        held = marked(f"flagged as {kind}", "flag", kind, act.at)
        one = entity(about.type, about.id, shown="held", held=held, moderated=n, flags=0, appeal="none")
        yield inner(one)
    else:
        one = entity(about.type, about.id, flags=flags)
        one.label = about.label
        yield one


def appealed(act: Act, city: Asking) -> Iterable[Entity]:
    """Whoever wrote what was hidden says why it should stand: somebody else than who hid it decides."""
    only(act.said, "about", "text")
    about = seen(act, city, act.said.get("about"), *KINDS, where="about")
    if author_of(city, about.id) != known(act):
        raise Forbidden("who wrote it appeals", where="about")
    if about.get("shown", "shown") == "shown":
        raise Conflict("it is shown: there is nothing to appeal against", where="about")
    if about.get("appeal", "none") != "none":
        raise Conflict("an appeal was made already", where="about", mend="somebody else than who hid it decides")
    he = Participant(act, city)
    he.does("appeal")
    why = text(act.said, "text", NOTE, lines=True)
    n = about.get("moderated", 0) + 1
    yield he.said()
    yield entered(about, n, act.at, "appealed", by="author", why=why)
    one = entity(about.type, about.id, appeal="open", appealText=why, moderated=n)
    yield inner(one)


def moderated(act: Act, city: Asking) -> Iterable[Entity | Delete]:
    """Somebody of the city's decides: shown or hidden, with the reason; an appeal, another one than who hid it."""
    who = staff(act)
    only(act.said, "about", "decision", "reason", "rule")
    about = subject(city, act.said.get("about"), *KINDS, where="about")
    decision = word(act.said, "decision", DECISIONS)
    why = text(act.said, "reason", NOTE, lines=True)
    code = word(act.said, "rule", ("", *FLAGS), default="")
    if author_of(city, about.id) == who:
        raise Forbidden("nobody moderates what he wrote himself", where="about")
    n = about.get("moderated", 0) + 1
    appeal = about.get("appeal", "none")
    if appeal == "open":
        if who == decided_by(city, about):
            raise Forbidden("somebody else decides about the appeal", where="about")
        appeal = "overturned" if decision == "show" else "upheld"
    elif decision == "hide" and about.get("shown") == "hidden":
        raise Conflict("it is hidden already", where="about")
    elif decision == "show" and about.get("shown", "shown") == "shown" and not about.get("flags", 0):
        raise Conflict("it is shown, and nobody flagged it", where="about")
    elif decision == "show":
        appeal = "none"
    yield entered(about, n, act.at, "shown" if decision == "show" else "hidden", by=who, why=why, code=code)
    if decision == "show":
        one = entity(about.type, about.id, shown="shown", cleared=True, flags=0, moderated=n, appeal=appeal, held={})
        yield public(one)
        if "appealText" in about:  # what he wrote to the moderators is not for everybody
            yield Delete(about.id, "appealText")
        return
    held = marked(why, "moderator", code, act.at)
    one = entity(about.type, about.id, shown="hidden", held=held, moderated=n, appeal=appeal, flags=0)
    yield inner(one)


def record(city: City, about: Entity) -> list[Entity]:
    """The entries about something, oldest first."""
    many = about.get("moderated", 0)
    found = (there(city, f"urn:ngsi-ld:ModerationEntry:{made('moderation', about.id)}-{n:06d}") for n in _last(many))
    return [one for one in found if one is not None]


def _last(many: int) -> range:
    return range(max(1, many - 99), many + 1)


def decided_by(city: City, about: Entity) -> str:
    """Who of the city's hid it last; empty where only a rule or a flag did."""
    for one in reversed(record(city, about)):
        if one.get("did") == "hidden":
            return str(one.get("by", ""))
    return ""


def starts(city: City, at: int, said: str, one: Entity) -> Iterable[Entity]:
    """A text that is new or written anew: shown, or held by a rule, with its entry in the record."""
    code = rule(said, words(city))
    known_ = there(city, one.id)
    n = 0 if known_ is None else known_.get("moderated", 0)
    if not code:
        if known_ is None:
            yield public(_with(one, shown="shown", moderated=0))
        else:  # what is hidden does not come out by being written anew: somebody looks
            yield inner(one) if known_.get("shown", "shown") != "shown" else public(one)
        return
    why = f"the rule {code}"
    yield entered(one, n + 1, at, "held", by="rule", why=why, code=code)
    held = {"by": "rule", "rule": code, "reason": why, "at": iso(at)}
    yield inner(_with(one, shown="held", moderated=n + 1, held=held, appeal="none"))


def _with(one: Entity, **said: Any) -> Entity:
    more = entity(one.type, one.id, **said)
    return Entity(one.doc | more.doc, one.stamps, one.realm, one.label)


def may_appeal(one: Entity) -> bool:
    """Whether its author may appeal now."""
    return bool(one.get("shown", "shown") != "shown" and one.get("appeal", "none") == "none")


def hidden_because(one: Entity) -> dict[str, Any] | None:
    """What its author is told of why it is not shown."""
    if one.get("shown", "shown") == "shown":
        return None
    held = one.get("held", {})
    told = {name: held.get(name, "") for name in ("by", "rule", "reason", "at")}
    return told | {"mayAppeal": may_appeal(one), "appeal": one.get("appeal", "none")}
