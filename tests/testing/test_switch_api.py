"""What the simulated switch says of itself: the formats are those of mod_commands.c and mod_sofia.c."""

from __future__ import annotations

import json
import re
from xml.etree import ElementTree

import pytest
import trio

from esl_outbound import CallHandler
from esl_outbound.testing import FakeFreeSwitch

from .test_originate import placing

CHANNEL_COLUMNS = (
    "uuid,direction,created,created_epoch,name,state,cid_name,cid_num,ip_addr,dest,application,application_data,"
    "dialplan,context,read_codec,read_rate,read_bit_rate,write_codec,write_rate,write_bit_rate,secure,hostname,"
    "presence_id,presence_data,accountcode,callstate,callee_name,callee_num,callee_direction,call_uuid,"
    "sent_callee_name,sent_callee_num,initial_cid_name,initial_cid_num,initial_ip_addr,initial_dest,"
    "initial_dialplan,initial_context"
)
CALL_COLUMNS = (
    "uuid,direction,created,created_epoch,name,state,cid_name,cid_num,ip_addr,dest,presence_id,presence_data,"
    "accountcode,callstate,callee_name,callee_num,callee_direction,call_uuid,hostname,sent_callee_name,"
    "sent_callee_num,b_uuid,b_direction,b_created,b_created_epoch,b_name,b_state,b_cid_name,b_cid_num,b_ip_addr,"
    "b_dest,b_presence_id,b_presence_data,b_accountcode,b_callstate,b_callee_name,b_callee_num,b_callee_direction,"
    "b_sent_callee_name,b_sent_callee_num,call_created_epoch"
)
LINE = "=" * 97


