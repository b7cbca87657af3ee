"""Speech that FreeSWITCH recognises: what recognisers write, and how it is asked for."""

from __future__ import annotations

import pytest
import trio
from trio.testing import MockClock

from esl_outbound import ApplicationFailed, Call, Expand, LocalProtocolError, NotPermitted
from esl_outbound.call.speech import SpeechEventType
from esl_outbound.call.speech_results import Interpretation, SpeechOutcome, SpeechResult, read_speech_result
from esl_outbound.testing import FakeFreeSwitch

from ..freeswitch import LINGER_NOTICE, OK, ScriptedSwitch, connect_reply, dial
from .doing import Doing, doing, refuses_what

# What pocketsphinx_asr_get_results() writes.
YES = (
    '<?xml version="1.0"?>\n<result grammar="yesno">\n  <interpretation grammar="yesno" confidence="93">\n'
    '    <input mode="speech">yes</input>\n  </interpretation>\n</result>\n'
)
NOTHING_SAID = (
    '<?xml version="1.0"?>\n<result grammar="yesno">\n  <interpretation>\n'
    '    <input mode="speech"><noinput/></input>\n  </interpretation>\n</result>\n'
)
# What a recogniser behind MRCP writes (RFC 6787, section 6.3.1).
MRCP = (
    '<?xml version="1.0" encoding="UTF-16"?><result xmlns="urn:ietf:params:xml:ns:mrcpv2" xmlns:ex="http://e.com/">'
    '<interpretation grammar="session:1@g.com" confidence="0.97"><instance><ex:Person><ex:Name> Andre Roy </ex:Name>'
    '</ex:Person></instance><input mode="speech" timestamp-start="1"> may I speak\n to Andre Roy </input>'
    '</interpretation><interpretation grammar="session:2" confidence="0.1"><instance>andy</instance>'
    "<input>andy</input></interpretation></result>"
)

NO_MATCH = (SpeechOutcome.NO_MATCH, "", None)


@pytest.mark.parametrize(
    ("raw", "outcome", "text", "confidence"),
    [
        (YES, SpeechOutcome.RECOGNISED, "yes", 93.0),
        (MRCP, SpeechOutcome.RECOGNISED, "may I speak to Andre Roy", 0.97),
        (NOTHING_SAID, SpeechOutcome.NO_INPUT, "", None),
        (NOTHING_SAID.replace("noinput", "nomatch"), SpeechOutcome.NO_MATCH, "", None),
        ("<result><interpretation><input><nomatch>x</nomatch></input></interpretation></result>", *NO_MATCH),
        # test_asr_get_results() in mod_test.c
        ('{"grammar": "g", "text": "agent", "confidence": 60.000000}', SpeechOutcome.RECOGNISED, "agent", 60.0),
        ('{"grammar": "g", "text": "", "confidence": 0, "error": "no_input"}', SpeechOutcome.NO_INPUT, "", None),
        ('{"text": "x", "error": "no-match"}', SpeechOutcome.NO_MATCH, "", None),
        ('{"text": "x", "error": "out of memory"}', SpeechOutcome.ERROR, "", None),
        ('{"text": " ", "confidence": 1}', SpeechOutcome.NO_MATCH, "", None),
        ('{"text": "x", "confidence": "high"}', SpeechOutcome.RECOGNISED, "x", None),
        ('{"text": "x", "confidence": true}', SpeechOutcome.RECOGNISED, "x", None),
        ('{"text": "x", "confidence": 1e999}', SpeechOutcome.RECOGNISED, "x", None),
        ("Completion-Cause: 002", SpeechOutcome.NO_INPUT, "", None),
        ("Completion-Cause: 001|Waveform-URI: x", SpeechOutcome.NO_MATCH, "", None),
        ("Completion-Cause: 006", SpeechOutcome.ERROR, "", None),
        ("DIGIT: #", SpeechOutcome.DIGIT, "", None),
        ("yes please", SpeechOutcome.RECOGNISED, "yes please", None),
        ("", SpeechOutcome.NOTHING, "", None),
        (" \n", SpeechOutcome.NOTHING, "", None),
        ("<result", SpeechOutcome.UNREADABLE, "", None),
        ("<result/>", SpeechOutcome.UNREADABLE, "", None),
        ("<r><interpretation/></r>", SpeechOutcome.UNREADABLE, "", None),
        ("{", SpeechOutcome.UNREADABLE, "", None),
        ('{"words": 1}', SpeechOutcome.UNREADABLE, "", None),
        ('{"text": ' + "[" * 60_000, SpeechOutcome.UNREADABLE, "", None),
        ("x" * 65_537, SpeechOutcome.UNREADABLE, "", None),
        ("<a>" * 20_000, SpeechOutcome.UNREADABLE, "", None),
        ("<a>" * 9_000 + "</a>" * 9_000, SpeechOutcome.UNREADABLE, "", None),
    ],
)
def test_whatever_a_recogniser_writes_is_read_and_kept(
    raw: str, outcome: SpeechOutcome, text: str, confidence: float | None
) -> None:
    result = read_speech_result(raw)
    assert (result.outcome, result.text, result.confidence, result.raw) == (outcome, text, confidence, raw)


