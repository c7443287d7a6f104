"""`hansa kpi`: a framework's indicators scored from a file, and any of them explained."""

import json
import sys
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from hansa import kpi
from hansa.cli.kpi_report import report
from hansa.errors import BadRequest, HansaError, NotFound

WIDE: Final = 150  # columns where nobody's terminal says how many
# A band by its colour and its word together, the worst first; as many as there are points.
_STYLES: Final = ("", "red", "dark_orange", "yellow", "green")
_SAID: Final = {"read": "read in the standard", "recalled": "recalled, not read", "ours": "ours", "none": "not known"}


@click.group("kpi")
def kpi_() -> None:
    """Indicators of frameworks: score a city's values, explain where a number comes from."""


@kpi_.command("list")
@click.argument("framework", required=False)
def list_(framework: str | None) -> None:
    """Name the frameworks, or the indicators of one."""
    if framework is None:
        for name in kpi.frameworks():
            one = kpi.framework(name)
            click.echo(f"{name}: {one.name}, {one.edition} ({len(one.indicators)} indicators)")
        return
    for one_ in _framework(framework).indicators.values():
        click.echo(f"{one_.code}  {one_.name}")


@kpi_.command()
@click.argument("framework")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--period", help="Which period, where the file speaks of several: 2024.")
@click.option(
    "--against", type=click.Path(path_type=Path, dir_okay=False), multiple=True,
    help="Another city's file, to compare with (frameworks that score between cities need some).",
)  # fmt: skip
@click.option("--all", "every", is_flag=True, help="Show also what is not reported.")
@click.option("--json", "as_json", is_flag=True, help="Points, percents and bands as JSON.")
def score(
    framework: str, file: Path, period: str | None, against: tuple[Path, ...], *, every: bool, as_json: bool
) -> None:
    """Score the values of FILE (YAML or CSV) by FRAMEWORK: an id (`hansa kpi list`) or a file of a city's own.

    A line a code: `EC: ICT: ICT: 1C: {value: 80, target: 95}`, or its inputs by name instead of the value. What is
    wrong in the file is listed with its line, and then nothing is scored (exit 1); what is odd goes to stderr.
    """
    try:
        asked = _framework(framework)
        filed = _filed(asked, file, period)
        others = [_filed(asked, one, period) for one in against]
        scored = kpi.score(
            asked,
            filed.reported,
            targets=asked.targets_at(filed.period),
            weights=asked.weights_at(filed.period),
            compared=_compared(others),
        )
    except kpi.BadFile as fault:
        for one in fault.faults:
            click.echo(f"hansa: {file}: {one}", err=True)
        click.echo(f"hansa: {len(fault.faults)} faults; nothing was scored", err=True)
        sys.exit(1)
    except HansaError as fault:
        _complain(file, fault)
        sys.exit(1)
    told = [str(one) for one in filed.warnings]
    if as_json:
        document = scored.document() | {"period": filed.period, "warnings": told, "incomplete": kpi.incomplete(scored)}
        click.echo(json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False))
    else:
        _show(scored, filed.period, every=every)
    for one_ in told:
        click.echo(f"warning: {one_}", err=True)


@kpi_.command()
@click.argument("code", nargs=-1, required=True)
@click.option("--framework", help="The framework, where several have the code; an id or a file.")
def explain(code: tuple[str, ...], framework: str | None) -> None:
    """Say what an indicator is: its formula in words and symbols, who has its inputs, and what of it was read where."""
    asked, one = _indicator(" ".join(code), framework)  # a code with blanks in it needs no quotes
    console = _console()
    console.print(Text(f"{one.code}  {one.name}", style="bold"))
    console.print(Text(f"{asked.name}, {asked.edition}: {' / '.join(one.path)}"), highlight=False)
    console.print()
    console.print(Text(one.definition or "(no definition is known)"), highlight=False)
    console.print()
    facts = _table("", "", show_header=False)
    for fact, told in _facts(asked, one):
        facts.add_row(fact, told)
    console.print(facts)
    inputs = _table("input", "what", "unit", title="Inputs")
    for given in one.inputs.values():
        inputs.add_row(given.name, given.says, given.unit)
    console.print(inputs)
    if one.checks:
        checks = _table("must hold", "in words", "else", title="Checks")
        for check in one.checks:
            checks.add_row(check.formula.symbols(), check.says, check.severity)
        console.print(checks)
    said = _table("field", "known from", title="What of this was read")
    for part, where in one.said.items():
        said.add_row(part.replace("_", " "), _SAID[where])
    console.print(said)
    for note in one.notes:
        click.echo(f"Note: {note}")


