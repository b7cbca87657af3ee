"""How long to wait before each attempt to come back."""

from __future__ import annotations

import math
import random
from collections.abc import Callable
from typing import final

import attrs

from ..errors import LocalProtocolError

__all__ = ["Backoff"]


@final
@attrs.frozen
class Backoff:
    """How often a FreeSWITCH that is away is tried, and for how long.

    The delays grow from attempt to attempt, and chance shortens each: a hundred programs that lost the same FreeSWITCH
    in the same moment do not come back in the same moment.
    """

    first_seconds: float = 0.5
    """The delay before the first attempt."""
    most_seconds: float = 30.0
    """The longest delay. A connection that lasted so long makes the next delay the first one again."""
    factor: float = 2.0
    """How many times as long each delay is as the one before."""
    jitter: float = 0.5
    """Which part of a delay is left to chance, 0 to 1: with 0.5 it takes at least half its time."""
    attempts: int | None = None
    """How many attempts are made before it is given up; None for no limit."""
    seconds: float | None = None
    """How long after the loss an attempt may still begin; None for no limit."""
    chance: Callable[[], float] = attrs.field(default=random.random, repr=False, eq=False)
    """Gives a number from 0 to below 1."""

    def __attrs_post_init__(self) -> None:
        _check("first_seconds", self.first_seconds, 0, "should not be negative")
        _check("most_seconds", self.most_seconds, self.first_seconds, "should not be less than first_seconds")
        _check("factor", self.factor, 1, "should be at least 1")
        _check("jitter", self.jitter, 0, "should be 0 to 1", 1)
        if self.attempts is not None:
            _check("attempts", self.attempts, 1, "should be at least 1")
        if self.seconds is not None:
            _check("seconds", self.seconds, 0, "should not be negative")

    def delay(self, number: int) -> float:
        """How long to wait before an attempt, in seconds.

        Args:
            number: Which attempt, from 0.
        """
        delay = self.first_seconds
        for _ in range(number):
            if not 0 < delay < self.most_seconds or self.factor == 1:
                break
            delay *= self.factor
        return min(delay, self.most_seconds) * (1 - self.jitter * self.chance())


def _check(name: str, value: float, least: float, wanted: str, most: float = math.inf) -> None:
    if not least <= value <= most or math.isinf(value):
        raise LocalProtocolError(f"{name} is {value!r}, and {wanted}")