class Waits(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await trio.sleep_forever()


class Bridges(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.bridge("user/1001")


async def said(phone: FakeFreeSwitch, line: str) -> str:
    name, _, argument = line.partition(" ")
    return await phone.api(name, argument)


# show


@pytest.mark.parametrize("what", ["channels", "calls", "detailed_calls", "bridged_calls", "registrations", "aliases"])
async def test_a_table_without_rows(phone: FakeFreeSwitch, what: str) -> None:
    assert await said(phone, f"show {what}") == "\n0 total.\n"
    assert await said(phone, f"show {what} as json") == '{"row_count": 0}\n'
    assert await said(phone, f"show {what} as xml") == '<result row_count="0"/>\n'
    assert await said(phone, f"show {what} as tea") == "-ERR Cannot find format tea\n"


async def test_show_channels(phone: FakeFreeSwitch) -> None:
    async with placing(phone):
        await said(phone, "originate {origination_uuid=it}user/1001 &park()")
        await trio.sleep(0.1)
        shown = await said(phone, "show channels")
        row = (
            "it,outbound,2026-01-02 12:00:00,1767355200,sofia/internal/1001@127.0.0.1,CS_EXECUTE,Outbound Call,1001,,"
            "1001,park,,,,PCMU,8000,64000,PCMU,8000,64000,,vm,,,,ACTIVE,,0000000000,,it,,,,0000000000,,1001,,"
        )
        assert shown == f"{CHANNEL_COLUMNS}\n{row}\n\n1 total.\n"
        assert await said(phone, "show channels as delim |") == shown.replace(",", "|")
        assert await said(phone, "show channels as csv") == shown
        as_json = await said(phone, "show channels as json")
        assert as_json.startswith('{"row_count":1,"rows":[{"uuid":"it","direction":"outbound",')
        assert list(json.loads(as_json)["rows"][0]) == CHANNEL_COLUMNS.split(",")
        as_xml = await said(phone, "show channels as xml")
        assert as_xml.startswith('<result row_count="1">\n  <row row_id="1">\n    <uuid>it</uuid>\n')
        assert as_xml.endswith("    <initial_context></initial_context>\n  </row>\n</result>\n")
        assert [each.tag for each in ElementTree.fromstring(as_xml)[0]] == CHANNEL_COLUMNS.split(",")
        assert await said(phone, "show channels like nobody") == "\n0 total.\n"
        assert await said(phone, "show channels like INTERNAL/1001") == shown
        assert await said(phone, "show channels count") == "\n1 total.\n"
        assert await said(phone, "show channels count as json") == '{"row_count":1,"rows":[]}'
        assert await said(phone, "show channels count as xml") == '<result row_count="1"></result>\n'


async def test_what_is_in_a_table_is_not_quoted_but_is_in_xml_and_json(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Waits, caller_id_name='a<b>, "c" & ü') as caller:
        await caller.gets_an_answer()
        assert ',a<b>, "c" & ü,' in await said(phone, "show channels")
        (row,) = json.loads(await said(phone, "show channels as json"))["rows"]
        assert row["cid_name"] == 'a<b>, "c" & ü'
        assert '<cid_name>a&lt;b&gt;, "c" &amp; ü</cid_name>' in await said(phone, "show channels as xml")


async def test_show_calls_pairs_who_talk(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Bridges) as caller:
        callee = await caller.is_bridged_to("user/1001")
        await trio.sleep(0.1)
        shown = await said(phone, "show calls")
        head, row, blank, total, _ = shown.split("\n")
        assert (head, blank, total) == (CALL_COLUMNS, "", "1 total.")
        values = dict(zip(head.split(","), row.split(","), strict=True))
        assert values["uuid"] == caller.channel_uuid
        assert values["b_uuid"] == callee.variables["uuid"]
        assert values["b_name"] == "sofia/internal/1001@127.0.0.1"
        assert values["call_created_epoch"] == "1767355201"
        assert await said(phone, "show bridged_calls") == shown
        assert await said(phone, "show calls count") == "\n1 total.\n"
        assert await said(phone, "show channels count") == "\n2 total.\n"
        detailed = await said(phone, "show detailed_calls as json")
        (found,) = json.loads(detailed)["rows"]
        assert (found["uuid"], found["dialplan"], found["b_application"]) == (caller.channel_uuid, "XML", "")
        assert await said(phone, "show detailed_bridged_calls as json") == detailed


async def test_show_calls_tells_of_those_who_talk_to_nobody(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Waits) as caller:
        await caller.gets_an_answer()
        (row,) = json.loads(await said(phone, "show calls as json"))["rows"]
        assert (row["uuid"], row["b_uuid"], row["call_created_epoch"]) == (caller.channel_uuid, "", "")
        assert await said(phone, "show bridged_calls") == "\n0 total.\n"


async def test_show_registrations(phone: FakeFreeSwitch) -> None:
    phone.registered("1001", contact="sip:1001@192.0.2.7:5061;transport=udp")
    head, row, *rest = (await said(phone, "show registrations")).split("\n")
    assert head == "reg_user,realm,token,url,expires,network_ip,network_port,network_proto,hostname,metadata"
    user, realm, _, url, expires, *network = row.split(",")
    assert (user, realm, url) == ("1001", "127.0.0.1", "sofia/internal/sip:1001@192.0.2.7:5061;transport=udp")
    assert (expires, network) == ("1767358800", ["192.0.2.7", "5061", "udp", "vm", ""])
    assert rest == ["", "1 total.", ""]
    assert await said(phone, "show registrations count") == "\n1 total.\n"


async def test_show_modules_and_what_they_bring(phone: FakeFreeSwitch) -> None:
    modules = await said(phone, "show modules")
    assert modules.startswith("type,name,ikey,filename\n")
    assert "\napplication,socket,mod_event_socket,/usr/lib/freeswitch/mod/mod_event_socket.so\n" in modules
    assert "\ncodec,G.711 ulaw,CORE_PCM_MODULE,\n" in modules
    only = await said(phone, "show modules mod_event_socket")
    assert only == (
        "type,name,ikey,filename\n"
        "application,socket,mod_event_socket,/usr/lib/freeswitch/mod/mod_event_socket.so\n\n1 total.\n"
    )
    assert await said(phone, "show application bridge") == (
        "name,description,syntax,ikey\nbridge,bridge,,mod_dptools\n\n1 total.\n"
    )
    assert json.loads(await said(phone, "show api as json"))["row_count"] > 50
    assert await said(phone, "show codecs") == await said(phone, "show codec")
    assert await said(phone, "show dialplan") == (
        "type,name,ikey\ndialplan,XML,mod_dialplan_xml\ndialplan,inline,mod_dptools\n\n2 total.\n"
    )
    assert "\nendpoint,loopback,mod_loopback\n" in await said(phone, "show endpoint")
    types = await said(phone, "show interface_types")
    assert types.startswith("type,total\napi,")


async def test_show_of_nothing_known(phone: FakeFreeSwitch) -> None:
    assert (await said(phone, "show")).startswith("-USAGE: codec|endpoint|application|api|dialplan|")
    assert (await said(phone, "show tea")).endswith("|tasks|limits|status\n")


# The switch


async def test_status(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Waits) as caller:
        await caller.gets_an_answer()
        await trio.sleep(3723.5)
        shown = await said(phone, "status")
        assert shown == await said(phone, "show status")
        up, *rest = shown.split("\n")
        assert re.fullmatch(
            r"UP 0 years, 0 days, 1 hour, 2 minutes, 3 seconds, \d+ milliseconds, 0 microseconds", up
        ), up
        assert rest == [
            "FreeSWITCH (Version 1.11.3-dev  64bit) is ready",
            "1 session(s) since startup",
            "1 session(s) - peak 1, last 5min 1 ",
            "0 session(s) per Sec out of max 1000, peak 0, last 5min 0 ",
            "1000 session(s) max",
            "min idle cpu 0.00/99.00",
            "Current Stack Size/Max 240K/8192K",
            "",
        ]
        assert await said(phone, "uptime") == "3723\n"
        assert await said(phone, "uptime h") == "1\n"
        assert await said(phone, "uptime Minutes") == "62\n"


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("version", "FreeSWITCH Version 1.11.3-dev~64bit ( 64bit)\n"),
        ("version short", "1.11.3\n"),
        ("version long", "FreeSWITCH Version 1.11.3-dev~64bit (1.11.3-dev  64bit)\n"),
        ("uptime", "0\n"),
        ("uptime x", "-USAGE: [us|ms|s|m|h|d|microseconds|milliseconds|seconds|minutes|hours|days]\n"),
        ("hostname", "vm"),
        ("switchname", "vm"),
        ("strepoch", "1767355200"),
        ("msleep 10", "+OK"),
        ("reloadxml", "+OK [Success]\n"),
        ("reloadacl", "+OK acl reloaded\n"),
        ("reloadacl reloadxml", "This option is deprecated, we now always reloadxml.\n+OK acl reloaded\n"),
        ("module_exists", ""),
        ("module_exists mod_sofia", "true"),
        ("module_exists mod_tea", "false"),
        ("load mod_sofia", "+OK Reloading XML\n-ERR [Module already loaded]\n"),
        ("load mod_tea", "+OK Reloading XML\n-ERR [module load file routine returned an error]\n"),
        ("load mod_opus", "+OK Reloading XML\n+OK\n"),
        ("load", "-USAGE: <mod_name>\n"),
        ("unload mod_tea", "-ERR [No such module!]\n"),
        ("unload CORE_PCM_MODULE", "-ERR [Module is not unloadable]\n"),
        ("unload mod_fifo", "+OK\n"),
        ("unload -f mod_fifo", "+OK\n"),
        ("unload", "-USAGE: [-f] <mod_name>\n"),
        ("reload mod_fifo", "+OK Reloading XML\n+OK module unloaded\n+OK module loaded\n"),
        (
            "reload mod_tea",
            "+OK Reloading XML\n-ERR unloading module [No such module!]\n"
            "-ERR loading module [module load file routine returned an error]\n",
        ),
        ("reload", "-USAGE: [-f] <mod_name>\n"),
        ("global_setvar a=b", "+OK"),
        ("global_setvar", "-USAGE: <var>=<value> [=<value2>]\n"),
    ],
)
async def test_what_is_printed(phone: FakeFreeSwitch, line: str, printed: str) -> None:
    assert await said(phone, line) == printed


