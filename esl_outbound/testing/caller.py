"""The caller of a test: what he does, and what is expected to become of him."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Final, final

import trio

from .callee import Callee
from .checks import check_cause, check_texts
from .connection import Connection
from .happenings import Happening, Who
from .legs import Leg
from .story import Bridge, Executed, Recorded, Sound
from .watch import Watch
from .wire import as_text

__all__ = ["Caller"]

_KEYS: Final = frozenset("0123456789*#ABCD")
# Of the words for how a sound ended, those that do not follow "it was".
_SOUND_ENDS: Final = {"hung up": "ended with the call"}


@final
class Caller:
    """A caller, while ``async with phone.dial(...) as caller`` lasts, and what is known of the call afterwards.

    Expectations wait: ``hears``, ``is_bridged_to`` and the like return as soon as it happens, and raise
    ``CallFailed`` if something else happens first, if the call ends, or after ``patience`` seconds.
    """

    def __init__(self, watch: Watch) -> None:
        self._watch = watch
        self._session = watch.session
        self._channel = watch.channel
        self._story = watch.story
        self._heard = 0
        self._passed = 0.0
        """When the last thing happened that was expected and is no sound; what was heard before it is past."""
        self._recorded = 0
        self._bridges = 0
        self._rang = 0
        """How many legs of the next bridge were expected already."""
        self._run = 0

    # What the caller does

    async def press(self, digits: str, *, gap: float = 0.1) -> None:
        """Press keys, whatever plays; fail if the call is over before the last.

        Args:
            digits: Of ``0123456789*#ABCD``.
            gap: Seconds from one key to the next.
        """
        __tracebackhide__ = True
        check_texts(digits=digits)
        if not digits or not _KEYS.issuperset(digits):
            raise ValueError(f"{digits!r} cannot be pressed: a telephone has the keys 0-9, *, # and A-D")
        self._watch.check_is_up(f"the caller was to press {digits}")
        self._story.tell(Who.CALLER, Happening.PRESSES, digits)
        for number, digit in enumerate(digits):
            if number and gap:
                await trio.sleep(gap)
                self._watch.check_is_up(f"the caller was to press {digits}, of which {digits[number:]} was left")
            self._session.keys.press(digit)
        await trio.lowlevel.checkpoint()

    async def stays_silent(self, seconds: float) -> None:
        """Press nothing and say nothing for a while."""
        self._story.tell(Who.CALLER, Happening.STAYS_SILENT, f"{seconds:g}")
        await trio.sleep(seconds)

    async def speaks(self, seconds: float = 0.0, *, audio: bytes = b"") -> None:
        """Say something that lasts; recordings with silence detection go on meanwhile.

        Args:
            seconds: How long.
            audio: What is said, as far as the handler hears it (``audio()``): 16-bit linear PCM, little-endian, at
                8,000 hertz. It lasts as long as it is, if that is longer. Without it, it is a tone of 400 hertz.
        """
        __tracebackhide__ = True
        seconds = max(seconds, self._session.audio.say(audio))
        self._watch.check_is_up(f"the caller was to speak for {seconds:g} s")
        self._story.tell(Who.CALLER, Happening.SPEAKS, f"{seconds:g}")
        self._session.speaks_until = trio.current_time() + seconds
        self._session.notify()
        await trio.sleep(seconds)

    async def says(
        self,
        words: str,
        *,
        seconds: float = 1.0,
        confidence: int = 90,
        is_understood: bool = True,
        result: str = "",
    ) -> None:
        """Say something that a speech recogniser, if one listens, understands when it was said.

        It writes what mod_pocketsphinx does; where none listens, it is only sound.

        Args:
            words: What is said.
            seconds: How long it takes.
            confidence: How sure the recogniser is of it, of 100.
            is_understood: Whether it is something that the grammar has.
            result: What the recogniser makes of it instead, all of it, to play another one's part.
        """
        __tracebackhide__ = True
        check_texts(words=words, result=result)
        self._watch.check_is_up(f"the caller was to say {words}")
        self._story.tell(Who.CALLER, Happening.SAYS, words)
        self._session.speaks_until = trio.current_time() + seconds
        self._session.notify()
        if (recogniser := self._session.recogniser) is not None:
            recogniser.hears_something()
        await trio.sleep(seconds)
        if (recogniser := self._session.recogniser) is not None:
            recogniser.hears(words if is_understood else None, confidence, result)

    async def makes_tone(self, *frequencies: float) -> None:
        """Make a tone, as a machine does, which ``tone_detect`` hears if it listens for it.

        Args:
            frequencies: What it is made of, in hertz.
        """
        __tracebackhide__ = True
        self._watch.check_is_up("the caller was to make a tone")
        self._story.tell(Who.CALLER, Happening.MAKES_TONE, " and ".join(f"{hertz:g}" for hertz in frequencies))
        self._session.tones.hear(frequencies)
        await trio.lowlevel.checkpoint()

    async def hangs_up(self, cause: str = "") -> None:
        """Hang up.

        Args:
            cause: What FreeSWITCH takes it for: ORIGINATOR_CANCEL before the answer, else NORMAL_CLEARING,
                unless it is said.
        """
        check_cause(cause)
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
                    raise self._watch.failed(expected, f"heard {found.path} next{self._past(sound)}")
                return found
            return None

        found = await self._watch.until(look, expected, "heard nothing within", within)
        self._heard += 1
        if to_the_end:
            ended = f"{expected} to its end"
            await self._watch.until(
                lambda: found if found.ended is not None else None, ended, "it still played after", within
            )
            if found.how != "heard":
                raise self._watch.failed(ended, f"it {_SOUND_ENDS.get(found.how, f'was {found.how}')}")
        return found

    def _past(self, sound: str) -> str:
        """A note on a sound that was expected when it was past already."""
        passed = self._story.heard[: self._heard]
        before = next((each for each in reversed(passed) if _matches(each.path, sound)), None)
        return (
            "" if before is None else f" ({before.path} was heard at {before.began:.3f}, before what was expected last)"
        )

    async def hears_silence(self, seconds: float) -> None:
        """Expect that nothing is heard for a while, neither something new nor what plays already.

        What was over before is past, and not expected any more.
        """
        __tracebackhide__ = True
        expected = f"the caller was to hear nothing for {seconds:g} s"
        playing = next((each for each in self._story.heard if each.ended is None and not each.is_silence), None)
        if playing is not None:
            raise self._watch.failed(expected, f"{playing.path} was still playing")
        before = len(self._story.heard)
        with trio.move_on_after(seconds):
            while True:
                fresh = [each for each in self._story.heard[before:] if not each.is_silence]
                if fresh:
                    raise self._watch.failed(expected, f"heard {fresh[0].path}")
                self._watch.check_is_up(expected)
                await self._story.changed()
        self._passed = self._story.now

    async def is_connected(self, *, within: float | None = None) -> None:
        """Expect that FreeSWITCH has a connection to the handler, so that there is a ``connection`` to break.

        It has one from the moment in which ``socket`` runs, before the handler has said anything.
        """
        __tracebackhide__ = True
        await self._watch.until(
            lambda: bool(self._session.listeners) or None,
            "there was to be a connection to the handler",
            "there was none within",
            within,
        )

    async def gets_an_answer(self, *, within: float | None = None) -> None:
        """Expect that the call is answered."""
        __tracebackhide__ = True
        await self._watch.until(
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
                    raise self._watch.failed(expected, f"{bridge.legs[-1].destination} rang")
                self._check_did_not_fail(bridge, expected)
            return None

        return Callee(await self._watch.until(look, expected, "it did not within", within))

    def _check_did_not_fail(self, bridge: Bridge, expected: str) -> None:
        __tracebackhide__ = True
        if bridge.ended is not None:
            raise self._watch.failed(expected, f"the bridge to {bridge.destination} failed: {bridge.disposition}")

    async def is_bridged_to(self, destination: str, *, within: float | None = None) -> Callee:
        """Expect that the next bridge is to this destination, and return when it has answered.

        Early media makes a bridge too; with somebody who does not answer then, this fails.
        """
        __tracebackhide__ = True
        expected = f"the caller was to talk to {destination}"

        def look() -> Bridge | None:
            __tracebackhide__ = True
            for bridge in self._story.bridges[self._bridges :]:
                if bridge.callee:
                    if not _matches(bridge.callee, destination):
                        raise self._watch.failed(expected, f"talked to {bridge.callee}")
                    if bridge.leg is not None and bridge.leg.is_answered:
                        return bridge
                    if bridge.ended is not None:
                        raise self._watch.failed(expected, f"{bridge.callee} was heard, and never answered")
                    continue
                self._check_did_not_fail(bridge, expected)
            return None

        bridge = await self._watch.until(look, expected, "was not put through within", within)
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
                    raise self._watch.failed(expected, f"the caller talked to {bridge.callee}")
                if bridge.ended is not None:
                    return bridge
            return None

        bridge = await self._watch.until(look, expected, "it did not within", within)
        self._bridges = self._story.bridges.index(bridge) + 1
        self._rang = 0
        self._passed = bridge.ended or self._story.now
        if not _matches(bridge.destination, destination):
            raise self._watch.failed(
                expected, f"it was the bridge to {bridge.destination} that failed: {bridge.disposition}"
            )
        if cause and bridge.disposition != cause:
            raise self._watch.failed(expected, f"it failed with {bridge.disposition}")
        return bridge.disposition

    async def is_in_conference(self, name: str, *, members: int = 1, within: float | None = None) -> None:
        """Expect that the caller is in a conference, with at least so many members in it."""
        __tracebackhide__ = True
        expected = f"the caller was to be in the conference {name}" + (
            f" with {members} members" if members > 1 else ""
        )

        def look() -> bool | None:
            room = self._session.core.conferences.get(name)
            here = room is not None and any(member.session is self._session for member in room.members)
            return (here and room is not None and len(room.members) >= members) or None

        await self._watch.until(look, expected, "was not within", within)
        self._passed = self._story.now

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
            if self._recorded == len(self._story.recorded):
                return None
            found = self._story.recorded[self._recorded]
            if not _matches(found.path, path):
                raise self._watch.failed(expected, f"was recorded in {found.path}")
            return found

        found = await self._watch.until(look, expected, "was not within", within)
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

        found = await self._watch.until(look, expected, "it did not within", within)
        self._passed = found.began
        return found

    def check_is_not_left_alone(self) -> None:
        """Expect that somebody looks after the caller, or the call is over.

        All other expectations, and the end of the block, see to that, too.
        """
        __tracebackhide__ = True
        self._watch.check_is_not_left_alone()

    async def was_hung_up(self, cause: str = "", *, within: float | None = None) -> str:
        """Expect that the other side ends the call, whatever is heard until then: ``heard`` has it all.

        Args:
            cause: With which cause; any, if not said.
            within: Seconds for which to wait; ``patience`` if not said.

        Returns:
            The cause.
        """
        __tracebackhide__ = True
        expected = "the call was to be hung up" + (f" with {cause}" if cause else "")
        found = await self._watch.until(lambda: self._channel.hangup_cause, expected, "it was still up after", within)
        if self.hung_up_first:
            raise self._watch.failed(expected, "it was the caller who hung up")
        if cause and found != cause:
            raise self._watch.failed(expected, f"it was hung up with {found}")
        return found

    # What is known of the call

    @property
    def patience(self) -> float:
        """Seconds for which an expectation waits, and for which the handler may go on after the call's end."""
        return self._watch.patience

    @patience.setter
    def patience(self, seconds: float) -> None:
        self._watch.patience = seconds

    @property
    def log(self) -> list[logging.LogRecord]:
        """What was logged in this call, by the handler and by the framework, as far as the loggers' levels let it."""
        return list(self._watch.log)

    @property
    def handler_error(self) -> BaseException | None:
        """What the handler raised first, in ``run``, ``after_hangup`` or ``on_error``."""
        return self._watch.handler_error

    @property
    def is_left_alone(self) -> bool:
        """Whether the caller is parked for ever: nothing but the caller's own hangup will end this call."""
        return bool(self._watch.why_left_alone)

    @property
    def why_left_alone(self) -> str:
        """Why that is so; empty while it is not."""
        return self._watch.why_left_alone

    async def changes(self) -> None:
        """Wait until something happens in the call, whatever it is."""
        await self._story.changed()

    @property
    def channel_uuid(self) -> str:
        """The channel's UUID."""
        return self._channel.uuid

    @property
    def connection(self) -> Connection:
        """FreeSWITCH's end of the newest connection to the handler, to break it; ``is_connected()`` waits for it."""
        if not self._session.listeners:
            hint = "" if self._session.is_taken else "; is_connected() waits for it"
            raise self._watch.failed("there was to be a connection to the handler", f"there is none{hint}")
        return self._session.listeners[-1].connection

    @property
    def is_up(self) -> bool:
        """Whether the call is up."""
        return self._channel.hangup_cause is None

    @property
    def is_taken(self) -> bool:
        """Whether the call was taken: ``connect`` was said on a connection to the handler."""
        return self._session.is_taken

    @property
    def hangup_cause(self) -> str | None:
        """Why the call ended; None while it is up."""
        return self._channel.hangup_cause

    @property
    def hung_up_first(self) -> bool:
        """Whether it was the caller who ended the call."""
        return self._channel.is_ended_by_far_end

    @property
    def heard(self) -> list[str]:
        """All that was played, in order, silence included."""
        return [sound.path for sound in self._story.heard]

    @property
    def sounds(self) -> list[Sound]:
        """All that was played, in order, silence included: when it began, when it ended, and how."""
        return list(self._story.heard)

    @property
    def audio_heard(self) -> bytes:
        """What the handler wrote to the call's ``audio()``: 16-bit linear PCM, little-endian, at 8,000 hertz."""
        return bytes(self._session.audio.heard)

    @property
    def bridges(self) -> list[Bridge]:
        """All bridges that were tried."""
        return list(self._story.bridges)

    @property
    def recorded(self) -> list[Recorded]:
        """All recordings."""
        return list(self._story.recorded)

    @property
    def executed(self) -> list[Executed]:
        """All applications that ran on the channel, those of the dialplan included."""
        return list(self._story.executed)

    @property
    def asked(self) -> list[Executed]:
        """What the caller was asked for by ``read`` and ``play_and_get_digits``."""
        return [each for each in self._story.executed if each.application in ("read", "play_and_get_digits")]

    @property
    def programs(self) -> list[str]:
        """What the switch was asked to run by ``system``, of which nothing was run."""
        return list(self._story.programs)

    @property
    def variables(self) -> Mapping[str, str]:
        """The channel's variables; after the end those of the call detail record are among them."""
        return {name: as_text(value) for name, value in self._channel.variables}

    @property
    def cdr(self) -> Mapping[str, str]:
        """The call detail record: the channel's variables after its end.

        Raises:
            CallFailed: The call is up, and has none yet.
        """
        if not self._session.is_reported:
            raise self._watch.failed("there was to be a call detail record", "the call has not ended yet")
        return self.variables

    def __repr__(self) -> str:
        profile = self._channel.profile
        state = f"hung up: {self.hangup_cause}" if self.hangup_cause is not None else self._channel.answer_state
        return f"<Caller {profile.caller_id_number} of {profile.destination_number}, {state}>"

    def ladder(self) -> str:
        """The call so far, a line for each thing that happened."""
        return self._story.ladder()


def _matches(found: str, wanted: str) -> bool:
    """Whether something is what was expected: the same, its end, or as a pattern with ``*`` says."""
    if found == wanted or found.endswith("/" + wanted):
        return True
    parts = [re.escape(part) for part in wanted.split("*")]
    return len(parts) > 1 and re.fullmatch(".*".join(parts), found, re.DOTALL) is not None
