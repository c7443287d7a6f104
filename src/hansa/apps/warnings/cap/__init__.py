"""The Common Alerting Protocol (OASIS CAP 1.2, reading 1.1): messages in and out, and what they mean.

Pure: no socket, no store, no clock but the one handed in. A stranger's bytes become an immutable tree or are refused,
with each reason and its place; a tree becomes canonical XML, signed or not, an Atom feed, or plain JSON.
"""

from hansa.apps.warnings.cap.chains import Chains, cancel, chains, update
from hansa.apps.warnings.cap.faults import CODES, Fault, Refused
from hansa.apps.warnings.cap.feed import CAP_TYPE, ENTRIES, FEED_TYPE, Entry, feed
from hansa.apps.warnings.cap.languages import best, well_formed
from hansa.apps.warnings.cap.message import (
    CATEGORY,
    CERTAINTY,
    MSG_TYPE,
    RESPONSE_TYPE,
    SCOPE,
    SEVERITY,
    STATUS,
    URGENCY,
    Alert,
    Area,
    Circle,
    Info,
    Named,
    Point,
    Polygon,
    Reference,
    Resource,
    stamp,
)
from hansa.apps.warnings.cap.plain import from_plain, plain
from hansa.apps.warnings.cap.received import Received, read, sign, verify, write
from hansa.apps.warnings.cap.resources import resource
from hansa.apps.warnings.cap.rules import check
from hansa.apps.warnings.cap.shapes import Ground, geometry, ground, metres, rings
from hansa.apps.warnings.cap.signature import Signed
from hansa.apps.warnings.cap.wording import fits, septets, short

__all__ = [
    "CAP_TYPE",
    "CATEGORY",
    "CERTAINTY",
    "CODES",
    "ENTRIES",
    "FEED_TYPE",
    "MSG_TYPE",
    "RESPONSE_TYPE",
    "SCOPE",
    "SEVERITY",
    "STATUS",
    "URGENCY",
    "Alert",
    "Area",
    "Chains",
    "Circle",
    "Entry",
    "Fault",
    "Ground",
    "Info",
    "Named",
    "Point",
    "Polygon",
    "Received",
    "Reference",
    "Refused",
    "Resource",
    "Signed",
    "best",
    "cancel",
    "chains",
    "check",
    "feed",
    "fits",
    "from_plain",
    "geometry",
    "ground",
    "metres",
    "plain",
    "read",
    "resource",
    "rings",
    "septets",
    "short",
    "sign",
    "stamp",
    "update",
    "verify",
    "well_formed",
    "write",
]
