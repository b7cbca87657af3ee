"""The pytest plugin: the fixture ``phone``, on a clock that jumps, with nothing to configure.

An async test that asks for ``phone`` runs under pytest-trio, whether or not ``trio_mode`` is set, and in virtual
time, unless it asks for a clock of its own. A test that calls a server in another process needs real time, which
``@pytest.mark.trio(run=trio.run)`` gives; one of Hypothesis gets virtual time by asking for ``autojump_clock``.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import pytest
import trio
import trio.testing

from .groups import alone
from .switch import FakeFreeSwitch

__all__ = ["phone"]

T = TypeVar("T")


@pytest.fixture
def phone() -> FakeFreeSwitch:
    """A simulated FreeSWITCH: ``async with phone.dial(Handler) as caller``."""
    return FakeFreeSwitch()


def _run_in_virtual_time(
    function: Callable[..., Awaitable[T]],
    *args: object,
    clock: trio.abc.Clock | None = None,
    **kwargs: Any,  # noqa: ANN401 - whatever trio.run takes
) -> T:
    """``trio.run`` with a clock that jumps to whatever happens next, if the test has none."""
    __tracebackhide__ = True
    try:
        return trio.run(function, *args, clock=clock or trio.testing.MockClock(autojump_threshold=0), **kwargs)
    except BaseExceptionGroup as group:
        # What went wrong, and not the nurseries around it.
        found = alone(group)
        raise found from found.__cause__


def _function_of(item: pytest.Function) -> object:
    """What a test runs; Hypothesis has wrapped it."""
    inner: object = getattr(getattr(item.obj, "hypothesis", None), "inner_test", item.obj)
    return inner


def _says_how_it_runs(item: pytest.Function) -> bool:
    """Whether the test itself, or what it is in, names its ``run``; ``trio_mode`` gives one to all tests."""
    own = getattr(item.obj, "pytestmark", ())
    given = [*own, *(mark for node, mark in item.iter_markers_with_node("trio") if node is not item)]
    return any(mark.name == "trio" and mark.kwargs.get("run") is not None for mark in given)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let async tests that call somebody run under trio, in virtual time."""
    for item in items:
        if not isinstance(item, pytest.Function) or "phone" not in item.fixturenames:
            continue
        if not inspect.iscoroutinefunction(_function_of(item)) or _says_how_it_runs(item):
            continue
        if not config.pluginmanager.hasplugin("trio"):
            raise pytest.UsageError("async tests with the fixture 'phone' need pytest-trio: pip install pytest-trio")
        item.add_marker(pytest.mark.trio(run=_run_in_virtual_time), append=False)
