"""Texts for phones: the GSM 7-bit alphabet (3GPP TS 23.038), UCS-2, and long texts in parts (TS 23.040, 9.2.3.24.1)."""

from typing import Final, NamedTuple

_BASIC: Final = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
_MORE: Final = {
    "\f": 0x0A,
    "^": 0x14,
    "{": 0x28,
    "}": 0x29,
    "\\": 0x2F,
    "[": 0x3C,
    "~": 0x3D,
    "]": 0x3E,
    "|": 0x40,
    "€": 0x65,
}
_CODES: Final = {sign: bytes((code,)) for code, sign in enumerate(_BASIC) if sign != "\x1b"} | {
    sign: bytes((0x1B, code)) for sign, code in _MORE.items()
}
_SIGNS: Final = {code[1]: sign for sign, code in _CODES.items() if len(code) == 2}
_PLAINER: Final = str.maketrans({"…": "...", "–": "-", "—": "-", "‘": "'", "’": "'", "“": '"', "”": '"', "\xa0": " "})

GSM: Final = 0
LATIN: Final = 3
UCS2: Final = 8
PARTS: Final = 255  # that a reference can number


class Part(NamedTuple):
    """One short message: its bytes, with the header that joins it to others where there are several."""

    body: bytes
    coding: int  # SMPP's data_coding
    joined: bool  # whether it begins with a user data header


def encoded(text: str) -> bytes | None:
    """A text in the 7-bit alphabet, a byte for each septet; None when it has signs that are not in it."""
    try:
        return b"".join(_CODES[sign] for sign in text)
    except KeyError:
        return None


def decoded(raw: bytes, coding: int) -> str:
    """What a phone sent: never fails, what cannot be read becomes �."""
    if coding & 0x0F == UCS2:
        return raw.decode("utf-16-be", "replace")
    if coding == LATIN:
        return raw.decode("latin-1")
    found: list[str] = []
    escaped = False
    for code in raw:
        if escaped:
            found.append(_SIGNS.get(code, " "))
            escaped = False
        elif code == 0x1B:
            escaped = True
        else:
            found.append(_BASIC[code] if code < 128 else "�")
    return "".join(found)


def parts(text: str, reference: int, most: int = 6) -> list[Part]:
    """The short messages of a text, `most` at most: what is beyond is cut. `reference` joins them on the phone."""
    plainer = text.translate(_PLAINER)
    if (raw := encoded(plainer)) is not None:
        pieces = _split(raw, 160, 153, most)
        coding = GSM
    else:
        pieces = _split_wide(text, most)
        coding = UCS2
    if len(pieces) == 1:
        return [Part(pieces[0], coding, False)]
    head = bytes((5, 0, 3, reference & 0xFF, len(pieces)))
    return [Part(head + bytes((i,)) + piece, coding, True) for i, piece in enumerate(pieces, 1)]


def fits(text: str, most: int) -> bool:
    """Whether a text goes into so many short messages."""
    raw = encoded(text.translate(_PLAINER))
    if raw is not None:
        return len(raw) <= 160 or len(_split(raw, 160, 153, PARTS)) <= most
    return len(_split_wide(text, PARTS)) <= most


def _split(raw: bytes, alone: int, each: int, most: int) -> list[bytes]:
    if len(raw) <= alone:
        return [raw]
    found: list[bytes] = []
    at = 0
    while at < len(raw) and len(found) < most:
        end = min(at + each, len(raw))
        if end < len(raw) and raw[end - 1] == 0x1B:  # an escape and what it escapes stay together
            end -= 1
        found.append(raw[at:end])
        at = end
    return found


def _split_wide(text: str, most: int) -> list[bytes]:
    raw = text.encode("utf-16-be", "replace")
    if len(raw) <= 140:
        return [raw]
    found: list[bytes] = []
    at = 0
    while at < len(raw) and len(found) < most:
        end = min(at + 134, len(raw))
        if end < len(raw) and raw[end - 2] & 0xFC == 0xD8:  # neither are the halves of a pair parted
            end -= 2
        found.append(raw[at:end])
        at = end
    return found
