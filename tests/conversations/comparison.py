"""Whether a simulated conversation says what the recorded one says, and a ladder of both where it does not.

Messages of one kind (replies, events, log lines, notices) must be the same, in the same order, at the same times,
with the same headers in the same order and the same values. What may differ is in the tables of this module, each
with its reason:

* identifiers, dates, addresses: `NEW_EACH_TIME`, `DATES`, and a renaming of UUIDs that is the same all over;
* texts about the machine: `MACHINES_OWN`;
* moments and durations: `MOMENTS`, `DURATIONS`;
* how messages of different kinds mix, and which may be missing: `Races`, as narrow as what was measured allows.

Times are those at which the last byte of a message came. A recorded time is exact to about 20 ms, as
FreeSWITCH's session looks at its queue every 20 ms, and its listener at the events. What is counted in whole seconds
of the clock is as exact as that only if the simulator's clock shows what the recorder's showed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import attrs

from .projection import UUID, Kind, Message
from .script import Script, Sends

TOLERANCE = 0.06
"""Seconds: two frames of the session, one round of the listener."""

AFTER_LINGER = 0.15
"""Seconds: FreeSWITCH closes when the clock's second changes, and was seen to look up to 0.12 s late."""

MIXING = 0.03
"""Seconds between messages of different kinds that may have changed places."""

NEW_EACH_TIME = re.compile(
    r"Core-UUID|FreeSWITCH-(Hostname|Switchname|IPv4|IPv6)"
    # Of SIP: what caller and callee call the dialog, where sound comes from and goes to, and how much of it.
    r"|variable_sip_(call_id|\w+_tag|full_\w+)|variable_rtp_(local_sdp_str|use_ssrc)|variable_local_media_port"
    r"|variable_rtp_audio_\w+_(bytes|count|octet_count)"
)
"""Headers that have other values in each call, or on each machine: only that there is one is compared."""

DATES = re.compile(r"Event-Date-(Local|GMT)|variable_\w+_stamp|Event-Sequence|variable_session_id")
"""Dates and numbers, of which only the form is compared."""

MOMENTS = re.compile(r"Event-Date-Timestamp|(Caller|Channel|Other-Leg)-[\w-]*-Time|variable_\w+_u?epoch")
"""Moments: 0, or as long before or after the reply to connect as in the recording."""

# What is measured of a call, and how many of its unit a second has: durations differ as moments do.
DURATIONS: tuple[tuple[re.Pattern[str], int], ...] = (
    (re.compile(r"variable_(\w*(bill|answer|wait|progress|media|accum_)usec|uduration)"), 1_000_000),
    (re.compile(r"variable_(\w*(bill|answer|wait|progress|media)msec|mduration|hold_accum_ms)"), 1_000),
    (re.compile(r"variable_(\w*(bill|answer|wait|progress|media)sec|duration|\w+_seconds)"), 1),
    (re.compile(r"variable_(playback|record)_ms"), 1_000),
    (re.compile(r"variable_((playback|record)_samples|playback_last_offset_pos)"), 8_000),
    (re.compile(r"variable_(record_)?record_file_size"), 16_000),
)

# Texts that are about the machine and the moment: where both have one, what it matches is not compared.
MACHINES_OWN: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"UP \d+ years?, .*", re.DOTALL), "what `status` prints"),
    (re.compile(r"uuid,direction,created,.*", re.DOTALL), "the table of `show channels`"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{6} \d+\.\d\d% "), "a log line's date, and the idle processor"),
    (re.compile(r"\d{10}(?=(:|%3A))"), "the second of a transfer, in `transfer_history`"),
)


@attrs.frozen
class Difference:
    """Something in which a simulated conversation is not the recorded one."""

    at: float
    """Seconds, of the recorded message if there is one."""
    what: str
    """Which message, and which part of it: `CHANNEL_EXECUTE set: Channel-State`."""
    expected: str
    got: str

    def __str__(self) -> str:
        """One line."""
        return f"{self.at:8.3f}  {self.what}: {self.expected!r} was recorded, got {self.got!r}"


