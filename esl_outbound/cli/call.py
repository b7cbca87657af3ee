"""``esl-outbound call``: be the caller, in a terminal or from a script."""

from __future__ import annotations

import logging
import math
import os
import secrets
import signal
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from types import FrameType
from typing import Final, NoReturn, final

import attrs
import trio

from ..handler import HandlerSource
from ..testing import Caller, CallFailed, FakeFreeSwitch
from .callees import CalleeOption
from .keyboard import Keys, RawTerminal
from .screen import Screen
from .wording import listed_sounds, printable

__all__ = ["PRESSABLE", "CallOptions", "run_call"]

_DIGITS: Final = frozenset("0123456789*#ABCDabcd")
PRESSABLE: Final = _DIGITS | frozenset(", h")
"""What ``--press`` may be made of."""
_PAUSE_SECONDS: Final = 1.0
_BETWEEN_DIGITS_SECONDS: Final = 0.1
_WAITS_FOR_SOUND_SECONDS: Final = 1.0
_QUIET_SECONDS: Final = 0.4
_NO_SIGN_SECONDS: Final = 5.0
# Whether a caller is left alone is looked at twice: a transfer is under way for some frames.
_LEFT_ALONE_SECONDS: Final = 0.1
# A handler may take its time after the call, with its after_hangup; one that is quit, less.
_END_SECONDS: Final = 30.0
_QUIT_SECONDS: Final = 2.0
_SAYS_THAT_IT_WAITS_SECONDS: Final = 1.0

_KEYS: Final = "Keys: 0-9 * # A-D are digits, h hangs up, q quits, ? explains."
_EXPLANATION: Final = """\
  0-9 * # A-D   digits: press them whenever you like, while something plays, too
  h             hangs up; what the handler still does then is shown
  q, Ctrl-C     hang up and end; a second time: at once, whatever the handler does
  ?             shows this
There is no sound: a line says what you would hear. A file lasts as long as its
header says if it is found (--sounds DIR), else a second."""


@attrs.frozen
class CallOptions:
    """What the command line says about the call."""

    handler: HandlerSource | None
    """Whom to call, or None to call ``address``."""
    name: str
    """What whoever is called is named."""
    address: str
    number: str
    caller_id: str
    caller_name: str
    variables: Mapping[str, str]
    mode: str
    path: str
    answer_first: bool
    press: str
    hang_up_after: float
    """Seconds; may be infinite."""
    callees: Sequence[CalleeOption]
    """The newest counts."""
    sounds: Path | None
    log_level: str


def run_call(options: CallOptions) -> int:
    """Call, and say with which status the process shall end: 0 if the call ended in order, else 1."""
    return trio.run(_Call(options).run)


