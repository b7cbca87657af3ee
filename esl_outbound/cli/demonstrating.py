"""``esl-outbound demo``: a server on loopback, and simulated callers who go through it side by side.

Between them is a real TCP connection for each call: what is served is ``demo.Reception``, with ``serve``.
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Final, final

import attrs
import trio

from ..server import serve
from ..testing import Caller, CallFailed, FakeFreeSwitch, Happening, Moment, Who
from .demo import Reception
from .logs import LogLines, Show
from .output import Output
from .tracebacks import users_traceback
from .wording import printable

__all__ = ["PEOPLE", "Person", "run_demo"]


async def _presses_a_wrong_key(caller: Caller) -> None:
    await caller.hears("reception/welcome.wav", to_the_end=True)
    await caller.hears("reception/menu.wav")
    await trio.sleep(0.5)
    await caller.press("9")
    await caller.hears("reception/wrong_key.wav", to_the_end=True)
    await caller.hears("reception/menu.wav")
    await caller.press("3")
    await caller.hears("say:current_time:*", to_the_end=True)
    await caller.hears("reception/goodbye.wav", to_the_end=True)
    await caller.was_hung_up("NORMAL_CLEARING")


async def _leaves_a_message(caller: Caller) -> None:
    await caller.hears("reception/welcome.wav")
    await caller.press("1")
    await caller.is_not_put_through("user/1001", "USER_BUSY")
    await caller.hears("reception/nobody_is_free.wav")
    await caller.hears("tone_stream://*")
    await caller.is_recorded("*/message-*.wav")
    await caller.speaks(2)
    await caller.press("#")
    await caller.hears("reception/thank_you.wav", to_the_end=True)
    await caller.hears("reception/goodbye.wav", to_the_end=True)
    await caller.was_hung_up("NORMAL_CLEARING")


async def _hesitates(caller: Caller) -> None:
    await caller.hears("reception/welcome.wav")
    await caller.hears("reception/menu.wav", to_the_end=True)
    await caller.stays_silent(1)
    await caller.hears("reception/are_you_there.wav", to_the_end=True)
    await caller.hears("reception/menu.wav")
    await caller.press("2")
    await caller.is_bridged_to("user/1002")
    await caller.hears("reception/goodbye.wav", to_the_end=True)
    await caller.was_hung_up("NORMAL_CLEARING")


async def _gives_up(caller: Caller) -> None:
    await caller.hears("reception/welcome.wav", to_the_end=True)
    await caller.hears("reception/menu.wav")
    await trio.sleep(0.7)
    await caller.hangs_up()


@final
@attrs.frozen
class Person:
    """One of those who call."""

    name: str
    number: str
    colour: str
    story: Callable[[Caller], Awaitable[None]]
    calls_after: float
    """Seconds after the start."""
    wants: str


PEOPLE: Final[Sequence[Person]] = (
    Person("Ada", "2001", "cyan", _presses_a_wrong_key, 0.0, "wants to know the time, and presses a wrong key first"),
    Person("Ben", "2002", "yellow", _leaves_a_message, 0.3, "wants the sales department, which is busy"),
    Person("Cleo", "2003", "magenta", _hesitates, 0.6, "wants the service, and takes her time"),
    Person("Dan", "2004", "green", _gives_up, 0.9, "hangs up in the middle of the menu"),
)


def run_demo(people: Sequence[Person] = PEOPLE, seconds: float = 30.0, clock: trio.abc.Clock | None = None) -> int:
    """Show the calls.

    Args:
        people: Who calls.
        seconds: How long it may take.
        clock: Trio's clock, for those who have no time.

    Returns:
        The status with which the process shall end: 0 if all of them got what they came for, else 1.
    """
    try:
        return trio.run(_Demonstration(people).run, seconds, clock=clock)
    except (KeyboardInterrupt, BaseExceptionGroup) as exc:
        if isinstance(exc, BaseExceptionGroup) and exc.split(KeyboardInterrupt)[1] is not None:
            raise
        return 1  # Ctrl-C needs no words


@final
class _Demonstration:
    def __init__(self, people: Sequence[Person]) -> None:
        self._people = people
        self._output: Final = Output()
        self._began = 0.0
        self._failures: dict[str, str] = {}
        self._content: set[str] = set()

    async def run(self, seconds: float) -> int:
        self._began = trio.current_time()
        with trio.move_on_after(seconds) as limit, _logged(self._say_log):
            self._output.when_gone = limit.cancel
            async with trio.open_nursery() as nursery:
                listeners = await nursery.start(partial(serve, Reception, port=0))
                address = f"127.0.0.1:{listeners[0].socket.getsockname()[1]}"
                self._print(f"A server listens on {address}, and handles calls with the Reception in cli/demo.py.")
                self._print("A simulated FreeSWITCH calls it over TCP, for several people at once:")
                for person in self._people:
                    name = self._output.styled(f"{person.name:<6}", person.colour)
                    self._print(f"  {name} {person.wants}")
                self._print("")
                phone = _make_phone()
                async with trio.open_nursery() as callers:
                    for person in self._people:
                        callers.start_soon(self._call, phone, person, address)
                nursery.cancel_scope.cancel()
        self._print("")
        for person in self._people:
            if person.name in self._failures:
                self._print(f"{person.name} did not get what was wanted: {self._failures[person.name]}\n")
            elif person.name not in self._content:
                self._print(f"{person.name} was not served within {seconds:g} s.")
        if len(self._content) < len(self._people):
            return 1
        self._print("All of them got what they came for. Now be the caller yourself:")
        self._print("  esl-outbound call esl_outbound.cli.demo:Reception")
        return 0

    async def _call(self, phone: FakeFreeSwitch, person: Person, address: str) -> None:
        await trio.sleep(person.calls_after)
        told = partial(self._tell, person)
        try:
            async with phone.dial(
                address, number="5000", caller_id=person.number, caller_id_name=person.name, told=told
            ) as caller:
                await person.story(caller)
        except CallFailed as exc:
            self._failures[person.name] = str(exc)
        else:
            self._content.add(person.name)

    # What is printed

    def _tell(self, person: Person, moment: Moment) -> None:
        if moment.happening in (Happening.EXITS, Happening.CLOSES_SOCKET):
            return  # the call is over by then
        what = moment.what.removeprefix(f"{person.number} ")
        if moment.who is Who.HANDLER:
            what = f"handler: {what}"
        is_callers = moment.who in (Who.CALLER, Who.EXPECTED)
        self._line(person.name, person.colour, what if is_callers else f"    {what}")

    def _say_log(self, record: logging.LogRecord, message: str) -> None:
        self._line("log", "white", f"    {printable(message)}")
        exc = record.exc_info[1] if record.exc_info else None
        if exc is not None:
            self._output.say(users_traceback(exc), is_error=True)

    def _line(self, name: str, colour: str, what: str) -> None:
        seconds = trio.current_time() - self._began
        self._print(f"{seconds:5.1f}  " + self._output.styled(f"{name:<5} {what}", colour))

    def _print(self, text: str) -> None:
        self._output.say(text)


def _make_phone() -> FakeFreeSwitch:
    phone = FakeFreeSwitch(seed=secrets.randbits(64))
    phone.sound("reception/welcome.wav", 1.5)
    phone.sound("reception/menu.wav", 2.0)
    phone.destination("user/1001", cause="USER_BUSY", refuses_after=1.0)
    phone.destination("user/1002", answers_after=1.0, hangs_up_after=1.5)
    return phone


@contextmanager
def _logged(show: Show) -> Iterator[None]:
    """Show what the application logs, and what goes wrong."""
    root, ours = logging.getLogger(), logging.getLogger("reception")
    handler = LogLines(show)
    handler.addFilter(lambda record: record.name == ours.name or record.levelno >= logging.WARNING)
    before = ours.level
    root.addHandler(handler)
    ours.setLevel(logging.INFO)
    try:
        yield
    finally:
        root.removeHandler(handler)
        ours.setLevel(before)