# --- what is asked -------------------------------------------------------------------------------------------------


def _framework(name: str) -> kpi.Framework:
    """A framework that ships, or one in a file."""
    file = Path(name)
    if name in kpi.frameworks() or not (file.suffix.lower() in {".json", ".yaml", ".yml"} or file.is_file()):
        return kpi.framework(name)
    return kpi.opened(file.name, _body(file))


def _body(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as fault:
        raise NotFound(f"{file} cannot be read: {fault.strerror}", where=str(file)) from fault


def _filed(framework: kpi.Framework, file: Path, period: str | None) -> kpi.Filed:
    kinds = {".csv": "csv", ".tsv": "csv", ".yaml": "yaml", ".yml": "yaml", ".json": "yaml"}
    kind = kinds.get(file.suffix.lower())
    if kind is None:
        raise BadRequest(f"{file.name} is neither YAML nor CSV", where=str(file), mend="save it as .yaml or .csv")
    return kpi.read_values(framework, _body(file), kind, period=period, now_year=datetime.now(UTC).year)


def _compared(others: list[kpi.Filed]) -> dict[tuple[str, str], list[float]]:
    found: dict[tuple[str, str], list[float]] = {}
    for one in others:
        for code, said in one.reported.items():
            for key, value in said.values.items():
                if value is not None:
                    found.setdefault((code, key), []).append(value)
    return found


def _indicator(code: str, framework: str | None) -> tuple[kpi.Framework, kpi.Indicator]:
    if framework is not None:
        asked = _framework(framework)
        return asked, asked.indicator(code)
    having = [one for one in map(kpi.framework, kpi.frameworks()) if one.code(code) is not None]
    if len(having) == 1:
        return having[0], having[0].indicator(code)
    if having:
        names = ", ".join(one.id for one in having)
        raise BadRequest(f"{code[:80]!r} is in {names}", where="CODE", mend=f"--framework {having[0].id}")
    hints: list[str] = []
    for one in map(kpi.framework, kpi.frameworks()):
        try:
            one.indicator(code)
        except NotFound as fault:
            hints += [fault.mend] if fault.mend and fault.mend.startswith("perhaps") else []
    raise NotFound(
        f"no framework has an indicator {code[:80]!r}", where="CODE", mend=hints[0] if hints else "hansa kpi list"
    )


def _complain(file: Path, fault: HansaError) -> None:
    where = f" ({fault.where})" if fault.where else ""
    mend = f"\n  {fault.mend}" if fault.mend else ""
    click.echo(f"hansa: {file}: {fault.detail}{where}{mend}", err=True)


# --- what is shown -------------------------------------------------------------------------------------------------


def _console() -> Console:
    return Console() if sys.stdout.isatty() else Console(width=WIDE)


def _table(*heads: str, title: str | None = None, show_header: bool = True) -> Table:
    return Table(*heads, title=title, title_justify="left", show_header=show_header)


def _show(scored: kpi.Scored, period: str | None, *, every: bool) -> None:
    console, framework = _console(), scored.framework
    title = f"{framework.name}{f', {period}' if period else ''}"
    table = _table("code", "indicator", "value", "target", "% of target", "points", "band", title=title)
    for column in table.columns[2:6]:
        column.justify = "right"
    for row in _indicator_rows(scored, every=every):
        table.add_row(*row)
    console.print(table)
    for level in reversed(framework.levels):
        nodes = {path: one for path, one in scored.nodes.items() if path and framework.level(path) == level}
        console.print(_node_table(scored, level, nodes, every=every))
    console.print(_node_table(scored, "whole", {(): scored.whole}, every=True))
    if (sentence := kpi.incomplete(scored)) is not None:
        click.echo(sentence)


def _indicator_rows(scored: kpi.Scored, *, every: bool) -> Iterator[tuple[Text, ...]]:
    for code, one in scored.indicators.items():
        about = scored.framework.indicators[code]
        for key, point in one.data_points.items():
            if point.value is None and point.status != "not applicable" and not every:
                continue
            name = about.name if not key else f"{about.name}: {about.points[key].name}"
            band = point.band or f"({point.why})"
            yield (
                Text(code), Text(name), Text(_figure(point.value)), Text(_figure(point.target)),
                Text("met" if point.points and point.percent_of_target is None else _figure(point.percent_of_target)),
                Text(_figure(point.points if point.score is None else point.score)),
                Text(band, style=_style(scored, point.band)),
            )  # fmt: skip


def _node_table(
    scored: kpi.Scored, level: str, nodes: Mapping[tuple[str, ...], kpi.NodeScore], *, every: bool
) -> Table:
    table = _table(level.replace("_", "-"), "percent", "band", "scored", title=kpi.plural(level).replace("_", "-"))
    for column in (table.columns[1], table.columns[3]):
        column.justify = "right"
    if level == "whole":
        table.title = None
    own: Callable[[kpi.NodeScore], list[Text]] | None = None
    if any(one.score is not None for one in nodes.values()):
        table.add_column("score", justify="right")

        def own(one: kpi.NodeScore) -> list[Text]:
            return [Text("–" if one.score is None else f"{one.score:.2f} of {one.possible or 0:.2f}")]

    for path, one in nodes.items():
        if one.scored or every:
            cells = [
                Text(" / ".join(path) or scored.framework.name), Text(_figure(one.percent)),
                Text(one.band or "–", style=_style(scored, one.band)), Text(f"{one.scored} of {one.total}"),
            ]  # fmt: skip
            table.add_row(*cells, *(own(one) if own else []))
    return table


def _style(scored: kpi.Scored, band: str | None) -> str:
    names = [one.name for one in scored.framework.scoring.bands]
    return _STYLES[min(names.index(band) + 1, len(_STYLES) - 1)] if band in names else "dim"


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}".rstrip("0").rstrip(".").replace(",", "\u00a0")


