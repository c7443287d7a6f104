"""A document as PDF, by reportlab (BSD): the same blocks as the HTML, page numbers, what guards it on every page."""

import io
from collections.abc import Iterable
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any, Final

from reportlab.graphics.shapes import Circle, Drawing, Line, Polygon, Rect, String
from reportlab.lib import colors
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph, Spacer, Table, TableStyle

from hansa.apps.incidents.document import Block, Paper
from hansa.apps.incidents.sketch import Sketch

_HERE: Final = "/usr/share/fonts"
_FONTS: Final = (
    (f"{_HERE}/truetype/dejavu/DejaVuSans.ttf", f"{_HERE}/truetype/dejavu/DejaVuSans-Bold.ttf"),
    (f"{_HERE}/truetype/noto/NotoSans-Regular.ttf", f"{_HERE}/truetype/noto/NotoSans-Bold.ttf"),
    (f"{_HERE}/truetype/liberation/LiberationSans-Regular.ttf", f"{_HERE}/truetype/liberation/LiberationSans-Bold.ttf"),
    (f"{_HERE}/dejavu-sans-fonts/DejaVuSans.ttf", f"{_HERE}/dejavu-sans-fonts/DejaVuSans-Bold.ttf"),
    ("Vera.ttf", "VeraBd.ttf"),  # reportlab's own, for machines without any: Western European letters
)
_CELL: Final = 1_500  # characters of a table's cell: longer ones would be taller than a page
_SPACE: Final = 170 * mm
_ALARM, _INK, _RULE, _LINK, _ZONE = (
    colors.HexColor(one) for one in ("#c3300a", "#10202b", "#c5ccd2", "#1b6f93", "#a30f6c")
)


@lru_cache(maxsize=1)
def _font() -> tuple[str, str]:
    """The first pair of fonts that is here, regular and bold, as reportlab calls them."""
    for regular, bold in _FONTS:
        if "/" not in regular or (Path(regular).exists() and Path(bold).exists()):
            pdfmetrics.registerFont(TTFont("hansa", regular))
            pdfmetrics.registerFont(TTFont("hansa-bold", bold))
            break
    return "hansa", "hansa-bold"


def shown(text: str) -> str:
    """A text in letters that the font has; others are shown as a box of their own."""
    has = pdfmetrics.getFont(_font()[0]).face.charToGlyph
    return "".join(char if ord(char) in has or char in "\n\t" else "□" if 0x25A1 in has else "?" for char in text)


def pdf(paper: Paper) -> bytes:
    """The document as the bytes of a PDF file."""
    regular, bold = _font()
    text = ParagraphStyle("text", fontName=regular, fontSize=8.5, leading=11, textColor=_INK, splitLongWords=True)
    white = {"textColor": colors.white, "backColor": _ALARM}
    styles = {
        "text": text,
        "title": ParagraphStyle("title", text, fontName=bold, fontSize=15, leading=19),
        "head": ParagraphStyle("head", text, fontName=bold, fontSize=10.5, leading=13, spaceBefore=8, spaceAfter=3),
        "flag": ParagraphStyle("flag", text, fontName=bold, fontSize=11, leading=15, **white),
        "cell": ParagraphStyle("cell", text, fontSize=7.5, leading=9.5),
        "top": ParagraphStyle("top", text, fontName=bold, fontSize=7.5, leading=9.5),
    }
    out = io.BytesIO()
    doc = BaseDocTemplate(
        out, pagesize=A4, leftMargin=20 * mm, rightMargin=20 * mm, topMargin=18 * mm, bottomMargin=18 * mm,
        title=shown(paper.name)[:200], author="hansa", invariant=1,
    )  # fmt: skip
    frame = Frame(doc.leftMargin, doc.bottomMargin, doc.width, doc.height, 0, 0, 0, 0, id="page")
    doc.addPageTemplates(PageTemplate("page", [frame], onPage=lambda canvas, it: _around(canvas, it, paper)))
    doc.build([part for block in paper.blocks for part in _flow(block, styles)])
    return out.getvalue()


