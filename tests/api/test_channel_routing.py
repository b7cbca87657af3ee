"""Where a channel goes, and whom it talks to."""

from __future__ import annotations

import pytest

from esl_outbound import ApiFailed, Expand, Leg, NoSuchChannel
from esl_outbound.testing.expansion import expand, separate

from .recording import DONE, GONE, Call, Case, Channels, check_failure, check_gone, check_refusal, check_success

INVALID = "-ERR Invalid uuid\n"

SUCCESSES = [
    Case(lambda a: a.uuid_transfer("U", "1000"), "uuid_transfer U 1000"),
    Case(lambda a: a.uuid_transfer("U", "1000", dialplan="XML"), "uuid_transfer U 1000 XML"),
    Case(lambda a: a.uuid_transfer("U", "1000", context="public"), "uuid_transfer U 1000 XML public"),
    Case(
        lambda a: a.uuid_transfer("U", "1000", dialplan="lua", context="a b", leg="bleg"),
        "uuid_transfer U -bleg 1000 lua 'a b'",
    ),
    Case(lambda a: a.uuid_transfer("U", "1000", leg=Leg.BOTH), "uuid_transfer U -both 1000"),
    # Whatever begins with a `-` would be an option.
    Case(lambda a: a.uuid_transfer("U", "-5"), "uuid_transfer U -aleg -5"),
    Case(lambda a: a.uuid_transfer("U", "-5", leg=Leg.BLEG), "uuid_transfer U -bleg -5"),
    Case(
        lambda a: a.uuid_transfer("U", "set:a=it's,park", dialplan="inline"),
        r"uuid_transfer U 'set:a=it\'s,park' inline",
    ),
    Case(lambda a: a.uuid_dual_transfer("U", "1000", "1001"), "uuid_dual_transfer U 1000 1001"),
    Case(
        lambda a: a.uuid_dual_transfer("U", "1000", "1001", context="c", other_dialplan="lua", other_context="d"),
        "uuid_dual_transfer U 1000/XML/c 1001/lua/d",
    ),
    Case(
        lambda a: a.uuid_dual_transfer("U", "playback:/a/b.wav", "park", dialplan="inline", other_dialplan="inline"),
        "uuid_dual_transfer U playback:/a/b.wav/inline park/inline",
    ),
    Case(lambda a: a.uuid_bridge("U", "V"), "uuid_bridge U V", "+OK V\n", "V"),
    Case(lambda a: a.uuid_bridge("U", "V", fallback_uuid="W"), "uuid_bridge U V W", "+OK W\n", "W"),
    Case(lambda a: a.uuid_broadcast("U", "a b.wav"), "uuid_broadcast U 'playback::a b.wav'", "+OK Message sent\n"),
    Case(
        lambda a: a.uuid_broadcast("U", "tone_stream://%(500,0,440)", leg="both"),
        "uuid_broadcast U 'playback::tone_stream://%(500,0,440)' both",
        "+OK Message sent\n",
    ),
    Case(
        lambda a: a.uuid_broadcast("U", "1 2", application="send_dtmf", leg=Leg.BLEG, hangup_cause="USER_BUSY"),
        "uuid_broadcast U 'send_dtmf!USER_BUSY::1 2' bleg",
        "+OK Message sent\n",
    ),
    Case(
        lambda a: a.uuid_broadcast("U", Expand("${sounds_dir}/x.wav"), leg=Leg.ALEG),
        "uuid_broadcast U 'playback::%[]${sounds_dir}/x.wav' aleg",
        "+OK Message sent\n",
    ),
    Case(lambda a: a.uuid_broadcast("U", "", application="echo"), "uuid_broadcast U echo::", "+OK Message sent\n"),
    Case(lambda a: a.uuid_park("U"), "uuid_park U"),
    Case(lambda a: a.uuid_deflect("U", "sip:a@b"), "uuid_deflect U sip:a@b", "+OK:SIP/2.0 202\n", "SIP/2.0 202"),
    Case(lambda a: a.uuid_deflect("U", "1000"), "uuid_deflect U 1000", "+OK:no reply\n", "no reply"),
    Case(lambda a: a.uuid_deflect("U", "1000"), "uuid_deflect U 1000", "+OK:(null)\n", None),
    Case(lambda a: a.uuid_redirect("U", "sip:a@b"), "uuid_redirect U sip:a@b", "+OK:(null)\n"),
    Case(
        lambda a: a.uuid_redirect("U", "<sip:a@b>;q=0.5", "sip:c@d", cause="CALL_REJECTED"),
        "uuid_redirect U <sip:a@b>;q=0.5,sip:c@d CALL_REJECTED",
        "+OK:(null)\n",
    ),
    Case(lambda a: a.uuid_recovery_refresh("U", "it's ${x}"), "uuid_recovery_refresh U it's ${x}", "+OK:(null)\n"),
    Case(lambda a: a.uuid_simplify("U"), "uuid_simplify U", DONE),
]


