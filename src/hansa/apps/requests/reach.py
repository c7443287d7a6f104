"""Where somebody wants to hear of a request. Nobody proved that the address is his, so it is written to seldom.

Whoever reports may name anybody's address. So of one address at most `per_address` requests a day are told of, and of
one visitor at most `addresses_per_visitor` addresses a day; what comes beyond is taken all the same, keeps the address
for the desk that calls back, and its page says that nothing is sent. What staff write down (telephone, paper) they
have asked about.
"""

from collections.abc import Mapping
from hashlib import sha256
from typing import Any, Final

from hansa import Asking, City, Entity
from hansa.apps.requests.times import DAY, iso

PER_ADDRESS: Final = 5
"""Requests of which one address is told in a day, unless `per_address` says otherwise (0: no limit)."""
PER_VISITOR: Final = 3
"""Addresses that one visitor names in a day, unless `addresses_per_visitor` says otherwise (0: no limit)."""
_READ: Final = 1_000  # of one visitor in a day: he is refused long before
_NUMBER: Final = 9  # last figures of a telephone number: with 00, with + or with 0 before them, they are one


def key(contact: Mapping[str, str], city: Asking) -> str:
    """What stands for the address that is written to; "" where there is none. Signed: nobody finds it by trying."""
    if mail := contact.get("email"):
        local, _, domain = mail.casefold().rpartition("@")
        # Many hosts deliver a.b, ab and ab+anything to one person; for others the limit is only shared.
        said = f"{local.partition('+')[0].replace('.', '')}@{domain}"
    elif phone := contact.get("phone"):
        said = "".join(one for one in phone if one.isdecimal())[-_NUMBER:]
    else:
        return ""
    return city.token(f"reach {sha256(said.encode()).hexdigest()}")[:22]


def said(contact: Mapping[str, str], at: int, visitor: str, city: Asking, *, asked: bool = False) -> dict[str, Any]:
    """What a RequestReporter bears: `reach`, and whether it is `told`. `asked`: staff have asked him."""
    mine = key(contact, city)
    return {"reach": mine, "told": asked or _may(mine, at, visitor, city)} if mine else {}


def _may(mine: str, at: int, visitor: str, city: Asking) -> bool:
    since = iso(at - DAY)
    most = _limit(city, "per_address", PER_ADDRESS)
    if most and len(city.find("RequestReporter", f'reach=="{mine}";at>="{since}";told==true', limit=most)) >= most:
        return False
    most = _limit(city, "addresses_per_visitor", PER_VISITOR)
    if not most or not visitor:
        return True
    his = city.find("RequestReporter", f'visitor=="{visitor}";at>="{since}";told==true', limit=_READ)
    return len({str(one.get("reach")) for one in his} - {mine}) < most


def _limit(city: City, name: str, otherwise: int) -> int:
    most = city.setting(name, otherwise)
    return max(0, most) if type(most) is int else otherwise


def channel(one: Entity) -> dict[str, str] | None:
    """Where somebody is written to; None where he left no address, stopped it, or it was named too often."""
    if one.get("told") is False:
        return None
    for name, kind in (("email", "email"), ("phone", "sms")):
        if isinstance(to := one.get(name), str) and to:
            return {"kind": kind, "to": to}
    return None
