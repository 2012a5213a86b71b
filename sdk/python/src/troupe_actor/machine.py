"""An actor's functions from bytes to bytes, on any host: in a component, or in a test."""

import inspect
import json
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from . import ambient
from .codec import decode, encode
from .context import Context, Log, Notice, Reply, Runtime, Sender
from .definition import Definition, Takes, definition_of
from .refused import Refused
from .shapes import Wrong

_PACKAGE = str(Path(__file__).parent)


class Said(Exception):
    """What a function says in the place of a result."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Machine:
    """An actor on a runtime. Each method raises `Said` for an error, and nothing else."""

    def __init__(self, kind: Any, runtime: Runtime) -> None:
        self._definition: Definition = definition_of(kind)
        self._runtime = runtime

    def init(self, sender: Sender, at: int, seq: int, config: bytes | None) -> bytes:
        with self._guarded(at):
            actor = self._definition
            with _in_words(actor.reasons.get("config")):
                value = _read(actor.config.read, None if config is None else _parsed(config, "config"), "config")
            if actor.init is None:
                return encode(actor.kind(), "state")
            ctx = self._context(sender, at, seq, effects=True)
            arguments = {} if actor.init.by_name is not None else value
            return encode(actor.init(actor.kind, arguments, ctx), "state")

    def message_contract(self, sender: Sender, at: int, seq: int, message: bytes, state: bytes) -> None:
        with self._guarded(at):
            with _in_words(self._definition.reasons.get("message")):
                takes, value, name = self._route(_parsed(message, "message"), sender)
                found = _read(takes.handle.shape.read, value, name)
            if takes.accept is not None:
                ctx = self._context(sender, at, seq, effects=False)
                takes.accept(self._state(state), found, ctx)

    def handle(self, sender: Sender, at: int, seq: int, message: bytes, state: bytes) -> tuple[bytes, bytes | None]:
        with self._guarded(at):
            takes, value, name = self._route(_parsed(message, "message"), sender)
            found = _read(takes.handle.shape.read, value, name)
            now = self._state(state)
            reply = takes.handle(now, found, self._context(sender, at, seq, effects=True))
            if inspect.isawaitable(reply):
                raise TypeError("the method returned an awaitable; an actor's methods are not async")
            return encode(now, "state"), None if reply is None else encode(reply, "reply")

    def state_contract(self, state: bytes) -> None:
        with self._guarded(None):
            now = _read(self._definition.state.read, _parsed(state, "state"), "state")
            if self._definition.check is not None:
                self._definition.check.method(now)

    def migrate(self, sender: Sender, at: int, seq: int, state: bytes) -> bytes:
        with self._guarded(at):
            actor = self._definition
            if actor.migrate is None:
                return state
            value = _read(actor.migrate.shape.read, _parsed(state, "state"), "state")
            return encode(actor.migrate(actor.kind, value, self._context(sender, at, seq, effects=True)), "state")

    def schema(self) -> str:
        actor = self._definition
        said: dict[str, Any] = {"state": actor.state.schema, "config": actor.config.schema}
        if actor.messages is not None:
            said["message"] = {"oneOf": [_only(name, one) for name, one in actor.messages.items()]}
        elif actor.handle is not None:
            said["message"] = actor.handle.handle.shape.schema
        if actor.replies:
            said["reply"] = {"anyOf": actor.replies}
        return json.dumps(said, ensure_ascii=False, separators=(",", ":"))

    def _route(self, message: Any, sender: Sender) -> tuple[Takes, Any, str]:
        """What takes a message, what is given to it, and what that is called."""
        actor = self._definition
        if isinstance(sender, Reply) and actor.on_reply:
            return actor.on_reply, message, "reply"
        if isinstance(sender, Notice) and actor.on_notice:
            return actor.on_notice, message, "notice"
        if actor.messages is None:
            assert actor.handle is not None
            return actor.handle, message, "message"
        if type(message) is not dict or len(message) != 1:
            raise Refused("a message is an object with one key, its name")
        ((name, value),) = message.items()
        takes = actor.messages.get(name)
        if takes is None:
            raise Refused(f"there is no message {json.dumps(name)}; there are {', '.join(actor.messages)}")
        return takes, value, name

    def _state(self, state: bytes) -> Any:
        return _read(self._definition.state.read, _parsed(state, "state"), "state")

    def _context(self, sender: Sender, at: int, seq: int, *, effects: bool) -> Context:
        return Context(self._runtime, sender, at, seq, effects=effects)

    @contextmanager
    def _guarded(self, at: int | None) -> Iterator[None]:
        try:
            with ambient.at(at, self._runtime.log):
                yield
        except Refused as refused:
            raise Said(str(refused)) from None
        except Exception as error:
            Log(self._runtime.log).error(f"{type(error).__name__}: {error}{_where(error)}")
            raise Said(_reason(error)) from error


def _reason(error: Exception) -> str:
    """What an error says; before a mere key, and where it says nothing, of which kind it is."""
    text, kind = str(error), type(error).__name__
    if not text:
        return kind
    return f"{kind}: {text}" if isinstance(error, KeyError) else text


def _parsed(data: bytes, what: str) -> Any:
    try:
        return decode(data)
    except (ValueError, RecursionError) as error:
        raise Refused(f"the {what} is not JSON: {error}") from None


def _read(read: Callable[[Any], Any], value: Any, what: str) -> Any:
    try:
        return read(value)
    except Wrong as wrong:
        raise Refused(f"{what}{wrong.path}: {wrong.what}") from None


@contextmanager
def _in_words(words: str | Callable[[str], str] | None) -> Iterator[None]:
    """Refuses in the author's words, if there are any, in the place of its own."""
    try:
        yield
    except Refused as refused:
        if words is None:
            raise
        raise Refused(words if isinstance(words, str) else words(str(refused))) from None


def _only(name: str, takes: Takes) -> dict[str, Any]:
    properties = {name: takes.handle.shape.schema}
    return {"type": "object", "properties": properties, "required": [name], "additionalProperties": False}


def _where(error: BaseException) -> str:
    """` at FILE:LINE` of the innermost call outside of this package."""
    # Anything of `traceback` that shows source lines would look for files, of which a component has none.
    frames = [(frame.f_code.co_filename, line) for frame, line in traceback.walk_tb(error.__traceback__)]
    frames = [(file, line) for file, line in frames if not file.startswith(_PACKAGE)]
    return f" at {Path(frames[-1][0]).name}:{frames[-1][1]}" if frames else ""
