"""What a real FreeSWITCH sent: every recorded conversation, in any cutting, against what was read off it."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from esl_outbound.protocol import (
    ApiResponse,
    Connection,
    ConnectReply,
    DisconnectNotice,
    Event,
    EventFormat,
    EventName,
    FrameReader,
    LogLine,
    Message,
    Reply,
)

from ..freeswitch import RECORDINGS
from .wire import cut_at, everything, pieces, read_frames, read_messages, read_one

# Of each file: how many messages it holds, its channel, and what the reply to connect tells: whether the channel
# is answered, and the mode and the control that its dialplan line gives.
CONVERSATIONS = """
a1_async_full_plain 27 1fb93f8e-973f-40b6-b28a-68ea8d299ea9 ringing async full
a2_async_full_nolock_linger_forever 37 4844b413-08d1-4a83-969a-eddbdd721da6 ringing async full
a3_eventlock_playback_then_hangup 16 d1e29677-3837-4862-9887-0fa0397f206a answered async full
b_myevents_json 33 f9adeb6d-a7fe-49b3-a53d-4a49727fd8c2 ringing async full
b_myevents_xml 33 ceae4cc8-2325-4894-b43c-30d3879fe47d ringing async full
c2_sync_hangup_midplay 13 58e2acbe-9576-447f-8b3b-d9eeb156ec1c ringing static full
c4_sync_exit_afterwards 8 b7b656b6-e8e8-44b3-b693-aba1f1abf3b6 ringing static full
c_sync_full 22 61a59065-2b06-4e08-8ba9-73ef4b11ba6d ringing static full
d2_sync_notfull 28 ed76d871-8b68-4e46-ab74-2e348e5ec1f0 ringing static single-channel
d_async_notfull 28 8479f349-f08c-4464-85ed-bc2b01261f6b ringing async single-channel
e10_resume 13 ca368181-68cf-43d9-b1de-a8951c6e9730 ringing async full
e11_last_action_exit 5 42a9573b-16cd-4edc-87ec-dd02be1cd502 answered async full
e12_bgapi_myevents 14 1ae8af96-8a3c-4f9e-9b78-cdb19c6574fe answered async full
e13_hugelength 2 00c2f7bc-4cc0-4e98-919b-7afc7a99c188 answered async full
e1_commands 83 6ee0d1c0-4e07-4769-98f6-f2ea55bda475 answered async full
e2_sendmsg_oddities 55 917a715d-4291-4a65-bb5e-9b119b5daf4a answered async full
e3_xferext 21 b3b60aa3-2534-4717-9c78-a74d0220ccb3 answered async full
e4_sendevent 22 284cab9a-0002-4fc0-81dc-6b2bf3230191 answered async full
e5_event_all 52 a65084ff-0946-495d-bb7c-9a50793e4ccd ringing async full
e6_log7 24 86dcf8db-bbb6-401a-9ab9-ba929c8d627c ringing async full
e7_first_command 9 f18b5f17-2166-4c76-9490-c80e7f617c2b ringing async full
e8_silent_first25s 1 dfccf417-55e4-4ade-919e-ecbc01a0093e - - -
f1_hangup_midplay_linger 15 4be77596-0905-4688-b39e-6880e7d569b9 answered async full
f2_hangup_midplay_nolinger 14 c5ebff60-6320-4e55-bcdb-7a160e782f3c answered async full
f4_hangup_linger_exit 10 ff9cb1ac-f70e-4098-8891-81be1133cba7 answered async full
f5_hangup_before_answer 12 477aa0c1-4625-41c4-b2e8-7272cd5fa3df ringing async full
f6_nolinger_pending_api 11 12cf5ea3-9498-4704-bf20-5894a4464798 answered async full
g1_dtmf_pagd 22 8c8f36d0-bc74-41df-953e-857a53c430f9 answered async full
g2_dtmf_read_timeout 22 05e973c4-1208-40d1-a802-96c9cb7abe35 answered async full
g3_dtmf_divert 20 0f9adf6a-5deb-4a25-9b96-f71cc8ee8efb answered async full
g4_dtmf_idle_plain 21 b5b3ba1f-9d30-46a4-a1ba-0edce88a0739 answered async full
h1_bridge_9196 24 d76edbde-4175-4432-8632-00cb06be06e4 answered async full
h2_bridge_busy 29 cb652109-88ce-49a0-938c-8d916b55046f answered async full
h3_bridge_busy_no_continue 15 ab0c2a12-4cd7-4d58-aa58-eb0d4f89e0e9 answered async full
i1_vars_encoding 55 d8822cad-e7a4-42ab-b25b-83b2626cb0c9 answered async full
i4_record 36 3f7c4f99-7a95-4b2a-b0c2-030c12e175aa answered async full
i5_getvar_newline 3 11e391a5-526a-4fb9-951a-eacd873038be answered async full
i6_badbytes_json 26 3c1588d0-0740-4dbb-8366-8f80cb1d3a18 answered async full
i7_badbytes_plain 26 712b7cbd-7ce6-4f46-8b56-2f0f394617fe answered async full
i8_badbytes_xml 26 7370b852-da1d-492e-bc53-207b39b6a68e answered async full
j1_failover_first_closed 4 9f87049d-a7e5-44a7-b83d-07358e0be72e ringing async full
j4_app_closes_after_connect 3 c70ac216-5261-46d7-988e-f987714426cb ringing async full
j5_app_closes_midplay 6 577d38b2-b49f-4791-8a72-11c637df3bd6 ringing async full
j6_shutwr 5 acb1a0ee-88a6-4010-8244-26e00a6241b4 ringing async full
j7_connect_exit_pipelined 3 e2b74bf8-f932-4a76-87a5-8f2e91aa79f5 ringing async full
j8_connect_then_close 1 31684731-3101-43d3-8958-2309377c6c81 ringing async full
k1_rst_midcall 7 d49d886b-2011-4aae-b388-738169a19647 ringing async full
l1_pipelining 27 f5e8eacb-c764-48aa-bec6-97b9813dad35 answered async full
l2_uppercase_prefixes 15 4cfa7669-c78f-47e2-b5d9-f4891bc36e8f answered async full
m1_sockvar 3 3caad89a-f6b3-4a11-80f7-8307702dd66e ringing async full
m2_sockpath 4 0130b575-ff09-49e7-bfc1-ee666280f8bd ringing async full
m4_transfer 22 2e540d32-c5eb-408c-8adb-ce2631d796e7 answered async full
q1_resume_before_hangup 3 aa02006b-b449-4049-bf5b-3a37cf32e005 ringing async full
q2_sync_resume_exit 4 4dcc6c9f-cbc0-41a7-abb8-5b958285b945 ringing static full
q3_sync_resume_last 4 6ad8b2a6-9a95-485d-af6c-7d7c16849417 ringing static full
s1_sip_caller_bye 19 5f6433ee-df70-478f-a9ed-0397c83df1da ringing async full
t1_shutdown_midcall 15 c8a39a28-f969-4273-8983-b2d58b7c5ac2 answered async full
u1_misc 39 3423dbff-894a-4367-8867-603878da03d3 ringing async full
u2_event_lock_set 32 38f83325-711d-4ce5-9d78-591e1eb6e99f answered async full
"""
RECORDED = {name: facts for name, *facts in map(str.split, CONVERSATIONS.strip().splitlines())}
EMPTY = ["j3_app_closes_at_once", "j3b_sync_app_closes_at_once"]
# The value of a variable came raw and with line breaks: what follows is no event socket any more.
BROKEN = "i5_getvar_newline"

# File, message, header, value; `(text)` is what has no header.
FACTS: list[tuple[str, int, str, str]] = [
    ("a1_async_full_plain", 1, "Reply-Text", "+OK will linger 5 seconds"),
    ("a1_async_full_plain", 10, "Application-Data", "tone_stream://%(500,0,400)"),
    ("a1_async_full_plain", 15, "Application-Data", "/nonexistent/no such file.wav"),
    ("a1_async_full_plain", 15, "Application-Response", "FILE NOT FOUND"),
    ("a1_async_full_plain", 17, "Hangup-Cause", "DESTINATION_OUT_OF_ORDER"),
    ("a1_async_full_plain", 19, "Application", "socket"),
    ("a1_async_full_plain", 22, "variable_hangup_cause", "DESTINATION_OUT_OF_ORDER"),
    ("a1_async_full_plain", 23, "Linger-Time", "5"),
    ("a1_async_full_plain", 26, "Content-Disposition", "disconnect"),
    ("a2_async_full_nolock_linger_forever", 19, "Application-UUID", "11111111-aaaa-4bbb-8ccc-000000000004"),
    ("a2_async_full_nolock_linger_forever", 23, "Hangup-Cause", "USER_BUSY"),
    ("a2_async_full_nolock_linger_forever", 24, "Application-Response", "FILE PLAYED"),
    ("a2_async_full_nolock_linger_forever", 30, "Linger-Time", "-1"),
    ("a2_async_full_nolock_linger_forever", 32, "Reply-Text", "4844b413-08d1-4a83-969a-eddbdd721da6"),
    ("a2_async_full_nolock_linger_forever", 33, "(text)", "false"),
    ("a2_async_full_nolock_linger_forever", 35, "Reply-Text", "+OK bye"),
    ("a2_async_full_nolock_linger_forever", 36, "Content-Disposition", "disconnect"),
    ("a3_eventlock_playback_then_hangup", 8, "Hangup-Cause", "USER_BUSY"),
    ("a3_eventlock_playback_then_hangup", 15, "Content-Disposition", "disconnect"),
    ("b_myevents_json", 10, "Application-Data", "weird=Zaß <a&b> \"q\" 100% 'x' \\ end"),
    ("b_myevents_json", 13, "Application-Response", "FILE PLAYED"),
    ("b_myevents_json", 20, "variable_arr", "one"),
    ("b_myevents_json", 23, "Job-UUID", "ea2e2d84-27f4-4256-a302-120b1fc3dd01"),
    ("b_myevents_json", 25, "Hangup-Cause", "NORMAL_CLEARING"),
    ("b_myevents_json", 30, "variable_arr", "ARRAY::one|:two"),
    ("b_myevents_json", 30, "variable_DP_MATCH", "ARRAY::async_full_8084|:8084"),
    ("b_myevents_json", 30, "variable_weird", "Zaß <a&b> \"q\" 100% 'x' \\ end"),
    ("b_myevents_json", 30, "variable_b", "2"),
    ("b_myevents_json", 32, "Content-Disposition", "disconnect"),
    ("b_myevents_xml", 10, "Application-Data", "weird=Zaß <a&b> \"q\" 100% 'x' \\ end"),
    ("b_myevents_xml", 13, "Application-Response", "FILE PLAYED"),
    ("b_myevents_xml", 20, "variable_arr", "one"),
    ("b_myevents_xml", 23, "Job-UUID", "e0f6dfcd-ca66-4ed6-a142-469704be1c6f"),
    ("b_myevents_xml", 25, "Hangup-Cause", "NORMAL_CLEARING"),
    ("b_myevents_xml", 30, "variable_arr", "ARRAY::one|:two"),
    ("b_myevents_xml", 30, "variable_DP_MATCH", "ARRAY::async_full_8084|:8084"),
    ("b_myevents_xml", 30, "variable_weird", "Zaß <a&b> \"q\" 100% 'x' \\ end"),
    ("b_myevents_xml", 30, "variable_b", "2"),
    ("b_myevents_xml", 32, "Content-Disposition", "disconnect"),
    ("c2_sync_hangup_midplay", 9, "Hangup-Cause", "NORMAL_CLEARING"),
    ("c2_sync_hangup_midplay", 10, "Application-Response", "PLAYBACK ERROR"),
    ("c2_sync_hangup_midplay", 12, "Content-Disposition", "disconnect"),
    ("c4_sync_exit_afterwards", 7, "Content-Disposition", "disconnect"),
    ("c_sync_full", 8, "Reply-Text", "61a59065-2b06-4e08-8ba9-73ef4b11ba6d"),
    ("c_sync_full", 17, "Application-Response", "FILE PLAYED"),
    ("c_sync_full", 17, "Application-UUID", "11111111-aaaa-4bbb-8ccc-000000000004"),
    ("c_sync_full", 20, "Hangup-Cause", "DESTINATION_OUT_OF_ORDER"),
    ("c_sync_full", 21, "Content-Disposition", "disconnect"),
    ("d2_sync_notfull", 1, "Reply-Text", "-ERR command not found"),
    ("d2_sync_notfull", 7, "Reply-Text", "+OK filter added. [Event-Name]=[CHANNEL_EXECUTE]"),
    ("d2_sync_notfull", 8, "Reply-Text", "+OK filter deleted. [all][]"),
    ("d2_sync_notfull", 9, "Reply-Text", "+OK events diverted"),
    ("d2_sync_notfull", 10, "Reply-Text", "+OK events not diverted"),
    ("d2_sync_notfull", 26, "Reply-Text", "+OK bye"),
    ("d2_sync_notfull", 27, "Content-Disposition", "disconnect"),
    ("d_async_notfull", 1, "Reply-Text", "-ERR command not found"),
    ("d_async_notfull", 7, "Reply-Text", "+OK filter added. [Event-Name]=[CHANNEL_EXECUTE]"),
    ("d_async_notfull", 17, "Reply-Text", "8479f349-f08c-4464-85ed-bc2b01261f6b"),
    ("d_async_notfull", 23, "Application", "answer"),
    ("d_async_notfull", 27, "Content-Disposition", "disconnect"),
    ("e10_resume", 6, "Application-Data", "hangup_after_bridge=false"),
    ("e10_resume", 9, "Application-Data", "127.0.0.1:8084 async full"),
    ("e10_resume", 12, "Content-Disposition", "disconnect"),
    ("e11_last_action_exit", 4, "Content-Disposition", "disconnect"),
    ("e12_bgapi_myevents", 5, "Reply-Text", "+OK Job-UUID: 516e1ac0-5bef-4ae7-9365-279c2c6cf011"),
    ("e12_bgapi_myevents", 6, "Job-UUID", "516e1ac0-5bef-4ae7-9365-279c2c6cf011"),
    ("e12_bgapi_myevents", 6, "Job-Command", "status"),
    ("e12_bgapi_myevents", 6, "Job-Owner-UUID", "1ae8af96-8a3c-4f9e-9b78-cdb19c6574fe"),
    ("e12_bgapi_myevents", 8, "Reply-Text", "+OK d65f21cf-d195-4a1b-8cd9-52b207ad7945"),
    ("e12_bgapi_myevents", 9, "Event-Subclass", "my::event"),
    ("e12_bgapi_myevents", 9, "X-A", "1"),
    ("e12_bgapi_myevents", 9, "Command", "sendevent CUSTOM"),
    ("e12_bgapi_myevents", 13, "Content-Disposition", "disconnect"),
    ("e13_hugelength", 1, "Content-Disposition", "disconnect"),
    ("e1_commands", 3, "(text)", "-ERR nosuchcommand Command not found!\n"),
    ("e1_commands", 4, "Reply-Text", "-ERR command not found"),
    ("e1_commands", 5, "(text)", "true"),
    ("e1_commands", 6, "(text)", "_undef_"),
    ("e1_commands", 7, "(text)", "$6ee0d1c0-4e07-4769-98f6-f2ea55bda475 127.0.0.1"),
    ("e1_commands", 9, "Reply-Text", "6ee0d1c0-4e07-4769-98f6-f2ea55bda475"),
    ("e1_commands", 12, "(text)", "-ERR no reply\n"),
    ("e1_commands", 17, "Job-UUID", "22222222-aaaa-4bbb-8ccc-000000000001"),
    ("e1_commands", 18, "Job-UUID", "22222222-aaaa-4bbb-8ccc-000000000001"),
    ("e1_commands", 18, "Job-Command-Arg", "hello world"),
    ("e1_commands", 24, "Reply-Text", "-ERR no keywords supplied"),
    ("e1_commands", 26, "Reply-Text", "+OK event listener enabled json"),
    ("e1_commands", 33, "Reply-Text", "+OK events nixed"),
    ("e1_commands", 37, "Reply-Text", "+OK no longer listening for events"),
    ("e1_commands", 38, "Reply-Text", "-ERR not listening for events"),
    ("e1_commands", 40, "Reply-Text", "-ERR invalid syntax"),
    ("e1_commands", 41, "Reply-Text", "+OK filter added. [Event-Name]=[CHANNEL_EXECUTE]"),
    ("e1_commands", 43, "Reply-Text", "+OK filter deleted. [Event-Name][CHANNEL_EXECUTE]"),
    ("e1_commands", 44, "Reply-Text", "+OK filter deleted. [Event-Name][]"),
    ("e1_commands", 47, "Reply-Text", "+OK filter deleted. [all][]"),
    ("e1_commands", 48, "Reply-Text", "-ERR missing value."),
    ("e1_commands", 52, "Reply-Text", "+OK log level  [7]"),
    ("e1_commands", 54, "Reply-Text", "-ERR not loging"),
    ("e1_commands", 55, "Reply-Text", "+OK log level debug [7]"),
    ("e1_commands", 57, "Reply-Text", "+OK log level 9 [9]"),
    ("e1_commands", 59, "Reply-Text", "-ERR invalid log level"),
    ("e1_commands", 62, "Reply-Text", "0000000000"),
    ("e1_commands", 64, "Reply-Text", "+OK will linger"),
    ("e1_commands", 65, "Reply-Text", "+OK will linger 0 seconds"),
    ("e1_commands", 67, "Reply-Text", "+OK will not linger"),
    ("e1_commands", 69, "Reply-Text", "-ERR aready enabled."),
    ("e1_commands", 78, "Unique-ID", "6ee0d1c0-4e07-4769-98f6-f2ea55bda475"),
    ("e1_commands", 82, "Content-Disposition", "disconnect"),
    ("e2_sendmsg_oddities", 23, "Application-UUID", "11111111-aaaa-4bbb-8ccc-000000000007"),
    ("e2_sendmsg_oddities", 25, "Application-Data", "bodyarg=1\nsecond\n"),
    ("e2_sendmsg_oddities", 29, "Application-Data", "shrt="),
    ("e2_sendmsg_oddities", 36, "Application-Data", "sp=  a:b : c  "),
    ("e2_sendmsg_oddities", 39, "Application-Data", "enc=a b\nc"),
    ("e2_sendmsg_oddities", 42, "Reply-Text", "-ERR invalid session id [99999999-aaaa-4bbb-8ccc-000000000011]"),
    ("e2_sendmsg_oddities", 47, "Hangup-Cause", "NORMAL_CLEARING"),
    ("e2_sendmsg_oddities", 54, "Content-Disposition", "disconnect"),
    ("e3_xferext", 10, "Application-Data", "xfer=1"),
    ("e3_xferext", 14, "Hangup-Cause", "CALL_REJECTED"),
    ("e3_xferext", 15, "Application-Data", "CALL_REJECTED"),
    ("e3_xferext", 20, "Content-Disposition", "disconnect"),
    ("e4_sendevent", 3, "Reply-Text", "+OK 08b221f5-1d75-47c2-9bdd-dbc9fe406b75"),
    ("e4_sendevent", 4, "Event-Subclass", "my::event"),
    ("e4_sendevent", 4, "X-Foo", "bar baz"),
    ("e4_sendevent", 4, "X-Utf", "Zaß 100%"),
    ("e4_sendevent", 4, "Content-Type", "text/plain"),
    ("e4_sendevent", 8, "Command", "sendevent NO_SUCH_EVENT"),
    ("e4_sendevent", 14, "X-Utf", "Zaß 100%"),
    ("e4_sendevent", 14, "Event-Subclass", "my::event"),
    ("e4_sendevent", 17, "X-Foo", 'bar <baz> & "q"'),
    ("e4_sendevent", 17, "X-Utf", "Zaß 100%"),
    ("e4_sendevent", 20, "Content-Length", "14"),
    ("e4_sendevent", 21, "Content-Disposition", "disconnect"),
    ("e5_event_all", 11, "Event-Name", "CALL_UPDATE"),
    (
        "e5_event_all",
        22,
        "Command",
        "sendmsg\ncall-command: execute\nexecute-app-name: playback\nexecute-app-arg: tone_stream://%(300,0,400)\n\n",
    ),
    ("e5_event_all", 23, "Reply-Text", "+OK filter added. [Event-Name]=[-CHANNEL_EXECUTE]"),
    ("e5_event_all", 28, "Reply-Text", "+OK filter added. [Event-Name]=[/^CHANNEL_EXECUTE$/]"),
    ("e5_event_all", 33, "Hangup-Cause", "NORMAL_CLEARING"),
    ("e5_event_all", 39, "Hangup-Cause", "NORMAL_CLEARING"),
    ("e5_event_all", 49, "Event-Name", "CHANNEL_DESTROY"),
    ("e5_event_all", 51, "Content-Disposition", "disconnect"),
    ("e6_log7", 1, "Reply-Text", "+OK log level 7 [7]"),
    ("e6_log7", 3, "Log-File", "switch_ivr.c"),
    ("e6_log7", 3, "User-Data", "86dcf8db-bbb6-401a-9ab9-ba929c8d627c"),
    (
        "e6_log7",
        3,
        "(text)",
        "2026-11-22 21:58:32.751688 96.47% [DEBUG] switch_ivr.c:632 "
        "loopback/async_full_8084-b Command Execute [depth=0] answer()\n",
    ),
    ("e6_log7", 9, "User-Data", ""),
    ("e6_log7", 20, "Log-Level", "4"),
    ("e6_log7", 20, "(text)", "2026-11-22 21:58:33.251796 97.93% [WARNING] mod_dptools.c:1865 hello Zaß 100%\n"),
    ("e6_log7", 21, "Reply-Text", "+OK no longer logging"),
    ("e6_log7", 23, "Content-Disposition", "disconnect"),
    ("e7_first_command", 0, "Reply-Text", "+OK will linger 1 seconds"),
    ("e7_first_command", 2, "Unique-ID", "f18b5f17-2166-4c76-9490-c80e7f617c2b"),
    ("e7_first_command", 2, "Control", "full"),
    ("e7_first_command", 8, "Content-Disposition", "disconnect"),
    ("e8_silent_first25s", 0, "Content-Disposition", "disconnect"),
    ("f1_hangup_midplay_linger", 6, "Hangup-Cause", "ORIGINATOR_CANCEL"),
    ("f1_hangup_midplay_linger", 7, "Application-Response", "PLAYBACK ERROR"),
    ("f1_hangup_midplay_linger", 13, "Linger-Time", "10"),
    ("f1_hangup_midplay_linger", 14, "Content-Disposition", "disconnect"),
    ("f2_hangup_midplay_nolinger", 6, "Hangup-Cause", "ORIGINATOR_CANCEL"),
    ("f2_hangup_midplay_nolinger", 13, "Content-Disposition", "disconnect"),
    ("f4_hangup_linger_exit", 3, "Reply-Text", "+OK filter added. [Unique-ID]=[ff9cb1ac-f70e-4098-8891-81be1133cba7]"),
    ("f4_hangup_linger_exit", 4, "Hangup-Cause", "NORMAL_CLEARING"),
    ("f4_hangup_linger_exit", 6, "Linger-Time", "30"),
    ("f4_hangup_linger_exit", 7, "Reply-Text", "NORMAL_CLEARING"),
    ("f4_hangup_linger_exit", 9, "Content-Disposition", "disconnect"),
    ("f5_hangup_before_answer", 4, "Hangup-Cause", "ORIGINATOR_CANCEL"),
    ("f5_hangup_before_answer", 5, "Linger-Time", "3"),
    ("f5_hangup_before_answer", 10, "variable_hangup_cause", "ORIGINATOR_CANCEL"),
    ("f5_hangup_before_answer", 10, "variable_billsec", "0"),
    ("f5_hangup_before_answer", 11, "Content-Disposition", "disconnect"),
    ("f6_nolinger_pending_api", 2, "(text)", "+OK"),
    ("f6_nolinger_pending_api", 4, "Hangup-Cause", "NORMAL_CLEARING"),
    ("f6_nolinger_pending_api", 10, "Content-Disposition", "disconnect"),
    (
        "g1_dtmf_pagd",
        5,
        "Application-Data",
        "1 6 2 4000 # tone_stream://%(5000,0,300) silence_stream://250 myresult \\d+ 2000",
    ),
    ("g1_dtmf_pagd", 6, "DTMF-Digit", "1"),
    ("g1_dtmf_pagd", 6, "DTMF-Duration", "800"),
    ("g1_dtmf_pagd", 6, "DTMF-Source", "UNKNOWN"),
    ("g1_dtmf_pagd", 7, "DTMF-Digit", "2"),
    ("g1_dtmf_pagd", 8, "DTMF-Digit", "3"),
    ("g1_dtmf_pagd", 9, "DTMF-Digit", "4"),
    ("g1_dtmf_pagd", 10, "DTMF-Digit", "#"),
    ("g1_dtmf_pagd", 11, "variable_myresult", "1234"),
    ("g1_dtmf_pagd", 11, "variable_read_result", "success"),
    ("g1_dtmf_pagd", 12, "Reply-Text", "1234"),
    ("g1_dtmf_pagd", 14, "Hangup-Cause", "NORMAL_CLEARING"),
    ("g1_dtmf_pagd", 21, "Content-Disposition", "disconnect"),
    ("g2_dtmf_read_timeout", 5, "DTMF-Digit", "1"),
    ("g2_dtmf_read_timeout", 6, "DTMF-Digit", "2"),
    ("g2_dtmf_read_timeout", 7, "variable_rres", "12"),
    ("g2_dtmf_read_timeout", 7, "variable_read_result", "timeout"),
    ("g2_dtmf_read_timeout", 11, "variable_read_result", "failure"),
    ("g2_dtmf_read_timeout", 14, "Hangup-Cause", "NORMAL_CLEARING"),
    ("g2_dtmf_read_timeout", 21, "Content-Disposition", "disconnect"),
    ("g3_dtmf_divert", 5, "DTMF-Digit", "1"),
    ("g3_dtmf_divert", 6, "DTMF-Digit", "2"),
    ("g3_dtmf_divert", 8, "Command", "sendevent NOTIFY"),
    ("g3_dtmf_divert", 8, "unique-id", "0f9adf6a-5deb-4a25-9b96-f71cc8ee8efb"),
    ("g3_dtmf_divert", 8, "X-Foo", "diverted?"),
    ("g3_dtmf_divert", 12, "Hangup-Cause", "NORMAL_CLEARING"),
    ("g3_dtmf_divert", 19, "Content-Disposition", "disconnect"),
    ("g4_dtmf_idle_plain", 4, "DTMF-Digit", "1"),
    ("g4_dtmf_idle_plain", 5, "DTMF-Digit", "*"),
    ("g4_dtmf_idle_plain", 6, "DTMF-Digit", "#"),
    ("g4_dtmf_idle_plain", 7, "DTMF-Digit", "A"),
    ("g4_dtmf_idle_plain", 13, "Hangup-Cause", "NORMAL_CLEARING"),
    ("g4_dtmf_idle_plain", 20, "Content-Disposition", "disconnect"),
    (
        "h1_bridge_9196",
        7,
        "Application-Data",
        "{loopback_bowout=false,origination_uuid=33333333-aaaa-4bbb-8ccc-000000000001}loopback/9196/default",
    ),
    ("h1_bridge_9196", 8, "Bridge-A-Unique-ID", "d76edbde-4175-4432-8632-00cb06be06e4"),
    ("h1_bridge_9196", 8, "Bridge-B-Unique-ID", "33333333-aaaa-4bbb-8ccc-000000000001"),
    ("h1_bridge_9196", 9, "(text)", "+OK\n"),
    ("h1_bridge_9196", 10, "Other-Leg-Unique-ID", "33333333-aaaa-4bbb-8ccc-000000000001"),
    ("h1_bridge_9196", 13, "Reply-Text", "SUCCESS"),
    ("h1_bridge_9196", 16, "Hangup-Cause", "NORMAL_CLEARING"),
    ("h1_bridge_9196", 23, "Content-Disposition", "disconnect"),
    ("h2_bridge_busy", 10, "Reply-Text", "USER_BUSY"),
    ("h2_bridge_busy", 15, "Reply-Text", "CHAN_NOT_IMPLEMENTED"),
    ("h2_bridge_busy", 17, "Application-Data", "{loopback_bowout=false,originate_timeout=2}loopback/noanswer/default"),
    ("h2_bridge_busy", 18, "variable_originate_disposition", "NO_ANSWER"),
    ("h2_bridge_busy", 19, "Reply-Text", "NO_ANSWER"),
    ("h2_bridge_busy", 21, "Hangup-Cause", "NORMAL_CLEARING"),
    ("h2_bridge_busy", 28, "Content-Disposition", "disconnect"),
    ("h3_bridge_busy_no_continue", 6, "Hangup-Cause", "USER_BUSY"),
    ("h3_bridge_busy_no_continue", 7, "Application-UUID", "11111111-aaaa-4bbb-8ccc-000000000001"),
    ("h3_bridge_busy_no_continue", 14, "Content-Disposition", "disconnect"),
    ("i1_vars_encoding", 7, "Reply-Text", " !\"#$%&'()*+,-./0:;<=>?@A[\\]^_`a{|}~"),
    ("i1_vars_encoding", 11, "Reply-Text", "Zaß 日本 100% %41"),
    ("i1_vars_encoding", 15, "Application-Data", "nl=line1\nline2\n\nline"),
    ("i1_vars_encoding", 37, "Reply-Text", "ARRAY::one|:two, three"),
    ("i1_vars_encoding", 47, "Hangup-Cause", "NORMAL_CLEARING"),
    ("i1_vars_encoding", 52, "variable_ascii", " !\"#$%&'()*+,-./0:;<=>?@A[\\]^_`a{|}~"),
    ("i1_vars_encoding", 52, "variable_utf", "Zaß 日本 100% A"),
    ("i1_vars_encoding", 52, "variable_nl", "line1\nline2\n\nline"),
    ("i1_vars_encoding", 52, "variable_d", "4 4"),
    ("i1_vars_encoding", 52, "variable_nolocal:x", "1"),
    ("i1_vars_encoding", 52, "variable_export_vars", "nolocal:x,y"),
    ("i1_vars_encoding", 52, "variable_arr", "ARRAY::one|:two, three"),
    ("i1_vars_encoding", 54, "Content-Disposition", "disconnect"),
    ("i4_record", 7, "Record-File-Path", "/srv/fs/recordings/a.wav"),
    ("i4_record", 8, "variable_record_ms", "1760"),
    ("i4_record", 8, "variable_record_samples", "14080"),
    ("i4_record", 16, "Playback-Status", "done"),
    ("i4_record", 20, "Record-Completion-Cause", "success-maxtime"),
    ("i4_record", 28, "Hangup-Cause", "NORMAL_CLEARING"),
    ("i4_record", 35, "Content-Disposition", "disconnect"),
    ("i5_getvar_newline", 1, "Reply-Text", "+OK"),
    ("i5_getvar_newline", 2, "Reply-Text", "line1"),
    ("i6_badbytes_json", 5, "Application-Data", "bad=caf\udce9 tab\there ctl\x01\x1b end"),
    ("i6_badbytes_json", 8, "Application-Data", "nl=one\ntwo\n"),
    ("i6_badbytes_json", 11, "Application-Data", "trunc=日\udce6\udc9c"),
    ("i6_badbytes_json", 14, "Application-Data", "pct=100%25 a%20b"),
    ("i6_badbytes_json", 16, "Reply-Text", "100%25 a%20b"),
    ("i6_badbytes_json", 18, "Hangup-Cause", "NORMAL_CLEARING"),
    ("i6_badbytes_json", 23, "variable_bad", "caf\udce9 tab\there ctl\x01\x1b end"),
    ("i6_badbytes_json", 23, "variable_trunc", "日\udce6\udc9c"),
    ("i6_badbytes_json", 23, "variable_nl", "one\ntwo\n"),
    ("i6_badbytes_json", 23, "variable_pct", "100%25 a%20b"),
    ("i6_badbytes_json", 23, "variable_DP_MATCH", "ARRAY::ans_async_full_8084|:8084"),
    ("i6_badbytes_json", 25, "Content-Disposition", "disconnect"),
    ("i7_badbytes_plain", 5, "Application-Data", "bad=caf\udce9 tab\there ctl\x01\x1b end"),
    ("i7_badbytes_plain", 8, "Application-Data", "nl=one\ntwo\n"),
    ("i7_badbytes_plain", 11, "Application-Data", "trunc=日\udce6\udc9c"),
    ("i7_badbytes_plain", 14, "Application-Data", "pct=100% a b"),
    ("i7_badbytes_plain", 16, "Reply-Text", "100%25 a%20b"),
    ("i7_badbytes_plain", 18, "Hangup-Cause", "NORMAL_CLEARING"),
    ("i7_badbytes_plain", 23, "variable_bad", "caf\udce9 tab\there ctl\x01\x1b end"),
    ("i7_badbytes_plain", 23, "variable_trunc", "日\udce6\udc9c"),
    ("i7_badbytes_plain", 23, "variable_nl", "one\ntwo\n"),
    ("i7_badbytes_plain", 23, "variable_pct", "100% a b"),
    ("i7_badbytes_plain", 23, "variable_DP_MATCH", "ARRAY::ans_async_full_8084|:8084"),
    ("i7_badbytes_plain", 25, "Content-Disposition", "disconnect"),
    ("i8_badbytes_xml", 5, "Application-Data", "bad=caf\udce9 tab\there ctl\x01\x1b end"),
    ("i8_badbytes_xml", 8, "Application-Data", "nl=one\ntwo\n"),
    ("i8_badbytes_xml", 11, "Application-Data", "trunc=日\udce6\udc9c"),
    ("i8_badbytes_xml", 14, "Application-Data", "pct=100% a b"),
    ("i8_badbytes_xml", 16, "Reply-Text", "100%25 a%20b"),
    ("i8_badbytes_xml", 18, "Hangup-Cause", "NORMAL_CLEARING"),
    ("i8_badbytes_xml", 23, "variable_bad", "caf\udce9 tab\there ctl\x01\x1b end"),
    ("i8_badbytes_xml", 23, "variable_trunc", "日\udce6\udc9c"),
    ("i8_badbytes_xml", 23, "variable_nl", "one\ntwo\n"),
    ("i8_badbytes_xml", 23, "variable_pct", "100% a b"),
    ("i8_badbytes_xml", 23, "variable_DP_MATCH", "ARRAY::ans_async_full_8084|:8084"),
    ("i8_badbytes_xml", 25, "Content-Disposition", "disconnect"),
    ("j1_failover_first_closed", 1, "Reply-Text", "127.0.0.1"),
    ("j1_failover_first_closed", 3, "Content-Disposition", "disconnect"),
    ("j4_app_closes_after_connect", 0, "Channel-Name", "loopback/afterwards_8084-b"),
    ("j4_app_closes_after_connect", 2, "Event-Name", "CHANNEL_PARK"),
    ("j5_app_closes_midplay", 4, "Event-Name", "CHANNEL_PROGRESS_MEDIA"),
    ("j5_app_closes_midplay", 5, "Application-Data", "tone_stream://%(3000,0,300)"),
    ("j6_shutwr", 4, "Content-Disposition", "disconnect"),
    ("j7_connect_exit_pipelined", 2, "Content-Disposition", "disconnect"),
    ("j8_connect_then_close", 0, "variable_DP_MATCH", "ARRAY::afterwards_8084|:8084"),
    ("k1_rst_midcall", 5, "Event-Name", "CHANNEL_PROGRESS_MEDIA"),
    ("k1_rst_midcall", 6, "Application-Data", "tone_stream://%(2000,0,300)"),
    ("l1_pipelining", 11, "Application-Data", "crlf=yes"),
    ("l1_pipelining", 16, "Reply-Text", "lf1"),
    ("l1_pipelining", 23, "Application-Data", "split=abcd"),
    ("l1_pipelining", 24, "Reply-Text", "abcd"),
    ("l1_pipelining", 26, "Content-Disposition", "disconnect"),
    ("l2_uppercase_prefixes", 3, "Reply-Text", "-ERR invalid log level"),
    ("l2_uppercase_prefixes", 4, "Reply-Text", "-ERR not loging"),
    ("l2_uppercase_prefixes", 5, "Reply-Text", "4cfa7669-c78f-47e2-b5d9-f4891bc36e8f"),
    ("l2_uppercase_prefixes", 11, "Reply-Text", "+OK will linger 5 seconds"),
    ("l2_uppercase_prefixes", 14, "Content-Disposition", "disconnect"),
    ("m1_sockvar", 0, "variable_socket_host", "127.0.0.1"),
    ("m1_sockvar", 2, "Content-Disposition", "disconnect"),
    ("m2_sockpath", 0, "variable_socket_path", "ivr/menu?a=1"),
    ("m2_sockpath", 0, "variable_socket_host", "127.0.0.1"),
    ("m2_sockpath", 0, "variable_current_application_data", "127.0.0.1:8084/ivr/menu?a=1 async full"),
    ("m2_sockpath", 1, "Reply-Text", "ivr/menu?a=1"),
    ("m2_sockpath", 3, "Content-Disposition", "disconnect"),
    ("m4_transfer", 6, "Application-Data", "silence XML default"),
    ("m4_transfer", 13, "Application-Data", "silence_stream://-1"),
    ("m4_transfer", 14, "Reply-Text", "playback"),
    ("m4_transfer", 15, "Hangup-Cause", "NORMAL_CLEARING"),
    ("m4_transfer", 21, "Content-Disposition", "disconnect"),
    ("q1_resume_before_hangup", 2, "Content-Disposition", "disconnect"),
    ("q2_sync_resume_exit", 3, "Content-Disposition", "disconnect"),
    ("q3_sync_resume_last", 3, "Content-Disposition", "disconnect"),
    ("s1_sip_caller_bye", 0, "Channel-Network-Addr", "127.0.0.1"),
    ("s1_sip_caller_bye", 0, "variable_sip_full_from", "sipp <sip:sipp@127.0.0.1:5070>;tag=591SIPpTag001"),
    (
        "s1_sip_caller_bye",
        0,
        "variable_switch_r_sdp",
        "v=0\r\no=user1 53655765 2353687637 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 "
        "127.0.0.1\r\nt=0 0\r\nm=audio 6000 RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n",
    ),
    ("s1_sip_caller_bye", 0, "variable_sip_subject", "Performance Test"),
    ("s1_sip_caller_bye", 10, "Hangup-Cause", "NORMAL_CLEARING"),
    ("s1_sip_caller_bye", 16, "variable_billsec", "2"),
    ("s1_sip_caller_bye", 17, "Channel-Name", "sofia/internal/sipp@127.0.0.1:5070"),
    ("s1_sip_caller_bye", 18, "Content-Disposition", "disconnect"),
    ("t1_shutdown_midcall", 6, "Hangup-Cause", "SYSTEM_SHUTDOWN"),
    ("t1_shutdown_midcall", 7, "Linger-Time", "10"),
    ("t1_shutdown_midcall", 13, "variable_hangup_cause_q850", "16"),
    ("t1_shutdown_midcall", 14, "Content-Disposition", "disconnect"),
    ("u1_misc", 4, "Application-UUID", "my id/1 100%"),
    ("u1_misc", 14, "Event-Name", "CHANNEL_PROGRESS"),
    ("u1_misc", 28, "Application-Data", "1 4 1 5000 # tone_stream://%(5000,0,300) silence_stream://250 digits \\d+"),
    ("u1_misc", 31, "Hangup-Cause", "CALL_REJECTED"),
    ("u1_misc", 37, "variable_billsec", "2"),
    ("u1_misc", 38, "Content-Disposition", "disconnect"),
    ("u2_event_lock_set", 9, "Reply-Text", "2"),
    ("u2_event_lock_set", 16, "Application-UUID", "same"),
    ("u2_event_lock_set", 19, "Application-UUID", "same"),
    ("u2_event_lock_set", 23, "Hangup-Cause", "NORMAL_CLEARING"),
    ("u2_event_lock_set", 25, "Application-Response", "PLAYBACK ERROR"),
    ("u2_event_lock_set", 31, "Content-Disposition", "disconnect"),
]


@cache
def recorded(name: str) -> bytes:
    return (RECORDINGS / f"{name}.raw").read_bytes()


@cache
def messages_of(name: str) -> list[Message]:
    messages, failed = read_messages([recorded(name)])
    assert failed == (name == BROKEN)
    return messages


def event_of(name: str, index: int) -> Event:
    message = messages_of(name)[index]
    assert isinstance(message, Event)
    return message


def stated(message: Message, what: str) -> str:
    """A header's value, or the text of what has none."""
    match message:
        case Event():
            return message.body if what == "(text)" else message[what]
        case LogLine() | DisconnectNotice():
            return message.text if what == "(text)" else message.headers[what]
        case Reply():
            return message.headers[what]
        case ApiResponse():
            assert what == "(text)"
            return message.text
        case _:
            raise AssertionError(message)


