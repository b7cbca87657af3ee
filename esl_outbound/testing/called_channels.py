"""Channels that the switch calls somebody with, and that have no caller: what such a channel has from the start."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, final

from .channel import Channel, Indication, Profile, Signalling
from .core import Core
from .destinations import DialledLeg
from .story import Story
from .wire import Value

__all__ = ["NO_NUMBER", "make_called_channel"]

NO_NUMBER: Final = "0000000000"
"""What whoever is called sees, if nothing else was said (SWITCH_DEFAULT_CLID_NUMBER)."""

_APP: Final = "app="


def make_called_channel(core: Core, story: Story, dialled: DialledLeg, changed: Callable[[], None]) -> Channel:
    """A channel as ``switch_core_session_outgoing_channel()`` gives it to an originate without a caller.

    Args:
        core: The switch.
        story: Where its story is told.
        dialled: What is dialled.
        changed: Called when it rings, is heard or is answered.
    """
    endpoint, _, rest = dialled.destination.partition("/")
    uuid = dialled.get("origination_uuid")
    if not uuid or uuid in core.existing:
        # switch_core_session_set_uuid() takes none that is in use, and the channel keeps its own.
        uuid = core.new_uuid()
    now = core.micros()
    profile = Profile(
        uuid,
        dialled.destination,
        rest.partition("@")[0] or "service",
        caller_id_number=dialled.get("origination_caller_id_number") or NO_NUMBER,
        caller_id_name=dialled.get("origination_caller_id_name"),
        callee_id_name=dialled.get("origination_callee_id_name") or "Outbound Call",
        callee_id_number=dialled.get("origination_callee_id_number") or _last_number(rest) or "service",
        direction="outbound",
        logical_direction="outbound",
        dialplan="",
        source="src/switch_ivr_originate.c",
        context="",
        created=now,
        profile_created=now,
    )
    codec = ("PCMU", 64000)
    signalling: Signalling = _Phone(changed)
    own: list[tuple[str, Value]] = []
    match endpoint:
        case "loopback":
            codec, signalling = ("L16", 128000), _Loopback(changed)
            own = _read_loopback(profile, rest)
        case "user":
            user, _, domain = rest.partition("@")
            profile.channel_name = f"sofia/internal/{user}@127.0.0.1"
            own = [("dialed_user", user), ("dialed_domain", domain or core.global_variables.get("domain", ""))]
        case "sofia":
            profile.destination_number = _last_number(rest)
    profile.channel_name = dialled.get("origination_channel_name") or profile.channel_name
    channel = Channel(core, profile, codec=codec, story=story, signalling=signalling)
    for name, value in (
        ("direction", "outbound"),
        ("is_outbound", "true"),
        ("uuid", uuid),
        ("call_uuid", uuid),
        ("session_id", str(core.next_session_id())),
        *own,
        ("read_codec", codec[0]),
        ("read_rate", "8000"),
        ("write_codec", codec[0]),
        ("write_rate", "8000"),
        ("channel_name", profile.channel_name),
    ):
        channel.set(name, value)
    return channel


def _last_number(rest: str) -> str:
    """What FreeSWITCH takes for the callee's number: what stands last, of loopback the context."""
    return rest.rpartition("/")[2].removeprefix("sip:").partition("@")[0]


def _read_loopback(profile: Profile, rest: str) -> list[tuple[str, Value]]:
    """``<extension>[/<context>[/<dialplan>]]`` or ``app=<application>[:<argument>]``.

    As channel_outgoing_channel() in mod_loopback.c reads it.
    """
    own: list[tuple[str, Value]] = [("is_loopback", "1")]
    number = rest
    if rest[: len(_APP)].lower() == _APP:
        number, colon, argument = rest[len(_APP) :].partition(":")
        own.append(("loopback_app", number))
        if colon:
            own.append(("loopback_app_arg", argument))
    number, _, where = number.partition("/")
    context, _, dialplan = where.partition("/")
    profile.destination_number = number
    profile.context = context or "default"
    profile.dialplan = dialplan or "xml"
    profile.source = "mod_loopback"
    profile.channel_name = f"loopback/{number}-a"
    return own


class _Called(Signalling):
    """Somebody who is called.

    Args:
        changed: Called when it rings, he is heard, or has answered.
    """

    def __init__(self, changed: Callable[[], None]) -> None:
        self._changed = changed

    def indicate(self, channel: Channel, indication: Indication) -> None:  # noqa: ARG002 - whatever it is
        self._changed()


@final
class _Phone(_Called):
    """A SIP phone."""

    def hang_up(self, channel: Channel, *, by_far_end: bool) -> None:
        if by_far_end:
            disposition = "recv_bye" if channel.is_answered else "recv_refuse"
        else:
            disposition = "send_bye" if channel.is_answered else "send_cancel"
        channel.set("sip_hangup_disposition", disposition)


@final
class _Loopback(_Called):
    """The switch itself."""

    def hang_up(self, channel: Channel, *, by_far_end: bool) -> None:  # noqa: ARG002 - whoever does it
        # channel_on_hangup() in mod_loopback.c
        other = channel.core.channels.get(channel.get("other_loopback_leg_uuid") or "")
        if other is not None:
            other.hang_up(channel.hangup_cause or "NORMAL_CLEARING")

    def report(self, channel: Channel) -> None:
        channel.set("is_loopback", "1")
