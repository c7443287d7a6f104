"""Passkeys (WebAuthn level 3): what a browser is asked, and whether its answer is good.

A challenge is good for a few minutes and for one purpose only, and bears its own proof of that: nothing is kept of
those who ask and never answer. One whose answer was good is kept until it would have ended anyway, so that the answer
cannot be said again. A passkey signs for the host that it was made for, and its holder is verified each time (a
finger, a face, a PIN): so it is two factors in one, and cannot be told to a stranger. Pure, but for randomness.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final
from urllib.parse import urlsplit

import orjson
import webauthn
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url, options_to_json, parse_client_data_json
from webauthn.helpers.decode_credential_public_key import DecodedRSAPublicKey, decode_credential_public_key
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from hansa.errors import BadRequest, Unauthenticated
from hansa.trust.people import Passkey, Person

CHALLENGE_S: Final = 300
"""How long somebody may look for his key."""
_LONGEST: Final = 20_000  # characters of each part of an answer


@dataclass(frozen=True, slots=True)
class Site:
    """The page's own address, as the browser has it: `https://city.example`, or `http://localhost:8080`."""

    origin: str

    @property
    def host(self) -> str:
        """What passkeys are made for."""
        return urlsplit(self.origin).hostname or ""

    @property
    def secure(self) -> bool:
        """Whether cookies can be kept to HTTPS."""
        return self.origin.startswith("https:")


class Challenges:
    """Challenges, each for one purpose and one answer."""

    def __init__(self, key: bytes, most: int) -> None:
        """`key` proves that a challenge is ours; at most so many good answers are remembered at once."""
        self._key = key
        self._most = most
        self._used: dict[bytes, int] = {}

    def __len__(self) -> int:
        """How many good answers are remembered."""
        return len(self._used)

    def new(self, purpose: str, now: int) -> bytes:
        """A challenge for `purpose` (microseconds now): 16 random bytes, when it ends, and the proof."""
        head = secrets.token_bytes(16) + (now // 1_000_000 + CHALLENGE_S).to_bytes(8, "big")
        return head + self._proof(head, purpose)

    def check(self, challenge: bytes, purpose: str, now: int) -> None:
        """Unauthenticated unless it is ours, for this purpose, in time and not used."""
        head, proof = challenge[:24], challenge[24:]
        if not hmac.compare_digest(proof, self._proof(head, purpose)):
            raise _not_good("it answers another question")
        if int.from_bytes(head[16:], "big") <= now // 1_000_000:
            raise _not_good("it comes too late")
        if head in self._used:
            raise _not_good("it was given before")

    def use(self, challenge: bytes, now: int) -> None:
        """Its answer was good: it is not taken again. Unauthenticated when it was good before."""
        if challenge[:24] in self._used:
            raise _not_good("it was given before")
        if len(self._used) >= self._most:
            seconds = now // 1_000_000
            self._used = {head: end for head, end in self._used.items() if end > seconds}
            while len(self._used) >= self._most:
                self._used.pop(next(iter(self._used)))
        self._used[challenge[:24]] = int.from_bytes(challenge[16:24], "big")

    def _proof(self, head: bytes, purpose: str) -> bytes:
        return hmac.new(self._key, head + purpose.encode(), hashlib.sha256).digest()


def _not_good(why: str) -> Unauthenticated:
    return Unauthenticated(f"this passkey's answer is not good: {why}", where="credential", mend="try again")


def creation(challenge: bytes, site: Site, city: str, person: Person, known: Iterable[Passkey] = ()) -> dict[str, Any]:
    """What `navigator.credentials.create` is asked: a key that finds its holder by itself, and verifies him."""
    options = webauthn.generate_registration_options(
        rp_id=site.host,
        rp_name=city,
        user_name=person.name,
        user_id=person.handle,
        user_display_name=person.shown,
        challenge=challenge,
        timeout=CHALLENGE_S * 1_000,
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=UserVerificationRequirement.REQUIRED
        ),
        exclude_credentials=[PublicKeyCredentialDescriptor(id=one.id) for one in known if one.site == site.host],
    )
    made: dict[str, Any] = orjson.loads(options_to_json(options))
    return made


