"""What residents do: report, say that they have seen it too, reply, rate, reopen. Public: the app answers for each."""

import base64
from collections.abc import Iterable, Mapping
from hashlib import blake2b
from typing import Any, Final

from hansa import Act, Asking, Entity, NotFound, Refusal, entity
from hansa.apps.requests import case, casework, clocks, reach, reporting, texts
from hansa.apps.requests.made import app
from hansa.apps.requests.times import iso

REOPENS: Final = 3
REPLY: Final = 2_000
REPLIES_WAITING: Final = 100
"""Messages of one request to one address that wait: one an hour is made."""
PEOPLE: Final = 100_000
_WAYS: Final = frozenset({"reporter", "too"})


def line_of(said: Mapping[str, Any]) -> str:
    """Those who send the same key wait in one line."""
    key = said.get("key")
    return f"requests {key[:80]}" if isinstance(key, str) else ""


@app.act("report", "ServiceRequest", new=True, public=True, files=5, key=line_of)
def report(act: Act, city: Asking) -> Iterable[Entity]:
    """Report something: service, description, lon, lat, address, attributes, language, key; name, email, phone."""
    channel = "app" if act.said.get("channel") == "app" else "web"
    said = reporting.Report(
        act.said,
        channel,
        act.at,
        person=act.by if act.by.startswith("person:") else "",
        visitor=act.visitor,
        files=act.files,
    )
    yield from reporting.received(said, city)[1]


@app.act("me-too", "ServiceRequest", public=True)
def me_too(act: Act, city: Asking) -> Iterable[Entity]:
    """Say that one has seen it too: it counts once for each, and the answer is told to him as well."""
    one = act.subject
    if one is None or not one.get("listed"):
        raise NotFound("there is no such request", where="id")
    case.must_be_open(one)
    key = act.said.get("key")
    if not isinstance(key, str) or not reporting.KEY.match(key):
        raise Refusal("key is 22 to 80 random letters and figures", where="key")
    who = act.by or act.visitor or key
    ident = f"{one.key}-{base64.b32encode(blake2b(f'{one.id} {who}'.encode(), digest_size=10).digest()).decode()}"
    try:
        city.get(f"urn:ngsi-ld:RequestReporter:{ident}")
    except NotFound:
        pass
    else:
        return
    many = one.get("people")
    if type(many) is int and many >= PEOPLE:
        raise Refusal("enough have said so", where="id")
    person = act.by if act.by.startswith("person:") else ""
    contact = reporting.contact_of(act.said)
    made = entity(
        "RequestReporter",
        ident,
        request=one.id,
        kind="too",
        keyHash=reporting.key_hash(key),
        at=iso(act.at),
        visitor=act.visitor or None,
        person=person or None,
        anonymous=not person,
        note=texts.plain(act.said.get("note"), "note", 500, least=0, lines=True) or None,
        language=texts.language(act.said.get("language"), str(city.setting("language") or "en")),
        **contact,
        **reach.said(contact, act.at, act.visitor, city),
    )
    made.label = reporting.personal(city, person)
    case.linked(made, city)
    yield made
    # No line in the log: the entity above is what says so, and a thousand of them must not fill it.
    yield entity("ServiceRequest", one.id, people=(many if type(many) is int else 1) + 1, updatedAt=iso(act.at))


@app.act("reply", "ServiceRequest", new=True, public=True)
def reply(act: Act, city: Asking) -> Iterable[Entity]:
    """Answer what the city asked (`token`, `text`): the clocks run again."""
    one = _own(act, city)
    text = texts.plain(act.said.get("text"), "text", REPLY, lines=True)
    if not clocks.waiting(one) or one.get("status") != "open":
        raise Refusal("nothing is asked just now", where="token")
    waits = casework.ended(one, act.at)
    yield from case.moved(one, city, act.at, "", "replied", note=text, step="in-progress", waits=waits, question={})


@app.act("rate", "ServiceRequest", new=True, public=True)
def rate(act: Act, city: Asking) -> Iterable[Entity]:
    """Say how content one is (`token`, `score` 1 to 5, `comment`): once, when it is closed."""
    one = _own(act, city)
    if one.get("status") != "closed":
        raise Refusal("it is not closed yet", where="token")
    if one.get("rating"):
        raise Refusal("it has been rated", where="token")
    score = texts.whole(act.said.get("score"), "score", 5)
    comment = texts.plain(act.said.get("comment"), "comment", 1_000, least=0, lines=True)
    rating = {"score": score, "comment": comment, "at": iso(act.at)}
    yield from case.moved(one, city, act.at, "", "rated", more={"score": score}, rating=rating)


@app.act("reopen", "ServiceRequest", new=True, public=True)
def reopen(act: Act, city: Asking) -> Iterable[Entity]:
    """Say that it is not done (`token`, `why`): for some days after it was closed, and not for ever."""
    one = _own(act, city)
    why = texts.plain(act.said.get("why"), "why", 1_000, lines=True)
    if one.get("into"):
        one = case.request(city, one.get("into"))
    if one.get("status") != "closed":
        raise Refusal("it is open", where="token")
    if act.at > casework.reopen_ends(one):
        raise Refusal("that was too long ago", where="token", mend="report it anew")
    if int(one.get("reopened") or 0) >= REOPENS:
        raise Refusal("it has been reopened often enough", where="token", mend="report it anew, or call")
    yield from casework.reopened(one, city, act.at, "", why)


@app.act("stop", "RequestReporter", new=True, public=True)
def stop(act: Act, city: Asking) -> Iterable[Entity]:
    """Hear no more of a request (`token`): the address is cleared, and what waits to be sent is not. Twice is once."""
    _, _, ident = holder(city, act.said.get("token"))
    one = city.get(f"urn:ngsi-ld:RequestReporter:{ident}")
    if not (one.get("email") or one.get("phone")):
        return
    # What stands for the address stays, so that stopping one's own links does not begin the day's count anew.
    yield entity("RequestReporter", one.id, email="", phone="", link="", stoppedAt=iso(act.at))
    for each in city.find("Delivery", f'reporter=="{one.id}";status=="waiting"', limit=REPLIES_WAITING):
        yield entity("Delivery", each.id, status="ended")


def holder(city: Asking, token: Any) -> tuple[Entity, str, str]:
    """Whose link it is: the request, `reporter` or `too`, and the key of the RequestReporter. NotFound."""
    said = city.told_by(token) if isinstance(token, str) and 0 < len(token) <= 200 else None
    kind, _, ident = (said or "").partition(" ")
    if kind not in _WAYS:
        raise NotFound("this link leads nowhere", where="token", mend="open it as it was sent, whole")
    return case.request(city, ident.partition("-")[0]), kind, ident


def _own(act: Act, city: Asking) -> Entity:
    one, kind, _ = holder(city, act.said.get("token"))
    if kind != "reporter":
        raise Refusal("this is for whoever reported it", where="token")
    return one