@attrs.frozen
class Allowance:
    """A message that may come at another time, and why."""

    conversation: str
    """A regular expression for the conversation's name."""
    message: str
    """A regular expression for the message's title."""
    seconds: float
    why: str


ALLOWANCES: tuple[Allowance, ...] = (
    Allowance(
        "e8_.*",
        "notice: disconnect",
        1.0,
        "an application that never speaks is given 24 to 25 s",
    ),
    Allowance(
        "b_myevents_xml",
        "CHANNEL_EXECUTE_COMPLETE playback",
        0.08,
        "this tone of 300 ms took 365 when it was recorded, and 302 in the same conversation in JSON",
    ),
)


@attrs.define(eq=False)
class Comparison:
    """Two conversations, message by message.

    Attributes:
        script: What the application did.
        expected: What FreeSWITCH said.
        got: What the simulator said.
        differences: What is not the same.
    """

    script: Script
    expected: Sequence[Message]
    got: Sequence[Message]
    channel: str = ""
    """The simulated channel's UUID."""
    differences: list[Difference] = attrs.Factory(list)
    _renamed: dict[str, str] = attrs.Factory(dict)
    _anyhow: list[Message] = attrs.Factory(list)
    _pairs: list[tuple[Message | None, Message | None]] = attrs.Factory(list)

    def run(self) -> list[Difference]:
        """Compare."""
        races = Races(self.script, self.expected, self.got)
        self._anyhow = [*races.expected_anyhow, *races.got_anyhow]
        self._know_names()
        for kind in Kind:
            self._compare_kind(kind, races)
        self._compare_mixing()
        self._check_linger()
        return self.differences

    def _know_names(self) -> None:
        """The UUIDs that are known to correspond: the channel's, and those that the application chose."""
        recorded = next((m["Unique-ID"] or m["Controlled-Session-UUID"] for m in self.expected), "")
        if recorded and self.channel:
            self._renamed[recorded] = self.channel
        for act in self.script.acts:
            if isinstance(act, Sends):
                self._renamed.update((uuid, uuid) for uuid in re.findall(UUID, act.text))

    def _compare_kind(self, kind: Kind, races: Races) -> None:
        """Align the messages of one kind, and compare those that correspond."""
        expected = [m for m in self.expected if m.kind is kind and m not in races.expected_anyhow]
        got = [m for m in self.got if m.kind is kind and m not in races.got_anyhow]
        for one, other in aligned(expected, got):
            self._pairs.append((one, other))
            if one is not None and other is not None:
                self._compare_messages(one, other)
            elif one is not None:
                self.differences.append(Difference(one.at, f"{one.title}: missing", one.title, "nothing"))
            elif other is not None:
                self.differences.append(Difference(other.at, f"{other.title}: too much", "nothing", other.title))

    def _compare_messages(self, expected: Message, got: Message) -> None:
        def differ(part: str, one: object, other: object) -> None:
            self.differences.append(Difference(expected.at, f"{short(expected)}: {part}", str(one), str(other)))

        if expected.layout != got.layout:
            differ("layout", expected.layout, got.layout)
        allowed = self._allowed(expected)
        if abs(expected.at - got.at) > allowed:
            differ("time", f"{expected.at:.4f}", f"{got.at:.4f}")
        if expected.names != got.names:
            for part, one, other in name_differences(expected.names, got.names):
                differ(part, one, other)
        if [name for name, _ in expected.head] != [name for name, _ in got.head]:
            differ("head", [name for name, _ in expected.head], [name for name, _ in got.head])
        for name, one, other in (*common(expected.headers, got.headers), *common(expected.head, got.head)):
            if name == "Content-Length" and expected.kind is not Kind.STRAY:
                continue  # the parser has read as much as it said
            if not self._same_value(name, one, other, allowed):
                differ(name, one, other)
        if not self._same_text(expected.body, got.body):
            differ("body", expected.body, got.body)

    def _allowed(self, message: Message) -> float:
        """How far the time of a message may be off, seconds."""
        for allowance in ALLOWANCES:
            if re.match(allowance.conversation, self.script.name) and re.match(allowance.message, message.title):
                return allowance.seconds
        if message.kind is Kind.GOODBYE and any(m.kind is Kind.LINGER for m in self.expected):
            return AFTER_LINGER
        return TOLERANCE

    def _same_value(self, name: str, expected: str, got: str, allowed: float) -> bool:
        if NEW_EACH_TIME.fullmatch(name):
            return bool(expected) == bool(got)
        if DATES.fullmatch(name):
            return form(expected) == form(got)
        if MOMENTS.fullmatch(name):
            return self._same_moment(name, expected, got, allowed if name == "Event-Date-Timestamp" else TOLERANCE)
        for pattern, unit in DURATIONS:
            if pattern.fullmatch(name) and expected.isdecimal() and got.isdecimal():
                return abs(int(expected) - int(got)) <= max(TOLERANCE * unit, 1 if unit == 1 else 0)
        return self._same_text(expected, got)

    def _same_moment(self, name: str, expected: str, got: str, tolerance: float) -> bool:
        """Moments are in microseconds, or in seconds if they are called an epoch."""
        if "0" in (expected, got) or not (expected.isdecimal() and got.isdecimal()):
            return expected == got
        unit = 1_000_000 if not name.endswith("_epoch") else 1
        one = int(expected) / unit - anchor(self.expected)
        other = int(got) / unit - anchor(self.got)
        return abs(one - other) <= tolerance + (1 if unit == 1 else 0)

    def _same_text(self, expected: str, got: str) -> bool:
        """Whether two texts are the same but for a renaming of UUIDs that is the same all over the conversation."""
        for pattern, _ in MACHINES_OWN:
            if (match := pattern.match(expected)) and (other_match := pattern.match(got)):
                expected, got = expected[match.end() :], got[other_match.end() :]
        one, other = re.split(f"({UUID})", expected), re.split(f"({UUID})", got)
        if one[::2] != other[::2]:
            return False
        return all(self._renamed.setdefault(uuid, new) == new for uuid, new in zip(one[1::2], other[1::2], strict=True))

    def _compare_mixing(self) -> None:
        """Messages of different kinds change places only if they came within `MIXING` of one another."""
        both = [(one, other) for one, other in self._pairs if one is not None and other is not None]
        order = {id(m): i for i, m in enumerate(self.expected)} | {id(m): i for i, m in enumerate(self.got)}
        both.sort(key=lambda pair: order[id(pair[0])])
        for i, (one, other) in enumerate(both):
            for later, counterpart in both[i + 1 :]:
                if order[id(counterpart)] < order[id(other)] and later.at - one.at > MIXING:
                    self.differences.append(
                        Difference(one.at, f"{short(one)}: order", f"before {short(later)}", f"after {short(later)}")
                    )

    def _check_linger(self) -> None:
        """A linger of N seconds ends N to N + 1 seconds after the hangup.

        Unless the application ends it, or says how long it is to be, meanwhile.
        """
        notice, end = (next((m for m in self.got if m.kind is kind), None) for kind in (Kind.LINGER, Kind.GOODBYE))
        if notice is None or end is None or notice["Linger-Time"].startswith("-"):
            return
        said = [act.text for act in self.script.acts if isinstance(act, Sends) and notice.at < act.at <= end.at]
        if any(re.match(r"exit|\.\.\.|linger", text) for text in said):
            return
        seconds, took = int(notice["Linger-Time"]), end.at - notice.at
        if not seconds - TOLERANCE <= took <= seconds + 1 + TOLERANCE:
            self.differences.append(
                Difference(end.at, f"{short(end)}: end of linger", f"{seconds} to {seconds + 1} s", f"{took:.3f} s")
            )

    def ladder(self, width: int = 62) -> str:
        """Both conversations side by side, and what the application did; `~` marks what may be missing."""
        steps: list[tuple[float, int, str]] = []
        for act in self.script.acts:
            if isinstance(act, Sends):
                steps.append((act.at, 0, f"{act.at:8.3f}      > {act.text.strip()!r}"[: 2 * width]))
        order = {id(m): i for i, m in enumerate(self.expected)} | {id(m): i for i, m in enumerate(self.got)}
        rows = list(self._pairs)
        rows += [(message, None) for message in self.expected if message in self._anyhow]
        rows += [(None, message) for message in self.got if message in self._anyhow]
        for one, other in rows:
            here = one or other
            assert here is not None
            mark = " " if one and other else "~" if here in self._anyhow else "-" if one else "+"
            left = f"{one.at:8.3f} {one.title}"[:width] if one else ""
            right = f"{other.at:8.3f} {other.title}"[:width] if other else ""
            steps.append((here.at, 1 + order[id(here)], f"{left:<{width}} {mark} {right}"))
        return "\n".join(text for _, _, text in sorted(steps))


