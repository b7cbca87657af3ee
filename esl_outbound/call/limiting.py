"""How many calls may do something at a time: counted places, and one at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from enum import StrEnum
from typing import TYPE_CHECKING, Final, final

import attrs

from ..api.limits import LimitUsage
from ..arguments.checks import check_name, check_number, check_word, whole_seconds
from ..arguments.numbers import whole
from ..arguments.text import argument
from ..errors import ApiFailed, ApplicationFailed, LocalProtocolError
from ..protocol import ApiResponse, Execute
from .base import CallBase
from .variable_commands import set_command, unset_command

if TYPE_CHECKING:
    from .line import Line

__all__ = ["Limit", "LimitBackend", "LimitUsage", "Limiting"]

_MOST: Final = 2**31 - 1
# With this maximum FreeSWITCH only counts. (limit_function() in mod_dptools.c: with `-` it would count no rates.)
_NO_MAXIMUM: Final = str(_MOST)
_PROBE: Final = "esl_outbound"
_MUTEX: Final = "esl_outbound_mutex"
# atol() of it fits FreeSWITCH's frame counter; 31 years.
_NO_TIMEOUT: Final = "1000000000"


class LimitBackend(StrEnum):
    """Where FreeSWITCH counts. Others (``hiredis``, ``redis``, ``mongo``) do not tell what they counted."""

    HASH = "hash"
    """In memory (mod_hash); what other servers count is not looked at."""
    DB = "db"
    """In the database (mod_db), which may be shared; it has no rates."""


@final
@attrs.frozen
class Limit:
    """The answer to whether there is a place, as it was when it was asked: ``if not limit.allowed: ...``."""

    allowed: bool
    """Whether there is; this call has the place then, until the block ends."""
    usage: int
    """How many calls have one, this one included."""
    rate: int | None
    """How many have asked in the interval, this one included; None without one."""


class Limiting(CallBase):
    """How many calls may do something at a time: counted places, and one at a time."""

    @asynccontextmanager
    async def limit(
        self,
        realm: str,
        id: str,  # noqa: A002 - FreeSWITCH's word
        maximum: int,
        *,
        interval_seconds: float = 0,
        backend: LimitBackend | str = LimitBackend.HASH,
    ) -> AsyncIterator[Limit]:
        """Take one of a limited number of places for as long as the block lasts, if there is one.

        ``async with self.limit("gateways", "acme", 30) as limit: if limit.allowed: ...``. The place is given back
        at the end of the block, whatever happens there, and by FreeSWITCH itself when the call ends.

        Runs the ``limit`` application without a maximum, and compares what it counted: with one it would send
        the caller elsewhere, or hang up. It is run by ``limit_execute``, because without its backend ``limit``
        sends the caller away too; ``limit_execute`` also gives the place back. For a moment a call that is refused
        counts as one that has a place. A call that has this place already, from its dialplan or from
        an outer block, keeps it; in the database it cannot ask again.

        Args:
            realm: What kind of thing is limited, in one word.
            id: Which one, in one word.
            maximum: How many may have a place; with an interval, how many may ask within that.
            interval_seconds: Limit how often it is asked, in whole seconds, and not how many have a place.
            backend: Where it is counted.

        Raises:
            ApplicationFailed: FreeSWITCH has no such backend (mod_hash or mod_db is not loaded).
            LocalProtocolError: A name is no word, the maximum is negative, the backend has no rates, or the call has
                the place in the database already; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        place = _Place(_backend(backend), _name(realm, "realm"), _name(id, "id"))
        check_number(maximum, "maximum", least=0, most=_MOST)
        interval = whole_seconds(interval_seconds, "interval_seconds")
        if interval and place.backend is not LimitBackend.HASH:
            raise LocalProtocolError(f"the backend {place.backend} has no rates")
        await line.require_call()
        # The hash counts a call once for each place, so what is had already is not ours to give back.
        is_ours = place.variable("usage", place.id) not in line.channel.variables
        if not is_ours and place.backend is LimitBackend.DB:
            # limit_incr_db() in mod_db.c writes another row, and giving one back deletes all of the call's.
            raise LocalProtocolError(f"this call has a place of {realm} {id} already, and the db would count it twice")
        try:
            limit = await _counted(line, place, maximum, interval)
            if not limit.allowed and is_ours:
                await line.undo_all(place.given_back(line))
                is_ours = False
            yield limit
        finally:
            if is_ours:
                await line.undo_all(place.given_back(line))

    async def limit_usage(
        self,
        realm: str,
        id: str,  # noqa: A002 - FreeSWITCH's word
        *,
        backend: LimitBackend | str = LimitBackend.HASH,
    ) -> LimitUsage:
        """Ask how much a limit is used, without taking a place.

        Runs the API command ``limit_usage``. Of a backend that there is not FreeSWITCH says nothing is used.

        Args:
            realm: What kind of thing is limited, in one word.
            id: Which one, in one word.
            backend: Where it is counted.

        Raises:
            NotPermitted: The dialplan line does not say ``full``.
            ApiFailed: FreeSWITCH printed something else than numbers.
            LocalProtocolError: A name is no word; nothing was sent.
            CallEnded: The call is over, and its socket too.
        """
        command = f"limit_usage {_backend(backend)} {_name(realm, 'realm')} {_name(id, 'id')} rate"
        text = await self._line.api_text(command)
        usage, rate = map(whole, text.partition("/")[::2])
        if usage is None or rate is None:
            raise ApiFailed(command, ApiResponse(text))
        return LimitUsage(usage, rate)

    @asynccontextmanager
    async def mutex(self, name: str) -> AsyncIterator[None]:
        """Do what the block does while no other call does what it has under the same name.

        Runs ``mutex``, which waits until it is this call's turn, and at the end, whatever happens, ``mutex ... off``.
        Calls get it in the order in which they asked. Nothing is heard during the wait: ``mutex_feedback``,
        FreeSWITCH's own music for it, is unset, because with it a call passes at its first digit.

        Cancelling the wait gives the turn up. FreeSWITCH lets a call that has given up pass the next time without
        waiting (``cancel()`` in mod_dptools.c leaves its flag standing), so such a call cannot ask for that mutex
        again. When a call hangs up, FreeSWITCH frees only one mutex of it, so a call can have one at a
        time. Whoever breaks the channel's application from elsewhere during the wait lets the call pass, and
        FreeSWITCH does not tell.

        Args:
            name: What the calls agree on, in one word.

        Raises:
            LocalProtocolError: The name is no word, or the call has a mutex, or has given this one up; nothing
                was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        given_up = f"{_MUTEX}_given_up_{_name(name, 'name')}"
        await line.require_call()
        known = line.channel.variables
        if _MUTEX in known:
            raise LocalProtocolError(f"this call has the mutex {known[_MUTEX]}, and can have only one")
        if given_up in known:
            raise LocalProtocolError(f"this call has given up its turn for the mutex {name}, and cannot wait again")
        # do_mutex() in mod_dptools.c would end the wait for either, and not tell.
        before = (unset_command(line, ["mutex_feedback"]), set_command(line, _MUTEX, name))
        text = argument(name, scope={"mutex_timeout": _NO_TIMEOUT})
        freed = [line.execute_command("mutex", f"{name} off"), unset_command(line, [_MUTEX])]
        try:
            await line.execute("mutex", text, after=before)
        except BaseException:
            await line.undo_all([*freed, set_command(line, given_up, "true")])
            raise
        try:
            yield
        finally:
            await line.undo_all(freed)


@final
@attrs.frozen
class _Place:
    """What is limited, in FreeSWITCH's words."""

    backend: LimitBackend
    realm: str
    id: str

    def variable(self, kind: str, place: str) -> str:
        """The channel variable in which FreeSWITCH keeps what it counted: there as long as the place is had."""
        return f"limit_{kind}_{self.realm}_{place}"

    def taken(self, line: Line, interval: int) -> Execute:
        """The command that counts the call, if there is the backend.

        limit_execute_function() in mod_dptools.c gives back what it took itself, so it takes a place of no meaning.
        """
        most = f"{_NO_MAXIMUM}/{interval}" if interval else _NO_MAXIMUM
        counted = f"limit {self.backend} {self.realm} {self.id} {most}"
        return line.execute_command("limit_execute", f"{self.backend} {self.realm} {_PROBE} {_NO_MAXIMUM} {counted}")

    def given_back(self, line: Line) -> Sequence[Execute]:
        """The commands after which the call has the place no more."""
        text = f"{self.backend} {self.realm} {self.id} {_NO_MAXIMUM} eval released"
        names = [self.variable(kind, place) for place in (self.id, _PROBE) for kind in ("usage", "rate")]
        return line.execute_command("limit_execute", text), unset_command(line, [*names, "limit_usage", "limit_rate"])


async def _counted(line: Line, place: _Place, maximum: int, interval: int) -> Limit:
    """Count this call, and see what that makes."""
    (execution,) = await line.start((place.taken(line, interval),))
    completion = await line.finish(execution)
    command = execution.command
    usage = whole(completion.variables.get(place.variable("usage", place.id)))
    rate = whole(completion.variables.get(place.variable("rate", place.id))) if interval else None
    counted = rate if interval else usage
    if usage is None or counted is None:
        raise ApplicationFailed("limit", command.argument, f"has no backend {place.backend}")
    return Limit(counted <= maximum, usage, rate)


def _backend(backend: LimitBackend | str) -> LimitBackend:
    try:
        return LimitBackend(backend)
    except ValueError:
        raise LocalProtocolError(f"backend is {backend!r}, and should be {', '.join(LimitBackend)}") from None


def _name(text: str, name: str) -> str:
    """A word that can also stand in a variable's name."""
    return check_name(check_word(text, name))
