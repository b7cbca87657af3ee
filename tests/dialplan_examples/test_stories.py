"""Each dialplan example, called through its own dialplan."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest

from esl_outbound.handler import HandlerSource
from esl_outbound.testing import FakeFreeSwitch

from .example import Example, served


async def test_hello(phone: FakeFreeSwitch, capsys: pytest.CaptureFixture[str]) -> None:
    async with Example.load("hello").dial(phone, served("hello:Hello"), caller_id="030123") as caller:
        await caller.hears("ivr/ivr-welcome_to_freeswitch.wav", to_the_end=True)
        await caller.hears("say:telephone_number:030123", to_the_end=True)
        await caller.was_hung_up("NORMAL_CLEARING")
    assert capsys.readouterr().out == "030123 was here for 2 s: NORMAL_CLEARING\n"


@pytest.fixture
def account(tmp_path: Path) -> HandlerSource:
    database = tmp_path / "accounts.db"
    look_up = served("pin:digest")
    with sqlite3.connect(database) as connection:
        connection.execute("CREATE TABLE accounts (number TEXT, pin TEXT, balance TEXT)")
        connection.execute("INSERT INTO accounts VALUES ('030123', ?, '12.5')", (look_up("030123", "4711"),))  # type: ignore[call-arg, arg-type]
    connection.close()
    return partial(served("pin:Account"), database)  # type: ignore[arg-type]


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
    async with Example.load("survey").dial(phone, served("survey:Survey"), caller_id="030123") as caller:
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
    async with Example.load("survey").dial(phone, served("survey:Survey")) as caller:
        await caller.was_hung_up("USER_BUSY")
    assert not caller.is_taken


@pytest.mark.parametrize("moment", ["2026-11-25 09:00", "2026-11-27 17:29"])
async def test_by_day_the_call_goes_on_in_the_dialplan(phone: FakeFreeSwitch, moment: str) -> None:
    handler = partial(served("night_service:NightService"), lambda: datetime.fromisoformat(moment))  # type: ignore[arg-type]
    async with Example.load("night_service").dial(phone, handler) as caller:
        await caller.is_bridged_to("user/1001")


@pytest.mark.parametrize("moment", ["2026-11-25 08:59", "2026-11-25 17:30", "2026-11-28 12:00", "2026-12-25 12:00"])
async def test_at_night_the_hours_are_said(phone: FakeFreeSwitch, moment: str) -> None:
    handler = partial(served("night_service:NightService"), lambda: datetime.fromisoformat(moment))  # type: ignore[arg-type]
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
    for address, target in ((FIRST, "failover:first"), (SECOND, "failover:second")):
        if address in listening:
            phone.listens(address, served(target))
        else:
            phone.refuses(address)
    async with example.dial(phone, "|".join(f"{place.host}:{place.port}" for place in example.places)) as caller:
        await caller.hears(sound)
        if not listening:
            await caller.is_bridged_to("user/1000")