class Races:
    """The messages of two conversations that may be missing, or be there, where FreeSWITCH has a race.

    Attributes:
        expected_anyhow: Recorded messages that the simulator need not send.
        got_anyhow: Simulated messages that need not be in the recording.
    """

    def __init__(self, script: Script, expected: Sequence[Message], got: Sequence[Message]) -> None:
        self.expected_anyhow, self.got_anyhow = (
            [*early_events(messages), *of_others(messages)] for messages in (expected, got)
        )
        parks = [list(park_of_a_slow_set_up(script, messages)) for messages in (expected, got)]
        if not all(parks):  # where both have one, it is compared
            self.expected_anyhow += parks[0]
            self.got_anyhow += parks[1]


def early_events(messages: Sequence[Message]) -> Iterator[Message]:
    """Events fired before the reply to connect, dispatched after the subscription.

    Their Event-Sequence is below that of the reply to connect: the dispatcher lags up to 20 ms.
    """
    connected = next((m for m in messages if m.kind is Kind.CHANNEL_DATA), None)
    if connected is not None:
        for message in messages:
            lagged = message.at - connected.at <= 0.02 + MIXING
            if message.kind is Kind.EVENT and message.sequence < connected.sequence and lagged:
                yield message


def park_of_a_slow_set_up(script: Script, messages: Sequence[Message]) -> Iterator[Message]:
    """The CHANNEL_PARK of the socket, if `connect` and the subscription were not one write.

    It is fired about 1 ms after `connect` was read: it came 60 of 60 times when connect, myevents and linger were one
    write, and in 1 of 4 calls when they were three.
    """
    connected = next((m.at for m in messages if m.kind is Kind.CHANNEL_DATA), None)
    one_write = any(
        isinstance(act, Sends)
        and act.text.startswith("connect\n\n")
        and re.search(r"^(my)?event", act.text, re.MULTILINE)
        for act in script.acts
    )
    if connected is None or one_write:
        return
    for message in messages:
        soon = message.at - connected <= 0.02 + MIXING
        if message["Event-Name"] == "CHANNEL_PARK" and message["Channel-State"] == "CS_EXECUTE" and soon:
            yield message