async def test_what_a_module_brings_goes_with_it(phone: FakeFreeSwitch) -> None:
    phone.missing_module("mod_sofia")
    assert await said(phone, "module_exists mod_sofia") == "false"
    assert await said(phone, "sofia status") == "-ERR sofia Command not found!\n"
    assert await said(phone, "load mod_sofia") == (
        "+OK Reloading XML\n-ERR [module load file routine returned an error]\n"
    )
    await said(phone, "unload mod_event_socket")
    assert await said(phone, "show application socket") == "\n0 total.\n"
    await said(phone, "load mod_event_socket")
    assert (await said(phone, "show application socket")).endswith("\nsocket,socket,,mod_event_socket\n\n1 total.\n")


async def test_global_variables(phone: FakeFreeSwitch) -> None:
    await said(phone, "global_setvar tea=green")
    await said(phone, "global_setvar tea=black=white")
    assert await said(phone, "global_getvar tea") == "green"
    await said(phone, "global_setvar tea=black=green")
    assert await said(phone, "global_getvar tea") == "black"
    await said(phone, "global_setvar tea=")
    assert await said(phone, "global_getvar tea") == ""


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("max_sessions", "+OK max sessions: 1000\n"),
        ("max_sessions 20", "+OK max sessions: 20\n"),
        ("sps", "+OK sessions per second: 1000\n"),
        ("sps 30", "+OK sessions per second: 30\n"),
        ("last_sps", "+OK last sessions per second: 0\n"),
        ("sps_peak_reset", "+OK max sessions per second counter reset\n"),
        ("min_idle_cpu", "+OK min idle cpu: DISABLED\n"),
        ("min_idle_cpu 12.5", "+OK min idle cpu: 12.50%\n"),
        ("loglevel", "+OK log level: DEBUG [7]\n"),
        ("loglevel warning", "+OK log level: WARNING [4]\n"),
        ("loglevel 3", "+OK log level: ERR [3]\n"),
        ("loglevel tea", "-ERR syntax error, log level not set!\n"),
        ("debug_level", "+OK DEBUG level: 0\n"),
        ("debug_level 99", "+OK DEBUG level: 10\n"),
        ("default_dtmf_duration", "+OK default dtmf duration: 2000\n"),
        ("max_dtmf_duration 1", "+OK max dtmf duration: 400\n"),
        ("min_dtmf_duration 800", "+OK min dtmf duration: 800\n"),
        ("sync_clock", "+OK clock synchronized\n"),
        ("sync_clock_when_idle", "+OK clock synchronized\n"),
        ("pause", "+OK\n"),
        ("resume inbound", "+OK\n"),
        ("pause_check", "false"),
        ("ready_check", "true"),
        ("shutdown_check", "false"),
        ("hupall", "+OK\n"),
        ("reclaim_mem", "+OK\n"),
        ("recover", "+OK 0 session(s) recovered in total\n"),
        ("verbose_events on", "+OK verbose_events is on \n"),
        ("api_expansion", "+OK api_expansion is on \n"),
    ],
)
async def test_fsctl(phone: FakeFreeSwitch, line: str, printed: str) -> None:
    assert await said(phone, f"fsctl {line}") == printed


