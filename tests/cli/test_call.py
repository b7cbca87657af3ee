"""``esl-outbound call``, as its user types it, in pipes and in a terminal."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import wave
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner

from esl_outbound import CallHandler, serve
from esl_outbound.cli import main

from .terminals import (
    COMMAND,
    PATIENCE_SECONDS,
    Terminal,
    call_in_terminal,
    run,
    standard_input,
    terminal,
)

APP = """
import logging
import time

import trio

from esl_outbound import CallHandler

log = logging.getLogger("shop")


class Menu(CallHandler):
    async def run(self):
        await self.answer()
        log.info("welcome, %s", self.caller_id_name or "stranger")
        await self.playback("ivr/welcome.wav")
        choice = (await self.playback("ivr/menu.wav", terminators="12")).terminator or await self.digits.get()
        await self.execute("playback", f"ivr/choice_{choice}.wav")


class Short(CallHandler):
    async def run(self):
        await self.answer()
        await self.playback("ivr/short.wav")

    async def after_hangup(self, record):
        log.info("billed %s with %s", record.caller_id_number, record.variables.get("account"))


class Collecting(CallHandler):
    async def run(self):
        await self.answer()
        for _ in range(3):
            log.info("got %s", await self.digits.get())


class Patient(CallHandler):
    async def run(self):
        await self.answer()
        await self.execute("echo")


class Faulty(CallHandler):
    async def run(self):
        await self.answer()
        self.reckon()

    def reckon(self):
        raise LookupError("price of tea:")


class Stubborn(CallHandler):
    async def run(self):
        await self.answer()
        with trio.CancelScope(shield=True):
            log.info("never ends")
            await trio.sleep_forever()


class Blocking(CallHandler):
    async def run(self):
        await self.answer()
        log.info("blocks")
        time.sleep(60)


class Bridging(CallHandler):
    async def run(self):
        await self.answer()
        await self.set_variable("continue_on_fail", "true")
        for callee in ("user/1001", "user/1002"):
            await self.execute("bridge", callee)


class Interrupted(CallHandler):
    async def run(self):
        await self.answer()
        raise KeyboardInterrupt
