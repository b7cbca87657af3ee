"""Bridges: what is sent, what came of them, and how they end early."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
import trio
from trio.testing import MockClock

from esl_outbound import (
    ApplicationFailed,
    CallHandler,
    CallHungUp,
    CallRecord,
    CallTransferred,
    Expand,
    HangupCause,
    LocalProtocolError,
    NotPermitted,
)
from esl_outbound.arguments.dial_strings import DialLeg, DialString
from esl_outbound.call.bridge_results import BridgeLeg, BridgeResult, EarlyMedia, HungUpBy

from ..freeswitch import CHANNEL, OK, REFUSED, ScriptedSwitch, api_response, connect_reply, dial
from .bridge_scripts import (
    ANSWERED,
    SCOPE,
    STALE,
    A,
    at,
    began,
    connected,
    failure,
    over,
    read_bridge,
    recorded,
    success,
    unbridged,
)

MARKED = {"esl_outbound_answered_0": "true"}
OTHER = "33333333-aaaa-4bbb-8ccc-000000000001"
BUSY_CALLER = "cb652109-88ce-49a0-938c-8d916b55046f"
"""The caller's channel in the recording h2_bridge_busy."""


async def result_of(
    play: Callable[[ScriptedSwitch, str, list[str]], Awaitable[None]],
    destination: str | DialLeg | DialString | Expand | list[str | DialLeg] = "loopback/9196/default",
    *,
    early_media: EarlyMedia = EarlyMedia.IGNORED,
    stale: str = STALE,
    reply: bytes | None = None,
) -> BridgeResult:
    """The result of a bridge whose course is played by a function; the call goes on after it."""
    results: list[BridgeResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.bridge(destination, early_media=early_media))

    async with dial(Handler) as switch:
        await switch.greet(reply)
        uuid, _, legs = await read_bridge(switch, stale=stale)
        await play(switch, uuid, legs)
        await switch.hang_up_as_told()
        await switch.expect_exit()
    return results[0]


async def argument_of(bridge: Callable[[CallHandler[None]], Awaitable[object]], *, stale: str = STALE) -> str:
    """What a bridge sends, of a caller who was not answered; it then fails."""

    class Handler(CallHandler[None]):
        async def run(self) -> None:
            await bridge(self)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, argument, legs = await read_bridge(switch, stale=stale)
        await switch.send(began(switch, uuid), over(switch, uuid, 1, **failure(legs[0] if legs else "", "USER_BUSY")))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    return argument


# What is sent


async def test_a_bridge_unsets_what_would_be_stale_and_lets_the_call_go_on() -> None:
    argument = await argument_of(lambda call: call.bridge("loopback/9196/default"))
    assert argument == (
        f"{SCOPE}{{ignore_early_media=ring_ready,{ANSWERED % 0},origination_uuid=B0}}loopback/9196/default"
    )


async def test_everything_that_can_be_asked_for() -> None:
    argument = await argument_of(
        lambda call: call.bridge(
            "sofia/gateway/gw/1234",
            ring_seconds=19.2,
            early_media=EarlyMedia.HEARD,
            caller_id_name="Ada, L.",
            caller_id_number="+4930",
            confirm_key="1",
            confirm_prompt="ivr/press one.wav",
            confirm_error_prompt="ivr/no.wav",
            confirm_seconds=2.5,
            hold_music="local_stream://moh",
            cancel_key="*",
            hangup_after_bridge=True,
            variables={"sip_h_X-Customer": "a b"},
        )
    )
    assert argument == (
        "%[hangup_after_bridge=true,continue_on_fail=true,origination_cancel_key=*]"
        "{ignore_early_media=false,bridge_early_media=true,originate_timeout=20,"
        r"origination_caller_id_name=Ada\, L.,origination_caller_id_number=+4930,"
        "group_confirm_key=1,group_confirm_file=ivr/press one.wav,group_confirm_error_file=ivr/no.wav,"
        "group_confirm_read_timeout=2500,hold_music=local_stream://moh,sip_h_X-Customer=a b,"
        f"{ANSWERED % 0},origination_uuid=B0}}sofia/gateway/gw/1234"
    )


async def test_several_in_turn_go_on_after_a_time_out() -> None:
    dialled = DialString.in_turn("user/1", ["user/2", DialLeg("user/3", ring_seconds=5)])
    stale = STALE + " esl_outbound_answered_1 esl_outbound_answered_2"
    argument = await argument_of(lambda call: call.bridge(dialled, ring_seconds=10), stale=stale)
    assert argument == (
        f"{SCOPE}{{ignore_early_media=ring_ready,originate_timeout=10,originate_continue_on_timeout=true}}"
        f"[{ANSWERED % 0},origination_uuid=B0]user/1|"
        f"[{ANSWERED % 1},origination_uuid=B1]user/2,"
        f"[leg_timeout=5,{ANSWERED % 2},origination_uuid=B2]user/3"
    )


async def test_early_media_may_connect_as_freeswitch_does_it() -> None:
    argument = await argument_of(lambda call: call.bridge("error/USER_BUSY", early_media=EarlyMedia.CONNECTS))
    assert argument.startswith(f"{SCOPE}{{ignore_early_media=false,bridge_early_media=false,")


async def test_a_raw_dial_string_is_expanded() -> None:
    argument = await argument_of(lambda call: call.bridge(Expand("${sofia_contact(1001)}"), ring_seconds=5))
    assert argument == (
        f"{SCOPE}{{ignore_early_media=ring_ready,originate_timeout=5,{ANSWERED % 0}}}${{sofia_contact(1001)}}"
    )