# All of them


def test_every_recording_is_looked_at() -> None:
    assert sorted([*RECORDED, *EMPTY]) == sorted(path.stem for path in RECORDINGS.glob("*.raw"))
    assert {name for name, *_ in FACTS} == set(RECORDED)


@pytest.mark.parametrize("name", EMPTY)
def test_a_connection_that_was_closed_at_once_brought_nothing(name: str) -> None:
    assert recorded(name) == b""
    assert messages_of(name) == []


@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_has_this_many_messages_about_this_channel(name: str) -> None:
    count, uuid, answer_state, mode, control = RECORDED[name]
    messages = messages_of(name)
    assert len(messages) == int(count)
    greetings = [message for message in messages if isinstance(message, ConnectReply)]
    for greeting in greetings:
        assert (greeting.channel_uuid, greeting.ok, greeting.text) == (uuid, True, "+OK")
        assert greeting.headers["Answer-State"] == answer_state
        assert (greeting.headers["Socket-Mode"], greeting.headers["Control"]) == (mode, control)
        assert (greeting.is_async, greeting.is_full) == (mode == "async", control == "full")
        assert greeting.variables["uuid"] == uuid
        assert greeting.variables["channel_name"] == greeting.headers["Channel-Name"]
    assert bool(greetings) == (mode != "-")
    for message in messages:
        if isinstance(message, DisconnectNotice):
            assert message.headers["Controlled-Session-UUID"] == uuid


