"""A document of blocks (text, facts, tables, a map sketch), and its form as one HTML file. `paper` makes it PDF."""

import html
from typing import Final, Literal, NamedTuple

from hansa.apps.incidents import sketch
from hansa.apps.incidents.sketch import Sketch


class Block(NamedTuple):
    """A part of a document."""

    kind: Literal["title", "head", "text", "facts", "table", "map", "flag"]
    text: str = ""
    rows: tuple[tuple[str, ...], ...] = ()
    sketch: Sketch | None = None


class Paper(NamedTuple):
    """A document: its name, what stands on every page, its blocks."""

    name: str
    foot: str
    drill: bool
    blocks: list[Block]


def page(paper: Paper) -> str:
    """A document as one HTML file that needs nothing else; every word is escaped."""
    body: list[str] = []
    for one in paper.blocks:
        text = html.escape(one.text)
        if one.kind in {"title", "head"}:
            tag = "h1" if one.kind == "title" else "h2"
            body.append(f"<{tag}>{text}</{tag}>")
        elif one.kind == "flag":
            body.append(f'<p class="flag">{text}</p>')
        elif one.kind == "text":
            body += [f"<p>{part}</p>" for part in text.split("\n") if part]
        elif one.kind == "facts":
            body.append(
                "<dl>" + "".join(f"<dt>{html.escape(k)}</dt><dd>{html.escape(v)}</dd>" for k, v in one.rows) + "</dl>"
            )
        elif one.kind == "map" and one.sketch is not None:
            body.append(sketch.svg(one.sketch))
        elif one.kind == "table":
            head, *rows = one.rows
            told = "".join("<tr>" + "".join(f"<td>{html.escape(c)}</td>" for c in row) + "</tr>" for row in rows)
            cells = "".join(f"<th>{html.escape(c)}</th>" for c in head)
            body.append(f"<table><thead><tr>{cells}</tr></thead><tbody>{told}</tbody></table>")
    foot = html.escape(paper.foot)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{html.escape(paper.name)}</title>'
        f"<style>{_STYLE}</style></head><body>{''.join(body)}<footer>{foot}</footer></body></html>"
    )


def lasting(seconds: float | None) -> str:
    """A length of time as people say it."""
    if seconds is None:
        return "—"
    if seconds < 0:
        return f"before ({lasting(-seconds)})"
    minutes, hours = seconds / 60, seconds / 3_600
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{minutes:.0f} min" if minutes < 120 else f"{hours:.1f} h" if hours < 72 else f"{hours / 24:.1f} d"


_STYLE: Final = (
    "body{font:13px/1.45 system-ui,sans-serif;max-width:60rem;margin:1.5rem auto;padding:0 1rem;color:#10202b}"
    "h1{font-size:22px;margin:0 0 .2rem}h2{font-size:15px;margin:1.2rem 0 .3rem}"
    "table{border-collapse:collapse;width:100%}td,th{text-align:start;vertical-align:top;overflow-wrap:anywhere;"
    "border-bottom:1px solid #ccd;padding:.2rem .6rem .2rem 0}"
    "dl{display:grid;grid-template-columns:max-content 1fr;gap:.1rem 1rem}dd{margin:0}svg{max-width:100%;height:auto}"
    ".flag{background:#c3300a;color:#fff;font-weight:700;padding:.4rem .8rem}"
    "footer{margin-top:2rem;color:#556;font-size:11px}"
    "@media print{body{margin:0}tr{break-inside:avoid}}"
)
