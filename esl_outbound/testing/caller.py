"""The caller of a test: what he does, and what is expected to become of him."""

from __future__ import annotations

import fnmatch
import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar, final

import trio

from .connection import Connection
from .happenings import Happening, Who, shown
from .legs import Leg
from .session import Session
from .story import Bridge, Executed, Recorded, Sound, Story
from .wire import as_text

__all__ = ["CallFailed", "Callee", "Caller", "HandlerFailed"]

T = TypeVar("T")

PATIENCE_SECONDS: Final = 60.0
_PACKAGE: Final = f"{__name__.partition('.')[0]}."
_KEYS: Final = frozenset("0123456789*#ABCD")
# Of the words for how a sound ended, those that do not follow "it was".
_SOUND_ENDS: Final = {"hung up": "ended with the call"}


class CallFailed(AssertionError):
    """A call did not go as expected.

    Its text says what was expected, what happened instead, and the call so far.
    """

    def __init__(self, expected: str, instead: str, story: Story) -> None:
        super().__init__(f"{expected}, but {instead}\n\nThe call:\n{story.ladder()}")
        self.expected: Final = expected
        self.instead: Final = instead


class HandlerFailed(CallFailed):
    """The handler raised something; that is this exception's ``__cause__``."""


@final
class Callee:
    """Whoever a bridge reached."""

    def __init__(self, leg: Leg) -> None:
        self._leg = leg

    @property
    def destination(self) -> str:
        """What was dialled, such as ``user/1001``."""
        return self._leg.destination

    @property
    def caller_id(self) -> str:
        """The number that the callee sees."""
        return self._leg.channel.profile.caller_id_number

    @property
    def caller_id_name(self) -> str:
        """The name that the callee sees."""
        return self._leg.channel.profile.caller_id_name

    @property
    def variables(self) -> Mapping[str, str]:
        """The variables of the callee's channel, those of the dial string among them."""
        return {name: as_text(value) for name, value in self._leg.channel.variables}

    @property
    def is_up(self) -> bool:
        """Whether the callee rings or talks."""
        return self._leg.cause is None

    async def answers(self) -> None:
        """Take the call, if it rings."""
        self._leg.answer()
        await trio.lowlevel.checkpoint()

    async def hangs_up(self, cause: str = "NORMAL_CLEARING") -> None:
        """End the call, or refuse it while it rings (``USER_BUSY``, ``CALL_REJECTED``, ...)."""
        self._leg.end(cause)
        await trio.lowlevel.checkpoint()