@pytest.mark.parametrize("name", dict.fromkeys(name for name, *_ in FACTS))
def test_a_recording_tells_these_facts(name: str) -> None:
    for other, index, what, value in FACTS:
        if other == name:
            assert (index, what, stated(messages_of(name)[index], what)) == (index, what, value)


@pytest.mark.parametrize("size", [1, 7, 4096])
@pytest.mark.parametrize("name", RECORDED)
def test_a_recording_gives_the_same_messages_in_pieces_of_any_size(name: str, size: int) -> None:
    messages, failed = read_messages(pieces(recorded(name), size))
    assert failed == (name == BROKEN)
    assert [everything(message) for message in messages] == [everything(message) for message in messages_of(name)]


@pytest.mark.parametrize("name", sorted(set(RECORDED) - {BROKEN}))
def test_a_recording_ends_at_the_end_of_a_frame(name: str) -> None:
    reader = FrameReader()
    frames, failed = read_frames([recorded(name)], reader)
    assert (str(len(frames)), failed, reader.inside_frame) == (RECORDED[name][0], False, False)


@pytest.mark.parametrize("name", RECORDED)
def test_nothing_recorded_is_unknown(name: str) -> None:
    for message in messages_of(name):
        assert isinstance(message, Event | Reply | ApiResponse | LogLine | DisconnectNotice)
        if isinstance(message, Event):
            assert isinstance(message.name, EventName) or message.name == ""
        assert everything(message)


