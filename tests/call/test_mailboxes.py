"""Voicemail, the directory, menus of the configuration and paging."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from esl_outbound import (
    ApiFailed,
    ApplicationFailed,
    CallHandler,
    CallHungUp,
    CallTransferred,
    Expand,
    HangupCause,
    LocalProtocolError,
)
from esl_outbound.call.mailboxes import MailboxCount, VoicemailResult
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, api_response, dial

UNSET = "voicemail_account voicemail_file_path voicemail_read_flags voicemail_message_len"
PATH = "/var/lib/freeswitch/storage/voicemail/default/example.org/1001/msg_x.wav"


async def test_a_message_that_was_left_is_told_of() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            left = await self.voicemail("example.org", "1001")
            assert left == VoicemailResult(PATH, 3723, True, "1001")
            left = await self.voicemail("example.org", "1001")
            assert left == VoicemailResult(PATH, 5, False, "1001")
            left = await self.voicemail("example.org", "1001")
            assert left == VoicemailResult(None, None, None, None)

    told = {"variable_voicemail_file_path": PATH, "variable_voicemail_account": "1001"}
    async with dial(Handler) as switch:
        await switch.greet()
        for variables in (
            {"variable_voicemail_message_len": "01%3A02%3A03", "variable_voicemail_read_flags": "A_URGENT", **told},
            {"variable_voicemail_message_len": "00%3A00%3A05", "variable_voicemail_read_flags": "B_NORMAL", **told},
            {},
        ):
            await switch.run_application("multiunset", UNSET)
            await switch.run_application("voicemail", "default example.org 1001", **variables)
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_all_that_can_be_said_of_a_mailbox() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.voicemail(
                "example.org",
                "1001",
                profile="office",
                greeting_path="greetings/closed.wav",
                skip_instructions=True,
                skip_urgent_question=True,
                skip_goodbye=True,
            )
            await self.voicemail("example.org", "1001", greeting_number=2, skip_greeting=True)
            await self.voicemail("example.org", "1001", greeting_path="it's ${x}.wav")
            await self.voicemail("example.org", "1001", greeting_path=Expand("${greeting}"))
            await self.check_voicemail("example.org", "1001", profile="office", authorized=True)
            await self.check_voicemail("example.org")
            await self.voicemail_ivr("example.org", "1001")
            assert await self.authenticate_mailbox("example.org") == "1001"
            with pytest.raises(ApplicationFailed):
                await self.authenticate_mailbox("example.org", "1001")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("multiunset", UNSET)
        await switch.run_application(
            "voicemail",
            "%[voicemail_greeting_path=greetings/closed.wav,skip_instructions=true,skip_record_urgent_check=true,"
            "voicemail_skip_goodbye=true]office example.org 1001",
        )
        await switch.run_application("multiunset", UNSET)
        await switch.run_application(
            "voicemail", "%[voicemail_greeting_number=2,skip_greeting=true]default example.org 1001"
        )
        for value in (r"it's \\\${x}.wav", r"\${greeting}"):
            await switch.run_application("multiunset", UNSET)
            await switch.run_application("set", f"voicemail_greeting_path={value}")
            await switch.run_application("voicemail", "default example.org 1001")
            await switch.run_application("multiunset", "voicemail_greeting_path")
        await switch.run_application("voicemail", "check auth office example.org 1001")
        await switch.run_application("voicemail", "check default example.org")
        await switch.run_application("voicemail_ivr", "check default example.org 1001")
        await switch.run_application("multiunset", "user_pin_authenticated user_pin_authenticated_user")
        await switch.run_application(
            "voicemail",
            "auth_only default example.org",
            variable_user_pin_authenticated="true",
            variable_user_pin_authenticated_user="1001",
        )
        await switch.run_application("multiunset", "user_pin_authenticated user_pin_authenticated_user")
        await switch.run_application("voicemail", "auth_only default example.org 1001")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_whoever_does_not_know_the_password_is_hung_up() -> None:
    seen: list[object] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.CancelScope(shield=True):
                try:
                    await self.authenticate_mailbox("example.org")
                except CallHungUp as exc:
                    seen.append(exc.hangup_cause)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("multiunset")
        uuid = await switch.expect_execute("voicemail")
        await switch.send(switch.execute(uuid, "voicemail"), switch.hangup("USER_CHALLENGE"))
        await switch.send(switch.complete(uuid, "voicemail"), switch.hangup_complete("USER_CHALLENGE"))
        await switch.expect_exit()
    assert seen == [HangupCause.USER_CHALLENGE]


@pytest.mark.parametrize(
    "wrong",
    [
        {"user_id": "a b"},
        {"domain": ""},
        {"domain": "a b"},
        {"domain": "${x}"},
        {"profile": "check"},
        {"profile": "AUTH"},
        {"profile": ""},
        {"greeting_path": ""},
        {"greeting_number": 0},
        {"greeting_number": 10},
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(wrong: dict[str, Any]) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(LocalProtocolError):
                await self.voicemail(**{"user_id": "1001", "domain": "example.org", **wrong})
            mailbox = {name: value for name, value in wrong.items() if not name.startswith("greeting")}
            if mailbox:
                for attempt in (self.check_voicemail, self.voicemail_ivr, self.authenticate_mailbox):
                    with pytest.raises(LocalProtocolError):
                        await attempt(**{"domain": "example.org", **mailbox})

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_messages_can_be_counted() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert await self.count_voicemail("example.org", "1001") == MailboxCount(3, 2, 1, 0)
            assert await self.count_voicemail("example.org", "1001", profile="office") == MailboxCount(0, 0, 0, 0)
            with pytest.raises(ApiFailed):
                await self.count_voicemail("example.org", "1001", profile="none")
            for wrong in ("a/b", "a|b", "a@b", ""):
                with pytest.raises(LocalProtocolError):
                    await self.count_voicemail("example.org", wrong)

    async with dial(Handler) as switch:
        await switch.greet()
        for box, printed in (
            ("1001@example.org", "3:2:1:0"),
            ("office/1001@example.org", "0:0:0:0"),
            ("none/1001@example.org", "-ERR No such profile\n"),
        ):
            await switch.expect(f"api vm_boxcount {box}|all")
            await switch.send(api_response(printed))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_the_directory_says_whether_somebody_was_chosen() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            for by in ("nickname", "x y"):
                with pytest.raises(LocalProtocolError):
                    await self.directory("example.org", by=by)
            assert not await self.directory("example.org")
            assert not await self.directory("example.org", context="office", by="first_name")
            assert await self.directory("example.org", dialplan="inline")
            with pytest.raises(CallTransferred):
                await self.answer()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("directory", "default example.org", Channel_State_Number="4")
        await switch.run_application("directory", "%[directory_search_order=first_name]default example.org office")
        uuid = await switch.expect_execute("directory", "default example.org inline example.org")
        await switch.send(switch.execute(uuid, "directory"))
        await switch.send(switch.complete(uuid, "directory", Channel_State_Number="2"), switch.event("CHANNEL_UNPARK"))
        await switch.send(switch.complete("b2c26881-9112-47f1-85ba-52f952478e96", "socket"))
        await switch.expect("nolinger", "noevents")
        await switch.stream.aclose()


async def test_a_menu_of_the_configuration_says_how_it_ended() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert await self.ivr("main menu") == "timeout"
            with pytest.raises(ApplicationFailed, match="ivr found no menu 'none'"):
                await self.ivr("none")
            for wrong in ("", "a\nb"):
                with pytest.raises(LocalProtocolError):
                    await self.ivr(wrong)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("multiunset", "ivr_menu_status")
        await switch.run_application("ivr", "main menu", variable_ivr_menu_status="timeout")
        await switch.run_application("multiunset", "ivr_menu_status")
        await switch.run_application("ivr", "none")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_page_is_recorded_and_sent_to_several() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.page("user/1001", "{a=b}user/1002")
            await self.page(
                "user/1001",
                beep="tone_stream://%(500,0,620)",
                max_seconds=10.5,
                silence_seconds=3,
                at_once=2,
            )
            await self.page("user/1001", path="fire.wav")
            for wrong in ((), ("",), ("a:_:b",), ("a\nb",)):
                with pytest.raises(LocalProtocolError):
                    await self.page(*wrong)
            for path in ("a,b.wav", "it's.wav", "${x}.wav", "a\\b.wav"):
                with pytest.raises(LocalProtocolError, match="in it"):
                    await self.page("user/1001", path=path)
            for options in ({"path": ""}, {"max_seconds": -1}, {"at_once": 0}, {"silence_seconds": -1}, {"beep": "\n"}):
                with pytest.raises(LocalProtocolError):
                    await self.page("user/1001", **options)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("page", "%[page_chunk_size=10]user/1001:_:{a=b}user/1002")
        await switch.run_application("set", "page_beep=tone_stream://%(500,0,620)")
        await switch.run_application(
            "page",
            "%[page_record_limit=11,page_record_thresh=200,page_record_silence_hits=3,page_chunk_size=2]user/1001",
        )
        await switch.run_application("multiunset", "page_beep")
        await switch.run_application("page", "%[page_path=fire.wav,page_chunk_size=10]user/1001")
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_cancelling_breaks_off_each_step(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(5):
                await self.voicemail("example.org", "1001", greeting_path="it's.wav")
            await self.answer()

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("multiunset")
        await switch.run_application("set")
        uuid = await switch.expect_execute("voicemail")
        await switch.send(switch.execute(uuid, "voicemail"))
        for _ in range(2):
            await switch.expect(f"api uuid_break {CHANNEL}")
            await switch.send(api_response("+OK\n"))
        await switch.send(switch.complete(uuid, "voicemail"))
        await switch.run_application("multiunset", "voicemail_greeting_path")
        await switch.run_application("answer")
        await switch.hang_up_as_told()
        await switch.expect_exit()


# With the simulator


async def test_a_caller_leaves_a_message(phone: FakeFreeSwitch) -> None:
    results: list[VoicemailResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.answer()
            results.append(await self.voicemail("example.org", "1001", skip_instructions=True))
            assert await self.count_voicemail("example.org", "1001") == MailboxCount(1, 0, 1, 0)

    async with phone.dial(Handler) as caller:
        await caller.hears("phrase:voicemail_play_greeting,1001", to_the_end=True)
        message = await caller.is_recorded("*/1001/*")
        await caller.speaks(7.5)
        await caller.press("#")
        await caller.hears("phrase:voicemail_record_urgent_check,*:#")
        await caller.press("*")
        await caller.hears("phrase:voicemail_ack,marked-urgent")
        await caller.hears("phrase:voicemail_goodbye")
        await caller.was_hung_up()
    assert results == [VoicemailResult(message.path, 7, True, "1001")]