async def test_fsctl_of_nothing_known(phone: FakeFreeSwitch) -> None:
    assert (await said(phone, "fsctl")).startswith("-USAGE: [api_expansion [on|off]|recover|")
    assert (await said(phone, "fsctl tea")).startswith("-ERR Invalid command\nUSAGE: fsctl [api_expansion [on|off]|")


async def test_a_switch_pauses_in_one_direction_or_in_both(phone: FakeFreeSwitch) -> None:
    await said(phone, "fsctl pause inbound")
    assert [await said(phone, f"fsctl pause_check{each}") for each in ("", " inbound", " outbound")] == [
        "false",
        "true",
        "false",
    ]
    await said(phone, "fsctl pause outbound")
    assert await said(phone, "fsctl pause_check") == "true"
    assert await said(phone, "fsctl ready_check") == "false"
    assert "\nFreeSWITCH (Version 1.11.3-dev  64bit) is not ready\n" in await said(phone, "status")
    await said(phone, "fsctl resume")
    assert await said(phone, "fsctl pause_check inbound") == "false"


async def test_a_shutdown_that_waits_can_be_cancelled(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Waits) as caller:
        await caller.gets_an_answer()
        await said(phone, "fsctl shutdown elegant")
        assert await said(phone, "fsctl shutdown_check") == "true"
        assert caller.is_up
        await said(phone, "fsctl shutdown cancel")
        assert await said(phone, "fsctl shutdown_check") == "false"
        assert await said(phone, "fsctl pause_check") == "false"
        await said(phone, "fsctl shutdown")
        assert await caller.was_hung_up() == "SYSTEM_SHUTDOWN"