def of_others(messages: Sequence[Message]) -> Iterator[Message]:
    """Events and log lines of other channels, such as the caller's own leg: a simulated call is one channel.

    They come only with `event ALL` and `log`, without a filter.
    """
    own = next((m["Unique-ID"] for m in messages if m.kind is Kind.CHANNEL_DATA), "")
    for message in messages:
        of_another = message["Unique-ID"] not in ("", own)
        if message.kind is Kind.EVENT and of_another:
            yield message
        if message.kind is Kind.LOG and message["User-Data"] != own:
            yield message


def form(text: str) -> str:
    """How a date or a number is written: each word and each number alike."""
    return re.sub(r"[A-Za-z]+", "a", re.sub(r"\d+", "0", text))


def anchor(messages: Sequence[Message]) -> float:
    """The second that moments are counted from: the date of the first message that has one."""
    return next((int(m["Event-Date-Timestamp"]) / 1e6 for m in messages if m["Event-Date-Timestamp"]), 0.0)


def aligned(expected: Sequence[Message], got: Sequence[Message]) -> Sequence[tuple[Message | None, Message | None]]:
    """Which messages of two conversations correspond: the assignment, in order, that leaves least unexplained."""
    rows, columns = len(expected), len(got)
    cost = [[float(i + j) if i == 0 or j == 0 else 0.0 for j in range(columns + 1)] for i in range(rows + 1)]
    for i in range(1, rows + 1):
        for j in range(1, columns + 1):
            match = cost[i - 1][j - 1] + distance(expected[i - 1], got[j - 1])
            cost[i][j] = min(match, cost[i - 1][j] + 1, cost[i][j - 1] + 1)
    pairs: list[tuple[Message | None, Message | None]] = []
    i, j = rows, columns
    while i or j:
        if i and j and cost[i][j] == cost[i - 1][j - 1] + distance(expected[i - 1], got[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((expected[i], got[j]))
        elif i and cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
            pairs.append((expected[i], None))
        else:
            j -= 1
            pairs.append((None, got[j]))
    return pairs[::-1]


def distance(expected: Message, got: Message) -> float:
    """How little two messages correspond: less than 2 if they do at all."""
    late = abs(expected.at - got.at)
    if recognised(expected) == recognised(got):
        return min(late, 1.0)
    same_kind = expected.kind is not Kind.EVENT or expected["Event-Name"] == got["Event-Name"]
    return 1.5 if same_kind and late <= TOLERANCE else 3.0


def recognised(message: Message) -> str:
    """What messages of two conversations are aligned by."""
    if message.kind is Kind.EVENT:
        return f"{message['Event-Name']} {message['Application']} {message['DTMF-Digit']}"
    if message.kind is Kind.LOG:
        return re.sub(r"^[\d. :-]*%", "", message.body)
    return message.title if message.kind is Kind.REPLY else message.kind.value


def short(message: Message) -> str:
    """A message's name in a list of differences."""
    if message.kind is Kind.EVENT:
        return " ".join(filter(None, (message["Event-Name"] or "(no name)", message["Application"])))
    return message.title


def common(expected: Sequence[tuple[str, str]], got: Sequence[tuple[str, str]]) -> Iterator[tuple[str, str, str]]:
    """The headers that both have, with both values; of repeated names the first with the first, and so on."""
    rest = list(got)
    for name, value in expected:
        other = next((pair for pair in rest if pair[0] == name), None)
        if other is not None:
            rest.remove(other)
            yield name, value, other[1]


def name_differences(expected: Sequence[str], got: Sequence[str]) -> Iterator[tuple[str, str, str]]:
    """Which headers are missing, which too much, and which are elsewhere."""
    missing, extra = list(expected), list(got)
    for name in got:
        if name in missing:
            missing.remove(name)
    for name in expected:
        if name in extra:
            extra.remove(name)
    for name in missing:
        yield f"{name} missing", after(expected, name), "nothing"
    for name in extra:
        yield f"{name} too much", "nothing", after(got, name)
    one = [name for name in expected if name not in missing]
    other = [name for name in got if name not in extra]
    if one != other:
        here, there = next((a, b) for a, b in zip(one, other, strict=False) if a != b)
        yield f"order of headers at {here}", after(one, here), f"{there} {after(other, there)}"


def after(names: Sequence[str], name: str) -> str:
    """Where a name stands among others."""
    at = list(names).index(name)
    return f"after {names[at - 1]}" if at else "first"
