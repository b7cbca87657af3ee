"""Variables of the channel and of the switch."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Final

from ..channel import is_true
from ..expansion import separate
from ..session import Session
from ..wire import Value
from .application import Application

__all__ = ["APPLICATIONS", "export_to_legs"]


# switch_string_var_check_const() in switch_utils.h.
_EXPANDED: Final = re.compile(r"\$(\\*\{)")


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


def _exporting(names: str, *, checks: bool = False) -> Callable[[Session, str], Awaitable[None]]:
    async def export(session: Session, argument: str) -> None:
        """``[nolocal:]name=value``: for this channel, and for the legs that it will call."""
        name, _, value = argument.partition("=")
        channel = session.channel
        if not name:
            return
        exported = channel.get(names)
        if not (checks and _EXPANDED.search(value)):
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
        # switch_core_set_variable() lets nothing be expanded in it later.
        session.core.global_variables[name] = _EXPANDED.sub(r"%\1", value)


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
    if argument:
        session.channel.name = session.channel.profile.channel_name = argument
        session.channel.set("channel_name", argument)


async def _transfer_vars(session: Session, argument: str) -> None:
    """``<variable>`` or ``~<prefix>``, for the leg that the channel is bridged to."""
    leg = session.bridged_to
    if leg is None:
        return
    channel = session.channel
    for name, value in list(channel.variables) if argument.startswith("~") else [(argument, channel.get(argument))]:
        if value and (name == argument or name.startswith(argument[1:])):
            leg.channel.set(name, value)


async def _set_user(session: Session, argument: str) -> None:
    """``<user>@<domain> [<prefix>]``, a user of the directory."""
    who, _, prefix = argument.partition(" ")
    user, _, domain = who.partition("@")
    variables = session.core.users.get(who)
    if variables is not None:
        for name, value in {**variables, "user_name": user, "domain_name": domain}.items():
            session.channel.set(prefix + name, value)


async def _privacy(session: Session, argument: str) -> None:
    """``full|name|number|yes|no``: what is hidden already stays so, but for the last."""
    profile, word = session.channel.profile, argument.lower()
    if word in {"name", "full"} or is_true(word):
        profile.hides_name = True
    if word in {"number", "full"} or is_true(word):
        profile.hides_number = True
    if word in {"no", "off", "false"}:
        profile.hides_name = profile.hides_number = False


APPLICATIONS: Final = (
    Application("set", _set, runs_after_hangup=True),
    Application("multiset", _multiset, runs_after_hangup=True),
    Application("unset", _unset, runs_after_hangup=True),
    Application("multiunset", _multiunset, runs_after_hangup=True),
    Application("push", _pushing(first=False), runs_after_hangup=True),
    Application("unshift", _pushing(first=True), runs_after_hangup=True),
    Application("export", _exporting("export_vars"), runs_after_hangup=True),
    Application("bridge_export", _exporting("bridge_export_vars", checks=True), runs_after_hangup=True),
    Application("set_global", _set_global, runs_after_hangup=True),
    Application("set_profile_var", _set_profile_var, runs_after_hangup=True),
    Application("set_name", _set_name),
    Application("transfer_vars", _transfer_vars, runs_after_hangup=True),
    Application("set_user", _set_user),
    Application("privacy", _privacy),
)
