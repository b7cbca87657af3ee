"""``fsctl``: each line, and what ctl_function() in mod_commands.c prints for it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from esl_outbound import ApiFailed, LocalProtocolError
from esl_outbound.log_lines import LogLevel

from .overview_scripts import ScriptedApi

Ask = Callable[[ScriptedApi], Awaitable[object]]

SAID: list[tuple[str, str, object, Ask]] = [
    ("fsctl pause", "+OK\n", None, lambda switch: switch.fsctl_pause()),
    ("fsctl pause inbound", "+OK\n", None, lambda switch: switch.fsctl_pause("inbound")),
    ("fsctl resume", "+OK\n", None, lambda switch: switch.fsctl_resume()),
    ("fsctl resume outbound", "+OK\n", None, lambda switch: switch.fsctl_resume("outbound")),
    ("fsctl pause_check", "true", True, lambda switch: switch.fsctl_pause_check()),
    ("fsctl pause_check inbound", "false", False, lambda switch: switch.fsctl_pause_check("inbound")),
    ("fsctl ready_check", "true", True, lambda switch: switch.fsctl_ready_check()),
    ("fsctl shutdown_check", "false", False, lambda switch: switch.fsctl_shutdown_check()),
    ("fsctl shutdown cancel", "+OK\n", None, lambda switch: switch.fsctl_shutdown_cancel()),
    ("fsctl hupall", "+OK\n", None, lambda switch: switch.fsctl_hupall()),
    ("fsctl recover", "+OK 3 session(s) recovered in total\n", 3, lambda switch: switch.fsctl_recover()),
    ("fsctl max_sessions", "+OK max sessions: 5000\n", 5000, lambda switch: switch.fsctl_max_sessions()),
    ("fsctl max_sessions 100", "+OK max sessions: 100\n", 100, lambda switch: switch.fsctl_max_sessions(100)),
    ("fsctl sps", "+OK sessions per second: 30\n", 30, lambda switch: switch.fsctl_sps()),
    ("fsctl sps 50", "+OK sessions per second: 50\n", 50, lambda switch: switch.fsctl_sps(50)),
    ("fsctl last_sps", "+OK last sessions per second: 0\n", 0, lambda switch: switch.fsctl_last_sps()),
    (
        "fsctl sps_peak_reset",
        "+OK max sessions per second counter reset\n",
        None,
        lambda switch: switch.fsctl_sps_peak_reset(),
    ),
    ("fsctl min_idle_cpu", "+OK min idle cpu: DISABLED\n", 0.0, lambda switch: switch.fsctl_min_idle_cpu()),
    ("fsctl min_idle_cpu 12.50", "+OK min idle cpu: 12.50%\n", 12.5, lambda switch: switch.fsctl_min_idle_cpu(12.5)),
    (
        "fsctl default_dtmf_duration",
        "+OK default dtmf duration: 2000\n",
        0.25,
        lambda switch: switch.fsctl_default_dtmf_duration(),
    ),
    (
        "fsctl min_dtmf_duration 400",
        "+OK min dtmf duration: 400\n",
        0.05,
        lambda switch: switch.fsctl_min_dtmf_duration(0.05),
    ),
    (
        "fsctl max_dtmf_duration 192000",
        "+OK max dtmf duration: 192000\n",
        24.0,
        lambda switch: switch.fsctl_max_dtmf_duration(24),
    ),
    ("fsctl loglevel 4", "+OK log level: WARNING [4]\n", 4, lambda switch: switch.fsctl_loglevel("warning")),
    ("fsctl loglevel 7", "+OK log level: DEBUG [7]\n", 7, lambda switch: switch.fsctl_loglevel(LogLevel.DEBUG)),
    ("fsctl loglevel", "+OK log level: DISABLE [-1]\n", None, lambda switch: switch.fsctl_loglevel(None)),
    ("fsctl debug_level", "+OK DEBUG level: 0\n", 0, lambda switch: switch.fsctl_debug_level()),
    ("fsctl debug_level 10", "+OK DEBUG level: 10\n", 10, lambda switch: switch.fsctl_debug_level(10)),
    ("fsctl send_sighup", "+OK\n", None, lambda switch: switch.fsctl_send_sighup()),
    ("fsctl save_history", "+OK\n", None, lambda switch: switch.fsctl_save_history()),
    ("fsctl verbose_events", "+OK verbose_events is off \n", False, lambda switch: switch.fsctl_verbose_events()),
    ("fsctl verbose_events on", "+OK verbose_events is on \n", True, lambda switch: switch.fsctl_verbose_events(True)),
    ("fsctl api_expansion off", "+OK api_expansion is off \n", False, lambda switch: switch.fsctl_api_expansion(False)),
    (
        "fsctl threaded_system_exec",
        "+OK threaded_system_exec is true \n",
        True,
        lambda switch: switch.fsctl_threaded_system_exec(),
    ),
    ("fsctl uuid_version", "+OK set uuid version: 4\n", 4, lambda switch: switch.fsctl_uuid_version()),
    ("fsctl uuid_version 7", "+OK set uuid version: 7\n", 7, lambda switch: switch.fsctl_uuid_version(7)),
    ("fsctl mdns_resolve enable", "+OK\n", None, lambda switch: switch.fsctl_mdns_resolve(True)),
    ("fsctl mdns_resolve disable", "+OK\n", None, lambda switch: switch.fsctl_mdns_resolve(False)),
    ("fsctl sync_clock", "+OK clock synchronized\n", None, lambda switch: switch.fsctl_sync_clock()),
    (
        "fsctl sync_clock_when_idle",
        "+OK clock synchronized\n",
        True,
        lambda switch: switch.fsctl_sync_clock_when_idle(),
    ),
    (
        "fsctl sync_clock_when_idle",
        "+OK clock will synchronize when there are no more calls\n",
        False,
        lambda switch: switch.fsctl_sync_clock_when_idle(),
    ),
    ("fsctl calibrate_clock", "+OK\n", None, lambda switch: switch.fsctl_calibrate_clock()),
    ("fsctl reclaim_mem", "+OK\n", None, lambda switch: switch.fsctl_reclaim_mem()),
    ("fsctl flush_db_handles", "+OK\n", None, lambda switch: switch.fsctl_flush_db_handles()),
]


@pytest.mark.parametrize(("line", "text", "value", "ask"), SAID, ids=[line for line, *_ in SAID])
async def test_fsctl_says_one_line_and_reads_one_value(line: str, text: str, value: object, ask: Ask) -> None:
    switch = ScriptedApi(text)
    assert await ask(switch) == value
    assert switch.line == line


@pytest.mark.parametrize(("line", "text", "value", "ask"), SAID, ids=[line for line, *_ in SAID])
async def test_what_this_freeswitch_has_not_is_a_failure(line: str, text: str, value: object, ask: Ask) -> None:
    with pytest.raises(ApiFailed, match="Invalid command"):
        await ask(ScriptedApi("-ERR Invalid command\nUSAGE: fsctl [api_expansion [on|off]|recover]\n"))


BAD: list[Ask] = [
    lambda switch: switch.fsctl_pause("sideways"),  # type: ignore[arg-type]
    lambda switch: switch.fsctl_max_sessions(0),
    lambda switch: switch.fsctl_max_sessions(2**31),
    lambda switch: switch.fsctl_sps(-1),
    lambda switch: switch.fsctl_min_idle_cpu(101),
    lambda switch: switch.fsctl_min_idle_cpu(float("nan")),
    lambda switch: switch.fsctl_min_idle_cpu("1"),  # type: ignore[arg-type]
    lambda switch: switch.fsctl_default_dtmf_duration(0),
    lambda switch: switch.fsctl_max_dtmf_duration(25),
    lambda switch: switch.fsctl_loglevel("nonsense"),
    lambda switch: switch.fsctl_debug_level(11),
    lambda switch: switch.fsctl_uuid_version(5),  # type: ignore[arg-type]
]


@pytest.mark.parametrize("ask", BAD)
async def test_what_freeswitch_would_not_do_as_asked_is_not_sent(ask: Ask) -> None:
    switch = ScriptedApi()
    with pytest.raises(LocalProtocolError, match=r" is .*and should be"):
        await ask(switch)
    assert switch.lines == []
