"""A channel: what is known of it, and the events that tell of it.

After ``switch_channel.c`` and ``switch_caller.c``; the order of headers is that of recorded events.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final, Literal, TypeAlias, final

from .core import Core, Headers, Site
from .profile import Profile, record_variables
from .story import Story
from .wire import Value, as_text, atoi, is_number

__all__ = ["STATE_NUMBERS", "Channel", "Indication", "Profile", "Signalling", "Variables"]

STATE_NUMBERS: Final = {
    "CS_NEW": 0,
    "CS_INIT": 1,
    "CS_ROUTING": 2,
    "CS_SOFT_EXECUTE": 3,
    "CS_EXECUTE": 4,
    "CS_EXCHANGE_MEDIA": 5,
    "CS_PARK": 6,
    "CS_CONSUME_MEDIA": 7,
    "CS_HIBERNATE": 8,
    "CS_RESET": 9,
    "CS_HANGUP": 10,
    "CS_REPORTING": 11,
    "CS_DESTROY": 12,
}

_CALL_STATES: Final = ("DOWN", "DIALING", "RINGING", "EARLY", "ACTIVE", "HELD", "RING_WAIT", "HANGUP", "UNHELD")

# Events that carry no variables (switch_channel_event_set_extended_data()).
_WITHOUT_VARIABLES: Final = frozenset(
    {"CHANNEL_STATE", "CHANNEL_CALLSTATE", "DTMF", "PRIVATE_COMMAND", "CHANNEL_OUTGOING", "TALK", "NOTALK", "MESSAGE"}
)


@final
class Variables:
    """Variables of a channel: one that is set goes to the end, and names do not care about case."""

    def __init__(self) -> None:
        self._values: dict[str, tuple[str, Value]] = {}

    def __iter__(self) -> Iterator[tuple[str, Value]]:
        return iter(self._values.values())

    def get(self, name: str) -> Value | None:
        """A variable's value; None if it is not set."""
        found = self._values.get(name.lower())
        return None if found is None else found[1]

    def set(self, name: str, value: Value | None) -> None:
        """Set a variable; None and the empty text remove it, and text that reads like an array is one."""
        self._values.pop(name.lower(), None)
        if isinstance(value, str) and value.startswith("ARRAY::"):
            value = tuple(value.removeprefix("ARRAY::").split("|:"))
        if value:
            self._values[name.lower()] = (name, value)

    def push(self, name: str, item: str, *, first: bool = False) -> None:
        """Add an item to an array; it stays where it was."""
        key = name.lower()
        before = self._values.get(key)
        items = () if before is None else (before[1] if isinstance(before[1], tuple) else (before[1],))
        self._values[key] = (name, (item, *items) if first else (*items, item))


Indication: TypeAlias = Literal["ringing", "progress", "answer"]
"""What a channel tells its far end (``SWITCH_MESSAGE_INDICATE_...``)."""


class Signalling:
    """What the kind of a channel does, or adds to its variables, as a call goes on: nothing, unless a kind says so."""

    def indicate(self, channel: Channel, indication: Indication) -> None:
        """The far end is told that the channel rings, is heard early, or is answered."""

    def begin_media(self, channel: Channel) -> None:
        """Sound is about to flow."""

    def answer(self) -> None:
        """The call has been answered."""

    def catch_up(self, channel: Channel) -> None:
        """Somebody is about to look at the variables."""

    def end(self, channel: Channel) -> None:
        """The far end hangs up: CHANNEL_HANGUP is to be told."""

    def ended(self, channel: Channel) -> None:
        """The far end has hung up: CHANNEL_HANGUP has been told."""

    def hang_up(self, channel: Channel, *, by_far_end: bool) -> None:
        """The channel's thread deals with the hangup."""

    def report(self, channel: Channel) -> None:
        """The variables of the call detail record have been set."""


