"""What staff do with a dataset, from an idea to what everybody has, and back."""

import json
from collections.abc import Iterable, Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from hansa import Act, Asking, Conflict, Entity, NotFound, Refusal
from hansa.apps.opendata import dataset, describing, proposing, releasing, texts
from hansa.apps.opendata.dataset import own, said, subject
from hansa.apps.opendata.made import STAFF, app
from hansa.apps.opendata.times import iso

DATASETS: Final = 10_000
WHY: Final = 500
NOTE: Final = 2_000
SHEETS: Final = 20
"""Sheets that stay with a dataset; older releases are tables of their own."""


@lru_cache(maxsize=1)
def proposals() -> Mapping[str, Mapping[str, Any]]:
    """Ready-made proposals, by key: what a city of hansa's apps may give away, with how persons are guarded."""
    found = json.loads(files(__package__).joinpath("proposals.json").read_text("utf-8"))
    return {str(one["key"]): one for one in found}


@app.act("inventory", "Dataset", roles=STAFF, new=True, key=lambda body: str(body.get("key", ""))[:100])
def inventory(act: Act, city: Asking) -> Iterable[Entity]:
    """Write down that something could be open: a key and a title, or the key of a ready-made proposal."""
    ready = proposals().get(str(act.said.get("proposal") or ""))
    if act.said.get("proposal") and ready is None:
        raise NotFound("there is no such proposal", where="proposal")
    key = texts.slug(act.said.get("key") or (ready or {}).get("key"), "key")
    if key in dataset.RESERVED or act.subject is not None:
        raise Refusal(f"{key} is taken", where="key")
    try:
        city.get(dataset.ident(key))
    except NotFound:
        pass
    else:
        raise Conflict(f"there is a dataset {key} already", where="key")
    if len(city.find("Dataset", limit=DATASETS)) >= DATASETS:
        raise Refusal(f"{DATASETS:,} datasets are the most", where="key")
    words = {name: ready[name] for name in describing.MEMBERS if ready and name in ready}
    words |= {name: act.said[name] for name in ("title", "owner") if act.said.get(name)}
    made = describing.described(words, _spoken(city))
    if "title" not in made:
        raise Refusal("a title is missing", where="title")
    if ready:
        made["suggested"] = {name: ready[name] for name in ("source", "steps", "guard") if name in ready}
    first = own("Dataset", dataset.ident(key), status="inventoried")
    yield said(first, act, "inventoried", status="inventoried", version=0, inventoriedAt=iso(act.at), **made)


@app.act("describe", "Dataset", roles=STAFF)
def describe(act: Act, city: Asking) -> Iterable[Entity]:
    """Say what it is: title, description, keywords, themes, licence, publisher, contact, columns."""
    one = subject(act, "inventoried", "proposed", "approved", "published")
    made = describing.described(act.said, _spoken(city))
    if one.get("status") == "published":
        after = Entity(one.doc | {name: {"type": "Property", "value": value} for name, value in made.items()})
        if lacks := dataset.missing(after):
            raise Refusal(f"a published dataset has its {lacks[0]}", where=lacks[0])
        if "dictionary" in made:
            made["columns"] = dataset.columns_told(one.get("columns") or [], made["dictionary"])
        if "periodicity" in made:
            made["nextAt"] = iso(releasing.due(after, act.at))
        made["modified"] = iso(act.at)
    yield said(one, act, "described", ", ".join(sorted(made)), **made)


@app.act("propose", "Dataset", roles=STAFF)
def propose(act: Act, city: Asking) -> Iterable[Entity]:
    """Say what is to leave, by which steps, and how persons are guarded; its table is made, to be looked at."""
    one = subject(act, "inventoried", "proposed", "approved", "published")
    wanted = releasing.wish(one, act.at, "candidate")
    pending = proposing.proposed(_from_form(act.said), city.setting("k")) | {"version": wanted["version"]}
    if pending["source"]["kind"] == "sheet" and not one.get("media"):
        raise Refusal("no sheet was uploaded", where="source", mend="the act upload")
    yield said(
        one,
        act,
        "proposed",
        f"{pending['source']['kind']}, {pending['guard']['kind']}",
        pending=pending,
        proposedBy=act.by,
        approvedBy="",
        candidate={"status": "ordered"},
        wanted=wanted,
        status="published" if one.get("status") == "published" else "proposed",
    )


