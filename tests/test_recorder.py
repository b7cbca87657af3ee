"""Recordings of calls: what is in the files, and that nothing about them hurts a call."""

from __future__ import annotations

import base64
import json
import logging
import os
import re
import resource
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path

import pytest
import trio
import trio.testing
from trio.testing import MockClock

from esl_outbound import CannotRecord, serve, serve_listeners, serve_stream
from esl_outbound.link import Link
from esl_outbound.protocol import Auth, Connection
from esl_outbound.recorder import Recorder

from .freeswitch import CHANNEL, SET_UP, SET_UP_REPLIES, connect_reply, dial
from .test_server import Port, Reception, normal_call

NAME = re.compile(r"\d{8}T\d{6}\.\d{6}Z-5f6433ee-df70-478f-a9ed-0397c83df1da\.jsonl")
CONNECT_REPLY = connect_reply()
CAFE = b"Content-Length: 28\nContent-Type: text/event-plain\n\nEvent-Name: CUSTOM\nX: caf\xe9\n\n"


def lines_of(path: Path) -> list[dict[str, object]]:
    """What a recording holds, a line each."""
    data = path.read_bytes()
    assert data.endswith(b"\n")
    return [json.loads(line) for line in data.splitlines()]


def files_in(directory: Path | str) -> list[Path]:
    """All that is in a directory."""
    return list(Path(directory).iterdir())


def only_file(directory: Path) -> Path:
    """The only recording."""
    (path,) = files_in(directory)
    return path


def said_by(lines: list[dict[str, object]], speaker: str) -> str:
    return "".join(str(line["text"]) for line in lines if line.get("from") == speaker)


def complaints(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]


