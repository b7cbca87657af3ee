"""API commands about callers who wait: ``fifo``, ``callcenter_config``, ``valet_info``, ``vm_boxcount``."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from ..applications.queueing import FifoNode
from ..core import Core
from ..expansion import separate
from .command import ApiCommand

__all__ = ["COMMANDS"]

_FIFO_USAGE: Final = "list|list_verbose|count|debug|status|has_outbound|importance [<fifo name>]|reparse [del_all]"
_MEMBER_COLUMNS: Final = (
    "queue|instance_id|uuid|session_uuid|cid_number|cid_name|system_epoch|joined_epoch|rejoined_epoch|bridge_epoch|"
    "abandoned_epoch|base_score|skill_score|serving_agent|serving_system|state|score"
)
_AGENT_COLUMNS: Final = (
    "name|instance_id|uuid|type|contact|status|state|max_no_answer|wrap_up_time|reject_delay_time|busy_delay_time|"
    "no_answer_delay_time|last_bridge_start|last_bridge_end|last_offered_call|last_status_change|no_answer_count|"
    "calls_answered|talk_time|ready_time|external_calls_count"
)


async def _fifo(core: Core, argument: str) -> str:
    words = separate(argument, limit=5)
    nodes = [node for name, node in core.fifos.items() if len(words) < 2 or name == words[1]]
    match words[0].lower() if words else "":
        case "list" | "list_verbose":
            inner = "".join(map(_listed, nodes))
            return f"<fifo_report>\n{inner}</fifo_report>\n" if inner else "<fifo_report></fifo_report>\n"
        case "count":
            counted = (f"{node.name}:{len(node.consumers)}:{len(node.waiting)}:0:0:0\n" for node in nodes)
            return "".join(counted) or "none\n"
        case _:
            return f"-ERR Usage: {_FIFO_USAGE}\n"


def _listed(node: FifoNode) -> str:
    callers = ""
    for caller in node.callers():
        channel = caller.session.channel
        attributes = {
            "uuid": channel.uuid,
            "status": channel.get("fifo_status"),
            "caller_id_name": quote(channel.profile.caller_id_name, errors="surrogateescape"),
            "caller_id_number": quote(channel.profile.caller_id_number, errors="surrogateescape"),
            "timestamp": channel.get("fifo_timestamp"),
            "position": channel.get("fifo_position"),
            "slot": str(caller.priority),
        }
        given = "".join(f" {name}={quoteattr(value)}" for name, value in attributes.items() if value)
        callers += f"      <caller{given}></caller>\n"
    head = (
        f'  <fifo name={quoteattr(node.name)} consumer_count="{len(node.consumers)}" '
        f'caller_count="{len(node.waiting)}" waiting_count="{len(node.waiting)}" importance="{node.importance}">\n'
    )
    return f"{head}    <outbound></outbound>\n    <callers>\n{callers}    </callers>\n  </fifo>\n"


async def _callcenter_config(core: Core, argument: str) -> str:
    words = separate(argument, limit=8)
    match words:
        case ["queue", "list", "members", name, *_]:
            return _members(core, name)
        case ["queue", "list", "agents", name, *_]:
            queue = core.callcenters.get(name)
            if queue is None or not queue.agent:
                return "+OK\n"
            busy = any(member.state == "Answered" for member in queue.members)
            state = "In a queue call" if busy else "Waiting"
            row = (
                f"{queue.agent}|single_box||callback|user/{queue.agent}|Available|{state}|0|10|0|0|0|0|0|0|0|0|0|0|0|0"
            )
            return f"{_AGENT_COLUMNS}\n{row}\n+OK\n"
        case _:
            return "-ERR Invalid!\n"


def _members(core: Core, name: str) -> str:
    queue = core.callcenters.get(name)
    now = core.micros() // 1_000_000
    rows = []
    for member in queue.members if queue else ():
        channel = member.session.channel
        gone = member.state == "Abandoned"
        score = now - member.joined + member.base_score
        caller = f"{channel.profile.caller_id_number}|{channel.profile.caller_id_name}"
        row = (
            f"{name}|single_box|{member.uuid}|{'' if gone else channel.uuid}|{caller}|{member.joined}|{member.joined}"
            f"|0|0|{now if gone else 0}|{member.base_score}|0|{member.agent}||{member.state}|{score}"
        )
        rows.append((-score, row))
    listed = "".join(f"{row}\n" for _, row in sorted(rows, key=lambda each: each[0]))
    return f"{_MEMBER_COLUMNS}\n{listed}+OK\n" if listed else "+OK\n"


async def _valet_info(core: Core, argument: str) -> str:
    lots = ""
    for name, lot in core.lots.items():
        if argument and argument.lower() != name.lower():
            continue
        parked = "".join(
            f'    <extension uuid="{session.channel.uuid}">{stall}</extension>\n' for stall, session in lot.items()
        )
        lots += f'  <lot name="{name}">\n{parked}  </lot>\n'
    return f"<lots>\n{lots}</lots>\n"


async def _vm_boxcount(core: Core, argument: str) -> str:
    box, _, how = argument.rpartition("/")[2].partition("|")
    messages = core.mailboxes.get(box, [])
    urgent = sum(message.is_urgent for message in messages)
    return f"{len(messages)}:0:{urgent}:0" if how.lower() == "all" else str(len(messages))


COMMANDS: Final[Mapping[str, ApiCommand]] = {
    "callcenter_config": _callcenter_config,
    "fifo": _fifo,
    "valet_info": _valet_info,
    "vm_boxcount": _vm_boxcount,
}