def test_what_is_meant_is_told_with_the_grammar_that_says_so() -> None:
    first, second = read_speech_result(MRCP).interpretations
    assert first.grammar == "session:1@g.com"
    assert "<person>" in first.instance
    assert " Andre Roy " in first.instance
    assert second == Interpretation("andy", 0.1, "session:2", "andy")
    assert read_speech_result("DIGIT: 5").digit == "5"
    assert read_speech_result("Completion-Cause: 006").error == "Completion-Cause: 006"


@pytest.mark.parametrize(
    "raw",
    [
        '<!DOCTYPE r [<!ENTITY a "lol"><!ENTITY b "&a;&a;">]><result><interpretation><input>&b;</input>'
        "</interpretation></result>",
        '<?xml version="1.0"?><!doctype r SYSTEM "file:///etc/passwd"><result/>',
        "<result><interpretation><input>&undefined;</input></interpretation></result>",
    ],
)
def test_a_document_type_is_not_read(raw: str) -> None:
    assert read_speech_result(raw) == SpeechResult(raw, SpeechOutcome.UNREADABLE)


def test_bytes_that_are_no_utf_8_are_no_obstacle() -> None:
    raw = YES.replace("yes<", "caf\udce9<")
    result = read_speech_result(raw)
    assert (result.text, result.raw) == ("caf\N{REPLACEMENT CHARACTER}", raw)


# play_and_detect_speech

UNSET = "detect_speech_result playback_terminator_used"
ENCODED_YES = "%3C?xml version%3D%221.0%22?%3E%0A%3Cresult%3E%3Cinterpretation%3E%3Cinput%3Eyes%3C/input%3E".replace(
    " ", "%20"
) + ("%3C/interpretation%3E%3C/result%3E")


async def expect(switch: ScriptedSwitch, argument: str | None = None) -> str:
    """Read the two applications of one write."""
    uuid = await switch.expect_execute("multiunset", UNSET)
    await switch.send(switch.execute(uuid, "multiunset"), switch.complete(uuid, "multiunset"))
    uuid = await switch.expect_execute("play_and_detect_speech", argument)
    await switch.send(switch.execute(uuid, "play_and_detect_speech"))
    return uuid


async def test_a_prompt_is_played_and_its_answer_understood() -> None:
    results: list[SpeechResult] = []

    async def do(call: Call) -> None:
        results.append(await call.play_and_detect_speech("a b.wav", "pocketsphinx", "yesno"))
        params = {"no-input-timeout": "5000", "start-input-timers": "false"}
        results.append(
            await call.play_and_detect_speech(
                ["a.wav", Expand("${b}.wav")], "unimrcp:x", "builtin:grammar/number", params=params, terminators="#"
            )
        )
        assert call.digits.clear() == "5"  # and the terminator is the result's
        results.append(await call.play_and_detect_speech("a.wav", "vosk", "{evil} it's ${system(touch x)}"))

    async with doing(do) as switch:
        none = "%[playback_terminators=none]"
        uuid = await expect(switch, none + "a b.wav detect:pocketsphinx yesno")
        await switch.send(switch.complete(uuid, response="DONE", variable_detect_speech_result=ENCODED_YES))
        uuid = await expect(
            switch,
            "%[playback_terminators=#]file_string://a.wav!'${b}.wav' detect:unimrcp:x "
            "'{no-input-timeout=5000,start-input-timers=false}builtin:grammar/number'",
        )
        await switch.send(*(switch.event("DTMF", DTMF_Digit=digit) for digit in ("5", "%23")))
        await switch.send(switch.complete(uuid, response="DONE", variable_detect_speech_result="DIGIT%3A%20%23"))
        uuid = await expect(switch, none + r"a.wav detect:vosk '{}{evil} it\\'s \${system(touch x)}'")
        await switch.send(switch.complete(uuid, response="DONE"))
    assert [(each.outcome, each.text, each.digit) for each in results] == [
        (SpeechOutcome.RECOGNISED, "yes", ""),
        (SpeechOutcome.DIGIT, "", "#"),
        (SpeechOutcome.NOTHING, "", ""),
    ]


