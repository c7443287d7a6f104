"""Every cap of the city, each with its reason; `/health` shows them.

A cap exists so that one sender, rule or reader cannot take the city from the others (invariant 6). They are plain
numbers on one frozen object; `settings` may lower or raise them by name.
"""

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Limits:
    """The caps. Sizes in bytes, times in seconds."""

    # What comes in
    body: int = 4_000_000  # one HTTP body: a batch of 1,000 entities of 2 kB, with room
    message: int = 262_144  # one MQTT message: no sensor says more at once
    depth: int = 64  # nesting of JSON; beyond it recursion, not meaning
    name: int = 2_048  # one id, type or attribute name
    digits: int = 40  # of one number; a double holds 17
    batch: int = 1_000  # entities of one batch operation
    url: int = 16_384  # one request line
    regex: int = 256  # length of a pattern in q or idPattern
    geometry: int = 10_000  # positions of one geometry
    future_s: float = 300.0  # a reading further ahead of the city's clock is refused: the device's clock is wrong
    past_s: float = 10 * 365.25 * 86_400  # a reading older than ten years is a clock that was never set

    # What waits
    inbox: int = 20_000  # writes waiting for the writer of a realm: two seconds of work at full speed
    commit: int = 2_000  # writes of one transaction: beyond it latency grows and speed does not
    stream: int = 1_000  # events waiting for one page; a slower page is told to start again
    streams: int = 1_000  # pages listening at once
    recent: int = 2_000  # Changes kept in memory for pages that return; older ones come from the log
    deliveries: int = 1_000  # notifications waiting for one subscriber
    subscriptions: int = 10_000  # of one tenant
    dead_letters: int = 10_000  # kept; beyond it the oldest go
    dead_letter_body: int = 4_096  # of each, so that the list cannot fill the disk

    # What is answered
    page: int = 1_000  # entities of one page
    page_default: int = 20  # NGSI-LD leaves it open; Orion-LD and Scorpio use 20
    instants: int = 10_000  # temporal instances of one answer
    loop_read_ms: float = 2.0  # a read in the event loop; longer goes to a thread
    read_s: float = 10.0  # any read at all

    # Who is connected
    connections: int = 20_000  # MQTT sessions
    http_connections: int = 20_000  # HTTP connections; idle ones cost little, beyond it 503
    inflight: int = 100  # unacknowledged MQTT publishes of one device
    commands: int = 100  # commands waiting for one device

    # What rules may take
    rule_s: float = 10.0  # one rule on one Change; longer and its process is ended, the Change put aside
    rule_batch: int = 2_000  # Changes a rules process takes at once: under load it waits longest for its commit
    rule_fanout: int = 1_000  # entities one rule may return for one Change
    rule_lag: int = 200_000  # Changes behind at which doors begin to refuse
    depth_of_cause: int = 8  # rules that answer rules that answer rules
    cached_entities: int = 10_000  # states a rules process keeps in memory

    # What is asked of other machines
    egress_s: float = 5.0  # one request
    egress_body: int = 1_000_000  # one answer
    contexts: int = 1_000  # cached @contexts
    context_depth: int = 8  # contexts that name contexts

    def shown(self) -> dict[str, float]:
        """Every cap by name, for `/health`."""
        return asdict(self)


DEFAULT = Limits()
