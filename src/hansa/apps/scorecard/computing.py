"""From inputs to indicators: what depends on a Change is computed again, and nothing else.

A rule is called for each input that changes; the framework says which indicators use it. What cannot be computed says
why, and keeps no old number.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final

from hansa import BadRequest, Change, City, Delete, Entity, entity, kpi, labels
from hansa.apps.scorecard import frameworks, nouns, plausible, results, targets
from hansa.apps.scorecard.inputs import is_known
from hansa.apps.scorecard.made import app
from hansa.apps.scorecard.results import Result
from hansa.apps.scorecard.times import iso

PUBLISHED: Final = 100_000
"""Indicators of one period: 91 of 300 districts, and as many again."""
AT_ONCE: Final = 900
"""Indicators computed for one Change: below the entities that a rule may return."""


@app.on("KpiInput")
@app.on("KpiInput", gone=True)
def input_changed(change: Change, city: City) -> Iterable[Entity | Delete]:
    """Compute the indicators that use this input, of its area and period."""
    one = change.entity
    framework = _framework(city, one)
    if framework is None:
        return
    known = Known(city, framework, str(one.get("area")), str(one.get("period")))
    name = str(one.get("input"))
    using = framework.uses.get(name, ())
    # Those that use it first; what else is weighed with it may be odd now, or odd no more.
    rest = plausible.touched(framework, [name]) - set(using)
    yield from computed(known, [*sorted(using), *sorted(rest)][:AT_ONCE])


@app.on("KpiTarget")
@app.on("KpiTarget", gone=True)
def target_changed(change: Change, city: City) -> Iterable[Entity | Delete]:
    """Score the indicator again, of every period of its area."""
    one = change.entity
    framework = _framework(city, one)
    if framework is None or one.get("code") not in framework.indicators:
        return
    area = str(one.get("area"))
    for found in nouns.indicators(city, framework.id, None, area, str(one["code"]))[:AT_ONCE]:
        yield from computed(Known(city, framework, area, str(found.get("period"))), [str(one["code"])])


@app.on("KpiFramework", "status", "edition")
def framework_changed(change: Change, city: City) -> Iterable[Entity | Delete]:
    """Compute all that is known, where a framework is used again or has another edition; the newest years first."""
    framework = _framework(city, change.entity)
    if framework is None:
        return
    found: dict[tuple[str, str], set[str]] = {}
    for one in nouns.inputs(city, framework.id, None, None):
        codes = framework.uses.get(str(one.get("input")), ())
        found.setdefault((str(one.get("period")), str(one.get("area"))), set()).update(codes)
    left = AT_ONCE
    for (period, area), codes in sorted(found.items(), reverse=True):
        if len(codes) > left:
            return
        left -= len(codes)
        yield from computed(Known(city, framework, area, period), sorted(codes))


@app.on("KpiPublication")
def published(change: Change, city: City) -> Iterable[Entity | Delete]:
    """Say anew, under its other label, what is there of a period that was published or taken back."""
    yield from relabelled(city, change.entity)


def relabelled(city: City, publication: Entity) -> Iterable[Entity | Delete]:
    """Say anew what of a publication's period stands under another label than it says, as much as goes at once."""
    framework, name = _framework(city, publication), str(publication.get("framework"))
    period, areas = str(publication.get("period")), dict[str, list[str]]()
    open_ = label(publication) == "open"
    found = nouns.indicators(city, name, period, None, most=PUBLISHED)
    for one in [one for one in found if (one.label == "open") != open_][:AT_ONCE]:
        if framework is not None and one.get("code") in framework.indicators:
            areas.setdefault(str(one.get("area")), []).append(str(one["code"]))
        elif not _few(dict(one.get("lineage") or {}).get("inputs", ())):
            # of a framework that was left, or an older edition: as it is
            old = entity("KeyPerformanceIndicator", one.id)
            old.label = label(publication)
            yield old
    for area, codes in areas.items():
        yield from computed(Known(city, framework, area, period), codes)


def label(publication: Entity | None) -> str:
    """Under which label values of a period stand."""
    return "open" if publication is not None and publication.get("status") == "open" else "smart"