# SIP


async def test_sofia_status(phone: FakeFreeSwitch) -> None:
    phone.gateway("acme")
    phone.gateway("backup", state="FAIL_WAIT", is_up=False)
    assert await said(phone, "sofia status") == (
        f"                     Name\t   Type\t                                      Data\tState\n{LINE}\n"
        "                127.0.0.1\t  alias\t                                  internal\tALIASED\n"
        "                 internal\tprofile\t              sip:mod_sofia@127.0.0.1:5060\tRUNNING (0)\n"
        "                 external\tprofile\t              sip:mod_sofia@127.0.0.1:5080\tRUNNING (0)\n"
        "           external::acme\tgateway\t                  sip:user@sip.example.com\tREGED\n"
        "         external::backup\tgateway\t                  sip:user@sip.example.com\tFAIL_WAIT (retry: NEVER)\n"
        f"{LINE}\n2 profiles 1 alias\n"
    )
    assert await said(phone, "sofia status gateway") == (
        "    Profile::Gateway-Name\t                        Data    \tState\tPing Time\tIB Calls(F/T)\tOB Calls(F/T)\n"
        f"{LINE}\n"
        "           external::acme\t        sip:user@sip.example.com\tREGED\t  0.00\t0/0\t0/0\n"
        "         external::backup\t        sip:user@sip.example.com\tFAIL_WAIT\t  0.00\t0/0\t0/0 (retry: NEVER)\n"
        f"{LINE}\n2 gateways: Inbound(Failed/Total): 0/0,Outbound(Failed/Total):0/0\n"
    )
    one = await said(phone, "sofia status gateway external::acme")
    assert one.startswith(f"{LINE}\nName    \tacme\nProfile \texternal\nScheme  \tDigest\n")
    assert "\nState   \tREGED\nStatus  \tUP\nUptime  \t0s\nCallsIN \t0\n" in one
    assert await said(phone, "sofia status gateway nobody") == "Invalid Gateway!\n"
    assert await said(phone, "sofia status tea time") == "Invalid Syntax!\n"


async def test_sofia_status_of_a_profile(phone: FakeFreeSwitch) -> None:
    phone.registered("1001")
    shown = await said(phone, "sofia status profile internal")
    assert shown.startswith(f"{LINE}\nName             \tinternal\nDomain Name      \tN/A\nAuto-NAT         \tfalse\n")
    assert shown.endswith("\nREGISTRATIONS    \t1\n")
    assert "\nAlias Of         \tinternal\n" in await said(phone, "sofia status profile 127.0.0.1")
    registered = await said(phone, "sofia status profile internal reg")
    assert registered.startswith(f"\nRegistrations:\n{LINE}\nCall-ID:    \t")
    assert '\nUser:       \t1001@127.0.0.1\nContact:    \t"" <sip:1001@192.0.2.10:5060>\n' in registered
    assert "\nStatus:     \tRegistered(UDP)(unknown) EXP(2026-01-02 13:00:00) EXPSECS(3600)\n" in registered
    assert registered.endswith(f"\n\nTotal items returned: 1\n{LINE}\n")
    assert await said(phone, "sofia status profile internal user 1002@127.0.0.1") == (
        f"\nRegistrations:\n{LINE}\nTotal items returned: 0\n{LINE}\n"
    )
    assert await said(phone, "sofia status profile nobody") == "Invalid Profile!\n"


