"""A call, as its handler sees it: one subject a file, mixed into ``Call``.

* ``identity``: who calls whom, the channel's state and variables as known
* ``control``: any application, by its name
* ``answering``, ``leaving`` (with ``scheduling``): the caller's state, and the ways out
* ``speaking`` (``prompts``, ``playing``): what the caller hears
* ``asking`` and ``menus`` (``questions``), ``composing``: dialogues, and handlers made of handlers
* ``key_bindings``, ``dtmf``, ``collecting``: keys, and digits that FreeSWITCH itself collects
* ``detecting``, ``tones``, ``faxing``, ``speech`` (``speech_results``): what FreeSWITCH listens for
* ``bridging`` (``bridges``, ``bridge_results``): connecting the caller to somebody
* ``joining`` (``legs``, ``attended_transfer``, ``eavesdropping``): calls that are there already
* ``recording`` (``recorded``), ``media`` (``audio``): what is said, in files and in Python
* ``conferencing`` (``conference_member``, ``conference_room``, ``conference_events``, ``conference_results``)
* ``queueing``: ``fifo``, ``callcenter``, ``valet_parking``, ``mailboxes`` (``queue_places``)
* ``variables``, ``identifying`` (``sip_headers``), ``tuning``, ``reporting``, ``storing``, ``limiting``
* ``commands``: API commands, and the rest of the socket's commands; ``subscribing``: events and log lines;
  ``freeswitch``: the whole switch

Beneath them ``line`` is the call as all of them command it, on ``state``, which is written by what
``arrivals`` takes in for the reader; ``channel``, ``execution``, ``executions``, ``endings``, ``stopping``,
``digits``, ``observing`` and ``record`` are its parts. ``variable_commands`` and ``carried`` make what is sent of what
is asked for, and ``lasting`` takes back what a block has begun.
"""

from __future__ import annotations

from ..arguments.dial_strings import Destination, DialLeg, DialString
from ..arguments.extensions import Leg
from ..arguments.text import Expand, Text, literal
from ..jobs import Job
from .answering import Answering
from .asking import Asking
from .attended_transfer import AttXferOutcome, AttXferResult
from .audio import Audio
from .base import attach
from .bridge_results import BridgeLeg, BridgeResult, EarlyMedia, HungUpBy
from .bridges import Bridge
from .bridging import RINGBACK, Bridging
from .callcenter import (
    CallcenterAgent,
    CallcenterEvents,
    CallcenterMember,
    CallcenterOutcome,
    CallcenterPlace,
    CallcenterResult,
)
from .collecting import CollectedDigits, DigitsOutcome
from .commands import SocketCommands
from .composing import Composing
from .conference_events import ConferenceAction, ConferenceEvent, ConferenceEvents
from .conference_member import ConferenceMember
from .conference_results import ConferenceExit, ConferenceMemberState, ConferenceResult, ConferenceState
from .conferencing import ConferenceFlag, Conferencing
from .control import Control
from .detecting import Detecting
from .digits import Digits
from .eavesdropping import Eavesdrop, EavesdropResult, Spied
from .execution import Execution, Stage
from .faxing import FaxResult
from .fifo import FifoCaller, FifoOutcome, FifoPlace, FifoResult, FifoService, FifoState
from .freeswitch import CallApi, FreeSwitchAccess
from .identifying import Identifying, Privacy
from .identity import Identity
from .joining import Joining
from .key_bindings import DigitAction, DigitTarget, KeyBindings, MetaKeyOf, MetaRunsOn, RunApi, RunApplication
from .leaving import DeflectResult, Leaving
from .limiting import Limit, LimitBackend, LimitUsage
from .line import Line
from .mailboxes import MailboxCount, VoicemailResult
from .media import Media
from .menus import Choice, Menu, Menus, MenuStep
from .observing import EventStream
from .playing import Playback, PlaybackResult
from .prompts import Phrase, Prompt, Say, SayGender, SayMethod, SayType, Speak, Tones
from .questions import Answer, AnswerEnding, Prompts
from .queue_places import QueuePlace
from .queueing import Queueing
from .record import CallRecord, Ending, RecordSource
from .recorded import CallRecording, MessageRecording, RecordEnd, Recording, RecordingCause, RecordingTags, RecordResult
from .recording import Recordings
from .scheduling import Scheduled
from .sip_headers import SipHeaders, SipMessage
from .speaking import Speaking
from .speech import Speech, SpeechEvent, SpeechEventType
from .speech_results import Interpretation, SpeechOutcome, SpeechResult
from .storing import Storing
from .subscribing import Subscribing
from .tones import Beep, BeepDetector, Beeps, DetectedTones, Tone, ToneDirection
from .tuning import AudioDirection
from .valet_parking import ParkedCall, ParkingOutcome, ParkingResult
from .variables import VariableAccess

