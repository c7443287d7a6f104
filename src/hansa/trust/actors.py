"""Who asks: a person, a service, a device, an app, a neighbour city, or nobody that is known.

An `Actor` is what sign-in has established, and nothing of what he may do: that is decided by policy, on labels.
Report: 4.2.
"""

from dataclasses import dataclass, field
from typing import Final

ROLES: Final = (
    *("resident", "operator", "supervisor", "command", "engineer", "data_officer", "auditor", "administrator"),
    *("member", "service", "device", "neighbour"),
)
"""The roles that hansa ships with; `member` is of a department, `neighbour` another city."""

UNPROVEN: Final = 0
SINGLE: Final = 1
TWO_FACTORS: Final = 2
PASSKEY: Final = 3
"""How surely somebody is who he says: not at all; by one secret (an API token); by two factors, or a key that signs;
by a passkey whose holder was verified."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks, as sign-in established it."""

    id: str
    """`person:ada`, `service:ledger`, `device:pump-7`, `app:frost`, `neighbour:graz`, or `public`."""
    roles: frozenset[str] = field(default_factory=frozenset)
    departments: frozenset[str] = field(default_factory=frozenset)
    assurance: int = UNPROVEN
    method: str = ""
    """How: `passkey`, `password+totp`, `token`, `private_key_jwt`, `oidc:<provider>`, `loopback`, `certificate`."""
    session: str = ""
    """The public name of the session or token that he came with: for the audit, never the secret itself."""
    scope: frozenset[str] | None = None
    """What his token may be used for, whatever he himself may do; None: all of that. See `tokens.within`."""

    @property
    def kind(self) -> str:
        """`person`, `service`, `device`, `app`, `neighbour` or `public`."""
        return self.id.partition(":")[0]


UNKNOWN: Final = Actor("public")
"""Somebody without an account."""
