"""What has to be said to FreeSWITCH, judged by a little model of what it then sends."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from esl_outbound import EventFormat, LocalProtocolError
from esl_outbound.client.streams import Selection, SwitchEvents, selection_of
from esl_outbound.client.subscriptions import LogWish, Step, Told, Wishes
from esl_outbound.protocol import Event, Subscribe

PLAIN = EventFormat.PLAIN

# Some that our package knows, and one that only FreeSWITCH does.
NAMES: Final = ("CHANNEL_ANSWER", "CHANNEL_HANGUP", "HEARTBEAT", "BACKGROUND_JOB", "GROWN_SINCE")
# What it has beside them; the last has no name in our package.
ALL_NAMES: Final = (*NAMES, "DTMF", "TALK", "UNHEARD_OF")
UNKNOWN: Final = "NO_SUCH"
# The first ones are registered when ALL is asked for (set_all_custom()), the last one later.
SUBCLASSES: Final = ("conference::maintenance", "sofia::register", "late::one")
VALUES: Final = ("1", "2")
HEADERS: Final = ("Unique-ID", "unique-id", "Call")


class Model:
    """event_list, event_hash, filters and level of one listener: parse_command() and event_handler()."""

    def __init__(self, forbidden: frozenset[str] = frozenset()) -> None:
        self.forbidden = forbidden
        self.listens = False
        self.event_list: set[str] = set()
        self.event_hash: set[str] = set()
        self.filters: list[tuple[str, str]] = []
        self.level: int | None = None

    def hear(self, command: bytes) -> bool:
        """Carry out a command; say whether it was +OK."""
        assert command.endswith(b"\n\n")
        word, *rest = command[:-2].decode().split(" ", 1)
        verbs: dict[str, Callable[..., bool]] = {
            "event": self.event,
            "nixevent": self.nixevent,
            "noevents": self.noevents,
            "filter": self.filter,
            "log": self.log,
            "nolog": self.nolog,
        }
        return verbs[word](*rest)

    def event(self, text: str) -> bool:
        words = text.split(" ")
        assert words.pop(0) == "plain"
        count, custom = 0, False
        for word in words:
            if custom:
                if word in self.forbidden:
                    return False
                self.event_hash.add(word)
            elif word in (*ALL_NAMES, "CUSTOM", "ALL"):
                if word in self.forbidden:
                    return False
                count += 1
                self.event_list.add(word)
                if word == "ALL":
                    self.event_list.update(ALL_NAMES, ["CUSTOM"])
                    self.event_hash.update(SUBCLASSES[:2])
                custom = word == "CUSTOM"
        self.listens = self.listens or bool(count)
        return bool(count)

    def nixevent(self, text: str) -> bool:
        count, custom = 0, False
        for word in text.split(" "):
            if custom:
                self.event_hash.discard(word)
            elif word in (*ALL_NAMES, "CUSTOM", "ALL"):
                count += 1
                if word == "CUSTOM":
                    custom = True
                elif word == "ALL":
                    self.event_list.clear()
                else:
                    if "ALL" in self.event_list:
                        self.event_list.remove("ALL")
                        self.event_list.update(ALL_NAMES, ["CUSTOM"])
                    self.event_list.discard(word)
        self.listens = self.listens or bool(count)
        return bool(count)

    def noevents(self) -> bool:
        was, self.listens = self.listens, False
        if was:
            self.event_list.clear()
            self.event_hash.clear()
        return was

    def filter(self, text: str) -> bool:
        verb, header, *value = text.split(" ", 2)
        if verb == "add":
            self.filters.append((header, value[0]))
            return True
        assert verb == "delete"
        # switch_event_del_header_val(): strcasecmp() for the name, strcmp() for the value.
        self.filters = [
            (name, content)
            for name, content in self.filters
            if header != "all" and (name.lower() != header.lower() or (value and content != value[0]))
        ]
        return True

    def log(self, level: str) -> bool:
        if "log" in self.forbidden:
            return False
        self.level = int(level)
        return True

    def nolog(self) -> bool:
        was, self.level = self.level, None
        return was is not None

    def sends(self, event: dict[str, str]) -> bool:
        if not self.listens:
            return False
        name = event["Event-Name"]
        listed = "ALL" in self.event_list or (
            name in self.event_list
            and (name != "CUSTOM" or "Event-Subclass" not in event or event["Event-Subclass"] in self.event_hash)
        )
        return listed and (not self.filters or self.lets_through(event))

    def lets_through(self, event: dict[str, str]) -> bool:
        headers = {name.lower(): value for name, value in event.items()}
        send = False
        for header, value in self.filters:
            found = headers.get(header.lower())
            if found is None:
                continue
            compared = value.lstrip("+- ")
            positive = not value.startswith("-")
            if send and positive:
                continue
            if value.startswith("/"):
                equal = re.search(compared.strip("/"), found) is not None
            else:
                equal = found.lower() == compared.lower()
            if equal and not positive:
                return False
            send = send or equal
        return send


def events_there_may_be() -> list[dict[str, str]]:
    named = [{"Event-Name": name} for name in (*ALL_NAMES, "CUSTOM")]
    named += [{"Event-Name": "CUSTOM", "Event-Subclass": subclass} for subclass in SUBCLASSES]
    return [
        {**event, **headers}
        for event in named
        for headers in ({}, {"Unique-ID": "1"}, {"Unique-ID": "2", "Call": "1"}, {"Unique-ID": "1", "Call": "2"})
    ]


THERE: Final = [
    (event, Event(("".join(f"{name}: {value}\n" for name, value in event.items()) + "\n").encode()))
    for event in events_there_may_be()
]


class Room:
    """Observers, one connection, and a check after each single command."""

    def __init__(self, forbidden: frozenset[str] = frozenset()) -> None:
        self.wishes = Wishes()
        self.told = Told()
        self.model = Model(forbidden)
        self.here: list[Selection] = []
        self.explicit: list[tuple[str, str]] = []
        self.logs: list[LogWish] = []
        self.said: list[bytes] = []

    def steps(self) -> list[Step]:
        return self.wishes.steps(self.told, PLAIN)

    def say(self, lasting: Sequence[Selection] = (), logs: Sequence[LogWish] = ()) -> int:
        """Say what is to be said; whoever is there before and after misses nothing in between."""
        wanted_before = self.wanted(lasting)
        refused = 0
        for step in self.steps():
            self.said.append(step.command.encode())
            if not self.model.hear(self.said[-1]):
                step.undo()
                refused += 1
            for event in wanted_before:
                assert self.model.sends(event), (self.said, event)
            level = max((wish.level for wish in logs), default=None)
            assert level is None or (self.model.level is not None and self.model.level >= level)
        return refused

    def wanted(self, selections: Sequence[Selection]) -> list[dict[str, str]]:
        """Which events these observers want of those that the filters for everybody let through."""
        only = Model()
        only.filters = self.explicit
        return [
            event
            for event, parsed in THERE
            if any(each.matches(parsed) for each in selections) and (not self.explicit or only.lets_through(event))
        ]

    def change(self, change: Callable[[], None], lasting: Sequence[Selection], logs: Sequence[LogWish]) -> None:
        change()
        self.say(lasting, logs)
        for event in self.wanted(self.here):
            assert self.model.sends(event), (self.said, event)
        level = max((wish.level for wish in self.logs), default=None)
        assert self.model.level == level
        assert self.steps() == []

    def come(self, selection: Selection) -> None:
        before = list(self.here)
        self.here.append(selection)
        self.change(partial(self.wishes.add, selection), before, self.logs)

    def go(self, selection: Selection) -> None:
        self.here.remove(selection)
        self.change(partial(self.wishes.remove, selection), self.here, self.logs)


names = st.sampled_from([*NAMES, "ALL", *(f"CUSTOM {subclass}" for subclass in SUBCLASSES)])
wheres = st.one_of(st.none(), st.dictionaries(st.sampled_from(HEADERS), st.sampled_from(VALUES), max_size=2))
selections = st.builds(
    lambda names, where: selection_of(tuple(names), where), st.lists(names, min_size=1, max_size=3), wheres
)
filters = st.tuples(st.sampled_from([*HEADERS, "Event-Name"]), st.sampled_from([*VALUES, "/./", "-1", "HEARTBEAT"]))


@st.composite
def actions(draw: st.DrawFn) -> list[tuple[str, object]]:
    return draw(
        st.lists(
            st.one_of(
                st.tuples(st.just("come"), selections),
                st.tuples(st.just("go"), st.integers(0, 9)),
                st.tuples(st.just("log"), st.integers(0, 7)),
                st.tuples(st.just("unlog"), st.integers(0, 9)),
                st.tuples(st.sampled_from(["jobs", "no jobs"]), st.none()),
                st.tuples(st.just("filter"), filters),
                st.tuples(st.just("unfilter"), st.one_of(filters, st.none())),
            ),
            max_size=12,
        )
    )


def act(room: Room, action: str, value: object) -> None:
    if action == "come":
        assert isinstance(value, Selection)
        room.come(value)
    elif action == "go":
        assert isinstance(value, int)
        if room.here:
            room.go(room.here[value % len(room.here)])
    elif action == "log":
        assert isinstance(value, int)
        wish = LogWish(value)
        before = list(room.logs)
        room.logs.append(wish)
        room.change(partial(room.wishes.add_log, wish), room.here, before)
    elif action == "unlog":
        assert isinstance(value, int)
        if room.logs:
            wish = room.logs.pop(value % len(room.logs))
            room.change(partial(room.wishes.remove_log, wish), room.here, room.logs)
    elif action == "jobs":
        room.change(room.wishes.want_jobs, room.here, room.logs)
    elif action == "no jobs":
        room.change(room.wishes.forget_jobs, room.here, room.logs)
    elif action == "filter":
        assert isinstance(value, tuple)
        room.explicit.append(value)
        # What it keeps out is not missed.
        room.change(partial(room.wishes.add_filter, value), [], room.logs)
    else:
        header, content = value if isinstance(value, tuple) else (None, None)
        room.explicit = [
            (name, each)
            for name, each in room.explicit
            if header is not None and (name.lower() != header.lower() or each != content)
        ]
        room.change(partial(room.wishes.remove_filters, header, content), [], room.logs)


@given(actions())
def test_whoever_comes_and_goes_what_each_wants_is_sent_and_nothing_of_it_is_lost_between_two_commands(
    todo: list[tuple[str, object]],
) -> None:
    room = Room()
    for action, value in todo:
        act(room, action, value)
        if room.wishes.wants_jobs and not any(value.startswith("-") for _, value in room.explicit):
            assert room.model.sends({"Event-Name": "BACKGROUND_JOB"})


@given(actions())
def test_when_the_last_one_has_gone_nothing_is_left(todo: list[tuple[str, object]]) -> None:
    room = Room()
    for action, value in todo:
        act(room, action, value)
    act(room, "unfilter", None)
    act(room, "no jobs", None)
    while room.here:
        act(room, "go", 0)
    while room.logs:
        act(room, "unlog", 0)
    # `event CUSTOM x` lets CUSTOM events through that have no subclass, and no `nixevent` takes that back.
    assert room.model.event_list <= {"CUSTOM"}
    assert room.model.event_hash == set()
    assert room.model.filters == []
    assert room.model.level is None
    assert [event for event, _ in THERE if room.model.sends(event)] in (
        [],
        [event for event, _ in THERE if event["Event-Name"] == "CUSTOM" and "Event-Subclass" not in event],
    )


@given(actions())
def test_a_fresh_connection_that_is_told_everything_is_told_the_same(todo: list[tuple[str, object]]) -> None:
    room = Room()
    for action, value in todo:
        act(room, action, value)
    fresh = Room()
    fresh.wishes = room.wishes
    assert fresh.say() == 0
    assert fresh.steps() == []
    for event in room.wanted(room.here):
        assert fresh.model.sends(event)
    assert fresh.model.level == room.model.level
    assert {(name.lower(), value) for name, value in fresh.model.filters} == {
        (name.lower(), value) for name, value in room.model.filters
    }
    assert len(fresh.model.filters) == len(room.model.filters)
    # What is left of ALL is all that the old one may send beyond the new one.
    if not room.told.has_rest:
        assert fresh.model.event_list | {"CUSTOM"} == room.model.event_list | {"CUSTOM"}
        assert fresh.model.event_hash == room.model.event_hash or "ALL" in room.model.event_list


@given(actions(), st.sets(st.sampled_from([*NAMES, "ALL", *SUBCLASSES, "log"])))
def test_what_is_refused_is_asked_for_again_and_again_only_while_it_is_wished_for(
    todo: list[tuple[str, object]], forbidden: set[str]
) -> None:
    room = Room(frozenset(forbidden))
    for action, value in todo:
        if action == "come":
            assert isinstance(value, Selection)
            room.wishes.add(value)
            if room.say(room.here):
                room.wishes.remove(value)
                room.say(room.here)
            else:
                room.here.append(value)
        elif action == "go" and room.here:
            room.go(room.here[0])
        elif action == "log":
            assert isinstance(value, int)
            wish = LogWish(value)
            room.wishes.add_log(wish)
            if room.say(room.here, room.logs):
                room.wishes.remove_log(wish)
                room.say(room.here)
            else:
                room.logs.append(wish)
        for event in room.wanted(room.here):
            assert room.model.sends(event)
        assert room.steps() == []


def after(*changes: Callable[[Wishes], None]) -> list[bytes]:
    """What the last of these changes makes us say."""
    wishes, told, said = Wishes(), Told(), []
    for change in changes:
        change(wishes)
        said = [step.command.encode() for step in wishes.steps(told, PLAIN)]
    return said


def wanting(*names: str, **where: str) -> tuple[Callable[[Wishes], None], Callable[[Wishes], None]]:
    """An observer, and his end."""
    selection = selection_of(names, {name.replace("_", "-"): value for name, value in where.items()})
    return lambda wishes: wishes.add(selection), lambda wishes: wishes.remove(selection)


def test_two_observers_of_one_event_cost_one_command() -> None:
    first, first_goes = wanting("CHANNEL_ANSWER")
    second, second_goes = wanting("channel_answer")
    assert after(first) == [b"event plain CHANNEL_ANSWER\n\n"]
    assert after(first, second) == []
    assert after(first, second, first_goes) == []
    assert after(first, second, first_goes, second_goes) == [b"nixevent CHANNEL_ANSWER\n\n"]


def test_two_observers_of_a_subclass_and_of_a_channel_cost_one_command_each() -> None:
    first, first_goes = wanting("CUSTOM x::y", Unique_ID="1")
    second, second_goes = wanting("CUSTOM x::y", Unique_ID="1")
    assert after(first) == [
        b"filter add Event-Name /./\n\n",
        b"filter add Unique-ID 1\n\n",
        b"filter delete Event-Name /./\n\n",
        b"event plain CUSTOM x::y\n\n",
    ]
    assert after(first, second) == []
    assert after(first, second, second_goes) == []
    assert after(first, second, second_goes, first_goes)[-1] == b"nixevent CUSTOM x::y\n\n"


def test_each_name_and_each_subclass_is_asked_for_by_itself_so_that_each_refusal_is_heard() -> None:
    several, _ = wanting("DTMF", "CHANNEL_ANSWER", "CUSTOM x::y a::b")
    assert after(several) == [
        b"event plain CHANNEL_ANSWER\n\n",
        b"event plain DTMF\n\n",
        b"event plain CUSTOM a::b\n\n",
        b"event plain CUSTOM x::y\n\n",
    ]


def test_the_filters_of_two_observers_are_one_header_in_whatever_case() -> None:
    first, first_goes = wanting("DTMF", Unique_ID="1")
    second, _ = wanting("DTMF", unique_id="1")
    assert after(first, second) == []
    assert after(first, second, first_goes) == []


def test_whoever_wants_every_event_of_a_name_ends_the_filters_of_the_others() -> None:
    one_channel, _ = wanting("DTMF", Unique_ID="1")
    everything, everything_goes = wanting("TALK")
    assert after(one_channel, everything) == [
        b"filter add Event-Name /./\n\n",
        b"filter delete Unique-ID 1\n\n",
        b"filter delete Event-Name /./\n\n",
        b"event plain TALK\n\n",
    ]
    assert after(one_channel, everything, everything_goes)[-1] == b"nixevent TALK\n\n"


def test_while_filters_are_told_one_by_one_everything_passes() -> None:
    one_channel, _ = wanting("DTMF", Unique_ID="1")
    one_call, _ = wanting("DTMF", Call="1")
    everything, everything_goes = wanting("DTMF")
    assert after(one_channel, one_call, everything) == [
        b"filter add Event-Name /./\n\n",
        b"filter delete Call 1\n\n",
        b"filter delete Unique-ID 1\n\n",
        b"filter delete Event-Name /./\n\n",
    ]
    assert after(one_channel, one_call, everything, everything_goes) == [
        b"filter add Event-Name /./\n\n",
        b"filter add Call 1\n\n",
        b"filter add Unique-ID 1\n\n",
        b"filter delete Event-Name /./\n\n",
    ]


def test_at_the_end_of_all_an_event_is_taken_back_that_only_freeswitch_knows() -> None:
    everything, everything_goes = wanting("ALL")
    grown, grown_goes = wanting("GROWN_SINCE")
    one, _ = wanting("DTMF")
    (said,) = after(everything, grown, one, grown_goes, everything_goes)
    assert "GROWN_SINCE" in said.decode().split()


def test_under_all_nothing_is_taken_back_and_the_end_of_all_keeps_the_rest() -> None:
    everything, everything_goes = wanting("ALL")
    one, one_goes = wanting("DTMF")
    custom, _ = wanting("CUSTOM x::y")
    assert after(everything, one) == [b"event plain DTMF\n\n"]
    assert after(everything, one, one_goes) == []
    (said,) = after(everything, one, custom, everything_goes)
    assert said.startswith(b"nixevent ADD_SCHEDULE API ")
    words = said.decode().split()
    assert "ALL" not in words
    assert "DTMF" not in words
    assert "CUSTOM" not in words


def test_the_last_one_of_all_leaves_nothing_behind() -> None:
    everything, everything_goes = wanting("ALL")
    one, one_goes = wanting("DTMF")
    assert after(everything, everything_goes) == [b"noevents\n\n"]
    assert after(one, everything, everything_goes, one_goes) == [b"noevents\n\n"]


def test_log_lines_are_asked_for_as_the_most_verbose_reader_wants_them() -> None:
    warning, debug = LogWish(4), LogWish(7)
    assert after(lambda wishes: wishes.add_log(warning)) == [b"log 4\n\n"]
    both = (lambda wishes: wishes.add_log(warning)), (lambda wishes: wishes.add_log(debug))
    assert after(*both) == [b"log 7\n\n"]
    assert after(*both, lambda wishes: wishes.remove_log(debug)) == [b"log 4\n\n"]
    assert after(both[0], lambda wishes: wishes.remove_log(warning)) == [b"nolog\n\n"]


def test_a_log_that_was_refused_is_not_taken_for_one_that_is_on() -> None:
    room, first, second = Room(frozenset({"log"})), LogWish(7), LogWish(7)
    room.wishes.add_log(first)
    log = room.steps()[0]
    room.wishes.remove_log(first)
    nolog = room.steps()[0]
    log.undo()
    nolog.undo()
    room.wishes.add_log(second)
    assert [step.command.encode() for step in room.steps()] == [b"log 7\n\n"]


def test_to_go_twice_takes_nothing_from_others() -> None:
    first, first_goes = wanting("DTMF")
    second, _ = wanting("DTMF")
    assert after(first, first_goes, second, first_goes) == []


def test_what_is_refused_is_given_up_for_all_that_wanted_it() -> None:
    room = Room(frozenset({"DTMF"}))
    wanted = [selection_of(("DTMF",), None), selection_of(("DTMF", "TALK"), None), selection_of(("TALK",), None)]
    for each in wanted:
        room.wishes.add(each)
    assert room.say() == 1
    assert set(room.wishes.give_up(Subscribe(("DTMF",)))) == set(wanted[:2])
    assert room.steps() == []
    assert room.model.event_list == {"TALK"}


@pytest.mark.parametrize(
    "where",
    [
        {"Unique-ID": "-1"},
        {"Unique-ID": "+1"},
        {"Unique-ID": " 1"},
        {"Unique-ID": "/1/"},
        {"Unique-ID": ""},
        {"all": "1"},
        {"ALL": "1"},
        {"X[1]": "1"},
        {"Unique-ID": "ARRAY::1"},
    ],
)
def test_what_freeswitch_would_not_take_as_it_is_is_compared_here(where: dict[str, str]) -> None:
    selection = selection_of(("DTMF",), where)
    assert selection.filter is None
    assert after(lambda wishes: wishes.add(selection)) == [b"event plain DTMF\n\n"]


def test_of_several_headers_one_that_freeswitch_takes_is_told_and_all_are_compared() -> None:
    selection = selection_of(("DTMF",), {"all": "1", "Unique-ID": "2"})
    assert selection.filter == ("Unique-ID", "2")
    assert selection.matches(Event(b"Event-Name: DTMF\nall: 1\nUnique-ID: 2\n\n"))
    assert not selection.matches(Event(b"Event-Name: DTMF\nUnique-ID: 2\n\n"))


@pytest.mark.parametrize("where", [{"Unique ID": "1"}, {"Unique-ID": "1\n\nexit"}, {"": "1"}, {"Unique-ID": "\0"}])
def test_a_header_that_cannot_be_said_is_refused(where: dict[str, str]) -> None:
    with pytest.raises(LocalProtocolError):
        selection_of(("DTMF",), where)


def test_an_observer_sees_what_he_asked_for_whatever_others_have_sent() -> None:
    events = SwitchEvents(selection_of(("DTMF",), {"Unique-ID": "1"}), lambda: None)
    events.offer(Event(b"Event-Name: DTMF\nUnique-ID: 2\n\n"))
    events.offer(Event(b"Event-Name: TALK\nUnique-ID: 1\n\n"))
    events.offer(Event(b"Event-Name: DTMF\nUnique-ID: 1\nDTMF-Digit: 5\n\n"))
    assert [event["DTMF-Digit"] for event in events.drain()] == ["5"]
