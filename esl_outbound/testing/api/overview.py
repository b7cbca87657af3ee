"""API commands about all calls."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from ..causes import cause_name
from ..channel import Channel
from ..core import Core
from ..expansion import separate
from .command import ApiCommand

__all__ = ["COMMANDS"]


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
    """``[<cause> [<variable> <value>]...]``."""
    words = separate(argument, limit=11)
    cause = cause_name(words[0]) if words else "MANAGER_REQUEST"
    cause = "MANAGER_REQUEST" if cause == "NONE" else cause
    wanted = list(zip(words[1::2], words[2::2], strict=False))
    for channel in list(core.channels.values()):
        if all(channel.get(name) == value for name, value in wanted):
            channel.hang_up(cause)
    if not wanted:
        return f"+OK hangup all channels with cause {cause}\n"
    more = "..." if len(wanted) > 1 else ""
    return f"+OK hangup all channels matching [{words[1]}]=[{words[2]}]{more} with cause: {cause}\n"


COMMANDS: Final[Mapping[str, ApiCommand]] = {
    "hupall": _hupall,
    "show": _show,
    "status": _status,
}
