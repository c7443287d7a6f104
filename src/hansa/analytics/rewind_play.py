"""The past played on: from a picture of it, what becomes of each entity, as somebody may see it."""

from typing import TYPE_CHECKING, Any

from hansa.analytics.rewind_sight import NOW, VIEW, Asked, Eyes, Looking, moves
from hansa.model.context import CORE
from hansa.model.entity import alias
from hansa.platform import codec
from hansa.platform.sqlite.marking import KINDS
from hansa.platform.sqlite.roll import Roll, Stranger, Thing

if TYPE_CHECKING:
    from hansa.platform.sqlite.then import Labels


class Play:
    """Goes on from a picture and tells what becomes of it."""

    def __init__(self, past: Looking, roll: Roll, asked: Asked, eyes: Eyes) -> None:
        """Go on from `roll`; `told` grows."""
        self.told: list[dict[str, Any]] = []
        self._past = past
        self._then = past.then
        self._roll = roll
        self._asked = asked
        self._eyes = eyes
        self._known = past.known(roll.things, roll.seq)
        past.look_around(roll, asked, self._known)
        self._shown: dict[int, bool] = {}
        self._open: dict[int, tuple[int, dict[str, Any]]] = {}  # of this step, by entity
        self._frame = -1

    def run(self, until: int) -> int | None:
        """Go on to a place in the log; None when it came there, else the time (microseconds) that it came to."""
        asked, roll, then = self._asked, self._roll, self._then
        wanted = then.kinds(asked.types)
        reach = asked.since
        for row in then.rows(roll.seq, until):
            seq, e, at, body, t = row
            thing = roll.things.get(e)
            if thing is None and wanted is not None and t and t not in wanted:
                continue
            now = max(reach, at) if at <= asked.until else reach
            frame = now // asked.step if asked.step else now
            if frame != self._frame:
                if len(self.told) >= asked.most:  # never within an instant: whoever goes on from it has all of it
                    return reach
                self._open.clear()
                self._frame = frame
            reach = now
            said = codec.record(body)
            before = self._visible(e, thing, seq - 1)
            try:
                plain = roll.go(row, said) and thing is not None
            except Stranger:  # it becomes of a type that is wanted
                roll.things[e] = then.thing(e, seq - 1)
                plain = roll.go(row, said) and thing is not None
            # What was hidden because it would be taken back is what it is once that has happened.
            edited = e in self._known.edits
            plain = plain and not (edited and any(code == codec.LATE for _, _, code, _, _ in said[4]))
            if not plain or edited or (asked.area is not None and any(moves(one) for *_, one in said[4])):
                self._shown.pop(e, None)
                if e not in self._known.labels:
                    self._known.labels.update(then.labels((e,)))
            self._tell(e, seq, at, reach, said, before=before, plain=plain)
        roll.seq = until
        return None

    def _visible(self, e: int, thing: Thing | None, seq: int) -> bool:
        if thing is None:
            return False
        found = self._shown.get(e)
        if found is None:
            shown = self._past.shown(e, thing, self._known, self._asked, self._eyes, seq)
            found = self._shown[e] = shown is not None
            if found and self._asked.area is not None:
                self._known.inside.add(thing.doc(self._then.names)["id"])
        return found

    def _tell(self, e: int, seq: int, at: int, reach: int, said: Any, *, before: bool, plain: bool) -> None:
        thing = self._roll.things.get(e)
        if thing is None or not self._visible(e, thing, seq):
            if before:
                self._entry(e, reach, {"gone": True}, whole=True)
            return
        if not before or not plain:
            shown = self._past.shown(e, thing, self._known, self._asked, self._eyes, seq)
            if shown is not None:
                self._entry(e, reach, {"entity": VIEW.entity(shown)}, whole=True)
            return
        labels: tuple[Labels, Labels] = ((thing.label, thing.labels), self._known.labels.get(e, NOW))
        ident = self._roll.named(e)[1]
        told = self._past.parts(e, seq, at, said, labels, self._known, self._asked, self._eyes, ident)
        if told is None:
            return
        if thing.several:  # of several instances all are told
            shown = self._past.shown(e, thing, self._known, self._asked, self._eyes, seq) or {}
            for n, *_ in said[4]:
                name = self._then.names.text(n)
                entry = shown.get(name)
                told["set"][CORE.compact(name)] = None if entry is None else VIEW.attribute(entry)
        self._entry(e, reach, told, whole=False)

    def _told_singly(self, e: int) -> bool:
        """Whether each of its Changes is to be seen: that an alarm rang and ceased within a step, too."""
        thing = self._roll.things.get(e)
        return thing is not None and any(alias(self._then.names.text(t)) in KINDS for t in thing.types if t)

    def _entry(self, e: int, reach: int, told: dict[str, Any], *, whole: bool) -> None:
        found = self._open.get(e)
        if found is not None and not whole and not self._told_singly(e):
            entry = self.told[found[0]]
            if "entity" in entry:
                entry["entity"].update({k: v for k, v in told["set"].items() if v is not None})
                for name in [k for k, v in told["set"].items() if v is None]:
                    entry["entity"].pop(name, None)
                return
            if "set" in entry:
                entry["set"].update(told["set"])
                return
        ident = self._roll.named(e)[1]
        self._open[e] = len(self.told), told
        self.told.append({"at": reach // 1_000, "id": ident, **told})
