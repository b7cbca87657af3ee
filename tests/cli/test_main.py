"""The command line, as a user types it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import trio
from click.testing import CliRunner, Result

from esl_outbound import CallHandler, HandlerNotFound
from esl_outbound.cli import main
from esl_outbound.cli.importing import import_handler

APP = """
from functools import partial

from esl_outbound import CallHandler

class Reception(CallHandler):
    wind_down_seconds = 0.5

    async def run(self) -> None:
        await self.answer()
        await self.hangup()

class Menus:
    class Main(Reception):
        pass

class NoHandler:
    pass

class Needy(CallHandler):
    def __init__(self, a, b): ...

make = partial(Reception)
number = 5
"""


@pytest.fixture
def app(tmp_path: Path) -> Iterator[Path]:
    """A folder with modules of a user's, which are forgotten afterwards."""
    (tmp_path / "shop.py").write_text(APP)
    (tmp_path / "broken.py").write_text("import math\nimport no_such_module_anywhere\n")
    (tmp_path / "hiding.py").write_text(
        "from esl_outbound import CallHandler\nclass A(CallHandler):\n    digits: int = 3\n"
    )
    before = sys.path.copy()
    yield tmp_path
    sys.path[:] = before
    for name in ("shop", "broken", "hiding"):
        sys.modules.pop(name, None)


def invoke(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_class_in_a_module_is_found(app: Path) -> None:
    found = import_handler("shop:Reception", app)
    assert isinstance(found, type)
    assert issubclass(found, CallHandler)
    assert import_handler("shop:make", app)
    assert import_handler("shop:Menus.Main", app) is not found


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("shop", "cannot serve shop: name it as module:name, such as app:Reception"),
        ("shop:", "cannot serve shop:: name it as module:name, such as app:Reception"),
        ("shop/x:Y", "cannot serve shop/x:Y: name it as module:name, such as app:Reception"),
        ("nowhere:X", "cannot serve nowhere:X: there is no module nowhere in "),
        ("shop.menu:X", "cannot serve shop.menu:X: there is no module shop.menu in "),
        ("shop:Recepton", "cannot serve shop:Recepton: shop has no Recepton; did you mean Reception?"),
        ("shop:zzzzzz", "cannot serve shop:zzzzzz: shop has no zzzzzz"),
        ("shop:number", "cannot serve shop:number: 5 is no handler class, and makes none"),
        ("shop:NoHandler", "cannot serve shop:NoHandler: NoHandler is no CallHandler"),
        ("shop:Needy", "cannot serve shop:Needy: Needy() needs 2 arguments; give them with functools.partial"),
    ],
)
def test_what_cannot_be_imported_gets_one_clear_line_and_status_2(app: Path, target: str, reason: str) -> None:
    result = invoke("serve", target, "--app-dir", str(app))
    assert result.exit_code == 2
    assert result.stderr.startswith(f"esl-outbound: {reason}")
    assert result.stderr.count("\n") == 1
    with pytest.raises(HandlerNotFound):
        import_handler(target, app)


@pytest.mark.parametrize(
    ("module", "last_line"),
    [
        ("broken", "ModuleNotFoundError: No module named 'no_such_module_anywhere'"),
        ("hiding", "TypeError: A.digits would hide the call's own digits; give it another name"),
    ],
)
def test_a_fault_in_the_users_module_shows_its_own_traceback(app: Path, module: str, last_line: str) -> None:
    result = invoke("serve", f"{module}:A", "--app-dir", str(app))
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[-1] == last_line
    assert lines[0] == "Traceback (most recent call last):"
    assert f'{module}.py", line 2, in <module>' in lines[1]


@pytest.mark.parametrize(
    "options",
    [("--port", "99999"), ("--port", "x"), ("--app-dir", "/no/such/folder"), ("--log-level", "loud"), ("--nonsense",)],
)
def test_wrong_options_are_refused(app: Path, options: tuple[str, ...]) -> None:
    result = invoke("serve", "shop:Reception", *options)
    assert result.exit_code == 2
    assert "Error: " in result.stderr


async def test_an_address_that_cannot_be_listened_on_gets_one_clear_line(app: Path) -> None:
    listeners = await trio.open_tcp_listeners(0, host="127.0.0.1")
    port = listeners[0].socket.getsockname()[1]
    process = await trio.run_process(
        [sys.executable, "-m", "esl_outbound", "serve", "shop:Reception", "--app-dir", str(app), "--port", str(port)],
        capture_stderr=True,
        check=False,
    )
    await listeners[0].aclose()
    assert process.returncode == 2
    assert process.stderr.decode() == f"esl-outbound: cannot listen on 127.0.0.1 port {port}: Address already in use\n"


