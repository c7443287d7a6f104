"""MQTT: a warning published to somebody's broker. To the city's own devices it goes as a Command, see the courier."""

from typing import Any, Final

import orjson

from hansa.errors import BadRequest, HansaError
from hansa.network.broker import Address, Broker, address, is_mqtt
from hansa.network.channels.said import Failed, Handed, Notice, Outcome
from hansa.network.channels.webhook import document
from hansa.network.http import Unanswered
from hansa.network.publish import Publisher
from hansa.network.wall import Walled

TOPIC: Final = "topic:"
_MOST: Final = 1_000  # characters of a topic


class Topics:
    """Tells through brokers: `mqtt[s]://...` as it stands, or `topic:<topic>` at the city's own `broker`."""

    def __init__(
        self, publisher: Publisher, broker: Broker | None = None, *, width: int = 32, per_s: float = 500.0
    ) -> None:
        """Connect to nobody yet."""
        self.width, self.per_s = width, per_s
        self._publisher = publisher
        self._broker = broker

    def endpoint(self, to: Any) -> str:
        """The broker."""
        try:
            return self._address(to).broker.host
        except BadRequest:
            return ""

    async def aclose(self) -> None:
        """Say goodbye to every broker."""
        await self._publisher.aclose()

    async def send(self, notice: Notice) -> Outcome:
        """Publish it with quality of service 1: taken when the broker says so."""
        try:
            where = self._address(notice.to)
        except BadRequest as fault:
            return Failed(True, f"malformed: {fault.detail}"[:300])
        try:
            await self._publisher.publish(where, orjson.dumps(document(notice)))
        except Walled as fault:
            return Failed(True, f"refused: {fault.detail}"[:300])
        except BadRequest as fault:
            return Failed(True, f"refused: {fault.detail}"[:300])
        except HansaError as fault:
            return Failed(False, fault.detail[:300], everybody=True, perhaps=isinstance(fault, Unanswered))
        return Handed()

    def _address(self, to: Any) -> Address:
        if not isinstance(to, str):
            raise BadRequest("this is no MQTT address")
        if is_mqtt(to):
            return address(to)
        topic = to.removeprefix(TOPIC)
        if self._broker is None or not to.startswith(TOPIC):
            raise BadRequest("this city has no broker for topics", mend="url under [channels.mqtt]")
        if not 0 < len(topic) <= _MOST or any(sign in topic for sign in "\0+#\ufffd") or not topic.isprintable():
            raise BadRequest("this is no topic")
        return Address(self._broker, topic, 1)
