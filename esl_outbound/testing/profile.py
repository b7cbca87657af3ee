"""Who calls whom, and when what happened: the caller profile (``switch_caller.c``), and the record made of it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import final

import attrs

from .causes import q850
from .core import Headers

__all__ = ["Profile", "record_variables"]


@final
@attrs.define(eq=False)
class Profile:
    """A caller profile: who calls whom, and when what happened. Times are microseconds since 1970, 0 for never."""

    uuid: str
    channel_name: str
    destination_number: str
    caller_id_number: str = ""
    caller_id_name: str = ""
    callee_id_name: str = ""
    callee_id_number: str = ""
    original_caller_id: tuple[str, str] | None = None
    """Name and number of the caller before they were exchanged with the callee's; None if they were not."""
    username: str = ""
    network_address: str = ""
    direction: str = "inbound"
    logical_direction: str = "inbound"
    dialplan: str = "XML"
    source: str = "mod_sofia"
    context: str = "default"
    rdnis: str = ""
    transfer_source: str = ""
    hides_name: bool = False
    hides_number: bool = False
    index: int = 1
    created: int = 0
    profile_created: int = 0
    answered: int = 0
    progress: int = 0
    progress_media: int = 0
    hungup: int = 0
    transferred: int = 0
    bridged: int = 0

    def headers(self, prefix: str) -> Headers:
        """The profile as headers of an event."""
        original_name, original_number = self.original_caller_id or (self.caller_id_name, self.caller_id_number)
        values = (
            ("Direction", self.direction),
            ("Logical-Direction", self.logical_direction),
            ("Username", self.username),
            ("Dialplan", self.dialplan),
            ("Caller-ID-Name", self.caller_id_name),
            ("Caller-ID-Number", self.caller_id_number),
            ("Orig-Caller-ID-Name", original_name),
            ("Orig-Caller-ID-Number", original_number),
            ("Callee-ID-Name", self.callee_id_name),
            ("Callee-ID-Number", self.callee_id_number),
            ("Network-Addr", self.network_address),
            ("ANI", original_number),
            ("Destination-Number", self.destination_number),
            ("Unique-ID", self.uuid),
            ("Source", self.source),
            ("Transfer-Source", self.transfer_source),
            ("Context", self.context),
            ("RDNIS", self.rdnis),
            ("Channel-Name", self.channel_name),
            ("Profile-Index", str(self.index) if self.index else ""),
            ("Profile-Created-Time", str(self.profile_created)),
            ("Channel-Created-Time", str(self.created)),
            ("Channel-Answered-Time", str(self.answered)),
            ("Channel-Progress-Time", str(self.progress)),
            ("Channel-Progress-Media-Time", str(self.progress_media)),
            ("Channel-Hangup-Time", str(self.hungup)),
            ("Channel-Transfer-Time", str(self.transferred)),
            ("Channel-Resurrect-Time", "0"),
            ("Channel-Bridged-Time", str(self.bridged)),
            ("Channel-Last-Hold", "0"),
            ("Channel-Hold-Accum", "0"),
            ("Screen-Bit", "true"),
            ("Privacy-Hide-Name", str(self.hides_name).lower()),
            ("Privacy-Hide-Number", str(self.hides_number).lower()),
        )
        return [(f"{prefix}-{name}", value) for name, value in values if value]


def record_variables(
    profile: Profile, cause: str, ended: int, *, last_app: tuple[str, str], digits: str
) -> Iterator[tuple[str, str]]:
    """The variables of a call detail record, in FreeSWITCH's order."""

    def stamp(micros: int) -> str:
        return datetime.fromtimestamp(micros / 1_000_000, UTC).strftime("%Y-%m-%d %H:%M:%S")

    started, answered = profile.created, profile.answered
    yield "hangup_cause", cause
    yield "hangup_cause_q850", str(q850(cause))
    yield "digits_dialed", digits or "none"
    for name, micros in (
        ("start", started),
        ("profile_start", profile.profile_created),
        ("answer", answered),
        ("bridge", profile.bridged),
        ("progress", profile.progress),
        ("progress_media", profile.progress_media),
        ("end", ended),
    ):
        if micros:
            yield f"{name}_stamp", stamp(micros)
    for name, micros in (
        ("start", started),
        ("profile_start", profile.profile_created),
        ("answer", answered),
        ("bridge", profile.bridged),
        ("last_hold", 0),
    ):
        yield f"{name}_epoch", str(micros // 1_000_000)
        yield f"{name}_uepoch", str(micros)
    for name in ("seconds", "usec", "ms"):
        yield f"hold_accum_{name}", "0"
    for name, micros in (
        ("resurrect", 0),
        ("progress", profile.progress),
        ("progress_media", profile.progress_media),
        ("end", ended),
    ):
        yield f"{name}_epoch", str(micros // 1_000_000)
        yield f"{name}_uepoch", str(micros)
    application, argument = last_app
    yield "last_app", application
    yield "last_arg", argument
    name, number = profile.caller_id_name, profile.caller_id_number
    yield "caller_id", f'"{name}" <{number}>' if name else number
    durations = {
        "duration": ended - started,
        "bill": ended - answered if answered else 0,
        "progress": profile.progress - started if profile.progress else 0,
        "answer": answered - started if answered else 0,
        "wait": profile.bridged - started if profile.bridged else 0,
        "progress_media": profile.progress_media - started if profile.progress_media else 0,
        "flow_bill": ended - started if answered else 0,
    }
    yield "duration", str(ended // 1_000_000 - started // 1_000_000)
    seconds = dict(durations)
    seconds["bill"] = (ended // 1_000_000 - answered // 1_000_000) * 1_000_000 if answered else 0
    seconds["flow_bill"] = (ended // 1_000_000 - started // 1_000_000) * 1_000_000 if answered else 0
    seconds["answer"] = (answered // 1_000_000 - started // 1_000_000) * 1_000_000 if answered else 0
    kinds = ("bill", "progress", "answer", "wait", "progress_media", "flow_bill")
    for kind in kinds:
        yield f"{kind}sec", str(seconds[kind] // 1_000_000)
    yield "mduration", str(durations["duration"] // 1000)
    for kind in kinds:
        yield f"{kind}msec", str(durations[kind] // 1000)
    yield "uduration", str(durations["duration"])
    for kind in kinds:
        yield f"{kind}usec", str(durations[kind])
