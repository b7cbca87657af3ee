"""The commands that open a connection with FreeSWITCH, and their options."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Final, ParamSpec, TypeVar

import click

from .options import Address, AddressType, refuse

__all__ = ["events"]

P = ParamSpec("P")
R = TypeVar("R")

PASSWORD_VARIABLE: Final = "ESL_OUTBOUND_PASSWORD"  # the name of one, and none itself


def switch_options(command: Callable[P, R]) -> Callable[P, R]:
    """``--switch``, ``--password`` and ``--user``."""
    for option in (
        click.option(
            "--user",
            metavar="USER[@DOMAIN]",
            help="A user of FreeSWITCH's directory, whose esl-password the password is then.",
        ),
        click.option(
            "--password",
            default="ClueCon",
            show_default=True,
            envvar=PASSWORD_VARIABLE,
            show_envvar=True,
            help="The password of event_socket.conf.xml. In the variable it is not in the list of processes.",
        ),
        click.option(
            "--switch",
            metavar="HOST[:PORT]",
            default="127.0.0.1:8021",
            show_default=True,
            type=AddressType(8021),
            help="Where FreeSWITCH listens.",
        ),
    ):
        command = option(command)
    return command


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@switch_options
@click.option(
    "--where",
    "where",
    metavar="HEADER=VALUE",
    multiple=True,
    help="Only events that have this header with this value, such as Unique-ID=...; may be given several times.",
)
@click.option(
    "--format",
    "shape",
    default="table",
    show_default=True,
    type=click.Choice(("table", "json", "raw")),
    help="A table; a JSON object on each line; or all headers, a line each.",
)
@click.option("--count", metavar="N", type=click.IntRange(1), help="End after so many events.")
@click.option(
    "--for",
    "seconds",
    metavar="SECONDS",
    type=click.FloatRange(0, min_open=True),
    help="End after so long; with status 1, if there were fewer events than --count.",
)
def events(
    names: tuple[str, ...],
    switch: Address,
    password: str,
    user: str | None,
    where: tuple[str, ...],
    shape: str,
    count: int | None,
    seconds: float | None,
) -> None:
    """Watch events of FreeSWITCH, all of them or those named.

    Ctrl-C ends it, with status 0. A subclass of CUSTOM is named by itself: conference::maintenance.

    \b
      esl-outbound events CHANNEL_CREATE CHANNEL_HANGUP_COMPLETE
      esl-outbound events conference::maintenance --format json
      esl-outbound events CHANNEL_ANSWER --where Caller-Destination-Number=5000 --count 1 --for 60

    Exit status: 1 if FreeSWITCH cannot be reached or the connection ends, or if --count was not reached in time; 2 if
    the command is wrong.
    """  # noqa: D301 - click keeps the lines behind this character
    # Not above: other commands need no client.
    from .switches import Login
    from .watching import Shape, WatchOptions, event_names, run_events

    pairs = [each.partition("=") for each in where]
    for text, (header, equals, _) in zip(where, pairs, strict=True):
        if not header or not equals:
            refuse(f"--where {text!r}: a header is given as NAME=VALUE")
    if seconds is not None and not math.isfinite(seconds):
        refuse(f"--for {seconds}: that is no number of seconds")
    options = WatchOptions(
        login=Login(switch, password, user),
        names=event_names(names) or ("ALL",),
        where={header: value for header, _, value in pairs},
        shape=Shape(shape),
        count=count,
        seconds=seconds,
    )
    raise SystemExit(run_events(options))
