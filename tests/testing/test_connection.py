"""What an application sees on the wire when a connection has faults."""

from __future__ import annotations

import re
from collections.abc import Iterable

import attrs
import pytest
import trio

from esl_outbound.testing import CallFailed, FakeFreeSwitch, Faults

SET_UP = b"connect\n\nmyevents\n\nlinger 1\n\n"
PLAY = b"sendmsg\ncall-command: execute\nexecute-app-name: playback\nexecute-app-arg: a.wav\n\n"


@attrs.define(eq=False)
class Application:
    """Says something, and keeps each segment that it hears, with its time since the call began."""

    says: bytes = SET_UP
    segments: list[tuple[float, bytes]] = attrs.field(factory=list)
    end: str = ""

    @property
    def heard(self) -> bytes:
        return b"".join(data for _, data in self.segments)

    def order(self, *names: str) -> list[str]:
        """Those of the names that were heard, in the order in which they first were."""
        text = self.heard.decode()
        found = {name: match.start() for name in names if (match := re.search(name, text))}
        return sorted(found, key=lambda name: found[name])

    def heard_at(self, what: bytes) -> float:
        """When something was heard."""
        so_far = b""
        for seconds, data in self.segments:
            so_far += data
            if what in so_far:
                return seconds
        raise AssertionError(f"{what!r} was never heard")


def called(application: Application) -> object:
    async def run(stream: trio.abc.Stream) -> None:
        began = trio.current_time()
        await stream.send_all(application.says)
        try:
            while data := await stream.receive_some():
                application.segments.append((trio.current_time() - began, bytes(data)))
            application.end = "closed"
        except trio.BrokenResourceError:
            application.end = "broken"

    return run


async def call(phone: FakeFreeSwitch, faults: Faults, says: bytes = SET_UP + PLAY) -> Application:
    """A call of some seconds, at the end of which the caller hangs up."""
    application = Application(says)
    async with phone.dial(called(application), faults=faults) as caller:  # type: ignore[arg-type]
        await trio.sleep(3)
        await caller.hangs_up()
        await trio.sleep(5)
    return application


def without_times(data: bytes) -> list[str]:
    """The lines of a conversation, but for what is the clock's."""
    text = re.sub(
        r"(?m)^[^:\n]*(Timestamp|Date|[Tt]ime|epoch|stamp|sec|duration|Content-Length)[^\n]*$", "", data.decode()
    )
    return [line for line in text.split("\n") if line]


async def test_split_bytes_come_one_by_one_and_are_the_same(phone: FakeFreeSwitch) -> None:
    whole = await call(FakeFreeSwitch(), Faults())
    split = await call(FakeFreeSwitch(), Faults(split=True))
    assert {len(data) for _, data in split.segments} == {1}
    assert max(len(data) for _, data in whole.segments) > 1000
    assert without_times(split.heard) == without_times(whole.heard)


async def test_glued_messages_come_together_a_frame_later(phone: FakeFreeSwitch) -> None:
    glued = await call(phone, Faults(glue=True))
    seconds, first = glued.segments[0]
    assert seconds == pytest.approx(0.02)
    for message in (b"Reply-Text: %2BOK%0A\n", b"+OK Events Enabled", b"+OK will linger 1 seconds", b"+OK\n"):
        assert message in first
    assert without_times(glued.heard) == without_times((await call(FakeFreeSwitch(), Faults())).heard)


async def test_delayed_events_come_behind_what_was_said_meanwhile(phone: FakeFreeSwitch) -> None:
    assert (await call(phone, Faults())).heard_at(b"Event-Name: CHANNEL_EXECUTE\n") < 0.03
    late = await call(phone, Faults(event_delay=0.5))
    assert late.heard_at(b"+OK will linger") < 0.01
    assert 0.5 < late.heard_at(b"Event-Name: CHANNEL_EXECUTE\n") < 0.53


async def test_events_from_before_the_subscription_come_after_it_when_the_dispatcher_lags(
    phone: FakeFreeSwitch,
) -> None:
    assert b"Event-Name: CHANNEL_CREATE\n" not in (await call(phone, Faults())).heard
    lagging = await call(phone, Faults(dispatch_lag=0.02))
    assert lagging.order("Events Enabled", "Event-Name: CHANNEL_CREATE\n", "Event-Name: CHANNEL_EXECUTE\n") == [
        "Events Enabled",
        "Event-Name: CHANNEL_CREATE\n",
        "Event-Name: CHANNEL_EXECUTE\n",
    ]


async def test_lost_events_are_lost_and_the_others_are_not(phone: FakeFreeSwitch) -> None:
    lost = await call(phone, Faults(lost_events=frozenset({"CHANNEL_HANGUP_COMPLETE", "CHANNEL_EXECUTE"})))
    names = set(re.findall(r"Event-Name: (\w+)", lost.heard.decode()))
    assert not {"CHANNEL_HANGUP_COMPLETE", "CHANNEL_EXECUTE"} & names
    assert {"CHANNEL_HANGUP", "CHANNEL_EXECUTE_COMPLETE"} <= names


ENDING = ("Content-Disposition: linger", "Event-Name: CHANNEL_HANGUP\n", "Event-Name: CHANNEL_HANGUP_COMPLETE")


@pytest.mark.parametrize(("early", "first"), [(False, ENDING[1]), (True, ENDING[0])])
async def test_the_notice_comes_before_the_hangup_or_after_it(phone: FakeFreeSwitch, early: bool, first: str) -> None:
    application = await call(phone, Faults(notice_before_hangup=early))
    order = application.order(*ENDING)
    assert order[0] == first
    assert set(order) == set(ENDING)


