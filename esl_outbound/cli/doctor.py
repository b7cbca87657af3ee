"""``esl-outbound doctor``: why calls do not come, or not as they should."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from functools import partial
from ipaddress import ip_address
from typing import Final, final

import attrs
import trio

from ..client import Switch, connect
from ..client.opening import open_tcp
from ..errors import (
    AccessDenied,
    ApiFailed,
    AuthenticationFailed,
    CommandRejected,
    Disconnected,
    NoFreeSwitch,
)
from .findings import Finding, Found, Mark, ok, print_finding, warning, wrong
from .options import Address
from .output import Output
from .reading_dialplan import SocketAction, read_dialplan, socket_findings
from .switches import Login, run_on_switch
from .trial_call import TrialCall, place_trial_call

__all__ = ["DoctorOptions", "examine", "run_doctor"]

_MODULES_CONF: Final = "in autoload_configs/modules.conf.xml (or say to FreeSWITCH now: load {})"
_EVENT_SOCKET_CONF: Final = "in autoload_configs/event_socket.conf.xml, then: reload mod_event_socket"
_SERVER_SECONDS: Final = 3.0
_OLDEST: Final = (1, 10)

# Without these nothing works.
_NEEDED: Final = {
    "mod_dptools": "it has answer, playback, bridge and nearly all other applications",
    "mod_dialplan_xml": "it reads the dialplan whose socket action leads to a server",
}
# Without these something does not.
_USEFUL: Final = {
    "mod_sndfile": "WAV files can be neither played nor recorded",
    "mod_tone_stream": "tone_stream:// cannot be played",
    "mod_say_en": "say in English says nothing",
}
# They may write another dialplan for each call (dialplan_xml_locate() in mod_dialplan_xml.c asks them first).
_WRITERS: Final = ("mod_xml_curl", "mod_xml_scgi", "mod_xml_ldap")


@final
@attrs.frozen
class DoctorOptions:
    """What the command line says about the examination."""

    login: Login
    server: Address
    """Our server's address, as FreeSWITCH finds it."""
    call: TrialCall | None = None
    """The call to be placed through it, if any."""


def run_doctor(options: DoctorOptions) -> int:
    """Examine, print what is found, and give the status: 1 if something is wrong."""
    output = Output()
    return run_on_switch(partial(_examine_and_print, options, output), output)


async def _examine_and_print(options: DoctorOptions, output: Output) -> int:
    marks: list[Mark] = []

    def found(finding: Finding) -> None:
        marks.append(finding.mark)
        print_finding(finding, output)

    await examine(options, found)
    return 1 if Mark.WRONG in marks else 0


async def examine(options: DoctorOptions, found: Found) -> None:
    """Look at everything that lies between a caller and the server, and tell each finding as it is made.

    It raises nothing about FreeSWITCH: what is wrong with it is a finding.
    """
    address, login = options.login.address, options.login
    server_was_tried = False
    try:
        async with connect(address.host, address.port, password=login.password, user=login.user) as switch:
            found(ok(f"FreeSWITCH at {address} lets us in"))
            if await _look_at_switch(switch, options, found):
                found(server := await _server(options))
                server_was_tried = True
                await _look_at_dialplan(switch, options.server, found)
                if options.call is not None and server.mark is not Mark.WRONG:
                    await place_trial_call(switch, options.call, options.server, found)
                elif options.call is not None:
                    found(warning(f"{options.call.number} was not called: nobody would have taken the call"))
    except (NoFreeSwitch, AccessDenied, AuthenticationFailed) as exc:
        found(_not_let_in(exc, options.login))
    except Disconnected as exc:
        found(wrong(f"FreeSWITCH ended the connection meanwhile: {exc}"))
    if not server_was_tried:
        found(await _server(options))


# The connection


def _not_let_in(exc: NoFreeSwitch | AccessDenied | AuthenticationFailed, login: Login) -> Finding:
    address = login.address
    match exc:
        case NoFreeSwitch():
            listen = address.host if _is_ip(address.host) else "0.0.0.0"
            return wrong(
                f"{exc}; either FreeSWITCH does not run, or mod_event_socket is not loaded or listens elsewhere",
                "in autoload_configs/modules.conf.xml, and in event_socket.conf.xml beside it",
                '<load module="mod_event_socket"/>',
                f'<param name="listen-ip" value="{listen}"/>',
                f'<param name="listen-port" value="{address.port}"/>',
            )
        case AccessDenied():
            return wrong(
                str(exc),
                "in autoload_configs/acl.conf.xml, and in event_socket.conf.xml beside it; then say to FreeSWITCH:"
                " reloadacl, and reload mod_event_socket",
                f'<list name="esl" default="deny"><node type="allow" cidr="{_our_network(address)}"/></list>',
                '<param name="apply-inbound-acl" value="esl"/>',
            )
        case AuthenticationFailed() if login.user is not None:
            return wrong(
                f"{exc}, or has no such user; give the right one in ESL_OUTBOUND_PASSWORD or with --password",
                "in the directory, at this user",
                '<param name="esl-password" value="..."/>',
            )
        case _:
            return wrong(
                f"{exc}; give the right one in ESL_OUTBOUND_PASSWORD or with --password, or change it",
                _EVENT_SOCKET_CONF,
                '<param name="password" value="..."/>',
            )


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _our_network(address: Address) -> str:
    """Our own address towards FreeSWITCH, as far as we know it."""
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((address.host, address.port))  # of a datagram socket: nothing is sent
            ours = str(probe.getsockname()[0])
    except OSError:
        return "THIS-MACHINE/32"
    return f"{ours}/{128 if ':' in ours else 32}"


