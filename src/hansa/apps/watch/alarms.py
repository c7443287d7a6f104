"""The Alert that watch says: its id, its figures and its sentence for a person. Held by tests/apps/test_watch.py."""

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, Final

from hansa import Attribute, City, Delete, Entity, entity, labels, units
from hansa.apps.watch.memory import Reading, Standing, iso, there
from hansa.apps.watch.printing import leaf_text
from hansa.apps.watch.rule import Rule
from hansa.apps.watch.science import ABOVE, STRANGE, Crossing, Judged
from hansa.apps.watch.tree import Daytime, Equals, Implausible, Limit, Month, Near, Node, Rate, Silent, Weekday

NOWHERE: Final = Crossing("", None)
CONFIGURATION: Final = "configuration"
SHOWN: Final = 100  # characters of a value or a name that a sentence repeats


def ident(source: str, kind: str, name: str) -> str:
    """The id of the one alarm of a source, a kind and a rule's name: made, not drawn."""
    said = f"{source}\n{kind}\n{name}".encode("utf-8", "surrogatepass")
    return f"urn:ngsi-ld:Alert:watch-{blake2b(said, digest_size=12).hexdigest()}"


def raised(city: City, rule: Rule, reading: Reading, judged: Judged, since: int) -> Iterator[Entity | Delete]:
    """Open the alarm: what, where, the figure with its unit, and since when."""
    source = reading.entity
    alert = ident(source.id, rule.called, rule.name)
    before = there(city, alert)
    again = before is not None and before.get("status") == "open"
    if before is not None and not again and "validTo" in before:
        yield Delete(alert, "validTo")
    if before is not None and "limit" in before and (judged.found or NOWHERE).limit is None:
        yield Delete(alert, "limit")
    yield _labelled(
        entity(
            "Alert",
            alert,
            category=rule.category,
            subCategory=rule.called,
            severity=rule.severity,
            status="open",
            dateIssued=None if again else iso(city.now()),
            alertSource=source.id,
            watchRule=Attribute(rule.id, kind="Relationship"),
            location=source.location,
            **_figures(rule, reading, judged, since),
        ),
        source,
        (reading.name,),
        city,
    )


def updated(city: City, rule: Rule, reading: Reading, judged: Judged, since: int) -> Entity:
    """Say the alarm's new extreme, its other side, or its new limits."""
    figures = _figures(rule, reading, judged, since)
    alert = ident(reading.entity.id, rule.called, rule.name)
    said = entity("Alert", alert, severity=rule.severity, category=rule.category, **figures)
    return _labelled(said, reading.entity, (reading.name,), city)


def closed(city: City, rule: Rule, reading: Reading, measure: float | None, standing: Standing) -> Entity:
    """Close the alarm: all is well again."""
    now = city.now()
    what, who = _words(rule.attribute), _who(reading.entity)
    if rule.kind == "silence":
        said = f"{what} of {who} is heard again, after silence since {_when(standing.since)}."
    elif rule.kind == "rate":
        said = f"{what} of {who} changes by {_figure(measure, _unit(rule, reading), rule)}, no longer too fast."
    elif rule.kind == "flat":
        said = f"{what} of {who} moves again and is {_figure(measure, _unit(rule, reading))}."
    else:
        said = f"{what} of {who} is back at {_figure(measure, _unit(rule, reading))}."
    said += f" The alarm stood from {_when(standing.since)} to {_when(now)}."
    value = None if measure is None else Attribute(measure, _unit(rule, reading), reading.at)
    alert = entity("Alert", standing.alert, status="closed", validTo=iso(now), description=said, value=value)
    return _labelled(alert, reading.entity, (reading.name,), city)


