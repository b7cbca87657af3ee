"""``esl-outbound originate``: a call that is placed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Final, final

import attrs

from ..api.originating import CallOptions
from ..arguments.applications import Application
from ..client import Switch, connect
from ..errors import EslOutboundError, OriginateFailed
from ..handler import HandlerSource
from .output import Output, one_line
from .switches import Login, run_on_switch
from .tracebacks import users_traceback

__all__ = ["OriginateOptions", "originate", "run_originate"]

_FAILED: Final = 1


@final
@attrs.frozen
class OriginateOptions:
    """What the command line says about the call."""

    login: Login
    destination: str
    extension: str = ""
    """Where whoever answers is connected to, unless to applications or to a handler."""
    context: str = "default"
    dialplan: str = "XML"
    applications: Sequence[tuple[str, str]] = ()
    """Their names and arguments."""
    handler: HandlerSource | None = None
    call_host: str = "127.0.0.1"
    call_port: int = 0
    caller_id_name: str | None = None
    caller_id_number: str | None = None
    ring_seconds: float = 60
    early_media: bool = False
    variables: Mapping[str, str] = attrs.field(factory=dict)


def run_originate(options: OriginateOptions) -> int:
    """Call, and give the status with which the process shall end: 0 if somebody answered, else 1."""
    output = Output()
    return run_on_switch(partial(originate, options, output), output)


async def originate(options: OriginateOptions, output: Output) -> int:
    """Call, print the new channel's UUID, and stay until a handler's call is over; give the status.

    Raises:
        SwitchError: FreeSWITCH cannot be reached, or the connection ended.
        ApiFailed: FreeSWITCH did not place the call, and not because of whom it was to reach.
        CommandRejected: This user may not place calls.
        LocalProtocolError: The call cannot be said.
    """
    login = options.login
    async with connect(
        login.address.host,
        login.address.port,
        password=login.password,
        user=login.user,
        call_host=options.call_host,
        call_port=options.call_port,
    ) as switch:
        try:
            output.say(await _place(switch, options))
        except OriginateFailed as exc:
            reason = f"{options.destination} was not reached: {exc.hangup_cause}"
        except EslOutboundError:
            raise
        except OSError as exc:
            reason = f"cannot listen on {options.call_host} port {options.call_port}: {exc.strerror or exc}"
        except Exception as exc:
            # What a handler raises that cannot be made is for its author.
            output.say(users_traceback(exc), is_error=True)
            return _FAILED
        else:
            # Leaving the block waits for the handler's call.
            return 0
        output.say(f"esl-outbound: {one_line(reason)}", is_error=True)
        return _FAILED


async def _place(switch: Switch, options: OriginateOptions) -> str:
    how = CallOptions(
        caller_id_name=options.caller_id_name,
        caller_id_number=options.caller_id_number,
        ring_seconds=options.ring_seconds,
        ignore_early_media=not options.early_media,
        variables=options.variables,
    )
    if options.handler is not None:
        return (await switch.originate(options.destination, options.handler, **how)).channel_uuid
    if options.applications:
        applications = [Application(name, argument) for name, argument in options.applications]
        return await switch.originate(options.destination, applications, **how)
    return await switch.originate(
        options.destination, options.extension, dialplan=options.dialplan, context=options.context, **how
    )
