"""Structure for a PDF that reportlab makes: headings, paragraphs, tables and figures that a screen reader finds.

reportlab writes text in order and knows nothing of tags. A part wrapped by `Tags.tagged` is drawn between the marks of
a marked-content sequence; when the file is closed, the tree over all marks is written beside the pages. What stands on
every page is an artifact: nobody is read it thirty times.
Source: ISO 32000-1:2008, 14.6 (marked content), 14.7 (structure), 14.8 (tags); alternate texts 14.9.3.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from reportlab.pdfbase.pdfdoc import PDFArray, PDFDictionary, PDFName, PDFString
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import Flowable

_LEVELS: Final = {"H1": 0, "H2": 1, "H3": 2}
_MARK: Final = 90  # characters of a bookmark
Within = tuple[int, int]


class Tags:
    """The tags of one document, in reading order."""

    def __init__(self) -> None:
        """Nothing is tagged yet."""
        self.elements: list[_Element] = []
        self._keys = 0

    def new(self) -> int:
        """What a table, or a part that may be split over pages, is known by."""
        self._keys += 1
        return self._keys

    def tagged(
        self, part: Flowable, role: str, *, within: Within | None = None, says: str = "", mark: str = ""
    ) -> Flowable:
        """A part with its role (`H1`, `P`, `TD` ...): a cell is `within` (table, row); a figure says what it shows."""
        return _Tagged(part, self, self.new(), role, within, says, mark)

    def canvas(self, *args: Any, **how: Any) -> Canvas:
        """The canvas of the document."""
        made = _Canvas(*args, **how)
        made.tags = self
        return made

    @contextmanager
    def aside(self, canvas: Canvas) -> Iterator[None]:
        """What is drawn within is no part of the text."""
        canvas._code.append("/Artifact BMC")  # noqa: SLF001  # reportlab has no other way to write an operator
        yield
        canvas._code.append("EMC")  # noqa: SLF001


class _Element:
    """One tag: its marks are (page reference, which page, which mark on it)."""

    def __init__(self, key: int, role: str, within: Within | None, says: str) -> None:
        self.key, self.role, self.within, self.says = key, role, within, says
        self.marks: list[tuple[Any, int, int]] = []


class _Tagged(Flowable):  # type: ignore[misc]  # reportlab has no types
    """A part that is drawn between its marks; split over pages, it stays one element."""

    def __init__(
        self, part: Flowable, tags: Tags, key: int, role: str, within: Within | None, says: str, mark: str
    ) -> None:
        super().__init__()
        self.part, self.tags, self.key, self.role = part, tags, key, role
        self.within, self.says, self.mark = within, says, mark
        self.hAlign = getattr(part, "hAlign", "LEFT")

    def wrap(self, wide: float, high: float) -> Any:
        """As what is in it."""
        self.width, self.height = found = self.part.wrap(wide, high)
        return found

    def split(self, wide: float, high: float) -> list[Flowable]:
        """Every piece is of the same element; a bookmark leads to the first."""
        pieces = self.part.splitOn(self.canv, wide, high) if hasattr(self, "canv") else self.part.split(wide, high)
        return [
            _Tagged(one, self.tags, self.key, self.role, self.within, self.says, "" if n else self.mark)
            for n, one in enumerate(pieces)
        ]

    def minWidth(self) -> Any:  # noqa: N802  # reportlab's word
        """As what is in it."""
        return self.part.minWidth()

    def getSpaceBefore(self) -> Any:  # noqa: N802
        """As what is in it."""
        return self.part.getSpaceBefore()

    def getSpaceAfter(self) -> Any:  # noqa: N802
        """As what is in it."""
        return self.part.getSpaceAfter()

    def drawOn(self, canvas: Any, x: float, y: float, _sW: float = 0) -> None:  # noqa: N802, N803
        """Between its marks; the heading of a table that is repeated on a page is an artifact there."""
        element = canvas.element(self)
        if element is None:
            with self.tags.aside(canvas):
                self.part.drawOn(canvas, x, y, _sW)
            return
        if self.role in _LEVELS and self.mark:
            name = f"p{self.key}"
            canvas.bookmarkHorizontal(name, 0, y + self.height)
            canvas.addOutlineEntry(self.mark[:_MARK], name, min(_LEVELS[self.role], canvas.deep + 1), 0)
            canvas.deep = min(_LEVELS[self.role], canvas.deep + 1)
        canvas.open_mark(element)
        self.part.drawOn(canvas, x, y, _sW)
        canvas.close_mark()


class _Canvas(Canvas):  # type: ignore[misc]
    """A canvas that counts marks by the page, and writes the tree when it is closed."""

    tags: Tags

    def __init__(self, *args: Any, **how: Any) -> None:
        super().__init__(*args, **how)
        self.deep = -1
        self._by_key: dict[int, _Element] = {}
        self._pages: list[list[_Element]] = [[]]

    def element(self, part: _Tagged) -> _Element | None:
        """The element of a part; None for a heading cell that was told already."""
        found = self._by_key.get(part.key)
        if found is not None:
            return None if part.role == "TH" else found
        found = _Element(part.key, part.role, part.within, part.says)
        self._by_key[part.key] = found
        self.tags.elements.append(found)
        return found

    def open_mark(self, element: _Element) -> None:
        """Begin a marked-content sequence."""
        page = self._pages[-1]
        element.marks.append((self._doc.thisPageRef(), len(self._pages) - 1, len(page)))
        role = "Span" if element.role == "Document" else element.role
        self._code.append(f"/{role} <</MCID {len(page)}>> BDC")
        page.append(element)

    def close_mark(self) -> None:
        """End it."""
        self._code.append("EMC")

    def showPage(self) -> None:  # noqa: N802
        """A page is over: it says by which number its marks are found."""
        super().showPage()
        page = self._doc.Pages.pages[-1]
        page.__Defaults__ = {**page.__Defaults__, "StructParents": len(self._pages) - 1, "Tabs": PDFName("S")}
        self._pages.append([])

    def save(self) -> None:
        """Write the tree, then the file."""
        if self._code:
            self.showPage()
        self._tree()
        super().save()

    def _tree(self) -> None:
        doc = self._doc
        root = PDFDictionary({"Type": PDFName("StructTreeRoot")})
        whole = self._node("Document", root)
        made: dict[int, Any] = {}
        tables: dict[int, Any] = {}
        rows: dict[Within, Any] = {}
        for one in self.tags.elements:
            above = whole
            if one.within is not None:
                table = tables.get(one.within[0])
                if table is None:
                    table = tables[one.within[0]] = self._node("Table", whole)
                above = rows.get(one.within) or self._node("TR", table)
                rows[one.within] = above
            node = self._node(one.role, above)
            if one.says:
                node["Alt"] = PDFString(one.says)
            if one.role == "TH":
                node["A"] = PDFDictionary({"O": PDFName("Table"), "Scope": PDFName("Column")})
            for page, _, mark in one.marks:
                node["K"].sequence.append(PDFDictionary({"Type": PDFName("MCR"), "Pg": page, "MCID": mark}))
            made[one.key] = node
        numbers: list[Any] = []
        for n, page in enumerate(self._pages[:-1]):
            numbers += [n, doc.Reference(PDFArray([doc.Reference(made[one.key]) for one in page]))]
        root["K"] = PDFArray([doc.Reference(whole)])
        root["ParentTree"] = doc.Reference(PDFDictionary({"Nums": PDFArray(numbers)}))
        root["ParentTreeNextKey"] = len(self._pages) - 1
        doc.Catalog.StructTreeRoot = root
        doc.Catalog.MarkInfo = PDFDictionary({"Marked": "true"})

    def _node(self, role: str, above: Any) -> Any:
        """A structure element below another (or the root)."""
        node = PDFDictionary(
            {
                "Type": PDFName("StructElem"),
                "S": PDFName(role),
                "P": self._doc.Reference(above),
                "K": PDFArray([]),
            }
        )
        if "K" in above:
            above["K"].sequence.append(self._doc.Reference(node))
        return node
