"""SIP headers: those that came with a call, and those that are to go out.

mod_sofia keeps them as channel variables, the message that they belong to in the
prefix of the name (SOFIA_SIP_HEADER_PREFIX and its like in mod_sofia.h).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Final, final

from ..arguments.checks import check_one_line
from ..errors import LocalProtocolError
from ..protocol import Variables

__all__ = ["SipHeaders", "SipMessage", "check_sip_header", "header_variable"]

_RECEIVED: Final = "sip_h_"
_NAME: Final = re.compile(r"[A-Za-z0-9.!*_+~-]+")
# What makes a message, or belongs to its dialogue: written by mod_sofia itself, and dangerous to say twice.
_RESERVED: Final = frozenset(
    {
        *("call-id", "contact", "content-encoding", "content-length", "content-type", "cseq", "from", "max-forwards"),
        *("proxy-authorization", "record-route", "require", "route", "session-expires", "supported", "to", "via"),
        # Their short forms (RFC 3261, 7.3.3).
        *("c", "e", "f", "i", "k", "l", "m", "t", "v", "x"),
    }
)


class SipMessage(StrEnum):
    """Which SIP message a header goes out with."""

    INVITE = "invite"
    """To whoever a bridge calls."""
    PROGRESS = "progress"
    """180 and 183, to the caller."""
    RESPONSE = "response"
    """The answer to the caller's INVITE: 200, or a refusal."""
    BYE = "bye"
    """The end of the call, from us: BYE, or the refusal of a call that was not answered."""
    REFER = "refer"
    """To the caller: the REFER of ``deflect``, the 302 of ``redirect``. Whoever a bridge calls gets it too."""


_PREFIXES: Final[Mapping[SipMessage, str]] = {
    # sofia_outgoing_channel() in mod_sofia.c has the variable on the new leg, where `export nolocal` puts it.
    SipMessage.INVITE: "sip_h_",
    SipMessage.PROGRESS: "sip_ph_",
    SipMessage.RESPONSE: "sip_rh_",
    SipMessage.BYE: "sip_bye_h_",
    SipMessage.REFER: "sip_h_",
}


def header_variable(message: SipMessage, name: str) -> str:
    """The channel variable that makes a header.

    Raises:
        LocalProtocolError: It is no header's name, or one that mod_sofia writes itself.
    """
    if _NAME.fullmatch(name) is None:
        raise LocalProtocolError(f"{name!r} cannot be the name of a SIP header")
    if name.lower() in _RESERVED:
        raise LocalProtocolError(f"{name} is written by FreeSWITCH itself")
    return _PREFIXES[message] + name


def check_sip_header(name: str, value: str | None) -> None:
    """A header's value: on one line, or FreeSWITCH would write what follows as a header of its own.

    sofia_glue_get_extra_headers() in sofia_glue.c writes name and value as they are.
    """
    if value is not None:
        check_one_line(value, name)


@final
class SipHeaders(Mapping[str, str]):
    """SIP headers, as a mapping; names are matched whatever their case and come out as they were sent.

    FreeSWITCH keeps those that begin with ``X-`` or ``P-``, ``User-to-User``, ``Diversion``, ``Accept-Language`` and
    a few more (``sofia_handle_sip_i_invite()`` in sofia.c). Of an ``X-`` header that comes twice the second one is
    called ``X-...-1``.
    """

    __slots__ = ("_variables",)

    def __init__(self, variables: Variables) -> None:
        self._variables = variables

    def __getitem__(self, name: str) -> str:
        try:
            return self._variables[_RECEIVED + name]
        except KeyError:
            raise KeyError(name) from None

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _RECEIVED + name in self._variables

    def __iter__(self) -> Iterator[str]:
        return (name[len(_RECEIVED) :] for name in self._variables if name.lower().startswith(_RECEIVED))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"<SipHeaders {dict(self)!r}>"