def request(challenge: bytes, site: Site, known: Iterable[Passkey] = ()) -> dict[str, Any]:
    """What `navigator.credentials.get` is asked: any passkey of this city, or one of those that are `known`."""
    options = webauthn.generate_authentication_options(
        rp_id=site.host,
        challenge=challenge,
        timeout=CHALLENGE_S * 1_000,
        allow_credentials=[PublicKeyCredentialDescriptor(id=one.id) for one in known if one.site == site.host],
        user_verification=UserVerificationRequirement.REQUIRED,
    )
    made: dict[str, Any] = orjson.loads(options_to_json(options))
    return made


def answered(said: object) -> tuple[dict[str, Any], bytes, bytes]:
    """A browser's answer, the id of its passkey and the challenge that it answers; BadRequest when it is none."""
    none = BadRequest("this is no answer of a passkey", where="credential")
    response = said.get("response") if isinstance(said, dict) else None
    if not isinstance(said, dict) or not isinstance(response, dict) or not isinstance(said.get("rawId"), str):
        raise none
    if any(isinstance(one, str) and len(one) > _LONGEST for one in (*said.values(), *response.values())):
        raise none
    try:
        ident = base64url_to_bytes(said["rawId"])
        client = parse_client_data_json(base64url_to_bytes(response["clientDataJSON"]))
    except (WebAuthnException, ValueError, TypeError, KeyError, AttributeError):
        raise none from None
    if client.cross_origin:
        raise _not_good("it was asked for by a page within another")
    return said, ident, client.challenge


def _check_key(raw: bytes) -> None:
    """Refuse keys that cost more to ask than an authenticator's do: RSA of other sizes, or another exponent."""
    key = decode_credential_public_key(raw)
    if isinstance(key, DecodedRSAPublicKey) and (not 256 <= len(key.n) <= 512 or key.e != b"\x01\x00\x01"):
        raise _not_good("its key is of a size that no authenticator makes")


def made(said: dict[str, Any], challenge: bytes, site: Site, person: str, called: str, now: int) -> Passkey:
    """The new passkey of a person; Unauthenticated when the answer is not good."""
    try:
        good = webauthn.verify_registration_response(
            credential=said,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            require_user_verification=True,
        )
    except _FAULTS as fault:
        raise _not_good(_reason(fault)) from None
    _check_key(good.credential_public_key)
    return Passkey(
        good.credential_id,
        person,
        good.credential_public_key,
        good.sign_count,
        site.host,
        called,
        now,
        synced=good.credential_backed_up,
    )


def used(said: dict[str, Any], challenge: bytes, site: Site, passkey: Passkey, person: Person, now: int) -> Passkey:
    """The passkey after it has signed; Unauthenticated when the answer is not good.

    A count that goes backwards may mean that there is a copy of it: then the passkey comes back `doubted`.
    """
    handle = said["response"].get("userHandle")
    theirs = handle is not None and handle != bytes_to_base64url(person.handle)
    if site.host != passkey.site or theirs:
        raise _not_good("it belongs to somebody else")
    if passkey.doubted:
        raise _not_good("it once counted backwards, so that there may be a copy of it")
    try:
        # Verified as if it had never signed: its count is judged below, where a wrong signature is told from a copy.
        good = webauthn.verify_authentication_response(
            credential=said,
            expected_challenge=challenge,
            expected_rp_id=site.host,
            expected_origin=site.origin,
            credential_public_key=passkey.key,
            credential_current_sign_count=0,
            require_user_verification=True,
        )
    except _FAULTS as fault:
        raise _not_good(_reason(fault)) from None
    back = bool(passkey.count or good.new_sign_count) and good.new_sign_count <= passkey.count
    if back:
        return replace(passkey, doubted=True)
    return replace(passkey, count=good.new_sign_count, used_at=now, synced=good.credential_backed_up)


# What a hostile answer makes the library raise beside its own errors: it reads CBOR, DER and JSON of anybody's.
_FAULTS: Final = (WebAuthnException, ValueError, TypeError, KeyError, AttributeError, IndexError, OverflowError)


def _reason(fault: Exception) -> str:
    """Why, where it was said by the library in its own words; nothing of what was sent."""
    text = str(fault).partition('"')[0].strip(" .,") if isinstance(fault, WebAuthnException) else ""
    return text[:120].lower() or "it cannot be read"