@pytest.mark.parametrize("name", RECORDED)
def test_a_block_of_any_format_tells_the_same_as_the_headers(name: str) -> None:
    for message in messages_of(name):
        if isinstance(message, Event):
            again = Event(message.block + b"\n")
            assert again.name == message.name
            # Not compared: a `%` that JSON can tell and the plain form cannot, and bytes that are no text.
            for (other, found), (header, value) in zip(again.headers.pairs(), message.headers.pairs(), strict=True):
                assert other == header
                assert found == value or "%" in value or not value.isascii()


# Some of them


def test_a_variable_with_line_breaks_breaks_the_framing_and_is_found_out() -> None:
    for size in (1, 7, 4096, 100_000):
        messages, failed = read_messages(pieces(recorded(BROKEN), size))
        assert failed
        assert [type(message) for message in messages] == [ConnectReply, Reply, Reply]
        assert stated(messages[2], "Reply-Text") == "line1"


@pytest.mark.parametrize(
    ("name", "event_format", "percent"),
    [
        ("i6_badbytes_json", EventFormat.JSON, "100%25 a%20b"),
        # The plain form and XML cannot tell `%25` from an encoded percent sign.
        ("i7_badbytes_plain", EventFormat.PLAIN, "100% a b"),
        ("i8_badbytes_xml", EventFormat.XML, "100% a b"),
    ],
)
def test_bytes_that_are_no_text_read_the_same_in_every_format(
    name: str, event_format: EventFormat, percent: str
) -> None:
    event = event_of(name, 23)
    assert event.name is EventName.CHANNEL_HANGUP_COMPLETE
    assert event.format is event_format
    bad = event.variables["bad"]
    assert bad == "caf\udce9 tab\there ctl\x01\x1b end"
    assert bad.encode("utf-8", "surrogateescape") == b"caf\xe9 tab\there ctl\x01\x1b end"
    assert event.variables["trunc"].encode("utf-8", "surrogateescape") == b"\xe6\x97\xa5\xe6\x9c"
    assert event.variables["nl"] == "one\ntwo\n"
    assert event.variables["pct"] == percent
    assert event.variables.get_array("DP_MATCH") == ["ans_async_full_8084", "8084"]
    assert event.headers.get_all("Hangup-Cause") == ["NORMAL_CLEARING", "NORMAL_CLEARING"]


