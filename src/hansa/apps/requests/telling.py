"""Whoever left an address hears the answer there: a rule makes a Delivery of each step that is told.

One address hears of one request once an hour at most: what comes sooner waits for the hour's end, and only the newest
of it is sent then. A question is sent to whoever reported, alone. Each message says how to stop it.

The courier sends it. Nobody is asked to confirm it, and nothing follows when it does not arrive: the answer stands at
the link all the same. Held by tests/apps/test_requests_app.py.
"""

from collections.abc import Iterator
from hashlib import blake2b
from typing import Any, Final

from hansa import Change, City, Entity, NotFound, entity
from hansa.apps.requests import clocks, reach, services, texts
from hansa.apps.requests.made import app
from hansa.apps.requests.times import HOUR, iso

PEOPLE: Final = 900  # written to at once; who is beyond finds the answer at his link, and a rule says 1,000 at most
NEVER: Final = 9_000_000_000_000_000  # when a delivery is to be looked at again
WAIT: Final = HOUR  # between two messages to one address about one request
AT_ONCE: Final = 20  # requests of one round and kind; with 900 people they stay under the 1,000 of a rule
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
STOP: Final = {
    "en": "Somebody gave this address with a report. To hear no more of it, open the page above and press Stop.",
    "fr": "Cette adresse a été donnée avec un signalement. Pour ne plus rien recevoir, ouvrez la page : Arrêter.",
    "es": "Alguien dio esta dirección con un aviso. Para no recibir más, abra la página y pulse Parar.",
    "ar": "قُدِّم هذا العنوان مع بلاغ إلى المدينة. لإيقاف الرسائل افتح الصفحة أعلاه واضغط «إيقاف».",
    "ja": "この連絡先は市への報告に添えられたものです。受信をやめるには、上のページを開いて「停止」を押してください。",
}
STOP_SHORT: Final = {
    "en": "(Stop: on that page)",
    "fr": "(Arrêter : sur cette page)",
    "es": "(Parar: en esa página)",
    "ar": "(للإيقاف: في تلك الصفحة)",
    "ja": "（停止はそのページで）",
}
KINDS: Final = {"answered": "answer", "closed": "answer", "asked": "question"}
"""Steps that are written about, and as what."""
OWED: Final = {"answer": "owedAnswer", "question": "owedQuestion"}
"""Where a request says which step was held back."""


@app.on("RequestStep")
def told(change: Change, city: City) -> Iterator[Entity]:
    """A step that those who asked are to hear of."""
    if (request := _of(change.entity, city)) is not None:
        made, left = _written(change.entity, request, city)
        yield from made
        name = OWED[KINDS[str(change.entity.get("kind"))]]
        if left or request.get(name):
            # It is newer than whatever waited; where all have been written to now, nothing waits any more.
            yield entity("ServiceRequest", request.id, **{name: change.entity.id if left else ""})


@app.every(60.0)
def later(city: City) -> Iterator[Entity]:
    """What was held back, once the hour is over."""
    room = PEOPLE
    for kind, name in OWED.items():
        for request in city.find("ServiceRequest", f'{name}~="."', limit=AT_ONCE):
            try:
                step = city.get(str(request.get(name)))
            except NotFound:
                yield entity("ServiceRequest", request.id, **{name: ""})
                continue
            over = kind == "question" and not (request.get("question") and clocks.waiting(request))
            made, left = ([], False) if over else _written(step, request, city)
            if len(made) > room:
                return
            room -= len(made)
            yield from made
            if not left:
                yield entity("ServiceRequest", request.id, **{name: ""})


def _of(step: Entity, city: City) -> Entity | None:
    """The request of a step that is told; None where it is not."""
    text = step.get("text")
    if str(step.get("kind")) not in KINDS or not isinstance(text, dict) or not text:
        return None
    try:
        return city.get(str(step.get("request")))
    except NotFound:
        return None


def _written(step: Entity, request: Entity, city: City) -> tuple[list[Entity], bool]:
    """The messages of a step, each address once; and whether somebody is still to be written to."""
    kind = KINDS[str(step.get("kind"))]
    service = services.catalogue(city).services.get(str(request.get("serviceCode")))
    names = service.names if service is not None else {}
    since = iso(city.now() - WAIT)
    recent = city.find("Delivery", f'request=="{request.id}";made>="{since}"', limit=PEOPLE)
    lately = {str(one.get("reach")): one.get("said") for one in recent}
    people = city.find("RequestReporter", f'request=="{request.id}"', limit=PEOPLE)
    people.sort(key=lambda one: (one.get("kind") != "reporter", one.id))
    made: list[Entity] = []
    seen: set[str] = set()
    left = False
    for one in people:
        channel = reach.channel(one)
        if channel is None or (kind == "question" and one.get("kind") != "reporter"):
            continue
        place = str(one.get("reach") or channel["to"])
        if place in seen:
            continue
        seen.add(place)
        if place in lately:
            left |= lately[place] != step.id
            continue
        made += _delivery(one, step, kind, channel, place, names, city)
    return made, left


def _delivery(
    one: Entity, step: Entity, kind: str, channel: dict[str, str], place: str, names: Any, city: City
) -> Iterator[Entity]:
    ident = blake2b(f"{step.id} {place}".encode(), digest_size=12).hexdigest()
    try:
        city.get(f"urn:ngsi-ld:Delivery:{ident}")
    except NotFound:
        language = str(one.get("language") or "en").split("-", maxsplit=1)[0]
        spoken = language if language in TITLES[kind] else "en"
        words = texts.in_language(step.get("text"), spoken)
        title = TITLES[kind][spoken].format(texts.in_language(names, spoken))
        link = str(one.get("link") or "")
        said = {
            "title": title,
            "short": f"{words[:SHORT]} {link} {STOP_SHORT[spoken]}",
            "body": f"{words}\n\n{link}\n\n{STOP[spoken]}",
        }
        made = entity(
            "Delivery", ident, status="waiting", channel=dict(channel), step=0, language=spoken, texts={spoken: said},
            link=False, rank=3, attempts=[], again=False, due=NEVER, purpose="answer", made=iso(city.now()),
            request=str(one.get("request")), reporter=one.id, reach=place, said=step.id,
        )  # fmt: skip
        made.label = one.label or "personal"
        yield made
