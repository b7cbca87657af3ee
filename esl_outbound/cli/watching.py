"""``esl-outbound events``: what happens on a switch, a line each."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from functools import partial
from typing import Final, final

import attrs
import trio

from ..client import Away, ResilientEvents, SwitchEvents, connect, stay_connected
from ..client.streams import selection_of
from ..errors import EventsLost
from ..protocol import Event, EventFormat, array_items
from .output import Output, one_line, printable
from .switches import Login, run_on_switch

__all__ = ["Shape", "WatchOptions", "as_json", "as_raw", "as_row", "event_names", "run_events", "watch"]

_ARRAY: Final = "ARRAY::"
_TIME_WIDTH: Final = 12
_NAME_WIDTH: Final = 24
_UUID_WIDTH: Final = 36
_NO_UUID: Final = "-"

# What is worth to be seen of an event in a line, by its name: the first of these headers' values, in their order.
_DETAILS: Final[Mapping[str, tuple[str, ...]]] = {
    "CHANNEL_CREATE": ("Caller-Caller-ID-Number", "Caller-Destination-Number", "Channel-Name"),
    "CHANNEL_ANSWER": ("Caller-Caller-ID-Number", "Caller-Destination-Number", "Channel-Name"),
    "CHANNEL_STATE": ("Channel-State",),
    "CHANNEL_CALLSTATE": ("Channel-Call-State",),
    "CHANNEL_EXECUTE": ("Application", "Application-Data"),
    "CHANNEL_EXECUTE_COMPLETE": ("Application", "Application-Data", "Application-Response"),
    "CHANNEL_BRIDGE": ("Bridge-A-Unique-ID", "Bridge-B-Unique-ID"),
    "CHANNEL_HANGUP": ("Hangup-Cause",),
    "CHANNEL_HANGUP_COMPLETE": ("Hangup-Cause", "variable_billsec"),
    "DTMF": ("DTMF-Digit", "DTMF-Source"),
    "BACKGROUND_JOB": ("Job-UUID", "Job-Command", "Job-Command-Arg"),
    "API": ("API-Command", "API-Command-Argument"),
    "PLAYBACK_START": ("Playback-File-Path",),
    "PLAYBACK_STOP": ("Playback-File-Path", "Playback-Status"),
    "RECORD_START": ("Record-File-Path",),
    "RECORD_STOP": ("Record-File-Path", "Record-Completion-Cause"),
    "CUSTOM": ("Event-Subclass", "Action"),
    "HEARTBEAT": ("Session-Count", "Up-Time"),
    "MODULE_LOAD": ("type", "name"),
    "MODULE_UNLOAD": ("type", "name"),
    "PRESENCE_IN": ("from", "status"),
}
_ELSE: Final = ("Channel-Name",)


class Shape(StrEnum):
    """How events are printed."""

    TABLE = "table"
    JSON = "json"
    RAW = "raw"


@final
@attrs.frozen
class WatchOptions:
    """What the command line says about the events."""

    login: Login
    names: Sequence[str]
    where: Mapping[str, str]
    shape: Shape
    count: int | None
    """How many events are wanted; None if any number."""
    seconds: float | None
    """How long they are waited for; None if for ever."""
    reconnect: bool = False
    """Whether to go on when the connection ends."""


def event_names(given: Iterable[str]) -> tuple[str, ...]:
    """Names of events as they are typed: CUSTOM and its subclass are two words there, and the subclass may be alone."""
    names: list[str] = []
    is_custom = False
    for name in given:
        if name.upper() == "CUSTOM":
            is_custom = True
        elif is_custom or "::" in name:
            names.append(name if name.upper().startswith("CUSTOM ") else f"CUSTOM {name}")
            is_custom = False
        else:
            names.append(name)
    return (*names, "CUSTOM") if is_custom else tuple(names)


def run_events(options: WatchOptions) -> int:
    """Print events until there are enough of them, or Ctrl-C; give the status with which the process shall end."""
    output = Output()
    return run_on_switch(partial(watch, options, output), output, interrupted=0)


async def watch(options: WatchOptions, output: Output) -> int:
    """Print events until there are enough of them, or the time is over; give the status.

    Raises:
        SwitchError: FreeSWITCH cannot be reached, or the connection ended.
        LocalProtocolError: A name is no event's name, or a header cannot be said.
        CommandRejected: FreeSWITCH has no event of that name, or this user may not hear of it.
    """
    selection_of(tuple(options.names), options.where)  # refused before there is a connection
    return await _Watch(options, output).run()


@final
class _Watch:
    def __init__(self, options: WatchOptions, output: Output) -> None:
        self._options: Final = options
        self._output: Final = output
        self._written: Final[Callable[[Event], str]] = {
            Shape.TABLE: as_row,
            Shape.JSON: as_json,
            Shape.RAW: as_raw,
        }[options.shape]
        self._left = options.count

    async def run(self) -> int:
        options = self._options
        with trio.move_on_after(float("inf") if options.seconds is None else options.seconds):
            await self._watch()
        if self._left:
            self._output.say(
                f"esl-outbound: {options.count - self._left if options.count else 0} of {options.count} events came"
                f" in {options.seconds:g} s",
                is_error=True,
            )
            return 1
        return 0

    async def _watch(self) -> None:
        options, login = self._options, self._options.login
        host, port = login.address.host, login.address.port
        # JSON says every value as it is; the other forms lose a `%` that two hex digits follow.
        form = EventFormat.JSON
        if options.reconnect:
            async with (
                stay_connected(host, port, password=login.password, user=login.user, event_format=form) as resilient,
                resilient.events(*options.names, where=options.where) as events,
            ):
                await self._print(events)
        else:
            async with (
                connect(host, port, password=login.password, user=login.user, event_format=form) as switch,
                switch.events(*options.names, where=options.where) as events,
            ):
                await self._print(events)

    async def _print(self, events: SwitchEvents | ResilientEvents) -> None:
        while self._left is None or self._left:
            try:
                event = await events.get()
            except EventsLost as exc:
                self._output.say(
                    f"esl-outbound: {exc.count} events were lost here: there are too many of them", is_error=True
                )
                continue
            if isinstance(event, Away):
                self._output.say(_written_absence(event, self._options.shape))
                continue
            self._output.say(self._written(event))
            if self._left is not None:
                self._left -= 1


def _written_absence(away: Away, shape: Shape) -> str:
    if shape is Shape.JSON:
        return json.dumps({"_away_seconds": round(away.seconds, 3), "_reason": away.reason})
    return f"(away for {away.seconds:.1f} s, in which events were missed: {one_line(away.reason)})"


# How an event is written


def as_row(event: Event) -> str:
    """An event as a row of the table: time, name, channel, and what is worth to be seen of it."""
    name = str(event.name) or "(no name)"
    uuid = event.get("Unique-ID") or _NO_UUID
    headers = _DETAILS.get(name, _ELSE)
    details = [value for header in headers if (value := event.get(header))]
    if name == "BACKGROUND_JOB":
        details.append(event.body.strip().partition("\n")[0])
    row = f"{_time_of(event):{_TIME_WIDTH}}  {one_line(name):{_NAME_WIDTH}}  {one_line(uuid):{_UUID_WIDTH}}"
    return f"{row}  {one_line('  '.join(details))}".rstrip()


def _time_of(event: Event) -> str:
    """FreeSWITCH's own time of day."""
    clock = event.get("Event-Date-Local").partition(" ")[2]
    stamp = event.get("Event-Date-Timestamp")
    if not clock or not (stamp.isascii() and stamp.isdigit()):
        return one_line(clock)
    return one_line(f"{clock}.{stamp[-6:-3]:0>3}")


def as_json(event: Event) -> str:
    """An event as a JSON object on one line: its headers, repeated ones as a list, and its body as ``_body``."""
    found: dict[str, str | list[str]] = {}
    for name, value in event.headers.pairs():
        values = array_items(value) if value.startswith(_ARRAY) else [value]
        before = found.get(name)
        if before is None:
            found[name] = values if value.startswith(_ARRAY) else value
        else:
            found[name] = [*([before] if isinstance(before, str) else before), *values]
    if event.body:
        found["_body"] = event.body
    # Whatever is not ASCII is escaped, and with it all that could steer a terminal but one character.
    return json.dumps(found).replace("\x7f", "\\u007f")


def as_raw(event: Event) -> str:
    """An event's headers, a line each, its body if it has one, and an empty line."""
    lines = [f"{one_line(name)}: {one_line(value)}" for name, value in event.headers.pairs() if name != "_body"]
    if event.body:
        lines += ["", printable(event.body).removesuffix("\n")]
    return "\n".join(lines) + "\n"