@pytest.mark.parametrize("name", ["b_myevents_json", "b_myevents_xml"])
def test_an_array_variable_reads_the_same_in_json_and_xml(name: str) -> None:
    assert event_of(name, 20).variables["arr"] == "one"
    assert event_of(name, 30).variables["arr"] == "ARRAY::one|:two"
    assert event_of(name, 20).variables.get_array("arr") == ["one"]
    assert event_of(name, 30).variables.get_array("arr") == ["one", "two"]
    assert event_of(name, 30).variables.get_array("DP_MATCH") == ["async_full_8084", "8084"]


def test_an_array_variable_of_the_plain_form_has_its_items() -> None:
    variables = event_of("i1_vars_encoding", 52).variables
    assert variables.get_array("arr") == ["one", "two, three"]
    assert variables["nolocal:x"] == "1"
    assert "nolocal" not in variables


@pytest.mark.parametrize(
    ("index", "body", "lengths"),
    [
        (4, "hello world", ["11", "11"]),
        (6, "", []),
        (14, "hello world", ["11", "11"]),
        (17, "hello world", ["11", "11"]),
        (20, "Zaß: 1\n\nEvent", ["14", "14"]),
    ],
)
def test_an_event_with_a_body_has_its_length_twice_and_its_body_once(index: int, body: str, lengths: list[str]) -> None:
    event = event_of("e4_sendevent", index)
    assert event.name is EventName.CUSTOM
    assert event.subclass == "my::event"
    assert event.body == body
    assert event.headers.get_all("Content-Length") == lengths


