"""What happens in a call, in words for whoever is the caller."""

from __future__ import annotations

import pytest

from esl_outbound.cli.wording import Words, listed_sounds, printable, worded
from esl_outbound.testing import Happening, Moment, Sound, Who

MOMENTS = [
    (Who.CALLER, Happening.CALLS, ("1000", "5000"), "you call 5000 as 1000"),
    (Who.CALLER, Happening.PRESSES, ("1",), "you press 1"),
    (Who.CALLER, Happening.STAYS_SILENT, ("2",), "you: stays silent for 2 s"),
    (Who.CALLER, Happening.SPEAKS, ("2",), "you: speaks for 2 s"),
    (Who.CALLER, Happening.HEARS, ("a.wav", "1 s"), "playing a.wav (1 s) ..."),
    (Who.CALLER, Happening.HEARS, ("say:number:12", "1 s"), 'saying "12" as number (1 s) ...'),
    (Who.CALLER, Happening.HEARS, ("speak:hello", "1 s"), 'saying "hello" (1 s) ...'),
    (Who.CALLER, Happening.HEARS_NOTHING, ("silence_stream://2000", "2 s"), "silence (2 s) ..."),
    (Who.CALLER, Happening.IS_ASKED_FOR, ("4 digits",), "you are asked for 4 digits"),
    (Who.CALLER, Happening.SAYS, ("yes",), "you say yes"),
    (Who.CALLER, Happening.MAKES_TONE, ("1100",), "you make a tone of 1100 Hz"),
    (Who.CALLER, Happening.IS_SENT_DIGITS, ("12",), "you are sent the digits 12"),
    (Who.CALLER, Happening.IS_RECORDED, ("m.wav",), "recording you in m.wav ..."),
    (Who.CALLER, Happening.TALKS_TO, ("user/1001",), "you talk to user/1001 ..."),
    (Who.CALLER, Happening.TALKS_TO_ONE_OF_TWO, ("user/1", "user/2"), "you talk to user/1, while user/2 waits ..."),
    (Who.CALLER, Happening.IS_IN_CONFERENCE, ("room", "2"), "you are in the conference room, one of 2"),
    (Who.CALLER, Happening.LEAVES_CONFERENCE, ("room",), "you leave the conference room"),
    (Who.CALLER, Happening.HANGS_UP, ("NORMAL_CLEARING",), "you hang up (NORMAL_CLEARING)"),
    (Who.HANDLER, Happening.HANGS_UP, ("USER_BUSY",), "the handler hangs up (USER_BUSY)"),
    (Who.HANDLER, Happening.RUNS, ("answer", ""), "the handler answers"),
    (Who.HANDLER, Happening.RUNS, ("echo", ""), "the handler runs echo"),
    (Who.HANDLER, Happening.RUNS, ("set", "a=b"), "the handler runs set: a=b"),
    (Who.SWITCH, Happening.RUNS, ("answer", ""), "FreeSWITCH answers for the handler"),
    (Who.SWITCH, Happening.RUNS, ("hangup", ""), "the dialplan hangs up"),
    (Who.SWITCH, Happening.RUNS, ("hangup", "USER_BUSY"), "the dialplan hangs up (USER_BUSY)"),
    (Who.SWITCH, Happening.RUNS, ("set", "a=b"), "FreeSWITCH: set a=b"),
    (Who.SWITCH, Happening.RUNS, ("park", ""), "FreeSWITCH: park"),
    (Who.HANDLER, Happening.BRIDGES, ("user/1001",), "the handler calls user/1001 ..."),
    (Who.HANDLER, Happening.BEGINS_ATTENDED_TRANSFER, ("user/1001",), "the handler calls user/1001 ..."),
    (Who.HANDLER, Happening.ASKS_API, ("status",), "the handler asks FreeSWITCH: status"),
    (Who.HANDLER, Happening.ASKS_API, ("uuid_break 5f64",), None),
    (Who.HANDLER, Happening.STARTS_JOB, ("status",), "the handler asks FreeSWITCH: status"),
    (Who.HANDLER, Happening.LOGS_ON_SWITCH, ("INFO", "hi"), "FreeSWITCH logs INFO: hi"),
    (Who.HANDLER, Happening.LOGS, ("INFO", "hi"), None),
    (Who.HANDLER, Happening.EXITS, (), "the handler lets go of the call"),
    (Who.CALLEE, Happening.RINGS, ("user/1001",), "user/1001 rings"),
    (Who.CALLEE, Happening.ANSWERS, ("user/1001",), "user/1001 answers"),
    (Who.CALLEE, Happening.DOES_NOT_ANSWER, ("user/1001", "USER_BUSY"), "user/1001 does not answer: USER_BUSY"),
    (Who.CALLEE, Happening.FAR_END_HANGS_UP, ("user/1001", "BUSY"), "user/1001 hangs up: BUSY"),
    (Who.CALLEE, Happening.FAR_END_HEARS, ("user/1001", "a.wav"), "user/1001 hears a.wav"),
    (Who.CALLEE, Happening.FAR_END_PRESSES, ("user/1001", "1"), "user/1001 presses 1"),
    (Who.SWITCH, Happening.FAR_END_GOES_TO, ("user/1001", "9000"), "user/1001 goes to 9000"),
    (Who.CALLEE, Happening.FAR_ENDS_TALK, ("user/1", "user/2"), "user/1 talks to user/2"),
    (Who.SWITCH, Happening.SOUND_ENDS, ("a.wav", "cut short by 1"), "a.wav is cut short by your 1"),
    (Who.SWITCH, Happening.SOUND_ENDS, ("a.wav", "stopped"), "a.wav is stopped"),
    (Who.SWITCH, Happening.RECORDS_CALL, ("c.wav",), "FreeSWITCH: records the call in c.wav"),
    (Who.SWITCH, Happening.HAS_RECORDED, ("m.wav", "2.0"), "recorded 2.0 s in m.wav"),
    (Who.SWITCH, Happening.CANNOT_RECORD, ("m.wav",), "FreeSWITCH: m.wav cannot be opened for recording"),
    (Who.SWITCH, Happening.GOES_TO, ("9000",), "FreeSWITCH: the call goes to 9000"),
    (Who.SWITCH, Happening.ENDS_BY_TIMER, ("park_timeout", "BUSY"), "FreeSWITCH: park_timeout: BUSY"),
    (Who.SWITCH, Happening.LACKS_APPLICATION, ("sing",), "the simulated FreeSWITCH has no application sing"),
    (Who.SWITCH, Happening.LACKS_API_COMMAND, ("sofia",), "the simulated FreeSWITCH has no API command sofia"),
    (Who.SWITCH, Happening.ONLY_COMPLETES, ("lua",), "the simulator only lets lua complete"),
    (Who.SWITCH, Happening.REFUSES, ("'x'", "-ERR"), "FreeSWITCH refuses 'x': -ERR"),
    (Who.SWITCH, Happening.IS_NOT_SIMULATED, ("lua",), "the simulator does not run lua on a far leg"),
    (Who.SWITCH, Happening.IS_NOT_TAKEN_BY, ("a:1", "Timed out"), "a:1 does not take the call (Timed out)"),
    (Who.SWITCH, Happening.IS_NOT_TAKEN_BY, ("a:1", "Refused"), "nobody listens at a:1 (connection refused)"),
    (Who.SWITCH, Happening.IS_NOT_TAKEN, (), "nobody takes the call"),
    (Who.SWITCH, Happening.HAS_NO_MORE_ACTIONS, (), "nothing more is to be done with the call"),
    (Who.SWITCH, Happening.CLOSES_SOCKET, (), "FreeSWITCH: the event socket is closed"),
    (Who.SWITCH, Happening.IS_TO_RUN_PROGRAM, ("rm",), "FreeSWITCH: is asked to run a program: rm"),
    (Who.SWITCH, Happening.SHUTS_DOWN, (), "FreeSWITCH: shuts down"),
    (Who.SWITCH, Happening.DIES, (), "FreeSWITCH: dies"),
    (Who.EXPECTED, Happening.FAILED, ("this", "that"), None),
]


