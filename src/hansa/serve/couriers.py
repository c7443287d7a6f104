"""The courier joined: channels made of settings, each with its own wall, and the door of an SMS gateway's callbacks.

What an operator names (a relay, a gateway, a broker) is allowed by being named; what recipients name (push services,
webhooks) is judged as any stranger's URL: only `allow` of that channel opens its wall.
"""

import hmac
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, urlsplit

import orjson

from hansa.errors import BadRequest, NotFound
from hansa.network.broker import address
from hansa.network.channels import named
from hansa.network.channels.marked import connect, egress
from hansa.network.channels.said import Channel
from hansa.network.channels.smpp import Centre, Smpp
from hansa.network.channels.smtp import Relay, Smtp
from hansa.network.channels.texting import Gateway, HttpSms, receipt_in, reply_in
from hansa.network.channels.topics import Topics
from hansa.network.channels.webhook import Webhook
from hansa.network.channels.webpush import WebPush
from hansa.network.http import Egress
from hansa.network.publish import Publisher
from hansa.platform.courier import Courier
from hansa.platform.http import Request, Response
from hansa.platform.telling_devices import Devices, Either
from hansa.serve.people import public

if TYPE_CHECKING:
    from hansa.serve.running import Running

REALM: Final = "open"
_CALLBACK: Final = 65_536  # bytes of what a gateway says of one message, or of a few


class Couriers:
    """The channels of a running city, and the courier that uses them."""

    def __init__(self, running: "Running") -> None:
        """Read the settings; BadRequest says which is wrong. Nothing is opened before `start`."""
        self._running = running
        settings = running.settings
        self._told = named.read(settings.channels, settings.data)
        self._walls: list[Egress] = []
        self._smpp: Smpp | None = None
        self._gateway: Gateway | None = None
        self._secret = ""
        self._city = running.cities[REALM]
        channels: dict[str, Channel] = {kind: getattr(self, f"_{kind}")(told) for kind, told in self._told.items()}
        push = channels.get("push")
        self.courier = Courier(
            self._city,
            channels,
            running.acting.capabilities.token,
            lambda: public(settings, running.url),
            trusted=frozenset(
                kind for kind, told in self._told.items() if told.said.get("receipts", "noted") == "trusted"
            ),
        )
        # What the app may offer to people, and what their browsers need for it.
        key = push.public if isinstance(push, WebPush) else None
        running.acting.tell("warnings", {"channels": sorted(channels), "pushKey": key})

    async def start(self, stack: AsyncExitStack) -> None:
        """Open what stays open, and send what waits."""
        for wall in self._walls:
            stack.push_async_callback(wall.aclose)
        stack.push_async_callback(self.courier.aclose)
        if self._smpp is not None:
            self._smpp.start()
        await self.courier.start()

    async def handle(self, request: Request) -> Response:
        """`POST /sms/{secret}/receipt` and `/reply`: what an HTTP gateway says; who has no secret finds nothing."""
        path = request.path
        gateway = self._gateway
        if gateway is None or not self._secret or len(path) != 2 or path[1] not in {"receipt", "reply"}:
            raise NotFound("there is nothing here")
        if not hmac.compare_digest(path[0].encode(), self._secret.encode()):
            raise NotFound("there is nothing here")
        if request.method not in {"POST", "GET"}:
            raise BadRequest("a gateway posts")
        for one in _said(request):
            if path[1] == "receipt":
                if (receipt := receipt_in(gateway, one)) is not None:
                    self.courier.receipt("sms", receipt)
            elif (reply := reply_in(gateway, one)) is not None:
                self.courier.replied(*reply)
        return Response(204)

    # One of each

    def _wall(self, *allow: str) -> Egress:
        """A wall of a channel's own: `egress_allow` is for what the city's people name, and recipients are anybody."""
        settings = self._running.settings
        wall = egress(allow, settings.limits)
        self._walls.append(wall)
        return wall

    def _push(self, told: named.Told) -> Channel:
        settings = self._running.settings
        host = urlsplit(settings.url).hostname or "localhost"
        contact = told["contact"] or f"mailto:warnings@{host}"
        secret = self._running.town.secret("vapid")
        return WebPush(
            *(self._wall(*told["allow"]), secret, contact),
            ttl_s=told["ttl_s"],
            plain=told["plain"],
            **told.pace(32, 1_000.0),
        )

    def _email(self, told: named.Told) -> Channel:
        relay = Relay(
            *(told["host"], told["port"], told["sender"], told["sender_name"] or self._running.settings.name),
            *(told["security"], told["user"], told["password"]),
        )
        return Smtp(self._wall(relay.host), relay, wait_s=told["wait_s"], **told.pace(8, 500.0))

    def _sms(self, told: named.Told) -> Channel:
        if told["via"] == "smpp":
            centre = Centre(
                *(told["host"], told["port"], told["system_id"], told["password"], told["system_type"]),
                *(told["source"], told["tls"]),
            )
            self._smpp = Smpp(
                self._wall(centre.host),
                centre,
                heard=lambda receipt: self.courier.receipt("sms", receipt),
                replied=lambda number, said: self.courier.replied(number, said),  # noqa: PLW0108  # there is none yet
                wait_s=told["wait_s"],
                parts=told["parts"],
                **told.pace(10, 20.0),
            )
            return self._smpp
        gateway = Gateway(
            *(told["url"], told["body"], told["headers"], told["source"], told["ref"], told["status"]),
            *(told["number"], told["text"]),
        )
        self._gateway, self._secret = gateway, told["secret"]
        host = urlsplit(gateway.url).hostname or ""
        return HttpSms(self._wall(host), gateway, parts=told["parts"], **told.pace(8, 20.0))

    def _webhook(self, told: named.Told) -> Channel:
        # Nearly every recipient has a host of his own, none of which is ever settled: a quarter is sixteen.
        return Webhook(self._wall(*told["allow"]), **told.pace(64, 500.0))

    def _mqtt(self, told: named.Told) -> Channel:
        broker = None
        allow: tuple[str, ...] = tuple(told["allow"])
        if told["url"]:
            try:
                broker = address(told["url"].rstrip("/") + "/any").broker
            except BadRequest as fault:
                raise BadRequest(fault.detail, where="channels.mqtt.url", mend="mqtts://broker.example") from None
            allow = (*allow, broker.host)
        publisher = Publisher(self._wall(*allow), self._running.settings.limits, open_=connect)
        return Either(Devices(self._city), Topics(publisher, broker, **told.pace(32, 500.0)))

    def _display(self, told: named.Told) -> Channel:
        return Devices(self._city, **told.pace(100, 500.0))


def _said(request: Request) -> list[Mapping[str, Any]]:
    """What a callback says, as JSON (one, or a list of them), a form or a query; BadRequest when it is neither."""
    if len(request.body) > _CALLBACK:
        raise BadRequest(f"a callback has at most {_CALLBACK:,} bytes")
    if request.body[:1] in {b"{", b"["}:
        try:
            said = orjson.loads(request.body)
        except orjson.JSONDecodeError as fault:
            raise BadRequest(f"this is no JSON: {fault}"[:200]) from None
        many = said if isinstance(said, list) else [said]
    else:
        raw = request.body or request.query
        many = [dict(parse_qsl(raw.decode("utf-8", "replace"), max_num_fields=100))]
    if not all(isinstance(one, Mapping) for one in many):
        raise BadRequest("a callback says objects")
    return many[:100]
