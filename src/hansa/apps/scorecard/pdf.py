"""A card as PDF, by reportlab (BSD): fact sheet, snapshot, radars, every number, what is missing, how each came about.

Text is text, in an embedded font, in reading order under bookmarks (`tagging` gives it its structure); the pictures are
those of the pages (`drawing`). A band is told by colour, by bars and by its name.
"""

import io
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any, Final

from reportlab.graphics.shapes import Circle, Drawing, Polygon, PolyLine, String
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import (
    BaseDocTemplate,
    CondPageBreak,
    Flowable,
    Frame,
    KeepTogether,
    PageBreak,
    PageTemplate,
    Paragraph,
    Spacer,
    Table,
    TableStyle,
)  # fmt: skip

from hansa.apps.scorecard.card import leaves
from hansa.apps.scorecard.method import figure
from hansa.apps.scorecard.tagging import Tags

_HERE: Final = "/usr/share/fonts"
_FONTS: Final = (
    (f"{_HERE}/truetype/dejavu/DejaVuSans.ttf", f"{_HERE}/truetype/dejavu/DejaVuSans-Bold.ttf"),
    (f"{_HERE}/truetype/noto/NotoSans-Regular.ttf", f"{_HERE}/truetype/noto/NotoSans-Bold.ttf"),
    (f"{_HERE}/truetype/liberation/LiberationSans-Regular.ttf", f"{_HERE}/truetype/liberation/LiberationSans-Bold.ttf"),
    (f"{_HERE}/dejavu-sans-fonts/DejaVuSans.ttf", f"{_HERE}/dejavu-sans-fonts/DejaVuSans-Bold.ttf"),
    ("Vera.ttf", "VeraBd.ttf"),  # reportlab's own, for machines without any: Western European letters
)
_WIDE: Final = 174 * mm
_ROOM: Final = 26 * mm  # that a heading needs below it: keeping it with a table lets reportlab go round for ever
_CELL: Final = 900  # characters of a cell: longer ones would be taller than a page
_INK, _QUIET, _RULE = (colors.HexColor(one) for one in ("#10202b", "#53636e", "#c5ccd2"))
_BANDS: Final = {
    "band-1": ("#c3300a", "#ffffff"),
    "band-2": ("#f0b429", "#10202b"),
    "band-3": ("#8fc7e0", "#10202b"),
    "band-4": ("#14597a", "#ffffff"),
    "band-none": ("#ffffff", "#53636e"),
}
"""Fill and ink of a band: told apart by lightness as well, and each ink reads at 4.5:1 or more on its fill."""
_LINES: Final = {
    "ring": ("#d3dbda", 0.4, None),
    "axis": ("#84949d", 0.5, None),
    "axis missing": ("#84949d", 0.5, (2, 2)),
    "radar-line": ("#10202b", 1.0, None),
    "target": ("#a30f6c", 0.9, (5, 3)),
    "ahead linear": ("#10202b", 1.0, (1, 2)),
    "ahead logistic": ("#a30f6c", 1.0, (1, 2)),
    "was": ("#14597a", 1.4, None),
}
_AREAS: Final = {
    "radar": ("#14597a", 0.18, "#10202b"),
    "ahead-band linear": ("#10202b", 0.10, None),
    "ahead-band logistic": ("#a30f6c", 0.10, None),
}


@lru_cache(maxsize=1)
def _font() -> tuple[str, str]:
    """The first pair of fonts that is here, regular and bold, as reportlab calls them."""
    for regular, bold in _FONTS:
        if "/" not in regular or (Path(regular).exists() and Path(bold).exists()):
            pdfmetrics.registerFont(TTFont("hansa-card", regular))
            pdfmetrics.registerFont(TTFont("hansa-card-bold", bold))
            break
    return "hansa-card", "hansa-card-bold"


def shown(text: Any) -> str:
    """A text in letters that the font has, no longer than a cell; others are shown as a box."""
    has = pdfmetrics.getFont(_font()[0]).face.charToGlyph
    said = str(text) if len(str(text)) <= _CELL else f"{str(text)[: _CELL - 1]}…"
    return "".join(char if ord(char) in has or char in "\n\t" else "□" if 0x25A1 in has else "?" for char in said)


