"""``show``, from the lines that are said to the values that are read."""

from __future__ import annotations

import pytest
import trio

from esl_outbound import ApiFailed, LocalProtocolError
from esl_outbound.api.shown import ShownAlias, ShownCommand, ShownInterface, ShownTask

from ..client.scripted import EVENTS_ENABLED, connected
from .overview_scripts import ScriptedApi

NONE = '{"row_count": 0}\n'

# The channels of a recorded conversation, as show_as_json_callback() in mod_commands.c writes them.
CHANNELS = (
    '{"row_count":2,"rows":[{"uuid":"6bc9306c-9b19-4f15-a725-2aecce90a59e","direction":"outbound",'
    '"created":"2026-11-22 21:57:51","created_epoch":"1795384671","name":"loopback/ans_async_full_8084-a",'
    '"state":"CS_EXECUTE","cid_name":"Outbound Call","cid_num":"default","ip_addr":"","dest":"ans_async_full_8084",'
    '"application":"park","application_data":"","dialplan":"xml","context":"default","read_codec":"L16",'
    '"read_rate":"8000","read_bit_rate":"128000","write_codec":"L16","write_rate":"8000","write_bit_rate":"128000",'
    '"secure":"","hostname":"vm","presence_id":"","presence_data":"","accountcode":"","callstate":"ACTIVE",'
    '"callee_name":"","callee_num":"0000000000","callee_direction":"RECV",'
    '"call_uuid":"6bc9306c-9b19-4f15-a725-2aecce90a59e","sent_callee_name":"","sent_callee_num":"",'
    '"initial_cid_name":"","initial_cid_num":"0000000000","initial_ip_addr":"","initial_dest":"ans_async_full_8084",'
    '"initial_dialplan":"xml","initial_context":"default"},'
    '{"uuid":"6ee0d1c0-4e07-4769-98f6-f2ea55bda475","direction":"inbound","created":"2026-11-22 21:57:51",'
    '"created_epoch":"1795384671","name":"loopback/ans_async_full_8084-b","state":"CS_EXECUTE","cid_name":"",'
    '"cid_num":"0000000000","ip_addr":"","dest":"ans_async_full_8084","application":"socket",'
    '"application_data":"127.0.0.1:8084 async full","dialplan":"xml","context":"default","read_codec":"L16",'
    '"read_rate":"8000","read_bit_rate":"128000","write_codec":"L16","write_rate":"8000","write_bit_rate":"128000",'
    '"secure":"","hostname":"vm","presence_id":"","presence_data":"","accountcode":"","callstate":"ACTIVE",'
    '"callee_name":"Outbound Call","callee_num":"default","callee_direction":"","call_uuid":"","sent_callee_name":"",'
    '"sent_callee_num":"","initial_cid_name":"","initial_cid_num":"0000000000","initial_ip_addr":"",'
    '"initial_dest":"ans_async_full_8084","initial_dialplan":"xml","initial_context":"default"}]}'
)

BASIC_CALL = (
    '{"row_count":1,"rows":[{"uuid":"a-uuid","direction":"inbound","created":"2026-11-22 21:57:51",'
    '"created_epoch":"1795384671","name":"sofia/internal/1001@example.com","state":"CS_EXECUTE","cid_name":"Ada",'
    '"cid_num":"1001","ip_addr":"192.0.2.9","dest":"1002","presence_id":"1001@example.com","presence_data":"",'
    '"accountcode":"1001","callstate":"ACTIVE","callee_name":"Outbound Call","callee_num":"1002",'
    '"callee_direction":"SEND","call_uuid":"a-uuid","hostname":"vm","sent_callee_name":"Outbound Call",'
    '"sent_callee_num":"1002","b_uuid":"b-uuid","b_direction":"outbound","b_created":"2026-11-22 21:57:52",'
    '"b_created_epoch":"1795384672","b_name":"sofia/internal/1002@192.0.2.10:5060","b_state":"CS_EXCHANGE_MEDIA",'
    '"b_cid_name":"Ada","b_cid_num":"1001","b_ip_addr":"192.0.2.9","b_dest":"1002","b_presence_id":"1002@example.com",'
    '"b_presence_data":"","b_accountcode":"","b_callstate":"ACTIVE","b_callee_name":"Outbound Call",'
    '"b_callee_num":"1002","b_callee_direction":"SEND","b_sent_callee_name":"","b_sent_callee_num":"",'
    '"call_created_epoch":"1795384675"}]}'
)


