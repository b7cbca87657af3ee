"""API commands, as ``api``, ``bgapi``, ``${command(...)}`` and ``phone.api()`` run them."""

from __future__ import annotations

import ast
import math
import operator
import re
import urllib.parse
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, TypeAlias

import trio

from .applications.basics import broadcast, seconds_until, transfer_to
from .applications.conferencing import maintenance
from .applications.joining import join
from .applications.recording import start_recording, stop_recording
from .causes import cause_name
from .channel import Channel
from .core import Core
from .expansion import expand, separate
from .happenings import Happening, Who
from .session import Session
from .wire import atoi, encoded, plain_head

if TYPE_CHECKING:
    from .applications.conferencing import Member, Room

__all__ = ["API_COMMANDS", "ApiCommand"]

ApiCommand: TypeAlias = Callable[[Core, str], Awaitable[str]]

_NO_CHANNEL: Final = "-ERR No such channel!\n"
_OK: Final = "+OK\n"


def _words(argument: str, count: int) -> list[str]:
    """The first words, and the rest as the last; missing ones are empty."""
    found = argument.split(" ", count - 1)
    return found + [""] * (count - len(found))


def _channel(core: Core, uuid: str) -> Channel | None:
    return core.channels.get(uuid)


def _session(core: Core, uuid: str) -> Session | None:
    return core.sessions.get(uuid)


# One channel


async def _uuid_break(core: Core, argument: str) -> str:
    uuid, everything = _words(argument, 2)
    if not uuid:
        return "-USAGE: <uuid> [all]\n"
    session = _session(core, uuid)
    if session is None:
        return _NO_CHANNEL
    if "all" in everything:
        session.executions.flush()
    session.executions.break_all()
    return _OK


async def _uuid_kill(core: Core, argument: str) -> str:
    uuid, cause = _words(argument, 2)
    if not uuid:
        return "-USAGE: <uuid> [cause]\n"
    channel = _channel(core, uuid)
    if channel is None:
        return _NO_CHANNEL
    channel.hang_up(cause_name(cause) if cause else "NORMAL_CLEARING")
    return _OK


async def _uuid_exists(core: Core, argument: str) -> str:
    return "true" if argument in core.channels else "false"


async def _uuid_getvar(core: Core, argument: str) -> str:
    words = separate(argument)
    if len(words) < 2:
        return "-USAGE: <uuid> <var>\n"
    channel = _channel(core, words[0])
    return _NO_CHANNEL if channel is None else channel.get(words[1]) or "_undef_"


async def _uuid_setvar(core: Core, argument: str) -> str:
    words = separate(argument, limit=3)
    if len(words) < 2:
        return "-USAGE: <uuid> <var> [value]\n"
    channel = _channel(core, words[0])
    if channel is None:
        return _NO_CHANNEL
    channel.set(words[1], words[2] if len(words) > 2 else None)
    return _OK


async def _uuid_dump(core: Core, argument: str) -> str:
    uuid = _words(argument, 2)[0]
    channel = _channel(core, uuid)
    if channel is None:
        return _NO_CHANNEL
    site = ("mod_commands.c", "uuid_dump_function", 6495)
    event = core.make_event("CHANNEL_DATA", headers=channel.headers("CHANNEL_DATA"), site=site)
    return plain_head(event.headers).decode() + "\n"


async def _uuid_answer(core: Core, argument: str) -> str:
    channel = _channel(core, argument)
    if channel is None:
        return "-ERROR\n"
    channel.answer()
    return _OK


async def _uuid_pre_answer(core: Core, argument: str) -> str:
    channel = _channel(core, argument)
    if channel is None:
        return "-ERROR\n"
    channel.pre_answer()
    return _OK


async def _uuid_transfer(core: Core, argument: str) -> str:
    uuid, rest = _words(argument, 2)
    if not rest:
        return "-USAGE: <uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]\n"
    session = _session(core, uuid)
    if session is None:
        return _NO_CHANNEL
    transfer_to(session, rest.removeprefix("-bleg ").removeprefix("-both "))
    return _OK


async def _uuid_park(core: Core, argument: str) -> str:
    if not argument:
        return "-USAGE: <uuid>\n"
    session = _session(core, argument)
    if session is None:
        return _NO_CHANNEL
    session.go_to_park()
    return _OK


async def _uuid_broadcast(core: Core, argument: str) -> str:
    uuid, what = _words(argument, 2)
    if not what:
        return "-USAGE: <uuid> <path> [aleg|bleg|holdb|both]\n"
    session = _session(core, uuid)
    if session is None:
        return "-ERR invalid uuid\n"
    broadcast(session, what)
    return "+OK Message sent\n"


