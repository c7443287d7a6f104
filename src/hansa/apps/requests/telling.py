"""Whoever left an address hears the answer there: a rule makes a Delivery of each step that is told.

The courier sends it. Nobody is asked to confirm it, and nothing follows when it does not arrive: the answer stands at
the link all the same. Held by tests/apps/test_requests.py.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

from hansa import Change, City, Entity, NotFound, entity
from hansa.apps.requests import services, texts
from hansa.apps.requests.made import app
from hansa.apps.requests.times import iso

PEOPLE: Final = 900  # written to at once; who is beyond finds the answer at his link, and a rule says 1,000 at most
NEVER: Final = 9_000_000_000_000_000  # when a delivery is to be looked at again
SHORT: Final = 280  # characters of a text message, before its link
TITLES: Final = {
    "answer": {
        "en": "An answer to your report: {}",
        "fr": "Réponse à votre signalement : {}",
        "es": "Respuesta a su aviso: {}",
        "ar": "رد على بلاغكم: {}",
        "ja": "ご報告への回答：{}",
    },
    "question": {
        "en": "A question about your report: {}",
        "fr": "Une question sur votre signalement : {}",
        "es": "Una pregunta sobre su aviso: {}",
        "ar": "سؤال عن بلاغكم: {}",
        "ja": "ご報告についての質問：{}",
    },
}
KINDS: Final = {"answered": "answer", "closed": "answer", "asked": "question"}
"""Steps that are written about, and as what."""


@app.on("RequestStep")
def told(change: Change, city: City) -> Iterator[Entity]:
    """A step that those who asked are to hear of."""
    step = change.entity
    kind = KINDS.get(str(step.get("kind")))
    text = step.get("text")
    if kind is None or not isinstance(text, dict) or not text:
        return
    try:
        request = city.get(str(step.get("request")))
    except NotFound:
        return
    service = services.catalogue(city).services.get(str(request.get("serviceCode")))
    names = service.names if service is not None else {}
    for one in city.find("RequestReporter", f'request=="{request.id}"', limit=PEOPLE):
        channel = _channel(one)
        if channel is not None:
            yield from _delivery(one, step, kind, channel, text, names, city)


def _channel(one: Entity) -> dict[str, Any] | None:
    for name, kind in (("email", "email"), ("phone", "sms")):
        if isinstance(to := one.get(name), str) and to:
            return {"kind": kind, "to": to}
    return None


def _delivery(
    one: Entity, step: Entity, kind: str, channel: dict[str, Any], text: Any, names: Any, city: City
) -> Iterator[Entity]:
    ident = blake2b(f"{step.id} {one.id}".encode(), digest_size=12).hexdigest()
    try:
        city.get(f"urn:ngsi-ld:Delivery:{ident}")
    except NotFound:
        language = str(one.get("language") or "en").split("-", maxsplit=1)[0]
        spoken = language if language in TITLES[kind] else "en"
        words = texts.in_language(text, spoken)
        title = TITLES[kind][spoken].format(texts.in_language(names, spoken))
        link = str(one.get("link") or "")
        said = {"title": title, "short": f"{words[:SHORT]} {link}".strip(), "body": f"{words}\n\n{link}".strip()}
        made = entity(
            "Delivery", ident, status="waiting", channel=channel, step=0, language=spoken, texts={spoken: said},
            link=False, rank=3, attempts=[], again=False, due=NEVER, purpose="answer", made=iso(city.now()),
        )  # fmt: skip
        made.label = one.label or "personal"
        yield made
