"""The past as somebody may see it: the picture at an instant, what happened since, a day at a glance.

What is shown must be seen under the labels of then *and* under those of now: who may not see a thing any more does not
see it in the past, and who may see it only now did not see it then. What was taken back of history, and what was to be
kept only until a time that is over, is not shown as of any instant. Within these bounds it is what the city knew at
that time, by the order of the log, not what was observed for it later.

Labels are decided elsewhere (`Eyes`); nothing here opens a socket. Report: 2.4.2. Tests: `tests/analytics/`.
"""

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final

import orjson

from hansa import clock
from hansa.analytics.rewind_play import Play
from hansa.analytics.rewind_sight import NOW, VIEW, Asked, Eyes, Looking
from hansa.errors import BadRequest, TooLarge
from hansa.model.entity import alias
from hansa.platform.sqlite.then import Labels, Then, Why
from hansa.trust.labels import unlabelled

_WALKED: Final = 100_000  # Changes of relabelled entities that are looked at for one time line
_SMALLER: Final = "a shorter span, a smaller area, or fewer types"


class Rewind:
    """The past of one realm, for one asker after the other."""

    def __init__(self, then: Then) -> None:
        """Read through `then`."""
        self._then = then
        self._past = Looking(then)
        self._default = unlabelled(then.realm)

    # The picture

    def picture(self, asked: Asked, eyes: Eyes) -> dict[str, Any]:
        """Every entity as it was at `asked.since`, as these eyes may see it."""
        then = self._then
        seq = self._place(asked.since, asked.now)
        roll = then.states(seq, asked.types)
        try:
            known = self._past.known(roll.things, seq)
            self._past.look_around(roll, asked, known)
            found: list[dict[str, Any]] = []
            more = 0
            for e, thing in roll.things.items():
                shown = self._past.shown(e, thing, known, asked, eyes, seq)
                if shown is None:
                    continue
                if len(found) >= asked.most:
                    more += 1
                else:
                    found.append(VIEW.entity(shown))
        finally:
            then.keep(roll, asked.types)
        return {"at": clock.text(asked.since), **self._bounds(), "entities": found, "cut": more}

    def _place(self, when: int, now: int) -> int:
        """Where the log was then; BadRequest before the city's memory begins, and after now."""
        if when > now:
            raise BadRequest("that has not happened yet", where="at", mend=f"it is {clock.text(now)}")
        first = self._then.first()[1]
        if not first or when < first:
            mend = f"it begins at {clock.text(first)}" if first else "nothing has been said to it"
            raise BadRequest("the city remembers nothing of that time", where="at", mend=mend)
        return self._then.place(when, now)

    def _bounds(self) -> dict[str, Any]:
        return {"begins": clock.text(self._then.first()[1])}

    # What happened

    # What happened

    def changes(self, asked: Asked, eyes: Eyes) -> dict[str, Any]:
        """What changed after `asked.since` until `asked.until`, in order, for a picture as of `since`.

        At most `asked.most` are told; `until` then says how far it is told, and `more` that there is more.
        """
        then = self._then
        if asked.until < asked.since:
            raise BadRequest("it ends before it begins", where="until")
        roll = then.states(self._place(asked.since, asked.now), asked.types)
        play = Play(self._past, roll, asked, eyes)
        try:
            end = play.run(then.place(min(asked.until, asked.now), asked.now))
        except BaseException:
            then.names.refresh()
            raise
        then.keep(roll, asked.types)
        until = asked.until if end is None else end
        return {
            "from": clock.text(asked.since),
            "until": clock.text(until),
            "more": end is not None,
            "changes": play.told,
        }

    def film(self, asked: Asked, eyes: Eyes, bins: int) -> dict[str, Any]:
        """The picture at `since`, all that changed until `until`, marks and doings between, and under which labels.

        TooLarge when that is more than `asked.most` entities or Changes.
        """
        first = self._then.first()[1]
        if asked.since < first <= asked.until:  # it begins where the city's memory does
            asked = replace(asked, since=first)
        picture = self.picture(asked, eyes)
        if picture["cut"]:
            raise TooLarge(f"more than {asked.most:,} entities", where="area", mend=_SMALLER)
        told: list[dict[str, Any]] = []
        since = asked.since
        while True:
            some = self.changes(replace(asked, since=since), eyes)
            told += some["changes"]
            if len(told) > asked.most:
                raise TooLarge(f"more than {asked.most:,} Changes", where="until", mend=_SMALLER)
            if not some["more"]:
                break
            since = clock.parse(some["until"])
        day = self.day(asked, eyes, bins)
        # Only what is in the film: what happened elsewhere is no part of it.
        there = {one["id"] for one in picture["entities"]} | {one["id"] for one in told}
        for name in ("marks", "doings"):
            day[name] = [one for one in day[name] if one["id"] in there]
        width = day["width_s"] * 1_000
        counted = Counter((one["at"] - asked.since // 1_000) // width for one in told)
        day["density"] = [[asked.since // 1_000 + max(0, n) * width, many] for n, many in sorted(counted.items())]
        return {"picture": picture, "changes": told, "day": day, "labels": sorted(eyes.used)}

    # A day at a glance

    def day(self, asked: Asked, eyes: Eyes, bins: int) -> dict[str, Any]:
        """How much happened when, which alarms and incidents, and who did what, from `since` to before `until`."""
        then = self._then
        if asked.until <= asked.since:
            raise BadRequest("it ends before it begins", where="until")
        width = max(60_000_000, -(-(asked.until - asked.since) // bins // 60_000_000) * 60_000_000)
        relabelled = then.relabelled()
        return {
            "from": clock.text(asked.since),
            "until": clock.text(asked.until),
            **self._bounds(),
            "width_s": width // 1_000_000,
            "density": self._density(asked, eyes, width, relabelled),
            **self._events(asked, eyes, relabelled),
        }

    def _density(
        self, asked: Asked, eyes: Eyes, width: int, relabelled: dict[int, list[tuple[int, Labels]]]
    ) -> list[list[int]]:
        """[milliseconds, Changes] of each span in which there was any."""
        wanted = self._then.kinds(asked.types)
        text = self._then.names.text
        counted: Counter[int] = Counter()
        hidden = self._hidden(asked, eyes, relabelled)
        for minute, t, label, own, many in self._then.tallies(asked.since, asked.until):
            kind = text(t) if t else ""
            if " " in kind or (wanted is not None and t not in wanted) or not self._counts(eyes, kind, label, own):
                continue
            if (None, label) in hidden:
                continue
            left = many - hidden.get((minute, t, label), 0)
            counted[(minute - asked.since) // width] += max(0, left)
        return [[(asked.since + max(0, n) * width) // 1_000, many] for n, many in sorted(counted.items()) if many]

    def _counts(self, eyes: Eyes, kind: str, label: str, own: str) -> bool:
        if not eyes.sees(label) or not eyes.covers([kind] if kind else []):
            return False
        return not own or any(eyes.sees(one) for one in own.split("\n"))

    def _hidden(self, asked: Asked, eyes: Eyes, relabelled: dict[int, list[tuple[int, Labels]]]) -> dict[Any, int]:
        """Changes that were for these eyes when they happened, and are not now: by minute, type and label then.

        Of too many, all that was under such a label is hidden: (None, label).
        """
        now = self._then.labels(relabelled)
        out: dict[Any, int] = {}
        steps = 0
        for e, past in relabelled.items():
            if eyes.sees(now.get(e, NOW)[0]):
                continue
            for label in {was[0] or self._default for _, was in past}:
                if not eyes.sees(label):
                    continue
                for seq, at, t in self._then.thread(e, asked.since):
                    steps += 1
                    if steps > _WALKED:
                        out[None, label] = 1
                        break
                    then = next((was[0] for until, was in past if until > seq), now.get(e, NOW)[0])
                    if (then or self._default) == label:
                        key = at // 60_000_000 * 60_000_000, t, label
                        out[key] = out.get(key, 0) + 1
        return out

    def _events(self, asked: Asked, eyes: Eyes, relabelled: dict[int, list[tuple[int, Labels]]]) -> dict[str, Any]:
        """Alarms, incidents and commands as marks on a time line, and what people did."""
        then = self._then
        why = int(Why.DONE | Why.ALARM | Why.INCIDENT | Why.COMMAND)
        events = then.events(asked.since, asked.until, why, 2 * asked.most)
        cut = max(0, len(events) - asked.most)
        events = events[: asked.most]
        by_seq = {one.seq: one for one in events}
        numbers = {one.e for one in events}
        known = self._past.known(numbers, 0)
        ids = then.ids(numbers)
        text = then.names.text
        marks: list[dict[str, Any]] = []
        doings: list[dict[str, Any]] = []
        for (seq, e, at, _, t), said in then.doings(by_seq):
            event = by_seq[seq]
            tenant, ident = ids.get(e, (1, ""))
            kind = text(t) if t else ""
            now = known.labels.get(e, NOW)
            was = next((labels for until, labels in relabelled.get(e, ()) if until > seq), now)
            if tenant or not self._past.sees(e, was[0], [kind] if kind else [], known, eyes):
                continue
            if asked.types is not None and alias(kind) not in asked.types:
                continue
            told = self._past.parts(e, seq, at, said, (was, now), known, asked, eyes, ident)
            if told is None:
                continue
            eyes.note(ident, was[0])
            entry = {"at": at // 1_000, "id": ident, "type": alias(kind), **told}
            if event.why & (Why.ALARM | Why.INCIDENT | Why.COMMAND):
                marks.append(entry)
            if event.why & Why.DONE:
                doings.append({**entry, "by": text(said[0])})
        return {"marks": marks, "doings": doings, "cut": cut}


def answered(what: Mapping[str, Any]) -> bytes:
    """As JSON."""
    return orjson.dumps(what)


Ask = Callable[[Asked, Eyes], dict[str, Any]]