async def _uuid_recv_dtmf(core: Core, argument: str) -> str:
    uuid, digits = _words(argument, 2)
    if not digits:
        return "-USAGE: <uuid> <dtmf_data>\n"
    session = _session(core, uuid)
    if session is None:
        return "-ERR Cannot locate session!\n"
    session.keys.press(digits.partition("@")[0], "APP")
    return f"+OK {uuid} received DTMF {digits}.\n"


async def _uuid_send_dtmf(core: Core, argument: str) -> str:
    uuid, digits = _words(argument, 2)
    if not digits:
        return "-USAGE: <uuid> <dtmf_data>\n"
    channel = _channel(core, uuid)
    if channel is None:
        return "-ERR Cannot locate session!\n"
    channel.story.tell(Who.CALLER, Happening.IS_SENT_DIGITS, digits.partition("@")[0])
    return f"+OK {uuid} sent DTMF {digits}.\n"


async def _uuid_flush_dtmf(core: Core, argument: str) -> str:
    session = _session(core, argument)
    if session is None:
        return "-ERR No such session\n"
    session.keys.flush()
    return _OK


async def _uuid_record(core: Core, argument: str) -> str:
    uuid, action, rest = _words(argument, 3)
    session = _session(core, uuid)
    if session is None:
        return "-ERR Cannot locate session!\n"
    path, _, limit = rest.partition(" ")
    match action:
        case "start":
            done = start_recording(session, path, float(atoi(limit)) or math.inf)
        case "stop" if path == "all":
            done = all(stop_recording(session, each) for each in list(session.recordings))
        case "stop":
            done = stop_recording(session, path)
        case "mask" | "unmask" | "pause" | "resume":
            done = path in session.recordings
        case _:
            return "-USAGE: <uuid> [start|stop|mask|unmask] <path> [<limit>] [<recording_vars>]\n"
    what = {"start": "record", "stop": "stop record"}.get(action, f"{action} recording")
    return "+OK Success\n" if done else f"-ERR Cannot {what} session!\n"


async def _uuid_fileman(core: Core, argument: str) -> str:
    """Steer the file that plays: pause, restart, seek, speed, volume, stop."""
    uuid, command = _words(argument, 2)
    if not command:
        return "-USAGE: <uuid> <cmd>:<val>\n"
    session = _session(core, uuid)
    if session is None:
        return _NO_CHANNEL
    file = session.playing
    if file is None:
        return "-ERR No file handle!\n"
    verb, _, value = command.partition(":")
    file.steer()
    match verb:
        case "pause":
            file.is_paused = not file.is_paused
        case "restart":
            file.position = 0.0
        case "stop":
            # The file's read-ahead is played first.
            file.position = max(file.position, file.seconds - 1.2) if file.seconds != math.inf else file.position
        case "seek":
            offset = atoi(value) / 1000
            file.position = max(file.position + offset if value[:1] in "+-" else offset, 0.0)
        case "speed":
            step = atoi(value)
            file.speed = 1.0 + 0.25 * step if step >= 0 else 1.0 / (1.0 - 0.25 * step)
        case "volume":
            pass  # it lasts as long, whatever its volume
        case _:
            pass  # switch_ivr_process_fh() fails, and nobody asks it
    return _OK


async def _uuid_hold(core: Core, argument: str) -> str:
    uuid = argument.split()[-1] if argument.split() else ""
    return "+OK Success\n" if uuid in core.channels else "-ERR Operation failed\n"


async def _uuid_bridge(core: Core, argument: str) -> str:
    words = separate(argument)
    if len(words) < 2:
        return "-USAGE: <uuid> <other_uuid>\n"
    session = _session(core, words[0])
    if session is None or not join(session, words[1]):
        return "-ERR Invalid uuid\n"
    return f"+OK {words[1]}\n"


async def _sched_hangup(core: Core, argument: str) -> str:
    """``[+]<seconds> <uuid> [<cause>]``."""
    time, uuid, cause = _words(argument, 3)
    session = _session(core, uuid)
    if session is None:
        return _NO_CHANNEL
    name = cause_name(cause) if cause else "ALLOTTED_TIMEOUT"

    def hang_up() -> None:
        session.channel.hang_up(name)

    seconds = seconds_until(session, time)
    if seconds:
        session.schedule(seconds, hang_up)
    else:
        hang_up()
    return _OK


async def _sched_broadcast(core: Core, argument: str) -> str:
    """``[+|@]<seconds> <uuid> <path> [aleg|bleg|both]``; nobody asks whether the channel is there."""
    time, uuid, what = _words(argument, 3)
    if not what:
        return "-USAGE: [[+]<time>|@time] <uuid> <path> [aleg|bleg|both]\n"
    session = _session(core, uuid)
    if session is not None:
        session.schedule(seconds_until(session, time), partial(broadcast, session, what))
    return "+OK Message scheduled\n"


