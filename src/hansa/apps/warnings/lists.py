"""Who is warned because the city entered him: recipients of staff, one by one or as a list; staff vouch for them.

Who has subscribed himself, or has ended his warnings, is not entered over his own word.
"""

import csv
import io
from collections.abc import Iterator, Mapping
from typing import Any, Final

from hansa import Act, Asking, Conflict, Entity, Forbidden, NotFound, Refusal, entity
from hansa.apps.warnings import words
from hansa.apps.warnings.people import address, channels_in, suppressed, wishes
from hansa.apps.warnings.sending import shard
from hansa.apps.warnings.words import hashed

LISTS: Final = frozenset({"supervisor", "command"})
"""Who may enter and import recipients: he vouches for them, and says where another's warnings go."""
ROWS: Final = 400  # of one import; a longer list comes in parts
CSV: Final = 400_000  # characters of one import
COLUMNS: Final = (
    *("name", "language", "place", "lon", "lat", "radius_m", "hazards", "groups", "quiet_from", "quiet_until"),
    *("contact", "contact_phone", *words.KINDS),
)


def may(act: Act, roles: frozenset[str]) -> None:
    """Only for these roles, or whoever sits at the machine itself. Raises Forbidden."""
    at_the_machine = "administrator" in act.roles and not act.by.startswith("person:")
    if not (act.roles & roles or at_the_machine):
        raise Forbidden("this is not for you to do", mend=f"it is for: {', '.join(sorted(roles))}")


def enter(act: Act, city: Asking) -> Iterator[Entity]:
    """Enter a recipient, or say anew what is known of one: staff vouch for the addresses."""
    may(act, LISTS)
    known = ("name", "language", "places", "hazards", "quiet", "groups", "channels", "contact", "person")
    words.only(act.said, *known)
    them = [_vouched(one, n, city) for n, one in enumerate(channels_in(act.said))]
    said = {name: value for name, value in act.said.items() if name not in {"groups", "channels", "contact", "person"}}
    wanted = wishes(said) | {"groups": words.listed(act.said, "groups")}
    yield _entered(wanted, them, words.mapping(act.said.get("contact")), words.text(act.said, "person"), act, city)


def bring(act: Act, city: Asking) -> Iterator[Entity]:
    """Import a list (CSV with a head line): all of it, or nothing with the lines that are wrong."""
    may(act, LISTS)
    words.only(act.said, "csv")
    said = act.said.get("csv")
    if not isinstance(said, str) or len(said) > CSV:
        raise Refusal(f"csv is a text of at most {CSV:,} characters", where="csv", mend="import it in parts")
    rows = csv.DictReader(io.StringIO(said), strict=True)
    try:
        heads = [str(one).strip().lower() for one in rows.fieldnames or ()]
        lines = list(rows)
    except csv.Error as fault:
        raise Refusal(f"this is no CSV: {fault}", where="csv") from None
    if unknown := [one for one in heads if one not in COLUMNS]:
        raise Refusal(f"{unknown[0][:40]!r} is no column", where="csv", mend=", ".join(COLUMNS))
    if not lines or len(lines) > ROWS:
        raise Refusal(f"a list has 1 to {ROWS} lines; this has {len(lines):,}", where="csv", mend="import it in parts")
    made: dict[str, Entity] = {}
    wrong: list[str] = []
    for n, line in enumerate(lines, 2):
        try:
            one = _row(
                {str(k).strip().lower(): (v or "").strip() for k, v in line.items() if isinstance(v, str)}, act, city
            )
            made[one.id] = one
        except Conflict:
            continue  # he has it by his own subscription, which stands
        except Refusal as fault:
            wrong.append(f"line {n}: {fault.detail}")
    if wrong:
        more = f" (and {len(wrong) - 10} more)" if len(wrong) > 10 else ""
        raise Refusal("; ".join(wrong[:10]) + more, where="csv", mend="mend the lines; nothing was imported")
    yield from made.values()


def _row(line: Mapping[str, str], act: Act, city: Asking) -> Entity:
    def many(name: str) -> list[str]:
        return [one.strip() for one in line.get(name, "").replace(";", "|").split("|") if one.strip()]

    them = [
        _vouched({"kind": kind, "to": line[kind]}, n, city)
        for n, kind in enumerate(name for name in line if name in words.KINDS)
        if line.get(kind)
    ]
    places = []
    if line.get("lon") or line.get("lat"):
        try:
            at = {name: float(line.get(name) or "") for name in ("lon", "lat")}
            radius = float(line.get("radius_m") or 1_000)
        except ValueError:
            raise Refusal("lon, lat and radius_m are numbers", where="csv") from None
        places = [{"name": line.get("place", ""), **at, "radius_m": radius}]
    quiet = {"from": line["quiet_from"], "until": line.get("quiet_until", "")} if line.get("quiet_from") else None
    said = {"name": line.get("name"), "language": line.get("language") or "en", "places": places, "quiet": quiet}
    wanted = wishes({**said, "hazards": many("hazards")}) | {
        "groups": words.listed({"groups": many("groups")}, "groups")
    }
    contact = {"name": line.get("contact", ""), "phone": line.get("contact_phone", "")}
    return _entered(wanted, them, contact if contact["name"] else {}, "", act, city)


def _vouched(said: Mapping[str, Any], n: int, city: Asking) -> dict[str, Any]:
    words.only(said, "kind", "to", "secret")
    kind = words.word(said, "kind", words.KINDS)
    one = address(kind, said.get("to"), f"channels[{n}].to")
    if isinstance(one["to"], str) and city.find(
        "Recipient", f'suppressed=="{suppressed(city, kind, one["to"])}"', limit=1
    ):
        raise Refusal(
            f"who has {one['to']} wants no warnings there", where=f"channels[{n}]", mend="he must subscribe himself"
        )
    secret = words.text(said, "secret", 200)
    return one | {"verified": True} | ({"secret": secret} if secret else {})


def _entered(
    wanted: dict[str, Any], them: list[dict[str, Any]], contact: Mapping[str, Any], person: str, act: Act, city: Asking
) -> Entity:
    human = {name: words.text(contact, name) for name in ("name", "phone")} if contact else {}
    if not them and not human and not person:
        raise Refusal("he has neither a channel nor a contact", where="channels")
    first = them[0]["key"] if them else hashed("nobody", str(wanted.get("name")), str(human))
    ident = act.id or f"urn:ngsi-ld:Recipient:{hashed('list', str(first))}"
    if act.subject is not None and act.subject.get("source") == "self":
        raise Conflict("he has subscribed himself; what he chose stands", where="id")
    # What he had stays his, also where somebody has since subscribed that address himself, or a stranger has.
    had = _had(ident, city)
    for key in (str(one["key"]) for one in them if one["key"] not in had):
        for other in city.find("Recipient", f'addresses=="{key}"', limit=5):
            if other.id != ident and other.get("status") == "active":
                raise Conflict("one of these addresses is another recipient's already", where="channels")
    made = entity(
        "Recipient",
        ident,
        **{name: value for name, value in wanted.items() if value is not None},
        channels=them,
        addresses=[str(one["key"]) for one in them],
        contact=human,
        person=person or None,
        status="active",
        source="list",
        shard=shard(ident),
        enteredBy=act.by,
    )
    made.label = f"personal;subject={person}" if person.startswith("person:") else "personal"
    return made


def _had(ident: str, city: Asking) -> set[str]:
    """The addresses of somebody who was entered before."""
    try:
        one = city.get(ident)
    except NotFound:
        return set()
    said = one.get("addresses")
    return set(map(str, said)) if isinstance(said, list) and one.get("status") == "active" else set()