__all__ = [
    "RINGBACK",
    "Answer",
    "AnswerEnding",
    "AttXferOutcome",
    "AttXferResult",
    "Audio",
    "AudioDirection",
    "Beep",
    "BeepDetector",
    "Beeps",
    "Bridge",
    "BridgeLeg",
    "BridgeResult",
    "Call",
    "CallApi",
    "CallRecord",
    "CallRecording",
    "CallcenterAgent",
    "CallcenterEvents",
    "CallcenterMember",
    "CallcenterOutcome",
    "CallcenterPlace",
    "CallcenterResult",
    "Choice",
    "CollectedDigits",
    "ConferenceAction",
    "ConferenceEvent",
    "ConferenceEvents",
    "ConferenceExit",
    "ConferenceFlag",
    "ConferenceMember",
    "ConferenceMemberState",
    "ConferenceResult",
    "ConferenceState",
    "DeflectResult",
    "Destination",
    "DetectedTones",
    "DialLeg",
    "DialString",
    "DigitAction",
    "DigitTarget",
    "Digits",
    "DigitsOutcome",
    "EarlyMedia",
    "Eavesdrop",
    "EavesdropResult",
    "Ending",
    "EventStream",
    "Execution",
    "Expand",
    "FaxResult",
    "FifoCaller",
    "FifoOutcome",
    "FifoPlace",
    "FifoResult",
    "FifoService",
    "FifoState",
    "HungUpBy",
    "Interpretation",
    "Job",
    "Leg",
    "Limit",
    "LimitBackend",
    "LimitUsage",
    "Line",
    "MailboxCount",
    "Menu",
    "MenuStep",
    "MessageRecording",
    "MetaKeyOf",
    "MetaRunsOn",
    "ParkedCall",
    "ParkingOutcome",
    "ParkingResult",
    "Phrase",
    "Playback",
    "PlaybackResult",
    "Privacy",
    "Prompt",
    "Prompts",
    "QueuePlace",
    "RecordEnd",
    "RecordResult",
    "RecordSource",
    "Recording",
    "RecordingCause",
    "RecordingTags",
    "RunApi",
    "RunApplication",
    "Say",
    "SayGender",
    "SayMethod",
    "SayType",
    "Scheduled",
    "SipHeaders",
    "SipMessage",
    "Speak",
    "Speech",
    "SpeechEvent",
    "SpeechEventType",
    "SpeechOutcome",
    "SpeechResult",
    "Spied",
    "Stage",
    "Text",
    "Tone",
    "ToneDirection",
    "Tones",
    "VoicemailResult",
    "attach",
    "literal",
]


class Call(
    Identity,
    Control,
    Answering,
    Leaving,
    Speaking,
    Asking,
    Menus,
    Composing,
    KeyBindings,
    Detecting,
    Bridging,
    Joining,
    Recordings,
    Conferencing,
    Queueing,
    VariableAccess,
    Identifying,
    Storing,
    Media,
    SocketCommands,
    Subscribing,
    FreeSwitchAccess,
):
    """A telephone call that FreeSWITCH gave us.

    Methods that wait end with their answer, with the call's end
    (``CallHungUp``, ``CallTransferred``, ``CallReleased``) or with the connection's
    (``ConnectionLost``). Before a call is there they raise ``NoCallYet``.
    """
