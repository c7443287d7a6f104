"""The money of one measure, and of a digital identity, as views tell them: with every assumption, said or taken."""

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import date
from typing import Any, Final

from hansa import City, Entity, Refusal, saying
from hansa.apps.strategy import finance, identity
from hansa.apps.strategy.finance import Case, Wrong

RATE: Final = 0.03
"""Real; where neither whoever asks nor the city (setting `discount_rate`) says another."""
YEARS: Final = 15
SPREAD: Final = 0.2
"""How far each assumption is tried below and above, as a share of itself."""
RUNS: Final = 2_000
SEED: Final = 1
_SAYS: Final = {
    "capital": "paid now",
    "yearly": "cost of each year",
    "benefit": "worth of what it brings in each year",
    "years": "that are looked at",
    "rate": "discount rate",
    "inflation": "each year; it makes a nominal rate real",
    "delay": "years until it brings anything",
    "ramp": "years until it brings all of it",
    "residual": "share of the capital that it is still worth at the end",
    "beneficiaries": "people who have something of it",
}
_VARIED: Final = ("capital", "yearly", "benefit", "rate", "years", "delay")


def appraisal(asked: Mapping[str, str], city: City, one: Entity) -> dict[str, Any]:
    """All figures of a measure; every assumption with where it is from. Refusal where there is no cost."""
    cost = one.get("cost")
    if not isinstance(cost, Mapping):
        raise Refusal("nobody has said what it costs", where="id", mend="add its cost")
    if (wanted := asked.get("currency")) and wanted != cost["currency"]:
        why = f"it is in {cost['currency']}, and there is no rate of exchange here"
        raise Refusal(why, where="currency", mend="ask in its own currency")
    prices = asked.get("prices", "real")
    if prices not in {"real", "nominal"}:
        raise Refusal("there are no such prices", where="prices", mend="real, nominal")
    own = city.setting("discount_rate")
    plain = {
        "capital": (float(cost["capital"]), "the measure"),
        "yearly": (float(cost["yearly"]), "the measure"),
        "benefit": (
            float(one.get("benefitYearly") or 0),
            "the measure" if "benefitYearly" in one else "nobody has said any",
        ),
        "years": (float(YEARS), "taken here"),
        "rate": (float(own), "the city's setting") if isinstance(own, int | float) else (RATE, "taken here"),
        "inflation": (0.0, "taken here"),
        "delay": (0.0, "taken here"),
        "ramp": (1.0, "taken here"),
        "residual": (0.0, "taken here"),
        "beneficiaries": (float(one.get("beneficiaries") or 0), "the measure"),
    }
    taken = {name: saying.figure(asked, name, value, -1e13, 1e13) for name, (value, _) in plain.items()}
    spread = saying.figure(asked, "spread", SPREAD, 0.0, 0.9)
    runs, seed = saying.figure(asked, "runs", RUNS, 100, finance.RUNS), saying.figure(asked, "seed", SEED, 0, 2**31)
    try:
        case = Case(**_whole(taken), rate_is_nominal=prices == "nominal")
        ranges = {name: _range(case, name, spread) for name in _VARIED}
        ranges = {name: ends for name, ends in ranges.items() if ends[0] < ends[1]}
        told = finance.appraise(case)
        told |= {"tornado": finance.tornado(case, ranges)}
        told |= {"chance": finance.monte_carlo(case, ranges, round(runs), round(seed))}
        told |= {"payments": _payments(one, case)}
    except Wrong as fault:
        raise Refusal(str(fault), where=fault.where) from None
    where = {name: "asked" if asked.get(name) else source for name, (_, source) in plain.items()}
    assumed = [
        {"name": name, "value": value, "from": where[name], "says": _SAYS[name]}
        for name, value in _whole(taken).items()
    ]
    return told | {
        "id": one.id,
        "name": one["name"],
        "currency": cost["currency"],
        "priceYear": cost["year"],
        "prices": prices,
        "assumptions": assumed,
        "spread": spread,
        "how": "Year 0 is now, sums are at prices of the year named, what happens in a year happens at its end. "
        + ("The rate is nominal, and made real by inflation." if prices == "nominal" else "The rate is real.")
        + f" Each assumption is tried {spread:.0%} below and above; by chance all at once, triangular, "
        f"seed {round(seed)}.",
    }


def _payments(one: Entity, case: Case) -> dict[str, Any] | None:
    """What payments on days of their own are worth at the day of the first, where a measure names any."""
    said = one.get("payments")
    if not isinstance(said, list) or not said:
        return None
    flows = [(date.fromisoformat(it["on"]), float(it["amount"])) for it in said]
    worth = finance.xnpv(case.real_rate, flows)
    return {
        "npv": worth,
        "irr": finance.xirr(flows),
        "many": len(flows),
        "from": said[0]["on"],
        "until": said[-1]["on"],
    }


def _whole(taken: Mapping[str, float]) -> dict[str, Any]:
    """Years are whole."""
    if wrong := [name for name in ("years", "delay", "ramp") if taken[name] != round(taken[name])]:
        raise Refusal(f"{wrong[0]} is a whole number", where=wrong[0])
    return {name: round(value) if name in {"years", "delay", "ramp"} else value for name, value in taken.items()}


def _range(case: Case, name: str, spread: float) -> tuple[float, float]:
    value = getattr(case, name)
    if name == "delay":  # what is late is late by years, and never early
        return (value, value + 2)
    if name == "years":
        step = max(1, round(value * spread)) if spread else 0
        return (max(1, value - step), min(finance.YEARS, value + step))
    low, high = sorted((value * (1 - spread), value * (1 + spread)))
    return (low, high)


def identities(asked: Mapping[str, str], city: City) -> dict[str, Any]:
    """The models of paying for a digital identity on the city's numbers; each number may be said in the address."""
    own = city.setting("identity", {})
    given = own if isinstance(own, Mapping) else {}
    taken: dict[str, float] = {}
    assumed: list[dict[str, Any]] = []
    for it in fields(identity.City):
        least, most, plain, unit, says = identity.BOUNDS[it.name]
        value = given.get(it.name)
        known = isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most
        start = float(value) if known and value is not None else float(plain)
        taken[it.name] = saying.figure(asked, it.name, start, least, most)
        where = "asked" if asked.get(it.name) else "the city's setting" if known else "taken here"
        bounds = {"least": least, "most": most, "unit": unit, "says": says}
        assumed.append({"name": it.name, "value": taken[it.name], "from": where, **bounds})
    try:
        numbers = identity.City(**taken)
        models = identity.compare(numbers)
    except Wrong as fault:
        raise Refusal(str(fault), where=fault.where) from None
    return {
        "assumptions": assumed,
        "models": models,
        "numbers": asdict(numbers),
        "how": "Sums are at prices of year 0 in one currency, discounted with one rate for all. What one pays, another "
        "has: transfers cancel in the total. No model sells data or shows advertising.",
    }
