"""The commands that open a connection with FreeSWITCH, and their options."""

from __future__ import annotations

import logging
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import click

from ..errors import LocalProtocolError
from .options import LOG_FORMAT, Address, AddressType, app_dir_option, imported, log_level_option, refuse

__all__ = ["doctor", "events", "originate"]

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
@click.option(
    "--reconnect",
    is_flag=True,
    help="Come back when the connection is lost, and say for how long events were missed.",
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
    reconnect: bool,
) -> None:
    """Watch events of FreeSWITCH, all of them or those named.

    Ctrl-C ends it, with status 0. A subclass of CUSTOM is named by itself: conference::maintenance.

    \b
      esl-outbound events CHANNEL_CREATE CHANNEL_HANGUP_COMPLETE
      esl-outbound events conference::maintenance --format json
      esl-outbound events CHANNEL_ANSWER --where Caller-Destination-Number=5000 --count 1 --for 60

    Exit status: 1 if FreeSWITCH cannot be reached or the connection is lost, or if --count was not reached in time;
    2 if the command is wrong.
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
        reconnect=reconnect,
    )
    raise SystemExit(run_events(options))


@click.command()
@switch_options
@click.option(
    "--server",
    metavar="HOST:PORT",
    default="127.0.0.1:8084",
    show_default=True,
    type=AddressType(8084),
    help="Your server's address, as FreeSWITCH finds it and its dialplan names it.",
)
@click.option(
    "--call",
    metavar="NUMBER",
    help="Place a call to this number through the dialplan, by loopback: it runs the handler, for --seconds at most.",
)
@click.option("--context", default="default", show_default=True, help="The dialplan's context of that call.")
@click.option(
    "--seconds",
    default=10.0,
    show_default=True,
    type=click.FloatRange(1, 3600),
    help="How long that call may go on.",
)
def doctor(
    switch: Address,
    password: str,
    user: str | None,
    server: Address,
    call: str | None,
    context: str,
    seconds: float,
) -> None:
    """Find out why calls do not come to your server, or not as they should.

    Looks at the connection with FreeSWITCH, its version and modules, whether the server listens, and which socket
    actions of the XML dialplan lead to it; with --call, what becomes of a call. A dialplan that a program writes for
    each call (mod_xml_curl, Lua) cannot be seen; --call goes through it.

    \b
      esl-outbound doctor
      esl-outbound doctor --switch 192.0.2.7 --server 192.0.2.8:8084 --call 5000

    Exit status: 0 if all is well, warnings included; 1 if something is wrong; 2 if the command is.
    """  # noqa: D301 - click keeps the lines behind this character
    from .doctor import DoctorOptions, run_doctor
    from .switches import Login
    from .trial_call import TrialCall

    trial = None
    if call is not None:
        try:
            trial = TrialCall(call, context, seconds)
        except LocalProtocolError as exc:
            refuse(str(exc))
    raise SystemExit(run_doctor(DoctorOptions(Login(switch, password, user), server, trial)))


@click.command()
@click.argument("destination")
@switch_options
@click.option("--extension", metavar="NUMBER", help="Connect whoever answers to this extension of the dialplan.")
@click.option("--context", default="default", show_default=True, help="The extension's context.")
@click.option("--dialplan", default="XML", show_default=True, help="The extension's dialplan.")
@click.option(
    "--application",
    "applications",
    metavar="NAME[:ARGUMENT]",
    multiple=True,
    help="Run this application for whoever answers; several run one after the other. ${...} in it is not expanded.",
)
@click.option("--handler", metavar="MODULE:NAME", help="Let this handler conduct the call, in this process.")
@app_dir_option
@click.option(
    "--call-host",
    metavar="HOST",
    default="127.0.0.1",
    show_default=True,
    help="This machine's address, where FreeSWITCH connects the handler's call.",
)
@click.option(
    "--call-port",
    metavar="PORT",
    default=0,
    show_default=True,
    type=click.IntRange(0, 65535),
    help="The port there; 0 takes a free one.",
)
@click.option("--caller-id-name", metavar="NAME", help="The name that whoever is called is shown.")
@click.option("--caller-id-number", metavar="NUMBER", help="The number that he is shown.")
@click.option(
    "--ring-seconds",
    metavar="SECONDS",
    default=60.0,
    show_default=True,
    type=click.FloatRange(1),
    help="How long the destination rings.",
)
@click.option("--early-media", is_flag=True, help="Let early media count as an answer.")
@click.option(
    "--var",
    "variables",
    metavar="NAME=VALUE",
    multiple=True,
    help="A channel variable; may be given several times.",
)
@log_level_option
def originate(
    destination: str,
    switch: Address,
    password: str,
    user: str | None,
    extension: str | None,
    context: str,
    dialplan: str,
    applications: tuple[str, ...],
    handler: str | None,
    app_dir: Path,
    call_host: str,
    call_port: int,
    caller_id_name: str | None,
    caller_id_number: str | None,
    ring_seconds: float,
    early_media: bool,
    variables: tuple[str, ...],
    log_level: str,
) -> None:
    """Call DESTINATION, such as user/1001, and connect whoever answers.

    Prints the new channel's UUID once he has answered. With --handler it stays until the call is over. Ctrl-C ends what
    rings, and a handler's call, with status 130.

    \b
      esl-outbound originate user/1001 --extension 5000
      esl-outbound originate user/1001 --application playback:ivr/welcome.wav
      esl-outbound originate user/1001 --handler app:Reminder

    Exit status: 1 if nobody was reached, or FreeSWITCH was not; 2 if the command is wrong.
    """  # noqa: D301 - click keeps the lines behind this character
    from .originating import OriginateOptions, run_originate
    from .switches import Login

    if [extension is not None, bool(applications), handler is not None].count(True) != 1:
        refuse("say whom to connect: one of --extension, --application and --handler")
    pairs = [variable.partition("=") for variable in variables]
    for text, (name, equals, _) in zip(variables, pairs, strict=True):
        if not name or not equals:
            refuse(f"--var {text!r}: a variable is given as NAME=VALUE")
    options = OriginateOptions(
        login=Login(switch, password, user),
        destination=destination,
        extension=extension or "",
        context=context,
        dialplan=dialplan,
        applications=[(name, argument) for name, _, argument in (each.partition(":") for each in applications)],
        handler=None if handler is None else imported("originate into", handler, app_dir),
        call_host=call_host,
        call_port=call_port,
        caller_id_name=caller_id_name,
        caller_id_number=caller_id_number,
        ring_seconds=ring_seconds,
        early_media=early_media,
        variables={name: value for name, _, value in pairs},
    )
    logging.basicConfig(level=log_level.upper(), format=LOG_FORMAT, stream=sys.stderr)
    raise SystemExit(run_originate(options))
