"""How many channels use something at a time."""

from __future__ import annotations

import pytest

from .recording import Call, Case, check_failure, check_gone, check_refusal, check_success

SUCCESSES = [
    Case(lambda a: a.uuid_limit("U", "hash", "gateways", "acme"), "uuid_limit U hash gateways acme", "+OK"),
    Case(
        lambda a: a.uuid_limit("U", "hash", "a b", "it's", maximum=3),
        r"uuid_limit U hash 'a b' 'it\'s' 3",
        "+OK",
    ),
    Case(
        lambda a: a.uuid_limit("U", "hash", "r", "x", maximum=3, interval_seconds=9.5),
        "uuid_limit U hash r x 3/10",
        "+OK",
    ),
    # With `-1` it would count no rate.
    Case(
        lambda a: a.uuid_limit("U", "hash", "r", "x", interval_seconds=10),
        "uuid_limit U hash r x 2147483647/10",
        "+OK",
    ),
    Case(
        lambda a: a.uuid_limit("U", "db", "r", "x", maximum=0, extension="busy", context="c"),
        "uuid_limit U db r x 0 busy XML c",
        "+OK",
    ),
    Case(
        lambda a: a.uuid_limit("U", "db", "r", "x", hangup_cause="USER_BUSY"),
        "uuid_limit U db r x -1 '!USER_BUSY'",
        "+OK",
    ),
    Case(lambda a: a.uuid_limit_release("U", "hash"), "uuid_limit_release U hash", "+OK"),
    Case(lambda a: a.uuid_limit_release("U", "hash", "r", "x y"), "uuid_limit_release U hash r 'x y'", "+OK"),
]


@pytest.mark.parametrize("case", SUCCESSES, ids=lambda case: case.line)
async def test_a_command_is_said_and_its_answer_is_a_value(case: Case) -> None:
    await check_success(case)


@pytest.mark.parametrize(
    "call", [lambda a: a.uuid_limit("U", "hash", "r", "x"), lambda a: a.uuid_limit_release("U", "hash")]
)
async def test_a_channel_that_there_is_not_and_what_no_dash_begins(call: Call) -> None:
    await check_gone(call, "-ERR Cannot find session with uuid U\n", asks=False)
    await check_failure(call, "USAGE: uuid_limit_release <uuid> <backend> [realm] [resource]\n")


@pytest.mark.parametrize(
    ("message", "call"),
    [
        ("backend is 'a b'", lambda a: a.uuid_limit("U", "a b", "r", "x")),
        ("realm is ''", lambda a: a.uuid_limit("U", "hash", "", "x")),
        ("resource is ''", lambda a: a.uuid_limit("U", "hash", "r", "")),
        ("maximum is -1", lambda a: a.uuid_limit("U", "hash", "r", "x", maximum=-1)),
        ("interval_seconds is -1", lambda a: a.uuid_limit("U", "hash", "r", "x", interval_seconds=-1)),
        ("one of them", lambda a: a.uuid_limit("U", "hash", "r", "x", extension="1", hangup_cause="USER_BUSY")),
        ("an extension too", lambda a: a.uuid_limit("U", "hash", "r", "x", context="c")),
        ("extension is '!USER_BUSY'", lambda a: a.uuid_limit("U", "hash", "r", "x", extension="!USER_BUSY")),
        ("hangup_cause is 'BUSY'", lambda a: a.uuid_limit("U", "hash", "r", "x", hangup_cause="BUSY")),
        ("go together", lambda a: a.uuid_limit_release("U", "hash", "r")),
        ("go together", lambda a: a.uuid_limit_release("U", "hash", resource="x")),
        ("resource is ''", lambda a: a.uuid_limit_release("U", "hash", "r", "")),
        ("backend is ''", lambda a: a.uuid_limit_release("U", "")),
    ],
)
async def test_what_cannot_be_said_is_refused_before_anything_is_sent(message: str, call: Call) -> None:
    await check_refusal(call, message)