@pytest.mark.parametrize(
    ("line", "printed"),
    [
        ("profile internal rescan", "Reload XML [Success]\n+OK scan complete\n"),
        ("profile internal restart", "Reload XML [Success]\nrestarting: internal"),
        ("profile internal stop", "Reload XML [Success]\nstopping: internal"),
        ("profile internal start", "Reload XML [Success]\ninternal started successfully\n"),
        ("profile nobody start", "Reload XML [Success]\nFailure starting nobody\n"),
        ("profile nobody rescan", "Invalid Profile [nobody]"),
        ("profile internal", "Invalid Args!\n"),
        ("profile internal tea", "-ERR Unknown command!\n"),
        ("profile internal flush_inbound_reg", "+OK flushing all registrations\n"),
        (
            "profile internal flush_inbound_reg 1001@127.0.0.1 reboot",
            "+OK rebooting all registrations matching specified call_id\n",
        ),
        ("profile internal check_sync", "+OK syncing all registrations\n"),
        ("profile external register acme", "+OK\n"),
        ("profile external register all", "+OK\n"),
        ("profile external unregister nobody", "Invalid gateway!\n"),
        ("profile external register", "No gateway name provided!\n"),
        ("profile external killgw acme", "+OK gateway marked for deletion.\n"),
        ("profile external killgw nobody", "-ERR no such gateway.\n"),
        ("profile external killgw", "-ERR missing gw name\n"),
        ("profile external gwlist", "acme"),
        ("profile external gwlist down", ""),
        ("profile internal siptrace on", "Enabled sip debugging on internal"),
        ("profile internal siptrace", "Usage: sofia profile <name> siptrace <on/off>\n"),
        ("tea", "Unknown Command [tea]\n"),
    ],
)
async def test_sofia(phone: FakeFreeSwitch, line: str, printed: str) -> None:
    phone.gateway("acme")
    assert await said(phone, f"sofia {line}") == printed


async def test_flushed_registrations_are_gone(phone: FakeFreeSwitch) -> None:
    phone.registered("1001")
    phone.registered("1002")
    await said(phone, "sofia profile internal flush_inbound_reg 1001@127.0.0.1")
    assert await said(phone, "sofia_contact 1001") == "error/user_not_registered"
    assert await said(phone, "sofia_contact 1002") == "sofia/internal/sip:1002@192.0.2.10:5060"
    await said(phone, "sofia profile internal flush_inbound_reg")
    assert await said(phone, "show registrations count") == "\n0 total.\n"


@pytest.mark.parametrize(
    ("address", "contact"),
    [
        ("1001", "sofia/internal/sip:1001@192.0.2.10:5060"),
        ("1001@127.0.0.1", "sofia/internal/sip:1001@192.0.2.10:5060"),
        ("internal/1001", "sofia/internal/sip:1001@192.0.2.10:5060"),
        ("external/1001", "error/user_not_registered"),
        ("*/1001@127.0.0.1", "sofia/internal/sip:1001@192.0.2.10:5060"),
        ("internal/1001@127.0.0.1/[a=b]", "[a=b]sofia/internal/sip:1001@192.0.2.10:5060"),
        ("1002@127.0.0.1", "error/user_not_registered"),
    ],
)
async def test_sofia_contact(phone: FakeFreeSwitch, address: str, contact: str) -> None:
    phone.registered("1001")
    assert await said(phone, f"sofia_contact {address}") == contact


# The directory, and XML


async def test_the_directory(phone: FakeFreeSwitch) -> None:
    phone.users["1001@127.0.0.1"] = {"user_context": "default", "effective_caller_id_name": "Ms Smith", "tea": "green"}
    phone.users["1002@example.com"] = {"group": "sales", "callgroup": "all"}
    phone.registered("1001")
    assert await said(phone, "user_exists id 1001 127.0.0.1") == "true"
    assert await said(phone, "user_exists id 1001 example.com") == "false"
    assert await said(phone, "user_exists id 1001") == "false"
    assert await said(phone, "user_data 1001@127.0.0.1 var tea") == "green"
    assert await said(phone, "user_data 1001 var TEA") == "green"
    assert await said(phone, "user_data 1001@127.0.0.1 attr id") == "1001"
    assert await said(phone, "user_data 1001@127.0.0.1 param tea") == ""
    assert await said(phone, "user_data 1009@127.0.0.1 var tea") == ""
    assert await said(phone, "domain_exists example.com") == "true"
    assert await said(phone, "domain_exists example.org") == "false"
    head = "userid|context|domain|group|contact|callgroup|effective_caller_id_name|effective_caller_id_number\n"
    first = "1001|default|127.0.0.1|(null)|sofia/internal/sip:1001@192.0.2.10:5060|(null)|Ms Smith|(null)\n"
    second = "1002|(null)|example.com|sales|error/user_not_registered|all|(null)|(null)\n"
    assert await said(phone, "list_users") == f"{head}{first}{second}\n+OK\n"
    assert await said(phone, "list_users domain example.com") == f"{head}{second}\n+OK\n"
    assert await said(phone, "list_users user 1001 context default") == f"{head}{first}\n+OK\n"
    assert (await said(phone, "list_users a b c d e f g h i")).startswith("-USAGE: [group <group>]")


