"""A card as files: of a city that runs or sleeps, of what another city has published, or of a file of values."""

import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

import click
import httpx

from hansa import kpi
from hansa import settings as settings_
from hansa.apps.scorecard import card, export, method, views_card
from hansa.cli.desk import call, running, told
from hansa.errors import BadRequest, NotFound, SourceFailed
from hansa.model.entity import Entity
from hansa.serve import Lock, clock_of, find_keys, open_cities, token

_PAGE: Final = 1_000
_FILES: Final = (("pdf", "card.pdf"), ("sheet", "fact-sheet.pdf"), ("csv", "card.csv"), ("jsonld", "card.jsonld"))
_TYPE: Final = "KeyPerformanceIndicator"


def write(
    framework: str,
    out: Path,
    data: Path,
    url: str | None,
    file: Path | None,
    period: str | None,
    area: str,
    name: str | None,
) -> None:
    """Write the card of a framework into a folder. BadRequest and the like say what is missing."""
    if url is not None and file is not None:
        raise BadRequest("a card is of a city or of a file", where="--file", mend="leave out --url or --file")
    if file is not None:
        asked, rows, period = _filed(framework, file, period)
        name = name or file.stem
    elif url is not None:
        asked, rows = _published(framework, url.rstrip("/"))
        name = name or httpx.URL(url).host
    else:
        asked, rows = _kept(framework, data)
        name = name or settings_.load(data).name
    periods = card.periods(one for one in rows if one["area"] == area)
    if not periods:
        raise NotFound(
            f"nothing of {asked.name} is reported there", where="FRAMEWORK", mend="--area, or another source"
        )
    period = period or card.latest(one for one in rows if one["area"] == area)
    if period not in periods:
        raise NotFound(f"nothing is reported for {period}", where="--period", mend=f"one of {', '.join(periods)}")
    _write(asked, rows, period, area, str(name), out)


def _write(
    framework: kpi.Framework, rows: list[card.Row], period: str, area: str, name: str, out: Path
) -> None:  # fmt: skip
    (out / "method").mkdir(parents=True, exist_ok=True)
    for form, file in _FILES:
        made = views_card.filed(framework, rows, period, area, form, name, foot="hansa kpi report")
        (out / file).write_bytes(made.body)
    for code in framework.indicators:
        account = method.account(framework, rows, code, period, area)
        (out / "method" / f"{_slug(code)}.md").write_text(export.worded(account, framework.name, period), "utf-8")
    counts = card.made(framework, rows, period, area)["counts"]
    click.echo(
        f"{out}: {', '.join(file for _, file in _FILES)}, and the method of {len(framework.indicators)} indicators; "
        f"{counts['came']} of {counts['total']} are reported for {period}, {counts['scored']} scored"
    )


