"""How many channels use something at a time."""

from __future__ import annotations

from typing import Final

from ..arguments.checks import check_cause, check_number, check_word, whole_seconds
from ..arguments.extensions import extension_words
from ..errors import LocalProtocolError
from ..protocol import HangupCause
from .base import ApiBase
from .words import words_of

__all__ = ["ChannelLimitCommands"]

# With this maximum FreeSWITCH only counts.
_MOST: Final = 2**31 - 1


class ChannelLimitCommands(ApiBase):
    """How many channels use something at a time."""

    __slots__ = ()

    async def uuid_limit(
        self,
        channel_uuid: str,
        backend: str,
        realm: str,
        resource: str,
        *,
        maximum: int | None = None,
        interval_seconds: float = 0,
        extension: str = "",
        dialplan: str = "",
        context: str = "",
        hangup_cause: HangupCause | str | None = None,
    ) -> None:
        """Count a channel among those that use something, and send it elsewhere if there are too many of them.

        Runs ``uuid_limit``, which says ``+OK`` in each case, even where it has no such backend; then it sends the
        channel elsewhere too.

        Args:
            channel_uuid: The channel.
            backend: Where it is counted: ``hash``, ``db``.
            realm: What kind of thing is used.
            resource: Which one.
            maximum: How many may use it; with an interval, how many may ask within that. None only counts.
            interval_seconds: Count how often it is asked, in whole seconds, and not how many use it.
            extension: Where the channel is sent; ``limit_exceeded`` if empty.
            dialplan: Whose extension that is, as of ``uuid_transfer``.
            context: Where in that dialplan it is.
            hangup_cause: Hang the channel up for this instead.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: An argument cannot be said, or there are both an extension and a hangup cause; nothing
                was sent.
        """
        parts = [check_word(backend, "backend"), _filled(realm, "realm"), _filled(resource, "resource")]
        elsewhere = _elsewhere(extension, dialplan, context, hangup_cause)
        interval = whole_seconds(interval_seconds, "interval_seconds")
        # uuid_limit_function() counts no rates where it reads a `-`.
        most = -1 if maximum is None and not interval else _MOST if maximum is None else maximum
        if maximum is not None:
            check_number(maximum, "maximum", least=0, most=_MOST)
        if maximum is not None or interval or elsewhere:
            parts.append(f"{most}/{interval}" if interval else str(most))
        await self._done("uuid_limit", channel_uuid, words_of(*parts, *elsewhere))

    async def uuid_limit_release(
        self, channel_uuid: str, backend: str, realm: str | None = None, resource: str | None = None
    ) -> None:
        """Count a channel no more among those that use something, or anything.

        Runs ``uuid_limit_release``.

        Args:
            channel_uuid: The channel.
            backend: Where it is counted: ``hash``, ``db``.
            realm: What kind of thing it used; None means all that the channel is counted for there.
            resource: Which one.

        Raises:
            NoSuchChannel: There is no such channel, any more.
            ApiFailed: FreeSWITCH refused.
            LocalProtocolError: An argument cannot be said, or there is one of realm and resource; nothing was sent.
        """
        if (realm is None) != (resource is None):
            raise LocalProtocolError("realm and resource go together")
        parts = [check_word(backend, "backend")]
        if realm is not None and resource is not None:
            parts += [_filled(realm, "realm"), _filled(resource, "resource")]
        await self._done("uuid_limit_release", channel_uuid, words_of(*parts))


def _elsewhere(extension: str, dialplan: str, context: str, hangup_cause: HangupCause | str | None) -> tuple[str, ...]:
    """Where uuid_limit_function() sends a channel: an extension, or ``!`` and a hangup cause."""
    if hangup_cause is not None:
        if extension or dialplan or context:
            raise LocalProtocolError("there are a hangup cause and an extension, and should be one of them")
        return (f"!{check_cause(hangup_cause, 'hangup_cause')}",)
    if not extension:
        if dialplan or context:
            raise LocalProtocolError("there is a dialplan or a context, and should be an extension too")
        return ()
    if extension.startswith("!"):
        raise LocalProtocolError(f"extension is {extension!r}, which FreeSWITCH takes for a hangup cause")
    return extension_words(extension, dialplan, context)


def _filled(text: str, name: str) -> str:
    if not text:
        raise LocalProtocolError(f"{name} is '', and should be a name")
    return text
