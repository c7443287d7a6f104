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
    moves: int = 200_000  # entities that wait for one map; a page that is slower begins anew
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
    policy: int = 100_000  # bytes of one policy; those that ship have 8,000
    questions: int = 100  # of one AuthZEN request: each may need a decision, a tenth of a millisecond of the loop
    asked: int = 10_000  # distinct decisions that are remembered, to try a new policy against
    decisions: int = 100_000  # made by one policy and remembered, some 50 MB; beyond it they are made again

    proposals: int = 1_000  # that wait for a second person: more than anybody will read
    grants: int = 10_000  # in effect at once: each is asked about with every label of its owner
    handed: int = 100  # entities whose owner changes with one proposal: somebody is to read the list
    derivations: int = 100  # that leave a realm: each looks at every Change of its type

    audit_queue: int = 10_000  # entries waiting for the audit log; beyond it what must be audited is refused
    audit_entry: int = 65_536  # bytes of one: a thousand entities by their ids
    audit_sessions: int = 10_000  # whose reads of this minute are remembered, so that they are noted once
    audit_failures: int = 60  # failed sign-ins of one account, or of strangers, noted one by one in a minute
    held: int = 200  # entries of the shift log of which one asks at once whether they are what was entered
    audit_seen: int = 100_000  # entities that one session saw in a minute; beyond it they are noted again

    sweep: int = 500  # entities that expire with one commit: many that end together must not hold up the writes

    acts: int = 1_000  # entities on which somebody does the same thing with one request
    act_s: float = 2.0  # somebody who does something waits for it; what takes longer is no act
    view_s: float = 10.0  # a view may look at a day of everything
    act_tries: int = 50  # of one act, while others change what it has read

    # What is asked before a device is sent a command: in the event loop, some 25 µs an entity
    interlocks: int = 200  # of one realm; beyond it every command is blocked, for not all can be asked
    interlock_type: int = 200  # entities of a type; where there are more a condition blocks
    interlock_reads: int = 100  # entities and types that the interlocks of one command read: 0.1 ms each
    interlock_looks: int = 2_000  # entities that they are held against, in all: 50 ms; beyond it they block

    # What is answered
    points: int = 200_000  # of one picture of a map: twice what a browser was measured with
    shapes: int = 64_000_000  # bytes of the lines and areas below a map: the houses of a large city
    picture: int = 64_000_000  # bytes of a picture from above, as it comes from a camera or a drone
    picture_pixels: int = 64_000_000  # of one, unpacked: 256 MB in the process that cuts it
    picture_tiles: int = 20_000  # of one
    picture_s: float = 120.0  # to cut one
    photo: int = 20_000_000  # bytes of one photograph that a resident sends
    sheet: int = 64_000_000  # bytes of a CSV or XLSX that staff send: a million rows
    table_s: float = 5.0  # a question to a table; a million rows take a tenth of a second
    table_files: int = 4_000_000_000  # bytes of tables in other forms than Parquet, which are made again when asked for
    media: int = 25_000_000  # bytes of one file of an incident: a minute of a telephone's film
    media_of: int = 500_000_000  # bytes of all files of one incident
    pictures: int = 2  # that are read at once for maps; whoever comes then waits a second
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
    address_connections: int = 2_000  # of one address, by HTTP and by MQTT each: a gateway, or a department behind one
    inflight: int = 100  # unacknowledged MQTT publishes of one device
    commands: int = 100  # commands waiting for one device
    provider_s: float = 2_592_000.0  # of a provider's person who stays away: then what he began ends
    services: int = 1_000  # programs with an account of their own
    tokens: int = 100  # API tokens of one owner: whoever needs more shares them out through services
    provider_token_s: float = 43_200.0  # of a provider's person, from his last sign-in there: it tells of no place lost

    # How often one may come, a second; addresses on `unlimited` may as often as they like
    address_rate: float = 2_000.0  # requests of one address, whoever it is: a fifth of what a city can do
    stranger_rate: float = 100.0  # of one address that does not say who it is; a page is some forty
    identity_rate: float = 2_000.0  # of one person, service or token
    sign_ins: float = 120.0  # a minute, of one address, at the doors of sign-in; guesses are counted besides
    connect_rate: float = (
        100.0  # new connections of one address, by HTTP and MQTT each; a TLS handshake is a millisecond
    )
    addresses: int = 10_000  # remembered, 1 kB each; the one that was silent longest is forgotten

    # How slowly one may speak
    head_s: float = 10.0  # from a connection, or a request's first byte, to the end of its head
    heads: int = 100  # headers of one request
    head: int = 32_768  # bytes of them
    body_s: float = 20.0  # for a body, and beyond it as long as `body_rate` bytes a second come
    body_rate: float = 4_096.0  # bytes a second: GPRS does that
    bodies: int = 256_000_000  # bytes of all bodies that are on their way; beyond it 503
    write_s: float = 60.0  # a reader who has not taken a byte for so long is gone

    # Who has signed in
    session_s: float = 28_800.0  # a session of somebody who works for the city: a shift
    session_idle_s: float = 1_800.0  # the same, while nobody uses it: a coffee is shorter
    session_resident_s: float = 2_592_000.0  # a session of a resident: a month, on a phone of his own
    session_resident_idle_s: float = 604_800.0  # the same, while nobody uses it
    sessions_each: int = 20  # of one person; beyond it the one that was not used for longest ends
    step_s: float = 600.0  # how lately somebody must have shown who he is to change what he signs in by
    enrolment_s: float = 86_400.0  # the first administrator's link: whoever starts a city is there
    invitation_s: float = 604_800.0  # a link for somebody invited: a week, with a weekend in it
    recovery_s: float = 86_400.0  # a link that lets somebody in again
    invitations: int = 1_000  # open at once
    passkeys: int = 20  # of one person
    hashes: int = 16  # passwords that wait for their hash, half of them for browsers that are known: 35 ms each
    guessers: int = 20_000  # addresses, accounts and browsers of which it is remembered how often they guessed

    # What rules may take
    rule_s: float = 10.0  # one rule on one Change; longer and its process is ended, the Change put aside
    rule_batch: int = 2_000  # Changes a rules process takes at once: under load it waits longest for its commit
    rule_fanout: int = 1_000  # entities one rule may return for one Change
    rule_lag: int = 200_000  # Changes behind at which doors begin to refuse
    depth_of_cause: int = 8  # rules that answer rules that answer rules
    cached_entities: int = 10_000  # states a rules process keeps in memory

    # What may be tried on the past
    trials: int = 2  # rules tried at once, in a realm and by one person: each takes a core
    trials_waiting: int = 20  # that wait for their turn, or run
    trials_kept: int = 50  # that are over, and whose result is kept
    trial_s: float = 120.0  # one trial; beyond it its process is ended
    trial_series: int = 20_000  # sources of one trial
    trial_points: int = 20_000_000  # values of one trial: two months of a thousand series every five minutes, 400 MB

    # What is looked up in the past
    rewind_every: int = 50_000  # Changes between two marks of the log: a state of 10,000 entities is 0.6 MB
    rewind_s: float = 900.0  # after so long a mark is made, whatever happened: a quarter of an hour is soon rolled
    rewind_roll: int = 1_000_000  # Changes from a mark to an instant: some four seconds, while marks are still made
    rewind_waiting: int = 20  # questions about the past of a realm that wait for their turn
    rewind_answer_s: float = 20.0  # one such answer
    rewind_entities: int = 50_000  # of one picture
    rewind_changes: int = 50_000  # of one window, and marks and doings of one day
    rewind_span_s: float = 2_678_400.0  # of a time line: a month
    film_span_s: float = 172_800.0  # of a film: two days
    film_entries: int = 200_000  # entities, and Changes, of a film: a browser holds them at once
    film: int = 60_000_000  # bytes of one
    screens: int = 10_000  # notes of what was on screen in one answer
    screens_rate: float = 60.0  # such notes of one person a minute; what changes faster nobody reads

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