@pytest.mark.parametrize(("command", "times"), [("connect", 0), ("getvar", 0), ("GETVAR second", 1), ("nonsense", 2)])
async def test_the_caller_hangs_up_with_the_reply_that_was_named(
    phone: FakeFreeSwitch, command: str, times: int
) -> None:
    application = Application(SET_UP + b"getvar first\n\ngetvar second\n\n")
    dialled = phone.dial(
        called(application),  # type: ignore[arg-type]
        before=["set first=1", "set second=2"],
        faults=Faults(hang_up_with_reply_to=command),
    )
    async with dialled as caller:
        await trio.sleep(1)
        assert caller.is_up == (command == "nonsense")
        assert caller.hangup_cause == (None if command == "nonsense" else "ORIGINATOR_CANCEL")
        assert caller.hung_up_first == (command != "nonsense")
    assert b"Reply-Text: 2\n" in application.heard


async def test_a_reset_breaks_the_applications_end_and_nothing_is_said_any_more(phone: FakeFreeSwitch) -> None:
    application = Application(SET_UP + PLAY)
    async with phone.dial(called(application)) as caller:  # type: ignore[arg-type]
        await trio.sleep(0.5)
        before = application.heard
        caller.connection.reset()
        await caller.connection.send_garbage(b"x")
        await caller.was_hung_up()
    assert (application.end, application.heard) == ("broken", before)


async def test_what_the_application_says_in_reply_to_a_reset_is_lost(phone: FakeFreeSwitch) -> None:
    ended: list[str] = []

    async def persists(stream: trio.abc.Stream) -> None:
        await stream.send_all(SET_UP)
        await trio.sleep(1)
        try:
            await stream.send_all(b"exit\n\n")
        except trio.BrokenResourceError:
            ended.append("broken")

    async with phone.dial(persists) as caller:
        await trio.sleep(0.5)
        caller.connection.reset()
        await caller.was_hung_up()
        await trio.sleep(1)
    assert ended == ["broken"]


async def test_a_half_close_is_an_end_without_a_notice(phone: FakeFreeSwitch) -> None:
    application = Application(SET_UP)
    async with phone.dial(called(application)) as caller:  # type: ignore[arg-type]
        await trio.sleep(0.5)
        await caller.connection.half_close()
        await caller.was_hung_up("NORMAL_CLEARING")
    assert application.end == "closed"
    assert b"disconnect-notice" not in application.heard


@pytest.mark.parametrize("faults", [Faults(), Faults(split=True), Faults(glue=True)], ids=["whole", "split", "glued"])
async def test_garbage_is_sent_as_it_is(phone: FakeFreeSwitch, faults: Faults) -> None:
    application = Application(SET_UP)
    async with phone.dial(called(application), faults=faults) as caller:  # type: ignore[arg-type]
        await trio.sleep(0.5)
        await caller.connection.send_garbage(b"\xff\0\n\nrubbish")
        await trio.sleep(0.5)
        assert application.heard.endswith(b"\xff\0\n\nrubbish")


async def test_what_is_not_read_is_read_later(phone: FakeFreeSwitch) -> None:
    heard: list[tuple[float, bytes]] = []

    async def asks(stream: trio.abc.Stream) -> None:
        await stream.send_all(SET_UP)
        await trio.sleep(1)
        await stream.send_all(b"getvar x\n\n")
        while data := await stream.receive_some():
            heard.append((trio.current_time(), bytes(data)))

    async with phone.dial(asks, variables={"x": "value of x"}) as caller:
        await trio.sleep(0.5)
        caller.connection.stop_reading()
        await trio.sleep(10)
        caller.connection.resume_reading()
        await trio.sleep(1)
    assert times(heard, b"value of x\n\n") == [10.5]


def times(heard: Iterable[tuple[float, bytes]], what: bytes) -> list[float]:
    return [round(seconds, 3) for seconds, data in heard if data.endswith(what)]


# Half a command, and one that cannot be read


async def test_while_half_a_command_is_there_no_event_is_sent(phone: FakeFreeSwitch) -> None:
    heard = b""

    async def hesitates(stream: trio.abc.Stream) -> None:
        nonlocal heard
        await stream.send_all(SET_UP + PLAY + b"getvar ")
        with trio.move_on_after(5):
            while data := await stream.receive_some():
                heard += data
        assert b"Event-Name: CHANNEL_EXECUTE" not in heard
        await stream.send_all(b"x\n\n")
        while data := await stream.receive_some():
            heard += data

    async with phone.dial(hesitates, variables={"x": "value of x"}) as caller:
        await caller.hears("a.wav")
        await trio.sleep(8)
    assert heard.index(b"value of x\n\n") < heard.index(b"Event-Name: CHANNEL_EXECUTE\n")


@pytest.mark.parametrize("length", [b"-1", b"16777217"])
async def test_a_command_that_cannot_be_read_closes_the_connection(phone: FakeFreeSwitch, length: bytes) -> None:
    application = Application(SET_UP + b"sendmsg\nContent-Length: " + length + b"\n\n")
    with pytest.raises(CallFailed, match="the caller is parked for ever"):
        async with phone.dial(called(application)) as caller:  # type: ignore[arg-type]
            await caller.was_hung_up()
    assert application.heard.endswith(b"Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n")
    assert application.end == "closed"