@final
class Caller:
    """A caller, while ``async with phone.dial(...) as caller`` lasts, and what is known of the call afterwards.

    Expectations wait: ``hears``, ``is_bridged_to`` and the like return as soon as it happens, and raise
    ``CallFailed`` if something else happens first, if the call ends, or after ``patience`` seconds.
    """

    def __init__(self, session: Session, patience: float) -> None:
        self._session = session
        self._channel = session.channel
        self._story = session.channel.story
        self._heard = 0
        self._passed = 0.0
        """When the last thing happened that was expected and is no sound; what was heard before it is past."""
        self._recorded = 0
        self._bridges = 0
        self._rang = 0
        """How many legs of the next bridge were expected already."""
        self._run = 0
        self.patience: float = patience
        """Seconds for which an expectation waits."""
        self.log: Final[list[logging.LogRecord]] = []
        """What was logged in this call, by the handler and by the framework, as far as the loggers' levels let it."""
        self.handler_error: BaseException | None = None
        """What the handler's ``run`` raised and did not deal with itself."""

    # What the caller does

    async def press(self, digits: str, *, gap: float = 0.1) -> None:
        """Press keys, whatever plays; fail if the call is over.

        Args:
            digits: Of ``0123456789*#ABCD``.
            gap: Seconds from one key to the next.
        """
        __tracebackhide__ = True
        if not digits or not _KEYS.issuperset(digits):
            raise ValueError(f"{digits!r} cannot be pressed: a telephone has the keys 0-9, *, # and A-D")
        self._check_is_up(f"the caller was to press {digits}")
        self._story.tell(Who.CALLER, Happening.PRESSES, digits)
        for number, digit in enumerate(digits):
            if number and gap:
                await trio.sleep(gap)
            self._session.keys.press(digit)
        await trio.lowlevel.checkpoint()

    async def stays_silent(self, seconds: float) -> None:
        """Press nothing and say nothing for a while."""
        self._story.tell(Who.CALLER, Happening.STAYS_SILENT, f"{seconds:g}")
        await trio.sleep(seconds)

    async def speaks(self, seconds: float) -> None:
        """Say something that lasts; recordings with silence detection go on meanwhile."""
        __tracebackhide__ = True
        self._check_is_up(f"the caller was to speak for {seconds:g} s")
        self._story.tell(Who.CALLER, Happening.SPEAKS, f"{seconds:g}")
        self._session.speaks_until = trio.current_time() + seconds
        self._session.notify()
        await trio.sleep(seconds)

    async def hangs_up(self, cause: str = "") -> None:
        """Hang up.

        Args:
            cause: What FreeSWITCH takes it for: ORIGINATOR_CANCEL before the answer, else NORMAL_CLEARING,
                unless it is said.
        """
        self._session.hang_up_by_far_end(cause)
        await trio.lowlevel.checkpoint()

    # What is expected

    async def hears(self, sound: str, *, to_the_end: bool = False, within: float | None = None) -> Sound:
        """Expect that this is the next sound that is heard, and return when it begins.

        What was over before another expectation came true (a bridge, a recording) is past, and not expected any more.

        Args:
            sound: A path as it was played, or its end (``welcome.wav``), or a pattern with ``*``;
                ``say:number:12`` and ``speak:hello`` for what is spoken. Silence is no sound.
            to_the_end: Return when it is over instead, and fail if it is cut short.
            within: Seconds for which to wait; ``patience`` if not said.
        """
        __tracebackhide__ = True
        expected = f"the caller was to hear {sound}"

        def look() -> Sound | None:
            __tracebackhide__ = True
            while self._heard < len(self._story.heard):
                found = self._story.heard[self._heard]
                if found.is_silence or (found.ended is not None and found.ended <= self._passed):
                    self._heard += 1
                    continue
                if not _matches(found.path, sound):
                    raise self.failed(expected, f"heard {found.path}")
                return found
            return None

        found = await self._until(look, expected, "heard nothing within", within)
        self._heard += 1
        if to_the_end:
            ended = f"{expected} to its end"
            await self._until(
                lambda: found if found.ended is not None else None, ended, "it still played after", within
            )
            if found.how != "heard":
                raise self.failed(ended, f"it {_SOUND_ENDS.get(found.how, f'was {found.how}')}")
        return found

    async def hears_silence(self, seconds: float) -> None:
        """Expect that nothing is heard for a while, neither something new nor what plays already.

        What was over before is past, and not expected any more.
        """
        __tracebackhide__ = True
        expected = f"the caller was to hear nothing for {seconds:g} s"
        sounds = [each for each in self._story.heard if not each.is_silence]
        if sounds and sounds[-1].ended is None:
            raise self.failed(expected, f"{sounds[-1].path} was still playing")
        before = len(self._story.heard)
        with trio.move_on_after(seconds):
            while True:
                fresh = [each for each in self._story.heard[before:] if not each.is_silence]
                if fresh:
                    raise self.failed(expected, f"heard {fresh[0].path}")
                self._check_is_up(expected)
                await self._story.changed()
        self._passed = self._story.now

    async def is_answered(self, *, within: float | None = None) -> None:
        """Expect that the call is answered."""
        __tracebackhide__ = True
        await self._until(
            lambda: self._channel.is_answered or None, "the call was to be answered", "it was not within", within
        )

    async def is_calling(self, destination: str, *, within: float | None = None) -> Callee:
        """Expect that the call is being put through to a destination, which rings.

        Those of a list (``user/1001|user/1002``) are expected one after the other.
        """
        __tracebackhide__ = True
        expected = f"{destination} was to ring"

        def look() -> Leg | None:
            __tracebackhide__ = True
            for bridge in self._story.bridges[self._bridges :]:
                for number, leg in enumerate(bridge.legs):
                    if _matches(leg.destination, destination) and (leg.cause is None or number >= self._rang):
                        self._rang = len(bridge.legs)
                        return leg
                if len(bridge.legs) > self._rang:
                    raise self.failed(expected, f"{bridge.legs[-1].destination} rang")
                self._check_did_not_fail(bridge, expected)
            return None

        return Callee(await self._until(look, expected, "it did not within", within))

    def _check_did_not_fail(self, bridge: Bridge, expected: str) -> None:
        __tracebackhide__ = True
        if bridge.ended is not None:
            raise self.failed(expected, f"the bridge to {bridge.destination} failed: {bridge.disposition}")

    async def is_bridged_to(self, destination: str, *, within: float | None = None) -> Callee:
        """Expect that the next bridge is to this destination, and return when it has answered."""
        __tracebackhide__ = True
        expected = f"the caller was to talk to {destination}"

        def look() -> Bridge | None:
            __tracebackhide__ = True
            for bridge in self._story.bridges[self._bridges :]:
                if bridge.callee:
                    if not _matches(bridge.callee, destination):
                        raise self.failed(expected, f"talked to {bridge.callee}")
                    return bridge
                self._check_did_not_fail(bridge, expected)
            return None

        bridge = await self._until(look, expected, "was not put through within", within)
        self._bridges = self._story.bridges.index(bridge) + 1
        self._rang = 0
        self._passed = self._story.now
        assert bridge.leg is not None
        return Callee(bridge.leg)

    async def is_not_put_through(self, destination: str, cause: str = "", *, within: float | None = None) -> str:
        """Expect that the next bridge is to this destination and fails.

        Returns:
            Why, in FreeSWITCH's word.
        """
        __tracebackhide__ = True
        expected = f"the bridge to {destination} was to fail" + (f" with {cause}" if cause else "")

        def look() -> Bridge | None:
            __tracebackhide__ = True
            for bridge in self._story.bridges[self._bridges :]:
                if bridge.callee:
                    raise self.failed(expected, f"the caller talked to {bridge.callee}")
                if bridge.ended is not None:
                    return bridge
            return None

        bridge = await self._until(look, expected, "it did not within", within)
        self._bridges = self._story.bridges.index(bridge) + 1
        self._rang = 0
        self._passed = bridge.ended or self._story.now
        if not _matches(bridge.destination, destination):
            raise self.failed(expected, f"it was the bridge to {bridge.destination} that failed: {bridge.disposition}")
        if cause and bridge.disposition != cause:
            raise self.failed(expected, f"it failed with {bridge.disposition}")
        return bridge.disposition

    async def is_recorded(self, path: str = "*", *, within: float | None = None) -> Recorded:
        """Expect that a recording begins, of the call or of a message.

        Args:
            path: The file, or its end, or a pattern with ``*``.
            within: Seconds for which to wait; ``patience`` if not said.
        """
        __tracebackhide__ = True
        expected = "the caller was to be recorded" + (f" in {path}" if path != "*" else "")

        def look() -> Recorded | None:
            __tracebackhide__ = True
            for found in self._story.recorded[self._recorded :]:
                if not _matches(found.path, path):
                    raise self.failed(expected, f"was recorded in {found.path}")
                return found
            return None

        found = await self._until(look, expected, "he was not within", within)
        self._recorded += 1
        self._passed = found.began
        return found

    async def sees_run(self, application: str, argument: str = "*", *, within: float | None = None) -> Executed:
        """Expect that an application runs on the channel, now or since the last time this was asked.

        Args:
            application: Its name.
            argument: Its argument, as it is after expansion; ``*`` stands for anything.
            within: Seconds for which to wait; ``patience`` if not said.
        """
        __tracebackhide__ = True
        expected = f"{application} was to run" + (f" with {argument}" if argument != "*" else "")

        def look() -> Executed | None:
            __tracebackhide__ = True
            while self._run < len(self._story.executed):
                found = self._story.executed[self._run]
                self._run += 1
                if found.application == application and (argument == "*" or _matches(found.argument, argument)):
                    return found
            return None

        found = await self._until(look, expected, "it did not within", within)
        self._passed = found.began
        return found

    async def was_hung_up(self, cause: str = "", *, within: float | None = None) -> str:
        """Expect that the other side ends the call.

        Args:
            cause: With which cause; any, if not said.
            within: Seconds for which to wait; ``patience`` if not said.

        Returns:
            The cause.
        """
        __tracebackhide__ = True
        expected = "the call was to be hung up" + (f" with {cause}" if cause else "")
        found = await self._until(lambda: self._channel.hangup_cause, expected, "it was still up after", within)
        if self.hung_up_himself:
            raise self.failed(expected, "the caller hung up himself")
        if cause and found != cause:
            raise self.failed(expected, f"it was hung up with {found}")
        return found

    async def _until(self, look: Callable[[], T | None], expected: str, otherwise: str, within: float | None) -> T:
        """Wait until ``look`` finds something; a call that ends first, or a caller left alone, ends the wait."""
        __tracebackhide__ = True
        limit = self.patience if within is None else within
        with trio.move_on_after(limit):
            while True:
                found = look()
                if found is not None:
                    await trio.lowlevel.checkpoint()
                    return found
                self._check_is_up(expected)
                await self._story.changed()
        raise self.failed(expected, f"{otherwise} {limit:g} s, while {self._running()}")

    def _running(self) -> str:
        """What runs on the channel, for a message."""
        running = [each for each in self._story.executed if each.ended is None]
        if not running:
            return "no application was running"
        return f"{running[-1].application} {shown(running[-1].argument)}".rstrip() + " was running"

    def _check_is_up(self, expected: str) -> None:
        __tracebackhide__ = True
        cause = self._channel.hangup_cause
        if cause is not None and self.handler_error is not None and not self.hung_up_himself:
            raise self.handler_failed(expected)
        if cause is not None:
            raise self.failed(expected, f"the call was over: {cause}")
        self.check_is_not_left_alone(expected)

    @property
    def is_left_alone(self) -> bool:
        """Whether nothing but the caller himself will ever end this call: he is parked for ever."""
        return self._session.is_parked_for_ever

    async def changes(self) -> None:
        """Wait until something happens in the call, whatever it is."""
        await self._story.changed()

    def check_is_not_left_alone(self, expected: str = "the handler was to let the caller go") -> None:
        """Fail if nothing but the caller himself will ever end this call.

        Raises:
            CallFailed: The caller is parked for ever.
        """
        __tracebackhide__ = True
        if self._session.is_parked_for_ever:
            why = self._session.stuck or "the event socket was closed before the channel was parked"
            raise self.failed(expected, f"the caller is parked for ever, in silence: {why}")

    def failed(self, expected: str, instead: str) -> CallFailed:
        """An expectation that did not come true, for somebody to raise."""
        self._story.tell(Who.EXPECTED, Happening.FAILED, expected, instead)
        error = CallFailed(expected, instead, self._story)
        error.__cause__ = _without_our_frames(self.handler_error)
        return error

    def handler_failed(self, expected: str, who: str = "the handler") -> HandlerFailed:
        """What the handler raised instead, for somebody to raise that it did."""
        instead = f"{who} raised {self.handler_error!r}"
        self._story.tell(Who.EXPECTED, Happening.FAILED, expected, instead)
        error = HandlerFailed(expected, instead, self._story)
        error.__cause__ = _without_our_frames(self.handler_error)
        return error

    def tell_log(self, record: logging.LogRecord) -> None:
        """Put a line of the log into the story."""
        about = f": {record.exc_info[1]!r}" if record.exc_info is not None and record.exc_info[1] is not None else ""
        self._story.tell(Who.HANDLER, Happening.LOGS, record.levelname, f"{record.getMessage()}{about}")

    # What is known of the call

    @property
    def channel_uuid(self) -> str:
        """The channel's UUID."""
        return self._channel.uuid

    @property
    def connection(self) -> Connection:
        """FreeSWITCH's end of the newest connection to the handler, to break it."""
        if not self._session.listeners:
            raise self.failed("there was to be a connection to the handler", "there is none")
        return self._session.listeners[-1].connection

    @property
    def is_up(self) -> bool:
        """Whether the call is up."""
        return self._channel.hangup_cause is None

    @property
    def hangup_cause(self) -> str | None:
        """Why the call ended; None while it is up."""
        return self._channel.hangup_cause

    @property
    def hung_up_himself(self) -> bool:
        """Whether it was the caller who ended the call."""
        return self._channel.is_ended_by_far_end

    @property
    def heard(self) -> Sequence[str]:
        """All that was played, in order, silence included."""
        return [sound.path for sound in self._story.heard]

    @property
    def sounds(self) -> Sequence[Sound]:
        """All that was played, in order, silence included: when it began, when it ended, and how."""
        return tuple(self._story.heard)

    @property
    def bridges(self) -> Sequence[Bridge]:
        """All bridges that were tried."""
        return tuple(self._story.bridges)

    @property
    def recorded(self) -> Sequence[Recorded]:
        """All recordings."""
        return tuple(self._story.recorded)

    @property
    def executed(self) -> Sequence[Executed]:
        """All applications that ran on the channel, those of the dialplan included."""
        return tuple(self._story.executed)

    @property
    def asked(self) -> Sequence[Executed]:
        """What the caller was asked for by ``read`` and ``play_and_get_digits``."""
        return [each for each in self._story.executed if each.application in ("read", "play_and_get_digits")]

    @property
    def programs(self) -> Sequence[str]:
        """What the switch was asked to run by ``system``, of which nothing was run."""
        return tuple(self._story.programs)

    @property
    def variables(self) -> Mapping[str, str]:
        """The channel's variables; after the end those of the call detail record are among them."""
        return {name: as_text(value) for name, value in self._channel.variables}

    @property
    def cdr(self) -> Mapping[str, str]:
        """The call detail record: the channel's variables after its end; empty before."""
        return self.variables if self._session.is_reported else {}

    def ladder(self) -> str:
        """The call so far, a line for each thing that happened."""
        return self._story.ladder()


def _without_our_frames(error: BaseException | None) -> BaseException | None:
    """What a handler raised, with a traceback that begins with the handler."""
    traceback = error.__traceback__ if error is not None else None
    while traceback is not None and str(traceback.tb_frame.f_globals.get("__name__")).startswith(_PACKAGE):
        traceback = traceback.tb_next
    return error if error is None or traceback is None else error.with_traceback(traceback)


def _matches(found: str, wanted: str) -> bool:
    """Whether something is what was expected: the same, its end, or as a pattern says."""
    return found == wanted or found.endswith("/" + wanted) or ("*" in wanted and fnmatch.fnmatchcase(found, wanted))