async def test_channels_are_values_with_a_field_for_each_column() -> None:
    switch = ScriptedApi(CHANNELS)
    ours, theirs = await switch.show_channels()
    assert switch.line == "show channels as json"
    assert ours.uuid == "6bc9306c-9b19-4f15-a725-2aecce90a59e"
    assert (ours.direction, ours.application, ours.application_data) == ("outbound", "park", None)
    assert (ours.created, ours.created_epoch) == ("2026-11-22 21:57:51", 1795384671)
    assert (ours.read_rate, ours.write_bit_rate) == (8000, 128000)
    assert (theirs.application, theirs.application_data) == ("socket", "127.0.0.1:8084 async full")
    assert (theirs.cid_name, theirs.callstate, theirs.initial_context) == (None, "ACTIVE", "default")
    assert theirs.more == {}


async def test_no_channel_at_all_is_an_empty_list() -> None:
    assert await ScriptedApi(NONE).show_channels() == []


async def test_commas_quotes_and_bytes_that_are_no_utf_8_come_as_they_are() -> None:
    text = (
        '{"row_count":1,"rows":[{"uuid":"u","cid_name":"Smith, \\"J\\"\\\\ \\/ \\u0001\\n \x02caf\udce9 \xe4",'
        '"application_data":"${system(x)}"}]}'
    )
    (channel,) = await ScriptedApi(text).show_channels()
    assert channel.cid_name == 'Smith, "J"\\ / \x01\n \x02caf\udce9 ä'
    assert channel.application_data == "${system(x)}"


async def test_columns_that_are_new_are_kept_and_cells_that_are_no_numbers_are_none() -> None:
    text = (
        '{"row_count":1,"rows":[{"uuid":"u","created_epoch":"soon","read_rate":"-1",'
        '"write_rate":"' + "9" * 5000 + '","colour":"blue","depth":3,"nothing":null}],"also":1}'
    )
    (channel,) = await ScriptedApi(text).show_channels()
    assert (channel.created_epoch, channel.read_rate, channel.write_rate) == (None, None, None)
    assert channel.more == {"colour": "blue", "depth": "3", "nothing": ""}
    assert isinstance(hash(channel), int)


async def test_only_channels_like_a_text_are_asked_for_as_one_word() -> None:
    switch = ScriptedApi(NONE, NONE)
    await switch.show_channels(like="1001")
    await switch.show_channels(like='Ada "L" \\ as xml')
    assert switch.lines == [
        "show channels like 1001 as json",
        "show channels like 'Ada \"L\" \\\\ as xml' as json",
    ]


@pytest.mark.parametrize("like", ["", "o'neil", "a;b", "a\nb"])
async def test_a_text_that_freeswitch_would_change_is_refused(like: str) -> None:
    switch = ScriptedApi()
    with pytest.raises(LocalProtocolError, match=r"^like is "):
        await switch.show_channels(like=like)
    assert switch.lines == []


async def test_a_call_is_two_channels() -> None:
    switch = ScriptedApi(BASIC_CALL, BASIC_CALL, BASIC_CALL, BASIC_CALL)
    (call,) = await switch.show_calls()
    assert call.a_leg.uuid == "a-uuid"
    assert call.b_leg is not None
    assert (call.b_leg.uuid, call.b_leg.state, call.b_leg.created_epoch) == ("b-uuid", "CS_EXCHANGE_MEDIA", 1795384672)
    assert call.call_created_epoch == 1795384675
    assert (call.a_leg.application, call.a_leg.more, call.b_leg.more) == (None, {}, {})
    assert await switch.show_bridged_calls() == [call]
    await switch.show_detailed_calls()
    await switch.show_detailed_calls(bridged=True)
    assert switch.lines == [
        "show calls as json",
        "show bridged_calls as json",
        "show detailed_calls as json",
        "show detailed_bridged_calls as json",
    ]


async def test_a_channel_that_is_not_bridged_is_a_call_with_one_side() -> None:
    text = '{"row_count":1,"rows":[{"uuid":"a","b_uuid":"","b_name":"","call_created_epoch":""}]}'
    (call,) = await ScriptedApi(text).show_calls()
    assert (call.a_leg.uuid, call.b_leg, call.call_created_epoch) == ("a", None, None)


async def test_counts_are_numbers() -> None:
    switch = ScriptedApi('{"row_count":12,"rows":[]}', '{"row_count":0,"rows":[]}', '{"row_count":3,"rows":[]}')
    assert await switch.count_channels() == 12
    assert await switch.count_calls() == 0
    assert await switch.count_registrations() == 3
    assert switch.lines == [
        "show channels count as json",
        "show calls count as json",
        "show registrations count as json",
    ]