"""


@pytest.fixture
def shop(tmp_path: Path) -> Iterator[Path]:
    """A folder with a user's handlers and sounds, which are forgotten afterwards."""
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "broken.py").write_text("import math\nimport no_such_module_anywhere\n")
    for name in ("ivr/welcome", "ivr/menu", "ivr/choice_1", "ivr/choice_2", "greeting/day"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        with wave.open(str(tmp_path / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 8000, 0, "NONE", ""))
            file.writeframes(b"\0\0" * 1600)
    yield tmp_path
    for name in ("shop", "broken"):
        sys.modules.pop(name, None)
    sys.path[:] = [entry for entry in sys.path if entry != str(tmp_path)]


# On pipes


def test_a_call_on_pipes_is_told_in_plain_lines(shop: Path) -> None:
    done = run("call", "shop:Menu", "--press", "1", "--caller-name", "Ada", "--sounds", ".", folder=shop)
    lines = [line[9:] if line.startswith("  ") else line for line in done.stdout.splitlines()]
    assert lines == [
        "Calling shop:Menu.",
        "you call 5000 as 1000",
        "the handler answers",
        "log INFO shop: welcome, Ada",
        "playing ivr/welcome.wav (0.2 s) ...",
        "you press 1",
        "playing ivr/menu.wav (0.2 s) ...",
        "playing ivr/choice_1.wav (0.2 s) ...",
        "the handler hangs up (NORMAL_CLEARING)",
        "",
        lines[10],
        "Heard:       ivr/welcome.wav, ivr/menu.wav, ivr/choice_1.wav",
        "Pressed:     1",
    ]
    assert lines[10].startswith("The call is over after 0.")
    assert lines[10].endswith(" s: the handler hung up (NORMAL_CLEARING).")
    assert (done.returncode, done.stderr) == (0, "")


def test_who_reads_no_further_hangs_up(shop: Path) -> None:
    process = subprocess.Popen([*COMMAND, "call", "shop:Menu"], cwd=shop, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdin is not None
    while b"playing ivr/welcome.wav" not in process.stdout.readline():
        pass
    process.stdout.close()
    assert process.wait(20) == 0
    process.stdin.close()


def test_ctrl_c_hangs_up_and_the_handler_learns_of_it(shop: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "call", "shop:Short", "--var", "account=17"],
        cwd=shop,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    while "short.wav" not in process.stdout.readline():
        pass
    process.send_signal(signal.SIGINT)
    said, _ = process.communicate(timeout=20)
    assert "you hang up (NORMAL_CLEARING)\n" in said
    assert "log INFO shop: billed 1000 with 17\n" in said
    assert "Heard:       ivr/short.wav (not to the end)\n" in said
    assert process.returncode == 0


# In this process


def invoke(*arguments: str) -> tuple[int, str, str]:
    result = CliRunner().invoke(main, arguments)
    return result.exit_code, result.stdout, result.stderr


def test_what_the_options_say_of_the_caller_reaches_the_handler(shop: Path) -> None:
    status, said, _ = invoke(
        "call",
        "shop:Short",
        "--app-dir",
        str(shop),
        "--caller-id",
        "2222",
        "--var",
        "account=a=b",
        "--answer-first",
        "--press",
        "1, ",
    )
    assert "FreeSWITCH answers for the handler\n" in said
    assert "playing ivr/short.wav (1 s) ...\n" in said
    assert "you press 1\n" in said
    assert "log INFO shop: billed 2222 with a=b\n" in said
    assert status == 0


def test_characters_from_a_pipe_are_keys_and_its_end_is_no_hangup(shop: Path) -> None:
    theirs, ours = os.pipe()
    os.write(ours, b"1,2 a?\n")
    os.close(ours)
    with standard_input(theirs):
        status, said, _ = invoke("call", "shop:Collecting", "--app-dir", str(shop))
    os.close(theirs)
    assert "log INFO shop: got 1\n" in said
    assert "log INFO shop: got A\n" in said
    assert "the handler hung up (NORMAL_CLEARING)" in said
    assert "Pressed:     12A\n" in said
    assert status == 0


def test_a_file_as_standard_input_is_read_like_a_pipe(shop: Path) -> None:
    (shop / "keys").write_text("h")
    with (shop / "keys").open() as keys, standard_input(keys.fileno()):
        status, said, _ = invoke("call", "shop:Menu", "--app-dir", str(shop))
    assert "you hung up (NORMAL_CLEARING)" in said
    assert status == 0


def test_a_call_can_be_limited(shop: Path) -> None:
    status, said, _ = invoke("call", "shop:Patient", "--app-dir", str(shop), "--hang-up-after", "0.3")
    assert re.search(r"(?m)^The call is over after \d\.\d s: you hung up \(NORMAL_CLEARING\)\.$", said)
    assert status == 0


def test_who_is_called_does_what_was_said(shop: Path) -> None:
    callees = ("--callee", "user/*=user_busy", "--callee", "user/1002=0.1")
    status, said, _ = invoke("call", "shop:Bridging", "--app-dir", str(shop), *callees, "--hang-up-after", "0.8")
    assert "user/1001 does not answer: USER_BUSY\n" in said
    assert "you talk to user/1002 ...\n" in said
    assert "Talked to:   user/1002\n" in said
    assert status == 0


def test_a_fault_is_told_however_little_is_logged(shop: Path) -> None:
    status, said, errors = invoke("call", "shop:Faulty", "--app-dir", str(shop), "--log-level", "critical")
    assert "The handler failed: LookupError: price of tea:\n" in said
    assert ("log " in said, errors, status) == (False, "", 1)


def test_a_fault_of_the_handler_shows_only_the_users_frames(shop: Path) -> None:
    status, said, errors = invoke("call", "shop:Faulty", "--app-dir", str(shop))
    assert "log ERROR run() failed\n" in said
    assert "The handler failed: LookupError: price of tea:\n" in said
    lines = errors.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert [line.split(", ")[0] for line in lines if line.startswith("  File")] == [f'  File "{shop}/shop.py"'] * 2
    assert lines[-1] == "LookupError: price of tea:"
    assert status == 1


def test_debug_shows_the_wire_and_every_frame(shop: Path) -> None:
    status, said, errors = invoke("call", "shop:Faulty", "--app-dir", str(shop), "--log-level", "debug")
    assert "execute-app-name: answer" in said
    assert "conduct.py" in errors
    assert status == 1


def test_a_handler_that_interrupts_the_program_has_failed(shop: Path) -> None:
    status, said, _ = invoke("call", "shop:Interrupted", "--app-dir", str(shop))
    assert "The handler failed: it raised KeyboardInterrupt.\n" in said
    assert status == 1


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        ((), "call either a handler, such as app:Reception, or a server, such as --connect 127.0.0.1:8084"),
        (("shop:Menu", "--connect", "127.0.0.1:8084"), "call either a handler, such as app:Reception, or a server"),
        (("shop:Men",), "cannot call shop:Men: shop has no Men; did you mean Menu?"),
        (("nowhere:X",), "cannot call nowhere:X: there is no module nowhere in "),
        (("--connect", "127.0.0.1"), "--connect 127.0.0.1: name a server as HOST:PORT, such as 127.0.0.1:8084"),
        (("--connect", "a:1|b:x"), "--connect a:1|b:x: name a server as HOST:PORT"),
        (("shop:Menu", "--press", "1w2"), "--press '1w2': digits are 0-9 * # A-D; a comma waits a second, h hangs up"),
        (("shop:Menu", "--var", "x"), "--var 'x': a variable is given as NAME=VALUE"),
        (("shop:Menu", "--var", "=x"), "--var '': a variable is given as NAME=VALUE"),
        (("shop:Menu", "--callee", "user/1001"), "--callee 'user/1001': a callee is given as user/1001=USER_BUSY, or "),
        (
            ("shop:Menu", "--callee", "user/1001="),
            "--callee 'user/1001=': a callee is given as user/1001=USER_BUSY, or ",
        ),
        (("shop:Menu", "--callee", "a=BUSY"), "--callee 'a=BUSY': BUSY is neither a hangup cause, such as USER_BUSY, "),
        (("shop:Menu", "--callee", "a=success"), "--callee 'a=success': success is neither a hangup cause, such as "),
        (("shop:Menu", "--callee", "a=-1"), "--callee 'a=-1': nobody answers after -1 seconds"),
        (("shop:Menu", "--callee", "a=nan"), "--callee 'a=nan': nobody answers after nan seconds"),
    ],
)
def test_what_makes_no_call_is_refused_in_one_line(shop: Path, arguments: tuple[str, ...], reason: str) -> None:
    status, said, errors = invoke("call", *arguments, "--app-dir", str(shop))
    assert errors.startswith(f"esl-outbound: {reason}")
    assert (status, said, errors.count("\n")) == (2, "", 1)