@contextmanager
def served(app: Path, target: str, *options: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """``esl-outbound serve`` in a process of its own, and the port that it listens on."""
    command = [sys.executable, "-m", "esl_outbound", "serve", target, "--app-dir", str(app), "--port", "0", *options]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"})
    try:
        assert process.stderr is not None
        listening = re.search(r"listening on 127\.0\.0\.1:(\d+)$", process.stderr.readline().strip())
        assert listening is not None
        yield process, int(listening[1])
    finally:
        process.kill()
        process.wait()
        if process.stderr is not None:
            process.stderr.close()


CONNECT_REPLY = (
    b"Event-Name: CHANNEL_DATA\nUnique-ID: 5f6433ee-df70-478f-a9ed-0397c83df1da\nCaller-Caller-ID-Number: 1000\n"
    b"Caller-Destination-Number: 2000\nContent-Type: command/reply\nReply-Text: %2BOK%0A\n"
    b"Socket-Mode: async\nControl: full\n\n"
)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_hangs_up_the_calls_and_ends_the_server_cleanly(app: Path, number: signal.Signals) -> None:
    with trio.fail_after(20), served(app, "shop:Reception", "--log-level", "debug") as (process, port):
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(CONNECT_REPLY)
            said = b""
            while b"execute-app-name: answer\n" not in said:
                said += bytes(await stream.receive_some(65536))
            process.send_signal(number)
            while b"call-command: hangup\nhangup-cause: NORMAL_TEMPORARY_FAILURE\n\n" not in said:
                said += bytes(await stream.receive_some(65536))
            # FreeSWITCH does not answer: the server does not wait for it for ever.
        assert await trio.to_thread.run_sync(process.wait) == 0
        assert process.stderr is not None
        log = process.stderr.read()
    assert f"{number.name}: no more calls are taken" in log
    assert "> execute-app-name: answer\n" in log
    assert "< Unique-ID: 5f6433ee-df70-478f-a9ed-0397c83df1da\n" in log
    assert "1000 -> 2000: connection lost after" in log


async def test_calls_are_recorded_into_the_directory_that_is_named(
    app: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    directory = tmp_path_factory.mktemp("calls") / "today"
    with trio.fail_after(20), served(app, "shop:Reception", "--record", str(directory)) as (process, port):
        async with await trio.open_tcp_stream("127.0.0.1", port) as stream:
            await stream.send_all(CONNECT_REPLY)
            said = b""
            while b"execute-app-name: answer\n" not in said:
                said += bytes(await stream.receive_some(65536))
        process.terminate()
        assert await trio.to_thread.run_sync(process.wait) == 0
        assert process.stderr is not None
        assert f"all calls are recorded into {directory}\n" in process.stderr.read()
    (path,) = (directory / name for name in os.listdir(directory))  # noqa: PTH208 - the test is over
    assert path.name.endswith("Z-5f6433ee-df70-478f-a9ed-0397c83df1da.jsonl")
    assert path.read_text().startswith('{"recording": "esl_outbound", "version": 1, ')


@pytest.mark.parametrize(
    ("directory", "reason"), [("nowhere/calls", "No such file or directory"), ("shop.py/calls", "Not a directory")]
)
def test_a_directory_that_cannot_take_recordings_gets_one_clear_line(app: Path, directory: str, reason: str) -> None:
    result = invoke("serve", "shop:Reception", "--app-dir", str(app), "--port", "0", "--record", str(app / directory))
    assert result.exit_code == 2
    assert result.stderr == (
        f"esl-outbound: cannot serve shop:Reception: calls cannot be recorded into {app / directory}: {reason}\n"
    )


def test_help_and_version_are_there() -> None:
    assert "serve" in invoke("--help").stdout
    assert "MODULE:NAME" in invoke("serve", "--help").stdout
    assert "what callers typed, PINs too" in " ".join(invoke("serve", "--help").stdout.split())
    assert re.fullmatch(r"main \d+\.\d+\.\d+\n", invoke("--version").stdout)
    module = subprocess.run(
        [sys.executable, "-m", "esl_outbound", "--version"], capture_output=True, text=True, check=True
    )
    assert re.fullmatch(r"esl-outbound \d+\.\d+\.\d+\n", module.stdout)


def test_serving_needs_no_simulator(app: Path) -> None:
    program = (
        "import sys\n"
        "from esl_outbound.cli import main\n"
        "main(['serve', 'shop:number', '--app-dir', sys.argv[1]], standalone_mode=False)\n"
    )
    shown = "import atexit, sys; atexit.register(lambda: print(*sorted(sys.modules)))\n"
    done = subprocess.run(
        [sys.executable, "-c", shown + program, str(app)], capture_output=True, text=True, check=False
    )
    assert "cannot serve shop:number: " in done.stderr
    modules = set(done.stdout.split())
    assert "esl_outbound.cli.running" in modules
    assert not {"esl_outbound.testing", "esl_outbound.cli.call", "trio.testing", "pytest"} & modules
