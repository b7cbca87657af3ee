"""``conference``: a room in which callers hear each other."""

from __future__ import annotations

from typing import Final, final

import attrs

from ..happenings import Happening, Who
from ..session import Session, Woken
from .application import Application

__all__ = ["APPLICATIONS", "Member", "Room"]


@final
@attrs.define(eq=False)
class Member:
    """Somebody in a conference."""

    number: int
    session: Session
    is_kicked: bool = False
    is_muted: bool = False


@final
@attrs.define(eq=False)
class Room:
    """A conference."""

    name: str
    uuid: str
    members: list[Member] = attrs.field(factory=list)


def maintenance(session: Session, room: Room, member: Member, action: str) -> None:
    """Tell of a conference, as mod_conference does."""
    session.channel.fire(
        "CUSTOM",
        before=[("Event-Subclass", "conference::maintenance")],
        last=[
            ("Conference-Name", room.name),
            ("Conference-Size", str(len(room.members))),
            ("Conference-Profile-Name", "default"),
            ("Conference-Unique-ID", room.uuid),
            ("Member-ID", str(member.number)),
            ("Member-Type", "member"),
            ("Hear", "true"),
            ("Speak", "false" if member.is_muted else "true"),
            ("Action", action),
        ],
    )


async def _conference(session: Session, argument: str) -> None:
    """``<name>[@<profile>][+[<pin>][+flags{...}]]``."""
    name = argument.partition("@")[0].partition("+")[0]
    if not name:
        return
    core, channel, story = session.core, session.channel, session.channel.story
    channel.answer()
    room = core.conferences.get(name)
    if room is None:
        room = core.conferences[name] = Room(name, core.new_uuid())
    member = Member(core.next_conference_member(), session)
    room.members.append(member)
    channel.set("conference_name", name)
    channel.set("conference_member_id", str(member.number))
    channel.set("conference_uuid", room.uuid)
    story.tell(Who.CALLER, Happening.IS_IN_CONFERENCE, name, str(len(room.members)))
    maintenance(session, room, member, "add-member")
    if len(room.members) == 1:
        maintenance(session, room, member, "floor-change")
    try:
        woken = Woken.TIME
        while woken is not Woken.GONE:
            woken = await session.wait(breakable=False, on_digit=lambda _: False, goes_on=lambda: not member.is_kicked)
    finally:
        room.members.remove(member)
        if not room.members and core.conferences.get(name) is room:
            del core.conferences[name]
    maintenance(session, room, member, "del-member")
    story.tell(Who.CALLER, Happening.LEAVES_CONFERENCE, name)


APPLICATIONS: Final = (Application("conference", _conference, needs_media=True, is_told=False),)
