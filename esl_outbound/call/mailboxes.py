"""FreeSWITCH's own dialogues: voicemail, the directory of names, menus of its configuration, paging."""

from __future__ import annotations

import re
from typing import Final, final

import attrs

from ..arguments.checks import check_file_name, check_number, check_word, whole_seconds
from ..arguments.numbers import whole
from ..arguments.text import Text, argument, shown
from ..errors import ApplicationFailed, LocalProtocolError
from .base import CallBase
from .carried import carry
from .endings import is_elsewhere
from .recording import check_silence_threshold, silence_hits
from .variable_commands import unset_command

__all__ = ["MailboxCount", "Mailboxes", "VoicemailResult"]

# What voicemail_leave_main() in mod_voicemail.c leaves on the channel when a message was delivered.
_LEFT_BEHIND: Final = ("voicemail_account", "voicemail_file_path", "voicemail_read_flags", "voicemail_message_len")
_LENGTH: Final = re.compile(r"(\d+):(\d\d):(\d\d)")
_AUTHENTICATED: Final = ("user_pin_authenticated", "user_pin_authenticated_user")
_MENU: Final = ("ivr_menu_status",)
_URGENT: Final = "A_URGENT"
_MOST_GREETINGS: Final = 9
# Those who are called run `playback:PATH` of the inline dialplan, which divides that, and has it expanded
# (page_function() and inline_dialplan_hunt() in mod_dptools.c).
_IN_A_DIALPLAN: Final = frozenset(",'\\$")


@final
@attrs.frozen
class VoicemailResult:
    """What a caller left in a mailbox."""

    path: str | None
    """Where the message is; None if he left none: he hung up too early, recorded too little, or there is
    no such mailbox or profile. FreeSWITCH does not tell which."""
    seconds: int | None
    """How long it is, in whole seconds."""
    is_urgent: bool | None
    """Whether he marked it so."""
    mailbox: str | None
    """Whose it is: the user's id, as FreeSWITCH's directory has it."""


@final
@attrs.frozen
class MailboxCount:
    """How many messages there are in a mailbox."""

    new: int
    saved: int
    new_urgent: int
    saved_urgent: int


