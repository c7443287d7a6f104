"""Passwords and one-time codes: the way in of whoever has no passkey.

A password is long, not one that everybody tries first, and not made of its holder's own names; nothing is asked of its
letters (NIST SP 800-63B, 3.1.1). It is kept as argon2id. A one-time code (RFC 6238) works once, and one step of 30
seconds early or late. Pure, and slow by design: `platform/hashing` calls what is slow where nobody waits.
"""

import hmac
import io
import re
import unicodedata
from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Final

import argon2
import pyotp

from hansa.errors import BadRequest

SHORTEST: Final = 12
LONGEST: Final = 256
"""Characters: nobody types more, and a hash must not be made of a megabyte."""

# OWASP's recommendation for argon2id on one thread: 19 MiB, twice over. 35 ms on the machine it was measured on.
_HASHER: Final = argon2.PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)

_COMMON: Final = frozenset(files(__package__).joinpath("common.txt").read_text("utf-8").split())
"""What everybody tries first, as letters."""
_ROWS: Final = (
    "abcdefghijklmnopqrstuvwxyz" * 2,
    "01234567890" * 2,
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertzuiopasdfghjklyxcvbnm",
    "azertyuiopqsdfghjklmwxcvbn",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p",
    "1q2w3e4r5t6y7u8i9o0p",
    "qawsedrftgyhujikolp",
)
_LEET: Final = str.maketrans("01345789@$!|+", "oleastbgasiit")
_LETTERS: Final = re.compile(r"[^a-z]+")


def normal(said: object) -> str:
    """A password as it is hashed: one text for all ways to type it (NFKC); BadRequest for what is none."""
    if not isinstance(said, str) or not said or len(said) > LONGEST:
        raise BadRequest("this is no password", where="password", mend=f"a text of {SHORTEST} to {LONGEST} characters")
    try:
        text = unicodedata.normalize("NFKC", said)
        text.encode()
    except UnicodeEncodeError:
        raise BadRequest("this is no password", where="password", mend="it holds half a character") from None
    return text


def chosen(said: object, own: Iterable[str] = ()) -> str:
    """A password that may be set, normalised; BadRequest says why it may not. `own` are its holder's names."""
    text = normal(said)
    if len(text) < SHORTEST:
        raise BadRequest(
            f"a password has at least {SHORTEST} characters", where="password", mend="a sentence is easy to remember"
        )
    why = _weak(text, own)
    if why:
        raise BadRequest(why, where="password", mend="take four or five words that have nothing to do with each other")
    return text


def _weak(text: str, own: Iterable[str]) -> str | None:
    low = unicodedata.normalize("NFKD", text).casefold()
    low = "".join(one for one in low if not unicodedata.combining(one))
    if len(set(low)) < 5:
        return "this is the same few characters again and again"
    tight = re.sub(r"[\s_.,;-]+", "", low)
    if _walks(tight):
        return "these are keys beside each other"
    # What is left of it without digits and signs, read as it was meant: P@ssw0rd2026! is password.
    bare = _LETTERS.sub("", low)
    meant = _LETTERS.sub("", low.translate(_LEET))
    names = {name for one in own for name in [_LETTERS.sub("", one.casefold())] if len(name) > 2}
    for said in (bare, meant):
        for known, why in ((_COMMON, "this is one that everybody tries first"), (names, "this is your own name")):
            if _made_of(said, known):
                return why
    return None


def _walks(text: str) -> bool:
    """Whether a text is runs of four and more along a row of keys, the alphabet or the digits."""
    at = runs = 0
    while at < len(text):
        far = max((_run(text, at, row) for one in _ROWS for row in (one, one[::-1])), default=0)
        if far >= 4:
            runs += far
            at += far
        else:
            at += 1
    return runs >= len(text) - 3


def _run(text: str, at: int, row: str) -> int:
    size = 0
    while at + size < len(text) and text[at : at + size + 1] in row:
        size += 1
    return size


def _made_of(text: str, words: Iterable[str]) -> bool:
    """Whether a text is one of `words`, once or several times, and at most three letters more."""
    if not text:
        return False
    known = frozenset(words)
    best = [0] + [10**6] * len(text)  # letters that are no part of a word, up to each place
    used = [""] * (len(text) + 1)  # which word: several different ones are a sentence, and no weakness
    for end in range(1, len(text) + 1):
        best[end], used[end] = best[end - 1] + 1, used[end - 1]
        for word in known:
            size = len(word)
            if size <= end and text.startswith(word, end - size) and used[end - size] in {"", word}:
                cost = best[end - size]
                if cost < best[end]:
                    best[end], used[end] = cost, word
    return bool(used[-1]) and best[-1] <= 3


def kept(password: str) -> str:
    """How a normalised password is kept: argon2id, its parameters and salt within."""
    return _HASHER.hash(password)


def matches(password: str, hashed: str) -> bool:
    """Whether this is the password. Against none, it takes as long, and is not."""
    try:
        return _HASHER.verify(hashed or _nobodys(), password) and bool(hashed)
    except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHashError):
        return False


def outdated(hashed: str) -> bool:
    """Whether a hash was made with other parameters than today's."""
    return _HASHER.check_needs_rehash(hashed)


@cache
def _nobodys() -> str:
    return _HASHER.hash(pyotp.random_base32())


# One-time codes

_STEP_S: Final = 30
_CODE: Final = re.compile(r"[0-9]{6}\Z", re.ASCII)


def new_totp() -> str:
    """A new secret for an authenticator (160 bits, base32)."""
    return pyotp.random_base32()


def totp_uri(secret: str, name: str, city: str) -> str:
    """What an authenticator scans."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=city)


def totp_picture(uri: str) -> str:
    """The same as a picture (SVG)."""
    import segno  # noqa: PLC0415  # needed a few times in a city's life, and a tenth of a second to load

    out = io.BytesIO()
    segno.make(uri, error="m").save(out, kind="svg", xmldecl=False, border=2, dark="#000", light="#fff", omitsize=True)
    return out.getvalue().decode()


def code_step(secret: str, said: object, now: int, used: int) -> int | None:
    """The step of a code that is good now and was not used: None otherwise. `now` in microseconds, `used` a step.

    Every step that might be meant is looked at, so that the time it takes tells nothing.
    """
    text = said.replace(" ", "") if isinstance(said, str) else ""
    if not secret or not _CODE.match(text):
        return None
    totp = pyotp.TOTP(secret)
    here = now // 1_000_000 // _STEP_S
    good = [at for at in (here - 1, here, here + 1) if hmac.compare_digest(totp.generate_otp(max(0, at)), text)]
    return next((at for at in good if at > used), None)
