"""What a switch says of itself."""

from __future__ import annotations

import pytest

from esl_outbound import ApiFailed, Expand, LimitUsage, LocalProtocolError
from esl_outbound.api.switch_status import SwitchStatus, SwitchVersion

from .overview_scripts import ScriptedApi

# Recorded.
STATUS = (
    "UP 0 years, 0 days, 0 hours, 6 minutes, 36 seconds, 882 milliseconds, 979 microseconds\n"
    "FreeSWITCH (Version 1.11.3-dev  64bit) is ready\n"
    "32 session(s) since startup\n"
    "2 session(s) - peak 3, last 5min 4 \n"
    "5 session(s) per Sec out of max 1000, peak 6, last 5min 7 \n"
    "5000 session(s) max\n"
    "min idle cpu 0.00/96.50\n"
    "Current Stack Size/Max 240K/8192K\n"
)


async def test_the_status_is_read_to_its_last_number() -> None:
    switch = ScriptedApi(STATUS)
    status = await switch.status()
    assert switch.line == "status"
    assert status == SwitchStatus(
        is_ready=True,
        version="1.11.3-dev  64bit",
        uptime=396.882979,
        sessions_since_startup=32,
        sessions=2,
        sessions_peak=3,
        sessions_peak_last_5min=4,
        sessions_per_second=5,
        sessions_per_second_max=1000,
        sessions_per_second_peak=6,
        sessions_per_second_peak_last_5min=7,
        sessions_max=5000,
        min_idle_cpu=0.0,
        idle_cpu=96.5,
        stack_size=245_760,
        stack_size_max=8_388_608,
    )


async def test_one_of_each_unit_counts_as_more_of_them_do() -> None:
    text = (
        "UP 1 year, 1 day, 1 hour, 1 minute, 1 second, 1 millisecond, 1 microsecond\n"
        "FreeSWITCH (Version 1.10.12-release (odd)  64bit) is not ready\n"
    )
    status = await ScriptedApi(text).status()
    assert status.uptime == pytest.approx(365 * 86400 + 86400 + 3600 + 60 + 1 + 0.001 + 0.000001)
    assert (status.is_ready, status.version) == (False, "1.10.12-release (odd)  64bit")
    assert (status.sessions, status.idle_cpu, status.stack_size) == (None, None, None)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "something else\n",
        "UP and away\nFreeSWITCH\nmin idle cpu -/nan\n",
        "-1 session(s) since startup\n" + "9" * 5000 + " session(s) max\n",
        "UP 9999999999999999999 years\n",
    ],
)
async def test_odd_numbers_in_the_status_are_not_told(text: str) -> None:
    assert await ScriptedApi(text).status() == SwitchStatus(*[None] * 16)


async def test_a_status_that_is_refused_is_a_failure() -> None:
    with pytest.raises(ApiFailed):
        await ScriptedApi("-ERR status Command not found!\n").status()


@pytest.mark.parametrize(
    ("text", "version", "git", "bits", "number"),
    [
        (
            "FreeSWITCH Version 1.10.9-release+git~20230208T182147Z~7061b9ee5e~64bit "
            "(git 7061b9e 2023-02-08 18:21:47Z 64bit)\n",
            "1.10.9-release",
            "7061b9ee5e",
            64,
            (1, 10, 9),
        ),
        ("FreeSWITCH Version 1.10.12-release~64bit (-release 64bit)\n", "1.10.12-release", None, 64, (1, 10, 12)),
        ("FreeSWITCH Version 1.11.3-dev~64bit ( 64bit)\n", "1.11.3-dev", None, 64, (1, 11, 3)),
        ("FreeSWITCH Version 1.6.20 (git 987c9b9 32bit)\n", "1.6.20", "987c9b9", 32, (1, 6, 20)),
        ("Something else\n", None, None, None, ()),
    ],
)
async def test_a_version_says_what_it_was_built_of(
    text: str, version: str | None, git: str | None, bits: int | None, number: tuple[int, ...]
) -> None:
    switch = ScriptedApi(text)
    found = await switch.version()
    assert switch.line == "version"
    assert found == SwitchVersion(text.rstrip("\n"), version, git, bits)
    assert found.number == number


async def test_short_answers_are_values() -> None:
    switch = ScriptedApi("1.11.3\n", "396\n", "vm", "pbx-1", "true", "false")
    assert await switch.version_short() == "1.11.3"
    assert await switch.uptime() == 396.0
    assert await switch.hostname() == "vm"
    assert await switch.switchname() == "pbx-1"
    assert await switch.module_exists("mod_sofia") is True
    assert await switch.module_exists("mod_none") is False
    assert switch.lines == [
        "version short",
        "uptime",
        "hostname",
        "switchname",
        "module_exists mod_sofia",
        "module_exists mod_none",
    ]


