"""SMS through somebody's HTTP gateway: JSON as its manual wants it, by a template in the settings.

    body = { recipient = "{to}", message = "{text}", from = "City", custom = { ref = "{id}" } }

`{to}`, `{text}`, `{id}` and `{from}` stand for what is sent. Of the answer `ref` names where the gateway says how it
calls the message (`messages.0.id`). What it later says of it comes to a door of ours (`receipt_in`, `reply_in`).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import orjson

from hansa.network.channels import gsm
from hansa.network.channels.marked import post, refused
from hansa.network.channels.said import Failed, Handed, Notice, Outcome, Receipt, clean, line
from hansa.network.http import Egress

_NUMBER: Final = re.compile(r"\+?[0-9]{3,15}")
_REACHED: Final = frozenset(("delivered", "delivrd", "reached", "read"))
_UNREACHED: Final = frozenset(
    ("undelivered", "undeliv", "failed", "expired", "rejected", "rejectd", "deleted", "unreached")
)
_OURS: Final = frozenset((401, 402, 403, 404, 405))  # refusals of the gateway that are about us, not about a number
DEPTH: Final = 8  # of a template, or of a path into an answer


@dataclass(frozen=True, slots=True)
class Gateway:
    """How a gateway wants to be asked."""

    url: str
    body: Mapping[str, Any]
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    source: str = ""
    ref: str = "id"
    status: str = "status"
    number: str = "from"
    text: str = "text"


class HttpSms:
    """Tells by SMS through an HTTP gateway."""

    def __init__(
        self, through: Egress, gateway: Gateway, *, width: int = 8, per_s: float = 20.0, parts: int = 4
    ) -> None:
        """Ask nobody yet."""
        self.width, self.per_s = width, per_s
        self.gateway = gateway
        self._through = through
        self._parts = parts

    def endpoint(self, to: object) -> str:
        """One gateway takes everything."""
        del to
        return ""

    async def aclose(self) -> None:
        """The egress closes its sockets itself."""

    async def send(self, notice: Notice) -> Outcome:
        """Send one text."""
        if (to := number(notice.to)) is None:
            return Failed(True, "malformed: this is no telephone number")
        given = {"to": to, "text": words(notice, self._parts), "id": notice.key, "from": self.gateway.source}
        body = orjson.dumps(filled(self.gateway.body, given))
        headers = {"Content-Type": "application/json", "Idempotency-Key": notice.key, **self.gateway.headers}
        answer = await post(self._through, self.gateway.url, body, headers)
        if isinstance(answer, Failed):  # a URL that is none, or is walled off, is the operator's to mend: all wait
            return Failed(False, answer.why, everybody=True, perhaps=answer.perhaps)
        if answer.ok:
            try:
                ref = found(orjson.loads(answer.body), self.gateway.ref)
            except orjson.JSONDecodeError:
                ref = None
            return Handed("" if ref is None else line(str(ref), 80))
        why = f"the gateway answered {answer.status}"
        if answer.status >= 500 or answer.status in {408, 425, 429}:
            return refused(answer, why)
        if answer.status in _OURS or answer.status < 400:
            return Failed(False, why, 60.0, everybody=True)
        return Failed(True, f"bounced: {why}")


def receipt_in(gateway: Gateway, said: Any) -> Receipt | None:
    """What a gateway's callback says became of a message; None when it says neither."""
    ref, status = found(said, gateway.ref), found(said, gateway.status)
    if not isinstance(ref, str | int) or not isinstance(status, str):
        return None
    word = status.strip().lower()
    if word not in _REACHED | _UNREACHED:
        return None
    return Receipt(line(str(ref), 80), word in _REACHED)


def reply_in(gateway: Gateway, said: Any) -> tuple[str, str] | None:
    """Number and text of what somebody answered; None when it is none."""
    who, text = found(said, gateway.number), found(said, gateway.text)
    to = number(str(who)) if isinstance(who, str | int) else None
    return None if to is None or not isinstance(text, str) else (to, clean(text, 1_000))


def number(to: Any) -> str | None:
    """A telephone number as digits, with + where it was said; None when it is none."""
    if not isinstance(to, str) or len(to) > 40:
        return None
    said = re.sub(r"[\s()./-]", "", to)
    if said.startswith("00"):
        said = "+" + said[2:]
    return said if _NUMBER.fullmatch(said) else None


def words(notice: Notice, most: int) -> str:
    """The text of a short message: what is to be known, then the link, which is never cut."""
    said = clean(notice.short or notice.title, 2_000).strip()
    tail = f"\n{notice.link}" if notice.link else ""
    if gsm.fits(said + tail, most):
        return said + tail
    low, high = 0, len(said)
    while low < high:
        middle = (low + high + 1) // 2
        if gsm.fits(said[:middle].rstrip() + "…" + tail, most):
            low = middle
        else:
            high = middle - 1
    return said[:low].rstrip() + "…" + tail


def filled(template: Any, given: Mapping[str, str], depth: int = 0) -> Any:
    """A template with its `{names}` said; nothing that is said is read as a template again."""
    if isinstance(template, str):
        return re.sub(r"\{(to|text|id|from)\}", lambda one: given[one[1]], template)
    if depth < DEPTH and isinstance(template, Mapping):
        return {key: filled(value, given, depth + 1) for key, value in template.items()}
    if depth < DEPTH and isinstance(template, list):
        return [filled(value, given, depth + 1) for value in template]
    return template


def found(said: Any, path: str) -> Any:
    """What stands at `messages.0.id` in an answer; None when nothing does."""
    for name in path.split(".")[:DEPTH]:
        if isinstance(said, Mapping):
            said = said.get(name)
        elif isinstance(said, list) and name.isdecimal() and len(name) < 4 and int(name) < len(said):
            said = said[int(name)]
        else:
            return None
    return said