async def test_registrations_are_values() -> None:
    text = (
        '{"row_count":1,"rows":[{"reg_user":"1001","realm":"example.com","token":"a,b@192.0.2.9",'
        '"url":"sofia/internal/sip:1001@192.0.2.9:5060;transport=udp","expires":"1795388000",'
        '"network_ip":"192.0.2.9","network_port":"5060","network_proto":"udp","hostname":"vm","metadata":""}]}'
    )
    switch = ScriptedApi(text)
    (phone,) = await switch.show_registrations()
    assert switch.line == "show registrations as json"
    assert (phone.reg_user, phone.token, phone.network_port) == ("1001", "a,b@192.0.2.9", 5060)
    assert (phone.expires, phone.metadata) == (1795388000, None)


async def test_modules_applications_api_commands_codecs_tasks_and_aliases_are_values() -> None:
    switch = ScriptedApi(
        '{"row_count":1,"rows":[{"type":"api","name":"sofia","ikey":"mod_sofia","filename":"/mod/mod_sofia.so"}]}',
        '{"row_count":1,"rows":[{"type":"codec","name":"G.711 ulaw","ikey":"CORE_PCM_MODULE"}]}',
        '{"row_count":1,"rows":[{"name":"answer","description":"Answer the call","syntax":"","ikey":"mod_dptools"}]}',
        '{"row_count":1,"rows":[{"name":"acl","description":"Compare an ip to an acl list",'
        '"syntax":"<ip> <list_name>","ikey":"mod_commands"}]}',
        '{"row_count":1,"rows":[{"task_id":"7","task_desc":"sched_api_function","task_group":"none",'
        '"task_runtime":"1795388000","task_sql_manager":"0","hostname":"vm"}]}',
        '{"row_count":1,"rows":[{"sticky":"1","alias":"sps","command":"fsctl sps","hostname":"vm"}]}',
    )
    assert await switch.show_modules() == [ShownInterface("api", "sofia", "mod_sofia", "/mod/mod_sofia.so", {})]
    assert await switch.show_codecs() == [ShownInterface("codec", "G.711 ulaw", "CORE_PCM_MODULE", None, {})]
    assert await switch.show_applications() == [ShownCommand("answer", "Answer the call", None, "mod_dptools", {})]
    assert [command.syntax for command in await switch.show_api()] == ["<ip> <list_name>"]
    more = {"task_sql_manager": "0", "hostname": "vm"}
    assert await switch.show_tasks() == [ShownTask(7, "sched_api_function", "none", 1795388000, more)]
    assert await switch.show_aliases() == [ShownAlias("sps", "fsctl sps", True, {"hostname": "vm"})]
    assert switch.lines == [
        "show modules as json",
        "show codec as json",
        "show application as json",
        "show api as json",
        "show tasks as json",
        "show aliases as json",
    ]


async def test_anything_else_is_shown_as_rows() -> None:
    switch = ScriptedApi('{"row_count":1,"rows":[{"type":"api","total":"204"}]}')
    assert await switch.show("interface_types") == [{"type": "api", "total": "204"}]
    assert switch.line == "show interface_types as json"
    for what in ("", "channels as", "a'b"):
        with pytest.raises(LocalProtocolError):
            await switch.show(what)


@pytest.mark.parametrize(
    "text",
    [
        "-ERR SQL disabled, no data available!\n",
        "-ERR Database error!\n",
        "-USAGE: codec|endpoint|application\n",
        '-ERR SQL Error [no such table: channels]\n{"row_count": 0}\n',
        "-ERR show Command not found!\n",
        "type,name,ikey\n\n0 total.\n",
        "[1]",
        "{}",
        "",
        '{"row_count":1,"rows":[',
    ],
)
async def test_what_are_no_rows_is_a_failure(text: str) -> None:
    with pytest.raises(ApiFailed) as caught:
        await ScriptedApi(text).show_channels()
    assert caught.value.command == "show channels as json"


async def test_bytes_that_are_no_utf_8_come_over_the_wire_as_they_are() -> None:
    body = b'{"row_count":1,"rows":[{"uuid":"u","cid_name":"caf\xe9 \xc3\xa9, \\"x\\""}]}'
    async with connected() as (switch, server), trio.open_nursery() as nursery:

        async def answer() -> None:
            await server.expect("event plain BACKGROUND_JOB")
            await server.send(EVENTS_ENABLED)
            line, _, job = (await server.read_command()).partition("\nJob-UUID: ")
            assert line == "bgapi show channels as json"
            head = f"Event-Name: BACKGROUND_JOB\nJob-UUID: {job}\nContent-Length: {len(body)}\n\n".encode()
            await server.send(
                f"Content-Type: command/reply\nReply-Text: +OK Job-UUID: {job}\nJob-UUID: {job}\n\n".encode(),
                b"Content-Length: %d\nContent-Type: text/event-plain\n\n" % len(head + body) + head + body,
            )

        nursery.start_soon(answer)
        (channel,) = await switch.show_channels()
        assert channel.cid_name == 'caf\udce9 é, "x"'
