"""The device door for MQTT 3.1.1 and 5 (report §2.1.2): an endpoint, not a broker.

Owns the protocol (`codec`, `states`, `connection`: no sockets, as h11 does for HTTP) and one asyncio endpoint that
carries it. Devices say what they measured and receive their own commands, nothing passes from device to device.
Must not hold policy: who may connect, what a message means and when it is durable come through `Doors`.
"""

from hansa.network.mqtt.caps import Caps
from hansa.network.mqtt.doors import Command, Doors, Peer, Refusal
from hansa.network.mqtt.endpoint import Counters, Endpoint
from hansa.network.mqtt.reasons import Reason

__all__ = ["Caps", "Command", "Counters", "Doors", "Endpoint", "Peer", "Reason", "Refusal"]