def test_a_background_job_brings_what_it_printed() -> None:
    event = event_of("e12_bgapi_myevents", 6)
    assert event.name is EventName.BACKGROUND_JOB
    assert event.body == (
        "UP 0 years, 0 days, 0 hours, 15 minutes, 7 seconds, 448 milliseconds, 361 microseconds\n"
        "FreeSWITCH (Version 1.11.3-dev  64bit) is ready\n"
        "150 session(s) since startup\n"
        "2 session(s) - peak 4, last 5min 2 \n"
        "2 session(s) per Sec out of max 1000, peak 4, last 5min 2 \n"
        "5000 session(s) max\n"
        "min idle cpu 0.00/99.03\n"
        "Current Stack Size/Max 240K/240K\n"
    )
    assert event_of("e1_commands", 18).body == "hello world"
    assert event_of("e1_commands", 20).body == "-ERR nosuchcommand Command not found!\n"
    assert event_of("e1_commands", 23).body == "-ERR USER_BUSY\n"


def test_an_event_to_the_session_repeats_headers_and_has_no_name() -> None:
    event = event_of("e12_bgapi_myevents", 9)
    assert event.name == ""
    assert event.headers.get_all("X-A") == ["1", "2", "3"]
    assert event.headers.get_all("Unique-ID") == ["1ae8af96-8a3c-4f9e-9b78-cdb19c6574fe"] * 2
    assert event_of("g3_dtmf_divert", 8).name == ""


