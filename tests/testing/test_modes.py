"""The four modes of the dialplan line, and all commands with their replies."""

from __future__ import annotations

import pytest
import trio

from esl_outbound.testing import FakeFreeSwitch

from .speaking import connected, executing, parked

REFUSED = "-ERR command not found"


# connect


@pytest.mark.parametrize(
    ("mode", "last"),
    [
        ("async full", b"Socket-Mode: async\nControl: full\n\n"),
        ("async", b"Socket-Mode: async\nControl: single-channel\n\n"),
        ("full", b"Socket-Mode: static\nControl: full\n\n"),
        ("", b"Socket-Mode: static\nControl: single-channel\n\n"),
    ],
)
async def test_connect_is_answered_with_the_channels_data(phone: FakeFreeSwitch, mode: str, last: bytes) -> None:
    async with connected(phone, mode=mode, number="1000", caller_id="2000", caller_id_name="Ada L.") as (
        caller,
        socket,
    ):
        await socket.send("connect")
        frame = await socket.reply_frame()
        assert frame.raw.startswith(b"Event-Name: CHANNEL_DATA\n")
        assert frame.raw.endswith(b"Content-Type: command/reply\nReply-Text: %2BOK%0A\n" + last)
        assert "Content-Length" not in frame.headers
        for line in (
            f"Unique-ID: {caller.channel_uuid}",
            "Channel-State: CS_EXECUTE",
            "Answer-State: ringing",
            "Channel-Destination-Number: 1000",
            "Caller-Destination-Number: 1000",
            "Caller-Caller-ID-Name: Ada%20L.",
            "Channel-Caller-ID-Number: 2000",
            "Channel-Channel-Name: sofia/internal/2000%40127.0.0.1%3A5070",
            "variable_direction: inbound",
        ):
            assert f"\n{line}\n".encode() in frame.raw


