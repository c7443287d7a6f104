"""`GET /sta/v1.1/...`: what is published, as OGC SensorThings API 1.1 (Sensing, reading) has it. Anybody may ask."""

from dataclasses import replace
from typing import Any, Final

import orjson

from hansa import Answer, Asked, Asking, Entity, Refusal
from hansa.apps.opendata import usage
from hansa.apps.opendata.made import app
from hansa.apps.opendata.sta.answers import Writing, plain
from hansa.apps.opendata.sta.asking import MOST, TOP, Options, options, steps
from hansa.apps.opendata.sta.found import LOOKED, Finding
from hansa.apps.opendata.sta.rows import Source
from hansa.apps.opendata.sta.sets import SETS
from hansa.apps.opendata.sta.spots import Spot, spot, value_at

ROOT: Final = "/sta/v1.1"
_SPEC: Final = "http://www.opengis.net/spec/iot_sensing/1.1/req/"
CONFORMS: Final = tuple(
    _SPEC + one
    for one in (
        "datamodel",
        *(
            f"datamodel/{kind}/{what}"
            for kind in (
                "thing", "location", "historical-location", "datastream", "sensor", "observed-property", "observation",
                "feature-of-interest",
            )
            for what in ("properties", "relations")
        ),
        "datamodel/entity-control-information/common-control-information",
        "resource-path/resource-path-to-entities",
        "request-data",
        *(
            f"request-data/{what}"
            for what in (
                "status-code", "query-status-code", "order", "expand", "select", "orderby", "top", "skip", "count",
                "filter", "built-in-filter-operations", "built-in-query-functions", "pagination",
            )
        ),
        "data-array/data-array",
    )
)  # fmt: skip
"""The requirements that hold here, each with its test in tests/apps/test_sta_*.py."""


@app.door("GET", ROOT + "/{rest*}", most=0)
def sensorthings(asked: Asked, city: Asking) -> Answer:
    """The service root, a collection, an entity, a property. Raises what is wrong as problem details."""
    root = f"{asked.origin}{ROOT}"
    path = asked.path.get("rest", "")
    found = steps(path)
    if not found:
        _none(asked)
        return _json(_service(root))
    source = Source(city)
    at = spot(source, found)
    if at.row is not None and at.member:
        _none(asked)
        return _member(at)
    said = options(asked.query, at.kind, many=at.many)
    finding = Finding(source)
    writing = Writing(source, finding, root)
    if at.row is not None:
        one = {"@iot.selfLink": writing.link(at.row)} if at.refs else writing.entity(at.row, said)
        return replace(_json(one), says=_counted(writing, asked, city))
    told = _collection(at, said, finding, writing, path, asked)
    return replace(_json(told), says=_counted(writing, asked, city))


def _counted(writing: Writing, asked: Asked, city: Asking) -> list[Entity]:
    """The counts of use that are to be said with an answer."""
    return [one for key in writing.taken for one in usage.count(city, asked, key, "api")]


def _none(asked: Asked) -> None:
    """Neither the root nor a property takes options."""
    for name in asked.query:
        raise Refusal(f"{name[:40]} is not for this", where=name[:40])


def _collection(at: Spot, said: Options, finding: Finding, writing: Writing, path: str, asked: Asked) -> Any:
    return writing.collection(finding.page(at, said), said, path.strip("/"), asked.query, refs=at.refs)


def _member(at: Spot) -> Answer:
    """A property by itself: as JSON, as its plain value (`$value`), or nothing where nothing was said (204)."""
    if at.row is None:  # pragma: no cover  # a member is of a row
        raise ValueError("no row")
    value = plain(value_at(at.row, at.member))
    if value is None:
        return Answer(b"", "application/json", status=204, headers=_HEADERS)
    if not at.raw:
        return _json({at.member[-1]: value})
    if isinstance(value, dict | list):
        return Answer(orjson.dumps(value), "application/json", headers=_HEADERS)
    text = value if isinstance(value, str) else orjson.dumps(value).decode()
    return Answer(text.encode(), "text/plain; charset=utf-8", headers=_HEADERS)


_HEADERS: Final = {"Access-Control-Allow-Origin": "*", "OData-Version": "4.0"}


def _json(told: Any) -> Answer:
    return Answer(orjson.dumps(told, option=orjson.OPT_NON_STR_KEYS), "application/json", headers=_HEADERS)


def _service(root: str) -> dict[str, Any]:
    """Clause 9.2.1: the sets, and what the service conforms to."""
    return {
        "value": [{"name": name, "url": f"{root}/{name}"} for name in SETS],
        "serverSettings": {
            "conformance": list(CONFORMS),
            "hansa": {"top": TOP, "mostTop": MOST, "looksAt": LOOKED, "readOnly": True},
        },
    }