@pytest.mark.parametrize("response", ["ASR INIT ERROR", "GRAMMAR ERROR", "ERROR", "USAGE ERROR"])
async def test_what_could_not_be_done_raises(response: str) -> None:
    async def do(call: Call) -> None:
        with pytest.raises(ApplicationFailed, match=response) as caught:
            await call.play_and_detect_speech("a.wav", "vosk", "g")
        assert caught.value.application == "play_and_detect_speech"

    async with doing(do) as switch:
        uuid = await expect(switch)
        await switch.send(switch.complete(uuid, response=response.replace(" ", "%20")))


async def test_cancelled_it_is_ended_with_its_recogniser(autojump_clock: MockClock) -> None:
    async def do(call: Call) -> None:
        began = trio.current_time()
        with trio.move_on_after(1):
            await call.play_and_detect_speech("a.wav", "vosk", "g")
        assert trio.current_time() - began == pytest.approx(1, abs=0.1)

    async with doing(do) as switch:
        uuid = await expect(switch)
        inner = await switch.expect_execute("detect_speech", "stop")
        await switch.send(
            switch.execute(inner, "detect_speech"), switch.complete(inner, "detect_speech"), switch.complete(uuid)
        )


async def test_what_cannot_be_asked_is_refused_before_anything_is_sent() -> None:
    async def do(call: Call) -> None:
        for prompt, engine, grammar, params in (
            ("", "vosk", "g", {}),
            ("a detect:b.wav", "vosk", "g", {}),
            ("a.wav", "", "g", {}),
            ("a.wav", "a b", "g", {}),
            ("a.wav", "stop", "g", {}),
            ("a.wav", "vosk", " ", {}),
            ("a.wav", "vosk", "g", {"a,b": "1"}),
            ("a.wav", "vosk", "g", {"a": "1,b=2"}),
            ("a.wav", "vosk", "g", {"a": "{"}),
            ("a.wav", "vosk", "g", {"a": ""}),
        ):
            with pytest.raises(LocalProtocolError):
                await call.play_and_detect_speech(prompt, engine, grammar, params=params)
        with pytest.raises(LocalProtocolError):
            await call.play_and_detect_speech("a.wav", "vosk", "g", terminators="any")

    await refuses_what(do)


# detect_speech

DIVERTED = b"Content-Type: command/reply\nReply-Text: +OK events diverted\n\n"
NOT_DIVERTED = b"Content-Type: command/reply\nReply-Text: +OK events not diverted\n\n"


def detected(switch: ScriptedSwitch, kind: str, body: str = "", **headers: str) -> bytes:
    """DETECTED_SPEECH as speech_thread() queues it: it tells of no channel."""
    return switch.event("DETECTED_SPEECH", body, "", Speech_Type=kind, **headers)


