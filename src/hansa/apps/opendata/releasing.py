"""From what was approved to what everybody has: tables are ordered, weighed, compared with the former one, released.

    Dataset.wanted {version, for: "candidate" | "release"}  ->  DatasetRelease and its Table are ordered
    Table made or failed  ->  the next stage, or the release is weighed and stands

Of records about persons two counts come first (`all`, `check`), and the table itself only when they hold. What is
counted into cells is counted here, in memory, and ordered as rows: no table of the records is ever made.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from hansa import Change, City, Delete, Entity, NotFound, Refusal
from hansa.apps.opendata import anonymity, authorities, cells, dataset
from hansa.apps.opendata.dataset import own
from hansa.apps.opendata.made import app
from hansa.apps.opendata.times import DAY, HOUR, SECOND, iso, micros

ENTITIES: Final = 50_000
"""Records that are counted at once: some 200 MB while it lasts."""
PERIOD_S: Final = 600.0
AT_ONCE: Final = 20
"""Releases that are ordered in one round; what is left waits ten minutes."""
LOST: Final = 2 * HOUR
"""After so long without an answer an order is made anew: the kernel gives a table fifteen minutes."""
NAMES: Final = 500
KEY: Final = 1.1
"""Rows for each value of a column: with fewer it is a key, whatever it is called."""
_KEYS: Final = frozenset({"text", "integer", "time"})


@app.on("Dataset", "wanted")
def order(change: Change, city: City) -> Iterable[Entity]:
    """Order what somebody proposed, or what is due."""
    one = change.entity
    wanted = one["wanted"]
    version, what_for = int(wanted["version"]), str(wanted["for"])
    plan = (one.get("pending") if what_for == "candidate" else None) or _own_plan(one)
    now = city.now()
    release = own(
        "DatasetRelease",
        f"{one.key}-{version}",
        dataset=one.id,
        version=version,
        purpose=what_for,
        status="ordered",
        plan=plan,
        orderedAt=iso(now),
    )
    try:
        if plan["guard"]["kind"] == "cells":
            recipe, report = counted(one, plan, city)
            yield release
            yield table(release, "table", recipe, check=report)
        elif plan["guard"]["kind"] == "rows":
            yield release
            yield table(release, "all", _stage(one, plan, "all"))
        else:
            yield release
            yield table(release, "table", _recipe(one, plan, now))
    except Refusal as fault:
        yield from refused(one, release, f"{fault.detail}", now)


def _own_plan(one: Entity) -> dict[str, Any]:
    return {"source": one.get("source") or {}, "steps": one.get("steps") or [], "guard": one.get("guard") or {}}


def table(release: Entity, stage: str, recipe: Mapping[str, Any], **more: Any) -> Entity:
    """The order of one of a release's tables."""
    key = f"opendata-{release.key}" + ("" if stage == "table" else f"-{stage}")
    return own("Table", key, status="ordered", recipe=dict(recipe), release=release.id, stage=stage, **more)


def _recipe(one: Entity, plan: Mapping[str, Any], now: int) -> dict[str, Any]:
    source = dict(plan["source"])
    source.pop("sight", None)
    if source["kind"] == "sheet":
        source = _sheet(one)
    elif source["kind"] == "history":
        days = int(source.pop("days", 365))
        # Whole days, so that the same day's releases say the same.
        until = now // DAY * DAY
        source |= {"since": iso(until - days * DAY), "until": iso(until)}
    return {"from": source, "sight": "public", "steps": list(plan["steps"])}


def _sheet(one: Entity) -> dict[str, Any]:
    media = one.get("media") or []
    if not media:
        raise Refusal("no sheet was uploaded", where="media", mend="the act upload")
    return {"kind": "sheet", "entity": one.id, "sha256": media[-1]["sha256"]}


def _stage(one: Entity, plan: Mapping[str, Any], stage: str) -> dict[str, Any]:
    """Tables of records about persons: how many there are, how small the groups that stay are, and the records."""
    guard = plan["guard"]
    by, person = list(guard["by"]), guard.get("person")
    steps: list[dict[str, Any]] = list(plan["steps"])
    if stage == "all":
        steps.append({"do": "group", "by": [], "measures": [{"as": "count", "name": "n"}]})
    else:
        steps.append({"do": "suppress", "by": by, "k": guard["k"]})
    if stage == "check":
        measures = [{"as": "count", "name": "n"}]
        if person:
            measures.append({"of": person, "as": "distinct", "name": "persons"})
        if guard.get("sensitive"):
            measures.append({"of": guard["sensitive"], "as": "distinct", "name": "kinds"})
        steps.append({"do": "group", "by": by, "measures": measures})
    if stage == "table" and person:
        steps.append({"do": "drop", "columns": [person]})
    return {"from": _sheet(one), "sight": "public", "steps": steps}


