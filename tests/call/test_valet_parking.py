"""mod_valet_parking: where a call is parked, and what becomes of it."""

from __future__ import annotations

from typing import Any

import pytest
import trio
from trio.testing import MockClock

from esl_outbound import ApiFailed, CallHandler, CallTransferred, LocalProtocolError
from esl_outbound.call.valet_parking import ParkedCall, ParkingOutcome, ParkingResult
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, ScriptedSwitch, api_response, dial

UNSET = "valet_lot_extension"


async def expect_park(switch: ScriptedSwitch, argument: str) -> str:
    await switch.run_application("multiunset", UNSET)
    uuid = await switch.expect_execute("valet_park", argument)
    await switch.send(switch.execute(uuid, "valet_park"))
    return uuid


@pytest.mark.parametrize(
    ("variables", "result"),
    [
        ({"variable_valet_lot_extension": "8001"}, ParkingResult(ParkingOutcome.FETCHED, "8001")),
        ({}, ParkingResult(ParkingOutcome.FETCHES, None)),
    ],
)
async def test_a_call_that_somebody_fetches_or_that_fetches_one_is_no_longer_ours(
    variables: dict[str, str], result: ParkingResult
) -> None:
    results: list[object] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.valet_park("lot", 8001))
            with pytest.raises(CallTransferred):
                await self.answer()
            results.append("run goes on")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_park(switch, "lot 8001")
        await switch.send(
            switch.complete(uuid, "valet_park", Channel_State_Number="8", **variables),
            switch.event("CHANNEL_UNPARK"),
            switch.complete("b2c26881-9112-47f1-85ba-52f952478e96", "socket"),
        )
        await switch.expect("nolinger", "noevents")
        await switch.stream.aclose()
    assert results == [result, "run goes on"]


@pytest.mark.parametrize(
    ("variables", "result"),
    [
        ({"variable_valet_lot_extension": "8001"}, ParkingResult(ParkingOutcome.ENDED, "8001")),
        ({}, ParkingResult(ParkingOutcome.NO_STALL, None)),
    ],
)
async def test_a_call_that_nobody_fetches_stays_ours(variables: dict[str, str], result: ParkingResult) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert (
                await self.valet_park("lot", max_wait_seconds=59.1, min_stall=8001, max_stall=8009, announce=False)
                == result
            )

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_park(switch, "%[valet_announce_slot=false,valet_parking_timeout=60]lot auto in 8001 8009")
        await switch.send(switch.complete(uuid, "valet_park", Channel_State_Number="4", **variables))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_every_other_way_to_say_it() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.valet_park("lot", music="local_stream://moh")
            await self.valet_park("lot", "a7", music="it's, ${x}.wav")
            await self.valet_ask("lot", min_digits=2, max_digits=4, timeout_seconds=2.5, prompt="which one.wav")
            await self.valet_fetch("lot", min_stall=5)
            with trio.CancelScope() as scope:
                scope.cancel()
                await self.valet_park("lot")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_park(switch, "%[valet_hold_music=local_stream://moh]lot auto in 1 0")
        await switch.send(switch.complete(uuid, "valet_park"))
        await switch.run_application("multiunset", UNSET)
        await switch.run_application("set", r"valet_hold_music=it's, \\\${x}.wav")
        await switch.run_application("valet_park", "lot a7")
        await switch.run_application("multiunset", "valet_hold_music")
        uuid = await expect_park(switch, "lot ask 2 4 2500 'which one.wav'")
        await switch.send(switch.complete(uuid, "valet_park"))
        uuid = await expect_park(switch, "lot auto out 5 9999")
        await switch.send(switch.complete(uuid, "valet_park"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    "wrong",
    [
        {"lot": ""},
        {"lot": "a b"},
        {"lot": "a:b"},
        {"lot": "^^lot"},
        {"stall": "auto"},
        {"stall": "Ask"},
        {"stall": "1 2"},
        {"min_stall": 0},
        {"min_stall": 5, "max_stall": 4},
        {"music": ""},
        {"max_wait_seconds": 0},
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(wrong: dict[str, Any]) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(LocalProtocolError):
                await self.valet_park(**{"lot": "lot", **wrong})

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_nor_is_what_would_keep_freeswitch_searching_or_asking_for_ever() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            for wrong in ({"max_stall": 0}, {"min_stall": 0}, {"min_stall": 5, "max_stall": 4}):
                with pytest.raises(LocalProtocolError):
                    await self.valet_fetch("lot", **wrong)
            for asked in ({"min_digits": 0}, {"min_digits": 3, "max_digits": 2}, {"max_digits": 129}):
                with pytest.raises(LocalProtocolError):
                    await self.valet_ask("lot", **asked)  # type: ignore[arg-type]
            for prompt in ("", "a\nb"):
                with pytest.raises(LocalProtocolError):
                    await self.valet_ask("lot", prompt=prompt)
            with pytest.raises(LocalProtocolError):
                await self.valet_ask("lot", timeout_seconds=0)
            with pytest.raises(LocalProtocolError):
                await self.valet_info("a b")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_cancelling_takes_the_call_out(autojump_clock: MockClock) -> None:
    results: list[ParkingResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(30) as scope:
                results.append(await self.valet_park("lot", 1))
            assert scope.cancelled_caught
            await self.answer()

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await expect_park(switch, "lot 1")
        await switch.expect(f"api uuid_break {CHANNEL}")
        await switch.send(api_response("+OK\n"))
        await switch.send(switch.complete(uuid, "valet_park", variable_valet_lot_extension="1"))
        await switch.run_application("answer")
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert results == []


async def test_who_is_parked_can_be_asked() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert await self.valet_info("lot") == [ParkedCall("8001", "a"), ParkedCall("8002", "b")]
            assert await self.valet_info("lot") == []
            with pytest.raises(ApiFailed):
                await self.valet_info("lot")

    listed = (
        '<lots>\n  <lot name="lot">\n    <extension uuid="a">8001</extension>\n'
        '    <extension uuid="b">8002</extension>\n  </lot>\n</lots>\n'
    )
    async with dial(Handler) as switch:
        await switch.greet()
        for printed in (listed, "<lots>\n</lots>\n", "-ERR valet_info Command not found!\n"):
            await switch.expect("api valet_info lot")
            await switch.send(api_response(printed))
        await switch.hang_up_as_told()
        await switch.expect_exit()


# With the simulator


async def test_one_handler_parks_a_call_and_another_fetches_it(phone: FakeFreeSwitch) -> None:
    results: list[ParkingResult] = []

    class Parks(CallHandler):
        async def run(self) -> None:
            await self.answer()
            results.append(await self.valet_park("lot", min_stall=8001, max_stall=8099, music="local_stream://moh"))

    class Fetches(CallHandler):
        async def run(self) -> None:
            await self.answer()
            (parked,) = await self.valet_info("lot")
            results.append(await self.valet_park("lot", parked.stall))

    async with phone.dial(Parks) as parked:
        await parked.hears("phrase:valet_announce_ext,lot:8001", to_the_end=True)
        await parked.hears("local_stream://moh")
        async with phone.dial(Fetches) as fetching:
            await fetching.sees_run("valet_park", "lot 8001")
            await trio.sleep(10)
            await fetching.hangs_up()
        await parked.was_hung_up()
    assert sorted(results, key=lambda result: result.outcome) == [
        ParkingResult(ParkingOutcome.FETCHED, "8001"),
        ParkingResult(ParkingOutcome.FETCHES, None),
    ]