def pdf(
    told: Mapping[str, Any],
    pictures: Mapping[str, Any],
    *,
    city: str,
    gaps: Sequence[Mapping[str, Any]] = (),
    missing: Sequence[Mapping[str, Any]] = (),
    accounts: Sequence[Mapping[str, Any]] = (),
    foot: str = "",
    sheet: bool = False,
) -> bytes:
    """A card as the bytes of a PDF file; with `sheet`, the fact sheet alone (its first pages)."""
    writer = _Writer()
    name = f"{told['framework']['name']} · {city} · {told['period']}"
    parts = writer.front(told, pictures, city)
    if not sheet:
        parts += [*writer.radars(told, pictures), PageBreak(), *writer.numbers(told)]
        parts += [*writer.gaps(gaps), *writer.missing(missing), *writer.accounts(accounts)]
    out = io.BytesIO()
    doc = BaseDocTemplate(
        out, pagesize=A4, leftMargin=18 * mm, rightMargin=18 * mm, topMargin=16 * mm, bottomMargin=18 * mm,
        title=shown(name)[:200], author="hansa", subject=shown(told["framework"]["edition"] or ""), lang="en",
        displayDocTitle=1, invariant=1,
    )  # fmt: skip
    frame = Frame(doc.leftMargin, doc.bottomMargin, doc.width, doc.height, 0, 0, 0, 0, id="page")

    def around(canvas: Any, it: Any) -> None:
        """What stands on every page: it is no part of the text."""
        canvas.saveState()
        canvas.setFillColor(_QUIET)
        canvas.setFont(_font()[0], 7)
        with writer.tags.aside(canvas):
            canvas.drawString(18 * mm, 10 * mm, shown(foot)[:120])
            canvas.drawRightString(192 * mm, 10 * mm, f"{shown(name)[:90]} · {it.page}")
        canvas.restoreState()

    doc.addPageTemplates(PageTemplate("page", [frame], onPageEnd=around))
    doc.build(parts, canvasmaker=writer.tags.canvas)
    return out.getvalue()


