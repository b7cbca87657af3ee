"""Which events a socket gets, and what is answered to who asks for them: the replies as they were measured."""

from __future__ import annotations

import pytest

from esl_outbound.testing.subscriptions import Subscriptions
from esl_outbound.testing.wire import Event

MINE, OTHER = "5f6433ee", "284cab9a"
ANSWER = Event("CHANNEL_ANSWER", (("Event-Name", "CHANNEL_ANSWER"), ("Unique-ID", MINE), ("variable_x", "Yes")))
FOREIGN = Event("CHANNEL_ANSWER", (("Event-Name", "CHANNEL_ANSWER"), ("Unique-ID", OTHER)))


def event(name: str, uuid: str = MINE, **headers: str) -> Event:
    more = tuple((key.replace("_", "-"), value) for key, value in headers.items())
    return Event(name, (("Event-Name", name), *((("Unique-ID", uuid),) if uuid else ()), *more))


@pytest.fixture
def subscriptions() -> Subscriptions:
    return Subscriptions(MINE)


def test_nothing_is_wanted_at_first(subscriptions: Subscriptions) -> None:
    assert not subscriptions.wants(ANSWER)
    assert subscriptions.form == "plain"


# myevents


def test_myevents_are_the_events_of_the_own_channel(subscriptions: Subscriptions) -> None:
    assert subscriptions.my_events("") == "+OK Events Enabled"
    for name in ("CHANNEL_ANSWER", "CHANNEL_HANGUP_COMPLETE", "DTMF", "DETECTED_SPEECH", "TALK", "NOTALK"):
        assert subscriptions.wants(event(name))
        assert not subscriptions.wants(event(name, OTHER))
    for name in ("CHANNEL_CALLSTATE", "PLAYBACK_START", "RECORD_STOP", "BACKGROUND_JOB", "CUSTOM"):
        assert not subscriptions.wants(event(name))


@pytest.mark.parametrize(("words", "form"), [("", "plain"), (" plain", "plain"), (" json", "json"), (" XML", "xml")])
def test_myevents_has_a_form(subscriptions: Subscriptions, words: str, form: str) -> None:
    subscriptions.my_events(f"myevents{words}")
    assert subscriptions.form == form


def test_myevents_again_is_an_error_and_keeps_the_form(subscriptions: Subscriptions) -> None:
    subscriptions.my_events("myevents json")
    assert subscriptions.my_events("myevents xml") == "-ERR aready enabled."
    assert subscriptions.form == "json"


def test_what_is_asked_for_after_myevents_is_still_of_the_own_channel(subscriptions: Subscriptions) -> None:
    subscriptions.my_events("")
    subscriptions.subscribe("plain ALL")
    assert subscriptions.wants(event("PLAYBACK_START"))
    assert not subscriptions.wants(event("PLAYBACK_START", OTHER))
    assert not subscriptions.wants(event("HEARTBEAT", ""))


def test_jobs_of_ones_own_come_with_myevents(subscriptions: Subscriptions) -> None:
    subscriptions.my_events("")
    assert not subscriptions.wants(event("BACKGROUND_JOB", "", Job_Owner_UUID=MINE))
    subscriptions.subscribe("plain BACKGROUND_JOB")
    assert subscriptions.wants(event("BACKGROUND_JOB", "", Job_Owner_UUID=MINE))
    assert not subscriptions.wants(event("BACKGROUND_JOB", "", Job_Owner_UUID=OTHER))


# event, nixevent, noevents


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        ("plain CHANNEL_ANSWER", "+OK event listener enabled plain"),
        ("json channel_answer", "+OK event listener enabled json"),
        ("XML CHANNEL_ANSWER NO_SUCH_EVENT", "+OK event listener enabled xml"),
        ("CUSTOM x::y", "+OK event listener enabled plain"),
        ("", "-ERR no keywords supplied"),
        ("plain", "-ERR no keywords supplied"),
        ("plain NO_SUCH_EVENT", "-ERR no keywords supplied"),
    ],
)
def test_event_answers_as_measured(subscriptions: Subscriptions, words: str, reply: str) -> None:
    assert subscriptions.subscribe(words) == reply
    assert subscriptions.are_on == reply.startswith("+OK")
    assert subscriptions.wants(ANSWER) == ("ANSWER" in words.upper())


def test_event_shows_the_whole_switch(subscriptions: Subscriptions) -> None:
    subscriptions.subscribe("plain ALL")
    assert subscriptions.wants(FOREIGN)
    assert subscriptions.wants(event("CUSTOM", "", Event_Subclass="my::event"))


def test_custom_events_are_chosen_by_subclass(subscriptions: Subscriptions) -> None:
    subscriptions.subscribe("plain CUSTOM my::event conference::maintenance")
    assert subscriptions.wants(event("CUSTOM", "", Event_Subclass="my::event"))
    assert subscriptions.wants(event("CUSTOM", "", Event_Subclass="conference::maintenance"))
    assert not subscriptions.wants(event("CUSTOM", "", Event_Subclass="other::event"))
    assert not subscriptions.wants(ANSWER)


