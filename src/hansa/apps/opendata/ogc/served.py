"""How an OGC API answers: forms by `f` and Accept, links, problem details, CORS, ETag, and pages without a script.

An endpoint makes a `Told`: a value with links, the forms in which it can be said. Everything here is common to
Features and EDR (OGC API - Common, Part 1).
"""

import hashlib
import html
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final
from urllib.parse import quote, urlencode

import orjson

from hansa import Answer, Asked, Asking, Refusal
from hansa.apps.opendata import usage
from hansa.apps.opendata.ogc.refused import NotAcceptable

JSON: Final = "application/json"
HTML: Final = "text/html"
GEOJSON: Final = "application/geo+json"
SCHEMA: Final = "application/schema+json"
OPENAPI: Final = "application/vnd.oai.openapi+json;version=3.0"
COVJSON: Final = "application/prs.coverage+json"
"""As EDR 1.1 has it (/req/covjson/definition); it was registered as the other meanwhile, and is that to who asks so."""
COVJSON_TOO: Final = "application/vnd.cov+json"
CSV: Final = "text/csv"
CORS: Final = {"Access-Control-Allow-Origin": "*", "Access-Control-Expose-Headers": "Link, Content-Crs, ETag"}
LONGEST: Final = 40_000
"""Characters of one parameter."""
_ROWS: Final = 1_000
"""Of one list on a page; JSON has all."""

Link = dict[str, Any]
Maker = Callable[[], bytes]


@dataclass(slots=True)
class Told:
    """An answer before it has a form: `value` is what JSON says; `forms` are media types by their name in `f`.

    `makers` make the body of a form that is neither JSON nor a page. `volatile` members do not make another answer.
    """

    value: dict[str, Any]
    title: str
    forms: Mapping[str, str]
    headers: dict[str, str] = field(default_factory=dict)
    makers: Mapping[str, Maker] = field(default_factory=dict)
    status: int = 200
    volatile: frozenset[str] = frozenset({"timeStamp"})


@dataclass(slots=True)
class Visit:
    """A request below one API's root. `parts` are the segments of its path, `query` what it says."""

    city: Asking
    root: str
    parts: list[str]
    query: dict[str, str]
    headers: Mapping[str, str]
    at: int
    form: str = "json"
    kind: str = JSON

    @property
    def here(self) -> str:
        """Its address, without parameters."""
        return self.address(*self.parts)

    def address(self, *parts: str, **query: str) -> str:
        """An address below the root."""
        path = "".join("/" + quote(one, safe="@,") for one in parts)
        return self.root + path + (f"?{urlencode(query)}" if query else "")

    def known(self, *names: str) -> None:
        """Refuse parameters of other names (Features 7.15.8; /req/core/query-param-unknown)."""
        for name, value in self.query.items():
            if name not in names and name != "f":
                raise Refusal(
                    f"there is no parameter {name[:60]!r} here",
                    where=name[:60],
                    mend="there are " + ", ".join(sorted({*names, "f"})),
                )
            if len(value) > LONGEST:
                raise Refusal(f"{len(value):,} characters; {LONGEST:,} are the most", where=name[:60])

    def choose(self, forms: Mapping[str, str], default: str = "") -> None:
        """Set the form: what `f` says, else what Accept prefers, else the first. Refusal, NotAcceptable."""
        first = default or next(iter(forms))
        said = self.query.get("f")
        if said is not None:
            lower = {name.lower(): name for name in forms} | {kind: name for name, kind in forms.items()}
            if said.lower() not in lower:
                raise Refusal(f"there is no form {said[:60]!r} here", where="f", mend="there are " + ", ".join(forms))
            self.form = lower[said.lower()]
        else:
            self.form = _accepted(self.headers.get("accept", ""), forms, first)
        self.kind = forms[self.form]
        if self.kind == COVJSON and COVJSON_TOO in self.headers.get("accept", ""):
            self.kind = COVJSON_TOO

    def links(self, forms: Mapping[str, str], *parts: str, **query: str) -> list[Link]:
        """A link to this answer, and one to each other form of it."""
        made = [self.link("self", self.kind, *parts, title="This document", **{**query, **self._said()})]
        for name, kind in forms.items():
            if kind != self.kind:
                title = f"This document as {name}"
                made.append(self.link("alternate", kind, *parts, title=title, **{**query, "f": name}))
        return made

    def _said(self) -> dict[str, str]:
        return {"f": self.query["f"]} if "f" in self.query else {}

    def link(self, rel: str, kind: str, *parts: str, title: str = "", **query: str) -> Link:
        """A link to an address below the root."""
        made = {"href": self.address(*parts, **query), "rel": rel, "type": kind}
        return {**made, "title": title} if title else made