@pytest.mark.parametrize("case", SUCCESSES, ids=lambda case: case.line)
async def test_a_command_is_said_and_its_answer_is_a_value(case: Case) -> None:
    await check_success(case)


@pytest.mark.parametrize(
    ("printed", "asks", "call"),
    [
        (GONE, False, lambda a: a.uuid_transfer("U", "1000")),
        (GONE, False, lambda a: a.uuid_dual_transfer("U", "1000", "1001")),
        (INVALID, True, lambda a: a.uuid_bridge("U", "V")),
        ("-ERR invalid uuid\n", True, lambda a: a.uuid_broadcast("U", "x.wav")),
        (GONE, False, lambda a: a.uuid_park("U")),
        ("-ERR No such channel U!\n", False, lambda a: a.uuid_deflect("U", "1000")),
        ("-ERR No such channel U!\n", False, lambda a: a.uuid_redirect("U", "1000")),
        ("-ERR No such channel U!\n", False, lambda a: a.uuid_recovery_refresh("U", "1000")),
        ("-ERR Operation failed\n", True, lambda a: a.uuid_simplify("U")),
    ],
)
async def test_each_way_to_say_that_there_is_no_channel_is_understood(printed: str, asks: bool, call: Call) -> None:
    await check_gone(call, printed, asks=asks)


@pytest.mark.parametrize(
    ("printed", "asks", "call"),
    [
        ("-ERR\n", False, lambda a: a.uuid_transfer("U", "1000")),
        ("-USAGE: <uuid> [-bleg|-both] <dest-exten> [<dialplan>] [<context>]\n", False, lambda a: a.uuid_park("U")),
        ("-ERR Operation failed\n", True, lambda a: a.uuid_simplify("U")),
        ("-ERR uuid_bridge Command not found!\n", False, lambda a: a.uuid_bridge("U", "V")),
        ("-USAGE: <uuid> <uri>\n", False, lambda a: a.uuid_deflect("U", "1000")),
    ],
)
async def test_whatever_else_is_no_success_is_a_failure(printed: str, asks: bool, call: Call) -> None:
    await check_failure(call, printed, asks=asks)


async def test_which_of_two_channels_is_gone_is_asked() -> None:
    api = Channels(INVALID, "true", "false")
    with pytest.raises(NoSuchChannel) as caught:
        await api.uuid_bridge("U", "V", fallback_uuid="W")
    assert caught.value.channel_uuid == "V"
    assert api.lines == ["uuid_bridge U V W", "uuid_exists U", "uuid_exists V"]


