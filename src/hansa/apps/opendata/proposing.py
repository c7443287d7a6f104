"""What is to leave: a source, the steps it goes through, and how persons are guarded. Checked before anything is made.

Sources: entities (`type`, `attributes`, `q`) and their history (the last `days`), with the sight of the public; a
sheet that staff uploaded. Guards:

    open     of entities and history: policy has decided, label by label
    none     of a sheet: it is about no person, which the second person confirms
    cells    counts of entities of whatever label, by `by`: `measures`, `k`, `person`, `closed` (what runs is not
             counted). The records never leave, not even into a table (`cells`, `anonymity`)
    rows     of a sheet about persons: records whose combination of `by` is borne by `k` at least, with `l` different
             values of what is `sensitive`; `person` is dropped, and a column that is none of these and not among
             `others` keeps the whole from leaving
"""

from collections.abc import Mapping
from typing import Any, Final

from hansa import Refusal
from hansa.apps.opendata import anonymity, cells, texts

DAYS: Final = 3_660
ATTRIBUTES: Final = 100
STEPS: Final = 30
_STEP: Final = {
    "keep": {"columns"},
    "drop": {"columns"},
    "rename": {"to"},
    "round": {"column", "to"},
    "truncate": {"column", "to"},
    "band": {"column", "width"},
    "where": {"column", "op", "value"},
    "group": {"by", "measures"},
    "suppress": {"by", "k", "count"},
}
_GUARDS: Final = {
    "open": set[str](),
    "none": set[str](),
    "cells": {"by", "measures", "k", "person", "closed", "share"},
    "rows": {"by", "k", "sensitive", "l", "person", "others"},
}
_SOURCE: Final = {"kind", "type", "attributes", "q", "days", "sight"}


def proposed(said: Mapping[str, Any], setting: object = None) -> dict[str, Any]:
    """Source, steps and guard as they are kept. `setting` is the city's own k. Refusal."""
    guard = guard_of(said.get("guard"), setting)
    source = source_of(said.get("source"))
    live = source["kind"] in {"entities", "history"}
    if guard["kind"] == "open" and not live:
        raise Refusal("a sheet says whether it is about persons", where="guard.kind", mend="none, or rows")
    if guard["kind"] in {"none", "rows"} and live:
        raise Refusal("entities leave as policy labels them, or counted", where="guard.kind", mend="open, or cells")
    if guard["kind"] == "cells" and source["kind"] != "entities":
        raise Refusal("entities are counted into cells", where="guard.kind", mend='source.kind "entities"')
    if said.get("source", {}).get("sight") == "app" and guard["kind"] != "cells":
        raise Refusal(
            "what is not labelled open leaves only as counts of at least k persons",
            where="source.sight",
            mend='guard.kind "cells"',
        )
    source["sight"] = "app" if guard["kind"] == "cells" else "public"
    steps = steps_of(said.get("steps"))
    if guard["kind"] == "cells":
        for n, step in enumerate(steps):
            if step["do"] not in cells.STEPS:
                raise Refusal(
                    f"{step['do']} is no step before counting", where=f"steps[{n}]", mend=", ".join(cells.STEPS)
                )
    return {"source": source, "steps": steps, "guard": guard}


def source_of(said: Any) -> dict[str, Any]:
    """Where it comes from. Refusal."""
    told = _object(said, "source", _SOURCE)
    kind = told.get("kind")
    if kind == "sheet":
        return {"kind": "sheet"}
    if kind not in {"entities", "history"}:
        raise Refusal("a source is entities, history, or a sheet that was uploaded", where="source.kind")
    made: dict[str, Any] = {"kind": kind, "type": texts.plain(told.get("type"), "source.type", 300)}
    names = [
        texts.plain(one, "source.attributes", 300)
        for one in texts.listed(told.get("attributes"), "source.attributes", ATTRIBUTES)
    ]
    if not names or set(names) & {"id", "lon", "lat", "time", "geometry", "location"} or len(set(names)) < len(names):
        raise Refusal(
            "which attributes? one by one, each once; id and place come by themselves",
            where="source.attributes",
            mend='["temperature"]',
        )
    made["attributes"] = names
    if told.get("q"):
        made["q"] = texts.plain(told["q"], "source.q", 1_000)
    if kind == "history":
        made["days"] = texts.whole(told.get("days", 365), "source.days", DAYS, least=1)
    return made


