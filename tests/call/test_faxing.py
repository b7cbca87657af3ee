"""Faxes that are received and sent: what FreeSWITCH is told, and what its variables say of them."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from esl_outbound import ApplicationFailed, Call, LocalProtocolError
from esl_outbound.call.faxing import FaxResult

from ..freeswitch import ScriptedSwitch
from .doing import doing, refuses_what

UNSET = (
    "fax_success fax_result_code fax_result_text fax_document_transferred_pages fax_document_total_pages"
    " fax_remote_station_id fax_transfer_rate fax_bad_rows fax_ecm_used"
)
NOTHING = FaxResult(None, None, "", None, None, "", None, None, None)


async def expect(switch: ScriptedSwitch, application: str, argument: str, *more: str) -> str:
    """Read the applications of one write."""
    for name, given in (("multiunset", UNSET), *(("set", each) for each in more)):
        uuid = await switch.expect_execute(name, given)
        await switch.send(switch.execute(uuid, name), switch.complete(uuid, name))
    uuid = await switch.expect_execute(application, argument)
    await switch.send(switch.execute(uuid, application))
    return uuid


async def test_a_fax_is_received_and_one_is_sent() -> None:
    results: list[FaxResult] = []

    async def do(call: Call) -> None:
        results.append(await call.rxfax("/var/fax/it's a ${system(x)}.tif"))
        results.append(await call.txfax("a.tif", ident="+49 1", header="${x}", t38=True))
        results.append(await call.txfax("a.tif"))

    async with doing(do) as switch:
        uuid = await expect(switch, "rxfax", r"/var/fax/it's a \${system(x)}.tif")
        await switch.send(
            switch.complete(
                uuid,
                variable_fax_success="1",
                variable_fax_result_code="0",
                variable_fax_result_text="OK",
                variable_fax_document_transferred_pages="2",
                variable_fax_document_total_pages="2",
                variable_fax_remote_station_id="caf%E9",
                variable_fax_transfer_rate="14400",
                variable_fax_bad_rows="0",
                variable_fax_ecm_used="on",
            )
        )
        uuid = await expect(
            switch,
            "txfax",
            "%[fax_enable_t38=true,fax_enable_t38_request=true]a.tif",
            "fax_ident=+49 1",
            r"fax_header=\\\${x}",
        )
        await switch.send(
            switch.complete(
                uuid, variable_fax_success="0", variable_fax_result_code="49", variable_fax_result_text="dropped"
            )
        )
        uuid = await expect(switch, "txfax", "a.tif")
        await switch.send(switch.complete(uuid))
    assert results == [
        FaxResult(True, 0, "OK", 2, 2, "caf\udce9", 14400, 0, True),
        FaxResult(False, 49, "dropped", None, None, "", None, None, None),
        NOTHING,
    ]


async def test_a_fax_that_could_not_begin_raises() -> None:
    async def do(call: Call) -> None:
        with pytest.raises(ApplicationFailed, match="non-existant"):
            await call.txfax("gone.tif")
        for path in ("", "a\nb.tif"):
            with pytest.raises(LocalProtocolError):
                await call.rxfax(path)

    async with doing(do) as switch:
        uuid = await expect(switch, "txfax", "gone.tif")
        await switch.send(switch.complete(uuid, response="Cannot%20send%20non-existant%20fax%20file"))


async def test_a_path_that_cannot_be_said_is_refused_before_anything_is_sent() -> None:
    async def do(call: Call) -> None:
        with pytest.raises(LocalProtocolError):
            await call.rxfax("")

    await refuses_what(do)


async def test_cancelled_it_is_ended_with_stopfax(autojump_clock: MockClock) -> None:
    async def do(call: Call) -> None:
        with trio.move_on_after(1) as scope:
            await call.rxfax("a.tif")
        assert scope.cancelled_caught

    async with doing(do) as switch:
        uuid = await expect(switch, "rxfax", "a.tif")
        inner = await switch.expect_execute("stopfax", "")
        await switch.send(switch.execute(inner, "stopfax"), switch.complete(inner, "stopfax"), switch.complete(uuid))