class _Writer:
    """The parts of the document, with the styles that they share."""

    def __init__(self) -> None:
        regular, bold = _font()
        text = ParagraphStyle("text", fontName=regular, fontSize=8.5, leading=11.5, textColor=_INK, splitLongWords=True)
        self.styles = {
            "text": text,
            "title": ParagraphStyle("title", text, fontName=bold, fontSize=17, leading=21),
            "head": ParagraphStyle("head", text, fontName=bold, fontSize=11.5, leading=15, spaceBefore=9, spaceAfter=3),
            "under": ParagraphStyle("under", text, fontName=bold, fontSize=9, leading=12, spaceBefore=5, spaceAfter=1),
            "big": ParagraphStyle("big", text, fontName=bold, fontSize=26, leading=30),
            "cell": ParagraphStyle("cell", text, fontSize=7.3, leading=9.2),
            "top": ParagraphStyle("top", text, fontName=bold, fontSize=7.3, leading=9.2),
            "quiet": ParagraphStyle("quiet", text, fontSize=7.3, leading=9.6, textColor=_QUIET),
        }
        self.tags = Tags()

    # ---- what the parts are made of

    def say(self, text: str, style: str = "text") -> Flowable:
        """A paragraph or heading."""
        role = {"title": "H1", "head": "H2", "under": "H3"}.get(style, "P")
        return self.tags.tagged(Paragraph(escape(shown(text)), self.styles[style]), role, mark=text)

    def table(
        self, rows: Sequence[Sequence[Any]], wide: Sequence[float], more: Sequence[tuple[Any, ...]] = ()
    ) -> Table:
        """A table whose first row names its columns; a cell is a text, a drawing, or (text, ink)."""
        key = self.tags.new()
        made: list[list[Any]] = []
        for i, row in enumerate(rows):
            role = "TH" if i == 0 else "TD"
            made.append([self.tags.tagged(self._cell(one, i), role, within=(key, i)) for one in row])
        table = Table(made, colWidths=[_WIDE * one / sum(wide) for one in wide], repeatRows=1)
        base = [
            ("VALIGN", (0, 0), (-1, -1), "TOP"),
            ("LINEBELOW", (0, 0), (-1, -1), 0.3, _RULE),
            ("LEFTPADDING", (0, 0), (-1, -1), 2),
            ("RIGHTPADDING", (0, 0), (-1, -1), 3),
            ("TOPPADDING", (0, 0), (-1, -1), 1.5),
            ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
        ]
        table.setStyle(TableStyle([*base, *more]))
        return table

    def _cell(self, one: Any, row: int) -> Flowable:
        if isinstance(one, Drawing):
            return one
        text, ink = one if isinstance(one, tuple) else (one, None)
        style = self.styles["top" if row == 0 else "cell"]
        if ink is not None:
            style = ParagraphStyle("ink", style, textColor=colors.HexColor(ink))
        return Paragraph(escape(shown(text)), style)

    def picture(self, it: Mapping[str, Any], wide: float, says: str) -> Flowable:
        """A picture with what it says."""
        return self.tags.tagged(drawn(it, wide), "Figure", says=shown(says))

    # ---- the parts

    def front(self, told: Mapping[str, Any], pictures: Mapping[str, Any], city: str) -> list[Flowable]:
        """The fact sheet: how the city stands, how complete that is, and the snapshot."""
        whole, count = told["whole"], told["counts"]
        return [
            self.say(f"{city}: {told['framework']['name']}, {told['period']}", "title"),
            self.say(str(told["framework"]["edition"] or ""), "quiet"),
            self.say(_percent(whole["percent"]), "big"),
            self.say(
                f"{whole['score']:g} of {whole['possible']:g} points, over {whole['scored']} data points that have a "
                f"value and a target (band {whole['band'] or 'none'})."
                if whole["scored"]
                else "Nothing is scored: a data point is scored when it has a value and a target that the city has set."
            ),
            *(self.say(line) for line in completeness(count)),
            self.say("Snapshot", "head"),
            self.grid(told),
            Spacer(1, 4),
            self.key(told),
            Spacer(1, 6),
            self.picture(pictures["wheel"], 66 * mm, _wheel_says(told)),
        ]

    def grid(self, told: Mapping[str, Any]) -> Table:
        """Dimensions, their sub-dimensions, and the categories of each in their bands."""
        rows: list[list[Any]] = [["Dimension", "Sub-dimension", "Category", "", "Percent", "Band", "Reported"]]
        more: list[tuple[Any, ...]] = []
        for dimension in told["nodes"]:
            for sub in dimension["children"] or [dimension]:
                for one in leaves(sub):
                    fill, ink = _BANDS[f"band-{one['step']}" if one["step"] else "band-none"]
                    n = len(rows)
                    more.append(("BACKGROUND", (3, n), (5, n), colors.HexColor(fill)))
                    more.append(("VALIGN", (3, n), (3, n), "MIDDLE"))
                    first = one is leaves(sub)[0]
                    rows.append(
                        [
                            f"{dimension['name']} {_percent(dimension['percent'])}"
                            if first and sub is (dimension["children"] or [dimension])[0]
                            else "",
                            f"{sub['name']} {_percent(sub['percent'])}" if first else "",
                            f"{one['n']} {one['name']}",
                            bars(one["step"], ink),
                            (_percent(one["percent"]), ink),
                            (one["band"] or "not scored", ink),
                            f"{one['came']} of {one['total']}",
                        ]
                    )
        return self.table(rows, (24, 30, 34, 8, 12, 14, 14), more)

    def key(self, told: Mapping[str, Any]) -> Flowable:
        """What the bands are."""
        said = "; ".join(
            f"{one['name']} % of the target: {one['points']:g} of {len(told['bands'])} bars" for one in told["bands"]
        )
        return self.say(f"Bands, by colour, bars and name: {said}. White without full bars: not scored.", "quiet")

    def radars(self, told: Mapping[str, Any], pictures: Mapping[str, Any]) -> list[Flowable]:
        """A radar of each dimension, with its axes named beside it."""
        parts: list[Flowable] = []
        for one in told["nodes"]:
            said = "; ".join(f"{it['n']} {it['name']} {_percent(it['percent'])}" for it in leaves(one))
            parts.append(
                KeepTogether(
                    [
                        self.say(f"{one['name']}: {_percent(one['percent'])}", "head"),
                        self.picture(pictures["radars"][one["name"]], 72 * mm, f"Radar, 0 to 100 percent: {said}"),
                        self.say(f"Axes: {said}.", "quiet"),
                    ]
                )
            )
        return parts

    def numbers(self, told: Mapping[str, Any]) -> Iterable[Flowable]:
        """Every indicator and data point."""
        yield self.say("Every indicator", "head")
        at = {one["code"]: one for one in told["indicators"]}
        for dimension in told["nodes"]:
            for one in leaves(dimension):
                yield CondPageBreak(_ROOM)
                yield self.say(" / ".join(one["path"]) + f": {_percent(one['percent'])}", "under")
                rows: list[list[Any]] = [
                    ["Code", "Indicator, data point", "Value", "Target", "Of target", "", "Status"]
                ]
                more: list[tuple[Any, ...]] = []
                for line in (at[code] for code in one["codes"]):
                    for it in line["data_points"]:
                        fill, ink = _BANDS[f"band-{it['step']}" if it["step"] else "band-none"]
                        n = len(rows)
                        more.append(("BACKGROUND", (5, n), (5, n), colors.HexColor(fill)))
                        rows.append(
                            [
                                line["code"],
                                line["name"] + (f", {it['name']}" if len(line["data_points"]) > 1 else ""),
                                _value(it["value"], it["unit"]),
                                _value(it["target"], it["unit"], by=it["year"]),
                                _percent(it["percentOfTarget"]),
                                bars(it["step"], ink),
                                _status(line, it),
                            ]
                        )
                yield self.table(rows, (20, 46, 24, 24, 13, 8, 26), more)

    def gaps(self, gaps: Sequence[Mapping[str, Any]]) -> Iterable[Flowable]:
        """What has not met its target, and what it would take a year."""
        if not gaps:
            return
        yield CondPageBreak(_ROOM)
        yield self.say("Gap to target", "head")
        rows: list[list[Any]] = [["Code", "Indicator", "Value", "Target", "Gap", "Needed a year"]]
        for it in gaps:
            change = it["yearly_change"]
            rows.append(
                [
                    it["code"],
                    it["name"] + (f", {it['point']}" if it["key"] else ""),
                    _value(it["value"], it["unit"]),
                    _value(it["target"], it["unit"], by=it["by"]),
                    _value(it["gap"], it["unit"]),
                    "no year is set" if change is None else f"{_value(change, it['unit'])} until {it['by']}",
                ]
            )
        yield self.table(rows, (20, 44, 24, 24, 22, 28))

    def missing(self, missing: Sequence[Mapping[str, Any]]) -> Iterable[Flowable]:
        """What is not there, and who usually has it."""
        if not missing:
            return
        yield CondPageBreak(_ROOM)
        yield self.say("Not reported, and who usually has the data", "head")
        rows: list[list[Any]] = [["Who usually has it", "Indicators"]]
        for it in missing:
            named = "; ".join(f"{one['code']} {one['name']}" for one in it["indicators"][:60])
            # A cell is never taller than a page: a holder of many has several lines.
            part = _CELL - 100
            rows += [
                [(it["holder"] or "not known") if n == 0 else "", named[n : n + part]]
                for n in range(0, max(1, len(named)), part)
            ]
        yield self.table(rows, (40, 134))

    def accounts(self, accounts: Sequence[Mapping[str, Any]]) -> Iterable[Flowable]:
        """How each number that was reported came about."""
        if not accounts:
            return
        yield CondPageBreak(_ROOM)
        yield self.say("How every number came about", "head")
        for one in accounts:
            parts = [self.say(f"{one['code']} {one['name']}", "under"), self.say(one["definition"] or "", "quiet")]
            for it in one["points"]:
                said = it["put_in"] or it["symbols"] or "no formula is known: the value is entered as it is"
                parts.append(self.say(f"{it['name']}: {said}" if it["key"] else said))
            for it in one["inputs"]:
                value = _value(it["value"], it["unit"]) or "not reported"
                parts.append(self.say(f"{it['says']}: {value} ({', '.join(filter(None, _how(it)))})", "quiet"))
            recalled = sorted(name for name, how in one["said"].items() if how == "recalled")
            if recalled:
                parts.append(self.say(f"Recalled, not read in the standard: {', '.join(recalled)}.", "quiet"))
            yield from (CondPageBreak(_ROOM), *parts)