# The switch


async def _look_at_switch(switch: Switch, options: DoctorOptions, found: Found) -> bool:
    """Its version and its modules; says whether anything more can be looked at."""
    try:
        version = await switch.version()
    except CommandRejected as exc:
        found(warning(f"this user may not run API commands, so nothing in FreeSWITCH can be looked at: {exc}"))
        return False
    except ApiFailed:
        found(
            wrong(
                "mod_commands is not loaded: FreeSWITCH has no API commands, and a server none",
                _MODULES_CONF.format("mod_commands"),
                '<load module="mod_commands"/>',
            )
        )
        return False
    if version.number and version.number < _OLDEST:
        found(warning(f"{version.text} is older than what this package was made for, FreeSWITCH 1.10"))
    else:
        found(ok(version.text))
    await _look_at_modules(switch, options, found)
    return True


async def _look_at_modules(switch: Switch, options: DoctorOptions, found: Found) -> None:
    needed = dict(_NEEDED)
    if options.call is not None:
        needed["mod_loopback"] = "it makes the call of --call"
    loaded = ["mod_event_socket", "mod_commands"]
    try:
        for module, why in needed.items():
            if await _is_loaded(switch, module):
                loaded.append(module)
            else:
                found(wrong(f"{module} is not loaded: {why}", *_load(module)))
        for module, without in _USEFUL.items():
            if await _is_loaded(switch, module):
                loaded.append(module)
            else:
                found(warning(f"{module} is not loaded: {without}", *_load(module)))
    except (ApiFailed, CommandRejected) as exc:
        found(warning(f"which modules there are cannot be seen: {exc}"))
    else:
        found(ok(f"loaded: {', '.join(loaded)}"))


def _load(module: str) -> tuple[str, str]:
    return _MODULES_CONF.format(module), f'<load module="{module}"/>'


async def _is_loaded(switch: Switch, module: str) -> bool:
    """Whether FreeSWITCH has a module; ``show modules`` needs its database, this does not."""
    response = await switch.api(f"module_exists {module}")
    if not response.ok:
        raise ApiFailed(f"module_exists {module}", response)
    return response.text.strip() == "true"


# The server


async def _server(options: DoctorOptions) -> Finding:
    """Whether anybody listens there, and speaks first, as a server of the event socket does."""
    server = options.server
    if server.is_loopback and not options.login.address.is_loopback:
        return warning(
            f"{server} is on FreeSWITCH's own machine, as it sees it: whether a server listens there cannot be seen"
            " from here",
            "if yours is on this machine, say where FreeSWITCH finds it, with --server",
        )
    begins = b""
    reason = f"it did not answer within {_SERVER_SECONDS:g} s"
    is_there = False
    with trio.move_on_after(_SERVER_SECONDS):
        try:
            stream = await open_tcp(server.host, server.port)()
        except OSError as exc:
            reason = exc.strerror or str(exc)
        else:
            is_there = True
            try:
                begins = await _first_line(stream)
            finally:
                await trio.aclose_forcefully(stream)
    if not is_there:
        return wrong(
            f"nobody listens at {server}, seen from this machine: {reason}",
            "start the server there",
            f"esl-outbound serve app:Handler --host {server.host} --port {server.port}",
        )
    if begins.lower().startswith(b"connect"):
        return ok(f"a server of the event socket listens at {server}")
    said = f"says {begins[:20]!r}" if begins else "says nothing"
    return wrong(
        f"what listens at {server} {said} where a server of the event socket says connect: a caller would be parked"
        " there for ever",
        "let that port be free for the server",
        f"esl-outbound serve app:Handler --host {server.host} --port {server.port}",
    )


async def _first_line(stream: trio.abc.Stream) -> bytes:
    received = b""
    try:
        while b"\n" not in received and len(received) < 256:
            more = await stream.receive_some(256)
            if not more:
                break
            received += bytes(more)
    except trio.BrokenResourceError:
        pass
    return received


# The dialplan


async def _look_at_dialplan(switch: Switch, server: Address, found: Found) -> None:
    """The XML dialplan, as FreeSWITCH has it in memory (``xml_locate_function()`` in mod_commands.c)."""
    try:
        response = await switch.api("xml_locate dialplan")
        for module in _WRITERS:
            if await _is_loaded(switch, module):
                found(
                    warning(
                        f"{module} is loaded and may write another dialplan for each call: what follows is the one"
                        " that FreeSWITCH has without a call"
                    )
                )
    except (ApiFailed, CommandRejected) as exc:
        found(warning(f"the dialplan cannot be seen: {exc}"))
        return
    if not response.ok or response.text.lstrip()[:1] != "<":
        found(warning(f"the dialplan cannot be seen: FreeSWITCH says {response.text.strip() or 'nothing'!r}"))
        return
    actions: Sequence[SocketAction]
    try:
        actions = read_dialplan(response.text)
    except ValueError as exc:
        found(warning(f"the dialplan cannot be read: {exc}"))
        return
    for finding in socket_findings(actions, server):
        found(finding)
