"""Faxes that are received and sent, by mod_spandsp."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import attrs

from ..arguments.checks import check_file_name
from ..arguments.numbers import whole
from ..arguments.text import Text, argument, shown
from ..errors import ApplicationFailed
from .base import CallBase
from .variable_commands import set_command, unset_command

if TYPE_CHECKING:
    from ..protocol import Event
    from .line import Line

__all__ = ["FaxResult", "Faxing"]

_RESULTS: Final = (
    *("fax_success", "fax_result_code", "fax_result_text", "fax_document_transferred_pages"),
    *("fax_document_total_pages", "fax_remote_station_id", "fax_transfer_rate", "fax_bad_rows", "fax_ecm_used"),
)


@final
@attrs.frozen
class FaxResult:
    """How a fax went (``phase_e_handler()`` in mod_spandsp_fax.c). None is what FreeSWITCH did not say."""

    success: bool | None
    """Whether it went well."""
    code: int | None
    """The fax engine's number for what happened; 0 is well."""
    text: str
    """The same in words."""
    transferred_pages: int | None
    """How many pages went over."""
    total_pages: int | None
    """How many pages the document has."""
    remote_station_id: str
    """What the other machine calls itself."""
    transfer_rate: int | None
    """Bits a second."""
    bad_rows: int | None
    """Rows of the picture that were broken."""
    ecm: bool | None
    """Whether errors were corrected."""


class Faxing(CallBase):
    """Faxes that are received and sent, by mod_spandsp."""

    async def rxfax(
        self, path: Text, *, ident: str | None = None, header: str | None = None, t38: bool = False
    ) -> FaxResult:
        """Receive a fax.

        Runs the ``rxfax`` application. If the waiting is cancelled, ``stopfax`` ends it.

        Args:
            path: The TIFF file to write.
            ident: What we call ourselves; else what the channel variable ``fax_ident`` says, as an earlier fax may have
                left it, else FreeSWITCH's configuration.
            header: What stands above each page; else what ``fax_header`` says, and so on.
            t38: Ask the other side for T.38 (``fax_enable_t38``, ``fax_enable_t38_request``).

        Raises:
            ApplicationFailed: The fax engine could not begin.
            LocalProtocolError: The path cannot be said; nothing was sent.
            CallEnded: The call ended first; the call's record has the ``fax_`` variables, if the fax was over.
        """
        return await _fax(self._line, "rxfax", path, ident, header, t38)

    async def txfax(
        self, path: Text, *, ident: str | None = None, header: str | None = None, t38: bool = False
    ) -> FaxResult:
        """Send a fax.

        Runs the ``txfax`` application. If the waiting is cancelled, ``stopfax`` ends it. Arguments as of ``rxfax``.

        Args:
            path: The TIFF file to send.
            ident: What we call ourselves.
            header: What stands above each page.
            t38: Ask the other side for T.38.

        Raises:
            ApplicationFailed: There is no such file, or the fax engine could not begin.
            LocalProtocolError: The path cannot be said; nothing was sent.
            CallEnded: The call ended first; the call's record has the ``fax_`` variables, if the fax was over.
        """
        return await _fax(self._line, "txfax", path, ident, header, t38)


async def _fax(line: Line, application: str, path: Text, ident: str | None, header: str | None, t38: bool) -> FaxResult:
    check_file_name(shown(path))
    scope = {"fax_enable_t38": "true", "fax_enable_t38_request": "true"} if t38 else None
    text = argument(path, scope=scope)
    first = [unset_command(line, _RESULTS)]
    first += [] if ident is None else [set_command(line, "fax_ident", ident)]
    first += [] if header is None else [set_command(line, "fax_header", header)]
    completion = await line.execute(application, text, after=first)
    result = _result(completion)
    response = line.response_to(completion)
    if result.code is None and response not in ("_none_", ""):
        # mod_spandsp_fax_process_fax() says so before there is a result.
        raise ApplicationFailed(application, text, f"failed: {response}")
    return result


def _result(completion: Event) -> FaxResult:
    found = completion.variables

    return FaxResult(
        {"1": True, "0": False}.get(found.get("fax_success", "")),
        whole(found.get("fax_result_code")),
        found.get("fax_result_text", ""),
        whole(found.get("fax_document_transferred_pages")),
        whole(found.get("fax_document_total_pages")),
        found.get("fax_remote_station_id", ""),
        whole(found.get("fax_transfer_rate")),
        whole(found.get("fax_bad_rows")),
        {"on": True, "off": False}.get(found.get("fax_ecm_used", "")),
    )
