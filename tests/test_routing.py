"""Many handlers behind one port."""

from __future__ import annotations

import re
from functools import partial

import pytest

from esl_outbound import Call, CallHandler, CallRecord, HangupCause, LocalProtocolError, Route, Router
from esl_outbound.testing import FakeFreeSwitch


class Plays(CallHandler):
    """Says who has the call."""

    def __init__(self, name: str = "plain") -> None:
        self.name = name

    async def run(self) -> None:
        await self.answer()
        await self.playback(f"{self.name}.wav")

    async def after_hangup(self, record: CallRecord) -> None:
        pass


def named(name: str) -> partial[Plays]:
    return partial(Plays, name)


ROUTER = Router(
    Route(named("menu"), path="ivr/menu"),
    Route(named("sales"), destination_number=re.compile(r"30\d\d"), context="default"),
    Route(named("vip"), variables={"vip": "true", "sip_h_X-Level": re.compile("gold|silver")}),
    Route(named("long"), when=lambda call: len(call.caller_id_number) > 8),
    Route(lambda call: Plays(f"called-{call.destination_number}"), path=re.compile("any/.*")),
    Route(Plays, destination_number="1"),
    otherwise=named("otherwise"),
)


@pytest.mark.parametrize(
    ("number", "caller_id", "path", "variables", "sound"),
    [
        ("5", "1000", "ivr/menu", {}, "menu"),
        ("5", "1000", "ivr/menu?language=de", {}, "menu"),
        ("5", "1000", "ivr/menu/2", {}, "otherwise"),
        ("3012", "1000", "", {}, "sales"),
        ("30123", "1000", "", {}, "otherwise"),
        ("5", "1000", "", {"vip": "true", "sip_h_X-Level": "gold"}, "vip"),
        ("5", "1000", "", {"vip": "true"}, "otherwise"),
        ("5", "1000", "", {"vip": "true", "sip_h_X-Level": "golden"}, "otherwise"),
        ("5", "123456789", "", {}, "long"),
        ("77", "1000", "any/thing", {}, "called-77"),
        ("1", "1000", "", {}, "plain"),
        ("2", "1000", "", {}, "otherwise"),
    ],
)
async def test_the_first_route_that_matches_has_the_call(
    phone: FakeFreeSwitch, number: str, caller_id: str, path: str, variables: dict[str, str], sound: str
) -> None:
    async with phone.dial(ROUTER, number=number, caller_id=caller_id, path=path, variables=variables) as caller:
        await caller.hears(f"{sound}.wav")
        await caller.was_hung_up("NORMAL_CLEARING")


async def test_a_call_for_nobody_is_hung_up_and_named_in_the_log(
    phone: FakeFreeSwitch, caplog: pytest.LogCaptureFixture
) -> None:
    async with phone.dial(Router(), number="5", path="x") as caller:
        await caller.was_hung_up("NO_ROUTE_DESTINATION")
    assert "no route for '5', path 'x', context 'default'" in caplog.text
    async with phone.dial(Router(otherwise=HangupCause.USER_BUSY)) as caller:
        await caller.was_hung_up("USER_BUSY")


async def test_a_predicate_that_fails_ends_its_own_call(phone: FakeFreeSwitch) -> None:
    def fails(call: Call) -> bool:
        raise KeyError(call.channel_uuid)

    async with phone.dial(Router(Route(Plays, when=fails)), fails_if_handler_does=False) as caller:
        await caller.was_hung_up("NORMAL_TEMPORARY_FAILURE")
    assert isinstance(caller.handler_error, KeyError)


def test_a_predicate_that_would_have_to_wait_is_refused_at_once() -> None:
    """What it makes is true, whatever it would say."""

    async def waits(call: Call) -> bool:
        return not call.channel_uuid

    with pytest.raises(TypeError, match="should be a plain function"):
        Router(Route(Plays, when=waits))  # type: ignore[arg-type]


def test_a_router_that_makes_no_handlers_is_refused_at_once() -> None:
    with pytest.raises(TypeError):
        Router(Route(Plays()))  # type: ignore[arg-type]
    with pytest.raises(TypeError):
        Router(otherwise=int)  # type: ignore[arg-type]
    with pytest.raises(LocalProtocolError):
        Router(otherwise="NO\nCAUSE")
