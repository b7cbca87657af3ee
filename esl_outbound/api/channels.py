"""What is done to a channel by its UUID: the ``uuid_`` commands."""

from __future__ import annotations

from .base import ApiBase

__all__ = ["ChannelCommands"]


class ChannelCommands(ApiBase):
    """What is done to a channel by its UUID: the ``uuid_`` commands."""

    __slots__ = ()