async def test_a_hostile_name_is_shown_as_it_is_and_taken_back_while_it_rings() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.bridge(
                "user/1001",
                caller_id_name="""'${system(touch x)}" <evil>,[a=1]|user/2""",
                variables={"sip_h_X-Name": "{it}", "plain": "1"},
            )

    async with dial(Handler) as switch:
        before = {"export_vars": "nolocal%3Asip_h_X-Name,keep", "nolocal:sip_h_X-Name": "before"}
        await switch.greet(connect_reply("async", "full", 100, **before))
        await switch.expect_execute("multiunset", STALE)
        await switch.expect_execute(
            "export", r"nolocal:origination_caller_id_name='\${system(touch x)}' <evil>,[a=1]|user/2"
        )
        await switch.expect_execute("set", "nolocal:sip_h_X-Name={it}")
        uuid, argument, _ = await read_bridge(switch, stale="")
        assert argument == f"{SCOPE}{{ignore_early_media=ring_ready,plain=1,{ANSWERED % 0}}}user/1001"
        # Behind the bridge, so they run nested as soon as it rings.
        await switch.expect_execute("set", "export_vars=nolocal:sip_h_X-Name,keep")
        await switch.expect_execute("set", "nolocal:sip_h_X-Name=before")
        await switch.expect_execute("multiunset", "nolocal:origination_caller_id_name")
        await switch.send(began(switch, uuid), over(switch, uuid, 1, **failure(OTHER, "USER_BUSY")))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_caller_who_was_answered_hears_it_ring() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            for ringback in (None, "", "%(1000,4000,425)", Expand("${hold_music}")):
                await self.bridge("error/USER_BUSY", ringback=ringback)

    async def fails(switch: ScriptedSwitch) -> str:
        uuid, *_ = await read_bridge(switch, stale="")
        return uuid

    async def ends(switch: ScriptedSwitch, uuid: str) -> None:
        headers = {"Answer_State": "answered"}
        await switch.send(began(switch, uuid), switch.complete(uuid, "bridge", **headers))

    async with dial(Handler) as switch:
        await switch.greet(connect_reply().replace(b"Answer-State: ringing", b"Answer-State: answered"))
        await switch.expect_execute("multiunset", STALE)
        await switch.expect_execute("set", "ringback=%(2000,4000,440,480)")
        uuid = await fails(switch)
        await switch.expect_execute("set", "ringback=")
        await ends(switch, uuid)
        await switch.expect_execute("multiunset", STALE)
        await ends(switch, await fails(switch))
        for value in ("%(1000,4000,425)", r"\${hold_music}"):
            await switch.expect_execute("multiunset", STALE)
            await switch.expect_execute("set", f"transfer_ringback={value}")
            uuid = await fails(switch)
            await switch.expect_execute("set", "transfer_ringback=")
            await ends(switch, uuid)
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_caller_who_has_heard_something_before_the_answer_hears_it_ring() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.bridge("error/USER_BUSY")

    async with dial(Handler) as switch:
        await switch.greet(connect_reply().replace(b"Answer-State: ringing", b"Answer-State: early"))
        await switch.expect_execute("multiunset", STALE)
        await switch.expect_execute("set", "ringback=%(2000,4000,440,480)")
        uuid, *_ = await read_bridge(switch, stale="")
        await switch.expect_execute("set", "ringback=")
        await switch.send(began(switch, uuid), over(switch, uuid, 1))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_caller_hears_what_his_channel_says_and_gets_it_back() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            await self.bridge("error/USER_BUSY")
            await self.bridge("error/USER_BUSY", ringback="silence:400")

    answered = connect_reply(ringback="tone.wav").replace(b"Answer-State: ringing", b"Answer-State: early")
    async with dial(Handler) as switch:
        await switch.greet(answered)
        uuid, *_ = await read_bridge(switch)
        await switch.send(began(switch, uuid), over(switch, uuid, 1, ringback="tone.wav"))
        await switch.expect_execute("multiunset", STALE)
        await switch.expect_execute("set", "ringback=silence:400")
        uuid, *_ = await read_bridge(switch, stale="")
        await switch.expect_execute("set", "ringback=tone.wav")
        await switch.send(began(switch, uuid), over(switch, uuid, 1))
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(
    "bridge",
    [
        lambda call: call.bridge(""),
        lambda call: call.bridge([]),
        lambda call: call.bridge("user/1,user/2"),
        lambda call: call.bridge("sofia/gateway/gw/1:_:user/2"),
        lambda call: call.bridge("user/1", ring_seconds=0),
        lambda call: call.bridge("user/1", ring_seconds=-1),
        lambda call: call.bridge("user/1", confirm_key="exec"),
        lambda call: call.bridge("user/1", confirm_prompt="a.wav"),
        lambda call: call.bridge("user/1", confirm_error_prompt="a.wav"),
        lambda call: call.bridge("user/1", confirm_key="1", confirm_seconds=0),
        lambda call: call.bridge("user/1", confirm_key="1", early_media=EarlyMedia.CONNECTS),
        lambda call: call.bridge("user/1", cancel_key="**"),
        lambda call: call.bridge("user/1", cancel_key="x"),
        lambda call: call.bridge("user/1", variables={"a b": "1"}),
        lambda call: call.bridge("user/1", variables={"a": "1\0" + "{"}),
        lambda call: call.bridge(["user/1", DialLeg("user/2", variables={"a": "]"})]),
        lambda call: call.start_bridge("1001"),
        lambda call: call.pickup(""),
        lambda call: call.pickup("a\nb"),
    ],
)
async def test_nonsense_is_refused_before_anything_is_sent(
    bridge: Callable[[CallHandler[None]], Awaitable[object]],
) -> None:
    class Handler(CallHandler[None]):
        async def run(self) -> None:
            with pytest.raises(LocalProtocolError):
                await bridge(self)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.hang_up_as_told()
        await switch.expect_exit()


# What came of it, with the variables and timestamps of recorded conversations