@pytest.mark.parametrize("options", [("--mode", "sync"), ("--hang-up-after", "-1"), ("--sounds", "/no/such/folder")])
def test_wrong_options_are_refused(shop: Path, options: tuple[str, ...]) -> None:
    status, _, errors = invoke("call", "shop:Menu", "--app-dir", str(shop), *options)
    assert "Error: " in errors
    assert status == 2


def test_a_module_that_cannot_be_imported_shows_its_own_traceback(shop: Path) -> None:
    status, _, errors = invoke("call", "broken:X", "--app-dir", str(shop))
    assert errors.splitlines()[1] == f'  File "{shop}/broken.py", line 2, in <module>'
    assert errors.splitlines()[-1] == "ModuleNotFoundError: No module named 'no_such_module_anywhere'"
    assert status == 1


# Servers that run already


class Greeting(CallHandler):
    async def run(self) -> None:
        await self.answer()
        await self.playback(f"greeting/{self.socket_path}.wav")
        await self.execute("bridge", "user/1001")


def closed_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        assert isinstance(port, int)
        return port


async def test_a_running_server_is_called_and_a_dead_one_before_it_is_passed(shop: Path) -> None:
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            listeners = await nursery.start(partial(serve, Greeting, port=0))
            dead, port = closed_port(), listeners[0].socket.getsockname()[1]
            command = [*COMMAND, "call", "--connect", f"127.0.0.1:{dead}|127.0.0.1:{port}"]
            done = await trio.run_process(
                [*command, "--path", "day", "--mode", "full", "--press", ",,h", "--sounds", str(shop)],
                stdin=subprocess.DEVNULL,
                capture_stdout=True,
                check=False,
            )
            nursery.cancel_scope.cancel()
    said = done.stdout.decode()
    assert f"nobody listens at 127.0.0.1:{dead} (connection refused)\n" in said
    assert "playing greeting/day.wav (0.2 s) ...\n" in said
    assert "you talk to user/1001 ...\n" in said
    assert "Talked to:   user/1001\n" in said
    assert done.returncode == 0


def test_where_nobody_listens_a_hint_says_what_to_do() -> None:
    port = closed_port()
    status, said, errors = invoke("call", "--connect", f"127.0.0.1:{port}")
    assert said.splitlines()[-2:] == [
        "Nobody took the call.",
        f"Is the server running? One of this framework: esl-outbound serve app:Reception --port {port}",
    ]
    assert (status, errors) == (1, "")


def test_a_caller_who_is_left_parked_is_told_why() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def leave_alone() -> None:
            listener.accept()[0].close()

        server = threading.Thread(target=leave_alone)
        server.start()
        status, said, _ = invoke("call", "--connect", f"127.0.0.1:{listener.getsockname()[1]}")
        server.join()
    assert "You would be parked now, in silence, until you hang up:\nthe event socket " in said
    assert "you hang up (" not in said
    assert status == 1