async def test_a_recogniser_listens_while_the_block_lasts_and_tells_each_thing_once() -> None:
    told: list[tuple[str, str]] = []

    async def do(call: Call) -> None:
        async with call.detected_speech("pocketsphinx", "yes no", name="yesno", params={"x": "1"}) as speech:
            async for event in speech:
                told.append((event.type, event.result.text if event.result else ""))
                assert isinstance(event.type, SpeechEventType) is (event.type != "new-kind")
        told.append(("over", ""))

    async with doing(do) as switch:
        await switch.expect("divert_events on")
        await switch.send(DIVERTED)
        await switch.run_application("detect_speech", "pocketsphinx '{x=1}yes no' yesno")
        await switch.send(
            detected(switch, "begin-speaking"),
            detected(switch, "detected-partial-speech", "ye"),
            detected(switch, "detected-speech", YES, Event_Sequence="7000"),
            # With fire_asr_events there is a copy.
            switch.event("DETECTED_SPEECH", YES, Speech_Type="detected-speech", Event_Sequence="7000"),
            detected(switch, "new-kind"),
            detected(switch, "closed"),
        )
        await switch.run_application("detect_speech", "stop")
        await switch.expect("divert_events off")
        await switch.send(NOT_DIVERTED)
    assert told == [
        ("begin-speaking", ""),
        ("detected-partial-speech", "ye"),
        ("detected-speech", "yes"),
        ("new-kind", ""),
        ("closed", ""),
        ("over", ""),
    ]


async def test_a_recogniser_can_be_told_things() -> None:
    async def do(call: Call) -> None:
        async with call.detected_speech("vosk", "{g", destination="host:1") as speech:
            await speech.pause()
            await speech.resume()
            await speech.start_input_timers()
            await speech.load_grammar("g 2", "two")
            await speech.unload_grammar("two")
            await speech.enable_grammar("one")
            await speech.disable_grammar("one")
            await speech.disable_all_grammars()
            await speech.set_param("a", "it's")
            with pytest.raises(LocalProtocolError):
                await speech.set_param("a b", "1")
            with pytest.raises(LocalProtocolError):
                await speech.load_grammar("")
            with pytest.raises(LocalProtocolError, match="something else listens"):
                await call.play_and_detect_speech("a.wav", "vosk", "g")

    async with doing(do) as switch:
        await switch.expect("divert_events on")
        await switch.send(DIVERTED)
        for argument in (
            "vosk '{}{g' '' host:1",
            "pause",
            "resume",
            "start-input-timers",
            "grammar 'g 2' two",
            "nogrammar two",
            "grammaron one",
            "grammaroff one",
            "grammarsalloff",
            r"param a 'it\\'s'",
            "stop",
        ):
            await switch.run_application("detect_speech", argument)
        await switch.expect("divert_events off")
        await switch.send(NOT_DIVERTED)


async def test_the_next_result_is_waited_for_and_a_recogniser_that_closes_has_none() -> None:
    results: list[SpeechResult] = []

    async def do(call: Call) -> None:
        async with call.detected_speech("vosk", "g") as speech:
            results.extend([await speech.result() for _ in range(3)])

    async with doing(do) as switch:
        await switch.expect("divert_events on")
        await switch.send(DIVERTED)
        await switch.run_application("detect_speech", "vosk g ''")
        await switch.send(
            detected(switch, "begin-speaking"), detected(switch, "detected-speech", "no"), detected(switch, "closed")
        )
        await switch.run_application("detect_speech", "stop")
        await switch.expect("divert_events off")
        await switch.send(NOT_DIVERTED)
    assert [each.outcome for each in results] == [
        SpeechOutcome.RECOGNISED,
        SpeechOutcome.NOTHING,
        SpeechOutcome.NOTHING,
    ]


async def test_listening_ends_with_the_call() -> None:
    seen: list[str] = []

    async def do(call: Call) -> None:
        async with call.detected_speech("vosk", "g") as speech:
            with trio.CancelScope(shield=True):
                seen.extend([event.type async for event in speech])

    async with dial(lambda: Doing(do)) as switch:
        await switch.greet()
        await switch.expect("divert_events on")
        await switch.send(DIVERTED)
        await switch.run_application("detect_speech")
        await switch.send(detected(switch, "begin-speaking"), switch.hangup(), switch.hangup_complete(), LINGER_NOTICE)
        await switch.expect_exit()
    assert seen == ["begin-speaking"]


async def test_without_async_nobody_listens() -> None:
    async def do(call: Call) -> None:
        with pytest.raises(NotPermitted):
            async with call.detected_speech("vosk", "g"):
                pass

    async with doing(do, connect_reply("static")):
        pass


