"""What frost says: a WeatherForecast a night, one Alert a station, and the station's own memory, a FrostStation.

Ids are made, not drawn. The figures of record stand unrounded, so that a score made from entities is the score of the
decisions themselves; what merely informs is rounded to a tenth. Held by tests/apps/test_frost.py.
"""

from datetime import date, datetime, timedelta, tzinfo
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from hansa import Attribute, Entity, entity
from hansa.apps.frost.events import Dawn, Decision, Forecast, Outcome
from hansa.apps.frost.hearing import iso, utc
from hansa.apps.frost.model import Model
from hansa.apps.frost.night import Night
from hansa.apps.frost.science import chance_below
from hansa.apps.frost.skill import Record

SOURCE: Final = (
    "R. L. Snyder and J. P. de Melo-Abreu, Frost Protection: fundamentals, practice and economics, vol. 1, "
    "FAO Environment and Natural Resources Series 10, Rome 2005, chapter 5; docs/frost.md"
)

CRITICAL_C: Final = -2.2
"""28 °F: half an hour of it costs a tenth of apple blossom in full bloom (docs/frost.md names the source)."""

_SHOWN = 100  # characters of a name that a sentence repeats
_BEGINS, _ENDS = timedelta(hours=21), timedelta(hours=33)  # of the evening's day: the night that is forecast


class Where(NamedTuple):
    """The station that something is said of, and the zone in which its nights are reckoned."""

    station: Entity
    zone: tzinfo

    @property
    def key(self) -> str:
        """Its part of the ids that are made of it: the last part of its id, where that is enough to tell it apart."""
        ident, key = self.station.id, self.station.key
        if ident == f"urn:ngsi-ld:WeatherObserved:{key}":
            return key
        return f"{key}-{blake2b(ident.encode('utf-8', 'surrogatepass'), digest_size=4).hexdigest()}"

    @property
    def name(self) -> str:
        """What people call it."""
        name = self.station.get("name")
        return name[:_SHOWN] if isinstance(name, str) and name.strip() else self.station.key[:_SHOWN]

    def time(self, at: datetime) -> str:
        """A local time as an instant of UTC."""
        return iso(utc(at, self.zone))

    def hours(self, evening: date) -> tuple[str, str]:
        """From when to when the night is that began on this evening."""
        noon = datetime.combine(evening, datetime.min.time())
        return self.time(noon + _BEGINS), self.time(noon + _ENDS)


def forecast_id(where: Where, evening: date) -> str:
    """The id of the forecast of one station's night."""
    return f"urn:ngsi-ld:WeatherForecast:frost-{where.key}-{evening.isoformat()}"


def alert_id(where: Where) -> str:
    """The id of a station's only alert."""
    return f"urn:ngsi-ld:Alert:frost-{where.key}"


def memory_id(where: Where) -> str:
    """The id of what is remembered of a station."""
    return f"urn:ngsi-ld:FrostStation:{where.key}"


def forecast(where: Where, seen: Forecast, *, again: bool = False) -> Entity:
    """Tonight as it looks now; nothing of record. `again`: only what moves, for all else was said before."""
    moves: dict[str, Any] = {
        "asOf": where.time(seen.as_of),
        "chance": round(seen.chance, 2),
        "temperatureMin": _celsius(round(seen.tmin_c, 1)),
        "sd": _celsius(round(seen.sd_c, 1)),
    }
    if again:
        return labelled(where, entity("WeatherForecast", forecast_id(where, seen.evening), **moves))
    return _of_night(where, seen.evening, baseline=_celsius(seen.baseline_c), **moves)


def decided(where: Where, made: Decision) -> Entity:
    """The decision of record, with everything that a score needs."""
    return _of_night(
        where,
        made.evening,
        **_record(where, made),
        chance=round(_chance(made), 2),
        warned=made.warn,
        decidedAt=where.time(made.as_of),
        decidedMin=_celsius(made.tmin_c),
        airAtDecision=_celsius(made.air_c),
        baseline=_celsius(made.baseline_c),
        pooled=_celsius(made.pooled_c),
        margin=_celsius(made.margin_c),
        nightsFitted=made.nights,
        source=SOURCE,
    )


def outcome(where: Where, came: Outcome) -> Entity:
    """How the night came out. Beside it stands the forecast of record again: the last word before dawn is no feat."""
    return _of_night(
        where,
        came.evening,
        **({} if came.decision is None else _record(where, came.decision)),
        outcome=_celsius(came.tmin_c),
        hours=came.hours,
        counted=came.counted,
        frost=came.frost,
    )


def record_of(night: Entity) -> Record | None:
    """The scored night of a WeatherForecast that frost said; None while it is not over, or when it does not count."""
    names = ("airAtDecision", "baseline", "pooled", "decidedMin", "outcome")
    values = [night.get(name) for name in names]
    if night.get("counted") is not True or any(value is None for value in values):
        return None
    air_c, persistence_c, pooled_c, hansa_c, came_c = values
    return Record(
        str(night["refStation"]),
        date.fromisoformat(night["night"]),
        air_c,
        persistence_c,
        pooled_c,
        hansa_c,
        night["warned"],
        came_c,
    )