async def _sched_transfer(core: Core, argument: str) -> str:
    """``[+]<seconds> <uuid> <extension> [<dialplan> [<context>]]``."""
    time, uuid, where = _words(argument, 3)
    if not uuid:
        return "-USAGE: [+]<time> <uuid> <extension> [<dialplan>] [<context>]\n"
    session = _session(core, uuid)
    if session is None:
        return _NO_CHANNEL
    session.schedule(seconds_until(session, time), partial(_transfer, session, where))
    return _OK


def _transfer(session: Session, where: str) -> None:
    transfer_to(session, where)


# All of them


async def _status(core: Core, argument: str) -> str:
    count = len(core.existing)
    return (
        "UP 0 years, 0 days, 0 hours, 0 minutes, 1 second, 0 milliseconds, 0 microseconds\n"
        "FreeSWITCH (Version 1.11.3-dev  64bit) is ready\n"
        f"{count} session(s) since startup\n{count} session(s) - peak {count}, last 5min {count} \n"
        "0 session(s) per Sec out of max 1000, peak 0, last 5min 0 \n1000 session(s) max\n"
        "min idle cpu 0.00/99.00\nCurrent Stack Size/Max 240K/8192K\n"
    )


_SHOWN: Final = (
    "uuid,direction,created,created_epoch,name,state,cid_name,cid_num,ip_addr,dest,application,application_data,"
    "dialplan,context,read_codec,read_rate,read_bit_rate,write_codec,write_rate,write_bit_rate,secure,hostname,"
    "presence_id,presence_data,accountcode,callstate,callee_name,callee_num,callee_direction,call_uuid,"
    "sent_callee_name,sent_callee_num,initial_cid_name,initial_cid_num,initial_ip_addr,initial_dest,"
    "initial_dialplan,initial_context"
)