@final
class Channel:
    """A channel.

    Args:
        core: The switch.
        profile: Who calls whom.
        codec: Its codec's name and bits a second; None without media.
        story: Where its story is told.
        signalling: What its kind adds to its variables.
    """

    def __init__(
        self,
        core: Core,
        profile: Profile,
        *,
        codec: tuple[str, int] = ("PCMU", 64000),
        story: Story,
        signalling: Signalling | None = None,
    ) -> None:
        self.core: Final = core
        self.uuid: Final = profile.uuid
        self.name = profile.channel_name
        self.profile = profile
        self.story: Final = story
        self.signalling: Final = signalling or Signalling()
        self.variables: Final = Variables()
        self.scopes: Final[list[list[tuple[str, str]]]] = []
        """Variables for the time of an application, the innermost last."""
        self.state = "CS_NEW"
        self.running_state = "CS_NEW"
        self.call_state = "DOWN"
        self.has_rung = False
        self.is_early = False
        self.is_answered = False
        self.hangup_cause: str | None = None
        self.is_ended_by_far_end = False
        self.diverts_events = False
        self.hits_dialplan = profile.direction == "inbound"
        """Whether it has ever been in a dialplan (``CF_DIALPLAN``); who is called is not, at first."""
        self.digits_dialed = ""
        """All keys that were taken from its queue, or thrown away unheard."""
        self.other_leg: tuple[str, Profile] | None = None
        """Its role and its profile, once there is one."""
        self.when_hung_up: Callable[[], None] = _nothing
        """Called when the hangup has been said: wakes the channel's thread."""
        self.codec: Final = codec
        """Its name, and how many bits a second it takes."""

    # Variables

    def get(self, name: str) -> str | None:
        """What the channel has under this name: a scoped variable, a variable, or a field of its profile."""
        for scope in reversed(self.scopes):
            for key, text in scope:
                if key.lower() == name.lower():
                    return text
        self.signalling.catch_up(self)
        value = self.variables.get(name)
        if value is not None:
            return as_text(value)
        field = _PROFILE_FIELDS.get(name.lower())
        if field is not None:
            return str(getattr(self.profile, field)) or None
        return self.core.global_variables.get(name)

    def item(self, name: str, index: int) -> str | None:
        """An item of an array variable; None if there is none."""
        value = self.variables.get(name)
        return value[index] if isinstance(value, tuple) and 0 <= index < len(value) else None

    def set(self, name: str, value: Value | None) -> None:
        """Set a variable; None and the empty text remove it."""
        self.signalling.catch_up(self)
        self.variables.set(name, value)

    def is_true(self, name: str) -> bool:
        """Whether a variable says yes, in one of FreeSWITCH's words."""
        return is_true(self.get(name))

    # Events

    @property
    def answer_state(self) -> str:
        """``ringing``, ``early``, ``answered`` or ``hangup``."""
        if self.hangup_cause is not None:
            return "hangup"
        return "answered" if self.is_answered else "early" if self.is_early else "ringing"

    @property
    def has_media(self) -> bool:
        """Whether sound can be heard."""
        return self.is_early or self.is_answered

    def headers(self, event_name: str) -> Headers:
        """What an event tells of the channel."""
        self.signalling.catch_up(self)
        codec, bits = self.codec
        found: list[tuple[str, Value]] = [
            ("Channel-State", self.running_state),
            ("Channel-Call-State", self.call_state),
            ("Channel-State-Number", str(STATE_NUMBERS[self.state])),
            ("Channel-Name", self.name),
            ("Unique-ID", self.uuid),
            ("Call-Direction", self.profile.direction),
            ("Presence-Call-Direction", self.profile.direction),
            ("Channel-HIT-Dialplan", str(self.hits_dialplan).lower()),
        ]
        if presence := self.variables.get("presence_id"):
            found.append(("Channel-Presence-ID", presence))
        found.append(("Channel-Call-UUID", self.variables.get("call_uuid") or self.uuid))
        found.append(("Answer-State", self.answer_state))
        if self.hangup_cause is not None:
            found.append(("Hangup-Cause", self.hangup_cause))
        for direction in ("Read", "Write"):
            found += [
                (f"Channel-{direction}-Codec-Name", codec),
                (f"Channel-{direction}-Codec-Rate", "8000"),
                (f"Channel-{direction}-Codec-Bit-Rate", str(bits)),
            ]
        found += self.profile.headers("Caller")
        if self.other_leg is not None:
            role, profile = self.other_leg
            found.append(("Other-Type", role))
            found += profile.headers("Other-Leg")
        # switch_core_session_ctl() does not answer in a shutdown, and no answer is taken for "verbose".
        if event_name not in _WITHOUT_VARIABLES or self.core.is_shutting_down:
            for scope in reversed(self.scopes):
                found += [(f"scope_variable_{name}", value) for name, value in scope]
            found += [(f"variable_{name}", value) for name, value in self.variables]
        return found

    def fire(
        self,
        name: str,
        *,
        first: Headers = (),
        last: Headers = (),
        before: Headers = (),
        site: Site | None = None,
    ) -> None:
        """Fire an event of this channel; ``first`` stands before what is told of it, ``last`` behind."""
        headers = [*first, *self.headers(name), *last]
        self.core.fire(self.core.make_event(name, before=before, headers=headers, site=site))

    def log(self, level: int, text: str, site: Site, kind: int = 3) -> None:
        """Log something of this channel.

        Args:
            level: Its index in ``LOG_LEVELS``.
            text: The line.
            site: Where in FreeSWITCH it is logged.
            kind: ``Text-Channel``; 1 is a line without date, level and place.
        """
        for observer in tuple(self.core.log_observers):
            observer(level, text, site, kind, self.uuid)

    # What becomes of it

    def set_running_state(self, state: str) -> None:
        """The channel's thread is in this state now, and says so."""
        self.running_state = state
        if self.hangup_cause is None or STATE_NUMBERS[state] > STATE_NUMBERS[self.state]:
            self.state = state
        if self.profile.direction == "inbound" and STATE_NUMBERS[state] < STATE_NUMBERS["CS_HANGUP"]:
            if state == "CS_ROUTING":
                self.set_call_state("RINGING")
            elif self.has_media:
                self.set_call_state("ACTIVE" if self.is_answered else "EARLY")
        self.fire("CHANNEL_STATE")

    def set_call_state(self, call_state: str) -> None:
        """What a phone would show of the call."""
        if self.call_state != call_state:
            before, self.call_state = self.call_state, call_state
            self.fire(
                "CHANNEL_CALLSTATE",
                first=[
                    ("Original-Channel-Call-State", before),
                    ("Channel-Call-State-Number", str(_CALL_STATES.index(call_state))),
                ],
            )

    def ring(self) -> None:
        """The caller hears that it rings."""
        if not self.has_rung and not self.is_answered:
            self.has_rung = True
            self.signalling.indicate(self, "ringing")
            self.profile.progress = self.profile.progress or self.core.micros()
            self.fire("CHANNEL_PROGRESS")

    def pre_answer(self) -> None:
        """The caller hears what is played, and pays nothing yet."""
        if not self.has_media:
            self.signalling.indicate(self, "progress")
            self.signalling.begin_media(self)
            self.is_early = True
            self.profile.progress_media = self.core.micros()
            self.set("endpoint_disposition", "EARLY MEDIA")
            self.fire("CHANNEL_PROGRESS_MEDIA")
            self.set_call_state("EARLY")

    def answer(self) -> None:
        """The call is taken."""
        if not self.is_answered:
            self.signalling.indicate(self, "answer")
            if not self.is_early:
                self.signalling.begin_media(self)
            self.is_answered = True
            self.profile.answered = self.core.micros()
            self.fire("CHANNEL_ANSWER")
            self.set("endpoint_disposition", "ANSWER")
            self.signalling.answer()
            self.log(5, f"Channel [{self.name}] has been answered", ("mod_dptools.c", "answer_function", 1406), 0)
            before = self.call_state
            self.set_call_state("ACTIVE")
            if before != "ACTIVE":
                site = ("switch_channel.c", "switch_channel_perform_mark_answered", 3914)
                self.log(7, f"({self.name}) Callstate Change {before} -> ACTIVE", site, 0)

    def sort_caller_id(self) -> None:
        """Who was called becomes the caller of the dialplan that he is sent to (``switch_channel_sort_cid()``)."""
        if self.hits_dialplan:
            return
        self.hits_dialplan = True
        profile = self.profile
        profile.original_caller_id = (profile.caller_id_name, profile.caller_id_number)
        self.set("pre_transfer_caller_id_name", profile.caller_id_name)
        self.set("pre_transfer_caller_id_number", profile.caller_id_number)
        profile.caller_id_name, profile.callee_id_name = profile.callee_id_name, profile.caller_id_name
        profile.caller_id_number, profile.callee_id_number = profile.callee_id_number, profile.caller_id_number
        self.set("channel_cid_flipped", "yes")
        self.fire("CALL_UPDATE", first=[("Direction", "RECV")])

    def hang_up(self, cause: str, *, by_far_end: bool = False) -> bool:
        """The call is over; what its thread does about that comes at its next frame.

        Args:
            cause: Why.
            by_far_end: Whether it was who is at the other end that ended it.

        Returns:
            Whether it was up.
        """
        if self.hangup_cause is not None:
            return False
        self.is_ended_by_far_end = by_far_end
        if by_far_end:
            self.signalling.end(self)
        self.hangup_cause = cause
        self.state = "CS_HANGUP"
        self.fire("CHANNEL_HANGUP")
        if by_far_end:
            self.signalling.ended(self)
        # It cannot be found by its UUID from now on, whatever still runs.
        self.core.forget(self.uuid)
        self.when_hung_up()
        return True

    def hangup_variables(self) -> None:
        """Set what a call detail record is made of (``switch_channel_set_timestamps()``)."""
        profile = self.profile
        cause = self.hangup_cause or "NORMAL_CLEARING"
        for name, value in record_variables(
            profile, cause, profile.hungup, last_app=self._last_app(), digits=self.digits_dialed
        ):
            self.set(name, value)

    def _last_app(self) -> tuple[str, str]:
        application = self.variables.get("current_application")
        argument = self.variables.get("current_application_data")
        return as_text(application or ""), as_text(argument or "")


def _nothing() -> None:
    """There is no thread to wake."""


def is_true(text: str | None) -> bool:
    """Whether FreeSWITCH takes a text for yes (``switch_true()``)."""
    if text is None:
        return False
    if text.lower() in {"yes", "on", "true", "t", "enabled", "active", "allow"}:
        return True
    return is_number(text) and atoi(text) != 0


_PROFILE_FIELDS: Final = {
    "username": "username",
    "dialplan": "dialplan",
    "caller_id_name": "caller_id_name",
    "caller_id_number": "caller_id_number",
    "callee_id_name": "callee_id_name",
    "callee_id_number": "callee_id_number",
    "network_addr": "network_address",
    "ani": "caller_id_number",
    "destination_number": "destination_number",
    "uuid": "uuid",
    "source": "source",
    "context": "context",
    "rdnis": "rdnis",
    "chan_name": "channel_name",
}