def test_a_later_event_keeps_the_form_unless_it_names_one(subscriptions: Subscriptions) -> None:
    subscriptions.subscribe("json CHANNEL_ANSWER")
    assert subscriptions.subscribe("CHANNEL_PARK") == "+OK event listener enabled json"
    assert subscriptions.subscribe("xml DTMF") == "+OK event listener enabled xml"
    assert subscriptions.wants(ANSWER)


def test_nixevent_takes_away(subscriptions: Subscriptions) -> None:
    subscriptions.subscribe("plain CHANNEL_ANSWER DTMF CUSTOM a::b c::d")
    assert subscriptions.unsubscribe("dtmf NO_SUCH") == "+OK events nixed"
    assert not subscriptions.wants(event("DTMF"))
    assert subscriptions.wants(ANSWER)
    assert subscriptions.unsubscribe("CUSTOM a::b") == "+OK events nixed"
    assert not subscriptions.wants(event("CUSTOM", Event_Subclass="a::b"))
    assert subscriptions.wants(event("CUSTOM", Event_Subclass="c::d"))
    assert subscriptions.unsubscribe("all") == "+OK events nixed"
    assert not subscriptions.wants(ANSWER)


@pytest.mark.parametrize("words", ["", "NO_SUCH_EVENT"])
def test_nixevent_needs_an_event(subscriptions: Subscriptions, words: str) -> None:
    assert subscriptions.unsubscribe(words) == "-ERR no keywords supplied"


def test_noevents_ends_them_all(subscriptions: Subscriptions) -> None:
    assert subscriptions.none() == "-ERR not listening for events"
    subscriptions.subscribe("plain ALL")
    assert subscriptions.none() == "+OK no longer listening for events"
    assert not subscriptions.wants(ANSWER)
    assert subscriptions.none() == "-ERR not listening for events"


# Filters


@pytest.mark.parametrize(
    ("words", "reply"),
    [
        ("Unique-ID x", "+OK filter added. [Unique-ID]=[x]"),
        ("add Unique-ID x y", "+OK filter added. [Unique-ID]=[x y]"),
        ("Unique-ID", "-ERR invalid syntax"),
        ("delete", "-ERR invalid syntax"),
        ("delete Unique-ID x", "+OK filter deleted. [Unique-ID][x]"),
        ("delete Unique-ID", "+OK filter deleted. [Unique-ID][]"),
        ("delete all", "+OK filter deleted. [all][]"),
    ],
)
def test_filter_answers_as_measured(subscriptions: Subscriptions, words: str, reply: str) -> None:
    assert subscriptions.filter(words) == reply


@pytest.mark.parametrize(
    ("filters", "answer", "foreign"),
    [
        ([f"Unique-ID {MINE}"], True, False),
        ([f"unique-id {MINE.upper()}"], True, False),
        ([f"Unique-ID {MINE}", f"Unique-ID {OTHER}"], True, True),
        ([f"Unique-ID -{OTHER}", f"Unique-ID {MINE}"], True, False),
        (["Event-Name CHANNEL_ANSWER", f"Unique-ID -{OTHER}"], True, False),
        (["Unique-ID /^5f.*ee$/"], True, False),
        (["Unique-ID /(/"], False, False),
        (["variable_x yes"], True, False),
        (["No-Such-Header x"], False, False),
        ([f"Unique-ID {OTHER}", "delete all"], True, True),
        ([f"Unique-ID {OTHER}", f"delete unique-id {OTHER}"], True, True),
        ([f"Unique-ID {OTHER}", "delete Unique-ID"], True, True),
        ([f"Unique-ID {OTHER}", "delete Unique-ID other"], False, True),
    ],
)
def test_filters_let_pass_what_one_of_them_names_and_none_excludes(
    subscriptions: Subscriptions, filters: list[str], answer: bool, foreign: bool
) -> None:
    subscriptions.subscribe("plain ALL")
    for each in filters:
        subscriptions.filter(each)
    assert (subscriptions.wants(ANSWER), subscriptions.wants(FOREIGN)) == (answer, foreign)


@pytest.mark.parametrize(
    ("command", "is_left"),
    [
        ("filter delete Event-Name DTMF", False),
        ("filter delete event-name DTMF", False),
        ("filter delete Event-Name dtmf", True),
        ("filter delete Event-Name", False),
        ("filter delete Event-Name ", False),
        ("filter delete Other", True),
        ("filter delete all", False),
    ],
)
def test_a_filter_is_deleted_by_its_name_and_its_value_to_the_letter(
    subscriptions: Subscriptions, command: str, is_left: bool
) -> None:
    subscriptions.subscribe("plain ALL")
    subscriptions.filter("Event-Name DTMF")
    subscriptions.filter(command.removeprefix("filter "))
    assert subscriptions.wants(ANSWER) is not is_left


@pytest.mark.parametrize("pattern", ["(" * 3000, "x{99999999999}"])
def test_a_pattern_that_cannot_be_read_lets_nothing_pass(subscriptions: Subscriptions, pattern: str) -> None:
    subscriptions.subscribe("plain ALL")
    subscriptions.filter(f"Event-Name /{pattern}/")
    assert not subscriptions.wants(ANSWER)
