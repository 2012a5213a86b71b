"""The exports of a component, between the host's words and this package's. Only the build imports it, in a component."""

from types import ModuleType
from typing import Any

from componentize_py_types import Err  # type: ignore[import-not-found]

from . import context
from .context import EffectId, Response, Sender, Supervision
from .definition import Definition
from .machine import Machine, Said


def actor_of(module: ModuleType) -> Any:
    """The one actor that a module defines."""
    found = [one for one in vars(module).values() if isinstance(one, type) and one.__module__ == module.__name__]
    found = [one for one in found if isinstance(getattr(one, "__troupe_actor__", None), Definition)]
    if len(found) != 1:
        raise TypeError(f"{module.__name__} has {len(found)} classes with @actor, and wants one")
    return found[0]


def exports(module: ModuleType, runtime: Any, types: Any, http: Any = None) -> tuple[type, type, type]:
    """The classes `Handler`, `Migration` and `Description`."""
    machine = Machine(actor_of(module), _Host(runtime, types, http))

    class Handler:
        def init(self, ctx: Any, config: bytes | None) -> Any:
            return _result(machine.init, *_context(ctx), config)

        def message_contract(self, ctx: Any, message: bytes, state: bytes) -> Any:
            return _result(machine.message_contract, *_context(ctx), message, state)

        def handle(self, ctx: Any, message: bytes, state: bytes) -> Any:
            state, reply = _result(machine.handle, *_context(ctx), message, state)
            return types.Outcome(state, reply)

        def state_contract(self, state: bytes) -> Any:
            return _result(machine.state_contract, state)

    class Migration:
        def migrate(self, ctx: Any, state: bytes) -> Any:
            return _result(machine.migrate, *_context(ctx), state)

    class Description:
        def schema(self) -> str:
            return machine.schema()

    return Handler, Migration, Description


def _result(function: Any, *arguments: Any) -> Any:
    try:
        return function(*arguments)
    except Said as said:
        raise Err(said.reason) from None


def _context(ctx: Any) -> tuple[Sender, int, int]:
    return _sender(ctx.from_), ctx.at, ctx.seq


def _sender(sender: Any) -> Sender:
    name = type(sender).__name__.removeprefix("Sender_")
    if name == "Http":
        return context.Http()
    value = sender.value
    match name:
        case "Did":
            return context.Did(value)
        case "Timer":
            return context.Timer(_id(value.set), value.due)
        case "Reply":
            return context.Reply(_id(value.to), value.chain, value.entry)
        case "Notice":
            about: Any = value.about.name.lower().replace("_", "-")
            return context.Notice(_id(value.of), about, value.chain, value.entry)
        case "Actor":
            return context.Actor(value.chain, value.entry, value.n)
    return context.Parent(value.chain, value.entry, value.n)


def _id(effect: Any) -> EffectId:
    return EffectId(effect.seq, effect.n)


class _Host:
    """The imports of a component."""

    def __init__(self, runtime: Any, types: Any, http: Any) -> None:
        self._runtime = runtime
        self._types = types
        self._http = http

    def log(self, level: str, line: str) -> None:
        self._runtime.log(self._runtime.Level[level.upper()], line)

    def send(self, to: str, message: bytes) -> None:
        self._runtime.send(to, message)

    def request(self, to: str, message: bytes, timeout: int) -> EffectId:
        return _id(self._runtime.request(to, message, timeout))

    def set_timer(self, after: int, message: bytes) -> EffectId:
        return _id(self._runtime.set_timer(after, message))

    def set_cron(self, cron: str, message: bytes) -> EffectId:
        return _id(self._runtime.set_cron(cron, message))

    def cancel(self, timer: EffectId) -> None:
        self._runtime.cancel(self._types.EffectId(timer.seq, timer.n))

    def spawn(
        self,
        component: str | None,
        config: bytes | None,
        name: str | None,
        grants: list[str],
        supervision: Supervision | None,
    ) -> EffectId:
        rules = None
        if supervision is not None:
            policy = self._runtime.OnFailure[supervision.on_failure.upper().replace("-", "_")]
            rules = self._runtime.Supervision(
                policy,
                supervision.failures,
                supervision.within,
                supervision.backoff,
                supervision.max_backoff,
                supervision.max_restarts,
            )
        return _id(self._runtime.spawn(self._runtime.Child(component, config, name, grants, rules)))

    def stop(self, child: str) -> None:
        self._runtime.stop(child)

    def exit(self, reason: str) -> None:
        self._runtime.exit(reason)

    def fetch(self, method: str, url: str, headers: list[tuple[str, str]], body: bytes | None) -> Response:
        if self._http is None:
            raise RuntimeError("this actor was built without the web: build it with --web")
        try:
            answer = self._http.fetch(self._http.Request(method, url, headers, body))
        except Err as error:
            raise OSError(f"{url}: {error.value}") from None
        return Response(answer.status, answer.headers, answer.body)