async def test_a_recorded_conversation() -> None:
    """h1_bridge_9196, byte for byte: the other leg is killed after a second and a half."""
    found: list[str] = []

    async def play(switch: ScriptedSwitch, uuid: str, legs: list[str]) -> None:
        found.extend(legs)
        replaced = {
            "d76edbde-4175-4432-8632-00cb06be06e4": CHANNEL,
            "11111111-aaaa-4bbb-8ccc-000000000001": uuid,
            "33333333-aaaa-4bbb-8ccc-000000000001": legs[0],
        }
        await switch.send(*recorded("h1_bridge_9196", "11111111-aaaa-4bbb-8ccc-000000000001", replaced, marked=True))

    assert await result_of(play) == BridgeResult(
        answered=True,
        destination="loopback/9196/default",
        channel_uuid=found[0],
        channel_name="loopback/9196-a",
        cause=HangupCause.NORMAL_CLEARING,
        legs=(BridgeLeg("loopback/9196/default", found[0], HangupCause.NORMAL_CLEARING),),
        ring_seconds=0,
        talk_seconds=1.520009,
        hung_up_by=HungUpBy.CALLEE,
        sip_status=None,
    )


@pytest.mark.parametrize(
    ("number", "leg", "cause", "rang"),
    [
        (1, "f4d113ea-47c0-41b3-b29d-cee39bc08017", HangupCause.USER_BUSY, 0.038467),
        # What the first one left is there as well.
        (3, "f21b5ad9-2714-4bee-9c60-82e5b0824570", HangupCause.NO_ANSWER, 1.659918),
    ],
)
async def test_recorded_failures(number: int, leg: str, cause: HangupCause, rang: float) -> None:
    """h2_bridge_busy, byte for byte."""
    found: list[str] = []

    async def play(switch: ScriptedSwitch, uuid: str, legs: list[str]) -> None:
        found.extend(legs)
        application = f"11111111-aaaa-4bbb-8ccc-00000000000{number}"
        await switch.send(
            *recorded("h2_bridge_busy", application, {BUSY_CALLER: CHANNEL, application: uuid, leg: legs[0]})
        )

    result = await result_of(play)
    assert (result.answered, result.cause, result.hung_up_by) == (False, cause, None)
    assert result.legs == (BridgeLeg("loopback/9196/default", found[0], cause),)
    assert result.ring_seconds == rang


async def test_they_talk_until_the_callee_hangs_up() -> None:
    """As in the recording h1_bridge_9196."""
    found: list[str] = []

    async def play(switch: ScriptedSwitch, uuid: str, legs: list[str]) -> None:
        (other,) = legs
        found.append(other)
        # SIP's word for the end of a conversation is no refusal.
        told = success(other) | MARKED | {"last_bridge_proto_specific_hangup_cause": "sip%3A200"}
        await switch.send(began(switch, uuid), connected(switch, other, 0), unbridged(switch, other, 1.520009))
        await switch.send(over(switch, uuid, 1.520009, **told))

    assert await result_of(play) == BridgeResult(
        answered=True,
        destination="loopback/9196/default",
        channel_uuid=found[0],
        channel_name="loopback/9196-a",
        cause=HangupCause.NORMAL_CLEARING,
        legs=(BridgeLeg("loopback/9196/default", found[0], HangupCause.NORMAL_CLEARING),),
        ring_seconds=0,
        talk_seconds=1.520009,
        hung_up_by=HungUpBy.CALLEE,
        sip_status=None,
    )


@pytest.mark.parametrize("cause", ["USER_BUSY", "NO_ANSWER", "ALLOTTED_TIMEOUT", "CALL_REJECTED", "SOMETHING_NEW"])
async def test_nobody_answers(cause: str) -> None:
    """As in the recording h2_bridge_busy, the first and the third bridge."""
    found: list[str] = []

    async def play(switch: ScriptedSwitch, uuid: str, legs: list[str]) -> None:
        found.extend(legs)
        await switch.send(began(switch, uuid), over(switch, uuid, 0.038467, **failure(legs[0], cause)))

    result = await result_of(play)
    expected = HangupCause.__members__.get(cause, cause)
    assert result == BridgeResult(
        answered=False,
        destination=None,
        channel_uuid=None,
        channel_name=None,
        cause=expected,
        legs=(BridgeLeg("loopback/9196/default", found[0], expected),),
        ring_seconds=0.038467,
        talk_seconds=0,
        hung_up_by=None,
        sip_status=None,
    )


async def test_a_destination_that_cannot_be_called_has_no_leg() -> None:
    """As in the recording h2_bridge_busy, the second bridge, had the variables of the first been unset."""

    async def play(switch: ScriptedSwitch, uuid: str, legs: list[str]) -> None:
        told = {"originate_disposition": "CHAN_NOT_IMPLEMENTED", "originate_failed_cause": "CHAN_NOT_IMPLEMENTED"}
        await switch.send(began(switch, uuid), over(switch, uuid, 0, **told))

    result = await result_of(play, "nosuchendpoint/foo")
    assert (result.answered, result.cause) == (False, HangupCause.CHAN_NOT_IMPLEMENTED)
    assert result.legs == (BridgeLeg("nosuchendpoint/foo", None, HangupCause.CHAN_NOT_IMPLEMENTED),)


