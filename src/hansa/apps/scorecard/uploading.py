"""A sheet that an officer has filled in, taken whole or, where he says so, as far as it is sound, with a report."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from typing import Any, Final

from hansa import Act, BadRequest, City, Delete, Entity, Refusal, entity, sheets
from hansa.apps.scorecard import asked, entering, frameworks, inputs, nouns, plausible, reading
from hansa.apps.scorecard.inputs import Word
from hansa.apps.scorecard.made import READERS, STAFF, app
from hansa.apps.scorecard.nouns import Spell
from hansa.apps.scorecard.reading import Fault, Line
from hansa.apps.scorecard.times import iso

BYTES: Final = 5_000_000
"""Of a filled template; one of 500 rows has 40,000."""
WORDS: Final = 900
"""Entities that one upload says: an act returns no more than 1,000."""
REPORTED: Final = 1_000
"""Rows of a report."""
LISTED: Final = 50


class Unsound(Refusal):
    """A sheet with faults: the problem says each, with its cell."""

    def __init__(self, detail: str, rows: Sequence[Mapping[str, Any]]) -> None:
        """`rows` is the report."""
        super().__init__(
            detail, where="file", mend="mend the cells and send it again, or send partly: true to take the sound rows"
        )
        self.rows = list(rows)

    def problem(self) -> dict[str, Any]:
        """Problem details with the report."""
        return super().problem() | {"rows": self.rows}


@app.act("upload", "KpiUpload", roles=STAFF, new=True, files=1, kinds=("sheet",))
def upload(act: Act, city: City) -> Iterable[Entity | Delete]:
    """Take a filled template: all rows or none, with `partly` those that are sound; `correct` with a `reason`."""
    framework = frameworks.in_use(city, act.said.get("framework"))
    period = str(act.said.get("period") or "")
    if period:
        nouns.past_or_running(city, period)
    if len(act.files) != 1:
        raise Refusal("send one sheet", where="file", mend="the template, filled in, as XLSX or CSV")
    file = act.files[0]
    if file.size > BYTES:
        raise Refusal(f"more than {BYTES:,} bytes", where="file", mend="only the filled template")
    partly, correct = asked.flag(act.said, "partly"), asked.flag(act.said, "correct")
    why = asked.text(act.said, "reason") if correct else ""
    found = reading.filled(sheets.read(file.body, file.kind), framework, period)
    faults = list(found.faults)
    ident = f"urn:ngsi-ld:KpiUpload:{framework.id}-{sha256(f'{file.sha256}{act.by}{act.at}'.encode()).hexdigest()[:24]}"
    words, took = [], []
    for group in _groups(found.lines).values():
        sound, wrong = _weighed(city, framework, group, act, ident, correct=correct, why=why)
        faults += wrong
        for line, word, before in sound:
            took.append(_told(line, "" if not inputs.same(word, before) else "as it was"))
            words += [] if inputs.same(word, before) else list(inputs.said(framework, word, before))
    rows = sorted((*took, *(one.told() for one in faults)), key=lambda one: (one["sheet"], one["row"], one["cell"]))
    if faults and not (partly and took):
        raise Unsound(f"{len(faults)} cells cannot be taken; the first is {reading.first(faults)}", rows[:REPORTED])
    if not took:
        raise Refusal("no row has a value", where="file", mend="fill in the column value")
    if len(words) > WORDS:
        raise Refusal(f"more than {WORDS} changes at once", where="file", mend="send it in parts, such as by year")
    yield from words
    yield entity(
        "KpiUpload",
        ident,
        framework=framework.id,
        file=file.name[:200],
        sha256=file.sha256,
        rows=rows[:REPORTED],
        taken=len(took),
        refused=len(faults),
        open=found.open,
        partly=partly,
        by=act.by,
        at=iso(act.at),
        media=[file.said()],
    )


@app.view("uploads", roles=READERS)
def uploads(said: Mapping[str, str], city: City) -> dict[str, Any]:
    """The sheets that were taken lately, or one (`id`) with its report."""
    names = ("framework", "file", "sha256", "taken", "refused", "open", "partly", "by", "at")
    if said.get("id"):
        one = city.get(said["id"])
        if "KpiUpload" not in one.types:
            raise Refusal("that is no upload", where="id")
        return {"id": one.id, **{name: one.get(name) for name in names}, "rows": one.get("rows")}
    found = sorted(nouns.of_kind(city, "KpiUpload"), key=lambda one: str(one.get("at")), reverse=True)[:LISTED]
    return {"uploads": [{"id": one.id, **{name: one.get(name) for name in names}} for one in found]}


Weighed = tuple[Line, Word, Entity | None]


def _weighed(
    city: City, framework: Any, lines: Sequence[Line], act: Act, ident: str, *, correct: bool, why: str
) -> tuple[list[Weighed], list[Fault]]:
    """The lines of one area and period: those that can be taken as words, and the faults of the others."""
    faults: list[Fault] = []
    try:
        area = nouns.checked_area(city, lines[0].area)
        spell = nouns.past_or_running(city, lines[0].period)
    except BadRequest as wrong:
        return [], [_fault(one, wrong.detail, wrong.mend or "") for one in lines]
    sound: list[Weighed] = []
    for line in lines:
        word = _word(line, act, area, spell, ident, why)
        before = nouns.known(city, nouns.input_id(framework.id, line.input, area, spell.period))
        try:
            _in_range(framework, line)
            if not inputs.same(word, before):
                entering.unbound(city, framework.id, word, before)
                inputs.unsaid(word, before, correct=correct)
        except BadRequest as wrong:
            faults.append(_fault(line, wrong.detail, wrong.mend or ""))
        else:
            sound.append((line, word, before))
    known = plausible.values(city, framework.id, area, spell.period)
    while sound:
        said = {line.input: word.value for line, word, _ in sound}
        wrong_ones = [one for one in plausible.new_faults(framework, known, said, spell) if one.severity == "error"]
        if not wrong_ones:
            break
        named = {name: one for one in reversed(wrong_ones) for name in plausible.of_fault(framework, one)}
        bad = [it for it in sound if it[0].input in named] or sound
        for line, _, _ in bad:
            told = named.get(line.input, wrong_ones[0])
            faults.append(_fault(line, f"{told.code}: {told.says}", "one of these numbers is not so"))
        sound = [it for it in sound if it not in bad]
    return sound, faults


def _in_range(framework: Any, line: Line) -> None:
    if line.value is not None:
        entering.in_range(framework, line.input, line.value)


def _word(line: Line, act: Act, area: str, spell: Spell, ident: str, why: str) -> Word:
    file = act.files[0]
    told = {
        "how": "table", "upload": ident, "sha256": file.sha256, "file": file.name[:200], "sheet": line.cell.sheet,
        "row": line.cell.row, "cell": line.cell.name,
    }  # fmt: skip
    evidence = {"url" if asked.is_link(line.evidence) else "text": line.evidence} if line.evidence else {}
    return Word(
        line.input, area, spell, line.value, line.status, "table", act.by, act.at,
        lineage=told, reason="" if line.value is not None else line.reason, correction=why,
        evidence=evidence | {"files": [file.sha256]}, completeness=None if line.value is None else 1.0,
    )  # fmt: skip


def _groups(lines: Sequence[Line]) -> dict[tuple[str, str], list[Line]]:
    found: dict[tuple[str, str], list[Line]] = {}
    for line in lines:
        found.setdefault((line.area, line.period), []).append(line)
    return found


def _fault(line: Line, says: str, mend: str) -> Fault:
    return Fault(line.cell, says, mend, line.input, line.period)


def _told(line: Line, says: str) -> dict[str, Any]:
    return {
        "sheet": line.cell.sheet, "row": line.cell.row, "cell": line.cell.name, "input": line.input,
        "period": line.period, "took": True, "says": says, "mend": "",
    }  # fmt: skip
