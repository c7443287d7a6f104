"""Devices: who each one is, what it may say, and how it came by its secret.

A device is enrolled with a one-time claim, which it exchanges on first use for a secret of its own; no default
password exists (M48). The claim ends when the secret is first used, so a lost answer locks nobody out. Its state is
looked up for every message, so a revoked device is silent at once (M47). Pure decisions: what is to be kept is handed
back as entities.
"""

import hashlib
import hmac
import re
import secrets
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

from hansa import clock
from hansa.collect import Profile, Source
from hansa.errors import AlreadyExists, BadRequest, NotFound
from hansa.model.entity import Entity, entity
from hansa.trust.labels import Label

State = Literal["enrolled", "active", "quarantined", "revoked"]
STATES: Final[tuple[State, ...]] = ("enrolled", "active", "quarantined", "revoked")
CLAIM_DAYS: Final = 30
"""How long an unused claim stays good: a crew's season, not for ever."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}\Z", re.ASCII)


_DENIED: Final = "unknown device or wrong secret"


@dataclass(frozen=True, slots=True)
class Denied:
    """Why a device was not let in. `known`: it exists, and its record may count the attempt."""

    reason: str
    known: bool = False

    @property
    def told(self) -> str:
        """What the device hears: always the same, so that nobody learns which names exist. `reason` is for the log."""
        return _DENIED


class Device:
    """One device as the doors know it. `readings` and `refusals` count since the city last wrote them down."""

    __slots__ = (
        "claim", "claim_until", "last_seen", "name", "readings", "realm", "refusals", "secret", "source", "state",
        "total_readings", "total_refusals",
    )  # fmt: skip

    def __init__(self, name: str, realm: str, state: State, source: Source) -> None:
        """A device without credentials yet."""
        self.name = name
        self.realm = realm
        self.state: State = state
        self.source = source
        self.secret: bytes | None = None
        self.claim: bytes | None = None
        self.claim_until = 0
        self.last_seen = 0
        self.readings = 0
        self.refusals = 0
        self.total_readings = 0
        self.total_refusals = 0

    @property
    def device(self) -> str:
        """Its name, as the MQTT endpoint calls it."""
        return self.name

    @property
    def actor(self) -> str:
        """Who it is in the log."""
        return f"device:{self.name}"

    def credential(self) -> Entity:
        """What is kept of it out of anybody's sight: hashes, never secrets. Lives in the city's own tenant."""
        source = self.source
        return entity(
            "Credential",
            self.name,
            realm=self.realm,
            deviceState=self.state,
            secret=self.secret.hex() if self.secret else "",
            claim=self.claim.hex() if self.claim else "",
            claimUntil=self.claim_until,
            profile=source.profile.to_json(),
            entityId=source.entity,
            label=source.label or "",
            place=source.location or {},
        )

    @classmethod
    def of(cls, credential: Entity, realm: str) -> "Device":
        """Read one back."""
        place: Any = credential.get("place") or None
        source = Source(
            credential.key,
            credential["entityId"],
            Profile.from_json(credential["profile"]),
            place,
            credential["label"] or None,
        )
        device = cls(credential.key, realm, credential["deviceState"], source)
        device.secret = bytes.fromhex(credential["secret"]) or None
        device.claim = bytes.fromhex(credential["claim"]) or None
        device.claim_until = credential["claimUntil"]
        return device

    def shown(self) -> Entity:
        """The Device entity that people see (Smart Data Models: Device)."""
        return entity(
            "Device",
            self.name,
            realm=self.realm,
            name=self.name,
            deviceState=self.state,
            profile=self.source.profile.name,
            controlledAsset=self.source.entity,
            reportingInterval=self.source.profile.interval_s,
            location=self.source.location,
            lastSeen=clock.text(self.last_seen) if self.last_seen else None,
            readings=self.total_readings,
            refusals=self.total_refusals,
        )


def _hash(secret: str | bytes) -> bytes:
    # A random secret of 256 bits needs no slow hash; a person's password would.
    return hashlib.sha256(secret.encode() if isinstance(secret, str) else secret).digest()


class Devices:
    """Every device of the city by name: one look-up a message."""

    def __init__(self) -> None:
        """None yet."""
        self._known: dict[str, Device] = {}

    def __len__(self) -> int:
        """How many."""
        return len(self._known)

    def __iter__(self) -> Iterator[Device]:
        """All of them."""
        return iter(list(self._known.values()))

    def get(self, name: str) -> Device:
        """One device; NotFound."""
        found = self._known.get(name)
        if found is None:
            raise NotFound(f"there is no device {name[:64]!r}", where=name[:64], mend="enrol it: hansa device add")
        return found

    def take(self, device: Device) -> None:
        """Know a device (again)."""
        self._known[device.name] = device

    def enrol(
        self,
        name: str,
        profile: Profile,
        now: int,
        *,
        realm: str = "open",
        location: dict[str, Any] | None = None,
        label: str | None = None,
        ident: str | None = None,
    ) -> tuple[Device, str]:
        """A new device and its one-time claim, which is said once and kept only as a hash. `now` is wall time."""
        if not _NAME.match(name):
            raise BadRequest(
                f"{name[:80]!r} is no device name", where="name", mend="letters, digits, '-', '_' and '.', at most 64"
            )
        if name in self._known:
            raise AlreadyExists(f"the device {name} is enrolled already", where="name")
        if realm not in {"open", "security"}:
            raise BadRequest(f"there is no realm {realm[:40]!r}", where="realm", mend="open or security")
        if label is not None:
            label = str(Label.parse(label))
        source = Source(name, ident or f"urn:ngsi-ld:{profile.type}:{name}", profile, location, label)
        device = Device(name, realm, "enrolled", source)
        claim = self._renew_claim(device, now)
        self._known[name] = device
        return device, claim

    def authenticate(self, name: str | None, password: bytes | str | None, now: int) -> Device | Denied:
        """Who this is, by its secret, or by its claim as long as the secret was never used. `now` is wall time."""
        device = self._known.get(name or "")
        said = _hash(password or b"")  # the same work for a stranger: no name can be told by timing
        if device is None or not password:
            return Denied(_DENIED)
        if device.state == "revoked":
            return Denied("this device was revoked", known=True)
        if device.secret is not None and hmac.compare_digest(said, device.secret):
            return device
        if self._claims(device, said, now):
            return device
        return Denied(_DENIED, known=True)

    def by_claim(self, device: Device, password: bytes | str, now: int) -> bool:
        """Whether it came with its claim: then it may only exchange it."""
        return self._claims(device, _hash(password), now)

    def exchange(self, name: str, claim: str | bytes, now: int) -> tuple[Device, str]:
        """A new secret for a claim; BadRequest when the claim is not (or no longer) good."""
        device = self._known.get(name)
        if device is None or device.state == "revoked" or not self._claims(device, _hash(claim), now):
            raise BadRequest(
                "this claim is not good", where="claim", mend="claims work once and for 30 days: hansa device renew"
            )
        secret = secrets.token_urlsafe(32)
        device.secret = _hash(secret)
        return device, secret

    def settle(self, device: Device, password: bytes | str) -> bool:
        """The secret was used: the claim has served. Whether this changed anything that must be kept."""
        if device.secret is None or not hmac.compare_digest(_hash(password), device.secret):
            return False
        changed = device.claim is not None or device.state == "enrolled"
        device.claim = None
        if device.state == "enrolled":
            device.state = "active"
        return changed

    def renew(self, name: str, now: int) -> tuple[Device, str]:
        """A new claim for a device that lost its secret; the old secret ends at once."""
        device = self.get(name)
        device.secret = None
        device.state = "enrolled"
        return device, self._renew_claim(device, now)

    def mend(self, name: str, profile: Profile) -> Device:
        """A device speaks by another profile from now on; BadRequest when it would speak for another kind of thing."""
        device = self.get(name)
        before = device.source.profile.type
        if profile.type != before:
            raise BadRequest(
                f"{name} speaks for a {before}, not for a {profile.type}",
                where="profile.type",
                mend="enrol another device for another kind of thing",
            )
        device.source = replace(device.source, profile=profile)
        return device

    def set_state(self, name: str, state: State) -> Device:
        """Quarantine, revoke or release a device."""
        if state not in STATES:
            raise BadRequest(f"{state!r} is no state of a device", where="state", mend=f"one of {', '.join(STATES)}")
        device = self.get(name)
        if state == "active" and device.secret is None:
            if device.claim is None:
                raise BadRequest(f"{name} has no secret and no claim", where="state", mend="hansa device renew")
            state = "enrolled"
        device.state = state
        if state == "revoked":
            device.secret = device.claim = None
        return device

    def forget(self, name: str) -> None:
        """An enrolment that could not be kept never was."""
        self._known.pop(name, None)

    def move(self, name: str, location: dict[str, Any]) -> Device:
        """A device stands somewhere else now."""
        device = self.get(name)
        device.source = replace(device.source, location=location)
        return device

    @staticmethod
    def may_speak(device: Device) -> str | None:
        """Why its message is not taken, or None: asked for every message."""
        if device.state == "active":
            return None
        if device.state == "enrolled":
            return "exchange your claim for a secret first"
        return f"this device is {device.state}"

    @staticmethod
    def _claims(device: Device, said: bytes, now: int) -> bool:
        return device.claim is not None and now < device.claim_until and hmac.compare_digest(said, device.claim)

    @staticmethod
    def _renew_claim(device: Device, now: int) -> str:
        claim = secrets.token_urlsafe(24)
        device.claim = _hash(claim)
        device.claim_until = now + CLAIM_DAYS * 86_400 * clock.SECOND
        return claim
