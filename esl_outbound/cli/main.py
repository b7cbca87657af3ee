"""The commands and their options; what they do is in the modules beside this one."""

from __future__ import annotations

import logging
import math
import sys
from pathlib import Path

import click

from .. import __version__
from ..errors import EslOutboundError, LocalProtocolError
from ..handler import HandlerSource
from .options import LEVELS, LOG_FORMAT, Address, AddressType, app_dir_option, imported, refuse
from .running import run_server
from .switch_commands import doctor, events, originate

__all__ = ["main"]


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
@app_dir_option
@click.option(
    "--log-level",
    default="info",
    show_default=True,
    type=click.Choice(LEVELS, case_sensitive=False),
    help="How much is logged, to standard error; debug shows the wire, '<' from FreeSWITCH and '>' to it.",
)
@click.option(
    "--record",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Record every call into this directory, a file each, to be played back in tests. The files are as private as"
    " the calls: they hold numbers, names, and what callers typed, PINs too.",
)
def serve(target: str, host: str, port: int, app_dir: Path, log_level: str, record: Path | None) -> None:
    """Serve calls with the handler MODULE:NAME, such as app:Reception.

    FreeSWITCH's dialplan sends calls here with
    <action application="socket" data="127.0.0.1:8084 async full"/>.
    Ctrl-C ends it.
    """
    logging.basicConfig(level=log_level.upper(), format=LOG_FORMAT, stream=sys.stderr)
    handler = imported("serve", target, app_dir)
    try:
        run_server(handler, host=host, port=port, record=record)
    except EslOutboundError as exc:
        refuse(f"cannot serve {target}: {exc}")
    except OSError as exc:
        refuse(f"cannot listen on {host} port {port}: {exc.strerror or exc}")


@main.command()
@click.argument("target", metavar="[MODULE:NAME]", required=False)
@click.option(
    "--connect",
    metavar="HOST:PORT",
    help="Call a server that runs already, in any language; with | between them, others to try if it is not there.",
)
@app_dir_option
@click.option("--number", default="5000", show_default=True, help="The number that you dial.")
@click.option("--caller-id", default="1000", show_default=True, help="Your own number.")
@click.option("--caller-name", default="", help="The name that you show: callers choose it, so try what might hurt.")
@click.option(
    "--var", "variables", metavar="NAME=VALUE", multiple=True, help="A channel variable; may be given several times."
)
@click.option(
    "--mode",
    default="async full",
    show_default=True,
    type=click.Choice(("async full", "async", "full", "")),
    help="The flags of the dialplan's socket line.",
)
@click.option("--path", default="", help="What follows the address in that line (socket_path).")
@click.option("--answer-first", is_flag=True, help="Let the dialplan answer before it hands the call over.")
@click.option(
    "--press",
    metavar="DIGITS",
    default="",
    help="Press these, one after the other, from the first sound or question on, or from a second after the answer"
    " if there is none; a comma waits a second, h hangs up: --press '1,,2#'. Standard input is left alone then.",
)
@click.option(
    "--hang-up-after", metavar="SECONDS", type=click.FloatRange(0), help="Hang up so long after the start of the call."
)
@click.option(
    "--callee",
    "callees",
    metavar="WHOM=WHAT",
    multiple=True,
    help="What becomes of a bridge to WHOM: user/1001=USER_BUSY does not answer, for that cause; user/1001=3 answers"
    " after 3 seconds; 'user/*=NO_ANSWER' holds for all of them. May be given several times; the last that fits"
    " counts. Everybody else answers after a second.",
)
@click.option(
    "--sounds",
    metavar="DIR",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Sound files: those in it last as long as they are. Others last a second.",
)
@click.option(
    "--log-level",
    default="info",
    show_default=True,
    type=click.Choice(LEVELS, case_sensitive=False),
    help="Which lines of the log are shown; debug shows the wire and whole tracebacks, too.",
)
def call(
    target: str | None,
    connect: str | None,
    app_dir: Path,
    number: str,
    caller_id: str,
    caller_name: str,
    variables: tuple[str, ...],
    mode: str,
    path: str,
    answer_first: bool,
    press: str,
    hang_up_after: float | None,
    callees: tuple[str, ...],
    sounds: Path | None,
    log_level: str,
) -> None:
    """Be the caller: call the handler MODULE:NAME, or a server with --connect.

    There is no FreeSWITCH in it: one is simulated, and a line tells each thing that happens: what you hear, what is
    asked of you, how it ends.

    In a terminal, the keys 0-9 * # A-D are digits, h hangs up, q quits, ? explains. From a pipe, characters are such
    keys, as they come, the first at the first sound; a comma waits a second, blanks and line ends mean nothing, and
    the end of the input is no hangup: see --hang-up-after.

    \b
      esl-outbound call app:Reception
      echo 12# | esl-outbound call app:Reception --hang-up-after 30
      esl-outbound call --connect 127.0.0.1:8084 --press 1,2#
      esl-outbound call app:Reception --callee user/1001=USER_BUSY

    Exit status: 0 if the call ended in order, whoever hung up; 1 if the handler failed or did not end, if it left
    you parked, or if nobody took the call or said connect; 2 if the command is wrong.
    """  # noqa: D301 - click keeps the lines behind this character
    # Not above: serve needs no simulator.
    from .call import PRESSABLE, CallOptions, run_call
    from .callees import CalleeOption, read_callee

    if (target is None) == (connect is None):
        refuse("call either a handler, such as app:Reception, or a server, such as --connect 127.0.0.1:8084")
    if not PRESSABLE.issuperset(press):
        refuse(f"--press {press!r}: digits are 0-9 * # A-D; a comma waits a second, h hangs up")
    pairs = [variable.partition("=") for variable in variables]
    for name, equals, _ in pairs:
        if not name or not equals:
            refuse(f"--var {name!r}: a variable is given as NAME=VALUE")
    expected: list[CalleeOption] = []
    for callee in callees:
        try:
            expected.append(read_callee(callee))
        except ValueError as exc:
            refuse(f"--callee {callee!r}: {exc}")
    handler: HandlerSource | None = None
    if connect is not None:
        _check_addresses(connect)
    else:
        assert target is not None
        handler = imported("call", target, app_dir)
    options = CallOptions(
        handler=handler,
        name=target or connect or "",
        address=connect or "",
        number=number,
        caller_id=caller_id,
        caller_name=caller_name,
        variables={name: value for name, _, value in pairs},
        mode=mode,
        path=path,
        answer_first=answer_first,
        press=press,
        hang_up_after=math.inf if hang_up_after is None else hang_up_after,
        callees=expected,
        sounds=sounds,
        log_level=log_level.lower(),
    )
    raise SystemExit(run_call(options))


