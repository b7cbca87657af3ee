"""What a connection's observers want to hear of, and what has to be said to FreeSWITCH for that.

One connection has one set of names, one of CUSTOM subclasses, one of filters and one log level. Each observer's
wishes are counted; ``steps`` compares what all of them together want with what this connection was told, so two
observers of one event cost one ``event``, and a new connection is told everything by the same comparison.

More is asked for before anything is taken back: FreeSWITCH has events to send between any two commands, and nobody
is to miss one because somebody else came or went.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias, TypeVar, final

import attrs

from ..protocol import (
    Command,
    EventFormat,
    EventName,
    Filter,
    FilterDelete,
    Log,
    NixEvent,
    NoEvents,
    NoLog,
    Subscribe,
)
from .streams import Selection

__all__ = ["FilterPair", "LogWish", "Step", "Told", "Wishes"]

FilterPair: TypeAlias = tuple[str, str]
"""A header and its value."""

KeyT = TypeVar("KeyT")

_ALL: Final = "ALL"
_JOB_EVENT: Final = "BACKGROUND_JOB"
# What `event ALL` switches on and `nixevent` can switch off by name.
_EACH_OF_ALL: Final = frozenset(name.value for name in EventName) - {_ALL, "CUSTOM"}
# Lets everything pass. While others are added or taken back one by one, none of the rest is lost.
_ANYTHING: Final = ("Event-Name", "/./")
_JOBS: Final = ("Event-Name", _JOB_EVENT)


def _nothing() -> None:
    pass


@final
class Told:
    """What one connection's FreeSWITCH was told."""

    __slots__ = ("filters", "has_rest", "log_level", "names", "subclasses")

    def __init__(self) -> None:
        self.names: Final[set[str]] = set()
        self.subclasses: Final[set[str]] = set()
        self.filters: Final[dict[FilterPair, FilterPair]] = {}
        """As they were said, by what FreeSWITCH knows them by."""
        self.log_level: int | None = None
        self.has_rest = False
        """Whether it may send what nobody asked for and no ``nixevent`` of ours takes back: what is left of ALL."""

    def forget_events(self) -> None:
        """It was told to send no events any more (``noevents``)."""
        self.names.clear()
        self.subclasses.clear()
        self.has_rest = False

    def forget_log(self) -> None:
        """It refused to send log lines: this user may not have any."""
        self.log_level = None


@final
@attrs.frozen
class Step:
    """A command, and how what was noted of it is taken back if FreeSWITCH refuses it."""

    command: Command
    undo: Callable[[], None] = attrs.field(default=_nothing)


@final
@attrs.frozen(eq=False)
class LogWish:
    """Somebody wants log lines."""

    level: int
    """Of this level and those below it."""


