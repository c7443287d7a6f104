"""Notifications: what a subscriber is told, as bytes (CIM 009 v1.9.1, clauses 5.3.1, 5.8.6, 6.3.8 and 7.2).

A Notification's id is made of the subscription and the place in the log, so whoever gets one twice (after a crash, or
because its answer was lost) can tell. Subscriptions that want the same entity in the same view share the rendering.
"""

import hashlib
from typing import Any, Final

import orjson

from hansa import clock
from hansa.model.change import Change
from hansa.model.core_context import URL as CORE_URL
from hansa.model.link import link
from hansa.platform.interest import Shown
from hansa.platform.joined import Fetch
from hansa.platform.rendering import changed
from hansa.platform.subscription import GEO_JSON, LD_JSON, Subscription

TENANT_HEADER: Final = "NGSILD-Tenant"


class Renderings:
    """The entity of one Change as one sight sees it, rendered once for each way of looking at it."""

    __slots__ = ("_change", "_fetch", "_kept", "_shown")

    def __init__(self, change: Change, shown: Shown, fetch: Fetch) -> None:
        """Render nothing yet. `fetch` gives what relationships point at, as far as the sight may see it."""
        self._change = change
        self._shown = shown
        self._fetch = fetch
        self._kept: dict[Any, bytes] = {}

    def of(self, one: Subscription) -> bytes:
        """The entity in this subscription's view, as JSON; nothing when that leaves nothing of it."""
        found = self._kept.get(one.look)
        if found is None:
            found = self._kept[one.look] = changed(one, self._change, self._shown, self._fetch)
        return found


def ident(key: tuple[str, str], seq: int | str) -> str:
    """The id of what a subscription is told about the Change at `seq`: the same however often it is sent."""
    digest = hashlib.sha256(f"{key[0]}\0{key[1]}\0{seq}".encode()).hexdigest()
    return f"urn:ngsi-ld:Notification:{digest[:32]}"


def body(one: Subscription, name: str, at: int, entities: list[bytes]) -> bytes:
    """A Notification (5.3.1) as JSON, with entities that are JSON already."""
    head: dict[str, Any] = {
        "id": name,
        "type": "Notification",
        "subscriptionId": one.id,
        "notifiedAt": clock.text(at),
    }
    if one.endpoint.accept == LD_JSON:
        head["@context"] = one.view.context.member
    data = b"[" + b",".join(entities) + b"]"
    if one.endpoint.accept == GEO_JSON:
        data = b'{"type":"FeatureCollection","features":' + data
        if not one.endpoint.linked:
            data += b',"@context":' + orjson.dumps(one.view.context.member)
        data += b"}"
    return orjson.dumps(head)[:-1] + b',"data":' + data + b"}"


def headers(one: Subscription) -> dict[str, str]:
    """What goes before it, or as `metadata` beside it over MQTT (7.2).

    The receiver's own (receiverInfo) win over ours, but for the media type.
    """
    said = {"Content-Type": one.endpoint.accept}
    if one.endpoint.linked:
        said["Link"] = link(one.view.context.url or CORE_URL)
    if one.tenant:
        said[TENANT_HEADER] = one.tenant
    own = {name.lower() for name in one.endpoint.headers}
    kept = {name: value for name, value in said.items() if name == "Content-Type" or name.lower() not in own}
    return kept | {name: v for name, v in one.endpoint.headers.items() if name.lower() != "content-type"}


def message(metadata: Any, content: bytes) -> bytes:
    """A Notification as the message of MQTT (7.2): `metadata` is what HTTP has in its headers, `body` the rest."""
    return b'{"metadata":' + orjson.dumps(metadata) + b',"body":' + content + b"}"