async def test_the_dialplan_is_found_in_the_xml(phone: FakeFreeSwitch) -> None:
    phone.dialplan_xml = """<include>
      <context name="default"><!-- ours -->
        <extension name="ivr"><condition field="destination_number" expression="^(5000|&lt;)$">
          <action application="socket" data="127.0.0.1:8084 async full"/>
        </condition></extension>
      </context>
      <context name="public"/>
    </include>"""
    context = (
        '<context name="default">\n  <extension name="ivr">\n'
        '    <condition field="destination_number" expression="^(5000|&lt;)$">\n'
        '      <action application="socket" data="127.0.0.1:8084 async full"></action>\n'
        "    </condition>\n  </extension>\n</context>\n"
    )
    assert await said(phone, "xml_locate dialplan context name default") == context
    section = ElementTree.fromstring(await said(phone, "xml_locate dialplan"))
    assert (section.tag, section.get("name")) == ("section", "dialplan")
    assert [each.get("name") for each in section] == ["default", "public"]
    root = ElementTree.fromstring(await said(phone, "xml_locate root"))
    assert [each.get("name") for each in root] == ["dialplan", "directory"]
    assert await said(phone, "xml_locate dialplan context name tea") == "can't find anything\n"
    assert await said(phone, "xml_locate tea") == "can't find anything\n"
    assert await said(phone, "xml_locate dialplan context") == "-ERR bad args\n"


async def test_what_is_no_xml_is_said(phone: FakeFreeSwitch) -> None:
    phone.dialplan_xml = "<context"
    with pytest.raises(ValueError, match="dialplan_xml is no XML"):
        await said(phone, "xml_locate dialplan")


# A channel


async def test_uuid_dump_in_its_forms(phone: FakeFreeSwitch) -> None:
    async with phone.dial(Waits, variables={"tea": "green & <hot>"}) as caller:
        await caller.gets_an_answer()
        uuid = caller.channel_uuid
        assert "\nvariable_tea: green%20%26%20%3Chot%3E\n" in await said(phone, f"uuid_dump {uuid}")
        assert "\nvariable_tea: green%20%26%20%3Chot%3E\n" in await said(phone, f"uuid_dump {uuid} txt")
        assert "\nvariable_tea: green & <hot>\n" in await said(phone, f"uuid_dump {uuid} plain")
        assert json.loads(await said(phone, f"uuid_dump {uuid} json"))["variable_tea"] == "green & <hot>"
        as_xml = await said(phone, f"uuid_dump {uuid} xml")
        assert as_xml.startswith("<event>\n  <headers>\n    <Event-Name>CHANNEL_DATA</Event-Name>\n")
        assert "    <variable_tea>green%20%26%20%3Chot%3E</variable_tea>\n" in as_xml
        assert await said(phone, "uuid_dump nobody json") == "-ERR No such channel!\n"
        assert await said(phone, "uuid_dump") == "-USAGE: <uuid> [format]\n"
        assert await said(phone, f"uuid_exists {uuid}") == "true"
        assert await said(phone, "uuid_exists nobody") == "false"


async def test_created_uuids_are_new(phone: FakeFreeSwitch) -> None:
    one, other = await said(phone, "create_uuid"), await said(phone, "create_uuid")
    assert re.fullmatch("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", one)
    assert one != other