async def test_without_full_somebody_does() -> None:
    async def do(call: Call) -> None:
        async with call.detected_speech("vosk", "g"):
            pass

    async with dial(lambda: Doing(do)) as switch:
        refused = b"Content-Type: command/reply\nReply-Text: -ERR command not found\n\n"
        await switch.greet(
            connect_reply(control="single-channel"),
            b"Content-Type: command/reply\nReply-Text: +OK Events Enabled\n\n" + refused * 2,
        )
        await switch.expect("divert_events on")
        await switch.send(DIVERTED)
        await switch.run_application("detect_speech", "vosk g ''")
        await switch.run_application("detect_speech", "stop")
        await switch.expect("divert_events off")
        await switch.send(NOT_DIVERTED)
        await switch.expect("sendmsg\ncall-command: hangup\nhangup-cause: NORMAL_CLEARING")
        await switch.send(OK, switch.hangup())
        await switch.expect_exit()


# As a user would


async def confirm(call: Call) -> None:
    """Ask for a yes, and hang up without one."""
    await call.answer()
    answer = await call.play_and_detect_speech(
        "really.wav", "pocketsphinx", "yesno", params={"no-input-timeout": "3000"}, terminators="#"
    )
    match answer.outcome, answer.text:
        case SpeechOutcome.RECOGNISED, "yes":
            await call.playback("done.wav")
        case SpeechOutcome.DIGIT, _:
            await call.playback("key.wav")
        case outcome, _:
            await call.playback(f"{outcome.value}.wav")


async def test_a_caller_who_says_yes_ends_the_prompt_with_it(phone: FakeFreeSwitch) -> None:
    phone.sound("really.wav", 10)
    async with phone.dial(lambda: Doing(confirm)) as caller:
        sound = await caller.hears("really.wav")
        await caller.stays_silent(1)
        await caller.says("yes")
        await caller.hears("done.wav")
        assert sound.ended is not None
        assert sound.ended - sound.began < 1.2


async def test_a_caller_who_says_nothing_or_something_else_or_presses_a_key(phone: FakeFreeSwitch) -> None:
    async with phone.dial(lambda: Doing(confirm)) as caller:
        await caller.hears("really.wav", to_the_end=True)
        await caller.hears("no input.wav")
    async with phone.dial(lambda: Doing(confirm)) as caller:
        await caller.hears("really.wav", to_the_end=True)
        await caller.says("perhaps", is_understood=False)
        await caller.hears("no match.wav")
    async with phone.dial(lambda: Doing(confirm)) as caller:
        await caller.hears("really.wav")
        await caller.press("#")
        await caller.hears("key.wav")


async def test_what_is_said_into_a_prompt_is_heard_at_once_and_once(phone: FakeFreeSwitch) -> None:
    phone.sound("menu.wav", 20)
    heard: list[str] = []

    async def do(call: Call) -> None:
        await call.answer()
        async with call.detected_speech("pocketsphinx", "menu") as speech, trio.open_nursery() as nursery:
            nursery.start_soon(call.playback, "menu.wav")
            for _ in range(2):
                heard.append((await speech.result()).text)
                await speech.resume()
            nursery.cancel_scope.cancel()
        await call.playback("after.wav")

    async with phone.dial(lambda: Doing(do), variables={"fire_asr_events": "true"}) as caller:
        sound = await caller.hears("menu.wav")
        await caller.says("sales")
        await caller.stays_silent(1)
        await caller.says("sales")
        await caller.hears("after.wav")
        assert sound.ended is not None
        assert sound.ended - sound.began < 4
    assert heard == ["sales", "sales"]


async def test_a_recogniser_that_is_not_there(phone: FakeFreeSwitch) -> None:
    phone.missing_engine("vosk")
    phone.missing_grammar("no*")

    async def do(call: Call) -> None:
        await call.answer()
        with pytest.raises(ApplicationFailed, match="ASR INIT ERROR"):
            await call.play_and_detect_speech("a.wav", "vosk", "g")
        with pytest.raises(ApplicationFailed, match="GRAMMAR ERROR"):
            await call.play_and_detect_speech("a.wav", "pocketsphinx", "nothing")
        with trio.move_on_after(2) as scope:
            await call.play_and_detect_speech("a.wav", "pocketsphinx", "g", params={"no-input-timeout": "0"})
        assert scope.cancelled_caught
        await call.playback("after.wav")

    async with phone.dial(lambda: Doing(do)) as caller:
        await caller.hears("a.wav", to_the_end=True)
        await caller.hears("after.wav")