def raised(where: Where, made: Decision) -> Entity:
    """The night is warned."""
    low, chance = _figure(made.tmin_c), _chance(made)
    word = "likely" if chance >= 0.5 else "possible"
    return _alert(
        where,
        status="open",
        severity=severity(chance, made.tmin_c),
        dateIssued=where.time(made.as_of),
        validTo=where.hours(made.evening)[1],
        description=f"Frost {word} at {where.name} tonight: minimum {low} °C ± {made.sd_c:.1f} expected before dawn "
        f"(chance {chance:.0%}).".replace("%", " %"),
        forecast=_celsius(round(made.tmin_c, 1)),
        sd=_celsius(round(made.sd_c, 1)),
        chance=round(chance, 2),
        evidence={"step": "raised", **_evidence(where, made)},
    )


def updated(where: Where, made: Decision, seen: Forecast, air_c: float | None) -> Entity:
    """A warned night as it looks now. It stays warned, whatever is seen: only the words and the severity follow."""
    word = "likely" if seen.chance >= 0.5 else "possible" if seen.chance >= 0.1 else "now unlikely"
    return _alert(
        where,
        severity=severity(seen.chance, seen.tmin_c),
        description=f"Frost {word} at {where.name} tonight: minimum {_figure(seen.tmin_c)} °C ± {seen.sd_c:.1f} "
        f"expected before dawn (chance {seen.chance:.0%}); air now {_figure(air_c)} °C.".replace("%", " %"),
        forecast=_celsius(round(seen.tmin_c, 1)),
        sd=_celsius(round(seen.sd_c, 1)),
        chance=round(seen.chance, 2),
        evidence={
            "step": "updated",
            "observation": {"at": where.time(seen.as_of), "temperature": air_c},
            **_evidence(where, made),
        },
    )


def cleared(where: Where, made: Decision, dawn: Dawn, air_c: float | None) -> Entity:
    """The danger is past. `air_c` is what the station measured then; None when it was the clock that said so."""
    how = "it is morning" if air_c is None else f"the sun is up and the air at {_figure(air_c)} °C"
    low = (
        "no value came in the night" if dawn.low_c is None else f"the lowest of the night was {_figure(dawn.low_c)} °C"
    )
    return _alert(
        where,
        status="closed",
        severity="informational",
        validTo=where.time(dawn.as_of),
        description=f"Frost warning at {where.name} is over: {how}; {low}.",
        evidence={
            "step": "cleared",
            "observation": {"at": where.time(dawn.as_of), "temperature": air_c, "lowest": dawn.low_c},
            **_evidence(where, made),
        },
    )


def severity(chance: float, tmin_c: float) -> str:
    """How grave it is, in the words of Smart Data Models' Alert: by the chance, and by the depth once it is likely."""
    if chance >= 0.5:
        return "critical" if tmin_c <= CRITICAL_C else "high"
    return "medium" if chance >= 0.35 else "low" if chance >= 0.1 else "informational"


def memory(where: Where, night: Night, model: Model, heard: int) -> Entity:
    """What is remembered of a station, from which any process can go on: `heard` is the instant of the last reading."""
    return labelled(
        where,
        entity(
            "FrostStation",
            memory_id(where),
            refStation=Attribute(where.station.id, kind="Relationship"),
            heard=iso(heard),
            night=Attribute(night.to_json(), kind="JsonProperty"),
            model=Attribute(model.to_json(), kind="JsonProperty"),
        ),
    )


def labelled(where: Where, said: Entity) -> Entity:
    """What is known for security alone stays so in what is made of it; open readings make no open alert."""
    label = where.station.label
    if label is not None and not label.startswith("open"):
        said.label = label
    return said


def _of_night(where: Where, evening: date, **said: Any) -> Entity:
    begins, ends = where.hours(evening)
    return labelled(
        where,
        entity(
            "WeatherForecast",
            forecast_id(where, evening),
            refStation=Attribute(where.station.id, kind="Relationship"),
            night=evening.isoformat(),
            validFrom=begins,
            validTo=ends,
            location=where.station.location,
            **said,
        ),
    )


def _record(where: Where, made: Decision) -> dict[str, Any]:
    return {
        "asOf": where.time(made.as_of),
        "temperatureMin": _celsius(round(made.tmin_c, 1)),
        "sd": _celsius(round(made.sd_c, 1)),
    }


def _alert(where: Where, **said: Any) -> Entity:
    return labelled(
        where,
        entity(
            "Alert",
            alert_id(where),
            category="weather",
            subCategory="frost",
            alertSource=where.station.id,
            location=where.station.location,
            **said,
        ),
    )


def _evidence(where: Where, made: Decision) -> dict[str, Any]:
    """What the decision of record rests on."""
    return {
        "decision": {
            "at": where.time(made.as_of),
            "temperature": made.air_c,
            "dewPoint": made.dew_point_c,
            "pressureTendency": made.tendency_hpa,
            "temperatureMin": made.tmin_c,
            "sd": made.sd_c,
            "persistence": made.baseline_c,
            "pooled": made.pooled_c,
        },
        "coefficients": list(made.coefficients),
        "margin": made.margin_c,
        "nights": made.nights,
        "source": SOURCE,
    }


def _chance(made: Decision) -> float:
    return chance_below(0.0, made.tmin_c, made.sd_c)


def _celsius(value_c: float | None) -> Attribute | None:
    return None if value_c is None else Attribute(value_c, "CEL")


def _figure(value_c: float | None) -> str:
    """A temperature for a person: a tenth, a true minus, and none before a zero."""
    if value_c is None:
        return "?"
    text = f"{value_c:.1f}"
    return "0.0" if text == "-0.0" else text.replace("-", "−")
