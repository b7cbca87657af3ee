"""What is asked of mod_sofia; what it prints is written by the formats of cmd_status() and cmd_profile()."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from esl_outbound import ApiFailed, LocalProtocolError
from esl_outbound.api.sofia_shown import SofiaAlias, SofiaGateway, SofiaProfile, SofiaStatus

from .overview_scripts import ScriptedApi

Ask = Callable[[ScriptedApi], Awaitable[object]]

RULE = "=================================================================================================\n"

STATUS = (
    "                     Name\t   Type\t                                      Data\tState\n"
    "=================================================================================================\n"
    "                 external\tprofile\t              sip:mod_sofia@192.0.2.1:5080\tRUNNING (0)\n"
    "           external::acme\tgateway\t                           sip:example.net\tREGED\n"
    "           external::a::b\tgateway\t  sip:8000@very.long.name.of.a.gateway.example.net\tFAIL_WAIT (retry: 27s)\n"
    "           external::lost\tgateway\t                           sip:example.org\tFAILED (retry: NEVER)\n"
    "                192.0.2.1\t  alias\t                                  internal\tALIASED\n"
    "                 internal\tprofile\t              sip:mod_sofia@192.0.2.1:5060\tRUNNING (3)\n"
    "                 internal\tprofile\t              sip:mod_sofia@192.0.2.1:5061\tRUNNING (3) (TLS)\n"
    "=================================================================================================\n"
    "2 profiles 1 alias\n"
)

PROFILE = RULE + (
    "Name             \t192.0.2.1\n"
    "Domain Name      \tN/A\n"
    "Alias Of         \tinternal\n"
    "Auto-NAT         \tfalse\n"
    "DBName           \tsofia_reg_internal\n"
    "Pres Hosts       \texample.com,example.org\n"
    "Dialplan         \tXML\n"
    "Context          \tpublic\n"
    "Challenge Realm  \tauto_from\n"
    "RTP-IP           \t192.0.2.1\n"
    "RTP-IP           \t192.0.2.2\n"
    "Ext-RTP-IP       \t203.0.113.1\n"
    "SIP-IP           \t192.0.2.1\n"
    "URL              \tsip:mod_sofia@192.0.2.1:5060\n"
    "BIND-URL         \tsip:mod_sofia@192.0.2.1:5060;transport=udp,tcp\n"
    "WS-BIND-URL     \tsip:mod_sofia@192.0.2.1:5066;transport=ws\n"
    "HOLD-MUSIC       \tlocal_stream://moh\n"
    "OUTBOUND-PROXY   \tN/A\n"
    "CODECS IN        \tOPUS,G722,PCMU\n"
    "CODECS OUT       \t\n"
    "TEL-EVENT        \t101\n"
    "DTMF-MODE        \trfc2833\n"
    "CNG              \t13\n"
    "SESSION-TO       \t0\n"
    "MAX-DIALOG       \t0\n"
    "NOMEDIA          \tfalse\n"
    "CALLS-IN         \t12\n"
    "FAILED-CALLS-IN  \t1\n"
    "CALLS-OUT        \t7\n"
    "FAILED-CALLS-OUT \t4294967295\n"
    "REGISTRATIONS    \tmany\n"
)

GATEWAY = (
    RULE
    + (
        "Name    \tacme\n"
        "Profile \texternal\n"
        "Scheme  \tDigest\n"
        "Realm   \texample.net\n"
        "Username\tcompany\n"
        "Password\tyes\n"
        "From    \t<sip:company@example.net;transport=udp>\n"
        "Contact \t<sip:gw+acme@192.0.2.1:5080;transport=udp;gw=acme>\n"
        "Exten   \tcompany\n"
        "To      \tsip:company@example.net\n"
        "Proxy   \tsip:example.net\n"
        "Context \tpublic\n"
        "Expires \t3600\n"
        "Freq    \t3600\n"
        "Ping    \t1795384700\n"
        "PingFreq\t25\n"
        "PingTime\t12.50\n"
        "PingState\t1/2/3\n"
        "State   \tREGED\n"
        "Status  \tUP (ping)\n"
        "Uptime  \t4711s\n"
        "CallsIN \t5\n"
        "CallsOUT\t6\n"
        "FailedCallsIN\t1\n"
        "FailedCallsOUT\t0\n"
        "Weather \tfine\n"
    )
    + RULE
)

REGISTRATIONS = (
    "\nRegistrations:\n"
    + RULE
    + (
        "Call-ID:    \tInvalid <a>&b\n"
        "User:       \t1001@example.com\n"
        'Contact:    \t"Ada, \\"L\\"" <sip:1001@192.0.2.9:5060;fs_nat=yes>\n'
        "Agent:      \tcaf\udce9 -ERR \t</registration>\n"
        "Status:     \tRegistered(UDP-NAT)(unknown) EXP(2026-11-25 05:00:00) EXPSECS(3541)\n"
        "Ping-Status:\tReachable\n"
        "Ping-Time:\t20.50\n"
        "Host:       \tvm\n"
        "IP:         \t192.0.2.9\n"
        "Port:       \t5060\n"
        "Auth-User:  \t1001\n"
        "Auth-Realm: \texample.com\n"
        "MWI-Account:\t1001@example.com\n"
        "\n"
        "Call-ID:    \ttwo\n"
        "User:       \t1002@example.com\n"
        "Contact:    \t\n"
        "Agent:      \t\n"
        "Status:     \tRegistered(TCP)() EXP() EXPSECS(-5)\n"
        "Ping-Status:\t\n"
        "Ping-Time:\tnan\n"
        "Host:       \tvm\n"
        "IP:         \t192.0.2.10\n"
        "Port:       \tx\n"
        "Auth-User:  \t\n"
        "Auth-Realm: \t\n"
        "MWI-Account:\t@\n"
        "\n"
        "Total items returned: 2\n"
    )
    + RULE
)


async def test_the_status_is_profiles_gateways_and_other_names() -> None:
    switch = ScriptedApi(STATUS)
    status = await switch.sofia_status()
    assert switch.line == "sofia status"
    assert status == SofiaStatus(
        (
            SofiaProfile("external", "sip:mod_sofia@192.0.2.1:5080", "RUNNING", 0, None),
            SofiaProfile("internal", "sip:mod_sofia@192.0.2.1:5060", "RUNNING", 3, None),
            SofiaProfile("internal", "sip:mod_sofia@192.0.2.1:5061", "RUNNING", 3, "TLS"),
        ),
        (
            SofiaGateway("acme", "external", "sip:example.net", "REGED", None),
            SofiaGateway("a::b", "external", "sip:8000@very.long.name.of.a.gateway.example.net", "FAIL_WAIT", 27),
            SofiaGateway("lost", "external", "sip:example.org", "FAILED", None),
        ),
        (SofiaAlias("192.0.2.1", "internal"),),
    )


async def test_where_nothing_runs_the_status_is_empty() -> None:
    text = (
        "                     Name\t   Type\t                                      Data\tState\n"
        + RULE
        + RULE
        + "0 profiles 0 aliases\n"
    )
    assert await ScriptedApi(text).sofia_status() == SofiaStatus((), (), ())


async def test_a_state_that_is_new_is_kept() -> None:
    text = "x\tprofile\tsip:x\tDOZING\nx::g\tgateway\tsip:g\t\ny\trelay\tz\tON\tmore\n"
    status = await ScriptedApi(text).sofia_status()
    assert status.profiles == (SofiaProfile("x", "sip:x", "DOZING", None, None),)
    assert status.gateways == (SofiaGateway("g", "x", "sip:g", "", None),)


async def test_a_profile_is_read_line_by_line() -> None:
    switch = ScriptedApi(PROFILE)
    profile = await switch.sofia_status_profile("192.0.2.1")
    assert switch.line == "sofia status profile 192.0.2.1"
    assert (profile.name, profile.alias_of, profile.domain_name) == ("192.0.2.1", "internal", None)
    assert (profile.rtp_ip, profile.ext_rtp_ip, profile.ext_sip_ip) == (("192.0.2.1", "192.0.2.2"), "203.0.113.1", None)
    assert profile.bind_url == "sip:mod_sofia@192.0.2.1:5060;transport=udp,tcp"
    assert (profile.ws_bind_url, profile.wss_bind_url) == ("sip:mod_sofia@192.0.2.1:5066;transport=ws", None)
    assert (profile.codecs_in, profile.codecs_out) == (("OPUS", "G722", "PCMU"), ())
    assert (profile.hold_music, profile.outbound_proxy, profile.dtmf_mode) == ("local_stream://moh", None, "rfc2833")
    assert (profile.calls_in, profile.failed_calls_in, profile.calls_out) == (12, 1, 7)
    assert (profile.failed_calls_out, profile.registrations) == (4294967295, None)
    assert profile.more["Auto-NAT"] == "false"
    assert profile.more["CNG"] == "13"


async def test_a_gateway_is_read_line_by_line() -> None:
    switch = ScriptedApi(GATEWAY)
    gateway = await switch.sofia_status_gateway("acme")
    assert switch.line == "sofia status gateway acme"
    assert (gateway.name, gateway.profile, gateway.state, gateway.status) == ("acme", "external", "REGED", "UP")
    assert (gateway.has_password, gateway.is_pinging) == (True, True)
    assert gateway.from_ == "<sip:company@example.net;transport=udp>"
    assert (gateway.expires, gateway.freq, gateway.ping_freq, gateway.uptime) == (3600.0, 3600.0, 25.0, 4711.0)
    assert (gateway.ping, gateway.ping_time) == (1795384700, 0.0125)
    assert (gateway.ping_min, gateway.ping_count, gateway.ping_max) == (1, 2, 3)
    assert (gateway.calls_in, gateway.calls_out, gateway.failed_calls_in, gateway.failed_calls_out) == (5, 6, 1, 0)
    assert gateway.more == {"Weather": "fine"}


async def test_a_gateway_that_says_nothing_is_told_as_nothing() -> None:
    gateway = await ScriptedApi("Name    \tacme\nPingState\t-\nStatus  \tDOWN\nUptime  \t0s\n").sofia_status_gateway(
        "acme"
    )
    assert (gateway.status, gateway.is_pinging, gateway.uptime) == ("DOWN", False, 0.0)
    assert (gateway.ping_min, gateway.ping_max, gateway.ping_time, gateway.has_password) == (None, None, None, None)


async def test_what_telephones_say_of_themselves_is_theirs() -> None:
    switch = ScriptedApi(REGISTRATIONS)
    first, second = await switch.sofia_registrations("internal")
    assert switch.line == "sofia status profile internal reg"
    assert (first.call_id, first.user) == ("Invalid <a>&b", "1001@example.com")
    assert first.contact == '"Ada, \\"L\\"" <sip:1001@192.0.2.9:5060;fs_nat=yes>'
    assert first.agent == "caf\udce9 -ERR \t</registration>"
    assert (first.status, first.rpid) == ("Registered(UDP-NAT)", "unknown")
    assert (first.expires, first.expires_in) == ("2026-11-25 05:00:00", 3541)
    assert (first.ping_status, first.ping_time, first.port) == ("Reachable", 0.0205, 5060)
    assert (first.auth_user, first.auth_realm, first.mwi_account) == ("1001", "example.com", "1001@example.com")
    assert first.more == {}
    assert (second.call_id, second.contact, second.agent, second.port) == ("two", None, None, None)
    assert (second.status, second.rpid, second.expires, second.expires_in) == ("Registered(TCP)", None, None, -5)
    assert (second.ping_status, second.ping_time) == (None, None)


async def test_some_registrations_only_are_asked_for() -> None:
    none = "\nRegistrations:\n" + RULE + "Total items returned: 0\n" + RULE
    switch = ScriptedApi(none, none, none, none)
    assert await switch.sofia_registrations("internal", user="1001", domain="example.com") == []
    assert await switch.sofia_registrations("internal", user="1001") == []
    assert await switch.sofia_registrations("internal", domain="example.com") == []
    assert await switch.sofia_registrations("internal", contact="a phone") == []
    assert switch.lines == [
        "sofia status profile internal user 1001@example.com",
        "sofia status profile internal user 1001@",
        "sofia status profile internal user example.com",
        "sofia status profile internal reg 'a phone'",
    ]
    for options in ({"contact": ""}, {"contact": "x", "user": "1001"}, {"user": "1001@example.com"}, {"domain": ""}):
        with pytest.raises(LocalProtocolError):
            await switch.sofia_registrations("internal", **options)


async def test_registrations_are_counted_and_looked_up() -> None:
    switch = ScriptedApi("2", "0", "-1", "1001", "", "-ERR no reply\n")
    assert await switch.sofia_count_reg("example.com", user="1001", profile="internal") == 2
    assert await switch.sofia_count_reg("example.com") == 0
    with pytest.raises(ApiFailed, match="sofia_count_reg failed"):
        await switch.sofia_count_reg("nowhere")
    assert await switch.sofia_username_of("1001", "example.com") == "1001"
    assert await switch.sofia_username_of("1002", "example.com", profile="internal") is None
    assert await switch.sofia_username_of("1003", "example.com") is None
    assert switch.lines == [
        "sofia_count_reg internal/1001@example.com",
        "sofia_count_reg @example.com",
        "sofia_count_reg @nowhere",
        "sofia_username_of 1001@example.com",
        "sofia_username_of internal/1002@example.com",
        "sofia_username_of 1003@example.com",
    ]


async def test_a_user_without_a_name_would_end_freeswitch() -> None:
    switch = ScriptedApi()
    for user in ("", "a b", "a/b", "a@b"):
        with pytest.raises(LocalProtocolError):
            await switch.sofia_username_of(user, "example.com")
    assert switch.lines == []


async def test_contacts_are_dial_strings() -> None:
    switch = ScriptedApi(
        "sofia/internal/sip:1001@192.0.2.9:5060;x=a,b,sofia/external/sip:1001@192.0.2.10:5060",
        "error/user_not_registered",
    )
    assert await switch.sofia_contact("1001", "example.com") == (
        "sofia/internal/sip:1001@192.0.2.9:5060;x=a,b",
        "sofia/external/sip:1001@192.0.2.10:5060",
    )
    assert await switch.sofia_contact("1002", profile="internal") == ()
    assert switch.lines == ["sofia_contact */1001@example.com", "sofia_contact internal/1002"]


async def test_the_variables_of_a_gateway_are_texts() -> None:
    switch = ScriptedApi("-ERR x", "y", "")
    assert await switch.sofia_gateway_data("acme", "prefix") == "-ERR x"
    assert await switch.sofia_gateway_data("acme", "prefix", direction="inbound") == "y"
    assert await switch.sofia_gateway_data("ac me", "prefix", direction="outbound") is None
    assert switch.lines == [
        "sofia_gateway_data acme var prefix",
        "sofia_gateway_data acme ivar prefix",
        "sofia_gateway_data 'ac me' ovar prefix",
    ]
    with pytest.raises(LocalProtocolError):
        await switch.sofia_gateway_data("acme", "prefix", direction="ivar")  # type: ignore[arg-type]


SAID: list[tuple[str, str, Ask]] = [
    (
        "sofia profile internal start",
        "Reload XML [Success]\ninternal started successfully\n",
        lambda switch: switch.sofia_profile_start("internal"),
    ),
    (
        "sofia profile internal stop",
        "Reload XML [Success]\nstopping: internal",
        lambda switch: switch.sofia_profile_stop("internal"),
    ),
    (
        "sofia profile internal stop wait",
        "Reload XML [Success]\nstopping: internal",
        lambda switch: switch.sofia_profile_stop("internal", wait=True),
    ),
    (
        "sofia profile internal restart",
        "Reload XML [Success]\nrestarting: internal",
        lambda switch: switch.sofia_profile_restart("internal"),
    ),
    (
        "sofia profile internal rescan",
        "Reload XML [Success]\n+OK scan complete\n",
        lambda switch: switch.sofia_profile_rescan("internal"),
    ),
    (
        "sofia profile external startgw acme",
        "Reload XML [Success]\n+OK start gateway acme complete\n",
        lambda switch: switch.sofia_profile_startgw("external", "acme"),
    ),
    (
        "sofia profile external killgw acme",
        "+OK gateway marked for deletion.\n",
        lambda switch: switch.sofia_profile_killgw("external", "acme"),
    ),
    ("sofia profile external register all", "+OK\n", lambda switch: switch.sofia_profile_register("external")),
    (
        "sofia profile external register acme",
        "+OK\n",
        lambda switch: switch.sofia_profile_register("external", "acme"),
    ),
    (
        "sofia profile external unregister acme",
        "+OK\n",
        lambda switch: switch.sofia_profile_unregister("external", "acme"),
    ),
    (
        "sofia profile internal flush_inbound_reg",
        "+OK flushing all registrations\n",
        lambda switch: switch.sofia_profile_flush_inbound_reg("internal"),
    ),
    (
        "sofia profile internal flush_inbound_reg 1001@example.com reboot",
        "+OK rebooting all registrations matching specified call_id\n",
        lambda switch: switch.sofia_profile_flush_inbound_reg("internal", "1001@example.com", reboot=True),
    ),
    (
        "sofia profile internal flush_inbound_reg reboot",
        "+OK rebooting all registrations\n",
        lambda switch: switch.sofia_profile_flush_inbound_reg("internal", reboot=True),
    ),
    (
        "sofia profile internal check_sync 1001@example.com",
        "+OK syncing all registrations matching specified call_id\n",
        lambda switch: switch.sofia_profile_check_sync("internal", "1001@example.com"),
    ),
    (
        "sofia profile internal siptrace on",
        "Enabled sip debugging on internal",
        lambda switch: switch.sofia_profile_siptrace("internal", True),
    ),
    (
        "sofia profile internal capture off",
        "Disabled sip capturing on internal",
        lambda switch: switch.sofia_profile_capture("internal", False),
    ),
    ("sofia global siptrace off", "+OK Global siptrace off", lambda switch: switch.sofia_global_siptrace(False)),
]


@pytest.mark.parametrize(("line", "text", "ask"), SAID, ids=[line for line, *_ in SAID])
async def test_a_profile_is_told_one_line(line: str, text: str, ask: Ask) -> None:
    switch = ScriptedApi(text)
    assert await ask(switch) is None
    assert switch.line == line


async def test_gateways_that_are_up_or_down_are_names() -> None:
    switch = ScriptedApi("acme lost ", "", "-ERR no reply\n")
    assert await switch.sofia_profile_gwlist("external") == ["acme", "lost"]
    assert await switch.sofia_profile_gwlist("external", down=True) == []
    assert await switch.sofia_profile_gwlist("external") == []
    assert switch.lines[:2] == ["sofia profile external gwlist up", "sofia profile external gwlist down"]


@pytest.mark.parametrize(
    "text",
    [
        "Invalid Profile [internal]",
        "Invalid Args!\n",
        "Reload XML [Success]\nFailure starting internal\n",
        "Profile internal must be up for at least 10 seconds to stop/restart.\nPlease wait 1 second\n",
        "Reload XML [Success]\n-ERR cannot find config for profile internal\n",
        "-ERR no such gateway.\n",
        "Invalid gateway!\n",
        "No gateway name provided!\n",
        "-ERR NOREG gateway [acme] can't be registered!\n",
        "-ERR Unknown command!\n",
        "USAGE:\n--------\nsofia global siptrace <on|off>\n",
        "-ERR sofia Command not found!\n",
    ],
)
async def test_what_a_profile_refuses_is_a_failure_in_whatever_words(text: str) -> None:
    for ask in (ScriptedApi.sofia_profile_start, ScriptedApi.sofia_profile_rescan, ScriptedApi.sofia_profile_gwlist):
        with pytest.raises(ApiFailed):
            await ask(ScriptedApi(text), "internal")


async def test_what_there_is_not_has_no_status() -> None:
    with pytest.raises(ApiFailed, match="Invalid Profile"):
        await ScriptedApi("Invalid Profile!\n").sofia_status_profile("nothing")
    with pytest.raises(ApiFailed, match="Invalid Gateway"):
        await ScriptedApi("Invalid Gateway!\n").sofia_status_gateway("nothing")
    with pytest.raises(ApiFailed, match="Invalid Profile"):
        await ScriptedApi("Invalid Profile!\n").sofia_registrations("nothing")
    with pytest.raises(ApiFailed):
        await ScriptedApi("-ERR sofia Command not found!\n").sofia_status()


BAD: list[Ask] = [
    lambda switch: switch.sofia_profile_start(""),
    lambda switch: switch.sofia_profile_killgw("external", "_all_"),
    lambda switch: switch.sofia_profile_killgw("external", ""),
    lambda switch: switch.sofia_profile_register("external", "ALL"),
    lambda switch: switch.sofia_profile_unregister("external", ""),
    lambda switch: switch.sofia_profile_flush_inbound_reg("internal", "reboot"),
    lambda switch: switch.sofia_profile_flush_inbound_reg("internal", ""),
    lambda switch: switch.sofia_profile_check_sync("internal", ""),
]


@pytest.mark.parametrize("ask", BAD)
async def test_what_would_mean_everything_is_not_sent_by_mistake(ask: Ask) -> None:
    switch = ScriptedApi()
    with pytest.raises(LocalProtocolError, match="which FreeSWITCH takes for something else"):
        await ask(switch)
    assert switch.lines == []
