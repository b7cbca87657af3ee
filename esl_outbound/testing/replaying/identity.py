"""What the handler makes up itself: the recorded one named things otherwise than the one of today."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Final, final
from xml.sax.saxutils import escape

from ..recordings import RecordedFrame
from ..wire import Received, decoded, encoded, url_encoded
from .telling import IDS

__all__ = ["Identities"]

_UUID: Final = re.compile(r"[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_UUID_BYTES: Final = re.compile(_UUID.pattern.encode())
_ID_HEADERS: Final = "Application-UUID|Event-UUID|Job-UUID"


@final
class Identities:
    """What things of the recording are called now: Event-UUIDs, Job-UUIDs, and every UUID that is not FreeSWITCH's."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}
        self._heard_uuids: set[str] = set()

    def __contains__(self, recorded: str) -> bool:
        return recorded in self._names

    def name(self, recorded: str, now: str) -> None:
        """What was called so in the recording is called so now."""
        if recorded and now:
            self._names[recorded] = now

    def matches(self, recorded: Received, said: Received) -> bool:
        """Whether two commands are the same but for what their senders made up; note what that is called now."""
        then, now = _comparable(recorded), _comparable(said)
        if _UUID.split(then) != _UUID.split(now):
            return False
        new: dict[str, str] = {}
        for old, name in zip(_UUID.findall(then), _UUID.findall(now), strict=True):
            known = self._names.get(old, new.get(old, old if old in self._heard_uuids else None))
            taken = name in self._names.values() or name in new.values()
            if known is None and not taken and (old == name or name not in self._heard_uuids):
                known = new[old] = name
            if known != name:
                return False
        for header in IDS:
            if recorded.get(header) and said.get(header):
                new[recorded.get(header)] = said.get(header)
        self._names.update(new)
        return True

    def adapted(self, frame: RecordedFrame) -> bytes:
        """A frame with what the handler made up this time."""
        self._heard_uuids.update(map(decoded, _UUID_BYTES.findall(frame.head + frame.body)))
        if not self._names:
            return frame.head + frame.body
        ids = self._names

        def renamed(found: re.Match[bytes]) -> bytes:
            name = ids.get(decoded(found[0]), "")
            return encoded(name) if _UUID.fullmatch(name) is not None else found[0]

        head, body = (_UUID_BYTES.sub(renamed, part) for part in (frame.head, frame.body))
        before, after, write = _id_lines(frame.content_type)
        odd = {
            write(old): write(name)
            for old, name in ids.items()
            if old != name and not (_UUID.fullmatch(old) and _UUID.fullmatch(name))
        }
        if odd:
            pattern = re.compile(b"(?m)(?P<before>" + before + b")(?P<id>.*?)(?P<after>" + after + b")")

            def in_line(found: re.Match[bytes]) -> bytes:
                return found["before"] + odd.get(found["id"], found["id"]) + found["after"]

            head, body = (pattern.sub(in_line, part) for part in (head, body))
        if len(body) != len(frame.body):
            head = re.sub(rb"(?m)^Content-Length: .*$", b"Content-Length: %d" % len(body), head, count=1)
        return head + body


def _id_lines(content_type: str) -> tuple[bytes, bytes, Callable[[str], bytes]]:
    """What stands before and behind an id in a message of that type, and how its text is written there."""
    match content_type:
        case "text/event-json":
            return (
                rf'"(?:{_ID_HEADERS})":\s*"'.encode(),
                b'"',
                lambda text: encoded(json.dumps(text, ensure_ascii=False)[1:-1]),
            )
        case "text/event-xml":
            return (
                f"<(?P<tag>{_ID_HEADERS})>".encode(),
                b"</(?P=tag)>",
                lambda text: encoded(escape(url_encoded(text))),
            )
        case "text/event-plain":
            return f"^(?:{_ID_HEADERS}): ".encode(), b"$", lambda text: encoded(url_encoded(text))
        case _:
            return f"^(?:{_ID_HEADERS}): ".encode(), b"$", encoded


def _comparable(command: Received) -> str:
    """A command without what its sender made up to know it by, in one piece."""
    headers = sorted((name.lower(), value) for name, value in command.headers if name.lower() not in IDS)
    return "\0".join([command.line, *(f"{name}: {value}" for name, value in headers), command.body])