class Mailboxes(CallBase):
    """Voicemail, and other dialogues that FreeSWITCH has ready."""

    # mod_voicemail

    async def voicemail(
        self,
        domain: str,
        user_id: str,
        *,
        profile: str = "default",
        greeting_path: Text | None = None,
        greeting_number: int | None = None,
        skip_greeting: bool = False,
        skip_instructions: bool = False,
        skip_urgent_question: bool = False,
        skip_goodbye: bool = False,
    ) -> VoicemailResult:
        """Let the caller leave a message in a mailbox.

        Runs ``voicemail``: its greeting, the recording with its menu, and a goodbye. Keys of the profile's may take
        him into the mailbox itself, or elsewhere; then whatever is asked of the call raises ``CallTransferred``. If
        the waiting is cancelled each step is broken off in turn.

        Args:
            domain: The domain of the directory.
            user_id: Whose mailbox, such as ``1000``.
            profile: The profile of mod_voicemail's configuration.
            greeting_path: What the caller hears in place of the mailbox's greeting.
            greeting_number: Which of the mailbox's greetings he hears, 1 to 9.
            skip_greeting: Leave the greeting out.
            skip_instructions: Leave out how to record.
            skip_urgent_question: Do not ask whether the message is urgent.
            skip_goodbye: Leave the goodbye out.

        Returns:
            The message, if he left one.

        Raises:
            LocalProtocolError: Something cannot be said; nothing was sent.
            CallEnded: The call ended first, as it most often does: whoever has said enough hangs up. The message
                is there all the same.
        """
        line = self._line
        if greeting_path is not None:
            check_file_name(shown(greeting_path), "greeting_path")
        if greeting_number is not None:
            check_number(greeting_number, "greeting_number", least=1, most=_MOST_GREETINGS)
        carried = carry(
            line,
            {
                "voicemail_greeting_path": greeting_path,
                "voicemail_greeting_number": None if greeting_number is None else str(greeting_number),
                "skip_greeting": "true" if skip_greeting else None,
                "skip_instructions": "true" if skip_instructions else None,
                "skip_record_urgent_check": "true" if skip_urgent_question else None,
                "voicemail_skip_goodbye": "true" if skip_goodbye else None,
            },
        )
        text = argument(" ".join(_mailbox(profile, domain, user_id)), scope=carried.scope)
        try:
            before = (unset_command(line, _LEFT_BEHIND), *carried.commands)
            variables = (await line.execute("voicemail", text, after=before)).variables
        finally:
            await carried.undo(line)
        flags = variables.get("voicemail_read_flags")
        length = _LENGTH.fullmatch(variables.get("voicemail_message_len", ""))
        return VoicemailResult(
            variables.get("voicemail_file_path"),
            None if length is None else int(length[1]) * 3600 + int(length[2]) * 60 + int(length[3]),
            None if flags is None else flags == _URGENT,
            variables.get("voicemail_account"),
        )

    async def check_voicemail(
        self, domain: str, user_id: str = "", *, profile: str = "default", authorized: bool = False
    ) -> None:
        """Let the caller hear the messages of a mailbox.

        Runs ``voicemail check``, and returns when he is done. If the waiting is cancelled each step is
        broken off in turn.

        Args:
            domain: The domain of the directory.
            user_id: Whose mailbox; else he is asked.
            profile: The profile of mod_voicemail's configuration.
            authorized: Do not ask for the mailbox's password.

        Raises:
            LocalProtocolError: Something cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        verbs = ["check", *(["auth"] if authorized else [])]
        text = " ".join([*verbs, *_mailbox(profile, domain, user_id)])
        await self._line.execute("voicemail", argument(text))

    async def authenticate_mailbox(self, domain: str, user_id: str = "", *, profile: str = "default") -> str:
        """Ask the caller for a mailbox's number and password, and make him that user (``set_user``).

        Runs ``voicemail auth_only``, which hangs the call up with USER_CHALLENGE if he does not know them.

        Args:
            domain: The domain of the directory.
            user_id: Whose mailbox; else he is asked.
            profile: The profile of mod_voicemail's configuration.

        Returns:
            The user's id.

        Raises:
            ApplicationFailed: FreeSWITCH did not say who he is: there is no such profile.
            LocalProtocolError: Something cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        text = argument(" ".join(["auth_only", *_mailbox(profile, domain, user_id)]))
        completion = await line.execute("voicemail", text, after=(unset_command(line, _AUTHENTICATED),))
        user = completion.variables.get("user_pin_authenticated_user")
        if user is None or completion.variables.get("user_pin_authenticated") != "true":
            await line.require_call()
            raise ApplicationFailed("voicemail", text, "did not say who the caller is")
        return user

    async def count_voicemail(self, domain: str, user_id: str, *, profile: str = "") -> MailboxCount:
        """Ask how many messages there are in a mailbox.

        Runs the ``vm_boxcount`` command.

        Args:
            domain: The domain of the directory.
            user_id: Whose mailbox.
            profile: The profile of mod_voicemail's configuration; else any that has the domain.

        Raises:
            LocalProtocolError: Something cannot be said; nothing was sent.
            NotPermitted: The dialplan line does not say ``full``.
            ApiFailed: mod_voicemail is not there.
            CallEnded: The call is over, and its socket too.
        """
        box = f"{check_word(user_id, 'user_id', without='@/|')}@{check_word(domain, 'domain', without='@/|')}"
        if profile:
            box = f"{check_word(profile, 'profile', without='@/|')}/{box}"
        counts = (await self._line.api_text(f"vm_boxcount {box}|all")).split(":")
        numbers = [whole(count) or 0 for count in counts] + [0] * 4
        return MailboxCount(*numbers[:4])

    # mod_voicemail_ivr

    async def voicemail_ivr(self, domain: str, user_id: str = "", *, profile: str = "default") -> None:
        """Let the caller hear the messages of a mailbox, with the menus of mod_voicemail_ivr's configuration.

        Runs ``voicemail_ivr check``; arguments and errors as of ``check_voicemail``.
        """
        await self._line.execute("voicemail_ivr", argument(" ".join(["check", *_mailbox(profile, domain, user_id)])))

    # mod_directory

    async def directory(
        self, domain: str, *, profile: str = "default", context: str = "", dialplan: str = "", by: str = ""
    ) -> bool:
        """Let the caller find somebody by his name, and send him there.

        Runs ``directory``. If the waiting is cancelled each step is broken off in turn.

        Args:
            domain: The domain whose directory is searched.
            profile: The profile of mod_directory's configuration.
            context: The context of the dialplan in which the extension is; else the domain's name.
            dialplan: The dialplan; else ``XML``.
            by: ``last_name``, ``first_name`` or ``first_and_last_name``; else as the profile says.

        Returns:
            Whether he chose somebody. Then the call is there, and whatever is asked of it raises ``CallTransferred``.

        Raises:
            LocalProtocolError: Something cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        if by not in ("", "last_name", "first_name", "first_and_last_name"):
            raise LocalProtocolError(f"by is {by!r}, and should be last_name, first_name or first_and_last_name")
        parts = [check_word(profile, "profile"), check_word(domain, "domain")]
        if dialplan:
            parts.append(check_word(dialplan, "dialplan"))
        if context or dialplan:
            parts.append(check_word(context or domain, "context"))
        scope = {"directory_search_order": by} if by else {}
        completion = await self._line.execute("directory", argument(" ".join(parts), scope=scope))
        return bool(is_elsewhere(completion.block))

    # mod_dptools

    async def ivr(self, menu: str) -> str:
        """Let the caller choose in a menu of FreeSWITCH's own configuration (``ivr.conf``).

        Runs ``ivr``. What the menu does may take the call elsewhere; then whatever is asked of it
        raises ``CallTransferred``. If the waiting is cancelled each step is broken off in turn.

        Args:
            menu: The menu's name.

        Returns:
            How it ended, in FreeSWITCH's words (``ivr_menu_status``): ``success``, ``failure`` after too many wrong
            keys, ``timeout`` after too much silence.

        Raises:
            ApplicationFailed: There is no such menu, or it cannot be made.
            LocalProtocolError: It cannot be a menu's name; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        if not menu or not menu.isprintable():
            raise LocalProtocolError(f"menu is {menu!r}, and should be a menu's name")
        completion = await line.execute("ivr", argument(menu), after=(unset_command(line, _MENU),))
        status = completion.variables.get("ivr_menu_status")
        if status is None:
            raise ApplicationFailed("ivr", menu, f"found no menu {menu!r}")
        return status

    async def page(
        self,
        *destinations: str,
        path: Text | None = None,
        beep: Text | None = None,
        max_seconds: float = 0,
        silence_seconds: float = 0,
        silence_threshold: int = 200,
        at_once: int = 10,
    ) -> None:
        """Record what the caller says, and play it to others who are called for it.

        Runs ``page``, which returns when he has finished; they are called after that.

        Args:
            destinations: Dial strings, such as ``user/1001``.
            path: What is played to them in place of that; nothing is recorded then.
            beep: What tells him to begin.
            max_seconds: How long he may speak, in whole seconds; 0 is no limit.
            silence_seconds: How long a silence ends that, as for ``record``; 0 is none.
            silence_threshold: Which level is silent, as for ``record``.
            at_once: How many are called at once.

        Raises:
            LocalProtocolError: Something cannot be said; nothing was sent.
            CallEnded: The call ended first.
        """
        line = self._line
        for each in destinations:
            if not each.strip() or not each.isprintable() or ":_:" in each:
                raise LocalProtocolError(f"{each!r} cannot be a dial string of a page")
        if not destinations:
            raise LocalProtocolError("a page needs somebody to call")
        for sound, name in (path, "path"), (beep, "beep"):
            if sound is not None:
                check_file_name(shown(sound), name)
        if isinstance(path, str) and not _IN_A_DIALPLAN.isdisjoint(path):
            raise LocalProtocolError(f"path is {path!r}, and should not have any of , ' \\ $ in it")
        limit = whole_seconds(max_seconds, "max_seconds")
        silence = silence_hits(line, silence_seconds)
        threshold = check_silence_threshold(silence_threshold)
        carried = carry(
            line,
            {
                "page_path": path,
                "page_beep": beep,
                "page_record_limit": str(limit) if limit else None,
                "page_record_thresh": threshold if silence else None,
                "page_record_silence_hits": str(silence) if silence else None,
                "page_chunk_size": str(check_number(at_once, "at_once", least=1, most=2**31 - 1)),
            },
        )
        try:
            await line.execute("page", argument(":_:".join(destinations), scope=carried.scope), after=carried.commands)
        finally:
            await carried.undo(line)


def _mailbox(profile: str, domain: str, user_id: str) -> list[str]:
    """A mailbox as voicemail_function() divides it, at blanks."""
    parts = [check_word(profile, "profile"), check_word(domain, "domain")]
    if profile.lower() in ("check", "auth", "auth_only"):
        raise LocalProtocolError(f"profile is {profile!r}, which FreeSWITCH takes for something else")
    return [*parts, *([check_word(user_id, "user_id")] if user_id else [])]