# ---- Cells


def counted(one: Entity, plan: Mapping[str, Any], city: City) -> tuple[dict[str, Any], dict[str, Any]]:
    """The recipe of what may leave of a count, and the report of how it was guarded. Refusal."""
    source, guard = plan["source"], plan["guard"]
    found = city.find(source["type"], source.get("q"), limit=ENTITIES + 1)
    if len(found) > ENTITIES:
        raise Refusal(f"more than {ENTITIES:,} records", where="source", mend="count them by years: say so in q")
    zone = str(city.setting("timezone") or "UTC")
    records = cells.stepped(cells.records_of(found, source["attributes"]), plan["steps"], zone)
    by, measures = list(guard["by"]), list(guard["measures"])
    if guard.get("closed"):
        running = cells.period(iso(city.now()), guard["closed"], zone)
        records = [record for record in records if running not in [record.get(name) for name in by]]
    counts = cells.counted(records, by, measures, guard.get("person", ""))
    before = _former(one, by, measures, city)
    if not counts and not before:
        raise Refusal("there is nothing to count", where="source")
    k = anonymity.least(guard.get("k"), city.setting("k"))
    many = cells.named(measures)[[it["as"] for it in measures].index("count")]
    place = len(by) + cells.named(measures).index(many)
    left = anonymity.guarded(
        counts, k, {key: int(row[place]) for key, row in before.items()}, guard.get("share", anonymity.SHARE)
    )
    rows = [[*key, *cells.said(counts[key], measures)] for key in left.shown] + [before[key] for key in left.held]
    rows.sort(key=lambda row: [(cell is not None, str(cell)) for cell in row[: len(by)]])
    report = dict(left.report) | {
        "column": many,
        "formerly": "other cells" if one.get("version") and not before else "",
    }
    return {"from": {"kind": "rows", "columns": [*by, *cells.named(measures)], "rows": rows}, "sight": "app"}, report


def _former(one: Entity, by: Sequence[str], measures: Sequence[Mapping[str, Any]], city: City) -> dict[Any, list[Any]]:
    """What was told last, by cell; nothing where there was nothing, or where cells were others then."""
    version = int(one.get("version") or 0)
    if not version:
        return {}
    try:
        recipe = city.get(f"urn:ngsi-ld:Table:opendata-{one.key}-{version}")["recipe"]
    except NotFound:
        return {}
    source = recipe.get("from") or {}
    if source.get("columns") != [*by, *cells.named(measures)]:
        return {}
    return {tuple(row[: len(by)]): list(row) for row in source["rows"]}


# ---- Tables that were made


@app.on("Table", "status")
def made(change: Change, city: City) -> Iterable[Entity | Delete]:
    """Go on with a release whose table was made, or could not be."""
    told = change.entity
    if not str(told.get("release") or "").startswith("urn:ngsi-ld:DatasetRelease:") or told["status"] == "ordered":
        return
    try:
        release = city.get(told["release"])
        one = city.get(release["dataset"])
    except NotFound:
        return
    if release.get("status") != "ordered" or not _still(one, release):
        return
    now = city.now()
    if told["status"] == "failed":
        yield from refused(one, release, str(told.get("fault") or "its table could not be made"), now)
        return
    plan, stage = release["plan"], told.get("stage")
    try:
        if stage == "all":
            everyone = int((told.get("columns") or [{}])[0].get("low") or 0)
            yield own("DatasetRelease", release.id, everyone=everyone)
            yield table(release, "check", _stage(one, plan, "check"))
        elif stage == "check":
            yield from _weighed(one, release, told, now)
        else:
            yield from _arrived(one, release, told, city)
    except Refusal as fault:
        yield from refused(one, release, fault.detail, now)


def _still(one: Entity, release: Entity) -> bool:
    """Whether it is still wanted: somebody may have proposed otherwise meanwhile, or withdrawn the whole."""
    if release["purpose"] == "candidate":
        return (one.get("pending") or {}).get("version") == int(release["version"])
    return str(one.get("status")) == "published"