async def test_of_several_it_is_known_who_answered_and_why_the_others_did_not() -> None:
    """The words of a race, as measured: NONE for the winner, LOSE_RACE for a ringing loser."""
    found: list[str] = []
    busy, lost, won = DialLeg("user/1"), "user/2", DialLeg("user/3", variables={"a": "1"})
    never = "user/4"

    async def play(switch: ScriptedSwitch, uuid: str, legs: list[str]) -> None:
        found.extend(legs)
        told = success(legs[2]) | {
            "esl_outbound_answered_2": "true",
            "originated_legs": "ARRAY%3A%3A" + "%7C%3A".join(f"{leg}%3BOutbound%20Call%3B1" for leg in legs[:3]),
            "originate_causes": (f"ARRAY%3A%3A{legs[0]}%3BUSER_BUSY%7C%3A{legs[1]}%3BLOSE_RACE%7C%3A{legs[2]}%3BNONE"),
        }
        await switch.send(began(switch, uuid), connected(switch, legs[2], 4), unbridged(switch, legs[2], 10))
        await switch.send(over(switch, uuid, 10, **told))

    dialled = DialString.in_turn(busy, [lost, won], never)
    stale = STALE + "".join(f" esl_outbound_answered_{number}" for number in (1, 2, 3))
    result = await result_of(play, dialled, stale=stale)
    assert (result.answered, result.destination, result.channel_uuid) == (True, won, found[2])
    assert result.legs == (
        BridgeLeg(busy, found[0], HangupCause.USER_BUSY),
        BridgeLeg(lost, found[1], HangupCause.LOSE_RACE),
        BridgeLeg(won, found[2], HangupCause.NORMAL_CLEARING),
        BridgeLeg(never, None, None),
    )
    assert (result.ring_seconds, result.talk_seconds) == (4, 6)


async def test_a_user_with_two_telephones() -> None:
    """Its legs have UUIDs of FreeSWITCH's, and each is told twice: by the endpoint, and by whoever called it."""
    first, second = "11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"

    async def play(switch: ScriptedSwitch, uuid: str, legs: list[str]) -> None:
        assert legs == []
        told = success(second) | MARKED
        told["originated_legs"] = f"ARRAY%3A%3A{first}%3BA%3B1%7C%3A{second}%3BA%3B1%7C%3A{second}%3BA%3B1"
        told["originate_causes"] = f"ARRAY%3A%3A{first}%3BLOSE_RACE%7C%3A{second}%3BNONE%7C%3A{second}%3BNONE"
        await switch.send(began(switch, uuid), connected(switch, second, 1), unbridged(switch, second, 2))
        await switch.send(over(switch, uuid, 2, **told))

    result = await result_of(play, "user/1001")
    assert (result.answered, result.destination, result.channel_uuid) == (True, "user/1001", second)
    assert result.legs == (
        BridgeLeg("user/1001", first, HangupCause.LOSE_RACE),
        BridgeLeg("user/1001", second, HangupCause.NORMAL_CLEARING),
    )


async def test_early_media_is_no_answer() -> None:
    """A 183 connects, then comes 486: originate_disposition is SUCCESS, as measured."""

    async def play(switch: ScriptedSwitch, uuid: str, legs: list[str]) -> None:
        told = success(legs[0], "USER_BUSY") | {
            "sip_invite_failure_status": "486",
            "last_bridge_proto_specific_hangup_cause": "sip%3A486",
        }
        await switch.send(began(switch, uuid), connected(switch, legs[0], 0.2), unbridged(switch, legs[0], 1))
        await switch.send(over(switch, uuid, 1, **told))

    result = await result_of(play, "sofia/x/1", early_media=EarlyMedia.CONNECTS)
    assert (result.answered, result.destination, result.cause) == (False, "sofia/x/1", HangupCause.USER_BUSY)
    assert (result.ring_seconds, result.talk_seconds, result.sip_status) == (1, 0, 486)
    assert result.hung_up_by is HungUpBy.CALLEE


async def test_early_media_is_no_answer_either_where_a_variable_lets_it_connect() -> None:
    results: list[BridgeResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.bridge("sofia/x/1", variables={"ignore_early_media": "false"}))

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, argument, (other,) = await read_bridge(switch)
        assert argument.startswith(f"{SCOPE}{{ignore_early_media=false,")
        await switch.send(began(switch, uuid), connected(switch, other, 0.2), unbridged(switch, other, 1))
        await switch.send(over(switch, uuid, 1, **success(other, "USER_BUSY")))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert (results[0].answered, results[0].channel_uuid) == (False, other)


@pytest.mark.parametrize(
    ("answers", "ring", "talk"),
    [
        # The caller had been answered: nothing tells when the callee was.
        ({}, None, None),
        # The caller is answered with the callee.
        ({"event": "0.9"}, 0.9, 2.1),
        # Connected by the answer: the copy of the other leg's profile is from then.
        ({"copied": "1"}, 0.2, 2.8),
    ],
)
async def test_when_an_answer_came_after_early_media(
    answers: dict[str, str], ring: float | None, talk: float | None
) -> None:
    async def play(switch: ScriptedSwitch, uuid: str, legs: list[str]) -> None:
        copied = {"Other_Leg_Channel_Answered_Time": at(0.2)} if "copied" in answers else {}
        await switch.send(began(switch, uuid), connected(switch, legs[0], 0.2, **copied))
        if "event" in answers:
            await switch.send(
                switch.event("CHANNEL_ANSWER", Answer_State="answered", Event_Date_Timestamp=at(0.9), variable_x="1")
            )
        await switch.send(unbridged(switch, legs[0], 3), over(switch, uuid, 3, **success(legs[0]), **MARKED))

    result = await result_of(play, "sofia/x/1", early_media=EarlyMedia.CONNECTS)
    assert (result.answered, result.ring_seconds, result.talk_seconds) == (True, ring, talk)


async def test_a_leg_that_went_elsewhere_was_not_hung_up() -> None:
    async def play(switch: ScriptedSwitch, uuid: str, legs: list[str]) -> None:
        await switch.send(began(switch, uuid), connected(switch, legs[0], 1), unbridged(switch, legs[0], 2))
        await switch.send(over(switch, uuid, 2, **success(legs[0], cause=""), **MARKED))

    result = await result_of(play)
    assert (result.answered, result.hung_up_by, result.cause) == (True, None, None)