async def test_two_channels_that_are_there_and_cannot_talk_are_another_failure() -> None:
    api = Channels(INVALID, "true", "true", "true")
    with pytest.raises(ApiFailed, match="uuid_bridge failed: -ERR Invalid uuid") as caught:
        await api.uuid_bridge("U", "V")
    assert type(caught.value) is ApiFailed


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("extension is ''", lambda a: a.uuid_transfer("U", "")),
        ("extension is '-both'", lambda a: a.uuid_transfer("U", "-both")),
        ("extension is '1\\\\n2'", lambda a: a.uuid_transfer("U", "1\n2")),
        ("leg is 'cleg'", lambda a: a.uuid_transfer("U", "1", leg="cleg")),
        ("channel_uuid is '\\^\\^;U'", lambda a: a.uuid_transfer("^^;U", "1")),
        ("extension is '1/2'", lambda a: a.uuid_dual_transfer("U", "1/2", "3")),
        ("other_extension is '3/XML/a/b'", lambda a: a.uuid_dual_transfer("U", "1", "3", other_context="a/b")),
        (
            "extension is 'a/inline/b/inline'",
            lambda a: a.uuid_dual_transfer("U", "a/inline/b", "1", dialplan="inline"),
        ),
        ("other_uuid is 'V W'", lambda a: a.uuid_bridge("U", "V W")),
        ("fallback_uuid is 'W X'", lambda a: a.uuid_bridge("U", "V", fallback_uuid="W X")),
        ("path is ''", lambda a: a.uuid_broadcast("U", "")),
        ("path is 'a\\\\nb'", lambda a: a.uuid_broadcast("U", "a\nb")),
        ("application is 'a::b'", lambda a: a.uuid_broadcast("U", "x", application="a::b")),
        ("application is 'a!b'", lambda a: a.uuid_broadcast("U", "x", application="a!b")),
        ("hangup_cause is 'x'", lambda a: a.uuid_broadcast("U", "x", hangup_cause="x")),
        ("leg is 'holdb'", lambda a: a.uuid_broadcast("U", "x", leg="holdb")),
        ("multiset expands", lambda a: a.uuid_broadcast("U", "a=b", application="multiset")),
        ("uri is ''", lambda a: a.uuid_deflect("U", "")),
        ("uri is 'sip:44", lambda a: a.uuid_deflect("U", "sip:" + "4" * 897)),
        ("uri is 'sip:a@b c'", lambda a: a.uuid_deflect("U", "sip:a@b c")),
        ("uri is 'sip:a@b\\\\r\\\\nX: y'", lambda a: a.uuid_deflect("U", "sip:a@b\r\nX: y")),
        ("there are 0 uris", lambda a: a.uuid_redirect("U")),
        ("there are 101 uris", lambda a: a.uuid_redirect("U", *["a"] * 101)),
        ("uri is 'a,b'", lambda a: a.uuid_redirect("U", "a,b")),
        ("uri is 'a CALL_REJECTED'", lambda a: a.uuid_redirect("U", "a CALL_REJECTED")),
        ("cause is 'x'", lambda a: a.uuid_redirect("U", "a", cause="x")),
        ("uri is 'a '", lambda a: a.uuid_recovery_refresh("U", "a ")),
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(message: str, call: Call) -> None:
    await check_refusal(call, message)


@pytest.mark.parametrize(
    ("application", "text"),
    [
        ("playback", "it's ${system(reboot)} \\n.wav"),
        ("playback", "http://x/?a=b::c&d=$${e}"),
        ("playback", "'\\'"),
        ("playback", "%[a=b]c.wav"),
        ("log", "INFO first\nsecond\r\n${x}"),
    ],
)
async def test_what_a_broadcast_application_is_given_is_data(application: str, text: str) -> None:
    async def nothing(name: str, argument: str) -> str:
        raise AssertionError(f"{name} was run")

    api = Channels("+OK Message sent\n")
    await api.uuid_broadcast("U", text, application=application, leg="aleg")
    name, line = api.lines[0].split(" ", 1)
    assert "\n" not in line
    uuid, path, leg = separate(line, limit=4)
    assert (name, uuid, leg) == ("uuid_broadcast", "U", "aleg")
    # switch_ivr_broadcast() takes the application off; the session expands the rest when it runs it.
    ran, _, raw = path.partition("::")
    assert ran == application
    seen = await expand(raw, variable=lambda name: None, api=nothing, global_variable=lambda name: None)
    assert seen.removeprefix("%[]") == text
