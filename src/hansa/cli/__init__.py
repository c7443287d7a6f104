"""The commands, `hansa ...`: each speaks to a running city through its own doors, or to its files when it sleeps.

Owns: words for people at a terminal. Must not: decide anything that a page or another program would need too.
"""

import logging
import sys
from pathlib import Path
from typing import Any, Final

import click
import structlog

import hansa
from hansa.errors import HansaError
from hansa.trust import redact

LEVELS: Final = ("debug", "info", "warning", "error")


class _Commands(click.Group):
    """Commands whose modules are imported when they are called: `hansa --help` stays quick."""

    lazy: Final = {
        "serve": "hansa.cli.serving",
        "up": "hansa.cli.serving",
        "feed": "hansa.cli.feed",
        "import": "hansa.cli.imports",
        "export": "hansa.cli.files",
        "check": "hansa.cli.files",
        "rebuild": "hansa.cli.files",
        "audit": "hansa.cli.audit",
        "ballots": "hansa.cli.ballots",
        "backup": "hansa.cli.backup",
        "restore": "hansa.cli.backup",
        "key": "hansa.cli.keys",
        "device": "hansa.cli.devices",
        "deadletters": "hansa.cli.devices",
        "person": "hansa.cli.people",
        "service": "hansa.cli.machines",
        "token": "hansa.cli.machines",
        "models": "hansa.cli.models",
        "ca": "hansa.cli.ca",
        "apps": "hansa.cli.running",
        "backtest": "hansa.cli.running",
        "score": "hansa.cli.score",
        "kpi": "hansa.cli.kpi",
        "link": "hansa.cli.link",
        "bench": "hansa.cli.bench",
    }

    def list_commands(self, _ctx: click.Context) -> list[str]:
        """All commands, in the order in which a city meets them."""
        return list(self.lazy)

    def get_command(self, _ctx: click.Context, name: str) -> click.Command | None:
        """Import the module of one command."""
        where = self.lazy.get(name)
        if where is None:
            return None
        module = __import__(where, fromlist=["commands"])
        found: dict[str, click.Command] = module.commands
        return found[name]

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; what somebody did wrong is a sentence, not a traceback."""
        try:
            return super().invoke(ctx)
        except HansaError as fault:
            where = f" ({fault.where})" if fault.where else ""
            mend = f"\n  {fault.mend}" if fault.mend else ""
            click.echo(f"hansa: {fault.detail}{where}{mend}", err=True)
            ctx.exit(2)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(hansa.__version__)
def main() -> None:
    """A city platform in one program: collect, share, understand, act, measure."""


class _Others(logging.Formatter):
    """Lines of libraries, without what looks like a secret."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, or a traceback."""
        return redact.text(super().format(record))


data_option = click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=Path("city"), show_default=True,
    envvar="HANSA_DATA", help="The city's folder.",
)  # fmt: skip


def log_to_stderr(level: str) -> None:
    """Plain lines for a person, JSON where nobody watches; secrets for neither."""
    number = getattr(logging, level.upper(), logging.INFO)
    others = logging.StreamHandler()
    others.setFormatter(_Others("%(levelname)s %(name)s %(message)s"))
    quiet = logging.INFO if number <= logging.DEBUG else max(number, logging.WARNING)
    logging.basicConfig(level=quiet, handlers=[others], force=True)
    render: Any = structlog.processors.JSONRenderer()
    if sys.stderr.isatty():  # plain: a traceback with every local in it takes seconds, and locals may be secrets
        render = structlog.dev.ConsoleRenderer(exception_formatter=structlog.dev.plain_traceback)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso"),
            structlog.processors.format_exc_info,
            redact.line,
            render,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
