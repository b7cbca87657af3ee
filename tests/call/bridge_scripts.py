"""What the tests of bridges share: the commands of one, and the events of another leg."""

from __future__ import annotations

import re

from ..freeswitch import OK, RECORDINGS, ScriptedSwitch

A = "5f6433ee-df70-478f-a9ed-0397c83df1da"
STALE = (
    "originate_disposition originated_legs originate_causes last_bridge_to bridge_uuid bridge_channel"
    " bridge_hangup_cause last_bridge_hangup_cause last_bridge_proto_specific_hangup_cause"
    " sip_invite_failure_status esl_outbound_answered_0"
)
SCOPE = "%[hangup_after_bridge=false,continue_on_fail=true]"
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")
ANSWERED = f"api_on_answer_esl_outbound=uuid_setvar {A} esl_outbound_answered_%d true"


async def read_bridge(switch: ScriptedSwitch, *, stale: str = STALE) -> tuple[str, str, list[str]]:
    """Read the start of a bridge: its Event-UUID, its argument with B0, B1, ... for the legs' UUIDs, and these."""
    if stale:
        await switch.expect_execute("multiunset", stale)
    command = await switch.read_command()
    await switch.send(OK)
    found = dict(re.findall(r"(?m)^([^:\n]+): (.*)$", command))
    assert found["execute-app-name"] == "bridge", command
    argument = found["execute-app-arg"]
    uuids = [each for each in UUID.findall(argument) if each != A]
    for number, uuid in enumerate(uuids):
        argument = argument.replace(uuid, f"B{number}")
    return found["Event-UUID"], argument, uuids


def at(seconds: float) -> str:
    """``Event-Date-Timestamp`` some seconds after the bridge of a recorded conversation began."""
    return str(1795384809731686 + round(seconds * 1_000_000))


def began(switch: ScriptedSwitch, uuid: str) -> bytes:
    """CHANNEL_EXECUTE of the bridge."""
    return switch.execute(uuid, "bridge", Event_Date_Timestamp=at(0))


def connected(switch: ScriptedSwitch, other: str, seconds: float, **headers: str) -> bytes:
    """CHANNEL_BRIDGE."""
    return switch.event(
        "CHANNEL_BRIDGE",
        Bridge_A_Unique_ID=A,
        Bridge_B_Unique_ID=other,
        Other_Leg_Unique_ID=other,
        Event_Date_Timestamp=at(seconds),
        variable_originate_disposition="SUCCESS",
        **headers,
    )


def unbridged(switch: ScriptedSwitch, other: str, seconds: float, **headers: str) -> bytes:
    """CHANNEL_UNBRIDGE."""
    return switch.event(
        "CHANNEL_UNBRIDGE",
        Bridge_A_Unique_ID=A,
        Bridge_B_Unique_ID=other,
        Event_Date_Timestamp=at(seconds),
        variable_originate_disposition="SUCCESS",
        **headers,
    )


def over(switch: ScriptedSwitch, uuid: str, seconds: float, **variables: str) -> bytes:
    """CHANNEL_EXECUTE_COMPLETE of the bridge, with variables."""
    return switch.complete(
        uuid,
        "bridge",
        Event_Date_Timestamp=at(seconds),
        **{f"variable_{name}": value for name, value in variables.items()},
    )


def success(other: str, cause: str = "NORMAL_CLEARING") -> dict[str, str]:
    """What a conversation leaves, as FreeSWITCH writes it."""
    return {
        "originated_legs": f"{other}%3BOutbound%20Call%3Bdefault",
        "originate_disposition": "SUCCESS",
        "DIALSTATUS": "SUCCESS",
        "originate_causes": f"{other}%3BNONE",
        "last_bridge_to": other,
        "bridge_channel": "loopback/9196-a",
        "bridge_uuid": other,
        "signal_bond": other,
        **({"last_bridge_hangup_cause": cause, "bridge_hangup_cause": cause} if cause else {}),
    }


def failure(other: str, cause: str) -> dict[str, str]:
    """What an attempt leaves that reached nobody."""
    return {
        "originate_signal_bond": other,
        "originated_legs": f"{other}%3BOutbound%20Call%3Bdefault",
        "last_bridge_hangup_cause": cause,
        "originate_disposition": cause,
        "originate_causes": f"{other}%3B{cause}",
        "originate_failed_cause": cause,
    }


def recorded(name: str, application_uuid: str, replaced: dict[str, str], *, marked: bool = False) -> list[bytes]:
    """The events of one bridge in a recorded conversation, with other UUIDs; marked as answered if it is to be."""
    raw = (RECORDINGS / f"{name}.raw").read_bytes()
    events: list[bytes] = []
    is_ours = False
    for head in re.finditer(rb"Content-Length: (\d+)\nContent-Type: text/event-plain\n\n", raw):
        event = raw[head.end() : head.end() + int(head[1])]
        is_ours = is_ours or f"Application-UUID: {application_uuid}\n".encode() in event
        if not is_ours:
            continue
        if marked and b"Event-Name: CHANNEL_EXECUTE_COMPLETE\n" in event:
            event = event.replace(
                b"variable_direction:", b"variable_esl_outbound_answered_0: true\nvariable_direction:"
            )
        for old, new in replaced.items():
            event = event.replace(old.encode(), new.encode())
        events.append(b"Content-Length: %d\nContent-Type: text/event-plain\n\n%s" % (len(event), event))
        if b"Event-Name: CHANNEL_EXECUTE_COMPLETE\n" in event:
            return events
    raise AssertionError(f"no bridge {application_uuid} was recorded")