def completeness(count: Mapping[str, Any]) -> list[str]:
    """How complete a card is, in sentences; the command line and the paper say them alike."""
    came = f"{count['came']} of {count['total']} indicators are reported, {count['verified']} of them verified"
    said = [f"{came}; {count['not reported']} are not reported, {count['not applicable']} do not apply here."]
    if count["ask"]:
        most = f"{count['ask_above'] * 100:.0f} %"
        said.append(
            f"{count['missing_share'] * 100:.0f} % are missing: with more than {most} missing the standard has the "
            "city asked, and this card is no basis for comparing cities."
        )
    if count["without_target"]:
        said.append(f"{count['without_target']} reported indicators are not scored, or not in full: no target is set.")
    if count["provisional"]:
        said.append(f"{count['provisional']} are provisional: their period is not over.")
    return said


def _how(it: Mapping[str, Any]) -> list[str]:
    full = it["completeness"]
    part = f"{full * 100:.0f} % complete" if full is not None and full < 1 else ""
    return [it["status"], it["words"] or it["how"], part, str(it["at"])[:10]]


def _status(line: Mapping[str, Any], it: Mapping[str, Any]) -> str:
    said = line["status"] + (", provisional" if line["provisional"] else "")
    if it["value"] is not None and it["points"] is None:
        return f"{said}; not scored: {it['why'] or 'no target'}"
    return f"{said}; {line['fault']}" if line["fault"] else said


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value:.1f} %"


