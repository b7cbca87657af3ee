"""``hash``, ``db``, ``group`` and ``capture``: what a dialplan keeps."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from ..expansion import separate
from ..patterns import search
from ..session import Session
from .application import Application

__all__ = ["APPLICATIONS"]


def _storing(store: str) -> Callable[[Session, str], Awaitable[None]]:
    async def keep(session: Session, argument: str) -> None:
        """``insert|insert_ifempty|delete|delete_ifmatch/<realm>/<key>[/<value>]``."""
        words = separate(argument, "/", 4)
        if len(words) < 3:
            return
        kept = session.core.stores[store]
        key = f"{words[1]}_{words[2]}"
        match words[0].lower(), words[3:]:
            case "insert", [value]:
                kept[key] = value
            case "insert_ifempty", [value] if store == "hash":
                kept.setdefault(key, value)
            case "delete", _:
                kept.pop(key, None)
            case "delete_ifmatch", [value] if store == "hash" and kept.get(key) == value:
                del kept[key]

    return keep


async def _capture(session: Session, argument: str) -> None:
    """``<variable>|<data>|<regular expression>``: what its groups match becomes an array."""
    words = separate(argument, "|", 3)
    if len(words) < 3:
        return
    found = search(words[2], words[1])
    if found is not None and words[0]:
        for each in (found[0], *found.groups("")):
            session.channel.variables.push(words[0], each)


async def _group(session: Session, argument: str) -> None:
    """``insert|delete:<group>:<dial string>``; one that is inserted twice is there twice (``group_function()``)."""
    words = separate(argument, ":", 3)
    if len(words) < 3:
        return
    members = session.core.groups.setdefault(words[1], [])
    match words[0].lower():
        case "insert":
            members.append(words[2])
        case "delete":
            members[:] = [member for member in members if member != words[2]]


APPLICATIONS: Final = (
    Application("hash", _storing("hash"), runs_after_hangup=True),
    Application("db", _storing("db"), runs_after_hangup=True),
    Application("capture", _capture),
    Application("group", _group, runs_after_hangup=True),
)