def _facts(framework: kpi.Framework, one: kpi.Indicator) -> Iterator[tuple[Text, Text]]:
    says = {given.name: given.says for given in one.inputs.values()}
    facts: list[tuple[str, str]] = [
        ("level", one.level or "–"), ("type", one.type or "–"), ("unit", one.unit or "–"), ("period", one.period),
    ]  # fmt: skip
    for key, point in one.points.items():
        name = f"formula ({point.name})" if key else "formula"
        if point.formula is None:
            facts.append((name, "none is known: the value itself is reported"))
        else:
            facts.append((name, f"{point.formula.symbols()}  [{point.unit or '1'}]\n{point.formula.words(says)}"))
        facts.append((f"better ({point.name})" if key else "better", _better(framework, point)))
    facts += [
        ("scoring", _scoring(framework)),
        *_weight(framework, one),
        ("who has it", ", ".join(one.holders) or "–"),
        ("SDG", ", ".join(one.sdg) or "–"),
        ("sources", "\n".join(_source(framework, said) for said in one.sources) or "–"),
    ]
    yield from ((Text(name), Text(text)) for name, text in facts)


def _weight(framework: kpi.Framework, one: kpi.Indicator) -> Iterator[tuple[str, str]]:
    """Its weight, where the framework speaks of weights, and where that is known from."""
    tree = framework.weights_at()
    if tree is not None and one.code in tree.of:
        weight = tree.of[one.code]
        known = "not known, so it is not scored" if weight is None else f"{weight:g}"
        where = tree.said.get(one.code)
        yield "weight", f"{known} ({_SAID[where]})" if where not in {None, "none"} else known


def _better(framework: kpi.Framework, point: kpi.Point) -> str:
    if framework.scoring.kind != "points" and point.direction in {"higher", "lower"}:
        return "more" if point.direction == "higher" else "less"
    if not point.scored:
        return f"{framework.name} has no target for it: it is scored only where the city sets its own"
    return {
        "higher": "more; its share of the target is value ÷ target",
        "lower": "less; its share of the target is target ÷ value",
        "best": f"the nearer to {point.best or 1:g}",
        "none": "neither more nor less: it is shown, and not scored",
    }[point.direction]


def _scoring(framework: kpi.Framework) -> str:
    scheme = framework.scoring
    if scheme.kind == "points":
        bands = ", ".join(f"{one.name} % of target: {one.points}" for one in scheme.bands)
        return f"points by the share of the city's own target ({bands}); without a target it is not scored"
    if scheme.kind == "minmax":
        span = f"{scheme.low:g} to {scheme.high:g} between the worst and the best of the compared cities"
        return f"{span} (our way: they publish none)"
    return "its share times its weight within its group, times the weight of the group in the whole"


def _source(framework: kpi.Framework, said: str) -> str:
    """A source as the pack abbreviates it, `M17:p23`, with where that is."""
    short, _, place = said.partition(":")
    where = framework.sources.get(short)
    if where is None:
        return said
    page = place.removeprefix("p").split("(")[0]
    return f"{said}  {where.replace('<N>', page) if page.isdigit() else where}"


kpi_.add_command(report)
commands: dict[str, Any] = {"kpi": kpi_}
