"""What outlives a connection: subscriptions, half-finished exchanges, commands on their way (section 4.1)."""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from msgspec import Struct

from hansa.network.mqtt.caps import Caps

if TYPE_CHECKING:
    from hansa.network.mqtt.doors import Command

UNDECIDED = -1


class Published(Struct, eq=False):
    """A message from the device, and the event that hands it in; `code` is UNDECIDED until the city has answered."""

    topic: str
    payload: bytes
    content_type: str | None
    qos: int
    packet_id: int
    size: int
    code: int = UNDECIDED


class Subscription(Struct, frozen=True):
    """Granted QoS (0 or 1), and the identifier that a client of MQTT 5 wants to see with each command (0: none)."""

    qos: int
    identifier: int = 0


class Session:
    """One client identifier of one device: its state on this side, kept while it is away if it asked for that.

    `incoming` holds the QoS 2 messages that the device has not released; `in_flight` the commands it has not answered.
    `waiting` belongs to the present connection: while the device is away, its commands rest with the city.
    """

    __slots__ = ("client_id", "device", "expiry_s", "in_flight", "incoming", "last_id", "link", "more",
                 "subscriptions", "waiting")  # fmt: skip

    def __init__(self, device: str, client_id: str) -> None:
        """A session nobody has used yet."""
        self.device = device
        self.client_id = client_id
        self.expiry_s = 0
        self.subscriptions: dict[str, Subscription] = {}
        self.incoming: dict[int, Published] = {}
        self.in_flight: dict[int, Command] = {}
        self.waiting: dict[str, Command] = {}
        self.more = False  # commands were left with the city because `waiting` was full
        self.last_id = 0
        self.link: object | None = None  # the endpoint's, while connected

    def granted(self) -> int | None:
        """The best QoS at which commands may be sent; None without a subscription."""
        return max((one.qos for one in self.subscriptions.values()), default=None)

    def knows(self, command_id: str) -> bool:
        """Whether a command is waiting or in flight."""
        return command_id in self.waiting or any(one.id == command_id for one in self.in_flight.values())

    def free_id(self) -> int:
        """The next packet identifier that is not in flight."""
        while True:
            self.last_id = self.last_id % 0xFFFF + 1
            if self.last_id not in self.in_flight:
                return self.last_id


class Sessions:
    """All sessions by device and client identifier.

    A client identifier is looked up under its device only: nobody takes over another's session by knowing its name.
    """

    def __init__(self, caps: Caps) -> None:
        """None yet."""
        self._caps = caps
        self._by_device: dict[str, dict[str, Session]] = {}
        self._away: dict[Session, float] = {}  # when each expires; ordered by when they left

    def __len__(self) -> int:
        """How many sessions are kept, connected or away."""
        return sum(map(len, self._by_device.values()))

    def of(self, device: str) -> Iterator[Session]:
        """The sessions of one device."""
        return iter(tuple(self._by_device.get(device, {}).values()))

    def find(self, device: str, client_id: str) -> Session | None:
        """The session of that name, if there is one."""
        return self._by_device.get(device, {}).get(client_id)

    def open(self, device: str, client_id: str) -> Session | None:
        """A new session, or None if the device has too many that are connected; the first to expire makes room."""
        mine = self._by_device.get(device, {})
        if len(mine) >= self._caps.sessions_per_device:
            away = [one for one in mine.values() if one in self._away]
            if not away:
                return None
            self.drop(min(away, key=self._away.__getitem__))
        session = Session(device, client_id)
        self._by_device.setdefault(device, {})[client_id] = session
        return session

    def resume(self, session: Session) -> None:
        """Its device is back."""
        self._away.pop(session, None)

    def leave(self, session: Session, now: float) -> None:
        """Its device is gone: keep the session for as long as was agreed."""
        session.link = None
        session.waiting.clear()
        if not session.expiry_s:
            self.drop(session)
            return
        self._away[session] = now + session.expiry_s
        if len(self._away) > self._caps.sessions:
            self.drop(next(iter(self._away)))

    def drop(self, session: Session) -> None:
        """Forget a session."""
        self._away.pop(session, None)
        mine = self._by_device.get(session.device, {})
        if mine.get(session.client_id) is session:
            del mine[session.client_id]
            if not mine:
                del self._by_device[session.device]

    def sweep(self, now: float, ended: Callable[[Session], None] | None = None) -> None:
        """Forget the sessions whose time is over; `ended` hears of each."""
        for session in [one for one, due in self._away.items() if due <= now]:
            self.drop(session)
            if ended is not None:
                ended(session)