def _value(value: float | None, unit: str, by: float | None = None) -> str:
    if value is None:
        return ""
    said = f"{figure(value)} {unit}" if unit not in {"", "1"} else figure(value)
    return f"{said} by {by:.0f}" if by else said


def _wheel_says(told: Mapping[str, Any]) -> str:
    inner = "; ".join(f"{one['name']} {_percent(one['percent'])}" for one in told["nodes"])
    return f"Wheel of all categories by band. The whole {_percent(told['whole']['percent'])}; {inner}"


def bars(step: int | None, ink: str) -> Drawing:
    """Four bars, as many full as the band says."""
    made = Drawing(20, 9)
    colour = colors.HexColor(ink)
    for n in range(4):
        x, high = 1 + n * 4.4, 3 + 1.8 * n
        full = step is not None and n < step
        made.add(
            Polygon(
                [x, 0, x + 3, 0, x + 3, high, x, high],
                fillColor=colour if full else None,
                strokeColor=colour,
                strokeWidth=0.4,
            )
        )
    return made


def drawn(it: Mapping[str, Any], wide: float) -> Drawing:
    """A picture of `drawing` as one of reportlab's."""
    scale = wide / it["width"]
    high = it["height"] * scale
    made = Drawing(wide, high)
    regular, bold = _font()
    for part in it["parts"]:
        flat = [one for x, y in part["points"] for one in (x * scale, high - y * scale)]
        kind = part["class"]
        if part["kind"] == "text":
            ink = colors.HexColor(_on(kind)) if " on-" in kind else _INK
            made.add(
                String(
                    flat[0], flat[1], shown(part["text"]), fontName=bold if kind == "headline" else regular,
                    fontSize=(22 if kind == "headline" else 11) * scale, textAnchor=part["anchor"], fillColor=ink,
                )
            )  # fmt: skip
        elif part["kind"] == "dot":
            fill = colors.HexColor(_BANDS.get(kind, ("#14597a", ""))[0])
            made.add(
                Circle(flat[0], flat[1], part["radius"] * scale, fillColor=fill, strokeColor=_INK, strokeWidth=0.4)
            )
        elif part["kind"] == "line":
            ink_, width, dash = _LINES.get(kind, ("#10202b", 0.6, None))
            made.add(
                PolyLine(flat, strokeColor=colors.HexColor(ink_), strokeWidth=width, strokeDashArray=dash)
            )  # fmt: skip
        else:
            made.add(_area(flat, kind))
    return made


def _on(kind: str) -> str:
    """The ink for what stands on a band: `on-4` of `mark-full on-4`."""
    step = kind.rpartition("on-")[2]
    return _BANDS[f"band-{step}" if step != "0" else "band-none"][1]


def _area(flat: list[float], kind: str) -> Polygon:
    band = kind.split(maxsplit=1)[0]
    if band in _BANDS:
        return Polygon(
            flat, fillColor=colors.HexColor(_BANDS[band][0]), strokeColor=_QUIET, strokeWidth=0.5,
            strokeDashArray=(1.5, 1.5) if band == "band-none" else None,
        )  # fmt: skip
    if band.startswith("mark-"):
        ink = colors.HexColor(_on(kind))
        return Polygon(flat, fillColor=ink if band == "mark-full" else None, strokeColor=ink, strokeWidth=0.3)
    fill, alpha, edge = _AREAS.get(kind, ("#c5ccd2", 1.0, None))
    colour = colors.HexColor(fill)
    colour.alpha = alpha
    stroke = None if edge is None else colors.HexColor(edge)
    return Polygon(flat, fillColor=colour, strokeColor=stroke, strokeWidth=0.6 if kind == "radar" else 0.3)