def _slug(code: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", code).strip("-.") or "number"


# ---- from a file


def _filed(framework: str, file: Path, period: str | None) -> tuple[kpi.Framework, list[card.Row], str]:
    """A file's values as rows; where it names no period, it is this year's."""
    from hansa.cli.kpi import _filed as filed_of  # this is a command of that group
    from hansa.cli.kpi import _framework as framework_of

    asked = framework_of(framework)
    filed = filed_of(asked, file, period)
    said = filed.period or period or str(datetime.now(UTC).year)
    standing = asked.targets_at(filed.period)
    rows: list[card.Row] = []
    for code, one in filed.reported.items():
        indicator = asked.indicators[code]
        inputs = [
            {"input": name, "value": filed.inputs[name], "how": "entered", "status": one.status}
            for name in indicator.inputs
            if name in filed.inputs
        ]
        points = [
            {"key": key, "value": one.values.get(key), "target": _target(one, standing, code, key)}
            for key in indicator.told(one.values.keys() | one.targets.keys())
        ]
        there = any(it["value"] is not None for it in points)
        status = one.status if there or one.status == "not applicable" else "not reported"
        rows.append(_row(asked, code, said, status, points, inputs))
    return asked, rows, said


def _target(one: kpi.Reported, standing: kpi.Targets | None, code: str, key: str) -> float | None:
    target = one.targets.get(key)
    return standing.of.get((code, key)) if target is None and standing is not None else target


def _row(
    framework: kpi.Framework, code: str, period: str, status: str, points: list[dict[str, Any]], inputs: list[Any]
) -> card.Row:
    doc = {
        "id": f"urn:ngsi-ld:{_TYPE}:{framework.id}-{_slug(code)}",
        "type": _TYPE,
        **{
            name: {"type": "Property", "value": value}
            for name, value in {
                "framework": framework.id,
                "code": code,
                "area": "city",
                "period": period,
                "status": status,
                "points": points,
                "lineage": {"inputs": inputs, "edition": framework.edition},
            }.items()
        },
    }
    return card.row(Entity(doc))


# ---- from a city


def _kept(framework: str, data: Path) -> tuple[kpi.Framework, list[card.Row]]:
    """What a city of this machine knows: through its door when it runs, from its files when it sleeps."""
    if not (data / "open.db").exists():
        raise BadRequest(f"there is no city in {data}", mend="give its folder with --data, or --url, or --file")
    url = running(data)
    if url is not None:
        secret = token(data)
        return _read(framework, lambda path: call(url, "GET", path, secret))
    settings = settings_.load(data)
    lock = Lock(data)
    try:
        cities = open_cities(settings, clock_of(settings.clock), direct=True, keys=find_keys(settings))
        try:
            city = cities["open"]
            asked = _framework(framework, (one.doc for one in city.find("KpiFramework", limit=_PAGE)))
            found = city.find(_TYPE, f'framework=="{asked.id}"', None, card.ROWS)
            return asked, [card.row(one) for one in found]
        finally:
            for one in cities.values():
                one.close()
    finally:
        lock.release()


def _published(framework: str, url: str) -> tuple[kpi.Framework, list[card.Row]]:
    """What another city has published: it is asked as anybody asks."""

    def ask(path: str) -> Any:
        try:
            answer = httpx.get(url + path, timeout=60.0)
        except (httpx.HTTPError, httpx.InvalidURL) as fault:
            raise SourceFailed(f"the city at {url} does not answer: {fault}", where="--url") from fault
        if answer.has_redirect_location:
            where = answer.headers["location"][:200]
            raise BadRequest(f"{url} leads on to {where}", where="--url", mend="give the address that it leads to")
        if answer.status_code >= 300:
            raise told(answer.status_code, answer.content)
        try:
            return answer.json()
        except ValueError as fault:
            raise SourceFailed(f"{url} does not answer as a city does", where="--url") from fault

    return _read(framework, ask)


def _read(framework: str, ask: Any) -> tuple[kpi.Framework, list[card.Row]]:
    """By NGSI-LD, page by page. What is not for whoever asks is not there."""
    asked = _framework(framework, _pages(ask, {"type": "KpiFramework"}))
    q = f'framework=="{asked.id}"'
    return asked, [card.row(Entity(doc)) for doc in _pages(ask, {"type": _TYPE, "q": q})]


def _pages(ask: Any, query: Mapping[str, str]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    while len(found) < card.ROWS:
        more = ask(f"/ngsi-ld/v1/entities?{urlencode({**query, 'limit': _PAGE, 'offset': len(found)})}")
        if not isinstance(more, list):
            raise SourceFailed("the city does not answer with entities")
        found += [one for one in more if isinstance(one, dict)]
        if len(more) < _PAGE:
            break
    return found


def _framework(name: str, kept: Iterable[Mapping[str, Any]]) -> kpi.Framework:
    """A framework that ships, or the city's own of this id, or one in a file."""
    if name in kpi.frameworks():
        return kpi.framework(name)
    for doc in kept:
        one = Entity(dict(doc))
        if one.get("framework") == name and isinstance(one.get("text"), str):
            try:
                return kpi.load(json.loads(str(one["text"])))
            except ValueError as fault:
                raise SourceFailed(f"the city's own framework {name} is no JSON") from fault
    from hansa.cli.kpi import _framework as framework_of

    return framework_of(name)
