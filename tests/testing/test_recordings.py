"""Reading recorded conversations."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from esl_outbound.testing.recordings import NotARecording, Recording

from ..freeswitch import RECORDINGS

FIRST = (
    b'{"recording": "esl_outbound", "version": 1, "started_at": "2026-11-22T22:12:47.391705+00:00",'
    b' "peer": "192.0.2.2:5060"}\n'
)
CONNECT = (
    b'{"t": 0.0, "from": "handler", "text": "connect\\n\\nmyev"}\n{"t": 0.1, "from": "handler", "text": "ents\\n\\n"}\n'
)
REPLIES = (
    b'{"t": 0.2, "from": "freeswitch", "text": "Event-Name: CHANNEL_DATA\\nContent-Type: command/reply\\n\\n'
    b'Content-Type: command/reply\\nReply-Te"}\n'
    b'{"t": 0.3, "from": "freeswitch", "text": "xt: +OK Events Enabled\\n\\n"}\n'
)
BODY = (
    b'{"t": 0.4, "from": "freeswitch", "base64": "Q29udGVudC1UeXBlOiBhcGkvcmVzcG9uc2UKQ29udGVudC1MZW5ndGg6IDIKCukK"}\n'
)
END = b'{"t": 0.5, "end": "freeswitch"}\n'
# Framed by what a value with line breaks made of them, or empty.
UNREADABLE = {"i5_getvar_newline", "j3_app_closes_at_once", "j3b_sync_app_closes_at_once"}


def written(directory: Path, data: bytes, name: str = "call.jsonl") -> Path:
    path = directory / name
    path.write_bytes(data)
    return path


def test_a_recording_of_a_server_is_read_whatever_way_it_was_cut(tmp_path: Path) -> None:
    recording = Recording.load(str(written(tmp_path, FIRST + CONNECT + REPLIES + BODY + END)))
    assert recording.path == tmp_path / "call.jsonl"
    assert recording.started_at == datetime(2026, 11, 22, 22, 12, 47, 391705, UTC)
    assert recording.peer == "192.0.2.2:5060"
    assert recording.commands is not None
    assert [(each.seconds, each.command.line) for each in recording.commands] == [(0.0, "connect"), (0.1, "myevents")]
    assert [(frame.seconds, frame.after) for frame in recording.frames] == [(0.2, 2), (0.3, 2), (0.4, 2)]
    assert [frame.content_type for frame in recording.frames] == ["command/reply", "command/reply", "api/response"]
    assert recording.frames[1].get("Reply-Text") == "+OK Events Enabled"
    assert recording.frames[2].body == b"\xe9\n"
    assert (recording.closed_by, recording.seconds, recording.is_cut) == ("freeswitch", 0.5, False)


@pytest.mark.parametrize("kept", [1, 10, len(END) - 2, len(END) - 1])
def test_a_last_line_that_is_there_in_part_is_a_recording_that_was_cut(tmp_path: Path, kept: int) -> None:
    recording = Recording.load(written(tmp_path, FIRST + CONNECT + REPLIES + BODY + END[:kept]))
    assert len(recording.frames) == 3
    assert recording.is_cut == (kept < len(END) - 1)


def test_a_last_frame_that_is_there_in_part_is_left_out(tmp_path: Path) -> None:
    data = FIRST + CONNECT + REPLIES.splitlines(keepends=True)[0] + END
    assert len(Recording.load(written(tmp_path, data)).frames) == 1


def test_a_recording_that_became_too_long_says_so(tmp_path: Path) -> None:
    recording = Recording.load(written(tmp_path, FIRST + CONNECT + REPLIES + b'{"t": 0.5, "end": "cut"}\n'))
    assert recording.is_cut
    assert recording.closed_by == ""


@pytest.mark.parametrize(
    ("data", "line", "reason"),
    [
        (b"", None, "is empty"),
        (b"{", 1, "is not JSON"),
        (b"{}\n", 1, "does not say that this is a recording of esl_outbound"),
        (b'{"at": 0.0}\n', 1, "does not say that this is a recording of esl_outbound"),
        (FIRST.replace(b'"version": 1', b'"version": 2'), 1, "says version 2, and only version 1 is known here"),
        (FIRST + b"[]\n", 2, "is no JSON object"),
        (FIRST + b"\xff\n", 2, "is not JSON"),
        (FIRST + CONNECT + b"garbage\n" + END, 4, "is not JSON"),
        (FIRST + CONNECT + b'{"from": "handler", "text": ""}\n', 4, "has no time t"),
        (
            FIRST + b'{"t": 0, "from": "me", "text": ""}\n',
            2,
            'is neither from "freeswitch" nor from "handler", and is no end',
        ),
        (FIRST + b'{"t": 0, "from": "handler", "base64": "*"}\n', 2, "holds what is not base64"),
        (FIRST + b'{"t": 0, "from": "handler"}\n', 2, "holds neither text nor base64"),
        (
            FIRST + b'{"t": 0, "from": "handler", "text": "sendmsg\\nContent-Length: -1\\n\\n"}\n',
            2,
            "holds a command that FreeSWITCH does not read: Content-Length: -1",
        ),
        (
            FIRST + CONNECT + REPLIES + b'{"t": 1, "from": "freeswitch", "text": "HTTP/1.1 200 OK\\n\\n"}\n',
            6,
            r"b'HTTP/1.1 200 OK\n\n' is not the beginning of a message of FreeSWITCH's",
        ),
    ],
)
def test_what_is_no_recording_is_refused_with_its_line(
    tmp_path: Path, data: bytes, line: int | None, reason: str
) -> None:
    path = written(tmp_path, data)
    with pytest.raises(NotARecording) as caught:
        Recording.load(path)
    assert caught.value.line == line
    assert caught.value.path == path
    assert str(caught.value) == (f"{path}, line {line}: {reason}" if line else f"{path}: {reason}")
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"\x7fELF\x02\x01\n\n", r"at byte 0, b'\x7fELF\x02\x01\n\n' is not the beginning"),
        (
            b"Content-Type: command/reply\nReply-Text: +OK\n\nHello\n\n",
            r"at byte 45, b'Hello\n\n' is not the beginning",
        ),
        (b"Reply-Text: +OK\n\n", "at byte 0, "),
        (b"just a text", "holds no message of FreeSWITCH's"),
    ],
)
def test_what_is_no_raw_file_is_refused_with_its_place(tmp_path: Path, data: bytes, reason: str) -> None:
    with pytest.raises(NotARecording, match=re.escape(reason)):
        Recording.load(written(tmp_path, data, "call.raw"))


def test_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        Recording.load(tmp_path / "nothing.jsonl")


@pytest.mark.parametrize("path", sorted(RECORDINGS.glob("*.raw")), ids=lambda path: path.stem)
def test_every_raw_file_is_read_to_its_last_byte(path: Path) -> None:
    if path.stem in UNREADABLE:
        with pytest.raises(NotARecording):
            Recording.load(path)
        return
    recording = Recording.load(path)
    assert b"".join(frame.head + frame.body for frame in recording.frames) == path.read_bytes()
    assert recording.commands is None
    assert not recording.is_cut


@pytest.mark.parametrize("cut", [1, 20, 66, 100, 200])
def test_a_raw_file_that_was_cut_ends_with_its_last_whole_message(tmp_path: Path, cut: int) -> None:
    data = (RECORDINGS / "s1_sip_caller_bye.raw").read_bytes()
    recording = Recording.load(written(tmp_path, data[:-cut], "call.raw"))
    assert recording.is_cut
    assert len(recording.frames) == 18


def test_an_event_in_a_raw_file_has_the_time_at_which_freeswitch_made_it() -> None:
    frames = Recording.load(RECORDINGS / "s1_sip_caller_bye.raw").frames
    times = {frame.get("Event-Name"): frame.seconds for frame in frames if frame.is_event}
    assert times["CHANNEL_ANSWER"] == pytest.approx(0.02, abs=1e-4)
    assert times["CHANNEL_HANGUP"] == pytest.approx(2.04, abs=1e-4)
    assert [frame.seconds for frame in frames if frame.content_type == "text/disconnect-notice"] == [None, None]


def test_events_of_a_raw_file_that_were_made_in_one_instant_are_one_piece() -> None:
    frames = Recording.load(RECORDINGS / "s1_sip_caller_bye.raw").frames
    stamped = [frame for frame in frames if frame.seconds is not None]
    assert len({frame.piece for frame in stamped}) == len({frame.seconds for frame in stamped}) < len(stamped)
    assert len({frame.piece for frame in frames}) == len(frames) - len(stamped) + len({each.piece for each in stamped})


@pytest.mark.parametrize("form", ["json", "xml"])
def test_headers_are_found_in_every_format(form: str) -> None:
    frames = Recording.load(RECORDINGS / f"b_myevents_{form}.raw").frames
    executed = [frame for frame in frames if frame.get("Event-Name") == "CHANNEL_EXECUTE"]
    assert [frame.get("Application") for frame in executed][:3] == ["answer", "set", "playback"]
    assert executed[2].get("Application-Data") == "tone_stream://%(300,0,400)"
    assert executed[2].get("No-Such-Header") == ""
    assert executed[1].seconds is not None


def test_the_recorder_and_the_reader_agree_on_odd_text(tmp_path: Path) -> None:
    text = 'Content-Type: command/reply\nX: "q" \\ \u2028 \U0001f4de\nReply-Text: +OK\n\n'
    line = json.dumps({"t": 1, "from": "freeswitch", "text": text}, ensure_ascii=False).encode() + b"\n"
    (frame,) = Recording.load(written(tmp_path, FIRST + line)).frames
    assert frame.head == text.encode()
    assert frame.get("X") == '"q" \\ \u2028 \U0001f4de'
