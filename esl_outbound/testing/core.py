"""What a switch's calls have in common: its clock, its channels, its events, its tables."""

from __future__ import annotations

import fnmatch
import random
import uuid
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, TypeAlias, final

import trio

from .installation import Installation
from .limits import Limits, Mutexes
from .placed import PlacedCalls
from .schedule import Schedule
from .sounds import Sounds
from .virtual import time_jumps
from .wire import Event, Value, atoi

if TYPE_CHECKING:
    from .api import ApiCommand
    from .applications import Application
    from .applications.conferencing import Room
    from .applications.lodging import Message
    from .applications.queueing import Callcenter, FifoNode
    from .channel import Channel
    from .destinations import Destination
    from .legs import Leg
    from .session import Session
    from .targets import Target

__all__ = ["Core", "Headers", "Site"]

Headers: TypeAlias = Sequence[tuple[str, Value]]

Site: TypeAlias = tuple[str, str, int]
"""A place in FreeSWITCH's source: file, function, line."""

# Where FreeSWITCH 1.11 says that it fires its events (Event-Calling-File, -Function, -Line-Number).
_CALLING_SITES: Final[Mapping[str, Site]] = {
    "API": ("switch_loadable_module.c", "switch_api_execute", 3140),
    "BACKGROUND_JOB": ("mod_event_socket.c", "api_exec", 1580),
    "CALL_UPDATE": ("switch_channel.c", "switch_channel_flip_cid", 3279),
    "CHANNEL_ANSWER": ("switch_channel.c", "switch_channel_perform_mark_answered", 3848),
    "CHANNEL_BRIDGE": ("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge", 1689),
    "CHANNEL_CALLSTATE": ("switch_channel.c", "switch_channel_perform_set_callstate", 302),
    "CHANNEL_DATA": ("mod_event_socket.c", "parse_command", 2029),
    "CHANNEL_DESTROY": ("switch_core_session.c", "switch_core_session_perform_destroy", 1588),
    "CHANNEL_EXECUTE": ("switch_core_session.c", "switch_core_session_exec", 2949),
    "CHANNEL_EXECUTE_COMPLETE": ("switch_core_session.c", "switch_core_session_exec", 2972),
    "CHANNEL_HANGUP": ("switch_channel.c", "switch_channel_perform_hangup", 3447),
    "CHANNEL_HANGUP_COMPLETE": ("switch_core_state_machine.c", "switch_core_session_reporting_state", 943),
    "CHANNEL_PARK": ("switch_ivr.c", "switch_ivr_park", 1002),
    "CHANNEL_PROGRESS": ("switch_channel.c", "switch_channel_perform_mark_ring_ready_value", 3507),
    "CHANNEL_PROGRESS_MEDIA": ("switch_channel.c", "switch_channel_perform_mark_pre_answered", 3562),
    "CHANNEL_STATE": ("switch_channel.c", "switch_channel_perform_set_running_state", 2409),
    "CHANNEL_UNBRIDGE": ("switch_ivr_bridge.c", "switch_ivr_multi_threaded_bridge", 1879),
    "CHANNEL_UNPARK": ("switch_ivr.c", "switch_ivr_park", 1213),
    "CUSTOM": ("mod_event_socket.c", "parse_command", 2283),
    "DTMF": ("switch_channel.c", "switch_channel_dequeue_dtmf", 678),
    "PLAYBACK_START": ("switch_ivr_play_say.c", "switch_ivr_play_file", 1649),
    "PLAYBACK_STOP": ("switch_ivr_play_say.c", "switch_ivr_play_file", 2023),
    "PRIVATE_COMMAND": ("switch_ivr.c", "switch_ivr_parse_next_event", 804),
    "RECORD_START": ("switch_ivr_play_say.c", "switch_ivr_record_file_event", 770),
    "RECORD_STOP": ("switch_ivr_play_say.c", "switch_ivr_record_file_event", 1033),
}

_PATIENCE_SECONDS: Final = 60.0
_PATIENCE_OF_A_CLOCK_THAT_JUMPS: Final = 3600.0
"""Virtual time costs nothing."""

_BLANKS: Final = "\t\n\v\f\r "
_LONGEST_DATE: Final = 80

Observer: TypeAlias = Callable[[Event], None]
LogObserver: TypeAlias = Callable[[int, str, Site, int, str], None]


