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
    pushed: int = 5_000  # instances of one entity through time: one Change, a tenth of a second of the writer
    url: int = 16_384  # one request line
    regex: int = 256  # length of a pattern in q or idPattern
    terms: int = 500  # conditions of one q: each is asked of every entity, or of every Change
    attributes: int = 5_000  # of one entity in one body: each name is kept for ever
    datasets: int = 1_000  # instances of one attribute in one body: each is looked for among all the others
    geometry: int = 10_000  # positions of one geometry
    future_s: float = 300.0  # a reading further ahead of the city's clock is refused: the device's clock is wrong
    past_s: float = 10 * 365.25 * 86_400  # a reading older than ten years is a clock that was never set

    # What waits
    inbox: int = 20_000  # writes waiting for the writer of a realm: two seconds of work at full speed
    inbox_s: float = 0.5  # a write waiting for the writer; with its turns of the loop that is a second
    queue_s: float = 0.1  # a write waiting for its turn of the loop, a read half as long again; else 503
    commit: int = 2_000  # writes of one transaction: beyond it latency grows and speed does not
    stream: int = 1_000  # events waiting for one page; a slower page is told to start again
    streams: int = 1_000  # pages listening at once
    recent: int = 2_000  # Changes kept in memory for pages that return; older ones come from the log
    deliveries: int = 1_000  # notifications waiting for one subscriber
    subscriptions: int = 10_000  # of one tenant
    attempts: int = 1_000  # to tell subscribers, remembered for whoever asks how they went
    interval_s: float = 1.0  # of the city's clock: the least timeInterval of a subscription
    interval_entities: int = 10_000  # told at one interval; a notification holds `page` of them
    dead_letters: int = 10_000  # kept; beyond it the oldest go
    dead_letter_body: int = 4_096  # of each, so that the list cannot fill the disk
    models: int = 1_000  # schemas that are kept; Smart Data Models have some 900
    model: int = 500_000  # bytes of one; the widest of theirs has 80,000

    sweep: int = 500  # entities that expire with one commit: many that end together must not hold up the writes

    # What is answered
    page: int = 1_000  # entities of one page
    page_default: int = 20  # NGSI-LD leaves it open; Orion-LD and Scorpio use 20
    join: int = 10  # relationships that one request may follow, one after the other
    linked: int = 10_000  # linked entities of one answer
    ordered: int = 100_000  # entities that are put in order for one page
    entity_maps: int = 1_000  # kept at once; beyond it the oldest go
    mapped: int = 100_000  # entities in all of them
    map_s: float = 3_600.0  # how long one lives at most: it is for one sequence of requests
    instants: int = 10_000  # temporal instances of one answer
    aggregated: int = 100_000  # instances of a series that are looked at one by one; plain numbers the store sums up
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
    contexts_bytes: int = 32_000_000  # of all cached @contexts as they came; in memory they are several times that
    contexts_hosted: int = 10_000  # @contexts kept here for others: each subscription may need one
    context_bytes: int = 300_000  # one that is kept across restarts; the largest of Smart Data Models has some 250,000
    context_depth: int = 8  # contexts that name contexts
    context_documents: int = 64  # other @contexts that one may bring in: contexts can name contexts, and fan out
    context_terms: int = 50_000  # of one @context; all of Smart Data Models together have some 30,000
    context_odd_terms: int = 1_000  # of one that only PyLD can read, whose work grows with the square of it
    context_fetches: int = 16  # @contexts being fetched at once
    context_waiting: int = 256  # that wait for their turn; more are refused
    context_fresh_s: float = 3_600.0  # how long an @context is good for when its host does not say
    context_failed_s: float = 30.0  # how long one that could not be had is not asked for again

    def shown(self) -> dict[str, float]:
        """Every cap by name, for `/health`."""
        return asdict(self)


DEFAULT = Limits()
