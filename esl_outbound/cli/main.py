"""The commands and their options; what they do is in the modules beside this one."""

from __future__ import annotations

import importlib
import logging
import sys
import traceback
from pathlib import Path
from typing import NoReturn

import click

from .. import __version__
from ..errors import EslOutboundError
from .demo import run_demo
from .importing import import_handler
from .running import run_server

__all__ = ["main"]

_PACKAGE = Path(__file__).parent.parent
_LEVELS = ("critical", "error", "warning", "info", "debug")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """Control FreeSWITCH calls from Python."""


@main.command()
@click.argument("target", metavar="MODULE:NAME")
@click.option("--host", default="127.0.0.1", show_default=True, help="The address to listen on, IPv4 or IPv6.")
@click.option(
    "--port", default=8084, show_default=True, type=click.IntRange(0, 65535), help="The port; 0 takes a free one."
)
@click.option(
    "--app-dir",
    default=".",
    show_default=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where MODULE is looked for first.",
)
@click.option(
    "--log-level",
    default="info",
    show_default=True,
    type=click.Choice(_LEVELS, case_sensitive=False),
    help="How much is logged, to standard error; debug shows the wire, '<' from FreeSWITCH and '>' to it.",
)
def serve(target: str, host: str, port: int, app_dir: Path, log_level: str) -> None:
    """Serve calls with the handler MODULE:NAME, such as app:Reception.

    FreeSWITCH's dialplan sends calls here with
    <action application="socket" data="127.0.0.1:8084 async full"/>.
    Ctrl-C ends it.
    """
    logging.basicConfig(level=log_level.upper(), format="%(asctime)s %(levelname)-7s %(message)s", stream=sys.stderr)
    try:
        handler = import_handler(target, app_dir)
    except EslOutboundError as exc:
        _refuse(str(exc))
    except Exception as exc:
        _show_users_traceback(exc)
        raise SystemExit(1) from exc
    try:
        run_server(handler, host=host, port=port)
    except EslOutboundError as exc:
        _refuse(f"cannot serve {target}: {exc}")
    except OSError as exc:
        _refuse(f"cannot listen on {host} port {port}: {exc.strerror or exc}")


@main.command()
def demo() -> None:
    """Show a call: a server on loopback, and a recorded FreeSWITCH that calls it."""
    run_demo()


def _refuse(reason: str) -> NoReturn:
    """Say in one line what is wrong with the command, and leave with status 2."""
    click.echo(f"esl-outbound: {reason}", err=True)
    raise SystemExit(2)


def _show_users_traceback(exc: Exception) -> None:
    """Show what went wrong in the user's module, without the frames that led there."""
    trace = exc.__traceback__
    while trace is not None and trace.tb_next is not None:
        filename = trace.tb_frame.f_code.co_filename
        if not filename.startswith(("<frozen importlib", str(_PACKAGE), importlib.__file__)):
            break
        trace = trace.tb_next
    traceback.print_exception(type(exc), exc, trace)
