"""Each dialplan example, called through its own dialplan."""

from __future__ import annotations

import re
from contextlib import AsyncExitStack
from datetime import datetime
from decimal import Decimal
from functools import partial
from pathlib import Path

import pytest
import trio
from conference_with_pin import Conferences
from echo_through_python import Echo
from failover import first, second
from follow_me import FollowMe
from hello import Hello
from many_applications import router
from menu_with_voicemail import Reception
from night_service import NightService
from pin import Account, open_account
from queue_with_positions import Queue, Waiting
from recording_with_consent import Order
from survey import Survey

from esl_outbound.handler import HandlerSource
from esl_outbound.testing import FakeFreeSwitch

from .example import Example


async def test_hello(phone: FakeFreeSwitch, capsys: pytest.CaptureFixture[str]) -> None:
    async with Example.load("hello").dial(phone, Hello, caller_id="030123") as caller:
        await caller.hears("ivr/ivr-welcome_to_freeswitch.wav", to_the_end=True)
        await caller.hears("say:telephone_number:030123", to_the_end=True)
        await caller.was_hung_up("NORMAL_CLEARING")
    assert capsys.readouterr().out == "030123 was here for 2 s: NORMAL_CLEARING\n"


@pytest.fixture
def account(tmp_path: Path) -> HandlerSource:
    database = tmp_path / "accounts.db"
    open_account(database, "030123", "4711", Decimal("12.5"))
    return partial(Account, database)


async def test_the_right_pin_gives_the_balance(phone: FakeFreeSwitch, account: HandlerSource) -> None:
    async with Example.load("pin").dial(phone, account, caller_id="030123") as caller:
        await caller.hears("ivr/ivr-please_enter_pin_followed_by_pound.wav")
        await caller.press("4712#")
        await caller.hears("local_stream://moh")
        await caller.hears("ivr/ivr-pin_or_extension_is-invalid.wav")
        await caller.press("4711#")
        await caller.hears("local_stream://moh")
        await caller.hears("voicemail/vm-you_have.wav")
        await caller.hears("say:currency:12.50")
        await caller.was_hung_up("NORMAL_CLEARING")


@pytest.mark.parametrize("caller_id", ["030123", "' OR 1=1 --"])
async def test_a_wrong_pin_gives_nothing(phone: FakeFreeSwitch, account: HandlerSource, caller_id: str) -> None:
    async with Example.load("pin").dial(phone, account, caller_id=caller_id) as caller:
        for _ in range(3):
            await caller.hears("ivr/ivr-please_enter_pin_followed_by_pound.wav")
            await caller.press("0000#")
            await caller.hears("local_stream://moh")
            await caller.hears("ivr/ivr-pin_or_extension_is-invalid.wav", to_the_end=True)
        await caller.hears("ivr/ivr-access_denied.wav")
        await caller.was_hung_up("CALL_REJECTED")


