"""What an author defines, checked and compiled once: `@actor` on a class, `@message` on its methods."""

import dataclasses
import inspect
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, dataclass_transform, overload

from .context import Context
from .shapes import Shape, members, shape

_ATTRIBUTE = "__troupe_actor__"
_CONTEXT = "ctx"
_REASONS = ("config", "message")

T = TypeVar("T")
Method = TypeVar("Method", bound=Callable[..., Any])
Accepting = TypeVar("Accepting", bound=Callable[..., None])
Reason = str | Callable[[str], str]


class Message(Generic[Method]):
    """A method that handles a message; within the class it can be called like any other."""

    def __init__(self, handle: Method) -> None:
        self.handle = handle
        self.accepting: Callable[..., Any] | None = None
        self.__doc__ = handle.__doc__

    def accept(self, method: Accepting) -> Accepting:
        """Decorates the method that raises `Refused` if the message may not be handled in this state."""
        self.accepting = method
        return method

    def __get__(self, instance: object, owner: type) -> Any:
        return self if instance is None else self.handle.__get__(instance, owner)


def message(handle: Method) -> Message[Method]:
    """Makes a method handle the message of its name: `{"add":{"n":2}}` calls `add(n=2)`."""
    return Message(handle)


@dataclass(frozen=True)
class Call:
    """A method, and what it takes of a message: one value as it is, or the members of an object by name."""

    method: Callable[..., Any]
    shape: Shape
    by_name: frozenset[str] | None
    context: bool

    def __call__(self, around: Any, value: Any, ctx: Context) -> Any:
        """Calls the method of a state, or of the class, with what was read."""
        more = {_CONTEXT: ctx} if self.context else {}
        if self.by_name is None:
            return self.method(around, value, **more)
        return self.method(around, **{name: one for name, one in value.items() if name in self.by_name}, **more)


@dataclass(frozen=True)
class Takes:
    """How a message is taken."""

    handle: Call
    accept: Call | None = None


@dataclass(frozen=True)
class Definition:
    """An actor's class and what it takes."""

    state: Shape
    config: Shape
    init: Call | None
    messages: dict[str, Takes] | None
    handle: Takes | None
    on_reply: Takes | None
    on_notice: Takes | None
    check: Call | None
    migrate: Call | None
    reasons: Mapping[str, Reason]
    replies: list[dict[str, Any]]
    kind: type


@overload
@dataclass_transform()
def actor(kind: type[T]) -> type[T]: ...
@overload
@dataclass_transform()
def actor(*, reasons: Mapping[str, Reason]) -> Callable[[type[T]], type[T]]: ...
def actor(kind: Any = None, *, reasons: Mapping[str, Reason] | None = None) -> Any:
    """Makes an actor of a class: a dataclass, its state, with a method for each message.

    `reasons` has `config` and `message`: the reason given for what does not fit, a text or a function of what was found.
    Raises TypeError for what makes no sense, with its place.
    """
    if kind is None:
        return lambda kind: actor(kind) if reasons is None else _actor(kind, reasons)
    return _actor(kind, {})


def definition_of(kind: Any) -> Definition:
    """What `@actor` found in a class."""
    found = getattr(kind, _ATTRIBUTE, None)
    if not isinstance(found, Definition):
        raise TypeError(f"{kind!r} is not an actor: it wants @actor")
    return found


def _actor(kind: type[T], reasons: Mapping[str, Reason]) -> type[T]:
    if not dataclasses.is_dataclass(kind):
        kind = dataclass(kind)
    name = kind.__name__
    unknown = [reason for reason in reasons if reason not in _REASONS]
    if unknown:
        raise TypeError(f"{name}: there is no reason {unknown[0]!r}; there are {', '.join(_REASONS)}")
    named = {one: _message(kind, found, f"{name}.{one}") for one, found in vars(kind).items() if isinstance(found, Message)}
    whole = _optional(kind, "handle")
    if bool(named) == bool(whole):
        raise TypeError(f"{name} has either methods with @message or a method `handle`")
    init = _optional(kind, "init")
    nothing = shape(None, "config")
    setattr(
        kind,
        _ATTRIBUTE,
        Definition(
            state=shape(kind, name, whole=True),
            config=init.shape if init and init.by_name is None else nothing,
            init=init,
            messages=named or None,
            handle=Takes(whole, _optional(kind, "accept")) if whole else None,
            on_reply=_taking(kind, "on_reply"),
            on_notice=_taking(kind, "on_notice"),
            check=_optional(kind, "check"),
            migrate=_optional(kind, "migrate"),
            reasons=reasons,
            replies=[reply for one in named.values() if (reply := _reply(kind, one.handle))],
            kind=kind,
        ),
    )
    return kind


def _message(kind: type, found: Message[Any], path: str) -> Takes:
    handle = _call(kind, found.handle, path, whole=False)
    if found.accepting is None:
        return Takes(handle)
    accept = _call(kind, found.accepting, f"{path}.accept", whole=False)
    missing = sorted((accept.by_name or frozenset()) - (handle.by_name or frozenset()))
    if missing:
        raise TypeError(f"{path}.accept: {missing[0]} is not a member of the message")
    if accept.by_name is None and handle.by_name is not None:
        raise TypeError(f"{path}.accept: it takes the members of the message by name, as the message does")
    return Takes(handle, accept)


def _taking(kind: type, name: str) -> Takes | None:
    call = _optional(kind, name)
    return Takes(call) if call else None


def _optional(kind: type, name: str) -> Call | None:
    """A method that an actor may have; whatever it takes beside the context is one value."""
    found = inspect.getattr_static(kind, name, None)
    if found is None or isinstance(found, Message):
        return None
    method = found.__func__ if isinstance(found, classmethod) else found
    return _call(kind, method, f"{kind.__name__}.{name}", whole=True)


def _call(kind: type, method: Callable[..., Any], path: str, *, whole: bool) -> Call:
    if inspect.iscoroutinefunction(method):
        raise TypeError(f"{path}: an actor's methods are not async; ctx.fetch waits by itself")
    hints = _hints(kind, method)
    parameters = list(inspect.signature(method).parameters.values())[1:]
    context = any(one.name == _CONTEXT for one in parameters)
    taken = [one for one in parameters if one.name != _CONTEXT]
    if any(one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD) for one in taken):
        raise TypeError(f"{path}: a method names what it takes")
    alone = [one for one in taken if whole or one.kind is one.POSITIONAL_ONLY]
    if alone:
        if len(taken) > 1:
            raise TypeError(f"{path}: a method that takes a message as it is takes nothing beside but `{_CONTEXT}`")
        return Call(method, shape(hints.get(alone[0].name, Any), f"{path}.{alone[0].name}"), None, context)
    named = {
        one.name: (shape(hints.get(one.name, Any), f"{path}.{one.name}"), one.default is one.empty) for one in taken
    }
    return Call(method, members(named, dict), frozenset(named), context)


def _reply(kind: type, handle: Call) -> dict[str, Any] | None:
    hint = _hints(kind, handle.method).get("return", type(None))
    if hint in (type(None), Any):
        return None
    return shape(hint, f"the reply of {kind.__name__}.{handle.method.__name__}", whole=True).schema


def _hints(kind: type, method: Callable[..., Any]) -> dict[str, Any]:
    # The class has no name yet in its own module.
    return typing.get_type_hints(method, localns={kind.__name__: kind}, include_extras=True)