def _row(channel: Channel) -> str:
    """A channel in the table of ``show channels``; FreeSWITCH quotes nothing in it."""
    profile = channel.profile
    codec, bits = channel.codec
    media = [codec, "8000", str(bits)] * 2
    caller = [profile.caller_id_name, profile.caller_id_number, profile.network_address, profile.destination_number]
    created = datetime.fromtimestamp(profile.created / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")
    running = [channel.get("current_application") or "", channel.get("current_application_data") or ""]
    where = [profile.dialplan, profile.context]
    return ",".join(
        [
            *(channel.uuid, profile.direction, created, str(profile.created // 1_000_000)),
            *(channel.name, channel.running_state, *caller, *running, *where, *media),
            *("", "vm", "", "", channel.get("accountcode") or "", channel.call_state),
            *(profile.callee_id_name, profile.callee_id_number, "", channel.get("call_uuid") or "", "", ""),
            *(*caller, *where),
        ]
    )


async def _show(core: Core, argument: str) -> str:
    """``channels [count]`` and ``calls [count]``."""
    words = argument.split()
    if not words or words[0] not in ("channels", "calls"):
        return "-USAGE: codec|endpoint|application|api|... [as xml|json|delim|...]\n"
    rows = [_row(channel) for channel in core.existing.values()]
    if "count" in words or not rows:
        return f"\n{len(rows)} total.\n"
    return "\n".join([_SHOWN, *rows, "", f"{len(rows)} total."]) + "\n"


async def _hupall(core: Core, argument: str) -> str:
    cause = cause_name(argument.split()[0]) if argument else "MANAGER_REQUEST"
    for channel in list(core.channels.values()):
        channel.hang_up(cause)
    return f"+OK hangup all channels with cause {cause}\n"


async def _conference(core: Core, argument: str) -> str:
    """``<name> <verb> [<member>|all|last] ...``; ``list`` without a verb's arguments."""
    name, verb, rest = _words(argument, 3)
    if name == "list":
        return "".join(
            f"+OK Conference {room.name} ({len(room.members)} members)\n" for room in core.conferences.values()
        )
    room = core.conferences.get(name)
    if room is None:
        return f"-ERR Conference {name} not found\n"
    if verb == "list":
        return "".join(
            f"{member.number};{member.session.channel.name};{member.session.channel.uuid}\n" for member in room.members
        )
    who = rest.partition(" ")[0]
    members: list[Member] = [each for each in room.members if who == "all" or str(each.number) == who]
    if who == "last":
        members = room.members[-1:]
    if not members:
        return f"Non-Existant ID {who}\n"
    for member in members:
        _do_to_member(room, member, verb)
    words = {"kick": "kicked", "hup": "hup"}
    return "".join(f"+OK {words.get(verb, verb)} {member.number}\n" for member in members)


def _do_to_member(room: Room, member: Member, verb: str) -> None:
    match verb:
        case "kick" | "hup":
            maintenance(member.session, room, member, f"{verb}-member")
            member.is_kicked = True
            member.session.notify()
        case "mute":
            member.is_muted = True
        case "unmute":
            member.is_muted = False


# Without a channel


async def _echo(core: Core, argument: str) -> str:
    return argument


async def _eval(core: Core, argument: str) -> str:
    uuid = re.match(r"uuid:(\S+) ", argument)
    session = _session(core, uuid[1]) if uuid is not None else None
    if uuid is not None and session is not None:
        return await session.executions.expand(argument[uuid.end() :])
    return await expand(
        argument, variable=core.global_variables.get, api=core.expand_api, global_variable=core.global_variables.get
    )


async def _expr(core: Core, argument: str) -> str:
    """Sums and products; what is none gives an error, as mod_expr does."""
    try:
        return f"{_calculated(ast.parse(argument, mode='eval').body):g}"
    except (SyntaxError, ArithmeticError, ValueError):
        return "-ERR\n"


_OPERATORS: Final[Mapping[type[ast.operator], Callable[[float, float], float]]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Mod: operator.mod,
}


def _calculated(node: ast.expr) -> float:
    match node:
        case ast.Constant(value=int() | float() as value):
            return float(value)
        case ast.UnaryOp(op=ast.USub(), operand=operand):
            return -_calculated(operand)
        case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
            return _OPERATORS[type(op)](_calculated(left), _calculated(right))
        case _:
            raise ValueError("no sum")


async def _msleep(core: Core, argument: str) -> str:
    await trio.sleep(max(atoi(argument), 0) / 1000)
    return "+OK"


async def _global_getvar(core: Core, argument: str) -> str:
    if not argument:
        return "".join(f"{name}={value}\n" for name, value in core.global_variables.items())
    return core.global_variables.get(argument, "")


async def _global_setvar(core: Core, argument: str) -> str:
    name, _, value = argument.partition("=")
    core.global_variables[name] = value
    return "+OK"


async def _system(core: Core, argument: str) -> str:
    for session in core.sessions.values():
        session.channel.story.runs_program(argument)
    core.programs.append(argument)
    return ""


async def _create_uuid(core: Core, argument: str) -> str:
    return core.new_uuid()


async def _strepoch(core: Core, argument: str) -> str:
    return str(core.micros() // 1_000_000)


async def _url_encode(core: Core, argument: str) -> str:
    return urllib.parse.quote_from_bytes(encoded(argument))


async def _to_upper(core: Core, argument: str) -> str:
    return argument.upper()


async def _version(core: Core, argument: str) -> str:
    return "FreeSWITCH Version 1.11.3-dev~64bit ( 64bit)\n"


async def _ok(core: Core, argument: str) -> str:
    return "+OK [Success]\n"


API_COMMANDS: Final[Mapping[str, ApiCommand]] = {
    "bgsystem": _system,
    "conference": _conference,
    "create_uuid": _create_uuid,
    "echo": _echo,
    "eval": _eval,
    "expr": _expr,
    "global_getvar": _global_getvar,
    "global_setvar": _global_setvar,
    "hupall": _hupall,
    "msleep": _msleep,
    "reloadxml": _ok,
    "sched_broadcast": _sched_broadcast,
    "sched_hangup": _sched_hangup,
    "sched_transfer": _sched_transfer,
    "show": _show,
    "status": _status,
    "strepoch": _strepoch,
    "system": _system,
    "toupper": _to_upper,
    "url_encode": _url_encode,
    "uuid_answer": _uuid_answer,
    "uuid_break": _uuid_break,
    "uuid_bridge": _uuid_bridge,
    "uuid_broadcast": _uuid_broadcast,
    "uuid_dump": _uuid_dump,
    "uuid_exists": _uuid_exists,
    "uuid_fileman": _uuid_fileman,
    "uuid_flush_dtmf": _uuid_flush_dtmf,
    "uuid_getvar": _uuid_getvar,
    "uuid_hold": _uuid_hold,
    "uuid_kill": _uuid_kill,
    "uuid_park": _uuid_park,
    "uuid_pre_answer": _uuid_pre_answer,
    "uuid_record": _uuid_record,
    "uuid_recv_dtmf": _uuid_recv_dtmf,
    "uuid_send_dtmf": _uuid_send_dtmf,
    "uuid_setvar": _uuid_setvar,
    "uuid_transfer": _uuid_transfer,
    "version": _version,
}