def _flow(block: Block, styles: dict[str, ParagraphStyle]) -> Iterable[Flowable]:
    if block.kind in {"title", "head", "flag", "text"}:
        for part in block.text.split("\n"):
            if part:
                yield Paragraph(escape(shown(part)), styles[block.kind])
        if block.kind == "text":
            yield Spacer(1, 3)
    elif block.kind == "map" and block.sketch is not None:
        yield _map(block.sketch)
    elif block.kind in {"facts", "table"}:
        facts = block.kind == "facts"
        rows = [
            [Paragraph(escape(shown(_cut(cell))), styles["top" if _bold(facts, i, j) else "cell"]) for j, cell in row]
            for i, row in enumerate(map(enumerate, block.rows))
        ]
        table = Table(rows, colWidths=_widths(block), repeatRows=0 if facts else 1)
        table.setStyle(
            TableStyle(
                [
                    ("VALIGN", (0, 0), (-1, -1), "TOP"),
                    ("LINEBELOW", (0, 0), (-1, -1), 0.3, _RULE),
                    ("LEFTPADDING", (0, 0), (-1, -1), 0),
                    ("TOPPADDING", (0, 0), (-1, -1), 1.5),
                    ("BOTTOMPADDING", (0, 0), (-1, -1), 1.5),
                ]
            )
        )
        yield table
        yield Spacer(1, 4)


def _bold(facts: bool, row: int, column: int) -> bool:
    """Whether a cell names something: the first row of a table, the first column of facts."""
    return column == 0 if facts else row == 0


def _widths(block: Block) -> list[float]:
    """Columns by what stands in them: the widest text gets the most, none less than a word."""
    columns = list(zip(*block.rows, strict=True))
    wants = [min(60, max(6, *(len(cell) for cell in column))) for column in columns]
    return [_SPACE * one / sum(wants) for one in wants]


def _map(it: Sketch) -> Drawing:
    scale = _SPACE / it.width
    made = Drawing(_SPACE, it.height * scale)
    made.add(Rect(0, 0, _SPACE, it.height * scale, fillColor=colors.HexColor("#f2f2ee"), strokeColor=_RULE))
    for ring in it.areas:
        flat = [one * scale for pair in ring for one in pair]
        made.add(Polygon(flat, fillColor=colors.Color(0.64, 0.06, 0.42, alpha=0.15), strokeColor=_ZONE, strokeWidth=1))
    for pair, kind, _ in it.marks:
        x, y = pair[0] * scale, pair[1] * scale
        if kind == "alarm":
            made.add(Polygon([x, y + 5, x + 5, y, x, y - 5, x - 5, y], fillColor=_ALARM, strokeColor=None))
        else:
            made.add(Circle(x, y, 3, fillColor=_LINK, strokeColor=None))
    made.add(Line(10, 9, 10 + it.bar * scale, 9, strokeWidth=1.5, strokeColor=_INK))
    made.add(String(10, 12, it.bar_says, fontName=_font()[0], fontSize=7))
    made.add(String(_SPACE - 18, it.height * scale - 14, "N", fontName=_font()[1], fontSize=9))
    return made


def _around(canvas: Any, doc: Any, paper: Paper) -> None:
    """What stands on every page."""
    regular, bold = _font()
    canvas.saveState()
    canvas.setFillColor(_INK)
    canvas.setFont(regular, 7)
    canvas.drawString(20 * mm, 10 * mm, shown(paper.foot))
    canvas.drawRightString(190 * mm, 10 * mm, f"{shown(paper.name)[:90]} · page {doc.page}")
    if paper.drill:
        canvas.setFillColor(_ALARM)
        canvas.setFont(bold, 9)
        canvas.drawCentredString(105 * mm, 285 * mm, "DRILL — EXERCISE ONLY")
    canvas.restoreState()


def _cut(text: str) -> str:
    return text if len(text) <= _CELL else text[: _CELL - 1] + "…"