def test_log_lines_have_a_level_and_a_channel() -> None:
    lines = [message for message in messages_of("e6_log7") if isinstance(message, LogLine)]
    assert [line.level for line in lines] == [7, 6, 5, 7, 5, 7, 7, 6, 7, 7, 7, 7, 7, 6, 7, 6, 4]
    assert lines[0].channel_uuid == "86dcf8db-bbb6-401a-9ab9-ba929c8d627c"
    assert lines[6].channel_uuid == ""
    assert lines[16].text == "2026-11-22 21:58:33.251796 97.93% [WARNING] mod_dptools.c:1865 hello Zaß 100%\n"


@pytest.mark.parametrize(
    ("name", "index", "is_linger", "seconds"),
    [
        ("a1_async_full_plain", 23, True, 5),
        ("a1_async_full_plain", 26, False, None),
        ("a2_async_full_nolock_linger_forever", 30, True, None),
        ("f4_hangup_linger_exit", 6, True, 30),
        ("t1_shutdown_midcall", 7, True, 10),
        ("e8_silent_first25s", 0, False, None),
    ],
)
def test_notices_tell_a_linger_from_the_end(name: str, index: int, is_linger: bool, seconds: int | None) -> None:
    notice = messages_of(name)[index]
    assert isinstance(notice, DisconnectNotice)
    assert (notice.is_linger, notice.linger_seconds) == (is_linger, seconds)
    goodbye = "Disconnected, goodbye.\nSee you at ClueCon! http://www.cluecon.com/\n"
    assert notice.text == ("" if is_linger else goodbye)