async def test_connect_again_gives_the_current_values(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.run("set", "a=1")
        await socket.send("connect", "getvar a")
        frame = await socket.reply_frame()
        assert frame["variable_a"] == "1"
        assert frame["Answer-State"] == "answered"
        assert await socket.reply() == "1"


async def test_the_path_of_the_dialplan_line_is_socket_path(phone: FakeFreeSwitch) -> None:
    async with connected(phone, path="ivr/menu?a=1") as (_, socket):
        await socket.ask("connect")
        assert await socket.ask("getvar socket_path") == "ivr/menu?a=1"
        assert await socket.ask("getvar socket_host") == "127.0.0.1"


async def test_variables_in_the_dialplan_line_are_expanded(phone: FakeFreeSwitch) -> None:
    async with connected(phone, path="menu/${tenant}", variables={"tenant": "acme"}) as (_, socket):
        await socket.ask("connect")
        assert await socket.ask("getvar socket_path") == "menu/acme"


# Commands and their replies, with full


async def replies(phone: FakeFreeSwitch, *commands: str, mode: str = "async full") -> list[str]:
    async with connected(phone, mode=mode) as (_, socket):
        await socket.ask("connect")
        return [await socket.ask(command) for command in commands]


@pytest.mark.parametrize(
    ("commands", "answers"),
    [
        (["linger"], ["+OK will linger"]),
        (
            ["linger 5", "linger abc", "lingerx"],
            ["+OK will linger 5 seconds", "+OK will linger 0 seconds", "+OK will linger"],
        ),
        (["nolinger"], ["+OK will not linger"]),
        (["myevents", "myevents", "myevents json"], ["+OK Events Enabled", *["-ERR aready enabled."] * 2]),
        (["myevents xml"], ["+OK Events Enabled"]),
        (["event plain CHANNEL_ANSWER"], ["+OK event listener enabled plain"]),
        (["event json channel_answer"], ["+OK event listener enabled json"]),
        (["event xml ALL", "event CUSTOM x::y"], ["+OK event listener enabled xml"] * 2),
        (["event plain NO_SUCH CHANNEL_ANSWER"], ["+OK event listener enabled plain"]),
        (["eventually plain CHANNEL_ANSWER"], ["+OK event listener enabled plain"]),
        (["event", "event plain", "event plain NO_SUCH_EVENT"], ["-ERR no keywords supplied"] * 3),
        (["nixevent CHANNEL_ANSWER"], ["+OK events nixed"]),
        (["nixevent", "nixevent NO_SUCH"], ["-ERR no keywords supplied"] * 2),
        (["noevents"], ["-ERR not listening for events"]),
        (
            ["myevents", "noevents", "noevents"],
            ["+OK Events Enabled", "+OK no longer listening for events", "-ERR not listening for events"],
        ),
        (["filter A B", "filter add A B"], ["+OK filter added. [A]=[B]"] * 2),
        (["filter A", "filter delete"], ["-ERR invalid syntax"] * 2),
        (["filter"], [REFUSED]),
        (
            ["filter delete A B", "filter delete A", "filter delete all"],
            ["+OK filter deleted. [A][B]", "+OK filter deleted. [A][]", "+OK filter deleted. [all][]"],
        ),
        (["divert_events on", "divert_events off"], ["+OK events diverted", "+OK events not diverted"]),
        (["divert_events maybe", "divert_events on   "], ["+OK events not diverted"] * 2),
        (["divert_events"], ["-ERR missing value."]),
        (["log", "log 7"], ["+OK log level  [7]", "+OK log level 7 [7]"]),
        (["log debug", "log 9"], ["+OK log level debug [7]", "+OK log level 9 [9]"]),
        (["log nonsense"], ["-ERR invalid log level"]),
        (["nolog"], ["-ERR not loging"]),
        (["log 1", "nolog", "nolog"], ["+OK log level 1 [1]", "+OK no longer logging", "-ERR not loging"]),
        (["resume"], ["+OK"]),
        (["auth ClueCon", "userauth a:b", "nonsense", " getvar uuid"], [REFUSED] * 4),
        (["getvar nothing", "getvar"], [REFUSED] * 2),
    ],
)
async def test_replies(phone: FakeFreeSwitch, commands: list[str], answers: list[str]) -> None:
    assert await replies(phone, *commands) == answers


async def test_a_reply_has_no_length_and_no_body(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.send("resume")
        assert (await socket.reply_frame()).raw == b"Content-Type: command/reply\nReply-Text: +OK\n\n"


@pytest.mark.parametrize("word", ["exit", "EXIT", "exitnow", "..."])
async def test_words_that_end_the_connection(phone: FakeFreeSwitch, word: str) -> None:
    async with parked(phone) as (_, socket):
        assert await socket.ask(word) == "+OK bye"
        await socket.to_the_end()
        assert socket.is_over


async def test_commands_in_one_write_are_answered_in_order(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.send("getvar uuid", "linger 7", "api echo x", "nonsense", "resume")
        for _ in range(4):
            await socket.reply()
        assert [frame["Reply-Text"] or frame.body for frame in socket.frames] == [
            caller.channel_uuid,
            "+OK will linger 7 seconds",
            "x",
            REFUSED,
            "+OK",
        ]


# Without full


@pytest.mark.parametrize(
    "command",
    [
        "api echo x",
        "bgapi echo x",
        "event plain ALL",
        "nixevent ALL",
        "noevents",
        "sendevent CUSTOM",
        "log",
        "nolog",
        "linger",
        "linger 5",
        "nolinger",
    ],
)
@pytest.mark.parametrize("mode", ["async", ""])
async def test_without_full_it_is_refused(phone: FakeFreeSwitch, mode: str, command: str) -> None:
    assert await replies(phone, command, mode=mode) == [REFUSED]


@pytest.mark.parametrize("mode", ["async", ""])
async def test_without_full_these_are_allowed(phone: FakeFreeSwitch, mode: str) -> None:
    answers = await replies(
        phone,
        "myevents",
        "getvar direction",
        "filter A B",
        "divert_events on",
        "resume",
        executing("set", "a=1"),
        mode=mode,
    )
    assert answers == [
        "+OK Events Enabled",
        "inbound",
        "+OK filter added. [A]=[B]",
        "+OK events diverted",
        "+OK",
        "+OK",
    ]


async def test_without_full_other_channels_can_be_commanded_by_their_uuid(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (other, _), connected(phone, mode="async") as (_, socket):
        await socket.ask("connect")
        message = executing("set", "a=1").replace("sendmsg", f"sendmsg {other.channel_uuid}")
        assert await socket.ask(message) == "+OK"
        await trio.sleep(0.05)
        assert other.variables["a"] == "1"
        assert await socket.ask(f"sendmsg {other.channel_uuid}\ncall-command: hangup") == "+OK"
        await trio.sleep(0.05)
        assert other.hangup_cause == "NORMAL_CLEARING"


# Events


async def test_myevents_shows_what_concerns_this_channel(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket), parked(phone) as (_, other):
        await socket.ask("event plain ALL")
        await other.run("playback", "a.wav")
        await socket.run("playback", "a.wav")
        assert {event["Unique-ID"] for event in socket.events} == {caller.channel_uuid}


async def test_event_all_shows_the_whole_switch_and_a_filter_narrows_it(phone: FakeFreeSwitch) -> None:
    async with connected(phone) as (first, socket), parked(phone) as (second, other):
        await socket.ask("connect", "event plain ALL")
        await other.run("set", "a=1")
        await socket.listen(0.1)
        assert second.channel_uuid in {event["Unique-ID"] for event in socket.events}
        await socket.ask(f"filter Unique-ID {first.channel_uuid}")
        socket.forget()
        await other.run("set", "a=1")
        await socket.listen(0.1)
        assert socket.events == []


@pytest.mark.parametrize(
    ("filters", "passes"),
    [
        (["Application set"], True),
        (["Application playback"], False),
        (["Application playback", "Application set"], True),
        (["Application /^s/"], True),
        (["Application /^p/"], False),
        (["Application -set"], False),
    ],
)
async def test_filters(phone: FakeFreeSwitch, filters: list[str], passes: bool) -> None:
    async with parked(phone) as (_, socket):
        await socket.ask(*(f"filter {each}" for each in filters))
        await socket.execute("set", "a=1")
        await socket.listen(0.1)
        assert bool(socket.events) is passes


async def test_the_format_does_not_change_by_a_second_myevents(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (_, socket):
        await socket.ask("myevents json")
        await socket.run("set", "a=1")
        assert {event.kind for event in socket.events} == {"text/event-plain"}


@pytest.mark.parametrize("form", ["plain", "json", "xml"])
async def test_an_event_has_its_length_before_its_type(phone: FakeFreeSwitch, form: str) -> None:
    async with connected(phone) as (_, socket):
        await socket.ask("connect", f"myevents {form}")
        await socket.listen(0.1)
        socket.forget()
        await socket.execute("set", "a=1")
        await socket.listen(0.1)
        for event in socket.events:
            head, _, body = event.raw.partition(b"\n\n")
            assert head == b"Content-Length: %d\nContent-Type: text/event-%s" % (len(body), form.encode())
        assert len(socket.events) == 2


# sendevent


async def test_sendevent_is_answered_with_a_uuid_and_fired(phone: FakeFreeSwitch) -> None:
    async with connected(phone) as (_, socket):
        await socket.ask("connect", "event plain CUSTOM my::news")
        await socket.stream.send_all(
            b"sendevent CUSTOM\nEvent-Subclass: my::news\nWho: Ada\ncontent-type: text/x\ncontent-length: 5\n\nhello"
        )
        reply = await socket.reply()
        assert reply.startswith("+OK ")
        event = await socket.until("CUSTOM")
        assert event["Event-UUID"] == reply.removeprefix("+OK ")
        assert event["Who"] == "Ada"
        assert event.body == "hello"
        assert event.raw.lower().count(b"content-length: 5\n") == 2


@pytest.mark.parametrize("name", ["NO_SUCH_EVENT", ""])
async def test_an_event_of_no_known_name_is_custom(phone: FakeFreeSwitch, name: str) -> None:
    async with connected(phone) as (_, socket):
        await socket.ask("connect", "event plain CUSTOM")
        reply = await socket.ask(f"sendevent {name}\nWho: Ada")
        assert reply.startswith("+OK ")
        assert (await socket.until("CUSTOM"))["Who"] == "Ada"


async def test_an_event_for_a_session_comes_without_a_name_when_events_are_diverted(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.ask("divert_events on")
        socket.forget()
        await socket.ask(f"sendevent MESSAGE\nUnique-ID: {caller.channel_uuid}\nWho: Ada")
        await socket.listen(0.1)
        event = socket.events[0]
        assert event["Who"] == "Ada"
        assert "Event-Name" not in event.headers


# Sync


async def test_sync_replies_come_when_the_application_has_ended(phone: FakeFreeSwitch) -> None:
    phone.sound("three.wav", 3)
    async with connected(phone, mode="full", before=["answer"]) as (_, socket):
        await socket.ask("connect", "myevents")
        await socket.listen(0.1)
        socket.forget()
        before = trio.current_time()
        await socket.send(executing("playback", "three.wav"), "getvar uuid")
        assert await socket.reply() == "+OK"
        assert trio.current_time() - before == pytest.approx(3, abs=0.021)
        await socket.reply()
        await socket.listen(0.1)
        assert [frame.kind for frame in socket.frames] == ["command/reply"] * 2 + ["text/event-plain"] * 2
        assert socket.told() == ["EXECUTE playback three.wav", "COMPLETE playback FILE PLAYED"]


async def test_a_sync_set_is_answered_at_once(phone: FakeFreeSwitch) -> None:
    async with connected(phone, mode="full", before=["answer"]) as (caller, socket):
        await socket.ask("connect")
        before = trio.current_time()
        assert await socket.ask(executing("set", "a=1")) == "+OK"
        assert trio.current_time() == before
        assert caller.variables["a"] == "1"


async def test_an_unknown_application_is_answered_ok_and_hangs_the_call_up_in_sync_mode(phone: FakeFreeSwitch) -> None:
    async with connected(phone, mode="full", before=["answer"]) as (caller, socket):
        await socket.ask("connect")
        assert await socket.ask(executing("nonsense")) == "+OK"
        assert await caller.was_hung_up() == "DESTINATION_OUT_OF_ORDER"


async def test_async_true_in_sync_mode_runs_inside_the_next_application(phone: FakeFreeSwitch) -> None:
    async with connected(phone, mode="full", before=["answer"]) as (caller, socket):
        await socket.ask("connect", "myevents")
        await socket.listen(0.1)
        socket.forget()
        assert await socket.ask(executing("set", "a=1", **{"async": "true"})) == "+OK"
        await socket.listen(2)
        assert "a" not in caller.variables
        await socket.ask(executing("sleep", "1000"))
        await socket.listen(0.1)
        assert socket.told() == [
            "EXECUTE sleep 1000",
            "EXECUTE set a=1",
            "COMPLETE set _none_",
            "COMPLETE sleep _none_",
        ]


async def test_a_hangup_amid_a_sync_application_is_told_without_channel_hangup_complete(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 30)
    async with connected(phone, mode="full", before=["answer"]) as (caller, socket):
        await socket.ask("connect", "myevents", "linger 3")
        await socket.listen(0.1)
        socket.forget()
        await socket.send(executing("playback", "long.wav"))
        await caller.hears("long.wav")
        await trio.sleep(2)
        await caller.hangs_up()
        await socket.to_the_end()
        assert [frame["Reply-Text"] or frame["Content-Disposition"] or frame.told for frame in socket.frames] == [
            "+OK",
            "EXECUTE playback long.wav",
            "HANGUP NORMAL_CLEARING",
            "COMPLETE playback PLAYBACK ERROR",
            "linger",
            "disconnect",
        ]


async def test_sync_exit_goes_on_with_the_dialplan(phone: FakeFreeSwitch) -> None:
    async with connected(phone, mode="full", after=["playback next.wav"]) as (caller, socket):
        await socket.ask("connect")
        assert await socket.ask("exit") == "+OK bye"
        await caller.hears("next.wav")


async def test_in_sync_mode_nothing_passes_what_runs_but_another_connection(phone: FakeFreeSwitch) -> None:
    phone.sound("long.wav", 1.5)
    async with connected(phone, mode="full", before=["answer"]) as (caller, socket):
        await socket.ask("connect")
        before = trio.current_time()
        await socket.send(executing("playback", "long.wav"))
        await trio.sleep(0.2)
        assert await socket.api(f"uuid_break {caller.channel_uuid}") == "+OK\n"
        assert trio.current_time() - before == pytest.approx(1.5, abs=0.021)
        before = trio.current_time()
        await socket.send(executing("playback", "again/long.wav"))
        await trio.sleep(0.2)
        await phone.api("uuid_break", caller.channel_uuid)
        await socket.reply()
        assert trio.current_time() - before <= 0.25


# Failover


async def test_the_next_host_is_tried_at_once_if_the_first_refuses(phone: FakeFreeSwitch) -> None:
    phone.refuses("127.0.0.1:8099")
    reached: list[float] = []

    async def application(stream: trio.abc.Stream) -> None:
        reached.append(trio.current_time())
        await stream.send_all(b"connect\n\nsendmsg\ncall-command: hangup\n\n")
        while await stream.receive_some():
            pass

    phone.listens("127.0.0.1:8085", application)
    async with phone.dial("127.0.0.1:8099|127.0.0.1:8085") as caller:
        await caller.was_hung_up()
    assert reached == [0.0]


@pytest.mark.parametrize("after", [[], ["playback closed.wav"]])
async def test_if_all_refuse_the_dialplan_goes_on(phone: FakeFreeSwitch, after: list[str]) -> None:
    phone.refuses("127.0.0.1:8098")
    phone.refuses("127.0.0.1:8099")
    async with phone.dial("127.0.0.1:8098|127.0.0.1:8099", after=after) as caller:
        if after:
            await caller.hears("closed.wav")
        else:
            assert await caller.was_hung_up() == "NORMAL_CLEARING"


# Log


async def test_log_lines_come_with_their_level_and_place(phone: FakeFreeSwitch) -> None:
    async with parked(phone) as (caller, socket):
        await socket.ask("log info")
        await socket.run("log", "INFO hello \u00e4")
        line = next(frame for frame in socket.frames if frame.kind == "log/data" and "hello" in frame.body)
        assert line["Log-Level"] == "6"
        assert line["User-Data"] == caller.channel_uuid
        assert line["Content-Length"] == str(len(line.body.encode()))
        assert line.body.endswith("\n")
        head = line.raw.partition(b"\n\n")[0].decode()
        assert [each.partition(":")[0] for each in head.split("\n")] == [
            "Content-Type",
            "Content-Length",
            "Log-Level",
            "Text-Channel",
            "Log-File",
            "Log-Func",
            "Log-Line",
            "User-Data",
        ]
