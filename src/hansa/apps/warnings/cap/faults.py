"""What is wrong with a message, where, and whether it is refused for it."""

from collections.abc import Iterable
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from hansa.errors import BadRequest

FAULTS: Final = 50  # told of one message: whoever sent it mends these first

CODES: Final = MappingProxyType(
    {
        # The bytes.
        "too-large": "more bytes than a warning needs",
        "encoding": "the bytes are not text in the encoding that they declare",
        "doctype": "a document type declaration, which CAP has none of: entities and outside files begin there",
        "not-xml": "the text is not well-formed XML 1.0",
        "too-deep": "elements nested deeper than in any CAP message",
        "too-many": "more elements, points or blocks than a warning needs",
        "not-cap": "the outermost element is not CAP 1.1's or 1.2's alert",
        # The schema.
        "schema": "not as the schema has it: an element unknown, missing, twice or out of order, an attribute, a value",
        "time-form": "no date and time with an offset, as 2026-11-22T18:00:00-00:00",
        "language-form": "no language tag",
        "number-form": "no number",
        "uri-form": "no address",
        # The texts.
        "characters": "characters that XML cannot carry",
        "too-long": "longer than a text of this element may be",
        "empty": "an element that must say something says nothing",
        "identifier": "an identifier or sender with spaces, commas, < or &",
        "references-form": "references are not sender,identifier,sent groups",
        "references-missing": "an Update, Cancel, Ack or Error that does not say of what",
        "references-self": "a message that refers to itself",
        "references-late": "a message that refers to one sent after it",
        "references-unknown": "a message refers to one that is not known here",
        "addresses-form": "addresses or incidents with unpaired quotation marks",
        "addresses-missing": "a private message that does not say to whom",
        "restriction-missing": "a restricted message that does not say how it is restricted",
        "note-missing": "an exercise that does not say which, or an error without its explanation",
        "info-missing": "an alert that says nothing of what it warns of",
        "area-missing": "a block that does not say where",
        "headline-missing": "a block that people could not read anything of",
        "expires-missing": "a warning without an end",
        "draft": "a draft, which nobody may act on",
        "system": "a message to machines, for no person to act on",
        # Times.
        "time-zone": "a time without its zone",
        "time-range": "a year that no warning is sent in",
        "time-order": "times that run backwards",
        "expired": "expired on arrival",
        "future": "sent in the future",
        # Languages.
        "language": "a language tag that BCP 47 does not allow",
        "languages-disagree": "blocks of two languages that say different things",
        "twice": "the same thing said twice",
        # Areas.
        "polygon-form": "a polygon that is no list of latitude,longitude pairs",
        "polygon-few": "a polygon of fewer than four points",
        "polygon-open": "a polygon whose last point is not its first",
        "polygon-flat": "a polygon without any area",
        "polygon-crossing": "a polygon that crosses itself",
        "polygon-complex": "a polygon with so many points that whether it crosses itself was not looked at",
        "polygon-pole": "a polygon around a pole",
        "circle-form": "a circle that is no latitude,longitude and radius in kilometres",
        "circle-radius": "a circle larger than the Earth",
        "coordinates": "a latitude beyond 90 or a longitude beyond 180 degrees",
        "altitude": "a ceiling without an altitude, or below it",
        # Resources and addresses in the web.
        "uri": "an address with odd characters, that is not absolute, or of a kind that must not be followed",
        "resource-size": "a resource's size is negative, or not that of what is enclosed",
        "resource-digest": "a resource's digest is no SHA-1, or not that of what is enclosed",
        "resource-enclosed": "what is enclosed is not base64",
        "mime-type": "no media type",
        # The signature.
        "unsigned": "not signed, where a signature is required",
        "signature-unverified": "signed, and nobody verified it: no trusted certificate was given",
        "signature-many": "more than one signature: which of them speaks for the message nobody can tell",
        "signature-form": "a signature that is not one enveloped signature of the whole message",
        "signature-algorithm": "signed with an algorithm that no longer proves anything, or with a shared secret",
        "signature-untrusted": "signed by nobody who is trusted here",
        "signature-altered": "the text was altered after it was signed",
        "signature-wrong": "the signature was not made with the key that it names",
        "certificate-time": "the signer's certificate is not valid now",
        "signature-key": "a key too weak to sign with, or not that of the certificate",
        # A feed, and a tree that came as JSON.
        "not-public": "not for everybody, so not for a feed",
        "json": "no message in JSON",
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing wrong: its code (stable, one of `CODES`), its place, the reason, and whether it refuses the message."""

    code: str
    where: str  # as alert/info[1]/area[2]/polygon[1]
    why: str
    refused: bool = True
    line: int = 0  # of the XML; 0 where there is none

    def plain(self) -> dict[str, Any]:
        """For a problem's details (RFC 9457), or a page."""
        told: dict[str, Any] = {"code": self.code, "where": self.where, "why": self.why, "refused": self.refused}
        return told | {"line": self.line} if self.line else told


class Refused(BadRequest):
    """Theirs: a message that is not taken, with each reason and its place."""

    kind = "https://hansa.city/errors/CapRefused"
    title = "CAP message refused"

    def __init__(self, faults: Iterable[Fault]) -> None:
        """Of these faults, the first that refuses is said in one line."""
        self.faults = tuple(faults)[:FAULTS]
        first = next((it for it in self.faults if it.refused), self.faults[0])
        super().__init__(f"{first.where}: {first.why}", where=first.where)

    def problem(self) -> dict[str, Any]:
        """Problem details, with all faults."""
        return super().problem() | {"faults": [it.plain() for it in self.faults]}


class Wrong(Exception):
    """A value that cannot be read or written; the place is known to whoever asked for it."""

    def __init__(self, code: str, why: str) -> None:
        """One of `CODES`, and the reason."""
        super().__init__(why)
        self.code = code
        self.why = why


def refuse(code: str, where: str, why: str, line: int = 0) -> Refused:
    """The refusal for one reason."""
    return Refused((Fault(code, where, why, line=line),))