def joined_raised(
    city: City,
    rule: Rule,
    source: Entity,
    because: Sequence[tuple[Node, Any, float | None]],
    at: int,
    seq: int,
    label: str | None,
) -> Iterator[Entity | Delete]:
    """Open the alarm of a joined rule: what, where, and every part of its condition that holds, with its figure.

    `label` is that of all that the condition read.
    """
    alert = ident(source.id, rule.called, rule.name)
    before = there(city, alert)
    again = before is not None and before.get("status") == "open"
    if before is not None and not again and "validTo" in before:
        yield Delete(alert, "validTo")
    who = _who(source)
    parts = [_part(node, measure, rule.attribute) for node, measure, _ in because]
    called = rule.called[:1].upper() + rule.called[1:]
    text = f"{called}: {who}: {'; '.join(parts) or 'its rule holds'}; since {_when(at)}."
    if rule.text is not None:
        known = {"source": who, "attribute": _words(rule.attribute), "since": _when(at), "parts": "; ".join(parts)}
        text = re.sub(r"\{(\w+)\}", lambda m: known.get(m[1], m[0]), rule.text)
    found = entity(
        "Alert",
        alert,
        category=rule.category,
        subCategory=rule.called,
        severity=rule.severity,
        status="open",
        dateIssued=None if again else iso(city.now()),
        alertSource=source.id,
        watchRule=Attribute(rule.id, kind="Relationship"),
        location=source.location,
        description=text,
        evidence={
            "rule": rule.id,
            "attribute": rule.attribute,
            "because": [
                {"says": leaf_text(node, rule.attribute), "value": _cut(measure), "limit": limit}
                for node, measure, limit in because
            ],
            "at": iso(at),
            "since": iso(at),
            "seq": seq,
        },
    )
    found.label = label
    yield found


def joined_closed(city: City, rule: Rule, source: Entity, standing: Standing) -> Entity:
    """Close the alarm of a joined rule. It repeats no figure: what was read for it may be known to fewer by now."""
    now = city.now()
    said = f"{rule.called[:1].upper()}{rule.called[1:]}: {_who(source)}: over."
    said += f" The alarm stood from {_when(standing.since)} to {_when(now)}."
    return entity("Alert", standing.alert, status="closed", validTo=iso(now), description=said)


def _part(node: Node, measure: Any, about: str) -> str:
    """One part of a condition that holds, with what was measured."""
    said = leaf_text(node, about)
    if isinstance(node, Near):
        return f"{said} ({measure} of them)"
    if isinstance(node, Silent | Equals | Daytime | Weekday | Month) or measure is None:
        return said
    unit = node.beyond.unit if isinstance(node, Limit | Implausible) else getattr(node, "unit", None)
    hourly = "/h" if isinstance(node, Rate) else ""
    return f"{said} ({_figure(measure, unit)}{hourly})"


def graded(alert: str, rule: Rule) -> Entity:
    """Say how grave an alarm is by the rule as it is now."""
    return entity("Alert", alert, severity=rule.severity, category=rule.category)


def withdrawn(alert: str, why: str, now: int) -> Entity:
    """Close an alarm that nobody stands for any more: its rule or its source is gone, or no longer means it."""
    return entity("Alert", alert, status="closed", validTo=iso(now), description=f"Withdrawn: {why}.")


def misconfigured(city: City, source: Entity, rule: str, name: str, said: str) -> Iterator[Entity | Delete]:
    """Open the note that a WatchRule cannot be used (`source` is the rule itself), or not for this source."""
    alert = ident(source.id, CONFIGURATION, name)
    before = there(city, alert)
    again = before is not None and before.get("status") == "open"
    if before is not None and not again and "validTo" in before:
        yield Delete(alert, "validTo")
    yield _labelled(
        entity(
            "Alert",
            alert,
            category="environment",
            subCategory=CONFIGURATION,
            severity="low",
            status="open",
            dateIssued=None if again else iso(city.now()),
            alertSource=source.id,
            watchRule=Attribute(rule, kind="Relationship"),
            location=source.location,
            description=said,
        ),
        source,
        (),
        city,
    )


def _figures(rule: Rule, reading: Reading, judged: Judged, since: int) -> dict[str, Any]:
    measure, found = judged.measure, judged.found or NOWHERE
    value: Any = measure if measure is not None else _cut(reading.value)
    unit = None if measure is None or rule.kind == "silence" else _unit(rule, reading)
    return {
        "description": describe(rule, reading, judged, since),
        "value": Attribute(value, unit, reading.at),
        "limit": None if found.limit is None else Attribute(found.limit, _limit_unit(rule, reading)),
        "evidence": {
            "rule": rule.id,
            "attribute": rule.attribute,
            "side": found.side,
            "value": value,
            "limit": found.limit,
            "unit": unit,
            "at": iso(reading.at),
            "since": iso(since),
            "seq": reading.seq,
        },
    }