def whole(said: str | None, name: str, otherwise: int, most: int, least: int = 1) -> int:
    """A whole number; more than the most is the most (/req/core/fc-limit-response-1 C). Refusal."""
    if said is None:
        return otherwise
    if not said.isascii() or not said.isdigit() or len(said) > 12 or int(said) < least:
        raise Refusal(f"{name} is a whole number from {least}", where=name)
    return min(int(said), most)


def _accepted(accept: str, forms: Mapping[str, str], first: str) -> str:
    """The form that the header prefers (RFC 9110, 12.5.1)."""
    if not accept.strip():
        return first
    ranks: list[tuple[float, int, str]] = []
    for one in accept.split(",")[:50]:
        kind, *options = (part.strip().lower() for part in one.split(";"))
        kind = COVJSON if kind == COVJSON_TOO else kind
        weight = next((_weight(it[2:]) for it in options if it.startswith("q=")), 1.0)
        if weight <= 0:
            continue
        for n, (name, own) in enumerate([(first, forms[first]), *forms.items()]):
            plain = own.partition(";")[0]
            if kind in {plain, "*/*", f"{plain.partition('/')[0]}/*"} or (kind == JSON and plain.endswith("+json")):
                ranks.append((-weight, n if "*" in kind else -1, name))
                break
    if not ranks:
        raise NotAcceptable(
            "there is nothing of that kind here", where="Accept", mend="there are " + ", ".join(forms.values())
        )
    return min(ranks, key=lambda it: it[:2])[2]


def _weight(said: str) -> float:
    try:
        return float(said)
    except ValueError:
        return 0.0


def answered(visit: Visit, told: Told) -> Answer:
    """The answer in its form; 304 to whoever has it already."""
    if told.status == 204:
        return Answer(b"", visit.kind, status=204, headers=CORS)
    if visit.form in told.makers:
        body = tag = told.makers[visit.form]()
    else:
        body = _dumped(told.value) if visit.kind != HTML else page(told.title, told.value).encode()
        steady = {name: value for name, value in told.value.items() if name not in told.volatile}
        tag = _dumped(steady) if told.volatile & told.value.keys() else body
    etag = f'W/"{hashlib.sha256(tag + visit.kind.encode()).hexdigest()[:32]}"'
    links = [one for one in told.value.get("links", ()) if one["rel"] in _IN_HEADER]
    headers = {
        **CORS,
        **told.headers,
        "ETag": etag,
        "Vary": "Accept",
        "Cache-Control": "no-cache",
        "Link": ", ".join(f'<{one["href"]}>; rel="{one["rel"]}"; type="{_quotable(one["type"])}"' for one in links),
    }
    if etag in (visit.headers.get("if-none-match") or ""):
        return Answer(b"", visit.kind, status=304, headers=headers)
    kind = visit.kind if visit.kind not in {HTML, CSV} else f"{visit.kind}; charset=utf-8"
    return Answer(body, kind, status=told.status, headers=headers)


_IN_HEADER: Final = frozenset({"self", "alternate", "next", "prev", "service-desc"})


def _quotable(kind: str) -> str:
    return kind.replace('"', "")


def _dumped(value: Any) -> bytes:
    try:
        return orjson.dumps(value)
    except TypeError:  # a whole number beyond 64 bits, which an entity may say
        return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def refused(fault: Any) -> Answer:
    """Problem details (RFC 9457) that a page of another origin can read."""
    headers = dict(CORS)
    if (wait_s := getattr(fault, "retry_after_s", None)) is not None:
        headers["Retry-After"] = str(wait_s)
    return Answer(_dumped(fault.problem()), "application/problem+json", status=fault.status, headers=headers)


