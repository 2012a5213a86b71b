"""What an actor's methods may know beside the state, and what they may ask of the runtime."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from .codec import encode

_MAX_TEXT = 256
_MAX_INTEGER = 2**53 - 1

About = Literal[
    "busy",
    "failed",
    "lapsed",
    "late",
    "no-reply",
    "out-of-time",
    "paused",
    "refused",
    "restarted",
    "started",
    "stopped",
    "unknown",
]
Level = Literal["debug", "info", "warn", "error"]


@dataclass(frozen=True)
class EffectId:
    """An effect of this actor: number `n` of the entry at position `seq`."""

    seq: int
    n: int


@dataclass(frozen=True)
class Http:
    """An HTTP client that did not say who it is."""

    kind = "http"


@dataclass(frozen=True)
class Did:
    """Whoever holds the key of this DID, and signed the message with it."""

    kind = "did"
    did: str


@dataclass(frozen=True)
class Actor:
    """Another actor: its id, and the entry and number of its effect."""

    kind = "actor"
    chain: str
    entry: str
    n: int


@dataclass(frozen=True)
class Timer:
    """A timer of this actor, due at so many milliseconds since 1970."""

    kind = "timer"
    set: EffectId
    due: int


@dataclass(frozen=True)
class Reply:
    """The receiver of a request of this actor."""

    kind = "reply"
    to: EffectId
    chain: str
    entry: str


@dataclass(frozen=True)
class Notice:
    """The runtime, about an effect of this actor."""

    kind = "notice"
    of: EffectId
    about: About
    chain: str | None
    entry: str | None


@dataclass(frozen=True)
class Parent:
    """The actor that started this one."""

    kind = "parent"
    chain: str
    entry: str
    n: int


Sender = Http | Did | Actor | Timer | Reply | Notice | Parent


@dataclass(frozen=True)
class Supervision:
    """When failures are repeated failures, and what is done about them; times in milliseconds."""

    on_failure: Literal["go-on", "pause", "restart", "restore", "stop", "escalate"] = "go-on"
    failures: int = 1
    within: int = 60_000
    backoff: int = 1000
    max_backoff: int = 60_000
    max_restarts: int = 5


@dataclass(frozen=True)
class Response:
    """An answer of the web."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300

    def header(self, name: str) -> str | None:
        """The first header of that name."""
        return next((value for one, value in self.headers if one.lower() == name.lower()), None)

    def text(self) -> str:
        return self.body.decode("utf-8")

    def json(self) -> Any:
        return json.loads(self.body)


class Runtime(Protocol):
    """What is asked of the host, in the words of this package: in a component the imports, in a test the harness."""

    def log(self, level: Level, line: str) -> None: ...
    def send(self, to: str, message: bytes) -> None: ...
    def request(self, to: str, message: bytes, timeout: int) -> EffectId: ...
    def set_timer(self, after: int, message: bytes) -> EffectId: ...
    def set_cron(self, cron: str, message: bytes) -> EffectId: ...
    def cancel(self, timer: EffectId) -> None: ...
    def spawn(
        self,
        component: str | None,
        config: bytes | None,
        name: str | None,
        grants: list[str],
        supervision: Supervision | None,
    ) -> EffectId: ...
    def stop(self, child: str) -> None: ...
    def exit(self, reason: str) -> None: ...
    def fetch(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes | None) -> Response: ...


class Log:
    """Lines for the actor's log; they reach no chain and no other actor. Values are joined as `print` does."""

    def __init__(self, write: Callable[[Level, str], None]) -> None:
        self._write = write

    def debug(self, *values: object) -> None:
        self._write("debug", " ".join(map(str, values)))

    def info(self, *values: object) -> None:
        self._write("info", " ".join(map(str, values)))

    def warn(self, *values: object) -> None:
        self._write("warn", " ".join(map(str, values)))

    def error(self, *values: object) -> None:
        self._write("error", " ".join(map(str, values)))


class Context:
    """Who sent the message, when, and what can be asked for: effects are done once the entry is committed.

    In `accept` there are `at`, `seq`, `sender` and `log`; the rest raises there. So does what the runtime would trap on.
    """

    def __init__(self, runtime: Runtime, sender: Sender, at: int, seq: int, *, effects: bool) -> None:
        self.sender = sender
        self.at = at
        self.seq = seq
        self.log = Log(runtime.log)
        self._runtime = runtime
        self._effects = effects

    def send(self, to: str, message: Any) -> None:
        """Sends a message."""
        self._asked("send").send(_actor(to), encode(message, "message"))

    def request(self, to: str, message: Any, timeout: int) -> EffectId:
        """Sends a message that is to be replied to within so many milliseconds."""
        return self._asked("request").request(_actor(to), encode(message, "message"), _time(timeout, "timeout"))

    def set_timer(self, after: int, message: Any) -> EffectId:
        """Sends this actor a message after so many milliseconds."""
        return self._asked("set_timer").set_timer(_time(after, "after"), encode(message, "message"))

    def set_cron(self, cron: str, message: Any) -> EffectId:
        """Sends this actor a message whenever it is time: minute, hour, day of month, month, day of week, in UTC."""
        return self._asked("set_cron").set_cron(_text(cron, "cron"), encode(message, "message"))

    def cancel(self, timer: EffectId) -> None:
        """Ends a timer; does nothing if it has gone off."""
        self._asked("cancel").cancel(timer)

    def spawn(
        self,
        *,
        component: str | None = None,
        config: Any = None,
        name: str | None = None,
        grants: Iterable[str] = (),
        supervision: Supervision | None = None,
    ) -> EffectId:
        """Starts another actor, of the component with that hash or of this actor's own, with this one as its parent."""
        runtime = self._asked("spawn")
        data = None if config is None else encode(config, "config")
        return runtime.spawn(component, data, name, list(grants), supervision)

    def stop(self, child: str) -> None:
        """Stops a child."""
        self._asked("stop").stop(_actor(child))

    def exit(self, reason: str) -> None:
        """Ends this actor, once the entry being made is committed."""
        self._asked("exit").exit(_text(reason, "reason"))

    def fetch(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | Iterable[tuple[str, str]] = (),
        body: str | bytes | None = None,
    ) -> Response:
        """Asks the web and waits for the answer; raises OSError if the host is not granted or does not answer."""
        pairs = list(headers.items() if isinstance(headers, Mapping) else headers)
        data = body.encode() if isinstance(body, str) else body
        return self._asked("fetch").fetch(method, url, pairs, data)

    def _asked(self, what: str) -> Runtime:
        if self._effects:
            return self._runtime
        raise RuntimeError(f"{what} is possible in init, while a message is handled, and in migrate")


def _actor(name: str) -> str:
    return _text(name, "the name of an actor")


def _text(value: Any, what: str) -> str:
    if isinstance(value, str) and 1 <= len(value) <= _MAX_TEXT and value.isascii() and value.isprintable():
        return value
    raise ValueError(f"{what} is 1 to {_MAX_TEXT} printable ASCII characters, not {value!r}")


def _time(value: Any, what: str) -> int:
    if type(value) is int and 0 <= value <= _MAX_INTEGER:
        return value
    raise ValueError(f"{what} is {value!r}; it is a whole number of milliseconds up to 2^53-1")