async def test_a_survey_follows_the_call_and_is_kept_when_the_caller_leaves_amid_it(
    phone: FakeFreeSwitch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Example.load("survey").dial(phone, Survey, caller_id="030123") as caller:
        callee = await caller.is_bridged_to("user/1001")
        await callee.hangs_up()
        await caller.hears("survey/introduction.wav", to_the_end=True)
        await caller.hears("survey/friendliness.wav")
        await caller.press("5")
        await caller.hears("survey/competence.wav")
        await caller.hangs_up()
    assert capsys.readouterr().out == '{"caller": "030123", "hung_up": "NORMAL_CLEARING", "friendliness": 5}\n'


async def test_who_did_not_talk_to_anybody_is_not_asked(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1001", cause="USER_BUSY")
    async with Example.load("survey").dial(phone, Survey) as caller:
        await caller.was_hung_up("USER_BUSY")
    assert not caller.is_taken


@pytest.mark.parametrize("moment", ["2026-11-25 09:00", "2026-11-27 17:29"])
async def test_by_day_the_call_goes_on_in_the_dialplan(phone: FakeFreeSwitch, moment: str) -> None:
    handler = partial(NightService, lambda: datetime.fromisoformat(moment))
    async with Example.load("night_service").dial(phone, handler) as caller:
        await caller.is_bridged_to("user/1001")


@pytest.mark.parametrize("moment", ["2026-11-25 08:59", "2026-11-25 17:30", "2026-11-28 12:00", "2026-12-25 12:00"])
async def test_at_night_the_hours_are_said(phone: FakeFreeSwitch, moment: str) -> None:
    handler = partial(NightService, lambda: datetime.fromisoformat(moment))
    async with Example.load("night_service").dial(phone, handler) as caller:
        await caller.hears("night/closed.wav")
        await caller.hears("night/we_open_at.wav")
        nine = datetime.fromisoformat(f"{moment[:10]} 09:00+01:00")
        await caller.hears(f"say:current_time:{int(nine.timestamp())}")
        await caller.was_hung_up("NORMAL_CLEARING")


FIRST, SECOND = "127.0.0.1:8084", "127.0.0.1:8085"


@pytest.mark.parametrize(
    ("listening", "sound"),
    [
        ((FIRST, SECOND), "failover/first_server.wav"),
        ((SECOND,), "failover/second_server.wav"),
        ((), "ivr/ivr-one_moment_please.wav"),
    ],
)
async def test_a_call_goes_to_the_first_server_that_is_there(
    phone: FakeFreeSwitch, listening: tuple[str, ...], sound: str
) -> None:
    example = Example.load("failover")
    for address, target in ((FIRST, first), (SECOND, second)):
        if address in listening:
            phone.listens(address, target)
        else:
            phone.refuses(address)
    async with example.dial(phone, "|".join(f"{place.host}:{place.port}" for place in example.places)) as caller:
        await caller.hears(sound)
        if not listening:
            await caller.is_bridged_to("user/1000")


async def test_who_agrees_is_recorded_but_for_his_card_number(
    phone: FakeFreeSwitch, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Example.load("recording_with_consent").dial(phone, Order) as caller:
        await caller.hears("order/may_we_record_this.wav")
        await caller.press("1")
        await caller.is_recorded("/var/spool/orders/*.wav")
        await caller.hears("order/item_number.wav")
        await caller.press("4711")
        await caller.sees_run("record_session_mask")
        await caller.hears("order/card_number.wav")
        await caller.press("4111111111111111#")
        await caller.sees_run("record_session_unmask")
        await caller.hears("order/you_have_ordered.wav", to_the_end=True)
        await caller.hears("order/thank_you.wav")
        await caller.was_hung_up()
    assert re.search(rf"1000: \d+\.\d+ s in /var/spool/orders/{caller.channel_uuid}\.wav\n", capsys.readouterr().out)


async def test_who_does_not_agree_is_not_recorded(phone: FakeFreeSwitch) -> None:
    async with Example.load("recording_with_consent").dial(phone, Order) as caller:
        await caller.hears("order/may_we_record_this.wav")
        await caller.press("2")
        await caller.hears("order/item_number.wav")
        await caller.press("4711")
        await caller.hears("order/card_number.wav")
        await caller.hangs_up()
    assert caller.recorded == []


async def test_callers_are_told_their_places_and_are_served_in_their_order(
    phone: FakeFreeSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Waiting, "queue", Queue(["user/1001"]))
    example = Example.load("queue_with_positions")
    async with example.dial(phone, Waiting) as first_caller:
        callee = await first_caller.is_bridged_to("user/1001")
        async with AsyncExitStack() as stack:
            second_caller = await stack.enter_async_context(example.dial(phone, Waiting))
            await trio.sleep(1)
            third_caller = await stack.enter_async_context(example.dial(phone, Waiting))
            for caller, place in ((second_caller, 1), (third_caller, 2)):
                await caller.hears("queue/welcome.wav")
                await caller.hears("local_stream://moh")
                await caller.hears("queue/your_place_is.wav", within=30)
                await caller.hears(f"say:number:{place}")
            await callee.hangs_up()
            callee = await second_caller.is_bridged_to("user/1001")
            await third_caller.hears("queue/your_place_is.wav", within=30)
            await third_caller.hears("say:number:1")
            await second_caller.hangs_up()
            await third_caller.is_bridged_to("user/1001")


async def test_a_caller_whose_agent_does_not_answer_waits_for_another_one_at_the_head_of_the_queue(
    phone: FakeFreeSwitch, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Waiting, "queue", Queue(["user/1001"]))
    phone.destination("user/1001", answers_after=60)
    example = Example.load("queue_with_positions")
    async with example.dial(phone, Waiting) as caller:
        await caller.is_calling("user/1001")
        async with example.dial(phone, Waiting) as second_caller, example.dial(phone, Waiting) as third_caller:
            for each in (second_caller, third_caller):
                await each.hears("queue/welcome.wav")
                await each.hears("local_stream://moh")
            await caller.is_not_put_through("user/1001", "NO_ANSWER", within=20)
            await caller.hears("local_stream://moh")
            Waiting.queue.free.append("user/1002")
            Waiting.queue.call_next()
            await caller.is_bridged_to("user/1002")
            assert [second_caller.bridges, third_caller.bridges].count([]) == 1
    assert sorted(Waiting.queue.free) == ["user/1001", "user/1002"]


async def test_a_pin_opens_its_conference(phone: FakeFreeSwitch) -> None:
    example = Example.load("conference_with_pin")
    async with example.dial(phone, Conferences) as caller:
        await caller.hears("conference/conf-pin.wav")
        await caller.press("9999")
        await caller.hears("conference/conf-bad-pin.wav", to_the_end=True)
        await caller.hears("conference/conf-pin.wav")
        await caller.press("1111")
        await caller.is_in_conference("board")
    async with example.dial(phone, Conferences) as caller:
        for _ in range(3):
            await caller.hears("conference/conf-pin.wav")
            await caller.press("9999")
            await caller.hears("conference/conf-bad-pin.wav", to_the_end=True)
        await caller.hears("conference/conf-goodbye.wav")
        await caller.was_hung_up()


async def test_a_menu_leads_to_a_person_or_a_mailbox(phone: FakeFreeSwitch) -> None:
    phone.destination("user/1002", cause="USER_BUSY")
    example = Example.load("menu_with_voicemail")
    async with example.dial(phone, Reception) as caller:
        await caller.hears("menu/welcome.wav")
        await caller.press("3")
        await caller.hears("menu/hours.wav", to_the_end=True)
        await caller.hears("menu/welcome.wav")
        await caller.press("1")
        await caller.is_bridged_to("user/1001")
    async with example.dial(phone, Reception) as caller:
        await caller.hears("menu/welcome.wav")
        await caller.press("2")
        await caller.is_not_put_through("user/1002", "USER_BUSY")
        await caller.sees_run("voicemail", "default localhost 1002")
    async with example.dial(phone, Reception) as caller:
        for _ in range(3):
            await caller.hears("menu/welcome.wav", to_the_end=True)
            await caller.hears("ivr/ivr-did_not_receive_a_response.wav", to_the_end=True)
        await caller.is_bridged_to("user/1000")


async def test_a_person_is_found_where_he_presses_1(phone: FakeFreeSwitch, capsys: pytest.CaptureFixture[str]) -> None:
    phone.destination("user/1001", answers_after=60)
    phone.destination("sofia/gateway/provider/436641234567", answers_after=2)
    async with Example.load("follow_me").dial(phone, FollowMe) as caller:
        await caller.is_calling("user/1001")
        callee = await caller.is_calling("sofia/gateway/provider/436641234567", within=30)
        await trio.sleep(4)
        await callee.presses("1")
        await caller.is_bridged_to("sofia/gateway/provider/436641234567")
        await trio.sleep(30)
        await callee.hangs_up()
        await caller.was_hung_up()
    assert re.search(r"1000 talked to sofia/\S+ for 3\d\.\d+ s\n", capsys.readouterr().out)


async def test_a_person_who_is_nowhere_is_reported(phone: FakeFreeSwitch) -> None:
    for destination in ("user/1001", "sofia/gateway/provider/436641234567", "sofia/gateway/provider/4312345678"):
        phone.destination(destination, cause="USER_BUSY")
    async with Example.load("follow_me").dial(phone, FollowMe) as caller:
        await caller.hears("ivr/ivr-no_user_response.wav")
        await caller.was_hung_up()


async def test_a_caller_hears_himself_a_second_later(phone: FakeFreeSwitch) -> None:
    pcm = bytes(number % 251 for number in range(16_000))
    async with Example.load("echo_through_python").dial(phone, Echo) as caller:
        await caller.gets_an_answer()
        await caller.stays_silent(1)
        await caller.speaks(audio=pcm)
        await caller.stays_silent(2)
        await caller.hangs_up()
    at = caller.audio_heard.find(pcm)
    # It begins to be heard with a delay of one second: what was silent before comes first.
    assert at == pytest.approx(16_000, abs=1600)


@pytest.mark.parametrize(
    ("name", "sound"),
    [
        ("hello", "ivr/ivr-welcome_to_freeswitch.wav"),
        ("pin", "ivr/ivr-please_enter_pin_followed_by_pound.wav"),
        ("failover", "failover/first_server.wav"),
        ("recording_with_consent", "order/may_we_record_this.wav"),
        ("queue_with_positions", "queue/welcome.wav"),
        ("conference_with_pin", "conference/conf-pin.wav"),
        ("menu_with_voicemail", "menu/welcome.wav"),
    ],
)
async def test_one_server_has_all_of_them(phone: FakeFreeSwitch, name: str, sound: str) -> None:
    async with Example.load(name).dial(phone, router) as caller:
        await caller.hears(sound)
        await caller.hangs_up()


async def test_a_path_leads_to_an_extension_and_an_unknown_one_to_nobody(phone: FakeFreeSwitch) -> None:
    async with phone.dial(router, path="many_applications/5111") as caller:
        await caller.hears("say:number:11")
    async with phone.dial(router, path="many_applications/5211") as caller:
        await caller.was_hung_up("UNALLOCATED_NUMBER")