def _from_form(given: Mapping[str, Any]) -> dict[str, Any]:
    """Source, steps and guard; a form brings them as JSON."""
    made: dict[str, Any] = {}
    for name in ("source", "steps", "guard"):
        value = given.get(name)
        if isinstance(value, str) and value:
            try:
                value = json.loads(value[:200_000])
            except ValueError:
                raise Refusal(f"{name} is JSON", where=name) from None
        made[name] = value
    return made


@app.act("upload", "Dataset", roles=STAFF, files=1, kinds=("sheet",))
def upload(act: Act, city: Asking) -> Iterable[Entity]:
    """Send a sheet (CSV or XLSX) as what a dataset is made of; with `guard` (and `steps`) it is proposed at once."""
    one = subject(act, "inventoried", "proposed", "approved", "published")
    if not act.files:
        raise Refusal("a sheet is missing", where="file")
    sheet = act.files[0]
    media = [*(one.get("media") or []), sheet.said()][-SHEETS:]
    text = f"{sheet.name}, {sheet.size:,} bytes"
    given = _from_form(act.said)
    if one.get("status") == "published" and (one.get("source") or {}).get("kind") == "sheet" and not given["guard"]:
        # The next edition of what two people have agreed upon already.
        yield said(one, act, "uploaded", text, media=media, wanted=releasing.wish(one, act.at, "release"))
        return
    if not given["guard"]:
        yield said(one, act, "uploaded", text, media=media)
        return
    wanted = releasing.wish(one, act.at, "candidate")
    plan = proposing.proposed(given | {"source": {"kind": "sheet"}}, city.setting("k"))
    pending = plan | {"version": wanted["version"]}
    yield said(
        one,
        act,
        "uploaded",
        text,
        media=media,
        pending=pending,
        proposedBy=act.by,
        approvedBy="",
        candidate={"status": "ordered"},
        wanted=wanted,
        status="published" if one.get("status") == "published" else "proposed",
    )


@app.act("return", "Dataset", roles=STAFF)
def give_back(act: Act, _city: Asking) -> Iterable[Entity]:
    """Say why it cannot leave like this; it is described and proposed anew."""
    one = subject(act, "proposed", "approved", "published")
    if not one.get("pending"):
        raise Refusal("nothing is proposed", where="id")
    why = texts.plain(act.said.get("why"), "why", WHY, lines=True)
    status = "published" if one.get("status") == "published" else "inventoried"
    yield said(one, act, "returned", why, status=status, pending={}, candidate={}, approvedBy="")


@app.act("approve", "Dataset", roles=STAFF, fresh=True, noted=True)
def approve(act: Act, city: Asking) -> Iterable[Entity]:
    """A second person agrees with the very table that was made: its `sha256` is named."""
    one = subject(act, "proposed", "published")
    pending, candidate = one.get("pending") or {}, one.get("candidate") or {}
    if not pending or candidate.get("status") != "made" or candidate.get("version") != pending.get("version"):
        raise Refusal(
            str(candidate.get("fault") or "there is no table to look at yet"), where="candidate", mend="propose it anew"
        )
    if act.by == one.get("proposedBy"):
        raise Refusal("who proposed it does not approve it", where="by", mend="a second person does")
    if act.said.get("sha256") != candidate.get("sha256"):
        raise Refusal("that is not the table that waits", where="sha256", mend="look at it, and name its sha256")
    proved(city, candidate, pending["guard"])
    status = "published" if one.get("status") == "published" else "approved"
    yield said(
        one,
        act,
        "approved",
        str(candidate["sha256"])[:12],
        status=status,
        approvedBy=act.by,
        source=pending["source"],
        steps=pending["steps"],
        guard=pending["guard"],
    )