def test_digits_come_in_the_order_they_were_dialled() -> None:
    for name, digits in {
        "g1_dtmf_pagd": "1234#",
        "g2_dtmf_read_timeout": "12",
        "g3_dtmf_divert": "12",
        "g4_dtmf_idle_plain": "1*#A",
    }.items():
        events = [message for message in messages_of(name) if isinstance(message, Event)]
        assert "".join(event["DTMF-Digit"] for event in events if event.name is EventName.DTMF) == digits


def test_a_connection_without_full_refuses_what_needs_it() -> None:
    for name in ("d_async_notfull", "d2_sync_notfull"):
        refused = [
            index
            for index, message in enumerate(messages_of(name))
            if isinstance(message, Reply) and message.text == "-ERR command not found" and not message.ok
        ]
        assert refused == [1, 2, 3, 4, 5, 6, 11, 12, 13, 14, 15, 16, 25]


def test_a_recording_goes_through_a_connection_that_asked_nothing() -> None:
    connection = Connection()
    connection.receive(recorded("e1_commands"))
    found = []
    while (message := connection.next_message()) is not None:
        found.append(message)
    assert len(found) == 83
    assert not connection.inside_frame


# Any cutting, any damage

# One frame of each sort as FreeSWITCH wrote it, none of them long.
SAMPLES = [
    ("e8_silent_first25s", 0),
    ("e1_commands", 3),
    ("e1_commands", 16),
    ("e1_commands", 44),
    ("e4_sendevent", 4),
    ("e4_sendevent", 14),
    ("e4_sendevent", 17),
    ("e4_sendevent", 20),
    ("e6_log7", 9),
    ("g3_dtmf_divert", 8),
    ("j8_connect_then_close", 0),
]


@cache
def sample(name: str, index: int) -> bytes:
    frame = read_frames([recorded(name)])[0][index]
    return frame.head + b"\n" + frame.body


SAMPLED = st.lists(st.sampled_from(SAMPLES), min_size=1, max_size=4).map(
    lambda chosen: b"".join(sample(name, index) for name, index in chosen)
)
DAMAGE = st.lists(
    st.tuples(st.integers(0, 5000), st.integers(0, 8), st.binary(max_size=3) | st.sampled_from([b"\n\n", b"9", b"<"])),
    min_size=1,
    max_size=4,
)


@pytest.mark.parametrize(("name", "index"), SAMPLES)
def test_a_sample_is_the_message_that_was_recorded(name: str, index: int) -> None:
    assert sample(name, index) in recorded(name)
    assert everything(read_one(sample(name, index))) == everything(messages_of(name)[index])


@settings(deadline=None, max_examples=100)
@given(data=SAMPLED, places=st.lists(st.integers(0, 8000), max_size=20))
def test_any_cutting_gives_the_same_messages(data: bytes, places: list[int]) -> None:
    whole, failed = read_messages([data])
    assert not failed
    cut, failed = read_messages(cut_at(data, places))
    assert not failed
    assert [everything(message) for message in cut] == [everything(message) for message in whole]


@settings(deadline=None, max_examples=300)
@given(data=SAMPLED, damage=DAMAGE, places=st.lists(st.integers(0, 8000), max_size=5))
def test_damaged_messages_tell_what_they_can_or_are_refused(
    data: bytes, damage: list[tuple[int, int, bytes]], places: list[int]
) -> None:
    for place, length, replacement in damage:
        start = place % (len(data) + 1)
        data = data[:start] + replacement + data[start + length :]
    whole, whole_failed = read_messages([data])
    cut, cut_failed = read_messages(cut_at(data, places))
    assert [everything(message) for message in cut] == [everything(message) for message in whole]
    assert cut_failed == whole_failed