def describe(rule: Rule, reading: Reading, judged: Judged, since: int) -> str:
    """The alarm as a sentence; the rule's own `template` if it has one.

    A template may say {source} {attribute} {value} {limit} {since}; other braces stay.
    """
    measure, found = judged.measure, judged.found or NOWHERE
    what, who, when = _words(rule.attribute), _who(reading.entity), _when(since)
    unit = _unit(rule, reading)
    value = _figure(measure if measure is not None else reading.value, unit, rule)
    limit = "" if found.limit is None else _figure(found.limit, _limit_unit(rule, reading), rule)
    if rule.text is not None:
        known = {"source": who, "attribute": what, "value": value, "limit": limit, "since": when}
        return re.sub(r"\{(\w+)\}", lambda m: known.get(m[1], m[0]), rule.text)
    side = "above" if found.side == ABOVE else "below"
    if rule.kind == "threshold":
        mean = f"The mean {what[:1].lower()}{what[1:]}" if rule.average else what
        over = f" over {_span(rule.average)}" if rule.average else ""
        return f"{mean} of {who}{over} is {value}, {side} {limit} since {when}."
    if rule.kind == "rate":
        verb = "rises" if found.side == ABOVE else "falls"
        fast = _figure(abs(measure or 0.0), unit, rule)
        return f"{what} of {who} {verb} by {fast}, faster than {limit.removeprefix('-')}, since {when}."
    if rule.kind == "silence":
        return f"{what} of {who} has not been heard since {when}; it is silent for more than {_span(rule.lasting)}."
    if rule.kind == "flat":
        return f"{what} of {who} has not moved from {value} since {when}, for more than {_span(rule.lasting)}."
    if found.side == STRANGE:
        return f"{what} of {who} says {_cut(reading.value)!r} at {when}, which is no number."
    return f"{what} of {who} says {value} at {when}, which cannot be: plausible is nothing {side} {limit}."


def _labelled(alert: Entity, source: Entity, names: Iterable[str], city: City) -> Entity:
    """What is known of a person or for security alone stays so in the alarm; public readings make no public alarm."""
    found = labels.of(source, *names)
    if source.stamps is None and (whole := there(city, source.id)) is not None:
        found += labels.of(whole, *names)  # a Change does not say how single attributes are labelled
    if (label := labels.strictest(found, source.realm)) is not None:
        alert.label = label
    return alert


def _unit(rule: Rule, reading: Reading) -> str | None:
    return rule.unit or reading.unit


def _limit_unit(rule: Rule, reading: Reading) -> str | None:
    return "SEC" if rule.kind in {"silence", "flat"} else _unit(rule, reading)


def _figure(value: Any, unit: str | None, rule: Rule | None = None) -> str:
    """A number for a person: four figures, its unit's symbol, per hour when it is a rate."""
    if type(value) not in {int, float}:
        return repr(_cut(value))
    digits = f"{value:.0f}" if 10_000 <= abs(value) < 1e15 else f"{value:.4g}"
    sign = units.symbol(unit) if unit else ""
    hourly = "/h" if rule is not None and rule.kind == "rate" else ""
    return f"{digits} {sign}{hourly}".rstrip() if sign or not hourly else f"{digits} per hour"


def _who(source: Entity) -> str:
    name = source.get("name")
    return name[:SHOWN] if isinstance(name, str) and name.strip() else source.key[:SHOWN]


def _words(name: str) -> str:
    """`soilTemperature` as `Soil temperature`; what has a sign of its own as people write it."""
    term = re.split(r"[/#]", name)[-1][:SHOWN]
    if term in _SIGNS:
        return _SIGNS[term]
    spread = re.sub(r"(?<=[a-z])([A-Z])(?=[a-z])", lambda m: " " + m[1].lower(), term)
    return spread[:1].upper() + spread[1:]


_SIGNS: Final = {
    "no2": "NO₂",
    "co2": "CO₂",
    "o3": "O₃",
    "so2": "SO₂",
    "pm10": "PM10",
    "pm25": "PM2.5",
    "pH": "pH",
    "LAeq": "LAeq",
    "LAmax": "LAmax",
    "soilMoistureVwc": "Soil moisture",
}


def _cut(value: Any) -> Any:
    if isinstance(value, str):
        return value[:SHOWN]
    if isinstance(value, bool | float) or value is None:
        return value
    return repr(value)[:SHOWN] if not isinstance(value, int) or abs(value) > 2**53 else value


def instant(text: str) -> int | None:
    """The instant that `iso` wrote (microseconds), or None when this is none."""
    try:
        return int(datetime.fromisoformat(text).timestamp()) * 1_000_000
    except (ValueError, OverflowError):
        return None


def _when(at: int) -> str:
    return datetime.fromtimestamp(at // 1_000_000, UTC).strftime("%-d %b %Y %H:%M UTC")


def _span(micros: int) -> str:
    seconds = micros / 1_000_000
    for size, word in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * size or seconds == size:
            return f"{seconds / size:.4g} {word}"
    return f"{seconds:.4g} s"