async def test_an_answer_that_is_neither_yes_nor_no_is_a_failure() -> None:
    with pytest.raises(ApiFailed):
        await ScriptedApi("perhaps").module_exists("mod_sofia")
    with pytest.raises(ApiFailed):
        await ScriptedApi("soon\n").uptime()


async def test_a_global_variable_is_its_value_whatever_that_is() -> None:
    switch = ScriptedApi("127.0.0.1", "-ERR no reply\n", "", "-ERR x", "-ERR global_getvar Command not found!\n")
    assert await switch.global_getvar("domain") == "127.0.0.1"
    assert await switch.global_getvar("nothing") is None
    assert await switch.global_getvar("nothing") is None
    assert await switch.global_getvar("odd") == "-ERR x"
    with pytest.raises(ApiFailed):
        await switch.global_getvar("domain")
    assert switch.lines[0] == "global_getvar domain"
    with pytest.raises(LocalProtocolError):
        await switch.global_getvar("")


async def test_all_global_variables_are_a_mapping() -> None:
    # switch_core_dump_variables() in switch_core.c: "%s=%s\n" for each.
    text = "hostname=vm\ndomain=127.0.0.1\nquery=a=b\nempty=\ntwo lines=first\nsecond\n"
    switch = ScriptedApi(text, "-ERR no reply\n", "junk\n")
    assert await switch.global_variables() == {
        "hostname": "vm",
        "domain": "127.0.0.1",
        "query": "a=b",
        "empty": "",
        "two lines": "first\nsecond",
    }
    assert switch.line == "global_getvar"
    assert await switch.global_variables() == {}
    assert await switch.global_variables() == {}


async def test_an_access_control_list_says_yes_or_no() -> None:
    switch = ScriptedApi("true", "false")
    assert await switch.acl("192.0.2.9", "domains") is True
    assert await switch.acl("::1", "a list") is False
    assert switch.lines == ["acl 192.0.2.9 domains", "acl ::1 'a list'"]


async def test_a_time_is_told_in_a_zone() -> None:
    switch = ScriptedApi("2026-11-25 05:00:00", "22|57", "-ERR Invalid timezone/format\n")
    assert await switch.strftime_tz("Europe/Berlin") == "2026-11-25 05:00:00"
    assert await switch.strftime_tz("UTC", "%H|%M", epoch=1795384671) == "22|57"
    with pytest.raises(ApiFailed, match="Invalid timezone/format"):
        await switch.strftime_tz("Nowhere")
    assert switch.lines == [
        "strftime_tz Europe/Berlin %Y-%m-%d %T",
        "strftime_tz UTC 1795384671|%H|%M",
        "strftime_tz Nowhere %Y-%m-%d %T",
    ]
    for format_, epoch in (("%H|%M", None), (" %H", 1), ("", None), ("%H", 0), ("%H\n%M", 1)):
        with pytest.raises(LocalProtocolError):
            await switch.strftime_tz("UTC", format_, epoch=epoch)
    with pytest.raises(LocalProtocolError):
        await switch.strftime_tz("a zone")
    assert len(switch.lines) == 3


async def test_only_what_asks_for_expansion_is_expanded() -> None:
    switch = ScriptedApi("127.0.0.1", "-ERR no reply\n")
    assert await switch.eval(Expand("$${domain}")) == "127.0.0.1"
    assert await switch.eval(Expand("${caller_id_name}"), channel_uuid="a-uuid") == ""
    assert switch.lines == ["eval $${domain}", "eval uuid:a-uuid ${caller_id_name}"]
    with pytest.raises(LocalProtocolError, match="a str is data"):
        await switch.eval("${system(x)}")  # type: ignore[arg-type]
    assert len(switch.lines) == 2


async def test_how_much_a_limit_is_used_are_two_numbers() -> None:
    switch = ScriptedApi("3/7", "USAGE: limit_usage <backend> <realm> <id> [rate]\n")
    assert await switch.limit_usage("gateways", "acme corp") == LimitUsage(3, 7)
    with pytest.raises(ApiFailed):
        await switch.limit_usage("gateways", "acme", backend="db")
    assert switch.lines == ["limit_usage hash gateways 'acme corp' rate", "limit_usage db gateways acme rate"]


async def test_a_backend_says_what_it_counts_or_that_it_cannot() -> None:
    switch = ScriptedApi("Tracking 3 resources for hostname vm.", "-ERR not supported yet (locking problems).")
    assert await switch.limit_status("db") == "Tracking 3 resources for hostname vm."
    with pytest.raises(ApiFailed, match="not supported yet"):
        await switch.limit_status()
    assert switch.lines == ["limit_status db", "limit_status hash"]
