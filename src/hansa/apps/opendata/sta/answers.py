"""How what was found is written: entities with their links, pages with `@iot.nextLink`, data arrays.

Source: OGC 18-088, clause 8.1 (control information), 9.3.3 (options), 12 (data arrays).
"""

import math
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

from hansa import Refusal
from hansa.apps.opendata.sta.asking import MOST, TOP, Options
from hansa.apps.opendata.sta.expressions import When, instant
from hansa.apps.opendata.sta.found import Finding, Page
from hansa.apps.opendata.sta.rows import Row, Source
from hansa.apps.opendata.sta.sets import IDS, SETS
from hansa.apps.opendata.sta.spots import Spot

WRITTEN: Final = 10_000
"""Entities of one answer, with all that is expanded."""
_ARRAY: Final = ("id", "phenomenonTime", "resultTime", "result")
_ALWAYS: Final = (frozenset[str](), frozenset({"result", "resultTime"}))
_SAFE: Final = "$(),'/:;@*!~-._"


class Writing:
    """One answer. It counts what it writes."""

    def __init__(self, source: Source, finding: Finding, root: str) -> None:
        """`root` is the address of the service, `https://city.example/sta/v1.1`."""
        self.source = source
        self.finding = finding
        self.root = root
        self.taken: dict[str, None] = {}
        """The datasets of which something is written, for the counts of their use."""
        self._left = WRITTEN

    def link(self, row: Row) -> str:
        """The address of an entity."""
        ident = row.id.replace("'", "''")
        return f"{self.root}/{row.kind.name}('{quote(ident, safe=_SAFE)}')"

    def entity(self, row: Row, asked: Options) -> dict[str, Any]:
        """An entity: control information, properties, links; of these only what is selected."""
        self._left -= 1
        if self._left < 0:
            raise Refusal(f"it would be more than {WRITTEN:,} entities", where="$expand", mend="ask for a smaller $top")
        self._take(row)
        picked, self_link = set(asked.select), self.link(row)
        told: dict[str, Any] = {}
        if not picked or "@iot.selfLink" in picked:
            told["@iot.selfLink"] = self_link
        if not picked or picked & IDS:
            told["@iot.id"] = row.id
        for name in row.kind.properties:
            if not picked or name in picked:
                value = row[name]
                # What is optional and was not said is left out; `resultTime` is there, and null (clause 8.2.6).
                if value is not None or name in _ALWAYS[row.kind.name == "Observations"]:
                    told[name] = plain(value)
        for name, link in row.kind.links.items():
            inner = asked.expand.get(name)
            if inner is not None:
                if link.many:
                    self._expanded(told, row, name, inner)
                else:
                    told[name] = self.entity(self.source.one(row, name), inner)
            elif not picked or name in picked:
                told[f"{name}@iot.navigationLink"] = f"{self_link}/{name}"
        return told

    def _take(self, row: Row) -> None:
        if row.stream is not None:
            self.taken[row.stream.dataset.id] = None
        elif row.thing is not None:
            self.taken.update((one.id, None) for one in row.thing.datasets)

    def _expanded(self, told: dict[str, Any], row: Row, name: str, asked: Options) -> None:
        spot = Spot(SETS[row.kind.links[name].to], below=row, link=name)
        page = self.finding.page(spot, asked)
        if page.total is not None:
            told[f"{name}@iot.count"] = page.total
        told[name] = [self.entity(one, asked) for one in page.rows]
        if page.more:
            many = len(page.rows)
            told[f"{name}@iot.nextLink"] = f"{self.link(row)}/{name}?$top={many}&$skip={asked.skip + many}"

    def collection(self, page: Page, asked: Options, path: str, said: Mapping[str, str], *, refs: bool) -> Any:
        """A page of a collection."""
        told: dict[str, Any] = {}
        if page.total is not None:
            told["@iot.count"] = page.total
        if refs:
            told["value"] = [{"@iot.selfLink": self.link(one)} for one in page.rows]
        elif asked.array:
            told["value"] = self._arrays(page, asked)
        else:
            told["value"] = [self.entity(one, asked) for one in page.rows]
        if page.more and page.rows:
            told["@iot.nextLink"] = self._next(page, asked, path, said)
        return told

    def _next(self, page: Page, asked: Options, path: str, said: Mapping[str, str]) -> str:
        more = dict(said)
        if page.after is not None:  # by time and not by count, so that a million are read through in as many steps
            more.pop("$skip", None)
            more["$skiptoken"] = str(page.after)
        else:
            more["$skip"] = str(asked.skip + min(MOST, TOP if asked.top is None else asked.top))
        query = "&".join(f"{quote(name, safe=_SAFE)}={quote(text, safe=_SAFE)}" for name, text in more.items())
        return f"{self.root}/{quote(path, safe=_SAFE)}?{query}"

    def _arrays(self, page: Page, asked: Options) -> list[dict[str, Any]]:
        if asked.expand:
            raise Refusal("a data array has no room for what is expanded", where="$resultFormat")
        known = {"id": "id", "@iot.id": "id"}
        names = [known.get(name, name) for name in asked.select] or list(_ARRAY)
        if any(name != "id" and name not in SETS["Observations"].properties for name in names):
            raise Refusal("a data array has properties of Observations alone", where="$select")
        groups: dict[str, dict[str, Any]] = {}
        for row in page.rows:
            stream = row.stream
            if stream is None:  # pragma: no cover  # every Observation has one
                continue
            self._take(row)
            group = groups.get(stream.id)
            if group is None:
                address = self.link(self.source.stream_row(stream))
                group = groups[stream.id] = {
                    "Datastream@iot.navigationLink": address,
                    "components": names,
                    "dataArray@iot.count": 0,
                    "dataArray": [],
                }
            group["dataArray"].append([row.id if name == "id" else plain(row[name]) for name in names])
            group["dataArray@iot.count"] += 1
        return list(groups.values())


def plain(value: Any) -> Any:
    """A value as JSON: times as ISO 8601, an interval with a stroke; what JSON has no number for is null."""
    if isinstance(value, When):
        return instant(value.start) if value.start == value.end else f"{instant(value.start)}/{instant(value.end)}"
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
