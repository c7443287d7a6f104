"""What a decoder gives back: the writes a message became, and what of it was refused, with the reason.

Refusing a part never touches its neighbours; only a message that cannot be read at all raises.
"""

from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from hansa.errors import BadRequest
from hansa.model.change import Write
from hansa.model.entity import Doc, Instance

_REFUSED: Final = 100
_RAW: Final = 256  # enough to see what was said; the dead letter keeps the message itself


@dataclass(frozen=True, slots=True)
class Rejected:
    """A part of a message that was not taken: why, where in the message, and what it said (cut to 256 characters)."""

    error: BadRequest
    where: str
    raw: str

    @classmethod
    def of(cls, error: BadRequest, where: str, said: Any) -> "Rejected":
        """Refuse `said`, which stood at `where`."""
        raw = said if type(said) is str else msgspec.json.encode(said).decode()
        error.where = where
        return cls(error, where, raw if len(raw) <= _RAW else raw[: _RAW - 1] + "…")


@dataclass(slots=True)
class Decoded:
    """The writes of one message, in its order, and what was refused of it.

    `refused` holds the first 100 refusals, `further` counts those beyond: one bad message must not push all others out
    of the dead letters.
    """

    writes: list[Write] = field(default_factory=list)
    refused: list[Rejected] = field(default_factory=list)
    further: int = 0

    def refuse(self, error: BadRequest, where: str, said: Any) -> None:
        """Refuse `said`, which stood at `where`."""
        if len(self.refused) < _REFUSED:
            self.refused.append(Rejected.of(error, where, said))
        else:
            self.further += 1


def position(lat: Any, lon: Any, at: str) -> Instance:
    """A `location` instance for the position that a message carries (degrees, WGS 84); BadRequest when it is none."""
    for name, value, most in (("latitude", lat, 90), ("longitude", lon, 180)):
        if type(value) not in {int, float}:
            raise BadRequest(f"the {name} is not a number")
        if not -most <= value <= most:
            raise BadRequest(f"the {name} {brief(value)} is not within ±{most}°", mend="give decimal degrees, WGS 84")
    if lat == 0 and lon == 0:
        raise BadRequest("0, 0 is what a receiver without a fix says", mend="leave the position out until there is one")
    point = {"type": "Point", "coordinates": [float(lon), float(lat)]}
    return {"type": "GeoProperty", "value": point, "observedAt": at}


def has_reading(doc: Doc) -> bool:
    """Whether a document says more than its id and type."""
    return len(doc) > 2


def brief(value: float) -> str:
    """A number as a refusal shows it: cut, because its sender chose its length."""
    if type(value) is int and value.bit_length() > 128:
        return "a number of " + str(round(value.bit_length() * 0.30103)) + " digits"
    return repr(value)
