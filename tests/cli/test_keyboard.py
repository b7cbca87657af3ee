"""Standard input as keys."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import trio
from trio.testing import MockClock, wait_all_tasks_blocked

from esl_outbound.cli.keyboard import Keys, is_in_background


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    """Both ends of a pipe, whose second one a test closes."""
    reads, writes = os.pipe()
    yield reads, writes
    os.close(reads)


async def read_into(found: list[str], keys: Keys) -> None:
    while pressed := await keys.read():
        found.append(pressed)


@pytest.mark.parametrize(
    ("parts", "pressed"),
    [
        ((b"\x1b", b"[A2"), "2"),
        ((b"\x1b[", b"A2"), "2"),
        ((b"1\x1b[1;", b"5A2"), "12"),
        ((b"\x1bO", b"A2"), "2"),
        ((b"\x1b", b"\x1b[A2"), "2"),
        ((b"\x1b[[", b"A2"), "2"),
        ((b"\x1b", b"", b"1" + b"2"), "2"),
        ((b"\x1b[A", b"\x1b[3~", b"A"), "A"),
        ((b"\xc3", b"\xa9"), "\xe9"),
        ((b"\xff1",), "\ufffd1"),
    ],
)
async def test_an_escape_sequence_presses_nothing_however_it_comes(
    pipe: tuple[int, int], mock_clock: MockClock, parts: tuple[bytes, ...], pressed: str
) -> None:
    reads, writes = pipe
    found: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_into, found, Keys(reads))
        for part in parts:
            os.write(writes, part)
            await wait_all_tasks_blocked()
        os.close(writes)
    assert "".join(found) == pressed


async def test_an_escape_that_nothing_follows_soon_is_a_key_of_its_own(
    pipe: tuple[int, int], mock_clock: MockClock
) -> None:
    reads, writes = pipe
    found: list[str] = []
    async with trio.open_nursery() as nursery:
        nursery.start_soon(read_into, found, Keys(reads))
        os.write(writes, b"\x1b")
        await wait_all_tasks_blocked()
        mock_clock.jump(0.2)
        await wait_all_tasks_blocked()
        os.write(writes, b"A")
        await wait_all_tasks_blocked()
        os.close(writes)
    assert found == ["A"]


async def test_a_file_is_read_to_its_end(tmp_path: Path) -> None:
    (tmp_path / "keys").write_bytes(b"12\x1b")
    with (tmp_path / "keys").open() as file:
        keys = Keys(file.fileno())
        assert await keys.read() == "12"
        assert await keys.read() == ""


async def test_a_descriptor_that_is_not_open_is_at_its_end(pipe: tuple[int, int]) -> None:
    _, writes = pipe
    os.close(writes)
    assert await Keys(writes).read() == ""


def test_what_is_no_terminal_is_nobody_elses(pipe: tuple[int, int]) -> None:
    reads, writes = pipe
    os.close(writes)
    assert not is_in_background(reads)