async def test_nothing_is_known_of_what_freeswitch_did_not_say() -> None:
    async def play(switch: ScriptedSwitch, uuid: str, legs: list[str]) -> None:
        await switch.send(switch.execute(uuid, "bridge"), switch.complete(uuid, "bridge"))

    result = await result_of(play)
    assert result == BridgeResult(
        False, None, None, None, None, (BridgeLeg("loopback/9196/default", None, None),), None, 0, None, None
    )


async def test_a_channels_uuid_that_a_caller_chose_is_never_expanded_on_a_leg() -> None:
    """With inbound-use-callid-as-uuid it is the SIP Call-ID; the leg would expand it at its answer."""
    evil = "${system(touch x)}"

    async def play(switch: ScriptedSwitch, uuid: str, legs: list[str]) -> None:
        event = switch.event("CHANNEL_BRIDGE", "", evil, Bridge_A_Unique_ID=evil, Bridge_B_Unique_ID=OTHER)
        await switch.send(began(switch, uuid), event, over(switch, uuid, 2, **success(OTHER)))

    results: list[BridgeResult] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            results.append(await self.bridge("loopback/1"))

    async with dial(Handler) as switch:
        await switch.greet(connect_reply().replace(CHANNEL.encode(), evil.encode()))
        uuid, argument, legs = await read_bridge(switch)
        assert argument == f"{SCOPE}{{ignore_early_media=ring_ready,origination_uuid=B0}}loopback/1"
        await play(switch, uuid, legs)
        await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING")
        await switch.stream.aclose()
    assert results[0].answered


# How it ends early


