"""Every recorded conversation, had once more with `FakeFreeSwitch`: it must say what FreeSWITCH said.

What is compared, and how closely, is told by `tests/conversations/comparison.py`; how to add a conversation by
`tests/conversations/convert.py`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import attrs
import pytest
import trio.testing

from esl_outbound.testing import FakeFreeSwitch

from ..conversations.comparison import Comparison, Difference, anchor
from ..conversations.projection import Message
from ..conversations.recording import NAMES, load_script, messages_of
from ..conversations.simulation import Simulation


@attrs.frozen
class Deliberate:
    """Something in which the simulator is not what was recorded, and is not to be."""

    conversation: str
    difference: str
    """A regular expression for what differs."""
    why: str


DIFFERENCES: tuple[Deliberate, ...] = (
    Deliberate(
        "i4_record",
        r".*: variable_record_(ms|samples|file_size)",
        "FreeSWITCH counts the sound that it received, and the recorded caller stopped sending any in the middle of "
        "`record_session`; the simulated one sends silence when he says nothing",
    ),
    Deliberate(
        "s1_sip_caller_bye",
        ".*: variable_sip_subject missing",
        "the recorder's telephone put a header Subject into its INVITE, which others do not",
    ),
)

NOT_PLAYED: dict[str, str] = {
    "j2_failover_all_refused": "FreeSWITCH connected to nobody: test_measurements.py has what became of the call",
    "j2b_refused_last_action": "likewise",
}


def like_the_recorders(messages: Sequence[Message]) -> FakeFreeSwitch:
    """A switch with the clock of a recording, and what the recorder's dialplan and disk had of what is touched.

    Lingering and ringing are counted in whole seconds of that clock.
    """
    said_at = anchor(messages)
    phone = FakeFreeSwitch(date=datetime.fromtimestamp(said_at, UTC) if said_at else None)
    phone.extension("silence", ["answer", "playback silence_stream://-1"])
    phone.missing_sound("/nonexistent/*")
    phone.destination("loopback/9196/default", answers_after=0)
    phone.destination("loopback/busy/default", cause="USER_BUSY")
    phone.destination("loopback/noanswer/default", answers_after=None)
    return phone


@pytest.mark.parametrize("name", [name for name in NAMES if name not in NOT_PLAYED])
async def test_a_recorded_conversation(name: str, autojump_clock: trio.testing.MockClock) -> None:
    recorded = messages_of(name)
    simulation = Simulation(load_script(name), like_the_recorders(recorded))
    got = await simulation.run()
    comparison = Comparison(simulation.script, recorded, got, simulation.channel_uuid)
    found = [*simulation.differences, *comparison.run()]
    deliberate = [each for each in DIFFERENCES if each.conversation == name]
    unexpected = [difference for difference in found if not any(is_about(each, difference) for each in deliberate)]
    gone = [each.difference for each in deliberate if not any(is_about(each, difference) for difference in found)]
    if unexpected or gone:
        pytest.fail(report(unexpected, gone, comparison), pytrace=False)


def is_about(deliberate: Deliberate, difference: Difference) -> bool:
    """Whether a deliberate difference explains one that was found."""
    return re.fullmatch(deliberate.difference, difference.what) is not None


def report(unexpected: list[Difference], gone: list[str], comparison: Comparison) -> str:
    """What a reader needs to see why two conversations are not the same."""
    lines = [str(difference) for difference in sorted(unexpected, key=lambda difference: difference.at)]
    lines += [f"listed in DIFFERENCES, but there is no such difference any more: {each}" for each in gone]
    return "\n".join([*lines, "", "recorded on the left, simulated on the right:", comparison.ladder()])


def test_what_is_not_played_or_differs_exists() -> None:
    assert NOT_PLAYED.keys() | {each.conversation for each in DIFFERENCES} <= set(NAMES)