@pytest.mark.parametrize(("who", "happening", "details", "text"), MOMENTS)
def test_what_happens_is_said_to_the_caller(
    who: Who, happening: Happening, details: tuple[str, ...], text: str | None
) -> None:
    words = worded(Moment(0, who, happening, details))
    assert (None if words is None else words.text) == text


def test_all_that_can_happen_is_among_them() -> None:
    assert {happening for _, happening, _, _ in MOMENTS} == set(Happening)


def test_what_has_no_saying_is_told_in_its_own_words() -> None:
    assert worded(Moment(0, Who.CALLEE, Happening.SHUTS_DOWN)) == Words("shuts down", None, True)


def test_sounds_are_listed_once_each() -> None:
    sounds = [
        Sound("a.wav", 0, how="heard"),
        Sound("silence_stream://100", 1, is_silence=True, how="heard"),
        Sound("b.wav", 1, how="cut short by 1"),
        Sound("a.wav", 2, how="heard"),
        Sound("c.wav", 3, how="heard"),
        Sound("c.wav", 4, how="hung up"),
    ]
    assert listed_sounds(sounds) == "a.wav (2 times), b.wav (not to the end), c.wav (2 times, not to the end)"
    assert listed_sounds([]) == ""


def test_nothing_steers_the_terminal() -> None:
    assert printable("a\x1b[2J\tb\nc\udc80") == "a\\x1b[2J\\tb\nc\\udc80"