@final
class Wishes:
    """What everybody together wants to hear of."""

    def __init__(self) -> None:
        self._present: Final[set[Selection]] = set()
        self._names: Final[Counter[str]] = Counter()
        self._subclasses: Final[Counter[str]] = Counter()
        self._filters: Final[Counter[FilterPair]] = Counter()
        """Those that were asked for by name; they hold for everybody."""
        self._selections: Final[Counter[FilterPair]] = Counter()
        """Those that one observer's wishes come down to."""
        self._unselective = 0
        """How many observers want every event of some name."""
        self._logs: Final[set[LogWish]] = set()
        self.wants_jobs = False
        """Whether background jobs are run."""
        self.hears_jobs = False
        """Whether FreeSWITCH has agreed to tell their ends."""

    # Who comes and goes

    def add(self, selection: Selection) -> None:
        """One more observer wants these events."""
        self._present.add(selection)
        self._count(selection, 1)

    def remove(self, selection: Selection) -> None:
        """An observer wants them no longer; to say so twice makes no difference."""
        if selection in self._present:
            self._present.remove(selection)
            self._count(selection, -1)

    def _count(self, selection: Selection, count: int) -> None:
        for name in selection.wanted.names:
            _add(self._names, name, count)
        for subclass in selection.wanted.subclasses:
            _add(self._subclasses, subclass, count)
        if selection.filter is None:
            self._unselective += count
        else:
            _add(self._selections, selection.filter, count)

    def want_jobs(self) -> None:
        """Background jobs are run from now on, so their ends are to be heard of."""
        if not self.wants_jobs:
            self.wants_jobs = True
            _add(self._names, _JOB_EVENT, 1)

    def forget_jobs(self) -> None:
        """They are not, any more."""
        if self.wants_jobs:
            self.wants_jobs = self.hears_jobs = False
            _add(self._names, _JOB_EVENT, -1)

    def add_filter(self, pair: FilterPair) -> None:
        """One more filter that holds for everybody."""
        _add(self._filters, pair, 1)

    def remove_filter(self, pair: FilterPair) -> None:
        """Take one ``add_filter`` back."""
        _add(self._filters, pair, -1)

    def remove_filters(self, header: str | None, value: str | None) -> None:
        """Take back a value of a filter, all of a header, or (without a header) every one, however often it is there.

        As ``switch_event_del_header_val()`` in switch_event.c: a header's name in any case, a value in its own.
        """
        for pair in list(self._filters):
            if (header is None or pair[0].lower() == header.lower()) and value in (None, pair[1]):
                del self._filters[pair]

    def add_log(self, wish: LogWish) -> None:
        """Somebody wants log lines."""
        self._logs.add(wish)

    def remove_log(self, wish: LogWish) -> None:
        """He wants them no longer; to say so twice makes no difference."""
        self._logs.discard(wish)

    # What FreeSWITCH refused

    def give_up(self, refused: Subscribe) -> list[Selection]:
        """Wish no longer for what FreeSWITCH refused.

        Returns:
            Whoever wanted it, with all else that he wanted.
        """
        wanting = [
            each
            for each in self._present
            if not set(refused.names).isdisjoint(each.wanted.names)
            or not set(refused.subclasses).isdisjoint(each.wanted.subclasses)
        ]
        for selection in wanting:
            self.remove(selection)
        if _JOB_EVENT in refused.names:
            self.forget_jobs()
        return wanting

    def give_up_logs(self) -> list[LogWish]:
        """Wish for no log lines, which this user may not have; give the wishes there were."""
        wanting = list(self._logs)
        self._logs.clear()
        return wanting

    # What has to be said

    def steps(self, told: Told, event_format: EventFormat) -> list[Step]:
        """What has to be said to FreeSWITCH; ``told`` is taken to know it from now on."""
        return [*self._filter_steps(told), *self._event_steps(told, event_format), *self._log_steps(told)]

    def _event_steps(self, told: Told, event_format: EventFormat) -> list[Step]:
        names, subclasses = set(self._names), set(self._subclasses)
        # A command each: of several names those that FreeSWITCH does not know are ignored without a word, and of
        # several subclasses a forbidden one keeps out those behind it (parse_command() in mod_event_socket.c).
        steps = [
            Step(Subscribe((name,), (), event_format), partial(told.names.discard, name))
            for name in sorted(names - told.names)
        ]
        steps += [
            Step(Subscribe((), (subclass,), event_format), partial(told.subclasses.discard, subclass))
            for subclass in sorted(subclasses - told.subclasses)
        ]
        told.names.update(names)
        told.subclasses.update(subclasses)
        if _ALL in names:
            # A `nixevent` of whatever name would end ALL, and they come with it anyway.
            return steps
        gone, gone_subclasses = told.names - names, told.subclasses - subclasses
        if _ALL in gone:
            # Each name by itself: `nixevent ALL` would lose what is fired before the rest is asked for again.
            gone = (gone | _EACH_OF_ALL) - names - {_ALL}
            if not gone:
                return steps  # somebody wants each of them
            # `event ALL` switched on CUSTOM, all subclasses that there were, and events that we have no name for.
            told.has_rest = True
        if told.has_rest and not names and not subclasses:
            told.forget_events()
            return [*steps, Step(NoEvents())]
        if gone or gone_subclasses:
            steps.append(Step(NixEvent(tuple(sorted(gone)), tuple(sorted(gone_subclasses)))))
        told.names.intersection_update(names)
        told.subclasses.intersection_update(subclasses)
        return steps

    def _filter_steps(self, told: Told) -> list[Step]:
        wished = {_known_by(pair): pair for pair in self._filters}
        if wished or (self._selections and not self._unselective):
            wished |= {_known_by(pair): pair for pair in self._selections}
            if self.wants_jobs:
                wished[_known_by(_JOBS)] = _JOBS
        new = {key: pair for key, pair in wished.items() if key not in told.filters}
        gone = {key: pair for key, pair in told.filters.items() if key not in wished}
        anything = _known_by(_ANYTHING)
        if bool(wished) != bool(told.filters):
            # With the first filter all else is kept out; with the last one gone nothing is.
            if anything not in told.filters:
                new[anything] = _ANYTHING
            if anything not in wished:
                gone[anything] = _ANYTHING
        commands: list[Command] = [Filter(*new[key]) for key in sorted(new, key=lambda key: (key != anything, key))]
        commands += [FilterDelete(*gone[key]) for key in sorted(gone, key=lambda key: (key == anything, key))]
        told.filters.clear()
        told.filters.update(wished)
        return [Step(command) for command in commands]

    def _log_steps(self, told: Told) -> list[Step]:
        level = max((wish.level for wish in self._logs), default=None)
        if level == told.log_level:
            return []
        told.log_level = level
        # A refused `nolog` means that there is no log to end.
        return [Step(NoLog()) if level is None else Step(Log(level), told.forget_log)]


def _known_by(pair: FilterPair) -> FilterPair:
    """A filter as FreeSWITCH tells it from others, to take it back: the header's name counts in any case."""
    return pair[0].lower(), pair[1]


def _add(counter: Counter[KeyT], key: KeyT, count: int) -> None:
    counter[key] += count
    if counter[key] <= 0:
        del counter[key]