def steps_of(said: Any) -> list[dict[str, Any]]:
    """The steps, each with its members and no others; whether its columns are there is seen when made. Refusal."""
    made = []
    for n, step in enumerate(texts.listed(said or [], "steps", STEPS)):
        do = step.get("do") if isinstance(step, Mapping) else None
        if do not in _STEP:
            raise Refusal(f"{str(do)[:20]!r} is no step", where=f"steps[{n}]", mend=", ".join(_STEP))
        made.append(_object(step, f"steps[{n}]", _STEP[do] | {"do"}))
    return made


def guard_of(said: Any, setting: object = None) -> dict[str, Any]:
    """How persons are guarded. Refusal."""
    kind = said.get("kind") if isinstance(said, Mapping) else None
    if kind not in _GUARDS:
        raise Refusal("how are persons guarded?", where="guard.kind", mend=", ".join(_GUARDS))
    told = _object(said, "guard", _GUARDS[kind] | {"kind"})
    made: dict[str, Any] = {"kind": kind}
    if kind in {"open", "none"}:
        return made
    by = [texts.plain(one, "guard.by", 120) for one in texts.listed(told.get("by"), "guard.by", 8)]
    if not by or len(set(by)) < len(by):
        raise Refusal("by which columns could somebody be told apart?", where="guard.by")
    made |= {"by": by, "k": anonymity.least(told.get("k"), setting)}
    if told.get("person"):
        made["person"] = texts.plain(told["person"], "guard.person", 120)
    if kind == "rows":
        others = texts.listed(told.get("others") or [], "guard.others", ATTRIBUTES)
        made["others"] = [texts.plain(one, "guard.others", 120) for one in others]
        if told.get("sensitive"):
            made["sensitive"] = texts.plain(told["sensitive"], "guard.sensitive", 120)
            made["l"] = texts.whole(told.get("l", 2), "guard.l", 100, least=2)
        return made
    made["measures"] = _measures(told.get("measures"))
    if made.get("person") in by:
        raise Refusal("a person is no cell", where="guard.by")
    if told.get("closed"):
        if told["closed"] not in cells.SPANS:
            raise Refusal("closed is a span", where="guard.closed", mend=", ".join(cells.SPANS))
        made["closed"] = told["closed"]
    made["share"] = texts.number(told.get("share", anonymity.SHARE), "guard.share", 0.3, anonymity.SHARE)
    return made


def _measures(said: Any) -> list[dict[str, str]]:
    made = []
    for n, one in enumerate(texts.listed(said or [{"as": "count", "name": "count"}], "guard.measures", 20)):
        told = _object(one, f"guard.measures[{n}]", {"of", "as", "name"})
        how = told.get("as", "count")
        if how not in cells.MEASURES:
            raise Refusal(
                f"{str(how)[:20]!r} could be one person's", where=f"guard.measures[{n}]", mend=", ".join(cells.MEASURES)
            )
        measure = {"as": how}
        if how != "count":
            measure["of"] = texts.plain(told.get("of"), f"guard.measures[{n}].of", 120)
        if told.get("name"):
            measure["name"] = texts.plain(told["name"], f"guard.measures[{n}].name", 120)
        made.append(measure)
    if not any(one["as"] == "count" for one in made):
        made.insert(0, {"as": "count", "name": "count"})  # what later releases are held against
    names = cells.named(made)
    if len(set(names)) < len(names):
        raise Refusal("two measures have one name", where="guard.measures")
    return made


def _object(said: Any, where: str, known: set[str]) -> dict[str, Any]:
    if not isinstance(said, Mapping):
        raise Refusal(f"{where} is an object", where=where)
    if extra := sorted(set(map(str, said)) - known):
        raise Refusal(f"{where} has no {extra[0][:40]!r}", where=where, mend=", ".join(sorted(known)))
    return dict(said)
