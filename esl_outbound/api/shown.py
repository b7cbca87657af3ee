"""What ``show`` shows: a channel, a call, a registration, a part of a module."""

from __future__ import annotations

from collections.abc import Mapping
from typing import final

import attrs

from .rows import Row

__all__ = [
    "ShownAlias",
    "ShownCall",
    "ShownChannel",
    "ShownCommand",
    "ShownInterface",
    "ShownRegistration",
    "ShownTask",
    "shown_alias",
    "shown_call",
    "shown_channel",
    "shown_command",
    "shown_interface",
    "shown_registration",
    "shown_task",
]


@final
@attrs.frozen
class ShownChannel:
    """A channel, as FreeSWITCH's table ``channels`` has it; what is empty there, or not shown, is None.

    The table runs a little behind the calls. A call's two sides are shown with fewer columns by ``show_calls`` than by
    ``show_detailed_calls``.
    """

    uuid: str
    direction: str | None
    """``inbound`` or ``outbound``, as FreeSWITCH sees it."""
    created: str | None
    """When it came about, as text, in the switch's time zone."""
    created_epoch: int | None
    """The same, in seconds since 1970."""
    name: str | None
    """The channel's name, such as ``sofia/internal/1001@example.com``."""
    state: str | None
    """Such as ``CS_EXECUTE``."""
    cid_name: str | None
    """The caller's name, which the caller chose."""
    cid_num: str | None
    ip_addr: str | None
    dest: str | None
    """What was dialled."""
    application: str | None
    """What runs."""
    application_data: str | None
    dialplan: str | None
    context: str | None
    read_codec: str | None
    read_rate: int | None
    """Samples a second."""
    read_bit_rate: int | None
    """Bits a second."""
    write_codec: str | None
    write_rate: int | None
    write_bit_rate: int | None
    secure: str | None
    hostname: str | None
    """The switch that the channel is on."""
    presence_id: str | None
    presence_data: str | None
    accountcode: str | None
    callstate: str | None
    """Such as ``RINGING``, ``ACTIVE``, ``HELD``."""
    callee_name: str | None
    callee_num: str | None
    callee_direction: str | None
    """``SEND`` or ``RECV``."""
    call_uuid: str | None
    """What the two sides of a call have in common."""
    sent_callee_name: str | None
    sent_callee_num: str | None
    initial_cid_name: str | None
    """As it was at the beginning, likewise the others."""
    initial_cid_num: str | None
    initial_ip_addr: str | None
    initial_dest: str | None
    initial_dialplan: str | None
    initial_context: str | None
    more: Mapping[str, str] = attrs.field(hash=False)
    """Columns that are none of these."""


@final
@attrs.frozen
class ShownCall:
    """A call: a channel, and the one that it is bridged to."""

    a_leg: ShownChannel
    b_leg: ShownChannel | None
    """None where it is not bridged."""
    call_created_epoch: int | None
    """When they were bridged, in seconds since 1970."""


@final
@attrs.frozen
class ShownRegistration:
    """A telephone that is registered, whatever it registered with."""

    reg_user: str | None
    realm: str | None
    token: str | None
    """The registration's Call-ID, with SIP."""
    url: str | None
    """Where it is reached, as a dial string."""
    expires: int | None
    """When it ends, in seconds since 1970."""
    network_ip: str | None
    network_port: int | None
    network_proto: str | None
    hostname: str | None
    """The switch that it is registered with."""
    metadata: str | None
    more: Mapping[str, str] = attrs.field(hash=False)
    """Columns that are none of these."""


@final
@attrs.frozen
class ShownInterface:
    """Something that a module brought: an application, a codec, a dialplan."""

    type: str | None
    """Such as ``application``, ``codec``, ``endpoint``."""
    name: str | None
    ikey: str | None
    """The module, such as ``mod_dptools``."""
    filename: str | None
    """The module's file; ``show_modules`` alone shows it."""
    more: Mapping[str, str] = attrs.field(hash=False)
    """Columns that are none of these."""


@final
@attrs.frozen
class ShownCommand:
    """An application or an API command."""

    name: str | None
    description: str | None
    syntax: str | None
    ikey: str | None
    """The module, such as ``mod_commands``."""
    more: Mapping[str, str] = attrs.field(hash=False)
    """Columns that are none of these."""