@contextmanager
def files_end_at(size: int) -> Iterator[None]:
    """A disk that is full: nothing can be written beyond this many bytes of a file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


# What is in a recording


async def test_a_call_is_one_file_with_both_directions_and_times(tmp_path: Path, autojump_clock: MockClock) -> None:
    async with dial(Reception, record=tmp_path) as switch:
        await switch.expect("connect", "myevents", "linger 14", "event plain BACKGROUND_JOB")
        await trio.sleep(0.25)
        await switch.send(connect_reply(), SET_UP_REPLIES)
        uuid = await switch.expect_execute("answer")
        await trio.sleep(0.02)
        await switch.send(switch.execute(uuid, "answer"), switch.complete(uuid, "answer"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    path = only_file(tmp_path)
    assert NAME.fullmatch(path.name)
    first, *lines = lines_of(path)
    assert list(first) == ["recording", "version", "started_at", "peer"]
    assert (first["recording"], first["version"], first["peer"]) == ("esl_outbound", 1, "a stream")
    started_at = datetime.fromisoformat(str(first["started_at"]))
    assert path.name.startswith(f"{started_at:%Y%m%dT%H%M%S.%fZ}")
    assert lines[0] == {"t": 0.0, "from": "handler", "text": SET_UP.decode()}
    assert lines[1] == {"t": 0.25, "from": "freeswitch", "text": (connect_reply() + SET_UP_REPLIES).decode()}
    assert [line["t"] for line in lines[2:]] == [0.25, 0.25, 0.27, 0.27, 0.27, 0.27, 0.27]
    assert said_by(lines, "handler").endswith("hangup-cause: NORMAL_CLEARING\n\nexit\n\n")
    assert said_by(lines, "freeswitch").endswith("Linger-Time: 14\nContent-Length: 0\n\n")
    assert lines[-1] == {"t": 0.27, "end": "handler"}


async def test_a_connection_on_a_socket_is_recorded_with_its_peer(tmp_path: Path) -> None:
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            port = Port(await nursery.start(partial(serve, Reception, port=0, record=str(tmp_path))), nursery)
            await port.normal_call()
            while not (files := files_in(tmp_path)) or b'"end"' not in files[0].read_bytes():  # noqa: ASYNC110
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()
    first, *lines = lines_of(only_file(tmp_path))
    assert re.fullmatch(r"127\.0\.0\.1:\d+", str(first["peer"]))
    assert said_by(lines, "handler").startswith(SET_UP.decode())
    assert lines[-1]["end"] == "handler"


async def test_listeners_of_ones_own_record_too(tmp_path: Path) -> None:
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
            start = partial(serve_listeners, Reception, listeners, record=tmp_path)
            await Port(await nursery.start(start), nursery).normal_call()
            nursery.cancel_scope.cancel()
    assert NAME.fullmatch(only_file(tmp_path).name)


async def test_what_is_no_text_is_recorded_as_base64(tmp_path: Path) -> None:
    async with dial(Reception, record=tmp_path) as switch:
        await switch.greet()
        uuid = await switch.expect_execute("answer")
        await switch.send(CAFE)
        await trio.testing.wait_all_tasks_blocked()
        await switch.send(switch.execute(uuid, "answer"), switch.complete(uuid, "answer"))
        await switch.hang_up_as_told()
        await switch.expect_exit()
    odd = [line for line in lines_of(only_file(tmp_path)) if "base64" in line]
    assert [set(line) for line in odd] == [{"t", "from", "base64"}]
    assert base64.b64decode(str(odd[0]["base64"])) == CAFE


async def test_who_closed_the_connection_is_recorded_and_half_a_frame_too(tmp_path: Path) -> None:
    async with dial(Reception, record=tmp_path) as switch:
        await switch.greet()
        await switch.expect_execute("answer")
        await switch.send(b"Content-Length: 500\nContent-Type: text/event-plain\n\nEvent-Na")
    lines = lines_of(only_file(tmp_path))
    assert str(lines[-2]["text"]).endswith("Event-Na")
    assert lines[-1]["end"] == "freeswitch"


async def test_what_speaks_another_protocol_is_recorded_under_a_number(tmp_path: Path) -> None:
    async with dial(Reception, record=tmp_path) as switch:
        await switch.send(b"GET / HTTP/1.1\r\n\r\n")
    assert re.fullmatch(r"[\dT.]+Z-000001\.jsonl", only_file(tmp_path).name)
    assert lines_of(only_file(tmp_path))[-1]["end"] == "handler"


async def test_a_connection_that_says_nothing_leaves_no_file(tmp_path: Path) -> None:
    async with dial(Reception, record=tmp_path):
        pass
    assert not files_in(tmp_path)


async def test_a_reply_to_connect_that_comes_byte_by_byte_names_the_file(tmp_path: Path) -> None:
    call = Recorder(tmp_path).new_call("a")
    for byte in CONNECT_REPLY:
        assert not files_in(tmp_path)
        call.heard(bytes((byte,)))
    call.ended(by_peer=True)
    assert NAME.fullmatch(only_file(tmp_path).name)
    assert said_by(lines_of(only_file(tmp_path)), "freeswitch").encode() == CONNECT_REPLY


async def test_a_head_without_end_does_not_keep_the_file_waiting(tmp_path: Path) -> None:
    call = Recorder(tmp_path).new_call("a")
    call.heard(b"x" * ((1 << 20) + 1))
    assert re.fullmatch(r"[\dT.]+Z-000001\.jsonl", only_file(tmp_path).name)
    call.ended(by_peer=False)


async def test_no_password_is_recorded(tmp_path: Path) -> None:
    ours, theirs = trio.testing.memory_stream_pair()
    call = Recorder(tmp_path).new_call("a")
    link = Link(ours, Connection(opening=(Auth,)), "a", call)
    await link.send((Auth("ClueCon"),))
    assert bytes(await theirs.receive_some()) == b"auth ClueCon\n\n"
    call.heard(CONNECT_REPLY)
    call.ended(by_peer=True)
    text = only_file(tmp_path).read_text()
    assert "ClueCon" not in text
    assert said_by(lines_of(only_file(tmp_path)), "handler") == "auth (not shown)\n\n"


async def test_recording_and_the_wire_log_go_together(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, "esl_outbound.wire")
    async with dial(Reception, record=tmp_path) as switch:
        await normal_call(switch)
    shown = [record.getMessage() for record in caplog.records if record.name == "esl_outbound.wire"]
    assert shown[0] == "a stream > connect"
    lines = lines_of(only_file(tmp_path))
    assert said_by(lines, "handler").startswith(SET_UP.decode())
    assert "end" in lines[-1]


# Names and permissions


@pytest.mark.parametrize(
    "unique_id",
    ["../../etc/passwd", "/tmp/x", f"{CHANNEL}/../x", f"../{CHANNEL}", CHANNEL + "\0", "..", f"{CHANNEL} ", "a" * 300],
)
async def test_no_channel_uuid_leads_out_of_the_directory(tmp_path: Path, unique_id: str) -> None:
    directory = tmp_path / "calls"
    async with dial(Reception, record=directory) as switch:
        await switch.send(connect_reply().replace(CHANNEL.encode(), unique_id.encode()))
    assert [path.name for path in files_in(tmp_path)] == ["calls"]
    assert re.fullmatch(r"[\dT.]+Z-000001\.jsonl", only_file(directory).name)


async def test_a_uuid_in_a_later_frame_or_in_a_value_names_no_file(tmp_path: Path) -> None:
    call = Recorder(tmp_path).new_call("a")
    call.heard(b"X-Unique-ID: %b\n\nUnique-ID: %b\n\n" % (CHANNEL.encode(), CHANNEL.encode()))
    call.ended(by_peer=True)
    assert re.fullmatch(r"[\dT.]+Z-000001\.jsonl", only_file(tmp_path).name)


async def test_a_link_that_lies_in_the_way_is_not_followed(tmp_path: Path) -> None:
    directory = tmp_path / "calls"
    call = Recorder(directory).new_call("a")
    victim = tmp_path / "victim"
    (directory / f"{call._started_at:%Y%m%dT%H%M%S.%fZ}-{CHANNEL}.jsonl").symlink_to(victim)
    call.heard(CONNECT_REPLY)
    call.ended(by_peer=True)
    assert not victim.exists()
    assert [path.name[-13:] for path in files_in(directory) if not path.is_symlink()] == ["-000001.jsonl"]


async def test_only_its_owner_may_read_a_recording(tmp_path: Path) -> None:
    directory = tmp_path / "calls"
    async with dial(Reception, record=directory) as switch:
        await normal_call(switch)
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700
    assert stat.S_IMODE(only_file(directory).stat().st_mode) == 0o600


# Where nothing can be written


@pytest.mark.parametrize(
    ("directory", "reason"),
    [("a/b", "No such file or directory"), ("file", "it is no directory"), ("file/x", "Not a directory")],
)
async def test_a_directory_that_cannot_be_used_is_refused_before_anything_is_served(
    tmp_path: Path, directory: str, reason: str
) -> None:
    (tmp_path / "file").touch()
    ours, _ = trio.testing.memory_stream_pair()
    with pytest.raises(CannotRecord) as caught:
        await serve_stream(Reception, ours, record=tmp_path / directory)
    assert str(caught.value) == f"calls cannot be recorded into {tmp_path / directory}: {reason}"
    assert caught.value.directory == tmp_path / directory
    with pytest.raises(CannotRecord):
        await serve(Reception, port=0, record=tmp_path / directory)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_without_permission_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(CannotRecord, match="Permission denied"):
        Recorder(tmp_path)


@pytest.mark.skipif(not Path("/proc/self").is_dir(), reason="there is no /proc")
def test_a_directory_in_which_no_file_can_be_made_is_refused() -> None:
    with pytest.raises(CannotRecord):
        Recorder("/proc/self")


async def test_a_directory_that_vanishes_costs_a_line_of_log_a_call_and_no_call(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    directory = tmp_path / "calls"
    with trio.fail_after(10):
        async with trio.open_nursery() as nursery:
            port = Port(await nursery.start(partial(serve, Reception, port=0, record=directory)), nursery)
            directory.rmdir()
            await port.normal_call()
            await port.normal_call()
            nursery.cancel_scope.cancel()
    assert len(complaints(caplog)) == 2
    assert all("this call is not recorded any further: [Errno 2] No such file" in line for line in complaints(caplog))


async def test_a_full_disk_costs_a_line_of_log_and_no_call(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with files_end_at(1 << 20):
        async with dial(Reception, record=tmp_path) as switch:
            await switch.greet(connect_reply(long="x" * (1 << 19)))
            uuid = await switch.expect_execute("answer")
            await switch.send(switch.execute(uuid, "answer", variable_long="y" * (1 << 20)))
            await switch.send(switch.complete(uuid, "answer"))
            await switch.hang_up_as_told()
            await switch.expect_exit()
    (line,) = complaints(caplog)
    assert line == "a stream: this call is not recorded any further: [Errno 27] File too large"
    assert only_file(tmp_path).stat().st_size == 1 << 20


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="there is no /proc")
async def test_no_descriptor_is_left_open(tmp_path: Path) -> None:
    before = len(files_in("/proc/self/fd"))
    recorder = Recorder(tmp_path, max_bytes=4000)
    for number in range(20):
        call = recorder.new_call("a")
        call.heard(CONNECT_REPLY)
        if number % 2:
            call.said(b"x" * 5000)  # too long for the file
        call.ended(by_peer=True)
        call.heard(b"more")
        call.said(b"more")
        call.ended(by_peer=False)
    assert len(files_in("/proc/self/fd")) == before
    assert len(files_in(tmp_path)) == 20


async def test_a_file_that_would_become_too_long_is_cut_with_a_last_line_that_says_so(tmp_path: Path) -> None:
    call = Recorder(tmp_path, max_bytes=2000).new_call("a")
    call.heard(CONNECT_REPLY)
    for _ in range(50):
        call.said(b"getvar a\n\n")
    call.ended(by_peer=True)
    path = only_file(tmp_path)
    assert path.stat().st_size <= 2000
    *lines, last = lines_of(path)
    assert last.keys() == {"t", "end"}
    assert last["end"] == "cut"
    assert len(lines) > 10


async def test_without_being_asked_for_nothing_is_recorded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with dial(Reception) as switch:
        await normal_call(switch)
    assert not files_in(tmp_path)


async def test_a_relative_directory_stays_what_it_was(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    recorder = Recorder("calls")
    monkeypatch.chdir("/")
    recorder.new_call("a").heard(CONNECT_REPLY)
    assert NAME.fullmatch(only_file(tmp_path / "calls").name)
