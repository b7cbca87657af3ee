"""The pytest plugin: the fixture ``phone``, on a clock that jumps, with nothing to configure.

An async test that asks for ``phone`` runs under pytest-trio, whether or not ``trio_mode`` is set, and in virtual
time, unless it asks for a clock of its own. A test that calls a server in another process needs real time, which
``@pytest.mark.trio(run=trio.run)`` gives; one of Hypothesis gets virtual time by asking for ``autojump_clock``.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final, TypeVar

import pytest

if TYPE_CHECKING:
    from .testing import FakeFreeSwitch

__all__ = ["phone"]

T = TypeVar("T")

# FreeSWITCH counts some limits in whole seconds of the wall clock: no test shall depend on when it is run.
_DATE: Final = datetime(2026, 1, 2, 12, tzinfo=UTC)


@pytest.fixture
def phone(request: pytest.FixtureRequest) -> FakeFreeSwitch:
    """A simulated FreeSWITCH: ``async with phone.dial(Handler) as caller``.

    Its clock shows noon on 2 January 2026 when the first call begins.
    """
    if isinstance(request.node, pytest.Function) and inspect.iscoroutinefunction(_function_of(request.node)):
        if not request.config.pluginmanager.hasplugin("trio"):
            pytest.fail("async tests with the fixture 'phone' need pytest-trio: pip install pytest-trio", pytrace=False)
        if request.node.get_closest_marker("asyncio") is not None:
            pytest.fail("'phone' runs on trio, and this test on asyncio: asyncio_mode = auto takes all", pytrace=False)
    from .testing import FakeFreeSwitch

    return FakeFreeSwitch(date=_DATE)


def _run_in_virtual_time(function: Callable[..., Awaitable[T]], *args: object, **kwargs: Any) -> T:  # noqa: ANN401
    """``trio.run`` on a clock that jumps; imported when it is needed, since every run of pytest loads this plugin."""
    __tracebackhide__ = True
    from .testing.virtual import run_in_virtual_time

    return run_in_virtual_time(function, *args, **kwargs)


def _is_ours(item: pytest.Function) -> bool:
    """Whether the test's ``phone`` is this one, or one that is made of it."""
    found = item._fixtureinfo.name2fixturedefs.get("phone", ())
    is_made_of_ours = all("phone" in each.argnames for each in found[1:])
    return bool(found) and found[0].func.__module__ == __name__ and is_made_of_ours


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
    if not config.pluginmanager.hasplugin("trio"):
        return  # the fixture says what is missing
    for item in items:
        if not isinstance(item, pytest.Function) or not _is_ours(item):
            continue
        if not inspect.iscoroutinefunction(_function_of(item)) or _says_how_it_runs(item):
            continue
        if item.get_closest_marker("asyncio") is not None:
            continue  # the fixture says what is wrong
        item.add_marker(pytest.mark.trio(run=_run_in_virtual_time), append=False)
