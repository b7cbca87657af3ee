"""What holds for all tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

# What a test says of itself with `assert`, `pytest.raises` and `pytest.fail`.
OF_A_TEST = (AssertionError, pytest.fail.Exception)


@pytest.fixture(autouse=True)
def what_fails_in_a_handler_fails_its_test(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A handler runs in a task of the server's, which logs what it raises, and goes on."""
    yield
    for record in (*caplog.get_records("call"), *caplog.get_records("teardown")):
        error = record.exc_info[1] if record.exc_info else None
        if isinstance(error, OF_A_TEST) or (isinstance(error, BaseExceptionGroup) and error.subgroup(OF_A_TEST)):
            raise error
