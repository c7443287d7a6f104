"""Whole series at once, for whoever computes over months of them: columns, not points.

A point as an object costs a microsecond, and a month of a city has millions. SQLite makes one JSON text of a column in
a twentieth of that, and a double comes back as the very same double (`tests/platform/test_columns.py`).
"""

from typing import Any, Final, NamedTuple

import orjson

from hansa.model.entity import VALUE_OF
from hansa.platform.sqlite.history import unpacked
from hansa.platform.sqlite.reader import SqliteReader
from hansa.trust.labels import Sight


class Column(NamedTuple):
    """One series in the order of its instants: those, the values, and the unit (or that of each)."""

    at: list[int]
    values: list[Any]
    unit: str | None
    units: list[str | None] | None = None
    """Where they are not all in one."""
    plain: bool = True
    """Whether every value is a number."""


_NONE: Final = Column([], [], None)


class ColumnReader(SqliteReader):
    """Reads columns of a realm's file, as a sight sees them. What came late stands at its own instant."""

    def labels(self) -> list[str]:
        """Every label that there is."""
        self._labels.refresh()
        return sorted(self._labels.texts.values())

    def column(self, ident: str, name: str, sight: Sight, since: int, until: int) -> Column:
        """The readings of one attribute from `since` (included) to `until` (not); none where it is hidden."""
        found = self._numbered("", ident)
        n = self._names.number(name)
        if found is None or n is None or not self._shows(ident, found[1], found[2], name, sight):
            return _NONE
        given = (found[0], n, since, until)
        at, values, many, odd, with_unit, unit, mixed, other = next(iter(self._run(_COLUMNS, given)))
        if odd:
            return self._slowly(given)
        said = orjson.loads(values)
        if mixed or 0 < with_unit < many:
            text = self._names.text
            each = [None if u is None else text(u) for (u,) in self._run(_UNITS, given)]
            return Column(orjson.loads(at), said, None, each, not other)
        return Column(orjson.loads(at), said, None if unit is None else self._names.text(unit), None, not other)

    def _slowly(self, given: tuple[int, int, int, int]) -> Column:
        """Where some are no plain Properties: each as it stands; what only says that it ended is no reading."""
        at, said, units = [], [], []
        for instant, v, u, x in self._run(_ROWS, given):
            value, unit = v, None if u is None else self._names.text(u)
            if x:
                one = unpacked(x)
                if "deletedAt" in one:
                    continue
                value, unit = one.get(VALUE_OF.get(one.get("type", "Property"), "value")), one.get("unitCode")
            at.append(instant)
            said.append(value)
            units.append(unit if isinstance(unit, str) else None)
        return Column(at, said, None, units, all(type(one) in {int, float} for one in said))


_RANGE: Final = "FROM history WHERE e = ? AND n = ? AND d = 0 AND at >= ? AND at < ? ORDER BY at, seq"
# A row whose x is not empty is more than a number and its unit.
_COLUMNS: Final = (
    "SELECT json_group_array(at), json_group_array(v), count(*), count(nullif(x, x'')), count(u), min(u), "  # noqa: S608
    "min(u) IS NOT max(u), count(*) FILTER (WHERE typeof(v) NOT IN ('integer', 'real')) "
    f"FROM (SELECT at, v, u, x {_RANGE})"
)
_UNITS: Final = f"SELECT u {_RANGE}"
_ROWS: Final = f"SELECT at, v, u, x {_RANGE}"
