"""Going to another extension, at once or later, or to one and back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Final

from ..dialplans import actions_at
from ..expansion import separate
from ..happenings import Happening, Who
from ..session import Session
from .application import Application
from .holding import unhold

__all__ = ["APPLICATIONS", "transfer_far_end", "transfer_to"]


def _actions_at(session: Session, destination: str, dialplan: str, context: str) -> Sequence[str] | None:
    """What is done at an extension; None if there is none."""
    return actions_at(session.core, destination, dialplan, context or session.channel.profile.context)


def transfer_to(session: Session, words: str) -> bool:
    """Send a channel to an extension.

    Returns:
        Whether it goes to one: ``<extension> [<dialplan> [<context>]]``.
    """
    destination, dialplan, context, *_ = (*separate(words), "", "", "")
    if not destination:
        return False
    actions = _actions_at(session, destination, dialplan, context)
    unhold(session.core, session.channel)  # switch_ivr_check_hold()
    session.channel.story.tell(Who.SWITCH, Happening.GOES_TO, destination)
    return session.transfer(actions, destination=destination, dialplan=dialplan, context=context)


def transfer_far_end(session: Session, words: str) -> bool:
    """Send whoever a channel talks to to an extension; the channel's own bridge ends with that.

    Returns:
        Whether there is somebody.
    """
    peer = session.core.sessions.get(session.joined_to)
    if peer is not None:
        return transfer_to(peer, words)
    leg = session.bridged_to
    if leg is None:
        return False
    destination = (*separate(words), "")[0]
    if destination:
        session.channel.story.tell(Who.SWITCH, Happening.FAR_END_GOES_TO, leg.destination, destination)
        # What it does there is not simulated: it has no thread here.
        leg.hang_up("BLIND_TRANSFER")
    return True


async def _transfer(session: Session, argument: str) -> None:
    """``[-bleg|-both] <extension> [<dialplan> [<context>]]``."""
    option, _, rest = argument.lstrip(" ").partition(" ")
    match option.lower():
        case "-bleg":
            transfer_far_end(session, rest)
        case "-both":
            transfer_far_end(session, rest)
            transfer_to(session, rest)
        case _:
            transfer_to(session, argument)


async def _execute_extension(session: Session, argument: str) -> None:
    """``<extension> [<dialplan> [<context>]]``."""
    destination, dialplan, context, *_ = (*separate(argument, limit=4), "", "", "")
    if destination:
        actions = _actions_at(session, destination, dialplan, context)
        await session.executions.execute_extension(actions or ())


async def _sched_transfer(session: Session, argument: str) -> None:
    """``[+]<seconds> <extension> [<dialplan> [<context>]]``."""
    time, _, words = argument.partition(" ")
    if words.strip(" "):
        number = session.schedule(session.core.seconds_until(time), partial(transfer_to, session, words))
        session.channel.set("last_sched_id", str(number))


async def _park_state(session: Session, argument: str) -> None:
    session.go_to_park()


APPLICATIONS: Final = (
    Application("transfer", _transfer),
    Application("execute_extension", _execute_extension),
    Application("sched_transfer", _sched_transfer),
    Application("park_state", _park_state, needs_media=True),
)