@final
class Core:
    """One switch's state.

    Args:
        seed: From which its UUIDs are made: the same seed gives the same ones.
        date: What its clock shows when it is first looked at; the time of day, if not said.
    """

    def __init__(self, seed: int = 0, date: datetime | None = None) -> None:
        self._random: Final = random.Random(seed)
        self._sequence = 500
        self._date = date
        self._epoch: float | None = None
        self._started = 0
        self._sessions = 0
        self.uuid: Final = self.new_uuid()
        self.channels: Final[dict[str, Channel]] = {}
        """Those that can be found, by UUID: not those that are hung up."""
        self.existing: Final[dict[str, Channel]] = {}
        """Those that are not destroyed yet."""
        self.sessions: Final[dict[str, Session]] = {}
        """The threads of those that have one."""
        self.legs: Final[dict[str, Leg]] = {}
        """The far ends of bridges that are not hung up, which have no threads of their own."""
        self.observers: Final[list[Observer]] = []
        """Who is told of every event."""
        self.log_observers: Final[list[LogObserver]] = []
        """Who is told of every line of the log: its level, text, place, kind, and the channel that it is about."""
        self.global_variables: Final[dict[str, str]] = {"domain": "127.0.0.1", "hostname": "vm"}
        self.sounds: Final = Sounds()
        self.schedule: Final = Schedule()
        self.stores: Final[dict[str, dict[str, str]]] = {"hash": {}, "db": {}}
        """What the applications of these names keep, by realm and key."""
        self.groups: Final[dict[str, list[str]]] = {}
        """What ``group`` keeps."""
        self.users: Final[dict[str, Mapping[str, str]]] = {}
        """The variables of the directory's users, by ``user@domain``."""
        self.limits: Final = Limits()
        self.mutexes: Final = Mutexes()
        self.applications: Final[dict[str, Application]] = {}
        self.api_commands: Final[dict[str, ApiCommand]] = {}
        self.destinations: Final[list[Destination]] = []
        self.extensions: Final[dict[str, tuple[str, ...]]] = {}
        self.conferences: Final[dict[str, Room]] = {}
        self.fifos: Final[dict[str, FifoNode]] = {}
        self.callcenters: Final[dict[str, Callcenter]] = {}
        self.lots: Final[dict[str, dict[str, Session]]] = {}
        """Who is parked, by lot and stall."""
        self.mailboxes: Final[dict[str, list[Message]]] = {}
        """Messages, by ``user@domain``."""
        self.missing_mailboxes: Final[set[str]] = set()
        self.unwritable: Final[list[str]] = []
        """Patterns of paths that cannot be opened for recording."""
        self.missing_engines: Final[set[str]] = set()
        """Speech recognisers that there are not; all others there are."""
        self.missing_grammars: Final[list[str]] = []
        """Patterns of grammars that no recogniser takes."""
        self.servers: Final[dict[str, Target | None]] = {}
        """Who listens in memory, by ``host:port``; None for nobody."""
        self.patience: float | None = None
        """Seconds for which an expectation waits; None if a test has not said it."""
        self.placed: Final = PlacedCalls()
        """The calls that nobody dialled."""
        self.call_nursery: trio.Nursery | None = None
        """Where calls live that no ``dial()`` waits for, and jobs; None while nobody can connect to the switch."""
        self.is_shutting_down = False
        self.installation: Final = Installation()
        self._unloaded: Final[dict[str, tuple[dict[str, Application], dict[str, ApiCommand]]]] = {}
        """What modules that are not loaded have brought."""
        self.recent_events: Final[deque[tuple[float, Event]]] = deque(maxlen=100)
        """The latest ones, and when they were fired on trio's clock: the dispatcher may be behind."""
        self._conference_members = 0
        self.programs: Final[list[str]] = []
        """What the switch was asked to run; nothing was run."""

    @property
    def patience_seconds(self) -> float:
        """Seconds for which an expectation waits, and a handler may go on after the end of its call."""
        if self.patience is not None:
            return self.patience
        return _PATIENCE_OF_A_CLOCK_THAT_JUMPS if time_jumps() else _PATIENCE_SECONDS

    def new_uuid(self) -> str:
        """A UUID that nothing has had yet."""
        return str(uuid.UUID(int=self._random.getrandbits(128), version=4))

    def next_session_id(self) -> int:
        """Sessions are numbered."""
        self._sessions += 1
        settings = self.installation.settings
        settings.peak_sessions = max(settings.peak_sessions, len(self.existing) + 1)
        return self._sessions

    @property
    def sessions_so_far(self) -> int:
        """How many there have been."""
        return self._sessions

    def next_conference_member(self) -> int:
        """Members of conferences are numbered."""
        self._conference_members += 1
        return self._conference_members

    def is_unwritable(self, path: str) -> bool:
        """Whether a path cannot be opened for recording."""
        return any(fnmatch.fnmatchcase(path, pattern) for pattern in self.unwritable)

    def micros(self) -> int:
        """The switch's clock: microseconds since 1970. It runs with trio's."""
        if self._epoch is None:
            self._epoch = (self._date or datetime.now(UTC)).timestamp() - trio.current_time()
            self._started = round((self._epoch + trio.current_time()) * 1_000_000)
        return round((self._epoch + trio.current_time()) * 1_000_000)

    @property
    def is_ready(self) -> bool:
        """Whether calls come in or go out at all (``switch_core_ready()``)."""
        settings = self.installation.settings
        return not self.is_shutting_down and not (settings.pauses_inbound and settings.pauses_outbound)

    @property
    def uptime_micros(self) -> int:
        """How long it has been up, in microseconds: since its clock was first looked at."""
        now = self.micros()
        self._started = min(self._started or now, now)
        return now - self._started

    @property
    def part_of_second(self) -> float:
        """How much of the wall clock's current second is over: most limits are counted in whole ones."""
        return self.micros() % 1_000_000 / 1_000_000

    def seconds_until(self, time: str) -> int:
        """How long it is until a time: ``+30`` is half a minute, and without the sign it is a time since 1970."""
        if time.startswith("+"):
            return max(atoi(time[1:]), 0)
        return max(atoi(time.removeprefix("@")) - self.micros() // 1_000_000, 0)

    def strftime(self, form: str, seconds: int | None = None) -> str:
        """A time in words; nothing if it cannot be told so, or takes more than FreeSWITCH has room for.

        Args:
            form: As C's function of that name has it.
            seconds: Since 1970; now, if not said.
        """
        try:
            when = datetime.fromtimestamp(self.micros() / 1_000_000 if seconds is None else seconds, UTC)
            text = when.strftime(form)
        except (ValueError, OverflowError, OSError):
            return ""
        return text if len(text) < _LONGEST_DATE else ""

    def forget(self, uuid: str) -> None:
        """A channel does not exist any more, as far as others can see."""
        self.channels.pop(uuid, None)
        self.sessions.pop(uuid, None)

    def load_module(self, name: str) -> str:
        """Load a module; gives FreeSWITCH's word for why it is not, empty if it is."""
        if name in self.installation.loaded:
            return "Module already loaded"
        if name not in self.installation.loadable:
            return "module load file routine returned an error"
        applications, commands = self._unloaded.pop(name, ({}, {}))
        self.applications.update(applications)
        self.api_commands.update(commands)
        self.installation.loaded.add(name)
        return ""

    def unload_module(self, name: str) -> str:
        """Unload a module, with what it has brought; gives FreeSWITCH's word for why it is not, empty if it is."""
        installation = self.installation
        if name not in installation.loaded:
            return "No such module!"
        if name.startswith("CORE_"):
            return "Module is not unloadable"
        applications = [each for each in self.applications if installation.module_of("application", each) == name]
        commands = [each for each in self.api_commands if installation.module_of("api", each) == name]
        self._unloaded[name] = (
            {each: self.applications.pop(each) for each in applications},
            {each: self.api_commands.pop(each) for each in commands},
        )
        installation.loaded.remove(name)
        return ""

    async def run_api(self, name: str, argument: str) -> str:
        """Run an API command and say what it printed; blanks around its words are taken off."""
        name, argument = name.strip(_BLANKS), argument.strip(_BLANKS)
        command = self.api_commands.get(name.lower())
        headers = [("API-Command", name), *([("API-Command-Argument", argument)] if argument else [])]
        self.fire(self.make_event("API", headers=headers))
        if command is None:
            return f"-ERR {name} Command not found!\n"
        return await command(self, argument)

    async def expand_api(self, name: str, argument: str) -> str:
        """What ``${name(argument)}`` becomes."""
        return await self.run_api(name, argument) if name.strip(_BLANKS).lower() in self.api_commands else ""

    def make_event(
        self,
        name: str,
        *,
        before: Headers = (),
        headers: Headers = (),
        body: str = "",
        site: Site | None = None,
    ) -> Event:
        """An event, with what every event tells.

        Args:
            name: The event's name.
            before: What stands before the name, as in events that were sent by somebody.
            headers: What stands behind.
            body: Its body.
            site: Where in FreeSWITCH it is fired; where events of that name usually are, if not said.
        """
        micros = self.micros()
        when = datetime.fromtimestamp(micros / 1_000_000, UTC)
        file, function, line = site or _CALLING_SITES.get(name, ("switch_core.c", "switch_core_fire", 1))
        self._sequence += 1
        return Event(
            name,
            (
                *before,
                ("Event-Name", name),
                ("Core-UUID", self.uuid),
                ("FreeSWITCH-Hostname", "vm"),
                ("FreeSWITCH-Switchname", "vm"),
                ("FreeSWITCH-IPv4", "192.0.2.2"),
                ("FreeSWITCH-IPv6", "fd00::2"),
                ("Event-Date-Local", when.strftime("%Y-%m-%d %H:%M:%S")),
                ("Event-Date-GMT", when.strftime("%a, %d %b %Y %H:%M:%S GMT")),
                ("Event-Date-Timestamp", str(micros)),
                ("Event-Calling-File", file),
                ("Event-Calling-Function", function),
                ("Event-Calling-Line-Number", str(line)),
                ("Event-Sequence", str(self._sequence)),
                *headers,
            ),
            body,
        )

    def fire(self, event: Event) -> None:
        """Show an event to whoever listens."""
        self.recent_events.append((trio.current_time(), event))
        for observer in tuple(self.observers):
            observer(event)