async def test_a_callers_hangup_raises_and_the_account_of_it_is_kept() -> None:
    results: list[BridgeResult | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.bridge("loopback/9196/default")

        async def after_hangup(self, record: CallRecord) -> None:
            assert self.last_bridge is not None
            results.append(self.last_bridge.result)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, _, (other,) = await read_bridge(switch)
        await switch.send(began(switch, uuid), connected(switch, other, 2))
        hangup = switch.hangup(Event_Date_Timestamp=at(9), variable_originate_disposition="SUCCESS")
        told = success(other, cause="") | MARKED
        await switch.send(hangup, unbridged(switch, other, 9.02), over(switch, uuid, 9.02, **told))
        await switch.send(switch.hangup_complete())
        await switch.expect_exit()
    (result,) = results
    assert result is not None
    assert (result.answered, result.hung_up_by, result.cause) == (True, HungUpBy.CALLER, None)
    assert (result.ring_seconds, result.talk_seconds) == (2, 7.02)


@pytest.mark.parametrize("completes", [True, False])
async def test_a_caller_who_gives_up_while_it_rings(completes: bool) -> None:
    results: list[BridgeResult | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.bridge("loopback/9196/default")

        async def after_hangup(self, record: CallRecord) -> None:
            assert self.last_bridge is not None
            results.append(self.last_bridge.result)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, _, (other,) = await read_bridge(switch)
        hangup = switch.hangup(
            "ORIGINATOR_CANCEL", Event_Date_Timestamp=at(3), variable_originate_disposition="failure"
        )
        told = failure(other, "ORIGINATOR_CANCEL")
        del told["last_bridge_hangup_cause"]
        await switch.send(began(switch, uuid), hangup)
        if completes:
            await switch.send(over(switch, uuid, 3, **told))
        await switch.send(switch.hangup_complete())
        await switch.expect_exit()
    (result,) = results
    assert result is not None
    assert (result.answered, result.hung_up_by) == (False, HungUpBy.CALLER)
    # While it rings, originate_disposition is "failure", which is no cause.
    assert result.cause is (HangupCause.ORIGINATOR_CANCEL if completes else None)
    assert (result.ring_seconds, result.talk_seconds) == (3, 0)


async def test_without_continue_on_fail_the_call_ends_with_the_callees_cause() -> None:
    """As in the recording h3_bridge_busy_no_continue."""
    results: list[BridgeResult | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CallHungUp) as caught:
                await self.bridge("loopback/busy/default", continue_on_fail=False)
            assert caught.value.hangup_cause is HangupCause.USER_BUSY
            await trio.lowlevel.checkpoint()
            assert self.last_bridge is not None
            results.append(self.last_bridge.result)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect_execute("multiunset", STALE)
        await switch.expect_execute("set", "continue_on_fail=false")
        uuid, argument, (other,) = await read_bridge(switch, stale="")
        assert argument.startswith("%[hangup_after_bridge=false]{")
        told = {f"variable_{name}": value for name, value in failure(other, "USER_BUSY").items()}
        hangup = switch.hangup("USER_BUSY", Event_Date_Timestamp=at(0.02), **told)
        await switch.send(began(switch, uuid), hangup, over(switch, uuid, 0.02, **failure(other, "USER_BUSY")))
        await switch.send(switch.hangup_complete("USER_BUSY"))
        await switch.expect_exit()
    (result,) = results
    assert result is not None
    assert (result.cause, result.hung_up_by, result.ring_seconds) == (HangupCause.USER_BUSY, None, 0.02)


async def test_hangup_after_bridge_is_the_callees_doing() -> None:
    results: list[BridgeResult | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CallHungUp):
                await self.bridge("loopback/1", hangup_after_bridge=True)
            await trio.lowlevel.checkpoint()  # it was asked for, so run() goes on
            results.append(None)

        async def after_hangup(self, record: CallRecord) -> None:
            assert self.last_bridge is not None
            results.append(self.last_bridge.result)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, _, (other,) = await read_bridge(switch)
        told = success(other) | MARKED
        await switch.send(began(switch, uuid), connected(switch, other, 1), unbridged(switch, other, 5))
        await switch.send(switch.hangup(Event_Date_Timestamp=at(5)), over(switch, uuid, 5, **told))
        await switch.send(switch.hangup_complete())
        await switch.expect_exit()
    went_on, result = results
    assert went_on is None
    assert result is not None
    assert (result.answered, result.hung_up_by, result.talk_seconds) == (True, HungUpBy.CALLEE, 4)


async def test_without_continue_on_fail_early_media_that_comes_to_nothing_ends_the_call_by_our_own_doing() -> None:
    # switch_ivr_multi_threaded_bridge() hands the cause on, and originate_disposition has said SUCCESS.
    results: list[BridgeResult | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(CallHungUp):
                await self.bridge("sofia/x/1", early_media=EarlyMedia.CONNECTS, continue_on_fail=False)
            await trio.lowlevel.checkpoint()
            assert self.last_bridge is not None
            results.append(self.last_bridge.result)

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect_execute("multiunset", STALE)
        await switch.expect_execute("set", "continue_on_fail=false")
        uuid, _, (other,) = await read_bridge(switch, stale="")
        told = success(other, "USER_BUSY")
        variables = {f"variable_{name}": value for name, value in told.items()}
        await switch.send(began(switch, uuid), connected(switch, other, 0.2), unbridged(switch, other, 1))
        await switch.send(switch.hangup("USER_BUSY", Event_Date_Timestamp=at(1), **variables))
        await switch.send(over(switch, uuid, 1, **told), switch.hangup_complete("USER_BUSY"))
        await switch.expect_exit()
    (result,) = results
    assert result is not None
    assert (result.answered, result.cause, result.ring_seconds) == (False, HangupCause.USER_BUSY, 1)


@pytest.mark.parametrize(("left", "who"), [("NORMAL_CLEARING", HungUpBy.CALLEE), ("", HungUpBy.CALLER)])
async def test_who_of_two_was_first_is_told_by_the_cause_that_the_callee_leaves_with_the_caller(
    left: str, who: HungUpBy
) -> None:
    """Both hang up within one frame: our leg is hung up before its bridge has seen that the other is gone."""
    results: list[BridgeResult | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.bridge("loopback/1")

        async def after_hangup(self, record: CallRecord) -> None:
            assert self.last_bridge is not None
            results.append(self.last_bridge.result)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, _, (other,) = await read_bridge(switch)
        told = {"variable_last_bridge_hangup_cause": left} if left else {"variable_x": "1"}
        await switch.send(began(switch, uuid), connected(switch, other, 1))
        await switch.send(switch.hangup(Event_Date_Timestamp=at(5), **told), unbridged(switch, other, 5))
        await switch.send(over(switch, uuid, 5, **success(other), **MARKED), switch.hangup_complete())
        await switch.expect_exit()
    (result,) = results
    assert result is not None
    assert (result.hung_up_by, result.talk_seconds) == (who, 4)


@pytest.mark.parametrize(
    ("hangs_up", "left", "cause", "who"),
    [
        # The caller was first, and the other leg's end is not told.
        (True, {"last_bridge_hangup_cause": "LOSE_RACE"}, None, HungUpBy.CALLER),
        # It went elsewhere.
        (False, {"last_bridge_hangup_cause": "LOSE_RACE"}, None, None),
        (False, {"last_bridge_hangup_cause": "NORMAL_CLEARING"}, HangupCause.NORMAL_CLEARING, HungUpBy.CALLEE),
        (
            False,
            {"last_bridge_hangup_cause": "LOSE_RACE", "bridge_hangup_cause": "LOSE_RACE"},
            HangupCause.LOSE_RACE,
            HungUpBy.CALLEE,
        ),
    ],
)
async def test_the_cause_of_a_leg_that_lost_the_race_is_not_that_of_the_one_that_won(
    hangs_up: bool, left: dict[str, str], cause: HangupCause | None, who: HungUpBy | None
) -> None:
    results: list[BridgeResult | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.bridge(["loopback/1", "loopback/2"])

        async def after_hangup(self, record: CallRecord) -> None:
            assert self.last_bridge is not None
            results.append(self.last_bridge.result)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, _, (other, _) = await read_bridge(switch, stale=STALE + " esl_outbound_answered_1")
        lost = {"variable_last_bridge_hangup_cause": "LOSE_RACE"}
        await switch.send(began(switch, uuid), connected(switch, other, 1, **lost))
        if hangs_up:
            await switch.send(switch.hangup(Event_Date_Timestamp=at(5), **lost))
        told = success(other, cause="") | left | MARKED
        await switch.send(unbridged(switch, other, 5, **lost), over(switch, uuid, 5, **told))
        if not hangs_up:
            await switch.hang_up_as_told()
        else:
            await switch.send(switch.hangup_complete())
        await switch.expect_exit()
    (result,) = results
    assert result is not None
    assert (result.answered, result.cause, result.hung_up_by) == (True, cause, who)
    assert result.legs[0].cause == cause


async def test_a_cancelled_bridge_hangs_the_other_leg_up_and_the_call_goes_on(autojump_clock: MockClock) -> None:
    results: list[BridgeResult | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            with trio.move_on_after(3):
                await self.bridge("loopback/9196/default")
            assert self.last_bridge is not None
            results.append(self.last_bridge.result)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, _, (other,) = await read_bridge(switch)
        await switch.send(began(switch, uuid), connected(switch, other, 1))
        # The scope says so already, and nothing is left of it.
        await switch.expect(f"api uuid_getvar {A} continue_on_fail")
        await switch.send(api_response("true"))
        await switch.expect(f"api uuid_getvar {A} originated_legs")
        await switch.send(api_response(f"{other};Outbound Call;default"))
        await switch.expect(f"api uuid_getvar {A} signal_bond")
        await switch.send(api_response(other))
        await switch.expect(f"api uuid_kill {other}")
        await switch.send(api_response("+OK\n"))
        told = success(other) | MARKED
        await switch.send(unbridged(switch, other, 3), over(switch, uuid, 3, **told))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    (result,) = results
    assert result is not None
    assert (result.answered, result.hung_up_by, result.talk_seconds) == (True, HungUpBy.HANDLER, 2)


# The handle


async def test_the_handle_tells_what_goes_on(autojump_clock: MockClock) -> None:
    seen: list[object] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            assert self.last_bridge is None
            bridge = await self.start_bridge("loopback/9196/default")
            seen.extend([bridge.is_over, bridge.is_connected, bridge.result, repr(bridge)])
            seen.append(bridge.other_leg)
            with trio.move_on_after(1):
                await bridge.connected()
            assert await bridge.connected()
            assert await bridge.answered()
            seen.extend([bridge.is_over, bridge.is_connected, bridge.other_leg, repr(bridge)])
            assert bridge is self.last_bridge
            result = await bridge.finished()
            seen.extend([bridge.is_over, bridge.is_connected, bridge.result == result, repr(bridge)])
            assert await bridge.connected()

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, _, (other,) = await read_bridge(switch)
        await switch.send(began(switch, uuid))
        await trio.sleep(2)
        await switch.send(connected(switch, other, 2))
        await trio.sleep(2)
        await switch.send(unbridged(switch, other, 4), over(switch, uuid, 4, **success(other), **MARKED))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    assert seen == [
        *(False, False, None, "<Bridge to loopback/9196/default, ringing>", other),
        *(False, True, other, "<Bridge to loopback/9196/default, talking>"),
        *(True, False, True, "<Bridge to loopback/9196/default, over>"),
    ]


async def test_nobody_is_connected_or_answers() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            bridge = await self.start_bridge(["loopback/1", "loopback/2"])
            assert bridge.other_leg is None
            assert not await bridge.connected()
            assert not await bridge.answered()
            assert not (await bridge.finished()).answered

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, _, legs = await read_bridge(switch, stale=STALE + " esl_outbound_answered_1")
        await switch.send(began(switch, uuid), over(switch, uuid, 4, **failure(legs[0], "NO_ANSWER")))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_an_answer_after_early_media_is_asked_for(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            bridge = await self.start_bridge("loopback/1", early_media=EarlyMedia.CONNECTS)
            assert await bridge.connected()
            began_at = trio.current_time()
            assert await bridge.answered()
            assert trio.current_time() - began_at == pytest.approx(0.25)
            assert not await bridge.answered()
            await bridge.finished()

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, _, (other,) = await read_bridge(switch)
        await switch.send(began(switch, uuid), connected(switch, other, 1))
        for value in ("_undef_", "true", "_undef_"):
            await switch.expect(f"api uuid_getvar {A} esl_outbound_answered_0")
            await switch.send(api_response(value))
        await switch.send(unbridged(switch, other, 4), over(switch, uuid, 4, **success(other)))
        await switch.expect(f"api uuid_getvar {A} esl_outbound_answered_0")
        await switch.send(api_response("_undef_"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_caller_who_is_answered_with_the_callee_needs_no_asking() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            bridge = await self.start_bridge("loopback/1", early_media=EarlyMedia.CONNECTS)
            assert await bridge.answered()
            await bridge.finished()

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, _, (other,) = await read_bridge(switch)
        answer = switch.event("CHANNEL_ANSWER", Answer_State="answered", Event_Date_Timestamp=at(2))
        await switch.send(began(switch, uuid), connected(switch, other, 1), answer)
        await switch.send(unbridged(switch, other, 4), over(switch, uuid, 4, **success(other), **MARKED))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_the_other_leg_can_be_hung_up_with_a_cause(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            bridge = await self.start_bridge("loopback/1", continue_on_fail=False)
            with pytest.raises(LocalProtocolError):
                await bridge.hang_up_other_leg("NO SUCH")
            await bridge.hang_up_other_leg(HangupCause.CALL_REJECTED)
            result = await bridge.finished()
            assert (result.cause, result.answered) == (HangupCause.CALL_REJECTED, False)
            await bridge.hang_up_other_leg()  # nothing any more

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect_execute("multiunset", STALE)
        await switch.expect_execute("set", "continue_on_fail=false")
        uuid, _, (other,) = await read_bridge(switch, stale="")
        await switch.send(began(switch, uuid))
        await switch.expect(f"api uuid_getvar {A} continue_on_fail")
        await switch.send(api_response("false"))
        await switch.expect(f"api uuid_setvar {A} continue_on_fail true")
        await switch.send(api_response("+OK\n"))
        for legs, reply in (("", "-ERR"), (f"{other};Outbound Call;1", "+OK\n")):
            await switch.expect(f"api uuid_getvar {A} originated_legs")
            await switch.send(api_response(legs or "_undef_"))
            await switch.expect(f"api uuid_getvar {A} signal_bond")
            await switch.send(api_response("_undef_"))
            if legs:
                await switch.expect(f"api uuid_kill {other} CALL_REJECTED")
                await switch.send(api_response(reply))
        await switch.send(over(switch, uuid, 1, **failure(other, "CALL_REJECTED")))
        await switch.expect(f"api uuid_setvar {A} continue_on_fail false")
        await switch.send(api_response("+OK\n"))
        await switch.expect(f"api uuid_getvar {A} continue_on_fail")
        await switch.send(api_response("false"))
        await switch.expect(f"api uuid_setvar {A} continue_on_fail true")
        await switch.send(api_response("+OK\n"))
        await switch.expect(f"api uuid_setvar {A} continue_on_fail false")
        await switch.send(api_response("+OK\n"))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_without_async_nothing_can_be_stopped() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            bridge = await self.start_bridge("loopback/1")
            for stop in (bridge.stop, bridge.hang_up_other_leg):
                with pytest.raises(NotPermitted) as caught:
                    await stop()
                assert "async full" in caught.value.dialplan_line

    async with dial(Handler) as switch:
        await switch.greet(connect_reply("static"))
        await read_bridge(switch)
        await switch.stream.aclose()


async def test_whoever_waits_for_a_connection_is_told_of_the_calls_end() -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            bridge = await self.start_bridge("loopback/1")
            with trio.CancelScope(shield=True):
                for wait in (bridge.connected, bridge.answered, bridge.finished):
                    with pytest.raises(CallHungUp):
                        await wait()
                    seen.append(wait.__name__)
                with pytest.raises(CallHungUp):
                    await bridge.hang_up_other_leg()

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, *_ = await read_bridge(switch)
        await switch.send(began(switch, uuid), switch.hangup(), switch.hangup_complete())
        await switch.expect_exit()
    assert seen == ["connected", "answered", "finished"]


async def test_a_lost_connection_leaves_what_was_known() -> None:
    results: list[BridgeResult | None] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            await self.bridge("loopback/1")

        async def after_hangup(self, record: CallRecord) -> None:
            assert self.last_bridge is not None
            results.append(self.last_bridge.result)

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, _, (other,) = await read_bridge(switch)
        await switch.send(began(switch, uuid), connected(switch, other, 1))
        await switch.stream.aclose()
    (result,) = results
    assert result is not None
    assert (result.answered, result.channel_uuid, result.hung_up_by) == (True, other, None)


async def test_events_of_others_say_nothing_about_a_bridge() -> None:
    async def play(switch: ScriptedSwitch, uuid: str, legs: list[str]) -> None:
        await switch.send(
            began(switch, uuid),
            switch.event("CHANNEL_BRIDGE", "", OTHER, Bridge_A_Unique_ID=OTHER, Bridge_B_Unique_ID="x"),
            switch.event("CHANNEL_BRIDGE", Bridge_A_Unique_ID=OTHER, Bridge_B_Unique_ID=A),
            switch.event("CHANNEL_HANGUP", "", OTHER, Hangup_Cause="NORMAL_CLEARING"),
            unbridged(switch, OTHER, 1),
            switch.complete("foreign", "set"),
            over(switch, uuid, 2, **failure(legs[0], "NO_ANSWER")),
        )

    result = await result_of(play)
    assert (result.answered, result.channel_uuid, result.ring_seconds) == (False, None, 2)
    assert result.hung_up_by is None


async def test_a_bridge_before_does_not_speak_for_the_next(autojump_clock: MockClock) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            first = await self.bridge("loopback/1")
            second = await self.bridge("loopback/2")
            assert (first.answered, second.answered) == (True, False)
            assert self.last_bridge is not None
            assert self.last_bridge.result == second

    async with dial(Handler) as switch:
        await switch.greet()
        uuid, _, (other,) = await read_bridge(switch)
        await switch.send(began(switch, uuid), connected(switch, other, 1), unbridged(switch, other, 2))
        await switch.send(over(switch, uuid, 2, **success(other), **MARKED))
        uuid, _, (other,) = await read_bridge(switch)
        await switch.send(began(switch, uuid), over(switch, uuid, 3, **failure(other, "USER_BUSY")))
        await switch.hang_up_as_told()
        await switch.expect_exit()


async def test_a_bridge_that_is_refused_leaves_nothing_behind() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(Exception, match="refused sendmsg"):
                await self.bridge("loopback/1")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.expect_execute("multiunset", STALE)
        await switch.read_command()
        await switch.send(REFUSED)
        await switch.hang_up_as_told()
        await switch.expect_exit()


@pytest.mark.parametrize(("mode", "control"), [("static", "full"), ("async", "single-channel")])
async def test_a_bridge_works_without_async_and_without_full(mode: str, control: str) -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            result = await self.bridge("loopback/1")
            assert (result.answered, result.talk_seconds) == (True, 2)

    async with dial(Handler) as switch:
        await switch.greet(connect_reply(mode, control), OK + REFUSED + REFUSED)
        uuid, _, (other,) = await read_bridge(switch)
        await switch.send(began(switch, uuid), connected(switch, other, 1), unbridged(switch, other, 3))
        await switch.send(over(switch, uuid, 3, **success(other), **MARKED))
        await switch.stream.aclose()


# Picking up


async def test_a_call_is_picked_up_and_the_caller_is_gone_from_here() -> None:
    seen: list[str] = []

    class Handler(CallHandler):
        async def run(self) -> None:
            try:
                await self.pickup("sales@example.org")
            except CallTransferred:
                seen.append("transferred")

    async with dial(Handler) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("pickup", "sales@example.org")
        number = {"Channel_State_Number": "8"}
        await switch.send(switch.execute(uuid, "pickup"), switch.complete(uuid, "pickup", **number))
        await switch.send(switch.complete("foreign", "socket", **number))
        await switch.expect("nolinger", "noevents")
        await switch.stream.aclose()
    assert seen in ([], ["transferred"])


async def test_nobody_rings_where_a_call_is_to_be_picked_up() -> None:
    class Handler(CallHandler):
        async def run(self) -> None:
            with pytest.raises(ApplicationFailed, match="pickup found nobody who rings at \\$\\{x\\}"):
                await self.pickup("${x}")

    async with dial(Handler) as switch:
        await switch.greet()
        await switch.run_application("pickup", r"\${x}", Channel_State_Number="4")
        await switch.hang_up_as_told()
        await switch.expect_exit()