def proved(city: Asking, candidate: Mapping[str, Any], guard: Mapping[str, Any]) -> None:
    """Ask the very table whether its smallest group holds, whatever was said of it before. Refusal."""
    sha, kind = candidate["sha256"], guard.get("kind")
    if kind == "cells":
        column = candidate["check"]["column"]
        asked = {"table": sha, "measures": [{"of": column, "as": "min", "name": "least"}]}
    elif kind == "rows":
        measures = [{"as": "count", "name": "least"}]
        asked = {"table": sha, "by": list(guard["by"]), "measures": measures, "order": [["least", "asc"]], "limit": 1}
    else:
        return
    found = city.tables.ask(asked)
    least = found["rows"][0][[_name(it) for it in found["columns"]].index("least")] if found["rows"] else 0
    if not isinstance(least, int | float) or least < guard["k"]:
        raise Refusal(f"its smallest group is of {least or 0:g}; {guard['k']} are the least", where="candidate")


def _name(column: Any) -> str:
    return str(column["name"] if isinstance(column, Mapping) else column)


@app.act("publish", "Dataset", roles=STAFF, fresh=True, noted=True)
def publish(act: Act, city: Asking) -> Iterable[Entity]:
    """Give it to everybody: what was approved is the first release, or the next one."""
    one = subject(act, "approved", "published")
    candidate = one.get("candidate") or {}
    if not one.get("approvedBy") or candidate.get("status") != "made":
        raise Refusal("nothing that was approved waits", where="id")
    if lacks := dataset.missing(one):
        raise Refusal(
            f"it cannot be published without {' and '.join(lacks)}", where=lacks[0], mend="say it with the act describe"
        )
    proved(city, candidate, one.get("guard") or {})
    release = own("DatasetRelease", f"{one.key}-{candidate['version']}", **{name: candidate[name] for name in _HELD})
    now = dict(one.doc)
    for made in releasing.released(one, release, act.at):
        if made.type != "Dataset":
            yield made
            continue
        now |= made.doc
        what = {name: made.get(name) for name in made.names if name != "log"}
        what |= {"status": "published", "candidate": {}, "pending": {}}
        yield said(Entity(now), act, "published", f"version {candidate['version']}", **what)


_HELD: Final = ("version", "sha256", "rows", "size", "columns", "check")


@app.act("release", "Dataset", roles=STAFF)
def release(act: Act, _city: Asking) -> Iterable[Entity]:
    """Make the next release now."""
    one = subject(act, "published")
    yield said(one, act, "ordered", "the next release", wanted=releasing.wish(one, act.at, "release"))


@app.act("withdraw", "Dataset", roles=STAFF, fresh=True, noted=True)
def withdraw(act: Act, _city: Asking) -> Iterable[Entity]:
    """Take it back, and say to everybody why: its addresses answer 410 with the reason."""
    one = subject(act, "published", "approved", "proposed", "inventoried")
    why = texts.plain(act.said.get("why"), "why", WHY)
    yield said(
        one,
        act,
        "withdrawn",
        why,
        status="withdrawn",
        withdrawn=why,
        withdrawnAt=iso(act.at),
        changedAt=iso(act.at),
        pending={},
        candidate={},
    )


@app.act("note", "Dataset", roles=STAFF)
def note(act: Act, _city: Asking) -> Iterable[Entity]:
    """Tell those who use it something: a change note, in the feed and beside the newest release."""
    one = subject(act, "published")
    text = texts.plain(act.said.get("text"), "text", NOTE, lines=True)
    notes = [*(one.get("notes") or []), {"at": iso(act.at), "version": one.get("version"), "text": text}][
        -dataset.LOG :
    ]
    yield said(one, act, "noted", text[:200], notes=notes, note=text, changedAt=iso(act.at))


def _spoken(city: Asking) -> str:
    return texts.language(city.setting("language"))
