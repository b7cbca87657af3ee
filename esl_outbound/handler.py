"""What a user writes: a class that handles one call."""

from __future__ import annotations

import inspect
import logging
import sys
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, Final, Generic, TypeAlias, cast

from .call import Call, CallRecord
from .protocol import HangupCause

if TYPE_CHECKING:
    # At run time the default of R is of no interest, and typing has it from Python 3.13 on.
    from typing_extensions import TypeVar

    R = TypeVar("R", default=None)
else:
    from typing import TypeVar

    R = TypeVar("R")

__all__ = ["CallHandler", "HandlerSource", "handler_class_of", "handler_factory"]

_log: Final = logging.getLogger("esl_outbound.call")


class CallHandler(Call, Generic[R]):
    """One call, handled: subclass it and write ``run``.

    The framework makes an instance for each call, with your own constructor,
    and gives it its call afterwards: ``__init__`` needs no ``super()``, and the call's methods
    work inside ``run``. attrs classes and dataclasses are fine; a field may not
    bear the name of one of the call's properties.
    """

    subscriptions: ClassVar[tuple[str, ...]] = ()
    """Events to ask for beside those of ``myevents``, such as ``("RECORD_STOP", "CUSTOM conference::maintenance")``.
    They need ``full`` in the dialplan line."""

    wind_down_seconds: ClassVar[float] = 3.0
    """How long ``run`` may go on after the call's end, if that was its own doing, and how long one that shields
    itself from any other end is waited for."""

    after_hangup_seconds: ClassVar[float] = 10.0
    """How long ``after_hangup`` may take."""

    on_error_seconds: ClassVar[float] = 10.0
    """How long ``on_error`` may take."""

    error_hangup_cause: ClassVar[HangupCause | str] = HangupCause.NORMAL_TEMPORARY_FAILURE
    """Why a call is hung up whose ``run`` failed."""

    async def run(self) -> R:
        """Handle the call.

        When this returns and the call is up, it is hung up with NORMAL_CLEARING;
        ``continue_dialplan()`` lets it go on instead. When the call ends from
        outside, this is cancelled wherever it waits.
        """
        raise NotImplementedError(f"{type(self).__name__} does not say what to do with a call: it has no run()")

    async def after_hangup(self, record: CallRecord) -> None:
        """Do what is to be done after the call, such as saving its record.

        Runs once for each call whose ``run`` was entered, however it ended,
        for at most ``after_hangup_seconds``. The socket still answers then
        (``get_variable``, ``api``), if the dialplan line says ``full``; applications do not run any more.
        """

    async def on_error(self, error: BaseException) -> None:
        """Deal with a fault of ``run``: anything but the call's end that it raised.

        Runs once, for at most ``on_error_seconds``, not cancelled by the call's
        end. The call may still be up, to say a word before it is hung up with
        ``error_hangup_cause``. Without this method, the fault is logged with its traceback.
        """
        _log.error("channel %s: run() failed", self.channel_uuid, exc_info=error)

    def __init_subclass__(cls, **kwargs: Any) -> None:  # noqa: ANN401 - whatever other bases want
        super().__init_subclass__(**kwargs)
        for name, ours in _PROPERTIES.items():
            # A field of its own, or a base that comes before ours, would hide it silently.
            if inspect.getattr_static(cls, name) is not ours or name in _annotated(cls):
                raise TypeError(f"{cls.__name__}.{name} would hide the call's own {name}; give it another name")


def _annotated(cls: type) -> set[str]:
    """The names that a class annotates itself, however its annotations are kept."""
    if sys.version_info >= (3, 14):
        import annotationlib

        return set(annotationlib.get_annotations(cls, format=annotationlib.Format.FORWARDREF))
    return set(inspect.get_annotations(cls))


_PROPERTIES: Final = {
    name: static
    for name in dir(Call)
    if isinstance(static := inspect.getattr_static(Call, name), property) or name == "_line"
}

HandlerSource: TypeAlias = (
    type[CallHandler[Any]]
    | partial[CallHandler[Any]]
    | Callable[[], CallHandler[Any]]
    | Callable[[Call], CallHandler[Any]]
)
"""What calls can be served with: a handler class, a partial of one, a callable that makes a handler, or one that
makes it from the call."""


def handler_factory(source: HandlerSource) -> Callable[[Call], CallHandler[Any]]:
    """A callable that makes the handler of a call.

    Raises:
        TypeError: ``source`` is none of the things that make handlers.
    """
    if isinstance(source, CallHandler):
        raise TypeError(f"serve {type(source).__name__}, the class, and not an instance of it: every call gets its own")
    if not callable(source):
        raise TypeError(f"{source!r} is no handler class, and makes none")
    made = _made_by(source)
    name = getattr(made, "__name__", repr(made))
    if isinstance(made, type) and not issubclass(made, CallHandler):
        raise TypeError(f"{name} is no CallHandler")
    if any(inspect.iscoroutinefunction(each) or inspect.isasyncgenfunction(each) for each in (made, _call_of(made))):
        raise TypeError(
            f"{name} is a coroutine function; a handler is a class with run(), or a callable that makes one"
        )
    positional, keywords = _required_parameters(source)
    if keywords or positional > 1 or (positional and isinstance(made, type)):
        needs = ", ".join(keywords) or f"{positional} arguments"
        raise TypeError(f"{name}() needs {needs}; give them with functools.partial")
    if not positional:
        make = cast("Callable[[], CallHandler[Any]]", source)
        return lambda _: make()
    return cast("Callable[[Call], CallHandler[Any]]", source)


def handler_class_of(source: HandlerSource) -> type[CallHandler[Any]]:
    """The class whose settings count before the call is there; a callable that makes handlers has the defaults."""
    made = _made_by(source)
    return made if isinstance(made, type) and issubclass(made, CallHandler) else CallHandler


def _made_by(source: HandlerSource) -> Callable[..., object]:
    """The class or function itself, where a partial stands before it."""
    return source.func if isinstance(source, partial) else source


def _call_of(thing: object) -> object:
    """What runs when a thing is called that is no function."""
    return inspect.getattr_static(type(thing), "__call__", None)


def _required_parameters(source: Callable[..., object]) -> tuple[int, list[str]]:
    """How many positional arguments a callable needs, and which keyword arguments."""
    try:
        parameters = inspect.signature(source).parameters.values()
    except ValueError:  # a built-in that does not tell
        return 0, []
    required = [parameter for parameter in parameters if parameter.default is parameter.empty]
    positional = sum(each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD) for each in required)
    return positional, [each.name for each in required if each.kind is each.KEYWORD_ONLY]
