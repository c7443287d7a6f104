"""From a `Delivery` and its warning to a Notice: whose texts, in which language, with which link. No socket."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from hansa.clock import text
from hansa.model.entity import Entity
from hansa.network.channels.said import Notice, clean, line, reference

APP: Final = "warnings"
"""Whose links these are: capabilities of that app."""
UNSUBSCRIBE: Final = "unsubscribe "
ATTEMPTS: Final = 20  # remembered of one delivery
OVER: Final = frozenset(("cancelled", "expired"))
"""States of a warning in which nobody is told of it any more."""

AGAIN: Final = {"en": "Again: ", "fr": "Rappel : ", "es": "De nuevo: ", "ar": "تذكير: ", "ja": "再送："}
CONFIRM: Final = {
    "en": "Tap here to say that you have read this",
    "fr": "Touchez ici pour dire que vous l’avez lu",
    "es": "Toque aquí para decir que lo ha leído",
    "ar": "المس هنا لتؤكد أنك قرأت هذا",
    "ja": "読んだことを知らせるには、ここを押してください",
}

Token = Callable[[str, str], str]
"""The capability of an app for a text (`trust.capability`)."""


class Untellable(ValueError):
    """A delivery of which no notice can be made, and why."""


def channel_of(one: Entity) -> Mapping[str, Any]:
    """The channel that is being used; empty when it is none."""
    said = one.get("channel")
    return said if isinstance(said, Mapping) else {}


def kind_of(one: Entity) -> str:
    """The kind of that channel; "" when it has none."""
    kind = channel_of(one).get("kind")
    return kind if isinstance(kind, str) else ""


def step_of(one: Entity) -> int:
    """Which channel of its recipient it is at."""
    step = one.get("step")
    return step if isinstance(step, int) and not isinstance(step, bool) else 0


def target(one: Entity, name: str) -> str:
    """The id that an attribute names, as text or as a Relationship; "" when it names none."""
    said = one.get(name)
    return said if isinstance(said, str) else ""


def rank_of(one: Entity) -> int:
    """Its rank; the last where it says none."""
    rank = one.get("rank")
    return int(rank) if isinstance(rank, int | float) and not isinstance(rank, bool) and 0 <= rank < 1e9 else 1_000_000


def notice(one: Entity, warning: Entity | None, token: Token, origin: str, now: int) -> Notice:
    """What is sent; Untellable when nothing can be."""
    said = channel_of(one)
    language = line(one.get("language"), 20) or "en"
    texts = one.get("texts")
    if not isinstance(texts, Mapping) and warning is not None:
        texts = warning.get("texts")
    language, found = spoken(texts, language)
    again = one.get("again") is True
    word = AGAIN.get(language.partition("-")[0], AGAIN["en"]) if again else ""
    linked = one.get("link") is not False
    recipient = target(one, "recipient")
    secret = said.get("secret")
    return Notice(
        one.id,
        said.get("to"),
        word + line(found.get("title"), 500),
        word + clean(found.get("short")).strip(),
        word + clean(found.get("body")).strip(),
        language,
        again,
        f"{origin}/w/{token(APP, one.id)}" if linked else "",
        f"{origin}/w/{token(APP, UNSUBSCRIBE + recipient)}" if recipient else "",
        target(one, "warning") or one.id,
        CONFIRM.get(language.partition("-")[0], CONFIRM["en"]),
        now,
        rank_of(one),
        step_of(one),
        secret if isinstance(secret, str) else "",
    )


def spoken(texts: Any, language: str) -> tuple[str, Mapping[str, Any]]:
    """The texts of a language, of its main one, of English, or any: better in another language than not at all."""
    if isinstance(texts, Mapping):
        for one in (language, language.partition("-")[0], "en", *texts):
            found = texts.get(one)
            if isinstance(found, Mapping) and any(
                clean(found.get(name)).strip() for name in ("title", "short", "body")
            ):
                return str(one), found
    raise Untellable("malformed: it has no text")


def attempted(one: Entity, now: int, outcome: str, why: str = "", ref: str = "") -> list[dict[str, Any]]:
    """The attempts of a delivery with another one."""
    before = attempts_of(one)
    number = before[-1].get("n") if before else 0
    made: dict[str, Any] = {
        "n": (number if isinstance(number, int) else len(before)) + 1,
        "kind": line(kind_of(one), 40),
        "at": text(now),
        "outcome": outcome,
    }
    if why:
        made["why"] = line(why, 300)
    if ref:
        made["ref"] = reference(ref)
    return [*before, made][-ATTEMPTS:]


def attempts_of(one: Entity) -> list[dict[str, Any]]:
    """Its attempts, oldest first; what is none is left out."""
    said = one.get("attempts")
    return [dict(each) for each in said if isinstance(each, Mapping)] if isinstance(said, list) else []


def confirmed(one: Entity, at: int, how: str) -> dict[str, Any]:
    """What is said of a delivery that its recipient has, and how that is known."""
    return {
        "status": "confirmed",
        "confirmedAt": text(at),
        "confirmedBy": target(one, "recipient") or one.id,
        "confirmedHow": how,
    }
