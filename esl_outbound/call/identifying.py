"""What others are told of the call: caller ID, SIP headers, presence."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

from ..arguments.checks import check_name, check_one_line, check_word
from ..arguments.text import argument, words
from ..errors import ApplicationFailed, LocalProtocolError
from ..protocol import Execute
from .reporting import Reporting
from .sip_headers import SipMessage, check_sip_header, header_variable
from .tuning import Tuning
from .variable_commands import export_commands, set_command, unset_command

__all__ = ["Identifying", "Privacy"]

# switch_channel_perform_presence() in switch_channel.c.
_NO_RPID: Final = "unknown"


class Privacy(StrEnum):
    """What of a caller's identity is hidden (``privacy_function()`` in mod_dptools.c)."""

    NONE = "no"
    NAME = "name"
    NUMBER = "number"
    FULL = "full"


class Identifying(Tuning, Reporting):
    """What others are told of the call: caller ID, SIP headers, presence; what its media and its log are like."""

    # Caller ID

    async def set_caller_id(self, *, name: str | None = None, number: str | None = None) -> None:
        """Change who calls, for all that comes: bridges, voicemail, events, ``self.caller_id_name``.

        Runs ``set_profile_var`` on ``caller_id_name`` and ``caller_id_number``.

        Args:
            name: The display name; None leaves it as it is.
            number: The number; None leaves it as it is.

        Raises:
            LocalProtocolError: One of them holds a line break or another control character; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.run_all(self._profile_commands("caller_id", name, number))

    async def set_effective_caller_id(self, *, name: str | None = None, number: str | None = None) -> None:
        """Change who is shown as the caller to those whom a bridge calls; the call's own caller ID stays.

        Runs ``set`` on ``effective_caller_id_name`` and ``effective_caller_id_number``. A dial string's own
        ``origination_caller_id_name`` wins.

        Args:
            name: The display name; None leaves it as it is, and empty takes it back.
            number: The number; likewise.

        Raises:
            LocalProtocolError: One of them holds a line break or another control character; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        commands = [
            set_command(line, f"effective_caller_id_{field}", check_one_line(value, field))
            for field, value in (("name", name), ("number", number))
            if value is not None
        ]
        await line.run_all(commands)

    async def set_callee_id(self, *, name: str | None = None, number: str | None = None) -> None:
        """Change who is shown to the caller as the one that was reached.

        Runs ``set_profile_var`` on ``callee_id_name`` and ``callee_id_number``, which a SIP phone is told with the
        answer, if the profile's ``cid-in-1xx`` and ``pass-callee-id`` let it (``generate_pai_str()`` in
        mod_sofia.c). After the answer ``send_display`` tells the phone.

        Args:
            name: The display name; None leaves it as it is.
            number: The number; None leaves it as it is.

        Raises:
            LocalProtocolError: One of them holds a line break or another control character; nothing was sent.
            CallEnded: The call ended first.
        """
        await self._line.run_all(self._profile_commands("callee_id", name, number))

    def _profile_commands(self, whose: str, name: str | None, number: str | None) -> list[Execute]:
        fields = ((f"{whose}_name", name), (f"{whose}_number", number))
        return [
            self._line.execute_command("set_profile_var", argument(f"{field}={check_one_line(value, field)}"))
            for field, value in fields
            if value is not None
        ]

    async def set_privacy(self, privacy: Privacy | str) -> None:
        """Hide the caller's name, number, or both from those whom a bridge calls.

        Runs ``privacy``: FreeSWITCH adds to what is hidden already, so all is shown first, in the same write.

        Args:
            privacy: What to hide.

        Raises:
            LocalProtocolError: It is no privacy; nothing was sent.
            CallEnded: The call ended first.
        """
        try:
            wanted = Privacy(privacy)
        except ValueError:
            raise LocalProtocolError(f"privacy is {privacy!r}, and should be {', '.join(Privacy)}") from None
        line = self._line
        shown = line.execute_command("privacy", Privacy.NONE)
        hidden = [line.execute_command("privacy", wanted)] if wanted is not Privacy.NONE else []
        await line.run_all([shown, *hidden])

    async def set_user(self, user: str, *, prefix: str = "") -> None:
        """Give the call the variables of a user of FreeSWITCH's directory, as if he had called.

        Runs ``set_user``. They are in ``self.variables`` then, ``user_name`` and ``domain_name`` among them.

        Args:
            user: The user and his domain, such as ``1000@example.org``.
            prefix: What the variables' names shall begin with.

        Raises:
            ApplicationFailed: There is no such user; ``user_name`` and ``domain_name`` are not set then.
            LocalProtocolError: It is no ``user@domain``, or the prefix cannot begin a name; nothing was sent.
            CallEnded: The call ended first.
        """
        name, at, domain = check_word(user, "user").partition("@")
        if not name or not at or not domain:
            raise LocalProtocolError(f"user is {user!r}, and should be user@domain")
        # switch_ivr_set_user_xml() in switch_ivr.c sets these two last, and only if it found him.
        found = check_name(f"{prefix}user_name")
        text = f"{user} {prefix}" if prefix else user
        line = self._line
        before = (unset_command(line, [found, f"{prefix}domain_name"]),)
        completion = await line.execute("set_user", argument(text), after=before)
        if completion.variables.get(found) is None:
            raise ApplicationFailed("set_user", text, f"found no user {user}")

    async def set_channel_name(self, name: str) -> None:
        """Give the channel another name.

        Runs ``set_name``.

        Args:
            name: The new ``self.channel_name``.

        Raises:
            LocalProtocolError: It is empty, or holds a line break or another control character; nothing was sent.
            CallEnded: The call ended first.
        """
        if not name:
            raise LocalProtocolError("a channel's name cannot be empty")
        await self._line.execute("set_name", argument(check_one_line(name, "name")))

    # SIP

    async def set_sip_headers(
        self, headers: Mapping[str, str | None], *, message: SipMessage | str = SipMessage.INVITE
    ) -> None:
        """Let SIP messages carry headers of our own, from now on.

        Sets the channel variables from which mod_sofia makes them, for INVITE by ``export`` with ``nolocal``, so that
        every leg which a bridge calls has them. ``X-`` headers that came with the caller's own INVITE go on
        to those legs by themselves, unless the variable ``sip_copy_custom_headers`` is false.

        Args:
            headers: Names and values; empty or None takes a header back.
            message: Which message carries them.

        Raises:
            LocalProtocolError: A name is no header's or one that FreeSWITCH writes itself, a value holds a line break
                or another control character (for INVITE, a ``${`` too), or there is no such message; nothing was sent.
            CallEnded: The call ended first.
        """
        try:
            where = SipMessage(message)
        except ValueError:
            raise LocalProtocolError(f"message is {message!r}, and should be {', '.join(SipMessage)}") from None
        for name, value in headers.items():
            check_sip_header(name, value)
        variables = {header_variable(where, name): value for name, value in headers.items()}
        line = self._line
        if where is SipMessage.INVITE:
            await line.run_all(export_commands(line, variables, nolocal=True))
        else:
            await line.run_all([set_command(line, name, value) for name, value in variables.items()])

    # Presence

    async def send_presence(self, status: str, *, rpid: str = _NO_RPID, presence_id: str = "") -> None:
        """Tell whoever watches a phone what it is doing.

        Runs ``presence``. Nothing is told of a channel without an identity, and FreeSWITCH does not say so.

        Args:
            status: What to show, such as ``on the phone``.
            rpid: The activity as RFC 4480 has it, such as ``away``.
            presence_id: Whose presence, as ``user@domain``; else the channel variable ``presence_id`` names it.

        Raises:
            LocalProtocolError: There is no status, or a line break in it; nothing was sent.
            CallEnded: The call ended first.
        """
        if not status:
            raise LocalProtocolError("a presence needs a status")
        parts = [check_word(rpid, "rpid"), check_one_line(status, "status")]
        if presence_id:
            parts.append(check_word(presence_id, "presence_id"))
        await self._line.execute("presence", argument(*words(*parts)))