def opened(asked: Asked, city: Asking, api: str, tell: Callable[[Visit], Told]) -> Answer:
    """A request to the API of a name, answered by `tell`. What is taken of a dataset is counted."""
    rest = asked.path.get("rest", "").strip("/")
    # An id may hold slashes: whoever reads `parts` joins what is left of them.
    parts = rest.split("/") if rest else []
    visit = Visit(city, f"{asked.origin}/ogc/{api}", parts, dict(asked.query), asked.headers, asked.at)
    try:
        made = answered(visit, tell(visit))
    except Exception as fault:
        # What the kernel refuses (a table's Busy, a geometry out of range) is told like what is refused here, so that a
        # page of another origin can read it; what is nobody's fault but ours goes up.
        if getattr(fault, "status", 500) == 500 or not hasattr(fault, "problem"):
            raise
        return refused(fault)
    if parts[:1] != ["collections"] or len(parts) < 3 or parts[2:] == ["queryables"]:
        return made
    return replace(made, says=usage.count(city, asked, parts[1], "api"))


def page(title: str, value: Mapping[str, Any]) -> str:
    """A plain page that says what JSON says, all of its links as links. No script, no style, nothing from elsewhere."""
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width"><title>{html.escape(title)}</title></head>'
        f"<body><main><h1>{html.escape(title)}</h1>{_said(value)}</main></body></html>\n"
    )


def _said(value: Any, depth: int = 0) -> str:
    if isinstance(value, Mapping):
        if "href" in value and "rel" in value:
            return _anchor(value)
        if value.get("type") == "FeatureCollection" and "features" in value:
            rest = {name: one for name, one in value.items() if name != "features"}
            return _table(value["features"]) + _said(rest, depth)
        rows = "".join(
            f"<dt>{html.escape(str(name))}</dt><dd>{_said(one, depth + 1)}</dd>" for name, one in value.items()
        )
        return f"<dl>{rows}</dl>"
    if isinstance(value, list | tuple):
        if not any(isinstance(one, Mapping | list | tuple) for one in value):
            return html.escape(", ".join(_plain(one) for one in value))
        if depth > 3 and not any(isinstance(one, Mapping) for one in value):
            return f"<code>{html.escape(json.dumps(value, ensure_ascii=False))}</code>"
        listed = "".join(f"<li>{_said(one, depth + 1)}</li>" for one in value[:_ROWS])
        return f"<ul>{listed}</ul>{_more(len(value))}"
    return html.escape(_plain(value))


def _table(features: Sequence[Mapping[str, Any]]) -> str:
    """Features as rows: their ids, properties and places."""
    names = list(dict.fromkeys(name for one in features for name in one["properties"]))
    head = "".join(f'<th scope="col">{html.escape(name)}</th>' for name in ("id", *names, "geometry"))
    rows = []
    for one in features[:_ROWS]:
        said = [_said(one["properties"].get(name, ""), 4) for name in names]
        shape = html.escape(json.dumps(one["geometry"], ensure_ascii=False))
        cells = "".join(f"<td>{cell}</td>" for cell in (*said, f"<code>{shape}</code>"))
        own = html.escape(str(one["id"])) + "".join(f" {_anchor(link)}" for link in one.get("links", ()))
        rows.append(f'<tr><th scope="row">{own}</th>{cells}</tr>')
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table>{_more(len(features))}"


def _more(many: int) -> str:
    return f"<p>and {many - _ROWS:,} more, which the other forms have</p>" if many > _ROWS else ""


def _anchor(link: Mapping[str, Any]) -> str:
    text = f"{link.get('title') or link['rel']} ({link['rel']}, {link.get('type', '')})"
    more = {name: one for name, one in link.items() if name not in {"href", "rel", "type", "title"}}
    anchor = f'<a href="{html.escape(str(link["href"]))}" rel="{html.escape(str(link["rel"]))}">{html.escape(text)}</a>'
    return anchor + (_said(more) if more else "")


def _plain(value: Any) -> str:
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def in_language(told: Mapping[str, Any], otherwise: str = "") -> Any:
    """A text, or keywords, of a map by language: English where there is any, else the first."""
    if not told:
        return otherwise
    return told.get("en") or next(iter(told.values()))


def pairs(words: Sequence[str]) -> list[str]:
    """Words, each once."""
    return list(dict.fromkeys(words))
