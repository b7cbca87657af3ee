"""Variables of the channel and of the switch."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from ..expansion import separate
from ..session import Session
from ..wire import Value
from .application import Application

__all__ = ["APPLICATIONS", "export_to_legs"]


def _name_and_value(argument: str) -> tuple[str, str]:
    """``name=value``; without an equals sign base_set() looks for a comma."""
    name, _, value = argument.partition("=" if "=" in argument else ",")
    return name, value


async def _set(session: Session, argument: str) -> None:
    name, value = _name_and_value(argument)
    if name:
        # Expanded a second time, as base_set() does.
        session.channel.set(name, await session.executions.expand(value) if value else None)


def _assignments(argument: str) -> Iterator[str]:
    """What a multiset is made of: blanks are between them, unless it begins with ``^^`` and another byte."""
    if argument.startswith("^^") and len(argument) > 2:
        yield from separate(argument[3:], argument[2])
    else:
        yield from separate(argument)


async def _multiset(session: Session, argument: str) -> None:
    for each in _assignments(argument):
        await _set(session, each)


async def _unset(session: Session, argument: str) -> None:
    if argument:
        session.channel.set(argument, None)


async def _multiunset(session: Session, argument: str) -> None:
    for each in _assignments(argument):
        session.channel.set(each, None)


def _pushing(*, first: bool) -> Callable[[Session, str], Awaitable[None]]:
    async def push(session: Session, argument: str) -> None:
        name, value = _name_and_value(argument)
        if name and value:
            session.channel.variables.push(name, await session.executions.expand(value), first=first)

    return push


def _exporting(names: str) -> Callable[[Session, str], Awaitable[None]]:
    async def export(session: Session, argument: str) -> None:
        """``[nolocal:]name=value``: for this channel, and for the legs that it will call."""
        name, _, value = argument.partition("=")
        channel = session.channel
        if not name:
            return
        exported = channel.get(names)
        channel.set(name, value)
        if value:
            channel.set(names, f"{exported},{name}" if exported else name)

    return export


def export_to_legs(session: Session) -> Iterator[tuple[str, Value]]:
    """What a new leg gets of this channel's variables."""
    channel = session.channel
    for names in "export_vars", "bridge_export_vars":
        for name in (channel.get(names) or "").split(","):
            value = channel.variables.get(name) if name else None
            if value is not None:
                prefix = re.match("nolocal:|_nolocal_", name, re.IGNORECASE)
                yield name[prefix.end() :] if prefix is not None else name, value


async def _set_global(session: Session, argument: str) -> None:
    name, _, value = argument.partition("=")
    if name:
        session.core.global_variables[name] = value


_PROFILE_FIELDS: Final = {
    "caller_id_name": "caller_id_name",
    "effective_caller_id_name": "caller_id_name",
    "caller_id_number": "caller_id_number",
    "effective_caller_id_number": "caller_id_number",
    "callee_id_name": "callee_id_name",
    "callee_id_number": "callee_id_number",
    "destination_number": "destination_number",
    "rdnis": "rdnis",
    "username": "username",
    "context": "context",
}


async def _set_profile_var(session: Session, argument: str) -> None:
    name, _, value = argument.partition("=")
    field = _PROFILE_FIELDS.get(name.strip().lower())
    if field is not None:
        setattr(session.channel.profile, field, value)


async def _set_name(session: Session, argument: str) -> None:
    session.channel.set("channel_name", argument)


APPLICATIONS: Final = (
    Application("set", _set, runs_after_hangup=True),
    Application("multiset", _multiset, runs_after_hangup=True),
    Application("unset", _unset, runs_after_hangup=True),
    Application("multiunset", _multiunset, runs_after_hangup=True),
    Application("push", _pushing(first=False), runs_after_hangup=True),
    Application("unshift", _pushing(first=True), runs_after_hangup=True),
    Application("export", _exporting("export_vars"), runs_after_hangup=True),
    Application("bridge_export", _exporting("bridge_export_vars"), runs_after_hangup=True),
    Application("set_global", _set_global, runs_after_hangup=True),
    Application("set_profile_var", _set_profile_var, runs_after_hangup=True),
    Application("set_name", _set_name),
)
