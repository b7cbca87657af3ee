"""Exceptions that nurseries have put into groups."""

from __future__ import annotations

__all__ = ["alone"]


def alone(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The one exception in a group, however deep it is; the group itself if there are several."""
    found: BaseException = group
    while isinstance(found, BaseExceptionGroup):
        if len(found.exceptions) != 1:
            return group
        found = found.exceptions[0]
    return found
