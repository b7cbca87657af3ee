"""What a connection's observers want to hear of, and what has to be said to FreeSWITCH for that.

One connection has one set of names, one of CUSTOM subclasses, one of filters and one log level. Each observer's
wishes are counted; ``commands`` compares what all of them together want with what this connection was told, so two
observers of one event cost one ``event``, and a new connection is told everything by the same comparison.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Final, TypeAlias, TypeVar, final

import attrs

from ..protocol import Command, EventFormat, EventName, Filter, FilterDelete, Log, NixEvent, NoLog, Subscribe
from .streams import Selection

__all__ = ["FilterPair", "Step", "Told", "Wishes"]

FilterPair: TypeAlias = tuple[str, str]
"""A header and its value."""

KeyT = TypeVar("KeyT")

_ALL: Final = "ALL"
_JOB_EVENT: Final = "BACKGROUND_JOB"
# Lets everything pass. While others are added or taken back one by one, none of the rest is lost.
_ANYTHING: Final = ("Event-Name", "/./")
_JOBS: Final = ("Event-Name", _JOB_EVENT)


def _nothing() -> None:
    pass


@final
class Told:
    """What one connection's FreeSWITCH was told."""

    __slots__ = ("filters", "log_level", "names", "subclasses")

    def __init__(self) -> None:
        self.names: Final[set[str]] = set()
        self.subclasses: Final[set[str]] = set()
        self.filters: Final[set[FilterPair]] = set()
        self.log_level: int | None = None


@final
@attrs.frozen
class Step:
    """A command, and how what was noted of it is taken back if FreeSWITCH refuses it."""

    command: Command
    undo: Callable[[], None] = attrs.field(default=_nothing)


@final
class Wishes:
    """What everybody together wants to hear of."""

    def __init__(self) -> None:
        self._names: Final[Counter[str]] = Counter()
        self._subclasses: Final[Counter[str]] = Counter()
        self._filters: Final[Counter[FilterPair]] = Counter()
        """Those that were asked for by name; they hold for everybody."""
        self._selections: Final[Counter[FilterPair]] = Counter()
        """Those that one observer's wishes come down to."""
        self._unselective = 0
        """How many observers want every event of some name."""
        self._log_levels: Final[Counter[int]] = Counter()
        self.wants_jobs = False
        """Whether background jobs are run."""

    def add(self, selection: Selection) -> None:
        """One more observer wants these events."""
        self._count(selection, 1)

    def remove(self, selection: Selection) -> None:
        """An observer wants them no longer."""
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
            self.wants_jobs = False
            _add(self._names, _JOB_EVENT, -1)

    def add_filter(self, pair: FilterPair) -> None:
        """One more filter that holds for everybody."""
        _add(self._filters, pair, 1)

    def remove_filters(self, header: str | None, value: str | None) -> None:
        """Take back a value of a filter, all of a header, or (without a header) every one."""
        for pair in list(self._filters):
            if (header is None or pair[0].lower() == header.lower()) and value in (None, pair[1]):
                del self._filters[pair]

    def add_log_level(self, level: int) -> None:
        """Somebody wants log lines of this level and below."""
        _add(self._log_levels, level, 1)

    def remove_log_level(self, level: int) -> None:
        """He wants them no longer."""
        _add(self._log_levels, level, -1)

    # What has to be said

    def steps(self, told: Told, event_format: EventFormat) -> list[Step]:
        """What has to be said to FreeSWITCH; ``told`` is taken to know it from now on."""
        return [*self._filter_steps(told), *self._event_steps(told, event_format), *self._log_steps(told)]

    def _event_steps(self, told: Told, event_format: EventFormat) -> list[Step]:
        names = {_ALL} if self._names[_ALL] else {name for name, count in self._names.items() if count}
        subclasses = set() if _ALL in names else {each for each, count in self._subclasses.items() if count}
        steps = []
        if _ALL in told.names and _ALL not in names:
            # Each name by itself: `nixevent ALL` would lose what is fired before the rest is asked for again. CUSTOM
            # cannot be taken back so; what then still comes of it nobody looks at.
            rest = tuple(name.value for name in EventName if name.value not in {*names, _ALL, "CUSTOM"})
            steps.append(Step(NixEvent(rest)))
            told.names.clear()
            told.names.update(names)
            told.subclasses.clear()
        # A command each: of several names those that FreeSWITCH does not know are ignored without a word.
        steps += [
            Step(Subscribe((name,), (), event_format), partial(told.names.discard, name))
            for name in sorted(names - told.names)
        ]
        if new := subclasses - told.subclasses:
            undo = partial(told.subclasses.difference_update, new)
            steps.append(Step(Subscribe((), tuple(sorted(new)), event_format), undo))
        gone, gone_subclasses = told.names - names, told.subclasses - subclasses
        if _ALL not in names and (gone or gone_subclasses):
            steps.append(Step(NixEvent(tuple(sorted(gone)), tuple(sorted(gone_subclasses)))))
        _become(told.names, names)
        _become(told.subclasses, subclasses)
        return steps

    def _filter_steps(self, told: Told) -> list[Step]:
        filters = set(self._filters)
        if self._filters or (self._selections and not self._unselective):
            filters |= set(self._selections)
            if self.wants_jobs:
                filters.add(_JOBS)
        commands: list[Command] = [Filter(*pair) for pair in sorted(filters - told.filters)]
        commands += [FilterDelete(*pair) for pair in sorted(told.filters - filters)]
        if commands and bool(filters) != bool(told.filters):
            # With the first filter all else is kept out; with the last one gone nothing is.
            commands = [Filter(*_ANYTHING), *commands, FilterDelete(*_ANYTHING)]
        _become(told.filters, filters)
        return [Step(command) for command in commands]

    def _log_steps(self, told: Told) -> list[Step]:
        level = max((level for level, count in self._log_levels.items() if count), default=None)
        if level == told.log_level:
            return []
        before, told.log_level = told.log_level, level
        return [Step(NoLog() if level is None else Log(level), partial(setattr, told, "log_level", before))]


def _add(counter: Counter[KeyT], key: KeyT, count: int) -> None:
    counter[key] += count
    if counter[key] <= 0:
        del counter[key]


def _become(these: set[KeyT], those: set[KeyT]) -> None:
    these.clear()
    these.update(those)
