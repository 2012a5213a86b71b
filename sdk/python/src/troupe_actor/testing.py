"""An actor on this machine, without WebAssembly: for the unit tests of its author."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from . import ambient
from .codec import decode, encode
from .context import EffectId, Http, Level, Response, Sender, Supervision
from .machine import Machine, Said
from .refused import Refused

__all__ = ["Effect", "Failed", "Harness", "Refused", "Result"]

_FIRST_SEQ = 2
_AT = 1_700_000_000_000

#: An effect that the actor asked for: its kind, and what belongs to it.
Effect = tuple[str, dict[str, Any]]


class Failed(Exception):
    """The actor failed on a message."""


@dataclass
class Result:
    """What came of a message."""

    reply: Any
    effects: list[Effect]
    log: list[tuple[Level, str]]
    reply_text: str | None = None


@dataclass
class _Host:
    web: Callable[[str, str, list[tuple[str, str]], bytes | None], Response] | None
    seq: int = 1
    lines: list[tuple[Level, str]] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def _effect(self, kind: str, **members: Any) -> EffectId:
        self.effects.append((kind, members))
        return EffectId(self.seq, len(self.effects) - 1)

    def log(self, level: Level, line: str) -> None:
        self.lines.append((level, line))

    def send(self, to: str, message: bytes) -> None:
        self._effect("send", to=to, message=decode(message))

    def request(self, to: str, message: bytes, timeout: int) -> EffectId:
        return self._effect("request", to=to, message=decode(message), timeout=timeout)

    def set_timer(self, after: int, message: bytes) -> EffectId:
        return self._effect("timer", after=after, message=decode(message))

    def set_cron(self, cron: str, message: bytes) -> EffectId:
        return self._effect("cron", cron=cron, message=decode(message))

    def cancel(self, timer: EffectId) -> None:
        self._effect("cancel", timer=timer)

    def spawn(
        self,
        component: str | None,
        config: bytes | None,
        name: str | None,
        grants: list[str],
        supervision: Supervision | None,
    ) -> EffectId:
        given = None if config is None else decode(config)
        return self._effect(
            "spawn", component=component, config=given, name=name, grants=grants, supervision=supervision
        )

    def stop(self, child: str) -> None:
        self._effect("stop", child=child)

    def exit(self, reason: str) -> None:
        self._effect("exit", reason=reason)

    def fetch(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes | None) -> Response:
        if self.web is None:
            raise RuntimeError("the harness has no web: give it one, Harness(actor, web=…)")
        return self.web(method, url, headers, body)


class Harness:
    """Runs an actor as a node does: contracts before and after, everything through bytes, nothing kept but the state."""

    def __init__(
        self,
        kind: type,
        *,
        config: Any = None,
        at: int = _AT,
        web: Callable[[str, str, list[tuple[str, str]], bytes | None], Response] | None = None,
    ) -> None:
        self._at = at
        self._host = _Host(web)
        self._machine = Machine(kind, self._host)
        data = None if config is None else encode(config, "config")
        state = self._call(Refused, lambda: self._machine.init(Http(), at, 1, data))
        self._checked(Refused, state)
        self._host.seq = _FIRST_SEQ

    @property
    def state(self) -> Any:
        """The state as JSON has it: dicts, lists, text, numbers."""
        return decode(self._state)

    @property
    def state_text(self) -> str:
        """The state's bytes as text."""
        return self._state.decode()

    @property
    def seq(self) -> int:
        """The position of the next entry."""
        return self._host.seq

    @property
    def log(self) -> list[tuple[Level, str]]:
        """The log of the last message, also of one that was refused or failed."""
        return self._host.lines

    @property
    def schema(self) -> dict[str, Any]:
        """The JSON Schemas of what the actor takes."""
        schema: dict[str, Any] = json.loads(self._machine.schema())
        return schema

    def send(self, message: Any, *, sender: Sender | None = None, at: int = 0) -> Result:
        """Sends a message: a value, or bytes.

        Raises `Refused` if the contract refuses it, and `Failed` if the actor fails, with the state as it was.
        """
        data = message if isinstance(message, bytes) else encode(message, "message")
        self._at = max(at, self._at)
        self._host.lines, self._host.effects = [], []
        context = (sender or Http(), self._at, self._host.seq)
        self._call(Refused, lambda: self._machine.message_contract(*context, data, self._state))
        try:
            state, reply = self._call(Failed, lambda: self._machine.handle(*context, data, self._state))
            self._checked(Failed, state)
        finally:
            # A message that was taken has a position, also if the actor fails on it.
            self._host.seq += 1
        said = None if reply is None else reply.decode()
        return Result(None if reply is None else decode(reply), self._host.effects, self._host.lines, said)

    def migrate(self, state: Any) -> None:
        """Carries a state over from other code, as an upgrade does."""
        data = encode(state, "state")
        self._checked(
            Refused, self._call(Refused, lambda: self._machine.migrate(Http(), self._at, self.seq, data))
        )

    def check(self, state: Any) -> None:
        """Raises `Refused` if a state, a value or bytes, does not keep the contract."""
        data = state if isinstance(state, bytes) else encode(state, "state")
        self._call(Refused, lambda: self._machine.state_contract(data))

    def _checked(self, kind: type[Exception], state: bytes) -> None:
        self._call(kind, lambda: self._machine.state_contract(state))
        self._state = state

    @staticmethod
    def _call(kind: type[Exception], function: Callable[[], Any]) -> Any:
        restore = ambient.install()
        try:
            return function()
        except Said as said:
            raise kind(said.reason) from said.__cause__
        finally:
            restore()