def _weighed(one: Entity, release: Entity, told: Entity, now: int) -> Iterable[Entity]:
    """Records about persons: order them when all their groups hold."""
    guard = release["plan"]["guard"]
    columns = told.get("columns") or []
    groups = int(told.get("rows") or 0)
    if not groups:
        raise Refusal(f"nothing is left: every group is of fewer than {guard['k']}")
    report = anonymity.checked(columns, int(guard["k"]), int(guard.get("l") or 0))
    mean = next((it.get("mean") or 0 for it in columns if it.get("name") == "n"), 0)
    report |= {"groups": groups, "suppressed": int(release.get("everyone") or 0) - round(mean * groups)}
    if not report["ok"]:
        yield from refused(one, release, "; ".join(report["faults"]), now, check=report)
        return
    yield own("DatasetRelease", release.id, check=report)
    yield table(release, "table", _stage(one, release["plan"], "table"), check=report)


def _arrived(one: Entity, release: Entity, told: Entity, city: City) -> Iterable[Entity | Delete]:
    now = city.now()
    rows = int(told.get("rows") or 0)
    check = told.get("check") or {"ok": True}
    held = {
        "sha256": told["sha256"],
        "rows": rows,
        "size": int(told.get("size") or 0),
        "columns": told.get("columns") or [],
    }
    if not rows:
        raise Refusal("it has no rows")
    _declared(release["plan"]["guard"], held["columns"], rows)
    if release["purpose"] == "candidate":
        candidate = held | {"status": "made", "version": release["version"], "check": check, "at": iso(now)}
        yield own("DatasetRelease", release.id, status="candidate", check=check, madeAt=iso(now), **held)
        yield own("Dataset", one.id, candidate=candidate)
        return
    if held["sha256"] == one.get("table"):  # nothing changed: of a day without news nothing is kept
        yield Delete(told.id)
        yield Delete(release.id)
    yield from released(one, own("DatasetRelease", release.id, version=release["version"], check=check, **held), now)


def _declared(guard: Mapping[str, Any], columns: Sequence[Mapping[str, Any]], rows: int) -> None:
    """Of records about persons no column leaves of which nobody said what it is, or that is a key. Refusal."""
    if guard["kind"] != "rows":
        return
    known = {*guard["by"], guard.get("sensitive"), *guard.get("others", ())}
    if odd := [str(it["name"]) for it in columns if it["name"] not in known]:
        raise Refusal(
            f"{odd[0]} is neither among by, nor sensitive, nor among others",
            where="guard.others",
            mend="drop it, or say so",
        )
    for it in columns:
        some = rows - int(it.get("nulls") or 0)
        if it["name"] in guard.get("others", ()) and it["type"] in _KEYS and 1 < some <= int(it["distinct"]) * KEY:
            raise Refusal(
                f"{it['name']} has another value in nearly every row, and tells persons apart",
                where="guard.others",
                mend="say that it is the person, or make it coarser",
            )


def refused(
    one: Entity, release: Entity, why: str, now: int, check: Mapping[str, Any] | None = None
) -> Iterable[Entity]:
    """A table that does not leave, and why."""
    yield own(
        "DatasetRelease",
        release.id,
        dataset=one.id,
        version=release["version"],
        purpose=release["purpose"],
        status="refused",
        fault=why[:500],
        check=None if check is None else dict(check),
    )
    if release["purpose"] == "candidate":
        candidate = {"status": "failed", "version": release["version"], "fault": why[:500], "at": iso(now)}
        yield own("Dataset", one.id, candidate=candidate | ({"check": dict(check)} if check else {}))
    else:
        log = dataset.entered(one, now, "refused", why[:300])
        yield own("Dataset", one.id, fault=why[:500], nextAt=iso(due(one, now)), log=log)


# ---- Releases


def released(one: Entity, release: Entity, now: int) -> Iterable[Entity]:
    """A release as everybody has it from now on; one that says the same as the former is none.

    `release` has version, sha256, rows, size, columns and check.
    """
    if release["sha256"] == one.get("table"):
        yield own("Dataset", one.id, checkedAt=iso(now), nextAt=iso(due(one, now)), fault="")
        return
    columns = dataset.columns_told(release["columns"], one.get("dictionary") or [])
    changes = compared(one, release)
    note = in_words(changes)
    quality = measured(columns, int(release["rows"]))
    said: dict[str, Any] = {name: release[name] for name in ("version", "rows", "size")}
    yield own(
        "DatasetRelease",
        release.id,
        dataset=one.id,
        status="released",
        releasedAt=iso(now),
        columns=columns,
        changes=changes,
        note=note,
        quality=quality,
        sha256=release["sha256"],
        check=release.get("check"),
        **said,
    )
    place, period = _extent(one, columns)
    yield own(
        "Dataset",
        one.id,
        table=release["sha256"],
        columns=columns,
        modified=iso(now),
        checkedAt=iso(now),
        issued=one.get("issued") or iso(now),
        note=note,
        quality=quality,
        nextAt=iso(due(one, now)),
        spatial=place,
        period=period,
        fault="",
        log=dataset.entered(one, now, "released", f"version {release['version']}: {note}"),
        **said,
    )