@main.command()
@click.argument("target", metavar="MODULE:NAME")
@click.option(
    "--host", default="127.0.0.1", show_default=True, help="The server's address, as FreeSWITCH finds it; IPv6 bare."
)
@click.option("--port", default=8084, show_default=True, type=click.IntRange(1, 65535), help="The server's port.")
@click.option(
    "--fallback",
    "fallbacks",
    metavar="HOST:PORT",
    multiple=True,
    type=AddressType(),
    help="A server to try when the one before it is not there; may be given several times.",
)
@click.option(
    "--extension",
    "extensions",
    metavar="NUMBER",
    multiple=True,
    help="A number whose calls go to the server; may be given several times. Of a Router, a number for each route that"
    " says none, in their order.  [default: 5000]",
)
@click.option(
    "--pattern",
    "patterns",
    metavar="REGEX",
    multiple=True,
    help="Likewise, a regular expression of numbers, as FreeSWITCH takes it: '^51\\d\\d$'.",
)
@click.option("--path", default="", help="What follows the address (socket_path), for a Router.")
@click.option(
    "--mode",
    default="async full",
    show_default=True,
    type=click.Choice(("async full", "async", "full", "")),
    help="The flags of the socket line. Without both of them some methods raise NotPermitted.",
)
@click.option(
    "--park-timeout",
    metavar="SECONDS",
    default=3600,
    show_default=True,
    type=click.IntRange(0),
    help="The longest call you want: after so long FreeSWITCH ends one whose server died while it took it; 0 leaves"
    " the line out.",
)
@click.option(
    "--when-down",
    metavar="WHAT",
    default="hangup:NORMAL_TEMPORARY_FAILURE",
    show_default=True,
    help="What becomes of the caller when no server answers: hangup:CAUSE, respond:503, playback:FILE (and a hangup),"
    " or 'transfer:EXTENSION [DIALPLAN [CONTEXT]]'.",
)
@app_dir_option
def dialplan(
    target: str,
    host: str,
    port: int,
    fallbacks: tuple[Address, ...],
    extensions: tuple[str, ...],
    patterns: tuple[str, ...],
    path: str,
    mode: str,
    park_timeout: int,
    when_down: str,
    app_dir: Path,
) -> None:
    """Print the dialplan that sends calls to a server of MODULE:NAME, ready to paste.

    Comments in it say why each line is there. Of a Router, each of its routes gets an extension.

    \b
      esl-outbound dialplan app:Reception --extension 5000
      esl-outbound dialplan app:Reception --host 192.0.2.7 --fallback 192.0.2.8:8084
      esl-outbound dialplan app:router --when-down playback:ivr/closed.wav
    """  # noqa: D301 - click keeps the lines behind this character
    from .dialplan import DialplanOptions, dialplan_xml, read_when_down

    handler = imported("write a dialplan for", target, app_dir)
    try:
        server = Address.read(f"[{host}]:{port}" if ":" in host else f"{host}:{port}")
    except ValueError as exc:
        refuse(f"--host {host}: {exc}")
    try:
        when = read_when_down(when_down)
    except ValueError as exc:
        refuse(f"--when-down {when_down!r}: {exc}")
    options = DialplanOptions(
        target=target,
        servers=[server, *fallbacks],
        extensions=extensions,
        patterns=patterns,
        path=path,
        mode=mode,
        park_timeout=park_timeout,
        when_down=when,
    )
    try:
        click.echo(dialplan_xml(handler, options))
    except LocalProtocolError as exc:
        refuse(str(exc))


@main.command()
def demo() -> None:
    """Watch a server and four simulated callers: a menu, a failed bridge, a recorded message."""
    from .demonstrating import run_demo

    raise SystemExit(run_demo())


def _check_addresses(addresses: str) -> None:
    for address in addresses.split("|"):
        host, colon, port = address.partition("/")[0].rpartition(":")
        if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
            refuse(f"--connect {addresses}: name a server as HOST:PORT, such as 127.0.0.1:8084")


for each in (doctor, originate, events):
    main.add_command(each)
