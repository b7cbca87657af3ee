"""What calls count among each other: places of limits, and turns (``mod_hash.c``, ``mod_db.c``, ``mod_dptools.c``)."""

from __future__ import annotations

from typing import Final, final

__all__ = ["Limits", "Mutexes"]


@final
class Limits:
    """The places that calls have, and how often they were asked for."""

    backends: Final = ("hash", "db")

    def __init__(self) -> None:
        self._places: Final[dict[tuple[str, str], list[str]]] = {}
        self._rates: Final[dict[str, tuple[int, int]]] = {}
        """When an interval began, and how often it was asked in it."""

    def take(self, backend: str, key: str, uuid: str, maximum: int, interval: int, now: int) -> tuple[int, int] | None:
        """Take a place, and say how many are taken and how often it was asked; None if there is none.

        Args:
            backend: Who counts.
            key: What is limited.
            uuid: The channel that wants a place.
            maximum: How many there are; negative is any number.
            interval: In how many seconds; 0 limits those at a time.
            now: The time in seconds.
        """
        places = self._places.setdefault((backend, key), [])
        rate = 0
        # limit_incr_hash() counts a channel once, limit_incr_db() as often as it asks, and without intervals.
        is_new = backend == "db" or uuid not in places
        if backend == "hash" and interval > 0:
            began, asked = self._rates.get(key, (0, 0))
            if began <= now - interval:
                began, asked = now, 0
            rate = asked + 1
            self._rates[key] = (began, rate)
            if rate > 1 and 0 <= maximum < rate:
                return None
        elif 0 <= maximum < len(places) + is_new:
            return None
        if is_new:
            places.append(uuid)
        return len(places), rate or self._rates.get(key, (0, 0))[1]

    def release(self, uuid: str, backend: str | None = None, key: str | None = None) -> None:
        """Give places of a channel back; all of them, if not said which."""
        for place, uuids in self._places.items():
            if (backend is None or place[0] == backend) and (key is None or place[1] == key):
                uuids[:] = [each for each in uuids if each != uuid]

    def usage(self, backend: str, key: str) -> tuple[int, int]:
        """How many places are taken, and how often it was asked in the last interval."""
        rate = self._rates.get(key, (0, 0))[1] if backend == "hash" else 0
        return len(self._places.get((backend, key), [])), rate


@final
class Mutexes:
    """Whose turn it is, and who waits."""

    def __init__(self) -> None:
        self._queues: Final[dict[str, list[str]]] = {}
        self._flags: Final[set[tuple[str, str]]] = set()
        """Channels that have a mutex or wait for it, or that have given up waiting: nothing takes that flag away."""

    def ask(self, key: str, uuid: str) -> bool:
        """Join the queue; false for a channel that is flagged, which passes without waiting."""
        if (key, uuid) in self._flags:
            return False
        self._flags.add((key, uuid))
        self._queues.setdefault(key, []).append(uuid)
        return True

    def has(self, key: str, uuid: str) -> bool:
        """Whether it is this channel's turn."""
        return self.first(key) == uuid

    def first(self, key: str) -> str:
        """The channel whose turn it is; empty if nobody has it."""
        return (self._queues.get(key) or [""])[0]

    def give_up(self, key: str, uuid: str) -> None:
        """Leave the queue; the flag stays (``cancel()``)."""
        queue = self._queues.get(key, [])
        if uuid in queue:
            queue.remove(uuid)

    def free(self, key: str, uuid: str) -> None:
        """Let the next one have its turn."""
        if self.has(key, uuid):
            self._flags.discard((key, uuid))
        self.give_up(key, uuid)