def test_a_program_that_does_not_speak_the_socket_never_took_the_call() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"

        def wait() -> None:
            with listener.accept()[0] as connection:
                while connection.recv(65536):
                    pass

        server = threading.Thread(target=wait)
        server.start()
        status, said, _ = invoke("call", "--connect", address, "--hang-up-after", "0.2")
        server.join()
    assert f"{address} never took the call: it did not say connect.\n" in said
    assert status == 1


# In a terminal


def test_in_a_terminal_keys_are_pressed_and_its_settings_come_back(shop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    screens: list[str] = []

    def person(terminal: Terminal) -> None:
        terminal.sees("Keys: 0-9 \\* # A-D are digits, h hangs up, q quits, \\? explains\\.")
        terminal.sees("\x1b\\[36m.*playing ivr/welcome\\.wav")
        assert terminal.is_raw
        terminal.types("?x")
        terminal.sees("q, Ctrl-C +hang up and end")
        terminal.sees("x is no key of a telephone; \\? explains")
        terminal.sees("playing ivr/menu\\.wav")
        terminal.sees("silence; it may be your turn")
        # An arrow key is not the digit A, though it ends with one.
        terminal.types("\x1b[A2")
        terminal.sees("you press 2\x1b\\[0m\n.*playing ivr/choice_2\\.wav")
        terminal.types("h")
        terminal.sees("you hang up \\(NORMAL_CLEARING\\)")
        terminal.sees("Pressed: +2\n")
        screens.append(terminal.screen)

    assert call_in_terminal(["call", "shop:Menu", "--app-dir", str(shop), "--sounds", str(shop)], person) == 0
    assert "^" not in screens[0]


@pytest.mark.parametrize("leave", ["q", "Ctrl-D", "Ctrl-C"])
def test_in_a_terminal_there_are_several_ways_to_leave(shop: Path, leave: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    screens: list[str] = []

    def person(terminal: Terminal) -> None:
        terminal.sees("the handler runs echo")
        if leave == "Ctrl-C":
            # What the terminal would do if it were this process's own.
            os.kill(os.getpid(), signal.SIGINT)
        else:
            terminal.types({"q": "q", "Ctrl-D": "\x04"}[leave])
        terminal.sees("you hung up \\(NORMAL_CLEARING\\)")
        screens.append(terminal.screen)

    assert call_in_terminal(["call", "shop:Patient", "--app-dir", str(shop)], person) == 0
    assert "\x1b" not in screens[0]


@pytest.mark.parametrize(("keys", "status"), [("q", 1), ("\x03", -signal.SIGINT)])
def test_a_handler_that_does_not_end_is_left_at_the_second_attempt(shop: Path, keys: str, status: int) -> None:
    with terminal([*COMMAND, "call", "shop:Stubborn"], shop) as (person, process):
        before = person.settings
        person.sees("never ends")
        person.types(keys)
        person.sees("you hang up")
        person.types(keys)
        assert process.wait(PATIENCE_SECONDS) == status
        assert person.settings == before


def test_a_handler_that_blocks_the_loop_is_left_at_the_second_ctrl_c(shop: Path) -> None:
    with terminal([*COMMAND, "call", "shop:Blocking"], shop) as (person, process):
        before = person.settings
        person.sees("blocks")
        person.types("\x03")
        person.sees("Hanging up; Ctrl-C once more does not wait for the handler")
        person.types("\x03")
        assert process.wait(PATIENCE_SECONDS) == -signal.SIGINT
        assert person.settings == before


def test_a_handler_that_does_not_end_is_left_in_time(shop: Path) -> None:
    process = subprocess.Popen(
        [*COMMAND, "call", "shop:Stubborn"], cwd=shop, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    while "never ends" not in process.stdout.readline():
        pass
    process.terminate()
    said, _ = process.communicate(timeout=20)
    assert "The handler failed: it did not end with the call, and is left behind.\n" in said
    assert process.returncode == 1


def test_a_call_that_is_suspended_gives_the_terminal_back(shop: Path) -> None:
    call = " ".join([*COMMAND, "call", "shop:Patient"])
    with terminal(["sh", "-c", f"set -m; {call}; echo; stty -a; echo stood still; fg; echo left"], shop) as (person, _):
        person.sees("the handler runs echo")
        assert person.is_raw
        person.types("\x1a")
        person.sees("stood still\n")
        shown = person.screen[person.screen.index("the handler runs echo") :]
        assert " icanon" in shown
        assert " echo " in shown
        person.sees("call shop:Patient")
        person.types("12")
        person.sees("you press 1")
        person.sees("you press 2")
        person.types("h")
        person.sees("you hung up")
        person.sees("left\n")
