"""What others are told of the call: caller ID, SIP headers, presence, codecs, log lines and events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from esl_outbound import ApplicationFailed, CallHandler, LocalProtocolError, NotPermitted
from esl_outbound.call.identifying import Privacy
from esl_outbound.call.sip_headers import SipMessage
from esl_outbound.call.tuning import AudioDirection
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import CHANNEL, OK, REFUSED, ScriptedSwitch, api_response, connect_reply, dial

EVIL = 'O\'Hara "Bob" ${system(touch x)} a\\nb \udce9, | ;'
LITERAL = 'O\'Hara "Bob" \\${system(touch x)} a\\\\nb \udce9, | ;'


async def expect_all(switch: ScriptedSwitch, *executed: tuple[str, str], **headers: str) -> None:
    """Read applications that come in one write, and complete them."""
    uuids = [await switch.expect_execute(application, argument) for application, argument in executed]
    for uuid, (application, _) in zip(uuids, executed, strict=True):
        await switch.send(switch.execute(uuid, application), switch.complete(uuid, application, **headers))


async def executed_by(run: Callable[[CallHandler], Awaitable[object]], *executed: tuple[str, str]) -> None:
    """See that a method executes these applications, in one write, and returns."""

    class Handler(CallHandler):
        async def run(self) -> None:
            await run(self)

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(switch, *executed)
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def refused(*attempts: Callable[[CallHandler], Awaitable[object]]) -> None:
    """See that each raises before anything is sent."""

    class Handler(CallHandler):
        async def run(self) -> None:
            for number, attempt in enumerate(attempts):
                with pytest.raises(LocalProtocolError):
                    await attempt(self)
                    pytest.fail(f"number {number} was not refused")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


# Caller ID


async def test_the_callers_name_and_number_are_changed_literally() -> None:
    await executed_by(
        lambda call: call.set_caller_id(name=EVIL, number="+491234"),
        ("set_profile_var", f"caller_id_name={LITERAL}"),
        ("set_profile_var", "caller_id_number=+491234"),
    )
    await executed_by(lambda call: call.set_caller_id(number=""), ("set_profile_var", "caller_id_number="))
    await executed_by(lambda call: call.set_callee_id(name="Desk"), ("set_profile_var", "callee_id_name=Desk"))
    await executed_by(
        lambda call: call.set_callee_id(name="Desk", number="1"),
        ("set_profile_var", "callee_id_name=Desk"),
        ("set_profile_var", "callee_id_number=1"),
    )
    await executed_by(lambda call: call.set_caller_id())


async def test_the_caller_id_for_bridges_is_of_its_own() -> None:
    await executed_by(
        lambda call: call.set_effective_caller_id(name="${x}", number=""),
        ("set", r"effective_caller_id_name=\\\${x}"),
        ("set", "effective_caller_id_number="),
    )


async def test_a_caller_id_that_would_end_its_sip_header_is_refused() -> None:
    await refused(
        lambda call: call.set_caller_id(name="a\r\nX-Evil: 1"),
        lambda call: call.set_caller_id(name="fine", number="1\n2"),
        lambda call: call.set_effective_caller_id(name="a\x00"),
        lambda call: call.set_callee_id(number="\x7f"),
        lambda call: call.set_channel_name(""),
        lambda call: call.set_channel_name("a\nb"),
    )


async def test_a_channel_gets_another_name() -> None:
    await executed_by(lambda call: call.set_channel_name("a ${b}"), ("set_name", r"a \${b}"))


@pytest.mark.parametrize("privacy", [Privacy.NAME, Privacy.NUMBER, Privacy.FULL, "full"])
async def test_privacy_is_exactly_what_was_asked_for(privacy: str) -> None:
    await executed_by(lambda call: call.set_privacy(privacy), ("privacy", "no"), ("privacy", str(privacy)))


async def test_no_privacy_is_said_once_and_an_unknown_one_is_refused() -> None:
    await executed_by(lambda call: call.set_privacy(Privacy.NONE), ("privacy", "no"))
    await refused(lambda call: call.set_privacy("everything"))


async def test_a_user_of_the_directory_is_found_or_not() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.set_user("1000@example.org")
            await self.set_user("1000@example.org", prefix="his_")
            with pytest.raises(ApplicationFailed, match="found no user nobody@example"):
                await self.set_user("nobody@example.org")

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(
            switch,
            ("multiunset", "user_name domain_name"),
            ("set_user", "1000@example.org"),
            variable_user_name="1000",
            variable_domain_name="example.org",
        )
        await expect_all(
            switch,
            ("multiunset", "his_user_name his_domain_name"),
            ("set_user", "1000@example.org his_"),
            variable_his_user_name="1000",
        )
        await expect_all(switch, ("multiunset", "user_name domain_name"), ("set_user", "nobody@example.org"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_what_is_no_user_is_refused() -> None:
    await refused(
        lambda call: call.set_user("1000"),
        lambda call: call.set_user("@example.org"),
        lambda call: call.set_user("1000@"),
        lambda call: call.set_user("10 00@example.org"),
        lambda call: call.set_user("${x}@example.org"),
        lambda call: call.set_user("1000@example.org", prefix="a b"),
    )


# SIP headers


async def test_sip_headers_of_the_caller_are_a_mapping_whatever_their_case() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            headers = self.sip_headers
            assert headers["x-campaign"] == "Zä 100% ab=c;d"
            assert headers["X-Campaign"] == "Zä 100% ab=c;d"
            assert "X-CAMPAIGN" in headers
            assert "X-Other" not in headers
            assert headers.get("x-other") is None
            with pytest.raises(KeyError, match="X-Other"):
                headers["X-Other"]
            assert dict(headers) == {"X-Campaign": "Zä 100% ab=c;d", "User-to-User": "1;encoding=hex"}
            assert len(headers) == 2
            assert repr(headers).startswith("<SipHeaders {'X-Campaign'")

    # The first as a SIP call of SIPp's brought it.
    reply = connect_reply(campaign="Z%C3%A4%20100%25%20ab%3Dc%3Bd", user="1%3Bencoding%3Dhex", a="b")
    reply = reply.replace(b"_campaign:", b"_sip_h_X-Campaign:").replace(b"_user:", b"_sip_h_User-to-User:")
    async with dial(Handler) as switch:
        await switch.greet(reply)
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    ("message", "prefix"),
    [
        (SipMessage.RESPONSE, "sip_rh_"),
        (SipMessage.PROGRESS, "sip_ph_"),
        (SipMessage.BYE, "sip_bye_h_"),
        (SipMessage.REFER, "sip_h_"),
        ("bye", "sip_bye_h_"),
    ],
)
async def test_sip_headers_go_out_with_the_message_that_was_asked_for(message: str, prefix: str) -> None:
    await executed_by(
        lambda call: call.set_sip_headers({"X-Ticket": 'a "b" ${c};d', "X-Old": None}, message=message),
        ("set", prefix + r'X-Ticket=a "b" \\\${c};d'),
        ("set", prefix + "X-Old="),
    )


async def test_sip_headers_of_legs_are_exported_and_taken_back() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.set_sip_headers({"X-Ticket": "a, {b}"})
            await self.set_sip_headers({"X-Ticket": None})

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(
            switch, ("export", "nolocal:sip_h_X-Ticket=a, {b}"), variable_export_vars="nolocal%3Asip_h_X-Ticket"
        )
        await expect_all(switch, ("set", "export_vars="), ("multiunset", "nolocal:sip_h_X-Ticket"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_sip_headers_that_would_make_others_are_refused() -> None:
    await refused(
        lambda call: call.set_sip_headers({"X-A": "1", "X-B": "a\r\nX-Evil: 1"}),
        lambda call: call.set_sip_headers({"X-A": "a\nb"}, message=SipMessage.BYE),
        lambda call: call.set_sip_headers({"X-A": "a\0b"}, message=SipMessage.BYE),
        lambda call: call.set_sip_headers({"X-A": "${x}"}),
        lambda call: call.set_sip_headers({"X-A: 1\r\nX-B": "1"}),
        lambda call: call.set_sip_headers({"X A": "1"}),
        lambda call: call.set_sip_headers({"X=A": "1"}),
        lambda call: call.set_sip_headers({"": "1"}),
        lambda call: call.set_sip_headers({"Content-Length": "1"}, message=SipMessage.RESPONSE),
        lambda call: call.set_sip_headers({"v": "1"}),
        lambda call: call.set_sip_headers({"X-A": "1"}, message="ACK"),
    )


# Presence


async def test_presence_is_sent_in_quoted_words() -> None:
    await executed_by(
        lambda call: call.send_presence("it's on the phone", presence_id="1000@example.org"),
        ("presence", r"unknown 'it\\'s on the phone' 1000@example.org"),
    )
    await executed_by(lambda call: call.send_presence("idle", rpid="away"), ("presence", "away idle"))
    await refused(
        lambda call: call.send_presence(""),
        lambda call: call.send_presence("a\nb"),
        lambda call: call.send_presence("a", rpid="two words"),
        lambda call: call.send_presence("a", presence_id="two words"),
    )


# Media


async def test_codecs_are_told() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert (self.read_codec, self.read_rate, self.write_codec, self.write_rate) == ("", None, "", None)
            await self.answer()
            assert (self.read_codec, self.read_rate) == ("PCMU", 8000)
            assert (self.write_codec, self.write_rate) == ("opus", 48000)

    async with dial(Handler) as switch:
        await switch.greet()
        codecs = {"Channel_Read_Codec_Name": "PCMU", "Channel_Read_Codec_Rate": "8000"}
        codecs |= {"Channel_Write_Codec_Name": "opus", "Channel_Write_Codec_Rate": "48000"}
        await expect_all(switch, ("answer", ""), **codecs)
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_codecs_are_filtered_if_the_caller_offered_any() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.filter_codecs(["opus@48000h@20i", "PCMU"])
            with pytest.raises(ApplicationFailed, match="found no offer"):
                await self.filter_codecs(["PCMU"])

    async with dial(Handler) as switch:
        await switch.greet()
        await expect_all(
            switch,
            ("multiunset", "filter_codec_string"),
            ("filter_codecs", "opus@48000h@20i,PCMU"),
            variable_filter_codec_string="opus%4048000h%4020i,PCMU",
        )
        await expect_all(switch, ("multiunset", "filter_codec_string"), ("filter_codecs", "PCMU"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_codecs_of_this_call_and_of_bridges() -> None:
    await executed_by(lambda call: call.set_codecs(["PCMA", "PCMU"]), ("set", "absolute_codec_string=PCMA,PCMU"))
    await executed_by(lambda call: call.set_codecs([]), ("set", "absolute_codec_string="))
    await executed_by(
        lambda call: call.set_bridge_codecs(["mod_spandsp.G722@8000h"]),
        ("export", "nolocal:absolute_codec_string=mod_spandsp.G722@8000h"),
    )
    await executed_by(lambda call: call.set_bridge_codecs([]))
    await refused(
        lambda call: call.filter_codecs([]),
        lambda call: call.filter_codecs("PCMU"),
        lambda call: call.set_codecs(["PCMU,PCMA"]),
        lambda call: call.set_codecs(["PC MU"]),
        lambda call: call.set_bridge_codecs(["${x}"]),
    )


async def test_jitter_buffer() -> None:
    await executed_by(lambda call: call.start_jitterbuffer(0.06), ("jitterbuffer", "60"))
    await executed_by(lambda call: call.start_jitterbuffer(0.06, max_seconds=0.2), ("jitterbuffer", "60:200"))
    await executed_by(lambda call: call.stop_jitterbuffer(), ("jitterbuffer", "stop"))
    await executed_by(lambda call: call.pause_jitterbuffer(), ("jitterbuffer", "pause"))
    await executed_by(lambda call: call.resume_jitterbuffer(), ("jitterbuffer", "resume"))
    await refused(
        lambda call: call.start_jitterbuffer(0),
        lambda call: call.start_jitterbuffer(60),
        lambda call: call.start_jitterbuffer(0.06, max_seconds=0.02),
    )


async def test_volume_and_silence() -> None:
    await executed_by(lambda call: call.set_audio_level(-4), ("set_audio_level", "write -4"))
    await executed_by(lambda call: call.set_audio_level(2, "both"), ("set_audio_level", "both 2"))
    await executed_by(lambda call: call.set_mute(True), ("set_mute", "read 1"))
    await executed_by(lambda call: call.set_mute(False, AudioDirection.BOTH), ("set_mute", "both 0"))
    await refused(
        lambda call: call.set_audio_level(5),
        lambda call: call.set_audio_level(1, "sideways"),
        lambda call: call.set_mute(True, "sideways"),
    )


# Log lines and events


async def test_a_log_line_is_written_literally() -> None:
    await executed_by(lambda call: call.log_line("info", EVIL), ("log", f"info {LITERAL}"))
    await executed_by(lambda call: call.log_line("WARNING", "two\nlines"), ("log", "warning two\nlines"))
    await executed_by(lambda call: call.log_line(7, ""), ("log", "7 "))
    await executed_by(lambda call: call.dump_to_log(), ("info", "info"))
    await executed_by(lambda call: call.set_loglevel("debug"), ("session_loglevel", "debug"))
    await refused(
        lambda call: call.log_line("loud", "x"),
        lambda call: call.log_line("", "x"),
        lambda call: call.dump_to_log("info x"),
        lambda call: call.set_loglevel(11),
    )


async def test_an_event_is_fired_with_headers_that_are_quoted() -> None:
    await executed_by(lambda call: call.fire_event({"Step": "2"}), ("event", "Step=2"))
    await executed_by(
        lambda call: call.fire_event({"Who": "it's a, b", "Evil": "${x}"}, subclass="shop::order"),
        ("event", r"Event-Name=CUSTOM,Event-Subclass=shop::order,'Who=it\\'s a, b','Evil=\${x}'"),
    )
    await executed_by(
        lambda call: call.fire_event({"A": "a\nb"}, name="CHANNEL_DATA"), ("event", "Event-Name=CHANNEL_DATA,'A=a\nb'")
    )
    await refused(
        lambda call: call.fire_event({"A": ""}),
        lambda call: call.fire_event({"A": " b"}),
        lambda call: call.fire_event({"A": "ARRAY::a|:b"}),
        lambda call: call.fire_event({"A=B": "1"}),
        lambda call: call.fire_event({"": "1"}),
        lambda call: call.fire_event({"Event-Name": "1"}),
        lambda call: call.fire_event({"_body": "1"}),
        lambda call: call.fire_event({}, name="CUSTOM"),
        lambda call: call.fire_event({}, name="CHANNEL_DATA", subclass="a::b"),
        lambda call: call.fire_event({}, name="no name"),
        lambda call: call.fire_event({}, subclass="a b"),
        lambda call: call.fire_event({f"A{number}": "1" for number in range(26)}),
    )


async def test_verbose_events_and_heartbeats_are_switched_on() -> None:
    await executed_by(lambda call: call.enable_verbose_events(), ("verbose_events", ""))
    await executed_by(lambda call: call.enable_heartbeat(), ("enable_heartbeat", "60"))
    await executed_by(lambda call: call.enable_heartbeat(1.5), ("enable_heartbeat", "2"))
    await refused(lambda call: call.enable_heartbeat(0))


async def test_an_access_list_answers_and_does_not_hang_up() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            assert await self.check_acl("rfc1918.auto", address="10.0.0.1")
            assert not await self.check_acl("domains", address="192.0.2.1")
            await self.disable_heartbeat()
            with pytest.raises(LocalProtocolError):
                await self.check_acl("domains")  # a loopback channel has no address
            with pytest.raises(LocalProtocolError):
                await self.check_acl("two words", address="10.0.0.1")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect("api acl 10.0.0.1 rfc1918.auto")
        await switch.send(api_response("true"))
        await switch.expect("api acl 192.0.2.1 domains")
        await switch.send(api_response("false"))
        await switch.expect(f"api uuid_session_heartbeat {CHANNEL} off")
        await switch.send(api_response("+OK\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_full_no_list_can_be_asked() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(NotPermitted):
                await self.check_acl("domains", address="10.0.0.1")
            with pytest.raises(NotPermitted):
                await self.disable_heartbeat()

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(control="single-channel"), OK + REFUSED + REFUSED)
        await switch.hang_up_as_told()
        await switch.expect_exit()


# With a simulated switch


async def test_a_callee_is_told_who_calls_and_what_we_add(phone: FakeFreeSwitch) -> None:
    phone.users["1000@example.org"] = {"department": "sales"}

    class Handler(CallHandler):
        async def run(self) -> None:
            assert self.sip_headers["X-Campaign"] == "spring sale"
            await self.set_user("1000@example.org")
            assert self.variables["department"] == "sales"
            with pytest.raises(ApplicationFailed):
                await self.set_user("nobody@example.org")
            await self.set_caller_id(name="Ada ${system(touch x)}", number="4711")
            assert self.caller_id_name == "Ada ${system(touch x)}"
            await self.set_privacy(Privacy.NUMBER)
            assert self.headers["Caller-Privacy-Hide-Number"] == "false"  # as it was when the call arrived
            await self.set_effective_caller_id(number="100")
            await self.set_sip_headers({"X-Ticket": "it's {1}"})
            assert await self.check_acl("127.0.0.0/8", address="127.0.0.1")
            await self.execute("bridge", "sofia/gateway/acme/1")

    campaign = {"sip_h_X-Campaign": "spring sale"}
    async with phone.dial(Handler, caller_id_name='"', variables=campaign) as caller:
        callee = await caller.is_bridged_to("sofia/gateway/acme/1")
        assert callee.variables["sip_h_X-Ticket"] == "it's {1}"
        assert "nolocal:sip_h_X-Ticket" not in callee.variables
    assert caller.programs == []


async def test_headers_that_are_set_are_not_taken_for_the_callers(phone: FakeFreeSwitch) -> None:
    seen: list[dict[str, str]] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.set_sip_headers({"X-Ours": "1"}, message=SipMessage.REFER)
            assert self.variables["sip_h_X-Ours"] == "1"
            seen.append(dict(self.sip_headers))

    async with phone.dial(Handler, variables={"sip_h_X-Theirs": "2"}) as caller:
        await caller.was_hung_up()
    assert seen == [{"X-Theirs": "2"}]