@final
@attrs.frozen
class ShownTask:
    """Something that FreeSWITCH will do later."""

    task_id: int | None
    task_desc: str | None
    """What it is, mostly the name of a C function."""
    task_group: str | None
    """A channel's UUID, where it is about a channel."""
    task_runtime: int | None
    """When, in seconds since 1970."""
    more: Mapping[str, str] = attrs.field(hash=False)
    """Columns that are none of these."""


@final
@attrs.frozen
class ShownAlias:
    """A short name for a command line of FreeSWITCH's console."""

    alias: str | None
    command: str | None
    is_sticky: bool
    """Whether it is kept when FreeSWITCH ends."""
    more: Mapping[str, str] = attrs.field(hash=False)
    """Columns that are none of these."""


def shown_channel(row: Row) -> ShownChannel:
    """A row of the table ``channels``, or one side of a row of the views of calls."""
    return ShownChannel(
        uuid=row.text("uuid") or "",
        direction=row.text("direction"),
        created=row.text("created"),
        created_epoch=row.whole("created_epoch"),
        name=row.text("name"),
        state=row.text("state"),
        cid_name=row.text("cid_name"),
        cid_num=row.text("cid_num"),
        ip_addr=row.text("ip_addr"),
        dest=row.text("dest"),
        application=row.text("application"),
        application_data=row.text("application_data"),
        dialplan=row.text("dialplan"),
        context=row.text("context"),
        read_codec=row.text("read_codec"),
        read_rate=row.whole("read_rate"),
        read_bit_rate=row.whole("read_bit_rate"),
        write_codec=row.text("write_codec"),
        write_rate=row.whole("write_rate"),
        write_bit_rate=row.whole("write_bit_rate"),
        secure=row.text("secure"),
        hostname=row.text("hostname"),
        presence_id=row.text("presence_id"),
        presence_data=row.text("presence_data"),
        accountcode=row.text("accountcode"),
        callstate=row.text("callstate"),
        callee_name=row.text("callee_name"),
        callee_num=row.text("callee_num"),
        callee_direction=row.text("callee_direction"),
        call_uuid=row.text("call_uuid"),
        sent_callee_name=row.text("sent_callee_name"),
        sent_callee_num=row.text("sent_callee_num"),
        initial_cid_name=row.text("initial_cid_name"),
        initial_cid_num=row.text("initial_cid_num"),
        initial_ip_addr=row.text("initial_ip_addr"),
        initial_dest=row.text("initial_dest"),
        initial_dialplan=row.text("initial_dialplan"),
        initial_context=row.text("initial_context"),
        more=row.rest(),
    )


def shown_call(row: Row) -> ShownCall:
    """A row of the views ``basic_calls`` and ``detailed_calls`` (switch_core_sqldb.c)."""
    call_created_epoch = row.whole("call_created_epoch")
    other = shown_channel(row.part("b_"))
    return ShownCall(shown_channel(row), other if other.uuid else None, call_created_epoch)


def shown_registration(row: Row) -> ShownRegistration:
    """A row of the table ``registrations``."""
    return ShownRegistration(
        reg_user=row.text("reg_user"),
        realm=row.text("realm"),
        token=row.text("token"),
        url=row.text("url"),
        expires=row.whole("expires"),
        network_ip=row.text("network_ip"),
        network_port=row.whole("network_port"),
        network_proto=row.text("network_proto"),
        hostname=row.text("hostname"),
        metadata=row.text("metadata"),
        more=row.rest(),
    )


def shown_interface(row: Row) -> ShownInterface:
    """A row of the table ``interfaces``."""
    return ShownInterface(row.text("type"), row.text("name"), row.text("ikey"), row.text("filename"), row.rest())


def shown_command(row: Row) -> ShownCommand:
    """A row of the table ``interfaces``, of an application or an API command."""
    return ShownCommand(row.text("name"), row.text("description"), row.text("syntax"), row.text("ikey"), row.rest())


def shown_task(row: Row) -> ShownTask:
    """A row of the table ``tasks``."""
    return ShownTask(
        task_id=row.whole("task_id"),
        task_desc=row.text("task_desc"),
        task_group=row.text("task_group"),
        task_runtime=row.whole("task_runtime"),
        more=row.rest(),
    )


def shown_alias(row: Row) -> ShownAlias:
    """A row of the table ``aliases``."""
    return ShownAlias(row.text("alias"), row.text("command"), row.whole("sticky") == 1, row.rest())
