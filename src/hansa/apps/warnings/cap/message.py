"""A CAP message as an immutable tree; the words are those of the Common Alerting Protocol 1.2 (OASIS, 1 July 2010).

Absent text is "", an absent list (). Times are aware and in whole seconds; coordinates are WGS 84 degrees, latitude
first, as CAP writes them; radii are kilometres, altitude and ceiling feet above mean sea level (clause 3.2.4).
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final, NamedTuple

STATUS: Final = ("Actual", "Exercise", "System", "Test", "Draft")
MSG_TYPE: Final = ("Alert", "Update", "Cancel", "Ack", "Error")
SCOPE: Final = ("Public", "Restricted", "Private")
CATEGORY: Final = (
    *("Geo", "Met", "Safety", "Security", "Rescue", "Fire"),
    *("Health", "Env", "Transport", "Infra", "CBRNE", "Other"),
)
RESPONSE_TYPE: Final = (
    *("Shelter", "Evacuate", "Prepare", "Execute", "Avoid"),
    *("Monitor", "Assess", "AllClear", "None"),
)
URGENCY: Final = ("Immediate", "Expected", "Future", "Past", "Unknown")
SEVERITY: Final = ("Extreme", "Severe", "Moderate", "Minor", "Unknown")
CERTAINTY: Final = ("Observed", "Likely", "Possible", "Unlikely", "Unknown")


class Point(NamedTuple):
    """Degrees, latitude first."""

    lat: float
    lon: float


class Circle(NamedTuple):
    """A middle in degrees and a radius in kilometres."""

    lat: float
    lon: float
    radius_km: float


class Named(NamedTuple):
    """A value under a name that its sender chose: eventCode, parameter, geocode."""

    name: str
    value: str


Polygon = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Reference:
    """What a message is cited by: the three together are unique."""

    sender: str
    identifier: str
    sent: datetime

    def __str__(self) -> str:
        """`sender,identifier,sent`, as `references` has it."""
        return f"{self.sender},{self.identifier},{stamp(self.sent)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """Something that belongs to a block: a picture, a sound, a map; by address or enclosed (base64)."""

    description: str
    mime_type: str = "application/octet-stream"  # what CAP 1.1 leaves unsaid; 1.2 must say it
    size: int | None = None  # bytes
    uri: str = ""
    deref_uri: str = ""
    digest: str = ""  # SHA-1, hexadecimal

    @property
    def href(self) -> str:
        """`uri` where a page may make a link of it, else ""."""
        return _followed(self.uri)


@dataclass(frozen=True, slots=True, kw_only=True)
class Area:
    """Where: the union of its polygons, circles and geocodes."""

    description: str
    polygons: tuple[Polygon, ...] = ()
    circles: tuple[Circle, ...] = ()
    geocodes: tuple[Named, ...] = ()
    altitude: float | None = None  # feet above mean sea level, the lowest where there is a ceiling
    ceiling: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Info:
    """What is told, in one language."""

    categories: tuple[str, ...]
    event: str
    urgency: str
    severity: str
    certainty: str
    language: str = "en-US"
    response_types: tuple[str, ...] = ()
    audience: str = ""
    event_codes: tuple[Named, ...] = ()
    effective: datetime | None = None  # when the telling begins; absent: when it was sent
    onset: datetime | None = None  # when the event is expected to begin
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""
    web: str = ""
    contact: str = ""
    parameters: tuple[Named, ...] = ()
    resources: tuple[Resource, ...] = ()
    areas: tuple[Area, ...] = ()

    @property
    def href(self) -> str:
        """`web` where a page may make a link of it, else ""."""
        return _followed(self.web)


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One message."""

    identifier: str
    sender: str
    sent: datetime
    status: str
    msg_type: str
    scope: str
    source: str = ""
    restriction: str = ""
    addresses: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    note: str = ""
    references: tuple[Reference, ...] = ()
    incidents: tuple[str, ...] = ()
    infos: tuple[Info, ...] = ()

    @property
    def key(self) -> Reference:
        """What others cite it by."""
        return Reference(self.sender, self.identifier, self.sent)

    def expires(self) -> datetime | None:
        """When the last of its blocks ends; None when one of them does not say, or there is none."""
        ends = [info.expires for info in self.infos]
        return max((it for it in ends if it is not None), default=None) if None not in ends else None


def _followed(uri: str) -> str:
    """The address when a page may lead to it: never `javascript:` and the like, whoever sent it."""
    return uri if uri[:8].lower().startswith(("http://", "https://")) else ""


def stamp(when: datetime) -> str:
    """A time as CAP 1.2 writes it (clause 3.3.2): whole seconds and an offset, UTC as -00:00."""
    offset = when.utcoffset()
    if offset is None:
        raise ValueError("a time without its offset from UTC")
    text = when.replace(tzinfo=None).isoformat(timespec="seconds")
    minutes = offset // timedelta(minutes=1)
    sign = "+" if minutes > 0 else "-"
    return f"{text}{sign}{abs(minutes) // 60:02}:{abs(minutes) % 60:02}"


def in_utc(when: datetime) -> str:
    """A time as Atom writes it (RFC 3339), in UTC."""
    return when.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="seconds") + "Z"