def due(one: Entity, now: int) -> int:
    """When the next release is; in the year 9000 where no clock says."""
    seconds = authorities.PERIODS.get(str(one.get("periodicity") or "UNKNOWN"), 0)
    if not seconds or (one.get("source") or {}).get("kind") == "sheet":
        return 221_845_392_000 * SECOND
    return now + seconds * SECOND


def compared(one: Entity, release: Entity) -> dict[str, Any]:
    """What is otherwise than in the former release."""
    if not one.get("version"):
        return {"first": True}
    names = [str(it.get("name")) for it in release["columns"]]
    before = [str(it.get("name")) for it in one.get("columns") or []]
    return {
        "before": one.get("version"),
        "rows": int(release["rows"]) - int(one.get("rows") or 0),
        "added": [name for name in names if name not in before],
        "gone": [name for name in before if name not in names],
    }


def in_words(changes: Mapping[str, Any]) -> str:
    """A change note."""
    if changes.get("first"):
        return "First release"
    rows = int(changes["rows"])
    said = [f"{abs(rows):,} rows {'more' if rows > 0 else 'fewer'} than version {changes['before']}"] if rows else []
    said += [f"new columns: {', '.join(changes['added'])[:NAMES]}"] if changes["added"] else []
    said += [f"columns gone: {', '.join(changes['gone'])[:NAMES]}"] if changes["gone"] else []
    return "; ".join(said) or f"New values, as many rows as version {changes['before']}"


def measured(columns: Sequence[Mapping[str, Any]], rows: int) -> dict[str, Any]:
    """How whole a release is, column by column, and which columns leave the range that the dictionary says."""
    whole = {str(it["name"]): 1.0 - int(it.get("nulls") or 0) / rows for it in columns} if rows else {}
    outside = []
    for it in columns:
        low, high = it.get("range") or (None, None)
        beyond = [
            name
            for name, bound, sign in (("low", low, 1), ("high", high, -1))
            if isinstance(bound, int | float)
            and isinstance(it.get(name), int | float)
            and sign * (it[name] - bound) < 0
        ]
        if beyond:
            outside.append({"column": it["name"], "range": [low, high], "found": [it.get("low"), it.get("high")]})
    mean = sum(whole.values()) / len(whole) if whole else 0.0
    return {
        "completeness": round(mean, 6),
        "columns": {name: round(share, 6) for name, share in whole.items()},
        "outside": outside,
    }


def _extent(one: Entity, columns: Sequence[Mapping[str, Any]]) -> tuple[dict[str, Any], list[str] | None]:
    """Where and when it is of, by its own columns; what staff said of the place stands before."""
    by = {str(it["name"]): it for it in columns}
    place = dict(one.get("spatial") or {})
    ends = [
        by.get(name, {}).get(end) for name, end in (("lon", "low"), ("lat", "low"), ("lon", "high"), ("lat", "high"))
    ]
    if "bbox" not in place and all(isinstance(it, int | float) for it in ends):
        place["bbox"] = ends
    time = by.get("time", {})
    if isinstance(time.get("low"), str) and isinstance(time.get("high"), str):
        low, high = micros(time["low"]), micros(time["high"])
        if low and high:
            return place, [iso(low), iso(high)]
    return place, one.get("period")


@app.every(PERIOD_S)
def schedule(city: City) -> Iterable[Entity]:
    """Order the releases that are due, and anew those whose order nobody answered."""
    now = city.now()
    for one in city.find("Dataset", f'status=="published";nextAt<="{iso(now)}"', limit=AT_ONCE):
        wanted = one.get("wanted") or {}
        waiting = wanted.get("for") == "release" and micros(wanted.get("at")) > max(
            micros(one.get("checkedAt")), now - LOST
        )
        if not waiting:
            yield own("Dataset", one.id, wanted=wish(one, now, "release"))


def wish(one: Entity, now: int, what_for: str) -> dict[str, Any]:
    """The next version, wanted."""
    last = int((one.get("wanted") or {}).get("version") or 0)
    return {"version": last + 1, "for": what_for, "at": iso(now)}
