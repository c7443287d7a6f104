"""Every cap of the MQTT door, each with its reason."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Caps:
    """What one MQTT endpoint takes at most; times in seconds, sizes in bytes.

    A cap that a client can be told of (MQTT 5: CONNACK properties) is told; the others only show when they are met.
    """

    connections: int = 12_000  # 10,000 devices and room for those that come back before their old link is swept
    connect_s: float = 10.0  # a socket that has not introduced itself by then holds a place that a device could have
    connect_bytes: int = 16_384  # a stranger's CONNECT: names, a secret and a small will; nothing needs more
    packet_bytes: int = 262_144  # one PUBLISH; bulk goes through HTTP, which can stream
    receive_maximum: int = 100  # undecided messages a connection: 50 ms of the whole door's rate, beyond a group commit
    undecided_bytes: int = 1_048_576  # and their payloads, so that a hundred large ones do not add up
    turn_packets: int = 200  # packets of one connection in one turn of the loop: about a millisecond, then the others
    qos2_ids: int = 1_000  # half-finished QoS 2 exchanges of a session; 3.1.1 has no way to be told a smaller number
    client_id_chars: int = 256  # the standard asks for 23; every retained session keeps one
    buffer_bytes: int = 1_048_576  # what may come after reading was paused, besides a packet: what a loop reads at once
    topic_aliases: int = 16  # a device has a handful of topics
    keep_alive_s: int = 1_200  # told to clients of 5 that ask for more, or for none: a dead link frees its place
    maximum_qos: int = 2  # lower it where a neighbour in front cannot do QoS 2
    session_expiry_s: int = 604_800  # a week: a station that was in repair finds its subscription again
    sessions: int = 50_000  # retained sessions of devices that are away, oldest dropped first
    sessions_per_device: int = 4  # a logger, its technician's laptop, and the stale halves of both
    commands_in_flight: int = 20  # commands a device works on at once; small devices answer one after another
    commands_waiting: int = 100  # behind them; the rest stays with `Doors.commands`, which is durable
    write_bytes: int = 65_536  # unsent bytes from which on the connection is not read either
    write_stall_s: float = 60.0  # a peer that has not taken a byte for so long is gone
    close_s: float = 5.0  # what a closing connection gets to take its last packet
    will_delay_s: int = 86_400  # a will later than a day is no longer news
    sweep_s: float = 1.0  # one sweep serves keep-alive of all connections; a timer for each would cost more