@final
class _Call:
    def __init__(self, options: CallOptions) -> None:
        self._options = options
        self._screen: Final = Screen(shows_all=options.log_level == "debug")
        self._terminal = RawTerminal(0) if _is_terminal() else None
        self._leaves = trio.Event()
        """Set when the caller has had enough: that is a hangup, and no long wait after it."""
        self._is_told = False
        """By a signal that the caller has had enough."""
        self._why_left_alone = ""

    async def run(self) -> int:
        options, screen = self._options, self._screen
        phone = FakeFreeSwitch(seed=secrets.randbits(64), sounds=options.sounds)
        phone.patience = 2 * _END_SECONDS  # _watch_end() is less patient
        for callee in options.callees:
            phone.destination(callee.pattern, answers_after=callee.answers_after, cause=callee.cause)
        screen.output.when_gone = self._leaves.set
        screen.say(f"Calling {options.name}.")
        if self._terminal is not None:
            screen.say(_KEYS, is_dim=True)
        screen.begins()
        with _logged(screen, options.log_level), self._told_by_signals(), _raw(self._terminal):
            async with trio.open_nursery() as nursery:
                status = await self._call(phone, nursery)
                nursery.cancel_scope.cancel()
        return status

    async def _call(self, phone: FakeFreeSwitch, nursery: trio.Nursery) -> int:
        options = self._options
        caller: Caller | None = None
        problem = ""
        try:
            async with phone.dial(
                options.address if options.handler is None else options.handler,
                number=options.number,
                caller_id=options.caller_id,
                caller_id_name=options.caller_name,
                variables=options.variables,
                mode=options.mode,
                path=options.path,
                before=["answer"] if options.answer_first else [],
                fails_if_handler_does=False,
                told=self._screen.show,
            ) as caller:
                for task in (self._listen_to_keys, self._watch_silence, self._watch_end, self._leave_if_told):
                    nursery.start_soon(task, caller)
                nursery.start_soon(self._hang_up_in_time, caller)
                await self._until_over(caller)
        except CallFailed as exc:
            problem = exc.instead
        except KeyboardInterrupt:
            problem = "it raised KeyboardInterrupt"
        assert caller is not None
        return self._sum_up(caller, problem)

    async def _until_over(self, caller: Caller) -> None:
        """Wait for the call's end, or until nothing but a hangup of the caller's will ever end it."""
        while caller.is_up and not self._why_left_alone:
            if caller.is_left_alone:
                await trio.sleep(_LEFT_ALONE_SECONDS)
                self._why_left_alone = caller.why_left_alone
            else:
                await caller.changes()
        self._screen.ends()

    # What the caller does

    async def _listen_to_keys(self, caller: Caller) -> None:
        options, keys = self._options, Keys(0)
        if options.press:
            await self._until_it_begins(caller)
            for key in options.press:
                await self._press_for_script(caller, key)
        if self._terminal is not None:
            while pressed := await keys.read():
                for key in pressed:
                    await self._press(caller, key)
            self._leaves.set()  # the terminal is gone
        elif not options.press:
            is_first = True
            while pressed := await keys.read():
                if is_first and not pressed.isspace():
                    await self._until_it_begins(caller)
                    is_first = False
                for key in pressed:
                    await self._press_for_script(caller, key)

    async def _until_it_begins(self, caller: Caller) -> None:
        """Wait until there is something to press keys for."""
        while not caller.heard and not caller.asked:
            if any(each.application == "answer" for each in caller.executed):
                with trio.move_on_after(_WAITS_FOR_SOUND_SECONDS):
                    while not caller.heard and not caller.asked:
                        await caller.changes()
                return
            await caller.changes()

    async def _press_for_script(self, caller: Caller, key: str) -> None:
        if key == ",":
            await trio.sleep(_PAUSE_SECONDS)
        elif not key.isspace() and key != "?":
            await self._press(caller, key)
            await trio.sleep(_BETWEEN_DIGITS_SECONDS)

    async def _press(self, caller: Caller, key: str) -> None:
        screen = self._screen
        if key in _DIGITS:
            if caller.is_up and not caller.is_left_alone:
                await caller.press(key.upper())
            elif caller.is_up:
                screen.happens(f"{key} is taken by nobody", is_dim=True)
        elif key == "h":
            await caller.hangs_up()
        elif key in ("q", "\x04"):
            if self._leaves.is_set():
                self._end_now()
            self._leaves.set()
        elif key == "?":
            screen.say(_EXPLANATION, is_dim=True)
        elif key.isprintable() and not key.isspace():
            screen.happens(f"{key} is no key of a telephone; ? explains", is_dim=True)

    async def _hang_up_in_time(self, caller: Caller) -> None:
        if self._options.hang_up_after != math.inf:
            await trio.sleep(self._options.hang_up_after)
            await caller.hangs_up()

    async def _leave_if_told(self, caller: Caller) -> None:
        await self._leaves.wait()
        await caller.hangs_up()

    # What is said beside what happens

    async def _watch_silence(self, caller: Caller) -> None:
        """Say when nothing is heard any more and nothing runs: it may be the caller's turn."""
        said_after = -1
        with trio.move_on_after(_NO_SIGN_SECONDS):
            while self._screen.is_quiet:
                await caller.changes()
        if self._screen.is_quiet and caller.is_up:
            self._screen.happens(f"{self._options.name} has the call, and has done nothing with it yet", is_dim=True)
        while True:
            await caller.changes()
            sounds = caller.sounds
            if said_after == len(sounds) or not sounds or not _nothing_runs(caller):
                continue
            with trio.move_on_after(_QUIET_SECONDS) as waiting:
                while _nothing_runs(caller):
                    await caller.changes()
            if waiting.cancelled_caught and _nothing_runs(caller):
                said_after = len(caller.sounds)
                self._screen.happens("silence; it may be your turn", is_dim=True)

    async def _watch_end(self, caller: Caller) -> None:
        """See to it that the process ends, even if the handler does not."""
        while caller.is_up:
            await caller.changes()
        await trio.sleep(_SAYS_THAT_IT_WAITS_SECONDS)
        if not self._leaves.is_set():
            keys = "q or Ctrl-C" if self._terminal is not None else "Ctrl-C"
            self._screen.say(
                f"The handler, or its connection, has not ended yet: it has {_END_SECONDS:g} s. {keys} does not wait.",
                is_dim=True,
            )
        with trio.move_on_after(_END_SECONDS):
            await self._leaves.wait()
            await trio.sleep(_QUIT_SECONDS)
        self._sum_up(caller, "it did not end with the call, and is left behind")
        self._end_now()

    def _sum_up(self, caller: Caller, problem: str = "") -> int:
        """Say how it ended.

        Args:
            caller: The caller.
            problem: What was wrong, unless ``run()`` failed or nobody took the call.

        Returns:
            The status with which the process shall end.
        """
        screen, options, error = self._screen, self._options, caller.handler_error
        # A handler of this framework says connect for certain, if the caller waits for it.
        is_ignored = options.handler is None and not caller.is_taken and not screen.nobody_takes_it
        has_failed = bool(problem or self._why_left_alone) or is_ignored or error is not None or screen.nobody_takes_it
        colour = "red" if has_failed else "green"
        screen.say("")
        if self._why_left_alone:
            screen.say("You would be parked now, in silence, until you hang up:", colour)
            screen.say(f"{self._why_left_alone}.", colour)
        elif screen.nobody_takes_it:
            screen.say("Nobody took the call.", colour)
            if options.handler is None:
                port = options.address.split("|")[0].partition("/")[0].partition(":")[2] or "8084"
                screen.say(
                    f"Is the server running? One of this framework: esl-outbound serve app:Reception --port {port}"
                )
        else:
            screen.say(
                f"The call is over after {screen.seconds:.1f} s: {screen.ended_by} hung up ({caller.hangup_cause}).",
                colour,
            )
            if error is not None:
                screen.say(
                    f"The handler failed: {type(error).__name__}: {printable(str(error))}".removesuffix(": "), colour
                )
            elif problem:
                screen.say(f"The handler failed: {problem}.", colour)
            elif is_ignored:
                screen.say(f"{options.name} never took the call: it did not say connect.", colour)
                screen.say("Does it speak FreeSWITCH's event socket, as a server?")
        for label, what in (
            ("Heard", listed_sounds(caller.sounds)),
            ("Pressed", screen.pressed),
            ("Talked to", ", ".join(bridge.callee for bridge in caller.bridges if bridge.callee)),
            ("Recorded in", ", ".join(each.path for each in caller.recorded)),
        ):
            if what:
                screen.say(f"{label + ':':<13}{printable(what)}")
        return 1 if has_failed else 0

    # Ends

    def _end_now(self) -> NoReturn:
        """End the process, whatever the handler does."""
        if self._terminal is not None:
            self._terminal.restore()
        with suppress(OSError):
            sys.stdout.flush()
        os._exit(1)

    @contextmanager
    def _told_by_signals(self) -> Iterator[None]:
        """Leave at the first signal; a second one ends the process, even if the handler blocks the loop."""
        token = trio.lowlevel.current_trio_token()
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = {number: signal.getsignal(number) for number in numbers}

        def stop(number: int, _frame: FrameType | None) -> None:
            if self._is_told or self._leaves.is_set():
                if self._terminal is not None:
                    self._terminal.restore()
                signal.signal(number, signal.SIG_DFL)
                os.kill(os.getpid(), number)
            self._is_told = True
            if self._terminal is not None:
                # Not print(): it may be what was interrupted. It is said here in case the loop is blocked.
                # Standard output may be a pipe to a program that Ctrl-C has just ended.
                with suppress(OSError):
                    os.write(2, b"Hanging up; Ctrl-C once more does not wait for the handler.\n")
            token.run_sync_soon(self._leaves.set)

        for number in numbers:
            signal.signal(number, stop)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _nothing_runs(caller: Caller) -> bool:
    """Whether the caller hears nothing, and FreeSWITCH runs nothing."""
    return (
        caller.is_up
        and all(sound.ended is not None for sound in caller.sounds)
        and all(executed.ended is not None for executed in caller.executed)
    )


def _is_terminal() -> bool:
    try:
        return os.isatty(0)
    except OSError:
        return False


@contextmanager
def _raw(terminal: RawTerminal | None) -> Iterator[None]:
    if terminal is None:
        yield
    else:
        with terminal.raw():
            yield


@contextmanager
def _logged(screen: Screen, level: str) -> Iterator[None]:
    """Show the log among the lines of the call."""
    root = logging.getLogger()
    shown = logging.getLevelNamesMapping()[level.upper()]
    handler = screen.log_handler()
    handler.setLevel(shown)
    before = root.level
    root.setLevel(shown)
    root.addHandler(handler)
    try:
        yield
    finally:
        root.removeHandler(handler)
        root.setLevel(before)