class Known:
    """What is known of one framework, area and period, each looked up once and only when asked for."""

    def __init__(self, city: City, framework: Any, area: str, period: str) -> None:
        """Look up nothing yet."""
        self.city, self.framework, self.area, self.period = city, framework, area, period
        self._inputs: dict[str, Entity | None] = {}
        self._targets: list[Entity] | None = None
        self._label: str | None = None

    def input(self, name: str) -> Entity | None:
        """The KpiInput of a name."""
        if name not in self._inputs:
            ident = nouns.input_id(self.framework.id, name, self.area, self.period)
            self._inputs[name] = nouns.known(self.city, ident)
        return self._inputs[name]

    def values(self, names: Iterable[str]) -> dict[str, float]:
        """The inputs of these names that have a value."""
        found = {name: self.input(name) for name in names}
        return {name: float(one["value"]) for name, one in found.items() if one is not None and is_known(one)}

    def targets(self, indicator: Any) -> dict[str, tuple[float, int] | None]:
        """The target of each data point and by which year; None where none was set."""
        if self._targets is None:
            self._targets = targets.of(self.city, self.framework.id, self.area)
        return {key: targets.at(self._targets, indicator.code, key, self.period) for key in indicator.points}

    def faults(self, codes: Sequence[str]) -> list[Any]:
        """What is not plausible of indicators, also beside others that a check of the framework names."""
        names = sorted(plausible.named(self.framework, plausible.joined(self.framework, codes)))
        return list(kpi.faults(self.framework, {}, inputs=self.values(names), period=self.period))

    def label(self, one: Result) -> str:
        """Under which label a value stands: open when its year was published, else that of its strictest input.

        What is of so few things of one area that it would tell of them is not open, whatever was published.
        """
        if self._label is None:
            self._label = label(nouns.known(self.city, nouns.publication_id(self.framework.id, self.period)))
        stands = [it for it in one.stands.values() if it is not None]
        if self._label == "open" and not _few(stands):
            return self._label
        return labels.strictest(it.label for it in stands) or "smart"


def computed(known: Known, codes: Sequence[str]) -> Iterable[Entity | Delete]:
    """Indicators as they are by what is known; nothing of one while nobody has said anything of its own."""
    framework = known.framework
    made: list[tuple[Result, Entity | None]] = []
    for code in codes:
        indicator = framework.indicators[code]
        stands = {name: known.input(name) for name in indicator.inputs}
        before = nouns.known(known.city, nouns.indicator_id(framework.id, code, known.area, known.period))
        values = known.values(indicator.inputs)
        found, wrong = kpi.computed(indicator, values)
        if before is None and not found and not wrong and not results.reasons(stands):
            continue  # the population alone says nothing of hospital beds
        made.append((Result(indicator, stands, found, wrong, known.targets(indicator)), before))
    if not made:
        return
    faults = known.faults([one.indicator.code for one, _ in made])
    # Of a sheet of a hundred numbers each is a Change of its own, and all of them stand when the first is heard.
    made = [
        (one, before) for one, before in ((one.weighed(faults), before) for one, before in made)
        if before is None or before.label != known.label(one) or not one.told_already(framework, before)
    ]  # fmt: skip
    whole = [one for one, _ in made]
    filed = {one.indicator.code: one.reported() for one in whole if one.values}
    scored = kpi.score(framework, filed).indicators if filed else {}
    for one, (_, before) in zip(whole, made, strict=True):
        told = one.told(framework, known.area, known.period, scored.get(one.indicator.code))
        told["computedAt"] = iso(known.city.now())
        if before is not None and all(before.get(name) == it for name, it in told.items() if name != "computedAt"):
            told["computedAt"] = before.get("computedAt")
        ident = nouns.indicator_id(framework.id, one.indicator.code, known.area, known.period)
        value = entity("KeyPerformanceIndicator", ident, **told)
        value.label = known.label(one)
        yield value
        for name in results.MAY_GO:
            if before is not None and name in before and told.get(name) is None:
                yield Delete(ident, name)


def _few(stands: Iterable[Any]) -> bool:
    """Whether one of these inputs is of a few things of one area."""
    return any(dict(one.get("lineage") or {}).get("few") for one in stands)


def _framework(city: City, one: Entity) -> Any:
    """The framework that an entity is of; None where the city does not use it (any more)."""
    try:
        stands = city.get(nouns.framework_id(str(one.get("framework"))))
        return frameworks.of(city, str(one.get("framework"))) if stands.get("status") == "used" else None
    except BadRequest:  # left and forgotten, or kept by an older hansa and not to be read any more
        return None
